"""What server.properties says of one broker among several."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.compat.version import LooseVersion

#: Before it a broker had one port; since then it has listeners (KIP-2, Kafka 0.9).
LISTENERS_SINCE = LooseVersion("0.9")


def to_broker_properties(
    broker: dict[str, Any], data_dir: str, version: str, zookeeper: str = ""
) -> dict[str, Any]:
    """The properties that tell a broker from its neighbours.

    broker: {"id": 1, "host": "name for clients", "port": 9092, "controller_port": 9093}; controller_port with
        KRaft only, where each broker is a controller too; a broker that is a cluster of its own also has
        "version" and "zookeeper_connect", which win
    data_dir: each broker keeps its log in the directory below it that is named by its id.
    version: of Kafka
    zookeeper: zookeeper.connect; empty with KRaft

    >>> to_broker_properties({"id": 1, "host": "a", "port": 9092}, "/d", "0.8.2.1", "a:2181")["port"]
    9092
    """
    version = broker.get("version", version)
    zookeeper = broker.get("zookeeper_connect", zookeeper)
    needed = ("id", "host", "port") if zookeeper else ("id", "host", "port", "controller_port")
    missing = [key for key in needed if key not in broker]
    if missing:
        raise AnsibleFilterError(f"kafka_brokers: {broker} lacks {', '.join(missing)}")
    host, port = broker["host"], broker["port"]
    properties = {"log.dirs": f"{data_dir}/{broker['id']}"}
    if not zookeeper:
        controller_port = broker["controller_port"]
        return properties | {
            "node.id": broker["id"],
            "listeners": [f"PLAINTEXT://:{port}", f"CONTROLLER://:{controller_port}"],
            "advertised.listeners": [f"PLAINTEXT://{host}:{port}", f"CONTROLLER://{host}:{controller_port}"],
        }
    properties |= {"broker.id": broker["id"], "zookeeper.connect": zookeeper}
    if LooseVersion(version) < LISTENERS_SINCE:
        return properties | {"port": port, "advertised.host.name": host}
    return properties | {
        "listeners": [f"PLAINTEXT://:{port}"],
        "advertised.listeners": [f"PLAINTEXT://{host}:{port}"],
    }


def to_broker_units(template: dict[str, Any], brokers: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The template unit kafka@, and a unit of its own for each broker that has another version.

    template: what to_unit_files takes; its paths below /opt/kafka are the current version's.
    brokers: {"id": 10, "version": "0.10.2.2", ...}

    >>> template = {"Service": {"ExecStart": "/opt/kafka/bin/kafka-server-start.sh"}}
    >>> to_broker_units(template, [{"id": 10, "version": "0.10.2.2"}])["kafka@10"]["Service"]["ExecStart"]
    '/opt/kafka-0.10.2.2/bin/kafka-server-start.sh'
    """
    units = {"kafka@": template}
    for broker in brokers:
        home = f"/opt/kafka-{broker['version']}/"
        service = template["Service"]
        # Not copy.deepcopy: behind a dict of Ansible's hangs the whole templating engine.
        units[f"kafka@{broker['id']}"] = template | {
            "reads": [path.replace("/opt/kafka/", home) for path in template.get("reads", [])],
            "Service": service | {"ExecStart": service["ExecStart"].replace("/opt/kafka/", home)},
        }
    return units


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {"to_broker_properties": to_broker_properties, "to_broker_units": to_broker_units}
