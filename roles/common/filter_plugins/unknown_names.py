"""Names of an inventory that the kit does not know, and would leave alone without a word.

A misspelt group is a cluster without that service, a misspelt variable a setting that nobody reads: a run
with either would end well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml

DOCUMENTATION = """
name: unknown_names
author: Millrace
short_description: groups and variables that the kit does not know
description:
  - Says of an inventory which groups are misspelt, which machines no play of a service reaches, and which
    variables no role reads. Other groups and variables are people's own, and stay theirs.
  - Of variables only the names are looked at. No value is templated.
positional: _input, variables, services, roles
options:
  _input:
    description: hosts by group, such as C(groups)
    type: dict
    required: true
  variables:
    description: variables by host, such as C(hostvars); those of the group C(cluster) are looked at
    type: dict
    required: true
  services:
    description:
      - the groups whose hosts the plays of the services reach
      - each with the groups of its daemons, whose hosts must be in it, too
    type: dict
    required: true
  roles:
    description:
      - directory of the roles; what their C(meta/argument_specs.yml) declare is known
      - what their C(vars/main.yml) define would win over the inventory
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Refuse names that the kit does not know
  ansible.builtin.fail:
    msg: "{{ faults | join('\n') }}"
  when: faults | length > 0
  vars:
    faults: "{{ groups | unknown_names(hostvars, {'kafka': [], 'hadoop': ['datanode']}, 'roles') }}"
"""

RETURN = """
_value:
  description: a sentence for each name, with where it is and what to do; none when all are known
  type: list
  elements: str
"""

#: The group of all machines of a cluster, and what to do with those that are not there.
CLUSTER = "cluster"
PUT_ALL = "put all machines there (inventories/lab/hosts.yml shows how)"
#: Every inventory has these, without their being written there.
EVERYWHERE = {"all", "ungrouped"}
#: The course's inventory has names of its own that begin like this role's.
HELPERS = {"course"}
#: Roles among which it is easily forgotten whose a variable is.
HADOOP = {"hadoop", "hdfs", "yarn"}


def unknown_names(
    groups: Mapping[str, list[str]],
    variables: Mapping[str, Iterable[str]],
    services: Mapping[str, list[str]],
    roles: str,
) -> list[str]:
    """All refusals of an inventory's groups and variables, a sentence each.

    groups: hosts by group
    variables: names of variables by host
    services: {"hadoop": ["namenode", ...], ...}, groups that plays reach, with those of their daemons
    roles: directory of the roles

    Raises OSError for roles that cannot be read.
    """
    declared, computed = read_roles(Path(roles))
    names = {machine: list(variables[machine]) for machine in groups.get(CLUSTER, [])}
    return group_faults(groups, services) + variable_faults(names, declared, computed)


def read_roles(directory: Path) -> tuple[dict[str, set[str]], set[str]]:
    """The variables that argument specs declare, by role, and those that roles compute themselves.

    Raises OSError for what cannot be read.
    """
    declared, computed = {}, set()
    for role in sorted(path.parents[1] for path in directory.glob("*/meta/argument_specs.yml")):
        entries = _read(role / "meta/argument_specs.yml")["argument_specs"].values()
        declared[role.name] = {name for entry in entries for name in entry.get("options", {})}
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
    parts = [part for parts in services.values() for part in parts]
    misspelt = _misspelt(groups, [CLUSTER, *services, *parts])
    for group, known in misspelt.items():
        faults.append(
            f"the group {group} ({_some(groups[group])}) is none of the kit: call it {known}, or, if it is "
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
        meant = None if group in known or group in EVERYWHERE else nearest_group(group, known)
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


def nearest_group(name: str, known: Iterable[str]) -> str | None:
    """The known group that a name is a misspelling of; None when it is like none.

    Case and separators do not count; one letter may be wrong, missing, too many or in its neighbour's place,
    two in a name of eight letters or more.

    >>> nearest_group("NameNodes", ["datanode", "namenode"]), nearest_group("zk", ["zookeeper"])
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
            f"{_some(hosts)} in {', '.join(theirs)}, but in no group of a service "
            f"({', '.join(services)}){whole}: {children or 'put each into one of these'}, or take it out of "
            f"{CLUSTER}"
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
        where = "all machines" if everywhere else _some(given[name])
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


def _some(hosts: list[str]) -> str:
    """The hosts, of many the first five."""
    more = f" and {len(hosts) - 5} more" if len(hosts) > 5 else ""
    return ", ".join(hosts[:5]) + more


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"unknown_names": unknown_names}
