"""The exercises of the course: verdicts on planted states, the two commands, and what a student reads."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from course import CourseError, labs
from course import __main__ as command
from course.exercises import broker, catalogue, check, full, offset, progress, replication, safe_mode, twice
from course.exercises.workspace import Workspace, bounded, open_workspace, records, remaining
from smoke.checks.streaming import sentences
from smoke.cluster import load
from smoke.console import Console
from smoke.machine import Machine
from smoke.services import hdfs
from smoke.services.kafka import Partition, Produced
from smoke.services.streaming import Counts
from tests.unit.smoke_lab import LAB, write

CHECKOUT = Path(__file__).parents[2]
DOCS = {language: CHECKOUT / f"docs/course/exercises.{language}.md" for language in catalogue.LANGUAGES}


# --- 1


def partition(
    number: int, replicas: Sequence[int] = (0, 1, 2), isr: Sequence[int] | None = None
) -> Partition:
    leader = replicas[0] if replicas else -1
    return Partition("t", number, leader, tuple(replicas), tuple(replicas if isr is None else isr))


REPLICATED = replication.State([partition(n) for n in range(3)], list(replication.SENT.items()))


def test_1_is_solved() -> None:
    assert replication.verdict(REPLICATED) == []


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (
            replace(REPLICATED, partitions=[partition(0, [2]), partition(1), partition(2, [1, 0])]),
            [
                "Partition 0 has 1 replica (on broker 2), it must have three.",
                "Partition 2 has 2 replicas (on broker 0, 1), it must have three.",
            ],
        ),
        (
            replace(REPLICATED, partitions=[partition(0), partition(1, isr=[0, 2]), partition(2)]),
            ["Partition 1: the replica on broker 1 is not in sync."],
        ),
        # Three entries that are two brokers.
        (
            replace(REPLICATED, partitions=[partition(0, [0, 1, 1]), partition(1), partition(2)]),
            ["Partition 0 has 2 replicas (on broker 0, 1), it must have three."],
        ),
        (
            replication.State([replace(partition(0), leader=-1), partition(1), partition(2)], None),
            [
                "Partition 0 has no leader.",
                "The records cannot be read: a partition has no leader, or broker 0 does not run.",
            ],
        ),
        (replace(REPLICATED, partitions=[partition(0), partition(2)]), ["Partition 1 is gone."]),
        (
            replace(REPLICATED, partitions=[*REPLICATED.partitions, partition(3, [1])]),
            ["Partition 3 has 1 replica (on broker 1), it must have three."],
        ),
        (replication.State([], None), ["There is no topic exercise-1."]),
        (replace(REPLICATED, read=list(replication.SENT.items())[2:]), ["2 of 300 records are lost: 0, 1."]),
    ],
)
def test_1_tells_what_is_wrong(state: replication.State, sentences: list[str]) -> None:
    assert replication.verdict(state) == sentences


# --- 2

BROKER_RECORDS = list(broker.SENT.items())
UNLED = "The records of topic exercise-2 cannot be read: no broker that runs leads partition 0, 1, 2."
UP = broker.State("active", (0,), [partition(n, [0]) for n in range(3)], BROKER_RECORDS)


def test_2_is_solved() -> None:
    assert broker.verdict(UP) == []
    assert broker.verdict(replace(UP, registered=(0, 1, 2))) == []
    assert broker.verdict(replace(UP, linked=False)) == []


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (
            replace(UP, unit="inactive", registered=(), read=None),
            [
                "The unit kafka@0 is inactive, it must be active.",
                "Broker 0 is not registered in ZooKeeper (registered: none).",
                UNLED,
            ],
        ),
        # It runs, with another number.
        (
            replace(UP, registered=(7,), read=None),
            [
                "Broker 0 is not registered in ZooKeeper (registered: 7).",
                UNLED,
            ],
        ),
        # It was started by hand.
        (replace(UP, unit="failed"), ["The unit kafka@0 is failed, it must be active."]),
        # Another file was mended, which nobody reads.
        (
            replace(UP, unit="failed", linked=False),
            [
                "The unit kafka@0 is failed, it must be active.",
                (
                    f"kafka@0 reads server-0.properties, and {broker.LINK} does not lead there any more: "
                    f"ln -sf server-0.properties {broker.LINK} mends that."
                ),
            ],
        ),
        (replace(UP, partitions=[], read=None), ["There is no topic exercise-2."]),
        (
            replace(UP, read=BROKER_RECORDS[:-1]),
            ["1 of 120 records of topic exercise-2 cannot be read: 119."],
        ),
    ],
)
def test_2_tells_what_is_wrong(state: broker.State, sentences: list[str]) -> None:
    assert broker.verdict(state) == sentences


# --- 3

AUDIT = [value.decode() for value in offset.SENT.values()]


def test_3_is_solved_in_any_order() -> None:
    assert offset.verdict(offset.State(AUDIT[::-1], "50")) == []


@pytest.mark.parametrize(
    ("lines", "at", "sentences"),
    [
        (
            None,
            "40",
            [
                "There is no file /root/audit.txt on hadoop-master.",
                "The offset of the group audit in ZooKeeper is 40, it must be 50.",
            ],
        ),
        (AUDIT[1:], "50", ["1 of 50 messages is not in /root/audit.txt: 0."]),
        (AUDIT[2:], "50", ["2 of 50 messages are not in /root/audit.txt: 0, 1."]),
        (AUDIT + AUDIT[40:42], "50", ["/root/audit.txt has 2 messages more than once: 40, 41."]),
        (
            [*AUDIT, "Consumed 50 messages"],
            "50",
            ["/root/audit.txt has 1 line that is no message of the topic: 'Consumed 50 messages'."],
        ),
        (AUDIT, None, ["ZooKeeper has no offset of the group audit for the topic, it must be 50."]),
        (AUDIT, "0", ["The offset of the group audit in ZooKeeper is 0, it must be 50."]),
    ],
)
def test_3_tells_what_is_wrong(lines: list[str] | None, at: str | None, sentences: list[str]) -> None:
    assert offset.verdict(offset.State(lines, at)) == sentences


NOT_JUST = "The topic exercise-3 does not hold just its 50 messages any more: begin the exercise anew."
GONE = "any more: begin the exercise anew."


@pytest.mark.parametrize(
    ("topic", "config", "solved", "said"),
    [
        (list(offset.SENT.items())[::-1], True, False, []),
        ([*offset.SENT.items(), (-1, b"hello")], True, False, [NOT_JUST]),
        (list(offset.SENT.items())[1:], True, False, [NOT_JUST]),
        (list(offset.SENT.items()), False, False, [f"There is no file {{config}} {GONE}"]),
        # Once solved it is solved.
        ([(-1, b"hello")], False, True, []),
    ],
)
def test_3_begins_anew_when_it_cannot_be_solved(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    topic: list[tuple[int, bytes]], config: bool, solved: bool, said: list[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(offset, "FILE", str(tmp_path / "audit.txt"))
    monkeypatch.setattr(offset, "CONFIG", str(tmp_path / "audit.properties"))
    if config:
        (tmp_path / "audit.properties").touch()
    if solved:
        (tmp_path / "audit.txt").write_text("\n".join(AUDIT))
    records = argparse.Namespace(partitions=lambda _: [partition(0)], dump=lambda _: topic)
    monkeypatch.setattr(workspace, "records", records)
    node = argparse.Namespace(get=lambda _: (b"50" if solved else b"40", None))
    monkeypatch.setattr(workspace, "session", lambda: contextlib.nullcontext(node))
    named = [sentence.format(config=tmp_path / "audit.properties") for sentence in said]
    assert offset.look(workspace)[0 if solved else 2 :] == named
    assert offset.planted(workspace) is not (solved or bool(said))


class Tree:
    """Stands for a session with ZooKeeper."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = set(nodes)

    def get_children(self, path: str) -> list[str]:
        return sorted(
            {node.removeprefix(f"{path}/").split("/")[0] for node in self.nodes if node.startswith(path)}
        )

    def exists(self, path: str) -> bool:
        return any(f"{node}/".startswith(f"{path}/") for node in self.nodes)

    def create(self, path: str, _: bytes, makepath: bool) -> None:
        self.nodes.add(path)

    def delete(self, path: str, recursive: bool) -> None:
        self.nodes = {node for node in self.nodes if not f"{node}/".startswith(f"{path}/")}


