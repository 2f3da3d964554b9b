"""Smoke's gates: each judge opens on the exact state only, and names what is wrong with any other."""

from __future__ import annotations

import http.server
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import pytest
from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from smoke.cluster import Broker, Cluster, Hdfs, Peer, WebServer, Yarn, ZooKeeperServer
from smoke.cluster import Kafka as KafkaSection
from smoke.cluster import ZooKeeper as ZooKeeperSection
from smoke.console import Console
from smoke.gates import Gate, gates_of, wait_for_all
from smoke.machine import Machine
from smoke.services import Fault, hdfs, kafka, spark, yarn, zookeeper
from smoke.services.kafka import Partition
from smoke.web import WebError, get_json

LEADER = {"zk_server_state": "leader", "zk_synced_followers": "2"}
FOLLOWER = {"zk_server_state": "follower"}
ALONE = {"zk_server_state": "standalone"}


REFUSED = "mntr is not executed because it is not in the whitelist."


def led(synced: str) -> zookeeper.State:
    return {"a": FOLLOWER, "b": LEADER | {"zk_synced_followers": synced}, "c": FOLLOWER}


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"a": FOLLOWER, "b": LEADER, "c": FOLLOWER}, (True, "leader b, 2 followers synced")),
        ({"a": LEADER | {"zk_synced_followers": "1"}, "b": FOLLOWER}, (True, "leader a, 1 follower synced")),
        (led("2.0"), (True, "leader b, 2 followers synced")),
        ({"a": ALONE}, (True, "standalone")),
        ({}, (False, "no servers")),
        (led("1"), (False, "leader b: 1 of 2 followers synced")),
        (led("3"), (False, "leader b: 3 of 2 followers synced")),
        (
            {"a": FOLLOWER, "b": {"zk_server_state": "leader"}, "c": FOLLOWER},
            (False, "leader b: none of 2 followers synced"),
        ),
        ({"a": LEADER, "b": LEADER, "c": FOLLOWER}, (False, "states: follower, leader, leader")),
        ({"a": FOLLOWER, "b": FOLLOWER, "c": FOLLOWER}, (False, "states: follower, follower, follower")),
        ({"a": ALONE, "b": LEADER}, (False, "states: leader, standalone")),
        ({"a": ALONE, "b": ALONE}, (False, "states: standalone, standalone")),
        ({"a": LEADER | {"zk_synced_followers": "0"}}, (False, "states: leader")),
        ({"a": FOLLOWER, "b": "Connection refused", "c": LEADER}, (False, "b: Connection refused")),
    ],
)
def test_zookeeper(state: zookeeper.State, verdict: tuple[bool, str]) -> None:
    assert zookeeper.judge(state) == verdict


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        (
            "zk_version\t3.9.5-x, built on\nzk_server_state\tleader\nzk_synced_followers\t2\n",
            {"zk_version": "3.9.5-x, built on", "zk_server_state": "leader", "zk_synced_followers": "2"},
        ),
        ("", "an empty answer"),
        ("mntr is not executed because it is not in the whitelist.\n", REFUSED),
        ("zk_version\t3.9.5\n", "zk_version\t3.9.5"),
    ],
)
def test_zookeeper_answers(answer: str, parsed: dict[str, str] | str) -> None:
    assert zookeeper.parse_mntr(answer) == parsed


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (
            {"a": LEADER | {"zk_synced_followers": "0"}, "b": FOLLOWER, "c": "refuses"},
            (False, "leader a, 0 of 2 followers synced"),
        ),
        (
            {"a": LEADER | {"zk_synced_followers": "1"}, "b": FOLLOWER, "c": "refuses"},
            (True, "leader a, 1 of 2 followers synced"),
        ),
        (
            {"a": LEADER | {"zk_synced_followers": "1.0"}, "b": FOLLOWER, "c": "x", "d": "x"},
            (False, "leader a, 1 of 3 followers synced"),
        ),
        ({"a": FOLLOWER, "b": FOLLOWER, "c": "refuses"}, (False, "leaders: none")),
        ({"a": LEADER, "b": LEADER}, (False, "leaders: a, b")),
        ({}, (False, "leaders: none")),
    ],
)
def test_a_quorum_of_zookeeper(state: zookeeper.State, verdict: tuple[bool, str]) -> None:
    assert zookeeper.judge_quorum(state) == verdict


@pytest.mark.parametrize(
    ("state", "count", "verdict"),
    [
        ({"a": FOLLOWER, "b": "refuses", "c": "x"}, 1, (True, "1 of 3 servers serve, 1 are awaited")),
        # Who leads may be one that is no longer described.
        ({"a": FOLLOWER, "b": FOLLOWER, "c": "x"}, 2, (True, "2 of 3 servers serve, 2 are awaited")),
        ({"a": FOLLOWER, "b": LEADER, "c": "x"}, 3, (False, "2 of 3 servers serve, 3 are awaited")),
        ({"a": ALONE, "b": "refuses"}, 1, (True, "1 of 2 servers serve, 1 are awaited")),
        ({"a": LEADER, "b": LEADER, "c": FOLLOWER}, 2, (False, "states: follower, leader, leader")),
        ({"a": ALONE, "b": LEADER}, 1, (False, "states: leader, standalone")),
        ({"a": {"zk_server_state": "read-only"}}, 1, (False, "0 of 1 server serve, 1 are awaited")),
    ],
)
def test_servers_that_serve_whatever_list_each_one_knows(
    state: zookeeper.State, count: int, verdict: tuple[bool, str]
) -> None:
    assert zookeeper.judge_serving(state, count) == verdict


