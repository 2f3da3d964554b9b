"""The cluster as it was deployed: users, files, units, sockets, and what the daemons say they are set to."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest

from smoke.reading import product
from tests.live import CLUSTER, Site

EXAMPLES = "/opt/hadoop/share/hadoop/mapreduce/hadoop-mapreduce-examples-*.jar"
# A unit is named after its user.
USERS = ("zookeeper", "kafka", "hdfs", "yarn", "mapred", "spark")


def get(url: str) -> Any:
    """The JSON that a daemon answers."""
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_unit_runs_on_boot_as_its_user(site: Site, machine: str, unit: str) -> None:
    service = site.host(machine).service(unit)
    assert service.is_running
    assert service.is_enabled
    owner = unit.replace("@", "-").split("-")[0]
    assert owner in USERS
    pid = site.units()[machine, unit].pid
    assert site.host(machine).process.get(pid=pid).user == owner
    assert not site.host(machine).user(owner).shell.endswith("sh")


def test_hardening_is_in_force(site: Site, machine: str, unit: str) -> None:
    host, pid = site.host(machine), site.units()[machine, unit].pid
    status = host.file(f"/proc/{pid}/status").content_string
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["NoNewPrivs"] == "1"
    assert int(facts["CapBnd"], 16) == 0
    assert facts["Seccomp"] == "2"
    mounted = host.file(f"/proc/{pid}/mounts").content_string.splitlines()
    mounts = {line.split()[1]: line.split()[3].split(",") for line in mounted}
    assert "ro" in mounts["/usr"]
    assert "/home" in mounts, "no protected /home"
    # The machine has a mount at /tmp, too: what tells is whether the unit sees another directory there.
    own, shared = host.check_output(f"stat -Lc %d:%i /proc/{pid}/root/tmp /tmp").split()
    # The containers of a NodeManager outlive its restart, which would end a private one.
    assert (own != shared) == (unit != "yarn-nodemanager"), "the unit's /tmp"


def test_data_and_logs_keep_out_of_tmp(site: Site, machine: str, unit: str) -> None:
    host, pid = site.host(machine), site.units()[machine, unit].pid
    written = host.check_output(f"find /proc/{pid}/fd -printf '%l\\n'").split()
    private = [path for path in written if path.startswith(("/tmp/", "/var/tmp/"))]
    # Jetty unpacks its pages, the JVM its native libraries, into the unit's private /tmp; neither is data.
    known = re.compile(r"/tmp/(jetty-.*|hsperfdata_.*|[\w.-]+\.so(\.\w+)?( \(deleted\))?)")
    assert [path for path in private if not known.fullmatch(path)] == []


def test_data_belongs_to_its_service_alone(site: Site, machine: str, unit: str) -> None:
    directories = {
        "zookeeper": ["/var/lib/zookeeper"],
        "kafka": ["/var/lib/kafka"],
        "hdfs-namenode": ["/var/lib/hdfs/name"],
        "hdfs-datanode": ["/var/lib/hdfs/data"],
        "hdfs-journalnode": ["/var/lib/hdfs/journal"],
    }
    for path in directories.get(unit.split("@", maxsplit=1)[0], []):
        directory = site.host(machine).file(path)
        assert directory.user == unit.replace("@", "-").split("-")[0]
        assert directory.mode & 0o007 == 0, f"{path}: {directory.mode:o}"


def test_passwords_of_brokers_are_not_for_everybody(site: Site) -> None:
    assert CLUSTER.kafka
    for broker in CLUSTER.kafka.brokers:
        properties = site.host(broker.host).file(f"/etc/kafka/server-{broker.id}.properties")
        assert (properties.user, properties.group, properties.mode) == ("root", "kafka", 0o640)


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("kafka-topics.sh --bootstrap-server localhost:9092 --describe", "min.insync.replicas=2"),
        ("kafka-metadata-quorum.sh --bootstrap-server localhost:9092 describe --status", "CurrentVoters"),
        ("hdfs dfs -ls /", "/user"),
        ("hdfs haadmin -getAllServiceState", "active"),
        ("yarn node -list", "Total Nodes:3"),
        ("mapred job -list", "Total jobs:0"),
        ("zkCli.sh -server localhost:2181 ls /", "hadoop-ha"),
        ("zkServer.sh status", "Mode: "),
        ("spark-submit --version", "version 4.2.0"),
    ],
)
def test_commands_work_with_no_further_setting(site: Site, machine: str, command: str, shows: str) -> None:
    done = site.host(machine).run("bash -lc %s", command)
    assert done.rc == 0, done.stdout + done.stderr
    assert shows in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("echo 'println(sc.parallelize(1 to 9).sum)' | spark-shell", "45.0"),
        # Python reads the shell's start-up file only where a person types.
        (
            "printf 'print(f\"sum {sc.range(10).sum()}\")\\nexit()\\n' | script -qec pyspark /dev/null",
            "sum 45",
        ),
        (f"yarn jar {EXAMPLES} pi 2 10", "value of Pi is 3.8"),
    ],
    ids=["spark-shell", "pyspark", "mapreduce"],
)
def test_root_of_a_machine_runs_jobs_on_yarn(site: Site, command: str, shows: str) -> None:
    assert CLUSTER.spark
    done = site.host(CLUSTER.spark.submit_host).run("cd && timeout 120 bash -lc %s", command)
    assert done.rc == 0, done.stdout + done.stderr
    assert shows in done.stdout, done.stdout + done.stderr


PORTS = {
    "zookeeper": (2181,),
    "kafka": (9092, 9093),
    "hdfs-namenode": (8020, 9870),
    "hdfs-zkfc": (8019,),
    "hdfs-journalnode": (8480, 8485),
    "hdfs-datanode": (9864, 9866, 9867),
    "yarn-resourcemanager": (8033, 8088),
    "yarn-nodemanager": (8041, 8042),
    "mapred-historyserver": (10020, 19888),
    "spark-historyserver": (18080,),
}


def test_sockets(site: Site, machine: str, unit: str) -> None:
    pid = site.units()[machine, unit].pid
    # The JVM listens on both families by one socket.
    listening = site.host(machine).check_output("ss -Hltnp").splitlines()
    own = {int(line.split()[3].rpartition(":")[2]) for line in listening if f"pid={pid}," in line}
    assert set(PORTS[unit.split("@", maxsplit=1)[0]]) <= own


def test_brokers_say_what_server_properties_say(site: Site) -> None:
    expected = {
        "min.insync.replicas": "2",
        "default.replication.factor": "3",
        "unclean.leader.election.enable": "false",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
    }
    configs = site.broker_configs()
    assert sorted(configs) == [1, 2, 3]
    for number, config in configs.items():
        assert {key: config[key] for key in expected} == expected, f"broker {number}"


def _conf(address: str) -> dict[str, str]:
    return {each["key"]: each["value"] for each in get(f"http://{address}/conf")["properties"]}


def test_namenodes_say_what_hdfs_site_says() -> None:
    assert CLUSTER.hdfs
    for namenode in CLUSTER.hdfs.namenodes:
        conf = _conf(f"{namenode.host}:{namenode.http_port}")
        assert conf["dfs.replication"] == "3"
        assert conf["dfs.ha.automatic-failover.enabled"] == "true"
        assert conf["dfs.namenode.name.dir"].startswith("file:///var/lib/")


def test_resourcemanagers_say_what_yarn_site_says() -> None:
    assert CLUSTER.yarn
    for manager in CLUSTER.yarn.resourcemanagers:
        conf = _conf(f"{manager.host}:{manager.http_port}")
        assert conf["yarn.resourcemanager.store.class"].endswith("ZKRMStateStore")
        assert conf["yarn.nodemanager.local-dirs"].startswith("/var/lib/")


def test_status_knows_each_daemon_by_its_protocol_and_its_process(site: Site) -> None:
    daemons = site.status()["daemons"]
    assert {(each["machine"], each["unit"]) for each in daemons} == set(site.units())
    for each in daemons:
        assert each["state"] != "unknown", each
        assert each["address"], each
        assert each["version"] == CLUSTER.versions[product(each["unit"])], each
        assert 0 < each["heap_used"] < each["heap_max"], each
        assert each["disk"] or not each["unit"].startswith(("zookeeper", "kafka", "hdfs-datanode")), each


def test_whole_cluster_idles_within_5_gib(site: Site) -> None:
    total = 0
    for name in CLUSTER.machines:
        memory = site.host(name).check_output("cat /proc/[0-9]*/status")
        total += sum(int(line.split()[1]) for line in memory.splitlines() if line.startswith("VmRSS:"))
    assert total * 1024 < 5 * 2**30, f"{total / 2**20:.2f} GiB resident"


@pytest.mark.parametrize(
    "command",
    [
        "kafka-topics.sh --version",
        "hdfs version",
        "yarn version",
        "zkCli.sh -version",
        "spark-submit --version",
    ],
)
def test_shells_without_a_profile_find_the_commands(site: Site, command: str) -> None:
    """As of ssh MACHINE COMMAND, and of sudo, whose PATH is its own."""
    assert CLUSTER.spark
    machine = site.cluster.machines[CLUSTER.spark.submit_host]
    program = command.split(maxsplit=1)[0]
    # PATH as sudo and sshd of Debian set it for root.
    bare = "env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert machine.run(f"{bare} sh -c 'command -v {program}'").strip() == f"/usr/local/bin/{program}"
    machine.run(f"{bare} {command} < /dev/null")
