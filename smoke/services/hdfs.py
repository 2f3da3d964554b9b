"""HDFS: its daemons' state by JMX, the places of a file's blocks by WebHDFS, a client outside the cluster."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hdfs_native import Client, WriteOptions

from smoke.services import (
    ASKED_AT_ONCE,
    Daemon,
    Fault,
    Verdict,
    can_spare_one,
    connect_error,
    no_majority,
    outside,
    plural,
    the_only,
    verdict,
)
from smoke.verdict import first
from smoke.web import WebError, get_json, get_text

if TYPE_CHECKING:
    from smoke import cluster
    from smoke.cluster import Hdfs, Peer

UNREPORTED = "Failed to complete file in time"
"""What the client says when it closes a file and no DataNode reports the last block within a few seconds."""
WRITES = 5
"""How often a file is written in all while its last block is not reported; Java waits longer."""
NameNode = dict[str, Any]
"""State, FSState, NumLiveDataNodes (Dead, Stale), MissingBlocks, VolumeFailuresTotal, NameJournalStatus and
NameDirStatuses: JMX attributes. FailedNames: the directories of its image that failed.

Of the active one Lacking and Misplaced, files of which fsck says that they have too few replicas or too many
in one rack or upgrade domain, and Late, the places of the JournalNodes that it writes to from the next
segment of edits on.
"""


@dataclass(frozen=True)
class State:
    """What the daemons say of the file system."""

    namenodes: dict[str, NameNode | str]
    """Id -> its facts, or why there are none."""
    journalnodes: dict[str, str]
    """host:port -> nothing when it holds the journal, else what it says or why it does not answer."""
    zkfcs: dict[str, str] = field(default_factory=dict)
    """host:port of a failover controller -> nothing when it answers, else why not."""
    datanodes: dict[str, str] = field(default_factory=dict)
    """host:port -> nothing when it has registered, else what it says or why it does not answer."""
    secondary: dict[str, str] = field(default_factory=dict)
    """host:port of the SecondaryNameNode -> nothing when it answers, else why not."""


def jmx(host: str, port: int, query: str) -> list[dict[str, Any]]:
    """The MBeans of a query. Raises WebError."""
    answer = get_json(host, port, f"/jmx?qry={query}")
    beans = answer.get("beans") if isinstance(answer, dict) else None
    return beans if isinstance(beans, list) else []


def namenode(node: Peer) -> NameNode:
    """The JMX attributes of the NameNode that matter here. Raises WebError."""
    facts: NameNode = {}
    # FSNamesystem is up to ten seconds old: what the other has, too, is taken from there.
    for name in ("NameNodeStatus", "FSNamesystem", "FSNamesystemState"):
        for bean in jmx(node.host, node.http_port, f"Hadoop:service=NameNode,name={name}"):
            facts |= bean
    # NameNodeInfo lists all DataNodes: of it these attributes alone.
    for attribute in ("NameJournalStatus", "NumberOfMissingBlocks", "NameDirStatuses", "DeadNodes"):
        path = f"/jmx?get=Hadoop:service=NameNode,name=NameNodeInfo::{attribute}"
        answer = get_json(node.host, node.http_port, path)
        for bean in answer.get("beans", []) if isinstance(answer, dict) else []:
            facts |= bean
    facts["FailedNames"] = failed_names(str(facts.get("NameDirStatuses", "")))
    facts["Dead"] = given_up(str(facts.get("DeadNodes", "")))
    return facts | {"MissingBlocks": facts.get("NumberOfMissingBlocks", facts.get("MissingBlocks"))}


def failed_names(status: str) -> list[str]:
    """The directories of its image that a NameNode does not write to any more.

    status: its attribute NameDirStatuses, in JSON {"active": {path: kind}, "failed": {path: kind}}
    """
    try:
        return sorted(json.loads(status)["failed"])
    except (ValueError, LookupError, TypeError):
        return []


def given_up(status: str) -> list[str]:
    """The hosts of DataNodes whose replicas a NameNode counts no more.

    status: its attribute DeadNodes, in JSON {"host:port": {...}}
    """
    try:
        return sorted(name.rpartition(":")[0] for name in json.loads(status))
    except (ValueError, AttributeError, TypeError):
        return []


def lacking(report: str, datanodes: int) -> list[str]:
    """Files with a block that has fewer replicas than it is to have and than the DataNodes could hold.

    report: of fsck, as the NameNode's page /fsck gives it (upstream's NamenodeFsck)
    datanodes: how many there are; a job's files may ask for more replicas than that
    """
    found = re.findall(
        r"^(/.*?):\s+Under replicated .*?Target Replicas is (\d+) but found (\d+) ", report, re.MULTILINE
    )
    return list(
        dict.fromkeys(path for path, target, there in found if int(there) < min(int(target), datanodes))
    )


def misplaced(report: str) -> list[str]:
    """Files with a block whose replicas are in fewer racks or upgrade domains than the policy wants.

    report: of fsck, as for lacking
    """
    return list(
        dict.fromkeys(re.findall(r"^(/.*?):\s+Replica placement policy is violated", report, re.MULTILINE))
    )


def fsck(node: Peer) -> str:
    """The report of fsck on all files, by the active NameNode, which walks through them. Raises WebError."""
    return get_text(node.host, node.http_port, "/fsck?ugi=hdfs&user.name=hdfs&path=%2F", timeout=60)


def left_out(status: str) -> list[str]:
    """Addresses of the JournalNodes that the active NameNode writes to from the next segment of edits on.

    status: its attribute NameJournalStatus, a list in JSON, in the words of upstream's IPCLoggerChannel
    """
    try:
        streams = [str(journal.get("stream")) for journal in json.loads(status)]
    except (ValueError, AttributeError, TypeError):
        return []
    pattern = re.compile(r"(\S+) \(Written txid [^,]*will try to re-sync on next segment")
    return [place for stream in streams for place in pattern.findall(stream)]


def fetch(section: Hdfs) -> State:
    """Ask every daemon, all at the same time."""
    controllers = section.namenodes if len(section.namenodes) > 1 else ()
    nameservice, secondary = section.nameservice, section.secondarynamenode
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:

        def ask(looks: Iterable[tuple[str, int, Callable[[str, int], str]]]) -> dict[str, Future[str]]:
            return {f"{host}:{port}": pool.submit(look, host, port) for host, port, look in looks}

        namenodes = {node.id: pool.submit(_namenode, node, section) for node in section.namenodes}
        journalnodes = ask(
            (node.host, node.http_port, partial(_journalnode, nameservice)) for node in section.journalnodes
        )
        # It has no web page, and with a dead one all goes well until the active NameNode is lost.
        zkfcs = ask((node.host, section.zkfc_port, connect_error) for node in controllers)
        # A NameNode counts one that was restarted as live, for as long as it awaits its next heartbeat.
        datanodes = ask((host, section.datanode_http_port, _datanode) for host in section.datanodes)
        secondaries = ask([(secondary.host, secondary.http_port, _secondary)] if secondary else [])
    return State(
        {name: answer.result() for name, answer in namenodes.items()},
        *(
            {place: answer.result() for place, answer in asked.items()}
            for asked in (journalnodes, zkfcs, datanodes, secondaries)
        ),
    )


def _namenode(node: Peer, section: Hdfs) -> NameNode | str:
    try:
        facts = namenode(node)
        if facts.get("State") != "active":
            return facts
        facts["Late"] = _places(section, left_out(str(facts.get("NameJournalStatus", ""))))
        if facts.get("UnderReplicatedBlocks"):
            # Only where there are such blocks; those that are misplaced count among them.
            report = fsck(node)
            # What dead DataNodes held has no other place; a single replica is too few all the same.
            living = max(facts.get("NumLiveDataNodes") or 0, 2)
            facts["Lacking"] = lacking(report, min(living, len(section.datanodes)))
            facts["Misplaced"] = misplaced(report)
    except WebError as error:
        return str(error)
    return facts


def _places(section: Hdfs, addresses: Iterable[str]) -> list[str]:
    """JournalNodes that a NameNode calls by their addresses, as host:port of their pages; else as it does."""
    known = {}
    for node in section.journalnodes:
        with contextlib.suppress(OSError):
            known[socket.gethostbyname(node.host)] = f"{node.host}:{node.http_port}"
    return [known.get(address.rpartition(":")[0], address) for address in addresses]


def _journalnode(nameservice: str, host: str, port: int) -> str:
    return _look(host, port, "JournalNode", partial(journal, nameservice=nameservice))


def _datanode(host: str, port: int) -> str:
    return _look(host, port, "DataNode", registered)


def _secondary(host: str, port: int) -> str:
    return _look(
        host, port, "SecondaryNameNode", lambda place, beans: "" if beans else f"{place} has no bean"
    )


def _look(host: str, port: int, service: str, look: Callable[[str, Sequence[dict[str, Any]]], str]) -> str:
    try:
        return look(f"{host}:{port}", jmx(host, port, f"Hadoop:service={service},name={service}Info"))
    except WebError as error:
        return str(error)


def journal(place: str, beans: Sequence[dict[str, Any]], nameservice: str) -> str:
    """Nothing when the JournalNode at `place` holds the nameservice's journal, else what is wrong."""
    try:
        status = json.loads(beans[0]["JournalsStatus"])
        formatted = status.get(nameservice, {}).get("Formatted") == "true"
    except (LookupError, TypeError, ValueError, AttributeError):
        return f"{place} has no JournalsStatus"
    return "" if formatted else f"{place}: the journal {nameservice} is not formatted"


