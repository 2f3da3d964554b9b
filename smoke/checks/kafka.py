"""Records acknowledged by all replicas are read, each once: by a consumer group where brokers know groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.checks import CheckError, Run
from smoke.records import encode
from smoke.services import format_error
from smoke.services.old_kafka import connect
from smoke.verdict import Finding, acknowledgement, delivery

if TYPE_CHECKING:
    from smoke import cluster

PARTITIONS = 3


def check(run: Run, section: cluster.Kafka) -> dict[str, Finding]:
    """Create a topic, send, read back as a group, compare."""
    try:
        return _check(run, section)
    except Exception as error:
        if not run.topic.done():  # let nobody wait for records that will not come
            run.topic.set_exception(CheckError(f"no records: {format_error(error)}"))
        raise


def _check(run: Run, section: cluster.Kafka) -> dict[str, Finding]:
    topic = group = run.name
    kafka = connect(section, run.cluster, run.patience, run.stopping)
    replication = min(3, len(section.brokers))
    run.console.awaiting("kafka", "creating the topic")
    run.cleanup(f"topic {topic}", lambda: kafka.delete_topic(topic))
    kafka.create_topic(topic, PARTITIONS, replication, min_insync=max(1, replication - 1))

    run.console.awaiting("kafka", f"producing {run.records} records")
    sent = {number: encode(run.id, number) for number in range(run.records)}
    produced = kafka.produce(topic, sent.items())
    found = acknowledgement(sent, produced.acked, produced.refused)
    if not found.ok:  # what refuses records may well refuse to be read
        raise CheckError(found.facts, found.evidence)
    run.topic.set_result(produced)

    reader = "a group" if kafka.groups else "assignment"
    run.console.awaiting("kafka", f"reading the records by {reader}")
    run.cleanup(f"consumer group {group}", lambda: kafka.delete_group(group))
    consumed = kafka.consume(topic, group)
    finding = delivery(sent, produced.acked, consumed)
    if not finding.ok:
        on_broker = {number for number, _ in kafka.dump(topic)}
        finding = delivery(sent, produced.acked, consumed, on_broker)
    return {"kafka": Finding(f"{finding.facts}, read by {reader}", finding.evidence)}
