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
    monkeypatch.setattr(host_keep, "recorded", lambda folder, **_: {str(read): digest, str(other): digest})
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


def test_what_no_run_has_seen_run_well_is_told(machine: Any) -> None:
    path, read, shown = machine

    def unkept() -> list[str]:
        return host_keep.unkept(["kafka@1"], str(path / "kept"))

    assert unkept() == ["kafka@1"]
    assert not (path / "kept").exists()
    keep(path)
    assert unkept() == []
    Path(f"{path}/kept/kafka@1{read}").write_text("what it read before a run was killed")
    assert unkept() == ["kafka@1"]
    # Of what is other by now there is nothing to keep, nor of what does not run.
    read.write_text("not read yet")
    assert unkept() == []
    read.write_text("as recorded")
    shown["ActiveState"] = "failed"
    assert unkept() == []


def test_a_copy_of_what_is_read_no_more_goes(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read, _ = machine
    keep(path)
    monkeypatch.setattr(host_keep, "recorded", lambda folder: {})
    assert keep(path) == []
    assert not Path(f"{path}/kept/kafka@1{read}").exists()


def take_back(path: Path, *, check: bool = False) -> list[str]:
    return host_keep.take_back(["kafka@1"], str(path / "kept"), root=str(path / "run"), check=check)


def test_what_it_ran_well_with_is_put_back(machine: Any) -> None:
    path, read, _ = machine
    keep(path)
    assert take_back(path) == []
    read.write_text("refused")
    read.chmod(0o600)
    assert take_back(path, check=True) == [str(read)]
    assert read.read_text() == "refused"
    before = read.stat().st_mtime_ns
    assert take_back(path) == [str(read)]
    assert (read.read_text(), stat.S_IMODE(read.stat().st_mode)) == ("as recorded", 0o640)
    # systemd reads a unit again which is younger than what it has loaded.
    assert read.stat().st_mtime_ns >= before
    read.unlink()
    assert take_back(path) == [str(read)]
    assert take_back(path) == []


def test_a_copy_that_was_only_begun_is_not_put_back(machine: Any) -> None:
    path, read, _ = machine
    keep(path)
    Path(f"{path}/kept/kafka@1{read}.new").write_text("half")
    assert take_back(path) == []
    assert not Path(f"{read}.new").exists()
    keep(path)
    assert not Path(f"{path}/kept/kafka@1{read}.new").exists()


def test_one_that_never_ran_well_has_nothing_to_put_back(machine: Any) -> None:
    path, read, _ = machine
    read.write_text("refused")
    assert take_back(path) == []
    assert read.read_text() == "refused"


def test_what_the_daemon_of_another_service_runs_with_stays(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read, _ = machine
    keep(path)
    read.write_text("accepted")
    records = {
        f"{path}/run/kafka/1": {str(read): hashlib.sha256(b"accepted").hexdigest()},
        f"{path}/run/hdfs-datanode": {str(read): hashlib.sha256(b"older").hexdigest()},
    }
    for folder in records:
        Path(folder).mkdir(parents=True)
        Path(folder, "config.sha256").touch()
    monkeypatch.setattr(host_keep, "recorded", lambda folder, **_: records[folder])
    # Its own record is no acceptance, nor is one of something else.
    assert take_back(path, check=True) == [str(read)]
    records[f"{path}/run/hdfs-datanode"] = records[f"{path}/run/kafka/1"]
    assert take_back(path) == []
    assert read.read_text() == "accepted"


def test_a_drop_in_of_the_kit_that_it_had_not_goes(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read, _ = machine
    keep(path)
    folder = path / "kafka@1.service.d"
    folder.mkdir()
    for name in ("millrace.conf", "mine.conf"):
        (folder / name).touch()
    found = [str(folder / "millrace.conf"), str(folder / "mine.conf")]
    monkeypatch.setattr(host_keep, "dropins_of", lambda unit: [each for each in found if Path(each).exists()])
    assert take_back(path, check=True) == [str(folder / "millrace.conf")]
    assert (folder / "millrace.conf").exists()
    assert take_back(path) == [str(folder / "millrace.conf")]
    assert [each.name for each in folder.iterdir()] == ["mine.conf"]
    assert read.exists()