def registered(place: str, beans: Sequence[dict[str, Any]]) -> str:
    """Nothing when the DataNode at `place` belongs to a block pool of its NameNodes, else what is wrong."""
    try:
        pools = json.loads(beans[0]["NamenodeAddresses"]).values()
    except (LookupError, TypeError, ValueError, AttributeError):
        return f"{place} has no NamenodeAddresses"
    return "" if pools and all(pools) else f"{place}: the DataNode has not registered"


def faults(state: State, datanodes: int) -> list[Fault]:
    """What is not right: see judge."""
    found = [Fault(name, facts) for name, facts in state.namenodes.items() if isinstance(facts, str)]
    found += [Fault(place, why) for place, why in state.journalnodes.items() if why]
    found += [
        Fault(place, f"failover controller {place}: {why}") for place, why in state.zkfcs.items() if why
    ]
    found += [
        Fault(place, why) for each in (state.datanodes, state.secondary) for place, why in each.items() if why
    ]
    nodes = _answers(state)
    roles = sorted(str(node.get("State")) for node in nodes.values())
    if roles != ["active"] + ["standby"] * (len(nodes) - 1):
        seen = ", ".join(f"{name} {node.get('State')}" for name, node in nodes.items())
        found.append(Fault("active", f"NameNodes: {seen or 'none'}"))
    silent = len([why for why in state.datanodes.values() if why])
    return found + [fault for name, node in nodes.items() for fault in _wrong(name, node, datanodes, silent)]


