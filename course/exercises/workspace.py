"""The student's cluster, as the exercises ask and change it."""

from __future__ import annotations

import dataclasses
import json
import random
import shlex
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kafka.errors import KafkaError
from kazoo.exceptions import KazooException, NoNodeError

from course import CourseError, labs
from smoke import cluster
from smoke.records import encode
from smoke.services import format_error, hdfs, kafka, old_kafka, zookeeper
from smoke.verdict import first
from smoke.wait import spawn

if TYPE_CHECKING:
    from hdfs_native import Client
    from kazoo.client import KazooClient

    from smoke.machine import Machine

T = TypeVar("T")

SUPERUSER = "hdfs"
"""Of HDFS."""
STUDENT = "root"
TROUBLE = (OSError, KafkaError, KazooException)
"""What the clients raise when the cluster does not answer."""
Found = bytes | str | None
"""What a file in HDFS holds; text: why it cannot be read now; None: it is not there."""


class Workspace:
    """The services by their clients; the machines by ssh, as root."""

    def __init__(self, description: cluster.Cluster) -> None:
        sections = ("zookeeper", "kafka", "hdfs", "spark")
        if absent := [name for name in sections if getattr(description, name) is None]:
            raise CourseError(
                f"{description.source}: {', '.join(absent)} is missing: is it the course's cluster?"
            )
        assert description.zookeeper
        assert description.kafka
        assert description.hdfs
        assert description.spark
        self.cluster = description
        self.lab = labs.named(description.name) or labs.Lab()
        self.zookeeper = description.zookeeper
        self.kafka = description.kafka
        self.hdfs = description.hdfs
        self.spark = description.spark

    # --- machines

    @property
    def broker(self) -> cluster.Broker:
        """The one that the kit runs."""
        return self.kafka.brokers[0]

    @property
    def master(self) -> Machine:
        return self.cluster.machines[self.broker.host]

    def shell(self, script: str, timeout: float = 30) -> str:
        """What `script` says in a student's shell on the master. Raises OSError when it fails."""
        return self.master.run(shlex.join(["bash", "-lc", script]), timeout)

    def text(self, path: str) -> str | None:
        """A file of the master; None when it is not there."""
        quoted = shlex.quote(path)
        said = self.master.run(f"if [ -e {quoted} ]; then echo; cat {quoted}; fi")
        return said.removeprefix("\n") if said else None

    def on_datanodes(self, script: str, timeout: float = 60) -> list[str]:
        """What `script` says on each DataNode, run on all at once. Raises OSError when one fails."""
        machines = [self.cluster.machines[host] for host in self.hdfs.datanodes]
        with ThreadPoolExecutor(max_workers=len(machines)) as pool:
            return list(pool.map(lambda machine: machine.run(script, timeout), machines))

    # --- Kafka and ZooKeeper

    @cached_property
    def records(self) -> old_kafka.OldKafka:
        """The client of the brokers."""
        return old_kafka.OldKafka(self.kafka, self.cluster)

    @property
    def registered(self) -> tuple[int, ...]:
        """The brokers that ZooKeeper knows now. Raises KazooException or OSError."""
        with self.session() as session:
            try:
                ids = session.get_children(f"{old_kafka.chroot(self.kafka)}/brokers/ids")
            except NoNodeError:
                return ()
        return tuple(sorted(int(number) for number in ids))

    @contextmanager
    def session(self) -> Iterator[KazooClient]:
        """A session with ZooKeeper."""
        session = zookeeper.client(*self.zookeeper.servers)
        try:
            yield session
        finally:
            session.stop()
            session.close()

    def create_topic(self, topic: str, partitions: int) -> None:
        """Create a topic of one replica, on the kit's broker, and wait for its leaders. Raises OSError.

        Left to itself Kafka would take brokers that the student started, and will stop.
        """
        assignment = ",".join([str(self.broker.id)] * partitions)
        self.shell(
            f"kafka-topics.sh --zookeeper {self.kafka.zookeeper_connect} --create --topic {topic} "
            f"--replica-assignment {assignment}"
        )
        self.records.await_replicas(topic, partitions, replication=1)

    def fill(self, topic: str, sent: dict[int, bytes]) -> None:
        """Send these records. Raises OSError unless the brokers have them all."""
        acked = len(self.records.produce(topic, sent.items()).acked)
        if acked != len(sent):
            raise OSError(f"the brokers took {acked} of {len(sent)} records of topic {topic}")

    def kafka_refusal(self, brokers: Sequence[int] = ()) -> str:
        """Why ZooKeeper and these brokers are not as they should be; by default the kit's, others may run."""
        good, sentence = zookeeper.judge(zookeeper.fetch(self.zookeeper))
        if not good:
            return f"ZooKeeper: {sentence}"
        state = old_kafka.fetch(self.kafka, self.zookeeper)
        expected = brokers or {broker.id for broker in self.kafka.brokers} | set(state.brokers)
        # Partitions of topics that the student left behind are no matter here.
        good, sentence = kafka.judge(dataclasses.replace(state, partitions=()), expected, ())
        return "" if good else f"Kafka: {sentence}"

    # --- HDFS

    @contextmanager
    def files(self) -> Iterator[Client]:
        """A client of HDFS that may do everything. Raises OSError, whatever HDFS refuses."""
        try:
            yield hdfs.client(self.hdfs, SUPERUSER)
        except RuntimeError as error:
            # So it tells of safe mode, and of DataNodes that are down; in one line with Java's stack trace.
            raise OSError(str(error).partition("\\n")[0].rstrip(".")) from None

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory in HDFS. Raises OSError."""
        with self.files() as files:
            return hdfs.exists(files, path)

    def remove(self, path: str) -> None:
        """Delete a tree in HDFS if it is there. Raises OSError."""
        with self.files() as files:
            hdfs.remove(files, path)

    def hdfs_refusal(self) -> str:
        """Why HDFS is not as it should be."""
        good, sentence = hdfs.judge(hdfs.fetch(self.hdfs), len(self.hdfs.datanodes))
        if not good:
            return f"HDFS: {sentence}"
        full = [host for host, left in remaining(self.namenode()).items() if not left]
        return f"HDFS: no space is left on {first(full)}: solve exercise 5 first" if full else ""

    def namenode(self) -> dict[str, Any]:
        """The JMX attributes of the NameNode, with those that its web page shows. Raises WebError."""
        node = self.hdfs.namenodes[0]
        facts = hdfs.namenode(node)
        for bean in hdfs.jmx(node.host, node.http_port, "Hadoop:service=NameNode,name=NameNodeInfo"):
            facts |= bean
        return facts

    def read(self, path: str, size: int, timeout: float = 15) -> bytes | None:
        """The first bytes of a file in HDFS; None when it is not there. Raises OSError."""

        def body() -> bytes | None:
            try:
                with self.files() as files, files.read(path) as reader:
                    return bytes(reader.read(size))
            except FileNotFoundError:
                return None

        return bounded(body, timeout, f"reading {path}")

    def found(self, path: str, expected: bytes) -> Found:
        """What a file in HDFS holds, no more of it than shows whether that is expected."""
        try:
            return self.read(path, len(expected) + 1)
        except TROUBLE as error:
            return format_error(error)


def held(path: str, expected: bytes, found: Found) -> list[str]:
    """What is wrong with a file in HDFS that is to hold what it held."""
    if found is None:
        return [f"{path} is gone from HDFS."]
    if isinstance(found, str):
        return [f"{path} cannot be read now: {found}."]
    return [] if found == expected else [f"{path} does not hold any more what it held."]


def remaining(facts: dict[str, Any]) -> dict[str, int]:
    """Host of each DataNode that reports -> bytes that it would still take."""
    live = json.loads(facts.get("LiveNodes") or "{}")
    return {name.partition(":")[0]: int(node["remaining"]) for name, node in live.items()}


def records(name: str, number: int) -> dict[int, bytes]:
    """The records of an exercise: the same again from the same name."""
    return {n: encode(name, n) for n in range(number)}


def content(name: str, size: int) -> bytes:
    """The bytes of a file: the same again from the same name."""
    return random.Random(name).randbytes(size)  # noqa: S311 (bytes to tell apart, no secret)


def bounded(work: Callable[[], T], timeout: float, what: str) -> T:
    """The result of `work`, which may hang in a dead service. Raises TimeoutError."""
    try:
        return spawn(work).result(timeout=timeout)
    except TimeoutError as error:
        if str(error):
            raise
        raise TimeoutError(f"{what} did not end within {timeout:g} s") from None


def open_workspace(path: Path) -> Workspace:
    """The workspace on the cluster that is described. Raises CourseError."""
    try:
        return Workspace(cluster.load(path))
    except cluster.ClusterError as error:
        raise CourseError(f"{error}; make course deploys the course's cluster") from None


def silent(error: BaseException) -> str:
    """The sentence about a cluster that does not answer."""
    return f"The cluster does not answer: {format_error(error)}."
