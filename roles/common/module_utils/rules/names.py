"""Names of an inventory that the kit does not know, and would leave alone without a word.

A misspelt group is a cluster without that service, a misspelt variable a setting that nobody reads: a run
with either would end well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml

from .model import Inventory, Refusal, some

#: The group of all machines of a cluster, and what to do with those that are not there.
CLUSTER = "cluster"
PUT_ALL = "put all machines there (inventories/lab/hosts.yml shows how)"
#: Every inventory has these, without their being written there.
EVERYWHERE = {"all", "ungrouped"}
#: The course's inventory has names of its own that begin like this role's.
HELPERS = {"course"}
#: Variables by the name that they had before, which is refused with the new one.
RENAMED = {
    "service_artifact_dir": "common_artifact_dir",
    "service_check": "common_check",
    "service_checkout": "common_checkout",
    "service_managed": "common_managed",
    "service_reports": "common_reports",
    "service_timeout": "common_timeout",
    "service_unit_defaults": "common_unit_overrides",
    "service_unit_overrides": "common_unit_overrides",
    "proof_mode": "smoke_mode",
    "proof_next": "smoke_next",
    "proof_phases": "common_reports",
    "proof_records": "smoke_records",
    "course_desk": "course_workspace",
    "proof_timeout": "common_timeout",
}
#: Variables that are gone, with what is in their place.
REMOVED = {
    **dict.fromkeys(
        ["common_restart_gated", "service_restart_gated"],
        "accept what stands against a restart by its name (-e accept_risk=NAME), or run playbooks/stop.yml "
        "and then site.yml",
    ),
    **dict.fromkeys(
        ["common_restart_state", "service_restart_state"], "run playbooks/restart.yml -e service=NAME"
    ),
}
#: Roles among which it is easily forgotten whose a variable is.
HADOOP = {"hadoop", "hdfs", "yarn"}


def unknown_groups(inventory: Inventory) -> Iterator[Refusal]:
    """Groups that give machines no service."""
    for text in group_faults(inventory.groups, inventory.services):
        yield Refusal(text)


def unknown_variables(inventory: Inventory) -> Iterator[Refusal]:
    """Variables that no role reads, or that roles make themselves."""
    for text in variable_faults(inventory.given, inventory.roles, set(inventory.computed)):
        yield Refusal(text, text.split(",")[0])


def read_roles(directory: Path) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The options that argument specs declare, by role and variable, and the variables that roles compute.

    Raises OSError for what cannot be read.
    """
    declared: dict[str, dict[str, Any]] = {}
    computed: set[str] = set()
    for role in sorted(path.parents[1] for path in directory.glob("*/meta/argument_specs.yml")):
        entries = _read(role / "meta/argument_specs.yml")["argument_specs"].values()
        declared[role.name] = {
            name: option for entry in entries for name, option in entry.get("options", {}).items()
        }
        if (role / "vars/main.yml").exists():
            computed |= {name for name in _read(role / "vars/main.yml") if not name.startswith("_")}
    return declared, computed


def _read(path: Path) -> dict[str, Any]:
    # The parser in C takes a tenth of the time; not every PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader) or {}  # noqa: S506 (it is a safe one)


def group_faults(groups: Mapping[str, list[str]], services: Mapping[str, list[str]]) -> list[str]:
    """Why groups do not give each machine of the cluster a service.

    groups: hosts by group
    services: groups that plays reach, each with the groups of its daemons

    >>> group_faults({"cluster": ["a"], "kafak": ["a"]}, {"kafka": []})
    ['the group kafak (a) is none of the kit: call it kafka, or, if it is your own, less like that']
    """
    machines = groups.get(CLUSTER, [])
    faults = []
    if not machines:
        faults.append(f"the inventory has no machine in the group {CLUSTER}: {PUT_ALL}")
    elif outside := _in_any(groups, services, but=machines):
        faults.append(f"{', '.join(outside)} in groups of services but not in the group {CLUSTER}: {PUT_ALL}")
    faults += [
        f"the group {group} has no machine: put some there, or remove the group"
        for group in services
        if group in groups and not groups[group]
    ]
    parts = [part for parts in services.values() for part in parts]
    misspelt = _misspelt(groups, [CLUSTER, *services, *parts])
    for group, known in misspelt.items():
        faults.append(
            f"the group {group} ({some(groups[group])}) is none of the kit: call it {known}, or, if it is "
            "your own, less like that"
        )
    reached = {*_in_any(groups, services), *_in_any(groups, misspelt)}
    return faults + _idle_faults([host for host in machines if host not in reached], groups, services)


def _in_any(groups: Mapping[str, list[str]], some: Iterable[str], but: Collection[str] = ()) -> list[str]:
    """The hosts of some groups, each once, but for these."""
    hosts = dict.fromkeys(host for group in some for host in groups.get(group, []))
    return [host for host in hosts if host not in but]


