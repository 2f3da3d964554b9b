"""`smoke check`: the protocol gates of all services, polled together until each is exactly right."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke.services import Verdict, hdfs, kafka, old_kafka, spark, yarn, zookeeper
from smoke.wait import spawn, wait_until

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Kafka, Units
    from smoke.console import Console

SERVICES = ("zookeeper", "kafka", "hdfs", "yarn", "spark")


@dataclass(frozen=True)
class Gate:
    """One thing that has to be exactly right, and how to look at it."""

    name: str
    look: Callable[[], Verdict]
    units: Units
    """Those whose journals are the evidence when it does not open."""


@dataclass(frozen=True)
class FailedGate:
    """A gate that did not open."""

    gate: Gate
    reason: str


def gates_of(cluster: Cluster, only: Sequence[str] = SERVICES, *, quorum: bool = False) -> list[Gate]:
    """The gates of these services, as far as the cluster has them.

    quorum: of ZooKeeper, whether a majority serves, in the place of whether all is right
    """
    gates = []
    if (z := cluster.zookeeper) and "zookeeper" in only:
        judge = zookeeper.judge_quorum if quorum else zookeeper.judge
        gates.append(Gate("zookeeper", lambda: judge(zookeeper.fetch(z)), z.units))
    if (k := cluster.kafka) and "kafka" in only:
        gates.append(_kafka("kafka", k, cluster))
        gates += [_kafka(f"kafka {each.version}", each, cluster) for each in k.standalone]
    if (h := cluster.hdfs) and "hdfs" in only:
        gates.append(Gate("hdfs", lambda: hdfs.judge(hdfs.fetch(h), len(h.datanodes)), h.units))
    if (y := cluster.yarn) and "yarn" in only:
        gates.append(Gate("yarn", lambda: yarn.judge(yarn.fetch(y), yarn.fetch_nodes(y)), y.units))
        if m := y.historyserver:
            look = lambda: yarn.judge_history(yarn.fetch_history(m))  # noqa: E731
            gates.append(Gate("mapreduce history", look, {m.host: [m.unit]}))
    if cluster.spark and (s := cluster.spark.historyserver) and "spark" in only:
        look = lambda: spark.judge_history(spark.fetch_history(s))  # noqa: E731
        gates.append(Gate("spark history", look, {s.host: [s.unit]}))
    return gates


def _kafka(name: str, section: Kafka, cluster: Cluster) -> Gate:
    ids = [broker.id for broker in section.brokers]

    def look() -> Verdict:
        if kafka.api_version(section.version) and cluster.zookeeper:
            state = old_kafka.fetch(section, cluster.zookeeper)
        else:
            state = kafka.fetch(section)
        return kafka.judge(state, ids, section.voters, section.others_join)

    return Gate(name, look, section.units)


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
    seen = ["not seen yet"]

    def opened() -> str | None:
        ok, seen[0] = gate.look()
        if not ok:
            console.awaiting(gate.name, seen[0])
        return seen[0] if ok else None

    return wait_until(opened, timeout, lambda: seen[0])
