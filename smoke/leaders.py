"""Which machines lead: those that a roll restarts last, so that each leader is elected once at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.services import hdfs, kafka, yarn, zookeeper

if TYPE_CHECKING:
    from smoke.cluster import Cluster


def leaders(cluster: Cluster) -> dict[str, list[str]]:
    """By service the machines whose daemons lead now; a service that does not say has none."""
    found: dict[str, list[str]] = {}
    if z := cluster.zookeeper:
        states = zookeeper.fetch(z)
        found["zookeeper"] = [
            server.host
            for server in z.servers
            if isinstance(facts := states[f"{server.host}:{server.port}"], dict)
            and facts["zk_server_state"] == "leader"
        ]
    if (k := cluster.kafka) and k.voters:
        leader = kafka.fetch(k).leader
        found["kafka"] = [node.place[0] for node in k.nodes if node.id == leader]
    if h := cluster.hdfs:
        active = hdfs.active(h)
        found["hdfs"] = [node.host for node in h.namenodes if node.id == active]
    if y := cluster.yarn:
        states_of = yarn.states(y)
        found["yarn"] = [each.host for each in y.resourcemanagers if states_of.get(each.id) == "active"]
    return found
