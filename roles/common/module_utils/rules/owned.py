"""Properties that users must not set: a variable makes them and other things, or the gates ask there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .cluster import DIRECTORIES
from .forms import directories_of, directory_faults, override_faults, within
from .model import Machine, Refusal, each

#: By the variable of overrides: the variable that a property is made from; * in its name stands for anything.
MADE_FROM: dict[str, dict[str, str]] = {
    "zookeeper_cfg_overrides": {
        "dataDir": "zookeeper_data_dir",
        "clientPort": "zookeeper_client_port",
        "server.*": "zookeeper_hosts",
    },
    "zookeeper_env_overrides": {"JAVA_HOME": "java_home"},
    "hadoop_core_site_overrides": {
        "fs.default*": "hdfs_namenode_hosts, hadoop_namenode_port and cluster_name",
        "ha.zookeeper.quorum": "zookeeper_hosts",
        "hadoop.zk.address": "zookeeper_hosts",
    },
    "hadoop_env_overrides": {"JAVA_HOME": "java_home"},
    "hdfs_site_overrides": {
        "dfs.namenode.name.dir": "hdfs_name_dir",
        "dfs.datanode.data.dir": "hdfs_data_dir",
        "dfs.namenode.checkpoint.dir": "hdfs_checkpoint_dir",
        "dfs.journalnode.edits.dir": "hdfs_journal_dir",
        "dfs.nameservices": "cluster_name",
        "dfs.internal.nameservices": "cluster_name",
        "dfs.ha.namenodes.*": "hdfs_namenode_hosts",
        "dfs.namenode.rpc-address*": "hdfs_namenode_hosts and hadoop_namenode_port",
        "dfs.namenode.http-address*": "hdfs_namenode_hosts",
        "dfs.namenode.shared.edits.dir": "hdfs_journalnode_hosts",
        "dfs.ha.automatic-failover.enabled": "hdfs_namenode_hosts",
    },
    "yarn_site_overrides": {
        "yarn.nodemanager.local-dirs": "yarn_local_dir",
        "yarn.nodemanager.log-dirs": "yarn_log_dir",
        "yarn.nodemanager.resource.memory-mb": "yarn_nodemanager_memory",
        "yarn.resourcemanager.hostname*": "yarn_resourcemanager_hosts",
        "yarn.resourcemanager.webapp.address*": "yarn_resourcemanager_hosts",
        "yarn.resourcemanager.ha.rm-ids": "yarn_resourcemanager_hosts",
        "yarn.resourcemanager.ha.enabled": "yarn_resourcemanager_hosts",
        "yarn.resourcemanager.ha.automatic-failover.enabled": "yarn_resourcemanager_hosts",
        "yarn.resourcemanager.cluster-id": "cluster_name",
        "yarn.resourcemanager.zk-address": "zookeeper_hosts",
    },
    "yarn_mapred_site_overrides": {
        "mapreduce.jobhistory.address": "yarn_historyserver_hosts",
        "mapreduce.jobhistory.webapp.address": "yarn_historyserver_hosts",
    },
    "kafka_server_properties_overrides": {
        "node.id": "kafka_brokers",
        "broker.id": "kafka_brokers",
        "port": "kafka_brokers",
        "process.roles": "kafka_controller_hosts",
        "controller.quorum.bootstrap.servers": "kafka_brokers",
        "controller.quorum.voters": "kafka_brokers",
        "zookeeper.connect": "kafka_zookeeper_connect",
        "log.dir": "kafka_data_dir",
        "log.dirs": "kafka_data_dir",
        "default.replication.factor": "kafka_replication_factor",
        "min.insync.replicas": "kafka_min_insync_replicas",
    },
    "spark_env_overrides": {"JAVA_HOME": "java_home"},
}

#: By the variable of overrides and the property: the values that it may have, and who asks otherwise.
ASKED: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "zookeeper_cfg_overrides": {
        "dynamicConfigFile": ((), "the kit writes the servers into zoo.cfg"),
        "configBackwardCompatibility": ((), "the kit writes the servers into zoo.cfg"),
    },
    "hadoop_core_site_overrides": {
        "hadoop.security.authentication": (("simple",), "the kit's gates have no tickets"),
        "hadoop.http.authentication.type": (("simple",), "the kit's gates read the daemons' pages"),
    },
    "hdfs_site_overrides": {
        "dfs.http.policy": (
            ("HTTP_ONLY", "HTTP_AND_HTTPS"),
            "the kit's gates read the daemons' pages by HTTP",
        ),
        "dfs.journalnode.rpc-address": ((), "the NameNodes ask the JournalNodes at 8485"),
        "dfs.journalnode.http-address": ((), "the kit's gates ask the JournalNodes at 8480"),
    },
    "yarn_site_overrides": {
        "yarn.http.policy": (("HTTP_ONLY",), "the kit's gates read the daemons' pages by HTTP"),
    },
    "yarn_mapred_site_overrides": {
        "mapreduce.jobhistory.http.policy": (("HTTP_ONLY",), "the kit's gates read the pages by HTTP"),
    },
}

#: Commands of ZooKeeper that the gates send.
COMMANDS = ("mntr", "srvr")


@each()
def owned_properties(machine: Machine) -> Iterator[Refusal]:
    """Properties that the kit makes from a variable, or that its gates rely on."""
    for variable in sorted(MADE_FROM.keys() | ASKED.keys()):
        if variable not in machine.values:
            continue
        overrides = machine[variable]
        for key, value in overrides.items():
            for text in override_faults(
                {key: value}, variable, MADE_FROM.get(variable, {}), _kept(variable, machine)
            ) + asked_faults({key: value}, variable, ASKED.get(variable, {})):
                yield Refusal(text, variable, key)


def asked_faults(
    overrides: Mapping[str, Any], name: str, asked: Mapping[str, tuple[tuple[str, ...], str]]
) -> list[str]:
    """Why properties cannot have these values: somebody asks where they would lead away from.

    >>> asked_faults({"p": "b"}, "overrides", {"p": (("a",), "gates ask a")})
    ['overrides has p b, but gates ask a: leave it out, or give a']
    """
    faults = []
    for key, value in overrides.items():
        allowed, why = next((asked[each] for each in asked if fnmatchcase(key, each)), (None, ""))
        if allowed is not None and str(value) not in allowed:
            remedy = f", or give {' or '.join(allowed)}" if allowed else ""
            faults.append(f"{name} has {key} {value}, but {why}: leave it out{remedy}")
    return faults


def _kept(variable: str, machine: Machine) -> dict[str, str]:
    """The kit's own directory, by properties that may have more disks beside it."""
    if variable == "hdfs_site_overrides":
        own = {"dfs.namenode.name.dir": "hdfs_name_dir", "dfs.datanode.data.dir": "hdfs_data_dir"}
    elif variable == "yarn_site_overrides":
        own = {"yarn.nodemanager.local-dirs": "yarn_local_dir", "yarn.nodemanager.log-dirs": "yarn_log_dir"}
    elif variable == "kafka_server_properties_overrides":
        nodes = machine.values.get("kafka_brokers", []) + machine.values.get("kafka_controllers", [])
        # The overrides are those of all brokers of the machine.
        return (
            {"log.dirs": f"{machine.values.get('kafka_data_dir')}/{nodes[0]['id']}"}
            if len(nodes) == 1
            else {}
        )
    else:
        own = {}
    return {key: machine[name] for key, name in own.items() if name in machine.values}