def test_servers_serve_when_a_session_is_opened_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[ZooKeeperServer] = []
    section = ZooKeeperSection((ZooKeeperServer("a", 2181, "zookeeper"),))

    @contextmanager
    def session(*servers: ZooKeeperServer) -> Iterator[None]:
        opened.extend(servers)
        if len(opened) > 1:
            raise OSError("no session with a:2181 within 10 s")
        yield

    monkeypatch.setattr(zookeeper, "session", session)
    monkeypatch.setattr(zookeeper, "fetch", lambda _: {"a:2181": FOLLOWER})
    cluster = Cluster("lab", "own", {}, {}, zookeeper=section)
    (gate,) = gates_of(cluster, ["zookeeper"], serving=1)
    assert gate.look() == (True, "1 of 1 server serve, 1 are awaited")
    (gate,) = gates_of(cluster, ["zookeeper"], serving=2)
    assert gate.look() == (False, "1 of 1 server serve, 2 are awaited")
    assert opened == list(section.servers)
    (gate,) = gates_of(cluster, ["zookeeper"], serving=1)
    assert gate.look() == (
        False,
        "1 of 1 server serve, 1 are awaited; no session with a:2181 within 10 s",
    )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("This ZooKeeper instance is not currently serving requests\n", True),
        ("zk_server_state\tfollower\n", True),
        (REFUSED, True),
        ("", False),
        (ConnectionRefusedError(111, "Connection refused"), False),
    ],
)
def test_a_server_that_waits_for_others_answers(
    monkeypatch: pytest.MonkeyPatch, answer: str | OSError, verdict: bool
) -> None:
    asked = []

    def word(server: ZooKeeperServer, _: str) -> str:
        asked.append(server.host)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(zookeeper, "four_letter_word", word)
    section = ZooKeeperSection(tuple(ZooKeeperServer(host, 2181, "zookeeper") for host in "ab"))
    (gate,) = gates_of(Cluster("lab", "own", {}, {}, zookeeper=section), ["zookeeper"], answering="b")
    right, sentence = gate.look()
    assert (right, asked) == (verdict, ["b"])
    assert sentence.startswith("b:2181: ")


@pytest.mark.parametrize(("shown", "says"), [("failed", "zookeeper on b has ended"), ("active", "")])
def test_a_server_that_has_ended_is_not_awaited(shown: str, says: str) -> None:
    machines = {
        host: Machine(("sh", "-c", f"echo Id=zookeeper.service; echo ActiveState={state}"), name=host)
        for host, state in (("a", "failed"), ("b", shown))
    }
    section = ZooKeeperSection(tuple(ZooKeeperServer(host, 2181, "zookeeper") for host in "ab"))
    cluster = Cluster("lab", "own", {}, machines, zookeeper=section)
    (gate,) = gates_of(cluster, ["zookeeper"], answering="b")
    assert gate.ended() == says


def test_zookeeper_is_asked_over_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        asked = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4))
                connection.sendall(b"zk_server_state\tstand")
                connection.sendall(b"alone\n")

        thread = threading.Thread(target=serve)
        thread.start()
        state = zookeeper.fetch(ZooKeeperSection((ZooKeeperServer("127.0.0.1", port, "zookeeper"),)))
        thread.join()
    assert asked == [b"mntr"]
    assert zookeeper.judge(state) == (True, "standalone")
    closed = zookeeper.fetch(ZooKeeperSection((ZooKeeperServer("127.0.0.1", port, "zookeeper"),)))
    assert closed == {f"127.0.0.1:{port}": "Connection refused"}