def test_3_is_planted_on_the_kits_broker(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIRECTORY", "FILE", "CONFIG"):
        monkeypatch.setattr(offset, name, str(getattr(offset, name)).replace("/root", str(tmp_path)))
    # No create_topic: there Kafka would choose among all brokers.
    monkeypatch.setattr(workspace, "records", argparse.Namespace(delete_topic=lambda _: None))
    made: dict[str, int] = {}
    monkeypatch.setattr(workspace, "create_topic", lambda topic, partitions: made.update({topic: partitions}))
    monkeypatch.setattr(workspace, "fill", lambda *_: None)
    tree = Tree()
    monkeypatch.setattr(workspace, "session", lambda: contextlib.nullcontext(tree))
    offset.plant(workspace)
    assert made == {"exercise-3": 1}
    assert tree.nodes == {"/consumers/audit/offsets/exercise-3/0"}


# --- 4

LOCK_MILL_RACE = "lock: 8 counted, 4 sent; mill: 6 counted, 3 sent; race: 4 counted, 2 sent"
WORDS = {"mill": 3, "race": 2, "weir": 1, "lock": 4}


def test_4_is_solved() -> None:
    assert twice.verdict(twice.State(True, WORDS, dict(WORDS))) == []


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (
            twice.State(True, WORDS, {word: 2 * count for word, count in WORDS.items()}),
            [f"Every word is counted twice: {LOCK_MILL_RACE}; and 1 more."],
        ),
        (
            twice.State(True, WORDS, WORDS | {"mill": 6}),
            ["Words are counted wrongly: mill: 6 counted, 3 sent."],
        ),
        (
            twice.State(True, WORDS, WORDS | {"oat": 1}),
            ["Words are counted wrongly: oat: 1 counted, 0 sent."],
        ),
        (
            twice.State(True, WORDS, {}, ["spark-submit ended with status 1", "error: ';' expected"]),
            ["The program does not do its work: spark-submit ended with status 1.\n    error: ';' expected"],
        ),
        # It stopped half way: both are told.
        (
            twice.State(True, WORDS, WORDS | {"mill": 1}, ["too few words"]),
            [
                "The program does not do its work: too few words.",
                "Words are counted wrongly: mill: 1 counted, 3 sent.",
            ],
        ),
        (twice.State(True, WORDS, {}), ["The program counted no words."]),
        (twice.State(False, {}, {}), ["There is no file /root/exercise-4/WordCount.java on hadoop-master."]),
    ],
)
def test_4_tells_what_is_wrong(state: twice.State, sentences: list[str]) -> None:
    assert twice.verdict(state) == sentences


