"""Units of Hadoop daemons: each JVM option in the variable that its launcher reads."""

from __future__ import annotations

from typing import Any

import pytest
from to_hadoop_units import FilterModule, to_hadoop_units

COMMON = {
    "group": "hadoop",
    "environment": {"JAVA_HOME": "/java"},
    "reads": ["/etc/hadoop/core-site.xml"],
    "java_options": ["-XX:+UseSerialGC", "-Dx=1"],
}


def test_golden() -> None:
    daemons = {
        "hdfs-namenode": {
            "command": "hdfs namenode",
            "user": "hdfs",
            "heap": "1g",
            "writes": "/var/lib/hdfs/name",
            "reads": ["/etc/hadoop/hdfs-site.xml"],
            "needs": "/var/lib/hdfs/name/current/VERSION",
        }
    }
    assert to_hadoop_units(daemons, COMMON) == {
        "hdfs-namenode": {
            "reads": ["/etc/hadoop/core-site.xml", "/etc/hadoop/hdfs-site.xml"],
            "Unit": {
                "Description": "Hadoop hdfs namenode",
                "ConditionPathExists": "/var/lib/hdfs/name/current/VERSION",
            },
            "Service": {
                "User": "hdfs",
                "Group": "hadoop",
                "RuntimeDirectory": "hdfs-namenode",
                "ReadWritePaths": "/var/lib/hdfs/name",
                "Environment": {
                    "JAVA_HOME": "/java",
                    "HDFS_NAMENODE_OPTS": "-Xmx1g -XX:+UseSerialGC -Dx=1",
                },
                "ExecStart": "/opt/hadoop/bin/hdfs namenode",
            },
        }
    }


# As upstream's hadoop-env.sh names them.
@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("hdfs datanode", "HDFS_DATANODE_OPTS"),
        ("hdfs journalnode", "HDFS_JOURNALNODE_OPTS"),
        ("hdfs zkfc", "HDFS_ZKFC_OPTS"),
        ("yarn resourcemanager", "YARN_RESOURCEMANAGER_OPTS"),
        ("yarn nodemanager", "YARN_NODEMANAGER_OPTS"),
        ("mapred historyserver", "MAPRED_HISTORYSERVER_OPTS"),
    ],
)
def test_heap_is_in_upstreams_variable(command: str, variable: str) -> None:
    unit = to_hadoop_units({"x": {"command": command, "user": "u", "heap": "64m"}}, COMMON)["x"]
    assert unit["Service"]["Environment"][variable] == "-Xmx64m -XX:+UseSerialGC -Dx=1"


def test_what_a_daemon_lacks_is_left_out() -> None:
    unit: dict[str, Any] = to_hadoop_units({"x": {"command": "a b", "user": "u", "heap": "1g"}}, COMMON)["x"]
    assert unit["reads"] == COMMON["reads"]
    assert unit["Service"]["ReadWritePaths"] is None
    assert unit["Unit"]["ConditionPathExists"] is None


def test_daemons_share_nothing_that_one_could_change() -> None:
    daemons = {name: {"command": f"hdfs {name}", "user": "u", "heap": "1g"} for name in ("a", "b")}
    units = to_hadoop_units(daemons, COMMON)
    assert set(units["a"]["Service"]["Environment"]) == {"JAVA_HOME", "HDFS_A_OPTS"}
    assert set(units["b"]["Service"]["Environment"]) == {"JAVA_HOME", "HDFS_B_OPTS"}
    assert COMMON["environment"] == {"JAVA_HOME": "/java"}


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_hadoop_units": to_hadoop_units}
