"""The hosts of plays, from the plan that one of them has."""

from __future__ import annotations

from typing import Any

import pytest
from planned import FilterModule, planned

PLAN: dict[str, Any] = {
    "check": False,
    "install": ["b", "a"],
    "services": {
        "kafka": {
            "deploy": ["c"],
            "roll": ["b", "a"],
            "batches": [["b"], ["a"]],
            "follow": ["d"],
            "machines": {"c": {}, "a": {}},
        },
        "yarn": {"deploy": [], "roll": ["c", "a", "b"], "batches": [["c", "a"], ["b"]], "follow": []},
    },
}


@pytest.mark.parametrize(
    ("verb", "service", "hosts"),
    [
        ("install", "", ["b", "a"]),
        ("deploy", "kafka", ["c"]),
        ("follow", "kafka", ["d"]),
        ("machines", "kafka", ["c", "a"]),
        ("follow", "yarn", []),
        ("roll", "kafka", ["b", "a"]),
        ("deploy", "yarn", []),
        ("roll", "yarn", ["c", "a", "b"]),
        ("serial", "kafka", [1, 1]),
        ("serial", "yarn", [2, 1]),
        # With nothing to do a service is not in the plan.
        ("deploy", "zookeeper", []),
        ("roll", "zookeeper", []),
        ("serial", "zookeeper", []),
    ],
)
def test_hosts(verb: str, service: str, hosts: list[Any]) -> None:
    assert planned({"a": {}, "b": {"__common_plan": PLAN}, "c": {}}, verb, service) == hosts
    # A check says what would be, and does nothing.
    assert planned({"a": {"__common_plan": PLAN | {"check": True}}}, verb, service) == []


@pytest.mark.parametrize("hostvars", [{}, {"a": {}, "b": {"__common_plan": None}}])
@pytest.mark.parametrize(("verb", "service"), [("install", ""), ("roll", "kafka")])
def test_without_a_plan_there_are_none(hostvars: dict[str, Any], verb: str, service: str) -> None:
    assert planned(hostvars, verb, service) == []


def test_the_plan_is_left_as_it_is() -> None:
    planned({"a": {"__common_plan": PLAN}}, "roll", "kafka").append("x")
    assert PLAN["services"]["kafka"]["roll"] == ["b", "a"]


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"planned": planned}
