"""A machine is away, and a change reaches the others where they can do without it; or all are taken down.

What one test has changed stays until the last, which brings all up as the inventory says.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest
import yaml

from smoke.leaders import leaders
from smoke.services import kafka, zookeeper
from smoke.services.kafka import Kafka
from tests.live import CHECKOUT, CLUSTER, Site

assert CLUSTER.hdfs
assert CLUSTER.yarn
CHANGE = ("-e", "yarn_nodemanager_heap=132m", "-e", "hdfs_datanode_heap=84m")
LOST = next(name for name in CLUSTER.machines if name not in {node.host for node in CLUSTER.hdfs.namenodes})
OTHERS = [name for name in CLUSTER.machines if name != LOST]


def podman(*words: str) -> None:
    subprocess.run(["podman", *words], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def changed(site: Site) -> Iterator[None]:
    """In the end all is as the inventory says, whichever tests ran."""
    yield
    run = site.run("--skip-tags", "smoke")  # it starts the lab's machines
    assert run.rc == 0, run.output


@pytest.fixture(scope="module")
def away(changed: None) -> str:
    """The machine that no NameNode is on does not run."""
    podman("stop", "--time=0", LOST)
    return LOST


def units_of(site: Site, machines: list[str]) -> dict[tuple[str, str], str]:
    """(machine, unit) -> its invocation."""
    found = {}
    for name in machines:
        for unit in CLUSTER.machines[name].units:
            shown = site.host(name).check_output(f"systemctl show --value -p InvocationID {unit}")
            found[name, unit] = shown.strip()
    return found


@pytest.mark.parametrize(
    ("service", "unit"), [("yarn", "yarn-nodemanager"), ("hdfs", "hdfs-datanode")], ids=["yarn", "hdfs"]
)
def test_a_change_reaches_those_that_are_there(site: Site, away: str, service: str, unit: str) -> None:
    before = units_of(site, OTHERS)
    run = site.run(*CHANGE, playbook=f"playbooks/{service}.yml")
    assert run.rc == 4, run.output  # Ansible's status for machines that were not reached
    assert f"not asked: {away}" in run.output
    after = units_of(site, OTHERS)
    restarted = {key for key in before if before[key] != after[key]}
    assert restarted == {(host, unit) for host in OTHERS}, run.output


def test_nothing_is_restarted_that_the_rest_cannot_do_without(site: Site, away: str) -> None:
    """Two of three controllers are there: without one of them they are no majority."""
    before = units_of(site, OTHERS)
    change = ("-e", "kafka_heap=264m", "-e", "common_timeout=5")
    run = site.run(*change, playbook="playbooks/kafka.yml")
    assert run.rc == 4, run.output
    assert "1 of 3 controllers are in sync, which is no majority" in run.output
    assert "and nothing after it is restarted" in run.output
    assert units_of(site, OTHERS) == before
    assert f"not asked: {away}" in run.output


def test_the_next_run_completes_it(site: Site, away: str) -> None:
    run = site.run(*CHANGE, "--skip-tags", "smoke")
    assert run.rc == 0, run.output
    report = site.host(away).check_output("pgrep -a -f NodeManager")
    assert "-Xmx132m" in report
    site.check()


def test_a_property_of_hadoops_restarts_in_that_run_all_that_read_it(site: Site, changed: None) -> None:
    """core-site.xml is written with the first of them; HDFS, YARN and Spark take it host by host."""
    assert CLUSTER.hdfs
    assert CLUSTER.yarn
    assert CLUSTER.spark
    services = [CLUSTER.hdfs.units, CLUSTER.yarn.units, CLUSTER.spark.units]
    readers = {(host, unit) for each in services for host, units in each.items() for unit in units}
    settings = yaml.safe_load((CHECKOUT / "inventories/lab/group_vars/cluster.yml").read_text())
    overrides = settings["hadoop_core_site_overrides"] | {"io.file.buffer.size": 8192}
    before, leading = site.units(), leaders(CLUSTER)
    run = site.run("--skip-tags", "smoke", "-e", json.dumps({"hadoop_core_site_overrides": overrides}))
    assert run.rc == 0, run.output
    # The active NameNode was restarted after the other, which is active since: one failover.
    (active,) = leading["hdfs"]
    assert f"hdfs: on {active}, last since it leads, write files and restart" in run.output
    assert leaders(CLUSTER)["hdfs"] == [node.host for node in CLUSTER.hdfs.namenodes if node.host != active]
    assert site.restarted_since(before) == readers
    now = site.units()
    # One daemon at a time, on the same machine, too.
    outages = sorted((now[key].down_at, now[key].up_since, key) for key in readers)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(outages)), outages


def test_a_cluster_that_is_taken_down_comes_up_with_all_that_it_had(site: Site, changed: None) -> None:
    """And with the files that the inventory asks for."""
    assert CLUSTER.kafka
    assert CLUSTER.zookeeper
    topic, path = "away", "/away"
    client = Kafka(CLUSTER.kafka)
    client.create_topic(topic, 3, 3, 2)
    try:
        sent = client.produce(topic, ((n, b"x" * 100) for n in range(1000)))
        assert len(sent.acked) == 1000
        with zookeeper.session(*CLUSTER.zookeeper.servers) as session:
            session.ensure_path(path)
        down = site.run(playbook="playbooks/stop.yml")
        assert down.rc == 0, down.output
        assert not any(unit.active for unit in site.units().values())
        up = site.run(playbook="playbooks/start.yml")
        assert up.rc == 0, up.output
        for name in CLUSTER.machines:
            assert (
                "io.file.buffer.size" not in site.host(name).file("/etc/hadoop/core-site.xml").content_string
            )
        assert {number for number, _ in client.dump(topic)} == set(range(1000))
        assert kafka.judge(
            kafka.fetch(CLUSTER.kafka), [broker.id for broker in CLUSTER.kafka.brokers], CLUSTER.kafka.voters
        )[0]
        with zookeeper.session(*CLUSTER.zookeeper.servers) as session:
            assert session.exists(path)
    finally:
        with zookeeper.session(*CLUSTER.zookeeper.servers) as session:
            session.delete(path, recursive=True)
        client.delete_topic(topic)
