"""Judge the input of all machines of a cluster at once, on the controller, before any machine is touched.

The variables of a machine are asked of Ansible as for a task of this play there, so that the defaults of its
roles are in sight, also for machines that --limit leaves out. The rules are in module_utils/rules.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase
from jinja2 import Environment, TemplateSyntaxError, nodes

#: This file lies in roles/common/action_plugins.
COMMON = Path(__file__).resolve().parents[1]
# Ansible finds a role's module_utils for modules only; these are read here.
ansible.module_utils.__path__.append(str(COMMON / "module_utils"))

from ansible.module_utils.rules import (  # noqa: E402 (found by the line above)
    MACHINE_RULES,
    RULES,
    Inventory,
    Machine,
    Refusal,
    RefusedError,
    cautions,
    judge,
    report,
)
from ansible.module_utils.rules.names import read_roles  # noqa: E402
from ansible.module_utils.rules.values import unfit  # noqa: E402

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # Where Ansible keeps it is its own affair: without it, places are not named.
    Origin = None

#: The lists that say on which machines a role is deployed; other roles are everywhere.
HOSTS = {
    "zookeeper": ("zookeeper_hosts",),
    "hadoop": ("hadoop_hosts",),
    "hdfs": ("hadoop_hosts",),
    "yarn": ("hadoop_hosts",),
    "kafka": ("kafka_hosts", "kafka_controller_hosts"),
    "spark": ("spark_hosts",),
}
#: What else rules read of the roles: values that these make, and parts of the values of services.
MADE = ("spark_defaults", "yarn_mapred_site")
PARTS = ("endpoints", "memory")
#: The same for every machine, whatever it is called there.
COMMONS = {"groups", "hostvars", "lookup", "query", "range", "dict", "omit", "undef", "now", "q"}
#: Seconds within which a machine must answer a connection, with a refusal at least.
REACH = 3
#: Protocols that only daemons speak, with each other.
AMONG_DAEMONS = ("quorum", "election", "raft")
#: The variables that rules about machines read.
MACHINE_VALUES = re.compile(
    "java_|lab_name$|common_(untested_systems|machine_memory)$|spark_python$|kafka_(brokers|controllers)$"
    "|.*_(dir|hosts)$|(zookeeper_cfg|hdfs_site|yarn_site|kafka_server_properties)_overrides$"
)
#: Rules about the inventory as a whole, which a role used alone need not have.
WHOLE = ("unknown-group", "hosts")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: groups (of services, with those of their daemons); role (one that is used alone).

    facts: by machine what the module machine_facts returned: then machines are judged, else the inventory
    deployed: path of the file with the machines that runs of before have deployed; accepted: what the user
        accepts of what is gone
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("groups", "role", "facts", "deployed", "accepted"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return nothing, or warnings; failed, with all refusals, when there are some."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        alone = self._task.args.get("role")
        groups = variables["groups"]
        names = self._alone(variables) if alone else groups.get("cluster", [])
        facts = self._task.args.get("facts")
        if facts is not None:
            # Of others nothing is known.
            names = [name for name in names if name in facts]
            facts = {name: facts[name] for name in names}
        values = Values(self, names, variables)
        inventory, broken = self._inventory(
            values, groups, MACHINE_VALUES if facts is not None else re.compile("")
        )
        if facts is not None:
            inventory = _with_facts(inventory, facts)
            warnings = list(cautions(inventory))
            return result | _judged(judge(MACHINE_RULES, inventory), values) | {"warnings": warnings}
        refusals = judge({name: RULES[name] for name in RULES if not (alone and name in WHOLE)}, inventory)
        # What is made from refused values cannot be made; else the reason is worth a line of its own.
        return result | _judged(refusals or broken, values)

    def _alone(self, variables: Mapping[str, Any]) -> list[str]:
        """The machines of a role that is used alone: the play's, and those that a limit leaves out."""
        listed = [
            host
            for name in dict.fromkeys(name for names in HOSTS.values() for name in names)
            if name in variables
            for host in self._templar.template(variables[name])
        ]
        known = variables["groups"]["all"]
        return list(dict.fromkeys([*variables["ansible_play_hosts_all"], *(h for h in listed if h in known)]))

    def _inventory(
        self, values: Values, groups: Mapping[str, list[str]], wanted: re.Pattern[str]
    ) -> tuple[Inventory, list[Refusal]]:
        """What the rules read, and why values that roles make cannot be made.

        wanted: which variables are made
        """
        roles, computed = read_roles(COMMON.parent)
        roles = {
            role: {name: option for name, option in options.items() if wanted.match(name)}
            for role, options in roles.items()
        }
        machines, unfits, broken = [], {}, []
        for name in values.machines:
            lists, why = values.declared(name, {role: _lists(roles[role]) for role in roles})
            there = frozenset(
                role
                for role in roles
                if values.has(name, f"{role}_service")
                and any(name in lists.get(each, [name]) for each in HOSTS.get(role, ("",)))
            )
            here = {role: roles[role] for role in roles if role in there or role not in HOSTS}
            fit, others = values.declared(name, here)
            fit, why = lists | fit, why | others
            services: dict[str, dict[str, Any]] = {role: {} for role in sorted(there)}
            parts = [
                (fit, each, values.raw(name, each))
                for each in MADE
                if values.has(name, each) and wanted.match(each)
            ]
            for role, made in services.items():
                service = values.raw(name, f"{role}_service")
                parts += [(made, part, service[part]) for part in PARTS if part in service]
            for target, key, raw in parts:
                try:
                    target[key] = values.made(name, raw)
                except Exception as error:  # noqa: BLE001 (whatever a template raises)
                    broken.append(Refusal(f"{key} cannot be made: {error}", hosts=(name,), rule="value-type"))
            machines.append(Machine(name, Known(fit), there, services))
            unfits[name] = why
        inventory = Inventory(
            tuple(machines),
            groups=groups,
            given={name: values.names(name) for name in values.machines},
            roles=roles,
            computed=computed,
            services=self._task.args.get("groups", {}),
            unfit=unfits,
            meminfo=Path("/proc/meminfo").read_text(encoding="utf-8"),
            deployed=_deployed(self._task.args.get("deployed")),
            accepted=frozenset(str(self._task.args.get("accepted") or "").split(",")),
        )
        return inventory, broken