def test_4_begins_anew_once_it_is_solved(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIRECTORY", "FILE", "SOLVED"):
        monkeypatch.setattr(twice, name, str(getattr(twice, name)).replace("/root", str(tmp_path)))
    topics: set[str] = set()
    records = argparse.Namespace(
        partitions=lambda topic: [partition(0)] * (topic in topics), delete_topic=topics.discard
    )
    monkeypatch.setattr(workspace, "records", records)
    monkeypatch.setattr(workspace, "create_topic", lambda topic, _: topics.add(topic))
    work = Path(twice.FILE)

    class Stream(_Nothing):
        """Counts what a program would whose source is what it counts."""

        def __init__(self, _: object, __: object, run: str, *___: object) -> None:
            words = " ".join(sentences(run, twice.SENTENCES)).split()
            self.counts = argparse.Namespace(words=Counter(words * (work.read_text() == "right")))

    monkeypatch.setattr(twice, "Stream", Stream)
    for name in ("_await_receivers", "counted", "_forget"):
        monkeypatch.setattr(twice, name, lambda *_: None)

    twice.plant(workspace)
    assert work.read_text() == twice.SAMPLE.read_text()
    for mine, solved in (("wrong", False), ("right", True), ("wrong", False)):
        work.write_text(mine)
        assert (twice.look(workspace) == []) is solved
        assert twice.planted(workspace) is not solved
    topics.clear()
    twice.plant(workspace)
    assert work.read_text() == "wrong"
    work.write_text("right")
    assert twice.look(workspace) == []
    twice.plant(workspace)
    assert work.read_text() == twice.SAMPLE.read_text()
    assert twice.planted(workspace)


def test_4_is_forgotten_by_all_groups(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = ["/consumers/a/ids", "/consumers/a/offsets/other/0", "/consumers/run-1/ids"]
    mine = [f"/consumers/{group}/owners/exercise-4/0" for group in ("a", "words-1")]
    looks = ["/consumers/a/offsets/exercise-4-check/1", "/consumers/run-1/owners/exercise-4-check/1"]
    tree = Tree(*others, *mine, *looks)
    monkeypatch.setattr(workspace, "session", lambda: contextlib.nullcontext(tree))
    monkeypatch.setattr(workspace, "records", _Nothing())
    monkeypatch.setattr(twice, "DIRECTORY", str(tmp_path / "exercise-4"))
    twice._forget(workspace, twice.LOOK_TOPIC, "run")
    assert tree.nodes == {*others[:2], *mine}
    tree.nodes |= {others[2], *looks}
    twice.clear(workspace)
    assert tree.nodes == set(others)


def test_4_shows_what_the_program_said_of_its_end() -> None:
    said = [
        "26/11/24 16:00:00 INFO SparkContext: Running Spark version 2.2.1",
        "WARN NativeCodeLoader: Unable to load native-hadoop library",
        "-------------------------------------------",
        "Time: 1795540740000 ms",
        "",
        'Exception in thread "main" java.lang.ArrayIndexOutOfBoundsException: 7',
        "\tat WordCount.main(WordCount.java:25)",
        "26/11/24 16:00:02 ERROR Executor: INFO is no level of mine",
    ]
    assert twice.telling(said) == [said[5], said[7]]


def test_4_awaits_owners_of_all_partitions_in_one_group() -> None:
    def owners(*pairs: tuple[str, int]) -> dict[str, bytes]:
        return {f"/consumers/{group}/owners/exercise-4-check/{number}": b"x" for group, number in pairs}

    assert twice._owned(owners(("a", 0), ("a", 1), ("b", 0)), "a")
    assert not twice._owned(owners(("a", 0), ("b", 1)), "a")


class Reading:
    """Stands for a stream and its brokers: owners of partition 1 read only from the second round on."""

    def __init__(self, *late: int) -> None:
        self.late = list(late)
        self.counts = Counts()
        self.rounds = 0

    def alive(self) -> None:
        self.counts.batches += 1

    def produce(self, _: str, records: Iterable[tuple[int, bytes]]) -> Produced:
        self.rounds += 1
        lost = self.late.pop(0) if self.late else 0
        acked = {number: (number % 2, number) for number, _ in records}
        self.counts.words["listening"] += 2 * len(acked) - lost
        return Produced(acked)


@pytest.mark.parametrize(("late", "rounds"), [((), 1), ((4,), 2), ((16, 1), 3)])
def test_4_sends_nothing_that_counts_before_every_owner_reads(late: tuple[int, ...], rounds: int) -> None:
    stream = Reading(*late)
    workspace: Any = argparse.Namespace(records=stream)
    heard = [twice._heard(workspace, stream, {0: 2, 1: 2}) for _ in range(rounds)]  # type: ignore[arg-type]
    assert heard == [False] * (rounds - 1) + [True]


# --- 5

SLAVES = ["s1", "s2"]
ROOM = full.State({"s1": 1, "s2": 2}, [], full.CONTENT)


def test_5_is_solved() -> None:
    assert full.verdict(ROOM, SLAVES) == []


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (
            full.State({"s1": 0, "s2": 0}, None, full.CONTENT),
            [
                "The DataNode on s1 has no space left: it reports 0 bytes remaining.",
                "The DataNode on s2 has no space left: it reports 0 bytes remaining.",
            ],
        ),
        (
            replace(ROOM, remaining={"s1": 1}, written=None),
            ["The DataNode on s2 does not report to the NameNode."],
        ),
        (
            replace(ROOM, written=["block 0 is on no DataNode"]),
            ["A file of replication 2 was not written as it should be: block 0 is on no DataNode."],
        ),
        (replace(ROOM, before=None), ["/exercise-5/before is gone from HDFS."]),
        (
            replace(ROOM, before=full.CONTENT[:-1]),
            ["/exercise-5/before does not hold any more what it held."],
        ),
        # The rest is said all the same.
        (
            replace(ROOM, remaining={"s1": 1}, written=None, before="OSError: no block"),
            [
                "The DataNode on s2 does not report to the NameNode.",
                "/exercise-5/before cannot be read now: OSError: no block.",
            ],
        ),
        (replace(ROOM, missing=2), ["HDFS misses 2 blocks."]),
    ],
)
def test_5_tells_what_is_wrong(state: full.State, sentences: list[str]) -> None:
    assert full.verdict(state, SLAVES) == sentences


