"""Oracles to run around an action on a live cluster: what was acknowledged is there afterwards, once.

Each works from its ``with`` on until ``finish``, which reads everything back. Their judgement is by the pure
functions ``missing`` and ``longest_gap``.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaProducer
from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError
from kazoo.protocol.states import KazooState

from smoke.services import hdfs, kafka, zookeeper
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke.cluster import Cluster

PARTITIONS = 6


@dataclass(frozen=True)
class Verdict:
    """What became of what was acknowledged; times in seconds."""

    oracle: str
    acknowledged: int
    lost: list[Any] = field(default_factory=list)
    duplicated: list[Any] = field(default_factory=list)
    stall: float = 0.0
    """The longest time between two acknowledgements."""
    faults: list[str] = field(default_factory=list)
    """Anything else that must not be."""

    @property
    def ok(self) -> bool:
        """Something was acknowledged, and nothing is wrong with it."""
        return bool(self.acknowledged) and not (self.lost or self.duplicated or self.faults)

    def __str__(self) -> str:
        counts = {
            "acknowledged": self.acknowledged,
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
        }
        parts = [f"{count} {what}" for what, count in counts.items()]
        return f"{self.oracle}: {', '.join([*parts, f'longest stall {self.stall:.2f} s', *self.faults])}"


def missing(acknowledged: Iterable[Any], read: Collection[Any]) -> tuple[list[Any], list[Any]]:
    """What was acknowledged and not read, and what was read more than once."""
    counts = Counter(read)
    return sorted(set(acknowledged) - set(counts)), sorted(
        what for what, count in counts.items() if count > 1
    )


def longest_gap(times: Sequence[float]) -> float:
    """The longest time between two that follow each other; 0 where there are not two."""
    return max((later - earlier for earlier, later in pairwise(sorted(times))), default=0.0)


class _Working:
    """A thread that works until the oracle is told to finish."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = f"oracle-{secrets.token_hex(4)}"
        self.acknowledged: dict[Any, float] = {}
        """What was confirmed -> when, by the monotonic clock."""
        self.refused: list[str] = []
        """What was not acknowledged, and may be there or not."""
        self.faults: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.acknowledged, 60, f"{type(self).__name__}: nothing is acknowledged")
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        with contextlib.suppress(Exception):
            self.remove()

    def _end(self) -> None:
        self._stop.set()
        self._thread.join(timeout=150)
        if self._thread.is_alive():
            self.faults.append("it did not end")

    def _run(self) -> None:
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 (whatever a client raises is its verdict)
            self.faults.append(f"{type(error).__name__}: {error}")

    def finish(self) -> Verdict:
        """End, read all back, judge."""
        self._end()
        times = list(self.acknowledged.values())
        lost, duplicated = missing(self.acknowledged, self.read())
        return Verdict(
            type(self).__name__, len(times), lost, duplicated, longest_gap(times), list(self.faults)
        )

    def work(self) -> None:
        """Do things, and keep what is acknowledged, until `_stop` is set."""
        raise NotImplementedError

    def read(self) -> list[Any]:
        """All that is there now, however often."""
        raise NotImplementedError

    def remove(self) -> None:
        """Leave no trace."""
        raise NotImplementedError


class Records(_Working):
    """Numbered records, sent with acks=all by an idempotent producer. Two replicas must be in sync."""

    def __init__(self, cluster: Cluster, replication: int = 3, interval: float = 0.004) -> None:
        super().__init__(cluster)
        assert cluster.kafka
        self.client = kafka.Kafka(cluster.kafka, timeout=60)
        self.client.create_topic(self.name, PARTITIONS, replication, min_insync=min(2, replication))
        self.interval = interval
        self.options: dict[str, Any] = {
            "acks": "all",
            "enable_idempotence": True,
            "delivery_timeout_ms": 120_000,
            "max_block_ms": 120_000,
        }

    def work(self) -> None:
        assert self.cluster.kafka
        producer = KafkaProducer(
            bootstrap_servers=self.cluster.kafka.bootstrap,
            linger_ms=5,
            **self.options,
        )
        number = 0
        while not self._stop.is_set():
            future = producer.send(self.name, key=str(number % 31).encode(), value=str(number).encode())
            future.add_callback(self._keep, number)
            future.add_errback(self._refuse, number)
            number += 1
            time.sleep(self.interval)
        producer.flush(timeout=130)
        producer.close(timeout=5)

    def _keep(self, number: int, _: Any) -> None:
        self.acknowledged[number] = time.monotonic()

    def _refuse(self, number: int, error: Any) -> None:
        self.refused.append(f"{number}: {error!r}")

    def read(self) -> list[int]:
        return [int(value) for _, value in self.client.dump(self.name)]

    def remove(self) -> None:
        self.client.delete_topic(self.name)


