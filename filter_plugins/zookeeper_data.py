"""What of an ensemble's data forbids its deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: zookeeper_data
author: Millrace
short_description: why a ZooKeeper ensemble must not be deployed on the data that lies on its machines
description:
  - Nothing that holds data is orphaned, given another id, or outvoted by servers that are empty.
options:
  _input:
    description: >-
      by host what lies there, as the module service_data reads it: the stores data and log (C(up), C(holds),
      C(older)), and C(servers), the server lines of the zoo.cfg that lies there; a host that was not asked is
      missing
    type: dict
    required: true
  hosts:
    description: servers in the order of their ids
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
# Two servers were added to one that has data.
refusals: "{{ {'a': with_data, 'b': empty, 'c': empty} | zookeeper_data(['a', 'b', 'c']) }}"
# -> 2 of 3 ZooKeeper servers (b, c) have no data, and a has: ...
"""

RETURN = r"""
_value:
  description: a sentence for each reason, with what to do; none when the ensemble may be deployed
  type: list
  elements: str
"""

#: Data of a server: its snapshots and transactions. myid alone is not data.
DATA = "version-2"

Found = Mapping[str, Mapping[str, Any]]


def zookeeper_data(found: Found, hosts: Sequence[str]) -> list[str]:
    """Why the ensemble must not be deployed, a sentence each.

    found: by host {"data": store, "log": store, "servers": {"server.1": "host:2888:3888"}}, each store
        {"up": [units], "holds": {directory: {path: text}}, "older": {directory: {path: text}}} with one
        directory that is wanted; a host that was not asked is missing
    hosts: the servers in the order of their ids, which begin with 1
    """
    refusals = []
    for number, host in enumerate(hosts, 1):
        if host in found:
            refusals += _own(host, number, found[host], hosts)
    # Where one has its data elsewhere that is what is to be mended, and it says so.
    return refusals or _together(found, hosts)


def _own(host: str, number: int, here: Mapping[str, Any], hosts: Sequence[str]) -> list[str]:
    directory, holds = _wanted(here["data"])
    log_directory, log = _wanted(here["log"])
    moved = [path for path, held in here["data"]["older"].items() if DATA in held and path != log_directory]
    if DATA not in holds and moved:
        return [
            f"{host} has no data of its ZooKeeper server in {directory}, but there is some in "
            f"{', '.join(moved)}: its unit uses another directory, that of an older zookeeper_data_dir. With "
            "this one it would begin empty. Give back the older zookeeper_data_dir. Or stop the server, copy "
            "its data with its owner, and run again; on every host that says so: systemctl stop zookeeper && "
            f"cp -a {moved[0]}/{DATA} {moved[0]}/myid {directory}/"
        ]
    if not log and here["log"]["older"]:
        older = next(iter(here["log"]["older"]))
        return [
            f"{host} has the transactions of its ZooKeeper server in {older}/{DATA}, and zookeeper_cfg_overrides "
            f"now has it look for them in {log_directory} (dataLogDir): it would know its last snapshot only, or "
            "stay down. Give back the directory of before. Or stop the server, move its transactions with their "
            f"owner, and run again; on every host that says so: systemctl stop zookeeper && install -d -o zookeeper "
            f"-g zookeeper -m 750 {log_directory} {log_directory}/{DATA} && mv {older}/{DATA}/log.* {log_directory}/{DATA}/"
        ]
    myid = holds.get("myid", "").strip()
    if DATA in holds and re.fullmatch("[0-9]+", myid) and int(myid) != number:
        return [
            f"{host} holds in {directory} the data of server {myid}, and zookeeper_hosts ({', '.join(hosts)}) "
            f"now makes it server {number}. A server's id is its place in that list: keep its order, append "
            "new servers at its end, and put a server that replaces another at the same place. If the data is "
            f"to be forgotten, stop the server (systemctl stop zookeeper) and move {directory}/{DATA} away."
        ]
    return []


def _wanted(store: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """The one directory that is wanted, and what it holds."""
    return next(iter(store["holds"].items()))


def _has_data(here: Mapping[str, Any]) -> bool:
    return DATA in _wanted(here["data"])[1]


def _together(found: Found, hosts: Sequence[str]) -> list[str]:
    unheard = [host for host in hosts if host not in found]
    empty = [host for host in hosts if host in found and not _has_data(found[host])]
    full = [host for host in hosts if host in found and _has_data(found[host])]
    if empty and unheard:
        return [
            f"{_servers(empty)} no data, and whether {', '.join(unheard)} has any is not known: not all "
            "servers answered, or --limit leaves them out. Empty servers may only join while the others have "
            "the data. Run again with all of them."
        ]
    if full and 2 * len(empty) >= len(hosts):
        return [
            f"{len(empty)} of {len(hosts)} ZooKeeper servers ({', '.join(empty)}) have no data, and "
            f"{', '.join(full)} has: the empty ones would elect each other, and what {', '.join(full)} holds "
            f"would be deleted. {_by_hand(full)}"
        ]
    return _resized(found, hosts, full, empty)


def _resized(found: Found, hosts: Sequence[str], full: list[str], empty: list[str]) -> list[str]:
    # A server alone has no server lines.
    sizes = {host: max(len(found[host]["servers"]), 1) for host in full}
    other = [host for host, size in sizes.items() if size != len(hosts)]
    # With all of them down and the same data everywhere there is nobody to be outvoted.
    down = not any(here["data"]["up"] for here in found.values())
    if not other or (down and not empty):
        return []
    return [
        f"zookeeper_hosts has {len(hosts)} servers ({', '.join(hosts)}), but the data of {', '.join(other)} "
        f"is that of an ensemble of {sizes[other[0]]}: while some servers know the old list and some the new, "
        f"each could have a majority of its own. {_by_hand(full)}"
    ]


def _servers(hosts: Sequence[str]) -> str:
    return f"{', '.join(hosts)} {'has' if len(hosts) == 1 else 'have'}"


def _by_hand(full: Sequence[str]) -> str:
    """How an ensemble gets other servers, or disks were lost, without this kit."""
    return (
        "Leave zookeeper_hosts as it was. Or, for servers that are added or were emptied: stop ZooKeeper on "
        f"all machines (systemctl stop zookeeper), copy {DATA} of {full[0]} (of several, of the one that led "
        "last) with its owner to the data directory of every other, and run again."
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"zookeeper_data": zookeeper_data}
