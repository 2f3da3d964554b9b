"""What the daemons of Hadoop on a host add to their service."""

from __future__ import annotations

from typing import Any

import pytest
from hadoop_daemons import FilterModule, hadoop_units, hdfs_client

DAEMONS: dict[str, dict[str, Any]] = {
    "hdfs-journalnode": {
        "hosts": ["a", "b"],
        "command": "hdfs journalnode",
        "user": "hdfs",
        "heap": "64m",
        "writes": "/journal",
    },
    "hdfs-namenode": {
        "hosts": ["a"],
        "command": "hdfs namenode",
        "user": "hdfs",
        "heap": "1g",
        "writes": "/name",
        "needs": "/name/current/VERSION",
        "restart_on": ["/etc/hadoop/more.xml"],
        "environment": {"X": "1"},
    },
}


def test_golden() -> None:
    overrides = {"hdfs-namenode": {"Service": {"Nice": 5}}}
    assert hadoop_units(DAEMONS, "a", ["/etc/hadoop/core-site.xml"], ["-Dx=1"], overrides) == [
        {
            "name": "hdfs-journalnode",
            "role": "hadoop",
            "src": "hadoop-daemon.service.j2",
            "vars": {
                "name": "hdfs-journalnode",
                "command": "hdfs journalnode",
                "user": "hdfs",
                "heap": "64m",
                "writes": "/journal",
                "java_options": ["-Dx=1"],
            },
            "overrides": {},
            "restart_on": ["/etc/hadoop/core-site.xml"],
        },
        {
            "name": "hdfs-namenode",
            "role": "hadoop",
            "src": "hadoop-daemon.service.j2",
            "vars": {
                "name": "hdfs-namenode",
                "command": "hdfs namenode",
                "user": "hdfs",
                "heap": "1g",
                "writes": "/name",
                "needs": "/name/current/VERSION",
                "environment": {"X": "1"},
                "java_options": ["-Dx=1"],
            },
            "overrides": {"Service": {"Nice": 5}},
            "restart_on": ["/etc/hadoop/core-site.xml", "/etc/hadoop/more.xml"],
        },
    ]


@pytest.mark.parametrize(
    ("host", "units"),
    [("a", ["hdfs-journalnode", "hdfs-namenode"]), ("b", ["hdfs-journalnode"]), ("c", [])],
)
def test_a_host_has_its_own_daemons_in_their_order(host: str, units: list[str]) -> None:
    assert [unit["name"] for unit in hadoop_units(DAEMONS, host, [], [], {})] == units


def test_daemons_share_nothing_that_one_could_change() -> None:
    shared = ["/etc/hadoop/core-site.xml"]
    one, other = hadoop_units(DAEMONS, "a", shared, [], {})
    one["restart_on"].append("/more")
    assert "/more" not in other["restart_on"]
    assert shared == ["/etc/hadoop/core-site.xml"]


def test_what_a_client_of_hdfs_is_told() -> None:
    told = {
        "dfs.nameservices": "lab",
        "dfs.ha.namenodes.lab": "nn1,nn2",
        "dfs.namenode.rpc-address.lab.nn1": "a:8020",
        "dfs.namenode.rpc-address": "a:8020",
        "dfs.client.failover.proxy.provider.lab": "x.Provider",
    }
    others = {
        "dfs.replication": 3,
        "dfs.namenode.name.dir": "/name",
        "dfs.namenode.http-address": "a:9870",
        "dfs.ha.automatic-failover.enabled": True,
    }
    assert hdfs_client(others | told) == told
    assert hdfs_client({"dfs.client.retry.times": 3}) == {"dfs.client.retry.times": "3"}


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "hadoop_units": hadoop_units,
        "hdfs_client": hdfs_client,
    }
