"""Brokers come and go by the plays of a plan, with systemd, the checks and upstream's commands replaced."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playbooks import finish, start
from tests.unit.test_kafka_quorum import TASKS

# Stands for what asks or changes brokers and units; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        asked, host = self._task.args, task_vars["inventory_hostname"]
        said = asked["argv"][2:] if "argv" in asked else [asked["state"], *asked.get("units", ["all"])]
        with open({log!r}, "a") as log:
            print(host, *said, file=log)
        failed = " ".join(map(str, said)) == {fails!r}
        return {{"changed": True, "failed": failed, "waiting": task_vars["waits"]}}
"""
SYSTEMCTL = """#!/bin/sh
case $1 in
  show) printf 'LoadState=loaded\\nActiveState=inactive\\n' ;;
  is-enabled) echo enabled ;;
  disable) echo "d $1 $2" >> {log} ;;
  is-active) ;;
  kill) echo "killed $3" >> {log} ;;
  stop) ;;
  *) exit 1 ;;
esac
"""
# kafka-storage.sh format: each directory gets an id. For further disks a shell has the broker and its own.
RUNUSER = """#!/bin/sh
if [ "$5" = -ec ]; then echo "disks $7 $8" >> {log}; exit; fi
[ "$6" = --ignore-formatted ] && shift
echo "format $9 ${{10}}" >> {log}
echo "${{11}}" >> {log}-voters
id=$(echo "$9" | tr -dc 0-9)
mkdir -p "${{0%/bin/*}}/$id"
echo "directory.id=d$id" > "${{0%/bin/*}}/$id/meta.properties"
"""
FORMAT = "format /etc/kafka/server-{}.properties --{}initial-controllers"
PROPERTIES = "node.id=4\ncontroller.quorum.auto.join.enable={}\nlog.dirs=/d\n"


BROKERS = {"a": (1,), "b": (2, 3)}


