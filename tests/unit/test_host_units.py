"""What is read of systemd and of the records, and the decisions, with systemctl replaced."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import host_units
import pytest
from host_units import (
    UnitError,
    dropins_of,
    ensure_state,
    loaded,
    orphaned_units,
    parse_show,
    plan,
    reasons,
    recorded,
)

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


def named(*units: str) -> list[dict[str, Any]]:
    """Units as service_units names them: what each reads its record says."""
    return [{"name": unit} for unit in units]


@pytest.fixture
def unit_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of unit files, one of the test's own."""
    path = tmp_path / "system"
    path.mkdir()
    monkeypatch.setattr(host_units, "UNIT_DIR", str(path))
    return path


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
    ids=["same", "changed", "emptied", "vanished"],
)
def test_a_file_that_changed_or_vanished_is_a_reason(
    tmp_path: Path, text: str | None, expected: bool
) -> None:
    # The name has two blanks, as the record has between digest and name.
    read = tmp_path / "server  1.properties"
    if text is not None:
        read.write_text(text)
    # Whether the unit is known to read it, or only the record says so.
    for reads in ([], [str(read)]):
        assert reasons({str(read): AS_RECORDED}, reads) == [str(read)] * expected


def test_a_file_that_came_is_a_reason(tmp_path: Path) -> None:
    read, came = tmp_path / "server.properties", tmp_path / "millrace.conf"
    read.write_text("as recorded")
    record = {str(read): AS_RECORDED}
    assert reasons(record, [str(read)]) == []
    # One that is neither here nor there is none.
    assert reasons(record, [str(read), str(came)]) == []
    came.write_text("[Service]\n")
    assert reasons(record, [str(read), str(came)]) == [str(came)]


def test_a_file_that_is_yet_to_be_written_is_a_reason(tmp_path: Path) -> None:
    read, new = tmp_path / "core-site.xml", tmp_path / "new.xml"
    read.write_text("as recorded")
    record = {str(read): AS_RECORDED}
    assert reasons(record, [], changing={str(read)}) == [str(read)]
    assert reasons(record, [str(new)], changing={str(new)}) == [str(new)]
    # Another's, and one that it has read before but no longer does, are none.
    assert reasons(record, [str(read)], changing={"/etc/hadoop/other.xml"}) == []


def test_what_is_read_through_a_link_that_moves_is_a_reason(tmp_path: Path) -> None:
    for name in ("product", "product-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".artifact").write_text("as recorded")
    record = {f"{tmp_path}/{name}/.artifact": AS_RECORDED for name in ("product", "product-2")}
    assert reasons(record, list(record), links={f"{tmp_path}/product"}) == [f"{tmp_path}/product/.artifact"]
    assert reasons(record, list(record), links={f"{tmp_path}/other"}) == []


def test_each_reason_is_told_once_in_the_order_of_the_record(tmp_path: Path) -> None:
    paths = [f"{tmp_path}/{name}" for name in ("b", "a", "c")]
    for path in paths:
        Path(path).write_text("other")
    assert reasons(dict.fromkeys(paths[:2], AS_RECORDED), paths[1:], changing=paths) == paths


def test_without_a_record_that_is_the_reason(tmp_path: Path) -> None:
    assert reasons({}, ["/etc/kafka/server-1.properties"]) == ["no record"]
    assert reasons({}, []) == ["no record"]


AS_RECORDED = hashlib.sha256(b"as recorded").hexdigest()


@pytest.mark.parametrize(
    ("lying", "changing", "found"),
    [
        ([], [], []),
        (
            ["kafka@.service.d/b.conf", "kafka@.service.d/a.conf"],
            [],
            ["kafka@.service.d/a.conf", "kafka@.service.d/b.conf"],
        ),
        (
            ["kafka@1.service.d/own.conf", "kafka@.service.d/all.conf"],
            [],
            ["kafka@.service.d/all.conf", "kafka@1.service.d/own.conf"],
        ),
        # systemd reads neither.
        (["kafka@.service.d/a.conf~", "kafka@2.service.d/a.conf", "kafka.service.d/a.conf"], [], []),
        ([], ["kafka@.service.d/millrace.conf"], ["kafka@.service.d/millrace.conf"]),
        (
            ["kafka@.service.d/a.conf"],
            ["kafka@.service.d/a.conf", "kafka@.service"],
            ["kafka@.service.d/a.conf"],
        ),
        ([], ["kafka@2.service.d/millrace.conf", "kafka@.service.d/x/a.conf"], []),
    ],
    ids=["none", "sorted", "of-all-then-own", "no-drop-in", "yet-to-be-written", "once", "others"],
)
def test_drop_ins(tmp_path: Path, lying: list[str], changing: list[str], found: list[str]) -> None:
    for name in lying:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    changes = [f"{tmp_path}/{name}" for name in changing]
    assert dropins_of("kafka@1", changes, directory=str(tmp_path)) == [f"{tmp_path}/{name}" for name in found]


def test_an_instance_with_a_file_of_its_own_has_the_drop_ins_of_its_template(
    systemd: Systemctl, unit_dir: Path
) -> None:
    systemd.units["kafka@10"] = systemd.units.pop("a")
    theirs = unit_dir / "kafka@.service.d" / "theirs.conf"
    theirs.parent.mkdir()
    theirs.touch()
    unit = {"name": "kafka@10", "file": "kafka@10.service", "restart_on": []}
    assert ensure_state([unit], "started", check=True)["dropins"] == {"kafka@10": [str(theirs)]}


def test_drop_ins_of_a_unit_with_one_file_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "zookeeper.service.d").mkdir()
    (tmp_path / "zookeeper.service.d" / "a.conf").touch()
    assert len(dropins_of("zookeeper", directory=str(tmp_path))) == 1