#: Properties with directories beside the kit's own, by the variable of overrides.
MORE_DIRECTORIES = {
    "zookeeper_cfg_overrides": ("dataLogDir",),
    "hdfs_site_overrides": ("dfs.namenode.name.dir", "dfs.datanode.data.dir"),
    "yarn_site_overrides": ("yarn.nodemanager.local-dirs", "yarn.nodemanager.log-dirs"),
    "kafka_server_properties_overrides": ("log.dirs", "metadata.log.dir"),
}


@each()
def more_directories(machine: Machine) -> Iterator[Refusal]:
    """What a property names as a directory can be a service's own."""
    for variable, keys in MORE_DIRECTORIES.items():
        overrides = machine.values.get(variable, {})
        kept = _kept(variable, machine)
        for key in keys:
            paths = directories_of(overrides[key]) if key in overrides else []
            if key in kept and kept[key] not in paths:
                # Refused as a whole.
                continue
            for path in paths:
                for text in directory_faults({f"{key} of {variable}": path}):
                    yield Refusal(text, variable, key)
    for text, variable, key in _shared(machine):
        yield Refusal(text, variable, key)


#: What may be one directory with another, or lie in it: so upstream has it by default, or the kit.
TOGETHER = {
    frozenset(pair)
    for pair in (
        ("dataLogDir", "zookeeper_data_dir"),
        ("dfs.namenode.name.dir", "hdfs_name_dir"),
        ("dfs.datanode.data.dir", "hdfs_data_dir"),
        ("yarn.nodemanager.local-dirs", "yarn_local_dir"),
        ("yarn.nodemanager.log-dirs", "yarn_log_dir"),
        ("log.dirs", "kafka_data_dir"),
        ("metadata.log.dir", "kafka_data_dir"),
        ("metadata.log.dir", "log.dirs"),
    )
}


