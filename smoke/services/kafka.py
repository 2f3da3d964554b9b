"""Kafka: brokers, quorum and replication by the admin protocol; the verbs of a client outside the cluster."""

from __future__ import annotations

import base64
import contextlib
import logging
import re
import shlex
import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, KafkaTimeoutError

from smoke.services import (
    ASKED_AT_ONCE,
    Daemon,
    Fault,
    Verdict,
    can_spare_one,
    connect_error,
    format_error,
    no_majority,
    plural,
    the_only,
    verdict,
)
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke import cluster

MIN_ISR = "min.insync.replicas"
CAUGHT_UP = 5_000
"""Milliseconds by which a controller may trail the leader: it fetches at least every 500 (KIP-595)."""
logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the gates and checks tell it, once


def api_version(version: str) -> tuple[int, ...] | None:
    """The client option for a broker of this version: None from 0.10 on, which negotiates."""
    parts = _parts(version)
    return parts if parts < (0, 10) else None


def _parts(version: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if not parts:
        raise ValueError(f"{version!r} is no Kafka version")
    return parts


@dataclass(frozen=True)
class Partition:
    """One partition as the brokers describe it."""

    topic: str
    number: int
    leader: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    min_isr: int = 1
    """Of its topic: with fewer replicas in sync, records that want all of them acknowledged are refused."""

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.number}"

    def __str__(self) -> str:
        return f"{self.name} (leader {self.leader}, isr {list(self.isr)} of {list(self.replicas)})"


@dataclass(frozen=True)
class State:
    """What the brokers say of the cluster."""

    failed: str = ""
    """Why the cluster as a whole could not be asked."""
    unreachable: dict[int, str] = field(default_factory=dict)
    """Id of a broker, or of a controller that is none -> why it did not answer."""
    brokers: tuple[int, ...] = ()
    registered: tuple[int, ...] = ()
    """Also those that are away: one that went for good stays until it is unregistered."""
    bootstrap: str = ""
    """Address of one that answers."""
    voters: tuple[int, ...] = ()
    directories: tuple[str, ...] = ()
    """Of each voter the id of its metadata directory: with another one it is another voter (KIP-853)."""
    leader: int = -1
    """Leader of the metadata quorum."""
    partitions: tuple[Partition, ...] = ()
    caught_up: tuple[int, ...] = ()
    """Voters that have what the leader has."""


def faults(
    state: State, brokers: Iterable[int], voters: Iterable[int], others_join: bool = False
) -> list[Fault]:
    """What is not right: exactly these brokers, these voters (if any) with a leader, every replica in sync.

    `others_join`: further brokers are no fault.
    """
    expected, quorum = set(brokers), sorted(voters)
    controllers = set(quorum) - expected
    if state.failed:
        return [Fault("kafka", state.failed)]
    names = {n: f"controller {n}" if n in controllers else f"broker {n}" for n in state.unreachable}
    found = [Fault(names[n], f"{names[n]}: {why}") for n, why in sorted(state.unreachable.items())]
    if not state.brokers and state.unreachable.keys() - controllers:
        return found
    absent = sorted(expected - set(state.brokers) - set(state.unreachable))
    found += [Fault(f"broker {n}", f"broker {n} has not registered") for n in absent]
    if not others_join:
        strangers = sorted(set(state.brokers) - expected)
        found += [Fault(f"broker {n}", f"broker {n} is not expected") for n in strangers]
        found += [
            Fault(f"broker {n}", f"broker {n} is away, and not expected: {shlex.join(unregister(state, n))}")
            for n in sorted(set(state.registered) - set(state.brokers) - set(state.unreachable) - expected)
        ]
    if quorum and sorted(state.voters) != quorum:
        others = len(set(quorum) ^ set(state.voters))
        sentence = f"voters {sorted(state.voters)}, expected {quorum}{_strange_voters(state, quorum)}"
        found.append(Fault("voters", sentence, max(others, 1)))
    if quorum and state.leader not in quorum:
        found.append(Fault("quorum", f"no quorum leader (leader id {state.leader})"))
    # With a disk that is new it is another voter: what it was before is gone, until it has taken its place.
    there = set(state.brokers) | (controllers - state.unreachable.keys())
    behind = set(quorum) & set(state.voters) & there - set(state.caught_up)
    found += [Fault(f"voter {n}", f"voter {n} has not caught up") for n in sorted(behind)]
    for p in state.partitions:
        if p.leader < 0:
            last = tuple(f"broker {n}" for n in p.isr)
            found.append(Fault(p.name, f"offline: {p}", follows=last))
        found += [
            Fault(f"{p.name} on {n}", f"under-replicated: {p}", follows=(f"broker {n}",))
            for n in set(p.replicas) ^ set(p.isr)
        ]
    return found


