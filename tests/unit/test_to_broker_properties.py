"""What tells one broker from its neighbours."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from to_broker_properties import FilterModule, to_broker_properties

BROKER: dict[str, Any] = {"id": 4, "host": "b.example", "port": 9092, "controller_port": 9093}


def test_golden() -> None:
    assert to_broker_properties(BROKER, "/var/lib/kafka") == {
        "node.id": 4,
        "listeners": ["PLAINTEXT://:9092", "CONTROLLER://:9093"],
        "advertised.listeners": ["PLAINTEXT://b.example:9092", "CONTROLLER://b.example:9093"],
        "log.dirs": "/var/lib/kafka/4",
    }


@pytest.mark.parametrize("key", BROKER)
def test_each_missing_key_is_named(key: str) -> None:
    broker = {name: value for name, value in BROKER.items() if name != key}
    with pytest.raises(AnsibleFilterError) as refused:
        to_broker_properties(broker, "/d")
    assert refused.value.message == f"kafka_brokers: {broker} lacks {key}"


def test_all_missing_keys_are_named() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_broker_properties({"id": 1}, "/d")
    assert refused.value.message == "kafka_brokers: {'id': 1} lacks host, port, controller_port"


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_broker_properties": to_broker_properties}
