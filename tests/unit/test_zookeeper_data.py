"""What of an ensemble's data is refused, and how servers come and go, by tables of what lies there."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from zookeeper_data import zookeeper_data

DATA = ("version-2", "version-2/snapshot.0")


def places(hosts: str) -> dict[str, int]:
    """Ids by their places."""
    return {host: number for number, host in enumerate(hosts, 1)}


IDS = places("abc")


def zoo_cfg(at: str, named: str) -> dict[str, str]:
    """What is read of a zoo.cfg: the directory of data, and the servers if they are several."""
    lines = {f"server.{number}": f"{host}:2888:3888" for number, host in enumerate(named, 1)}
    return {"dataDir": at} | (lines if len(lines) > 1 else {})


def here(
    *names: str,
    at: str = "/new",
    myid: str = "",
    cluster: str = "",
    older: dict[str, tuple[str, ...]] | None = None,
    up: bool = False,
    size: int = 3,
    named: str = "",
    kept: str = "",
    unread: bool = False,
    differs: dict[str, list[str] | None] | None = None,
    leads: bool = False,
    log: str = "",
    logs: tuple[str, ...] = (),
    older_logs: dict[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """What the guard hears of a host.

    names: what lies in the directory of data; myid with this text
    older: what lies in directories of before
    size: servers of the zoo.cfg that lies there; 0 is none
    named: those servers, a letter each
    kept: servers of the zoo.cfg that it ran well with
    unread: whether what runs has another zoo.cfg
    differs: what it is to be restarted for
    log: the directory of transactions, if it is another, with these logs
    """
    named = named or "abcdefg"[:size]
    held = dict.fromkeys(names, "") | ({"myid": f"{myid}\n"} if myid else {})
    held |= {"cluster.id": f"{cluster}\n"} if cluster else {}
    return {
        "data": {
            "up": ["zookeeper"] if up else [],
            "holds": {at: held},
            "older": {path: dict.fromkeys(held, "") for path, held in (older or {}).items()},
        },
        "log": {
            "up": ["zookeeper"] if up else [],
            "holds": {log or at: dict.fromkeys(logs, "")},
            "older": {path: dict.fromkeys(held, "") for path, held in (older_logs or {}).items()},
        },
        "settings": zoo_cfg(at, named) if size else {},
        "kept": zoo_cfg(at, kept) if kept else {},
        "unread": ["/etc/zookeeper/zoo.cfg"] if unread else [],
        "differs": differs or {},
        "leads": leads,
    }


def full(**more: Any) -> dict[str, Any]:
    return here(*DATA, **more)


FRESH = here(size=0)
# After a machine was made anew, its files are written before its server runs.
EMPTY = here()
COPIED = full(size=0)
ALONE = full(size=1)


def whole(first: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """An ensemble of three whose first server is this one."""
    return {"a": first, "b": full(myid="2"), "c": full(myid="3")}


MOVED = (
    "a has no data of its ZooKeeper server in /new, but there is some in {}: its unit uses another "
    "directory, that of an older zookeeper_data_dir. With this one it would begin empty. Give back the "
    "older zookeeper_data_dir. Or stop the server, copy its data with its owner, and run again; on every "
    "host that says so: systemctl stop zookeeper && install -d -o zookeeper -g zookeeper -m 750 /new && "
    "cp -a /old/version-2 /old/myid /new/"
)
LOGS = (
    "a has the transactions of its ZooKeeper server in {0}/version-2, and would now look for them in "
    "{1}/version-2 (dataLogDir in zookeeper_cfg_overrides; without it, zookeeper_data_dir): it would know "
    "no more than its last snapshot, or stay down. Give back the directory of before. Or stop the server, "
    "move its transactions with their owner, and run again; on every host that says so: systemctl stop "
    "zookeeper && install -d -o zookeeper -g zookeeper -m 750 {1} {1}/version-2 && mv {0}/version-2/log.* "
    "{1}/version-2/"
)


@pytest.mark.parametrize(
    ("first", "says"),
    [
        pytest.param(here(older={"/old": DATA}), MOVED.format("/old"), id="moved-and-stopped"),
        pytest.param(here(older={"/old": DATA}, up=True), MOVED.format("/old"), id="moved-and-runs"),
        pytest.param(
            here(older={"/old": ("version-2", "myid")}), MOVED.format("/old"), id="moved-without-snapshot"
        ),
        pytest.param(
            here("version-2", older={}, myid="1"), "", id="data-of-which-only-the-directory-is-there"
        ),
        pytest.param(
            here(older={"/a": DATA, "/old": ("version-2", "version-2/snapshot.f")}),
            MOVED.format("/a, /old"),
            id="in-two-of-before-the-newest-is-copied",
        ),
        pytest.param(
            # It was the directory of all until now: that of transactions alone has no snapshot.
            here(older={"/old": DATA}, log="/old"),
            MOVED.format("/old"),
            id="the-old-directory-would-keep-the-transactions-only",
        ),
        pytest.param(
            here(*DATA, older={"/old": ("version-2", "version-2/snapshot.1f.gz")}),
            "a has data of its ZooKeeper server in /new, but newer in /old: its unit uses another "
            "directory, that of an older zookeeper_data_dir. With this one it would begin with what is old. "
            "Give back the older zookeeper_data_dir. Or stop the server, copy its data with its owner, and "
            "run again; on every host that says so: systemctl stop zookeeper && mv /new/version-2 "
            "/new/version-2.before && cp -a /old/version-2 /old/myid /new/",
            id="back-to-a-directory-that-was-left-once",
        ),
        pytest.param(full(older={"/old": DATA}), "", id="copied-and-the-older-is-still-there"),
        pytest.param(
            here("version-2", "version-2/snapshot.1f", older={"/old": DATA}),
            "",
            id="copied-and-written-since",
        ),
        pytest.param(full(older={"/etc/zookeeper": ("myid",)}), "", id="no-data-in-what-is-older"),
        pytest.param(
            full(older={"/logs": ("version-2",)}, log="/logs"), "", id="a-directory-of-transactions-alone"
        ),
        pytest.param(
            here(older={"/logs": ("version-2",)}, log="/logs"),
            "",
            id="a-directory-of-transactions-of-an-emptied-server",
        ),
        pytest.param(
            full(log="/logs", older_logs={"/new": ("version-2/log.1",)}),
            LOGS.format("/new", "/logs"),
            id="dataLogDir-is-new",
        ),
        pytest.param(
            full(older_logs={"/logs": ("version-2/log.1",)}),
            LOGS.format("/logs", "/new"),
            id="dataLogDir-is-gone",
        ),
        pytest.param(
            full(logs=("version-2/log.1", "version-2/log.9"), older_logs={"/logs": ("version-2/log.a",)}),
            LOGS.format("/logs", "/new"),
            id="dataLogDir-is-gone-and-here-are-older",
        ),
        pytest.param(
            full(
                log="/l",
                older_logs={"/new": ("version-2/log.1",), "/logs": ("version-2/log.ff", "version-2/log.2")},
            ),
            LOGS.format("/logs", "/l"),
            id="dataLogDir-is-another",
        ),
        pytest.param(
            full(log="/logs", logs=("version-2/log.1",), older_logs={"/new": ("version-2/log.1",)}),
            "",
            id="transactions-copied",
        ),
        pytest.param(
            full(log="/logs", logs=("version-2/log.10",), older_logs={"/new": ("version-2/log.9",)}),
            "",
            id="transactions-of-before-it-had-a-directory-for-them",
        ),
        pytest.param(full(log="/logs"), "", id="no-transactions-anywhere"),
        pytest.param(
            full(myid="2"),
            "a holds in /new the data of server 2, and the inventory now makes it server 1. A server's id is "
            "its place in zookeeper_hosts where zookeeper_id does not pin it. Pin what it bears: "
            "host_vars/a.yml: zookeeper_id: 2. If the data is to be forgotten, stop the server (systemctl "
            "stop zookeeper) and move /new/version-2 away.",
            id="another-id-with-its-data",
        ),
        pytest.param(full(myid="1"), "", id="its-own-id"),
        pytest.param(
            full(cluster="other"),
            "a holds in /new the data of a ZooKeeper server of the cluster other (cluster.id there), and the "
            "inventory makes it one of lab: ",
            id="another-cluster",
        ),
        pytest.param(full(cluster="lab"), "", id="its-own-cluster"),
        pytest.param(full(cluster=""), "", id="one-of-before-the-kit-kept-it-is-taken-over"),
        pytest.param(here(cluster="other"), "", id="no-data-of-another-cluster"),
        pytest.param(full(), "", id="no-id"),
        pytest.param(full(myid="one"), "", id="what-is-no-number-is-not-anothers"),
        pytest.param(here(myid="3"), "", id="one-that-never-ran-may-get-another-id"),
    ],
)
def test_what_one_server_holds(first: dict[str, Any], says: str) -> None:
    found = zookeeper_data(whole(first), IDS, "lab")["refusals"]
    assert [line.startswith(says) for line in found] == [True] * bool(says)


BY_HAND = (
    "Leave zookeeper_hosts as it was. Or, for servers that are added or were emptied: stop ZooKeeper on "
    "all machines (systemctl stop zookeeper), copy /new/version-2 of {} (of several, of the one that led "
    "last) with its owner to the data directory of every other, and run again."
)
MAJORITY = (
    "{} of {} ZooKeeper servers ({}) have no data, and a has: the empty ones would elect each other, and "
    "what a "
    "holds would be deleted. " + BY_HAND.format("a")
)
SIZE = "zookeeper_hosts has {} servers ({}), but the zoo.cfg of {} names {}: "
FIVE = SIZE.format(5, "a, b, c, d, e", "a, b, c", 3)
UNHEARD = (
    "{} no data, and whether {} has any is not known: not all servers answered, or --limit leaves them out. "
    "Empty servers may only join while the others have the data. Run again with all of them."
)
RUNS = full(up=True)


@pytest.mark.parametrize(
    ("hosts", "found", "says"),
    [
        pytest.param("a", {"a": FRESH}, "", id="one-fresh-machine"),
        pytest.param("a", {"a": ALONE}, "", id="one-server"),
        pytest.param("abc", {"a": FRESH, "b": FRESH, "c": FRESH}, "", id="three-fresh-machines"),
        pytest.param("abc", {"a": EMPTY, "b": EMPTY, "c": EMPTY}, "", id="three-that-never-started"),
        pytest.param("abc", {"a": RUNS, "b": RUNS, "c": RUNS}, "", id="three-that-run"),
        pytest.param("abc", {"a": full(), "b": full(), "c": full()}, "", id="three-that-are-stopped"),
        pytest.param("abc", {"a": RUNS, "b": RUNS, "c": FRESH}, "", id="one-re-imaged-of-three"),
        pytest.param("abc", {"a": EMPTY, "b": RUNS, "c": RUNS}, "", id="the-first-of-three-emptied"),
        pytest.param(
            "abcde", dict.fromkeys("abc", full(size=5)) | {"d": FRESH, "e": FRESH}, "", id="two-of-five"
        ),
        pytest.param("abc", {"a": RUNS, "b": RUNS, "c": COPIED}, "", id="re-imaged-and-its-data-copied"),
        pytest.param(
            "abc",
            {"a": RUNS, "b": FRESH, "c": FRESH},
            MAJORITY.format(2, 3, "b, c"),
            id="two-of-three-emptied",
        ),
        pytest.param(
            "abc",
            {"a": full(), "b": FRESH, "c": FRESH},
            MAJORITY.format(2, 3, "b, c"),
            id="two-of-three-emptied-and-all-stopped",
        ),
        pytest.param("ab", {"a": full(size=2), "b": FRESH}, MAJORITY.format(1, 2, "b"), id="one-of-two"),
        pytest.param(
            "abc",
            {"a": ALONE, "b": FRESH, "c": FRESH},
            SIZE.format(3, "a, b, c", "a", 1)
            + "a, of the old list, does not run. Start it first, on every host "
            "that is named here: systemctl start zookeeper",
            id="from-one-to-three-stopped",
        ),
        pytest.param(
            "abcde",
            {"a": full(size=5), "b": FRESH, "c": FRESH, "d": FRESH, "e": full(size=5)},
            "3 of 5 ZooKeeper servers (b, c, d) have no data, and a, e have: the empty ones would elect each "
            "other, and what a, e hold would be deleted. " + BY_HAND.format("a"),
            id="three-of-five",
        ),
        pytest.param(
            "abc",
            {"a": full(log="/logs"), "b": FRESH, "c": FRESH},
            "with its owner to the data directory of every other, and likewise /logs/version-2 "
            "(dataLogDir), and",
            id="the-remedy-knows-the-directory-of-transactions",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("ab", RUNS) | {"c": full(), "d": FRESH, "e": FRESH},
            SIZE.format(5, "a, b, c, d, e", "a, b", 3) + "c, of the old list, does not run. Start it first",
            id="from-three-to-five-and-one-is-stopped",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", full()) | {"d": FRESH, "e": FRESH},
            FIVE + "a, b, c, of the old list, do not run. Start it first",
            id="from-three-to-five-all-stopped-and-nothing-copied",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", full()) | {"d": COPIED, "e": FRESH},
            FIVE + "a, b, c, of the old list, do not run. Start it first",
            id="from-three-to-five-and-copied-to-one-only",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", full()) | dict.fromkeys("de", COPIED),
            "",
            id="from-three-to-five-all-stopped-and-data-copied-everywhere",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", RUNS) | dict.fromkeys("de", COPIED),
            FIVE + "d, e, which would join, have data of before, or a server that runs: what it knows could "
            "differ from what the ensemble knows by now. It joins empty; on every host that is named here: "
            "systemctl stop zookeeper && mv /new/version-2 /new/version-2.before",
            id="from-three-to-five-copied-but-they-run",
        ),
        pytest.param(
            "abc", {"a": ALONE, "b": COPIED, "c": COPIED}, "", id="from-one-to-three-all-stopped-and-copied"
        ),
        pytest.param(
            "abc",
            {"a": full(size=1, up=True), "b": COPIED, "c": COPIED},
            SIZE.format(3, "a, b, c", "a", 1) + "b, c, which would join, have data of before",
            id="from-one-to-three-copied-but-it-runs",
        ),
        # Once more in a list in which they were: since then the others may have changed it alone.
        pytest.param(
            "abc",
            {"a": full(size=1, up=True), "b": full(), "c": FRESH},
            SIZE.format(3, "a, b, c", "a", 1) + "b, which would join, has data of before",
            id="one-comes-back-with-the-data-that-it-left-with",
        ),
        pytest.param(
            "ab",
            {"a": full(size=1, up=True), "b": full(size=5)},
            SIZE.format(2, "a, b", "a", 1) + "b, which would join, has data of before",
            id="one-comes-back-from-another-list",
        ),
        pytest.param(
            "abcd",
            dict.fromkeys("abc", RUNS) | {"d": here(up=True, log="/logs")},
            "systemctl stop zookeeper && mv /new/version-2 /new/version-2.before && mv /logs/version-2 "
            "/logs/version-2.before",
            id="one-that-would-join-runs-already",
        ),
        pytest.param(
            "abcd",
            dict.fromkeys("ab", RUNS) | {"c": EMPTY, "d": FRESH},
            SIZE.format(4, "a, b, c, d", "a, b", 3) + "c, of the old list, has no data. First run with "
            "zookeeper_hosts as it was, so that they get it from the others; then change it.",
            id="one-of-the-old-list-is-empty",
        ),
        pytest.param(
            "abde",
            dict.fromkeys("ab", RUNS) | {"d": FRESH, "e": FRESH},
            SIZE.format(4, "a, b, d, e", "a, b", 3)
            + "d, e would come while c would go. Do one after the other: "
            "first zookeeper_hosts with all of a, b, c, d, e, and when that has run, without c.",
            id="some-come-and-one-goes",
        ),
        pytest.param(
            "abcd",
            dict.fromkeys("ab", full(size=2, up=True)) | {"c": FRESH, "d": FRESH},
            SIZE.format(4, "a, b, c, d", "a, b", 2) + "the 2 that have the data would be no majority, and "
            "nothing would be served until enough of the others have it. Give 3 servers at most, and when "
            "that has run, the others.",
            id="twice-as-many",
        ),
        pytest.param(
            "abcd",
            dict.fromkeys("abc", full(named="acb", up=True)) | {"d": FRESH},
            "each could have a majority of its own. " + BY_HAND.format("a"),
            id="the-old-list-has-other-ids",
        ),
        pytest.param("abc", dict.fromkeys("abc", full(size=5)), "", id="from-five-to-three-all-stopped"),
        pytest.param("a", {"a": FRESH}, "", id="one-that-is-empty-alone"),
        pytest.param("a", {"a": full()}, "", id="from-three-to-one-stopped"),
        pytest.param(
            "abc",
            {"a": RUNS, "b": full(size=5), "c": full(size=1)},
            "but the zoo.cfg of b names 5; the zoo.cfg of c names 1: while some servers know the old list "
            "and some the new, each could have a majority of its own. " + BY_HAND.format("a"),
            id="each-of-another-size",
        ),
        pytest.param("abc", {"a": RUNS}, "", id="limited-and-it-has-data"),
        pytest.param(
            "abc", {"a": FRESH}, UNHEARD.format("a has", "b, c"), id="limited-to-a-machine-that-was-re-imaged"
        ),
        pytest.param(
            "abc",
            {"a": RUNS, "b": FRESH},
            UNHEARD.format("b has", "c"),
            id="re-imaged-while-one-is-unheard",
        ),
        pytest.param(
            "abc",
            {"a": FRESH, "c": FRESH},
            UNHEARD.format("a, c have", "b"),
            id="fresh-machines-while-one-is-unheard",
        ),
        pytest.param(
            "abc",
            {"a": full(size=5)},
            SIZE.format(3, "a, b, c", "a", 5) + "b, c did not answer, or --limit leaves them out, and each "
            "change of the list needs all servers. Run again with all of them.",
            id="of-those-that-were-not-asked-it-is-not-known-that-they-are-stopped",
        ),
        pytest.param(
            "abc",
            {"a": full(size=5), "b": full(size=5), "c": full(size=5), "d": full(size=5, up=True)},
            "",
            id="what-is-no-server-is-not-asked",
        ),
    ],
)
def test_what_the_servers_hold_together(hosts: str, found: dict[str, dict[str, Any]], says: str) -> None:
    refusals = zookeeper_data(found, places(hosts), "lab")["refusals"]
    assert [says in line for line in refusals] == [True] * bool(says)


def test_servers_in_another_order_each_say_whose_data_they_hold() -> None:
    """A replacement that stands at the same place is none of them."""
    found = {"a": full(myid="1"), "b": full(myid="2"), "c": full(myid="3"), "d": FRESH}
    assert [line.split()[0] for line in zookeeper_data(found, places("cab"), "lab")["refusals"]] == [
        "c",
        "a",
        "b",
    ]
    assert zookeeper_data(found, places("dbc"), "lab")["refusals"] == []


def test_where_data_is_elsewhere_nobody_counts_the_empty() -> None:
    moved = here(older={"/old": DATA})
    found = zookeeper_data({"a": moved, "b": moved, "c": full(myid="3")}, IDS, "lab")["refusals"]
    assert [line.split(" in ")[0] for line in found] == [
        "a has no data of its ZooKeeper server",
        "b has no data of its ZooKeeper server",
    ]
    assert "elect" not in "".join(found)


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("states", [*itertools.product(["data", "empty", "unheard"], repeat=3)], ids="-".join)
def test_empty_servers_never_are_a_majority_beside_data(states: tuple[str, ...], up: bool) -> None:
    kinds = {"data": full(up=up), "empty": here(up=up)}
    found = {host: kinds[state] for host, state in zip("abc", states, strict=True) if state in kinds}
    refused = bool(zookeeper_data(found, IDS, "lab")["refusals"])
    has, empty, unheard = (states.count(state) for state in ("data", "empty", "unheard"))
    if (has and 2 * empty >= 3) or (unheard and empty):
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize("count", [1, 2, 4, 5, 7])
def test_nor_are_they_of_any_other_number(count: int) -> None:
    """All that so many servers may hold."""
    for states in itertools.product(["data", "empty", "unheard"], repeat=count):
        kinds = {"data": full(up=True, size=count), "empty": here(up=True, size=count)}
        hosts = "abcdefg"[:count]
        found = {host: kinds[state] for host, state in zip(hosts, states, strict=True) if state in kinds}
        refused = bool(zookeeper_data(found, places(hosts), "lab")["refusals"])
        has, empty, unheard = (states.count(state) for state in ("data", "empty", "unheard"))
        assert refused == bool((has and 2 * empty >= count) or (unheard and empty)), states


@pytest.mark.parametrize(
    ("servers", "last"),
    [
        ({"a": FRESH, "b": FRESH, "c": FRESH}, []),
        ({"a": full(), "b": full(), "c": full()}, []),
        ({"a": full(), "b": full(), "c": EMPTY}, ["c"]),
        ({"a": FRESH, "b": full(up=True), "c": full(up=True)}, ["a"]),
        ({"a": full(), "b": full()}, []),
    ],
)
def test_a_server_without_data_starts_after_those_that_have_it(
    servers: dict[str, dict[str, Any]], last: list[str]
) -> None:
    decided = zookeeper_data(servers, IDS, "lab")
    assert decided == {"refusals": [], "warnings": [], "last": last, "resize": {}}


@pytest.mark.parametrize(
    ("count", "bears"),
    [
        (1, ""),
        (2, "the loss of 0, as 1 would"),
        (3, ""),
        (4, "the loss of 1, as 3 would"),
        (6, "the loss of 2, as 5 would"),
    ],
)
def test_an_even_number_is_a_state_to_pass_through(count: int, bears: str) -> None:
    hosts = "abcdefg"[:count]
    (warning,) = zookeeper_data(dict.fromkeys(hosts, FRESH), places(hosts), "lab")["warnings"] or [""]
    assert bears in warning
    assert bool(warning) == bool(bears)


THREE = SIZE.format(3, "a, b, d", "a, b", 3)
REPLACED = (
    "d would come while c would go. Do one after the other: first zookeeper_hosts with all of a, b, c, d, "
    "and when that has run, without c. Or have d take the place of what is gone; before it, on c: systemctl "
    "disable --now zookeeper"
)


@pytest.mark.parametrize("number", [3, 4])
@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ([["c", "zookeeper"]], THREE + REPLACED),
        # A dead one does not answer, and one that was made anew starts nothing.
        ([], ""),
        # It never was a server of this ensemble, or has left it.
        ([["e", "zookeeper"]], ""),
    ],
)
def test_nobody_takes_the_place_of_a_server_that_starts(number: int, lost: list[Any], says: str) -> None:
    found = dict.fromkeys("ab", RUNS) | {"d": FRESH}
    decided = zookeeper_data(found, {"a": 1, "b": 2, "d": number}, "lab", lost)
    assert (decided["refusals"], decided["resize"]) == ([says] if says else [], {})


@pytest.mark.parametrize(
    ("b", "refused"),
    [
        # Where all know of the new one the old one is no majority with any of them.
        (full(named="abd", up=True), False),
        (full(named="abc", up=True), True),
        # It is restarted before the new one starts.
        (full(named="abd", up=True, unread=True), False),
    ],
)
def test_who_comes_back_after_it_was_replaced(b: dict[str, Any], refused: bool) -> None:
    found = {"a": full(named="abd", up=True), "b": b, "d": FRESH}
    decided = zookeeper_data(found, {"a": 1, "b": 2, "d": 3}, "lab", [["c", "zookeeper"]])
    assert bool(decided["refusals"]) == refused


# --- Servers come and go

UP = {size: full(size=size, up=True) for size in range(1, 8)}


def steps(found: dict[str, dict[str, Any]], hosts: str) -> list[str]:
    """The steps of a plan that is not refused, such as "stop b 3": what, where, after how many serve."""
    said = zookeeper_data(found, places(hosts), "lab")
    assert said["refusals"] == []
    return [" ".join(map(str, (step["do"], step["host"], step["serve"]))) for step in said["resize"]["steps"]]


@pytest.mark.parametrize(
    ("old", "new", "order"),
    [
        # The first with a longer list comes back when the next one makes all of them elect: 3 serve, then 2.
        ("abc", "abcd", ["restart b 3", "restart c 2", "restart a 2", "start d 3"]),
        ("abc", "abcde", ["restart b 3", "restart c 2", "restart a 2", "start d 3", "start e 4"]),
        ("abcd", "abcde", [*(f"restart {host} 4" for host in "bcda"), "start e 4"]),
        # One alone serves again with the first that comes.
        ("a", "ab", ["restart a 1", "start b 0"]),
        ("a", "abc", ["restart a 1", "start b 0", "start c 2"]),
        ("a", "abcde", ["restart a 1", "start b 0", "start c 0", "start d 3", "start e 4"]),
        ("ab", "abc", ["restart b 2", "restart a 2", "start c 2"]),
        # Four beside it are enough to take the first one back at once.
        ("abcde", "abcdef", [*(f"restart {host} 5" for host in "bcdea"), "start f 5"]),
        ("abcde", "abc", ["stop d 3", "stop e 3", "restart b 3", "restart c 3", "restart a 2"]),
        ("abcd", "abc", ["stop d 3", "restart b 3", "restart c 3", "restart a 2"]),
        ("abcde", "abcd", ["stop e 4", *(f"restart {host} 4" for host in "bcda")]),
        # A bare majority has all that was committed; then it is the others' turn.
        ("abc", "a", ["stop b 1", "stop c 1", "restart a 0"]),
        ("ab", "a", ["stop b 1", "restart a 0"]),
        ("abcde", "a", [*(f"stop {host} 1" for host in "bcd"), "stop e 0", "restart a 0"]),
        ("abcde", "ab", ["stop c 2", "stop d 2", "stop e 2", "restart b 0", "restart a 0"]),
    ],
)
def test_servers_come_and_go_one_after_the_other(old: str, new: str, order: list[str]) -> None:
    running = {host: full(size=len(old), up=True, leads=host == "a") for host in old if host in new}
    found = dict.fromkeys(new, FRESH) | running
    assert steps(found, new) == order
    resize = zookeeper_data(found, places(new), "lab")["resize"]
    assert (resize["old"], resize["new"]) == (len(old), len(new))


@pytest.mark.parametrize(
    ("old", "new", "gone", "order"),
    [
        ("abcde", "abc", "de", ["restart b 3", "restart c 3", "restart a 2"]),
        ("abcde", "abc", "d", ["stop e 3", "restart b 3", "restart c 3", "restart a 2"]),
        ("abc", "ab", "c", ["restart b 2", "restart a 2"]),
        # Of three the two that are left have all, until one of them goes.
        ("abc", "a", "c", ["stop b 1", "restart a 0"]),
        ("abcde", "a", "cd", ["stop b 1", "stop e 0", "restart a 0"]),
    ],
)
def test_who_is_gone_for_good_is_not_stopped(old: str, new: str, gone: str, order: list[str]) -> None:
    found = {host: full(size=len(old), up=True, leads=host == "a") for host in new}
    said = zookeeper_data(found, places(new), "lab", gone=[*gone, "z"])
    assert said["refusals"] == []
    assert [f"{step['do']} {step['host']} {step['serve']}" for step in said["resize"]["steps"]] == order


@pytest.mark.parametrize(
    ("size", "hosts", "gone", "others"),
    [(3, "a", "bc", "a"), (5, "a", "cde", "a, b"), (5, "ab", "cde", "a, b")],
)
def test_who_is_gone_for_good_had_what_the_others_lack(size: int, hosts: str, gone: str, others: str) -> None:
    """With a majority gone it is the administrator's decision, and the way is by hand."""
    running = dict.fromkeys(hosts, UP[size])
    (refusal,) = zookeeper_data(running, places(hosts), "lab", gone=gone)["refusals"]
    assert f"{', '.join(gone)} are accepted to be gone, and the others are no majority" in refusal
    assert f"stop ZooKeeper on {others} (systemctl stop zookeeper), and run again" in refusal
    stopped = zookeeper_data(dict.fromkeys(hosts, full(size=size)), places(hosts), "lab", gone=gone)
    assert (stopped["refusals"], stopped["resize"]) == ([], {})


