"""Where the daemons of a service listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
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


@pytest.mark.parametrize(
    ("address", "port"),
    [("0.0.0.0:8041", 8041), ("a:8041", 8041), ("[::]:8041", 8041), ("8041", 8041), (8041, 8041)],
)
def test_a_property_moves_the_port(address: Any, port: int) -> None:
    page = SERVER | {"hosts": ["a"], "property": "web.address"}
    (moved,) = to_endpoints([page], {"web.address": address})
    assert moved["port"] == port
    assert "property" not in moved
    assert [each["port"] for each in to_endpoints([page], {"other": 1})] == [2181]


def test_a_value_is_made_once() -> None:
    looked = Counter[str]()

    class Templates(Mapping[str, Any]):
        """Stands for a dict of templates, which are rendered at each look."""

        def __iter__(self) -> Iterator[str]:
            return iter(SERVER)

        def __len__(self) -> int:
            return len(SERVER)

        def __getitem__(self, key: str) -> Any:
            looked[key] += 1
            return SERVER[key]

    to_endpoints([Templates()])
    assert looked == dict.fromkeys(SERVER, 1)


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_endpoints": to_endpoints}
