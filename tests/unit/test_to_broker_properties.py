"""What tells one broker from its neighbours."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from to_broker_properties import FilterModule, to_broker_properties, to_broker_units

BROKER: dict[str, Any] = {"id": 4, "host": "b.example", "port": 9092, "controller_port": 9093}


def test_kraft() -> None:
    assert to_broker_properties(BROKER, "/var/lib/kafka", "4.3.0") == {
        "node.id": 4,
        "listeners": ["PLAINTEXT://:9092", "CONTROLLER://:9093"],
        "advertised.listeners": ["PLAINTEXT://b.example:9092", "CONTROLLER://b.example:9093"],
        "log.dirs": "/var/lib/kafka/4",
    }


@pytest.mark.parametrize("version", ["0.9.0.1", "0.10.2.2", "3.9.2"])
def test_zookeeper(version: str) -> None:
    assert to_broker_properties(BROKER, "/d", version, "a:2181,b:2181/kafka") == {
        "broker.id": 4,
        "zookeeper.connect": "a:2181,b:2181/kafka",
        "listeners": ["PLAINTEXT://:9092"],
        "advertised.listeners": ["PLAINTEXT://b.example:9092"],
        "log.dirs": "/d/4",
    }


def test_zookeeper_before_listeners() -> None:
    assert to_broker_properties(BROKER, "/d", "0.8.2.1", "localhost:2181") == {
        "broker.id": 4,
        "zookeeper.connect": "localhost:2181",
        "port": 9092,
        "advertised.host.name": "b.example",
        "log.dirs": "/d/4",
    }


def test_a_broker_that_is_a_cluster_of_its_own() -> None:
    broker = {"id": 10, "host": "a", "port": 9095, "version": "0.10.2.2", "zookeeper_connect": "a:2181/own"}
    properties = to_broker_properties(broker, "/d", "0.8.2.1", "a:2181")
    assert properties["zookeeper.connect"] == "a:2181/own"
    assert properties["listeners"] == ["PLAINTEXT://:9095"]


@pytest.mark.parametrize("key", BROKER)
def test_each_missing_key_is_named(key: str) -> None:
    broker = {name: value for name, value in BROKER.items() if name != key}
    with pytest.raises(AnsibleFilterError) as refused:
        to_broker_properties(broker, "/d", "4.3.0")
    assert refused.value.message == f"kafka_brokers: {broker} lacks {key}"


def test_all_missing_keys_are_named() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_broker_properties({"id": 1}, "/d", "4.3.0")
    assert refused.value.message == "kafka_brokers: {'id': 1} lacks host, port, controller_port"


def test_a_broker_of_another_version_has_a_unit_of_its_own() -> None:
    template = {
        "reads": ["/opt/kafka/.artifact", "/etc/kafka/server-%i.properties"],
        "Service": {
            "ExecStart": "/opt/kafka/bin/kafka-server-start.sh /etc/kafka/server-%i.properties",
            "User": "kafka",
        },
    }
    assert to_broker_units(template, []) == {"kafka@": template}
    assert to_broker_units(template, [{"id": 10, "version": "0.10.2.2"}]) == {
        "kafka@": template,
        "kafka@10": {
            "reads": ["/opt/kafka-0.10.2.2/.artifact", "/etc/kafka/server-%i.properties"],
            "Service": {
                "ExecStart": "/opt/kafka-0.10.2.2/bin/kafka-server-start.sh /etc/kafka/server-%i.properties",
                "User": "kafka",
            },
        },
    }


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "to_broker_properties": to_broker_properties,
        "to_broker_units": to_broker_units,
    }
