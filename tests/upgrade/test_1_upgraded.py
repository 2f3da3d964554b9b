"""The kit of today brings a cluster of the last release to its own state: under load, and nothing is lost."""

from __future__ import annotations

from tests.live import CLUSTER, Site
from tests.oracle import Directories, Records, Session


def test_nothing_is_lost(site: Site) -> None:
    with Records(CLUSTER) as records, Session(CLUSTER) as session, Directories(CLUSTER) as directories:
        run = site.run()
        verdicts = [each.finish() for each in (records, session, directories)]
    assert run.rc == 0, run.output
    assert all(verdict.ok for verdict in verdicts), verdicts


def test_a_second_run_changes_nothing(site: Site) -> None:
    before = site.units()
    run = site.run()
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output
    assert site.restarted_since(before) == set()
