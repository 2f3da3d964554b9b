"""What each broker of a host adds to kafka_service."""

from __future__ import annotations

from typing import Any

import pytest
from kafka_brokers import (
    FilterModule,
    kafka_broker_file,
    kafka_broker_unit,
    kafka_connect_file,
    kafka_endpoints,
    kafka_nodes,
)

BROKER: dict[str, Any] = {"id": 4, "host": "b.example", "port": 9092, "controller_port": 9093}
CONTROLLER: dict[str, Any] = {"id": 1001, "host": "c", "controller_port": 9093}
ALONE = {"id": 10, "host": "a", "port": 9095, "version": "0.10.2.2", "zookeeper_connect": "a:2181/own"}


@pytest.mark.parametrize(
    ("broker", "number", "properties"), [(BROKER, 4, {"shared": 1}), (ALONE, 10, {"alone": 1})]
)
def test_the_file_of_a_broker(broker: dict[str, Any], number: int, properties: dict[str, Any]) -> None:
    """One that is a cluster of its own has nothing of what the cluster's brokers share."""
    assert kafka_broker_file(broker, {"shared": 1}, {"alone": 1}) == {
        "src": "server.properties.j2",
        "dest": f"/etc/kafka/server-{number}.properties",
        "group": "kafka",
        "mode": "0640",
        "sensitive": True,
        "vars": {"broker": broker, "properties": properties},
    }


def test_the_unit_of_a_broker() -> None:
    overrides = {"Service": {"Nice": 5}}
    assert kafka_broker_unit(BROKER, overrides, "log4j2.yaml") == {
        "name": "kafka@4",
        "src": "kafka@.service.j2",
        "vars": {"home": "/opt/kafka"},
        "overrides": overrides,
        "own_overrides": {},
        "restart_on": [
            "/opt/java/bin/java",
            "/opt/kafka/.artifact",
            "/etc/kafka/server-%i.properties",
            "/etc/kafka/log4j2.yaml",
        ],
    }


def test_a_broker_of_the_cluster_may_take_properties_while_it_runs() -> None:
    unit = kafka_broker_unit(BROKER, {}, "log4j2.yaml", dynamic=True)
    assert unit["dynamic"] in unit["restart_on"]
    assert "dynamic" not in kafka_broker_unit(ALONE, {}, "log4j2.yaml", dynamic=True)


def test_a_controller_takes_none_without_a_restart() -> None:
    assert "dynamic" not in kafka_broker_unit(CONTROLLER, {}, "log4j2.yaml", dynamic=True)


@pytest.mark.parametrize(
    ("voting", "nodes"),
    [
        (["a", "b"], {"a": [BROKER], "b": [{"id": 1001, "host": "c", "controller_port": 9093}]}),
        # What its entry says of a controller has no meaning elsewhere.
        (["b"], {"a": [{"id": 4, "host": "b.example", "port": 9092}], "b": [CONTROLLER]}),
    ],
)
def test_who_votes_has_a_port_for_it(voting: list[str], nodes: dict[str, list[dict[str, Any]]]) -> None:
    assert kafka_nodes({"a": [BROKER], "b": [CONTROLLER]}, voting) == nodes


def test_a_brokers_own_overrides() -> None:
    own = {"Service": {"CPUQuota": "50%"}}
    unit = kafka_broker_unit(BROKER | {"unit": own}, {"Service": {"Nice": 5}}, "log4j2.yaml")
    assert (unit["overrides"], unit["own_overrides"]) == ({"Service": {"Nice": 5}}, own)


def test_a_broker_of_another_version_has_a_unit_file_of_its_own() -> None:
    unit = kafka_broker_unit(ALONE, {}, "log4j.properties")
    assert (unit["name"], unit["file"]) == ("kafka@10", "kafka@10.service")
    assert unit["vars"] == {"home": "/opt/kafka-0.10.2.2"}
    assert "/opt/kafka-0.10.2.2/.artifact" in unit["restart_on"]
    assert "/opt/kafka/.artifact" not in unit["restart_on"]


def endpoint(**others: Any) -> dict[str, Any]:
    """The endpoint of BROKER for clients, but for this."""
    return {
        "daemon": "broker",
        "machine": "m1",
        "id": 4,
        "unit": "kafka@4",
        "host": "b.example",
        "port": 9092,
        "protocol": "kafka",
        "variable": "kafka_brokers",
        "version": "4.3.0",
        "zookeeper_connect": "",
    } | others


def test_endpoints_of_kraft_are_for_clients_and_for_the_quorum() -> None:
    second = {"id": 5, "host": "c.example", "port": 9092, "controller_port": 9094}
    assert kafka_endpoints({"m1": [BROKER], "m2": [second], "m3": []}, "4.3.0", "") == [
        endpoint(),
        endpoint(daemon="controller", port=9093, protocol="raft"),
        endpoint(machine="m2", id=5, unit="kafka@5", host="c.example"),
        endpoint(
            machine="m2",
            id=5,
            unit="kafka@5",
            host="c.example",
            daemon="controller",
            port=9094,
            protocol="raft",
        ),
    ]


def test_endpoints_on_zookeeper_and_of_a_broker_that_is_alone() -> None:
    old = {key: BROKER[key] for key in ("id", "host", "port")}
    assert kafka_endpoints({"m1": [old, ALONE]}, "0.8.2.1", "a:2181") == [
        endpoint(version="0.8.2.1", zookeeper_connect="a:2181"),
        endpoint(
            daemon="standalone",
            id=10,
            unit="kafka@10",
            host="a",
            port=9095,
            variable="kafka_standalone_brokers",
            version="0.10.2.2",
            zookeeper_connect="a:2181/own",
        ),
    ]


def test_endpoints_of_a_broker_and_a_controller_that_are_apart() -> None:
    broker = {key: BROKER[key] for key in ("id", "host", "port")}
    assert kafka_endpoints({"m1": [broker], "m2": [CONTROLLER]}, "4.3.0", "") == [
        endpoint(),
        endpoint(
            machine="m2",
            id=1001,
            unit="kafka@1001",
            host="c",
            daemon="controller",
            port=9093,
            protocol="raft",
            variable="kafka_controllers",
        ),
    ]


def test_no_brokers_no_endpoints() -> None:
    assert kafka_endpoints({}, "4.3.0", "") == []


def test_a_file_of_connect_is_taken_as_it_lies_there() -> None:
    assert kafka_connect_file("/kit/artifacts/config/connect-standalone.properties") == {
        "file": "/kit/artifacts/config/connect-standalone.properties",
        "dest": "/etc/kafka/connect-standalone.properties",
    }


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "kafka_broker_file": kafka_broker_file,
        "kafka_broker_unit": kafka_broker_unit,
        "kafka_connect_file": kafka_connect_file,
        "kafka_endpoints": kafka_endpoints,
        "kafka_nodes": kafka_nodes,
    }
