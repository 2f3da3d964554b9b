"""Exercise 2: broker 0 does not come up, for somebody changed its number.

0.8.2.1 refuses the number -1 and ends. It does not keep its number beside its data as later versions do: with
any other number that is free it would come up, as another broker, and lead nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course.exercises.workspace import TROUBLE, Workspace, records
from smoke.services.kafka import Partition, Record
from smoke.verdict import compare, first
from smoke.wait import wait_until

HINT = (
    "journalctl -u kafka@0 shows the broker's last words; its file is /etc/kafka/server-0.properties. Which "
    "broker must come up? ZooKeeper still knows who had the partitions: kafka-topics.sh --describe."
)
RESTARTS = True

TOPIC = "exercise-2"
PARTITIONS = 3
SENT = records(TOPIC, 120)
FAULT = "-1"
LINK = "/etc/kafka/server.properties"
"""The broker's file by the course's name. Some editors, and sed -i, put a file into its place."""
DOWN = 40.0
"""Seconds for the broker to end and for ZooKeeper to see it."""


@dataclass(frozen=True)
class State:
    """What is there."""

    unit: str
    """What systemd says of it: active, activating, failed ..."""
    registered: Sequence[int]
    partitions: Sequence[Partition]
    read: Sequence[Record] | None
    """None: not every partition has a leader that runs."""
    linked: bool = True
    """Whether the course's name still leads to the broker's file."""


def verdict(state: State) -> list[str]:
    """Broker 0 is a unit that runs and a broker that ZooKeeper knows, and all records can be read."""
    wrong = []
    if state.unit != "active":
        wrong.append(f"The unit kafka@0 is {state.unit or 'unknown'}, it must be active.")
    if 0 not in state.registered:
        seen = first(state.registered) or "none"
        wrong.append(f"Broker 0 is not registered in ZooKeeper (registered: {seen}).")
    if not state.partitions:
        wrong.append(f"There is no topic {TOPIC}.")
    elif state.read is None:
        idle = first(p.number for p in state.partitions if p.leader not in state.registered)
        wrong.append(
            f"The records of topic {TOPIC} cannot be read: no broker that runs leads partition {idle}."
        )
    elif lost := compare(SENT, SENT, state.read).missing:
        wrong.append(f"{len(lost)} of {len(SENT)} records of topic {TOPIC} cannot be read: {first(lost)}.")
    if wrong and not state.linked:
        wrong.append(
            f"kafka@0 reads server-0.properties, and {LINK} does not lead there any more: "
            f"ln -sf server-0.properties {LINK} mends that."
        )
    return wrong


def refusal(workspace: Workspace) -> str:
    """Other brokers may run or not."""
    return workspace.kafka_refusal()


def planted(workspace: Workspace) -> bool:
    """The broker has another number than its unit."""
    return workspace.master.run(f"sed -n 's/^broker\\.id=//p' {_file(workspace)}").strip() != str(
        workspace.broker.id
    )


def begun(workspace: Workspace) -> bool:
    """The topic is there."""
    return bool(workspace.records.partitions(TOPIC))


def plant(workspace: Workspace) -> None:
    """Fill a topic on broker 0, then give the broker a number that it refuses."""
    clear(workspace)
    workspace.create_topic(TOPIC, PARTITIONS)
    workspace.fill(TOPIC, SENT)
    unit = workspace.broker.unit
    workspace.master.run(
        f"sed -i 's/^broker\\.id=.*/broker.id={FAULT}/' {_file(workspace)} && systemctl restart {unit}", DOWN
    )
    # Until it has refused the number, too: this version hangs when it is stopped in the second of its start.
    wait_until(
        lambda: workspace.broker.id not in workspace.registered and _unit(workspace) != "active",
        DOWN,
        f"{unit} is still registered in ZooKeeper, or runs",
    )


def look(workspace: Workspace) -> list[str]:
    """Ask systemd, ZooKeeper, and the broker for its records."""
    unit, registered = _unit(workspace), workspace.registered
    partitions = workspace.records.partitions(TOPIC)
    led = partitions and all(partition.leader in registered for partition in partitions)
    read = _read(workspace) if led else None
    return verdict(State(unit, registered, partitions, read, _linked(workspace)))


def _unit(workspace: Workspace) -> str:
    """What systemd says of the broker: active, activating between two starts, failed."""
    return workspace.master.run(f"systemctl is-active {workspace.broker.unit} || :").strip()


def _linked(workspace: Workspace) -> bool:
    return bool(workspace.master.run(f"if [ {LINK} -ef {_file(workspace)} ]; then echo linked; fi"))


def _read(workspace: Workspace) -> list[Record]:
    try:
        return workspace.records.dump(TOPIC)
    except TROUBLE:  # it is registered and does not answer: it is coming up, or going
        return []


def _file(workspace: Workspace) -> str:
    return f"/etc/kafka/server-{workspace.broker.id}.properties"


def clear(workspace: Workspace) -> None:
    """Delete the topic."""
    workspace.records.delete_topic(TOPIC)
