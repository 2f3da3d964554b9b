"""The plays that set what brokers take without a restart; brokers and machines' files are replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.playbooks import finish, start

# Stands for what changes brokers and machines; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        asked = self._task.args
        words = asked["argv"][3:] if "argv" in asked else [asked["files"][0]["content"].split("\\n", 2)[2]]
        with open({!r}, "a") as log:
            log.write(task_vars["inventory_hostname"] + ": " + " ".join(words).strip() + "\\n")
        return {{"changed": True}}
"""
NOTHING: dict[str, list[str]] = {"deploy": [], "leave": [], "roll": [], "batches": [], "follow": []}
BEFORE, BETWEEN, AFTER = {"a": ["1", "2"], "b": ["3"]}, {"a": ["2"], "b": ["3"]}, {"a": ["2"]}


def play(directory: Path, **planned: Any) -> list[str]:
    """What the plays do on two machines that are this one, where the plan says so."""
    log = directory / "log"
    log.touch()
    (directory / "action_plugins").mkdir()
    for module in ("controller_command", "config_files"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(str(log)))
    # A play before has made the plan.
    (directory / "first.yml").write_text("- {hosts: x, gather_facts: false, tasks: [meta: noop]}\n")
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "__common_plan": {"check": False, "services": {"kafka": NOTHING | planned}},
    }
    groups = {"kafka": {"hosts": dict.fromkeys("xy")}}
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))
    words = ("--inventory", str(directory / "hosts.json"), "-e", '{"common_cluster": []}')
    run = start(directory, *words, str(directory / "first.yml"), "playbooks/steps/kafka.yml")
    output = finish(run)
    assert run.returncode == 0, output
    return log.read_text().splitlines()


def test_it_is_recorded_on_all_machines_before_it_is_set_once_and_after_it(tmp_path: Path) -> None:
    dynamic = {"set": {"a": "2"}, "delete": ["b"], "records": [BEFORE, BETWEEN, AFTER]}
    done = play(tmp_path, set=["x", "y"], delete=[], dynamic=dynamic)
    assert [sorted(done[:4]), done[4], sorted(done[5:])] == [
        ['b=["3"]', 'b=["3"]', 'x: a=["1", "2"]', 'y: a=["1", "2"]'],
        "x: configure --set a=2",
        ['b=["3"]', 'b=["3"]', 'x: a=["2"]', 'y: a=["2"]'],
    ]


def test_it_is_forgotten_when_it_is_deleted(tmp_path: Path) -> None:
    dynamic = {"set": {}, "delete": ["b", "c"], "records": [BETWEEN, BETWEEN, AFTER]}
    done = play(tmp_path, set=[], delete=["x", "y"], dynamic=dynamic)
    assert [done[0], sorted(done[1:])] == ["x: configure --delete b c", ['x: a=["2"]', 'y: a=["2"]']]
