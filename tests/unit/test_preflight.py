"""What preflight refuses: one run over an inventory in which each host has one fault."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

SELF = "{{ [inventory_hostname] }}"
OTHERS = ["{{ inventory_hostname }}", "b", "c", "d"]
SYSTEM = "which is the system's: give a directory of its own below it"
BROKER = {"id": 1, "host": "a", "port": 9092, "controller_port": 9093}
STANDALONE = {"id": 10, "host": "a", "port": 9095, "version": "0.10.2.2", "zookeeper_connect": "a:2181/own"}

# A cluster of one host for each host of the inventory: every fault is the only one of its cluster.
SOUND: dict[str, Any] = {
    "ansible_connection": "local",
    "cluster_name": "sound",
    "stack_name": "test",
    "zookeeper_hosts": SELF,
    "zookeeper_client_port": 2181,
    "kafka_hosts": SELF,
    "kafka_brokers": [BROKER],
    "hadoop_hosts": SELF,
    "hdfs_namenode_hosts": SELF,
    "hdfs_journalnode_hosts": [],
    "hdfs_datanode_hosts": SELF,
    "yarn_resourcemanager_hosts": SELF,
    "yarn_nodemanager_hosts": SELF,
    "yarn_historyserver_hosts": SELF,
    "spark_historyserver_hosts": SELF,
    "spark_hosts": SELF,
}

# The fault, and what the message must say: the variable, what it is, and what to do.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "even-ensemble": ({"zookeeper_hosts": OTHERS[:2]}, "zookeeper_hosts has 2 servers: give 1, 3 or 5"),
    "zookeeper-data-in-root": (
        {"zookeeper_data_dir": "/"},
        "zookeeper_data_dir is '/': give an absolute directory below /",
    ),
    "three-namenodes": (
        {"hdfs_namenode_hosts": OTHERS[:3]},
        "hdfs_namenode_hosts has 3 hosts: give one (plain) or two (highly available)",
    ),
    "no-namenode": ({"hdfs_namenode_hosts": []}, "hdfs_namenode_hosts has 0 hosts: give one"),
    "two-journalnodes": (
        {"hdfs_namenode_hosts": OTHERS[:2], "hdfs_journalnode_hosts": OTHERS[:2]},
        "hdfs_journalnode_hosts has 2 hosts: two NameNodes need 3 or 5 JournalNodes",
    ),
    "even-journalnodes": (
        {"hdfs_namenode_hosts": OTHERS[:2], "hdfs_journalnode_hosts": OTHERS},
        "hdfs_journalnode_hosts has 4 hosts: two NameNodes need 3 or 5 JournalNodes",
    ),
    "failover-without-zookeeper": (
        {
            "hdfs_namenode_hosts": OTHERS[:2],
            "hdfs_journalnode_hosts": OTHERS[:3],
            "zookeeper_hosts": [],
        },
        "zookeeper_hosts is empty: automatic failover of two NameNodes needs ZooKeeper",
    ),
    "no-datanode": (
        {"hdfs_datanode_hosts": []},
        "hdfs_datanode_hosts is empty: put hosts into the inventory's group datanode",
    ),
    "more-replicas-than-datanodes": (
        {"hdfs_replication": 2},
        "hdfs_replication is 2 with 1 DataNodes: give 1 to 1 there (or in hdfs_site_overrides), or add",
    ),
    "more-replicas-as-upstream-calls-them": (
        {"hdfs_site_overrides": {"dfs.replication": 2}},
        "hdfs_replication is 2 with 1 DataNodes: give 1 to 1 there (or in hdfs_site_overrides), or add",
    ),
    **{
        f"{name}-in-root": ({name: "/"}, f"{name} is '/': give an absolute directory below /")
        for name in (
            "hdfs_name_dir",
            "hdfs_checkpoint_dir",
            "hdfs_data_dir",
            "hdfs_journal_dir",
            "kafka_data_dir",
        )
    },
    **{
        f"{name}-of-the-system": ({name: path}, f"{name} is '{path}', {SYSTEM}")
        for name, path in {
            "zookeeper_data_dir": "/var",
            "kafka_data_dir": "/var/lib",
            "hdfs_data_dir": "/home",
            "yarn_log_dir": "/var/log",
            "spark_home": "/usr/local",
        }.items()
    },
    "directory-with-dots": (
        {"kafka_data_dir": "/var/lib/kafka/../.."},
        "kafka_data_dir is '/var/lib/kafka/../..': write it without .., //, blanks and a slash at its end",
    ),
    "directory-of-two-services": (
        {"zookeeper_data_dir": "/data", "kafka_data_dir": "/data/kafka"},
        "zookeeper_data_dir is '/data' and kafka_data_dir is '/data/kafka': give each a directory of its own",
    ),
    **{
        f"{key.replace('.', '-')}-by-upstreams-name": (
            {overrides: {key: "x"}},
            f"{overrides} has {key}, which the kit makes from {variable}",
        )
        for overrides, key, variable in (
            ("zookeeper_cfg_overrides", "dataDir", "zookeeper_data_dir"),
            ("zookeeper_cfg_overrides", "server.4", "zookeeper_hosts"),
            ("hadoop_core_site_overrides", "fs.defaultFS", "hdfs_namenode_hosts, hadoop_namenode_port and"),
            ("hdfs_site_overrides", "dfs.namenode.name.dir", "hdfs_name_dir"),
            ("hdfs_site_overrides", "dfs.namenode.rpc-address.sound.nn1", "hdfs_namenode_hosts and"),
            ("kafka_server_properties_overrides", "log.dirs", "kafka_data_dir"),
            ("kafka_server_properties_overrides", "min.insync.replicas", "kafka_min_insync_replicas"),
            ("yarn_site_overrides", "yarn.nodemanager.resource.memory-mb", "yarn_nodemanager_memory"),
            ("yarn_mapred_site_overrides", "mapreduce.jobhistory.address", "yarn_historyserver_hosts"),
        )
    },
    "cluster-id-that-is-none": (
        {"kafka_cluster_id": "my-cluster"},
        "kafka_cluster_id is 'my-cluster': give 22 letters, digits, - and _, as kafka-storage.sh random-uuid",
    ),
    **{
        f"cluster-name-{place}": (
            {"cluster_name": name},
            f"cluster_name is '{name}': give letters, digits and hyphens, as in a host's name, such as lab-2",
        )
        for place, name in enumerate(["my_lab", "lab.2", "-lab", "lab-", "a" * 64])
    },
    "host-twice": (
        {"hdfs_datanode_hosts": ["b", "b", "c"]},
        "hdfs_datanode_hosts has b more than once: name each host once",
    ),
    "host-that-no-play-reaches": (
        {"yarn_nodemanager_hosts": ["{{ inventory_hostname }}", "outside"]},
        "yarn_nodemanager_hosts has outside, not in the group hadoop: put it there",
    ),
    "no-port": (
        {"zookeeper_client_port": 0},
        "zookeeper_client_port gives the port 0: give a number from 1 to",
    ),
    "port-of-two-services": (
        {"hadoop_namenode_port": 9092},
        "port 9092 is that of hadoop_namenode_port and kafka_brokers: give each its own",
    ),
    "port-of-the-kits-own": (
        {"zookeeper_client_port": 8088},
        "port 8088 is that of zookeeper_client_port and the ResourceManager's pages: give each its own",
    ),
    "property-with-keys-of-its-own": (
        {"hdfs_site_overrides": {"dfs": {"replication": 2}}},
        "hdfs_site_overrides has dfs with keys of its own: give text, a number, true, false or a list of",
    ),
    "relative-directory": (
        {"kafka_data_dir": "var/lib/kafka"},
        "kafka_data_dir is 'var/lib/kafka': give an absolute directory below /",
    ),
    "same-broker-id": (
        {"kafka_brokers": [BROKER, BROKER | {"port": 9094, "controller_port": 9095}]},
        "kafka_brokers gives the ids 1, 1: each broker of the cluster needs its own id",
    ),
    "same-broker-port": (
        {"kafka_brokers": [BROKER, BROKER | {"id": 2, "controller_port": 9092}]},
        "gives the ports 9092, 9092, 9093, 9092: brokers of one host need ports",
    ),
    "more-replicas-than-brokers": (
        {"kafka_replication_factor": 2, "kafka_min_insync_replicas": 1},
        "kafka_replication_factor is 2 with 1 brokers: give 1 to 1, or add brokers",
    ),
    "all-replicas-in-sync": (
        {
            "kafka_brokers": [BROKER, BROKER | {"id": 2, "port": 9094, "controller_port": 9095}],
            "kafka_min_insync_replicas": 2,
        },
        "kafka_min_insync_replicas is 2 with kafka_replication_factor 2: it must be at least 1 and lower,",
    ),
    "all-replicas-of-a-topic-of-kafkas-in-sync": (
        {"kafka_server_properties_overrides": {"transaction.state.log.min.isr": 2}},
        "transaction.state.log.min.isr is 2 with transaction.state.log.replication.factor 1: it must be",
    ),
    "three-resourcemanagers": (
        {"yarn_resourcemanager_hosts": OTHERS[:3]},
        "yarn_resourcemanager_hosts has 3 hosts: give one (plain) or two (highly available)",
    ),
    "resourcemanagers-without-zookeeper": (
        {"yarn_resourcemanager_hosts": OTHERS[:2], "zookeeper_hosts": []},
        "zookeeper_hosts is empty: failover of two ResourceManagers needs ZooKeeper",
    ),
    "two-historyservers": (
        {"yarn_historyserver_hosts": OTHERS[:2]},
        "yarn_historyserver_hosts has 2 hosts: the MapReduce history server is one",
    ),
    "no-nodemanager": (
        {"yarn_nodemanager_hosts": []},
        "yarn_nodemanager_hosts is empty: put hosts into the inventory's group nodemanager",
    ),
    "two-spark-historyservers": (
        {"spark_historyserver_hosts": OTHERS[:2]},
        "spark_historyserver_hosts has 2 hosts: the history server is one",
    ),
    "spark-without-yarn": (
        {"yarn_resourcemanager_hosts": [], "hadoop_hosts": []},
        "yarn_resourcemanager_hosts is empty: Spark runs on YARN here; put a host into",
    ),
    **{
        name: ({name: value}, f"{name} is '{value}': give a number with k, m or g, such as 512m")
        for name, value in {
            "zookeeper_heap": "1 GB",
            "kafka_heap": "half",
            "spark_historyserver_heap": "",
        }.items()
    },
    **{
        name: ({name: value}, f"{name}: give a number with k, m or g, such as 512m")
        for name, value in {
            "hdfs_secondarynamenode_heap": "1.5g",
            "hdfs_datanode_heap": ["1g"],
            "hdfs_journalnode_heap": "-1g",
            "hdfs_zkfc_heap": 128,
            "yarn_resourcemanager_heap": "1gb",
            "yarn_nodemanager_heap": "x1g",
            "yarn_historyserver_heap": "g",
        }.items()
    },
    "hdfs_namenode_heap": (
        {"hdfs_namenode_heap": "1.5g"},
        "hdfs_namenode_heap, hdfs_secondarynamenode_heap: give a number with k, m or g, such as 512m",
    ),
    **{
        f"section-of-{role}s-unit-misspelt": (
            {f"{role}_unit_overrides": {"Servce": {"Nice": 5}}},
            f"{role}_unit_overrides has the section Servce: the sections are Unit, Service, Install",
        )
        for role in ("zookeeper", "kafka", "spark")
    },
    **{
        f"section-of-{unit}-misspelt": (
            {f"{role}_unit_overrides": {unit: {"Servce": {"Nice": 5}}}},
            f"{role}_unit_overrides['{unit}'] has the section Servce: the sections are Unit, Service,",
        )
        for role, unit in (("hdfs", "hdfs-datanode"), ("yarn", "yarn-nodemanager"))
    },
    "section-of-all-units-misspelt": (
        {"common_unit_overrides": {"Servce": {"Nice": 5}}},
        "common_unit_overrides has the section Servce: the sections are Unit, Service, Install",
    ),
    "section-of-one-brokers-unit-misspelt": (
        {"kafka_brokers": [BROKER | {"unit": {"Servce": {"Nice": 5}}}]},
        "unit of kafka_brokers['1'] has the section Servce: the sections are Unit, Service, Install",
    ),
    "unknown-unit-of-hdfs": (
        {"hdfs_unit_overrides": {"namenode": {}}},
        "hdfs_unit_overrides has namenode: the units are hdfs-journalnode, hdfs-namenode, hdfs-zkfc,",
    ),
    "unknown-unit-of-yarn": (
        {"yarn_unit_overrides": {"nodemanager": {}}},
        "yarn_unit_overrides has nodemanager: the units are yarn-resourcemanager, yarn-nodemanager,",
    ),
    "broker-without-a-controller-port": (
        {"kafka_brokers": [{"id": 1, "host": "a", "port": 9092}]},
        "kafka_brokers of broker-without-a-controller-port gives no controller_port: with KRaft",
    ),
    "old-kafka-without-zookeeper": (
        {"kafka_version": "0.8.2.1"},
        "kafka_zookeeper_connect is empty, but Kafka 0.8.2.1 has no KRaft for use: give it ZooKeeper's",
    ),
    "new-kafka-with-zookeeper": (
        {"kafka_zookeeper_connect": "a:2181"},
        "kafka_zookeeper_connect is 'a:2181', but Kafka 4.3.0 runs without ZooKeeper: leave it empty, or",
    ),
    "standalone-broker-beside-a-new-one": (
        {"kafka_standalone_brokers": [STANDALONE]},
        "stand beside Kafka 4.3.0 with the versions 0.10.2.2: all must be before 4.0",
    ),
    "standalone-broker-with-the-same-id": (
        {
            "kafka_version": "0.8.2.1",
            "kafka_zookeeper_connect": "a:2181",
            "kafka_standalone_brokers": [STANDALONE | {"id": 1}],
        },
        "kafka_brokers and kafka_standalone_brokers of standalone-broker-with-the-same-id give the ids 1, 1:",
    ),
    **{
        name: ({name: "kafka"}, f"{name} is 'kafka': give an absolute directory below /")
        for name in ("zookeeper_home", "hadoop_home", "kafka_home", "spark_home")
    },
    "heap-beyond-the-labs-host": (
        {"lab_name": "unit", "kafka_heap": "900g"},
        "512, beside the heaps 9 x 64; lower kafka_heap",
    ),
    "executor-beyond-yarn": (
        {"spark_defaults_overrides": {"spark.executor.memory": "8g"}},
        "spark.executor.memory is 8192 MB and 819 MB of overhead, more than the 8192 MB YARN gives at once",
    ),
    # By the argument specs.
    "number-in-words": (
        {"kafka_min_insync_replicas": "two"},
        "argument 'kafka_min_insync_replicas' is of type str and we were unable to convert to int",
    ),
    "java-in-words": (
        {"java_major": "seventeen"},
        "argument 'java_major' is of type str and we were unable to convert to int",
    ),
    "list-for-a-dict-of-hadoop": (
        {"hadoop_env_overrides": ["JAVA_HOME"]},
        "argument 'hadoop_env_overrides' is of type list and we were unable to convert to dict",
    ),
    "list-for-a-dict": (
        {"hdfs_site_overrides": ["dfs.replication"]},
        "argument 'hdfs_site_overrides' is of type list and we were unable to convert to dict",
    ),
    "dict-for-a-list": (
        {"zookeeper_java_options": {"-Xss512k": True}},
        "argument 'zookeeper_java_options' is of type dict and we were unable to convert to list",
    ),
    "unknown-choice": (
        {"common_restart_state": "rolling"},
        "value of common_restart_state must be one of: current, restarted, got: rolling",
    ),
    "misspelt-key-of-a-broker": (
        {"kafka_brokers": [BROKER | {"controler_port": 9093}]},
        "kafka_brokers.controler_port",
    ),
    "broker-without-a-port": (
        {"kafka_brokers": [{"id": 1, "host": "a", "controller_port": 9093}]},
        "missing required arguments: port found in kafka_brokers",
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was said of each host that failed, as one line."""
    directory = tmp_path_factory.mktemp("preflight")
    # b, c and d are others that some of the lists name.
    hosts: dict[str, dict[str, Any]] = {name: fault for name, (fault, _) in FAULTS.items()}
    hosts |= {name: {} for name in ("sound", *OTHERS[1:])}
    # Spark alone: YARN's own preflight would refuse it first.
    alone = "spark-without-yarn"
    reached = dict.fromkeys(hosts)
    groups = {
        "cluster": {"hosts": hosts},
        "hadoop": {"hosts": {name: None for name in reached if name != alone}},
        **{group: {"hosts": reached} for group in ("zookeeper", "kafka", "spark")},
    }
    inventory = {"all": {"vars": SOUND | versions(), "children": groups}}
    (directory / "hosts.json").write_text(json.dumps(inventory))
    # Here the first cluster with a fault is not to end it for the others.
    plays = yaml.safe_load((CHECKOUT / "playbooks/preflight.yml").read_text())
    (directory / "preflight.json").write_text(
        json.dumps([play | {"any_errors_fatal": False} for play in plays])
    )
    words = ("--inventory", str(directory / "hosts.json"), str(directory / "preflight.json"))
    run = start(directory, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    failed = re.findall(r"^fatal: \[([\w-]+)\]: FAILED! => (.*)$", output, re.MULTILINE)
    return {host: json.loads(result)["msg"] for host, result in failed}


def versions() -> dict[str, Any]:
    """Those of the kit's current stack."""
    stack: dict[str, Any] = yaml.safe_load((CHECKOUT / "stacks/current.yml").read_text())
    return {name: value for name, value in stack.items() if name != "stack_name"}


@pytest.mark.parametrize("fault", FAULTS)
def test_is_refused_with_the_variable_and_what_to_do(refused: dict[str, str], fault: str) -> None:
    assert FAULTS[fault][1] in refused[fault]


def test_nothing_else_is_refused(refused: dict[str, str]) -> None:
    assert set(refused) == set(FAULTS)


@pytest.mark.parametrize("role", ["zookeeper", "hdfs", "kafka", "yarn", "spark"])
def test_every_rule_has_its_fault(refused: dict[str, str], role: str) -> None:
    tasks = yaml.safe_load((CHECKOUT / "roles" / role / "tasks" / "preflight.yml").read_text())
    unproved = []
    for why in (rule["why"] for task in tasks for rule in task.get("vars", {}).get("rules", [])):
        # What a filter says is proved by the filter's own tests.
        says = ".*".join(re.escape(text) for text in re.split(r"(?s){{.*?}}", why))
        # playbooks/preflight.yml asks only hosts that are in the list.
        if " is not in " not in why and not [text for text in refused.values() if re.search(says, text)]:
            unproved.append(why)
    assert not unproved


def test_machines_that_no_play_would_reach(tmp_path: Path) -> None:
    """Under whichever limit, here to a machine of no service; what else is said is test_unknown_names'."""
    groups = {"cluster": ["a"], "zookeeper": ["b", "a"], "kafka": ["c"], "others": ["d"]}
    children = {group: {"hosts": dict.fromkeys(hosts)} for group, hosts in groups.items()}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": children}}))
    words = ("--inventory", str(tmp_path / "hosts.json"), "playbooks/preflight.yml", "--limit", "d")
    run = start(tmp_path, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    assert "b, c in groups of services but not in the group cluster: put all machines there" in output
    assert "PLAY [Preflight] " not in output


def extended(directory: Path, **more: Any) -> tuple[str, ...]:
    """The preflight of the lab's inventory and of another with these groups."""
    (directory / "more.json").write_text(json.dumps(more))
    return ("-i", "inventories/lab", "-i", str(directory / "more.json"), "playbooks/preflight.yml")


UNKNOWN = (
    "the group kafak (x) is none of the kit: call it kafka, or, if it is your own, less like that",
    "the group NameNodes (millrace-1) is none of the kit: call it namenode, or, if it is your own, less",
    "y in cluster, brokers, but in no group of a service (zookeeper, hadoop, kafka, spark): put each into",
    "cluster_nam, given for all machines, is no variable of the kit: write cluster_name, or, if it is your",
    "kafka_heep, given for y, is no variable of the kit: write kafka_heap, or, if it is your own, a name",
    "kafka_server_properties, given for all machines, is what the kit makes with kafka_server_properties_o",
)


def test_names_that_the_kit_does_not_know(tmp_path: Path) -> None:
    limit = ("--limit", "y", "--tags", "smoke")
    words = extended(
        tmp_path,
        cluster={"hosts": {"x": {}, "y": {}}, "vars": {"kafka_server_properties": {"log.dirs": "/d"}}},
        kafak={"hosts": {"x": {}}},
        NameNodes={"hosts": {"millrace-1": {}}},
        brokers={"hosts": {"y": {"kafka_heep": "9g"}}},
    )
    run = start(tmp_path, *words, *limit, "-e", "cluster_nam=x", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    [said] = re.findall(r"^fatal: \[[\w-]+\]: FAILED! => (.*)$", output, re.MULTILINE)
    lines = json.loads(said)["msg"].splitlines()
    assert len(lines) == len(UNKNOWN), lines
    assert [line for line, says in zip(lines, UNKNOWN, strict=True) if not line.startswith(says)] == []
    assert not (tmp_path / "cluster.json").exists()


def test_names_that_are_peoples_own(tmp_path: Path) -> None:
    """Beside the lab's; no value is read for the sake of its name."""
    words = extended(
        tmp_path,
        rack_a={"hosts": {"millrace-1": {}}, "vars": {"rack": "a", "lost": "{{ nowhere }}"}},
        rack_b={"hosts": {"millrace-2": {}, "millrace-3": {}}},
        prod={"children": {"rack_a": {}, "rack_b": {}}},
        kafka2={"hosts": {"other": {"kafka_lag": 1}}},
        zookeepers={},
        web={"hosts": {"page": {}}},
    )
    run = start(tmp_path, *words, "--limit", "millrace-2")
    output = finish(run)
    assert run.returncode == 0, output
    assert (tmp_path / "cluster.json").exists()


def test_an_inventory_that_is_asked_again(tmp_path: Path) -> None:
    """As in a reset of the course: what the first time set is none of the inventory's variables."""
    playbook = "playbooks/preflight.yml"
    run = start(tmp_path, "-i", "inventories/lab", playbook, playbook)
    output = finish(run)
    assert run.returncode == 0, output
    assert output.count("PLAY [Preflight | Inventory]") == 2


def test_an_inventory_as_ini(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "tests/inventories/plain/group_vars", tmp_path / "group_vars")
    text = "".join(f"[{group}]\none\n" for group in ("cluster", "zookeeper", "rack_a", "kafak"))
    (tmp_path / "hosts.ini").write_text(f"{text}[web]\npage\n[cluster:vars]\nzookeeper_hepa=96m\n")
    run = start(tmp_path, "-i", str(tmp_path / "hosts.ini"), "playbooks/preflight.yml")
    output = " ".join(finish(run).split())
    assert run.returncode == 2, output
    assert "zookeeper_hepa, given for one, is no variable of the kit: write zookeeper_heap" in output
    assert "the group kafak (one) is none of the kit: call it kafka" in output
    assert "rack_a" not in output


def test_an_inventory_without_a_machine(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("")
    run = start(tmp_path, "-i", str(tmp_path / "hosts.ini"), "playbooks/preflight.yml")
    output = finish(run)
    assert run.returncode == 2, output
    assert "the inventory has no machine in the group cluster" in output


def test_a_lab_that_cannot_be_made_is_refused_before_the_artifacts(tmp_path: Path) -> None:
    words = ("-i", "inventories/lab", "-e", "lab_prefix=One/", "-e", "lab_mounts=[/no/such:/b]")
    run = start(tmp_path, *words, "playbooks/preflight.yml", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    assert "lab_prefix is 'One/': give small letters" in output
    assert not (tmp_path / "cluster.json").exists()