@dataclass(frozen=True)
class _Place:
    """A directory of a machine: who gives it, and for which broker if for one."""

    path: str
    name: str
    variable: str
    broker: str = ""

    @property
    def said(self) -> str:
        """As a sentence names it."""
        if self.name == self.variable:
            return self.name
        return f"{self.name} of {f'broker {self.broker}' if self.broker else self.variable}"

    def is_apart(self, other: _Place) -> bool:
        """Whether the two have nothing of each other, or may have."""
        if not (within(self.path, other.path) or within(other.path, self.path)):
            return True
        one_broker = not (self.broker and other.broker) or self.broker == other.broker
        return one_broker and frozenset((self.name, other.name)) in TOGETHER


def _places(machine: Machine) -> list[_Place]:
    """The directories that properties name on a machine; of each broker those that it has in the end."""
    given = [
        (variable, "", machine.values.get(variable, {}))
        for variable in MORE_DIRECTORIES
        if not variable.startswith("kafka_")
    ]
    shared = machine.values.get("kafka_server_properties_overrides", {})
    for broker in machine.values.get("kafka_brokers", []) + machine.values.get("kafka_controllers", []):
        own = {"log.dirs": f"{machine.values.get('kafka_data_dir')}/{broker['id']}"}
        properties = own | dict(shared) | dict(broker.get("properties", {}))
        given.append(("kafka_server_properties_overrides", str(broker["id"]), properties))
    return [
        _Place(path, key, variable, broker)
        for variable, broker, properties in given
        for key in MORE_DIRECTORIES[variable]
        if key in properties
        for path in directories_of(properties[key])
    ]


def _shared(machine: Machine) -> Iterator[tuple[str, str, str]]:
    """Why directories that properties name cannot be, with variable and key: another daemon has them, too."""
    more = _places(machine)
    own = [
        _Place(machine[variable], variable, variable)
        for role, variables in DIRECTORIES.items()
        if role in machine.roles
        for variable in variables
        if variable in machine.values
    ]
    for number, one in enumerate(more):
        # One in the service's own directory is judged with that.
        judged = any(within(one.path, each.path) and one.is_apart(each) for each in own)
        for other in more[number + 1 :] + ([] if judged else own):
            if not one.is_apart(other):
                text = f"{one.said} is '{one.path}' and {other.said} is '{other.path}'"
                yield f"{text}: give each a directory of its own, none in another", one.variable, one.name


@each("zookeeper")
def zookeeper_commands(machine: Machine) -> Iterator[Refusal]:
    """The commands of four letters that the gates send must be answered."""
    key, variable = "4lw.commands.whitelist", "zookeeper_cfg_overrides"
    given = machine[variable].get(key)
    if given is None:
        return
    words = [str(word).strip() for word in (given if isinstance(given, list) else str(given).split(","))]
    lacking = [word for word in COMMANDS if word not in words]
    if lacking and "*" not in words:
        yield Refusal(
            f"{variable} has {key} without {' and '.join(lacking)}, which the kit's gates send: add them",
            variable,
            key,
        )
