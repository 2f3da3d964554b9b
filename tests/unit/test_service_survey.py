"""The survey says what differs, changes nothing, and is silent about what is right."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from host_names import address, name_faults

from tests.unit.playbooks import CHECKOUT, run_local

SELF = {"owner": "{{ lookup('pipe', 'id -un') }}", "group": "{{ lookup('pipe', 'id -gn') }}"}


@pytest.fixture(scope="module")
def differs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the module says of services that are right, and of one that is wrong in each way."""
    path = tmp_path_factory.mktemp("survey")
    (path / "right").write_text("as it should be\n")
    (path / "wrong").write_text("older\n")
    (path / "right").chmod(0o644)
    (path / "wrong").chmod(0o644)
    (path / "directory").mkdir(mode=0o755)
    artifact = {"name": "it", "version": "1", "tarball": "/no/it-1.tar", "sha512": "0", "prefix": str(path)}
    services: list[dict[str, Any]] = [
        {"name": "paths", "paths": [str(path / "right")]},
        {"name": "no path", "paths": [str(path / "missing")]},
        {"name": "files", "files": [SELF | {"path": str(path / "right"), "content": "as it should be\n"}]},
        {"name": "older file", "files": [SELF | {"path": str(path / "wrong"), "content": "newer\n"}]},
        {"name": "no file", "files": [SELF | {"path": str(path / "missing"), "content": ""}]},
        {"name": "installs", "installs": [{"directories": [SELF | {"path": str(path / "directory")}]}]},
        {
            "name": "other mode",
            "installs": [{"directories": [SELF | {"path": str(path / "directory"), "mode": "0700"}]}],
        },
        {"name": "no artifact", "installs": [{"artifacts": [artifact]}]},
        {
            "name": "no user",
            "installs": [{"users": [{"name": "nobody-such", "group": "nobody-such", "home": "/no"}]}],
        },
    ]
    before = sorted(each.name for each in path.iterdir())
    found = survey(path, services)
    assert sorted(each.name for each in path.iterdir()) == sorted([*before, "answer", "play.yml"])
    assert (path / "wrong").read_text() == "older\n"
    return found


