"""What of the brokers' data forbids their deployment, and which directories may be formatted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: kafka_data
author: Millrace
short_description: why brokers and controllers must not be deployed on the data that lies on their machines
description:
  - Nothing that holds data is orphaned or given another id, no broker is formatted with an id of another
    cluster, and new controllers never are a majority of those that know the cluster's metadata.
options:
  _input:
    description: >-
      by host what lies there, C(stores), as the module service_state reads those of the filter kafka_stores,
      with C(directory), C(ids), the brokers of the host, or its controllers, C(roles), what they are to be,
      C(beside), brokers that are clusters of their own, and C(settings), controller.quorum.bootstrap.servers
      and process.roles as their files have it; a host that was not asked is missing
    type: dict
    required: true
  hosts:
    description: hosts with brokers or controllers
    type: list
    elements: str
    required: true
  cluster_id:
    description: the id that the inventory gives the cluster
    type: str
    required: true
  kraft:
    description: whether the brokers run with KRaft
    type: bool
    required: true
  lost:
    description: units of brokers that start on a machine and are the inventory's no more, with that machine
    type: list
    elements: list
    default: []
"""

EXAMPLES = r"""
plan: "{{ {'a': facts | combine({'stores': stores})} | kafka_data(['a'], id, true) }}"
# -> {refusals: [], warnings: [], formatted: 0, last: []}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; warnings, likewise; formatted, how many controllers
    have the cluster's metadata, so that a new one knows whether it founds the cluster or joins it; last,
    hosts whose brokers start when the controllers of others are there
  type: dict
"""

#: Of a broker, below the directory that is named by its id; versions before 0.9 have only the second.
METADATA = "meta.properties"
CHECKPOINT = "recovery-point-offset-checkpoint"
#: Of a controller, in its metadata log: the epoch of the last leader that it heard of. A format makes none.
QUORUM = "__cluster_metadata-0/quorum-state"
#: Of a broker's file: where the controllers are, all of them.
BOOTSTRAP = "controller.quorum.bootstrap.servers"
ROLES = "process.roles"

Found = Mapping[str, Mapping[str, Any]]


