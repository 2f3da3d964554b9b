"""Kafka before 0.10, which a client outside the cluster can send to and read from, and little else."""

from __future__ import annotations

import shlex
import threading
from typing import TYPE_CHECKING

from smoke.services.kafka import Kafka, Record, api_version
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke import cluster


class OldKafka(Kafka):
    """Topics are made by upstream's command on a broker's machine; the brokers balance no groups.

    The admin protocol came with 0.10.1, the group protocol with 0.9.
    """

    groups = False

    def __init__(
        self,
        section: cluster.Kafka,
        description: cluster.Cluster,
        timeout: float = 20.0,
        stopping: threading.Event | None = None,
    ) -> None:
        super().__init__(section, timeout, stopping)
        self._machine = description.machines[section.brokers[0].host]
        self._zookeeper = section.zookeeper_connect

    def create_topic(self, topic: str, partitions: int, replication: int, min_insync: int) -> None:
        """Create and wait until every partition has a leader and all its replicas in sync. Raises OSError."""
        self._topics(
            *("--create", "--topic", topic, "--partitions", str(partitions)),
            *("--replication-factor", str(replication), "--config", f"min.insync.replicas={min_insync}"),
        )
        self.await_replicas(topic, partitions, replication)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic if it is there, and see that it is gone. Raises OSError."""
        with self.admin() as admin:
            if topic in admin.list_topics():
                self._topics("--delete", "--topic", topic)
            wait_until(
                lambda: topic not in admin.list_topics(), self.timeout, f"topic {topic} is still there"
            )

    def delete_group(self, group: str) -> None:
        """Nothing is left of a reader: its offsets were its own."""

    def consume(self, topic: str, group: str) -> list[Record]:  # noqa: ARG002 (see the class)
        """All records of the topic up to its present end, read by assignment."""
        return self._read(topic, None)

    def _topics(self, *words: str) -> None:
        command = shlex.join(["kafka-topics.sh", "--zookeeper", self._zookeeper, *words])
        self._machine.run(shlex.join(["bash", "-lc", command]), timeout=self.timeout)


def connect(
    section: cluster.Kafka,
    description: cluster.Cluster,
    timeout: float = 20.0,
    stopping: threading.Event | None = None,
) -> Kafka:
    """The client for brokers of this version."""
    if api_version(section.version):
        return OldKafka(section, description, timeout, stopping)
    return Kafka(section, timeout, stopping)
