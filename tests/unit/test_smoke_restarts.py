"""The gates of a rolling restart: may this daemon go now, and is nothing worse than before."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import gates
from smoke.cluster import Broker, Hdfs, Kafka, Peer, WebServer, ZooKeeper, ZooKeeperServer, load
from smoke.gates import Part, Roll
from smoke.services import Fault, hdfs, kafka, outside, sentences, spark, worse, yarn, zookeeper
from smoke.services.kafka import Partition
from tests.unit.smoke_lab import LAB, write

FAULTS = [Fault("t-0 on 3", "t-0 is behind"), Fault("dead", "2 dead", 2)]


def subjects(faults: list[Fault]) -> list[str]:
    return [fault.subject for fault in faults]


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ({}, ["t-0 on 3", "dead"]),
        ({"t-0 on 3": 1}, ["dead"]),
        ({"dead": 1}, ["t-0 on 3", "dead"]),
        ({"dead": 2, "t-0 on 3": 1}, []),
        ({"dead": 3, "t-0 on 3": 1, "more": 1}, []),
    ],
)
def test_worse_is_what_was_not_there_or_less_of_it(known: dict[str, int], left: list[str]) -> None:
    assert subjects(worse(FAULTS, known)) == left


@pytest.mark.parametrize(
    ("follows", "known", "left"),
    [
        (("broker 3",), {"broker 3": 1}, []),
        (("broker 3",), {"broker 2": 1}, ["t-0"]),
        (("broker 2", "broker 3"), {"broker 3": 1}, ["t-0"]),
        (("broker 2", "broker 3"), {"broker 3": 1, "broker 2": 1}, []),
        ((), {"broker 3": 1}, ["t-0"]),
    ],
)
def test_what_follows_from_known_ones_is_known(
    follows: tuple[str, ...], known: dict[str, int], left: list[str]
) -> None:
    assert subjects(worse([Fault("t-0", "t-0 is offline", follows=follows)], known)) == left


@pytest.mark.parametrize(
    ("count", "expected", "silent", "amount"),
    [
        (3, 3, 0, 0),
        (2, 3, 0, 1),
        (4, 3, 0, 1),
        (0, 3, 0, 3),
        (3, 3, 1, 0),
        (2, 3, 1, 0),
        (1, 3, 1, 1),
        (4, 3, 1, 1),
    ],
)
def test_members_that_are_silent_may_still_count(count: int, expected: int, silent: int, amount: int) -> None:
    assert outside(count, expected, silent) == amount


def test_a_line_holds_the_first_sentences_once_each() -> None:
    assert sentences([]) == ""
    assert sentences([Fault("a", "x"), Fault("b", "x")]) == "x"
    assert sentences(Fault(str(n), f"f{n}") for n in range(5)) == "f0, f1, f2 and 2 more"


# --- ZooKeeper


def ensemble(states: str) -> tuple[ZooKeeper, zookeeper.State]:
    """Servers a, b, ... by a letter each: l leads, f follows, x is silent, s stands alone."""
    modes = {"l": "leader", "f": "follower", "s": "standalone"}
    hosts = "abcdefg"[: len(states)]
    state: zookeeper.State = {
        f"{host}:2181": {"zk_server_state": modes[letter]} if letter in modes else "refuses"
        for host, letter in zip(hosts, states, strict=True)
    }
    for facts in state.values():
        if isinstance(facts, dict) and facts["zk_server_state"] == "leader":
            facts["zk_synced_followers"] = str(states.count("f"))
    return ZooKeeper(tuple(ZooKeeperServer(host, 2181, "zookeeper") for host in hosts)), state


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_zookeeper_server_goes_only_while_the_others_are_a_majority(count: int) -> None:
    """All states of up to five servers; where none can be spared, all must be right."""
    for states in map("".join, itertools.product("lfx", repeat=count)):
        if states.count("l") > 1:
            continue
        section, state = ensemble(states)
        for host, own in zip("abcde", states, strict=False):
            here = zookeeper.against_restart(state, section, host)
            up = states.count("l") + states.count("f")
            rest = up - (own != "x")
            majority = "l" in states and 2 * rest > count
            may = majority if count > 2 else zookeeper.judge(state)[0]
            assert (here == []) == may, (states, host, here)


def test_one_that_is_alone_is_restarted_when_it_answers() -> None:
    section, state = ensemble("s")
    assert zookeeper.against_restart(state, section, "a") == []
    section, state = ensemble("x")
    assert sentences(zookeeper.against_restart(state, section, "a")) == "a:2181: refuses"


def test_a_follower_that_is_not_in_sync_is_no_part_of_the_majority() -> None:
    section, state = ensemble("lff")
    leader = state["a:2181"]
    assert isinstance(leader, dict)
    leader["zk_synced_followers"] = "1"
    (said,) = zookeeper.against_restart(state, section, "b")
    assert said == Fault("b", "without b 1 of 3 servers are in sync, which is no majority")


def test_a_follower_that_is_gone_is_no_part_of_the_majority_though_the_leader_still_counts_it() -> None:
    section, state = ensemble("lfx")
    leader = state["a:2181"]
    assert isinstance(leader, dict)
    leader["zk_synced_followers"] = "2"
    assert subjects(zookeeper.against_restart(state, section, "b")) == ["b"]
    assert zookeeper.against_restart(state, section, "c") == []


# --- Kafka


def brokers(*partitions: Partition, caught_up: tuple[int, ...] = (1, 2, 3), **more: Any) -> kafka.State:
    facts: dict[str, Any] = {"brokers": (1, 2, 3), "voters": (1, 2, 3), "leader": 1} | more
    return kafka.State(partitions=partitions, caught_up=caught_up, **facts)


def section(ids: tuple[int, ...], voters: tuple[int, ...]) -> Kafka:
    return Kafka("4.3.0", tuple(Broker(n, "ip", 9092, f"kafka@{n}", f"m{n}") for n in ids), voters)


def against(
    state: kafka.State, number: int, ids: tuple[int, ...] = (1, 2, 3), voters: tuple[int, ...] = (1, 2, 3)
) -> list[Fault]:
    """Why one of these brokers must not be restarted."""
    cluster = section(ids, voters)
    (broker,) = (each for each in cluster.brokers if each.id == number)
    return kafka.against_restart(state, cluster, broker)


def part(replicas: tuple[int, ...], isr: tuple[int, ...], min_isr: int) -> Partition:
    return Partition("t", 0, isr[0] if isr else -1, replicas, isr, min_isr)


@pytest.mark.parametrize(
    ("replicas", "isr", "min_isr", "may", "named"),
    [
        ((1, 2, 3), (1, 2, 3), 2, True, False),
        ((1, 2, 3), (1, 2), 2, False, False),
        ((1, 2, 3), (1, 2), 1, True, False),
        ((1, 2, 3), (1,), 1, False, False),
        ((1, 2, 3), (1,), 2, False, False),
        # What it does not serve it takes nothing away from.
        ((1, 2, 3), (2,), 2, True, False),
        ((2, 3), (2, 3), 2, True, False),
        # These never can do without it.
        ((1,), (1,), 1, True, True),
        ((1, 2), (1, 2), 2, True, True),
        ((1, 2, 3), (1, 2, 3), 3, True, True),
        ((1,), (), 1, True, False),
    ],
)
def test_a_broker_goes_only_while_its_partitions_keep_their_min_isr(
    replicas: tuple[int, ...], isr: tuple[int, ...], min_isr: int, may: bool, named: bool
) -> None:
    state = brokers(part(replicas, isr, min_isr))
    assert subjects(against(state, 1)) == ([] if may else ["t-0"])
    assert kafka.alone(state, 1) == ["t-0"] * named


def test_a_broker_that_is_away_is_not_in_sync_though_the_others_do_not_know_yet() -> None:
    whole = part((1, 2, 3), (1, 2, 3), 2)
    state = brokers(whole, unreachable={3: "silent"}, caught_up=(1, 2, 3))
    assert subjects(against(state, 1)) == ["m1", "t-0"]
    assert against(state, 3) == []
    assert subjects(against(brokers(whole), 1)) == []


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_controller_goes_only_while_the_others_that_have_caught_up_are_a_majority(count: int) -> None:
    voters = tuple(range(1, count + 1))
    for size in range(count + 1):
        for caught_up in itertools.combinations(voters, size):
            state = kafka.State(brokers=voters, voters=voters, leader=1, caught_up=caught_up)
            may = 2 * len(set(caught_up) - {2}) > count
            assert subjects(against(state, 2, voters, voters)) == ([] if may else ["m2"]), caught_up


@pytest.mark.parametrize(("caught_up", "may"), [((1, 2, 3), False), ((1, 2, 3, 4), True)])
def test_a_controller_that_is_none_of_the_inventory_counts(caught_up: tuple[int, ...], may: bool) -> None:
    """One that is gone for good is a voter until it is removed."""
    voters = tuple(range(1, 5 if may else 6))
    state = kafka.State(brokers=caught_up, voters=voters, leader=1, caught_up=caught_up)
    assert subjects(against(state, 2, (1, 2, 3), (1, 2, 3))) == ([] if may else ["m2"])


@pytest.mark.parametrize("voters", [(), (1,), (1, 2)])
def test_where_no_broker_can_be_spared_all_must_be_right(voters: tuple[int, ...]) -> None:
    ids = voters or (1,)
    right = kafka.State(brokers=ids, voters=voters, leader=1, caught_up=voters)
    assert against(right, 1, ids, voters) == []
    behind = kafka.State(
        brokers=ids, voters=voters, leader=1, caught_up=voters, partitions=(part((1, 9), (1,), 1),)
    )
    assert subjects(against(behind, 1, ids, voters)) == ["t-0 on 9"]


def test_no_broker_goes_while_the_cluster_cannot_be_asked() -> None:
    state = kafka.State(failed="no answer")
    assert subjects(against(state, 1, voters=())) == ["kafka"]


APART = Kafka(
    "4.3.0",
    tuple(Broker(n, "ip", 9092, f"kafka@{n}", f"m{n}") for n in (1, 2)),
    (101, 102, 103),
    controllers=tuple(Broker(n, "ip", 9093, f"kafka@{n}", f"m{n}") for n in (101, 102, 103)),
)
"""Two brokers, and three controllers with machines of their own."""


@pytest.mark.parametrize("size", range(4))
def test_a_controller_that_is_no_broker_asks_for_the_quorum_alone(size: int) -> None:
    """And a broker that is none for its partitions alone, whatever the controllers are."""
    thin = (part((1, 2), (1, 2), 1), part((1, 2), (1,), 1))
    for caught_up in itertools.combinations((101, 102, 103), size):
        state = kafka.State(
            brokers=(1, 2), voters=(101, 102, 103), leader=101, caught_up=caught_up, partitions=thin
        )
        may = 2 * len(set(caught_up) - {102}) > 3
        assert subjects(kafka.against_restart(state, APART, APART.controllers[1])) == ["m102"] * (not may)
        assert kafka.alone(state, 102) == []
        assert subjects(kafka.against_restart(state, APART, APART.brokers[0])) == ["t-0"]
        assert subjects(kafka.against_restart(state, APART, APART.brokers[1])) == []


def test_beside_a_single_broker_a_controller_goes_all_the_same() -> None:
    """Nothing can do without the broker, and all without one of three controllers."""
    single = replace(APART, brokers=APART.brokers[:1])
    state = kafka.State(
        brokers=(1,), voters=(101, 102, 103), leader=101, caught_up=(101, 102), unreachable={103: "refuses"}
    )
    assert subjects(kafka.against_restart(state, single, single.brokers[0])) == ["controller 103"]
    assert subjects(kafka.against_restart(state, single, single.controllers[2])) == []
    assert subjects(kafka.against_restart(state, single, single.controllers[0])) == ["m101"]


def voter(number: int, time: int) -> dict[str, int]:
    return {"replica_id": number, "log_end_offset": 9, "last_caught_up_timestamp": time}


@pytest.mark.parametrize(
    ("times", "caught_up"),
    [
        ({1: 100_000, 2: 99_500, 3: 95_000}, (1, 2, 3)),
        ({1: 100_000, 2: 94_999, 3: 99_999}, (1, 3)),
        ({1: 100_000, 2: 100_001, 3: -1}, (1, 2)),
        ({1: -1, 2: -1, 3: -1}, (1,)),
    ],
)
def test_voters_that_have_what_the_leader_has(times: dict[int, int], caught_up: tuple[int, ...]) -> None:
    assert kafka.caught_up([voter(*each) for each in times.items()], 1) == caught_up


def test_ten_thousand_partitions_are_judged_at_once() -> None:
    """In the time of one look: the number of partitions does not decide how long a roll takes."""
    many = tuple(Partition(f"t{n}", 0, 1, (1, 2, 3), (1, 2, 3), 2) for n in range(10_000))
    state = brokers(*many)
    began = time.process_time()
    assert against(state, 1) == []
    assert kafka.judge(state, [1, 2, 3], [1, 2, 3])[0]
    print(f"{time.process_time() - began:.3f} s")
    lost = brokers(*(Partition(p.topic, 0, 1, p.replicas, (1, 2), 2) for p in many))
    needed = against(lost, 1)
    assert len(needed) == 10_000
    assert sentences(needed).endswith("and 9997 more")


# --- HDFS


def page(host: str, port: int, unit: str) -> WebServer:
    return WebServer(host, port, unit)


HA = Hdfs(
    "hdfs://lab",
    tuple(Peer(host, 9870, "hdfs-namenode", id=name) for name, host in (("nn1", "a"), ("nn2", "b"))),
    ("a", "b", "c"),
    {"dfs.nameservices": "lab"},
    tuple(page(host, 8480, "hdfs-journalnode") for host in "abc"),
    zkfc_unit="hdfs-zkfc",
    datanode_unit="hdfs-datanode",
)
PLAIN = Hdfs(
    "hdfs://a:8020",
    (Peer("a", 9870, "hdfs-namenode", id="nn1"),),
    ("a",),
    {},
    datanode_unit="hdfs-datanode",
    secondarynamenode=page("a", 9868, "hdfs-secondarynamenode"),
)
COUNTS = {"NumLiveDataNodes": 3, "NumDeadDataNodes": 0, "NumStaleDataNodes": 0, "MissingBlocks": 0}
ACTIVE: dict[str, Any] = {"State": "active", "FSState": "Operational", **COUNTS}
STANDBY: dict[str, Any] = {**ACTIVE, "State": "standby"}
JOURNALS = {f"{host}:8480": "" for host in "abc"}


def says(
    nn1: dict[str, Any] | str = ACTIVE, nn2: dict[str, Any] | str = STANDBY, **journals: str
) -> hdfs.State:
    return hdfs.State(
        {"nn1": nn1, "nn2": nn2}, JOURNALS | {f"{host}:8480": why for host, why in journals.items()}
    )


SAFE = {"FSState": "safeMode"}


@pytest.mark.parametrize(
    ("state", "host", "unit", "against"),
    [
        (says(), "a", "hdfs-namenode", []),
        (says(), "b", "hdfs-namenode", []),
        (says(), "a", "hdfs-zkfc", []),
        (says(nn2="refuses"), "a", "hdfs-namenode", ["a"]),
        (says(nn2="refuses"), "a", "hdfs-zkfc", ["a"]),
        (says(nn2="refuses"), "b", "hdfs-namenode", []),
        (says(nn2=STANDBY | SAFE), "a", "hdfs-namenode", ["a"]),
        (says(nn2={"State": "initializing", "FSState": "Operational"}), "a", "hdfs-namenode", ["a"]),
        # Its own state is what a restart may mend.
        (says(nn1=ACTIVE | SAFE), "a", "hdfs-namenode", []),
        (says(), "a", "hdfs-journalnode", []),
        (says(a="refuses"), "a", "hdfs-journalnode", []),
        (says(b="refuses"), "a", "hdfs-journalnode", ["a"]),
        (says(b="not formatted"), "c", "hdfs-journalnode", ["c"]),
        (says(nn1=ACTIVE | {"Late": ["b:8480"]}), "a", "hdfs-journalnode", ["a"]),
        (says(nn1=ACTIVE | {"Late": ["a:8480"]}), "a", "hdfs-journalnode", []),
        (says(nn1=ACTIVE | {"Late": ["10.0.0.9:8485"]}), "a", "hdfs-journalnode", ["a"]),
        (says(), "c", "hdfs-datanode", []),
        (says(nn1=ACTIVE | {"Lacking": ["/f", "/g"]}), "c", "hdfs-datanode", ["/f", "/g"]),
        (says(nn1=STANDBY), "c", "hdfs-datanode", ["c"]),
        # Nothing is served by it.
        (says(nn1="refuses", nn2="refuses"), "a", "hdfs-secondarynamenode", []),
    ],
)
def test_a_daemon_of_hdfs(state: hdfs.State, host: str, unit: str, against: list[str]) -> None:
    assert subjects(hdfs.against_restart(state, HA, host, unit)) == against


@pytest.mark.parametrize(
    ("dead", "host", "against"),
    [
        ([], "a", ["c:9864"]),
        (["c"], "a", []),
        # One that the inventory has no more.
        (["z"], "a", ["c:9864"]),
        (["c", "z"], "a", []),
        ([], "c", []),
        (["c"], "c", []),
    ],
)
def test_no_datanode_goes_before_one_that_is_away_was_given_up(
    dead: list[str], host: str, against: list[str]
) -> None:
    """Until then the NameNode counts its replicas, and nothing that it held is copied."""
    silent = {"a:9864": "", "b:9864": "", "c:9864": "c:9864 is silent"}
    state = replace(says(nn1=ACTIVE | {"Dead": dead}), datanodes=silent)
    assert subjects(hdfs.against_restart(state, HA, host, "hdfs-datanode")) == against


@pytest.mark.parametrize("unit", ["hdfs-namenode", "hdfs-datanode"])
def test_where_hdfs_has_one_of_a_kind_all_must_be_right(unit: str) -> None:
    one = ACTIVE | {"NumLiveDataNodes": 1}
    assert hdfs.against_restart(hdfs.State({"nn1": one}, {}), PLAIN, "a", unit) == []
    safe = hdfs.State({"nn1": one | SAFE}, {})
    assert subjects(hdfs.against_restart(safe, PLAIN, "a", unit)) == ["nn1 safe mode"]


# --- YARN


@pytest.mark.parametrize(
    ("other", "may"),
    [
        ({"haState": "STANDBY"}, True),
        ({"haState": "ACTIVE"}, True),
        ({"haState": "INITIALIZING"}, False),
        ("x", False),
    ],
)
def test_a_resourcemanager(other: Any, may: bool) -> None:
    state: yarn.State = {"rm1": {"haState": "ACTIVE", "activeNodes": 1}, "rm2": other}
    assert (yarn.against_restart(state, {"a": ""}, "rm1") == []) == may


def test_a_single_resourcemanager_is_restarted_when_yarn_is_right() -> None:
    state: yarn.State = {"rm1": {"haState": "ACTIVE", "activeNodes": 1}}
    assert yarn.against_restart(state, {"a": ""}, "rm1") == []
    assert subjects(yarn.against_restart(state, {"a": "", "b": "refuses"}, "rm1")) == ["b"]
    assert subjects(yarn.against_restart(state, {"a": "", "b": ""}, "rm1")) == ["NodeManagers"]


# --- A machine that is away


def zookeeper_faults(noticed: bool) -> list[Fault]:
    _, state = ensemble("lfx")
    leader = state["a:2181"]
    assert isinstance(leader, dict)
    leader["zk_synced_followers"] = "1" if noticed else "2"
    return zookeeper.faults(state)


def kafka_faults(noticed: bool) -> list[Fault]:
    of_three, alone = part((1, 2, 3), (1, 2) if noticed else (1, 2, 3), 2), part((3,), (3,), 1)
    state = brokers(of_three, replace(alone, leader=-1 if noticed else 3), unreachable={3: "silent"})
    there = (1, 2) if noticed else (1, 2, 3)
    return kafka.faults(replace(state, brokers=(1, 2), caught_up=there), [1, 2, 3], [1, 2, 3])


def hdfs_faults(noticed: bool) -> list[Fault]:
    counts = {"NumLiveDataNodes": 2, "NumDeadDataNodes": 1} if noticed else {}
    late = {"Late": ["c:8480"]} if noticed else {}
    state = says(ACTIVE | counts | late, STANDBY | counts, c="c:8480 is silent")
    return hdfs.faults(replace(state, datanodes={"c:9864": "c:9864 is silent"}), 3)


def yarn_faults(noticed: bool) -> list[Fault]:
    managers: yarn.State = {"rm1": {"haState": "ACTIVE", "activeNodes": 2 if noticed else 3}}
    return yarn.faults(managers, {"a": "", "b": "", "c": "silent"})


@pytest.mark.parametrize("faults", [zookeeper_faults, kafka_faults, hdfs_faults, yarn_faults])
def test_that_a_service_notices_who_is_away_makes_nothing_worse(
    faults: Callable[[bool], list[Fault]],
) -> None:
    """It takes seconds, or minutes; the plan may have been made before."""
    for earlier, later in itertools.product((False, True), repeat=2):
        known = {fault.subject: fault.amount for fault in faults(earlier)}
        assert known
        assert worse(faults(later), known) == []
        assert worse(faults(later), {}) != []


# --- The gates


def gate(faults: list[Fault], against: list[Fault], roll: Roll | None, named: list[str] | None = None) -> Any:
    thing = Part(
        "kafka",
        lambda: None,
        lambda _: faults,
        lambda _: (not faults, "all right" if not faults else "wrong"),
        {},
        {("c", "kafka@3"): OLD.subject},
        lambda *_: against,
        lambda *_: named or [],
    )
    return gates._look(thing, roll)


OLD, NEW, NO = (
    Fault("t-0 on 3", "broker 3 is dead"),
    Fault("t-1 on 1", "t-1 is behind"),
    Fault("t-2", "t-2 needs it"),
)
KNOWN = {"kafka": {"t-0 on 3": 1}, "hdfs": {"t-1 on 1": 1}}


@pytest.mark.parametrize(
    ("faults", "against", "roll", "verdict"),
    [
        ([], [NO], None, (True, "all right")),
        ([OLD], [], None, (False, "wrong")),
        ([], [], Roll(KNOWN, ["a"], "u"), (True, "all right")),
        ([OLD], [], Roll(KNOWN, ["a"], "u"), (True, "no worse than before: broker 3 is dead")),
        ([OLD, NEW], [], Roll(KNOWN, ["a"], "u"), (False, "t-1 is behind")),
        ([OLD], [NO], Roll(KNOWN, ["a"], "u"), (False, "t-2 needs it")),
        ([OLD, NEW], [NO], Roll(KNOWN, ["a"], "u"), (False, "t-1 is behind, t-2 needs it")),
        ([], [NO], Roll(KNOWN, ["a"], "u", "t-2"), (True, "all right; accepted: t-2 needs it")),
        ([], [NO, NO], Roll(KNOWN, ["a"], "u", "t-3"), (False, "t-2 needs it")),
        # What is accepted is the restart, not that something became worse.
        ([NEW], [], Roll(KNOWN, ["a"], "u", "t-1 on 1"), (False, "t-1 is behind")),
        ([OLD], [], Roll({}), (False, "broker 3 is dead")),
        # Who was restarted must be there, though it was away before.
        ([OLD], [], Roll(KNOWN, back=(("c", "kafka@3"),)), (False, "broker 3 is dead")),
        ([OLD], [], Roll(KNOWN, back=(("c", "kafka@4"),)), (True, "no worse than before: broker 3 is dead")),
        # Without a plan it is asked alone whether it may go.
        (
            [OLD, NEW],
            [],
            Roll(None, ["a"], "u"),
            (True, "no worse than before: broker 3 is dead, t-1 is behind"),
        ),
        ([OLD, NEW], [NO], Roll(None, ["a"], "u"), (False, "t-2 needs it")),
        # After the last nobody is to go.
        ([OLD], [NO], Roll(KNOWN), (True, "no worse than before: broker 3 is dead")),
    ],
)
def test_a_gate_of_a_roll(
    faults: list[Fault], against: list[Fault], roll: Roll | None, verdict: tuple[bool, str]
) -> None:
    assert gate(faults, against, roll) == verdict


def test_a_gate_of_several_machines_asks_for_each_and_for_all() -> None:
    asked: list[tuple[str, str]] = []

    def against(_: Any, host: str, unit: str) -> list[Fault]:
        asked.append((host, unit))
        return [Fault("t-2", f"{host} is needed")] if host == "b" else []

    thing = Part("hdfs", lambda: None, lambda _: [], lambda _: (True, "all right"), {}, {}, against)
    assert gates._look(thing, Roll({}, ("a", "b"), "u")) == (False, "b is needed")
    assert asked == [("a", "u"), ("b", "u")]
    assert gates._look(thing, Roll({}, ("a", "c"), "u")) == (True, "all right")
    apart = replace(thing, together=lambda _: [Fault("/f", "/f is in one rack")])
    assert gates._look(apart, Roll({}, ("a", "c"), "u")) == (False, "/f is in one rack")
    assert gates._look(apart, Roll({}, ("a",), "u")) == (True, "all right")


def test_datanodes_go_together_while_no_block_is_misplaced(tmp_path: Path) -> None:
    (part,) = gates.parts_of(load(write(tmp_path, LAB)), ["hdfs"])
    assert part.together(says()) == []
    assert subjects(part.together(says(nn1=ACTIVE | {"Misplaced": ["/f"]}))) == ["/f"]


def test_what_is_not_served_meanwhile_is_named_and_stops_nothing() -> None:
    assert gate([], [], Roll(KNOWN, ["a"], "u"), ["t-9", "t-8"]) == (
        True,
        "all right; not served meanwhile: t-8, t-9",
    )


PLAN = '{"faults": {"kafka": {"broker 2": 1}}}'


@pytest.mark.parametrize(
    ("plan", "words", "said"),
    [
        ("{}", [], "does not say what was wrong before the roll"),
        ("no json", [], "does not say what was wrong before the roll"),
        (None, [], "does not say what was wrong before the roll"),
        (PLAN, ["--restart", "millrace-9", "kafka@1"], "has no unit kafka@1 on millrace-9"),
        (PLAN, ["--restart", "millrace-1", "kafka@9"], "has no unit kafka@9 on millrace-1"),
        (PLAN, ["--restart", "millrace-1", "millrace-2", "kafka@1"], "has no unit kafka@1 on millrace-2"),
        (PLAN, ["--restart", "kafka@1"], "--restart kafka@1 names no machine: give HOST UNIT"),
    ],
)
def test_a_roll_that_cannot_be_asked_for_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plan: str | None, words: list[str], said: str
) -> None:
    if plan:
        (tmp_path / "plan.json").write_text(plan)
    path = f"--plan={tmp_path / 'plan.json'}"
    assert cli.main(["check", f"--cluster={write(tmp_path, LAB)}", path, *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "rc", "said"),
    [
        ([], 0, "no worse than before: broker 2: refuses"),
        (["--restart", "millrace-1", "kafka@1"], 1, "t-0 (leader 1, isr [1] of [1, 2]) has fewer replicas"),
        (["--restart", "millrace-1", "kafka@1", "--accept", "t-0"], 0, "accepted: without broker 1 t-0"),
        (["--restart", "millrace-1", "kafka@2"], 0, "no worse than before"),
    ],
)
def test_the_command_of_a_roll(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    rc: int,
    said: str,
) -> None:
    state = kafka.State(
        brokers=(1,), unreachable={2: "refuses"}, partitions=(part((1, 2), (1,), 1),), voters=(), leader=-1
    )
    monkeypatch.setattr(kafka, "fetch", lambda _: state)
    monkeypatch.setattr(cli, "_failed", lambda *_: "")
    lab = LAB | {"kafka": LAB["kafka"] | {"voters": []}}
    (tmp_path / "plan.json").write_text('{"faults": {"kafka": {"broker 2": 1, "t-0 on 2": 1}}}')
    common = ["check", "--only", "kafka", "--timeout", "0", f"--cluster={write(tmp_path, lab)}"]
    assert cli.main([*common, f"--plan={tmp_path / 'plan.json'}", *words]) == rc
    assert said in capsys.readouterr().out


def test_what_is_not_right_is_told_by_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent: Callable[..., Any] = lambda *_: {"x": "refuses"}  # noqa: E731
    monkeypatch.setattr(zookeeper, "fetch", silent)
    monkeypatch.setattr(kafka, "fetch", lambda _: kafka.State(failed="no answer"))
    monkeypatch.setattr(hdfs, "fetch", lambda _: says(nn2="nn2 refuses"))
    monkeypatch.setattr(yarn, "fetch", silent)
    monkeypatch.setattr(yarn, "fetch_nodes", lambda _: {})
    monkeypatch.setattr(yarn, "fetch_history", lambda _: "refuses")
    monkeypatch.setattr(spark, "fetch_history", lambda _: {"spark": "4"})
    found = gates.faults_of(load(write(tmp_path, LAB)))
    assert found == {
        "zookeeper": {"x": 1},
        "kafka": {"kafka": 1},
        "hdfs": {"nn2": 1, "nn1 DataNodes": 1},
        "yarn": {"x": 1, "active": 1},
        "mapreduce history": {"mapreduce history": 1},
        "spark history": {},
    }
