"""What the brokers and controllers of a Kafka cluster cannot be."""

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
from .model import Inventory, Machine, Refusal, RefusedError, each, some
from .owned import MADE_FROM

#: Each controller votes in the quorum, and each makes it slower (upstream: three or five).
MOST_VOTERS = 9
#: Properties by which the rest of the cluster finds a broker and its data, whichever dict gives them.
IDENTITY = {
    key: variable
    for key, variable in MADE_FROM["kafka_server_properties_overrides"].items()
    if variable in ("kafka_brokers", "kafka_controller_hosts", "kafka_zookeeper_connect", "kafka_data_dir")
}


def brokers_of(inventory: Inventory) -> list[Mapping[str, Any]]:
    """All brokers of the cluster. Raises RefusedError where those of one machine are refused."""
    return [broker for machine in inventory.having("kafka") for broker in machine["kafka_brokers"]]


def controllers_of(inventory: Inventory) -> list[Mapping[str, Any]]:
    """All controllers of the cluster that are no brokers. Raises RefusedError, likewise."""
    return [each for machine in inventory.having("kafka") for each in machine["kafka_controllers"]]


def is_kraft(machine: Machine) -> bool:
    """Whether controllers have the cluster's metadata."""
    return not machine["kafka_zookeeper_connect"]


def votes(machine: Machine) -> bool:
    """Whether the brokers of a machine are controllers, too."""
    return is_kraft(machine) and machine.name in machine["kafka_controller_hosts"]


def ids_of_cluster(inventory: Inventory) -> Iterator[Refusal]:
    """Each broker and controller of the cluster has an id of its own."""
    controllers = controllers_of(inventory)
    ids = [node["id"] for node in brokers_of(inventory) + controllers]
    what = "kafka_brokers and kafka_controllers give" if controllers else "kafka_brokers gives"
    each = "broker and controller" if controllers else "broker"
    if len(set(ids)) < len(ids):
        yield Refusal(
            f"{what} the ids {', '.join(map(str, ids))}: each {each} of the cluster needs its own id",
            "kafka_controllers" if controllers else "kafka_brokers",
        )


def hosts_of_cluster(inventory: Inventory) -> Iterator[Refusal]:
    """Each broker and controller has an address of its own, by which the other machines find it."""
    several = len(inventory.having("kafka")) > 1
    yield from _addresses("broker", brokers_of(inventory), "port", several=several)
    yield from _addresses("controller", controllers_of(inventory), "controller_port", several=several)


def _addresses(what: str, nodes: list[Mapping[str, Any]], key: str, *, several: bool) -> Iterator[Refusal]:
    variable = f"kafka_{what}s"
    seen: dict[tuple[str, int], int] = {}
    for node in nodes:
        host, port, number = node["host"], node[key], node["id"]
        if not NAME.fullmatch(host):
            yield Refusal(
                f"{what} {number} of {variable} has the host '{host}': give a name as DNS has them, or "
                "an IPv4 address",
                variable,
            )
        elif several and (host == "localhost" or host.startswith("127.")):
            yield Refusal(
                f"{what} {number} of {variable} has the host '{host}', where other machines find "
                "themselves: give the name by which they reach it",
                variable,
            )
        elif (host, port) in seen:
            yield Refusal(
                f"{what}s {seen[host, port]} and {number} of {variable} are both at {host}:{port}: give "
                "each its own host or port",
                variable,
            )
        seen.setdefault((host, port), number)


@each("kafka")
def brokers(machine: Machine) -> Iterator[Refusal]:
    """Ids and ports of one machine's brokers."""
    if not machine["kafka_brokers"] and machine.name in machine["kafka_hosts"]:
        yield Refusal(
            f"kafka_brokers of {machine.name} is empty, but it is in kafka_hosts: give it a broker, or "
            "take it out of the group kafka",
            "kafka_brokers",
        )
    here = machine["kafka_brokers"] + machine["kafka_controllers"] + machine["kafka_standalone_brokers"]
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
    if votes(machine) and any("controller_port" not in broker for broker in machine["kafka_brokers"]):
        yield Refusal(
            f"kafka_brokers of {machine.name} gives no controller_port: with KRaft each broker is a "
            "controller too, where the host is in kafka_controller_hosts",
            "kafka_brokers",
        )


def controllers(inventory: Inventory) -> Iterator[Refusal]:
    """Controllers of KRaft, where they have hosts of their own."""
    there = inventory.having("kafka")
    if not there:
        return
    brokers_on, voting = there[0]["kafka_hosts"], there[0]["kafka_controller_hosts"]
    variable = "kafka_controller_hosts"
    if lacking := [host for host in inventory.groups.get("kafka_controller", ()) if host not in voting]:
        yield Refusal(
            f"{variable} has no {some(lacking)} of the group kafka_controller: make it from the group, as "
            "inventories/lab/group_vars/all/topology.yml does",
            variable,
        )
    if not is_kraft(there[0]) and set(voting) != set(brokers_on):
        yield Refusal(
            f"{variable} is {', '.join(voting)}, but kafka_zookeeper_connect has brokers keep their "
            "metadata in ZooKeeper, and no controllers are asked: remove the group kafka_controller, or "
            "leave kafka_zookeeper_connect empty",
            variable,
        )
    elif not voting or not brokers_on:
        empty, other = (variable, "kafka_controller") if brokers_on else ("kafka_hosts", "kafka")
        yield Refusal(f"{empty} is empty: put machines into the group {other}", empty)
    yield from _one_controller(inventory)


