"""Where the daemons of a service listen."""

from __future__ import annotations

from typing import Any

from to_endpoints import FilterModule, to_endpoints

SERVER: dict[str, Any] = {
    "daemon": "server",
    "hosts": ["b", "a"],
    "unit": "zookeeper",
    "port": "2181",
    "protocol": "zookeeper",
    "variable": "zookeeper_client_port",
}


def test_an_endpoint_for_each_host_of_each_daemon() -> None:
    server = {key: value for key, value in SERVER.items() if key != "hosts"} | {"port": 2181}
    quorum = SERVER | {"hosts": ["a"], "port": 2888, "protocol": "quorum"}
    assert to_endpoints([SERVER, quorum, SERVER | {"hosts": []}]) == [
        server | {"machine": "b"},
        server | {"machine": "a"},
        server | {"machine": "a", "port": 2888, "protocol": "quorum"},
    ]
    assert to_endpoints([]) == []
    assert SERVER["hosts"] == ["b", "a"]


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_endpoints": to_endpoints}
