"""The renderers: golden text, the same settings read back, and each refusal in words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import config_formats
import pytest
from ansible.errors import AnsibleFilterError
from config_formats import (
    to_hadoop_xml,
    to_properties,
    to_shell_env,
    to_spark_conf,
    to_systemd_dropin,
    to_systemd_settings,
)

from tests.unit.readers import read_environment, read_hadoop_xml, read_properties, read_shell, read_unit

SETTINGS = {
    "zeta": "plain",
    "alpha": True,
    "beta": False,
    "gamma": None,
    "delta": ["a", 1, True],
    "epsilon": 0.5,
    "number": 3,
    "empty": "",
    "none_listed": [],
}

AWKWARD = {
    "windows": "C:\\temp\\new",
    "lines": "one\ntwo\r\n\tthree",
    "led": "  two blanks",
    "feed": "\fform",
    "trailing": "blank ",
    "equals": "=a=b",
    "colon": ":a:b",
    "comment": "#no ! comment",
    "markup": "a < b && c > 'd' \"e\"",
    "umlaut": "Grüße, 世界",
    "emoji": "\N{GRINNING FACE}",
    "variable": "${user.name} $HOME `id` %p %n",
    "continued": "ends with \\",
    "closed": "}a} it's {b",
}


def test_properties_golden() -> None:
    assert to_properties(SETTINGS) == (
        "alpha=true\nbeta=false\ndelta=a,1,true\nempty=\nepsilon=0.5\nnone_listed=\nnumber=3\nzeta=plain\n"
    )


def test_properties_escapes_golden() -> None:
    assert to_properties({"a b": " x", "#c": "é\N{GRINNING FACE}", "d:e=f!": "\\\n\t\r", "g": "=h"}) == (
        "\\#c=\\u00e9\\ud83d\\ude00\na\\ b=\\ x\nd\\:e\\=f\\!=\\\\\\n\\t\\r\ng=\\=h\n"
    )


def test_spark_conf_golden() -> None:
    assert to_spark_conf({"spark.b": True, "spark.a": "x y", "spark.c": None, "spark.d": ":0"}) == (
        "spark.a x y\nspark.b true\nspark.d \\:0\n"
    )


def test_hadoop_xml_golden() -> None:
    assert to_hadoop_xml({"b": True, "a": ["x", "y"], "c": None, "d<": "1 < 2 & 3"}) == (
        "<configuration>\n"
        "  <property><name>a</name><value>x,y</value></property>\n"
        "  <property><name>b</name><value>true</value></property>\n"
        "  <property><name>d&lt;</name><value>1 &lt; 2 &amp; 3</value></property>\n"
        "</configuration>\n"
    )


def test_shell_env_golden() -> None:
    assert to_shell_env({"B": "it's", "A": ["x", "y"], "C": None, "D": 1, "E": '"$}`\\'}, override=["D"]) == (
        'export A="${A:-x,y}"\nexport B="${B:-it\'s}"\nexport D="1"\nexport E="${E:-\\"\\$\\}\\`\\\\}"\n'
    )


def test_systemd_settings_golden() -> None:
    settings = {
        "User": "kafka",
        "LimitNOFILE": 128000,
        "PrivateTmp": True,
        "CapabilityBoundingSet": "",
        "After": ["a.target", "b.target"],
        "Environment": {"B": '50% of "all" \\', "A": ["x", "y"], "C": None},
    }
    assert to_systemd_settings(settings) == (
        "After=a.target\nAfter=b.target\nCapabilityBoundingSet=\n"
        'Environment="A=x,y"\nEnvironment="B=50%% of \\"all\\" \\\\"\n'
        "LimitNOFILE=128000\nPrivateTmp=true\nUser=kafka"
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, ""),
        # As text it is written as it is: whoever gives it knows the form.
        ({"Environment": 'A=1 "B=50%% 2"'}, 'Environment=A=1 "B=50%% 2"'),
        ({"Environment": ["A=1", "B=2"]}, "Environment=A=1\nEnvironment=B=2"),
        ({"Environment": {"A": "50%"}}, 'Environment="A=50%%"'),
        ({"Environment": {}}, ""),
        ({"Environment": None}, "Environment="),
        # None takes back, and what comes after it in a list counts.
        ({"Nice": None}, "Nice="),
        ({"After": [None, "a.target"]}, "After=\nAfter=a.target"),
        ({"After": []}, ""),
        # A service has but one ExecStart; of the others each more is one more.
        ({"ExecStart": "/bin/b"}, "ExecStart=\nExecStart=/bin/b"),
        ({"ExecStart": ["/bin/b", "/bin/c"]}, "ExecStart=\nExecStart=/bin/b\nExecStart=/bin/c"),
        ({"ExecStart": None}, "ExecStart="),
        ({"ExecStartPre": "/bin/b"}, "ExecStartPre=/bin/b"),
    ],
)
def test_systemd_settings(settings: dict[str, Any], text: str) -> None:
    assert to_systemd_settings(settings) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], ""),
        ([{}, {}], ""),
        ([{"Service": {}}], ""),
        ([{"Service": None}], ""),
        (
            [{"Install": {"WantedBy": "a"}, "Service": {"Nice": 5}, "Unit": {"After": "b"}}],
            "[Unit]\nAfter=b\n\n[Service]\nNice=5\n\n[Install]\nWantedBy=a",
        ),
        # Of all units, then of this one: what comes later wins, or adds.
        (
            [{"Service": {"Nice": 5, "Environment": "A=1"}}, {"Service": {"Nice": 6, "Environment": "B=2"}}],
            "[Service]\nEnvironment=A=1\nNice=5\n\n[Service]\nEnvironment=B=2\nNice=6",
        ),
        ([{}, {"Service": {"Nice": None}}], "[Service]\nNice="),
    ],
)
def test_systemd_dropin(parts: list[dict[str, Any]], text: str) -> None:
    assert to_systemd_dropin(parts) == text


@pytest.mark.parametrize(
    ("render", "nothing"),
    [
        (to_properties, ""),
        (to_spark_conf, ""),
        (to_shell_env, ""),
        (to_hadoop_xml, "<configuration>\n</configuration>\n"),
    ],
)
def test_none_leaves_the_key_out(render: Callable[[dict[str, Any]], str], nothing: str) -> None:
    assert render({}) == nothing
    assert render({"a": None}) == nothing


@pytest.mark.parametrize("render", [to_properties, to_spark_conf])
def test_properties_are_read_back(render: Callable[[dict[str, Any]], str]) -> None:
    assert read_properties(render(AWKWARD)) == AWKWARD
    keys = dict.fromkeys(("a b", "#a", "!a", "a=b", "a:b", "a\\b", "ä", "\ta"), "x")
    assert read_properties(render(keys)) == keys


def test_hadoop_xml_is_read_back() -> None:
    # No XML has a form feed, and its readers make one line end of two characters.
    awkward = {key: text for key, text in AWKWARD.items() if key not in ("feed", "lines")}
    assert read_hadoop_xml(to_hadoop_xml(awkward | {"lines": "one\ntwo"})) == awkward | {"lines": "one\ntwo"}


@pytest.mark.parametrize("override", [(), tuple(AWKWARD)])
def test_shell_env_is_read_back(override: tuple[str, ...]) -> None:
    assert read_shell(to_shell_env(AWKWARD, override=override), *AWKWARD) == AWKWARD


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_env_leaves_what_the_caller_has_set(shell: str) -> None:
    """A variable that is set to nothing counts as not set, as upstream has it; a override one wins."""
    text = to_shell_env(dict.fromkeys(("GIVEN", "EMPTY", "ABSENT", "FIRM"), "$file"), override=["FIRM"])
    done = subprocess.run(
        [shell, "-euc", f"{text}exec env"],
        env={"PATH": "/usr/bin:/bin", "GIVEN": "caller's $x }", "EMPTY": "", "FIRM": "caller's"},
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = {"GIVEN=caller's $x }", "EMPTY=$file", "ABSENT=$file", "FIRM=$file"}
    assert wanted <= set(done.stdout.splitlines())


def test_unit_environment_is_read_back() -> None:
    awkward = {key: text for key, text in AWKWARD.items() if "\n" not in text}
    unit = read_unit(to_systemd_dropin([{"Service": {"Environment": awkward}}]))
    assert read_environment(unit["Service"]["Environment"]) == awkward


@pytest.mark.parametrize("render", [to_properties, to_spark_conf, to_hadoop_xml, to_shell_env])
def test_order_of_keys_does_not_matter(render: Callable[[dict[str, Any]], str]) -> None:
    assert render(SETTINGS) == render(dict(reversed(SETTINGS.items())))


def test_keys_may_be_numbers() -> None:
    settings: dict[Any, str] = {2: "b", "10": "a", True: "c"}
    assert to_properties(settings) == "10=a\n2=b\nTrue=c\n"


@pytest.mark.parametrize("name", ["to_properties", "to_hadoop_xml", "to_shell_env"])
@pytest.mark.parametrize(
    ("value", "got"), [({"x": 1}, "dict"), ([["x"]], "list"), ([None], "NoneType"), (object(), "object")]
)
def test_other_values_are_refused_with_key_and_type(name: str, value: Any, got: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        getattr(config_formats, name)({"my_key": value})
    assert refused.value.message == (
        f"{name}: my_key must be text, a number, true or false, or a list of these, got {got}"
    )


@pytest.mark.parametrize("name", ["to_properties", "to_hadoop_xml", "to_shell_env", "to_systemd_settings"])
@pytest.mark.parametrize(("value", "got"), [(["a"], "list"), ("a", "str"), (None, "NoneType")])
def test_other_settings_are_refused(name: str, value: Any, got: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        getattr(config_formats, name)(value)
    assert refused.value.message == f"{name} requires a dict, got {got}"


@pytest.mark.parametrize("key", ["A-B", "1A", "A B", "A;id", ""])
def test_shell_env_refuses_what_is_no_name(key: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_shell_env({key: "x"})
    assert refused.value.message == f"to_shell_env: {key!r} is not a name of a variable"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Service": "x"}, "to_systemd_settings requires a dict, got str"),
        ({"Service": {"User": "a\nb"}}, r"a unit: User must be one line, got 'a\nb'"),
        (
            {"Service": {"Environment": {"A": "1\n2"}}},
            "a unit: Environment must be one line, got '\"A=1\\n2\"'",
        ),
        (
            {"Service": {"User": {"a": 1}}},
            "a unit: User must be text, a number, true or false, or a list of these, got dict",
        ),
        (
            {"Service": {"Environment": {"A": {"a": 1}}}},
            "Environment: A must be text, a number, true or false, or a list of these, got dict",
        ),
        (
            {"service": {"User": "x"}, "Unit": {}, "Socket": {}},
            "to_systemd_dropin: there is no section Socket, service: a service has Unit, Service, Install",
        ),
    ],
)
def test_systemd_dropin_refuses(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_systemd_dropin([{}, sections])
    assert refused.value.message == message


def test_ansible_finds_every_filter() -> None:
    assert set(config_formats.FilterModule().filters()) == {
        "to_hadoop_xml",
        "to_properties",
        "to_shell_env",
        "to_spark_conf",
        "to_systemd_dropin",
        "to_systemd_settings",
    }
