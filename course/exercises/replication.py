"""Exercise 1: a topic of which there is one copy, on a cluster of three brokers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course.exercises.workspace import Workspace, records
from smoke.services import plural
from smoke.services.kafka import Partition, Record
from smoke.verdict import compare, first

HINT = (
    "kafka-topics.sh --describe shows the replicas of each partition. --alter cannot change them; "
    "kafka-reassign-partitions.sh can: it wants a JSON file that names the brokers of each partition."
)
RESTARTS = False

TOPIC = "exercise-1"
PARTITIONS = 3
BROKERS = (0, 1, 2)
SENT = records(TOPIC, 300)


@dataclass(frozen=True)
class State:
    """What is there."""

    partitions: Sequence[Partition]
    read: Sequence[Record] | None
    """None: not every partition has a leader, or broker 0, by which they are read, does not run."""


def verdict(state: State) -> list[str]:
    """Three replicas of every partition, all in sync, no record lost."""
    if not state.partitions:
        return [f"There is no topic {TOPIC}."]
    by_number = {partition.number: partition for partition in state.partitions}
    wrong = []
    # The student may have added some.
    for number in sorted({*range(PARTITIONS), *by_number}):
        partition = by_number.get(number)
        wrong += _replicas(partition) if partition else [f"Partition {number} is gone."]
    if state.read is None:
        wrong.append("The records cannot be read: a partition has no leader, or broker 0 does not run.")
    elif lost := compare(SENT, SENT, state.read).missing:
        wrong.append(f"{len(lost)} of {len(SENT)} records are lost: {first(lost)}.")
    return wrong


def _replicas(partition: Partition) -> list[str]:
    brokers = sorted(set(partition.replicas))
    name = f"Partition {partition.number}"
    if partition.leader < 0:
        return [f"{name} has no leader."]
    if len(brokers) != len(BROKERS):
        return [
            f"{name} has {plural(len(brokers), 'replica')} (on broker {first(brokers)}), it must have three."
        ]
    if behind := set(brokers) - set(partition.isr):
        return [f"{name}: the replica on broker {first(behind)} is not in sync."]
    return []


def refusal(workspace: Workspace) -> str:
    """It wants the brokers of the guide's step 3."""
    if why := workspace.kafka_refusal(BROKERS):
        return f"{why}. It wants the brokers 0, 1 and 2: do step 3 of the guide first, and leave them running"
    return ""


def planted(workspace: Workspace) -> bool:
    """The records are all there, in too few places."""
    state = ask(workspace)
    return state.read is not None and not compare(SENT, SENT, state.read).missing and bool(verdict(state))


def begun(workspace: Workspace) -> bool:
    """The topic is there."""
    return bool(workspace.records.partitions(TOPIC))


def plant(workspace: Workspace) -> None:
    """Create the topic with one replica, and fill it."""
    clear(workspace)
    workspace.records.create_topic(TOPIC, PARTITIONS, replication=1, min_insync=1)
    workspace.fill(TOPIC, SENT)


def look(workspace: Workspace) -> list[str]:
    """Ask ZooKeeper for the replicas, the brokers for the records."""
    return verdict(ask(workspace))


def ask(workspace: Workspace) -> State:
    """What is there now."""
    partitions = workspace.records.partitions(TOPIC)
    alive = set(workspace.registered)
    led = partitions and {workspace.broker.id, *(partition.leader for partition in partitions)} <= alive
    return State(partitions, workspace.records.dump(TOPIC) if led else None)


def clear(workspace: Workspace) -> None:
    """Delete the topic."""
    workspace.records.delete_topic(TOPIC)
