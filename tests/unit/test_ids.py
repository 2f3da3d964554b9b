"""Ids by name: what the inventory gives, or the place in a list; never another than a machine bears."""

from __future__ import annotations

from typing import Any

import pytest
from ids_by_name import FilterModule as IdsByName
from ids_by_name import ids_by_name
from renumbered import FilterModule as Renumbered
from renumbered import renumbered

from tests.unit.test_rules import said


@pytest.mark.parametrize(
    ("given", "prefix", "ids"),
    [
        ({}, "", {"a": 1, "b": 2, "c": 3}),
        ({"a": 0, "b": "", "c": None}, "", {"a": 1, "b": 2, "c": 3}),
        ({"c": 9}, "", {"a": 1, "b": 2, "c": 9}),
        ({"a": "7"}, "", {"a": 7, "b": 2, "c": 3}),
        ({}, "nn", {"a": "nn1", "b": "nn2", "c": "nn3"}),
        ({"a": "nn2", "b": "nn1"}, "nn", {"a": "nn2", "b": "nn1", "c": "nn3"}),
        ({"b": ""}, "rm", {"a": "rm1", "b": "rm2", "c": "rm3"}),
    ],
)
def test_an_id_is_given_or_a_place(given: dict[str, Any], prefix: str, ids: dict[str, Any]) -> None:
    hostvars = {host: {"id": given[host]} if host in given else {} for host in "abz"}
    hostvars |= {"c": {"id": given["c"]}} if "c" in given else {}  # else a name that is no machine
    assert ids_by_name(["a", "b", "c"], hostvars, "id", prefix) == ids
    assert list(ids_by_name(["a", "b", "c"], hostvars, "id", prefix)) == ["a", "b", "c"]


KEY = "dfs.namenode.rpc-address.lab."
BOTH = {f"{KEY}nn1": "a:8020", f"{KEY}nn2": "b:8020"}
PINS = "Pin what they bear: host_vars/b.yml: id: nn2; host_vars/a.yml: id: nn1"


@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        ({}, {"a": "nn1"}, ""),
        ({"a": {}}, {"a": "nn2"}, ""),
        ({"a": BOTH, "b": BOTH}, {"a": "nn1", "b": "nn2"}, ""),
        ({"a": BOTH, "b": BOTH}, {"b": "nn1", "a": "nn2"}, PINS),
        # Whoever has the file says it.
        ({"c": BOTH}, {"a": "nn2"}, "host_vars/a.yml: id: nn1"),
        # A machine in the place of one that is gone.
        ({"a": BOTH, "b": BOTH}, {"a": "nn1", "c": "nn2"}, ""),
        ({"a": {"other": "a:8020"}}, {"a": "nn2"}, ""),
        ({"a": {f"{KEY}nn1": "a"}}, {"a": "nn2"}, "now gives a nn2"),
    ],
)
def test_no_member_is_given_another_id_than_it_bears(
    found: dict[str, dict[str, str]], wanted: dict[str, str], says: str
) -> None:
    refusals = renumbered(found, "id", wanted, KEY)
    assert [says in line for line in refusals] == [True] * bool(says)


@pytest.mark.parametrize(
    ("on", "says"),
    [
        ({}, ""),
        ({"a": {"zookeeper_id": 3}, "c": {"zookeeper_id": 1}}, ""),
        ({"a": {"zookeeper_id": 3}}, "zookeeper_id is 3 on a, c: each needs its own"),
        ({"a": {"zookeeper_id": 256}}, "zookeeper_id of a is '256': give a number from 1 to 255"),
        ({"a": {"zookeeper_id": -1}}, "zookeeper_id of a is '-1': give a number from 1 to 255"),
        ({"a": {"hdfs_namenode_id": "nn2"}}, "hdfs_namenode_id is nn2 on a, b: each needs its own"),
        ({"a": {"hdfs_namenode_id": "nn2"}, "b": {"hdfs_namenode_id": "nn1"}}, ""),
        ({"b": {"hdfs_namenode_id": "n.1"}}, "hdfs_namenode_id of b is 'n.1': give a letter"),
        ({"b": {"yarn_resourcemanager_id": "rm1"}}, "yarn_resourcemanager_id is rm1 on a, b: each needs"),
        ({"b": {"yarn_resourcemanager_id": "r,m"}}, "yarn_resourcemanager_id of b is 'r,m': give a letter"),
        # It is no member.
        ({"c": {"hdfs_namenode_id": "nn1"}}, ""),
    ],
)
def test_ids_that_cannot_be(on: dict[str, dict[str, Any]], says: str) -> None:
    refusals = said(on=on)
    if not says:
        assert refusals == {}
    else:
        (line,) = refusals["member-id"]
        assert line.startswith(says)


def test_ansible_finds_the_filters() -> None:
    assert IdsByName().filters() == {"ids_by_name": ids_by_name}
    assert Renumbered().filters() == {"renumbered": renumbered}