@pytest.mark.parametrize(
    "text", [None, "", "\n", "0  /a  b\n1  /c\n"], ids=["missing", "empty", "blank", "two"]
)
def test_the_record_is_read(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "kafka").mkdir()
    if text is not None:
        (tmp_path / "kafka" / "config.sha256").write_text(text)
    read = recorded("kafka", root=str(tmp_path))
    assert read == ({"/a  b": "0", "/c": "1"} if text and text.strip() else {})


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
    expected: dict[str, list[str]] = {
        verb: [] for verb in ("started", "restarted", "reloaded", "stopped", "stale")
    }
    for units, work in ((["z-down", "down"], down), (["fresh"], fresh), (["stale"], stale)):
        if work:
            expected[work] += units
    assert plan(state, active, {unit: unit == "stale" for unit in active}) == expected


@pytest.mark.parametrize("state", ["started", "current"])
def test_what_runs_as_it_should_is_left_alone(systemd: Systemctl, state: str) -> None:
    assert ensure_state(named("a", "b"), state, check=False) == {
        "changed": False,
        "started": [],
        "restarted": [],
        "reloaded": [],
        "stopped": [],
        "stale": [],
        "waiting": [],
        "disabled": [],
        "reasons": {},
        "dropins": {},
        "units": {unit: {"pid": 7, "invocation": "abc"} for unit in "ab"},
    }
    assert systemd.calls == []


def test_stopped_units_are_enabled_and_started_in_their_order(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "failed", "UnitFileState": "disabled"}
    systemd.units["b"] |= {"ActiveState": "inactive"}
    done = ensure_state(named("b", "a"), "started", check=False)
    assert done["changed"]
    assert done["started"] == ["b", "a"]
    assert done["units"]["a"] == {"pid": 8, "invocation": "def"}
    assert done["disabled"] == ["a"]
    assert systemd.calls == [
        ("enable", "--quiet", "a"),
        ("reset-failed", "b"),
        ("start", "b"),
        ("reset-failed", "a"),
        ("start", "a"),
    ]


def test_stale_units_are_told_by_started_and_restarted_by_current(systemd: Systemctl) -> None:
    change(systemd, "b")
    done = ensure_state(named("a", "b"), "started", check=False)
    assert (done["changed"], done["stale"], systemd.calls) == (False, ["b"], [])
    assert done["reasons"] == {"b": [f"{systemd.runtime}/b.conf"]}
    done = ensure_state(named("a", "b"), "current", check=False)
    assert (done["changed"], done["restarted"], done["stale"]) == (True, ["b"], [])
    assert systemd.calls == [("restart", "b")]


