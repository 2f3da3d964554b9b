"""Which properties a daemon runs with otherwise than its file is to have them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import host_properties
import pytest

PATH = "/etc/kafka/server-1.properties"
UNIT = {"name": "kafka@1", "dynamic": PATH}
KEPT = "# kept\na=1\nb = 2\nc=3\n"


def compare(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str,
    *,
    kept: str | None = KEPT,
    read: str = KEPT,
    why: tuple[str, ...] = (PATH,),
) -> Any:
    """What is said of a broker that has read a file, of which a copy is kept, and is to have another."""
    copy = tmp_path / "kafka@1/etc/kafka/server-1.properties"
    copy.parent.mkdir(parents=True)
    if kept is not None:
        copy.write_text(kept)
    digest = hashlib.sha256(read.encode()).hexdigest()
    monkeypatch.setattr(
        host_properties, "loaded", lambda units: {unit: {"RuntimeDirectory": "kafka/1"} for unit in units}
    )
    monkeypatch.setattr(host_properties, "recorded", lambda folder: {PATH: digest})
    files = [{"path": PATH, "secret_content": wanted}]
    reasons = {"kafka@1": list(why)} if why else {}
    return host_properties.compare([UNIT], files, reasons, kept=str(tmp_path))


@pytest.mark.parametrize(
    ("wanted", "differs"),
    [
        ("b=2\na=1\nc=3\n# another word\n", []),
        ("a=1\nb=4\nc=3\n", ["b"]),
        ("a=1\nd=4\n", ["b", "c", "d"]),
    ],
)
def test_what_a_running_daemon_has_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, differs: list[str]
) -> None:
    found = compare(tmp_path, monkeypatch, wanted)
    assert found == {"kafka@1": {"wanted": host_properties.parse(wanted), "differs": differs}}


@pytest.mark.parametrize(
    ("given", "differs"),
    [
        # Nothing is stale.
        ({"why": ()}, []),
        # It has to be restarted for another file as well, or has no record.
        ({"why": (PATH, "/opt/java/bin/java")}, None),
        ({"why": ("no record",)}, None),
        # Nobody knows what it has read: no copy, that of another start, or one with lines that go on.
        ({"kept": None}, None),
        ({"read": "a=0\n"}, None),
        ({"kept": "a=1\\\nb=2\n", "read": "a=1\\\nb=2\n"}, None),
    ],
)
def test_where_it_is_not_known_the_daemon_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], differs: list[str] | None
) -> None:
    assert compare(tmp_path, monkeypatch, "a=2\n", **given)["kafka@1"]["differs"] == differs


def test_values_of_secrets_and_of_escapes_stay_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = "a=1\nssl.key.password=abc\nsasl.jaas.config=Login x\nc=\\ 3\n"
    assert compare(tmp_path, monkeypatch, wanted) == {
        "kafka@1": {"wanted": {"a": "1"}, "differs": ["b", "c", "sasl.jaas.config", "ssl.key.password"]}
    }


@pytest.mark.parametrize("text", ["a 1\n", "a=1\\\n"])
def test_a_file_of_another_form_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    assert compare(tmp_path, monkeypatch, text) == {}


def test_units_without_such_a_file_are_left_out() -> None:
    files = [{"path": PATH, "content": "a=1\n"}]
    assert host_properties.compare([{"name": "kafka@1", "dynamic": None}, {"name": "x"}], files, {}) == {}