def broker_state(**changes: Any) -> kafka.State:
    facts: dict[str, Any] = {
        "brokers": (1, 2, 3),
        "voters": (3, 1, 2),
        "leader": 2,
        "caught_up": (1, 2, 3),
        "partitions": (Partition("t", 0, 1, (1, 2, 3), (3, 2, 1)),),
    }
    return kafka.State(**(facts | changes))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (broker_state(), (True, "3 brokers, quorum of 3, 0 under-replicated")),
        (broker_state(partitions=()), (True, "3 brokers, quorum of 3, 0 under-replicated")),
        (
            kafka.State(),
            (
                False,
                ", ".join(f"broker {n} has not registered" for n in (1, 2, 3)) + " and 2 more",
            ),
        ),
        (broker_state(unreachable={2: "Connection refused"}), (False, "broker 2: Connection refused")),
        (kafka.State(failed="KafkaTimeoutError: no answer"), (False, "KafkaTimeoutError: no answer")),
        (broker_state(brokers=(1, 2)), (False, "broker 3 has not registered")),
        (broker_state(brokers=(1, 2, 3, 4)), (False, "broker 4 is not expected")),
        (
            broker_state(brokers=(1, 2), unreachable={3: "Connection refused"}, voters=(1, 2)),
            (False, "broker 3: Connection refused, voters [1, 2], expected [1, 2, 3]"),
        ),
        (broker_state(voters=(1, 2)), (False, "voters [1, 2], expected [1, 2, 3]")),
        (broker_state(voters=()), (False, "voters [], expected [1, 2, 3]")),
        (broker_state(voters=(1, 2, 3, 3)), (False, "voters [1, 2, 3, 3], expected [1, 2, 3]")),
        (broker_state(leader=-1), (False, "no quorum leader (leader id -1)")),
        (broker_state(caught_up=(1, 2)), (False, "voter 3 has not caught up")),
        (
            broker_state(partitions=(Partition("t", 1, -1, (1, 2), ()),)),
            (
                False,
                ", ".join(
                    f"{what}: t-1 (leader -1, isr [] of [1, 2])" for what in ("offline", "under-replicated")
                ),
            ),
        ),
        (
            broker_state(partitions=(Partition("t", 0, 1, (1,), (1,)), Partition("t", 1, 2, (1, 2), (2,)))),
            (False, "under-replicated: t-1 (leader 2, isr [2] of [1, 2])"),
        ),
    ],
)
def test_kafka(state: kafka.State, verdict: tuple[bool, str]) -> None:
    assert kafka.judge(state, [1, 2, 3], [1, 2, 3]) == verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, (True, "2 brokers, quorum of 3, 0 under-replicated")),
        ({"unreachable": {12: "Connection refused"}}, (False, "controller 12: Connection refused")),
        # Its last word is of a moment ago: that nothing listens there is known at once.
        (
            {"unreachable": {12: "Connection refused"}, "caught_up": (11, 13)},
            (False, "controller 12: Connection refused"),
        ),
        ({"caught_up": (11, 13)}, (False, "voter 12 has not caught up")),
        ({"brokers": (1,)}, (False, "broker 2 has not registered")),
        (
            {"brokers": (), "unreachable": {1: "refuses", 2: "refuses", 12: "refuses"}},
            (False, "broker 1: refuses, broker 2: refuses, controller 12: refuses"),
        ),
        (
            {"brokers": (), "unreachable": {12: "refuses"}},
            (False, "controller 12: refuses, broker 1 has not registered, broker 2 has not registered"),
        ),
        ({"leader": 1}, (False, "no quorum leader (leader id 1)")),
        ({"voters": (11, 12)}, (False, "voters [11, 12], expected [11, 12, 13]")),
    ],
)
def test_kafka_with_controllers_that_are_no_brokers(
    changes: dict[str, Any], verdict: tuple[bool, str]
) -> None:
    facts: dict[str, Any] = {"brokers": (1, 2), "voters": (11, 12, 13), "leader": 13}
    facts |= {"caught_up": (11, 12, 13)} | changes
    assert kafka.judge(kafka.State(**facts), [1, 2], [11, 12, 13]) == verdict


COMMAND = "kafka-metadata-quorum.sh --bootstrap-server h:9092 remove-controller --controller-id {} "


@pytest.mark.parametrize(
    ("caught_up", "says"),
    [
        ((1, 2, 3), f"; when broker 4 has ended for good: {COMMAND.format(4)}--controller-directory-id d4"),
        # No command where the others could not do without it.
        ((1, 2, 4), ""),
    ],
)
def test_a_voter_that_is_none_of_the_inventory_is_named_with_what_removes_it(
    caught_up: tuple[int, ...], says: str
) -> None:
    state = broker_state(
        voters=(1, 2, 3, 4),
        directories=("d1", "d2", "d3", "d4"),
        caught_up=caught_up,
        bootstrap="h:9092",
        registered=(1, 2, 3, 4),
    )
    _, fault, *_ = kafka.faults(state, [1, 2, 3], [1, 2, 3])
    assert fault == Fault("voters", f"voters [1, 2, 3, 4], expected [1, 2, 3]{says}")


def test_a_broker_that_is_gone_and_registered_is_named_with_what_unregisters_it() -> None:
    state = broker_state(registered=(1, 2, 3, 4), bootstrap="h:9092")
    (fault,) = kafka.faults(state, [1, 2, 3], [1, 2, 3])
    assert fault.sentence == (
        "broker 4 is away, and not expected: kafka-cluster.sh unregister --bootstrap-server h:9092 --id 4"
    )
    assert kafka.faults(state, [1, 2, 3], [1, 2, 3], others_join=True) == []
    # Of those that are expected it is said once.
    assert len(kafka.faults(broker_state(brokers=(1, 2), registered=(1, 2, 3)), [1, 2, 3], [1, 2, 3])) == 1


def test_a_strange_controller_is_not_called_a_broker() -> None:
    state = broker_state(voters=(1, 2, 3, 11), directories=("d1", "d2", "d3", "d11"), bootstrap="h:9092")
    (fault,) = kafka.faults(state, [1, 2, 3], [1, 2, 3])
    assert "; when controller 11 has ended for good: kafka-metadata-quorum.sh" in fault.sentence


@pytest.mark.parametrize(
    ("unreachable", "verdict"),
    [
        ((), (True, "3 of 3 controllers take connections")),
        ((1, 12), (True, "2 of 3 controllers take connections")),
        ((12, 13), (False, "1 of 3 controllers take connections")),
        # A broker that votes, too, is asked where clients ask it.
        ((2, 12), (False, "1 of 3 controllers take connections")),
    ],
)
def test_brokers_start_when_a_majority_of_controllers_is_there(
    monkeypatch: pytest.MonkeyPatch, unreachable: tuple[int, ...], verdict: tuple[bool, str]
) -> None:
    section = KafkaSection(
        "4.3.0",
        (Broker(1, "h1", 9092, "kafka@1"), Broker(2, "h2", 9092, "kafka@2")),
        (2, 12, 13),
        controllers=(Broker(12, "h12", 9093, "kafka@12"), Broker(13, "h13", 9093, "kafka@13")),
    )
    monkeypatch.setattr(
        kafka, "connect_error", lambda host, *_: "refuses" if int(host[1:]) in unreachable else ""
    )
    (gate,) = gates_of(Cluster("lab", "", {}, {}, kafka=section), ["kafka"], quorum=True)
    assert gate.look() == verdict
    assert gate.units == {f"h{n}": [f"kafka@{n}"] for n in (1, 2, 12, 13)}