def test_nobody_comes_while_others_are_forgotten() -> None:
    found = dict.fromkeys("abc", UP[5]) | {"f": FRESH}
    (refusal,) = zookeeper_data(found, {"a": 1, "b": 2, "c": 3, "f": 6}, "lab", gone="de")["refusals"]
    assert refusal.endswith(
        "f would come while d, e would be forgotten. Do one after the other: first zookeeper_hosts with a, "
        "b, c, and when that has run, with f."
    )


def test_a_growth_that_was_cut_off_goes_on() -> None:
    """The first with the new list may be waiting for the second: it has to answer, and not to serve."""
    found = {"a": UP[3], "b": UP[5], "c": UP[3], "d": EMPTY, "e": FRESH}
    order = ["restart b 0", "restart a 2", "restart c 2", "start d 3", "start e 4"]
    assert steps(found, "abcde") == order
    # One that did not come back is started, with what it is to have by now.
    assert steps(found | {"b": full(size=5)}, "abcde") == order
    # It was killed between the file and the restart.
    unread = found | {"b": full(size=5, up=True, unread=True)}
    assert steps(unread, "abcde") == [f"restart {host} 2" for host in "abc"] + order[3:]


def test_who_runs_with_the_list_of_before_meets_none_that_is_empty() -> None:
    """The file was written and its daemon not restarted: by its list two of three are a majority."""
    found = dict.fromkeys("ab", UP[5]) | {"c": full(size=5, up=True, unread=True), "d": FRESH, "e": FRESH}
    assert steps(found, "abcde") == ["restart a 0", "restart b 0", "restart c 2", "start d 3", "start e 4"]
    read = zookeeper_data(found | {"c": UP[5]}, places("abcde"), "lab")
    assert (read["resize"], read["last"]) == ({}, ["d", "e"])
    # Without empty ones it is a restart like any other.
    assert zookeeper_data(dict.fromkeys("abc", full(up=True, unread=True)), IDS, "lab")["resize"] == {}