def test_what_a_daemon_reads_again_while_it_runs_is_no_reason_to_restart_it(
    systemd: Systemctl, unit_dir: Path
) -> None:
    again, other = (str(systemd.runtime / f"{unit}.conf") for unit in "ab")

    def units(*restart_on: str) -> list[dict[str, Any]]:
        (unit_dir / "a.service").touch()
        record = systemd.runtime / "a/config.sha256"
        read = [
            path for path in (str(unit_dir / "a.service"), again, other) if path not in record.read_text()
        ]
        with record.open("a") as stream:
            stream.writelines(
                f"{hashlib.sha256(Path(path).read_bytes()).hexdigest()}  {path}\n" for path in read
            )
        return [{"name": "a", "file": "a.service", "restart_on": list(restart_on), "reload_on": [again]}]

    wanted = units(again, other)
    assert ensure_state(wanted, "current", check=False)["changed"] is False
    change(systemd, "a")
    assert ensure_state(wanted, "started", check=False)["stale"] == ["a"]
    done = ensure_state(wanted, "current", check=True)
    assert (done["changed"], done["reloaded"], done["restarted"], systemd.calls) == (True, ["a"], [], [])
    done = ensure_state(wanted, "current", check=False)
    assert (done["reloaded"], systemd.calls) == (["a"], [("reload", "a")])
    # All that differs must be such a file.
    change(systemd, "b")
    done = ensure_state(wanted, "current", check=False)
    assert (done["reloaded"], done["restarted"]) == ([], ["a"])
    assert ensure_state(wanted, "restarted", check=True)["restarted"] == ["a"]


def test_a_unit_is_stale_that_reads_what_is_yet_to_be_written(systemd: Systemctl) -> None:
    changing = {str(systemd.runtime / "b.conf")}
    assert ensure_state(named("a", "b"), "started", check=True, changing=changing)["stale"] == ["b"]


def test_stop_leaves_enabled_what_was_enabled(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "UnitFileState": "disabled"}
    done = ensure_state(named("a", "b"), "stopped", check=False)
    assert (done["changed"], done["stopped"]) == (True, ["b"])
    assert systemd.calls == [("stop", "b")]


@pytest.mark.parametrize(
    ("shown", "stopped"),
    [
        ({"ActiveState": "activating", "SubState": "auto-restart"}, True),
        ({"ActiveState": "active", "NRestarts": "9", "ActiveEnterTimestampMonotonic": "{now}"}, True),
        ({"ActiveState": "deactivating"}, True),
        ({"ActiveState": "failed"}, False),
    ],
    ids=["waits", "runs-for-a-moment", "ends", "failed"],
)
def test_what_systemd_would_start_anew_is_stopped(
    systemd: Systemctl, shown: dict[str, str], stopped: bool
) -> None:
    now = str(int(time.monotonic() * 1e6))
    systemd.units["a"] |= {key: now if value == "{now}" else value for key, value in shown.items()}
    for check in (True, False):
        assert ensure_state(named("a"), "stopped", check=check)["stopped"] == ["a"] * stopped
    assert systemd.calls == [("stop", "a")] * stopped


@pytest.mark.parametrize("on_its_way", ["activating", "reloading"])
def test_a_unit_on_its_way_up_is_not_started_again(systemd: Systemctl, on_its_way: str) -> None:
    systemd.units["a"]["ActiveState"] = on_its_way
    assert not ensure_state(named("a"), "started", check=False)["changed"]


def test_changed_unit_files_are_read_again_first(systemd: Systemctl) -> None:
    systemd.units["a"]["NeedDaemonReload"] = "yes"
    assert not ensure_state(named("a"), "started", check=False)["changed"]
    assert systemd.calls == [("daemon-reload",)]


def test_a_unit_whose_condition_is_not_met_waits_and_is_no_change(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "ConditionResult": "no"}
    done = ensure_state(named("a", "b"), "started", check=False)
    assert (done["changed"], done["started"], done["waiting"]) == (False, [], ["a"])


def test_what_comes_after_a_unit_that_waits_is_not_started(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"ActiveState": "inactive", "ConditionResult": "no"}
    systemd.units["b"] |= {"ActiveState": "inactive"}
    done = ensure_state(named("a", "b"), "started", check=False)
    assert (done["changed"], done["started"], done["waiting"]) == (False, [], ["a", "b"])
    assert ("start", "b") not in systemd.calls


