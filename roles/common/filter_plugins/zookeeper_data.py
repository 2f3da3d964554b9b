"""What of an ensemble's data forbids its deployment, and who may start only after the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: zookeeper_data
author: Millrace
short_description: why a ZooKeeper ensemble must not be deployed on its data, and who starts last
description:
  - Nothing that holds data is orphaned, given another id, or outvoted by servers that are empty.
options:
  _input:
    description: >-
      by host what lies there, as the module service_state reads it: the stores data and log (C(up), C(holds),
      C(older)), and C(settings), dataDir and the server lines of the zoo.cfg that lies there, none without
      one; a host that was not asked is missing
    type: dict
    required: true
  ids:
    description: by server its id
    type: dict
    required: true
  cluster:
    description: name of the cluster, which the kit keeps beside the data; one that has none is taken over
    type: str
    required: true
"""

EXAMPLES = r"""
# Two servers were added to one that has data.
plan: "{{ {'a': with_data, 'b': with_data, 'c': empty} | zookeeper_data({'a': 1, 'b': 2, 'c': 3}, 'lab') }}"
# -> {refusals: [], last: ['c']}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; last, the servers that have no data while others do,
    which start when a majority follows a leader
  type: dict
"""

#: Data of a server: its snapshots and transactions. myid alone is not data.
DATA = "version-2"

Found = Mapping[str, Mapping[str, Any]]


def zookeeper_data(found: Found, ids: Mapping[str, int], cluster: str) -> dict[str, list[str]]:
    """Why the ensemble must not be deployed, and who starts last.

    A server without data that meets one of the others before all of them are there could make it a leader
    that does not know everything.

    found: by host {"data": store, "log": store, "settings": {"dataDir": "/d", "server.1": "a:2888"}}, each
        store {"up": [units], "holds": {directory: {path: text}}, "older": {directory: {path: text}}} with one
        directory that is wanted; a host that was not asked is missing
    ids: by server its id
    cluster: what the kit keeps beside the data of each
    Returns {"refusals": [sentences], "last": [hosts]}.
    """
    hosts = list(ids)
    refusals = [
        sentence
        for host, number in ids.items()
        if host in found
        for sentence in _own(host, number, cluster, found[host])
    ]
    # Where one has its data elsewhere that is what is to be mended, and it says so.
    refusals = refusals or _together(found, hosts)
    empty = [host for host in hosts if host in found and not _has_data(found[host])]
    return {"refusals": refusals, "last": empty if any(map(_has_data, found.values())) else []}


def _own(host: str, number: int, cluster: str, here: Mapping[str, Any]) -> list[str]:
    return (
        _moved(host, here)
        or _without_transactions(host, here)
        or _foreign(host, cluster, _wanted(here["data"]))
        or _renumbered(host, number, _wanted(here["data"]))
    )


def _moved(host: str, here: Mapping[str, Any]) -> list[str]:
    directory, holds = _wanted(here["data"])
    # A directory for transactions alone stays where it is.
    moved = {
        path: held
        for path, held in here["data"]["older"].items()
        if DATA in held
        and (path != _wanted(here["log"])[0] or _newest(held, "snapshot") >= 0)
        and (DATA not in holds or _newest(held, "snapshot") > _newest(holds, "snapshot"))
    }
    if not moved:
        return []
    newest = max(moved, key=lambda path: _newest(moved[path], "snapshot"))
    make = (
        # What is older there must not lie among what is copied.
        f"mv {directory}/{DATA} {directory}/{DATA}.before"
        if DATA in holds
        else f"install -d -o zookeeper -g zookeeper -m 750 {directory}"
    )
    has, begins = (
        (f"data of its ZooKeeper server in {directory}, but newer in", "with what is old")
        if DATA in holds
        else (f"no data of its ZooKeeper server in {directory}, but there is some in", "empty")
    )
    return [
        (
            f"{host} has {has} {', '.join(moved)}: its unit uses another directory, that of an older "
            f"zookeeper_data_dir. With this one it would begin {begins}. Give back the older "
            "zookeeper_data_dir. Or stop the server, copy its data with its owner, and run again; on every "
            f"host that says so: systemctl stop zookeeper && {make} && cp -a {newest}/{DATA} {newest}/myid "
            f"{directory}/"
        )
    ]


def _without_transactions(host: str, here: Mapping[str, Any]) -> list[str]:
    directory, holds = _wanted(here["log"])
    newer = {
        path: held
        for path, held in here["log"]["older"].items()
        if _newest(held, "log") > _newest(holds, "log")
    }
    if not newer:
        return []
    newest = max(newer, key=lambda path: _newest(newer[path], "log"))
    source, target = f"{newest}/{DATA}", f"{directory}/{DATA}"
    return [
        (
            f"{host} has the transactions of its ZooKeeper server in {source}, and would now look for them "
            f"in {target} (dataLogDir in zookeeper_cfg_overrides; without it, zookeeper_data_dir): it would "
            "know no more than its last snapshot, or stay down. Give back the directory of before. Or stop "
            "the server, move its transactions with their owner, and run again; on every host that says "
            f"so: systemctl stop zookeeper && install -d -o zookeeper -g zookeeper -m 750 {directory} "
            f"{target} && mv {source}/log.* {target}/"
        )
    ]


