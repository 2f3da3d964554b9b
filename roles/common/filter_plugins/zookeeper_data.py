"""What of an ensemble's data forbids its deployment, and in which order its servers come and go."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: zookeeper_data
author: Millrace
short_description: why a ZooKeeper ensemble must not be deployed on its data, and in which order it grows
description:
  - Nothing that holds data is orphaned, given another id, or outvoted by servers that are empty.
  - An ensemble that runs gets other servers one after the other, so that at no time two majorities, by the
    list of before and by the new one, have no server in common, and none is without all the data.
options:
  _input:
    description: >-
      by host what lies there, as the module service_state reads it: the stores data and log (C(up), C(holds),
      C(older)), and C(settings), dataDir and the server lines of the zoo.cfg that lies there, none without
      one; C(kept), the same of the copy of what it ran well with; C(unread), files that lie there and that
      what runs has not read; C(differs), by each file for which what runs is to be restarted the keys that
      differ, null where they are not known; C(leads), whether it is the leader; a host that was not asked is
      missing
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
  lost:
    description: units of servers that start on a machine and are the inventory's no more, with that machine
    type: list
    elements: list
    default: []
  gone:
    description: machines that did not answer, and that the user accepts to be gone for good
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# Two servers were added to one that has data.
plan: "{{ {'a': with_data, 'b': with_data, 'c': empty} | zookeeper_data({'a': 1, 'b': 2, 'c': 3}, 'lab') }}"
# -> {refusals: [], warnings: [], last: ['c'], resize: {}}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; warnings, likewise; last, the servers that have no
    data while others do, which start when a majority follows a leader; resize, empty unless servers come or
    go, the number of servers of before (C(old)) and the C(steps), of which each has a C(host), what to C(do)
    there (stop, restart, start), and how many servers must C(serve) before it
  type: dict
"""

#: Data of a server: its snapshots and transactions. myid alone is not data.
DATA = "version-2"

Found = Mapping[str, Mapping[str, Any]]
Resize = dict[str, Any]


def zookeeper_data(
    found: Found,
    ids: Mapping[str, int],
    cluster: str,
    lost: Sequence[Sequence[str]] = (),
    gone: Collection[str] = (),
) -> dict[str, Any]:
    """Why the ensemble must not be deployed, who starts last, and how servers come and go.

    A server without data that meets one of the others before all of them are there could make it a leader
    that does not know everything.

    found: by host {"data": store, "log": store, "settings": {"dataDir": "/d", "server.1": "a:2888:3888"},
        "kept": likewise, "unread": [paths], "differs": {path: [keys] or None}, "leads": bool}, each store
        {"up": [units], "holds": {directory: {path: text}}, "older": {directory: {path: text}}} with one
        directory that is wanted; a host that was not asked is missing
    ids: by server its id
    cluster: what the kit keeps beside the data of each
    lost: units of servers that start on a machine and are the inventory's no more, with that machine
    gone: machines that did not answer, and that the user accepts to be gone for good
    Returns {"refusals": [sentences], "warnings": [sentences], "last": [hosts], "resize": {"old": number,
    "new": number, "steps": [{"host": host, "do": "stop", "serve": number}]}}; resize is empty unless servers
    come or go.
    """
    hosts = list(ids)
    refusals = [
        sentence
        for host, number in ids.items()
        if host in found
        for sentence in _own(host, number, cluster, found[host])
    ]
    resize: Resize = {}
    # Where one has its data elsewhere that is what is to be mended, and it says so.
    if not refusals:
        refusals, resize = _together(found, ids, [host for host, _ in lost], gone)
    empty = [host for host in hosts if host in found and not _has_data(found[host])]
    return {
        "refusals": refusals,
        "warnings": _even(len(hosts)),
        "last": empty if any(map(_has_data, found.values())) else [],
        "resize": resize,
    }


def _even(count: int) -> list[str]:
    if count == 0 or count % 2:
        return []
    return [
        (
            f"zookeeper_hosts has {count} servers, which bear the loss of {count // 2 - 1}, as {count - 1} "
            "would: a state to pass through. Go on to an odd number."
        )
    ]


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