def test_what_would_not_come_back_is_not_stopped(systemd: Systemctl, tmp_path: Path) -> None:
    systemd.units["kafka@1"] = systemd.units.pop("b")
    systemd.files["kafka@1"] = f"[Unit]\nConditionPathExists={tmp_path}/%i/meta.properties\n"
    with pytest.raises(UnitError, match=r"^kafka@1 runs and was not restarted") as failed:
        ensure_state(named("a", "kafka@1"), "restarted", check=False)
    assert f"ConditionPathExists={tmp_path}/1/meta.properties, and that path is not there" in str(
        failed.value
    )
    assert systemd.calls == []
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "meta.properties").touch()
    assert ensure_state(named("a", "kafka@1"), "restarted", check=False)["restarted"] == ["a", "kafka@1"]


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
        ensure_state(named("a", "b"), "restarted", check=False)
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
    assert recorded("", root=str(tmp_path)) == {}


def test_a_record_behind_a_services_link_is_none(tmp_path: Path, service: Path) -> None:
    (tmp_path / "system").write_text(f"{AS_RECORDED}  /read\n")
    (service / "config.sha256").write_text((tmp_path / "system").read_text())
    assert recorded("service", root=str(tmp_path)) == {"/read": AS_RECORDED}
    (service / "config.sha256").unlink()
    (service / "config.sha256").symlink_to(tmp_path / "system")
    assert recorded("service", root=str(tmp_path)) == {}


def test_a_recorded_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    empty = hashlib.sha256(b"").hexdigest()
    assert reasons({f"{tmp_path}/pipe": empty}, []) == [f"{tmp_path}/pipe"]


def wanted(systemd: Systemctl, unit: str, unit_dir: Path) -> dict[str, Any]:
    """A unit with a file, which it has recorded, and the other file that it reads."""
    file, read = unit_dir / f"{unit}.service", systemd.record(unit)
    file.write_text("[Unit]\n")
    with (systemd.runtime / unit / "config.sha256").open("a") as record:
        record.write(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}\n")
    return {"name": unit, "file": file.name, "restart_on": [str(read)]}


def test_a_unit_reads_its_file_its_drop_ins_and_what_it_names(systemd: Systemctl, unit_dir: Path) -> None:
    units = [wanted(systemd, unit, unit_dir) for unit in "ab"]
    done = ensure_state(units, "started", check=True)
    assert (done["stale"], done["reasons"], done["dropins"]) == ([], {}, {})
    own, theirs = unit_dir / "b.service.d" / "millrace.conf", unit_dir / "b.service.d" / "theirs.conf"
    own.parent.mkdir()
    for path in (own, theirs):
        path.touch()
    (unit_dir / "a.service").write_text("[Unit]\nAfter=b\n")
    units[0]["restart_on"].append(f"{systemd.runtime}/came")
    done = ensure_state(units, "started", check=True, changing={f"{systemd.runtime}/came"})
    assert done["reasons"] == {
        "a": [f"{unit_dir}/a.service", f"{systemd.runtime}/came"],
        "b": [str(own), str(theirs)],
    }
    # What is not the kit's is the administrator's to know of.
    assert done["dropins"] == {"b": [str(theirs)]}


def test_a_unit_that_is_down_has_no_reasons(systemd: Systemctl, unit_dir: Path) -> None:
    units = [wanted(systemd, "a", unit_dir)]
    systemd.units["a"]["ActiveState"] = "inactive"
    change(systemd, "a")
    done = ensure_state(units, "current", check=True)
    assert (done["started"], done["restarted"], done["reasons"]) == (["a"], [], {})


def test_a_unit_is_stale_for_a_link_that_moves(systemd: Systemctl) -> None:
    done = ensure_state(named("a"), "current", check=True, links={str(systemd.runtime)})
    assert (done["restarted"], done["reasons"]) == (["a"], {"a": [f"{systemd.runtime}/a.conf"]})


