"""Kafka before 0.10, which a client outside the cluster can send to and read from, and little else."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kazoo.exceptions import KazooException, NoNodeError

from smoke.services import format_error, zookeeper
from smoke.services.kafka import MIN_ISR, Kafka, Partition, Record, State, api_version, unreachable_nodes
from smoke.wait import wait_until

if TYPE_CHECKING:
    from kazoo.client import KazooClient

    from smoke import cluster


def fetch(section: cluster.Kafka, ensemble: cluster.ZooKeeper, timeout: float = 3.0) -> State:
    """Ask each broker's port, then ZooKeeper, where such brokers keep all that is known of the cluster.

    Not by metadata requests: a broker of 0.8 names no broker as long as there is no topic.
    """
    unreachable = unreachable_nodes(section, timeout)
    try:
        with zookeeper.session(*ensemble.servers, timeout=timeout) as session:
            root = chroot(section)
            brokers = sorted(int(number) for number in session.get_children(f"{root}/brokers/ids"))
            heard = tuple(number for number in brokers if number not in unreachable)
            found = tuple(partitions(session, root, section.min_insync_replicas))
            return State(unreachable=unreachable, brokers=heard, partitions=found)
    except (KazooException, OSError) as error:
        return State(failed=format_error(error))


def chroot(section: cluster.Kafka) -> str:
    """The part of ZooKeeper's tree below which the brokers keep their nodes; empty for all of it."""
    _, slash, path = section.zookeeper_connect.partition("/")
    return (slash + path).rstrip("/")


def partitions(session: KazooClient, root: str, min_isr: int = 1) -> Iterator[Partition]:
    """All partitions, as the controller left them in ZooKeeper. Raises KazooException.

    min_isr: of the brokers, for topics that have no number of their own
    """
    for topic in session.get_children(f"{root}/brokers/topics"):
        yield from topic_partitions(session, root, topic, min_isr)


def topic_partitions(session: KazooClient, root: str, topic: str, min_isr: int = 1) -> Iterator[Partition]:
    """The partitions of one topic; none when it is not there."""
    try:
        assigned = _read(session, f"{root}/brokers/topics/{topic}")["partitions"]
    except NoNodeError:
        return
    try:
        own = _read(session, f"{root}/config/topics/{topic}").get("config", {})
    except NoNodeError:
        own = {}
    demanded = int(own.get(MIN_ISR, min_isr))
    for number, replicas in assigned.items():
        try:
            state = _read(session, f"{root}/brokers/topics/{topic}/partitions/{number}/state")
        except NoNodeError:  # no leader was elected yet
            state = {"leader": -1, "isr": []}
        yield Partition(topic, int(number), state["leader"], tuple(replicas), tuple(state["isr"]), demanded)


def _read(session: KazooClient, path: str) -> dict[str, Any]:
    data, _ = session.get(path)
    return dict(json.loads(data))


class OldKafka(Kafka):
    """Topics are made by upstream's command on a broker's machine; the brokers balance no groups.

    The admin protocol came with 0.10.1, the group protocol with 0.9.
    """

    groups = False

    def __init__(
        self,
        section: cluster.Kafka,
        description: cluster.Cluster,
        timeout: float = 20.0,
        stopping: threading.Event | None = None,
    ) -> None:
        super().__init__(section, timeout, stopping)
        assert description.zookeeper
        self._section, self._ensemble = section, description.zookeeper
        self._machine = description.machines[section.brokers[0].host]

    def create_topic(self, topic: str, partitions: int, replication: int, min_insync: int) -> None:
        """Create and wait until every partition has a leader and all its replicas in sync. Raises OSError."""
        self._topics(
            *("--create", "--topic", topic, "--partitions", str(partitions)),
            *("--replication-factor", str(replication), "--config", f"min.insync.replicas={min_insync}"),
        )
        self.await_replicas(topic, partitions, replication)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic if it is there, and see that it is gone. Raises OSError."""
        if self.partitions(topic):
            self._topics("--delete", "--topic", topic)
        wait_until(lambda: not self.partitions(topic), self.timeout, f"topic {topic} is still there")

    def delete_group(self, group: str) -> None:
        """Nothing is left of a reader: its offsets were its own."""

    def consume(self, topic: str, group: str) -> list[Record]:  # noqa: ARG002 (see the class)
        """All records of the topic up to its present end, read by assignment."""
        return self._read(topic, None)

    def partitions(self, topic: str) -> list[Partition]:
        """The topic's partitions by ZooKeeper; none when it is not there."""
        with zookeeper.session(*self._ensemble.servers, timeout=self.timeout) as session:
            return list(topic_partitions(session, chroot(self._section), topic))

    def _topics(self, *words: str) -> None:
        command = shlex.join(["kafka-topics.sh", "--zookeeper", self._section.zookeeper_connect, *words])
        self._machine.run(shlex.join(["bash", "-lc", command]), timeout=self.timeout)


def connect(
    section: cluster.Kafka,
    description: cluster.Cluster,
    timeout: float = 20.0,
    stopping: threading.Event | None = None,
) -> Kafka:
    """The client for brokers of this version."""
    if api_version(section.version):
        return OldKafka(section, description, timeout, stopping)
    return Kafka(section, timeout, stopping)