def test_the_space_that_remains_is_by_host() -> None:
    facts = {"LiveNodes": '{"s1:50010": {"remaining": 7, "lastContact": 0}, "s2:50010": {"remaining": 0}}'}
    assert remaining(facts) == {"s1": 7, "s2": 0}
    assert remaining({}) == {}


# --- 6

AWAKE = safe_mode.State("", 0, [], safe_mode.CONTENT)
ON = "Safe mode is ON. The reported blocks 5 needs additional 4 blocks of total blocks 9.\nMore."


def test_6_is_solved() -> None:
    assert safe_mode.verdict(AWAKE) == []


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (replace(AWAKE, safe_mode=ON), [f"The NameNode says: {ON[:-6]} More."]),
        (
            replace(AWAKE, missing=4, files=["/exercise-6/lost"]),
            ["4 blocks are missing (/exercise-6/lost): after a restart the NameNode would wait for them."],
        ),
        (replace(AWAKE, kept=None), ["/exercise-6/kept is gone from HDFS."]),
        (replace(AWAKE, kept=b"other"), ["/exercise-6/kept does not hold any more what it held."]),
        (
            replace(AWAKE, safe_mode=ON, kept="OSError: no block"),
            [
                f"The NameNode says: {ON[:-6]} More.",
                "/exercise-6/kept cannot be read now: OSError: no block.",
            ],
        ),
    ],
)
def test_6_tells_what_is_wrong(state: safe_mode.State, sentences: list[str]) -> None:
    assert safe_mode.verdict(state) == sentences


def test_6_names_each_file_that_lost_blocks_once() -> None:
    facts = {"CorruptFiles": '["blk_1\\t/exercise-6/lost", "blk_2\\t/exercise-6/lost", "blk_3\\t/a"]'}
    assert safe_mode._files(facts) == ["/a", "/exercise-6/lost"]