def survey(path: Path, services: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What the module says of the services."""
    tasks = [
        {"service_survey": {"services": services}, "register": "survey"},
        {
            "ansible.builtin.copy": {
                "dest": str(path / "answer"),
                "content": "{{ survey.differs | to_json }}",
                "mode": "0644",
            }
        },
    ]
    run_local(path, {"tasks": tasks})
    return dict(json.loads((path / "answer").read_text()))


def test_each_fault_is_told_and_what_is_right_is_not(differs: dict[str, list[str]]) -> None:
    assert sorted(differs) == ["no artifact", "no file", "no path", "no user", "older file", "other mode"]


def test_in_a_sentence(differs: dict[str, list[str]]) -> None:
    assert differs["no path"][0].endswith("missing is missing")
    assert differs["older file"][0].startswith("file ")
    assert any("nobody-such" in sentence for sentence in differs["no user"])


SYSTEMCTL = """#!/bin/sh
shift 2
for unit; do
  printf 'Id=%s.service\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n' "$unit"
  printf 'NeedDaemonReload=no\\nMainPID=7\\nInvocationID=abc\\nRuntimeDirectory=%s\\n\\n' "${0%/*}/$unit"
done
"""


@pytest.mark.parametrize(
    ("content", "expected"), [("as recorded", []), ("newer", ["hadoop", "hdfs", "spark"])]
)
def test_a_file_of_one_service_that_daemons_of_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, expected: list[str]
) -> None:
    """Hadoop's play has no daemon: HDFS and Spark have to restart theirs in the run that writes the file."""
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("core-site.xml", "server.properties"):
        (tmp_path / name).write_text("as recorded")
        (tmp_path / name).chmod(0o644)
    digest = hashlib.sha256(b"as recorded").hexdigest()
    services: list[dict[str, Any]] = [
        {"name": "hadoop", "files": [SELF | {"path": str(tmp_path / "core-site.xml"), "content": content}]}
    ]
    for name, reads in (
        ("hdfs", "core-site.xml"),
        ("kafka", "server.properties"),
        ("spark", "core-site.xml"),
    ):
        (tmp_path / f"{name}-daemon").mkdir()
        (tmp_path / f"{name}-daemon" / "config.sha256").write_text(f"{digest}  {tmp_path / reads}\n")
        services.append({"name": name, "units": [f"{name}-daemon"]})
    assert sorted(survey(tmp_path, services)) == expected


UNKNOWN = (
    "this machine has no address of {}: "
    "give every machine of the cluster the names of all, by DNS or in its /etc/hosts"
)
LOOPBACK = (
    "this machine finds a at 127.0.1.1, where daemons would listen for this machine only: in its /etc/hosts "
    "remove the line '127.0.1.1 a', or write the address by which others reach a"
)


@pytest.mark.parametrize(
    ("addresses", "faults"),
    [
        ({}, []),
        ({"a": "192.0.2.1", "b": "192.0.2.2"}, []),
        ({"a": "192.0.2.1", "b": None, "c": None}, [UNKNOWN.format("b, c")]),
        # As Debian's installer leaves /etc/hosts; a cluster of one machine finds itself there.
        ({"a": "127.0.1.1", "b": "192.0.2.2"}, [LOOPBACK]),
        ({"a": "127.0.1.1"}, []),
        ({"a": None}, [UNKNOWN.format("a")]),
        ({"a": "127.0.1.1", "b": None}, [UNKNOWN.format("b"), LOOPBACK]),
    ],
)
def test_names_that_daemons_cannot_use(addresses: dict[str, str | None], faults: list[str]) -> None:
    assert name_faults(addresses) == faults


def test_the_address_is_the_first_one_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(*question: Any) -> Any:
        asked.append(question)
        return [(None, None, None, "", (host, 0)) for host in ("192.0.2.1", "127.0.1.1")]

    assert address("localhost") == "127.0.0.1"
    assert address("no-such-name.invalid") is None
    assert address("a" * 70) is None
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert address("a") == "192.0.2.1"
    assert asked == [("a", None, socket.AF_INET, socket.SOCK_STREAM)]


def test_the_module_refuses_names(tmp_path: Path) -> None:
    names, refusal = (
        ["localhost", "no-such-name.invalid"],
        r"no address of no-such-name\.invalid:.*\n.*remove the line",
    )
    tasks = [
        {"service_survey": {"services": [], "names": names[:1]}},
        {
            "service_survey": {"services": [], "names": names},
            "register": "survey",
            "failed_when": f"survey.msg is not search('{refusal}')",
        },
    ]
    run_local(tmp_path, {"tasks": tasks})


def test_the_role_asks_for_the_names_of_all_machines() -> None:
    read, _ = yaml.safe_load((CHECKOUT / "roles/survey/tasks/read.yml").read_text())
    assert read["service_survey"]["names"] == "{{ groups['cluster'] }}"


@pytest.mark.parametrize(
    ("differs", "settled"),
    [
        ({}, ["hadoop", "hdfs", "install", "kafka", "spark", "yarn", "zookeeper"]),
        ({"kafka": ["file x"]}, ["hadoop", "hdfs", "install", "spark", "yarn", "zookeeper"]),
        # Jars that are unpacked in this run are not yet what the daemons run with.
        ({"install": ["/opt/kafka-1 unpacked"]}, []),
    ],
)
def test_what_is_settled(tmp_path: Path, differs: dict[str, list[str]], settled: list[str]) -> None:
    variables = yaml.safe_load((CHECKOUT / "roles/survey/vars/main.yml").read_text())
    names = list(variables["__survey_services"])
    play = {
        "vars": variables | {"__survey_services": dict.fromkeys(names), "__survey": {"differs": differs}},
        "tasks": [
            # hostvars have no play vars
            {"ansible.builtin.set_fact": {"__survey": "{{ __survey }}"}},
            {"ansible.builtin.assert": {"that": [f"__survey_settled == {settled}"]}},
        ],
    }
    run_local(tmp_path, play)