def _strange_voters(state: State, quorum: Collection[int]) -> str:
    """How voters that are not the inventory's are removed, when those that are can do without them."""
    if 2 * len(set(state.caught_up) & set(quorum)) <= len(state.voters):
        return ""
    return "".join(
        f"; when {called(state, number)} has ended for good: "
        f"{shlex.join(remove_voter(state, number, directory))}"
        for number, directory in zip(state.voters, state.directories, strict=False)
        if number not in quorum
    )


def called(state: State, number: int) -> str:
    """What a node is called, whether the inventory has it or not: only brokers register with the cluster."""
    return f"{'broker' if number in state.registered else 'controller'} {number}"


def remove_voter(state: State, number: int, directory: str) -> list[str]:
    """Upstream's command that takes a voter out of the quorum, for a broker's machine."""
    return [
        *("kafka-metadata-quorum.sh", "--bootstrap-server", state.bootstrap, "remove-controller"),
        *("--controller-id", str(number), "--controller-directory-id", directory),
    ]


def unregister(state: State, number: int) -> list[str]:
    """Upstream's command that has the cluster forget a broker, for a broker's machine."""
    return ["kafka-cluster.sh", "unregister", "--bootstrap-server", state.bootstrap, "--id", str(number)]


def subjects(section: cluster.Kafka) -> dict[Daemon, str]:
    """What a daemon is called in faults."""
    controllers = {each.place: f"controller {each.id}" for each in section.controllers}
    return {broker.place: f"broker {broker.id}" for broker in section.brokers} | controllers


def daemon_states(state: State, section: cluster.Kafka) -> dict[Daemon, str]:
    """What each node is that is there: of KRaft's quorum the leader, a follower or an observer."""
    # Of controllers the brokers tell.
    controllers = {each.id for each in section.controllers if state.brokers} - state.unreachable.keys()
    here = {node.id: node.place for node in section.nodes if node.id in {*state.brokers, *controllers}}

    def role(number: int) -> str:
        if not section.voters:
            return "registered"
        if number == state.leader:
            return "leader"
        return "follower" if number in state.voters else "observer"

    return {place: role(number) for number, place in here.items()}


def right(brokers: Collection[int], voters: Collection[int]) -> str:
    """What is said of brokers without a fault."""
    parts = [plural(len(brokers), "broker"), *([f"quorum of {len(voters)}"] if voters else [])]
    return ", ".join([*parts, "0 under-replicated"])


def judge(
    state: State, brokers: Collection[int], voters: Collection[int], others_join: bool = False
) -> Verdict:
    """Exactly these brokers, exactly these voters (if any) with a leader, every replica in sync."""
    return verdict(faults(state, brokers, voters, others_join), right(brokers, voters))


def against_restart(state: State, section: cluster.Kafka, broker: cluster.Broker) -> list[Fault]:
    """Why a broker must not be restarted now: a partition would have fewer replicas in sync than it demands.

    Or, of one that is a controller, the other controllers would be no majority that has caught up. Where
    nothing can do without it the cluster has to be right; a partition that never can is named by `alone`, and
    does not stop it.
    """
    brokers, voters = [each.id for each in section.brokers], section.voters
    if state.failed or brokers == [broker.id] or (broker.id in voters and not can_spare_one(len(voters))):
        return faults(state, brokers, voters, section.others_join)
    # For some seconds the others count one that is away as in sync.
    gone = {broker.id, *state.unreachable}
    found = []
    if broker.id in voters:
        # A voter that is none of the inventory's counts, too, also one that is gone.
        rest, whole = len(set(state.caught_up) - gone), max(len(voters), len(state.voters))
        found += no_majority(broker.place[0], rest, whole, "controller")
    for p in state.partitions:
        if broker.id in p.isr and len(set(p.isr) - gone) < p.min_isr < len(p.replicas):
            sentence = f"without broker {broker.id} {p} has fewer replicas in sync than {MIN_ISR}={p.min_isr}"
            found.append(Fault(p.name, sentence))
    return found


def against_removal(state: State, section: cluster.Kafka, broker: cluster.Broker) -> list[Fault]:
    """Why a broker must not be removed, beside what stands against its restart: it has replicas."""
    if broker in section.controllers:
        return the_only(broker.place[0], len(section.voters), "controller")
    here = [p for p in state.partitions if broker.id in p.replicas]
    return the_only(broker.place[0], len(section.brokers), "broker") + [
        Fault(p.name, f"broker {broker.id} has a replica of {p.name}: move it (kafka-reassign-partitions.sh)")
        for p in here
    ]


def alone(state: State, broker: int) -> list[str]:
    """Partitions that records cannot be sent to, or are not there at all, while a broker is away."""
    return [p.name for p in state.partitions if broker in p.isr and p.min_isr >= len(p.replicas)]