def kafka_data(
    found: Found,
    hosts: Sequence[str],
    cluster_id: str,
    kraft: bool,
    lost: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Why brokers and controllers must not be deployed, and how many controllers have the cluster's metadata.

    found: by host {"directory": path, "ids": [of brokers or controllers], "roles": [process.roles], "beside":
        [ids of brokers that are clusters of their own], "stores": {"logs": store, "log.dirs of 1": store}},
        each store {"up": [units], "holds": {directory: {path: text}}, "kept": [directories], "older":
        {directory: {path: text}}}, and "settings": {"controller.quorum.bootstrap.servers": list,
        "process.roles": list}; a host that was not asked is missing
    lost: units of brokers that start on a machine and are the inventory's no more, with that machine
    Returns {"refusals": [sentences], "warnings": [sentences], "formatted": number, "last": [hosts]}, where
    formatted is 0 as long as no controller has heard of a leader.
    """
    heard = {host: found[host] for host in hosts if host in found}
    refusals = _twice(heard, lost)
    for host, here in heard.items():
        refusals += _elsewhere(host, here, kraft) or _strangers(host, here) or _disks(host, here)
        if kraft:
            # With ZooKeeper the brokers agree on an id by themselves.
            refusals += _foreign(host, here, cluster_id) + _other_roles(host, here)
    formatted = sum(len(_formatted(here)) for here in _controllers(heard).values())
    # Where none has heard of a leader no cluster was founded: what was formatted goes on to found it.
    known = formatted if any(map(_led, _controllers(heard).values())) else 0
    unheard = [host for host in hosts if host not in heard]
    if kraft and not refusals:
        refusals = (
            _quorum(heard, unheard, known)
            or _without_controllers(heard, formatted)
            or _moved_away(heard, formatted, lost)
        )
    return {
        "refusals": refusals,
        "warnings": _even(heard) if kraft else [],
        "formatted": known,
        "last": [host for host, here in _brokers(heard).items() if formatted and _stopped(here)],
    }


def _controllers(heard: Found) -> Found:
    return {host: here for host, here in heard.items() if "controller" in here["roles"]}


def _brokers(heard: Found) -> Found:
    """The hosts with brokers that are no controllers."""
    return {host: here for host, here in heard.items() if "controller" not in here["roles"]}


def _variable(heard: Found) -> str:
    """What gives the controllers: brokers, if all of them are controllers, too."""
    together = all({"broker", "controller"} <= set(here["roles"]) for here in heard.values())
    return "kafka_hosts" if together else "kafka_controller_hosts"


def _called(here: Mapping[str, Any]) -> str:
    return "broker" if "broker" in here["roles"] else "controller"


def _ids(heard: Found) -> list[int]:
    return [number for here in heard.values() for number in here["ids"]]


def _run(here: Mapping[str, Any]) -> bool:
    """Whether all that have a metadata log run."""
    return {f"kafka@{number}" for number in _formatted(here)} <= set(here["stores"]["logs"]["up"])


def _stopped(here: Mapping[str, Any]) -> bool:
    return set(here["ids"]) == _formatted(here) and not _run(here)


def _even(heard: Found) -> list[str]:
    """Of brokers that are controllers, too, there are as many as are wanted."""
    count = len(_ids(_controllers(heard)))
    if _variable(heard) == "kafka_hosts" or count == 0 or count % 2:
        return []
    return [
        (
            f"kafka_controller_hosts has {count} controllers, which bear the loss of {count // 2 - 1}, as "
            f"{count - 1} would: a state to pass through. Go on to an odd number."
        )
    ]


def _held(holds: Mapping[str, str]) -> set[int]:
    """Ids of the brokers whose data lies in a directory."""
    return {int(path.split("/")[0]) for path in holds if re.match("[0-9]+/", path)}


def _holds(here: Mapping[str, Any]) -> Mapping[str, str]:
    """What lies below the directory of all brokers of a host."""
    found: Mapping[str, str] = here["stores"]["logs"]["holds"][here["directory"]]
    return found


def _formatted(here: Mapping[str, Any]) -> set[int]:
    return set(here["ids"]) & _held(_holds(here))


def _led(here: Mapping[str, Any]) -> bool:
    """Whether a controller of a host may have heard of a leader, without whom no metadata is written.

    One whose directory for the metadata log is empty has lost it.
    """
    for number in _formatted(here):
        held = here["stores"].get(f"metadata.log.dir of {number}", {"holds": {}})["holds"].values()
        led = any(re.search(r'"leaderEpoch"\s*:\s*[1-9]', each.get(QUORUM, "")) for each in held)
        if led or not any(METADATA in each for each in held):
            return True
    return False


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
    where = f"there is one in {', '.join(moved)}" if moved else f"the {_called(here)} runs"
    return [
        (
            f"{host} has no log of its {_called(here)} {_list(away)} in {directory}, but {where}: its unit "
            "uses another directory, that of an older kafka_data_dir. With this one it would stay down, or "
            "begin empty. Give back the older kafka_data_dir. Or stop the cluster "
            "(playbooks/stop.yml: brokers that are stopped by hand wait for each other), copy its directory "
            "with its owner, and run site.yml; on every host that says so: install -d -o kafka -g kafka "
            f"-m 750 {directory} && cp -a {' '.join(sources)} {directory}/"
        )
    ]


def _twice(heard: Found, lost: Sequence[Sequence[str]]) -> list[str]:
    """Brokers and controllers that the inventory has on one machine, while they start on another."""
    wanted = {number: (host, here) for host, here in heard.items() for number in here["ids"]}
    found = []
    for old, unit in lost:
        number = int(unit.partition("@")[2])
        if number in wanted and wanted[number][0] != old:
            host, here = wanted[number]
            path = f"{here['directory']}/{number}"
            found.append(
                f"{_called(here)} {number} starts on {old}, and the inventory now has it on {host}: of two "
                "with one id neither would serve, and one of them is empty. Give it back, or another id to "
                f"the new one. To move it with its data: ssh {old} systemctl disable --now {unit}, copy its "
                f"directory with its owner to {path} on {host}, and run again."
            )
    return found


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
    directory, called = here["directory"], _called(here)
    return [
        (
            f"{host} holds in {directory} the data of broker {_list(strangers)}, and the inventory now "
            f"calls its {called} {_list(missing)}: a new {called} would begin empty beside that data. Give "
            f"each {called} the id that it had (kafka_{called}s with fixed ids, in host_vars: ids that come "
            "from places in a list change with the list). If the data is to be forgotten, move "
            f"{', '.join(f'{directory}/{number}' for number in strangers)} away."
        )
    ]


def _foreign(host: str, here: Mapping[str, Any], cluster_id: str) -> list[str]:
    """Brokers and controllers that bear the id of another cluster: they never join this one."""
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
            f"{_called(here)} {number} on {host} bears the cluster id {theirs} ({path}/{METADATA}), and the "
            f"inventory gives {cluster_id}: brokers of two clusters never join, and a new one would be "
            "formatted for a cluster that nobody is in. The id is derived from cluster_name: give back the "
            f"name that the cluster had, or set kafka_cluster_id: {theirs} in the inventory. If this "
            f"{_called(here)} alone was formatted by mistake and never had a record: stop it (systemctl stop "
            f"kafka@{number}) and move {path} away."
        )
        for path, (number, text) in borne.items()
        if (theirs := _property(text, "cluster.id")) and theirs != cluster_id
    ]


def _other_roles(host: str, here: Mapping[str, Any]) -> list[str]:
    """Brokers that have voted, and are not to vote any more, or the other way round: a vote would be lost."""
    before, directory = _paths(here.get("settings", {}).get(ROLES)), here["directory"]
    known = sorted(_formatted(here))
    if not before or not known or set(before) == set(here["roles"]):
        return []
    return [
        (
            f"{_called(here)} {_list(known)} on {host} has run as {' and '.join(before)}, and kafka_hosts "
            f"and kafka_controller_hosts now make it {' and '.join(here['roles'])}: none changes its part in "
            "the quorum where it stands. Put the host back into the groups that it was in. To change it for "
            "good, while others are a majority of the controllers: move its replicas to other brokers, take "
            "the host out of both groups and run, so that it leaves the cluster; then move "
            f"{', '.join(f'{directory}/{number}' for number in known)} away, put the host into the group "
            "that it is to be in, and run again."
        )
    ]


def _quorum(heard: Found, unheard: Sequence[str], formatted: int) -> list[str]:
    controllers = _controllers(heard)
    lacking = [here for here in controllers.values() if set(here["ids"]) - _formatted(here)]
    if lacking and unheard:
        return [
            (
                f"A {_called(lacking[0])} has no metadata log in its kafka_data_dir, and whether those of "
                f"{', '.join(unheard)} have one is not known: they did not answer, or --limit leaves them "
                "out. Run again with them."
            )
        ]
    count = len(_ids(controllers))
    # They take in as many as stay fewer than those that know the cluster's metadata. Or as many as those
    # are, if all of them run: then a cluster is there, which takes in one after the other. A single
    # controller could get no other else.
    join = formatted if all(map(_run, controllers.values())) else formatted - 1
    # Those that have one know how many there were. With files of a run that was cut off some may know less.
    there = max((_voters(here) for here in controllers.values() if _formatted(here)), default=0)
    lost = 0 < 2 * formatted <= there
    if not (lacking and lost) and not 0 < formatted < count - join:
        return []
    hosts = _variable(heard)
    new = "brokers" if hosts == "kafka_hosts" else "controllers"
    adding = f"add {join} at a time at most" if join else "start those that have one first"
    why = (
        f"By {BOOTSTRAP} there were {there} before: some left {hosts} in the run in which others came, "
        "and are to be given back, or directories were lost. Restore"
        if lost
        else f"If you are adding {new}, {adding}, so that the new are not more than those that know the "
        "cluster's metadata: leave the others out of the inventory, run, then add more and run again. If you "
        "are not, directories were lost: restore"
    )
    return [
        (
            f"Only {formatted} of {count} controllers have a metadata log in their kafka_data_dir. {why} "
            "them, for those that are left are no majority. Only if what the cluster holds is to be given "
            f"up: remove the directories of all its brokers in kafka_data_dir ({_list(_ids(heard))}) and run "
            "again."
        )
    ]


def _without_controllers(heard: Found, formatted: int) -> list[str]:
    """Brokers with data, and controllers without: a cluster that they found knows no topic."""
    brokers = {host: here for host, here in _brokers(heard).items() if _formatted(here)}
    controllers = _controllers(heard)
    if formatted or not brokers or not controllers:
        return []
    return [
        (
            f"No controller of kafka_controller_hosts ({', '.join(controllers)}) has a metadata log in its "
            f"kafka_data_dir, but broker {_list(_ids(brokers))} on {', '.join(brokers)} has data: the "
            "controllers would found a cluster that knows none of its topics, and the brokers would delete "
            "them. Give kafka_controller_hosts the hosts that it had, beside the new ones, or restore the "
            "directories of the controllers. Only if no topic was ever made: remove the directories of the "
            "brokers, and run again. It removes whatever the cluster holds."
        )
    ]


def _moved_away(heard: Found, formatted: int, lost: Sequence[Sequence[str]]) -> list[str]:
    """Machines of before that nobody of the inventory has its data from: a cluster would be founded anew."""
    controllers, hosts = _controllers(heard), _variable(heard)
    if formatted or not lost or not _ids(controllers):
        return []
    units = ", ".join(f"{unit} on {host}" for host, unit in lost)
    called = "broker" if hosts == "kafka_hosts" else "controller"
    host, unit = lost[0]
    return [
        (
            f"{hosts} ({', '.join(controllers)}) has no {called} with a metadata log, but {units}, which it "
            "has no more, starts there: a second cluster would be founded beside that one. Give the machines "
            f"of before back to {hosts} beside the new ones, run, move the replicas, and only then take them "
            f"out. If what is there is of another cluster or to be forgotten: ssh {host} systemctl disable "
            f"--now {unit}"
        )
    ]


def _voters(here: Mapping[str, Any]) -> int:
    """How many controllers those of a host were told of."""
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
                "markers": markers + [QUORUM] * (kraft and key == "metadata.log.dir"),
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
