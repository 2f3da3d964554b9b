"""One look at a cluster: bounded whoever is silent, and what a machine says of its daemons."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pwd
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smoke import gates, reading
from smoke.cluster import Cluster
from smoke.jobs import units
from smoke.machine import Machine
from smoke.services import Fault

PART = gates.Part(
    "kafka",
    fetch=lambda: "refused",
    faults=lambda state: [Fault("broker 1", f"broker 1: {state}")],
    judge=lambda state: (False, f"broker 1: {state}"),
    units={"one": ["kafka@1"]},
    subjects={("one", "kafka@1"): "broker 1"},
    states=lambda _: {("one", "kafka@2"): "leader"},
)
#: In the place of ssh: the machine is this one.
HERE = 'shift $(($# - 1)); eval "$1"'
SHOWN = {
    "Id": "kafka@1.service",
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "NRestarts": "0",
    "ActiveEnterTimestampMonotonic": "1",
    "StateChangeTimestampMonotonic": "2",
    "UnitFileState": "enabled",
    "MainPID": "0",
    "MemoryCurrent": "1000",
    "RuntimeDirectory": "kafka/none",
    "ReadWritePaths": "/ -/not-there",
}


@pytest.fixture
def cluster(tmp_path: Path) -> Callable[[str], Cluster]:
    """A cluster of one machine, which is reached by a program in the place of ssh."""

    def cluster(ssh: str) -> Cluster:
        program = tmp_path / "ssh"
        program.write_text(f"#!/bin/sh\n{ssh}\n")
        program.chmod(0o755)
        machine = Machine((str(program), "one"), ("kafka@1",), "one")
        return Cluster("c", "s", {}, {"one": machine}, source=str(program))

    return cluster


Made = Callable[[str], Cluster]


def test_services_say_what_their_gates_say(cluster: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "parts_of", lambda _: [PART])
    found = reading.read(cluster('echo "{}"'))
    (service,) = found.services
    assert (service.right, service.sentence) == (False, "broker 1: refused")
    assert service.faults == (Fault("broker 1", "broker 1: refused"),)
    assert service.states == {("one", "kafka@2"): "leader"}
    assert found.machines == {"one": {}}


def test_who_is_silent_is_waited_for_no_longer_than_the_limit(
    cluster: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    silent, broken = (
        dataclasses.replace(PART, name="hdfs", fetch=never.wait),
        dataclasses.replace(PART, name="yarn", fetch=lambda: {"other": 0}["key"]),
    )
    monkeypatch.setattr(reading, "parts_of", lambda _: [silent, broken, PART])
    monkeypatch.setattr(reading, "SESSION", 0.3)
    began = time.monotonic()
    found = reading.read(cluster("exec tail -f /dev/null"), limit=0.5)
    assert time.monotonic() - began < 3
    never.set()
    assert found.seconds >= 0.5
    said = {each.name: each.sentence for each in found.services}
    assert said == {
        "hdfs": "no answer within 0.5 s",
        "yarn": "KeyError: 'key'",
        "kafka": "broker 1: refused",
    }
    assert found.services[0].faults == (Fault("hdfs", "no answer within 0.5 s"),)
    assert found.machines == {"one": "no answer within 0.3 s"}


@pytest.mark.parametrize(
    ("ssh", "said"),
    [
        ("echo warning >&2; echo No route to host >&2; exit 255", "No route to host"),
        ("exit 255", "exit status 255"),
        ("echo what", "its answer is no JSON"),
    ],
)
def test_why_a_machine_says_nothing(cluster: Made, ssh: str, said: str) -> None:
    assert reading.read(cluster(ssh)).machines == {"one": said}


def test_a_machine_that_is_gone_is_not_waited_for(cluster: Made) -> None:
    said: Any = reading.read(cluster('echo "{\\"$1 $2 $3\\": 0}"')).machines["one"]
    assert said == {"-o ConnectTimeout=3 one": 0}


def unit(cluster: Cluster) -> reading.Facts:
    """What its machine says of the one unit."""
    machine = reading.read(cluster).machines["one"]
    assert isinstance(machine, dict), machine
    return machine["kafka@1"]


def systemd(
    directory: Path, monkeypatch: pytest.MonkeyPatch, text: str = "", status: int = 0, **shown: str
) -> None:
    """A systemctl that shows these properties of the unit."""
    lines = [text] if text else [f"{key}={value}" for key, value in (SHOWN | shown).items()]
    (directory / "shown").write_text("\n".join(lines) + "\n")
    (directory / "bin").mkdir(exist_ok=True)
    for name in ("systemctl", "journalctl"):
        program = directory / "bin" / name
        program.write_text(
            f'#!/bin/sh\necho "$*" >> {directory}/asked; cat {directory}/shown; exit {status}\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}/bin:{os.environ['PATH']}")


def test_a_machine_in_one_session(cluster: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = tmp_path / "server-1.properties"
    read.write_text("a=1\n")
    run = tmp_path / "run"
    run.mkdir()
    digest = hashlib.sha256(read.read_bytes()).hexdigest()
    (run / "config.sha256").write_text(f"{digest}  {read}\n")
    systemd(tmp_path, monkeypatch, RuntimeDirectory=str(run))
    here = cluster(HERE)
    facts = unit(here)
    assert facts.pop("seconds") >= 0
    disk = facts.pop("disk")
    assert disk["path"] == "/"
    assert 0 < disk["used"] <= disk["size"]
    assert facts == {
        "up": True,
        "systemd": "running",
        "result": "success",
        "restarts": 0,
        "on_boot": True,
        "older": [],
        "memory": 1000,
        "heap_used": None,
        "heap_max": None,
        "version": "",
    }
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert asked.startswith("show --property=Id,")
    assert asked.endswith(" kafka@1")
    read.write_text("a=2\n")
    assert unit(here)["older"] == [str(read)]


def test_a_machine_without_systemd(cluster: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd(tmp_path, monkeypatch, "its journal\n-- No entries --", status=1)
    said = str(reading.read(cluster(HERE)).machines["one"])
    assert said.startswith("systemctl show --property=Id,")
    assert "No entries" not in said


@pytest.mark.parametrize(
    ("shown", "facts"),
    [
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"},
            {"up": False, "systemd": "failed", "result": "exit-code", "older": []},
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "14"},
            {"up": False, "systemd": "auto-restart", "restarts": 14},
        ),
        ({}, {"up": True, "older": ["no record"]}),
        ({"MemoryCurrent": "[not set]"}, {"memory": None}),
        ({"UnitFileState": "disabled"}, {"on_boot": False}),
        (
            {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "UnitFileState": ""},
            {"up": False, "systemd": "not-found"},
        ),
        (
            {
                "ActiveState": "inactive",
                "ActiveEnterTimestampMonotonic": "0",
                "StateChangeTimestampMonotonic": "0",
            },
            {"seconds": None},
        ),
        ({"ReadWritePaths": ""}, {"disk": None}),
        # It has just ended.
        ({"MainPID": "4194305"}, {"up": True, "heap_used": None, "version": ""}),
    ],
)
def test_facts_of_a_unit(shown: dict[str, str], facts: dict[str, Any]) -> None:
    found = units.facts("kafka@1", SHOWN | shown, "kafka")
    assert {key: found[key] for key in facts} == facts


def test_since_when_a_unit_is_as_it_is() -> None:
    def ago(seconds: int) -> str:
        return str(round((time.monotonic() - seconds) * 1e6))

    times = {"ActiveEnterTimestampMonotonic": ago(500), "StateChangeTimestampMonotonic": ago(100)}
    up, failed = ({"ActiveState": state} for state in ("active", "failed"))
    assert units.facts("kafka@1", SHOWN | times | up, "kafka")["seconds"] in (500, 501)
    assert units.facts("kafka@1", SHOWN | times | failed, "kafka")["seconds"] in (100, 101)


def perf_data(counters: dict[str, int], order: str = "<") -> bytes:
    """What a JVM leaves of these counters, with a text among them as it has many."""
    entries = b""
    for name, value in ({"java.version": -1} | counters).items():
        label = name.encode() + b"\0"
        at = 20 + len(label) + -(20 + len(label)) % 8
        kind, vector, data = (
            (ord("B"), 8, b"17.0.19\0") if value < 0 else (ord("J"), 0, struct.pack(order + "q", value))
        )
        head = struct.pack(f"{order}3I4BI", at + 8, 20, vector, kind, 0, 1, 1, at)
        entries += (head + label).ljust(at, b"\0") + data
    return (
        struct.pack(f">I4B{order[1:]}", units.PERF_DATA, 1 if order == "<" else 0, 2, 0, 1)
        + struct.pack(f"{order}2Iq2I", 32 + len(entries), 0, 0, 32, len(counters) + 1)
        + entries
    )


GC = "sun.gc.generation"
COUNTERS = {f"{GC}.0.space.0.used": 5, f"{GC}.1.space.0.used": 7, f"{GC}.0.capacity": 90, "x.used": 3}


@pytest.mark.parametrize("order", ["<", ">"])
def test_counters_of_a_jvm(order: str) -> None:
    assert units.perf_data(perf_data(COUNTERS, order)) == COUNTERS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        perf_data(COUNTERS)[:60],
        perf_data(COUNTERS)[:-9],
        perf_data({})[:28] + struct.pack("<I", 1 << 31) + b"\0" * 64,
    ],
)
def test_what_is_no_file_of_a_jvm(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"JVM|whole|end"):
        units.perf_data(data)


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What /proc has of a broker, process 77, which has its own /tmp."""
    proc = tmp_path / "77"
    counters = proc / "root/tmp" / f"hsperfdata_{pwd.getpwuid(os.geteuid()).pw_name}"
    for folder in (proc / "fd", counters):
        folder.mkdir(parents=True)
    (proc / "cmdline").write_bytes(b"/opt/java/bin/java\0-Xmx1g\0-Xms64m\0-Xmx512m\0kafka.Kafka\0")
    for number, path in enumerate(["/dev/null", "/opt/kafka-4.3.0-0fcb4ca1964eb439/libs/a.jar"]):
        (proc / "fd" / str(number)).symlink_to(path)
    (proc / "maps").write_text("7f00 r--p /opt/hadoop-3.5.0-0fcb4ca1964eb439/lib/native/a.so\n")
    (counters / "77").write_bytes(perf_data(COUNTERS))
    monkeypatch.setattr(units, "PROC", str(tmp_path))
    return proc


