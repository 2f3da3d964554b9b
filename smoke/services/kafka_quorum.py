"""Kafka: controllers that join the quorum, and brokers and controllers that leave the cluster for good.

With controller.quorum.auto.join.enable a controller that runs and is no voter makes itself one: first it
removes the voter that has its id and another directory, one that was lost, then it asks to be added, and is
when it has caught up (KIP-853; KafkaRaftClient.pollFollowerAsObserver of 4.3). So one that is removed while
it runs is a voter again within seconds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from smoke.services import Fault, Verdict, can_spare_one, kafka, no_majority, plural, sentences, verdict
from smoke.verdict import first
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Kafka
    from smoke.services.kafka import State

TOOL = 60
"""Seconds that one of upstream's commands may take: a JVM starts for it."""
LEAVES = "controller.quorum.auto.join.enable=false"
"""The line of a node's file from the moment at which it begins to leave (leave_broker.yml)."""
BOOTSTRAP = "controller.quorum.bootstrap.servers="


def fetch(section: Kafka, timeout: float) -> State:
    """What the brokers say, as soon as one does; raises TimeoutError with why none does.

    A broker that was lost is still asked by the client, until its session of 9 s ends
    (broker.session.timeout.ms).
    """
    said = [""]

    def answered() -> State | None:
        state = kafka.fetch(section)
        said[0] = state.failed or "none answers"
        return None if state.failed or not state.brokers else state

    return wait_until(answered, timeout, lambda: said[0])


def against_leaving(state: State, number: int) -> list[Fault]:
    """Why a node must not leave the cluster now: it has replicas, or the others need its vote."""
    if state.failed or not state.brokers:
        return [Fault("kafka", state.failed or "no broker answers")]
    found = []
    if here := [p.name for p in state.partitions if number in p.replicas]:
        sentence = (
            f"broker {number} has replicas of {plural(len(here), 'partition')} ({first(here)}): move them to "
            "others (kafka-reassign-partitions.sh with --generate, --execute, then --verify)"
        )
        found.append(Fault(f"broker {number}", sentence))
    if number in state.voters:
        rest, whole = len(set(state.caught_up) - {number}), len(state.voters)
        # Of two both must be there as long as they are two: the other one is the quorum then.
        found += no_majority(
            kafka.called(state, number), rest, whole if can_spare_one(whole) else whole - 1, "controller"
        )
    return found


def begun(cluster: Cluster, section: Kafka, units: Iterable[Sequence[str]]) -> list[int]:
    """The ids of those that a run which was cut off had begun to take out of this cluster.

    units: pairs of a machine and a unit that starts there; of one that is not reached nothing is known
    """
    voters = {node.host for node in section.nodes if node.id in section.voters}
    found = []
    for host, unit in units:
        number = int(unit.partition("@")[2])
        try:
            lines = cluster.machines[host].run(f"cat /etc/kafka/server-{number}.properties").splitlines()
        except (KeyError, OSError):
            continue
        listed = [line.removeprefix(BOOTSTRAP) for line in lines if line.startswith(BOOTSTRAP)]
        hosts = {place.rpartition(":")[0] for places in listed for place in places.split(",")}
        # Others may have a cluster of their own there.
        if LEAVES in lines and hosts & voters:
            found.append(number)
    return found


def leaving(
    state: State, section: Kafka, units: Iterable[Sequence[str]], begun: Iterable[int] = ()
) -> dict[str, list[object]]:
    """Which units that the inventory lost are of this cluster, in the order in which they leave it.

    units: pairs of a machine and a unit that starts there
    begun: ids of those that have begun to leave, which the cluster may know no more
    Returns {"leave": [[host, unit]], "refusals": [sentences]}.
    """
    known = {*state.voters, *state.registered, *begun} - {node.id for node in section.nodes}
    places = {int(unit.partition("@")[2]): [host, unit] for host, unit in units}
    # The quorum does better without those that are away.
    order = sorted(known & set(places), key=lambda number: (number in state.caught_up, number))
    refusals: list[object] = []
    for number in order:
        host, unit = places[number]
        if against := against_leaving(state, number):
            hosts = "kafka_hosts" if number in state.registered else "kafka_controller_hosts"
            refusals.append(
                f"{hosts} has {kafka.called(state, number)} no more ({unit} on {host}), but it cannot leave "
                f"the cluster now: {sentences(against)}. Until then leave it in {hosts}."
            )
        state = _without(state, number)
    return {"leave": [places[number] for number in order], "refusals": refusals}


def _without(state: State, number: int) -> State:
    return replace(
        state,
        voters=tuple(voter for voter in state.voters if voter != number),
        caught_up=tuple(voter for voter in state.caught_up if voter != number),
    )


def judge_leaving(state: State, number: int) -> Verdict:
    """Right when a node may leave the cluster."""
    said = f"{kafka.called(state, number)} may leave, voters {sorted(state.voters)}"
    return verdict(against_leaving(state, number), said)


def judge_joined(state: State, number: int, directory: str) -> Verdict:
    """Right when a controller votes with this directory alone, and has what the leader has.

    An observer counts for nothing, nor does the voter that it was before its disk was lost.
    """
    if state.failed or not state.brokers:
        return False, state.failed or "no broker answers"
    pairs = zip(state.voters, state.directories, strict=True)
    joined = [each for voter, each in pairs if voter == number] == [directory]
    said = f"voters {sorted(state.voters)}"
    if joined and number in state.caught_up:
        return True, f"controller {number} votes, {said}"
    return False, f"controller {number} {'has not caught up' if joined else 'is yet to join'}, {said}"


def leave_quorum(cluster: Cluster, section: Kafka, number: int, timeout: float) -> None:
    """Take a voter out of the quorum, and see that it is. Raises TimeoutError with what was against it."""

    def command(state: State) -> list[str]:
        voters = dict(zip(state.voters, state.directories, strict=True))
        return kafka.remove_voter(state, number, voters[number]) if number in voters else []

    _until_gone(cluster, section, command, f"controller {number} still votes", timeout)


def forget(cluster: Cluster, section: Kafka, number: int, timeout: float) -> None:
    """Unregister a broker that was stopped, and see that it is. Raises TimeoutError, likewise.

    The registration would stay for ever, and count when features are upgraded.
    """

    def command(state: State) -> list[str]:
        return kafka.unregister(state, number) if number in state.registered else []

    _until_gone(cluster, section, command, f"broker {number} is still registered", timeout)


def _until_gone(
    cluster: Cluster, section: Kafka, command: Callable[[State], list[str]], what: str, timeout: float
) -> None:
    """Run a command on a broker's machine, until the state asks for none."""
    last = [what]

    def gone() -> bool:
        state = kafka.fetch(section)
        if state.failed or not state.brokers:
            last[0] = f"{what}: {state.failed or 'no broker answers'}"
            return False
        if words := command(state):
            host = next(broker.place[0] for broker in section.brokers if broker.id in state.brokers)
            try:
                cluster.machines[host].run(shlex.join(["bash", "-lc", shlex.join(words)]), timeout=TOOL)
            except OSError as error:
                last[0] = f"{what}: {error}"
        return not words

    wait_until(gone, timeout, lambda: last[0])
