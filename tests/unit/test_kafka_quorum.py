"""Brokers that join the quorum of controllers and leave it: what gates ask, and each run that is cut off."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import gates
from smoke.cluster import Broker, Kafka, load
from smoke.machine import Machine
from smoke.services import kafka, kafka_quorum
from smoke.services.kafka import Partition, State
from smoke.verdict import first
from tests.unit.smoke_lab import LAB, write


def section(*ids: int) -> Kafka:
    return Kafka("4.3.0", tuple(Broker(n, f"h{n}", 9092, f"kafka@{n}") for n in ids), ids)


def state(
    *voters: int, away: tuple[int, ...] = (), registered: tuple[int, ...] = (), **changes: Any
) -> State:
    """What the brokers say; each of them votes, all but those that are away have caught up."""
    there = tuple(n for n in voters if n not in away)
    facts: dict[str, Any] = {
        "brokers": there,
        "registered": registered or voters,
        "bootstrap": "h1:9092",
        "voters": voters,
        "directories": tuple(f"d{n}" for n in voters),
        "leader": there[0] if there else -1,
        "caught_up": there,
    }
    return State(**(facts | changes))


def partition(number: int, *replicas: int) -> Partition:
    return Partition("t", number, replicas[0], replicas, replicas)


MOVE = (
    "broker 3 has replicas of {}: move them to others (kafka-reassign-partitions.sh with --generate, "
    "--execute, then --verify)"
)


@pytest.mark.parametrize(
    ("said", "against"),
    [
        (state(1, 2, 3), []),
        (state(1, 3), []),
        (state(1, 2, 3, away=(3,)), []),
        (
            state(1, 2, 3, away=(2,)),
            ["without broker 3 1 of 3 controllers are in sync, which is no majority"],
        ),
        (
            state(1, 2, 3, 4, away=(2,)),
            ["without broker 3 2 of 4 controllers are in sync, which is no majority"],
        ),
        (state(1, 2, 3, 4, 5, away=(2,)), []),
        (state(1, 3, away=(1,)), ["without broker 3 0 of 1 controller are in sync, which is no majority"]),
        # The last one that votes takes all with it.
        (state(3), ["without broker 3 0 of 0 controllers are in sync, which is no majority"]),
        # It was out of the quorum when a run was cut off.
        (state(1, registered=(1, 3)), []),
        (state(1, 2, 3, partitions=(partition(0, 1, 2),)), []),
        (state(1, 2, 3, partitions=(partition(0, 1, 3),)), [MOVE.format("1 partition (t-0)")]),
        (
            state(1, 2, 3, partitions=tuple(partition(n, 3, 1) for n in range(2))),
            [MOVE.format("2 partitions (t-0, t-1)")],
        ),
        (State(failed="no answer"), ["no answer"]),
        (State(unreachable={1: "closed"}), ["no broker answers"]),
    ],
)
def test_what_stands_against_a_broker_that_leaves(said: State, against: list[str]) -> None:
    assert [fault.sentence for fault in kafka_quorum.against_leaving(said, 3)] == against
    assert kafka_quorum.judge_leaving(said, 3)[0] == (not against)


def units(*ids: int) -> list[list[str]]:
    return [[f"h{n}", f"kafka@{n}"] for n in ids]


def test_those_that_are_not_of_this_cluster_do_not_leave_it() -> None:
    """kafka@9 is a cluster of its own, and kafka@1 a broker of this one on another machine."""
    decided = kafka_quorum.leaving(state(1, 2, 3), section(1, 2), units(3, 9, 1))
    assert decided == {"leave": units(3), "refusals": []}


def test_one_that_was_stopped_is_of_the_cluster_until_it_is_unregistered() -> None:
    said = state(1, 2, registered=(1, 2, 3))
    assert kafka_quorum.leaving(said, section(1, 2), units(3))["leave"] == units(3)
    assert kafka_quorum.leaving(state(1, 2), section(1, 2), units(3))["leave"] == []


FILES = {
    3: "controller.quorum.auto.join.enable=false\ncontroller.quorum.bootstrap.servers=h1:9093,h3:9093\n",
    4: "controller.quorum.auto.join.enable=true\ncontroller.quorum.bootstrap.servers=h1:9093,h4:9093\n",
    # Of a cluster of its own.
    5: "controller.quorum.auto.join.enable=false\ncontroller.quorum.bootstrap.servers=h5:9093\n",
    6: "process.roles=broker\ncontroller.quorum.bootstrap.servers=h1:9093\n",
}


def test_one_that_has_begun_to_leave_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a controller that votes no more, and a broker that is unregistered, the cluster knows nothing."""

    def cat(machine: Machine, script: str) -> str:
        number = int(script.removeprefix("cat /etc/kafka/server-").removesuffix(".properties"))
        if number not in FILES:
            raise OSError(f"{machine.name}: no such file")
        return FILES[number]

    monkeypatch.setattr(Machine, "run", cat)
    described = load(write(tmp_path, LAB))
    lost = [["millrace-1", unit] for _, unit in units(3, 4, 5, 6, 7)]
    begun = kafka_quorum.begun(described, section(1, 2), lost)
    assert begun == [3]
    decided = kafka_quorum.leaving(state(1, 2), section(1, 2), lost, begun)
    assert decided == {"leave": lost[:1], "refusals": []}


