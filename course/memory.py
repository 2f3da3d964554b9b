"""Whether this host carries the clusters: measured figures, and arithmetic that is shown.

All figures are MB of 1024 * 1024 bytes, measured on the course's cluster after use. A daemon may fill its
heap; beside it only private memory counts (RssAnon), for pages of files are shared and can be had back.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import CourseError, labs


@dataclass(frozen=True)
class Daemon:
    """One kind of daemon: the group of its hosts, the variable that is its heap, what it has beside."""

    group: str
    heap: str
    beside: int


DAEMONS = (
    Daemon("zookeeper", "zookeeper_heap", 25),
    Daemon("kafka", "kafka_heap", 50),
    Daemon("namenode", "hdfs_namenode_heap", 65),
    Daemon("namenode", "hdfs_secondarynamenode_heap", 65),
    Daemon("datanode", "hdfs_datanode_heap", 55),
    Daemon("resourcemanager", "yarn_resourcemanager_heap", 80),
    Daemon("nodemanager", "yarn_nodemanager_heap", 70),
    Daemon("historyserver", "yarn_historyserver_heap", 60),
)
MACHINE = 31
"""systemd, journal and sshd of one container."""
WORK = {"brokers 1 and 2": 2 * (128 + 50), "MapReduce: client, master and two tasks": 163 + 166 + 2 * 144}
"""What a student has running beside the daemons. Spark with local[2] and two consoles is less: 366 + 131."""

_UNITS = {"k": 1 / 1024, "m": 1.0, "g": 1024.0}
_HEAP = re.compile(r"(?P<number>\d+)(?P<unit>[kmg])", re.IGNORECASE)
_PAGES_OF_FILES = ("inactive_file", "total_inactive_file")


@dataclass(frozen=True)
class Room:
    """Memory of this host."""

    free: int
    """What programs can still get."""
    held: int = 0
    """What those of the clusters asked for hold that run already."""
    others: Mapping[str, int] = field(default_factory=dict)
    """What clusters that run and are not asked for may still take, by name."""


def of_lab(lab: labs.Lab) -> int:
    """What a cluster that was deployed takes with a student at work."""
    return of_cluster(inventory(labs.split(lab.deployment.options)))


def inventory(options: Sequence[str]) -> dict[str, Any]:
    """The inventory as ansible-playbook sees it with these options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-e", "--extra-vars", action="append", default=[])
    variables = parser.parse_known_args(options)[0].extra_vars
    words = [word for variable in variables for word in ("-e", variable)]
    listing = labs.output([labs.program("ansible-inventory"), "-i", labs.INVENTORY, "--list", *words])
    found: dict[str, Any] = json.loads(listing)
    return found


def megabytes(variable: str, heap: object) -> float:
    """A heap as the JVM's options have it. Raises CourseError for anything else."""
    read = _HEAP.fullmatch(str(heap))
    if not read:
        raise CourseError(f"{variable} is '{heap}': give a size such as 128m")
    return int(read["number"]) * _UNITS[read["unit"].lower()]


def of_cluster(inventory: Mapping[str, Any]) -> int:
    """What one cluster takes with a student at work, from the output of ``ansible-inventory --list``."""
    hostvars = inventory["_meta"]["hostvars"]
    total = float(MACHINE * len(hosts(inventory, "cluster")) + sum(WORK.values()))
    for daemon in DAEMONS:
        for host in hosts(inventory, daemon.group):
            known = hostvars[host]
            if daemon.heap not in known:
                raise CourseError(f"{daemon.heap} is not in inventories/course: give a size such as 128m")
            size = megabytes(daemon.heap, known[daemon.heap]) + daemon.beside
            total += size * (_brokers(known) if daemon.group == "kafka" else 1)
    return round(total)


def hosts(inventory: Mapping[str, Any], group: str) -> list[str]:
    """The hosts of a group and of those in it."""
    entry = inventory.get(group, {})
    found = list(entry.get("hosts", ()))
    for child in entry.get("children", ()):
        found += hosts(inventory, child)
    return list(dict.fromkeys(found))


def _brokers(known: Mapping[str, Any]) -> int:
    beside = str(known.get("course_broker_0_10", "")).lower() in {"true", "yes", "on", "1"}
    return len(known["kafka_brokers"]) + beside


