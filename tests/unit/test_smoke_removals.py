"""May a daemon be removed for good: nothing is left that only it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import gates
from smoke.cluster import Broker, Hdfs, Kafka, Peer, WebServer, Yarn, ZooKeeper, ZooKeeperServer
from smoke.gates import Part
from smoke.services import Fault, hdfs, kafka, yarn, zookeeper
from smoke.services.kafka import Partition
from smoke.web import WebError
from tests.unit.smoke_lab import LAB, write


def said(faults: list[Fault]) -> list[str]:
    return [fault.sentence for fault in faults]


@pytest.mark.parametrize(("count", "against"), [(1, ["the server on a is the only one"]), (2, []), (3, [])])
def test_the_only_server_of_zookeeper_stays(count: int, against: list[str]) -> None:
    servers = tuple(ZooKeeperServer(host, 2181, "zookeeper") for host in "abc"[:count])
    assert said(zookeeper.against_removal(ZooKeeper(servers), "a")) == against


@pytest.mark.parametrize(
    ("replicas", "against"),
    [
        ((2, 3), []),
        ((1, 3), ["broker 1 has a replica of t-0: move it (kafka-reassign-partitions.sh)"]),
        # One that lags is a replica all the same.
        ((3, 1), ["broker 1 has a replica of t-0: move it (kafka-reassign-partitions.sh)"]),
    ],
)
def test_a_broker_with_a_replica_stays(replicas: tuple[int, ...], against: list[str]) -> None:
    section = Kafka("4.3.0", tuple(Broker(n, f"h{n}", 9092, f"kafka@{n}") for n in (1, 2, 3)))
    state = kafka.State(brokers=(1, 2, 3), partitions=(Partition("t", 0, 3, replicas, (3,)),))
    assert said(kafka.against_removal(state, section, section.brokers[0])) == against
    alone = Kafka("4.3.0", section.brokers[:1])
    assert said(kafka.against_removal(kafka.State(), alone, alone.brokers[0])) == [
        "the broker on h1 is the only one"
    ]


def test_the_only_controller_stays() -> None:
    """One that is no broker has no replica, and its vote is asked for where a restart is."""
    brokers = (Broker(1, "h1", 9092, "kafka@1"),)
    controllers = tuple(Broker(n, f"h{n}", 9093, f"kafka@{n}") for n in (11, 12, 13))
    for count, against in ((1, ["the controller on h11 is the only one"]), (3, [])):
        section = Kafka("4.3.0", brokers, (11, 12, 13)[:count], controllers=controllers[:count])
        assert said(kafka.against_removal(kafka.State(), section, controllers[0])) == against


def filesystem(count: int) -> Hdfs:
    hosts = tuple("abc"[:count])
    return Hdfs(
        "hdfs://lab",
        tuple(Peer(host, 9870, "hdfs-namenode", id=f"nn-{host}") for host in hosts),
        hosts,
        {},
        tuple(WebServer(host, 8480, "hdfs-journalnode") for host in hosts),
        zkfc_unit="hdfs-zkfc",
        datanode_unit="hdfs-datanode",
        secondarynamenode=WebServer("a", 9868, "hdfs-secondarynamenode"),
    )


@pytest.mark.parametrize(
    ("state", "blocks", "against"),
    [
        ("In Service", 7, ["the DataNode on a has 7 blocks: decommission it"]),
        ("Decommission In Progress", 1, ["the DataNode on a has 1 block: decommission it"]),
        ("Decommissioned", 7, []),
        ("In Service", 0, []),
    ],
)
def test_a_datanode_with_blocks_is_decommissioned_first(state: str, blocks: int, against: list[str]) -> None:
    live = {
        "a:9866": {"adminState": state, "numBlocks": blocks},
        "ab:9866": {"adminState": "In Service", "numBlocks": 9},
    }
    assert said(hdfs.against_removal(filesystem(3), "a", "hdfs-datanode", live)) == against
    # One that is dead has no blocks that count.
    assert hdfs.against_removal(filesystem(3), "c", "hdfs-datanode", live) == []


@pytest.mark.parametrize(
    ("unit", "what"),
    [
        ("hdfs-namenode", "NameNode"),
        ("hdfs-zkfc", "NameNode"),
        ("hdfs-journalnode", "JournalNode"),
        ("hdfs-datanode", "DataNode"),
        ("hdfs-secondarynamenode", ""),
    ],
)
def test_the_only_daemon_of_hdfs_stays(unit: str, what: str) -> None:
    assert hdfs.against_removal(filesystem(2), "a", unit, {}) == []
    only = [f"the {what} on a is the only one"] if what else []
    assert said(hdfs.against_removal(filesystem(1), "a", unit, {})) == only


def nodes(count: int) -> Yarn:
    hosts = tuple("abc"[:count])
    managers = tuple(Peer(host, 8088, "yarn-resourcemanager", id=f"rm-{host}") for host in hosts)
    return Yarn(
        managers, hosts, "yarn-nodemanager", historyserver=WebServer("a", 19888, "mapred-historyserver")
    )


def test_a_nodemanager_goes_when_its_containers_have() -> None:
    (fault,) = yarn.against_removal(nodes(2), "a", "yarn-nodemanager", ["container_1"])
    assert fault.sentence == "the NodeManager on a runs container_1"
    assert yarn.against_removal(nodes(2), "a", "yarn-nodemanager", []) == []
    assert said(yarn.against_removal(nodes(1), "a", "yarn-nodemanager", [])) == [
        "the NodeManager on a is the only one"
    ]


def test_the_only_resourcemanager_stays_and_a_history_server_goes() -> None:
    assert yarn.against_removal(nodes(2), "a", "yarn-resourcemanager", []) == []
    assert said(yarn.against_removal(nodes(1), "a", "yarn-resourcemanager", [])) == [
        "the ResourceManager on a is the only one"
    ]
    assert yarn.against_removal(nodes(1), "a", "mapred-historyserver", []) == []


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"containers": None}, []),
        ({}, []),
        (
            {"containers": {"container": [{"id": "c1", "state": "RUNNING"}, {"id": "c2", "state": "DONE"}]}},
            ["c1"],
        ),
    ],
)
def test_the_containers_of_a_nodemanager(
    monkeypatch: pytest.MonkeyPatch, answer: Any, ids: list[str]
) -> None:
    monkeypatch.setattr(yarn, "get_json", lambda host, port, path: answer)
    assert yarn.fetch_containers(nodes(1), "a") == ids


def test_the_active_namenode_is_asked_for_its_datanodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_json(host: str, port: int, path: str) -> Any:
        return {"beans": [{"LiveNodes": '{"' + host + ':9866": {"numBlocks": 1}}'}]}

    monkeypatch.setattr(hdfs, "get_json", get_json)
    monkeypatch.setattr(hdfs, "active", lambda section: "nn-b")
    assert hdfs.fetch_live(filesystem(2)) == {"b:9866": {"numBlocks": 1}}
    assert hdfs.fetch_live(filesystem(1)) == {}


NO, MORE = Fault("a", "a is needed"), Fault("t-0", "t-0 is there")


@pytest.mark.parametrize(
    ("against", "leaving", "verdict"),
    [
        ([], [], (True, "u on a may be removed")),
        ([NO], [], (False, "a is needed")),
        ([], [MORE], (False, "t-0 is there")),
        ([NO], [MORE], (False, "a is needed, t-0 is there")),
    ],
)
def test_a_removal_is_asked_for_what_a_restart_is_and_more(
    monkeypatch: pytest.MonkeyPatch, against: list[Fault], leaving: list[Fault], verdict: tuple[bool, str]
) -> None:
    part = Part(
        "x",
        lambda: None,
        lambda _: [],
        lambda _: (True, ""),
        {"a": ["u"]},
        against=lambda *_: against,
        leaving=lambda *_: leaving,
    )
    monkeypatch.setattr(gates, "parts_of", lambda cluster: [part])
    (gate,) = gates.removal(None, "a", "u")  # type: ignore[arg-type]
    assert gate.look() == verdict
    assert gates.removal(None, "b", "u") == []  # type: ignore[arg-type]


def test_who_does_not_answer_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaving(*_: Any) -> list[Fault]:
        raise WebError("a:8042 refuses")

    part = Part("x", lambda: None, lambda _: [], lambda _: (True, ""), {"a": ["u"]}, leaving=leaving)
    monkeypatch.setattr(gates, "parts_of", lambda cluster: [part])
    (gate,) = gates.removal(None, "a", "u")  # type: ignore[arg-type]
    assert gate.look() == (False, "a:8042 refuses")


def test_a_unit_that_is_none_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", f"--cluster={write(tmp_path, LAB)}", "--remove", "millrace-1", "kafka@9"]
    assert cli.main(words) == 2
    assert "no unit kafka@9 on millrace-1" in capsys.readouterr().err