def test_a_controller_leaves_as_a_broker_does() -> None:
    """It has registered nowhere; those that the inventory has stay, wherever they are."""
    controllers = tuple(Broker(n, f"h{n}", 9093, f"kafka@{n}") for n in (11, 12, 13))
    apart = replace(section(1, 2), voters=(11, 12, 13), controllers=controllers)
    said = state(11, 12, 13, 14, brokers=(1, 2), registered=(1, 2))
    assert kafka_quorum.leaving(said, apart, units(1, 11, 14)) == {"leave": units(14), "refusals": []}
    said = state(11, 12, 13, 14, away=(12,), brokers=(1, 2), registered=(1, 2))
    (refusal,) = kafka_quorum.leaving(said, apart, units(14))["refusals"]
    assert refusal == (
        "kafka_controller_hosts has controller 14 no more (kafka@14 on h14), but it cannot leave the cluster "
        "now: without controller 14 2 of 4 controllers are in sync, which is no majority. Until then leave "
        "it in kafka_controller_hosts."
    )


def test_a_broker_that_does_not_vote_leaves_without_asking_for_votes() -> None:
    said = state(11, 12, 13, away=(12, 13), brokers=(1, 2, 3), registered=(1, 2, 3))
    assert kafka_quorum.judge_leaving(said, 3) == (True, "broker 3 may leave, voters [11, 12, 13]")


def test_those_that_are_away_leave_first() -> None:
    """Without the dead one the other four can do without one more."""
    said = state(1, 2, 3, 4, 5, away=(5,))
    assert kafka_quorum.leaving(said, section(1, 2, 3), units(4, 5)) == {"leave": units(5, 4), "refusals": []}


def test_each_is_refused_for_what_those_before_it_leave() -> None:
    said = state(1, 2, 3, 4, 5, away=(3,), partitions=(partition(0, 1, 4),))
    first_, second = kafka_quorum.leaving(said, section(1, 2, 3), units(4, 5))["refusals"]
    assert first_ == (
        "kafka_hosts has broker 4 no more (kafka@4 on h4), but it cannot leave the cluster now: broker 4 has "
        "replicas of 1 partition (t-0): move them to others (kafka-reassign-partitions.sh with --generate, "
        "--execute, then --verify). Until then leave it in kafka_hosts."
    )
    assert "without broker 5 2 of 4 controllers are in sync" in str(second)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (state(1, 2, 3), (True, "controller 3 votes, voters [1, 2, 3]")),
        # An observer has all, and counts for nothing.
        (state(1, 2, caught_up=(1, 2, 3)), (False, "controller 3 is yet to join, voters [1, 2]")),
        (state(1, 2, 3, away=(3,)), (False, "controller 3 has not caught up, voters [1, 2, 3]")),
        # The voter that it was before its disk was lost, alone and beside the new one.
        (
            state(1, 2, 3, directories=("d1", "d2", "old")),
            (False, "controller 3 is yet to join, voters [1, 2, 3]"),
        ),
        (state(1, 2, 3, 3), (False, "controller 3 is yet to join, voters [1, 2, 3, 3]")),
        (State(failed="no answer"), (False, "no answer")),
        (State(), (False, "no broker answers")),
    ],
)
def test_one_that_joins_votes(said: State, verdict: tuple[bool, str]) -> None:
    assert kafka_quorum.judge_joined(said, 3, "d3") == verdict