class Admin:
    """A cluster of three brokers, of which these do not answer."""

    def __init__(self, *silent: int) -> None:
        self.silent = silent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def describe_cluster(self) -> dict[str, Any]:
        if 0 in self.silent:
            raise KafkaTimeoutError("no metadata")
        return {"brokers": [{"broker_id": number} for number in (1, 2, 3)]}

    def get_broker_version_data(self, number: int) -> None:
        if number in self.silent:
            raise KafkaConnectionError("closed")

    def describe_topics(self) -> list[dict[str, Any]]:
        return []


@pytest.mark.parametrize(
    ("silent", "sentence"),
    [
        ((), "3 brokers, 0 under-replicated"),
        ((2, 3), "broker 2: KafkaConnectionError: closed, broker 3: KafkaConnectionError: closed"),
        ((0,), "KafkaTimeoutError: no metadata"),
    ],
)
def test_kafka_blames_the_broker_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, silent: tuple[int, ...], sentence: str
) -> None:
    monkeypatch.setattr(kafka, "unreachable_nodes", lambda *_: {})
    monkeypatch.setattr(kafka.Kafka, "admin", lambda _: Admin(*silent))
    section = KafkaSection("4.3.0", tuple(Broker(n, "h", 9092, f"kafka@{n}") for n in (1, 2, 3)))
    assert kafka.judge(kafka.fetch(section), [1, 2, 3], []) == (not silent, sentence)


def test_kafka_with_brokers_of_somebody_else() -> None:
    three = kafka.State(brokers=(0, 1, 2))
    assert kafka.judge(three, [0], []) == (False, "broker 1 is not expected, broker 2 is not expected")
    assert kafka.judge(three, [0], [], others_join=True) == (True, "1 broker, 0 under-replicated")
    lacking = kafka.judge(kafka.State(brokers=(1, 2)), [0], [], others_join=True)
    assert lacking == (False, "broker 0 has not registered")


def test_kafka_on_zookeeper_has_no_voters_to_expect() -> None:
    assert kafka.judge(broker_state(voters=(), leader=-1), [3, 2, 1], []) == (
        True,
        "3 brokers, 0 under-replicated",
    )


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("4.3.0", None),
        ("3.9.2", None),
        ("0.10.0.1", None),
        ("0.11.0.3", None),
        ("0.9.0.1", (0, 9, 0)),
        ("0.8.2.1", (0, 8, 2)),
    ],
)
def test_only_brokers_before_0_10_need_their_version_told(version: str, told: tuple[int, ...] | None) -> None:
    assert kafka.api_version(version) == told


def test_a_version_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="'latest' is no Kafka version"):
        kafka.api_version("latest")


NODES = {"NumLiveDataNodes": 3, "NumDeadDataNodes": 0, "NumStaleDataNodes": 0, "MissingBlocks": 0}
ACTIVE: dict[str, Any] = {"State": "active", "FSState": "Operational", **NODES}
STANDBY: dict[str, Any] = {**ACTIVE, "State": "standby"}
JOURNALS = {"j1": "", "j2": "", "j3": ""}


BEHIND = "477 (4 txns/240897ms behind) (will try to re-sync on next segment)"


def journals(first: str = "481", third: str = "481") -> str:
    """What a NameNode of Hadoop 3.5.0 says of three JournalNodes."""
    stream = (
        f"Writing segment beginning at txid 481. \n10.89.0.11:8485 (Written txid {first}), "
        f"10.89.0.12:8485 (Written txid 481), 10.89.0.13:8485 (Written txid {third})"
    )
    quorum = {"manager": "QJM to [10.89.0.11:8485, ...]", "stream": stream, "disabled": "false"}
    return json.dumps([quorum, {"manager": "FileJournalManager(root=/name)", "stream": "EditLogFile"}])


def judge_hdfs(nn1: Any, nn2: Any = None, journalnodes: dict[str, str] | None = None) -> tuple[bool, str]:
    nodes = {"nn1": nn1, "nn2": nn2} if nn2 else {"nn1": nn1}
    return hdfs.judge(hdfs.State(nodes, journalnodes or {}), 3)


def test_hdfs_right() -> None:
    assert judge_hdfs(ACTIVE) == (True, "nn1 active, 3 DataNodes, safe mode off")
    sentence = "nn2 active, 1 standby, 3 DataNodes, safe mode off, 3 JournalNodes"
    assert judge_hdfs(STANDBY, ACTIVE, JOURNALS) == (True, sentence)


def test_hdfs_without_a_namenode() -> None:
    assert hdfs.judge(hdfs.State({}, {}), 3) == (False, "NameNodes: none")


@pytest.mark.parametrize(
    ("nn1", "nn2", "sentence"),
    [
        ({}, None, "NameNodes: nn1 None, nn1: None, None of 3 DataNodes live"),
        (STANDBY, None, "NameNodes: nn1 standby"),
        (ACTIVE, ACTIVE, "NameNodes: nn1 active, nn2 active"),
        (STANDBY, STANDBY, "NameNodes: nn1 standby, nn2 standby"),
        (ACTIVE, "millrace-2:9870 refuses", "millrace-2:9870 refuses"),
        (
            ACTIVE | {"FSState": "safeMode", "NumLiveDataNodes": 1},
            None,
            "nn1: safeMode, 1 of 3 DataNodes live",
        ),
        (ACTIVE | {"MissingBlocks": 2}, STANDBY, "nn1: 2 missing blocks"),
        (ACTIVE | {"Lacking": ["/a", "/b"]}, STANDBY, "nn1: 2 files with too few replicas: /a, /b"),
        (ACTIVE | {"VolumeFailuresTotal": 1}, STANDBY, "nn1: 1 disk of DataNodes failed"),
        (ACTIVE, STANDBY | {"FailedNames": ["/d2"]}, "nn2: /d2 of its image failed"),
        (
            ACTIVE | {"Late": ["c:8480"]},
            STANDBY,
            "nn1: JournalNode c:8480 takes part from the next segment of edits on",
        ),
    ],
)
def test_hdfs_wrong(nn1: Any, nn2: Any, sentence: str) -> None:
    assert judge_hdfs(nn1, nn2) == (False, sentence)


