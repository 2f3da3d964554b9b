"""A machine is lost with its disk and made anew: one run makes the cluster whole, and nothing is lost.

MILLRACE_VICTIMS names the machines, by default that of the first NameNode.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from smoke.services import hdfs, zookeeper
from smoke.services.kafka import Kafka
from smoke.wait import wait_until
from tests.live import CLUSTER, Site
from tests.oracle import Directories, File, Records, Session

assert CLUSTER.hdfs
VICTIMS = os.environ.get("MILLRACE_VICTIMS", CLUSTER.hdfs.namenodes[0].host).split(",")


def lose(machine: str) -> None:
    """The container goes, with all that it had on its disk."""
    subprocess.run(["podman", "rm", "--force", "--time=0", machine], check=True, stdout=subprocess.DEVNULL)


def identities(site: Site, machine: str) -> dict[str, str]:
    """What lies on a machine's disks says what it is."""
    of = {
        "image": "grep -h ID= /var/lib/hdfs/name/current/VERSION",
        "journal": "grep -h ID= /var/lib/hdfs/journal/*/current/VERSION",
        "blocks": "grep -h clusterID= /var/lib/hdfs/data/current/VERSION",
        "broker": "grep -hE '^(cluster|node).id' /var/lib/kafka/*/meta.properties",
        "server": "cat /var/lib/zookeeper/myid",
    }
    return {name: site.host(machine).run(command).stdout for name, command in of.items()}


def promised(machine: str) -> int:
    """The epoch that the JournalNode of a machine has promised to a NameNode."""
    assert CLUSTER.hdfs
    (port,) = {node.http_port for node in CLUSTER.hdfs.journalnodes}
    (bean,) = hdfs.jmx(machine, port, f"Hadoop:service=JournalNode,name=Journal-{CLUSTER.name}")
    return int(bean["LastPromisedEpoch"])


# kafka-python leaves sockets to a machine that is gone to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_reimaged_machine_is_whole_after_one_run_and_nothing_is_lost(site: Site, victim: str) -> None:
    assert CLUSTER.hdfs
    assert CLUSTER.kafka
    other = next(name for name in CLUSTER.machines if name != victim)
    before = identities(site, victim)
    with (
        Records(CLUSTER) as records,
        Session(CLUSTER) as session,
        Directories(CLUSTER) as directories,
        File(CLUSTER, other) as file,
    ):
        lose(victim)
        run = site.run("--skip-tags", "smoke")
        verdicts = [each.finish() for each in (records, session, directories, file)]
    said = "\n".join(map(str, verdicts))
    print(said)
    assert run.rc == 0, run.output
    assert all(verdict.ok for verdict in verdicts), said
    # The same identities, given anew; what one of the others forgot nobody would see.
    assert identities(site, victim) == before
    assert len({promised(node.host) for node in CLUSTER.hdfs.journalnodes}) == 1
    with Kafka(CLUSTER.kafka).admin() as admin:
        topics = admin.describe_topics()
    wrong = [
        p for topic in topics for p in topic["partitions"] if set(p["isr_nodes"]) != set(p["replica_nodes"])
    ]
    assert not wrong
    report = site.host(other).check_output("runuser -u hdfs -- hdfs fsck / 2>/dev/null")
    assert "Under-replicated blocks:\t0" in report, report
    assert "is HEALTHY" in report, report
    site.check()


def pids(site: Site) -> dict[tuple[str, str], int]:
    return {key: unit.pid for key, unit in site.units().items() if key[1] != "hdfs-journalnode"}


def test_journalnodes_that_are_rolled_never_leave_the_namenode_without_a_quorum(site: Site) -> None:
    """One that was restarted takes part from the next segment of edits on, which the roll begins."""
    before = pids(site)
    try:
        with Directories(CLUSTER, interval=0.01) as directories:
            run = site.run("-e", "hdfs_journalnode_heap=72m", playbook="playbooks/hdfs.yml")
            verdict = directories.finish()
        print(verdict)
        assert run.rc == 0, run.output
        assert verdict.ok, str(verdict)
        assert directories.refused == []
        assert pids(site) == before
    finally:
        back = site.run(playbook="playbooks/hdfs.yml")
        assert back.rc == 0, back.output


def has_quorum() -> bool:
    assert CLUSTER.zookeeper
    return zookeeper.judge_quorum(zookeeper.fetch(CLUSTER.zookeeper))[0]


def test_an_empty_zookeeper_server_starts_after_those_that_have_data(site: Site) -> None:
    """All are down. What the second never saw, and the third had confirmed, is on the first alone."""
    assert CLUSTER.zookeeper
    first, second, third = CLUSTER.zookeeper.servers
    hosts = [each.host for each in (first, second, third)]
    path = "/confirmed-by-two"

    def on(names: list[str], command: str) -> None:
        for name in names:
            site.host(name).check_output(command)

    try:
        on([second.host], "systemctl stop zookeeper")
        wait_until(has_quorum, 30, "no leader after the second went")  # which may have led
        session = zookeeper.client(first, third)
        session.create(path, b"x")
        session.stop()
        session.close()
        on(hosts, "systemctl stop zookeeper")
        on([third.host], "rm -rf /var/lib/zookeeper/version-2")
        run = site.run(playbook="playbooks/zookeeper.yml")
        assert run.rc == 0, run.output
        assert "1 of 2 followers synced" in run.output
        site.check("zookeeper")
        for server in (first, second, third):
            session = zookeeper.client(server)
            try:
                assert session.exists(path), server
            finally:
                session.stop()
                session.close()
    finally:
        on(hosts, "systemctl start zookeeper")  # with data each; nothing where it runs
        site.check(timeout=180)
        session = zookeeper.client(first, second, third)
        session.delete(path, recursive=True)  # whether it was made or not
        session.stop()
        session.close()