def test_the_gates_ask_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = load(write(tmp_path, LAB))
    monkeypatch.setattr(kafka, "fetch", lambda _: state(1, 2))
    (gate,) = gates.gates_of(cluster, ["kafka"], joined=(2, "d2"))
    assert gate.look() == (True, "controller 2 votes, voters [1, 2]")
    (gate,) = gates.gates_of(cluster, ["kafka"], leave=2)
    assert gate.look() == (True, "broker 2 may leave, voters [1, 2]")


def command(directory: Path, *words: str) -> int:
    return cli.main([words[0], f"--cluster={write(directory, LAB)}", *words[1:]])


def test_who_leaves_is_printed_for_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kafka, "fetch", lambda _: state(1, 2, 3))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(units(3))))
    assert command(tmp_path, "leaving") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"leave": units(3), "refusals": []}


@pytest.mark.parametrize(
    ("said", "why"), [(State(failed="no answer"), "no answer"), (State(unreachable={1: "x"}), "none answers")]
)
def test_brokers_that_do_not_answer_are_asked_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: State,
    why: str,
) -> None:
    Brokers(monkeypatch, said, state(1, 2, 3))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(units(3))))
    assert command(tmp_path, "leaving") == 0
    Brokers(monkeypatch, said)
    assert command(tmp_path, "leaving", "--timeout", "0") == 2
    assert f"the brokers cannot be asked: {why}" in capsys.readouterr().err