@pytest.mark.parametrize(
    ("live", "dead", "stale"), [(2, 0, 0), (4, 0, 0), (3, 1, 0), (3, 0, 1), (None, None, None)]
)
def test_hdfs_expects_its_datanodes_exactly_on_every_namenode(live: Any, dead: Any, stale: Any) -> None:
    counts = {"NumLiveDataNodes": live, "NumDeadDataNodes": dead, "NumStaleDataNodes": stale}
    seen = f"DataNodes {live} live, {dead} dead, {stale} stale, expected 3 live"
    assert judge_hdfs(ACTIVE | counts) == (False, f"nn1: {seen}")
    assert judge_hdfs(ACTIVE, STANDBY | counts) == (False, f"nn2: {seen}")


def test_hdfs_needs_every_journalnode() -> None:
    assert judge_hdfs(ACTIVE, STANDBY, JOURNALS | {"j2": "j2 is silent"}) == (False, "j2 is silent")


def fsck(path: str, target: int, there: int) -> str:
    """A line as Hadoop 3.5.0 wrote it."""
    return (
        f"\n{path}:  Under replicated BP-298271466-10.89.0.11-1795999569066:blk_1073741871_1047. Target "
        f"Replicas is {target} but found {there} live replica(s), 0 decommissioned replica(s), 0 "
        "decommissioning replica(s).\n"
    )


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        ('{"failed":{"/d2":"IMAGE_AND_EDITS"},"active":{"/d1":"IMAGE_AND_EDITS"}}', ["/d2"]),
        ('{"failed":{},"active":{"/d1":"IMAGE_AND_EDITS"}}', []),
        ("", []),
        ("[]", []),
        ("{}", []),
    ],
)
def test_a_directory_of_an_image_that_failed(status: str, failed: list[str]) -> None:
    assert hdfs.failed_names(status) == failed


@pytest.mark.parametrize(
    ("status", "hosts"),
    [
        ('{"c:9866":{"lastContact":98},"b.lab:9866":{"lastContact":61}}', ["b.lab", "c"]),
        ("{}", []),
        ("", []),
        ("[]", []),
        ("3", []),
    ],
)
def test_datanodes_that_were_given_up(status: str, hosts: list[str]) -> None:
    assert hdfs.given_up(status) == hosts


def test_files_whose_replicas_are_not_spread_as_the_policy_wants() -> None:
    violated = "\n/a b:  Replica placement policy is violated for BP-1:blk_1_1. Block should be additionally "
    report = f"....{violated}{violated}" + fsck("/c", 3, 2)
    assert hdfs.misplaced(report) == ["/a b"]
    assert hdfs.misplaced(fsck("/a", 3, 2)) == []


OLD = "\n/o:  Under replicated BP-1:blk_1_1. Target Replicas is 3 but found 1 replica(s).\n"
"""As Hadoop 2 wrote it."""


@pytest.mark.parametrize(
    ("report", "datanodes", "files"),
    [
        ("Status: HEALTHY\n Under-replicated blocks:\t0 (0.0 %)\n", 3, []),
        (fsck("/a b", 3, 2), 3, ["/a b"]),
        (fsck("/a", 3, 2) + fsck("/a", 3, 1) + fsck("/b", 3, 2), 3, ["/a", "/b"]),
        # MapReduce asks for ten replicas of a job's files.
        (fsck("/job.jar", 10, 3), 3, []),
        (fsck("/job.jar", 10, 2), 3, ["/job.jar"]),
        (fsck("/a", 3, 2), 2, []),
        (OLD, 3, ["/o"]),
    ],
)
def test_files_with_fewer_replicas_than_the_datanodes_could_hold(
    report: str, datanodes: int, files: list[str]
) -> None:
    assert hdfs.lacking(report, datanodes) == files


@pytest.mark.parametrize(
    ("state", "blocks", "asked"), [("active", 0, False), ("standby", 1, False), ("active", 1, True)]
)
def test_fsck_is_asked_only_where_blocks_lack_replicas(state: str, blocks: int, asked: bool) -> None:
    facts = {"State": state, "UnderReplicatedBlocks": blocks, "NumLiveDataNodes": 3}
    report = fsck("/a", 3, 2) + "\n/b:  Replica placement policy is violated for BP-1:blk_1_1.\n"
    with web(jmx=(200, {"beans": [facts]}), fsck=(200, report.encode())) as port:
        section = Hdfs(
            "hdfs://a", (Peer("127.0.0.1", port, "hdfs-namenode", id="nn1"),), ("a", "b", "c"), {}, ()
        )
        answer = hdfs.fetch(section).namenodes["nn1"]
    assert isinstance(answer, dict)
    assert answer.get("Lacking") == (["/a"] if asked else None)
    assert answer.get("Misplaced") == (["/b"] if asked else None)