def _deployed(path: str | None) -> dict[str, list[str]]:
    """The units of each machine that runs of before have deployed; nothing where there was none."""
    if not path or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        return dict(json.load(stream))


def _judged(refusals: list[Refusal], values: Values) -> dict[str, Any]:
    """The result of the task."""
    if not refusals:
        return {"changed": False}
    return {"failed": True, "msg": report(refusals, values.place, len(values.machines))}


def _with_facts(inventory: Inventory, facts: Mapping[str, Mapping[str, Any]]) -> Inventory:
    """The inventory with what is known of its machines, and whether the controller reaches them."""
    known = {name: {**its, "reach": {}} for name, its in facts.items()}
    for machine, where, why in unreached(asked_endpoints(inventory)):
        known[machine]["reach"][where] = why
    return replace(inventory, facts=known)


def asked_endpoints(inventory: Inventory) -> list[tuple[str, str, int]]:
    """Machine, name and port of all endpoints that the controller asks; others are among daemons."""
    return list(
        dict.fromkeys(
            (machine.name, endpoint.get("host", machine.name), endpoint["port"])
            for machine in inventory.machines
            for service in machine.services.values()
            for endpoint in service.get("endpoints", ())
            if endpoint["machine"] == machine.name
            # Whether a controller runs a broker tells, unless it is none.
            and (endpoint["protocol"] not in AMONG_DAEMONS or endpoint["variable"] == "kafka_controllers")
            # JournalNodes are asked for their page; their port is the NameNodes'.
            and (endpoint["unit"], endpoint["protocol"]) != ("hdfs-journalnode", "rpc")
        )
    )


def unreached(several: list[tuple[str, str, int]]) -> list[tuple[str, str, str]]:
    """Of machine, name and port of endpoints: machine, where, and why the controller does not come there."""
    if not several:
        return []
    with ThreadPoolExecutor(min(len(several), 32)) as pool:
        reasons = pool.map(lambda each: _why_not(each[1], each[2]), several)
        return [
            (machine, f"{name}:{port}", why)
            for (machine, name, port), why in zip(several, reasons, strict=True)
            if why
        ]


def _why_not(name: str, port: int) -> str | None:
    """Why nothing comes to a port; a port at which nothing listens yet is reached all the same."""
    try:
        with socket.create_connection((name, port), timeout=REACH):
            return None
    except ConnectionRefusedError:
        return None
    except socket.gaierror:
        return "it has no address here"
    except TimeoutError:
        return f"no answer within {REACH} s, as behind a firewall or a bastion"
    except UnicodeError:
        return "it is no name"
    except OSError as error:
        return None if error.errno == errno.ECONNRESET else str(error.strerror or error)


def _lists(options: Mapping[str, Any]) -> dict[str, Any]:
    """The lists of hosts, which say where the role is deployed, and are read by rules of others."""
    return {name: option for name, option in options.items() if name.endswith("_hosts")}


class Known(dict[str, Any]):
    """Values by variable; one that is missing was refused."""

    def __missing__(self, name: str) -> Any:
        raise RefusedError(name)


