"""HDFS: its daemons' state by JMX, the places of a file's blocks by WebHDFS, a client outside the cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hdfs_native import Client

from smoke.services import Verdict, plural, refusal
from smoke.web import WebError, get_json

if TYPE_CHECKING:
    from smoke import cluster
    from smoke.cluster import Hdfs, Peer

NameNode = dict[str, Any]
"""State, FSState, NumLiveDataNodes, NumDeadDataNodes, NumStaleDataNodes, MissingBlocks: JMX attributes."""


@dataclass(frozen=True)
class State:
    """What the daemons say of the file system."""

    namenodes: dict[str, NameNode | str]
    """Id -> its facts, or why there are none."""
    journalnodes: dict[str, str]
    """host:port -> nothing when it holds the journal, else what it says or why it does not answer."""
    zkfcs: dict[str, str] = field(default_factory=dict)
    """host:port of a failover controller -> nothing when it answers, else why not."""


def jmx(host: str, port: int, query: str) -> list[dict[str, Any]]:
    """The MBeans of a query. Raises WebError."""
    answer = get_json(host, port, f"/jmx?qry={query}")
    beans = answer.get("beans") if isinstance(answer, dict) else None
    return beans if isinstance(beans, list) else []


def namenode(node: Peer) -> NameNode:
    """The JMX attributes that matter here, of all the NameNode's beans that hold them. Raises WebError."""
    beans = jmx(node.host, node.http_port, "Hadoop:service=NameNode,name=NameNodeStatus")
    beans += jmx(node.host, node.http_port, "Hadoop:service=NameNode,name=FSNamesystem*")
    return {key: value for bean in beans for key, value in bean.items()}


def fetch(section: Hdfs) -> State:
    """Ask each NameNode, JournalNode and failover controller."""
    namenodes: dict[str, NameNode | str] = {}
    for node in section.namenodes:
        try:
            namenodes[node.id] = namenode(node)
        except WebError as error:
            namenodes[node.id] = str(error)
    journalnodes = {}
    for server in section.journalnodes:
        place = f"{server.host}:{server.http_port}"
        try:
            beans = jmx(server.host, server.http_port, "Hadoop:service=JournalNode,name=JournalNodeInfo")
            journalnodes[place] = journal(place, beans, section.nameservice)
        except WebError as error:
            journalnodes[place] = str(error)
    # It has no web page, and with a dead one all goes well until the active NameNode is lost.
    controllers = section.namenodes if len(section.namenodes) > 1 else ()
    ports = {f"{node.host}:{section.zkfc_port}": node.host for node in controllers}
    zkfcs = {place: refusal(host, section.zkfc_port) for place, host in ports.items()}
    return State(namenodes, journalnodes, zkfcs)


def journal(place: str, beans: Sequence[dict[str, Any]], nameservice: str) -> str:
    """Nothing when the JournalNode at `place` holds the nameservice's journal, else what is wrong."""
    try:
        status = json.loads(beans[0]["JournalsStatus"])
        formatted = status.get(nameservice, {}).get("Formatted") == "true"
    except (LookupError, TypeError, ValueError, AttributeError):
        return f"{place} has no JournalsStatus"
    return "" if formatted else f"{place}: the journal {nameservice} is not formatted"


