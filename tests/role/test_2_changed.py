"""One property: the plan says it, and only the daemons that read it are restarted; then back again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smoke.services import yarn
from smoke.web import get_json
from tests.live import CLUSTER, REPORTS, Site
from tests.role.effective import assert_said


def test_a_second_run_changes_nothing(site: Site, converge: str) -> None:
    before = site.units()
    run = site.run(playbook=converge)
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output
    assert site.restarted_since(before) == set()


def test_one_property_restarts_its_daemons_alone(site: Site, value: Any, converge: str) -> None:
    change = value(next(iter(CLUSTER.machines)), "scenario_change")
    # Of Java no property is read by a daemon.
    if not change:
        pytest.skip("Java alone has no daemon")
    before = site.units()
    readers = {key for key in before if key[1].split("@")[0] in change["units"]}
    assert readers
    run = site.run("-e", json.dumps(change["variables"]), playbook=converge)
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == readers
    # The machines have one clock.
    units = site.units()
    went = dict.fromkeys(machine for machine, _ in sorted(readers, key=lambda key: units[key].down_at))
    services = json.loads((REPORTS / "plan.json").read_text())["services"]
    assert list(went) == [machine for service in services.values() for machine in service["roll"]]
    assert_said(site, change["expects"])
    run = site.run(playbook=converge)
    assert run.rc == 0, run.output


def queues() -> set[str]:
    """What the active ResourceManager has below its root."""
    assert CLUSTER.yarn
    states = yarn.states(CLUSTER.yarn)
    (manager,) = (each for each in CLUSTER.yarn.resourcemanagers if states.get(each.id) == "active")
    answer = get_json(manager.host, manager.http_port, "/ws/v1/cluster/scheduler")
    return {each["queueName"] for each in answer["scheduler"]["schedulerInfo"]["queues"]["queue"]}


def test_queues_are_read_again_without_a_restart(site: Site, value: Any, converge: str) -> None:
    """And one that the ResourceManager does not give up is taken back, by the file alone."""
    machine = next(iter(CLUSTER.machines))
    if "yarn-resourcemanager" not in value(machine, "scenario_change").get("units", ()):
        pytest.skip("the scenario is of another role")
    root = "yarn.scheduler.capacity.root"
    own = value(machine, "yarn_capacity_scheduler_overrides")
    passing = own | {f"{root}.passing.capacity": 0, f"{root}.passing.maximum-capacity": 10}
    passing[f"{root}.queues"] = f"{own.get(f'{root}.queues', 'default')},passing"

    def change(properties: dict[str, Any], rc: int) -> str:
        given = json.dumps({"yarn_capacity_scheduler_overrides": properties})
        run = site.run("-e", given, playbook=converge)
        assert run.rc == rc, run.output
        return run.output

    before, had = site.units(), queues()
    assert "passing" not in had
    change(passing, 0)
    assert queues() == had | {"passing"}
    said = change(own, 2)
    assert "the queue is not yet in stopped state" in said, said
    assert "refused the change and runs as before" in said
    assert queues() == had | {"passing"}
    # All machines have what is in force.
    assert "nothing to do" in change(passing, 0)
    change(passing | {f"{root}.passing.state": "STOPPED"}, 0)
    change(own, 0)
    assert queues() == had
    assert site.restarted_since(before) == set()
