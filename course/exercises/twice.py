"""Exercise 4: a stream that counts every word twice, for its two receivers are groups of their own."""

from __future__ import annotations

import re
import secrets
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kazoo.exceptions import NoNodeError

from course.exercises.workspace import Workspace
from smoke.checks import CheckError
from smoke.checks.streaming import MARK, counted, sentences
from smoke.services.streaming import Program, Stream, StreamError
from smoke.wait import wait_until

if TYPE_CHECKING:
    from kazoo.client import KazooClient

HINT = (
    "Members of one group share the messages of a topic; groups each get all of them. ls /consumers in "
    "zkCli.sh, while the program runs, shows which groups there are."
)
RESTARTS = False

TOPIC = "exercise-4"
LOOK_TOPIC = f"{TOPIC}-check"
PARTITIONS = 2
SENTENCES = 200
DIRECTORY = f"/root/{TOPIC}"
CLASS = "WordCount"
FILE = f"{DIRECTORY}/{CLASS}.java"
SOLVED = f"{DIRECTORY}/.solved"
"""A file that is there when the last look found nothing wrong."""
SAMPLE = Path(__file__).parents[2] / f"docs/course/samples/{TOPIC}/{CLASS}.java"
MARKS = 8
"""As many messages as reach every partition, by the hash of their keys."""
THREADS = 4
"""More than the receivers that a solution may have."""
PATIENCE = 90.0
"""Seconds for the program to be compiled and to listen."""
SHOWN = 3

_NOISE = re.compile(r"\s*$|\s+at |-+$|Time: |(\S+ \S+ )?(INFO|WARN) ")


@dataclass(frozen=True)
class State:
    """What became of the program."""

    there: bool
    sent: Mapping[str, int]
    """Words of the sentences that were sent, counted here."""
    counted: Mapping[str, int]
    """What the program counted."""
    failure: Sequence[str] = ()
    """Why it did not come to count them all, and its last lines."""


def verdict(state: State) -> list[str]:
    """Word by word the counts are those of the sentences."""
    if not state.there:
        return [f"There is no file {FILE} on hadoop-master."]
    wrong = {
        word: (state.counted.get(word, 0), state.sent.get(word, 0)) for word in {*state.sent, *state.counted}
    }
    wrong = {word: pair for word, pair in wrong.items() if pair[0] != pair[1]}
    said = []
    if state.failure:
        reason, *lines = state.failure
        said.append("\n    ".join([f"The program does not do its work: {reason}.", *lines]))
    if wrong and state.counted:
        shown = "; ".join(
            f"{word}: {got} counted, {sent} sent" for word, (got, sent) in sorted(wrong.items())[:SHOWN]
        )
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        twice = all(got == 2 * sent for got, sent in wrong.values()) and len(wrong) == len(state.sent)
        said.append(
            f"{'Every word is counted twice' if twice else 'Words are counted wrongly'}: {shown}{more}."
        )
    elif not state.counted and not state.failure:
        said.append("The program counted no words.")
    return said


def refusal(workspace: Workspace) -> str:
    """It wants no more than the broker."""
    return workspace.kafka_refusal()


def planted(workspace: Workspace) -> bool:
    """The student has the source, a topic to try it with, and work to do: to look again takes too long."""
    return workspace.text(FILE) is not None and begun(workspace) and workspace.text(SOLVED) is None


def begun(workspace: Workspace) -> bool:
    """The topic is there."""
    return bool(workspace.records.partitions(TOPIC))


def plant(workspace: Workspace) -> None:
    """Lay the source down where there is none; what the student wrote stays until it is solved."""
    if workspace.text(SOLVED) is not None:
        clear(workspace)
    if not begun(workspace):
        workspace.create_topic(TOPIC, PARTITIONS)
    source = shlex.quote(SAMPLE.read_text(encoding="utf-8"))
    workspace.master.run(f"mkdir -p {DIRECTORY} && if [ ! -e {FILE} ]; then printf %s {source} > {FILE}; fi")


