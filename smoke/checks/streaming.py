"""Spark Streaming counts the words of a topic, as the course's program does: each count exact."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kazoo.exceptions import NoNodeError

from smoke.checks import CheckError, Run
from smoke.records import WORDS
from smoke.services.old_kafka import connect
from smoke.services.streaming import Stream, StreamError
from smoke.services.zookeeper import client
from smoke.verdict import Finding, word_counts
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke.cluster import Kafka, Spark, ZooKeeper
    from smoke.services.kafka import Kafka as KafkaClient

SENTENCES = 500
DISTINCT = 8
"""Words in use: a batch prints ten counts and no more, and one may be MARK's."""
MARK = "listening"
"""Sent until it is counted; no word of the sentences."""
PATIENCE = 30.0
"""Seconds for what was sent to be counted; a batch is two."""


def check(run: Run, section: Spark, kafka: Kafka, zookeeper: ZooKeeper) -> dict[str, Finding]:
    """Submit the program, send sentences once it listens, add up what its batches print."""
    topic = group = f"{run.name}-words"
    records = connect(kafka, run.cluster, stopping=run.stopping)
    run.console.awaiting("spark", "creating the topic")
    run.cleanup(f"topic {topic}", lambda: records.delete_topic(topic))
    records.create_topic(topic, partitions=1, replication=1, min_insync=1)

    machine = run.cluster.machines[section.submit_host]
    stream = Stream(machine, section, run.id, lambda text: run.console.awaiting("spark", text))
    run.cleanup(f"znode /consumers/{group}", lambda: _forget(zookeeper, group))
    run.cleanup(f"the Spark job and its directory on {section.submit_host}", stream.stop, runs=True)
    run.console.awaiting("spark", f"javac and spark-submit on {section.submit_host}")
    server = zookeeper.servers[0]
    stream.start(f"{server.host}:{server.port}", group, topic)
    try:
        _await_receiver(run, stream, records, topic)
        return {"spark streaming": _count(run, stream, records, topic)}
    except (StreamError, TimeoutError) as error:
        raise CheckError(str(error), stream.evidence()) from None


def sentences(run: str, number: int = SENTENCES) -> list[str]:
    """The same again from the same run."""
    chance = random.Random(f"{run} words")  # noqa: S311 (sentences to count, no secret)
    words = chance.sample(WORDS, DISTINCT)
    return [" ".join(chance.choices(words, k=chance.randint(1, 6))) for _ in range(number)]


def _await_receiver(run: Run, stream: Stream, records: KafkaClient, topic: str) -> None:
    # A new group begins at the end of the topic, which its receiver asks for some time after it owns the
    # partition: that it listens shows only in what it counts.
    def heard() -> bool:
        stream.alive()
        if stream.counts.batches:
            records.produce(topic, [(0, MARK.encode())])
        return stream.counts.words[MARK] > 0

    wait_until(heard, run.timeout / 2, "the stream counts nothing of what is sent", interval=0.5)


def _count(run: Run, stream: Stream, records: KafkaClient, topic: str) -> Finding:
    texts = sentences(run.id)
    run.console.awaiting("spark", f"the counts of {len(texts)} sentences")
    finding = counted(texts, stream, records, topic)
    return Finding(f"{finding.facts}, {len(texts)} sentences", finding.evidence)


def counted(texts: Sequence[str], stream: Stream, records: KafkaClient, topic: str) -> Finding:
    """Send the sentences and judge what the stream counts. Raises CheckError when it counts too few."""
    expected = Counter(word for text in texts for word in text.split(" "))
    produced = records.produce(topic, ((n, text.encode()) for n, text in enumerate(texts)))
    if len(produced.acked) != len(texts):
        raise CheckError(f"{len(produced.acked)} of {len(texts)} sentences were acknowledged")
    counts = stream.counts

    def words() -> Counter[str]:
        # A copy first: the stream's thread adds to it.
        return Counter({word: count for word, count in dict(counts.words).items() if word != MARK})

    def whole() -> bool:
        stream.alive()
        return words().total() >= expected.total()

    try:
        wait_until(whole, PATIENCE, "too few words")
        seen = counts.batches
        # What is counted twice shows in the batches that follow.
        wait_until(lambda: counts.batches >= seen + 2, PATIENCE, "no further batch")
    except TimeoutError as error:
        finding = word_counts(expected, words())
        raise CheckError(f"{finding.facts}: {error}", [*finding.evidence, *stream.evidence()]) from None
    return word_counts(expected, words())


def _forget(zookeeper: ZooKeeper, group: str) -> None:
    kazoo = client(*zookeeper.servers)
    try:
        kazoo.delete(f"/consumers/{group}", recursive=True)
    except NoNodeError:
        return
    finally:
        kazoo.stop()
        kazoo.close()