class Brokers:
    """Answers one state after the other, the last one for ever; commands are written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *states: State, fails: int = 0) -> None:
        self.states, self.done, self.fails = list(states), [], fails  # type: ignore[var-annotated]
        monkeypatch.setattr(
            kafka, "fetch", lambda _: self.states.pop(0) if self.states[1:] else self.states[0]
        )
        monkeypatch.setattr(Machine, "run", lambda _, script, timeout: self.run(script))

    def run(self, script: str) -> str:
        self.done.append(script)
        if len(self.done) <= self.fails:
            raise OSError("h1: no leader")
        return ""


REMOVE = (
    "bash -lc 'kafka-metadata-quorum.sh --bootstrap-server h1:9092 remove-controller --controller-id 3 "
    "--controller-directory-id d3'"
)
UNREGISTER = "bash -lc 'kafka-cluster.sh unregister --bootstrap-server h1:9092 --id 3'"


@pytest.mark.parametrize(
    ("what", "states", "fails", "done"),
    [
        ("voter", [state(1, 2, 3), state(1, 2)], 0, [REMOVE]),
        # What a run before has done is not done again.
        ("voter", [state(1, 2)], 0, []),
        ("voter", [State(failed="no answer"), state(1, 2, 3), state(1, 2)], 0, [REMOVE]),
        ("voter", [state(1, 2, 3), state(1, 2, 3), state(1, 2)], 1, [REMOVE] * 2),
        ("broker", [state(1, 2, registered=(1, 2, 3)), state(1, 2)], 0, [UNREGISTER]),
        ("broker", [state(1, 2)], 0, []),
    ],
)
def test_it_is_taken_out_until_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    states: list[State],
    fails: int,
    done: list[str],
) -> None:
    brokers = Brokers(monkeypatch, *states, fails=fails)
    assert command(tmp_path, "leave", what, "3", "--timeout", "5") == 0
    assert brokers.done == done


def test_what_is_against_it_is_said_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Brokers(monkeypatch, state(1, 2, 3), fails=9)
    assert command(tmp_path, "leave", "voter", "3", "--timeout", "0") == 2
    assert "controller 3 still votes: h1: no leader" in capsys.readouterr().err


# --- Every run that is cut off

TASKS = ("gate", "file", "restart", "voter", "stop", "broker", "disable")
"""What roles/kafka/tasks/leave_broker.yml does, in its order (tests/unit/test_kafka_leave.py)."""


class Cluster:
    """A quorum by Raft's rules: who votes is decided by a majority of voters that run."""

    def __init__(self, count: int) -> None:
        ids = range(1, count + 1)
        self.voters, self.up, self.registered, self.enabled = set(ids), set(ids), set(ids), set(ids)
        self.joins, self.file = set(ids), set(ids)

    def led(self) -> bool:
        return 2 * len(self.voters & self.up) > len(self.voters)

    def rejoin(self) -> None:
        """A controller that runs and would join is a voter again, whoever has removed it."""
        if self.led():
            self.voters |= self.up & self.joins

    def say(self) -> State:
        if not self.led():
            return State(failed="no leader")
        said = state(*sorted(self.voters), registered=tuple(sorted(self.registered)))
        there = tuple(sorted(self.up))
        return replace(said, brokers=there, caught_up=tuple(n for n in there if n in self.voters))

    def take(self, task: str, number: int) -> None:
        if task == "gate":
            assert kafka_quorum.judge_leaving(self.say(), number)[0], (number, self.say())
        elif task == "file":
            self.file.discard(number)
        elif task == "restart":
            # While it is away a majority is there, but for two voters, who both must be.
            self.up.discard(number)
            assert self.led() or len(self.voters) == 2
            self.up.add(number)
            self.enabled.add(number)
            self.joins = self.joins - {number} | (self.file & {number})
            self.registered.add(number)
        elif task == "voter":
            assert self.led()
            self.voters.discard(number)
        elif task == "stop":
            self.up.discard(number)
        elif task == "broker":
            assert number not in self.up
            self.registered.discard(number)
        else:
            self.enabled.discard(number)
        self.rejoin()

    def plan(self, new: int) -> list[int]:
        lost = sorted(self.enabled - set(range(1, new + 1)))
        begun = set(lost) - self.file
        decided = kafka_quorum.leaving(self.say(), section(*range(1, new + 1)), units(*lost), begun)
        assert decided["refusals"] == []
        return [int(unit.partition("@")[2]) for _, unit in decided["leave"]]  # type: ignore[misc, has-type]


def run(cluster: Cluster, new: int, cut: int | None = None) -> int:
    """The steps of a plan, up to the one at which the run is cut off; how many there were."""
    steps = [(task, number) for number in cluster.plan(new) for task in TASKS]
    for task, number in steps[:cut]:
        cluster.take(task, number)
    return len(steps)


@pytest.mark.parametrize(
    ("old", "new"), [pair for pair in itertools.product(range(2, 8), range(1, 7)) if pair[0] > pair[1]]
)
def test_a_quorum_shrinks_and_a_run_that_was_cut_off_goes_on(old: int, new: int) -> None:
    left = set(range(1, new + 1))
    for cut in range(run(Cluster(old), new) + 1):
        cluster = Cluster(old)
        run(cluster, new, cut)
        run(cluster, new)
        assert (cluster.voters, cluster.up, cluster.registered) == (left, left, left), cut
        assert cluster.enabled == left, cut


def test_one_that_is_not_told_to_stay_away_would_be_back() -> None:
    """Why the file comes first: seen of 4.3.0, two seconds after it was removed."""
    cluster = Cluster(3)
    for task in ("gate", "voter"):
        cluster.take(task, 3)
    assert cluster.voters == {1, 2, 3}


def test_the_first_partitions_are_named() -> None:
    said = state(1, 2, 3, partitions=tuple(partition(n, 3) for n in range(30)))
    (fault,) = kafka_quorum.against_leaving(said, 3)
    assert f"replicas of 30 partitions ({first(p.name for p in said.partitions)})" in fault.sentence
