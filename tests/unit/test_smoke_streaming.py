"""Brokers before 0.10 and the streaming word count: commands, counts, verdicts; the machine is this one."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as command
from smoke.checks import CheckError, Run, streaming
from smoke.cluster import Broker, Cluster, Kafka, Spark, ZooKeeper, ZooKeeperServer
from smoke.console import Console
from smoke.gates import gates_of
from smoke.machine import Machine
from smoke.services import streaming as service
from smoke.services.kafka import Produced
from smoke.services.old_kafka import OldKafka, connect
from smoke.services.streaming import Counts, Stream, StreamError
from smoke.verdict import Finding
from smoke.wait import wait_until

OLD = Kafka("0.8.2.1", (Broker(0, "master", 9092, "kafka@0"),), zookeeper_connect="localhost:2181")
NEWER = Kafka("0.10.2.2", (Broker(10, "master", 9095, "kafka@10"),))
SPARK = Spark("master", "/opt/spark", "spark", "/user/spark")
ZOOKEEPER = ZooKeeper((ZooKeeperServer("master", 2181, "zookeeper"),))


def cluster(machine: Machine, kafka: Kafka = OLD) -> Cluster:
    return Cluster("course", "course", {}, {"master": machine}, ZOOKEEPER, kafka, spark=SPARK)


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Machine]:
    """This machine, with these commands in front of its PATH."""

    def make(**commands: str) -> Machine:
        (tmp_path / "bin").mkdir()
        for name, text in commands.items():
            tool = tmp_path / "bin" / name.replace("_", "-")
            tool.write_text(f"#!/bin/sh\n{text}\n")
            tool.chmod(0o755)
        return Machine(("sh", "-c", f'PATH={tmp_path}/bin:$PATH; eval "$*"', "ssh"), name="master")

    return make


def test_the_client_fits_the_brokers() -> None:
    here = cluster(Machine(("true",)))
    assert isinstance(connect(OLD, here), OldKafka)
    assert not isinstance(connect(NEWER, here), OldKafka)
    assert not connect(OLD, here).groups


def test_a_topic_is_made_by_upstreams_command(
    machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = cluster(machine(bash=f'shift; echo "$*" > {tmp_path}/said'))
    kafka = OldKafka(OLD, here)
    awaited: list[tuple[Any, ...]] = []
    monkeypatch.setattr(kafka, "await_replicas", lambda *facts: awaited.append(facts))
    kafka.create_topic("t", partitions=3, replication=1, min_insync=1)
    assert (tmp_path / "said").read_text().strip() == (
        "kafka-topics.sh --zookeeper localhost:2181 --create --topic t --partitions 3 "
        "--replication-factor 1 --config min.insync.replicas=1"
    )
    assert awaited == [("t", 3, 1)]


def test_a_topic_that_is_refused_is_told(machine: Callable[..., Machine]) -> None:
    kafka = OldKafka(OLD, cluster(machine(bash="echo replication factor: 4 larger; exit 1")))
    with pytest.raises(OSError, match="master: replication factor: 4 larger"):
        kafka.create_topic("t", partitions=1, replication=4, min_insync=1)


def test_a_standalone_broker_has_a_gate_of_its_own() -> None:
    section = Kafka(OLD.version, OLD.brokers, zookeeper_connect="z", standalone=(NEWER,))
    gates = gates_of(cluster(Machine(("true",)), section), ["kafka"])
    assert [gate.name for gate in gates] == ["kafka", "kafka 0.10.2.2"]
    assert gates[1].units == {"master": ["kafka@10"]}
    assert section.units == {"master": ["kafka@0", "kafka@10"]}


def test_old_brokers_are_proved_by_the_stream() -> None:
    here = cluster(Machine(("true",)))
    assert [check.name for check in command.checks_of(here, quick=False)] == ["spark", "zookeeper", "kafka"]
    assert [check.name for check in command.checks_of(here, quick=True)] == ["zookeeper", "kafka"]


def test_counts_of_all_batches_are_added_up() -> None:
    counts = Counts()
    for line in [
        *("-" * 43, "Time: 1520287444000 ms", "-" * 43, ""),
        *("Time: 1520287448000 ms", "(hello,2)", "(zookeeper!,1)", "(,1)", "((a,b),3)", "WARN (x,1) y"),
        *("Time: 1520287450000 ms", "(hello,1)"),
    ]:
        counts.take(line)
    assert counts.words == {"hello": 3, "zookeeper!": 1, "": 1, "(a,b)": 3}
    assert counts.batches == 3


def test_a_batch_can_print_all_words_of_the_sentences() -> None:
    words = Counter(word for text in streaming.sentences("id") for word in text.split(" "))
    assert len({*words, streaming.MARK}) == streaming.DISTINCT + 1 <= 10
    assert streaming.sentences("id") == streaming.sentences("id") != streaming.sentences("other")


COMPILED = {
    "install": 'for last; do :; done\nexec mkdir -p "$last"',
    "runuser": 'while [ "$1" != -c ]; do shift; done\nexec sh -c "$2"',
    "javac": "test -s SparkKafkaWordCount.java",
    "jar": "touch job.jar",
}


@pytest.fixture
def stream(machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Stream on this machine, whose source is a file and whose spark-submit is a shell script."""
    monkeypatch.setattr(service, "SOURCE", tmp_path / "SparkKafkaWordCount.java")
    service.SOURCE.write_text("class SparkKafkaWordCount {}\n")

    def make(submit: str, **commands: str) -> Stream:
        made = Stream(machine(**COMPILED | commands, spark_submit=submit), SPARK, "id", lambda _: None)
        monkeypatch.setattr(made, "_directory", str(tmp_path / "job"))
        return made

    return make