ENV, CFG = "/etc/zookeeper/zookeeper-env.sh", "/etc/zookeeper/zoo.cfg"


@pytest.mark.parametrize(
    ("differs", "named"),
    [
        ({CFG: ["server.4"]}, ""),
        # It was written already, and is yet to be read.
        ({CFG: []}, ""),
        ({CFG: ["server.4", "tickTime"]}, f"{CFG} (tickTime)"),
        ({CFG: ["server.4"], ENV: None}, ENV),
        ({"no record": None}, "no record"),
    ],
)
@pytest.mark.parametrize(("old", "new"), [("abc", "abcd"), ("a", "abc"), ("abc", "ab"), ("abc", "a")])
def test_a_change_of_the_list_comes_alone(
    old: str, new: str, differs: dict[str, list[str] | None], named: str
) -> None:
    found = dict.fromkeys(new, FRESH) | {host: UP[len(old)] for host in old if host in new}
    last = new[min(len(new), len(old)) - 1]
    found[last] = full(size=len(old), up=True, differs=differs)
    decided = zookeeper_data(found, places(new), "lab")
    says = (
        f"more than the list of servers differs: {named} on {last}. What a server refuses could not be taken "
        "back while servers come or go. It takes two runs: one with zookeeper_hosts as it was, and one with "
        "all else as it was."
    )
    assert [says in line for line in decided["refusals"]] == [True] * bool(named)
    assert bool(decided["resize"]) == (not named)


