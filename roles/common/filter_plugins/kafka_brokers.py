"""What each broker and controller adds to the value of the service: its file, its unit, its endpoints."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

Broker = Mapping[str, Any]


def kafka_nodes(nodes: Mapping[str, Sequence[Broker]], voting: Collection[str]) -> dict[str, list[Broker]]:
    """The brokers and controllers of all machines; a broker that is no controller has no controller_port.

    nodes: by machine, entries of kafka_brokers, or of kafka_controllers where there are no brokers
    voting: machines with controllers

    >>> kafka_nodes({"a": [{"id": 1, "port": 9092, "controller_port": 9093}]}, ["b"])
    {'a': [{'id': 1, 'port': 9092}]}
    """
    return {
        machine: [
            {key: value for key, value in node.items() if machine in voting or key != "controller_port"}
            for node in several
        ]
        for machine, several in nodes.items()
    }


def kafka_broker_file(
    broker: Broker, properties: Mapping[str, Any], standalone: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry of templates for a broker's server.properties.

    properties: what all brokers of the cluster share
    standalone: what a broker has that is a cluster of its own
    """
    return {
        "src": "server.properties.j2",
        "dest": f"/etc/kafka/server-{broker['id']}.properties",
        "group": "kafka",
        "mode": "0640",
        # It may have passwords (ssl.*, sasl.jaas.config), and only the broker reads it.
        "sensitive": True,
        "vars": {"broker": broker, "properties": standalone if "version" in broker else properties},
    }


def kafka_broker_unit(
    broker: Broker, overrides: Mapping[str, Any], logging: str, *, dynamic: bool = False
) -> dict[str, Any]:
    """The entry of units for a broker or controller.

    overrides: sections of the drop-in of all; its own, ``unit``, come after them
    logging: the file of logging, by its name under /etc/kafka
    dynamic: whether the cluster's brokers may take properties while they run
    """
    home = f"/opt/kafka-{broker['version']}" if "version" in broker else "/opt/kafka"
    unit = {
        "name": f"kafka@{broker['id']}",
        "src": "kafka@.service.j2",
        "vars": {"home": home},
        "overrides": overrides,
        "own_overrides": broker.get("unit", {}),
        "restart_on": [
            "/opt/java/bin/java",
            f"{home}/.artifact",
            "/etc/kafka/server-%i.properties",
            f"/etc/kafka/{logging}",
        ],
    }
    # A broker of another version has a unit file of its own, and is a cluster of its own.
    if "version" in broker:
        return unit | {"file": f"kafka@{broker['id']}.service"}
    return unit | ({"dynamic": "/etc/kafka/server-%i.properties"} if dynamic and "port" in broker else {})


def kafka_endpoints(
    brokers: Mapping[str, Sequence[Broker]], version: str, zookeeper: str
) -> list[dict[str, Any]]:
    """Where brokers and controllers of all machines listen: for clients, and for the controllers' quorum.

    brokers: by machine
    version: of the brokers that have none of their own; zookeeper likewise
    """
    return [
        endpoint
        for machine, several in brokers.items()
        for broker in several
        for endpoint in _endpoints(machine, broker, version, zookeeper)
    ]


def _endpoints(machine: str, broker: Broker, version: str, zookeeper: str) -> list[dict[str, Any]]:
    alone = "version" in broker
    variable = "kafka_brokers" if "port" in broker else "kafka_controllers"
    shared = {
        "machine": machine,
        "id": int(broker["id"]),
        "unit": f"kafka@{broker['id']}",
        "host": broker["host"],
        "variable": "kafka_standalone_brokers" if alone else variable,
        "version": broker.get("version", version),
        "zookeeper_connect": broker.get("zookeeper_connect", zookeeper),
    }
    listens = {
        "port": {"daemon": "standalone" if alone else "broker", "protocol": "kafka"},
        "controller_port": {"daemon": "controller", "protocol": "raft"},
    }
    return [shared | each | {"port": int(broker[key])} for key, each in listens.items() if key in broker]


def kafka_connect_file(path: str) -> dict[str, Any]:
    """The entry of templates for a file of Kafka Connect, taken as it lies among the artifacts."""
    return {"file": path, "dest": f"/etc/kafka/{os.path.basename(path)}"}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {
            "kafka_broker_file": kafka_broker_file,
            "kafka_broker_unit": kafka_broker_unit,
            "kafka_connect_file": kafka_connect_file,
            "kafka_endpoints": kafka_endpoints,
            "kafka_nodes": kafka_nodes,
        }
