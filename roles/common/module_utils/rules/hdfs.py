"""What an HDFS cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .forms import between
from .model import Machine, Refusal, each


@each("hdfs")
def topology(machine: Machine) -> Iterator[Refusal]:
    """One NameNode, or two with JournalNodes and ZooKeeper; at least one DataNode."""
    namenodes = len(machine["hdfs_namenode_hosts"])
    journalnodes = len(machine["hdfs_journalnode_hosts"])
    if namenodes not in (1, 2):
        yield Refusal(
            f"hdfs_namenode_hosts has {namenodes} hosts: give one (plain) or two (highly available) in the "
            "inventory's group namenode",
            "hdfs_namenode_hosts",
        )
    if namenodes == 2 and (journalnodes % 2 == 0 or journalnodes < 3):
        yield Refusal(
            f"hdfs_journalnode_hosts has {journalnodes} hosts: two NameNodes need 3 or 5 JournalNodes, in "
            "the inventory's group journalnode",
            "hdfs_journalnode_hosts",
        )
    if namenodes == 2 and not machine["zookeeper_hosts"]:
        yield Refusal(
            "zookeeper_hosts is empty: automatic failover of two NameNodes needs ZooKeeper", "zookeeper_hosts"
        )
    if not machine["hdfs_datanode_hosts"]:
        yield Refusal(
            "hdfs_datanode_hosts is empty: put hosts into the inventory's group datanode",
            "hdfs_datanode_hosts",
        )


@each("hdfs")
def replication(machine: Machine) -> Iterator[Refusal]:
    """No more replicas than DataNodes, and no fewer than a write needs."""
    overrides, datanodes = machine["hdfs_site_overrides"], len(machine["hdfs_datanode_hosts"])
    replicas = overrides.get("dfs.replication", machine["hdfs_replication"])
    if not between(replicas, 1, datanodes):
        yield Refusal(
            f"hdfs_replication is {replicas} with {datanodes} DataNodes: give 1 to {datanodes} there (or in "
            "hdfs_site_overrides), or add hosts to the group datanode",
            "hdfs_replication",
        )
        return
    for key, least, most in (
        ("dfs.namenode.replication.min", 1, int(replicas)),
        ("dfs.replication.max", int(replicas), 512),
    ):
        if key in overrides and not between(overrides[key], least, most):
            yield Refusal(
                f"hdfs_site_overrides has {key} {overrides[key]} with dfs.replication {replicas}: give "
                f"{least} to {most}",
                "hdfs_site_overrides",
                key,
            )


@each("hdfs")
def directories(machine: Machine) -> Iterator[Refusal]:
    """Directories in HDFS: absolute, with an octal mode that YAML has left as it was written."""
    for entry in machine["hdfs_directories"]:
        if not re.fullmatch("[0-7]{3,4}", entry["mode"]):
            yield Refusal(
                f"hdfs_directories has the mode '{entry['mode']}' for {entry['path']}: give octal digits in "
                'quotes, such as "0750"',
                "hdfs_directories",
            )
        if not re.match("/[^/]", entry["path"]):
            yield Refusal(
                f"hdfs_directories has the path '{entry['path']}': give an absolute one below /",
                "hdfs_directories",
            )
