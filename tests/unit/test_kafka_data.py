"""What of the brokers' data is refused, and what is not, by tables of what lies on their machines."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from kafka_data import kafka_data, kafka_stores

ID = "ours"
META = "meta.properties"
CHECKPOINT = "recovery-point-offset-checkpoint"
QUORUM = "__cluster_metadata-0/quorum-state"
# As Kafka 4.3 writes it when it has started and heard of nobody.
ALONE = '{"leaderId":-1,"leaderEpoch":0,"votedId":-1,"data_version":1}'
LED = '{"leaderId":2,"leaderEpoch":3,"votedId":-1,"data_version":1}'


def meta(cluster: str = "", directory: str = "") -> str:
    """Text of meta.properties; nothing of older versions, which have neither id."""
    lines = {"cluster.id": cluster, "directory.id": directory}
    return "".join(f"{key}={value}\n" for key, value in lines.items() if value)


def store(
    *wanted: str,
    texts: dict[str, str],
    kept: tuple[str, ...] = (),
    older: tuple[str, ...] = (),
    quorum: str = "",
) -> dict[str, Any]:
    """Directories of a broker's disks that hold data; texts are of meta.properties."""
    return {
        "up": [],
        "holds": {
            path: ({META: texts[path]} | ({QUORUM: quorum} if quorum else {})) if path in texts else {}
            for path in wanted
        },
        "kept": list(kept),
        "older": {path: {META: texts.get(path, "")} for path in older},
    }


def here(
    *holds: str | int,
    ids: tuple[int, ...] = (1,),
    up: tuple[int, ...] = (),
    older: tuple[str, ...] = (),
    at: str = "/new",
    beside: tuple[int, ...] = (),
    texts: dict[int, str] | None = None,
    disks: dict[str, Any] | None = None,
    roles: tuple[str, ...] = ("broker", "controller"),
    quorum: str = LED,
) -> dict[str, Any]:
    """What the guard hears of a host.

    holds: what holds data below the directory of all brokers; older: what in directories of before, /old/1
    texts: of meta.properties, by the broker's id
    quorum: text of quorum-state; empty where a format made all that is there
    """
    before: dict[str, dict[str, str]] = {}
    for path in older:
        directory, _, name = path.rpartition("/")
        before.setdefault(directory, {})[f"{name}/{META}"] = ""
    return {
        "directory": at,
        "ids": list(ids),
        "roles": list(roles),
        "beside": list(beside),
        "stores": {
            "logs": {
                "up": [f"kafka@{number}" for number in up],
                "holds": {
                    at: {
                        f"{each}/{META}": (texts or {}).get(int(each), "")
                        for each in map(str, holds)
                        if each.isdigit()
                    }
                },
                "kept": [],
                "older": before,
            }
        }
        | {
            f"metadata.log.dir of {each}": store(
                f"{at}/{each}", texts={f"{at}/{each}": (texts or {}).get(int(each), "")}, quorum=quorum
            )
            for each in map(str, holds)
            if each.isdigit() and int(each) in ids
        }
        | (disks or {}),
    }


