"""ZooKeeper: the state of an ensemble by four-letter words, and a client of one server."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.retry import KazooRetry

from smoke.services import (
    ASKED_AT_ONCE,
    Daemon,
    Fault,
    Verdict,
    can_spare_one,
    no_majority,
    outside,
    plural,
    the_only,
    verdict,
)

if TYPE_CHECKING:
    from smoke.cluster import ZooKeeper, ZooKeeperServer

logging.getLogger("kazoo").setLevel(logging.CRITICAL)  # the gates and checks tell it, once

Facts = dict[str, str]
State = dict[str, Facts | str]
"""Server (host:port) -> its mntr facts, or why there are none."""


def four_letter_word(server: ZooKeeperServer, word: str, timeout: float = 3.0) -> str:
    """The server's answer to a word such as mntr. Raises OSError."""
    with socket.create_connection((server.host, server.port), timeout=timeout) as connection:
        connection.sendall(word.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace")


def parse_mntr(answer: str) -> Facts | str:
    """The facts of an answer to mntr (name, tab, value); the answer itself when it holds none."""
    facts = dict(line.split("\t", 1) for line in answer.splitlines() if "\t" in line)
    return (
        facts if "zk_server_state" in facts else (answer.strip().splitlines() or ["an empty answer"])[0][:120]
    )


def fetch(section: ZooKeeper) -> State:
    """Ask each server, all at the same time."""
    places = [f"{server.host}:{server.port}" for server in section.servers]
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        return dict(zip(places, pool.map(_ask, section.servers), strict=True))


def _ask(server: ZooKeeperServer) -> Facts | str:
    try:
        return parse_mntr(four_letter_word(server, "mntr"))
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def faults(state: State) -> list[Fault]:
    """What is not right: one leader that all others follow in sync, or one server, standalone."""
    found = [Fault(server, f"{server}: {facts}") for server, facts in state.items() if isinstance(facts, str)]
    answers = _answers(state)
    modes = sorted(facts["zk_server_state"] for facts in answers.values())
    if not state:
        return [Fault("zookeeper", "no servers")]
    if len(state) == 1:
        return found + [Fault("zookeeper", f"states: {mode}") for mode in modes if mode != "standalone"]
    if modes != ["follower"] * (len(modes) - 1) + ["leader"]:
        return [*found, Fault("zookeeper", f"states: {', '.join(modes) or 'none'}")]
    leader, synced = _led(answers)
    followers = plural(len(state) - 1, "follower")
    lacking = outside(synced, len(state) - 1, len(state) - len(answers))
    if lacking or "zk_synced_followers" not in answers[leader]:
        said = answers[leader].get("zk_synced_followers", "none")
        found.append(Fault("synced", f"leader {leader}: {said} of {followers} synced", max(lacking, 1)))
    return found


def subjects(section: ZooKeeper) -> dict[Daemon, str]:
    """What a daemon is called in faults."""
    return {(server.host, server.unit): f"{server.host}:{server.port}" for server in section.servers}


def daemon_states(state: State, section: ZooKeeper) -> dict[Daemon, str]:
    """What each server is that says so: leader, follower, standalone."""
    answers = _answers(state)
    return {
        daemon: answers[place]["zk_server_state"]
        for daemon, place in subjects(section).items()
        if place in answers
    }


def judge(state: State) -> Verdict:
    """One leader that all others follow in sync; or one server, standalone."""
    leader = next((server for server, facts in _answers(state).items() if _leads(facts)), "")
    right = f"leader {leader}, {plural(len(state) - 1, 'follower')} synced" if leader else "standalone"
    return verdict(faults(state), right)


def against_restart(state: State, section: ZooKeeper, host: str) -> list[Fault]:
    """Why the server of a host must not be restarted now: the others are no majority that is in sync.

    Where they never can be, the ensemble has to be right.
    """
    if not can_spare_one(len(state)):
        return faults(state)
    answers = _answers(state)
    if sum(map(_leads, answers.values())) != 1:
        return [Fault(host, f"{host} is not restarted: the servers have no leader")]
    mine = {f"{server.host}:{server.port}" for server in section.servers if server.host == host}
    # For a while the leader counts followers that are gone.
    rest = min(1 + _led(answers)[1], len(answers)) - len(mine & set(answers))
    return no_majority(host, rest, len(state), "server")


def against_removal(section: ZooKeeper, host: str) -> list[Fault]:
    """Why the server of a host must not be removed, beside what stands against its restart.

    The rest, when it is a majority of all, is one of the smaller ensemble, too.
    """
    return the_only(host, len(section.servers), "server")


def judge_quorum(state: State) -> Verdict:
    """One leader, and a majority of all servers that is in sync with it, itself among them."""
    answers = _answers(state)
    leaders = [server for server, facts in answers.items() if _leads(facts)]
    if len(leaders) != 1:
        return False, f"leaders: {', '.join(leaders) or 'none'}"
    leader, synced = _led(answers)
    sentence = f"leader {leader}, {synced} of {plural(len(state) - 1, 'follower')} synced"
    return 2 * (synced + 1) > len(state), sentence


def judge_serving(state: State, count: int) -> Verdict:
    """So many servers at least that serve, whoever leads them; a standalone one is there alone."""
    modes = [facts["zk_server_state"] for facts in _answers(state).values()]
    serving = [mode for mode in modes if mode in ("leader", "follower", "standalone")]
    sentence = f"{len(serving)} of {plural(len(state), 'server')} serve, {count} are awaited"
    one = sum(mode != "follower" for mode in serving) <= 1
    return len(serving) >= count and one, sentence if one else f"states: {', '.join(sorted(serving))}"


def fetch_serving(section: ZooKeeper, count: int) -> Verdict:
    """So many servers at least that serve, and a session that is opened with them now.

    That is a transaction: a majority has it, and so all that was before it.
    """
    right, sentence = judge_serving(fetch(section), count)
    if not right:
        return right, sentence
    try:
        with session(*section.servers):
            return True, sentence
    except OSError as error:
        return False, f"{sentence}; {error}"


def fetch_answering(section: ZooKeeper, host: str) -> Verdict:
    """Whether the server of a host says anything, be it that it serves nobody yet.

    It listens when it has read its files and its data, also where it has to wait for others.
    """
    (server,) = (each for each in section.servers if each.host == host)
    try:
        answer = four_letter_word(server, "mntr").strip()
    except OSError as error:
        answer, said = "", _reason(error)
    else:
        facts = parse_mntr(answer)
        said = facts if isinstance(facts, str) else facts["zk_server_state"]
    return bool(answer), f"{server.host}:{server.port}: {said}"


def _answers(state: State) -> dict[str, Facts]:
    return {server: facts for server, facts in state.items() if isinstance(facts, dict)}


def _leads(facts: Facts) -> bool:
    return facts["zk_server_state"] == "leader"


def _led(answers: dict[str, Facts]) -> tuple[str, int]:
    """The one leader, and how many servers follow it in sync. Some versions print every metric as a float."""
    (leader,) = (server for server, facts in answers.items() if _leads(facts))
    return leader, int(float(answers[leader].get("zk_synced_followers", 0)))


def client(*servers: ZooKeeperServer, timeout: float = 10.0) -> KazooClient:
    """A started client of these servers alone, to be stopped and closed. Raises OSError naming them."""
    hosts = ",".join(f"{server.host}:{server.port}" for server in servers)
    zookeeper = KazooClient(hosts=hosts, timeout=timeout, connection_retry=KazooRetry(max_tries=3))
    try:
        zookeeper.start(timeout=timeout)
    except KazooTimeoutError:
        raise OSError(f"no session with {hosts} within {timeout:g} s") from None
    return zookeeper


@contextmanager
def session(*servers: ZooKeeperServer, timeout: float = 10.0) -> Iterator[KazooClient]:
    """A client that is stopped and closed in the end. Raises OSError naming the servers."""
    started = client(*servers, timeout=timeout)
    try:
        yield started
    finally:
        started.stop()
        started.close()
