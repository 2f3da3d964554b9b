"""A setting that a daemon refuses is taken back on the machine that tried it, and nobody else has it.

Of each service and each kind of refusal in turn: make drill NAME=refused-SERVICE-KIND.
"""

from __future__ import annotations

from tests.live import CLUSTER, Site, of_brokers
from tests.oracle import Records, Session


def test_what_is_refused_is_taken_back(site: Site) -> None:
    change = of_brokers("num.io.threads", "many")
    before = site.units()
    with Records(CLUSTER) as records, Session(CLUSTER) as session:
        run = site.run("-e", change, playbook="playbooks/kafka.yml")
        verdicts = [records.finish(), session.finish()]
    assert run.rc == 2, run.output
    assert all(verdict.ok for verdict in verdicts), verdicts
    assert "refused the change and runs as before" in run.output
    assert "Invalid value many for configuration num.io.threads" in run.output
    assert "likely cause: " in run.output
    # One daemon was down, and is up again; all that the inventory wants is there.
    assert len(site.restarted_since(before)) == 1
    site.check()
    again = site.run(playbook="playbooks/kafka.yml")
    assert again.rc == 0, again.output
    assert "nothing to do on 3 machines" in again.output
    assert sum(again.changed.values()) == 0
