"""Servers of ZooKeeper come and go by the steps of a plan, with systemd and the checks replaced."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.unit.playbooks import finish, start

# Stands for what would write files and restart; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        host, state = task_vars["inventory_hostname"], self._task.args["state"]
        if self._task.check_mode or state == "installed":
            return {{"changed": False}}
        with open({log!r}, "a") as log:
            print(state, host, file=log)
        return {{"changed": True, "failed": host == {ends!r}}}
"""
# What a role that is used alone asks and installs before it; the plan is given.
RIGHT = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"facts": {}}
"""
STUBBED = ("preflight", "machine_facts", "cluster_plan", "package_record", "apt", "service_keep")
SYSTEMCTL = """#!/bin/sh
case $1 in
  show) [ {loaded} = 0 ] || printf 'LoadState=loaded\\nActiveState=active\\n' ;;
  is-enabled) echo enabled ;;
  stop|disable) echo "$1 $2" >> {log} ;;
  *) exit 1 ;;
esac
"""
STEPS = [
    {"host": "c", "do": "stop", "serve": 2},
    {"host": "b", "do": "restart", "serve": 2},
    {"host": "a", "do": "restart", "serve": 0},
]


def resize(
    directory: Path,
    *words: str,
    steps: Any = STEPS,
    closed: str = "none",
    ends: str = "",
    loaded: bool = True,
    alone: bool = False,
) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by the step of site.yml on three machines that are this one.

    closed: the number of servers for which the gate stays closed, or the one that does not answer
    ends: the host whose server does not start
    loaded: whether the server has a unit
    alone: whether a play of another project has the role, without the step
    """
    log = directory / "log"
    log.touch()
    (directory / "action_plugins").mkdir()
    (directory / "action_plugins/service_state.py").write_text(PLUGIN.format(log=str(log), ends=ends))
    first = "- {hosts: all, gather_facts: false}\n"
    books = [str(directory / "first.yml"), "playbooks/steps/zookeeper.yml"]
    if alone:
        first = "- {hosts: all, gather_facts: false, roles: [zookeeper]}\n"
        books.pop()
        for name in STUBBED:
            (directory / f"action_plugins/{name}.py").write_text(RIGHT)
    (directory / "first.yml").write_text(first)
    (directory / "check").write_text(f'echo "check $*" >> {log}; [ "$3" != {closed} ]\n')
    (directory / "bin").mkdir()
    (directory / "bin/systemctl").write_text(SYSTEMCTL.format(log=log, loaded=int(loaded)))
    (directory / "bin/systemctl").chmod(0o755)
    decided = {"refusals": [], "last": [], "resize": {"old": 3, "new": 2, "steps": steps}}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "zookeeper_hosts": ["a", "b"],
        "common_check": ["/bin/sh", str(directory / "check")],
        "__common_plan": {
            "check": False,
            "asked": [] if alone else ["zookeeper"],
            "services": {"zookeeper": {"deploy": ["a", "b", "c"], "roll": [], "batches": [], "follow": []}},
            "data": {"zookeeper": decided},
        },
    }
    groups = {"zookeeper": {"hosts": dict.fromkeys("ab")}, "cluster": {"hosts": dict.fromkeys("abc")}}
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))
    path = f"{directory}/bin:{os.environ['PATH']}"
    run = start(directory, "--inventory", str(directory / "hosts.json"), *books, *words, PATH=path)
    output = finish(run)
    return run.returncode, output, log.read_text().splitlines()


STOPPED = ["check zookeeper --serving 2", "stop zookeeper", "disable zookeeper"]
RESTARTED = [
    *("check zookeeper --serving 2", "current b", "check zookeeper --answering b"),
    *("current a", "check zookeeper --answering a"),
]


def test_one_step_after_the_other_each_behind_its_gate(tmp_path: Path) -> None:
    rc, output, done = resize(tmp_path)
    assert rc == 0, output
    assert sorted(done[:3]) == sorted(STOPPED)
    assert done[3:] == RESTARTED


def test_who_leaves_a_role_that_is_used_alone_is_stopped_too(tmp_path: Path) -> None:
    """The group of the service has it no more, and a play of another project may."""
    rc, output, done = resize(tmp_path, alone=True)
    assert rc == 0, output
    assert sorted(done[:3]) == sorted(STOPPED)
    assert done[3:] == [*RESTARTED, "check zookeeper"]


def test_one_that_never_had_a_unit_leaves(tmp_path: Path) -> None:
    rc, output, done = resize(tmp_path, loaded=False)
    assert rc == 0, output
    assert done == ["check zookeeper --serving 2", *RESTARTED]


def test_nothing_comes_after_a_gate_that_stays_closed(tmp_path: Path) -> None:
    rc, output, done = resize(tmp_path, closed="2")
    assert rc == 2, output
    assert done == ["check zookeeper --serving 2"]


def test_nothing_comes_after_a_server_that_does_not_start(tmp_path: Path) -> None:
    rc, output, done = resize(tmp_path, ends="b")
    assert rc == 2, output
    assert done[3:] == ["check zookeeper --serving 2", "current b"]


def test_nothing_comes_after_a_server_that_does_not_answer(tmp_path: Path) -> None:
    """systemd has started it, and the rest still serves; without another one it would not."""
    rc, output, done = resize(tmp_path, closed="b")
    assert rc == 2, output
    assert done[3:] == RESTARTED[:3]


def test_without_one_of_the_machines_nothing_begins(tmp_path: Path) -> None:
    rc, output, done = resize(tmp_path, "--limit", "a,b")
    assert rc == 2, output
    assert "c of the plan is not reached any more, or this play leaves it out" in output
    assert done == []