def test_a_growth_that_was_cut_off_takes_nothing_else_with_it() -> None:
    found = {host: full(size=5, up=True, differs={ENV: None}) for host in "ab"}
    found |= {"c": full(size=5, up=True, unread=True), "d": FRESH, "e": FRESH}
    (refusal,) = zookeeper_data(found, places("abcde"), "lab")["refusals"]
    assert refusal.startswith(
        "d, e would join the servers that have data, but more than the list of servers differs: "
        f"{ENV} on a, b."
    )


@pytest.mark.parametrize(
    ("hosts", "full_of", "order"),
    [
        ("abc", {"a": full(kept="a", up=True)}, "restart a 0, start b 0, start c 2"),
        ("ab", {"a": full(size=2, kept="a", up=True)}, "restart a 0, start b 0"),
        # It did not come back.
        ("abc", {"a": full(kept="a")}, "restart a 0, start b 0, start c 2"),
        # It runs alone still: its file was written, and it was not restarted.
        ("abc", {"a": full(kept="a", up=True, unread=True)}, "restart a 1, start b 0, start c 2"),
        (
            "abcde",
            {"a": full(size=5, kept="a", up=True), "b": full(size=5, up=True)},
            "restart a 0, restart b 0, start c 0, start d 3, start e 4",
        ),
    ],
)
def test_a_growth_from_one_server_goes_on(hosts: str, full_of: dict[str, Any], order: str) -> None:
    """Nothing is served until the others are there."""
    assert steps(dict.fromkeys(hosts, FRESH) | full_of, hosts) == order.split(", ")
    # Where it had others these may know what it does not.
    had_others = {host: each | {"kept": full(kept=hosts)["kept"]} for host, each in full_of.items()}
    (refusal,) = zookeeper_data(dict.fromkeys(hosts, FRESH) | had_others, places(hosts), "lab")["refusals"]
    assert "would elect each other" in refusal


