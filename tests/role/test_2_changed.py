"""One property: the plan says it, and only the daemons that read it are restarted; then back again."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