def _together(
    found: Found, ids: Mapping[str, int], lost: Collection[str], gone: Collection[str]
) -> tuple[list[str], Resize]:
    hosts = list(ids)
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
        ], {}
    # With all of them down and the same data everywhere there is nobody to be outvoted.
    if not empty and not unheard and not any(_runs(found[host]) for host in hosts):
        return [], {}
    # One that is down may have a list of another time.
    running = [host for host in full if _runs(found[host])]
    if lists := _other_lists(found, ids, running, lost) or _other_lists(found, ids, full, lost):
        return _resized(found, ids, lists, gone)
    crowd = bool(full) and 2 * len(empty) >= len(hosts)
    # One that ran well alone has all the data. A growth from there that was cut off goes on.
    if crowd and not any(_ran_alone(found[host]) for host in full):
        return [
            (
                f"{len(empty)} of {len(hosts)} ZooKeeper servers ({', '.join(empty)}) have no data, and "
                f"{_have(full)}: the empty ones would elect each other, and what {', '.join(full)} "
                f"{'holds' if len(full) == 1 else 'hold'} would be deleted. "
                f"{_by_hand(full[0], found[full[0]])}"
            )
        ], {}
    # Another one: who runs with the list of before must not meet those that are empty.
    if crowd or (full and empty and any(found[host]["unread"] for host in full)):
        return _gone_on(found, full, empty)
    return [], {}


def _gone_on(found: Found, full: Sequence[str], empty: Sequence[str]) -> tuple[list[str], Resize]:
    """How a growth goes on whose list is in all files already, or why it cannot."""
    if more := _more(found, full):
        return [f"{', '.join(empty)} would join the servers that have data, but {more}"], {}
    know = [host for host in full if not found[host]["unread"]]
    steps = _steps(found, {"stay": full, "know": know, "come": empty}, len(full), resumed=True)
    return [], {"old": len(full), "new": len(full) + len(empty), "steps": steps}


def _runs(here: Mapping[str, Any]) -> bool:
    return bool(here["data"]["up"])


def _ran_alone(here: Mapping[str, Any]) -> bool:
    """Whether a server that had no others was the last that a run saw run well there."""
    return bool(here["kept"]) and not any(key.startswith("server.") for key in here["kept"])


#: By the id of each server its host, as text, as a zoo.cfg has them.
List = tuple[tuple[str, str], ...]


def _other_lists(
    found: Found, ids: Mapping[str, int], full: Sequence[str], lost: Collection[str]
) -> dict[List, list[str]]:
    """By each list of other servers that the zoo.cfg of a server has, those servers.

    One whose place another one takes counts as long as it starts: what is dead makes no majority.
    """
    others: dict[List, list[str]] = {}
    for host in full:
        servers = _servers(host, found[host], ids)
        starts = [member for _, member in servers if member not in ids and member in lost]
        if servers and (starts or len(servers) != len(ids)):
            others.setdefault(servers, []).append(host)
    return others


def _servers(host: str, here: Mapping[str, Any], ids: Mapping[str, int]) -> List:
    """The list of a server's zoo.cfg. Without a zoo.cfg nothing is known, and nothing runs."""
    settings = here["settings"]
    servers = sorted(
        (key.removeprefix("server."), value.partition(":")[0])
        for key, value in settings.items()
        if key.startswith("server.")
    )
    # A server alone has no server lines.
    return tuple(servers) or (((str(ids[host]), host),) if settings else ())


def _knows(host: str, here: Mapping[str, Any], ids: Mapping[str, int]) -> bool:
    """Whether a server, if it runs, has the new list; one that is down starts with it."""
    return {member for _, member in _servers(host, here, ids)} == ids.keys() and not here["unread"]


