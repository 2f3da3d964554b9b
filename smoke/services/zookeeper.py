"""ZooKeeper: the state of an ensemble by four-letter words, and a client of one server."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.retry import KazooRetry

from smoke.services import Verdict, plural

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
    """Ask each server."""
    state: State = {}
    for server in section.servers:
        try:
            state[f"{server.host}:{server.port}"] = parse_mntr(four_letter_word(server, "mntr"))
        except OSError as error:
            state[f"{server.host}:{server.port}"] = error.strerror or str(error) or type(error).__name__
    return state


def judge(state: State) -> Verdict:
    """One leader that all others follow in sync; or one server, standalone."""
    if not state:
        return False, "no servers"
    silent = {server: facts for server, facts in state.items() if isinstance(facts, str)}
    if silent:
        return False, ", ".join(f"{server}: {why}" for server, why in silent.items())
    facts_of = {server: facts for server, facts in state.items() if isinstance(facts, dict)}
    modes = sorted(facts["zk_server_state"] for facts in facts_of.values())
    if modes == ["standalone"]:
        return True, "standalone"
    followers = len(state) - 1
    if modes != ["follower"] * followers + ["leader"] or followers == 0:
        return False, "states: " + ", ".join(modes)
    (leader,) = (server for server, facts in facts_of.items() if facts["zk_server_state"] == "leader")
    synced = facts_of[leader].get("zk_synced_followers", "none")
    if synced not in (str(followers), f"{followers}.0"):  # some versions print every metric as a float
        return False, f"leader {leader}: {synced} of {plural(followers, 'follower')} synced"
    return True, f"leader {leader}, {plural(followers, 'follower')} synced"


def judge_quorum(state: State) -> Verdict:
    """One leader, and a majority of all servers that is in sync with it, itself among them."""
    facts_of = {server: facts for server, facts in state.items() if isinstance(facts, dict)}
    leaders = [server for server, facts in facts_of.items() if facts["zk_server_state"] == "leader"]
    if len(leaders) != 1:
        return False, f"leaders: {', '.join(leaders) or 'none'}"
    (leader,) = leaders
    synced = int(float(facts_of[leader].get("zk_synced_followers", 0)))
    sentence = f"leader {leader}, {synced} of {plural(len(state) - 1, 'follower')} synced"
    return 2 * (synced + 1) > len(state), sentence


def client(*servers: ZooKeeperServer, timeout: float = 10.0) -> KazooClient:
    """A started client of these servers alone, to be stopped and closed. Raises OSError naming them."""
    hosts = ",".join(f"{server.host}:{server.port}" for server in servers)
    zookeeper = KazooClient(hosts=hosts, timeout=timeout, connection_retry=KazooRetry(max_tries=3))
    try:
        zookeeper.start(timeout=timeout)
    except KazooTimeoutError:
        raise OSError(f"no session with {hosts} within {timeout:g} s") from None
    return zookeeper
