"""What daemons run well with is kept; what is other by now is not."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import host_keep
import pytest


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A unit that runs with a file of its own and one of /opt."""
    read, other = tmp_path / "etc/kafka/server.properties", tmp_path / "opt/kafka/.artifact"
    for path in (read, other):
        path.parent.mkdir(parents=True)
        path.write_text("as recorded")
    read.chmod(0o640)
    digest = hashlib.sha256(b"as recorded").hexdigest()
    shown = {"ActiveState": "active", "RuntimeDirectory": "kafka/1"}
    monkeypatch.setattr(host_keep, "CONFIGURATION", f"{tmp_path}/etc/")
    monkeypatch.setattr(host_keep, "loaded", lambda units: dict.fromkeys(units, shown))
    monkeypatch.setattr(host_keep, "recorded", lambda folder: {str(read): digest, str(other): digest})
    return tmp_path, read, shown


def keep(path: Path, *, check: bool = False) -> list[str]:
    return host_keep.keep(["kafka@1"], str(path / "kept"), check=check)


def test_a_copy_has_text_owner_and_mode_and_is_made_once(machine: Any) -> None:
    path, read, _ = machine
    assert keep(path, check=True) == [str(read)]
    assert not (path / "kept").exists()
    assert keep(path) == [str(read)]
    copy = Path(f"{path}/kept/kafka@1{read}")
    assert copy.read_text() == "as recorded"
    assert (stat.S_IMODE(copy.stat().st_mode), copy.stat().st_uid) == (0o640, read.stat().st_uid)
    assert stat.S_IMODE((path / "kept").stat().st_mode) == 0o700
    assert not list((path / "kept").rglob("*.artifact*"))
    assert keep(path) == []


def test_what_the_daemon_did_not_read_does_not_replace_what_it_ran_well_with(machine: Any) -> None:
    path, read, _ = machine
    keep(path)
    read.write_text("refused")
    assert keep(path) == []
    assert Path(f"{path}/kept/kafka@1{read}").read_text() == "as recorded"


def test_a_daemon_that_is_down_runs_well_with_nothing(machine: Any) -> None:
    path, _, shown = machine
    shown["ActiveState"] = "failed"
    assert keep(path) == []


def test_a_copy_of_what_is_read_no_more_goes(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read, _ = machine
    keep(path)
    monkeypatch.setattr(host_keep, "recorded", lambda folder: {})
    assert keep(path) == []
    assert not Path(f"{path}/kept/kafka@1{read}").exists()