def _resized(
    found: Found, ids: Mapping[str, int], lists: Mapping[List, Sequence[str]], gone: Collection[str]
) -> tuple[list[str], Resize]:
    """How servers come or go, or why they cannot."""
    old = dict(next(iter(lists)))
    parts = {
        "stay": [host for host in ids if host in old.values()],
        "come": [host for host in ids if host not in old.values()],
        "leave": [host for host in old.values() if host not in ids and host not in gone],
        "gone": [host for host in old.values() if host not in ids and host in gone],
    }
    others = [host for names in lists.values() for host in names]
    # A run that was cut off has restarted them already.
    parts["know"] = [
        host
        for host in parts["stay"]
        if host in found and host not in others and _knows(host, found[host], ids)
    ]
    resumed = len(others) < len(parts["stay"])
    against = next(_against_resize(found, ids, old, parts, len(lists)), "")
    if not against and resumed and parts["leave"] and _kept(len(old), len(ids)):
        against = (
            "some have the new list already, of a run that was cut off when nothing was served any more. "
            f"Stop ZooKeeper on {', '.join([*parts['stay'], *parts['leave']])} (systemctl stop zookeeper), "
            "and run again."
        )
    if not against:
        steps = _steps(found, parts, len(old), resumed=resumed)
        return [], {"old": len(old), "new": len(ids), "steps": steps}
    each = "; ".join(f"the zoo.cfg of {', '.join(names)} names {len(it)}" for it, names in lists.items())
    return [f"zookeeper_hosts has {len(ids)} servers ({', '.join(ids)}), but {each}: {against}"], {}


def _against_resize(
    found: Found,
    ids: Mapping[str, int],
    old: Mapping[str, str],
    parts: Mapping[str, Sequence[str]],
    lists: int,
) -> Iterator[str]:
    """Why servers cannot come or go now, and what to do; the first counts."""
    stay, come, leave, gone = parts["stay"], parts["come"], parts["leave"], parts["gone"]
    unheard = [host for host in ids if host not in found]
    if unheard:
        yield (
            f"{', '.join(unheard)} did not answer, or --limit leaves them out, and each change of the list "
            "needs all servers. Run again with all of them."
        )
    if lists > 1 or not stay or any(str(ids[host]) != number for number, host in old.items() if host in ids):
        with_data = next(host for host in ids if _has_data(found[host]))
        yield (
            "while some servers know the old list and some the new, each could have a majority of its own. "
            f"{_by_hand(with_data, found[with_data])}"
        )
    if come and gone:
        yield (
            f"{', '.join(come)} would come while {', '.join(gone)} would be forgotten. Do one after the "
            f"other: first zookeeper_hosts with {', '.join([*stay, *leave])}, and when that has run, with "
            f"{', '.join(come)}."
        )
    if come and leave:
        replaced = (
            f" Or have {', '.join(come)} take the place of what is gone; before it, on {', '.join(leave)}: "
            "systemctl disable --now zookeeper"
        ) * (len(come) == len(leave))
        yield (
            f"{', '.join(come)} would come while {', '.join(leave)} would go. Do one after the other: first "
            f"zookeeper_hosts with all of {', '.join([*stay, *leave, *come])}, and when that has run, "
            f"without {', '.join(leave)}.{replaced}"
        )
    if gone and len(stay) + len(leave) <= len(old) // 2:
        yield (
            f"{', '.join(gone)} are accepted to be gone, and the others are no majority of the old list: "
            "what was committed last those alone may have. To go on with what the others have, stop "
            f"ZooKeeper on {', '.join([*stay, *leave])} (systemctl stop zookeeper), and run again."
        )
    if 1 < len(old) <= len(ids) - len(old):
        yield (
            f"the {len(old)} that have the data would be no majority, and nothing would be served "
            f"until enough of the others have it. Give {2 * len(old) - 1} servers at most, and when that has "
            "run, the others."
        )
    yield from _unfit(found, parts)


