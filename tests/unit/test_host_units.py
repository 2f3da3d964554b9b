"""What is read of systemd and of the records, and the decisions, with systemctl replaced."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import host_units
import pytest
from host_units import UnitError, bring, is_stale, left_over, loaded, parse_show, plan, recorded

SHOWN = """\
Id=kafka@1.service
LoadState=loaded
ActiveState=active
RuntimeDirectory=kafka/1

Id=hdfs-zkfc.service
LoadState=not-found
ActiveState=inactive
RuntimeDirectory=
"""


class Systemctl:
    """A systemd of a few units, which remembers what it was told."""

    def __init__(self, runtime: Path, *units: str) -> None:
        self.runtime = runtime
        self.units = {
            unit: {
                "LoadState": "loaded",
                "ActiveState": "active",
                "UnitFileState": "enabled",
                "NeedDaemonReload": "no",
                "MainPID": "7",
                "InvocationID": "abc",
                "RuntimeDirectory": f"{runtime}/{unit}",
                "ConditionResult": "yes",
            }
            for unit in units
        }
        self.files = {unit: f"# /etc/systemd/system/{unit}.service\n[Unit]\n" for unit in units}
        self.calls: list[tuple[str, ...]] = []
        for unit in units:
            self.record(unit)

    def record(self, unit: str) -> Path:
        """Let the unit start: it records the file that it reads."""
        read = self.runtime / f"{unit}.conf"
        read.touch()
        directory = self.runtime / unit
        directory.mkdir(exist_ok=True)
        digest = hashlib.sha256(read.read_bytes()).hexdigest()
        (directory / "config.sha256").write_text(f"{digest}  {read}\n")
        return read

    def __call__(self, *words: str) -> str:
        """Stand for host_units.systemctl."""
        names = [word for word in words[1:] if not word.startswith("-")]
        if words[0] == "show":
            blocks = (
                "".join(f"{key}={value}\n" for key, value in ({"Id": f"{name}.service"} | unit).items())
                for name, unit in self.units.items()
                if name in names
            )
            return "\n".join(blocks)
        if words[0] == "cat":
            return "".join(self.files[name] for name in names)
        self.calls.append(words)
        if words[0] == "daemon-reload":
            for unit in self.units.values():
                unit["NeedDaemonReload"] = "no"
        for name in names:
            if words[0] in ("start", "restart") and self.units[name]["ConditionResult"] == "yes":
                self.units[name] |= {"ActiveState": "active", "MainPID": "8", "InvocationID": "def"}
            elif words[0] in ("stop", "restart"):
                self.units[name] |= {"ActiveState": "inactive", "MainPID": "0", "InvocationID": ""}
        return ""


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Systemctl:
    """Two units, a and b, that run with the files that lie there."""
    fake = Systemctl(tmp_path, "a", "b")
    monkeypatch.setattr(host_units, "systemctl", fake)
    return fake


def change(systemd: Systemctl, unit: str) -> None:
    """Write another file than the one that the unit runs with."""
    (systemd.runtime / f"{unit}.conf").write_text("changed")


def test_parse_show_reads_blocks_by_unit() -> None:
    shown = parse_show(SHOWN)
    assert list(shown) == ["kafka@1", "hdfs-zkfc"]
    assert shown["kafka@1"]["RuntimeDirectory"] == "kafka/1"
    assert shown["hdfs-zkfc"]["LoadState"] == "not-found"
    assert shown["hdfs-zkfc"]["RuntimeDirectory"] == ""


def test_parse_show_keeps_equal_signs_and_reads_nothing_from_nothing() -> None:
    assert parse_show("Id=a.service\nEnvironment=X=1\n") == {"a": {"Id": "a.service", "Environment": "X=1"}}
    assert parse_show("") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("as recorded", False), ("as recorded ", True), ("", True), (None, True)],
    ids=["same", "changed", "emptied", "removed"],
)
def test_is_stale_by_the_recorded_file(tmp_path: Path, text: str | None, expected: bool) -> None:
    # The name has two blanks, as the record has between digest and name.
    read = tmp_path / "server  1.properties"
    digest = hashlib.sha256(b"as recorded").hexdigest()
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "config.sha256").write_text(f"{digest}  {read}\n")
    if text is not None:
        read.write_text(text)
    assert is_stale("kafka", root=str(tmp_path)) is expected


@pytest.mark.parametrize("record", [None, "", "\n"], ids=["missing", "empty", "blank"])
def test_is_stale_without_a_record(tmp_path: Path, record: str | None) -> None:
    (tmp_path / "kafka").mkdir()
    if record is not None:
        (tmp_path / "kafka" / "config.sha256").write_text(record)
    assert is_stale("kafka", root=str(tmp_path))


@pytest.mark.parametrize(
    "text", [None, "", "\n", "0  /a  b\n1  /c\n"], ids=["missing", "empty", "blank", "two"]
)
def test_the_record_is_read(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "kafka").mkdir()
    if text is not None:
        (tmp_path / "kafka" / "config.sha256").write_text(text)
    read = recorded("kafka", root=str(tmp_path))
    assert read == ({"/a  b": "0", "/c": "1"} if text and text.strip() else {})


def test_is_stale_when_one_of_many_files_changed(tmp_path: Path) -> None:
    reads = [tmp_path / name for name in ("a", "b", "c")]
    for read in reads:
        read.write_text(read.name)
    lines = [f"{hashlib.sha256(read.name.encode()).hexdigest()}  {read}\n" for read in reads]
    (tmp_path / "config.sha256").write_text("".join(lines))
    assert not is_stale("", root=str(tmp_path))
    reads[2].write_text("other")
    assert is_stale("", root=str(tmp_path))


def test_is_stale_when_a_file_is_yet_to_be_written(tmp_path: Path) -> None:
    read = tmp_path / "core-site.xml"
    read.write_text("as recorded")
    digest = hashlib.sha256(b"as recorded").hexdigest()
    (tmp_path / "config.sha256").write_text(f"{digest}  {read}\n")
    assert is_stale("", {str(read)}, root=str(tmp_path))
    assert not is_stale("", {"/etc/hadoop/other.xml"}, root=str(tmp_path))


# What each state does with a unit that is (down, up and current, up and stale).
@pytest.mark.parametrize(
    ("state", "down", "fresh", "stale"),
    [
        ("started", "started", None, "stale"),
        ("current", "started", None, "restarted"),
        ("restarted", "started", "restarted", "restarted"),
        ("stopped", None, "stopped", "stopped"),
    ],
)
def test_plan(state: str, down: str | None, fresh: str | None, stale: str | None) -> None:
    active = {"z-down": False, "down": False, "fresh": True, "stale": True}
    expected: dict[str, list[str]] = {"started": [], "restarted": [], "stopped": [], "stale": []}
    for units, work in ((["z-down", "down"], down), (["fresh"], fresh), (["stale"], stale)):
        if work:
            expected[work] += units
    assert plan(state, active, {unit: unit == "stale" for unit in active}) == expected


@pytest.mark.parametrize("state", ["started", "current"])
def test_what_runs_as_it_should_is_left_alone(systemd: Systemctl, state: str) -> None:
    assert bring(["a", "b"], state, check=False) == {
        "changed": False,
        "started": [],
        "restarted": [],
        "stopped": [],
        "stale": [],
        "waiting": [],
        "units": {unit: {"pid": 7, "invocation": "abc"} for unit in "ab"},
    }
    assert systemd.calls == []


def test_stopped_units_are_enabled_and_started_in_their_order(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "failed", "UnitFileState": "disabled"}
    systemd.units["b"] |= {"ActiveState": "inactive"}
    done = bring(["b", "a"], "started", check=False)
    assert done["changed"]
    assert done["started"] == ["b", "a"]
    assert done["units"]["a"] == {"pid": 8, "invocation": "def"}
    assert systemd.calls == [
        ("enable", "--quiet", "a"),
        ("reset-failed", "b"),
        ("start", "b"),
        ("reset-failed", "a"),
        ("start", "a"),
    ]


def test_stale_units_are_told_by_started_and_restarted_by_current(systemd: Systemctl) -> None:
    change(systemd, "b")
    done = bring(["a", "b"], "started", check=False)
    assert (done["changed"], done["stale"], systemd.calls) == (False, ["b"], [])
    done = bring(["a", "b"], "current", check=False)
    assert (done["changed"], done["restarted"], done["stale"]) == (True, ["b"], [])
    assert systemd.calls == [("restart", "b")]


def test_a_unit_is_stale_that_reads_what_is_yet_to_be_written(systemd: Systemctl) -> None:
    changing = {str(systemd.runtime / "b.conf")}
    assert bring(["a", "b"], "started", check=True, changing=changing)["stale"] == ["b"]


def test_stop_leaves_enabled_what_was_enabled(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "UnitFileState": "disabled"}
    done = bring(["a", "b"], "stopped", check=False)
    assert (done["changed"], done["stopped"]) == (True, ["b"])
    assert systemd.calls == [("stop", "b")]


@pytest.mark.parametrize("on_its_way", ["activating", "reloading"])
def test_a_unit_on_its_way_up_is_not_started_again(systemd: Systemctl, on_its_way: str) -> None:
    systemd.units["a"]["ActiveState"] = on_its_way
    assert not bring(["a"], "started", check=False)["changed"]


def test_changed_unit_files_are_read_again_first(systemd: Systemctl) -> None:
    systemd.units["a"]["NeedDaemonReload"] = "yes"
    assert not bring(["a"], "started", check=False)["changed"]
    assert systemd.calls == [("daemon-reload",)]


def test_a_unit_whose_condition_is_not_met_waits_and_is_no_change(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "ConditionResult": "no"}
    done = bring(["a", "b"], "started", check=False)
    assert (done["changed"], done["started"], done["waiting"]) == (False, [], ["a"])


def test_what_comes_after_a_unit_that_waits_is_not_started(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "ConditionResult": "no"}
    systemd.units["b"] |= {"ActiveState": "inactive"}
    done = bring(["a", "b"], "started", check=False)
    assert (done["changed"], done["started"], done["waiting"]) == (False, [], ["a", "b"])
    assert ("start", "b") not in systemd.calls


def test_what_would_not_come_back_is_not_stopped(systemd: Systemctl, tmp_path: Path) -> None:
    systemd.units["kafka@1"] = systemd.units.pop("b")
    systemd.files["kafka@1"] = f"[Unit]\nConditionPathExists={tmp_path}/%i/meta.properties\n"
    with pytest.raises(UnitError, match=r"^kafka@1 runs and was not restarted") as failed:
        bring(["a", "kafka@1"], "restarted", check=False)
    assert f"ConditionPathExists={tmp_path}/1/meta.properties, and that path is not there" in str(
        failed.value
    )
    assert systemd.calls == []
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "meta.properties").touch()
    assert bring(["a", "kafka@1"], "restarted", check=False)["restarted"] == ["a", "kafka@1"]


def test_a_unit_that_a_condition_keeps_down_after_its_restart_is_an_error(
    systemd: Systemctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not a path: only systemd knows whether it is met.
    systemd.units["b"]["ConditionResult"] = "no"
    systemd.files["b"] = (
        "[Unit]\nConditionPathExists=/reset\nConditionPathExists=\nConditionPathExists=!/no/such\n"
        "ConditionMemory=>1T\n"
    )
    monkeypatch.setattr(host_units, "journal", lambda units: f"journal of {units}")
    with pytest.raises(UnitError) as failed:
        bring(["a", "b"], "restarted", check=False)
    assert str(failed.value) == (
        "b was stopped for its restart and stays down, since a condition of its unit is not met: "
        "ConditionPathExists=!/no/such, ConditionMemory=>1T\njournal of ['b']"
    )


def test_what_is_loaded_is_told_as_it_is(systemd: Systemctl) -> None:
    """A file that was written since is not read: it would tell of no directory of before."""
    systemd.units["a"] |= {"NeedDaemonReload": "yes", "ReadWritePaths": "/old"}
    assert loaded({"b", "a", "gone"})["a"]["ReadWritePaths"] == "/old"
    assert list(loaded(["b"])) == ["b"]
    assert systemd.calls == []


def test_of_no_unit_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """systemctl show without a unit would tell of the manager."""
    monkeypatch.setattr(host_units, "systemctl", lambda *words: pytest.fail("asked"))
    assert loaded([]) == {}


@pytest.mark.parametrize("text", ["root:*:19000\n", "", "/a\n", "\udcff\n"])
def test_a_record_of_another_form_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.sha256").write_text(text, errors="surrogateescape")
    assert is_stale("", root=str(tmp_path))


def test_a_record_behind_a_services_link_is_none(tmp_path: Path, service: Path) -> None:
    read = tmp_path / "read"
    read.write_text("as recorded")
    (tmp_path / "system").write_text(f"{hashlib.sha256(b'as recorded').hexdigest()}  {read}\n")
    (service / "config.sha256").write_text((tmp_path / "system").read_text())
    assert not is_stale("service", root=str(tmp_path))
    (service / "config.sha256").unlink()
    (service / "config.sha256").symlink_to(tmp_path / "system")
    assert is_stale("service", root=str(tmp_path))


def test_a_recorded_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "config.sha256").write_text(f"{hashlib.sha256(b'').hexdigest()}  {tmp_path}/pipe\n")
    assert is_stale("", root=str(tmp_path))


@pytest.mark.parametrize("state", ["started", "current", "restarted", "stopped"])
def test_check_mode_says_it_and_does_nothing(systemd: Systemctl, state: str) -> None:
    # A unit that was never tried has no ConditionResult either: that says nothing of what a start would do.
    for unit in systemd.units.values():
        unit |= {"ActiveState": "active" if state == "stopped" else "inactive", "ConditionResult": "no"}
    done = bring(["a"], state, check=True)
    assert done["changed"]
    assert done["stopped" if state == "stopped" else "started"] == ["a"]
    assert done["waiting"] == []
    assert systemd.calls == []


def test_a_unit_without_a_file(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
    with pytest.raises(UnitError, match=r"^no unit file for a: run the verb config first$"):
        bring(["a", "b"], "started", check=False)
    done = bring(["a", "b"], "started", check=True)
    assert (done["changed"], done["started"], list(done["units"])) == (True, ["a"], ["b"])


def test_systemds_own_words_and_the_journal_are_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, says in (
        ("systemctl", "echo 'Job for a.service failed.' >&2; exit 1"),
        ("journalctl", 'echo "journal of $*"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UnitError) as failed:
        host_units.systemctl("start", "a", "b")
    assert str(failed.value) == (
        "systemctl start a b: Job for a.service failed.\njournal of --no-pager --lines 40 --unit a --unit b\n"
    )


def test_units_that_the_inventory_no_longer_has_are_found(tmp_path: Path) -> None:
    boot = tmp_path / "multi-user.target.wants"
    boot.mkdir()
    for name, text in {
        "kafka@.service": "# Ours\n[Unit]\n",
        "zookeeper.service": "# Ours\n[Unit]\n",
        "disabled.service": "# Ours\n[Unit]\n",
        "other.service": "[Unit]\n# Ours\n",
    }.items():
        (tmp_path / name).write_text(text)
    for unit in ("kafka@1", "kafka@2", "zookeeper", "other", "gone"):
        template = unit.partition("@")[0] + "@" * ("@" in unit)
        (boot / f"{unit}.service").symlink_to(tmp_path / f"{template}.service")
    assert left_over(["kafka@1"], "Ours", str(tmp_path)) == ["kafka@2", "zookeeper"]
    assert left_over(["kafka@1", "kafka@2", "zookeeper"], "Ours", str(tmp_path)) == []