def test_what_is_known_of_a_process_without_asking_it(process: Path) -> None:
    found = units.facts("kafka@1", SHOWN | {"MainPID": "77"}, "kafka")
    assert (found["heap_used"], found["heap_max"], found["version"]) == (12, 512 << 20, "4.3.0")
    assert units.version(77, "hadoop") == "3.5.0"  # of what it has mapped
    assert units.version(77, "spark") == ""


def test_a_link_in_the_place_of_the_counters_is_not_followed(process: Path) -> None:
    (counters,) = (process / "root/tmp").glob("hsperfdata_*")
    moved = counters.rename(process / "elsewhere")
    counters.symlink_to(moved)
    found = units.facts("kafka@1", SHOWN | {"MainPID": "77"}, "kafka")
    assert (found["heap_used"], found["heap_max"], found["version"]) == (None, 512 << 20, "4.3.0")
    counters.unlink()
    assert units.facts("kafka@1", SHOWN | {"MainPID": "77"}, "kafka")["heap_used"] is None


def test_the_inventory_was_changed_after_the_last_plan(tmp_path: Path) -> None:
    inventory, reports = tmp_path / "inventory/group_vars", tmp_path / "out"
    inventory.mkdir(parents=True)
    reports.mkdir()
    for path in (inventory / "all.yml", inventory.parent / "hosts.yml", inventory.parent / ".history"):
        path.touch()
    os.utime(inventory.parent / "hosts.yml", (0, 0))
    cluster = Cluster("c", "s", {}, {}, inventory=str(inventory.parent), source=f"{reports}/cluster.json")
    assert not reading.changed_since(cluster)  # nothing was planned
    (reports / "plan.json").touch()
    os.utime(reports / "plan.json", (50, 50))
    assert reading.changed_since(cluster)
    os.utime(inventory / "all.yml", (49, 49))
    assert not reading.changed_since(cluster)
    os.utime(inventory.parent / "hosts.yml", (51, 51))
    assert reading.changed_since(cluster)
    assert not reading.changed_since(dataclasses.replace(cluster, inventory=""))
    assert not reading.changed_since(dataclasses.replace(cluster, inventory=f"{tmp_path}/not-here"))


def test_the_program_for_a_machine_fits_into_a_command(cluster: Made) -> None:
    """One argument of a command has at most 128 KiB (execve), and quotes multiply."""
    machine = dataclasses.replace(cluster("").machines["one"], become=("sudo", "-n"))
    names = tuple(f"kafka@{number}" for number in range(100))
    assert max(map(len, machine.command(reading.script(names)))) < 32 << 10
