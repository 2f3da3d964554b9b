"""Whether the controller comes to where its gates ask, and which places these are."""

from __future__ import annotations

import importlib.util
import socket
from types import ModuleType

import pytest
from rules import Inventory, Machine

from tests.unit.playbooks import CHECKOUT


@pytest.fixture(scope="module")
def preflight() -> ModuleType:
    """The action, loaded as Ansible does: by its path."""
    path = CHECKOUT / "roles/common/action_plugins/preflight.py"
    spec = importlib.util.spec_from_file_location("preflight_action", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def endpoint(machine: str, unit: str, port: int, protocol: str, **more: str) -> dict[str, object]:
    shared = {"machine": machine, "unit": unit, "port": port, "protocol": protocol, "variable": unit}
    return shared | more


def test_every_port_that_a_gate_asks(preflight: ModuleType) -> None:
    endpoints = [
        endpoint("a", "zookeeper", 2181, "zookeeper"),
        endpoint("a", "zookeeper", 3888, "election"),
        endpoint("a", "zookeeper", 2888, "quorum"),
        endpoint("a", "hdfs-journalnode", 8485, "rpc"),
        endpoint("a", "hdfs-journalnode", 8480, "http"),
        endpoint("a", "kafka@1", 9092, "kafka", host="broker-a"),
        endpoint("a", "kafka@1", 9093, "raft", host="broker-a"),
        endpoint("b", "hdfs-namenode", 8020, "rpc"),
        endpoint("b", "kafka@1001", 9093, "raft", host="b-inner", variable="kafka_controllers"),
    ]
    services = {"all": {"endpoints": endpoints}}
    machines = tuple(Machine(name, {}, services=services) for name in "ab")
    assert preflight.asked_endpoints(Inventory(machines)) == [
        ("a", "a", 2181),
        ("a", "a", 8480),
        ("a", "broker-a", 9092),
        ("b", "b", 8020),
        ("b", "b-inner", 9093),
    ]


def test_what_is_not_reached(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "REACH", 0.2)
    with socket.socket() as server, socket.socket() as full:
        server.bind(("127.0.0.1", 0))
        server.listen()
        # Nothing listens: it answers all the same, by a refusal.
        full.bind(("127.0.0.1", 0))
        places = [
            ("a", "127.0.0.1", server.getsockname()[1]),
            ("a", "127.0.0.1", full.getsockname()[1]),
            ("b", "no-such-name.invalid", 9092),
            ("b", "a..b", 9092),
        ]
        found = preflight.unreached(places)
    assert found == [
        ("b", "no-such-name.invalid:9092", "it has no address here"),
        ("b", "a..b:9092", "it is no name"),
    ]
    assert preflight.unreached([]) == []


def test_a_firewall_that_drops(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    [(_, _, why)] = preflight.unreached([("a", "a", 9092)])
    assert why == "no answer within 3 s, as behind a firewall or a bastion"