def others(**hosts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A cluster of three, one broker a host, in which b and c have what they should."""
    return {"b": here(2, ids=(2,)), "c": here(3, ids=(3,))} | hosts


ELSEWHERE = (
    "a has no log of its broker {} in /new, but {}: its unit uses another directory, that of an older "
    "kafka_data_dir. With this one it would stay down, or begin empty. Give back the older kafka_data_dir. "
    "Or stop the cluster (playbooks/stop.yml: brokers that are stopped by hand wait for "
    "each other), copy its directory with its owner, and run site.yml; on every host that says so: install "
    "-d -o kafka -g kafka -m 750 /new && cp -a {} /new/"
)
STRANGER = (
    "a holds in /new the data of broker {}, and the inventory now calls its broker {}: a new broker would "
    "begin empty beside that data. Give each broker the id that it had (kafka_brokers with fixed ids, in "
    "host_vars: ids that come from places in a list change with the list). If the data is to be forgotten, "
    "move {} away."
)
LEFT = (
    "a has partitions of broker 1 in {}, which the inventory no longer names: it gives {} (log.dirs in "
    "kafka_server_properties_overrides; without it, kafka_data_dir). The broker would begin without what "
    "is there. Give the directory back. To take it away for good: move its replicas to other disks or "
    "brokers (kafka-reassign-partitions.sh), stop the broker (systemctl stop kafka@1), move what is in {} "
    "away, and run again."
)


def moved(numbers: str, paths: str) -> str:
    return ELSEWHERE.format(numbers, f"there is one in {paths}", paths.replace(",", ""))


@pytest.mark.parametrize("kraft", [True, False], ids=["kraft", "zookeeper"])
@pytest.mark.parametrize(
    ("first", "says"),
    [
        pytest.param(here(older=("/old/1", "/old/2")), moved("1", "/old/1"), id="moved-and-stopped"),
        pytest.param(here(older=("/old/1",), up=(1,)), moved("1", "/old/1"), id="moved-and-runs"),
        pytest.param(
            here(ids=(1, 4), older=("/old/4", "/old/1")),
            moved("1, 4", "/old/1, /old/4"),
            id="moved-with-two-brokers",
        ),
        pytest.param(
            here(1, beside=(10,), older=("/old/10",)),
            moved("10", "/old/10"),
            id="moved-a-cluster-of-its-own",
        ),
        pytest.param(here(1, older=("/old/1",), up=(1,)), "", id="copied-and-the-older-is-still-there"),
        pytest.param(here(1, older=("/old/2",)), "", id="anothers-in-what-is-older"),
        pytest.param(here(1, older=("/old/lost+found",)), "", id="no-brokers-in-what-is-older"),
        pytest.param(
            here(older=("/old/1",), disks={"log.dirs of 1": store("/old/1", "/new/1", texts={})}),
            "",
            id="another-disk-is-no-directory-of-before",
        ),
        pytest.param(here(2), STRANGER.format(2, 1, "/new/2"), id="another-id-beside-its-data"),
        pytest.param(
            here(7, 2, ids=(4, 1)),
            STRANGER.format("2, 7", "1, 4", "/new/2, /new/7"),
            id="other-ids-beside-the-data-of-two",
        ),
        pytest.param(here(2, older=("/old/1",)), moved("1", "/old/1"), id="moved-beside-anothers-data"),
        pytest.param(here(1, 2), "", id="a-broker-that-was-taken-out-of-the-host"),
        pytest.param(here("lost+found"), "", id="what-is-no-brokers"),
        pytest.param(here(10, beside=(10,)), "", id="a-cluster-of-its-own-is-no-stranger"),
        pytest.param(here(), "", id="nothing"),
    ],
)
def test_what_one_host_holds(first: dict[str, Any], says: str, kraft: bool) -> None:
    plan = kafka_data(others(a=first), ["a", "b", "c"], ID, kraft)
    assert plan["refusals"] == [says] * bool(says)


def test_a_broker_that_runs_without_a_metadata_log_has_it_elsewhere() -> None:
    """Whatever systemd has loaded by now; only with KRaft, where a broker makes no directory itself."""
    found = others(a=here(up=(1,)))
    says = ELSEWHERE.format(1, "the broker runs", "OLDER/1")
    assert kafka_data(found, list("abc"), ID, True)["refusals"] == [says]
    assert kafka_data(found, list("abc"), ID, False)["refusals"] == []
    # One of two is found: the other is to be looked for.
    found = others(a=here(ids=(1, 4), up=(1, 4), older=("/old/4",)))
    says = ELSEWHERE.format("4, 1", "there is one in /old/4", "/old/4 OLDER/1")
    assert kafka_data(found, list("abc"), ID, True)["refusals"] == [says]


def test_where_a_log_is_elsewhere_no_other_host_tells_to_remove_any() -> None:
    """a has its own; those of b are in a directory of before, and b says so."""
    b = here(ids=(2, 3), older=("/old/2", "/old/3"), up=(2, 3))
    refusals = kafka_data({"a": here(1, up=(1,)), "b": b}, ["a", "b"], ID, True)["refusals"]
    assert [line.split(" in ")[0] for line in refusals] == ["b has no log of its broker 2, 3"]


@pytest.mark.parametrize(
    ("disks", "says"),
    [
        pytest.param(
            store(
                "/new/1",
                older=("/d2",),
                kept=("/new/1",),
                texts={"/new/1": meta(ID, "x"), "/d2": meta(ID, "y")},
            ),
            LEFT.format("/d2", "/new/1", "/d2"),
            id="a-disk-left",
        ),
        pytest.param(
            store(
                "/new/1", older=("/d2", "/d3"), kept=("/new/1",), texts={"/new/1": "", "/d2": "", "/d3": ""}
            ),
            LEFT.format("/d2, /d3", "/new/1", "/d2, /d3"),
            id="two-disks-left-without-ids",
        ),
        pytest.param(
            store("/new/1", "/d3", older=("/d2",), kept=("/new/1",), texts={"/new/1": "", "/d2": ""}),
            LEFT.format("/d2", "/new/1, /d3", "/d2"),
            id="a-disk-for-another-that-is-empty",
        ),
        pytest.param(
            store(
                "/new/1",
                "/d3",
                older=("/d2",),
                kept=("/new/1",),
                texts=dict.fromkeys(("/new/1", "/d2", "/d3"), ""),
            ),
            "",
            id="a-disk-copied-to-another-without-ids",
        ),
        pytest.param(
            store(
                "/new/1",
                "/d3",
                older=("/d2",),
                texts={"/new/1": meta(ID, "x"), "/d2": meta(ID, "y"), "/d3": meta(ID, "y")},
            ),
            "",
            id="a-disk-copied-to-another",
        ),
        pytest.param(
            store("/new/1", older=("/old/1",), texts={"/new/1": "", "/old/1": ""}),
            "",
            id="the-directory-of-all-copied-without-ids",
        ),
        pytest.param(
            store("/new/1", "/d2", kept=("/new/1",), texts={"/new/1": meta(ID, "x")}), "", id="a-disk-came"
        ),
        pytest.param(store("/new/1", kept=("/new/1",), texts={"/new/1": ""}), "", id="one-disk"),
    ],
)
@pytest.mark.parametrize("kraft", [True, False], ids=["kraft", "zookeeper"])
def test_the_disks_of_a_broker(disks: dict[str, Any], says: str, kraft: bool) -> None:
    first = here(1, disks={"log.dirs of 1": disks})
    assert kafka_data(others(a=first), list("abc"), ID, kraft)["refusals"] == [says] * bool(says)


def test_a_directory_for_the_metadata_log_that_left() -> None:
    disks = store("/new/1", older=("/fast",), texts={"/new/1": meta(ID, "x"), "/fast": meta(ID, "y")})
    first = here(1, disks={"metadata.log.dir of 1": disks})
    (says,) = kafka_data(others(a=first), list("abc"), ID, True)["refusals"]
    assert says.startswith("a has the metadata log of broker 1 in /fast, which the inventory no longer names")
    assert "(metadata.log.dir in kafka_server_properties_overrides; without it, kafka_data_dir)" in says
    assert says.endswith(
        "stop the broker (systemctl stop kafka@1), copy /fast/__cluster_metadata-0 with its owner to /new/1, "
        "move what is in /fast away, and run again."
    )


FOREIGN = (
    "broker 1 on a bears the cluster id theirs ({}/meta.properties), and the inventory gives ours: brokers "
    "of two clusters never join, and a new one would be formatted for a cluster that nobody is in. The id "
    "is derived from cluster_name: give back the name that the cluster had, or set kafka_cluster_id: "
    "theirs in the inventory. If this broker alone was formatted by mistake and never had a record: stop "
    "it (systemctl stop kafka@1) and move {} away."
)
THEIRS = meta("theirs")


@pytest.mark.parametrize(
    ("first", "says"),
    [
        pytest.param(here(1, texts={1: THEIRS}), FOREIGN.format("/new/1", "/new/1"), id="of-another-cluster"),
        pytest.param(
            here(
                1,
                texts={1: meta(ID)},
                disks={"log.dirs of 1": store("/new/1", "/d2", texts={"/new/1": meta(ID), "/d2": THEIRS})},
            ),
            FOREIGN.format("/d2", "/d2"),
            id="a-disk-of-another-cluster",
        ),
        pytest.param(
            here(1, texts={1: THEIRS}, disks={"log.dirs of 1": store("/new/1", texts={"/new/1": THEIRS})}),
            FOREIGN.format("/new/1", "/new/1"),
            id="told-once",
        ),
        pytest.param(here(1, texts={1: f"#comment\n cluster.id = {ID} \n"}), "", id="of-this-cluster"),
        pytest.param(
            here(1, texts={1: "version=0\nbroker.id=1\n"}), "", id="of-a-version-without-cluster-ids"
        ),
        pytest.param(here(1, 9, texts={9: THEIRS}), "", id="of-a-broker-that-was-taken-out"),
        pytest.param(here(1, 10, beside=(10,), texts={10: THEIRS}), "", id="of-a-cluster-of-its-own"),
    ],
)
def test_brokers_of_another_cluster(first: dict[str, Any], says: str) -> None:
    found = others(a=first)
    assert kafka_data(found, list("abc"), ID, True)["refusals"] == [says] * bool(says)
    # With ZooKeeper the id is its own, not the inventory's.
    assert kafka_data(found, list("abc"), ID, False)["refusals"] == []


def test_a_changed_cluster_name_is_told_by_each_broker_and_no_other_reason() -> None:
    found = {host: here(n, ids=(n,), texts={n: THEIRS}) for n, host in enumerate("abc", 1)} | {
        "d": here(ids=(4,))
    }
    plan = kafka_data(found, list("abcd"), ID, True)
    assert [line.split(" (")[0] for line in plan["refusals"]] == [
        f"broker {number} on {host} bears the cluster id theirs" for number, host in enumerate("abc", 1)
    ]


UNHEARD = (
    "A broker has no metadata log in its kafka_data_dir, and whether those of {} have one is not known: "
    "they did not answer, or --limit leaves them out. Run again with them."
)


@pytest.mark.parametrize(
    ("found", "unheard"),
    [
        pytest.param({"a": here(1), "b": here(ids=(2,))}, "c", id="one-did-not-answer"),
        pytest.param({"a": here()}, "b, c", id="limited-to-one-that-would-be-formatted"),
        pytest.param({"a": here(1)}, "", id="what-formats-nothing-asks-nobody"),
        pytest.param({}, "", id="nobody"),
    ],
)
def test_hosts_that_were_not_asked(found: dict[str, dict[str, Any]], unheard: str) -> None:
    says = [UNHEARD.format(unheard)] * bool(unheard)
    assert kafka_data(found, list("abc"), ID, True)["refusals"] == says
    assert kafka_data(found, list("abc"), ID, False)["refusals"] == []


ADD = "If you are adding brokers, add {} at a time at most, so that the new are not more than those that know"
FIRST = "If you are adding brokers, start those that have one first, so that"


@pytest.mark.parametrize("spread", [True, False], ids=["a-host-each", "one-host"])
@pytest.mark.parametrize(
    ("count", "formatted", "run", "says"),
    [
        pytest.param(3, 0, False, "", id="fresh"),
        pytest.param(3, 3, True, "", id="whole"),
        pytest.param(1, 0, False, "", id="one-fresh"),
        # One directory of three was lost, or one broker is added to two.
        pytest.param(3, 2, False, "", id="two-of-three"),
        pytest.param(5, 3, False, "", id="three-of-five"),
        # As many as there are, if those run: one controller could get no other else.
        pytest.param(2, 1, True, "", id="one-to-two-and-it-runs"),
        pytest.param(2, 1, False, FIRST, id="one-to-two-and-it-is-stopped"),
        pytest.param(4, 2, True, "", id="two-to-four-and-they-run"),
        pytest.param(4, 2, False, ADD.format(1), id="two-to-four-and-they-are-stopped"),
        pytest.param(6, 3, False, ADD.format(2), id="three-to-six-and-they-are-stopped"),
        pytest.param(3, 1, True, ADD.format(1), id="one-to-three"),
        pytest.param(3, 1, False, FIRST, id="one-to-three-and-it-is-stopped"),
        pytest.param(7, 3, True, ADD.format(3), id="three-to-seven"),
    ],
)
def test_a_cluster_grows_by_what_it_can_take_in(
    count: int, formatted: int, run: bool, says: str, spread: bool
) -> None:
    ids, there = tuple(range(1, count + 1)), tuple(range(1, formatted + 1))
    if spread:
        found = {f"h{n}": here(*{n} & {*there}, ids=(n,), up=(n,) if run and n in there else ()) for n in ids}
    else:
        found = {"h1": here(*there, ids=ids, up=there if run else ())}
    plan = kafka_data(found, list(found), ID, True)
    assert plan["formatted"] == formatted
    assert [says in line for line in plan["refusals"]] == [True] * bool(says)
    assert kafka_data(found, list(found), ID, False)["refusals"] == []
    for line in plan["refusals"]:
        assert line.startswith(
            f"Only {formatted} of {count} controllers have a metadata log in their kafka_data_dir. "
        )
        # What destroys comes last, says when it may, and what.
        adds, restores, removes = map(line.index, (says, "restore them", "Only if what the cluster holds"))
        assert adds < restores < removes
        assert "remove" not in line[:removes]
        assert f"in kafka_data_dir ({', '.join(map(str, ids))}) and run again." in line


@pytest.mark.parametrize(
    ("there", "formatted", "known", "lost"),
    [
        # One more is added to one, or of two one has lost its disk: those that are there know.
        (1, 1, 2, False),
        (2, 1, 2, True),
        (3, 2, 3, False),
        (3, 1, 3, True),
        (4, 2, 4, True),
        (5, 3, 5, False),
        (5, 2, 5, True),
        # Of five that became three: those that left it are voters still.
        (5, 2, 3, True),
    ],
)
def test_disks_of_a_majority_that_were_lost_are_not_taken_for_growth(
    there: int, formatted: int, known: int, lost: bool
) -> None:
    bootstrap = {"controller.quorum.bootstrap.servers": ",".join(f"h{n}:9093" for n in range(there))}
    found = {
        f"h{n}": here(*[n] * (n <= formatted), ids=(n,), up=(n,) if n <= formatted else ())
        | {"settings": bootstrap}
        for n in range(1, known + 1)
    }
    refusals = kafka_data(found, list(found), ID, True)["refusals"]
    says = (
        f"Only {formatted} of {known} controllers have a metadata log in their kafka_data_dir. By "
        f"controller.quorum.bootstrap.servers there were {there} before: some left kafka_hosts in the run in "
        "which others came, and are to be given back, or directories were lost. Restore them, for those that "
        "are left are no majority. Only if what"
    )
    assert [line.startswith(says) for line in refusals] == [True] * lost


@pytest.mark.parametrize(
    ("found", "lost", "refused"),
    [
        ({"b": here(ids=(2,)), "c": here(ids=(3,))}, [["a", "kafka@1"]], True),
        ({"b": here(ids=(2,)), "c": here(ids=(3,))}, [], False),
        # They get the data from those that stay.
        ({"b": here(2, ids=(2,), up=(2,)), "c": here(ids=(3,))}, [["a", "kafka@1"]], False),
    ],
)
def test_no_cluster_is_founded_beside_the_one_that_the_inventory_lost(
    found: dict[str, dict[str, Any]], lost: list[list[str]], refused: bool
) -> None:
    refusals = kafka_data(found, list("bc"), ID, True, lost)["refusals"]
    assert [line[:98] for line in refusals] == [
        "kafka_hosts (b, c) has no broker with a metadata log, but kafka@1 on a, which it has no more, star"
    ] * refused


@pytest.mark.parametrize("kraft", [True, False])
@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ([], False),
        ([["d", "kafka@3"]], True),
        ([["d", "kafka@4"]], False),
        # Its own machine has a unit of it that the inventory has no more: another rule's.
        ([["c", "kafka@3"]], False),
        ([["d", "kafka@9"], ["e", "kafka@1"]], True),
    ],
)
def test_no_broker_is_made_a_second_time_while_it_starts_elsewhere(
    lost: list[list[str]], told: bool, kraft: bool
) -> None:
    found = {"a": here(1), "b": here(2, ids=(2,)), "c": here(ids=(3,))}
    refusals = kafka_data(found, list("abc"), ID, kraft, lost)["refusals"]
    assert [" starts on " in line and "of two with one id" in line for line in refusals] == [True] * told


@pytest.mark.parametrize("quorum", ["", ALONE, LED], ids=["formatted", "started", "led"])
@pytest.mark.parametrize("formatted", [1, 2])
def test_a_first_deployment_that_was_cut_off_goes_on(formatted: int, quorum: str) -> None:
    """As long as nobody was led there is no cluster: those that were formatted found it, with the others."""
    found = {f"h{n}": here(*[n] * (n <= formatted), ids=(n,), quorum=quorum) for n in (1, 2, 3)}
    plan = kafka_data(found, list(found), ID, True)
    assert plan["formatted"] == (formatted if quorum == LED else 0)
    assert bool(plan["refusals"]) == (quorum == LED and formatted == 1)
    # One that does not answer may have been led.
    assert kafka_data(found | {"h1": found["h1"]}, [*found, "h4"], ID, True)["refusals"]


def test_a_metadata_log_that_was_lost_with_its_disk_was_led() -> None:
    lost = {"metadata.log.dir of 1": store("/disk2", texts={})}
    found = {"a": here(1, disks=lost), "b": here(ids=(2,)), "c": here(ids=(3,))}
    assert kafka_data(found, list("abc"), ID, True)["refusals"]


def test_when_all_have_their_data_nobody_counts_those_of_before() -> None:
    bootstrap = {"controller.quorum.bootstrap.servers": "a:1,b:1,c:1,d:1,e:1"}
    found = {host: here(n, ids=(n,)) | {"settings": bootstrap} for n, host in enumerate("ab", 1)}
    assert kafka_data(found, list(found), ID, True)["refusals"] == []


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("states", [*itertools.product(["data", "empty", "unheard"], repeat=3)], ids="-".join)
def test_empty_controllers_never_are_a_majority_beside_data(states: tuple[str, ...], up: bool) -> None:
    found = {
        host: here(
            *[number] * (state == "data"), ids=(number,), up=(number,) if up and state == "data" else ()
        )
        for number, (host, state) in enumerate(zip("abc", states, strict=True), 1)
        if state != "unheard"
    }
    plan = kafka_data(found, list("abc"), ID, True)
    has, empty, unheard = (states.count(state) for state in ("data", "empty", "unheard"))
    assert plan["formatted"] == has
    if (has and 2 * empty >= 3) or (unheard and empty):
        assert plan["refusals"]
    else:
        assert not plan["refusals"]


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("count", [5, 7])
def test_nor_are_they_of_any_other_number(count: int, up: bool) -> None:
    """All that so many controllers may hold."""
    hosts = "abcdefg"[:count]
    for states in itertools.product(["data", "empty", "unheard"], repeat=count):
        found = {
            host: here(
                *[number] * (state == "data"), ids=(number,), up=(number,) if up and state == "data" else ()
            )
            for number, (host, state) in enumerate(zip(hosts, states, strict=True), 1)
            if state != "unheard"
        }
        refused = bool(kafka_data(found, list(hosts), ID, True)["refusals"])
        has, empty, unheard = (states.count(state) for state in ("data", "empty", "unheard"))
        assert refused == bool((has and 2 * empty >= count) or (unheard and empty)), states


BROKER, CONTROLLER, BOTH = ("broker",), ("controller",), ("broker", "controller")


def apart(*states: str, up: bool = True, known: int = 3, **more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Three controllers (x, y, z) and two brokers (a, b), each with data, empty or unheard."""
    parts = {"x": (101, CONTROLLER), "y": (102, CONTROLLER), "z": (103, CONTROLLER)}
    parts |= {"a": (1, BROKER), "b": (2, BROKER)}
    bootstrap = {"controller.quorum.bootstrap.servers": ",".join(f"h{n}:9093" for n in range(known))}
    return {
        host: here(*[n] * (state == "data"), ids=(n,), up=(n,) * (up and state == "data"), roles=roles)
        | {"settings": bootstrap if state == "data" else {}}
        for (host, (n, roles)), state in zip(parts.items(), states, strict=True)
        if state != "unheard"
    } | more


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_brokers_that_are_no_controllers_decide_nothing_of_the_quorum(up: bool) -> None:
    """All that three controllers and two brokers may hold: only data of brokers beside none is refused."""
    for states in itertools.product(["data", "empty", "unheard"], repeat=5):
        plan = kafka_data(apart(*states, up=up), list("xyzab"), ID, True)
        controllers, brokers = states[:3], states[3:]
        has, empty = controllers.count("data"), controllers.count("empty")
        unheard = "unheard" in states
        founded_beside = not has and "unheard" not in states and "data" in brokers
        outvoted = has and 2 * empty >= 3
        assert bool(plan["refusals"]) == bool(outvoted or (unheard and empty) or founded_beside), states
        assert plan["formatted"] == has
        waits = [
            host for host, state in zip("ab", brokers, strict=True) if state == "data" and has and not up
        ]
        assert plan["last"] == waits, states


def test_a_host_with_a_broker_to_format_does_not_wait() -> None:
    """Only those that start with the others are known to be without data then."""
    b = here(2, ids=(2, 3), roles=BROKER)
    plan = kafka_data(apart(*["data"] * 5, up=False, b=b), list("xyzab"), ID, True)
    assert (plan["refusals"], plan["last"]) == ([], ["a"])


def test_controllers_never_found_a_cluster_beside_brokers_with_data() -> None:
    (says,) = kafka_data(apart("empty", "empty", "empty", "data", "empty"), list("xyzab"), ID, True)[
        "refusals"
    ]
    assert says.startswith(
        "No controller of kafka_controller_hosts (x, y, z) has a metadata log in its kafka_data_dir, but "
        "broker 1 on a has data: the controllers would found a cluster that knows none of its topics, and "
        "the brokers would delete them. Give kafka_controller_hosts the hosts that it had"
    )


def test_a_new_broker_asks_for_nobody_else() -> None:
    """--limit to it: it is an observer whatever the others have."""
    found = {"b": here(ids=(2,), roles=BROKER)}
    assert kafka_data(found, list("xyzab"), ID, True) == {
        "refusals": [],
        "warnings": [],
        "formatted": 0,
        "last": [],
    }


def test_what_controllers_are_called() -> None:
    hosts = list("xyzab")
    (says,) = kafka_data(apart("empty", "data", "data", "data", "unheard"), hosts, ID, True)["refusals"]
    assert says.startswith("A controller has no metadata log in its kafka_data_dir, and whether those of b")
    (says,) = kafka_data(apart("empty", "empty", "data", "data", "data", known=1), hosts, ID, True)[
        "refusals"
    ]
    assert "If you are adding controllers, add 1 at a time at most" in says
    assert "remove the directories of all its brokers in kafka_data_dir (101, 102, 103, 1, 2)" in says
    (says,) = kafka_data(apart("empty", "empty", "data", "data", "data"), hosts, ID, True)["refusals"]
    assert "some left kafka_controller_hosts in the run in which others came" in says
    found = apart("empty", "empty", "empty", "empty", "empty")
    (says,) = kafka_data(found, hosts, ID, True, [["w", "kafka@104"]])["refusals"]
    assert says.startswith(
        "kafka_controller_hosts (x, y, z) has no controller with a metadata log, but kafka@104 on w, which it"
    )
    moved_ = here(ids=(101,), up=(101,), roles=CONTROLLER)
    (says,) = kafka_data(apart(*["data"] * 5, x=moved_), hosts, ID, True)["refusals"]
    assert says.startswith("x has no log of its controller 101 in /new, but the controller runs: its unit")
    other = here(9, ids=(101,), roles=CONTROLLER)
    (says,) = kafka_data(apart(*["data"] * 5, x=other), hosts, ID, True)["refusals"]
    assert "calls its controller 101: a new controller would begin empty" in says
    assert "(kafka_controllers with fixed ids, in host_vars" in says


@pytest.mark.parametrize("before", [None, BROKER, CONTROLLER, BOTH], ids=str)
@pytest.mark.parametrize("now", [BROKER, CONTROLLER, BOTH], ids=str)
@pytest.mark.parametrize("held", [True, False], ids=["data", "empty"])
def test_none_changes_its_part_in_the_quorum_where_it_stands(
    before: tuple[str, ...] | None, now: tuple[str, ...], held: bool
) -> None:
    """Of one whose data was moved away nothing is left that could count."""
    settings = {"process.roles": ",".join(before)} if before else {}
    a = here(*[1] * held, ids=(1,), roles=now) | {"settings": settings}
    refusals = kafka_data(apart(*["data"] * 5, a=a), list("xyzab"), ID, True)["refusals"]
    refused = held and before is not None and before != now
    says = (
        f"{'controller' if now == CONTROLLER else 'broker'} 1 on a has run as {' and '.join(before or ())}, "
        f"and kafka_hosts and kafka_controller_hosts now make it {' and '.join(now)}"
    )
    assert [line.split(": ")[0] for line in refusals] == [says] * refused


@pytest.mark.parametrize(("count", "warned"), [(1, False), (2, True), (3, False), (4, True), (5, False)])
def test_an_even_number_of_controllers_is_a_state_to_pass_through(count: int, warned: bool) -> None:
    found = {f"h{n}": here(n, ids=(n,), up=(n,), roles=CONTROLLER) for n in range(count)}
    found["a"] = here(9, ids=(9,), up=(9,), roles=BROKER)
    says = (
        f"kafka_controller_hosts has {count} controllers, which bear the loss of {count // 2 - 1}, as "
        f"{count - 1} would: a state to pass through. Go on to an odd number."
    )
    assert kafka_data(found, list(found), ID, True)["warnings"] == [says] * warned
    # Of brokers that are controllers, too, there are as many as are wanted.
    both = {f"h{n}": here(n, ids=(n,), up=(n,)) for n in range(count)}
    assert kafka_data(both, list(both), ID, True)["warnings"] == []


def test_what_is_read_of_a_host() -> None:
    disks = {"log.dirs": "/new/1, /d2", "metadata.log.dir": "/fast", "num.io.threads": 8}
    stores = kafka_stores([{"id": 1}], "/new", True, disks, [{"id": 10}])
    assert stores == [
        {
            "name": "logs",
            "units": ["kafka@1", "kafka@10"],
            "directories": ["/new"],
            "markers": ["*/meta.properties"],
        },
        {
            "name": "log.dirs of 1",
            "directories": ["/new/1", "/d2"],
            "markers": ["meta.properties"],
            "configured": "/etc/kafka/server-1.properties",
            "key": "log.dirs",
        },
        {
            "name": "metadata.log.dir of 1",
            "directories": ["/fast"],
            "markers": ["meta.properties", QUORUM],
            "configured": "/etc/kafka/server-1.properties",
            "key": "metadata.log.dir",
        },
    ]


@pytest.mark.parametrize(
    ("disks", "directories"),
    [
        ({}, {"log.dirs of 1": ["/new/1"], "metadata.log.dir of 1": ["/new/1"]}),
        ({"log.dirs": None}, {"log.dirs of 1": ["/new/1"], "metadata.log.dir of 1": ["/new/1"]}),
        # Without another it is one of these.
        (
            {"log.dirs": ["/new/1", "/d2"]},
            {"log.dirs of 1": ["/new/1", "/d2"], "metadata.log.dir of 1": ["/new/1", "/d2"]},
        ),
    ],
    ids=["none", "null", "list"],
)
def test_the_disks_that_a_broker_is_to_have(disks: dict[str, Any], directories: dict[str, list[str]]) -> None:
    logs, *found = kafka_stores([{"id": 1}], "/new", False, disks)
    assert {each["name"]: each["directories"] for each in found} == directories
    # Versions before 0.9 have no meta.properties.
    assert logs["markers"] == [f"*/{META}", f"*/{CHECKPOINT}"]
