"""What the brokers of a Kafka cluster cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .cluster import NAME
from .forms import (
    between,
    directories_of,
    directory_faults,
    override_faults,
    replica_faults,
    unit_faults,
    value_faults,
)
from .model import Inventory, Machine, Refusal, RefusedError, each
from .owned import MADE_FROM

#: Each broker votes in the quorum of controllers, and each makes it slower (upstream: three or five).
MOST_VOTERS = 9
#: Properties by which the rest of the cluster finds a broker and its data, whichever dict gives them.
IDENTITY = {
    key: variable
    for key, variable in MADE_FROM["kafka_server_properties_overrides"].items()
    if variable in ("kafka_brokers", "kafka_zookeeper_connect", "kafka_data_dir")
}


def brokers_of(inventory: Inventory) -> list[Mapping[str, Any]]:
    """All brokers of the cluster. Raises RefusedError where those of one machine are refused."""
    return [broker for machine in inventory.having("kafka") for broker in machine["kafka_brokers"]]


def is_kraft(machine: Machine) -> bool:
    """Whether the brokers are controllers, too."""
    return not machine["kafka_zookeeper_connect"]


def ids_of_cluster(inventory: Inventory) -> Iterator[Refusal]:
    """Each broker of the cluster has an id of its own."""
    ids = [broker["id"] for broker in brokers_of(inventory)]
    if len(set(ids)) < len(ids):
        yield Refusal(
            f"kafka_brokers gives the ids {', '.join(map(str, ids))}: each broker of the cluster needs its "
            "own id",
            "kafka_brokers",
        )


def hosts_of_cluster(inventory: Inventory) -> Iterator[Refusal]:
    """Each broker advertises an address of its own, by which the other machines find it."""
    brokers_there = brokers_of(inventory)
    several = len(inventory.having("kafka")) > 1
    seen: dict[tuple[str, int], int] = {}
    for broker in brokers_there:
        host, port, number = broker["host"], broker["port"], broker["id"]
        if not NAME.fullmatch(host):
            yield Refusal(
                f"broker {number} of kafka_brokers has the host '{host}': give a name as DNS has them, or "
                "an IPv4 address",
                "kafka_brokers",
            )
        elif several and (host == "localhost" or host.startswith("127.")):
            yield Refusal(
                f"broker {number} of kafka_brokers has the host '{host}', where other machines find "
                "themselves: give the name by which they reach it",
                "kafka_brokers",
            )
        elif (host, port) in seen:
            yield Refusal(
                f"brokers {seen[host, port]} and {number} of kafka_brokers are both at {host}:{port}: give "
                "each its own host or port",
                "kafka_brokers",
            )
        seen.setdefault((host, port), number)


@each("kafka")
def brokers(machine: Machine) -> Iterator[Refusal]:
    """Ids and ports of one machine's brokers."""
    if not machine["kafka_brokers"]:
        yield Refusal(
            f"kafka_brokers of {machine.name} is empty, but it is in kafka_hosts: give it a broker, or "
            "take it out of the group kafka",
            "kafka_brokers",
        )
    here = machine["kafka_brokers"] + machine["kafka_standalone_brokers"]
    ids = [broker["id"] for broker in here]
    if len(set(ids)) < len(ids):
        yield Refusal(
            f"kafka_brokers and kafka_standalone_brokers of {machine.name} give the ids "
            f"{', '.join(map(str, ids))}: brokers of one host need ids of their own",
            "kafka_brokers",
        )
    for bad in (number for number in ids if not between(number, 0, 2**31 - 1)):
        yield Refusal(
            f"kafka_brokers of {machine.name} gives the id {bad}: give a number from 0", "kafka_brokers"
        )
    ports = [broker[key] for broker in here for key in ("port", "controller_port") if key in broker]
    if len(set(ports)) < len(ports):
        yield Refusal(
            f"kafka_brokers of {machine.name} gives the ports {', '.join(map(str, ports))}: brokers of one "
            "host need ports and controller_ports of their own",
            "kafka_brokers",
        )
    if is_kraft(machine) and any("controller_port" not in broker for broker in machine["kafka_brokers"]):
        yield Refusal(
            f"kafka_brokers of {machine.name} gives no controller_port: with KRaft each broker is a "
            "controller too",
            "kafka_brokers",
        )


@each("kafka")
def one_broker(machine: Machine) -> Iterator[Refusal]:
    """What one broker has of its own: its properties, its unit, its listeners."""
    for broker in machine["kafka_brokers"]:
        own = broker.get("properties", {})
        name = f"properties of kafka_brokers['{broker['id']}']"
        disks = {"log.dirs": f"{machine.values.get('kafka_data_dir')}/{broker['id']}"}
        for text in override_faults(own, name, IDENTITY, disks) + value_faults({name: own}):
            yield Refusal(text, "kafka_brokers")
        for path in directories_of(own["log.dirs"]) if "log.dirs" in own else ():
            for text in directory_faults({f"log.dirs of {name}": path}):
                yield Refusal(text, "kafka_brokers")
        unit = broker.get("unit", {})
        for text in unit_faults({str(broker["id"]): unit}, "unit of kafka_brokers", [str(broker["id"])]):
            yield Refusal(text, "kafka_brokers")
        given = {**machine["kafka_server_properties_overrides"], **own}
        for text in listener_faults(broker, given, kraft=is_kraft(machine)):
            yield Refusal(text, "kafka_brokers")