def judge(state: State, datanodes: int) -> Verdict:
    """One active NameNode, all others standby, none in safe mode, each with just the DataNodes expected.

    What makes a failover possible is there: the journals, and a failover controller beside each NameNode.
    """
    answers = (*state.namenodes.values(), *state.journalnodes.values())
    silent = [why for why in answers if isinstance(why, str) and why]
    silent += [f"failover controller {place}: {why}" for place, why in state.zkfcs.items() if why]
    if silent:
        return False, ", ".join(silent)
    nodes = {name: node for name, node in state.namenodes.items() if isinstance(node, dict)}
    if sorted(str(node.get("State")) for node in nodes.values()) != ["active"] + ["standby"] * (
        len(nodes) - 1
    ):
        seen = ", ".join(f"{name} {node.get('State')}" for name, node in nodes.items())
        return False, f"NameNodes: {seen or 'none'}"
    for name, node in nodes.items():
        if node.get("FSState") != "Operational":
            live = f"{node.get('NumLiveDataNodes')} of {datanodes} DataNodes live"
            return False, f"{name}: {node.get('FSState')}, {live}"
        counts = {what: node.get(f"Num{what}DataNodes") for what in ("Live", "Dead", "Stale")}
        if counts != {"Live": datanodes, "Dead": 0, "Stale": 0}:
            seen = ", ".join(f"{count} {what.lower()}" for what, count in counts.items())
            return False, f"{name}: DataNodes {seen}, expected {datanodes} live"
        if node.get("State") == "active" and node.get("MissingBlocks") != 0:
            return False, f"{name}: {node.get('MissingBlocks')} missing blocks"
    (active,) = (name for name, node in nodes.items() if node["State"] == "active")
    parts = [f"{active} active", f"{len(nodes) - 1} standby", plural(datanodes, "DataNode"), "safe mode off"]
    if state.journalnodes:
        parts.append(plural(len(state.journalnodes), "JournalNode"))
    if state.zkfcs:
        parts.append(plural(len(state.zkfcs), "failover controller"))
    return True, ", ".join(part for part in parts if part != "0 standby")


def states(nodes: Iterable[Peer]) -> dict[str, str]:
    """Id of each NameNode -> active or standby; those that do not say are left out."""
    known = {}
    for node in nodes:
        try:
            known[node.id] = str(namenode(node)["State"])
        except (WebError, KeyError):
            continue
    return known


def block_hosts(section: Hdfs, path: str, user: str) -> list[list[str]]:
    """For each block of a file the DataNodes that hold it, as the active NameNode knows. Raises WebError.

    By the old operation of WebHDFS, which Hadoop 2 and 3 both have.
    """
    active = {name for name, state in states(section.namenodes).items() if state == "active"}
    for node in section.namenodes:
        if node.id in active:
            query = f"/webhdfs/v1{quote(path)}?op=GET_BLOCK_LOCATIONS&user.name={quote(user)}"
            return parse_block_locations(get_json(node.host, node.http_port, query))
    raise WebError("no active NameNode")


def parse_block_locations(answer: Any) -> list[list[str]]:
    """The DataNodes of each block in an answer of WebHDFS. Raises WebError on an answer of another shape."""
    try:
        blocks = answer["LocatedBlocks"]["locatedBlocks"]
        return [sorted(location["hostName"] for location in block["locations"]) for block in blocks]
    except (KeyError, TypeError):
        raise WebError(f"no block locations in {str(answer)[:200]}") from None


def client(section: Hdfs, user: str) -> Client:
    """A client outside the cluster, as `user`, told everything by the cluster description."""
    for variable in ("HADOOP_CONF_DIR", "HADOOP_HOME"):  # somebody else's cluster
        os.environ.pop(variable, None)
    os.environ["HADOOP_USER_NAME"] = user
    # Its defaults retry a refused connection for minutes.
    limits = {"dfs.client.failover.max.attempts": "8", "dfs.client.failover.sleep.max.millis": "2000"}
    return Client(section.default_fs, config=limits | section.client)


def account(description: cluster.Cluster) -> tuple[str, str]:
    """User and HDFS directory of the checks: Spark's, as a user's are, else those of the superuser."""
    if description.spark:
        return description.spark.user, description.spark.hdfs_home.rstrip("/")
    return "hdfs", "/tmp"  # noqa: S108 (a directory of HDFS)


def exists(hdfs: Client, path: str) -> bool:
    """Whether there is a file or directory at `path`. Raises OSError."""
    try:
        hdfs.get_file_info(path)
    except FileNotFoundError:
        return False
    return True


def remove(hdfs: Client, path: str) -> None:
    """Delete a tree if it is there, and see that it is gone. Raises OSError."""
    if exists(hdfs, path):
        hdfs.delete(path, recursive=True)
    if exists(hdfs, path):
        raise OSError(f"{path} is still there")
