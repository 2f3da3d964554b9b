"""What the action plugin makes of services before a machine is asked: files, units, the line that records."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from host_units import dropins_of, reasons, recorded

from roles.common.action_plugins import service_state as action


@pytest.mark.parametrize(
    ("unit", "file"),
    [
        ({"name": "zookeeper"}, "zookeeper.service"),
        ({"name": "kafka@1"}, "kafka@.service"),
        ({"name": "kafka@10", "file": "kafka@10.service"}, "kafka@10.service"),
    ],
)
def test_the_file_of_a_unit(unit: dict[str, str], file: str) -> None:
    assert action._unit_file(unit) == file


class Starting:
    """A unit that starts: its line is run by sh as systemd would, with unit files below a directory."""

    def __init__(self, root: Path, unit: str, **more: Any) -> None:
        self.root = root
        reads = [f"{root}/server-%i.properties", f"{root}/log4j.properties"]
        self.unit: dict[str, Any] = {"name": unit, "restart_on": reads} | more
        for path in ("system", "run"):
            (root / path).mkdir(exist_ok=True)

    def write(self, *names: str) -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)

    def start(self) -> int:
        """Run the line; its exit code."""
        comment, line = action._record(self.unit).split("\n")
        assert comment.startswith("# ")
        command = line.removeprefix("ExecStartPre=")
        assert command != line
        script = self.root / "line"
        script.write_text(command.replace("%i", self.unit["name"].partition("@")[2]) + "\n")
        environment = {"RUNTIME_DIRECTORY": f"{self.root}/run", "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            ["sh", str(script)], env=environment, check=False, stderr=subprocess.DEVNULL
        ).returncode

    def record(self) -> dict[str, str]:
        """What was recorded, as the module reads it, without the root."""
        found = recorded("run", root=str(self.root))
        return {path.removeprefix(f"{self.root}/"): digest for path, digest in found.items()}


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starting:
    """A broker whose files all lie there, without a drop-in."""
    monkeypatch.setattr(action, "UNITS", f"{tmp_path}/system")
    unit = Starting(tmp_path, "kafka@1")
    unit.write("system/kafka@.service", "server-1.properties", "log4j.properties")
    return unit


def digests(*names: str) -> dict[str, str]:
    return {name: hashlib.sha256(name.encode()).hexdigest() for name in names}


def test_a_unit_that_starts_records_what_it_reads(broker: Starting) -> None:
    # There is no directory of drop-ins, which does no harm.
    assert broker.start() == 0
    assert broker.record() == digests("system/kafka@.service", "server-1.properties", "log4j.properties")


def test_drop_ins_are_recorded_those_of_the_instance_too(broker: Starting) -> None:
    names = (
        "kafka@.service.d/a.conf",
        "kafka@.service.d/b c.conf",
        "kafka@1.service.d/millrace.instance.conf",
    )
    broker.write(*(f"system/{name}" for name in names))
    broker.write("system/kafka@2.service.d/a.conf", "system/kafka@.service.d/README")
    assert broker.start() == 0
    own = digests("system/kafka@.service", "server-1.properties", "log4j.properties")
    assert broker.record() == own | digests(*(f"system/{name}" for name in names))


def test_a_directory_of_drop_ins_that_is_empty(broker: Starting) -> None:
    (broker.root / "system" / "kafka@.service.d").mkdir()
    assert broker.start() == 0
    assert len(broker.record()) == 3


@pytest.mark.parametrize("name", ["system/kafka@.service", "server-1.properties", "log4j.properties"])
def test_without_a_file_that_it_reads_it_does_not_start(broker: Starting, name: str) -> None:
    (broker.root / name).unlink()
    assert broker.start() != 0


def test_the_module_looks_at_what_was_recorded(broker: Starting) -> None:
    """Just started it is not stale; by a drop-in that came or went it is."""
    reads = [
        f"{broker.root}/{name}"
        for name in ("system/kafka@.service", "server-1.properties", "log4j.properties")
    ]

    def why() -> list[str]:
        dropins = dropins_of("kafka@1", directory=f"{broker.root}/system")
        record = recorded("run", root=str(broker.root))
        return [path.removeprefix(f"{broker.root}/") for path in reasons(record, [*reads, *dropins])]

    for name in ("kafka@.service.d/theirs.conf", "kafka@1.service.d/millrace.instance.conf"):
        broker.start()
        assert why() == []
        broker.write(f"system/{name}")
        assert why() == [f"system/{name}"]
        broker.start()
        assert why() == []
        (broker.root / "system" / name).unlink()
        assert why() == [f"system/{name}"]


def test_an_instance_with_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd gives it the drop-ins of the template all the same."""
    monkeypatch.setattr(action, "UNITS", f"{tmp_path}/system")
    unit = Starting(tmp_path, "kafka@10", file="kafka@10.service", restart_on=[])
    unit.write("system/kafka@.service", "system/kafka@10.service")
    unit.write("system/kafka@.service.d/a.conf", "system/kafka@10.service.d/b.conf")
    assert unit.start() == 0
    assert set(unit.record()) == {
        "system/kafka@10.service",
        "system/kafka@.service.d/a.conf",
        "system/kafka@10.service.d/b.conf",
    }