def look(workspace: Workspace) -> list[str]:
    """Compile the student's program, run it on a topic of its own, compare; then remove all that."""
    source = workspace.text(FILE)
    if source is None:
        return verdict(State(False, {}, {}))
    run = f"{TOPIC}-{secrets.token_hex(4)}"
    texts = sentences(run, SENTENCES)
    sent = Counter(word for text in texts for word in text.split(" "))
    program = Program(CLASS, source.encode(), THREADS)
    stream = Stream(workspace.master, workspace.spark, run, lambda _: None, program)
    server = workspace.zookeeper.servers[0]
    failure: list[str] = []
    workspace.records.delete_topic(LOOK_TOPIC)  # of a check that was cut off
    try:
        workspace.create_topic(LOOK_TOPIC, PARTITIONS)
        try:
            stream.start(f"{server.host}:{server.port}", run, LOOK_TOPIC)
            _await_receivers(workspace, stream)
            counted(texts, stream, workspace.records, LOOK_TOPIC)
        except (CheckError, StreamError, TimeoutError) as error:
            failure = [str(error), *telling(stream.evidence()[1:])]
    finally:
        stream.stop()
        _forget(workspace, LOOK_TOPIC, run)
        workspace.records.delete_topic(LOOK_TOPIC)
    words = {word: count for word, count in dict(stream.counts.words).items() if word != MARK}
    wrong = verdict(State(True, sent, words, failure))
    workspace.master.run(f"{'rm -f' if wrong else 'touch'} {SOLVED}")
    return wrong


def telling(lines: Sequence[str]) -> list[str]:
    """The last lines that tell something: frames, empty batches and Spark's log would crowd them out."""
    return [line for line in lines if not _NOISE.match(line)][-8:]


def _await_receivers(workspace: Workspace, stream: Stream) -> None:
    """Wait until partitions have owners that two batches long stay the same, and each owner reads.

    A group begins at the end of the topic, which its receiver asks for some time after it owns a partition:
    what is sent before it does not see.
    """
    with workspace.session() as session:
        seen: dict[str, bytes] = {}
        since = 0

        def settled() -> bool:
            nonlocal seen, since
            stream.alive()
            now, batches = _owners(session), stream.counts.batches
            if now != seen:
                seen, since = now, batches
            whole = any(_owned(seen, group) for group in {path.split("/")[2] for path in seen})
            return whole and batches >= since + 2

        wait_until(settled, PATIENCE, "no group of its receivers owns the topic, or it prints no batches")
    readers = Counter(int(path.rpartition("/")[2]) for path in seen)
    wait_until(lambda: _heard(workspace, stream, readers), PATIENCE, "it counts nothing of what is sent")


def _heard(workspace: Workspace, stream: Stream, readers: Mapping[int, int]) -> bool:
    """Whether every owner of a partition reads what is sent now; `readers`: how many each has."""
    counts = stream.counts
    before, batches = counts.words[MARK], counts.batches
    sent = workspace.records.produce(LOOK_TOPIC, ((number, MARK.encode()) for number in range(MARKS))).acked
    read = before + sum(readers[partition] for partition, _ in sent.values())

    def over() -> bool:
        stream.alive()
        return counts.words[MARK] >= read or counts.batches >= batches + 3

    wait_until(over, PATIENCE, "no further batch")
    return counts.words[MARK] >= read


def _owned(owners: Mapping[str, bytes], group: str) -> bool:
    return all(f"/consumers/{group}/owners/{LOOK_TOPIC}/{number}" in owners for number in range(PARTITIONS))


def _owners(session: KazooClient) -> dict[str, bytes]:
    """Node of each partition's owner, in whatever group -> the owner."""
    owners = {}
    for group in _groups(session):
        for number in range(PARTITIONS):
            path = f"/consumers/{group}/owners/{LOOK_TOPIC}/{number}"
            try:
                owners[path] = session.get(path)[0]
            except NoNodeError:
                continue
    return owners


def _groups(session: KazooClient) -> list[str]:
    try:
        return list(session.get_children("/consumers"))
    except NoNodeError:
        return []


def _forget(workspace: Workspace, topic: str, run: str = "") -> None:
    """Remove from ZooKeeper what groups say of the topic; and as a whole the groups of this run."""
    with workspace.session() as session:
        for group in _groups(session):
            nodes = [f"/consumers/{group}/{kind}/{topic}" for kind in ("owners", "offsets")]
            if run and group.startswith(run):
                nodes = [f"/consumers/{group}"]
            for node in nodes:
                if session.exists(node):
                    session.delete(node, recursive=True)


def clear(workspace: Workspace) -> None:
    """Delete the topics, what groups know of them, and the student's directory."""
    for topic in (TOPIC, LOOK_TOPIC):
        workspace.records.delete_topic(topic)
        _forget(workspace, topic)
    workspace.master.run(f"rm -rf {DIRECTORY}")
