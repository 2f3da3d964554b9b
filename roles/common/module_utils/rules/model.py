"""What rules read and what they say: an inventory's machines with their values, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


class RefusedError(KeyError):
    """A value is asked for that cannot be used; why has been said by another rule."""


@dataclass(frozen=True)
class Refusal:
    """One reason why the input is not used.

    text: a sentence with the variable, its value and the remedy
    variable: the variable that is wrong, for the place where it was set; key: the key in it, if it is a dict
    hosts: the machines that it is about, where the sentence does not name them
    rule: name of the rule, which is the anchor in docs/errors.md
    """

    text: str
    variable: str = ""
    key: str = ""
    hosts: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True)
class Machine:
    """A machine with the final values of the variables that its roles declare.

    values: by name of the variable, converted to the declared type; RefusedError for one that has no value
    roles: the roles that are deployed there
    services: by name, what rules read of the services there: "endpoints" of the whole cluster, "memory"
    """

    name: str
    values: Mapping[str, Any]
    roles: frozenset[str] = frozenset()
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __getitem__(self, variable: str) -> Any:
        """The value of a variable."""
        return self.values[variable]


@dataclass(frozen=True)
class Inventory:
    """All machines of a cluster, whichever of them a run is for.

    groups: hosts by group
    given: names of variables by machine, also those that no role declares
    roles: the options that roles declare, by role and variable; computed: variables that roles make
    services: the groups that plays reach, each with the groups of its daemons
    unfit: by machine and variable why a value cannot be used
    meminfo: the text of /proc/meminfo on the controller
    facts: by machine what machine_facts returned, with "asked" (on the controller's clock, from and to) and
        "reach" (by name and port why the controller does not reach them)
    deployed: by machine its units, as runs of before have left them; accepted: what may be gone
    """

    machines: tuple[Machine, ...]
    groups: Mapping[str, list[str]] = field(default_factory=dict)
    given: Mapping[str, Iterable[str]] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    computed: Iterable[str] = ()
    services: Mapping[str, list[str]] = field(default_factory=dict)
    unfit: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    meminfo: str = ""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deployed: Mapping[str, list[str]] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()

    def having(self, role: str) -> list[Machine]:
        """The machines on which a role is deployed."""
        return [machine for machine in self.machines if role in machine.roles]


Rule = Callable[[Inventory], Iterable[Refusal]]
MachineRule = Callable[[Machine], Iterable[Refusal]]


def each(*roles: str) -> Callable[[MachineRule], Rule]:
    """Make a rule about one machine one about all machines, or about those that have one of the roles."""

    def of_all(rule: MachineRule) -> Rule:
        def judged(inventory: Inventory) -> Iterator[Refusal]:
            for machine in inventory.machines:
                if roles and machine.roles.isdisjoint(roles):
                    continue
                try:
                    for refusal in rule(machine):
                        yield replace(refusal, hosts=(machine.name,))
                except RefusedError:
                    continue

        judged.__doc__ = rule.__doc__
        return judged

    return of_all


def judge(rules: Mapping[str, Rule], inventory: Inventory) -> list[Refusal]:
    """All refusals of all rules; what is said of several machines in the same words is said once."""
    found: dict[tuple[str, str], Refusal] = {}
    for name, rule in rules.items():
        try:
            for refusal in rule(inventory):
                before = found.get((name, refusal.text), refusal)
                hosts = tuple(dict.fromkeys(before.hosts + refusal.hosts))
                found[name, refusal.text] = replace(before, hosts=hosts, rule=name)
        except RefusedError:
            continue
    return list(found.values())


def some(names: Iterable[str]) -> str:
    """The names, of many the first five.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    known = list(names)
    more = f" and {len(known) - 5} more" if len(known) > 5 else ""
    return ", ".join(known[:5]) + more