def test_the_line_of_a_unit_that_is_no_instance_golden() -> None:
    unit = {"name": "zookeeper", "restart_on": ["/etc/zookeeper/zoo.cfg"]}
    assert action._record(unit).splitlines()[1] == (
        "ExecStartPre=/usr/bin/sh -c 'for f in /etc/systemd/system/zookeeper.service.d/*.conf; "
        'do [ ! -e "$f" ] || set -- "$@" "$f"; done; '
        """exec sha256sum "$@" > "$RUNTIME_DIRECTORY/config.sha256"' """
        "record /etc/systemd/system/zookeeper.service /etc/zookeeper/zoo.cfg"
    )


def test_the_entries_of_units_files() -> None:
    units: list[dict[str, Any]] = [
        {
            "name": "kafka@1",
            "src": "kafka@.service.j2",
            "vars": {"home": "/opt/kafka"},
            "overrides": {"Service": {"Nice": 5}},
            "own_overrides": {"Service": {"Nice": 6}},
            "restart_on": [],
        },
        {"name": "hdfs-zkfc", "role": "hadoop", "src": "hadoop-daemon.service.j2", "restart_on": []},
    ]
    entries = list(action._of_units(units))
    dropin = {"src": "dropin.conf.j2", "dropin": True}
    assert entries == [
        {
            "src": "kafka@.service.j2",
            "dest": "/etc/systemd/system/kafka@.service",
            "vars": {"home": "/opt/kafka", "unit": "kafka@1", "record": action._record(units[0])},
        },
        dropin
        | {
            "dest": "/etc/systemd/system/kafka@.service.d/millrace.conf",
            "vars": {"sections": {"Service": {"Nice": 5}}, "common": True},
        },
        dropin
        | {
            "dest": "/etc/systemd/system/kafka@1.service.d/millrace.instance.conf",
            "vars": {"sections": {"Service": {"Nice": 6}}, "common": False},
        },
        {
            "role": "hadoop",
            "src": "hadoop-daemon.service.j2",
            "dest": "/etc/systemd/system/hdfs-zkfc.service",
            "vars": {"unit": "hdfs-zkfc", "record": action._record(units[1])},
        },
        dropin
        | {
            "dest": "/etc/systemd/system/hdfs-zkfc.service.d/millrace.conf",
            "vars": {"sections": {}, "common": True},
        },
    ]


class Rendered(action.ActionModule):
    """The plugin, with a word for each text that it would render."""

    def __init__(self) -> None:
        """Without a task."""

    def _rendered(self, entry: Mapping[str, Any], service: str, variables: Mapping[str, Any]) -> str:
        sections = entry.get("vars", {}).get("sections")
        return (
            f"# Ours\n{sections or ''}\n".rstrip("\n") + "\n" if entry.get("dropin") else f"{entry['src']}\n"
        )


