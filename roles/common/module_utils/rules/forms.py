"""What of an inventory's values cannot work, a sentence each: the variable, what it is, what to do."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

#: Directories of the system (FHS 3.0) that no service may own; what lies below them is another matter.
SYSTEM = re.compile(
    "/(bin|boot|etc|home|lib[0-9a-z]*|media|mnt|opt|root|sbin|srv)|/usr(/local)?(/(bin|etc|games|include|lib[0-9a-z]*|sbin|share|src))?|/var(/(backups|cache|lib|lock|log|mail|opt|spool|tmp))?"
)
#: What lies below them is gone after a reboot, or was never on a disk.
PASSING = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/run")  # noqa: S108 (nothing is written there)

#: What ProtectHome hides from the units (systemd.exec), so that they would not see their data.
HIDDEN = ("/home", "/root", "/run/user")

UNIT_SECTIONS = ("Unit", "Service", "Install")

MASK = "(hidden)"
#: Text that may hold a secret; the words are those of host_files, which masks diffs.
SECRET = re.compile(
    r"(?:passw(?:or)?d|passphrase|(?:store|key)pass|(?<![a-z0-9])(?:pwd?|pass)(?![a-z0-9])|secret|token|credential"
    r"|jaas|sasl|(?:private|access|account|api|keystore)[._-]?key)[\w.\-]*[\"']?\s*[=:\s]|://[^\s/:@]*:[^\s/@]+@",
    re.IGNORECASE,
)

#: Kafka's own topics, each with replicas of its own.
TOPICS = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")


def directory_faults(directories: Mapping[str, str]) -> list[str]:
    """Why directories of one machine cannot be a service's own.

    directories: path by the variable that gives it

    >>> directory_faults({"kafka_data_dir": "/var"})
    ["kafka_data_dir is '/var', which is the system's: give a directory of its own below it"]
    """
    faults, sound = [], []
    for name, path in directories.items():
        if not re.match("/[^/]", path):
            faults.append(f"{name} is '{path}': give an absolute directory below /")
        elif path != posixpath.normpath(path) or re.search(r"\s", path):
            faults.append(f"{name} is '{path}': write it without .., //, blanks and a slash at its end")
        elif odd := sorted(set(re.sub(r"[\w./+=@-]", "", path, flags=re.ASCII))):
            faults.append(
                f"{name} is '{path}': write it without {' '.join(odd)}, which a unit, a shell or a list of "
                "directories reads otherwise"
            )
        elif SYSTEM.fullmatch(path):
            faults.append(f"{name} is '{path}', which is the system's: give a directory of its own below it")
        elif any(within(path, each) for each in PASSING):
            faults.append(f"{name} is '{path}', which a reboot empties: give a directory on a disk")
        elif any(within(path, each) for each in HIDDEN):
            faults.append(
                f"{name} is '{path}', which ProtectHome hides from the services: give a directory elsewhere"
            )
        else:
            sound.append((name, path))
    return faults + [
        f"{one} is '{path}' and {other} is '{another}': give each a directory of its own, none in another"
        for (one, path), (other, another) in combinations(sound, 2)
        if within(path, another) or within(another, path)
    ]


def shown(value: Any) -> str:
    """A value as an error shows it: not what may be a secret.

    >>> shown("-Dssl.keyStorePassword=x"), shown(5)
    ('(hidden)', '5')
    """
    text = str(value)
    return MASK if SECRET.search(text) else text


def within(path: str, other: str) -> bool:
    """Whether a path is another, or lies below it."""
    return path == other or path.startswith(f"{other}/")


def port_faults(ports: Mapping[str, Iterable[Any]]) -> list[str]:
    """Why daemons of one machine cannot listen at their ports.

    ports: by the variable that gives them, or by the daemon where none does

    >>> port_faults({"kafka_brokers": [8088], "YARN's pages": [8088]})
    ["port 8088 is that of kafka_brokers and YARN's pages: give each its own"]
    """
    given = [(name, port) for name, several in ports.items() for port in several]
    owners: dict[str, list[str]] = {}
    for name, port in given:
        owners.setdefault(str(port), []).append(name)
    return [
        f"{name} gives the port {port}: give a number from 1 to 65535"
        for name, port in given
        if not between(port, 1, 65535)
    ] + [
        f"port {port} is that of {' and '.join(names)}: give each its own"
        for port, names in owners.items()
        if len(names) > 1
    ]


def host_faults(
    lists: Mapping[str, list[str]], plays: Mapping[str, str], groups: Mapping[str, list[str]]
) -> list[str]:
    """Why lists of hosts do not agree with the groups whose plays reach these hosts.

    lists: hosts by variable
    plays: the group whose play reaches the hosts of a list, by the list's variable
    groups: hosts by group

    >>> host_faults({"kafka_hosts": ["a", "b"]}, {"kafka_hosts": "kafka"}, {"kafka": ["a"]})
    ['kafka_hosts has b, not in the group kafka: put it there']
    """
    faults = []
    for name, hosts in lists.items():
        group = plays[name]
        twice = list(dict.fromkeys(host for host in hosts if hosts.count(host) > 1))
        strangers = [host for host in dict.fromkeys(hosts) if host not in groups.get(group, [])]
        if twice:
            faults.append(f"{name} has {', '.join(twice)} more than once: name each host once")
        if strangers:
            faults.append(f"{name} has {', '.join(strangers)}, not in the group {group}: put it there")
    return faults


def override_faults(
    overrides: Mapping[str, Any], name: str, owners: Mapping[str, str], kept: Mapping[str, str] | None = None
) -> list[str]:
    """Why properties must not be overridden: other things follow the variable that the kit makes them from.

    overrides: the user's properties
    name: the variable that gives them
    owners: the kit's variable by the name of a property, in which * stands for anything
    kept: the kit's own directory, by properties that may have others beside it

    >>> override_faults({"log.dirs": "/d"}, "overrides", {"log.dirs": "kafka_data_dir"})
    ['overrides has log.dirs, which the kit makes from kafka_data_dir: set that']
    """
    faults = []
    for key, value in overrides.items():
        owner = next((variable for pattern, variable in owners.items() if fnmatchcase(key, pattern)), None)
        own = (kept or {}).get(key)
        if owner is None or own in directories_of(value):
            continue
        also = f", or keep {own} among them" if own else ""
        faults.append(f"{name} has {key}, which the kit makes from {owner}: set that{also}")
    return faults


def value_faults(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why properties have no form in a file: a value with keys of its own, alone or in a list.

    settings: properties by the variable that gives them

    >>> value_faults({"overrides": {"dfs": {"replication": 2}}})
    ['overrides has dfs with keys of its own: give text, a number, true, false or a list of these']
    """
    return [
        f"{name} has {key} with keys of its own: give text, a number, true, false or a list of these"
        for name, properties in settings.items()
        for key, value in properties.items()
        if any(isinstance(item, Mapping) for item in (value if isinstance(value, list) else [value]))
    ]


