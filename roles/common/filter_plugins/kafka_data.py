"""What of the brokers' data forbids their deployment, and which directories may be formatted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: kafka_data
author: Millrace
short_description: why brokers must not be deployed on the data that lies on their machines
description:
  - Nothing that holds data is orphaned or given another id, no broker is formatted with an id of another
    cluster, and new controllers never are a majority of those that know the cluster's metadata.
options:
  _input:
    description: >-
      by host what lies there, C(stores), as the module service_state reads those of the filter kafka_stores,
      with C(directory), C(ids), the brokers of the host, and C(beside), those that are clusters of their own,
      and C(settings), controller.quorum.bootstrap.servers as the brokers' files have it; a host that was not
      asked is missing
    type: dict
    required: true
  hosts:
    description: hosts with brokers
    type: list
    elements: str
    required: true
  cluster_id:
    description: the id that the inventory gives the cluster
    type: str
    required: true
  kraft:
    description: whether each broker is a controller, too
    type: bool
    required: true
  lost:
    description: units of brokers that start on a machine and are the inventory's no more, with that machine
    type: list
    elements: list
    default: []
"""

EXAMPLES = r"""
plan: "{{ {'a': {'directory': '/d', 'ids': [1], 'stores': stores}} | kafka_data(['a'], id, true) }}"
# -> {refusals: [], formatted: 0}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; and formatted, how many controllers have a metadata
    log, so that a new one knows whether it founds the cluster or joins it
  type: dict
"""

#: Of a broker, below the directory that is named by its id; versions before 0.9 have only the second.
METADATA = "meta.properties"
CHECKPOINT = "recovery-point-offset-checkpoint"
#: Of a broker's file: where the controllers are, all of them.
BOOTSTRAP = "controller.quorum.bootstrap.servers"

Found = Mapping[str, Mapping[str, Any]]


