"""A setting that a daemon refuses is taken back on the machine that tried it, and nobody else has it."""

from __future__ import annotations

import pytest

from tests.live import CLUSTER, Site, of_brokers
from tests.oracle import Records, Session

assert CLUSTER.kafka
REFUSED = {
    "kafka": (of_brokers("num.io.threads", "many"), "Invalid value many for configuration num.io.threads"),
    "zookeeper": ('{"zookeeper_cfg_overrides": {"tickTime": "soon"}}', 'For input string: "soon"'),
}


@pytest.mark.parametrize("service", REFUSED)
def test_what_is_refused_is_taken_back(site: Site, service: str) -> None:
    change, error = REFUSED[service]
    before = site.units()
    with Records(CLUSTER) as records, Session(CLUSTER) as session:
        run = site.run("-e", change, playbook=f"playbooks/{service}.yml")
        verdicts = [records.finish(), session.finish()]
    assert run.rc == 2, run.output
    assert all(verdict.ok for verdict in verdicts), verdicts
    assert "refused the change and runs as before" in run.output
    assert error in run.output
    assert "likely cause: " in run.output
    # One daemon was down, and is up again; all that the inventory wants is there.
    assert len(site.restarted_since(before)) == 1
    site.check()
    again = site.run(playbook=f"playbooks/{service}.yml")
    assert again.rc == 0, again.output
    assert "nothing to do on 3 machines" in again.output
    assert sum(again.changed.values()) == 0
