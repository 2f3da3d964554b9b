"""The cluster description (out/NAME/cluster.json): found, typed, loaded and validated.

The dataclasses are the schema: a field without a default is a key that must be there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import time
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smoke.machine import Machine

Units = dict[str, list[str]]
"""Host name -> systemd units on it."""


CHECKOUT = Path(__file__).parents[1]
AGES = ((60, 1, "s"), (3600, 60, "min"), (2 * 86400, 3600, "h"), (math.inf, 86400, "days"))
"""Up to how many seconds an age is given in which unit, and the seconds of that unit."""


class ClusterError(Exception):
    """The description is missing, unreadable or incomplete; the message names the file and the key."""


def _by_host(pairs: Iterable[tuple[str, str | None]]) -> Units:
    units: Units = {}
    for host, unit in pairs:
        if unit and unit not in units.setdefault(host, []):
            units[host].append(unit)
    return units


@dataclass(frozen=True)
class ZooKeeperServer:
    """One server and its client port."""

    host: str
    port: int
    unit: str


@dataclass(frozen=True)
class ZooKeeper:
    """The ensemble."""

    servers: tuple[ZooKeeperServer, ...]

    @property
    def units(self) -> Units:
        return _by_host((server.host, server.unit) for server in self.servers)


@dataclass(frozen=True)
class Broker:
    """One broker and its client listener, or a controller and that of the quorum."""

    id: int
    host: str
    port: int
    unit: str
    machine: str = ""
    """Where the unit is; the same as host, unless that is an address for clients."""

    @property
    def place(self) -> tuple[str, str]:
        """Machine and unit."""
        return self.machine or self.host, self.unit


@dataclass(frozen=True)
class Kafka:
    """The brokers and, with KRaft, the controllers that vote."""

    version: str
    brokers: tuple[Broker, ...]
    voters: tuple[int, ...] = ()
    """Ids of the KRaft controllers; none where Kafka runs on ZooKeeper."""
    zookeeper_connect: str = ""
    """As the brokers' own property has it; empty with KRaft."""
    min_insync_replicas: int = 1
    """Of topics that have no number of their own."""
    others_join: bool = False
    """Whether brokers that are not named here may be there, too."""
    standalone: tuple[Kafka, ...] = ()
    """Brokers on these machines that are clusters of their own."""
    controllers: tuple[Broker, ...] = ()
    """Those of the voters that are no brokers."""

    @property
    def nodes(self) -> tuple[Broker, ...]:
        """Brokers and controllers, as Kafka counts them: each has an id of its own."""
        return self.brokers + self.controllers

    @property
    def bootstrap(self) -> list[str]:
        return [f"{broker.host}:{broker.port}" for broker in self.brokers]

    @property
    def units(self) -> Units:
        return _by_host(node.place for section in (self, *self.standalone) for node in section.nodes)


@dataclass(frozen=True)
class WebServer:
    """A daemon asked over HTTP."""

    host: str
    http_port: int
    unit: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"


@dataclass(frozen=True, kw_only=True)
class Peer(WebServer):
    """One of the NameNodes or ResourceManagers."""

    id: str


@dataclass(frozen=True)
class Hdfs:
    """The file system and its daemons."""

    default_fs: str
    namenodes: tuple[Peer, ...]
    datanodes: tuple[str, ...]
    client: dict[str, str]
    """HDFS client properties, by their upstream keys."""
    journalnodes: tuple[WebServer, ...] = ()
    zkfc_unit: str | None = None
    zkfc_port: int = 8019
    """Of dfs.ha.zkfc.port: upstream's default."""
    datanode_unit: str | None = None
    datanode_http_port: int = 9864
    secondarynamenode: WebServer | None = None
    """Beside a single NameNode: it merges the edits into the image."""

    @property
    def nameservice(self) -> str:
        """What the JournalNodes call the journal, where NameNodes share one."""
        return self.client.get("dfs.nameservices", "")

    @property
    def units(self) -> Units:
        return _by_host(
            [(node.host, node.unit) for node in (*self.namenodes, *self.journalnodes)]
            + [(node.host, self.zkfc_unit) for node in self.namenodes if len(self.namenodes) > 1]
            + [(host, self.datanode_unit) for host in self.datanodes]
            + [(node.host, node.unit) for node in (self.secondarynamenode,) if node]
        )