@pytest.mark.parametrize(
    ("status", "late"),
    [
        ("", []),
        ("[]", []),
        ('{"stream": 1}', []),
        ('[{"stream": "open for read"}]', []),
        ('[{"manager": "x"}]', []),
        (journals(), []),
        (journals("477 (4 txns/240897ms behind)"), []),
        (journals(BEHIND), ["10.89.0.11:8485"]),
        (journals(third=BEHIND), ["10.89.0.13:8485"]),
        (journals(third="481 (will try to re-sync on next segment)"), ["10.89.0.13:8485"]),
        (journals(BEHIND, BEHIND), ["10.89.0.11:8485", "10.89.0.13:8485"]),
    ],
)
def test_journalnodes_that_are_left_out_until_the_next_segment(status: str, late: list[str]) -> None:
    assert hdfs.left_out(status) == late
    facts = {"State": "active", "NameJournalStatus": status}
    with web(jmx=(200, {"beans": [facts]})) as port:
        node = Peer("127.0.0.1", port, "hdfs-namenode", id="nn1")
        known = WebServer("127.0.0.1", 8480, "hdfs-journalnode")
        answer = hdfs.fetch(Hdfs("hdfs://a", (node,), (), {}, (known,))).namenodes["nn1"]
    assert isinstance(answer, dict)
    assert answer["Late"] == late


def test_a_journalnode_that_is_late_is_told_by_the_place_of_its_page() -> None:
    late = '[{"stream": "127.0.0.1:8485 (Written txid 4) (will try to re-sync on next segment)"}]'
    with web(jmx=(200, {"beans": [{"State": "active", "NameJournalStatus": late}]})) as port:
        node = Peer("127.0.0.1", port, "hdfs-namenode", id="nn1")
        known = WebServer("localhost", 8480, "hdfs-journalnode")
        nowhere = WebServer("no-such-host.invalid", 8480, "hdfs-journalnode")
        answer = hdfs.fetch(Hdfs("hdfs://a", (node,), (), {}, (nowhere, known))).namenodes["nn1"]
    assert isinstance(answer, dict)
    assert answer["Late"] == ["localhost:8480"]


def test_hdfs_needs_every_failover_controller() -> None:
    nodes: dict[str, hdfs.NameNode | str] = {"nn1": ACTIVE, "nn2": STANDBY}
    there = hdfs.State(nodes, JOURNALS, {"h1:8019": "", "h2:8019": ""})
    assert hdfs.judge(there, 3)[1].endswith(", 3 JournalNodes, 2 failover controllers")
    dead = hdfs.State(nodes, JOURNALS, {"h1:8019": "", "h2:8019": "Connection refused"})
    assert hdfs.judge(dead, 3) == (False, "failover controller h2:8019: Connection refused")


@pytest.mark.parametrize(
    ("beans", "wrong"),
    [
        ([{"JournalsStatus": '{"lab":{"Formatted":"true"}}'}], ""),
        ([{"JournalsStatus": '{"lab":{"Formatted":"false"}}'}], "j1: the journal lab is not formatted"),
        ([{"JournalsStatus": '{"other":{"Formatted":"true"}}'}], "j1: the journal lab is not formatted"),
        ([{"JournalsStatus": "{}"}], "j1: the journal lab is not formatted"),
        ([{"JournalsStatus": ""}], "j1 has no JournalsStatus"),
        ([{"JournalsStatus": "[]"}], "j1 has no JournalsStatus"),
        ([{}], "j1 has no JournalsStatus"),
        ([], "j1 has no JournalsStatus"),
    ],
)
def test_a_journalnode_holds_the_journal(beans: list[dict[str, Any]], wrong: str) -> None:
    assert hdfs.journal("j1", beans, "lab") == wrong


def test_hdfs_is_asked_for_journals_and_failover_controllers_where_there_are_two_namenodes() -> None:
    status = {"beans": [{"JournalsStatus": '{"lab":{"Formatted":"true"}}'}]}
    with web(jmx=(200, status)) as port, socket.create_server(("127.0.0.1", 0)) as zkfc:
        nodes = tuple(Peer("127.0.0.1", port, "hdfs-namenode", id=name) for name in ("nn1", "nn2"))
        journals = (WebServer("127.0.0.1", port, "hdfs-journalnode"),)
        listening = zkfc.getsockname()[1]
        client = {"dfs.nameservices": "lab"}
        section = Hdfs("hdfs://lab", nodes, (), client, journals, zkfc_port=listening)
        state = hdfs.fetch(section)
        assert state.journalnodes == {f"127.0.0.1:{port}": ""}
        assert state.zkfcs == {f"127.0.0.1:{listening}": ""}
        plain = hdfs.fetch(replace(section, namenodes=nodes[:1], journalnodes=()))
        assert (plain.journalnodes, plain.zkfcs) == ({}, {})
    assert hdfs.fetch(section).zkfcs == {f"127.0.0.1:{listening}": "Connection refused"}


@pytest.mark.parametrize(
    ("beans", "wrong"),
    [
        ([{"NamenodeAddresses": '{"a":"BP-1","b":"BP-1"}'}], ""),
        ([{"NamenodeAddresses": '{"a":null}'}], "d1: the DataNode has not registered"),
        ([{"NamenodeAddresses": "{}"}], "d1: the DataNode has not registered"),
        ([{"NamenodeAddresses": "[]"}], "d1 has no NamenodeAddresses"),
        ([{}], "d1 has no NamenodeAddresses"),
        ([], "d1 has no NamenodeAddresses"),
    ],
)
def test_a_datanode_has_registered(beans: list[dict[str, Any]], wrong: str) -> None:
    assert hdfs.registered("d1", beans) == wrong


