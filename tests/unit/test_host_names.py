"""Whether daemons can use the names of the machines: what a name is on a host, and what is said of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from host_names import address, name_faults

UNKNOWN = (
    "this machine has no address of {}: "
    "give every machine of the cluster the names of all, by DNS or in its /etc/hosts"
)
LOOPBACK = (
    "this machine finds a at 127.0.1.1, where daemons would listen for this machine only: in its /etc/hosts "
    "remove the line '127.0.1.1 a', or write the address by which others reach a"
)


@pytest.mark.parametrize(
    ("addresses", "faults"),
    [
        ({}, []),
        ({"a": "192.0.2.1", "b": "192.0.2.2"}, []),
        ({"a": "192.0.2.1", "b": None, "c": None}, [UNKNOWN.format("b, c")]),
        # As Debian's installer leaves /etc/hosts; a cluster of one machine finds itself there.
        ({"a": "127.0.1.1", "b": "192.0.2.2"}, [LOOPBACK]),
        ({"a": "127.0.1.1"}, []),
        ({"a": None}, [UNKNOWN.format("a")]),
        ({"a": "127.0.1.1", "b": None}, [UNKNOWN.format("b"), LOOPBACK]),
    ],
)
def test_names_that_daemons_cannot_use(addresses: dict[str, str | None], faults: list[str]) -> None:
    assert name_faults(addresses) == faults


def test_the_address_is_the_first_one_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(*question: Any) -> Any:
        asked.append(question)
        return [(None, None, None, "", (host, 0)) for host in ("192.0.2.1", "127.0.1.1")]

    assert address("localhost") == "127.0.0.1"
    assert address("no-such-name.invalid") is None
    assert address("a" * 70) is None
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert address("a") == "192.0.2.1"
    assert asked == [("a", None, socket.AF_INET, socket.SOCK_STREAM)]