@dataclass(frozen=True)
class Yarn:
    """The resource managers, the nodes, the MapReduce history server."""

    resourcemanagers: tuple[Peer, ...]
    nodemanagers: tuple[str, ...]
    nodemanager_unit: str | None = None
    nodemanager_http_port: int = 8042
    historyserver: WebServer | None = None

    @property
    def units(self) -> Units:
        return _by_host(
            [(manager.host, manager.unit) for manager in self.resourcemanagers]
            + [(host, self.nodemanager_unit) for host in self.nodemanagers]
            + ([(self.historyserver.host, self.historyserver.unit)] if self.historyserver else [])
        )


@dataclass(frozen=True)
class Spark:
    """Where jobs are submitted, and the history server."""

    submit_host: str
    home: str
    user: str
    hdfs_home: str
    historyserver: WebServer | None = None
    event_logs: str | None = None
    """The directory of HDFS where each application leaves a log for the history server."""

    @property
    def units(self) -> Units:
        return _by_host([(self.historyserver.host, self.historyserver.unit)] if self.historyserver else [])


@dataclass(frozen=True)
class Cluster:
    """The whole description; a section is None where the cluster has none."""

    name: str
    stack: str
    versions: dict[str, str]
    machines: dict[str, Machine]
    zookeeper: ZooKeeper | None = None
    kafka: Kafka | None = None
    hdfs: Hdfs | None = None
    yarn: Yarn | None = None
    spark: Spark | None = None
    note: str = ""
    """What whoever uses these versions must know."""
    inventory: str = ""
    """The directory of the inventory that it was deployed from."""
    next: tuple[tuple[str, ...], ...] = ()
    """Commands, word by word, to be typed in the checkout."""
    source: str = field(default="", compare=False)

    @property
    def units(self) -> Units:
        """All units of all services."""
        sections = (self.zookeeper, self.kafka, self.hdfs, self.yarn, self.spark)
        return _by_host(
            (host, unit) for each in sections if each for host, units in each.units.items() for unit in units
        )

    def journals(self, units: Units, lines: int = 40) -> list[str]:
        """The last `lines` of each unit's journal, a heading before each; evidence, so it never raises.

        Units that do not run come first: on a screen of lines the reason is not to be the last.
        """
        found: list[list[str]] = []
        for host, names in units.items():
            machine = self.machines.get(host)
            if not machine:
                found.append([f"== {host}: not in machines of {self.source}"])
                continue
            for line in machine.journal(names, lines):
                if line.startswith("== ") or not found:
                    found.append([])
                found[-1].append(line)
        found.sort(key=lambda journal: journal[0].endswith("(active)"))
        return [line for journal in found for line in journal]


def find(name: str | None = None, reports: Path = Path("out"), inventory: str | None = None) -> Path:
    """The description of the cluster of this name, or the only one that is there, or of this inventory.

    Raises ClusterError where there is none, or where there are several and none is named.
    """
    if name:
        return reports / name / "cluster.json"
    found = sorted(reports.glob("*/cluster.json"))
    if not found:
        raise ClusterError(
            f"no cluster is described in {reports}/*/cluster.json: a deployment writes it (site.yml)"
        )
    if len(found) > 1 and inventory:
        found = [path for path in found if _is_of(path, _directory(inventory))] or found
    if len(found) > 1:
        raise ClusterError(
            f"several clusters are described: {', '.join(map(str, found))}. Give one by --cluster, or by "
            f"--name, such as --name {found[0].parent.name}"
        )
    return found[0]