def subjects(section: Hdfs) -> dict[Daemon, str]:
    """What a daemon is called in faults."""
    pages = [*section.journalnodes, *([section.secondarynamenode] if section.secondarynamenode else [])]
    return (
        {(node.host, node.unit): node.id for node in section.namenodes}
        | {(node.host, node.unit): f"{node.host}:{node.http_port}" for node in pages}
        | {
            (node.host, section.zkfc_unit or ""): f"{node.host}:{section.zkfc_port}"
            for node in section.namenodes
        }
        | {
            (host, section.datanode_unit or ""): f"{host}:{section.datanode_http_port}"
            for host in section.datanodes
        }
    )


def daemon_states(state: State, section: Hdfs) -> dict[Daemon, str]:
    """What each daemon is that answers as it should: active, standby; of others what is known of them."""
    said = {
        name: str(node.get("State")) + ("" if node.get("FSState") == "Operational" else ", safe mode")
        for name, node in _answers(state).items()
    }
    words = {"formatted": state.journalnodes, "registered": state.datanodes}
    words["answers"] = state.zkfcs | state.secondary
    said |= {place: word for word, looks in words.items() for place, why in looks.items() if not why}
    return {daemon: said[name] for daemon, name in subjects(section).items() if name in said}


def judge(state: State, datanodes: int) -> Verdict:
    """One active NameNode, all others standby, none in safe mode, each with just the DataNodes expected.

    What makes a failover possible is there: the journals, and a failover controller beside each NameNode.
    Each DataNode says itself that it has registered, and beside a single NameNode its secondary answers.
    """
    name = next((name for name, node in _answers(state).items() if node.get("State") == "active"), "")
    standby = len(state.namenodes) - 1
    parts = [f"{name} active", f"{standby} standby", plural(datanodes, "DataNode"), "safe mode off"]
    if state.journalnodes:
        parts.append(plural(len(state.journalnodes), "JournalNode"))
    if state.zkfcs:
        parts.append(plural(len(state.zkfcs), "failover controller"))
    if state.secondary:
        parts.append("SecondaryNameNode")
    return verdict(faults(state, datanodes), ", ".join(part for part in parts if part != "0 standby"))