def _foreign(host: str, cluster: str, wanted: tuple[str, Mapping[str, str]]) -> list[str]:
    directory, holds = wanted
    borne = holds.get("cluster.id", "").strip()
    if DATA not in holds or borne in ("", cluster):
        return []
    return [
        (
            f"{host} holds in {directory} the data of a ZooKeeper server of the cluster {borne} (cluster.id "
            f"there), and the inventory makes it one of {cluster}: what one ensemble knows would be mixed "
            "with what another knows. Give back cluster_name, or put the machine into the cluster that it "
            "belongs to. If the data is to be forgotten, stop the server (systemctl stop zookeeper) and move "
            f"{directory}/{DATA} away."
        )
    ]


def _renumbered(host: str, number: int, wanted: tuple[str, Mapping[str, str]]) -> list[str]:
    directory, holds = wanted
    myid = holds.get("myid", "").strip()
    if DATA not in holds or not re.fullmatch("[0-9]+", myid) or int(myid) == number:
        return []
    return [
        (
            f"{host} holds in {directory} the data of server {myid}, and the inventory now makes it server "
            f"{number}. A server's id is its place in zookeeper_hosts where zookeeper_id does not pin it. "
            f"Pin what it bears: host_vars/{host}.yml: zookeeper_id: {myid}. If the data is to be forgotten, "
            f"stop the server (systemctl stop zookeeper) and move {directory}/{DATA} away."
        )
    ]


def _wanted(store: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """The one directory that is wanted, and what it holds."""
    ((directory, holds),) = store["holds"].items()
    return directory, holds


def _newest(held: Mapping[str, str], kind: str) -> int:
    """The last zxid by which a file of a kind (snapshot, log) is named; -1 where there is none."""
    names = (re.match(rf"{DATA}/{kind}\.([0-9a-f]+)", path) for path in held)
    return max((int(name[1], 16) for name in names if name), default=-1)


def _has_data(here: Mapping[str, Any]) -> bool:
    return DATA in _wanted(here["data"])[1]


def _together(found: Found, hosts: Sequence[str]) -> list[str]:
    unheard = [host for host in hosts if host not in found]
    empty = [host for host in hosts if host in found and not _has_data(found[host])]
    full = [host for host in hosts if host in found and _has_data(found[host])]
    if empty and unheard:
        return [
            (
                f"{_have(empty)} no data, and whether {', '.join(unheard)} has any is not known: not all "
                "servers answered, or --limit leaves them out. Empty servers may only join while the "
                "others have the data. Run again with all of them."
            )
        ]
    if full and 2 * len(empty) >= len(hosts):
        return [
            (
                f"{len(empty)} of {len(hosts)} ZooKeeper servers ({', '.join(empty)}) have no data, and "
                f"{_have(full)}: the empty ones would elect each other, and what {', '.join(full)} "
                f"{'holds' if len(full) == 1 else 'hold'} would be deleted. "
                f"{_by_hand(full[0], found[full[0]])}"
            )
        ]
    # With all of them down and the same data everywhere there is nobody to be outvoted.
    down = not unheard and not any(found[host]["data"]["up"] for host in hosts)
    return [] if down and not empty else _resized(found, hosts, full)


def _resized(found: Found, hosts: Sequence[str], full: Sequence[str]) -> list[str]:
    others: dict[int, list[str]] = {}
    for host in full:
        settings = found[host]["settings"]
        # A server alone has no server lines. Without a zoo.cfg nothing is known, and nothing runs.
        size = max(sum(key.startswith("server.") for key in settings), 1) if settings else len(hosts)
        if size != len(hosts):
            others.setdefault(size, []).append(host)
    if not others:
        return []
    each = "; ".join(f"the zoo.cfg of {', '.join(names)} names {size}" for size, names in others.items())
    return [
        (
            f"zookeeper_hosts has {len(hosts)} servers ({', '.join(hosts)}), but "
            f"{each}: while some servers know the old list and some the new, each could have a "
            f"majority of its own. {_by_hand(full[0], found[full[0]])}"
        )
    ]


def _have(hosts: Sequence[str]) -> str:
    return f"{', '.join(hosts)} {'has' if len(hosts) == 1 else 'have'}"


def _by_hand(host: str, here: Mapping[str, Any]) -> str:
    """How an ensemble gets other servers, or disks that were lost, without this kit."""
    directory, log = _wanted(here["data"])[0], _wanted(here["log"])[0]
    also = "" if log == directory else f", and likewise {log}/{DATA} (dataLogDir)"
    return (
        "Leave zookeeper_hosts as it was. Or, for servers that are added or were emptied: stop ZooKeeper "
        f"on all machines (systemctl stop zookeeper), copy {directory}/{DATA} of {host} (of several, of the "
        f"one that led last) with its owner to the data directory of every other{also}, and run again."
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"zookeeper_data": zookeeper_data}