def _is_of(path: Path, inventory: str) -> bool:
    """Whether a description is of an inventory; one that cannot be read is of none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return bool(json.loads(path.read_text()).get("inventory") == inventory)
    return False


def expect(cluster: Cluster, name: str | None, inventory: str | None) -> None:
    """Raise ClusterError when the description is of another name or inventory; None says nothing of it.

    `inventory`: as Ansible is given it, a directory or a file in one; empty for one that has none.
    """
    meant = cluster.name if name is None else name
    of = _directory(cluster.inventory if inventory is None else inventory)
    if (meant, of) != (cluster.name, cluster.inventory):
        words = shown(of) if inventory else "ITS-INVENTORY"
        raise ClusterError(
            f"{cluster.source} describes the cluster {cluster.name} of {shown(cluster.inventory)}, but the "
            f"cluster {meant} of {shown(of)} is meant: ansible-playbook -i {words} playbooks/preflight.yml "
            "describes that one"
        )


def source_line(cluster: Cluster) -> str:
    """A line that says whose description it is, and how old."""
    seconds = max(0.0, time.time() - Path(cluster.source).stat().st_mtime)
    return f"cluster {cluster.name} ({shown(cluster.inventory)}), described {age(seconds)} ago"


def age(seconds: float) -> str:
    """A time that has passed, in the unit that says enough.

    >>> age(7300)
    '2 h'
    """
    length, unit = next((length, unit) for below, length, unit in AGES if seconds < below)
    return f"{seconds // length:.0f} {unit}"


def _directory(inventory: str) -> str:
    path = Path(os.path.abspath(inventory))
    return str(path.parent if path.is_file() else path) if inventory else ""


def shown(inventory: str) -> str:
    """Shorter in the checkout, where commands are typed."""
    path = Path(inventory)
    if path.is_relative_to(CHECKOUT):
        return str(path.relative_to(CHECKOUT))
    return inventory or "a list of hosts"


def load(path: Path) -> Cluster:
    """Read the description. Raises ClusterError naming the file and the key at fault."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise ClusterError(f"{path} is not there: a deployment writes it (site.yml)") from None
    except (OSError, ValueError) as error:
        raise ClusterError(f"{path}: {error}") from None
    try:
        cluster: Cluster = _decode(Cluster, document, "")
    except ClusterError as error:
        raise ClusterError(f"{path}: {error}") from None
    machines = {
        name: dataclasses.replace(
            machine, name=name, units=machine.units or tuple(cluster.units.get(name, ()))
        )
        for name, machine in cluster.machines.items()
    }
    cluster = dataclasses.replace(cluster, machines=machines, source=str(path))
    if cluster.spark and cluster.spark.submit_host not in machines:
        raise ClusterError(f"{path}: spark.submit_host {cluster.spark.submit_host} is not in machines")
    return cluster


def _decode(wanted: Any, value: Any, where: str) -> Any:
    """`value` as the type `wanted`; `where` is its place in the file, for the error that names it."""
    if dataclasses.is_dataclass(wanted):
        _expect(dict, value, where)
        hints = typing.get_type_hints(wanted)
        arguments = {}
        for part in dataclasses.fields(wanted):
            place = f"{where}.{part.name}" if where else part.name
            if value.get(part.name) is not None:
                arguments[part.name] = _decode(hints[part.name], value[part.name], place)
            elif part.default is dataclasses.MISSING and part.default_factory is dataclasses.MISSING:
                raise ClusterError(f"{place} is missing")
        return wanted(**arguments)  # type: ignore[operator]
    origin, of = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        return _decode(of[0], value, where)
    if origin is tuple:
        _expect(list, value, where)
        return tuple(_decode(of[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        _expect(dict, value, where)
        return {key: _decode(of[1], item, f"{where}.{key}") for key, item in value.items()}
    _expect(wanted, value, where)
    return value


def _expect(wanted: type, value: Any, where: str) -> None:
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ClusterError(
            f"{where or 'the document'} is a {type(value).__name__}, expected a {wanted.__name__}"
        )
