"""What server.properties says of one broker among several."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError


def to_broker_properties(broker: dict[str, Any], data_dir: str) -> dict[str, Any]:
    """The KRaft properties that tell a broker (a controller too) from its neighbours.

    broker: {"id": 1, "host": "name for clients", "port": 9092, "controller_port": 9093}
    data_dir: each broker keeps its log in the directory below it that is named by its id.

    >>> to_broker_properties({"id": 1, "host": "a", "port": 9092, "controller_port": 9093}, "/d")["log.dirs"]
    '/d/1'
    """
    missing = [key for key in ("id", "host", "port", "controller_port") if key not in broker]
    if missing:
        raise AnsibleFilterError(f"kafka_brokers: {broker} lacks {', '.join(missing)}")
    host, port, controller_port = broker["host"], broker["port"], broker["controller_port"]
    return {
        "node.id": broker["id"],
        "listeners": [f"PLAINTEXT://:{port}", f"CONTROLLER://:{controller_port}"],
        "advertised.listeners": [f"PLAINTEXT://{host}:{port}", f"CONTROLLER://{host}:{controller_port}"],
        "log.dirs": f"{data_dir}/{broker['id']}",
    }


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_broker_properties": to_broker_properties}
