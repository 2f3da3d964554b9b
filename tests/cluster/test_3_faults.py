"""Daemons die; the cluster goes on, and the proof with data is made again."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.live import CLUSTER, Site


def _active_namenode() -> str:
    assert CLUSTER.hdfs
    for namenode in CLUSTER.hdfs.namenodes:
        jmx = f"http://{namenode.host}:{namenode.http_port}/jmx"
        url = f"{jmx}?qry=Hadoop:service=NameNode,name=NameNodeStatus"
        with urllib.request.urlopen(url, timeout=10) as answer:
            if json.load(answer)["beans"][0]["State"] == "active":
                return namenode.host
    raise AssertionError("no NameNode is active")


def test_killed_namenode_and_broker_then_smoke(site: Site) -> None:
    assert CLUSTER.hdfs
    assert CLUSTER.kafka
    active, broker = _active_namenode(), CLUSTER.kafka.brokers[0]
    before = site.units()
    victims = {(active, "hdfs-namenode"), (broker.host, broker.unit)}
    for machine, unit in victims:
        site.host(machine).check_output(f"kill -9 {before[machine, unit].pid}")
    # systemd restarts both; the gates wait for a new active NameNode and for full replication.
    site.check()
    after = site.units()
    assert all(after[victim].active and after[victim].pid != before[victim].pid for victim in victims)
    assert {key for key in before if after[key].pid != before[key].pid} == victims
    assert _active_namenode() != active
    report = site.smoke()
    assert report["ok"]
    assert report["mode"] == "full"


def test_smoke_sees_a_cluster_that_cannot_write(site: Site) -> None:
    """The planted failure: with two brokers down no record can be acknowledged by all, and smoke says so."""
    assert CLUSTER.kafka
    down = [(CLUSTER.machines[broker.host], broker.unit) for broker in CLUSTER.kafka.brokers[1:]]
    try:
        for machine, unit in down:
            machine.run(f"systemctl stop {unit}", timeout=200)
        with pytest.raises(AssertionError, match="kafka"):
            site.check("kafka", timeout=5)
    finally:
        for machine, unit in down:
            machine.run(f"systemctl start {unit}")
    site.check("kafka")
