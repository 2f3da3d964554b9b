"""Names of an inventory that the kit does not know, and those that are people's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rules.names import (
    REMOVED,
    RENAMED,
    distance,
    group_faults,
    nearest,
    read_roles,
    variable_faults,
)

from tests.unit.playbooks import CHECKOUT

SERVICES: dict[str, list[str]] = yaml.safe_load((CHECKOUT / "roles/common/vars/main.yml").read_text())[
    "common_groups"
]
KNOWN = ["cluster", *SERVICES, *(part for parts in SERVICES.values() for part in parts)]
DECLARED, COMPUTED = read_roles(CHECKOUT / "roles")


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [
        ("", "", 0),
        ("kafka", "kafka", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kafak", "kafka", 1),
        ("kafke", "kafka", 1),
        ("kfka", "kafka", 1),
        ("kafkaa", "kafka", 1),
        ("afkak", "kafka", 2),
        ("namenode", "datanode", 3),
    ],
)
def test_distance(one: str, other: str, letters: int) -> None:
    assert distance(one, other) == distance(other, one) == letters


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kafak", "kafka"),
        ("akfka", "kafka"),
        ("kafke", "kafka"),
        ("kafk", "kafka"),
        ("kafkaa", "kafka"),
        ("kafkas", "kafka"),
        ("Kafka", "kafka"),
        ("KAFKA", "kafka"),
        ("kafka_", "kafka"),
        ("sparks", "spark"),
        ("hadop", "hadoop"),
        ("clsuter", "cluster"),
        ("clusters", "cluster"),
        ("NameNodes", "namenode"),
        ("name_node", "namenode"),
        ("name-nodes", "namenode"),
        ("data_nodes", "datanode"),
        ("zookeepers", "zookeeper"),
        ("zookeper", "zookeeper"),
        ("zokeeper", "zookeeper"),
        ("zookeeeperr", "zookeeper"),
        ("spark-historyserver", "spark_historyserver"),
        ("sparkhistoryserver", "spark_historyserver"),
        ("spark_history_servers", "spark_historyserver"),
        ("HistoryServer", "historyserver"),
        ("node.manager", "nodemanager"),
        ("journal_node", "journalnode"),
        ("resource_manger", "resourcemanager"),
        # Two letters of a short name, and words of their own.
        *((name, None) for name in ("kfak", "kafkaeu", "spork1", "shard", "zk", "brokers", "hdfs", "yarn")),
        *((name, None) for name in ("prod", "europe", "rack_a", "workers", "masters", "gateway", "edgenode")),
    ],
)
def test_misspelt_groups(name: str, meant: str | None) -> None:
    assert nearest(name, KNOWN) == meant


def test_known_groups_are_not_like_each_other() -> None:
    assert [nearest(name, KNOWN) for name in KNOWN] == KNOWN


def rename(group: str, known: str = "kafka") -> str:
    return f"the group {group} (a) is none of the kit: call it {known}, or, if it is your own, less like that"


def idle(where: str, remedy: str = "put each into one of these", nobody: str = "") -> str:
    none = f"in no group of a service (zookeeper, hadoop, kafka, kafka_controller, spark){nobody}"
    return f"{where}, but {none}: {remedy}, or take it out of cluster"


NOBODY = ", and no machine of cluster is"
PUT = "put all machines there (inventories/lab/hosts.yml shows how)"
NO_CLUSTER = f"the inventory has no machine in the group cluster: {PUT}"
ALL = {"cluster": ["a", "b"], "zookeeper": ["a"], "kafka": ["a", "b"]}
THREE = ALL | {"cluster": ["a", "b", "c"]}

GROUPS: dict[str, tuple[dict[str, list[str]], list[str]]] = {
    "sound": (ALL, []),
    # Ansible's own two have everybody.
    "as-ansible-has-them": (ALL | {"all": ["a", "b"], "ungrouped": []}, []),
    "peoples-own": (ALL | {"rack_a": ["a"], "europe": ["b"], "prod": ["a", "b"]}, []),
    "strangers": (ALL | {"web": ["w"], "ungrouped": ["x"]}, []),
    "of-another-cluster": (ALL | {"kafka2": ["k"], "Kafkas": ["k"], "name_node": []}, []),
    "parts-of-a-service": (
        ALL | {"kafka_a": ["a"], "kafka2": ["b"], "kafka-1": ["a"], "eu_kafka": ["a"]},
        [],
    ),
    "parts-of-the-cluster": (ALL | {"cluster_a": ["a"], "cluster2": ["b"]}, []),
    "empty": (ALL | {"journalnode": [], "kafak": []}, []),
    "empty-service": (
        ALL | {"spark": []},
        ["the group spark has no machine: put some there, or remove the group"],
    ),
    "misspelt": ({"cluster": ["a"], "kafak": ["a"]}, [rename("kafak")]),
    "misspelt-beside-another-service": (
        {"cluster": ["a"], "zookeeper": ["a"], "kafak": ["a"]},
        [rename("kafak")],
    ),
    "misspelt-beside-the-service": (
        ALL | {"kafak": ["a"], "kafkas": ["a"]},
        [rename("kafak"), rename("kafkas")],
    ),
    "a-number-with-another-machine": (
        {"cluster": ["a", "b"], "kafka": ["b"], "kafka2": ["a"]},
        [rename("kafka2")],
    ),
    "no-counterpart": ({"cluster": ["b"], "zookeeper": ["b"], "Kafka": ["a"]}, [rename("Kafka")]),
    "misspelt-daemon": (ALL | {"hadoop": ["a"], "NameNodes": ["a"]}, [rename("NameNodes", "namenode")]),
    "no-service-for-one": (THREE | {"brokers": ["c"]}, [idle("c in cluster, brokers")]),
    "no-service-for-several": (
        ALL | {"cluster": ["a", "c", "d", "e"], "kafka": ["a"], "zk": ["c", "e"]},
        [idle("c, e in cluster, zk"), idle("d in cluster")],
    ),
    "no-service-for-anyone": (
        {"cluster": ["a", "b"], "all": ["a", "b"]},
        [idle("a, b in cluster", nobody=NOBODY)],
    ),
    "a-daemon-that-is-no-child": (
        THREE | {"namenode": ["c"]},
        [idle("c in cluster, namenode", "make namenode a child of the group hadoop")],
    ),
    "many": ({"cluster": list("abcdefg")}, [idle("a, b, c, d, e and 2 more in cluster", nobody=NOBODY)]),
    "no-cluster": ({"kafka": ["a"], "web": ["w"]}, [NO_CLUSTER]),
    "empty-cluster": ({"cluster": []}, [NO_CLUSTER]),
    "misspelt-cluster": (
        {"clusters": ["a"], "kafka": ["a"]},
        [NO_CLUSTER, rename("clusters", "cluster")],
    ),
    "outside": (
        ALL | {"kafka": ["a", "b", "c"], "spark": ["d", "c"]},
        [f"c, d in groups of services but not in the group cluster: {PUT}"],
    ),
}


@pytest.mark.parametrize(("groups", "faults"), GROUPS.values(), ids=GROUPS)
def test_groups(groups: dict[str, list[str]], faults: list[str]) -> None:
    assert group_faults(groups, SERVICES) == faults


def test_the_groups_are_those_of_the_plays_and_of_the_topology() -> None:
    """There is one list of them; what reads groups elsewhere must agree with it."""
    site = yaml.safe_load((CHECKOUT / "site.yml").read_text())
    texts = [(CHECKOUT / each["ansible.builtin.import_playbook"]).read_text() for each in site]
    hosts = {play["hosts"] for text in texts for play in yaml.safe_load(text)}
    planned = {name for each in hosts for name in re.findall(r"planned\('\w+', '(\w+)'\)", each)}
    topology = (CHECKOUT / "inventories/lab/group_vars/all/topology.yml").read_text()
    read = set(re.findall(r"groups\['(\w+)'\]", topology))
    assert planned == set(SERVICES) - {"hadoop", "kafka_controller"} | {"hdfs", "yarn"}
    assert {each for each in hosts if re.fullmatch("[a-z]+", each)} <= {"cluster", "localhost", *SERVICES}
    assert read == set(KNOWN) - {"cluster"}


def test_what_tasks_keep_is_private() -> None:
    """Asked again in a run, an inventory would be refused for a name of the kit that a task has set."""
    kept: dict[str, str] = {}
    for file in sorted(CHECKOUT.glob("roles/*/tasks/**/*.yml")):
        text = file.read_text()
        kept |= dict.fromkeys(re.findall(r"^ *register: (\w+)$", text, re.MULTILINE), file.name)
        for facts in re.findall(r"^ *ansible\.builtin\.set_fact:\n((?: {4}.*\n)+)", text, re.MULTILINE):
            kept |= dict.fromkeys(re.findall(r"^ {4}(\w+):", facts, re.MULTILINE), file.name)
    for file in sorted(CHECKOUT.glob("roles/*/*/*.py")):
        kept |= dict.fromkeys(
            re.findall(r"[\"']ansible_facts[\"']: \{[\"'](\w+)", file.read_text()), file.name
        )
    assert {"__common_deployed", "__common_plan", "__smoke_described"} <= set(kept)
    assert {name: file for name, file in kept.items() if not name.startswith("__")} == {}


def own(role: str) -> str:
    return f", if it is your own, a name that does not begin with {role}_"


NONE = "is no variable of the kit:"
VARIABLES: dict[str, str] = {
    # The names that are known, Ansible's and the person's.
    **dict.fromkeys(("kafka_heap", "cluster_name", "millrace_cache", "lab_name", "hdfs_directories"), ""),
    **dict.fromkeys(("ansible_user", "ansible_become", "inventory_hostname", "groups", "omit"), ""),
    **dict.fromkeys(("_kafka_helper", "__kafka_logs", "course_ports", "student", "rack", "kafka"), ""),
    **dict.fromkeys(("JAVA_HOME", "KAFKA_HEAP", "cluster_home", "kafkacat_path", "my_kafka"), ""),
    "kafka_heep": f"{NONE} write kafka_heap, or{own('kafka')}",
    "kafka_broker": f"{NONE} write kafka_brokers, or{own('kafka')}",
    "kafka_heap_size": f"{NONE} write kafka_heap, or{own('kafka')}",
    "kafka_properties": f"{NONE} write kafka_server_properties_overrides, or{own('kafka')}",
    "kafka_server_properties_override": f"{NONE} write kafka_server_properties_overrides, or{own('kafka')}",
    "zookeeper_port": f"{NONE} write zookeeper_client_port, or{own('zookeeper')}",
    "yarn_memory": f"{NONE} write yarn_nodemanager_memory, or{own('yarn')}",
    "smoke_mod": f"{NONE} write smoke_mode, or{own('smoke')}",
    # Of another role of Hadoop's.
    "hdfs_namenode_port": f"{NONE} write hadoop_namenode_port, or{own('hdfs')}",
    "hdfs_core_site_overrides": f"{NONE} write hadoop_core_site_overrides, or{own('hdfs')}",
    # Not a name of another role's, though these have it.
    "java_version": f"{NONE} see ansible-doc -t role -r roles java, or write{own('java')}",
    "kafka_connect_url": f"{NONE} see ansible-doc -t role -r roles kafka, or write{own('kafka')}",
    "lab_color": f"{NONE} see ansible-doc -t role -r roles lab, or write{own('lab')}",
    "common_timout": f"{NONE} write common_timeout, or{own('common')}",
    # Of no role.
    "kafak_heap": f"{NONE} write kafka_heap, or, if it is your own, a name less like that",
    "kafkaHeap": f"{NONE} write kafka_heap, or, if it is your own, a name less like that",
    "cluster_nam": f"{NONE} write cluster_name, or, if it is your own, a name less like that",
    "millrace_cahce": f"{NONE} write millrace_cache, or, if it is your own, a name less like that",
    # What the roles compute.
    "kafka_server_properties": "is what the kit makes with kafka_server_properties_overrides: set that",
    "hdfs_site": "is what the kit makes with hdfs_site_overrides: set that",
    **dict.fromkeys(("kafka_service", "common_cluster"), "is what the kit makes itself: remove it"),
}


@pytest.mark.parametrize(("name", "says"), VARIABLES.items(), ids=VARIABLES)
def test_variables(name: str, says: str) -> None:
    found = variable_faults({"a": ["kafka_heap", name]}, DECLARED, COMPUTED)
    assert found == ([f"{name}, given for a, {says}"] if says else [])


@pytest.mark.parametrize("role", sorted(DECLARED))
def test_what_a_role_declares_is_known(role: str) -> None:
    assert variable_faults({"a": DECLARED[role]}, DECLARED, COMPUTED) == []


def test_a_role_that_reads_no_variable() -> None:
    assert variable_faults({"a": ["empty_x"]}, {"empty": []}, []) == [
        f"empty_x, given for a, {NONE} remove it, or write{own('empty')}"
    ]


def test_what_a_role_computes_is_told() -> None:
    """Settings that a role makes have overrides; what is read by other roles, too, has none."""
    alone = {name for name in COMPUTED if name.endswith("_service")}
    alone |= {
        "common_alone",
        "common_cluster",
        "common_groups",
        "common_inventory",
        "hadoop_daemons",
        "hdfs_ports",
    }
    ours = sorted(COMPUTED - {"ansible_become"})
    assert variable_faults({"a": ours}, DECLARED, COMPUTED) == [
        f"{name}, given for a, is what the kit makes "
        + ("itself: remove it" if name in alone else f"with {name}_overrides: set that")
        for name in ours
    ]


@pytest.mark.parametrize(
    ("machines", "has", "where"),
    [
        ("a", "a", "a"),
        ("ab", "ab", "all machines"),
        ("abc", "bc", "b, c"),
        ("abcdefg", "abcdef", "a, b, c, d, e and 1 more"),
    ],
)
def test_where_a_variable_is(machines: str, has: str, where: str) -> None:
    names = {machine: ["kafka_heep"] if machine in has else [] for machine in machines}
    [said] = variable_faults(names, DECLARED, COMPUTED)
    assert said.startswith(f"kafka_heep, given for {where}, is ")


@pytest.mark.parametrize("name", RENAMED)
def test_a_renamed_variable_is_refused_with_its_new_name(name: str) -> None:
    assert variable_faults({"a": [name], "b": []}, DECLARED, COMPUTED) == [
        f"{name}, given for a, has another name now: write {RENAMED[name]}"
    ]
    assert name not in {each for options in DECLARED.values() for each in options}
    assert RENAMED[name] in {each for options in DECLARED.values() for each in options}


@pytest.mark.parametrize("name", REMOVED)
def test_a_removed_variable_is_refused_with_what_is_in_its_place(name: str) -> None:
    assert variable_faults({"a": [name]}, DECLARED, COMPUTED) == [
        f"{name}, given for a, is gone: {REMOVED[name]}"
    ]
    assert name not in {each for options in DECLARED.values() for each in options}


def command(*words: str) -> str:
    program = str(Path(sys.executable).parent / words[0])
    environment = os.environ | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.check_output([program, *words[1:]], cwd=CHECKOUT, env=environment, text=True)


@pytest.mark.parametrize(
    "inventory",
    [
        *(f"inventories/{name}" for name in ("lab", "single", "course")),
        *(f"tests/inventories/{name}" for name in ("plain", "three_brokers")),
        "molecule/default/inventory",
    ],
)
def test_every_inventory_of_the_kit_has_known_names_only(inventory: str) -> None:
    listed: dict[str, Any] = json.loads(command("ansible-inventory", "-i", inventory, "--list"))

    def hosts(group: str) -> list[str]:
        its = listed.get(group, {})
        return [*its.get("hosts", []), *(host for child in its.get("children", []) for host in hosts(child))]

    groups = {group: hosts(group) for group in listed if group != "_meta"}
    machines = {host: listed["_meta"]["hostvars"].get(host, {}) for host in groups["cluster"]}
    assert group_faults(groups, SERVICES) == []
    assert variable_faults(machines, DECLARED, COMPUTED) == []
