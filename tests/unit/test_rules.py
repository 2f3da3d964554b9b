"""What the rules refuse of an inventory, each in a table of cases, and what must stay possible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from rules import MACHINE_RULES, RULES, Inventory, Machine, Refusal, RefusedError, judge, report
from rules.cluster import UNITS
from rules.names import read_roles
from rules.values import unfit
from rules.yarn import containers

from tests.unit.playbooks import CHECKOUT

ROLES, COMPUTED = read_roles(CHECKOUT / "roles")
SERVICES: dict[str, list[str]] = yaml.safe_load((CHECKOUT / "roles/common/vars/main.yml").read_text())[
    "common_groups"
]
HOSTS = ["a", "b", "c"]
#: What roles make of other variables.
MADE = ("spark_defaults", "yarn_mapred_site")
SERVICE_ROLES = frozenset({"common", "java", "zookeeper", "hadoop", "hdfs", "yarn", "kafka", "spark"})


def literal_defaults() -> dict[str, Any]:
    """The defaults of roles that no template makes."""
    found: dict[str, Any] = {}
    for role in ROLES:
        defaults = yaml.safe_load((CHECKOUT / "roles" / role / "defaults/main.yml").read_text()) or {}
        found |= {name: value for name, value in defaults.items() if "{{" not in str(value)}
    return found


def broker(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "host": HOSTS[number - 1], "port": 9092, "controller_port": 9093} | more


def controller(number: int, **more: Any) -> dict[str, Any]:
    return {"id": 1001 + number, "host": f"h{number}", "controller_port": 9093} | more


STANDALONE = {"id": 10, "host": "a", "port": 9095, "version": "0.10.2.2", "zookeeper_connect": "a:2181/own"}
SOUND: dict[str, Any] = literal_defaults() | {
    "cluster_name": "sound",
    "stack_name": "test",
    "java_major": 17,
    "java_home": "/usr/lib/jvm/java-17-openjdk-amd64",
    "zookeeper_hosts": HOSTS,
    "kafka_hosts": HOSTS,
    "kafka_controller_hosts": HOSTS,
    "kafka_cluster_id": "c291bmQAAAAAAAAAAAAAAA",
    "kafka_replication_factor": 3,
    "kafka_min_insync_replicas": 2,
    "hadoop_hosts": HOSTS,
    "hdfs_namenode_hosts": HOSTS[:2],
    "hdfs_journalnode_hosts": HOSTS,
    "hdfs_datanode_hosts": HOSTS,
    "hdfs_replication": 3,
    "hdfs_directories": [{"path": "/user/ann", "owner": "ann", "group": "hadoop", "mode": "0750"}],
    "yarn_resourcemanager_hosts": HOSTS[:2],
    "yarn_nodemanager_hosts": HOSTS,
    "yarn_historyserver_hosts": ["c"],
    "spark_historyserver_hosts": ["c"],
    "spark_hosts": HOSTS,
}
GROUPS = dict.fromkeys(("all", "cluster", "zookeeper", "kafka", "hadoop", "spark"), HOSTS)
ENDPOINTS = {
    "zookeeper": [{"variable": "zookeeper_client_port", "port": 2181}],
    "yarn": [{"variable": "the ResourceManager's pages", "port": 8088}],
}
MEMORY = [
    {"variable": "kafka_heap", "size": "1g", "hosts": ["a", "b"], "count": 2},
    {"variable": "yarn_nodemanager_memory", "size": 8192, "hosts": ["a"]},
]


class Known(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        raise RefusedError(name)


def inventory(
    change: Mapping[str, Any] | None = None,
    on: Mapping[str, Mapping[str, Any]] | None = None,
    services: Mapping[str, Mapping[str, Any]] | None = None,
    groups: Mapping[str, list[str]] | None = None,
    names: list[str] | None = None,
    meminfo: str = "MemTotal: 67108864 kB",
) -> Inventory:
    """A sound cluster of three machines with a change of all, or on some of them."""
    machines, given, why = [], {}, {}
    options = {name: option for role in ROLES.values() for name, option in role.items()}
    for number, name in enumerate(names or HOSTS, 1):
        values = SOUND | {"kafka_brokers": [broker(min(number, 3))]} | {key: {} for key in MADE}
        values |= dict(change or {}) | dict((on or {}).get(name, {}))
        fit, why[name] = unfit({key: value for key, value in values.items() if key in options}, options)
        fit |= {key: values[key] for key in MADE}
        made = services or {
            service: {"endpoints": [each | {"machine": name} for each in endpoints]}
            for service, endpoints in ENDPOINTS.items()
        }
        machines.append(Machine(name, Known(fit), SERVICE_ROLES, made))
        given[name] = [key for key in [*(change or {}), *(on or {}).get(name, {})] if key not in MADE]
    # What a sound cluster need not be given is not missed.
    why = {
        name: {key: text for key, text in its.items() if "is not set" not in text}
        for name, its in why.items()
    }
    return Inventory(tuple(machines), groups or GROUPS, given, ROLES, COMPUTED, SERVICES, why, meminfo)


def test_what_is_missing_is_named_by_the_first_paragraph_of_its_description() -> None:
    option = {"type": "str", "required": True, "description": ["Name of it.", "Upstream's L(x,https://x)."]}
    assert unfit({}, {"a": option})[1] == {"a": "a is not set: give text (name of it)"}


def said(**arguments: Any) -> dict[str, list[str]]:
    """The refusals by rule."""
    found: dict[str, list[str]] = {}
    for refusal in judge(RULES, inventory(**arguments)):
        found.setdefault(refusal.rule, []).append(refusal.text)
    return found


NUMBERS = [name for role in ROLES.values() for name, option in role.items() if option["type"] == "int"]


# Ports are judged where daemons listen at them.
@pytest.mark.parametrize("name", [name for name in NUMBERS if not name.endswith("_port")])
def test_every_number_has_a_range(name: str) -> None:
    assert said(change={name: -1})


def test_a_sound_inventory_passes() -> None:
    assert said() == {}


#: The rule, the change, and how the only sentence begins.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    *(
        ("directory", {name: "/"}, f"{name} is '/': give an absolute directory below /")
        for name in (
            "zookeeper_data_dir",
            "hdfs_name_dir",
            "hdfs_checkpoint_dir",
            "hdfs_data_dir",
            "hdfs_journal_dir",
            "kafka_data_dir",
            "yarn_local_dir",
            "yarn_log_dir",
            "zookeeper_home",
            "hadoop_home",
            "kafka_home",
            "spark_home",
        )
    ),
    *(
        ("directory", {name: path}, f"{name} is '{path}', which is the system's: give a directory of its own")
        for name, path in {
            "zookeeper_data_dir": "/var",
            "hdfs_data_dir": "/home",
            "spark_home": "/usr",
        }.items()
    ),
    ("directory", {"kafka_data_dir": "/data/100%"}, "kafka_data_dir is '/data/100%': write it without %"),
    (
        "directory",
        {"zookeeper_data_dir": "/data", "kafka_data_dir": "/data/kafka"},
        "zookeeper_data_dir is '/data' and kafka_data_dir is '/data/kafka': give each a directory of its own",
    ),
    *(
        ("more-directories", change, text)
        for change, text in (
            (
                {"hdfs_site_overrides": {"dfs.datanode.data.dir": "/var/lib/hdfs/data,/disk2,/disk2"}},
                "dfs.datanode.data.dir of hdfs_site_overrides is '/disk2' and dfs.datanode.data.dir of",
            ),
            (
                {"zookeeper_cfg_overrides": {"dataLogDir": "/var/lib/kafka/log"}},
                "dataLogDir of zookeeper_cfg_overrides is '/var/lib/kafka/log' and kafka_data_dir is",
            ),
            (
                {
                    "hdfs_site_overrides": {"dfs.datanode.data.dir": "/var/lib/hdfs/data,/disk2"},
                    "yarn_site_overrides": {"yarn.nodemanager.local-dirs": "/var/lib/yarn/local,/disk2/x"},
                },
                "dfs.datanode.data.dir of hdfs_site_overrides is '/disk2' and yarn.nodemanager.local-dirs of",
            ),
            (
                {"kafka_server_properties_overrides": {"metadata.log.dir": "/opt/kafka/metadata"}},
                "metadata.log.dir of broker 1 is '/opt/kafka/metadata' and kafka_home is '/opt/kafka'",
            ),
        )
    ),
    (
        "java-home",
        {"java_home": "jvm"},
        "java_home is 'jvm': give the absolute directory below which bin/java",
    ),
    *(
        ("more-directories", {variable: {key: value}}, f"{key} of {variable} is '{path}'")
        for variable, key, value, path in (
            ("zookeeper_cfg_overrides", "dataLogDir", "/tmp/zk", "/tmp/zk"),
            (
                "hdfs_site_overrides",
                "dfs.datanode.data.dir",
                "/var/lib/hdfs/data,[SSD]file:///home/x",
                "/home/x",
            ),
            ("yarn_site_overrides", "yarn.nodemanager.local-dirs", ["/var/lib/yarn/local", "disk"], "disk"),
            ("hdfs_site_overrides", "dfs.namenode.name.dir", "/var/lib/hdfs/name,/etc", "/etc"),
        )
    ),
    (
        "java-major",
        {"java_major": 25},
        "java_major is 25, on which not all products of the stack run: leave it",
    ),
    ("java-major", {"java_majors": []}, "java_majors is empty: give the releases of Java on which"),
    (
        "password",
        {"ansible_become_password": "x"},
        "ansible_become_password is given, and the kit's gates and tests could not use it: let its user",
    ),
    (
        "password",
        {"ansible_ssh_pass": "x"},
        "ansible_ssh_pass is given, and the kit's gates and tests could not use it: log in by a key",
    ),
    *(
        (
            "kernel-settings",
            {"common_kernel_settings": {name: value}},
            f"common_kernel_settings has {name}{why}",
        )
        for name, value, why in (
            ("swappiness", 1, ": give a name of sysctl, such as vm.swappiness, or a path below /sys"),
            ("/proc/sys/vm/swappiness", 1, ": give a name of sysctl"),
            ("/sys/../etc/passwd", 1, ": give a name of sysctl"),
            ("vm.swappiness", 900, " 900: give 0 to 200"),
            ("vm.swappiness", "-1", " -1: give 0 to 200"),
            ("vm.swappiness", True, " 'True': give a number, or words on one line"),
            ("vm.swappiness", "1\nkernel.panic = 1", " '1\nkernel.panic = 1': give a number, or words"),
        )
    ),
    *(
        ("java-home", {"java_home": home}, f"java_home is '{home}': give the absolute directory")
        for home in ("/", "/opt/my java", "/opt/jdk/", "/usr/../opt/java", "//opt/java", "/opt/./java")
    ),
    *(
        ("java-home", {"java_home": home}, f"java_home is '{home}', and /opt/java is the kit's link to it")
        for home in ("/opt/java", "/opt/java/jre")
    ),
    (
        "hdfs-topology",
        {"hdfs_namenode_hosts": HOSTS},
        "hdfs_namenode_hosts has 3 hosts: give one (plain) or two (highly available)",
    ),
    ("hdfs-topology", {"hdfs_namenode_hosts": []}, "hdfs_namenode_hosts has 0 hosts: give one"),
    (
        "hdfs-topology",
        {"hdfs_journalnode_hosts": HOSTS[:2]},
        "hdfs_journalnode_hosts has 2 hosts: two NameNodes need 3 or 5 JournalNodes",
    ),
    (
        "hdfs-replication",
        {"hdfs_replication": 4},
        "hdfs_replication is 4 with 3 DataNodes: give 1 to 3 there (or in hdfs_site_overrides), or add",
    ),
    (
        "hdfs-replication",
        {"hdfs_site_overrides": {"dfs.replication": 4}},
        "hdfs_replication is 4 with 3 DataNodes: give 1 to 3 there",
    ),
    (
        "hdfs-replication",
        {"hdfs_site_overrides": {"dfs.namenode.replication.min": 4}},
        "hdfs_site_overrides has dfs.namenode.replication.min 4 with dfs.replication 3: give 1 to 3",
    ),
    (
        "hdfs-replication",
        {"hdfs_site_overrides": {"dfs.replication.max": 2}},
        "hdfs_site_overrides has dfs.replication.max 2 with dfs.replication 3: give 3 to 512",
    ),
    (
        "hdfs-directory",
        {"hdfs_directories": [{"path": "/a", "owner": "a", "group": "a", "mode": "rwx"}]},
        "hdfs_directories has the mode 'rwx' for /a: give octal digits in quotes",
    ),
    (
        "hdfs-directory",
        {"hdfs_directories": [{"path": "a", "owner": "a", "group": "a", "mode": "0755"}]},
        "hdfs_directories has the path 'a': give an absolute one",
    ),
    *(
        (
            "owned-property",
            {overrides: {key: "x"}},
            f"{overrides} has {key}, which the kit makes from {variable}",
        )
        for overrides, key, variable in (
            ("zookeeper_cfg_overrides", "dataDir", "zookeeper_data_dir"),
            ("zookeeper_cfg_overrides", "server.4", "zookeeper_hosts"),
            ("hadoop_core_site_overrides", "fs.defaultFS", "hdfs_namenode_hosts, hadoop_namenode_port and"),
            (
                "hadoop_core_site_overrides",
                "fs.default.name",
                "hdfs_namenode_hosts, hadoop_namenode_port and",
            ),
            ("hdfs_site_overrides", "dfs.namenode.name.dir", "hdfs_name_dir"),
            ("hdfs_site_overrides", "dfs.namenode.rpc-address.sound.nn1", "hdfs_namenode_hosts and"),
            ("kafka_server_properties_overrides", "log.dirs", "kafka_data_dir"),
            ("kafka_server_properties_overrides", "min.insync.replicas", "kafka_min_insync_replicas"),
            ("yarn_site_overrides", "yarn.nodemanager.resource.memory-mb", "yarn_nodemanager_memory"),
            ("yarn_site_overrides", "yarn.resourcemanager.zk-address", "zookeeper_hosts"),
            ("yarn_mapred_site_overrides", "mapreduce.jobhistory.address", "yarn_historyserver_hosts"),
            ("zookeeper_env_overrides", "JAVA_HOME", "java_home"),
            ("spark_env_overrides", "JAVA_HOME", "java_home"),
        )
    ),
    *(
        ("owned-property", {overrides: {key: value}}, f"{overrides} has {key} {value}, but {why}")
        for overrides, key, value, why in (
            (
                "hdfs_site_overrides",
                "dfs.http.policy",
                "HTTPS_ONLY",
                "the kit's gates read the daemons' pages",
            ),
            ("hdfs_site_overrides", "dfs.journalnode.http-address", "0.0.0.0:8481", "the kit's gates ask"),
            (
                "yarn_site_overrides",
                "yarn.http.policy",
                "HTTPS_ONLY",
                "the kit's gates read the daemons' pages",
            ),
            (
                "hadoop_core_site_overrides",
                "hadoop.security.authentication",
                "kerberos",
                "the kit's gates have",
            ),
            ("zookeeper_cfg_overrides", "dynamicConfigFile", "/etc/zk", "the kit writes the servers"),
        )
    ),
    (
        "zookeeper-commands",
        {"zookeeper_cfg_overrides": {"4lw.commands.whitelist": "ruok, srvr"}},
        "zookeeper_cfg_overrides has 4lw.commands.whitelist without mntr, which the kit's gates send: add",
    ),
    (
        "kafka-cluster-id",
        {"kafka_cluster_id": "my-cluster"},
        "kafka_cluster_id is 'my-cluster': give 22 letters, digits, - and _, as kafka-storage.sh random-uuid",
    ),
    *(
        (
            "cluster-name",
            {"cluster_name": name},
            f"cluster_name is '{name}': give letters, digits and hyphens",
        )
        for name in ("my_lab", "lab.2", "-lab", "lab-", "", "a" * 64)
    ),
    ("hosts", {"hdfs_datanode_hosts": [*HOSTS, "c"]}, "hdfs_datanode_hosts has c more than once: name each"),
    (
        "hosts",
        {"yarn_nodemanager_hosts": [*HOSTS, "d"]},
        "yarn_nodemanager_hosts has d, not in the group hadoop",
    ),
    (
        "property-form",
        {"hdfs_site_overrides": {"dfs": {"replication": 2}}},
        "hdfs_site_overrides has dfs with k",
    ),
    *(
        ("heap", {name: value}, f"{name} is '{value}': give a number with k, m or g, such as 512m")
        for name, value in {
            "zookeeper_heap": "1 GB",
            "kafka_heap": "half",
            "spark_historyserver_heap": "",
            "hdfs_namenode_heap": "1.5g",
            "hdfs_datanode_heap": "0m",
            "hdfs_journalnode_heap": "-1g",
            "hdfs_zkfc_heap": "128",
            "yarn_resourcemanager_heap": "1gb",
            "yarn_nodemanager_heap": "x1g",
            "yarn_historyserver_heap": "g",
        }.items()
    ),
    ("account", {"hadoop_group": "Hadoop Users"}, "hadoop_group is 'Hadoop Users': give small letters"),
    *(
        (
            "unit",
            {f"{role}_unit_overrides": {"Servce": {"Nice": 5}}},
            f"{role}_unit_overrides has the section Servce: the sections are Unit, Service, Install",
        )
        for role in ("zookeeper", "kafka", "spark", "common")
    ),
    (
        "unit",
        {"hdfs_unit_overrides": {"namenode": {}}},
        "hdfs_unit_overrides has namenode: the units are hdfs-journalnode, hdfs-namenode, hdfs-zkfc,",
    ),
    (
        "unit",
        {"yarn_unit_overrides": {"yarn-nodemanager": {"Servce": {}}}},
        "yarn_unit_overrides['yarn-nodemanager'] has the section Servce",
    ),
    (
        "kafka-replication",
        {"kafka_replication_factor": 4},
        "kafka_replication_factor is 4 with 3 brokers: give 1 to 3, or add brokers",
    ),
    (
        "kafka-replication",
        {"kafka_min_insync_replicas": 3},
        "kafka_min_insync_replicas is 3 with kafka_replication_factor 3: it must be at least 1 and lower,",
    ),
    (
        "kafka-replication",
        {"kafka_server_properties_overrides": {"transaction.state.log.min.isr": 3}},
        "transaction.state.log.min.isr is 3 with transaction.state.log.replication.factor 3: it must be",
    ),
    (
        "kafka-version",
        {"kafka_zookeeper_connect": "a:2181"},
        "kafka_zookeeper_connect is 'a:2181', but Kafka 4.3.0 runs without ZooKeeper: leave it empty, or",
    ),
    *(
        (
            "kafka-version",
            {"kafka_version": version},
            f"kafka_zookeeper_connect is empty, but Kafka {version} has no KRaft that the kit can form",
        )
        for version in ("0.8.2.1", "3.8.1")
    ),
    *(
        ("number", {name: value}, f"{name} is {value}: give {fit}")
        for name, value, fit in (
            ("common_timeout", 0, "1 to 86400 seconds"),
            ("common_timeout", "180000", "1 to 86400 seconds"),
            ("lab_timeout", -1, "1 to 86400 seconds"),
            ("smoke_records", "0", "1 or more records"),
            ("common_machine_memory", -1, "0 or more MB"),
            ("hdfs_worker_batch", 0, "1 or more machines"),
            ("yarn_worker_batch", 0, "1 or more machines"),
        )
    ),
    (
        "yarn-topology",
        {"yarn_resourcemanager_hosts": HOSTS},
        "yarn_resourcemanager_hosts has 3 hosts: give one (plain) or two (highly available)",
    ),
    (
        "yarn-topology",
        {"yarn_historyserver_hosts": HOSTS[:2]},
        "yarn_historyserver_hosts has 2 hosts: the MapReduce history server is one",
    ),
    (
        "spark-topology",
        {"spark_historyserver_hosts": HOSTS[:2]},
        "spark_historyserver_hosts has 2 hosts: the history server is one",
    ),
    (
        "spark-topology",
        {"spark_python": "3.11", "spark_version": "2.2.1"},
        "spark_python is 3.11, and PySpark 2.2.1 does not run on that Python with these",
    ),
    (
        "spark-topology",
        {"hadoop_hosts": ["a", "c"]},
        "b is in spark_hosts and not in hadoop_hosts: Spark reads",
    ),
    (
        "spark-topology",
        {"spark_hosts": HOSTS[:1], "spark_defaults": {"spark.yarn.jars": "local:/opt/spark/jars/*"}},
        "b, c in yarn_nodemanager_hosts and not in spark_hosts: executors read Spark on their own machine;",
    ),
    (
        "containers",
        {"spark_defaults": {"spark.executor.memory": "8g"}},
        "spark.executor.memory is 8192 MB and 819 MB of overhead, more than the 8192 MB YARN gives at once",
    ),
    (
        "containers",
        {"yarn_mapred_site": {"mapreduce.map.memory.mb": 9000}},
        "mapreduce.map.memory.mb is 9000 MB, more than the 8192 MB YARN gives at once: lower it in",
    ),
    (
        "containers",
        {"yarn_mapred_site": {"mapreduce.reduce.memory.mb": "plenty"}},
        "mapreduce.reduce.memory.mb is plenty: give MB, a whole number",
    ),
    (
        "containers",
        {"yarn_mapred_site": {"mapreduce.map.memory.mb": 1024, "mapreduce.map.java.opts": "-Xmx2048m"}},
        "mapreduce.map.java.opts has a heap of 2048 MB in a container of 1024 MB (mapreduce.map.memory.mb)",
    ),
    (
        "containers",
        {"yarn_mapred_site": {"mapreduce.map.java.opts": "-Xmx8g", "mapreduce.map.memory.mb": -1}},
        "mapreduce.map.memory.mb is 10240 MB, more than the 8192 MB YARN gives at once",
    ),
    (
        "containers",
        {"hadoop_version": "2.7.2", "yarn_mapred_site": {"mapreduce.map.java.opts": "-Xmx2048m"}},
        "mapreduce.map.java.opts has a heap of 2048 MB in a container of 1024 MB (mapreduce.map.memory.mb)",
    ),
    (
        "containers",
        {"yarn_mapred_site": {"yarn.app.mapreduce.am.command-opts": "-Xmx2g -Xss1m"}},
        "yarn.app.mapreduce.am.command-opts has a heap of 2048 MB in a container of 1536 MB (yarn.app.map",
    ),
    (
        "containers",
        {"yarn_site_overrides": {"yarn.scheduler.maximum-allocation-mb": 1200}},
        "spark.executor.memory is 1024 MB and 384 MB of overhead, more than the 1200 MB YARN gives at once",
    ),
    (
        "containers",
        {"spark_defaults": {"spark.yarn.am.memoryOverhead": "some"}},
        "spark.yarn.am.memoryOverhead is 'some': give a number with m or g, such as 512m",
    ),
    # Types, wherever a value comes from.
    (
        "value-type",
        {"kafka_min_insync_replicas": "two"},
        "kafka_min_insync_replicas is 'two': give a whole number",
    ),
    ("value-type", {"java_major": 17.5}, "java_major is '17.5': give a whole number"),
    ("value-type", {"java_major": True}, "java_major is 'True': give a whole number"),
    ("value-type", {"zookeeper_client_port": None}, "zookeeper_client_port is empty: give a whole number"),
    ("value-type", {"artifact_mounted": "maybe"}, "artifact_mounted is 'maybe': give true or false"),
    ("value-type", {"artifact_mounted": 2}, "artifact_mounted is '2': give true or false"),
    ("value-type", {"kafka_version": 3.1}, "kafka_version is the number 3.1: write it in quotes"),
    ("value-type", {"cluster_name": 7}, "cluster_name is the number 7: write it in quotes"),
    ("value-type", {"stack_name": True}, "stack_name is the truth True: write it in quotes"),
    ("value-type", {"hdfs_zkfc_heap": 128}, "hdfs_zkfc_heap is the number 128: write it in quotes"),
    ("value-type", {"hdfs_datanode_heap": ["1g"]}, "hdfs_datanode_heap is a list of 1: give text"),
    ("value-type", {"kafka_heap": None}, "kafka_heap is empty: give text"),
    (
        "value-type",
        {"hdfs_site_overrides": "dfs.replication=1"},
        "hdfs_site_overrides is 'dfs.replication=1': give keys with values, with -e as JSON: -e",
    ),
    (
        "value-type",
        {"hdfs_site_overrides": ["dfs.replication"]},
        "hdfs_site_overrides is a list of 1: give keys",
    ),
    (
        "value-type",
        {"zookeeper_java_options": {"-Xss512k": 1}},
        "zookeeper_java_options is keys with values (-X",
    ),
    ("value-type", {"java_options": "-Xss512k"}, "java_options is '-Xss512k': give a list, with -e as JSON"),
    (
        "value-type",
        {"common_restart": "hive"},
        "common_restart is 'hive': give one of , zookeeper, hdfs, kafka, yarn, spark",
    ),
    (
        "value-type",
        {"hdfs_directories": [{"path": "/a", "owner": "a", "group": "a", "mode": 0o770}]},
        "hdfs_directories[0].mode is the number 504: write it in quotes",
    ),
    (
        "value-type",
        {"kafka_brokers": [broker(1, controler_port=1)]},
        "kafka_brokers[0] has controler_port: write controller_port",
    ),
    (
        "value-type",
        {"kafka_brokers": [broker(1, rack="a")]},
        "kafka_brokers[0] has rack: the keys are id, host, port, controller_port, properties, unit",
    ),
    (
        "value-type",
        {"kafka_brokers": [{"id": 1, "host": "a", "controller_port": 9093}]},
        "kafka_brokers[0] has no port: give it, the keys are id, host, port,",
    ),
    (
        "value-type",
        {"kafka_brokers": [broker(1, port="x")]},
        "kafka_brokers[0].port is 'x': give a whole number",
    ),
    ("value-type", {"kafka_others_join": "perhaps"}, "kafka_others_join is 'perhaps': give true or false"),
]


@pytest.mark.parametrize(("rule", "change", "begins"), REFUSED, ids=[f"{r[0]}: {r[2][:60]}" for r in REFUSED])
def test_what_is_refused(rule: str, change: dict[str, Any], begins: str) -> None:
    found = said(change=change)
    assert set(found) == {rule}
    assert found[rule][0].startswith(begins)


#: A change on one machine.
ON_ONE: list[tuple[str, dict[str, Any], str]] = [
    ("member-id", {"hdfs_namenode_id": "nn1"}, "hdfs_namenode_id is nn1 on a, b: each needs its own"),
    (
        "kafka-ids",
        {"kafka_brokers": [broker(1, host="b")]},
        "kafka_brokers gives the ids 1, 1, 3: each broker of the cluster needs its own id",
    ),
    (
        "kafka-brokers",
        {"kafka_brokers": [broker(2), broker(2, id=4, port=9093, controller_port=9094)]},
        "kafka_brokers of b gives the ports 9092, 9093, 9093, 9094: brokers of one host need ports",
    ),
    (
        "kafka-brokers",
        {"kafka_brokers": [{"id": 2, "host": "b", "port": 9092}]},
        "kafka_brokers of b gives no controller_port: with KRaft each broker is a controller too",
    ),
    (
        "kafka-brokers",
        {"kafka_brokers": [broker(2, id=-1)]},
        "kafka_brokers of b gives the id -1: give a number",
    ),
    (
        "kafka-broker-settings",
        {"kafka_brokers": [broker(2, properties={"node.id": 9})]},
        "properties of kafka_brokers['2'] has node.id, which the kit makes from kafka_brokers: set that",
    ),
    (
        "kafka-broker-settings",
        {"kafka_brokers": [broker(2, unit={"Servce": {"Nice": 5}})]},
        "unit of kafka_brokers['2'] has the section Servce: the sections are",
    ),
    (
        "kafka-broker-settings",
        {"kafka_brokers": [broker(2, properties={"listeners": "PLAINTEXT://:9192,CONTROLLER://:9093"})]},
        "listeners of broker 2 has no listener at 9092, where kafka_brokers says that it is: add it, or",
    ),
    (
        "kafka-broker-settings",
        {"kafka_server_properties_overrides": {"advertised.listeners": ["PLAINTEXT://out:19092"]}},
        "advertised.listeners of broker 2 has no listener at 9092",
    ),
    (
        "kafka-version",
        {"kafka_standalone_brokers": [STANDALONE]},
        "kafka_standalone_brokers of b stand beside Kafka 4.3.0 with the versions 0.10.2.2: all must be",
    ),
    (
        "one-cluster",
        {"cluster_name": "other"},
        "cluster_name is sound on a, c, other on b: give all machines of the cluster the same",
    ),
    *(
        ("one-cluster", {variable: value}, f"{variable} is ")
        for variable, value in {
            "zookeeper_client_port": 2182,
            "hadoop_namenode_port": 9000,
            "hadoop_group": "h",
        }.items()
    ),
    (
        "kafka-hosts",
        {"kafka_brokers": [broker(2, host="localhost")]},
        "broker 2 of kafka_brokers has the host 'localhost', where other machines find themselves: give",
    ),
    (
        "kafka-hosts",
        {"kafka_brokers": [broker(2, host="my_host")]},
        "broker 2 of kafka_brokers has the host 'my_host': give a name as DNS has them",
    ),
    (
        "kafka-hosts",
        {"kafka_brokers": [broker(2, host="a")]},
        "brokers 1 and 2 of kafka_brokers are both at a:9092: give each its own host or port",
    ),
    *(
        ("kafka-broker-settings", {"kafka_brokers": [broker(2, properties=properties)]}, begins)
        for properties, begins in (
            (
                {"log.dirs": "/disk2"},
                "properties of kafka_brokers['2'] has log.dirs, which the kit makes from",
            ),
            (
                {"log.dirs": "/var/lib/kafka/2,/tmp/k"},
                "log.dirs of properties of kafka_brokers['2'] is '/tmp/k', which a reboot empties",
            ),
            ({"zookeeper.connect": "x"}, "properties of kafka_brokers['2'] has zookeeper.connect, which the"),
            ({"ssl": {"a": 1}}, "properties of kafka_brokers['2'] has ssl with keys of its own"),
            (
                {"listeners": "SASL_SSL://:9092,CONTROLLER://:9093"},
                "the listener of broker 2 at 9092 is SASL_SSL, and the kit's gates speak PLAINTEXT there",
            ),
            (
                {"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SSL"},
                "the listener of broker 2 at 9092 is SSL, and the kit's gates speak PLAINTEXT there",
            ),
        )
    ),
    (
        "unknown-variable",
        {"kafka_heep": "1g"},
        "kafka_heep, given for b, is no variable of the kit: write kafka_heap",
    ),
    (
        "unknown-variable",
        {"service_timeout": 9},
        "service_timeout, given for b, has another name now: write com",
    ),
]


@pytest.mark.parametrize(("rule", "change", "begins"), ON_ONE, ids=[f"{r[0]}: {r[2][:60]}" for r in ON_ONE])
def test_what_is_refused_on_one_machine(rule: str, change: dict[str, Any], begins: str) -> None:
    found = said(on={"b": change})
    assert found[rule][0].startswith(begins)
    assert len(found) == 1


def test_services_that_lack_what_they_stand_on() -> None:
    found = said(change={"zookeeper_hosts": []})
    assert [text.split(":")[0] for text in found["hdfs-topology"] + found["yarn-topology"]] == [
        "zookeeper_hosts is empty"
    ] * 2
    found = said(
        change={"hdfs_datanode_hosts": [], "yarn_nodemanager_hosts": [], "yarn_resourcemanager_hosts": []}
    )
    assert found["hdfs-topology"] == [
        "hdfs_datanode_hosts is empty: put hosts into the inventory's group datanode"
    ]
    assert len(found["yarn-topology"]) == 2
    assert found["spark-topology"][0].startswith(
        "yarn_resourcemanager_hosts is empty: Spark runs on YARN here"
    )


def test_hdfs_needs_no_yarn() -> None:
    none: dict[str, Any] = {
        f"yarn_{daemon}_hosts": [] for daemon in ("resourcemanager", "nodemanager", "historyserver")
    }
    found = said(change=none)
    assert "yarn-topology" not in found
    assert all(text.startswith("spark.") for text in found["containers"])


@pytest.mark.parametrize(
    "defaults",
    [
        {"spark.yarn.jars": "hdfs:///spark/jars/*"},
        {"spark.yarn.jars": "local:/opt/spark/jars/*", "spark.yarn.archive": "hdfs:///spark.zip"},
    ],
)
def test_nodemanagers_need_no_spark_that_is_brought(defaults: dict[str, str]) -> None:
    assert said(change={"spark_hosts": HOSTS[:1], "spark_defaults": defaults}) == {}


def test_ports_that_two_daemons_have() -> None:
    endpoints = [
        {"machine": "a", "variable": "zookeeper_client_port", "port": 8088},
        {"machine": "b", "variable": "kafka_brokers", "port": 8088},
    ]
    pages = {"endpoints": [{"machine": "a", "variable": "the ResourceManager's pages", "port": 8088}]}
    assert said(services={"kafka": {"endpoints": endpoints}, "yarn": pages}) == {
        "port": [
            "port 8088 is that of zookeeper_client_port and the ResourceManager's pages: give each its own"
        ]
    }
    assert list(said(services={"kafka": {"endpoints": [endpoints[0] | {"port": 0}]}})) == ["port"]


def test_the_memory_of_a_lab() -> None:
    lab = {"change": {"lab_name": "unit"}, "services": {"all": {"memory": MEMORY}}}
    assert said(**lab) == {}
    [text] = said(**lab, meminfo="MemTotal: 8388608 kB")["memory"]
    assert text == (
        "the machines may take 12544 MB together and this host has 8192 MB: kafka_heap 4 x 1024, "
        "yarn_nodemanager_memory 1 x 8192, beside the heaps 4 x 64; lower yarn_nodemanager_memory"
    )
    # The inventory may say what each machine has.
    of_ten = {"change": {"common_machine_memory": 10240}, "services": {"all": {"memory": MEMORY}}}
    [text] = said(**of_ten)["memory"]
    assert text.startswith(
        "daemons and containers of a may take 10368 MB together and it has 10240 MB: kafka_heap"
    )
    assert text.endswith("; lower yarn_nodemanager_memory, or correct common_machine_memory")
    assert said(change={"common_machine_memory": 10368}, services={"all": {"memory": MEMORY}}) == {}
    # Other machines have memory of their own.
    assert said(services={"all": {"memory": MEMORY}}, meminfo="MemTotal: 1024 kB") == {}


def test_names_that_no_service_can_bear() -> None:
    for name, sound in {
        "web_1": False,
        "-a": False,
        "a..b": False,
        "::1": False,
        "a b": False,
        "x" * 64: False,
        "node-1.example": True,
        "192.0.2.7": True,
        "7": True,
    }.items():
        found = judge({"machine-name": RULES["machine-name"]}, inventory(names=[name]))
        assert (found == []) is sound, name


def test_many_voters() -> None:
    names = [f"k{number}" for number in range(1, 11)]
    hosts = {"kafka_hosts": names, "kafka_controller_hosts": names}
    many = inventory(hosts, names=names)
    [refusal] = judge({"kafka-voters": RULES["kafka-voters"]}, many)
    assert refusal.text.startswith(
        "kafka_hosts gives 10 brokers, and with KRaft each is a controller that votes: put three or five"
    )
    assert judge({"kafka-voters": RULES["kafka-voters"]}, inventory(hosts, names=names[:9])) == []
    few = inventory(hosts | {"kafka_controller_hosts": names[:3]}, names=names)
    assert judge({"kafka-voters": RULES["kafka-voters"]}, few) == []
    on = {name: {"kafka_brokers": [], "kafka_controllers": [controller(n)]} for n, name in enumerate(names)}
    own = inventory(hosts | {"kafka_hosts": []}, on, names=names)
    [refusal] = judge({"kafka-voters": RULES["kafka-voters"]}, own)
    assert refusal.text.startswith(
        "kafka_controller_hosts gives 10 controllers, and each votes: take all but"
    )
    beside = inventory(hosts | {"kafka_zookeeper_connect": "a:2181"}, names=names)
    assert judge({"kafka-voters": RULES["kafka-voters"]}, beside) == []


OWN_HOSTS = {"kafka_hosts": ["a", "b"], "kafka_controller_hosts": ["c"]}
OWN = {"c": {"kafka_brokers": [], "kafka_controllers": [controller(3)]}}


@pytest.mark.parametrize(
    ("change", "on", "rule", "begins"),
    [
        ({}, {}, "", ""),
        # Without the group nothing of it is asked: a broker of c is one of a host in both.
        ({"kafka_controller_hosts": HOSTS, "kafka_hosts": HOSTS}, {"c": {}}, "", ""),
        # A broker beside them has no controller_port.
        ({}, {"a": {"kafka_brokers": [{"id": 1, "host": "a", "port": 9092}]}}, "", ""),
        (
            {},
            {"c": {"kafka_brokers": []}},
            "kafka-controllers",
            "kafka_controllers of c is empty, but it is in kafka_controller_hosts and not in kafka_hosts: ",
        ),
        (
            {},
            {"a": {"kafka_controllers": [controller(1, controller_port=9193)]}},
            "kafka-controllers",
            "kafka_controllers of a gives a controller, which only a host has that is in",
        ),
        (
            {"kafka_hosts": []},
            {name: {"kafka_brokers": []} for name in "ab"},
            "kafka-controllers",
            "kafka_hosts is empty: put machines into the group kafka",
        ),
        (
            {"kafka_controller_hosts": []},
            {"c": {"kafka_brokers": []}},
            "kafka-controllers",
            "kafka_controller_hosts is empty: put machines into the group kafka_controller",
        ),
        (
            {"kafka_version": "3.9.1", "kafka_zookeeper_connect": "a:2181"},
            {},
            "kafka-controllers",
            "kafka_controller_hosts is c, but kafka_zookeeper_connect has brokers keep their metadata in ",
        ),
        (
            {},
            {"c": {"kafka_brokers": [], "kafka_controllers": [controller(3, id=2)]}},
            "kafka-ids",
            "kafka_brokers and kafka_controllers give the ids 1, 2, 2: each broker and controller of the",
        ),
        (
            {},
            {"c": {"kafka_brokers": [], "kafka_controllers": [controller(3, host="localhost")]}},
            "kafka-hosts",
            "controller 1004 of kafka_controllers has the host 'localhost', where other machines find",
        ),
        (
            {},
            {"c": {"kafka_brokers": [], "kafka_controllers": [controller(3, properties={"node.id": 1})]}},
            "kafka-broker-settings",
            "properties of kafka_controllers['1004'] has node.id, which the kit makes from",
        ),
        (
            {},
            {"c": OWN["c"] | {"kafka_server_properties_overrides": {"listeners": "CONTROLLER://:1"}}},
            "kafka-broker-settings",
            "listeners of controller 1004 has no listener at 9093, where kafka_controllers says that it is",
        ),
        (
            {"kafka_hosts": ["a", "b"], "kafka_controller_hosts": HOSTS},
            {"b": {"kafka_brokers": [{"id": 2, "host": "b", "port": 9092}]}},
            "kafka-brokers",
            "kafka_brokers of b gives no controller_port: with KRaft each broker is a controller too, where",
        ),
    ],
)
def test_controllers_with_hosts_of_their_own(
    change: dict[str, Any], on: dict[str, Any], rule: str, begins: str
) -> None:
    voting = change.get("kafka_controller_hosts", ["c"])
    groups = GROUPS | ({"kafka_controller": voting} if voting else {})
    settings = OWN_HOSTS | {"kafka_replication_factor": 1, "kafka_min_insync_replicas": 1}
    found = said(change=settings | change, on=OWN | on, groups=groups)
    found.pop("kafka-replication", None)
    assert {name: [text[: len(begins)] for text in texts] for name, texts in found.items()} == (
        {rule: [begins]} if rule else {}
    )


def test_a_group_of_controllers_that_no_variable_reads_is_refused() -> None:
    """An inventory with a topology of its own would have combined brokers without a word."""
    found = said(groups=GROUPS | {"kafka_controller": ["a", "b", "c"]})
    assert found == {}
    found = said(change={"kafka_controller_hosts": ["a", "b"]}, groups=GROUPS | {"kafka_controller": HOSTS})
    assert [text[:61] for text in found["kafka-controllers"]] == [
        "kafka_controller_hosts has no c of the group kafka_controller"
    ]


def test_groups_are_judged() -> None:
    found = said(groups=GROUPS | {"kafak": ["a"]})
    assert [text.partition(" is none")[0] for text in found["unknown-group"]] == ["the group kafak (a)"]


SOUND_CHANGES: list[dict[str, Any]] = [
    {"artifact_mounted": "false", "kafka_others_join": "Yes", "zookeeper_client_port": "2182"},
    {"hdfs_site_overrides": {"dfs.datanode.data.dir": "/var/lib/hdfs/data,/disk2"}},
    {"yarn_site_overrides": {"yarn.nodemanager.local-dirs": ["/disk2", "/var/lib/yarn/local"]}},
    {"hdfs_site_overrides": {"dfs.http.policy": "HTTP_AND_HTTPS", "dfs.replication": "2"}},
    {"zookeeper_cfg_overrides": {"4lw.commands.whitelist": "*", "dataLogDir": "/disk2"}},
    {"zookeeper_cfg_overrides": {"4lw.commands.whitelist": ["srvr", "mntr", "conf"]}},
    {
        "kafka_server_properties_overrides": {
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093,EXTRA://:9094"
        }
    },
    {"hadoop_core_site_overrides": {"hadoop.security.authentication": "simple"}},
    {"yarn_mapred_site": {"mapreduce.map.memory.mb": "512", "mapreduce.map.java.opts": "-Xmx384m"}},
    {"kafka_version": "3.9.1"},
    {
        "kafka_version": "0.10.2.2",
        "kafka_zookeeper_connect": "a:2181",
        "kafka_standalone_brokers": [STANDALONE],
    },
    {"yarn_mapred_site": {"mapreduce.map.java.opts": "-Xmx2048m"}},
    {"yarn_mapred_site": {"mapreduce.map.memory.mb": -1}},
    {"kafka_server_properties_overrides": {"metadata.log.dir": "/disk2/metadata"}},
    {
        "kafka_server_properties_overrides": {
            "listeners": "IN://:9092,CONTROLLER://:9093",
            "listener.security.protocol.map": ["IN:PLAINTEXT", "CONTROLLER:PLAINTEXT"],
        }
    },
    {"rack": "a", "my_kafka": 1, "java_options": ["-Xss512k", 5]},
]


@pytest.mark.parametrize("change", SOUND_CHANGES, ids=[", ".join(each) for each in SOUND_CHANGES])
def test_what_stays_possible(change: dict[str, Any]) -> None:
    assert said(change=change) == {}


def test_a_broker_may_have_settings_of_its_own() -> None:
    own = broker(2, properties={"min.insync.replicas": 1, "broker.rack": "a"}, unit={"Service": {"Nice": 5}})
    assert said(on={"b": {"kafka_brokers": [own]}}) == {}


@pytest.mark.parametrize(
    ("first", "second", "sound"),
    [
        ({}, {}, True),
        ({"log.dirs": "/var/lib/kafka/1,/disk2"}, {"log.dirs": "/var/lib/kafka/4,/disk3"}, True),
        ({"metadata.log.dir": "/var/lib/kafka/1"}, {"metadata.log.dir": "/disk2"}, True),
        ({"log.dirs": "/var/lib/kafka/1,/disk2"}, {"log.dirs": "/var/lib/kafka/4,/disk2"}, False),
        ({"log.dirs": "/var/lib/kafka/1,/var/lib/kafka/4"}, {}, False),
        ({"metadata.log.dir": "/disk2"}, {"metadata.log.dir": "/disk2"}, False),
        ({"metadata.log.dir": "/var/lib/kafka/4"}, {}, False),
    ],
)
def test_brokers_of_a_machine_have_disks_of_their_own(
    first: dict[str, Any], second: dict[str, Any], sound: bool
) -> None:
    brokers = [broker(1, properties=first), broker(1, id=4, properties=second)]
    one = inventory(on={"a": {"kafka_brokers": brokers}})
    assert (judge({"more-directories": RULES["more-directories"]}, one) == []) is sound


def test_more_disks_of_one_broker() -> None:
    for name, brokers, sound in (("a", [broker(1)], True), ("a", [broker(1), broker(1, id=4)], False)):
        disks = {"kafka_server_properties_overrides": {"log.dirs": "/var/lib/kafka/1,/disk2"}}
        one = inventory(on={name: {"kafka_brokers": brokers} | disks})
        assert (judge({"owned-property": RULES["owned-property"]}, one) == []) is sound


def test_a_refused_value_is_not_judged_again() -> None:
    # What depends on it is not looked at, and nothing breaks.
    found = said(change={"kafka_brokers": "none", "zookeeper_hosts": 3, "hdfs_replication": "many"})
    assert set(found) == {"value-type"}
    assert len(found["value-type"]) == 3


ODD: list[Any] = [
    None,
    True,
    -1,
    2**40,
    0.5,
    "",
    "x",
    "1",
    [],
    ["x"],
    [{}],
    [None],
    {},
    {"a": {"b": []}},
    {"a": None},
]


@pytest.mark.parametrize("variable", sorted({name for role in ROLES.values() for name in role}))
def test_no_value_breaks_a_rule(variable: str) -> None:
    for value in ODD:
        services = {"all": {"memory": [{"variable": variable, "size": value, "hosts": HOSTS}]}}
        judge(RULES, inventory({"lab_name": "x", variable: value}))
        judge(RULES, inventory({"lab_name": "x"}, on={"b": {variable: value}}, services=services))


def test_no_secret_is_shown() -> None:
    slip = {
        "kafka_java_options": "-Djavax.net.ssl.keyStorePassword=hunter2",
        "kafka_server_properties_overrides": "ssl.key.password=hunter2",
        "kafka_unit_overrides": {"Service": "Environment=password=hunter2"},
    }
    found = said(change=slip)
    assert set(found) == {"value-type", "unit"}
    assert "hunter2" not in str(found)
    assert found["value-type"][0].startswith("kafka_java_options is '(hidden)': give a list")


def test_what_yarn_gives_is_what_its_resourcemanagers_file_says() -> None:
    nodes = {name: {"yarn_nodemanager_memory": 65536, "yarn_resourcemanager_hosts": ["c"]} for name in "ab"}
    nodes["c"] = {"yarn_resourcemanager_hosts": ["c"]}
    big = {"spark_defaults": {"spark.executor.memory": "16g"}}
    [text] = judge({"containers": RULES["containers"]}, inventory(big, on=nodes))
    assert "more than the 8192 MB YARN gives at once" in text.text


def test_what_several_machines_have_is_said_once() -> None:
    refusals = judge(RULES, inventory(on={"a": {"kafka_heap": "x"}, "c": {"kafka_heap": "x"}}))
    assert [(each.hosts, each.variable, each.rule) for each in refusals] == [
        (("a", "c"), "kafka_heap", "heap")
    ]


def test_a_report_names_machines_place_and_entry() -> None:
    refusals = [
        Refusal("x is 1: give 2", "x", hosts=("a", "b"), rule="heap"),
        Refusal("the group kafak (a) is none of the kit", rule="unknown-group"),
    ]
    places = {"a": "inventory/group_vars/all.yml:3", "b": "inventory/group_vars/all.yml:3"}
    assert report(refusals, lambda host, variable, key: places.get(host)).splitlines() == [
        "x is 1: give 2",
        "    a, b · inventory/group_vars/all.yml:3 · docs/errors.md#heap",
        "the group kafak (a) is none of the kit",
        "    docs/errors.md#unknown-group",
    ]


@pytest.mark.parametrize(
    ("deployed", "accepted", "told"),
    [
        ({"a": ["zookeeper"], "b": [], "c": []}, "", []),
        (
            {"d": ["hdfs-datanode", "kafka@4"]},
            "orders-3",
            ["d is not in the inventory any more, and has had hdfs-datanode, kafka@4 since the last run"],
        ),
        ({"d": []}, "", ["d is not in the inventory any more, and has had nothing that runs since the last"]),
        ({"d": ["zookeeper"], "e": ["zookeeper"]}, "d,e", []),
    ],
)
def test_machines_that_the_inventory_has_lost(
    deployed: dict[str, list[str]], accepted: str, told: list[str]
) -> None:
    known = replace(inventory(), deployed=deployed, accepted=frozenset(accepted.split(",")))
    found = [refusal for refusal in judge(RULES, known) if refusal.rule == "gone-machine"]
    assert len(found) == len(told)
    assert all(refusal.text.startswith(text) for refusal, text in zip(found, told, strict=True))


def test_every_rule_has_a_case() -> None:
    tables = {rule for rule, _, _ in [*REFUSED, *ON_ONE]}
    elsewhere = {"port", "memory", "machine-name", "kafka-voters", "unknown-group", "gone-machine"}
    elsewhere |= {"kafka-controllers"}
    assert tables | elsewhere == set(RULES)
    # The tests of these: each calls said or judge, and looks for the rule.
    proved = {
        "port": test_ports_that_two_daemons_have,
        "memory": test_the_memory_of_a_lab,
        "machine-name": test_names_that_no_service_can_bear,
        "kafka-voters": test_many_voters,
        "unknown-group": test_groups_are_judged,
        "kafka-controllers": test_controllers_with_hosts_of_their_own,
        "gone-machine": test_machines_that_the_inventory_has_lost,
    }
    assert set(proved) == elsewhere


def test_the_units_are_those_of_the_roles() -> None:
    for role, units in UNITS.items():
        made = yaml.safe_load((CHECKOUT / f"roles/{role}/vars/main.yml").read_text())
        assert set(made[f"__{role}_daemons"]) == set(units)


def test_the_docs_have_an_entry_for_every_rule() -> None:
    entries = re.findall(r"^## (.+)$", (CHECKOUT / "docs/errors.md").read_text(), re.MULTILINE)
    assert sorted(entries) == sorted([*RULES, *MACHINE_RULES])


def test_containers_of_spark_alone_are_not_judged() -> None:
    sound = inventory({"spark_defaults": {"spark.executor.memory": "8g"}})
    alone = [replace(machine, roles=frozenset({"spark"})) for machine in sound.machines]
    assert list(containers(sound)) != []
    assert list(containers(replace(sound, machines=tuple(alone)))) == []
