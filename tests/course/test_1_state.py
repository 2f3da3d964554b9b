"""The course's cluster as it was deployed: what the student finds on the master."""

from __future__ import annotations

import pytest

from smoke.wait import wait_until
from tests.live import CLUSTER, Site

MASTER = CLUSTER.machines["hadoop-master"]


def login(command: str) -> str:
    """What a student's shell on the master says."""
    return MASTER.run(f"bash -lc '{command}'", timeout=60)


def test_the_versions_are_the_courses() -> None:
    assert CLUSTER.versions == {
        "java": "8",
        "zookeeper": "3.4.6",
        "hadoop": "2.7.2",
        "kafka": "0.8.2.1",
        "spark": "2.2.1",
    }


def test_jps_shows_every_daemon_of_the_master() -> None:
    shown = [line.split()[1] for line in login("jps").splitlines()]
    expected = [
        "JobHistoryServer",
        "Jps",
        "Kafka",
        "NameNode",
        "QuorumPeerMain",
        "ResourceManager",
        "SecondaryNameNode",
    ]
    # The broker 0.10.2.2 beside, where it was asked for.
    beside = ["Kafka"] * len(CLUSTER.kafka.standalone if CLUSTER.kafka else ())
    assert sorted(shown) == sorted(expected + beside)


@pytest.mark.parametrize("slave", ["hadoop-slave1", "hadoop-slave2"])
def test_jps_shows_the_daemons_of_a_slave(slave: str) -> None:
    shown = CLUSTER.machines[slave].run("bash -lc jps").splitlines()
    assert sorted(line.split()[1] for line in shown) == ["DataNode", "Jps", "NodeManager"]


def test_no_daemon_is_root() -> None:
    for machine in CLUSTER.machines.values():
        assert "root" not in machine.run("ps -C java -o user= | sort -u").split()


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("java -version 2>&1", 'openjdk version "1.8.'),
        (
            "echo $KAFKA_HOME; type -P kafka-topics.sh",
            "/usr/local/kafka\n/usr/local/kafka/bin/kafka-topics.sh\n",
        ),
        ("ls $KAFKA_HOME/libs", "kafka_2.11-0.8.2.1.jar"),
        ("grep -E ^port $KAFKA_HOME/config/server.properties", "port=9092"),
        ("hdfs getconf -confKey fs.defaultFS 2>/dev/null", "hdfs://hadoop-master:9000"),
        ("hadoop version 2>/dev/null", "Hadoop 2.7.2"),
        ("hdfs dfs -ls /user 2>/dev/null", "/user/root"),
        ("yarn node -list 2>/dev/null", "Total Nodes:2"),
        ("mapred job -list 2>/dev/null", "Total jobs:0"),
        ("spark-submit --version 2>&1", "version 2.2.1"),
        ("kafka-topics.sh --list --zookeeper localhost:2181; echo the end", "the end"),
        ("echo ls / | zkCli.sh -server localhost:2181 2>&1", "brokers"),
        ("zkServer.sh status 2>&1", "Mode: standalone"),
    ],
)
def test_commands_work_with_no_further_setting(command: str, shows: str) -> None:
    assert shows in login(command)


def test_the_courses_script_starts_zookeeper_and_the_broker(site: Site) -> None:
    before = site.units()
    MASTER.run("systemctl stop kafka@0 zookeeper", timeout=60)
    assert "QuorumPeerMain" not in login("jps")
    login("./start-kafka-zookeeper.sh")
    assert {"Kafka", "QuorumPeerMain"} <= set(login("jps").split())
    assert site.restarted_since(before) == {("hadoop-master", "kafka@0"), ("hadoop-master", "zookeeper")}
    site.check("kafka", "zookeeper", timeout=60)


def test_the_courses_script_says_what_does_not_start() -> None:
    fault = "mv /etc/kafka/server-0.properties /etc/kafka/server-0.away"
    mended = "mv /etc/kafka/server-0.away /etc/kafka/server-0.properties"
    MASTER.run(f"systemctl stop kafka@0; {fault}", timeout=60)
    try:
        with pytest.raises(OSError, match="kafka@0"):
            login("./start-kafka-zookeeper.sh 2>&1 >/dev/null")
    finally:
        MASTER.run(f"{mended}; systemctl reset-failed kafka@0")
    login("./start-kafka-zookeeper.sh")


def test_data_outlives_a_restart(site: Site) -> None:
    topics = "kafka-topics.sh --zookeeper localhost:2181 --topic kept"
    reads = "kafka-simple-consumer-shell.sh --topic kept --partition 0 --no-wait-at-logend"
    login(f"{topics} --create --replication-factor 1 --partitions 1")
    # It returns before there is a leader; without one the producer tries a few times, and drops.
    wait_until(lambda: "Leader: 0" in login(f"{topics} --describe"), 30, "topic kept has no leader")
    sends = "kafka-console-producer.sh --broker-list localhost:9092 --topic kept --request-required-acks 1"
    login(f"echo one record | {sends}")
    login("echo one file | hdfs dfs -put - /user/root/kept")
    MASTER.run("systemctl restart hdfs-namenode kafka@0", timeout=90)
    site.check("kafka", "hdfs", timeout=90)
    assert "one record" in login(f"{reads} --broker-list localhost:9092 2>/dev/null")
    assert login("hdfs dfs -cat /user/root/kept 2>/dev/null") == "one file\n"
    login(f"hdfs dfs -rm -skipTrash /user/root/kept; {topics} --delete")


def test_second_run_changes_nothing(site: Site) -> None:
    before = site.units()
    words = ["-e", "course_broker_0_10=true"] if CLUSTER.kafka and CLUSTER.kafka.standalone else []
    # The smoke test would run whole: the tests before have restarted daemons.
    run = site.run("playbooks/course.yml", "--skip-tags", "smoke", *words)
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output
    assert site.restarted_since(before) == set()


def test_the_secondary_namenode_merges_edits_into_the_image() -> None:
    # By hand, not after its period of an hour; while it runs it holds its directory for itself.
    checkpoint = "runuser -u hdfs -- /opt/hadoop/bin/hdfs secondarynamenode -checkpoint force"
    unit = "hdfs-secondarynamenode"
    newest = "ls -t {}/current | grep -m1 'fsimage_[0-9]*$'"
    name, copy = (newest.format(f"/var/lib/hdfs/{directory}") for directory in ("name", "namesecondary"))
    before = MASTER.run(name)
    login("hdfs dfs -touchz checkpointed && hdfs dfs -rm -skipTrash checkpointed")
    MASTER.run(f"systemctl stop {unit} && {checkpoint} 2>&1 && systemctl start {unit}", timeout=60)
    assert MASTER.run(name) == MASTER.run(copy) > before
