"""The services of a cluster: for each the facts a gate asks for, how they are judged, a client's verbs.

A gate is a fetcher and pure functions. The fetcher turns every trouble of one server into text, so that they
see the whole: faults (what is not exactly right), judge (whether nothing is, and what is awaited),
against_restart (why a daemon must not be taken away now) and daemon_states (what each is: leader, active).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Verdict = tuple[bool, str]
"""Whether it is right, and a sentence."""

Daemon = tuple[str, str]
"""A machine and a unit on it."""


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it should be."""

    subject: str
    """What it is about (a partition, a file, a host): the same at the next look, as long as it is there."""
    sentence: str
    amount: int = 1
    """How much of it there is: more is worse."""
    follows: tuple[str, ...] = ()
    """Subjects whose own faults bring it about, at once or when the service notices that they are away."""


def sentences(faults: Iterable[Fault], most: int = 3) -> str:
    """The first of them in one line, and how many there are beside."""
    said = list(dict.fromkeys(fault.sentence for fault in faults))
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more


def worse(faults: Iterable[Fault], known: Mapping[str, int]) -> list[Fault]:
    """Those that were not there before, or less of them; known: subject -> amount.

    What follows from known ones alone is known, too, though it was not there yet: a service gives a machine
    that is away up only after seconds, or minutes.
    """
    return [
        fault
        for fault in faults
        if fault.amount > known.get(fault.subject, 0)
        and not (fault.follows and all(name in known for name in fault.follows))
    ]


def outside(count: int, expected: int, silent: int) -> int:
    """By how many a count of members is not what is expected; 0 also where those that are silent still count.

    Each silent one is a fault of its own, before the service has given it up and afterwards.
    """
    return max(expected - silent - count, count - expected, 0)


def verdict(faults: Iterable[Fault], right: str) -> Verdict:
    """Right when there is no fault."""
    said = sentences(faults)
    return not said, said or right


def no_majority(host: str, rest: int, whole: int, what: str) -> list[Fault]:
    """Why a member of a quorum must not be taken away: the rest are no majority. Nothing when they are."""
    if 2 * rest > whole:
        return []
    return [Fault(host, f"without {host} {rest} of {plural(whole, what)} are in sync, which is no majority")]


def the_only(host: str, members: int, what: str) -> list[Fault]:
    """Why the only member there is must not be removed. Nothing when there are others."""
    return [Fault(host, f"the {what} on {host} is the only one")] if members == 1 else []


def can_spare_one(members: int) -> bool:
    """Whether a quorum of so many goes on without one of them."""
    return 2 * (members - 1) > members


ASKED_AT_ONCE = 64
"""Daemons of one service; a host that is silent keeps one for some seconds."""


def plural(count: int, noun: str) -> str:
    """The count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_error(error: BaseException) -> str:
    """The error's name and text; some texts begin with the name."""
    name, text = type(error).__name__, str(error)
    return text if text.startswith(name) else f"{name}: {text}".rstrip(": ")


def connect_error(host: str, port: int, timeout: float = 3.0) -> str:
    """Why the port takes no connection; empty when it does."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""
