"""What of an ensemble's data is refused, and what is not, by tables of what lies on its machines."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from zookeeper_data import zookeeper_data

DATA = ("version-2", "version-2/snapshot.0")


def places(hosts: str) -> dict[str, int]:
    """Ids by their places."""
    return {host: number for number, host in enumerate(hosts, 1)}


IDS = places("abc")


def here(
    *names: str,
    at: str = "/new",
    myid: str = "",
    cluster: str = "",
    older: dict[str, tuple[str, ...]] | None = None,
    up: bool = False,
    size: int = 3,
    log: str = "",
    logs: tuple[str, ...] = (),
    older_logs: dict[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """What the guard hears of a host.

    names: what lies in the directory of data; myid with this text
    older: what lies in directories of before
    size: servers of the zoo.cfg that lies there; 0 is none
    log: the directory of transactions, if it is another, with these logs
    """
    lines = {f"server.{number}": "" for number in range(1, size + 1)} if size > 1 else {}
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
        "settings": {"dataDir": at} | lines if size else {},
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
SIZE = (
    "zookeeper_hosts has {} servers ({}), but the zoo.cfg of {} names {}: while some servers know the old "
    "list "
    "and some the new, each could have a majority of its own. " + BY_HAND.format("a")
)
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
            "abc", {"a": ALONE, "b": FRESH, "c": FRESH}, MAJORITY.format(2, 3, "b, c"), id="from-one-to-three"
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
            dict.fromkeys("abc", RUNS) | {"d": FRESH, "e": FRESH},
            SIZE.format(5, "a, b, c, d, e", "a, b, c", 3),
            id="from-three-to-five",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", full()) | {"d": FRESH, "e": FRESH},
            SIZE.format(5, "a, b, c, d, e", "a, b, c", 3),
            id="from-three-to-five-all-stopped-and-nothing-copied",
        ),
        pytest.param(
            "abcde",
            dict.fromkeys("abc", full()) | {"d": COPIED, "e": FRESH},
            SIZE.format(5, "a, b, c, d, e", "a, b, c", 3),
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
            SIZE.format(5, "a, b, c, d, e", "a, b, c", 3),
            id="from-three-to-five-copied-but-they-run",
        ),
        pytest.param(
            "abc", {"a": ALONE, "b": COPIED, "c": COPIED}, "", id="from-one-to-three-all-stopped-and-copied"
        ),
        pytest.param(
            "abc",
            {"a": full(size=1, up=True), "b": COPIED, "c": COPIED},
            SIZE.format(3, "a, b, c", "a", 1),
            id="from-one-to-three-copied-but-it-runs",
        ),
        pytest.param(
            "abc",
            dict.fromkeys("abc", full(size=5, up=True)),
            SIZE.format(3, "a, b, c", "a, b, c", 5),
            id="from-five-to-three",
        ),
        pytest.param("abc", dict.fromkeys("abc", full(size=5)), "", id="from-five-to-three-all-stopped"),
        pytest.param("a", {"a": RUNS}, SIZE.format(1, "a", "a", 3), id="from-three-to-one"),
        pytest.param("a", {"a": full()}, "", id="from-three-to-one-stopped"),
        pytest.param(
            "abc",
            {"a": RUNS, "b": full(size=5), "c": full(size=1)},
            "but the zoo.cfg of b names 5; the zoo.cfg of c names 1: while",
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
            SIZE.format(3, "a, b, c", "a", 5),
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
    assert zookeeper_data(servers, IDS, "lab") == {"refusals": [], "last": last}
