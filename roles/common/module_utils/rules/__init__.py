"""By which rules an inventory is judged, before anything is changed: typed functions from data to refusals.

Every rule has an entry in docs/errors.md, under its name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from . import cluster, hdfs, ids, kafka, machines, names, owned, values, yarn
from .machines import cautions
from .model import Inventory, Machine, Refusal, RefusedError, Rule, judge, some

__all__ = [
    "MACHINE_RULES",
    "RULES",
    "Inventory",
    "Machine",
    "Refusal",
    "RefusedError",
    "Rule",
    "cautions",
    "judge",
    "report",
]

#: The rules about an inventory, by name. Nothing of a machine is needed.
RULES: Mapping[str, Rule] = {
    "unknown-group": names.unknown_groups,
    "unknown-variable": names.unknown_variables,
    "value-type": values.unfit_values,
    "machine-name": cluster.machine_names,
    "cluster-name": cluster.cluster_name,
    "one-cluster": cluster.one_cluster,
    "gone-machine": cluster.gone_machines,
    "hosts": cluster.hosts,
    "directory": cluster.directories,
    "more-directories": owned.more_directories,
    "password": cluster.passwords,
    "kernel-settings": cluster.kernel_settings,
    "java-major": cluster.java_major,
    "java-home": cluster.java_home,
    "account": cluster.accounts,
    "heap": cluster.heaps,
    "unit": cluster.units,
    "number": cluster.numbers,
    "property-form": cluster.property_forms,
    "owned-property": owned.owned_properties,
    "zookeeper-commands": owned.zookeeper_commands,
    "member-id": ids.member_ids,
    "hdfs-topology": hdfs.topology,
    "hdfs-replication": hdfs.replication,
    "hdfs-directory": hdfs.directories,
    "kafka-ids": kafka.ids_of_cluster,
    "kafka-hosts": kafka.hosts_of_cluster,
    "kafka-brokers": kafka.brokers,
    "kafka-controllers": kafka.controllers,
    "kafka-broker-settings": kafka.one_broker,
    "kafka-version": kafka.version,
    "kafka-replication": kafka.replicas,
    "kafka-cluster-id": kafka.cluster_id,
    "kafka-voters": kafka.voters,
    "yarn-topology": yarn.topology,
    "spark-topology": yarn.spark,
    "containers": yarn.containers,
    "port": cluster.ports,
    "memory": cluster.memory,
}

#: The rules about machines, given what was read of them.
MACHINE_RULES: Mapping[str, Rule] = {
    "system": machines.system,
    "architecture": machines.architecture,
    "root": machines.root,
    "java-package": machines.java,
    "spark-python": machines.python,
    "name-of-machine": machines.names,
    "mistaken-name": machines.mistaken_names,
    "hostname": machines.hostnames,
    "own-name": machines.own_name,
    "clock": machines.clocks,
    "held-port": machines.held_ports,
    "disk": machines.disks,
    "unmounted": machines.unmounted,
    "machine-memory": machines.memory,
    "controller": machines.from_controller,
}


def report(refusals: Iterable[Refusal], where: Callable[[str, str, str], str | None], count: int = 0) -> str:
    """The refusals as a person reads them: each sentence, and below it the machines, the place and the entry.

    where: the place where a machine's variable, or a key of it, was set; None where that is not known
    count: how many machines there are
    """
    lines = []
    for refusal in refusals:
        places = [where(host, refusal.variable, refusal.key) for host in refusal.hosts[:5]]
        everywhere = len(refusal.hosts) == count > 1
        machines = "all machines" if everywhere else some(refusal.hosts)
        told = [
            machines,
            *dict.fromkeys(place for place in places if place),
            f"docs/errors.md#{refusal.rule}",
        ]
        lines += [refusal.text, f"    {' · '.join(part for part in told if part)}"]
    return "\n".join(lines)
