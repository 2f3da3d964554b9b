"""Ids that members of a service cannot have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Inventory, Refusal

#: By variable: the variable with the hosts, the prefix of an id that is a place, the form of one, in words.
IDS = {
    # Upstream's administrator's guide.
    "zookeeper_id": (
        "zookeeper_hosts",
        "",
        r"[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]",
        "a number from 1 to 255",
    ),
    "hdfs_namenode_id": ("hdfs_namenode_hosts", "nn", r"[A-Za-z][\w-]*", "a letter, then letters and digits"),
    "yarn_resourcemanager_id": (
        "yarn_resourcemanager_hosts",
        "rm",
        r"[A-Za-z][\w-]*",
        "a letter, then letters and digits",
    ),
}


def member_ids(inventory: Inventory) -> Iterator[Refusal]:
    """Ids by name: each of the form that its product takes, and no two the same."""
    for variable, (hosts, prefix, form, words) in IDS.items():
        ids: dict[str, list[str]] = {}
        for machine in inventory.machines:
            members = machine.values.get(hosts, [])
            if machine.name not in members or variable not in machine.values:
                continue
            given = str(machine[variable] or f"{prefix}{members.index(machine.name) + 1}")
            ids.setdefault(given, []).append(machine.name)
            if not re.fullmatch(form, given):
                yield Refusal(
                    f"{variable} of {machine.name} is '{given}': give {words}",
                    variable,
                    hosts=(machine.name,),
                )
        for given, machines in ids.items():
            if len(machines) > 1:
                yield Refusal(
                    f"{variable} is {given} on {', '.join(machines)}: each needs its own, and one that has "
                    f"none has its place in {hosts}",
                    variable,
                    hosts=tuple(machines),
                )