@pytest.mark.parametrize("state", ["started", "current", "restarted", "stopped"])
@pytest.mark.parametrize("check", [True, False])
def test_of_no_unit_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, state: str, check: bool) -> None:
    """systemctl show without a unit would tell of the manager, and start would start nothing."""
    monkeypatch.setattr(host_units, "systemctl", lambda *words: pytest.fail("asked"))
    done = ensure_state([], state, check=check)
    assert done.pop("changed") is False
    assert not any(done.values())


@pytest.mark.parametrize("state", ["started", "current", "restarted", "stopped"])
def test_check_mode_says_it_and_does_nothing(systemd: Systemctl, state: str) -> None:
    # A unit that was never tried has no ConditionResult either: that says nothing of what a start would do.
    for unit in systemd.units.values():
        unit |= {"ActiveState": "active" if state == "stopped" else "inactive", "ConditionResult": "no"}
    done = ensure_state(named("a"), state, check=True)
    assert done["changed"]
    assert done["stopped" if state == "stopped" else "started"] == ["a"]
    assert done["waiting"] == []
    assert systemd.calls == []


def test_a_unit_without_a_file(systemd: Systemctl) -> None:
    systemd.units["a"] |= {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
    with pytest.raises(UnitError, match=r"^no unit file for a: its service has not been deployed here$"):
        ensure_state(named("a", "b"), "started", check=False)
    done = ensure_state(named("a", "b"), "started", check=True)
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
    assert orphaned_units(["kafka@1"], "Ours", str(tmp_path)) == ["kafka@2", "zookeeper"]
    assert orphaned_units(["kafka@1", "kafka@2", "zookeeper"], "Ours", str(tmp_path)) == []


@pytest.mark.parametrize(
    ("shown", "up"),
    [
        ({"ActiveState": "active", "NRestarts": "0", "ActiveEnterTimestampMonotonic": "0"}, True),
        ({"ActiveState": "inactive"}, False),
        ({"ActiveState": "activating", "SubState": "start"}, True),
        # systemd waits to start it anew after a failure.
        ({"ActiveState": "activating", "SubState": "auto-restart"}, False),
        ({"ActiveState": "activating", "SubState": "auto-restart-queued"}, False),
        # It was killed once: it runs. It ends again and again: it is up for a moment only.
        ({"ActiveState": "active", "NRestarts": "1", "ActiveEnterTimestampMonotonic": "{now}"}, True),
        ({"ActiveState": "active", "NRestarts": "2", "ActiveEnterTimestampMonotonic": "{now}"}, False),
        ({"ActiveState": "active", "NRestarts": "9", "ActiveEnterTimestampMonotonic": "0"}, True),
    ],
)
def test_a_unit_that_ends_again_and_again_does_not_count_as_up(shown: dict[str, str], up: bool) -> None:
    # The clock of this machine may be young: the epoch of the other is a day before it began.
    now = {"now": str(int(time.monotonic() * 1e6)), "0": str(int((time.monotonic() - 86400) * 1e6))}
    since = shown.get("ActiveEnterTimestampMonotonic", "")
    text = now["now"] if since == "{now}" else now["0"]
    assert host_units.is_up(shown | {"ActiveEnterTimestampMonotonic": text}) is up


@pytest.mark.parametrize(
    ("known", "lying", "reload"),
    [
        ([], [], False),
        # systemd says that it needs no reload: the directory of the drop-in is new to it.
        ([], ["a.service.d/x.conf"], True),
        (["a.service.d/x.conf"], [], True),
        (["a.service.d/x.conf"], ["a.service.d/x.conf"], False),
    ],
)
def test_systemd_reads_units_anew_when_it_knows_other_drop_ins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: list[str], lying: list[str], reload: bool
) -> None:
    monkeypatch.setattr(host_units, "UNIT_DIR", str(tmp_path))
    for name in lying:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    paths = " ".join(["/run/systemd/system/a.service.d/y.conf", *(f"{tmp_path}/{name}" for name in known)])
    text = f"Id=a.service\nLoadState=loaded\nNeedDaemonReload=no\nDropInPaths={paths}\n"
    calls: list[str] = []

    def systemctl(*words: str) -> str:
        calls.append(words[0])
        return text

    monkeypatch.setattr(host_units, "systemctl", systemctl)
    host_units.show(["a"])
    assert ("daemon-reload" in calls) is reload