class Values:
    """Final values of variables of machines. What no machine's own variable has a part in is made once."""

    def __init__(self, action: ActionModule, machines: list[str], variables: Mapping[str, Any]) -> None:
        manager, hostvars = action._task.get_variable_manager(), variables["hostvars"]
        self.machines = list(machines)
        self._raw: dict[str, dict[str, Any]] = {
            name: manager.get_vars(
                play=action._task.get_play(), host=hostvars._inventory.get_host(name), task=action._task
            )
            for name in self.machines
        }
        self._given = {name: set(hostvars.raw_get(name)) for name in self.machines}
        self._templar = action._templar
        self._known: dict[Any, Any] = {}
        self._names: dict[str, set[str]] = {}

    def names(self, machine: str) -> set[str]:
        """The variables that the inventory, facts and the command line give a machine."""
        return self._given[machine]

    def has(self, machine: str, variable: str) -> bool:
        """Whether a variable is in sight."""
        return variable in self._raw[machine]

    def raw(self, machine: str, variable: str) -> Any:
        """A variable as it is written."""
        return self._raw[machine][variable]

    def declared(
        self, machine: str, roles: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The values that roles declare, in their types, and why others cannot be used."""
        given: dict[str, Any] = {}
        why: dict[str, str] = {}
        options: dict[str, Any] = {}
        for role, declared in roles.items():
            in_sight = self.has(machine, f"{role}_service") or role == "common"
            for variable, option in declared.items():
                if option["type"] == "raw" or option.get("elements") == "raw":
                    continue
                if not self.has(machine, variable):
                    if in_sight:
                        options[variable] = option
                    continue
                options[variable] = option
                try:
                    given[variable] = self.made(machine, self._raw[machine][variable])
                except Exception as error:  # noqa: BLE001 (whatever a template raises)
                    why[variable] = f"{variable} cannot be made: {error}"
        fit, others = unfit(given, {name: options[name] for name in options if name not in why})
        why |= others
        # What is made from a refused value is wrong with it, and right again without a word.
        first = {
            name: text
            for name, text in why.items()
            if not self.has(machine, name)
            or self._needs(machine, self._raw[machine][name]).isdisjoint(why.keys() - {name})
        }
        return fit, first

    def made(self, machine: str, raw: Any) -> Any:
        """The value of what is written; raises what the templates in it raise."""
        needs = self._needs(machine, raw)
        if not needs and not self._templates(raw):
            return _plain(raw)
        key = (id(raw), tuple((name, _mark(self._raw[machine].get(name))) for name in sorted(needs)))
        if key not in self._known:
            templar = self._templar.copy_with_new_env(available_variables=self._raw[machine])
            self._known[key] = _plain(templar.template(raw))
        return self._known[key]

    def _needs(self, machine: str, raw: Any) -> set[str]:
        """The variables that have a part in a value, through whichever others."""
        found: set[str] = set()
        ahead = list(self._read(raw))
        while ahead:
            name = ahead.pop()
            if name not in found and name not in COMMONS:
                found.add(name)
                ahead += self._read(self._raw[machine].get(name))
        return found

    def _read(self, raw: Any) -> set[str]:
        """The variables that the templates in a value name."""
        names: set[str] = set()
        for text in _texts(raw):
            if text not in self._names:
                self._names[text] = _named(text)
            names |= self._names[text]
        return names

    def _templates(self, raw: Any) -> bool:
        return any("{{" in text or "{%" in text for text in _texts(raw))

    def place(self, machine: str, variable: str, key: str) -> str | None:
        """The file and line where a variable was set, or a key of it."""
        value = self._raw.get(machine, {}).get(variable)
        inner = value.get(key) if key and isinstance(value, Mapping) else None
        for each in (inner, value):
            origin: Any = Origin.get_tag(each) if Origin and each is not None else None
            if origin and origin.path:
                line = f":{origin.line_num}" if origin.line_num else ""
                return f"{os.path.relpath(origin.path)}{line}"
            if origin and origin.description:
                # <CLI option '-e'>
                return "-e" if "'-e'" in origin.description else str(origin.description)
        return None


def _mark(raw: Any) -> Any:
    """What is equal for the same value as it is written: text itself, of others the object."""
    return str(raw) if isinstance(raw, str) else id(raw)


def _texts(raw: Any) -> Iterator[str]:
    """All text in a value."""
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, Mapping):
        for key, value in raw.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(raw, (list, tuple)):
        for value in raw:
            yield from _texts(value)


def _named(text: str) -> set[str]:
    """The variables that a template names; inventory_hostname, too, for one that may name them by lookup."""
    if "{{" not in text and "{%" not in text:
        return set()
    try:
        parsed = Environment().parse(text)  # noqa: S701 (nothing is rendered)
    except TemplateSyntaxError:
        return {"inventory_hostname"}
    # A template's own names are among them, which does no harm.
    names = {each.name for each in parsed.find_all(nodes.Name)}
    return names | ({"inventory_hostname"} if {"lookup", "query", "q", "vars"} & names else set())


def _plain(value: Any) -> Any:
    """The value in Python's own types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)