def test_a_service_as_the_module_takes_it() -> None:
    unit = {
        "src": "kafka@.service.j2",
        "own_overrides": {},
        "restart_on": ["/opt/java/bin/java", "/etc/kafka/server-%i.properties"],
    }
    service: dict[str, Any] = {
        "name": "kafka",
        "hosts": ["a"],
        "endpoints": [],
        "users": [{"name": "kafka"}],
        "links": [],
        "templates": [
            {"src": "a.j2", "dest": "/etc/kafka/a", "group": "kafka", "mode": "0640", "sensitive": True},
            {"src": "b.j2", "dest": "/etc/kafka/b", "vars": {"x": 1}},
            {"dest": "/etc/kafka/c", "state": "absent"},
        ],
        "units": [
            unit | {"name": "kafka@1"},
            unit | {"name": "kafka@2", "own_overrides": {"Service": {"Nice": 5}}},
        ],
        "data": {"rule": "kafka_data", "stores": [{"name": "data"}], "facts": {"ids": [1]}},
    }
    made = Rendered()._for_module(service, {})
    system = "/etc/systemd/system"
    assert made == {
        "name": "kafka",
        "install": {"users": [{"name": "kafka"}], "links": []},
        "files": [
            {"path": "/etc/kafka/a", "group": "kafka", "mode": "0640", "secret_content": "a.j2\n"},
            {"path": "/etc/kafka/b", "content": "b.j2\n"},
            {"path": "/etc/kafka/c", "state": "absent"},
            # One file of all instances; a drop-in without a word is not to be there.
            {"path": f"{system}/kafka@.service", "content": "kafka@.service.j2\n"},
            {"path": f"{system}/kafka@.service.d/millrace.conf", "state": "absent"},
            {"path": f"{system}/kafka@1.service.d/millrace.instance.conf", "state": "absent"},
            {
                "path": f"{system}/kafka@2.service.d/millrace.instance.conf",
                "content": "# Ours\n{'Service': {'Nice': 5}}\n",
            },
        ],
        "units": [
            {
                "name": f"kafka@{number}",
                "file": "kafka@.service",
                "restart_on": ["/opt/java/bin/java", f"/etc/kafka/server-{number}.properties"],
            }
            for number in (1, 2)
        ],
        "stores": [{"name": "data"}],
        "settings": {},
    }


def test_a_service_of_a_name_alone() -> None:
    assert Rendered()._for_module({"name": "java"}, {}) == {
        "name": "java",
        "install": {},
        "files": [],
        "units": [],
        "stores": [],
        "settings": {},
    }


def test_what_was_read_again_is_noted_in_the_record(tmp_path: Path) -> None:
    """systemd leaves all that is no word of its own to the shell."""
    again, other = tmp_path / "again.xml", tmp_path / "again.xml.more"
    record = tmp_path / "config.sha256"
    for path in (again, other):
        path.write_text("old")
    old = hashlib.sha256(b"old").hexdigest()
    record.write_text(f"{old}  {again}\n{old}  {other}\n")
    again.write_text("new")
    other.write_text("new")
    (line,) = action._noted({"reload_on": [str(again)]}).splitlines()
    words = shlex.split(line.partition("=")[2])
    subprocess.run(words, env=os.environ | {"RUNTIME_DIRECTORY": str(tmp_path)}, check=True)
    new = hashlib.sha256(b"new").hexdigest()
    assert sorted(record.read_text().splitlines()) == sorted([f"{new}  {again}", f"{old}  {other}"])
    # Nothing is noted that cannot be read.
    again.unlink()
    done = subprocess.run(words, env=os.environ | {"RUNTIME_DIRECTORY": str(tmp_path)}, check=False)
    assert done.returncode
    assert f"{new}  {again}" in record.read_text()