def play(
    directory: Path,
    planned: dict[str, Any],
    fails: str = "",
    waits: Any = (),
    formatted: int = 3,
    *,
    brokers: Mapping[str, tuple[int, ...]] = BROKERS,
    controllers: dict[str, int] | None = None,
    last: tuple[str, ...] = (),
    properties: str = PROPERTIES.format("true"),
    disks: Mapping[int, Mapping[str, bool]] | None = None,
    book: str = "",
) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by the plays of Kafka on machines that are this one.

    brokers: their ids by host; without controllers of their own each is one, too
    disks: by broker its log.dirs, the first in kafka_data_dir, and whether each is formatted
    """
    alone = controllers or {}
    log = directory / "log"
    log.touch()
    (directory / "action_plugins").mkdir()
    for module in ("controller_command", "service_units", "service_state"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(log=str(log), fails=fails))
    (directory / "bin").mkdir()
    for name, text in {"systemctl": SYSTEMCTL, "runuser": RUNUSER}.items():
        (directory / f"bin/{name}").write_text(text.format(log=log))
        (directory / f"bin/{name}").chmod(0o755)
    (directory / "first.yml").write_text("- {hosts: all, gather_facts: false}\n")
    (directory / "server.properties").write_text(properties)
    nothing: dict[str, Any] = {"set": [], "deploy": [], "leave": {}, "roll": [], "follow": [], "delete": []}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "kafka_file": str(directory / "server.properties"),
        "kafka_data_dir": str(directory),
        "kafka_hosts": list(brokers),
        "kafka_controller_hosts": list(alone or brokers),
        "common_alone": ["flock", str(directory / "lock")],
        "common_check": ["/bin/sh", "smoke", "check"],
        "__kafka_leave": ["/bin/sh", "smoke", "leave"],
        "__common_plan": {
            "check": False,
            "asked": ["kafka"],
            "services": {"kafka": nothing | planned},
            "data": {"kafka": {"formatted": formatted, "last": list(last)}},
        },
    }
    disks = disks or {}
    held = {f"{number}/meta.properties": "" for number, each in disks.items() if next(iter(each.values()))}
    stores: dict[str, Any] = {"logs": {"holds": {str(directory): held}}} | {
        f"log.dirs of {number}": {
            "holds": {path: {"meta.properties": ""} if has else {} for path, has in each.items()}
        }
        for number, each in disks.items()
    }
    hosts = {
        host: {
            "__common_found": {"services": {"kafka": {"data": {"stores": stores}}}},
            "waits": list(waits[host]) if host in waits else [],
            "kafka_brokers": [
                {"id": number, "host": host, "port": 9092, "controller_port": 9093}
                for number in brokers.get(host, ())
            ],
            "kafka_controllers": [
                {"id": alone[each], "host": each, "controller_port": 9093} for each in alone if each == host
            ],
        }
        for host in dict.fromkeys([*"abd", *alone])
    }
    groups = {"cluster": {"hosts": hosts}, "kafka": {"hosts": dict.fromkeys(brokers)}}
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))
    (directory / "given.json").write_text(json.dumps(given))
    books = (str(directory / "first.yml"), book or "playbooks/steps/kafka.yml")
    words = ("--inventory", str(directory / "hosts.json"), "-e", f"@{directory / 'given.json'}")
    run = start(directory, *words, *books, PATH=f"{directory}/bin:{os.environ['PATH']}")
    output = finish(run)
    return run.returncode, output, log.read_text().splitlines()


LEAVE = [
    "d check kafka --leave 4",
    "d current kafka@4",
    "d leave voter 4",
    "d stopped kafka@4",
    "d leave broker 4",
    "d disable kafka@4",
]


def test_a_broker_leaves_step_by_step(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, {"leave": {"d": ["kafka@4"]}})
    assert rc == 0, output
    assert done == LEAVE
    assert (tmp_path / "server.properties").read_text() == PROPERTIES.format("false")
    # The model of runs that are cut off has the same, and the file after the gate.
    assert len(TASKS) == len(LEAVE) + 1
    assert list(TASKS) == ["gate", "file", "restart", "voter", "stop", "broker", "disable"]


@pytest.mark.parametrize(
    ("fails", "steps", "joins"),
    [("check kafka --leave 4", 1, "true"), ("leave voter 4", 3, "false"), ("leave broker 4", 5, "false")],
)
def test_nothing_comes_after_a_step_that_fails(tmp_path: Path, fails: str, steps: int, joins: str) -> None:
    """And nothing is changed before the gate."""
    rc, output, done = play(tmp_path, {"leave": {"d": ["kafka@4", "kafka@5"]}}, fails)
    assert rc == 2, output
    assert done == LEAVE[:steps]
    assert (tmp_path / "server.properties").read_text() == PROPERTIES.format(joins)


DEPLOY = {"deploy": ["a", "b"]}
WAITS = {"a": ["kafka@1"], "b": ["kafka@2", "kafka@3"]}


def test_brokers_join_a_cluster_one_after_the_other(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, DEPLOY, waits=WAITS, formatted=3)
    assert rc == 0, output
    joins = [
        line
        for host, number in (("a", 1), ("b", 2), ("b", 3))
        for line in (
            FORMAT.format(number, "no-"),
            f"{host} started kafka@{number}",
            f"a check kafka --joined {number} d{number}",
        )
    ]
    assert done[2:] == joins


def test_nobody_joins_after_one_that_does_not_vote(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, DEPLOY, "check kafka --joined 2 d2", WAITS)
    assert rc == 2, output
    assert done[-1] == "a check kafka --joined 2 d2"


@pytest.mark.parametrize(
    ("disks", "formats"),
    [
        ({1: {"/d1": True, "/d2": False}}, ["disks 1 /d1,/d2"]),
        ({1: {"/d1": True, "/d2": True}, 2: {"/d1": True}}, []),
        # It waits, and joins as a new one, also with what is on its other disk.
        ({1: {"/d1": False, "/d2": False}, 2: {"/d1": False, "/d2": True}}, []),
    ],
)
def test_a_further_disk_of_a_broker_that_is_down_is_formatted_before_it_starts(
    tmp_path: Path, disks: dict[int, dict[str, bool]], formats: list[str]
) -> None:
    """After playbooks/stop.yml, or when a disk was replaced: no restart comes that would do it."""
    machines = {"a": {"start": ["kafka@1"]}, "b": {"start": ["kafka@2", "kafka@3"]}}
    rc, output, done = play(tmp_path, DEPLOY | {"machines": machines}, disks=disks)
    assert rc == 0, output
    assert done[: len(formats)] == formats
    assert sorted(done[len(formats) :]) == ["a started all", "b started all"]


def test_those_that_found_a_cluster_start_together(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, DEPLOY, waits=WAITS, formatted=0)
    assert rc == 0, output
    assert sorted(done[2:]) == sorted(
        [*(FORMAT.format(n, "") for n in (1, 2, 3)), "a started kafka@1", "b started kafka@2 kafka@3"]
    )


APART: dict[str, Any] = {"brokers": {"a": (1,), "b": (2, 3)}, "controllers": {"x": 101, "y": 102, "z": 103}}
ALL = {"deploy": list("abxyz")}
EMPTY = WAITS | {"x": ["kafka@101"], "y": ["kafka@102"], "z": ["kafka@103"]}


def test_controllers_found_a_cluster_before_brokers_that_are_none(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, ALL, waits=EMPTY, formatted=0, **APART)
    assert rc == 0, output
    controllers = [*(FORMAT.format(n, "") for n in (101, 102, 103)), *started("x101", "y102", "z103")]
    brokers = [
        *(FORMAT.format(n, "no-") for n in (1, 2, 3)),
        "a started kafka@1",
        "b started kafka@2 kafka@3",
    ]
    assert sorted(done[5:11]) == sorted(controllers)
    assert sorted(done[11:]) == sorted(brokers)
    # Those that vote, and no broker.
    voters = {line for line in (tmp_path / "log-voters").read_text().splitlines() if line}
    assert [[voter.split("@")[0] for voter in line.split(",")] for line in voters] == [["101", "102", "103"]]


def started(*places: str) -> list[str]:
    return [f"{place[0]} started kafka@{place[1:]}" for place in places]


def test_a_controller_joins_when_brokers_can_tell_whether_it_votes(tmp_path: Path) -> None:
    """After a run that was cut off no broker may have been there; those wait for no vote."""
    waits = {"b": ["kafka@2", "kafka@3"], "z": ["kafka@103"]}
    rc, output, done = play(tmp_path, {"deploy": ["b", "z"]}, waits=waits, formatted=2, **APART)
    assert rc == 0, output
    assert done[2:] == [
        FORMAT.format(2, "no-"),
        FORMAT.format(3, "no-"),
        "b started kafka@2 kafka@3",
        FORMAT.format(103, "no-"),
        "z started kafka@103",
        "b check kafka --joined 103 d103",
    ]


def test_brokers_start_when_a_majority_of_controllers_is_there(tmp_path: Path) -> None:
    rc, output, done = play(tmp_path, ALL, last=("a", "b"), **APART)
    assert rc == 0, output
    assert sorted(done[:3]) == ["x started all", "y started all", "z started all"]
    assert done[3] == "a check kafka --quorum"
    assert sorted(done[4:]) == ["a started all", "b started all"]


def test_a_broker_that_does_not_vote_leaves_without_another_restart(tmp_path: Path) -> None:
    text = "node.id=4\nprocess.roles=broker\n"
    rc, output, done = play(tmp_path, {"leave": {"d": ["kafka@4"]}}, properties=text, **APART)
    assert rc == 0, output
    assert done == LEAVE
    assert (tmp_path / "server.properties").read_text() == text


STOP = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: kafka, tasks_from: stop, rolespec_validate: false}
"""


def test_brokers_stop_while_all_controllers_are_there(tmp_path: Path) -> None:
    """One that is stopped asks them; the last ones are no majority that could answer, and are killed."""
    (tmp_path / "stop.yml").write_text(STOP)
    rc, output, done = play(tmp_path, {}, book=str(tmp_path / "stop.yml"), **APART)
    assert rc == 0, output
    assert sorted(done[:2]) == ["a stopped kafka@1", "b stopped kafka@2 kafka@3"]
    assert done[2:5] == ["x stopped kafka@101", "y stopped kafka@102", "killed kafka@103"]