class Ensemble:
    """What can happen to an ensemble while its list changes, at the worst.

    A server that leads commits with a majority by its own list; more of them count than do in versions that
    know who is no member. Whoever is in a majority has all afterwards, and nobody else need have it.
    """

    def __init__(self, old: str, new: str, leader: str) -> None:
        self.old, self.new = old, frozenset(new)
        # The lists of servers that were stopped, or did not come back.
        self.down: dict[str, frozenset[str]] = {}
        self.list_of = dict.fromkeys(old, frozenset(old))
        # Who may lead, and who serves then.
        self.states = {(leader, frozenset(old))}
        # Every majority may be the one that has what was committed last.
        self.informed = {frozenset(each) for each in itertools.combinations(old, len(old) // 2 + 1)}

    def majorities(self) -> set[frozenset[str]]:
        """The smallest sets of servers that could commit, each with one that leads."""
        return {
            frozenset(each)
            for leader, members in self.list_of.items()
            for each in itertools.combinations(self.list_of, len(members) // 2 + 1)
            if leader in each
        }

    def examine(self) -> None:
        majorities = self.majorities()
        for one, other in itertools.product(majorities, repeat=2):
            assert one & other, f"{sorted(one)} and {sorted(other)} could commit"
        for some, informed in itertools.product(majorities, self.informed):
            assert some & informed, f"{sorted(some)} lack what {sorted(informed)} have"
        self.informed |= majorities

    def opens(self, serve: int) -> None:
        """A gate: enough servers of the new list serve, and a majority of those that run commits."""
        for _, serving in self.states if serve else ():
            assert len(serving & self.new) >= serve, f"{sorted(serving)} serve, {serve} are awaited"
            self.informed = self.majorities()

    def take(self, step: dict[str, Any], *, comes_back: bool = True) -> None:
        self.opens(step["serve"])
        host = step["host"]
        # What is as it should be is not restarted.
        if step["do"] == "stop" or self.list_of.get(host) != self.new:
            self.go(host)
            if step["do"] != "stop":
                self.down[host] = self.new
                if comes_back:
                    self.come(host)
        assert step["do"] == "stop" or host in self.list_of, f"{host} does not answer"

    def go(self, host: str) -> None:
        """A server is stopped, or ends."""
        if host in self.list_of:
            self.down[host] = self.list_of.pop(host)
        self.settle()

    def come(self, host: str) -> None:
        """A server starts."""
        self.list_of[host] = self.down.pop(host)
        self.settle()

    def settle(self) -> None:
        """Those that are left serve, elect, or do neither."""
        self.examine()
        self.states = {
            (leads, self.joined(some))
            for leader, serving in self.states
            for leads, some in self.after(leader, serving.intersection(self.list_of))
        }

    def take_all(self, steps: list[dict[str, Any]], away: str = "") -> None:
        for step in steps:
            self.take(step, comes_back=step["host"] != away)

    def after(self, leader: str, serving: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
        """Who may lead whom when only these are left of those that served."""
        if leader in serving and self.has_majority(leader, serving):
            return {(leader, serving)}
        elect = [
            some
            for size in range(1, len(self.list_of) + 1)
            for some in map(frozenset, itertools.combinations(self.list_of, size))
            if all(self.has_majority(each, some) for each in some)
        ]
        return {(leads, some) for some in elect for leads in some} or {("", frozenset())}

    def joined(self, serving: frozenset[str]) -> frozenset[str]:
        """With those that look for a leader, and believe a majority by their own list."""
        return serving | {each for each in self.list_of if self.has_majority(each, serving)}

    def has_majority(self, host: str, among: frozenset[str]) -> bool:
        members = self.list_of[host]
        return 2 * len(members & among) > len(members)

    def found(self, leader: str = "", *, tried: bool = False) -> dict[str, dict[str, Any]]:
        """What the rule hears of the servers of the new list.

        tried: whether systemd starts those that did not come back again and again
        """
        lists = self.list_of | self.down
        return dict.fromkeys(self.new, FRESH) | {
            host: full(
                named="".join(sorted(members)),
                kept=self.old if host in self.old else "",
                up=tried or host in self.list_of,
                leads=host == leader,
            )
            for host, members in lists.items()
            if host in self.new
        }

    def is_whole(self) -> bool:
        return self.list_of == dict.fromkeys(self.new, self.new) and {
            serving for _, serving in self.states
        } == {self.new}


SIZES = [
    (old, new)
    for old, new in itertools.product(range(1, 8), repeat=2)
    if old != new and (old == 1 or new < 2 * old)
]


def decided(ensemble: Ensemble, leader: str = "", **more: bool) -> dict[str, Any]:
    ids = {host: "abcdefg".index(host) + 1 for host in sorted(ensemble.new)}
    return zookeeper_data(ensemble.found(leader, **more), ids, "lab")


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_no_two_majorities_and_none_without_the_data(old: int, new: int) -> None:
    """Whoever leads or is elected on the way, known or not; and every gate opens."""
    before, after = "abcdefg"[:old], "abcdefg"[:new]
    for leader in before:
        for known in {leader, ""}:
            ensemble = Ensemble(before, after, leader)
            ensemble.take_all(decided(ensemble, known)["resize"]["steps"])
            assert ensemble.is_whole()


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new in SIZES if new < old])
def test_who_is_gone_is_forgotten_as_who_was_stopped(old: int, new: int) -> None:
    """As many as leave a majority of the old list."""
    before, after = "abcdefg"[:old], "abcdefg"[:new]
    leavers = before[new:]
    for count in range(1, min(len(leavers), (old - 1) // 2) + 1):
        for gone, leader in itertools.product(itertools.combinations(leavers, count), before):
            if leader in gone:
                continue
            ensemble = Ensemble(before, after, leader)
            for host in gone:
                ensemble.go(host)
            ids, found = places(after), ensemble.found(leader)
            decided = zookeeper_data(found, ids, "lab", gone=gone)
            assert not {step["host"] for step in decided["resize"]["steps"]} & {*gone}
            ensemble.take_all(decided["resize"]["steps"])
            assert ensemble.is_whole()


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_a_run_that_is_cut_off_goes_on_or_says_what_to_do(old: int, new: int) -> None:
    before, after = "abcdefg"[:old], "abcdefg"[:new]
    count = len(decided(Ensemble(before, after, "a"))["resize"]["steps"])
    for cut in range(1, count):
        ensemble = Ensemble(before, after, "a")
        ensemble.take_all(decided(ensemble)["resize"]["steps"][:cut])
        again = decided(ensemble)
        if again["refusals"]:
            # What serves, if anything does, has the new list, and nobody else can join it.
            assert all(ensemble.list_of[host] == ensemble.new for _, some in ensemble.states for host in some)
            assert f"Stop ZooKeeper on {', '.join(before)} (systemctl stop" in again["refusals"][0]
            for host in before:
                ensemble.go(host)
            assert (decided(ensemble)["refusals"], decided(ensemble)["resize"]) == ([], {})
            for host in after:
                ensemble.down[host] = ensemble.new
                ensemble.come(host)
            assert ensemble.is_whole()
        elif steps := again["resize"].get("steps"):
            if new < old and {serving for _, serving in ensemble.states} == {frozenset()}:
                # Those that left are started again by hand.
                for host in list(ensemble.down):
                    ensemble.come(host)
            ensemble.take_all(steps)
            assert ensemble.is_whole()
        else:
            # All that have data have the new list: who is empty joins when a majority serves.
            assert all(members == ensemble.new for members in ensemble.list_of.values())
            assert again["last"] == sorted(ensemble.new - set(ensemble.list_of))


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_a_server_that_does_not_come_back_is_the_only_one_that_is_away(old: int, new: int) -> None:
    before, after = "abcdefg"[:old], "abcdefg"[:new]
    majority = max(old, new) // 2 + 1
    for leader, known in itertools.product({before[0], before[-1]}, [True, False]):
        plan = decided(Ensemble(before, after, leader), leader if known else "")["resize"]["steps"]
        for at, step in enumerate(plan):
            if step["do"] == "stop":
                continue
            ensemble = Ensemble(before, after, leader)
            ensemble.take_all(plan[:at])
            with pytest.raises(AssertionError, match=f"^{step['host']} does not answer"):
                ensemble.take(step, comes_back=False)
            least = min(len(serving) for _, serving in ensemble.states)
            assert least >= step["serve"] - 1 or step["serve"] - 1 < majority
            assert least == old - 1 or at or old < 3 or new < old
            for tried in (False, True):
                goes_on(copy.deepcopy(ensemble), step["host"], tried=tried)


def goes_on(ensemble: Ensemble, away: str, *, tried: bool) -> None:
    """The next run takes nobody away beside that server, and completes what it can when it comes back."""
    others, again = dict(ensemble.list_of), decided(ensemble, tried=tried)
    steps = again["resize"].get("steps", ())
    if steps:
        with pytest.raises(AssertionError, match=f"^{away} does not answer"):
            ensemble.take_all(steps, away)
    assert ensemble.list_of == others
    if steps:
        ensemble.take_all(steps)
        assert ensemble.is_whole()


@pytest.mark.parametrize(
    ("old", "new", "order", "says"),
    [
        ("a", "abc", "start b 1, start c 0, restart a 0", "could commit"),
        # Two with the new list may serve without the third, which knows of five.
        ("abcde", "abc", "stop d 3, stop e 3, restart c 3, restart b 3, restart a 3", "3 are awaited"),
        ("abc", "abcde", "restart a 3, start d 2, start e 2", "could commit"),
        ("abcde", "abc", "restart a 3, restart b 3, stop d 3, stop e 3, restart c 3", "could commit"),
        # Nobody waits until the rest has what only those that leave may have.
        ("abcde", "abc", "stop d 0, stop e 0, restart a 0, restart b 0, restart c 0", "lack what"),
        ("abc", "a", "stop b 1, stop c 0, restart a 0", "lack what"),
        # The first with four names does not come back before the second.
        ("abc", "abcd", "restart b 3, restart c 3, restart a 3, start d 3", "2 are awaited|3 are awaited"),
    ],
)
def test_the_model_finds_a_wrong_order(old: str, new: str, order: str, says: str) -> None:
    plan = [
        {"do": do, "host": host, "serve": int(serve)}
        for do, host, serve in (step.split() for step in order.split(", "))
    ]
    with pytest.raises(AssertionError, match=says):
        Ensemble(old, new, "a").take_all(plan)