def _answers(state: State) -> dict[str, NameNode]:
    return {name: node for name, node in state.namenodes.items() if isinstance(node, dict)}


def _wrong(name: str, node: NameNode, datanodes: int, silent: int) -> list[Fault]:
    """What a NameNode says that is not right; silent: how many DataNodes do not answer themselves."""
    counts = {what: node.get(f"Num{what}DataNodes") for what in ("Live", "Dead", "Stale")}
    live, dead, stale = (count or 0 for count in counts.values())
    if node.get("FSState") != "Operational":
        sentence = f"{name}: {node.get('FSState')}, {counts['Live']} of {datanodes} DataNodes live"
        return [Fault(f"{name} safe mode", sentence)]
    failed = node.get("FailedNames") or []
    sentence = f"{name}: {', '.join(failed)} of its image failed"
    found = [Fault(f"{name} {path}", sentence) for path in failed]
    if amount := max(outside(live - stale, datanodes, silent), dead - silent, 0):
        seen = ", ".join(f"{count} {what.lower()}" for what, count in counts.items())
        sentence = f"{name}: DataNodes {seen}, expected {datanodes} live"
        found.append(Fault(f"{name} DataNodes", sentence, amount))
    if node.get("State") == "active":
        if (missing := node.get("MissingBlocks")) != 0:
            found.append(Fault("missing blocks", f"{name}: {missing} missing blocks", missing or 1))
        if disks := node.get("VolumeFailuresTotal"):
            found.append(Fault("failed disks", f"{name}: {plural(disks, 'disk')} of DataNodes failed", disks))
        files = node.get("Lacking") or []
        shown = f"{name}: {plural(len(files), 'file')} with too few replicas: {first(files)}"
        found += [Fault(path, shown) for path in files]
        late = node.get("Late") or []
        shown = f"{name}: JournalNode {', '.join(late)} takes part from the next segment of edits on"
        found += [Fault(f"{place} late", shown, follows=(place,)) for place in late]
    return found


def against_restart(state: State, section: Hdfs, host: str, unit: str) -> list[Fault]:
    """Why a daemon of a host must not be restarted now; none is given where its loss is nobody's.

    A NameNode and its failover controller: no other NameNode is there to be active. A JournalNode: the others
    are no majority of those that hold all edits. A DataNode: a block has low redundancy.
    Where nothing can do without the daemon HDFS has to be right.
    """
    if unit in {node.unit for node in section.namenodes} | {section.zkfc_unit}:
        return _against_namenode(state, section, host)
    if unit in {node.unit for node in section.journalnodes}:
        return _against_journalnode(state, section, host)
    return _against_datanode(state, section, host) if unit == section.datanode_unit else []


def _against_namenode(state: State, section: Hdfs, host: str) -> list[Fault]:
    if len(section.namenodes) == 1:
        return faults(state, len(section.datanodes))
    others = [node.id for node in section.namenodes if node.host != host]
    if any(_can_serve(_answers(state).get(name, {})) for name in others):
        return []
    return [Fault(host, f"no other NameNode is there to take the place of that on {host}")]


def _against_journalnode(state: State, section: Hdfs, host: str) -> list[Fault]:
    if not can_spare_one(len(section.journalnodes)):
        return faults(state, len(section.datanodes))
    late = {place for node in _active(state) for place in node.get("Late") or ()}
    others = {f"{node.host}:{node.http_port}" for node in section.journalnodes if node.host != host}
    right = {place for place in others if state.journalnodes.get(place) == ""} - late
    # Of one that is late and was not recognised nobody knows which it is.
    rest = len(right) - len(late - set(state.journalnodes))
    return no_majority(host, rest, len(section.journalnodes), "JournalNode")