def unreachable_nodes(section: cluster.Kafka, timeout: float = 3.0) -> dict[int, str]:
    """Id of a broker or controller -> why its port takes no connection; those that do are not in it."""
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        answers = pool.map(
            lambda node: (node.id, connect_error(node.host, node.port, timeout)), section.nodes
        )
        return {number: why for number, why in answers if why}


def judge_quorum(section: cluster.Kafka, unreachable: Collection[int]) -> Verdict:
    """Right when a majority of the controllers takes connections: brokers that start wait for it."""
    there = {node.id for node in section.nodes} & set(section.voters) - set(unreachable)
    said = f"{len(there)} of {plural(len(section.voters), 'controller')} take connections"
    return 2 * len(there) > len(section.voters), said


def fetch(section: cluster.Kafka, timeout: float = 3.0) -> State:
    """Ask each broker, then the cluster; each question may take `timeout` seconds."""
    # Check the ports first: the client's constructor would wait for a broker, a closed port fails at once.
    unreachable = unreachable_nodes(section, timeout)
    heard = tuple(broker for broker in section.brokers if broker.id not in unreachable)
    if not heard:
        return State(unreachable=unreachable)
    try:
        with Kafka(replace(section, brokers=heard), timeout=timeout).admin() as admin:
            return _describe(admin, section, unreachable)
    except (KafkaError, OSError) as error:
        return State(failed=format_error(error), unreachable=unreachable)


def _describe(admin: Any, section: cluster.Kafka, unreachable: Mapping[int, str]) -> State:
    # DescribeCluster lists fenced brokers too: registered, but not serving.
    registered = admin.describe_cluster()["brokers"]
    brokers = [b["broker_id"] for b in registered if not b.get("is_fenced")]
    silent = dict(unreachable)
    for number in brokers:
        if number not in silent:
            try:
                admin.get_broker_version_data(number)  # each answers for itself
            except (KafkaError, OSError) as error:
                silent[number] = format_error(error)
    state = State(
        unreachable=silent,
        brokers=tuple(n for n in brokers if n not in silent),
        registered=tuple(b["broker_id"] for b in registered),
        bootstrap=next((f"{b.host}:{b.port}" for b in section.brokers if b.id not in silent), ""),
    )
    if section.voters:
        (quorum,) = admin.describe_metadata_quorum()["topics"][0]["partitions"]
        voters, leader = quorum["current_voters"], quorum["leader_id"]
        state = replace(
            state,
            voters=tuple(voter["replica_id"] for voter in voters),
            directories=tuple(_uuid(voter.get("replica_directory_id")) for voter in voters),
            leader=leader,
            caught_up=caught_up(voters, leader),
        )
    topics = admin.describe_topics()
    # DescribeConfigs came with 0.11.
    asked = [topic["name"] for topic in topics] if _parts(section.version) >= (0, 11) else []
    demanded = _min_isr(admin, asked)
    return replace(state, partitions=tuple(_partitions(topics, demanded)))


def _uuid(text: Any) -> str:
    """A UUID as Kafka's commands read it."""
    return base64.urlsafe_b64encode(uuid.UUID(str(text)).bytes).decode().rstrip("=") if text else ""


def caught_up(voters: Iterable[Mapping[str, int]], leader: int) -> tuple[int, ...]:
    """Voters that had all that the leader has a moment ago, as DescribeQuorum tells since KIP-836."""
    times = {voter["replica_id"]: voter.get("last_caught_up_timestamp", -1) for voter in voters}
    latest = times.get(leader, -1)
    return tuple(n for n, time in times.items() if n == leader or 0 <= time >= latest - CAUGHT_UP)


def _min_isr(admin: Any, topics: Iterable[str]) -> dict[str, int]:
    """Topic -> how many replicas in sync it demands, whoever has set that; all in one request."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic, [MIN_ISR]) for topic in topics]
    if not wanted:
        return {}
    answer = admin.describe_configs(wanted, config_filter="all")
    return {
        topic: int(found[MIN_ISR]["value"]) for topic, found in answer["topic"].items() if MIN_ISR in found
    }


def _partitions(
    topics: Iterable[dict[str, Any]], min_isr: Mapping[str, int] | None = None
) -> Iterator[Partition]:
    for topic in topics:
        for p in topic["partitions"]:
            yield Partition(
                topic["name"],
                p["partition_index"],
                p["leader_id"],
                tuple(p["replica_nodes"]),
                tuple(p["isr_nodes"]),
                (min_isr or {}).get(topic["name"], 1),
            )


@dataclass
class Produced:
    """What became of the records sent."""

    acked: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Id of a record -> partition and offset, as acknowledged."""
    refused: dict[int, str] = field(default_factory=dict)


Record = tuple[int, bytes]
"""Id (the key) and value."""
NOT_MADE = {"allow_auto_create_topics": False}
"""A client that is late must not bring back a topic that was deleted."""