def test_hdfs_needs_every_datanode_and_the_secondary_to_answer() -> None:
    there = hdfs.State({"nn1": ACTIVE}, {}, {}, dict.fromkeys(("d1", "d2", "d3"), ""), {"s": ""})
    assert hdfs.judge(there, 3) == (True, "nn1 active, 3 DataNodes, safe mode off, SecondaryNameNode")
    assert hdfs.judge(replace(there, datanodes={"d1": "d1 refuses"}), 3) == (False, "d1 refuses")
    assert hdfs.judge(replace(there, secondary={"s": "s refuses"}), 3) == (False, "s refuses")


def test_hdfs_is_asked_for_datanodes_and_the_secondary() -> None:
    with web(jmx=(200, {"beans": [{"NamenodeAddresses": '{"a":"BP-1"}'}]})) as port:
        place = f"127.0.0.1:{port}"
        node = Peer("127.0.0.1", port, "hdfs-namenode", id="nn1")
        secondary = WebServer("127.0.0.1", port, "hdfs-secondarynamenode")
        section = Hdfs(
            "hdfs://a:8020", (node,), ("127.0.0.1",), {}, datanode_http_port=port, secondarynamenode=secondary
        )
        state = hdfs.fetch(section)
        assert (state.datanodes, state.secondary) == ({place: ""}, {place: ""})
    state = hdfs.fetch(section)
    refuses = {place: f"{place} refuses"}
    assert (state.datanodes, state.secondary) == (refuses, refuses)


def test_hdfs_block_locations() -> None:
    answer = {
        "LocatedBlocks": {
            "locatedBlocks": [{"locations": [{"hostName": "b"}, {"hostName": "a"}]}, {"locations": []}]
        }
    }
    assert hdfs.parse_block_locations(answer) == [["a", "b"], []]
    with pytest.raises(WebError, match="no block locations"):
        hdfs.parse_block_locations({"RemoteException": {"message": "File does not exist"}})
    with pytest.raises(WebError, match="no block locations"):
        hdfs.parse_block_locations(None)


RM_ACTIVE = {"haState": "ACTIVE", "activeNodes": 3, "unhealthyNodes": 0}
RM_STANDBY = {"haState": "STANDBY"}


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"rm1": RM_STANDBY, "rm2": RM_ACTIVE}, (True, "rm2 active, 1 standby, 3 NodeManagers")),
        ({"rm1": RM_ACTIVE}, (True, "rm1 active, 3 NodeManagers")),
        ({}, (False, "ResourceManagers: none")),
        ({"rm1": {}}, (False, "ResourceManagers: rm1 None")),
        ({"rm1": {"haState": "INITIALIZING"}}, (False, "ResourceManagers: rm1 INITIALIZING")),
        ({"rm1": RM_ACTIVE, "rm2": RM_ACTIVE}, (False, "ResourceManagers: rm1 ACTIVE, rm2 ACTIVE")),
        ({"rm1": RM_STANDBY, "rm2": RM_STANDBY}, (False, "ResourceManagers: rm1 STANDBY, rm2 STANDBY")),
        ({"rm1": RM_ACTIVE, "rm2": "h:8088 refuses"}, (False, "h:8088 refuses")),
        ({"rm1": RM_ACTIVE | {"activeNodes": 4}}, (False, "rm1: 4 active NodeManagers, expected 3")),
        (
            {"rm1": RM_ACTIVE | {"activeNodes": 2, "unhealthyNodes": 1}},
            (False, "rm1: 2 active NodeManagers, 1 unhealthy, expected 3"),
        ),
        ({"rm1": {"haState": "ACTIVE"}}, (False, "rm1: None active NodeManagers, expected 3")),
    ],
)
def test_yarn(state: yarn.State, verdict: tuple[bool, str]) -> None:
    assert yarn.judge(state, dict.fromkeys(("h1", "h2", "h3"), "")) == verdict


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ((200, {"nodeInfo": {"nodeHealthy": True, "healthReport": ""}}), ""),
        (
            (200, {"nodeInfo": {"nodeHealthy": False, "healthReport": "1/1 local-dirs"}}),
            ": not healthy: 1/1 local-dirs",
        ),
        ((200, {}), " answers without nodeInfo"),
        ((503, {}), " answers 503 Service Unavailable"),
    ],
)
def test_every_nodemanager_says_that_it_is_healthy(answer: tuple[int, Any], wrong: str) -> None:
    with web(**{"ws/v1/node/info": answer}) as port:
        place = f"127.0.0.1:{port}"
        found = yarn.fetch_nodes(Yarn((), ("127.0.0.1",), nodemanager_http_port=port))
    assert found == {place: wrong and place + wrong}
    good, said = yarn.judge({"rm1": RM_ACTIVE | {"activeNodes": 1}}, found)
    assert (good, said) == ((True, "rm1 active, 1 NodeManager") if not wrong else (False, place + wrong))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"historyInfo": {"hadoopVersion": "3.5.0"}}, (True, "answers, Hadoop 3.5.0")),
        ({}, (False, "answers without historyInfo")),
        ({"historyInfo": None}, (False, "answers without historyInfo")),
        ("h:19888 refuses", (False, "h:19888 refuses")),
    ],
)
def test_mapreduce_history(state: Any, verdict: tuple[bool, str]) -> None:
    assert yarn.judge_history(state) == verdict


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"spark": "4.2.0"}, (True, "answers, Spark 4.2.0")),
        ({}, (False, "answers without a version")),
        ("h:18080 is silent", (False, "h:18080 is silent")),
    ],
)
def test_spark_history(state: Any, verdict: tuple[bool, str]) -> None:
    assert spark.judge_history(state) == verdict


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path: what a test's server says."""

    answers: dict[str, tuple[int, bytes]]

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path.partition("?")[0], (404, b""))
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name upstream)
        """Say nothing."""


