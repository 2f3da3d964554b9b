"""Daemons die; the cluster goes on, and the smoke test with data runs again."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from smoke.checks.kafka import PARTITIONS
from smoke.services import hdfs, zookeeper
from smoke.wait import wait_until
from tests.live import CHECKOUT, CLUSTER, MEANT, Site

RECORDS = 50_000
"""So many that seconds pass between the first and the last."""


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


def _await_records(topic: str) -> None:
    """Wait until the brokers hold some of its records."""
    assert CLUSTER.kafka
    consumer = KafkaConsumer(bootstrap_servers=CLUSTER.kafka.bootstrap, allow_auto_create_topics=False)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    with contextlib.closing(consumer):
        wait_until(lambda: topic in consumer.topics(), 30, f"no topic {topic}", 0.05)
        held = lambda: sum(consumer.end_offsets(partitions, timeout_ms=5000).values())  # noqa: E731
        wait_until(held, 30, f"no record in {topic}", 0.02)


def _left_of(run: str) -> list[str]:
    """Topics, groups, znodes and paths of HDFS that have the run's id in their names."""
    assert CLUSTER.kafka
    assert CLUSTER.zookeeper
    assert CLUSTER.hdfs
    with KafkaAdminClient(bootstrap_servers=CLUSTER.kafka.bootstrap) as admin:
        names = [*admin.list_topics(), *(group["group_id"] for group in admin.list_groups())]
    session = zookeeper.client(*CLUSTER.zookeeper.servers)
    try:
        names += session.get_children("/")
    finally:
        session.stop()
        session.close()
    user, home = hdfs.account(CLUSTER)
    names += [status.path for status in hdfs.client(CLUSTER.hdfs, user).list_status(home)]
    return [name for name in names if run in name]


def test_smoke_names_the_records_that_a_cluster_does_not_take(site: Site, tmp_path: Path) -> None:
    """The planted failure: two of three brokers are lost amid the records, and come back for the cleanup."""
    assert CLUSTER.kafka
    lost = [(CLUSTER.machines[broker.host], broker.unit) for broker in CLUSTER.kafka.brokers[1:]]
    words = ["--quick", "--records", str(RECORDS), "--timeout", "40"]
    files = [f"--out={tmp_path}/smoke.json", f"--junit={tmp_path}/smoke.xml"]
    smoke = subprocess.Popen(
        [sys.executable, "-m", "smoke", "run", *MEANT, *words, *files],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert smoke.stdout
    try:
        run = smoke.stdout.readline().split()[2].rstrip(":")
        _await_records(f"millrace-smoke-{run}")
        # It stands still while the brokers go: so some records were acknowledged, and the last cannot be.
        smoke.send_signal(signal.SIGSTOP)
        for machine, unit in lost:
            machine.run(f"systemctl kill --signal=KILL {unit} && systemctl stop {unit}")
        with pytest.raises(AssertionError, match="kafka"):
            site.check("kafka", timeout=1)
        smoke.send_signal(signal.SIGCONT)
        said = []
        for line in smoke.stdout:
            said.append(line)
            if line.startswith("FAILED  kafka "):
                break
        else:
            pytest.fail("smoke did not say that Kafka failed:\n" + "".join(said))
    finally:
        smoke.send_signal(signal.SIGCONT)
        for machine, unit in lost:
            machine.run(f"systemctl start {unit}")
        said = list(smoke.stdout)
        smoke.stdout.close()
        status = smoke.wait(60)
    report = json.loads((tmp_path / "smoke.json").read_text())
    found = {check["name"]: check for check in report["checks"]}
    assert (status, report["ok"], found["kafka"]["ok"]) == (1, False, False)
    evidence = "\n".join(found["kafka"]["evidence"])
    assert re.search(r"^not acknowledged: \d+, ", evidence, re.MULTILINE), evidence
    for machine, unit in lost:
        assert re.search(rf"^== {machine.name} {unit} \((inactive|failed)\)$", evidence, re.MULTILINE), (
            evidence
        )
    assert "not acknowledged: " in "".join(said)
    site.check("kafka")
    assert found["cleanup"]["ok"], found["cleanup"]
    assert _left_of(run) == []