class Kafka:
    """A client outside the cluster. Times out in seconds; raises kafka.errors.KafkaError."""

    groups = True
    """Whether the brokers balance the partitions among the members of a group."""

    def __init__(
        self, section: cluster.Kafka, timeout: float = 20.0, stopping: threading.Event | None = None
    ) -> None:
        self.timeout = timeout
        self._stopping = stopping or threading.Event()
        self._brokers = {
            "bootstrap_servers": section.bootstrap,
            "api_version": api_version(section.version),
            "bootstrap_timeout_ms": int(timeout * 1000),
            "request_timeout_ms": int(timeout * 1000),
        }

    def admin(self) -> Any:
        return KafkaAdminClient(**self._brokers)

    def create_topic(self, topic: str, partitions: int, replication: int, min_insync: int) -> None:
        """Create and wait until every partition has a leader and all its replicas in sync."""
        options = {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": {"min.insync.replicas": str(min_insync)},
        }
        with self.admin() as admin:
            admin.create_topics({topic: options})
        self.await_replicas(topic, partitions, replication)

    def await_replicas(self, topic: str, partitions: int, replication: int) -> None:
        """Wait until every partition has a leader and all its replicas in sync."""

        def replicated() -> bool:
            found = self.partitions(topic)
            return len(found) == partitions and all(
                p.leader >= 0 and len(set(p.isr)) == len(p.replicas) == replication for p in found
            )

        wait_until(replicated, self.timeout, f"topic {topic} is not fully replicated")

    def partitions(self, topic: str) -> list[Partition]:
        """The topic's partitions as the brokers describe them."""
        with self.admin() as admin:
            return list(_partitions(admin.describe_topics([topic])))

    def delete_topic(self, topic: str) -> None:
        """Delete a topic if it is there, and see that it is gone."""
        with self.admin() as admin:
            if topic in admin.list_topics():
                admin.delete_topics([topic])
            wait_until(
                lambda: topic not in admin.list_topics(), self.timeout, f"topic {topic} is still there"
            )

    def delete_group(self, group: str) -> None:
        """Delete a consumer group if it is there, and see that it is gone."""
        with self.admin() as admin:

            def gone() -> bool:
                here = any(found["group_id"] == group for found in admin.list_groups())
                if here:  # refused while its last member is leaving
                    admin.delete_groups([group])
                return not here

            wait_until(gone, self.timeout, f"consumer group {group} is still there")

    def produce(self, topic: str, records: Iterable[Record]) -> Produced:
        """Send all with acks=all and wait for each acknowledgement; what is late counts as refused."""
        produced = Produced()
        limits = {"max_block_ms": int(self.timeout * 1000), "delivery_timeout_ms": int(self.timeout * 2000)}
        producer = KafkaProducer(acks="all", linger_ms=5, **limits, **NOT_MADE, **self._brokers)
        try:
            sent = [(n, producer.send(topic, key=str(n).encode(), value=value)) for n, value in records]
            with contextlib.suppress(KafkaTimeoutError):  # each record is judged below
                producer.flush(timeout=self.timeout * 2)
            for number, future in sent:
                try:
                    metadata = future.get(timeout=0)
                    produced.acked[number] = (metadata.partition, metadata.offset)
                except KafkaError as error:
                    produced.refused[number] = format_error(error)
        finally:
            with contextlib.suppress(KafkaTimeoutError):  # it flushes what was judged above
                producer.close(timeout=1)
        return produced

    def consume(self, topic: str, group: str) -> list[Record]:
        """All records of the topic up to its present end, read by a member of `group`, which then commits."""
        return self._read(topic, group)

    def dump(self, topic: str) -> list[Record]:
        """All records that the brokers hold now, read partition by partition without a group."""
        return self._read(topic, None)

    def _read(self, topic: str, group: str | None) -> list[Record]:
        records: list[Record] = []
        consumer = KafkaConsumer(
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            **NOT_MADE,
            **self._brokers,
        )
        with contextlib.closing(consumer):
            partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            left = {p: end for p, end in consumer.end_offsets(partitions).items() if end > 0}
            if group:
                consumer.subscribe([topic])
            else:
                consumer.assign(partitions)
            deadline = time.monotonic() + self.timeout * 2
            while left and time.monotonic() < deadline and not self._stopping.is_set():
                for partition, batch in consumer.poll(timeout_ms=500, max_records=5000).items():
                    records += [(_id(message.key), message.value or b"") for message in batch]
                    if batch[-1].offset + 1 >= left.get(partition, 0):
                        left.pop(partition, None)
            if group and not left:
                consumer.commit()
        return records


def _id(key: bytes | None) -> int:
    """A record's id; -1 for a key that nobody here wrote."""
    return int(key) if key and key.isdigit() else -1