def _unfit(found: Found, parts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Which servers are not as they must be before any comes or goes, and what to do."""
    stay, come = parts["stay"], parts["come"]
    if empty := [host for host in stay if not _has_data(found[host])]:
        yield (
            f"{', '.join(empty)}, of the old list, {'has' if len(empty) == 1 else 'have'} no data. First run "
            "with zookeeper_hosts as it was, so that they get it from the others; then change it."
        )
    # One that knows the new list is started by the run.
    if down := [host for host in stay if not _runs(found[host]) and host not in parts["know"]]:
        yield (
            f"{', '.join(down)}, of the old list, {'does' if len(down) == 1 else 'do'} not run. Start it "
            "first, on every host that is named here: systemctl start zookeeper"
        )
    if used := [host for host in come if _has_data(found[host]) or _runs(found[host])]:
        directories = dict.fromkeys(_wanted(found[used[0]][store])[0] for store in ("data", "log"))
        moves = " && ".join(f"mv {path}/{DATA} {path}/{DATA}.before" for path in directories)
        yield (
            f"{', '.join(used)}, which would join, {'has' if len(used) == 1 else 'have'} data of before, or "
            "a server that runs: what it knows could differ from what the ensemble knows by now. It joins "
            f"empty; on every host that is named here: systemctl stop zookeeper && {moves}"
        )
    if more := _more(found, stay):
        yield more


def _more(found: Found, hosts: Sequence[str]) -> str:
    """What differs of what running servers read, beside their list of servers; empty when nothing does."""
    differs: dict[str, list[str]] = {}
    for host in hosts:
        for path, keys in found[host]["differs"].items():
            others = [key for key in keys or () if not key.startswith("server.")]
            if keys is None or others:
                name = f"{path} ({', '.join(others)})" if others else path
                differs.setdefault(name, []).append(host)
    if not differs:
        return ""
    each = "; ".join(f"{name} on {', '.join(where)}" for name, where in differs.items())
    return (
        f"more than the list of servers differs: {each}. What a server refuses could not be taken back "
        "while servers come or go. It takes two runs: one with zookeeper_hosts as it was, and one with all "
        "else as it was."
    )


def _steps(
    found: Found, parts: Mapping[str, Sequence[str]], old: int, *, resumed: bool
) -> list[dict[str, Any]]:
    """Who gets the new list when, and after how many servers of it serve; 0 where none may.

    stay, know, come, leave, gone: hosts of both lists, those of them that have the new one already, hosts of
        the new one only, of the one of before only, and of these the ones that are gone for good
    old: length of the list of before
    resumed: some have the new list already

    Who knows the new list is not restarted again, and has to be there before anybody else goes.
    Those that come start when all that have the data know of them. Those that leave are stopped before
    anybody forgets them: first as many as leave a bare majority, which then all have what was committed, when
    a session is opened, which is a transaction; then the rest, after which nothing is committed until enough
    have the new list.
    """
    know = parts.get("know", ())
    stay = sorted(
        (host for host in parts["stay"] if host not in know), key=lambda host: bool(found[host]["leads"])
    )
    come, gone = parts.get("come", ()), parts.get("gone", ())
    leave = [*gone, *parts.get("leave", ())]
    new = len(know) + len(stay) + len(come)
    before, after = old // 2 + 1, new // 2 + 1
    kept = _kept(old, new) if leave else 0
    steps = [{"host": host, "do": "restart", "serve": 0} for host in know]
    for done, host in enumerate(leave):
        serve = 0 if done > len(leave) - kept else after if resumed else new
        if host not in gone:
            steps.append({"host": host, "do": "stop", "serve": serve})
    # A server joins those that serve when they are a majority by its own list, whichever that is.
    alike = before == after
    led = any(found[host]["leads"] for host in stay) and not resumed
    for done, host in enumerate([*stay, *come], len(know)):
        if kept or host in come:
            serve = done if done >= after else 0
        elif leave:
            # Enough with the new list serve without those that have the one of before.
            serve = new if alike or not (resumed or done >= after) else max(done, after)
        else:
            # The rest serves, and one with the new list may join after the next only.
            joins = alike or (led and old - 1 >= after)
            serve = old if joins or not (done or resumed) else before
        steps.append({"host": host, "do": "start" if host in come else "restart", "serve": serve})
    return steps


def _kept(old: int, new: int) -> int:
    """How many of those that leave are needed for a majority of the list of before."""
    return max(old // 2 + 1 - new, 0)


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