@pytest.mark.parametrize(
    ("said", "live", "waits"),
    [
        (ON, 2, True),
        (ON, 1, False),
        (ON.replace("blocks 5", "blocks 3"), 2, False),  # one DataNode has not told all
        ("", 2, False),
    ],
)
def test_6_is_planted_when_just_the_lost_blocks_are_awaited(said: str, live: int, waits: bool) -> None:
    class Here:
        hdfs = argparse.Namespace(datanodes=SLAVES)

        def namenode(self) -> dict[str, Any]:
            nodes = ", ".join(f'"s{n}:1": {{"remaining": 1}}' for n in range(live))
            return {"Safemode": said, "LiveNodes": f"{{{nodes}}}"}

    assert safe_mode._waits(Here()) is waits  # type: ignore[arg-type]


# --- the workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """All machines are this one; its systemctl says what it was told."""
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/told\n')
    (tmp_path / "systemctl").chmod(0o755)
    cluster = load(write(tmp_path, LAB))
    here = Machine(("sh", "-c", f'PATH={tmp_path}:$PATH; eval "$*"', "ssh"), name="here")
    return Workspace(replace(cluster, machines=dict.fromkeys(cluster.machines, here)))


def test_5_is_a_line_that_the_student_can_find(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "hdfs-site.xml"
    site.write_text(
        "<configuration>\n  <property><name>a</name><value>b</value></property>\n</configuration>\n"
    )
    monkeypatch.setattr(full, "FILE", str(site))
    monkeypatch.setattr(full, "_replicas", lambda *_: [])
    # One after the other: both machines are this one.
    monkeypatch.setattr(
        "course.exercises.workspace.ThreadPoolExecutor", lambda max_workers: ThreadPoolExecutor(1)
    )
    for name in ("files", "exists", "remove"):
        monkeypatch.setattr(workspace, name, _Nothing().anything)
    live = json.dumps({f"{host}:50010": {"remaining": 0} for host in workspace.hdfs.datanodes})
    monkeypatch.setattr(workspace, "namenode", lambda: {"LiveNodes": live})
    assert not full.planted(workspace)
    full.plant(workspace)
    assert full.planted(workspace)
    # A value of the student's own does not help, and what is there stays.
    site.write_text(site.read_text().replace(str(1 << 50), str(1 << 49)))
    assert full.planted(workspace)
    names = [element.text for element in ET.parse(site).iter("name")]
    assert set(names) == {"a", "dfs.datanode.du.reserved"}
    assert (tmp_path / "told").read_text().splitlines() == ["restart hdfs-datanode"] * 2


def test_5_is_not_planted_where_a_value_does_no_harm_or_the_file_is_gone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "hdfs-site.xml"
    site.write_text(full.FAULT)
    monkeypatch.setattr(full, "FILE", str(site))
    for left, there, planted in ((0, True, True), (1, True, False), (0, False, False)):
        monkeypatch.setattr(workspace, "exists", lambda _, there=there: there)
        live = json.dumps({f"{host}:50010": {"remaining": left} for host in workspace.hdfs.datanodes})
        monkeypatch.setattr(workspace, "namenode", lambda live=live: {"LiveNodes": live})
        assert full.planted(workspace) is planted


def test_no_fault_of_hdfs_is_planted_while_a_datanode_has_no_space(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdfs, "fetch", lambda _: None)
    monkeypatch.setattr(hdfs, "judge", lambda *_: (True, ""))
    monkeypatch.setattr(
        workspace, "namenode", lambda: {"LiveNodes": '{"s1:1": {"remaining": 0}, "s2:1": {"remaining": 5}}'}
    )
    for exercise in (full, safe_mode):
        assert exercise.refusal(workspace) == "HDFS: no space is left on s1: solve exercise 5 first"


def test_6_leaves_no_datanode_down_when_it_is_cut_off(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_mode, "DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(safe_mode, "_write", lambda *_, **__: None)
    monkeypatch.setattr(safe_mode, "_blocks", lambda *_: [7])
    for name in ("files", "remove"):
        monkeypatch.setattr(workspace, name, _Nothing().anything)
    monkeypatch.setattr(
        "course.exercises.workspace.ThreadPoolExecutor", lambda max_workers: ThreadPoolExecutor(1)
    )
    with pytest.raises(OSError, match="nowhere"):
        safe_mode.plant(workspace)
    assert (tmp_path / "told").read_text().splitlines() == ["stop hdfs-datanode", "start hdfs-datanode"] * 2


REFUSAL = RuntimeError(
    r'RPCError("java.io.IOException", "/x could only be replicated to 0 nodes.\n\tat java.lang.Thread.run")'
)
"""As hdfs_native tells what HDFS refuses."""
REFUSED = 'OSError: RPCError("java.io.IOException", "/x could only be replicated to 0 nodes'


class _Refusing:
    """Stands for a client of an HDFS that refuses everything."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> None:
            raise REFUSAL

        return refuse


@pytest.fixture
def refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The NameNode's page answers, HDFS refuses all else."""
    monkeypatch.setattr(hdfs, "client", lambda *_: _Refusing())
    live = json.dumps({f"{host}:50010": {"remaining": 5} for host in workspace.hdfs.datanodes})
    facts = {"Safemode": ON, "MissingBlocks": 2, "LiveNodes": live}
    monkeypatch.setattr(workspace, "namenode", lambda: facts)
    return workspace


@pytest.mark.parametrize(
    "ask",
    [
        lambda workspace: workspace.read("/x", 1),
        lambda workspace: workspace.exists("/x"),
        lambda workspace: workspace.remove("/x"),
        full.begun,
        full.clear,
        safe_mode.planted,
        safe_mode.plant,
        lambda workspace: safe_mode._write(workspace, "/x", b"", 1),
    ],
)
def test_what_hdfs_refuses_is_trouble_without_a_stack_trace(
    refused: Workspace, ask: Callable[[Workspace], object]
) -> None:
    with pytest.raises(OSError, match=r"^RPCError.* to 0 nodes$"):
        ask(refused)


def test_5_tells_the_rest_while_hdfs_refuses(refused: Workspace) -> None:
    assert full.look(refused) == [
        f"A file of replication 2 was not written as it should be: {REFUSED}.",
        f"/exercise-5/before cannot be read now: {REFUSED}.",
        "HDFS misses 2 blocks.",
    ]


def test_6_tells_the_rest_while_hdfs_refuses(refused: Workspace) -> None:
    assert safe_mode.look(refused) == [
        f"The NameNode says: {ON[:-6]} More.",
        "2 blocks are missing: after a restart the NameNode would wait for them.",
        f"/exercise-6/kept cannot be read now: {REFUSED}.",
    ]


@pytest.mark.parametrize("exercise", [full, safe_mode])
def test_a_check_tells_all_while_hdfs_refuses(refused: Workspace, exercise: Any) -> None:
    looked = exercise.look(refused)
    assert check.wrong(exercise, refused, 0) == [*looked, f"The cluster does not answer: {REFUSED}."]


class _Nothing:
    """Stands for a client that does whatever it is asked."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_, **__: self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def test_2_is_planted_when_the_number_is_another(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "server.properties"
    monkeypatch.setattr(broker, "_file", lambda _: file)
    for number, planted in (("1", False), ("-1", True), ("11", True)):
        file.write_text(f"reserved.broker.max.id=1\nbroker.id={number}\nport=9092\n")
        assert broker.planted(workspace) is planted


def test_2_sees_when_the_courses_name_leads_to_another_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, link = tmp_path / "server-1.properties", tmp_path / "server.properties"
    monkeypatch.setattr(broker, "_file", lambda _: file)
    monkeypatch.setattr(broker, "LINK", str(link))
    file.write_text("broker.id=-1\n")
    link.symlink_to("server-1.properties")
    assert broker._linked(workspace)
    subprocess.run(["sed", "-i", "s/=.*/=0/", link], check=True)
    assert not broker._linked(workspace)
    subprocess.run(["ln", "-sf", "server-1.properties", link], check=True)
    assert broker._linked(workspace)


def test_no_topic_is_on_brokers_that_the_student_started(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts: list[str] = []
    monkeypatch.setattr(workspace, "shell", scripts.append)
    monkeypatch.setattr(workspace, "records", _Nothing())
    workspace.create_topic("mine", 3)
    own = ",".join([str(workspace.broker.id)] * 3)
    (script,) = scripts
    assert script.endswith(f"--create --topic mine --replica-assignment {own}")


def test_a_file_of_the_master(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "it's here"
    assert workspace.text(str(file)) is None
    file.write_text("")
    assert workspace.text(str(file)) == ""
    file.write_text("one\ttwo\n\n")
    assert workspace.text(str(file)) == "one\ttwo\n\n"


def test_a_cluster_without_what_the_course_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="zookeeper, spark is missing: is it the course's cluster"):
        open_workspace(
            write(tmp_path, {key: value for key, value in LAB.items() if key not in ("zookeeper", "spark")})
        )


def test_a_cluster_that_was_not_deployed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="make course deploys"):
        open_workspace(tmp_path / "cluster.json")


def test_work_that_hangs_is_bounded() -> None:
    assert bounded(lambda: 1, 5, "counting") == 1
    never = threading.Event()
    with pytest.raises(TimeoutError, match=r"waiting did not end within 0\.1 s"):
        bounded(never.wait, 0.1, "waiting")
    with pytest.raises(TimeoutError, match="its own"):
        bounded(_too_late, 5, "waiting")


def _too_late() -> None:
    raise TimeoutError("its own")


def test_records_can_be_made_again() -> None:
    assert records("a", 3) == records("a", 3) != records("b", 3)


# --- the commands


class Fake:
    """Stands for an exercise that is found wrong `looks` times."""

    HINT = "look here"
    RESTARTS = False

    def __init__(
        self,
        looks: int = 0,
        planted: bool = False,
        refusal: str = "",
        trouble: str = "",
        begun: bool = True,
        takes: float = 0,
    ) -> None:
        self.looks, self.is_planted, self.why, self.trouble = looks, planted, refusal, trouble
        self.is_begun, self.takes = begun, takes
        self.plants = 0

    def refusal(self, workspace: Workspace) -> str:
        return self.why

    def planted(self, workspace: Workspace) -> bool:
        return self.is_planted

    def begun(self, workspace: Workspace) -> bool:
        return self.is_begun

    def plant(self, workspace: Workspace) -> None:
        time.sleep(self.takes)
        if self.trouble:
            raise OSError(self.trouble)
        self.plants += 1

    def look(self, workspace: Workspace) -> list[str]:
        time.sleep(self.takes)
        self.looks -= 1
        if self.trouble:
            raise OSError(self.trouble)
        return ["it is wrong"] if self.looks >= 0 else []

    def clear(self, workspace: Workspace) -> None:
        raise AssertionError("no command clears")


Run = Callable[..., int]
OF_STUDENT_2 = LAB | {"name": "course-2"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on an exercise."""
    monkeypatch.setattr(check, "PATIENCE", 0)
    monkeypatch.setattr(check, "RESTARTED", 0)
    monkeypatch.setattr(labs, "need_root", lambda: None)

    def one(exercise: Fake, *words: str, lab: dict[str, Any] = LAB) -> int:
        monkeypatch.setitem(catalogue.EXERCISES, 3, exercise)
        return command.main([*words, "--cluster", str(write(tmp_path, lab))])

    return one


Output = pytest.CaptureFixture[str]


def test_planting_tells_the_story(run: Run, capsys: Output) -> None:
    exercise = Fake()
    assert run(exercise, "exercise", "3") == 0
    assert exercise.plants == 1
    assert capsys.readouterr().out == catalogue.story(3, "en") + "\n"
    assert run(exercise, "exercise", "3", "--language", "fr") == 0
    assert capsys.readouterr().out.startswith("3. Un audit")


def test_a_fault_that_is_there_stays_as_it_is(run: Run, capsys: Output) -> None:
    exercise = Fake(planted=True, refusal="the cluster is sick, by this very fault")
    assert run(exercise, "exercise", "3") == 0
    assert exercise.plants == 0
    assert capsys.readouterr().out.startswith(
        "Exercise 3 is planted already: nothing was changed.\n\n3. An audit"
    )


def test_a_sick_cluster_gets_no_fault(run: Run, capsys: Output) -> None:
    exercise = Fake(refusal="Kafka: broker 0: refuses")
    assert run(exercise, "exercise", "3") == 1
    assert exercise.plants == 0
    said = capsys.readouterr()
    assert said.err == (
        "course: exercise 3 is not planted: Kafka: broker 0: refuses. "
        "(make course-reset gives a fresh cluster.)\n"
    )
    assert said.out == ""
    assert run(exercise, "exercise", "3", lab=OF_STUDENT_2) == 1
    assert "(make course-reset STUDENT=2 gives a fresh cluster.)" in capsys.readouterr().err


def test_trouble_while_planting_is_told(run: Run, capsys: Output) -> None:
    assert run(Fake(trouble="no route"), "exercise", "3") == 1
    assert "exercise 3 is not planted: OSError: no route." in capsys.readouterr().err


def test_a_check_says_what_is_wrong(run: Run, capsys: Output) -> None:
    assert run(Fake(looks=1), "check", "3") == 1
    assert capsys.readouterr().out == "Exercise 3 is not solved:\n- it is wrong\n"


def test_a_check_of_what_was_not_planted_tells_how_to_begin(run: Run, capsys: Output) -> None:
    assert run(Fake(looks=9, begun=False), "check", "3", "--hint") == 2
    said = capsys.readouterr()
    assert said.err == "course: exercise 3 is not planted: make course-exercise EXERCISE=3\n"
    assert said.out == ""
    assert run(Fake(looks=9, begun=False), "check", "3", lab=OF_STUDENT_2) == 2
    assert capsys.readouterr().err.endswith(": make course-exercise EXERCISE=3 STUDENT=2\n")


def test_a_check_gives_the_hint_when_asked(run: Run, capsys: Output) -> None:
    assert run(Fake(looks=1), "check", "3", "--hint") == 1
    assert capsys.readouterr().out.endswith("- it is wrong\n\nHint: look here\n")


def test_a_check_says_that_it_is_solved(run: Run, capsys: Output) -> None:
    assert run(Fake(), "check", "3", "--hint") == 0
    assert capsys.readouterr().out == "Exercise 3 is solved.\n"


def test_a_check_waits_for_what_was_just_mended(workspace: Workspace) -> None:
    assert check.wrong(Fake(looks=1), workspace, patience=5) == []


def test_a_check_waits_longer_where_a_daemon_may_have_been_started(
    run: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = Fake(looks=1)
    monkeypatch.setattr(check, "RESTARTED", 5)
    monkeypatch.setattr(exercise, "RESTARTS", True)
    assert run(exercise, "check", "3") == 0
    assert capsys.readouterr().out == "Exercise 3 is solved.\n"


def test_a_check_says_that_a_daemon_may_still_be_starting(
    run: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = Fake(looks=1)
    monkeypatch.setattr(exercise, "RESTARTS", True)
    assert run(exercise, "check", "3", "--hint") == 1
    assert capsys.readouterr().out == (
        "Exercise 3 is not solved:\n- it is wrong\n"
        "A daemon that was just started may need half a minute: ask again.\n\nHint: look here\n"
    )


def test_who_mends_2_5_or_6_may_start_a_daemon() -> None:
    assert [number for number, exercise in catalogue.EXERCISES.items() if exercise.RESTARTS] == [2, 5, 6]


@pytest.mark.parametrize(
    ("verb", "looks", "out", "beat"),
    [
        ("exercise", 0, "3. An audit", "awaiting exercise 3: its fault is being planted"),
        ("check", 0, "Exercise 3 is solved.", "awaiting exercise 3: the first look goes on"),
        ("check", 2, "Exercise 3 is solved.", "awaiting exercise 3: it is wrong"),
    ],
)
def test_what_takes_long_is_not_silent(
    run: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch, verb: str, looks: int, out: str, beat: str
) -> None:
    monkeypatch.setattr(check, "PATIENCE", 5)
    monkeypatch.setattr(progress, "PULSE", 0.01)
    monkeypatch.setattr(progress, "Console", partial(Console, silence=0))
    assert run(Fake(looks=looks, takes=0.2), verb, "3") == 0
    said = capsys.readouterr()
    assert said.out.startswith(out)
    assert beat in said.err


@pytest.mark.parametrize("verb", ["exercise", "check"])
def test_who_is_not_root_is_told(capsys: Output, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command.main([verb, "3", "--cluster", "/nonexistent.json"]) == 2
    assert "Type: sudo make" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_not_solved(run: Run, capsys: Output) -> None:
    assert run(Fake(trouble="master:50070 refuses"), "check", "3") == 1
    assert "- The cluster does not answer: OSError: master:50070 refuses.\n" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["exercise", "check"])
@pytest.mark.parametrize("number", ["0", "7", "-1", "one", ""])
def test_a_number_that_is_no_exercise_is_refused(verb: str, number: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([verb, "--", number])
    assert ended.value.code == 2
    assert "is no exercise: choose 1, 2, 3, 4, 5 or 6" in capsys.readouterr().err


# --- what a student reads


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
@pytest.mark.parametrize("number", catalogue.EXERCISES)
def test_each_story_stands_alone(number: int, language: str) -> None:
    story = catalogue.story(number, language)
    assert story.startswith(f"{number}. ")
    assert "\n## " not in story
    assert f"exercise-{number}" in story or f"kafka@{number}" in story


def test_a_story_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "DOCS", tmp_path)
    with pytest.raises(CourseError, match=r"exercises\.en\.md: No such file"):
        catalogue.story(1, "en")
    (tmp_path / "exercises.en.md").write_text("# Exercises\n\n## 2. Two\n\ntext\n")
    with pytest.raises(CourseError, match=r"no section '## 1\. '"):
        catalogue.story(1, "en")


def test_both_languages_say_the_same() -> None:
    shapes = []
    for path in DOCS.values():
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\n.*?^```$", text, re.MULTILINE | re.DOTALL)
        prose = " ".join(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split())
        code = sorted(set(re.findall(r"`([^`]+)`", prose)))
        lists = [len(re.findall("^- ", section, re.MULTILINE)) for section in text.split("\n## ")]
        shapes.append((blocks, code, lists))
    assert shapes[0][0] == shapes[1][0] != []
    assert shapes[0][1] == shapes[1][1]
    assert shapes[0][2] == shapes[1][2]


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
@pytest.mark.parametrize(
    "word",
    [
        "reassign",
        "broker.id",
        "delete-consumer-offsets",
        "/consumers",
        "du.reserved",
        "safemode leave",
        "-rm ",
        "fsck",
    ],
)
def test_no_story_gives_the_solution_away(language: str, word: str) -> None:
    assert word not in DOCS[language].read_text(encoding="utf-8")


def test_the_sample_of_4_has_its_fault() -> None:
    source = twice.SAMPLE.read_text(encoding="utf-8")
    solution = (CHECKOUT / "tests/course/solutions/4.sh").read_text(encoding="utf-8")
    found = re.search(r"s/(?P<fault>String [^/]*;)/", solution)
    assert found
    assert source.count(found["fault"]) == 1
