"""Exercise 3: a group whose offset is far behind the beginning of what it must read."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kazoo.exceptions import NoNodeError

from course.exercises.workspace import Workspace, records
from smoke.services import plural
from smoke.verdict import first

HINT = (
    "kafka-consumer-offset-checker.sh --zookeeper localhost:2181 --group audit --topic exercise-3 tells "
    "where the group is. Its offset is a node of ZooKeeper, below /consumers; the console consumer has an "
    "option about it, too."
)
RESTARTS = False

TOPIC = "exercise-3"
GROUP = "audit"
SENT = records(TOPIC, 50)
START = 40
FILE = "/root/audit.txt"
DIRECTORY = "/root/exercise-3"
CONFIG = f"{DIRECTORY}/audit.properties"
NODE = f"/consumers/{GROUP}/offsets/{TOPIC}/0"


@dataclass(frozen=True)
class State:
    """What is there."""

    lines: Sequence[str] | None
    """Of the student's file; None when there is none."""
    offset: str | None
    """Of the group, by ZooKeeper."""
    spoiled: Sequence[str] = ()
    """Why it cannot be solved any more."""


def verdict(state: State) -> list[str]:
    """Each message is in the file once, and the group has read them all."""
    wrong = []
    if state.lines is None:
        wrong.append(f"There is no file {FILE} on hadoop-master.")
    else:
        wrong += _lines(state.lines)
    if state.offset is None:
        wrong.append(f"ZooKeeper has no offset of the group {GROUP} for the topic, it must be {len(SENT)}.")
    elif state.offset != str(len(SENT)):
        wrong.append(
            f"The offset of the group {GROUP} in ZooKeeper is {state.offset}, it must be {len(SENT)}."
        )
    return wrong + [f"{why}: begin the exercise anew." for why in state.spoiled]


def _lines(lines: Sequence[str]) -> list[str]:
    ids = {value.decode(): number for number, value in SENT.items()}
    times = Counter(ids[line] for line in lines if line in ids)
    strange = [line for line in lines if line not in ids]
    twice = [number for number, count in times.items() if count > 1]
    wrong = []
    if missing := set(SENT) - set(times):
        verb = "is" if len(missing) == 1 else "are"
        wrong.append(f"{len(missing)} of {len(SENT)} messages {verb} not in {FILE}: {first(missing)}.")
    if twice:
        wrong.append(f"{FILE} has {plural(len(twice), 'message')} more than once: {first(twice)}.")
    if strange:
        which = "that is no message" if len(strange) == 1 else "that are no messages"
        shown = ", ".join(map(repr, strange[:3]))
        wrong.append(f"{FILE} has {plural(len(strange), 'line')} {which} of the topic: {shown}.")
    return wrong


def refusal(workspace: Workspace) -> str:
    """It wants no more than the broker."""
    return workspace.kafka_refusal()


def planted(workspace: Workspace) -> bool:
    """It is begun and not solved, and can be."""
    state = ask(workspace)
    return begun(workspace) and bool(verdict(state)) and not state.spoiled


def begun(workspace: Workspace) -> bool:
    """The topic is there."""
    return bool(workspace.records.partitions(TOPIC))


def plant(workspace: Workspace) -> None:
    """Fill the topic, and write the group's offset as its consumers do."""
    clear(workspace)
    workspace.create_topic(TOPIC, partitions=1)
    workspace.fill(TOPIC, SENT)
    config = f"zookeeper.connect={workspace.kafka.zookeeper_connect}\ngroup.id={GROUP}\n"
    workspace.master.run(f"mkdir -p {DIRECTORY} && printf %s {shlex.quote(config)} > {CONFIG}")
    with workspace.session() as session:
        session.create(NODE, str(START).encode(), makepath=True)


def look(workspace: Workspace) -> list[str]:
    """Read the student's file and the group's offset."""
    return verdict(ask(workspace))


def ask(workspace: Workspace) -> State:
    """What is there now."""
    text = workspace.text(FILE)
    lines = None if text is None else [line for line in text.split("\n") if line]
    with workspace.session() as session:
        try:
            offset = session.get(NODE)[0].decode(errors="replace")
        except NoNodeError:
            offset = None
    state = State(lines, offset)
    # What was solved stays so, whatever is sent to the topic later.
    return replace(state, spoiled=_spoiled(workspace)) if verdict(state) and begun(workspace) else state


def _spoiled(workspace: Workspace) -> list[str]:
    why = []
    if sorted(workspace.records.dump(TOPIC)) != sorted(SENT.items()):
        why.append(f"The topic {TOPIC} does not hold just its {len(SENT)} messages any more")
    if workspace.text(CONFIG) is None:
        why.append(f"There is no file {CONFIG} any more")
    return why


def clear(workspace: Workspace) -> None:
    """Delete the topic, the group, the student's file."""
    workspace.records.delete_topic(TOPIC)
    with workspace.session() as session:
        if session.exists(f"/consumers/{GROUP}"):
            session.delete(f"/consumers/{GROUP}", recursive=True)
    workspace.master.run(f"rm -rf {DIRECTORY} {FILE}")
