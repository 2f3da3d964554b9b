"""Which workers may be away together: those of a domain without which two replicas of each block are left."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from smoke.services import hdfs, plural
from smoke.verdict import first
from smoke.web import WebError, get_json

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Hdfs

Domains = dict[str, str] | str
"""Machine -> its domain, or why the workers are restarted one at a time."""
OF_RACKS = ("BlockPlacementPolicyRackFaultTolerant", "AvailableSpaceRackFaultTolerantBlockPlacementPolicy")
"""Upstream's policies that place the replicas of a block into as many racks as they can."""
OF_UPGRADE_DOMAINS = "BlockPlacementPolicyWithUpgradeDomain"


def domains(cluster: Cluster, services: Collection[str]) -> dict[str, Domains]:
    """By service the domains of its workers, for those of the services that the cluster has."""
    found: dict[str, Domains] = {}
    if "hdfs" in services and cluster.hdfs:
        found["hdfs"] = fetch(cluster.hdfs)
    if "yarn" in services and cluster.yarn:
        # Containers outlive a NodeManager, and no replica is lost with it: all are one domain.
        found["yarn"] = dict.fromkeys(cluster.yarn.nodemanagers, "all")
    return found


def fetch(section: Hdfs) -> Domains:
    """Ask the active NameNode where its DataNodes are, by which policy it places blocks, and whether it has.

    Its own configuration, not the inventory's: blocks lie where the policy that runs has put them.
    """
    active = hdfs.active(section)
    for node in section.namenodes:
        if node.id == active:
            try:
                live = hdfs.live_nodes(node)
                properties = get_json(node.host, node.http_port, "/conf")["properties"]
                found = judge(live, {each["key"]: each["value"] for each in properties})
                if isinstance(found, dict):
                    # It walks through all files: only where the rest is right.
                    return unplaced(hdfs.fsck(node)) or found
            except WebError as error:
                return str(error)
            except (LookupError, TypeError, ValueError) as error:
                return f"{node.host}:{node.http_port} does not say where DataNodes and blocks are: {error!r}"
            return found
    return "no NameNode is active, which would know where the DataNodes are"


def judge(live: Mapping[str, Mapping[str, Any]], properties: Mapping[str, str]) -> Domains:
    """The domains of DataNodes, where a domain holds at most replication - 2 replicas of any block.

    live: LiveNodes of the NameNode (FSNamesystem.getLiveNodes): a DataNode, as name:port, -> its location
        (since Hadoop 3.3.1, HDFS-15991), its upgradeDomain if it has one (3.2.1 has it, 2.7 has not), its
        adminState
    properties: the configuration of the NameNode

    What counts is in how many domains verifyBlockPlacement of the policy wants each block: two racks
    (BlockPlacementPolicyDefault), a rack for each replica (BlockPlacementPolicyRackFaultTolerant), upgrade
    domains by dfs.namenode.upgrade.domain.factor (BlockPlacementStatusWithUpgradeDomain), and no more than
    there are. Beside one replica in each other domain a domain may hold all the rest. getMaxNodesPerRack is
    less, but only for a block that is written: the balancer keeps no more than the number (isMovable).

    Raises KeyError and ValueError for a configuration without the properties.
    """
    policy = properties["dfs.block.replicator.classname"].rpartition(".")[2]
    replication = int(properties["dfs.replication"])
    key, wanted = "location", 2
    if policy in OF_RACKS:
        wanted = replication
    elif policy == OF_UPGRADE_DOMAINS:
        key, wanted = "upgradeDomain", int(properties["dfs.namenode.upgrade.domain.factor"])
    found = {name.rpartition(":")[0]: node[key] for name, node in live.items() if node.get(key)}
    known = len(set(found.values()))
    most = replication - (max(1, min(wanted, replication, known)) - 1)
    if most > replication - 2:
        seen = plural(known, f"known {key}")
        return f"with {policy} and {seen} one {key} may hold {most} of {plural(replication, 'replica')}"
    if leaving := [name for name, node in live.items() if node.get("adminState") != "In Service"]:
        return f"not in service: {first(leaving)}"
    return found


def unplaced(report: str) -> str:
    """Why the replicas of all files are not where the policy wants them; nothing where they are.

    report: of fsck, on all files
    """
    if files := hdfs.misplaced(report):
        return f"replicas of {plural(len(files), 'file')} are yet to be placed by the policy: {first(files)}"
    # They are placed by another policy (dfs.block.placement.ec.classname).
    if not re.search(r"Total block groups \(validated\):\s+0\b", report):
        return "fsck does not say that no file is erasure-coded"
    return ""