def test_the_stream_is_compiled_submitted_and_heard(stream: Any, tmp_path: Path) -> None:
    made = stream('echo "$*" >&2; echo "Time: 1 ms"; echo "(mill,2)"; exec sleep 60')
    made.start("master:2181", "g", "t")
    wait_until(lambda: made.counts.words, 10, "no counts")
    made.alive()
    said = next(line for line in made.evidence() if "--class" in line)
    assert "--class tn.insat.tp3.SparkKafkaWordCount --master local[2]" in said
    assert said.endswith(f"{tmp_path}/job/job.jar master:2181 g t 1")
    made.stop()
    assert made.counts.words == {"mill": 2}
    assert not (tmp_path / "job").exists()


def test_nothing_of_the_stream_stays_in_tmp(stream: Any, tmp_path: Path) -> None:
    made = stream('echo "$SPARK_SUBMIT_OPTS" >&2; exec sleep 60')
    made.start("master:2181", "g", "t")
    wait_until(lambda: f"-Djava.io.tmpdir={tmp_path}/job" in made.evidence(), 10, "it is told no directory")
    made.stop()


@pytest.mark.parametrize(
    ("submit", "commands", "status", "last"),
    [
        ("echo no such class >&2; exit 7", {}, 7, "no such class"),
        ("exec sleep 60", {"javac": "echo cannot find symbol >&2; exit 1"}, 1, "cannot find symbol"),
    ],
)
def test_a_stream_that_ends_is_told(
    stream: Any, tmp_path: Path, submit: str, commands: dict[str, str], status: int, last: str
) -> None:
    made = stream(submit, **commands)
    made.start("master:2181", "g", "t")
    with pytest.raises(StreamError, match=f"spark-submit ended with status {status}") as ended:
        wait_until(made.alive, 10, "it does not end")
    wait_until(lambda: last in made.evidence(), 5, "it said nothing")
    made.stop()
    assert ended.value.evidence[0] == "== last lines of spark-submit"
    assert not (tmp_path / "job").exists()


class Batches(Counts):
    """Counts in which each look finds one batch more."""

    @property
    def batches(self) -> int:
        self._batches += 1
        return self._batches

    @batches.setter
    def batches(self, number: int) -> None:
        self._batches = number


class Listening:
    """Stands for a stream that has these counts."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts

    def alive(self) -> None:
        """It is."""

    def evidence(self) -> list[str]:
        return ["its last lines"]


class Acknowledging:
    """Stands for brokers that take everything."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost

    def produce(self, topic: str, records: Any) -> Produced:
        return Produced(acked={n: (0, n) for n, _ in list(records)[self.lost :]})


def counted(more: dict[str, int], lost: int = 0) -> Finding:
    """What the check says of a stream that counted these words more than were sent."""
    run = Run("id", cluster(Machine(("true",))), Console(io.StringIO()), records=1, timeout=5)
    sent = Counter(word for text in streaming.sentences("id") for word in text.split(" "))
    counts = Batches()
    counts.words = sent + Counter(more)
    return streaming._count(run, Listening(counts), Acknowledging(lost), "t")  # type: ignore[arg-type]


def test_the_stream_counts_exactly() -> None:
    assert counted({}).ok


def test_a_word_counted_twice_is_named() -> None:
    word = streaming.sentences("id")[0].split(" ")[0]
    finding = counted({word: 1})
    assert not finding.ok
    assert finding.evidence[0].startswith(f"{word}: counted ")


def test_a_word_that_is_not_counted_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PATIENCE", 0.2)
    word = streaming.sentences("id")[0].split(" ")[0]
    with pytest.raises(CheckError, match="1 differ from the local count: too few words") as failed:
        counted({word: -1})
    assert failed.value.evidence[0].startswith(f"{word}: counted ")


def test_sentences_that_no_broker_took_fail_the_check() -> None:
    with pytest.raises(CheckError, match="499 of 500 sentences were acknowledged"):
        counted({}, lost=1)


class Late(Acknowledging):
    """Brokers whose reader begins behind what they took first, in so many times."""

    def __init__(self, late: int) -> None:
        super().__init__()
        self.late = late
        self.counts = Batches()
        self.counts.batches = 1

    def produce(self, topic: str, records: Any) -> Produced:
        texts = [(n, text.decode()) for n, text in records]
        if self.late > 0:
            self.late -= 1
        else:
            self.counts.words.update(word for _, text in texts for word in text.split(" "))
        return super().produce(topic, texts)


def test_sentences_are_sent_once_the_receiver_reads() -> None:
    run = Run("id", cluster(Machine(("true",))), Console(io.StringIO()), records=1, timeout=10)
    records = Late(2)
    stream = Listening(records.counts)
    streaming._await_receiver(run, stream, records, "t")  # type: ignore[arg-type]
    assert streaming._count(run, stream, records, "t").ok  # type: ignore[arg-type]


def test_a_receiver_that_reads_nothing_is_told() -> None:
    run = Run("id", cluster(Machine(("true",))), Console(io.StringIO()), records=1, timeout=1)
    records = Late(99)
    with pytest.raises(TimeoutError, match="the stream counts nothing of what is sent"):
        streaming._await_receiver(run, Listening(records.counts), records, "t")  # type: ignore[arg-type]