@each("kafka")
def _one_controller(machine: Machine) -> Iterator[Refusal]:
    given, name = machine["kafka_controllers"], machine.name
    alone = name in machine["kafka_controller_hosts"] and name not in machine["kafka_hosts"]
    if alone and not given:
        yield Refusal(
            f"kafka_controllers of {name} is empty, but it is in kafka_controller_hosts and not in "
            "kafka_hosts: give it a controller, or take it out of the group kafka_controller",
            "kafka_controllers",
        )
    if given and not alone:
        yield Refusal(
            f"kafka_controllers of {name} gives a controller, which only a host has that is in "
            "kafka_controller_hosts and not in kafka_hosts: leave it out",
            "kafka_controllers",
        )


@each("kafka")
def one_broker(machine: Machine) -> Iterator[Refusal]:
    """What one broker or controller has of its own: its properties, its unit, its listeners."""
    for variable in ("kafka_brokers", "kafka_controllers"):
        for node in machine[variable]:
            for text in _own_faults(machine, variable, node):
                yield Refusal(text, variable)


def _own_faults(machine: Machine, variable: str, node: Mapping[str, Any]) -> Iterator[str]:
    own, number = node.get("properties", {}), str(node["id"])
    name = f"properties of {variable}['{number}']"
    disks = {"log.dirs": f"{machine.values.get('kafka_data_dir')}/{number}"}
    yield from override_faults(own, name, IDENTITY, disks) + value_faults({name: own})
    for path in directories_of(own["log.dirs"]) if "log.dirs" in own else ():
        yield from directory_faults({f"log.dirs of {name}": path})
    yield from unit_faults({number: node.get("unit", {})}, f"unit of {variable}", [number])
    given = {**machine["kafka_server_properties_overrides"], **own}
    yield from listener_faults(node, given, variable, kraft=votes(machine))


def listener_faults(
    node: Mapping[str, Any], properties: Mapping[str, Any], variable: str = "kafka_brokers", *, kraft: bool
) -> list[str]:
    """Why listeners that a user gives do not have the ports that the rest of the cluster asks.

    node: {"id", "host", "port", "controller_port"}; one that is no broker has no port
    properties: of the user, for all brokers and for this one
    kraft: whether it is a controller
    """
    what = variable.removeprefix("kafka_").removesuffix("s")
    # Controllers need not be advertised; they are found by controller.quorum.bootstrap.servers.
    advertised = [node["port"]] if "port" in node else []
    wanted = advertised + ([node["controller_port"]] if kraft and "controller_port" in node else [])
    faults = []
    for key in ("listeners", "advertised.listeners"):
        if key not in properties:
            continue
        value = properties[key]
        given = value if isinstance(value, list) else str(value).split(",")
        ports = {str(listener).strip().rpartition(":")[2] for listener in given}
        faults += [
            f"{key} of {what} {node['id']} has no listener at {port}, where {variable} says that it "
            f"is: add it, or change {variable}"
            for port in (wanted if key == "listeners" else advertised)
            if str(port) not in ports
        ]
    return faults + [
        (
            f"the listener of broker {node['id']} at {port} is {protocol}, and the kit's gates speak "
            "PLAINTEXT there: give it another port, and kafka_brokers the one of a PLAINTEXT listener"
        )
        for port in advertised
        if (protocol := _protocol_at(port, properties)) != "PLAINTEXT"
    ]


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
    """Each controller is a voter, and a quorum must stay small."""
    machines = inventory.having("kafka")
    try:
        together = all(set(each["kafka_hosts"]) == set(each["kafka_controller_hosts"]) for each in machines)
        count = sum(len(each["kafka_brokers"]) for each in machines if votes(each))
        count += len(controllers_of(inventory))
    except RefusedError:
        return
    if count > MOST_VOTERS:
        text = (
            f"kafka_hosts gives {count} brokers, and with KRaft each is a controller that votes: put three "
            "or five machines into the group kafka_controller"
            if together
            else f"kafka_controller_hosts gives {count} controllers, and each votes: take all but three or "
            "five machines out of the group kafka_controller"
        )
        yield Refusal(
            f"{text}, or give {MOST_VOTERS} at most", "kafka_hosts" if together else "kafka_controller_hosts"
        )


def number(text: str) -> tuple[int, ...]:
    """A version as numbers that can be compared.

    >>> number("3.10.1") > number("3.9")
    True
    """
    return tuple(int(part) for part in re.findall(r"\d+", text))
