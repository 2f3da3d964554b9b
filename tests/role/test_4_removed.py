"""Teardown: nothing is left on the machines that a new one has not, and a second one finds nothing."""

from __future__ import annotations

import pytest

from tests.listing import Listing, differences, take
from tests.live import CHECKOUT, CLUSTER, Site

PREPARE = str(CHECKOUT / "molecule/shared/prepare.yml")


OWN = ("content /etc/machine-id", "content /etc/hosts:", "content /etc/resolv.conf:")
"""What each machine has of its own, and of the network that was free when its lab was made."""


def listings(site: Site) -> dict[str, Listing]:
    return {name: take(machine) for name, machine in CLUSTER.machines.items()}


def test_nothing_is_left_that_a_new_machine_has_not(site: Site) -> None:
    if not site.units():
        pytest.skip("Java alone is no cluster, which is what is torn down")
    given = ("-e", f"remove_data={CLUSTER.name}")
    for changes in (True, False):
        run = site.run(*given, playbook="playbooks/teardown.yml")
        assert run.rc == 0, run.output
        assert bool(sum(run.changed.values())) == changes, run.output
    after = listings(site)
    for playbook in ("playbooks/lab_down.yml", "playbooks/lab_up.yml", PREPARE):
        run = site.run(playbook=playbook)
        assert run.rc == 0, run.output
    before = listings(site)
    left = [
        f"{name}: {line}"
        for name in before
        for line in differences(before[name], after[name])
        if not line.startswith(OWN)
    ]
    assert not left, "\n".join(left)