@contextmanager
def web(**answers: tuple[int, Any]) -> Iterator[int]:
    table = {
        "/" + path: (status, body if isinstance(body, bytes) else json.dumps(body).encode())
        for path, (status, body) in answers.items()
    }
    handler = type("Answers", (Handler,), {"answers": table})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def test_web_answers_and_refusals() -> None:
    with web(ok=(200, {"a": 1}), moved=(307, {}), broken=(503, {})) as port:
        assert get_json("127.0.0.1", port, "/ok") == {"a": 1}
        with pytest.raises(WebError, match=f"127.0.0.1:{port} answers 307 Temporary Redirect"):
            get_json("127.0.0.1", port, "/moved")  # not followed
        with pytest.raises(WebError, match="answers 503"):
            get_json("127.0.0.1", port, "/broken")
    with pytest.raises(WebError, match=f"127.0.0.1:{port} refuses"):
        get_json("127.0.0.1", port, "/ok")


def test_web_without_json_or_answer() -> None:
    handler = type("Answers", (Handler,), {"answers": {"/page": (200, b"<html>")}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(WebError, match="answers no JSON"):
            get_json("127.0.0.1", server.server_address[1], "/page")
        server.shutdown()
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(WebError, match="is silent"):
        get_json("127.0.0.1", deaf.getsockname()[1], "/", timeout=0.1)


def test_a_standby_resourcemanager_is_not_asked_for_nodes() -> None:
    info = {"clusterInfo": {"haState": "STANDBY"}}
    with web(**{"ws/v1/cluster/info": (200, info), "ws/v1/cluster/metrics": (307, {})}) as port:
        section = Yarn((Peer("127.0.0.1", port, "yarn-resourcemanager", id="rm1"),), ())
        assert yarn.fetch(section) == {"rm1": {"haState": "STANDBY"}}
        assert yarn.states(section) == {"rm1": "standby"}


def test_a_resourcemanager_that_answers_something_else_is_told() -> None:
    with web(**{"ws/v1/cluster/info": (200, [])}) as port:
        section = Yarn((Peer("127.0.0.1", port, "yarn-resourcemanager", id="rm1"),), ())
        assert yarn.fetch(section) == {"rm1": f"127.0.0.1:{port} answers without the facts"}


def test_gates_open_together_and_say_so() -> None:
    answers = iter([(False, "1 of 2"), (True, "2 of 2")])
    stream = io.StringIO()
    gates = [Gate("late", lambda: next(answers), {}), Gate("early", lambda: (True, "there"), {})]
    assert wait_for_all(gates, 5, Console(stream)) == []
    lines = [re.sub(r" +[\d.]+ s$", "", line) for line in stream.getvalue().splitlines()]
    assert lines == ["early  there", "late   2 of 2"]


def test_a_gate_that_stays_closed_is_returned_with_its_last_state() -> None:
    stream = io.StringIO()
    shut = Gate("hdfs", lambda: (False, "nn1: safeMode"), {})
    (closed,) = wait_for_all([shut, Gate("kafka", lambda: (True, "fine"), {})], 0.3, Console(stream))
    assert (closed.gate, closed.reason) == (shut, "nn1: safeMode (waited 0.3 s)")
    assert "hdfs   FAILED: nn1: safeMode (waited 0.3 s)" in stream.getvalue()


def test_a_gate_with_a_fault_of_its_own_is_closed_and_stops_no_other() -> None:
    def look() -> tuple[bool, str]:
        raise KeyError("surprise")

    stream = io.StringIO()
    (closed,) = wait_for_all(
        [Gate("bad", look, {}), Gate("good", lambda: (True, "fine"), {})], 5, Console(stream)
    )
    assert "KeyError: 'surprise'" in closed.reason
    assert "good  fine" in stream.getvalue()


@pytest.mark.parametrize("service", ["zookeeper", "kafka", "yarn"])
def test_servers_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """A machine that is gone keeps its own question for seconds, and no other."""
    together, hosts = threading.Barrier(3, timeout=5), ("a", "b", "c")

    def meet(*_: Any, **__: Any) -> Any:
        together.wait()
        raise WebError("is silent")

    def say(*words: Any) -> str:
        together.wait()
        return "is silent"

    monkeypatch.setattr(zookeeper, "four_letter_word", meet)
    monkeypatch.setattr(kafka, "connect_error", say)
    monkeypatch.setattr(yarn, "get_json", meet)
    questions: dict[str, Callable[[], Mapping[Any, Any]]] = {
        "zookeeper": lambda: zookeeper.fetch(
            ZooKeeperSection(tuple(ZooKeeperServer(host, 2181, "zookeeper") for host in hosts))
        ),
        "kafka": lambda: kafka.unreachable_nodes(
            KafkaSection("4.3.0", tuple(Broker(n, host, 9092, "kafka") for n, host in enumerate(hosts))), 1
        ),
        "yarn": lambda: yarn.fetch(Yarn(tuple(Peer(host, 8088, "rm", id=host) for host in hosts), ())),
    }
    assert list(questions[service]().values()) == ["is silent"] * 3