class Session(_Working):
    """One ZooKeeper session: numbered znodes are created in it, and its ephemeral node stands throughout.

    patient: nobody serves for minutes, which no session outlives; the znodes are there all the same
    """

    def __init__(self, cluster: Cluster, interval: float = 0.05, *, patient: bool = False) -> None:
        super().__init__(cluster)
        assert cluster.zookeeper
        hosts = ",".join(f"{each.host}:{each.port}" for each in cluster.zookeeper.servers)
        self.interval, self.patient = interval, patient
        # Kazoo's own pauses between two attempts grow to an hour.
        retry = {"max_tries": -1, "max_delay": 5}
        options = {"connection_retry": retry, "command_retry": retry} if patient else {}
        self.client = KazooClient(hosts, timeout=10, **options)
        self.states: list[str] = []
        self.client.add_listener(lambda state: self.states.append(str(state)))

    def work(self) -> None:
        self.client.start(timeout=30)
        self.client.ensure_path(f"/{self.name}")
        self.client.create(f"/{self.name}/ephemeral", ephemeral=True)
        number = 0
        while not self._stop.is_set():
            self.client.retry(self._create, number)
            self.acknowledged[number] = time.monotonic()
            number += 1
            time.sleep(self.interval)

    def _create(self, number: int) -> None:
        # A retry after a lost connection finds what it had made.
        with contextlib.suppress(NodeExistsError):
            self.client.create_async(f"/{self.name}/{number}").get(timeout=1800 if self.patient else 60)

    def read(self) -> list[int]:
        # In another session: servers that know less than this one has seen would not take it.
        assert self.cluster.zookeeper
        with zookeeper.session(*self.cluster.zookeeper.servers) as reader:
            reader.sync("/")
            names = reader.get_children(f"/{self.name}") if reader.exists(f"/{self.name}") else []
        if "ephemeral" not in names and not self.patient:
            self.faults.append("the ephemeral node is gone")
        if KazooState.LOST in self.states and not self.patient:
            self.faults.append("the session was lost")
        return [int(name) for name in names if name.isdigit()]

    def remove(self) -> None:
        self.client.stop()
        self.client.close()
        assert self.cluster.zookeeper
        with zookeeper.session(*self.cluster.zookeeper.servers) as cleaner:
            cleaner.delete(f"/{self.name}", recursive=True)


class Directories(_Working):
    """Numbered directories of HDFS: each is an edit of the NameNode that JournalNodes have confirmed."""

    def __init__(self, cluster: Cluster, interval: float = 0.05) -> None:
        super().__init__(cluster)
        assert cluster.hdfs
        self.client, self.interval = hdfs.client(cluster.hdfs, "hdfs"), interval
        self.path = f"/tmp/{self.name}"

    def work(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                self.client.mkdirs(f"{self.path}/{number}", create_parent=True)
            except (OSError, RuntimeError) as error:
                # As long as no NameNode is active.
                self.refused.append(f"{number}: {error}")
            else:
                self.acknowledged[number] = time.monotonic()
            number += 1
            time.sleep(self.interval)

    def read(self) -> list[int]:
        return [int(status.path.rpartition("/")[2]) for status in self.client.list_status(self.path)]

    def remove(self) -> None:
        self.client.delete(self.path, recursive=True)


class File(_Working):
    """A file that Hadoop's own client writes on a machine all the while, and closes at the end."""

    def __init__(self, cluster: Cluster, machine: str, interval: float = 0.02) -> None:
        super().__init__(cluster)
        self.machine, self.interval = machine, interval
        self.path = f"/tmp/{self.name}"
        self.sent = hashlib.sha256()
        self.lines = 0

    def on_machine(self, command: str) -> list[str]:
        return [*self.cluster.machines[self.machine].ssh, command]

    def work(self) -> None:
        writer = subprocess.Popen(
            self.on_machine(f"hdfs dfs -put - {self.path}"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert writer.stdin
        while not self._stop.is_set():
            line = f"{self.lines:08d} {'x' * 1000}\n".encode()
            writer.stdin.write(line)
            writer.stdin.flush()
            self.sent.update(line)
            self.lines += 1
            self.acknowledged["the file"] = time.monotonic()
            time.sleep(self.interval)
        said = writer.communicate(timeout=120)[0].decode(errors="replace")
        if writer.returncode:
            self.faults.append(f"the writer ended with {writer.returncode}: {said[-1000:]}")

    def read(self) -> list[str]:
        command = self.on_machine(f"hdfs dfs -cat {self.path} | sha256sum")
        found = subprocess.check_output(command, text=True, timeout=120)
        return ["the file"] if found.split()[0] == self.sent.hexdigest() else []

    def remove(self) -> None:
        assert self.cluster.hdfs
        hdfs.client(self.cluster.hdfs, "hdfs").delete(self.path)