def _misspelt(groups: Mapping[str, list[str]], known: list[str]) -> dict[str, str]:
    """The known name that is meant, by the name of each group with machines that would miss something."""
    machines = set(groups.get(CLUSTER, []))
    found = {}
    for group, hosts in groups.items():
        meant = None if group in known or group in EVERYWHERE else nearest(group, known)
        if not (hosts and meant):
            continue
        there = groups.get(meant, [])
        # Another cluster's, which may have any name; a part of the known group, such as kafka_a or kafka2.
        strange = there and machines.isdisjoint(hosts)
        part = set(hosts) <= set(there) and re.fullmatch(
            rf"(\w+[-_])?{meant}([-_]\w+|[-_]?[0-9]+)?", group, re.IGNORECASE
        )
        if not (strange or part):
            found[group] = meant
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a name is a misspelling of; None when it is like none.

    Case and separators do not count; one letter may be wrong, missing, too many or in its neighbour's place,
    two in a name of eight letters or more.

    >>> nearest("NameNodes", ["datanode", "namenode"]), nearest("zk", ["zookeeper"])
    ('namenode', None)
    """
    found = {each: distance(_letters(name), _letters(each)) for each in known}
    near = [each for each in found if found[each] <= (2 if len(_letters(each)) >= 8 else 1)]
    return min(near, key=lambda each: found[each], default=None)


def _letters(name: str) -> str:
    return re.sub("[-_. ]", "", name.lower())


def distance(one: str, other: str) -> int:
    """How many letters are wrong, missing, too many, or in the place of their neighbour.

    >>> distance("kafak", "kafka"), distance("kafkas", "kafka"), distance("zk", "zookeeper")
    (1, 1, 7)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one):
        older, before, row = before, row, [i + 1]
        for j, right in enumerate(other):
            row.append(min(before[j] + (left != right), before[j + 1] + 1, row[j] + 1))
            if i and j and left == other[j - 1] and right == one[i - 1]:
                row[-1] = min(row[-1], older[j - 1] + 1)
    return row[-1]


def _idle_faults(
    idle: list[str], groups: Mapping[str, list[str]], services: Mapping[str, list[str]]
) -> list[str]:
    """What to do with machines that get no service, those of the same groups together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for host in idle:
        theirs = tuple(group for group in groups if group not in EVERYWHERE and host in groups[group])
        alike.setdefault(theirs, []).append(host)
    whole = f", and no machine of {CLUSTER} is" if len(idle) == len(groups.get(CLUSTER, [])) else ""
    faults = []
    for theirs, hosts in alike.items():
        parts = [(part, service) for service in services for part in services[service] if part in theirs]
        children = " and ".join(f"make {part} a child of the group {service}" for part, service in parts)
        faults.append(
            f"{some(hosts)} in {', '.join(theirs)}, but in no group of a service "
            f"({', '.join(services)}){whole}: {children or 'put each into one of these'}, or take it out "
            f"of {CLUSTER}"
        )
    return faults


def variable_faults(
    names: Mapping[str, Iterable[str]], declared: Mapping[str, Collection[str]], computed: Collection[str]
) -> list[str]:
    """Why variables that are given for the machines of a cluster would have no effect.

    names: the variables of each machine
    declared: the variables that each role reads
    computed: variables that roles define themselves, so that theirs win

    >>> variable_faults({"a": ["kafka_heep"]}, {"kafka": {"kafka_heap"}}, [])[0].split(", or,")[0]
    'kafka_heep, given for a, is no variable of the kit: write kafka_heap'
    """
    known = {name for theirs in declared.values() for name in theirs}
    given: dict[str, list[str]] = {}
    for machine, its in names.items():
        for name in its:
            if name not in known and not name.startswith(("_", "ansible_")):
                given.setdefault(name, []).append(machine)
    faults = []
    for name in sorted(given):
        everywhere = len(given[name]) == len(names) > 1
        where = "all machines" if everywhere else some(given[name])
        if name in RENAMED:
            faults.append(f"{name}, given for {where}, has another name now: write {RENAMED[name]}")
            continue
        if name in REMOVED:
            faults.append(f"{name}, given for {where}, is gone: {REMOVED[name]}")
            continue
        role = next((each for each in declared if each not in HELPERS and name.startswith(f"{each}_")), None)
        if why := _of_the_role(name, role, known, computed) if role else _like_the_kits(name, known):
            faults.append(f"{name}, given for {where}, is {why}")
    return faults


def _of_the_role(name: str, role: str, known: set[str], computed: Collection[str]) -> str:
    if name in computed:
        if (overrides := f"{name}_overrides") in known:
            return f"what the kit makes with {overrides}: set that"
        return "what the kit makes itself: remove it"
    if near := _nearest_variable(name, role, known):
        remedy = f"write {near}, or"
    elif any(each.startswith(f"{role}_") for each in known):
        remedy = f"see ansible-doc -t role -r roles {role}, or write"
    else:
        remedy = "remove it, or write"
    return f"no variable of the kit: {remedy}, if it is your own, a name that does not begin with {role}_"


def _like_the_kits(name: str, known: set[str]) -> str | None:
    """Of a name that begins like no role's: whether one letter makes it the kit's, such as kafak_heap.

    In capitals it is a name for an environment, such as JAVA_HOME.
    """
    letters = _letters(name)
    for each in sorted(known):
        if abs(len(each) - len(name)) > 2 or name.isupper():
            continue
        if distance(letters, _letters(each)) <= 1:
            return f"no variable of the kit: write {each}, or, if it is your own, a name less like that"
    return None


def _nearest_variable(name: str, role: str, known: set[str]) -> str | None:
    """The variable that may be meant: of the same role, or of Hadoop's others under the very same name."""
    kin = HADOOP if role in HADOOP else {role}
    rest = name.removeprefix(f"{role}_")
    best, nearest = 0.0, None
    for each in sorted(known):
        owner, _, other = each.partition("_")
        alike = SequenceMatcher(None, rest, other, autojunk=False).ratio()
        words, others = set(rest.split("_")), set(other.split("_"))
        if owner == role:
            # Words too many or too few: kafka_heap_size, zookeeper_port.
            alike = 0.1 + max(alike, 0.7 if words <= others or words >= others else 0)
        if owner in kin and alike >= (0.7 if owner == role else 1) and alike > best:
            best, nearest = alike, each
    return nearest