def kafka_data(
    found: Found,
    hosts: Sequence[str],
    cluster_id: str,
    kraft: bool,
    lost: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Why the brokers must not be deployed, and how many controllers have a metadata log.

    found: by host {"directory": path, "ids": [broker ids], "beside": [ids of brokers that are clusters of
        their own], "stores": {"logs": store, "log.dirs of 1": store}}, each store {"up": [units], "holds":
        {directory: {path: text}}, "kept": [directories], "older": {directory: {path: text}}}, and "settings":
        {"controller.quorum.bootstrap.servers": list}; a host that was not asked is missing
    lost: units of brokers that start on a machine and are the inventory's no more, with that machine
    Returns {"refusals": [sentences], "formatted": number}.
    """
    heard = {host: found[host] for host in hosts if host in found}
    refusals = []
    for host, here in heard.items():
        refusals += _elsewhere(host, here, kraft) or _strangers(host, here) or _disks(host, here)
        if kraft:
            # With ZooKeeper the brokers agree on an id by themselves.
            refusals += _foreign(host, here, cluster_id)
    formatted = sum(len(_formatted(here)) for here in heard.values())
    if kraft and not refusals:
        refusals = _quorum(heard, hosts, formatted) or _moved_away(heard, formatted, lost)
    return {"refusals": refusals, "formatted": formatted}


def _held(holds: Mapping[str, str]) -> set[int]:
    """Ids of the brokers whose data lies in a directory."""
    return {int(path.split("/")[0]) for path in holds if re.match("[0-9]+/", path)}


def _holds(here: Mapping[str, Any]) -> Mapping[str, str]:
    """What lies below the directory of all brokers of a host."""
    found: Mapping[str, str] = here["stores"]["logs"]["holds"][here["directory"]]
    return found


def _formatted(here: Mapping[str, Any]) -> set[int]:
    return set(here["ids"]) & _held(_holds(here))


def _elsewhere(host: str, here: Mapping[str, Any], kraft: bool) -> list[str]:
    directory, held = here["directory"], _held(_holds(here))
    own = [*here["ids"], *here.get("beside", ())]
    lost = set(own) - held
    logs = here["stores"]["logs"]
    disks = [path for store in here["stores"].values() for path in store["holds"]]
    moved = sorted(
        f"{older}/{number}"
        for older, holds in logs["older"].items()
        for number in _held(holds) & lost
        if f"{older}/{number}" not in disks
    )
    up = {int(unit.partition("@")[2]) for unit in logs["up"]}
    # A controller does not run without a metadata log: one that has none here has it elsewhere.
    astray = sorted((set(here["ids"]) - held) & up) if kraft else []
    if not moved and not astray:
        return []
    known = [int(os.path.basename(path)) for path in moved]
    away = list(dict.fromkeys([*known, *astray]))
    sources = [*moved, *(f"OLDER/{number}" for number in away if number not in known)]
    where = f"there is one in {', '.join(moved)}" if moved else "the broker runs"
    return [
        (
            f"{host} has no log of its broker {_list(away)} in {directory}, but {where}: its unit uses "
            "another directory, that of an older kafka_data_dir. With this one it would stay down, or "
            "begin empty. Give back the older kafka_data_dir. Or stop the cluster (ansible-playbook "
            "playbooks/stop.yml: brokers that are stopped by hand wait for each other), copy its directory "
            "with its owner, and run site.yml; on every host that says so: install -d -o kafka -g kafka "
            f"-m 750 {directory} && cp -a {' '.join(sources)} {directory}/"
        )
    ]


def _disks(host: str, here: Mapping[str, Any]) -> list[str]:
    """Further directories of a broker that it would not read any more."""
    found = []
    for name, store in here["stores"].items():
        key, _, number = name.partition(" of ")
        left = _left(store)
        if not number or not left:
            continue
        paths, wanted = ", ".join(left), ", ".join(store["holds"])
        stop = f"stop the broker (systemctl stop kafka@{number})"
        if key == "log.dirs":
            what = "partitions"
            away = f"move its replicas to other disks or brokers (kafka-reassign-partitions.sh), {stop}"
        else:
            what = "the metadata log"
            away = (
                f"{stop}, copy {left[0]}/__cluster_metadata-0 with its owner to {next(iter(store['holds']))}"
            )
        found.append(
            f"{host} has {what} of broker {number} in {paths}, which the inventory no longer names: it gives "
            f"{wanted} ({key} in kafka_server_properties_overrides; without it, kafka_data_dir). The broker "
            "would begin without what is there. Give the directory back. To take it away for good: "
            f"{away}, move what is in {paths} away, and run again."
        )
    return found


def _left(store: Mapping[str, Any]) -> list[str]:
    """Directories of before whose data is not in one that is wanted."""
    there = {_directory_id(held) for held in store["holds"].values()}
    ids = {path: _directory_id(held) for path, held in store["older"].items()}
    left = [path for path, each in ids.items() if each and each not in there]
    # Older versions give a directory no id: what was copied is in one that is new.
    unnamed = [path for path, each in ids.items() if not each]
    new = [path for path, held in store["holds"].items() if held and path not in store["kept"]]
    return left + (unnamed if len(unnamed) > len(new) else [])


def _directory_id(held: Mapping[str, str]) -> str:
    """What tells one directory's data from another's, with KRaft since 3.7; nothing where it has none."""
    return _property(held.get(METADATA, ""), "directory.id")


def _strangers(host: str, here: Mapping[str, Any]) -> list[str]:
    held = _held(_holds(here))
    missing = sorted(set(here["ids"]) - held)
    strangers = sorted(held - {*here["ids"], *here.get("beside", ())})
    if not missing or not strangers:
        return []
    directory = here["directory"]
    return [
        (
            f"{host} holds in {directory} the data of broker {_list(strangers)}, and the inventory now "
            f"calls its broker {_list(missing)}: a new broker would begin empty beside that data. Give each "
            "broker the id that it had (kafka_brokers with fixed ids, in host_vars: ids that come from "
            "places in a list change with the list). If the data is to be forgotten, move "
            f"{', '.join(f'{directory}/{number}' for number in strangers)} away."
        )
    ]


def _foreign(host: str, here: Mapping[str, Any], cluster_id: str) -> list[str]:
    """Brokers that bear the id of another cluster: they never join this one."""
    borne = {
        f"{here['directory']}/{number}": (number, _holds(here).get(f"{number}/{METADATA}", ""))
        for number in sorted(_formatted(here))
    }
    for name, store in here["stores"].items():
        number = name.partition(" of ")[2]
        if number:
            borne |= {path: (int(number), held.get(METADATA, "")) for path, held in store["holds"].items()}
    return [
        (
            f"broker {number} on {host} bears the cluster id {theirs} ({path}/{METADATA}), and the "
            f"inventory gives {cluster_id}: brokers of two clusters never join, and a new one would be "
            "formatted for a cluster that nobody is in. The id is derived from cluster_name: give back the "
            f"name that the cluster had, or set kafka_cluster_id: {theirs} in the inventory. If this broker "
            "alone was formatted by mistake and never had a record: stop it (systemctl stop "
            f"kafka@{number}) and move {path} away."
        )
        for path, (number, text) in borne.items()
        if (theirs := _property(text, "cluster.id")) and theirs != cluster_id
    ]


def _quorum(heard: Found, hosts: Sequence[str], formatted: int) -> list[str]:
    lacking = any(set(here["ids"]) - _formatted(here) for here in heard.values())
    unheard = [host for host in hosts if host not in heard]
    if lacking and unheard:
        return [
            (
                "A broker has no metadata log in its kafka_data_dir, and whether those of "
                f"{', '.join(unheard)} have one is not known: they did not answer, or --limit leaves them "
                "out. Run again with them."
            )
        ]
    count = sum(len(here["ids"]) for here in heard.values())
    # They take in as many as stay fewer than those that know the cluster's metadata. Or as many as those
    # are, if all of them run: then a cluster is there, which takes in one after the other. A single
    # controller could get no other else.
    run = all(
        {f"kafka@{number}" for number in _formatted(here)} <= set(here["stores"]["logs"]["up"])
        for here in heard.values()
    )
    join = formatted if run else formatted - 1
    # Those that have one know how many there were. With files of a run that was cut off some may know less.
    there = max((_controllers(here) for here in heard.values() if _formatted(here)), default=0)
    lost = 0 < 2 * formatted <= there
    if not (lacking and lost) and not 0 < formatted < count - join:
        return []
    adding = f"add {join} at a time at most" if join else "start those that have one first"
    why = (
        f"By {BOOTSTRAP} there were {there} before: some left kafka_hosts in the run in which others came, "
        "and are to be given back, or directories were lost. Restore"
        if lost
        else f"If you are adding brokers, {adding}, so that the new are not more than those that know the "
        "cluster's metadata: leave the others out of the inventory, run, then add more and run again. If you "
        "are not, directories were lost: restore"
    )
    brokers = ", ".join(str(number) for here in heard.values() for number in here["ids"])
    return [
        (
            f"Only {formatted} of {count} controllers have a metadata log in their kafka_data_dir. {why} "
            "them, for those that are left are no majority. Only if no topic was ever made, since the first "
            "deployment of this cluster was cut off: remove the directories of all its brokers in "
            f"kafka_data_dir ({brokers}) and run again. It removes whatever the cluster holds."
        )
    ]


def _moved_away(heard: Found, formatted: int, lost: Sequence[Sequence[str]]) -> list[str]:
    """Machines of before that nobody of the inventory has its data from: a cluster would be founded anew."""
    if formatted or not lost or not any(here["ids"] for here in heard.values()):
        return []
    units = ", ".join(f"{unit} on {host}" for host, unit in lost)
    host, unit = lost[0]
    return [
        (
            f"kafka_hosts ({', '.join(heard)}) has no broker with a metadata log, but {units}, which it has "
            "no more, starts there: a second cluster would be founded beside that one. Give the machines of "
            "before back to kafka_hosts beside the new ones, run, move the replicas, and only then take them "
            f"out. If what is there is of another cluster or to be forgotten: ssh {host} systemctl disable "
            f"--now {unit}"
        )
    ]


def _controllers(here: Mapping[str, Any]) -> int:
    """How many controllers the brokers of a host were told of."""
    return len(_paths(here.get("settings", {}).get(BOOTSTRAP)))


def _property(text: str, key: str) -> str:
    """The value of a key of a .properties file; nothing where it has none."""
    match = re.search(rf"^\s*{re.escape(key)}\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    return match[1] if match else ""


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def kafka_stores(
    brokers: Sequence[Mapping[str, Any]],
    directory: str,
    kraft: bool,
    disks: Mapping[str, Any],
    beside: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """What the module service_state is to read on a host: the directory of all brokers, and each one's disks.

    brokers: of this host, {"id": 1, ...}, each maybe with properties of its own
    directory: in which each broker has its own, named by its id
    disks: the properties of the brokers, of which log.dirs and metadata.log.dir give further directories
    beside: brokers of this host that are clusters of their own; these have no other disks

    >>> [store["name"] for store in kafka_stores([{"id": 1}], "/d", True, {})]
    ['logs', 'log.dirs of 1', 'metadata.log.dir of 1']
    """
    # With KRaft it is what makes a broker start; versions before 0.9 have no meta.properties.
    markers = [METADATA] if kraft else [METADATA, CHECKPOINT]
    stores: list[dict[str, Any]] = [
        {
            "name": "logs",
            "units": [f"kafka@{broker['id']}" for broker in (*brokers, *beside)],
            "directories": [directory],
            "markers": [f"*/{each}" for each in markers],
        }
    ]
    for broker in brokers:
        number = broker["id"]
        given = {**disks, **broker.get("properties", {})}
        own = _paths(given.get("log.dirs")) or [f"{directory}/{number}"]
        stores += [
            {
                "name": f"{key} of {number}",
                "directories": _paths(given.get(key)) or own,
                "markers": markers,
                "configured": f"/etc/kafka/server-{number}.properties",
                "key": key,
            }
            for key in ("log.dirs", "metadata.log.dir")
        ]
    return stores


def _paths(value: Any) -> list[str]:
    """A property's list, or its text with commas."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [part.strip() for part in parts if part.strip()]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"kafka_data": kafka_data, "kafka_stores": kafka_stores}