def replica_faults(factor: Any, least: Any, overrides: Mapping[str, Any], brokers: int) -> list[str]:
    """Why replicas of topics cannot be, or cannot do without one broker.

    factor: how many there are of each partition
    least: how many of them must have a record before it is acknowledged
    overrides: properties of server.properties, which may say something else of Kafka's own topics
    brokers: how many the cluster has

    >>> replica_faults(3, 2, {}, 1)
    ['kafka_replication_factor is 3 with 1 brokers: give 1 to 1, or add brokers']
    """
    topics = {("kafka_replication_factor", "kafka_min_insync_replicas"): (factor, least)}
    for topic in TOPICS:
        names = (f"{topic}.replication.factor", f"{topic}.min.isr")
        theirs = (overrides.get(names[0], factor), overrides.get(names[1], least))
        if theirs != (factor, least):
            topics[names] = theirs
    faults = []
    for (factor_name, least_name), (replicas, in_sync) in topics.items():
        if not between(replicas, 1, brokers):
            faults.append(
                f"{factor_name} is {replicas} with {brokers} brokers: give 1 to {brokers}, or add brokers"
            )
        elif not between(in_sync, 1, max(int(replicas) - 1, 1)):
            faults.append(
                f"{least_name} is {in_sync} with {factor_name} {replicas}: it must be at least 1 and lower, "
                "or one restarting broker stops all writes"
            )
    return faults


def unit_faults(overrides: Mapping[str, Any], name: str, units: Iterable[str] | None = None) -> list[str]:
    """Why what a user says of systemd units is nothing that a unit can have.

    overrides: sections of a unit, each with its keys; by unit where units are given
    name: the variable that gives them
    units: the names of the units

    >>> unit_faults({"Servce": {"Nice": 5}}, "kafka_unit_overrides")
    ['kafka_unit_overrides has the section Servce: the sections are Unit, Service, Install']
    """
    if units is None:
        return _section_faults(overrides, name)
    known = list(units)
    faults = [
        f"{name} has {unit}: the units are {', '.join(known)}" for unit in overrides if unit not in known
    ]
    for unit in overrides:
        faults += _section_faults(overrides[unit], f"{name}['{unit}']")
    return faults


def _section_faults(sections: Any, name: str) -> list[str]:
    if not isinstance(sections, Mapping):
        return [f"{name} is '{shown(sections)}': give sections ({', '.join(UNIT_SECTIONS)}) with their keys"]
    faults = []
    for section, keys in sections.items():
        if section not in UNIT_SECTIONS:
            faults.append(f"{name} has the section {section}: the sections are {', '.join(UNIT_SECTIONS)}")
        elif not isinstance(keys, Mapping):
            faults.append(f"{name}['{section}'] is '{shown(keys)}': give keys with their values")
        else:
            others = {key: value for key, value in keys.items() if key != "Environment"}
            faults += value_faults({f"{name}['{section}']": others})
    return faults


def between(value: Any, least: int, most: int) -> bool:
    """Whether a value, a number or its text, is a whole number in a range."""
    return bool(re.fullmatch("[0-9]+", str(value))) and least <= int(value) <= most


def directories_of(value: Any) -> list[str]:
    """The paths of a list or of text with commas, without what may stand before them: [SSD]file:///d."""
    items = value if isinstance(value, list) else str(value).split(",")
    return [re.sub(r"^(\[[^\]]*\])*(file:(//)?)?", "", str(item).strip()) for item in items]