def available(meminfo: str) -> int:
    """What programs can get without swapping, from the text of /proc/meminfo."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    if not found:
        raise CourseError("/proc/meminfo has no MemAvailable: this kernel is older than 3.14")
    return int(found[1]) // 1024


def within_limits(limits: Iterable[tuple[str, str, str]]) -> int | None:
    """What the tightest control group leaves, None where there is no limit.

    Of each the texts of limit, usage and memory.stat. Pages of files that nobody used lately go when memory
    is wanted: they count as free, as in MemAvailable.
    """
    left = []
    for limit, usage, statistics in limits:
        # v2 says max, v1 a number beyond any machine.
        if limit.strip() == "max" or int(limit) >= 1 << 60:
            continue
        pages = dict(line.split() for line in statistics.splitlines())
        # v1 has both names, and the second is that with all the groups below.
        unused = max(int(pages.get(name, 0)) for name in _PAGES_OF_FILES)
        left.append((int(limit) - int(usage) + unused) // 1024**2)
    return max(0, min(left)) if left else None


def control_groups(own: str, mount: Path = Path("/sys/fs/cgroup")) -> list[tuple[str, str, str]]:
    """Limit, usage and memory.stat of a process's control group and all above it.

    `own` is the text of its /proc/PID/cgroup. In a container the path may be that of the host, of which only
    the root is in sight.
    """
    found = []
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            root, names = mount / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
        elif not controllers:
            root, names = mount, ("memory.max", "memory.current", "memory.stat")
        else:
            continue
        group = root / path.strip("/")
        for place in (group, *group.parents):
            if place.is_relative_to(root) and all((place / name).is_file() for name in names):
                limit, usage, statistics = ((place / name).read_text(encoding="ascii") for name in names)
                found.append((limit, usage, statistics))
    return found


def free() -> int:
    """What programs can still get on this host."""
    ours = available(Path("/proc/meminfo").read_text(encoding="ascii"))
    limit = within_limits(control_groups(Path("/proc/self/cgroup").read_text(encoding="ascii")))
    return ours if limit is None else min(ours, limit)


def held(processes: Iterable[int], proc: Path = Path("/proc")) -> int:
    """What containers hold that would be free without them, each given by its first process."""
    private: dict[int, list[int]] = {}
    first = set(processes)
    wanted = set()
    for status in proc.glob("[0-9]*/status"):
        try:
            namespace = (status.parent / "ns/pid").stat().st_ino
            found = re.search(r"^RssAnon:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        except OSError:
            continue  # it has ended since
        private.setdefault(namespace, []).append(int(found[1]) if found else 0)
        if int(status.parent.name) in first:
            wanted.add(namespace)
    return sum(sum(private[namespace]) for namespace in wanted) // 1024


def refusal(clusters: int, each: int, room: Room) -> str | None:
    """Why that many clusters cannot be here, with the arithmetic and what to do; None when they can.

    In tenths of GB, rounded to the safe side, so that what is shown is what is decided by.
    """
    one, free, held = _up(each), _down(room.free), _down(room.held)
    others = {name: _up(more) for name, more in room.others.items()}
    have = max(0, free + held - sum(others.values()))
    if clusters * one <= have:
        return None
    parts = [f"{_gb(free)} free"]
    if held:
        parts.append(f"plus {_gb(held)} that clusters of theirs hold already")
    parts += [f"less {_gb(more)} that {name} may still take" for name, more in others.items()]
    of_what = f" ({', '.join(parts)})" if parts[1:] else ""
    needed = f"{clusters} cluster{'s' * (clusters > 1)} x {_gb(one)} = {_gb(clusters * one)}"
    most = have // one
    if most:
        remedy = f"at most {most}; take STUDENTS={most}"
    else:
        remedy = f"not one fits; end other programs until {_gb(one)} are available"
    if others:
        remedy += ", or remove clusters that nobody needs (make course-down)"
    return f"{needed}, but {_gb(have)} are available{of_what}: {remedy}"


def shown(megabytes: float) -> str:
    """A need, as it is shown."""
    return _gb(_up(megabytes))


def _up(megabytes: float) -> int:
    return math.ceil(megabytes * 10 / 1024)


def _down(megabytes: float) -> int:
    return math.floor(megabytes * 10 / 1024)


def _gb(tenths: int) -> str:
    return f"{tenths / 10:.1f} GB"