def _against_datanode(state: State, section: Hdfs, host: str) -> list[Fault]:
    if len(section.datanodes) == 1:
        return faults(state, len(section.datanodes))
    if not _active(state):
        return [Fault(host, "no NameNode is active, which would know whose blocks have replicas enough")]
    here = f"{host}:{section.datanode_http_port}"
    dead = {name for node in _active(state) for name in node.get("Dead") or ()}
    silent = [place for place, why in state.datanodes.items() if why and place != here]
    if awaited := [place for place in silent if place.rpartition(":")[0] not in dead]:
        # After ten and a half minutes, unless dfs.namenode.heartbeat.recheck-interval is set.
        why = "is away, and the NameNode has not given it up yet: what it holds has no other copies so far"
        return [Fault(place, f"{place} {why}") for place in awaited]
    files = [path for node in _active(state) for path in node.get("Lacking") or ()]
    return [Fault(path, f"{path} has a block with too few replicas") for path in files]


def live_nodes(node: Peer) -> dict[str, dict[str, Any]]:
    """DataNode, as name:port, -> what the NameNode says of it (FSNamesystem.getLiveNodes).

    Raises WebError, and LookupError, TypeError or ValueError for an answer of another form.
    """
    path = "/jmx?get=Hadoop:service=NameNode,name=NameNodeInfo::LiveNodes"
    return dict(json.loads(get_json(node.host, node.http_port, path)["beans"][0]["LiveNodes"]))


def fetch_live(section: Hdfs) -> dict[str, dict[str, Any]]:
    """The live_nodes of the active NameNode; none where none is active. Raises what live_nodes does."""
    name = active(section)
    return next((live_nodes(node) for node in section.namenodes if node.id == name), {})


def against_removal(
    section: Hdfs, host: str, unit: str, live: Mapping[str, Mapping[str, Any]]
) -> list[Fault]:
    """Why a daemon of a host must not be removed, beside what stands against its restart.

    live: of fetch_live. A DataNode is to be decommissioned: its blocks have enough replicas elsewhere then.
    """
    if unit == section.datanode_unit:
        here = [node for name, node in live.items() if name.rpartition(":")[0] == host]
        left = [node for node in here if node.get("adminState") != "Decommissioned" and node.get("numBlocks")]
        return the_only(host, len(section.datanodes), "DataNode") + [
            Fault(host, f"the DataNode on {host} has {plural(node['numBlocks'], 'block')}: decommission it")
            for node in left
        ]
    if unit in {node.unit for node in section.journalnodes}:
        return the_only(host, len(section.journalnodes), "JournalNode")
    if unit in {node.unit for node in section.namenodes} | {section.zkfc_unit}:
        return the_only(host, len(section.namenodes), "NameNode")
    return []


def against_together(state: State) -> list[Fault]:
    """Why several DataNodes of one rack or upgrade domain must not be restarted together now."""
    files = [path for node in _active(state) for path in node.get("Misplaced") or ()]
    return [Fault(path, f"{path} has a block that is yet to be spread over the domains") for path in files]


def _active(state: State) -> list[NameNode]:
    return [node for node in _answers(state).values() if node.get("State") == "active"]


def _can_serve(node: NameNode) -> bool:
    return node.get("State") in ("active", "standby") and node.get("FSState") == "Operational"


def states(nodes: Iterable[Peer]) -> dict[str, str]:
    """Id of each NameNode -> active or standby; those that do not say are left out."""
    known = {}
    for node in nodes:
        try:
            known[node.id] = str(namenode(node)["State"])
        except (WebError, KeyError):
            continue
    return known


def active(section: Hdfs) -> str:
    """The id of the active NameNode; empty while none is."""
    return next((name for name, state in states(section.namenodes).items() if state == "active"), "")


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
    """A client outside the cluster, as `user`, configured from the cluster description alone."""
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


def write(hdfs: Client, path: str, chunks: Sequence[bytes], options: WriteOptions) -> None:
    """Write a file, and again where a busy DataNode reports its last block too late for the client.

    Raises OSError, and RuntimeError for what HDFS refuses.
    """
    for left in reversed(range(WRITES)):
        try:
            with hdfs.create(path, options) as writer:
                for chunk in chunks:
                    writer.write(chunk)
            return
        except RuntimeError as error:
            if UNREPORTED not in str(error) or not left:
                raise
        hdfs.delete(path)


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
