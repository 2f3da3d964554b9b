"""The cluster as it was deployed: users, files, units, sockets, and what the daemons say they are set to."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from conftest import CLUSTER, Site
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

# A unit is named after its user.
USERS = ("zookeeper", "kafka", "hdfs", "yarn", "mapred", "spark")
COMMANDS = ["kafka-topics.sh", "zkCli.sh", "hdfs", "yarn", "mapred", "spark-submit", "spark-shell", "pyspark"]


def get(url: str) -> Any:
    """The JSON that a daemon answers."""
    with urllib.request.urlopen(url, timeout=10) as answer:
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
    assert "/tmp" in mounts, "no private /tmp"
    assert "/home" in mounts, "no protected /home"


def test_data_and_logs_keep_out_of_tmp(site: Site, machine: str, unit: str) -> None:
    host, pid = site.host(machine), site.units()[machine, unit].pid
    written = host.check_output("find /proc/%s/fd -printf '%%l\\n'", pid).split()
    private = [path for path in written if path.startswith(("/tmp/", "/var/tmp/"))]
    # Jetty unpacks its pages, the JVM its native libraries, into the unit's private /tmp; neither is data.
    known = ("jetty", "hsperf", ".jar", ".so", "lib")
    assert [path for path in private if not any(part in path for part in known)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_login_shell_has_upstreams_commands(site: Site, command: str) -> None:
    assert CLUSTER.spark
    host = site.host(CLUSTER.spark.submit_host)
    assert host.run("bash -lc %s", f"command -v {command}").rc == 0


def test_commands_work_with_no_further_setting(site: Site, machine: str) -> None:
    host = site.host(machine)
    topics = "kafka-topics.sh --bootstrap-server localhost:9092 --list | wc -l; echo 0"
    assert "0" in host.check_output("bash -lc %s", topics)
    assert "/user" in host.check_output("bash -lc %s", "hdfs dfs -ls /")
    assert "RUNNING" in host.check_output("bash -lc %s", "yarn node -list 2>/dev/null")
    znodes = host.check_output("bash -lc %s", "zkCli.sh -server localhost:2181 ls / 2>/dev/null")
    assert "[zookeeper" in znodes.replace("hadoop-ha, ", "")


def test_sockets(site: Site, machine: str) -> None:
    host = site.host(machine)
    # The JVM listens on both families by one socket.
    for port in (2181, 9092, 9093, 9864, 8042):
        assert host.run("ss -Hltn sport = :%s", port).stdout.strip(), f"nothing listens on {port}"


def test_broker_says_what_server_properties_say(site: Site) -> None:
    assert CLUSTER.kafka
    admin = KafkaAdminClient(bootstrap_servers=[f"{b.host}:{b.port}" for b in CLUSTER.kafka.brokers])
    try:
        for broker in CLUSTER.kafka.brokers:
            answer = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(broker.id))])
            text = json.dumps(answer, default=str)
            values = dict(_pairs(answer))
            for key, value in {
                "min.insync.replicas": "2",
                "default.replication.factor": "3",
                "unclean.leader.election.enable": "false",
                "offsets.topic.replication.factor": "3",
                "transaction.state.log.min.isr": "2",
            }.items():
                assert values.get(key) == value, (
                    f"broker {broker.id} says {key}={values.get(key)}: {text[:400]}"
                )
    finally:
        admin.close()


def _pairs(answer: Any) -> list[tuple[str, str]]:
    """Every (name, value) in whatever nesting the client hands over."""
    if isinstance(answer, dict):
        if "value" in answer and ("name" in answer or "config_names" in answer):
            return [(str(answer.get("name") or answer.get("config_names")), str(answer["value"]))]
        found = []
        for key, value in answer.items():
            if isinstance(value, dict) and "value" in value:
                found.append((str(key), str(value["value"])))
            else:
                found += _pairs(value)
        return found
    if isinstance(answer, (list, tuple)):
        return [pair for item in answer for pair in _pairs(item)]
    return []


def _conf(address: str) -> dict[str, str]:
    return {each["key"]: each["value"] for each in get(f"http://{address}/conf?format=json")["properties"]}


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


def test_whole_cluster_idles_within_5_gib(site: Site) -> None:
    total = 0
    for name in CLUSTER.machines:
        memory = site.host(name).check_output("cat /proc/[0-9]*/status")
        total += sum(int(line.split()[1]) for line in memory.splitlines() if line.startswith("VmRSS:"))
    assert total * 1024 < 5 * 2**30, f"{total / 2**20:.2f} GiB resident"