def listener_faults(broker: Mapping[str, Any], properties: Mapping[str, Any], *, kraft: bool) -> list[str]:
    """Why listeners that a user gives do not have the ports that the rest of the cluster asks.

    broker: {"id", "host", "port", "controller_port"}
    properties: of the user, for all brokers and for this one
    kraft: whether it is a controller, too
    """
    wanted = [broker["port"]] + ([broker["controller_port"]] if kraft and "controller_port" in broker else [])
    faults = []
    for key in ("listeners", "advertised.listeners"):
        if key not in properties:
            continue
        value = properties[key]
        given = value if isinstance(value, list) else str(value).split(",")
        ports = {str(listener).strip().rpartition(":")[2] for listener in given}
        # Controllers need not be advertised; they are found by controller.quorum.bootstrap.servers.
        faults += [
            f"{key} of broker {broker['id']} has no listener at {port}, where kafka_brokers says that it "
            "is: add it, or change kafka_brokers"
            for port in (wanted if key == "listeners" else wanted[:1])
            if str(port) not in ports
        ]
    protocol = _protocol_at(broker["port"], properties)
    if protocol != "PLAINTEXT":
        faults.append(
            f"the listener of broker {broker['id']} at {broker['port']} is {protocol}, and the kit's gates "
            "speak PLAINTEXT there: give it another port, and kafka_brokers the one of a PLAINTEXT "
            "listener"
        )
    return faults


def _protocol_at(port: int, properties: Mapping[str, Any]) -> str:
    """The protocol of the listener at a port; where none is there, the kit's."""
    given = properties.get("listener.security.protocol.map", [])
    pairs = given if isinstance(given, list) else str(given).split(",")
    protocols = dict(str(pair).strip().split(":", 1) for pair in pairs if ":" in str(pair))
    listeners = properties.get("listeners", f"PLAINTEXT://:{port}")
    for listener in listeners if isinstance(listeners, list) else str(listeners).split(","):
        name, _, address = str(listener).strip().partition("://")
        if address.rpartition(":")[2] == str(port):
            return protocols.get(name, name)
    return "PLAINTEXT"


@each("kafka")
def version(machine: Machine) -> Iterator[Refusal]:
    """KRaft and ZooKeeper, each with the versions that have it."""
    kafka, zookeeper = machine["kafka_version"], machine["kafka_zookeeper_connect"]
    if is_kraft(machine) and number(kafka) < (3, 9):
        # Formatting with initial controllers came with KIP-853.
        yield Refusal(
            f"kafka_zookeeper_connect is empty, but Kafka {kafka} has no KRaft that the kit can form: give "
            "it ZooKeeper's address, or take 3.9 or later",
            "kafka_zookeeper_connect",
        )
    if not is_kraft(machine) and number(kafka) >= (4,):
        yield Refusal(
            f"kafka_zookeeper_connect is '{zookeeper}', but Kafka {kafka} runs without ZooKeeper: leave it "
            "empty, or take a version before 4.0",
            "kafka_zookeeper_connect",
        )
    others = [broker["version"] for broker in machine["kafka_standalone_brokers"]]
    if others and any(number(each) >= (4,) for each in [kafka, *others]):
        yield Refusal(
            f"kafka_standalone_brokers of {machine.name} stand beside Kafka {kafka} with the versions "
            f"{', '.join(others)}: all must be before 4.0, which logs and starts in another way",
            "kafka_standalone_brokers",
        )


def replicas(inventory: Inventory) -> Iterable[Refusal]:
    """No more replicas than brokers, and fewer in sync than there are."""
    brokers_there = len(brokers_of(inventory))

    @each("kafka")
    def of_machine(machine: Machine) -> Iterator[Refusal]:
        for text in replica_faults(
            machine["kafka_replication_factor"],
            machine["kafka_min_insync_replicas"],
            machine["kafka_server_properties_overrides"],
            brokers_there,
        ):
            yield Refusal(text, "kafka_replication_factor")

    return of_machine(inventory)


@each("kafka")
def cluster_id(machine: Machine) -> Iterator[Refusal]:
    """A cluster's id has the form of a UUID in URL-safe base64."""
    given = machine["kafka_cluster_id"]
    if not re.fullmatch("[A-Za-z0-9_][A-Za-z0-9_-]{21}", given):
        yield Refusal(
            f"kafka_cluster_id is '{given}': give 22 letters, digits, - and _, as kafka-storage.sh "
            "random-uuid makes them, or leave it to be derived from cluster_name",
            "kafka_cluster_id",
        )


def voters(inventory: Inventory) -> Iterator[Refusal]:
    """Each broker is a voter of the quorum of controllers, and a quorum must stay small."""
    machines = inventory.having("kafka")
    try:
        count = len(brokers_of(inventory))
        kraft = bool(machines) and is_kraft(machines[0])
    except RefusedError:
        return
    if kraft and count > MOST_VOTERS:
        yield Refusal(
            f"kafka_hosts gives {count} brokers, and with KRaft each is a controller that votes: give "
            f"{MOST_VOTERS} at most",
            "kafka_hosts",
        )


def number(text: str) -> tuple[int, ...]:
    """A version as numbers that can be compared.

    >>> number("3.10.1") > number("3.9")
    True
    """
    return tuple(int(part) for part in re.findall(r"\d+", text))
