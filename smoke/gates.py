"""`smoke check`: the protocol gates of all services, polled together until each is exactly right.

In a rolling restart: until nothing is worse than before it, and the next daemon may be taken away.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from smoke import processes
from smoke.services import (
    Daemon,
    Fault,
    Verdict,
    hdfs,
    kafka,
    kafka_quorum,
    old_kafka,
    sentences,
    spark,
    worse,
    yarn,
    zookeeper,
)
from smoke.verdict import first
from smoke.wait import spawn, wait_until
from smoke.web import WebError

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Kafka, Units, WebServer
    from smoke.console import Console

SERVICES = ("zookeeper", "kafka", "hdfs", "yarn", "spark")
ENDED_EVERY = 3
"""Seconds between two questions whether a daemon has ended for good, which need ssh."""


@dataclass(frozen=True)
class Gate:
    """One thing that has to be right, and how to look at it."""

    name: str
    look: Callable[[], Verdict]
    units: Units
    """Those whose journals are the evidence when it does not open."""
    ended: Callable[[], str] = str
    """Which daemon has ended for good, so that nothing is awaited any more; empty when none has."""


@dataclass(frozen=True)
class FailedGate:
    """A gate that did not open."""

    gate: Gate
    reason: str


@dataclass(frozen=True)
class Roll:
    """What a gate of a rolling restart asks: is nothing worse than before it, and may a daemon go now."""

    known: Mapping[str, Mapping[str, int]] | None
    """Gate -> what was not right before: subject -> amount. None: whatever is not right is known."""
    hosts: Sequence[str] = ()
    unit: str = ""
    """The daemon that is to be restarted next, on one machine or on several together; none after the last."""
    accepted: str = ""
    """A partition, file or host: what stands against the restart for its sake is accepted."""
    back: Sequence[Daemon] = ()
    """Daemons that were restarted: they must be there, whatever was known; once one has ended for good
    nothing more is awaited."""


@dataclass(frozen=True)
class Part:
    """What is asked together, of a service or beside it."""

    name: str
    fetch: Callable[[], Any]
    faults: Callable[[Any], list[Fault]]
    judge: Callable[[Any], Verdict]
    units: Units
    subjects: Mapping[Daemon, str] = field(default_factory=dict)
    """What a daemon that is not there is called in faults."""
    against: Callable[[Any, str, str], list[Fault]] = lambda *_: []
    """State, host and unit -> why that daemon must not be restarted now."""
    alone: Callable[[Any, str, str], list[str]] = lambda *_: []
    """State, host and unit -> what is not served while the daemon is away, and never could be."""
    leaving: Callable[[Any, str, str], list[Fault]] = lambda *_: []
    """State, host and unit -> why that daemon must not be removed, beside what stands against a restart."""
    together: Callable[[Any], list[Fault]] = lambda _: []
    """State -> why workers of several machines must not be restarted together now."""
    states: Callable[[Any], dict[Daemon, str]] = lambda _: {}
    """State -> what each daemon is that answers as it should, in a word of its service."""


def parts_of(cluster: Cluster, only: Sequence[str] = SERVICES) -> list[Part]:
    """What is asked of these services, as far as the cluster has them."""
    parts = []
    if (z := cluster.zookeeper) and "zookeeper" in only:
        parts.append(
            Part(
                "zookeeper",
                lambda: zookeeper.fetch(z),
                zookeeper.faults,
                zookeeper.judge,
                z.units,
                zookeeper.subjects(z),
                lambda state, host, _: zookeeper.against_restart(state, z, host),
                leaving=lambda _, host, __: zookeeper.against_removal(z, host),
                states=lambda state: zookeeper.daemon_states(state, z),
            )
        )
    if (k := cluster.kafka) and "kafka" in only:
        parts.append(_kafka("kafka", k, cluster))
        parts += [_kafka(f"kafka {each.version}", each, cluster) for each in k.standalone]
    if (h := cluster.hdfs) and "hdfs" in only:
        datanodes = len(h.datanodes)
        parts.append(
            Part(
                "hdfs",
                lambda: hdfs.fetch(h),
                lambda state: hdfs.faults(state, datanodes),
                lambda state: hdfs.judge(state, datanodes),
                h.units,
                hdfs.subjects(h),
                lambda state, host, unit: hdfs.against_restart(state, h, host, unit),
                leaving=lambda _, host, unit: hdfs.against_removal(h, host, unit, hdfs.fetch_live(h)),
                together=hdfs.against_together,
                states=lambda state: hdfs.daemon_states(state, h),
            )
        )
    if (y := cluster.yarn) and "yarn" in only:
        parts.append(
            Part(
                "yarn",
                lambda: (yarn.fetch(y), yarn.fetch_nodes(y)),
                lambda state: yarn.faults(*state),
                lambda state: yarn.judge(*state),
                y.units,
                yarn.subjects(y),
                lambda state, host, unit: [
                    fault
                    for manager in y.resourcemanagers
                    if (manager.host, manager.unit) == (host, unit)
                    for fault in yarn.against_restart(state[0], state[1], manager.id)
                ],
                leaving=lambda _, host, unit: yarn.against_removal(
                    y, host, unit, yarn.fetch_containers(y, host) if unit == y.nodemanager_unit else ()
                ),
                states=lambda state: yarn.daemon_states(state[0], state[1], y),
            )
        )
        if m := y.historyserver:
            parts.append(_history("mapreduce history", m, yarn.fetch_history, yarn.judge_history))
    if cluster.spark and (s := cluster.spark.historyserver) and "spark" in only:
        parts.append(_history("spark history", s, spark.fetch_history, spark.judge_history))
    return parts


def _kafka(name: str, section: Kafka, cluster: Cluster) -> Part:
    ids, voters, others_join = [broker.id for broker in section.brokers], section.voters, section.others_join
    node_of = {node.place: node for node in section.nodes}

    def fetch() -> kafka.State:
        if kafka.api_version(section.version) and cluster.zookeeper:
            return old_kafka.fetch(section, cluster.zookeeper)
        return kafka.fetch(section)

    def against(state: kafka.State, host: str, unit: str) -> list[Fault]:
        node = node_of.get((host, unit))
        return kafka.against_restart(state, section, node) if node else []

    def alone(state: kafka.State, host: str, unit: str) -> list[str]:
        node = node_of.get((host, unit))
        return kafka.alone(state, node.id) if node else []

    def leaving(state: kafka.State, host: str, unit: str) -> list[Fault]:
        node = node_of.get((host, unit))
        return kafka.against_removal(state, section, node) if node else []

    return Part(
        name,
        fetch,
        lambda state: kafka.faults(state, ids, voters, others_join),
        lambda state: kafka.judge(state, ids, voters, others_join),
        section.units,
        kafka.subjects(section),
        against,
        alone,
        leaving,
        states=lambda state: kafka.daemon_states(state, section),
    )


def _history(
    name: str, server: WebServer, fetch: Callable[[WebServer], Any], judge: Callable[[Any], Verdict]
) -> Part:
    def faults(state: Any) -> list[Fault]:
        right, sentence = judge(state)
        return [] if right else [Fault(name, sentence)]

    place = server.host, server.unit
    return Part(
        name,
        lambda: fetch(server),
        faults,
        judge,
        {server.host: [server.unit]},
        {place: name},
        states=lambda state: {place: "answers"} if judge(state)[0] else {},
    )


def removal(cluster: Cluster, host: str, unit: str) -> list[Gate]:
    """The gate that opens when a daemon may be removed for good."""

    def look(part: Part) -> Verdict:
        state = part.fetch()
        try:
            against = part.against(state, host, unit) + part.leaving(state, host, unit)
        except WebError as error:
            return False, str(error)
        return not against, sentences(against) or f"{unit} on {host} may be removed"

    return [
        Gate(part.name, partial(look, part), part.units)
        for part in parts_of(cluster)
        if unit in part.units.get(host, ())
    ]


def gates_of(
    cluster: Cluster,
    only: Sequence[str] = SERVICES,
    *,
    quorum: bool = False,
    serving: int = 0,
    answering: str = "",
    joined: tuple[int, str] | None = None,
    leave: int | None = None,
    roll: Roll | None = None,
) -> list[Gate]:
    """The gates of these services, as far as the cluster has them; open when all is right.

    quorum: of ZooKeeper, when a majority serves; of Kafka, when a majority of controllers is there
    serving: of ZooKeeper, when so many servers serve, whatever list of them each one knows; 0 does not ask
    answering: of ZooKeeper, when the server of this host answers, whether it serves or not
    joined: of Kafka, when the controller of this id votes with the directory of this id, and has caught up
    leave: of Kafka, when the broker or controller of this id may leave the quorum and the cluster
    roll: when nothing is worse than before, and the daemon that is to be restarted may go
    """
    gates = []
    for part in parts_of(cluster, only):
        look, back = partial(_look, part, roll), roll.back if roll else ()
        if quorum and part.name == "zookeeper":
            look = partial(lambda part: zookeeper.judge_quorum(part.fetch()), part)
        if serving and part.name == "zookeeper" and (section := cluster.zookeeper):
            look = partial(zookeeper.fetch_serving, section, serving)
        if answering and part.name == "zookeeper" and (section := cluster.zookeeper):
            look = partial(zookeeper.fetch_answering, section, answering)
            back = [(answering, unit) for unit in part.units[answering]]
        if quorum and part.name == "kafka" and (brokers := cluster.kafka):
            look = partial(
                lambda section: kafka.judge_quorum(section, kafka.unreachable_nodes(section)), brokers
            )
        if part.name == "kafka" and joined:
            look = partial(lambda part: kafka_quorum.judge_joined(part.fetch(), *joined), part)
        if part.name == "kafka" and leave is not None:
            look = partial(lambda part: kafka_quorum.judge_leaving(part.fetch(), leave), part)
        gates.append(Gate(part.name, look, part.units, partial(_ended, cluster, part, back)))
    return gates


def _ended(cluster: Cluster, part: Part, back: Sequence[Daemon]) -> str:
    for host, units in part.units.items():
        here = [unit for unit in units if (host, unit) in back]
        if ended := processes.ended(cluster.machines[host], here) if here else "":
            return ended
    return ""


def _look(part: Part, roll: Roll | None) -> Verdict:
    state = part.fetch()
    if roll is None:
        return part.judge(state)
    faults = part.faults(state)
    known = {fault.subject: fault.amount for fault in faults}
    if roll.known is not None:
        back = {part.subjects.get(daemon) for daemon in roll.back}
        known = {name: n for name, n in roll.known.get(part.name, {}).items() if name not in back}
    wrong = worse(faults, known)
    against = [fault for host in roll.hosts for fault in part.against(state, host, roll.unit)]
    if len(roll.hosts) > 1:
        against += part.together(state)
    accepted = [fault for fault in against if fault.subject == roll.accepted]
    if said := sentences([*wrong, *(fault for fault in against if fault not in accepted)]):
        return False, said
    said = f"no worse than before: {sentences(faults)}" if faults else part.judge(state)[1]
    if accepted:
        said += f"; accepted: {sentences(accepted)}"
    if names := [name for host in roll.hosts for name in part.alone(state, host, roll.unit)]:
        said += f"; not served meanwhile: {first(names)}"
    return True, said


def faults_of(cluster: Cluster) -> dict[str, dict[str, int]]:
    """By gate what is not right now: subject -> amount. Asks all services at the same time."""
    parts = parts_of(cluster)
    with ThreadPoolExecutor(max_workers=len(parts) or 1) as pool:
        found = pool.map(lambda part: part.faults(part.fetch()), parts)
        return {
            part.name: {fault.subject: fault.amount for fault in faults}
            for part, faults in zip(parts, found, strict=True)
        }


def wait_for_all(gates: Sequence[Gate], timeout: float, console: Console) -> list[FailedGate]:
    """Poll all gates together for `timeout` seconds, a line for each; returns those that stay closed."""
    started = time.monotonic()
    width = max((len(gate.name) for gate in gates), default=0)
    pending: dict[Future[str], Gate] = {}
    for gate in gates:
        console.awaiting(gate.name, "not seen yet")
        pending[spawn(lambda gate=gate: _open(gate, timeout, console))] = gate  # type: ignore[misc]
    closed = []
    while pending:
        for future in wait(pending, timeout=1, return_when=FIRST_COMPLETED).done:
            gate = pending.pop(future)
            try:
                sentence = future.result()
                seconds = f"{time.monotonic() - started:.1f} s"
                console.done(gate.name, f"{gate.name:<{width}}  {sentence:<64} {seconds:>8}")
            except TimeoutError as error:
                console.done(gate.name, f"{gate.name:<{width}}  FAILED: {error}")
                closed.append(FailedGate(gate, str(error)))
            except Exception as error:  # noqa: BLE001 (a defect of a gate is reported like one of the cluster)
                console.done(gate.name, f"{gate.name:<{width}}  FAILED: {error!r}")
                closed.append(FailedGate(gate, "".join(traceback.format_exception(error))))
        console.heartbeat()
    return closed


def _open(gate: Gate, timeout: float, console: Console) -> str:
    seen, asked = ["not seen yet"], [time.monotonic()]

    def opened() -> str | None:
        ok, seen[0] = gate.look()
        if not ok:
            console.awaiting(gate.name, seen[0])
            if time.monotonic() - asked[0] > ENDED_EVERY:
                if ended := gate.ended():
                    raise TimeoutError(f"{ended}: {seen[0]}")
                asked[0] = time.monotonic()
        return seen[0] if ok else None

    return wait_until(opened, timeout, lambda: seen[0])
