"""What of an inventory's values is refused, and what must stay possible."""

from __future__ import annotations

from typing import Any

import pytest
from rules.forms import (
    directory_faults,
    host_faults,
    override_faults,
    port_faults,
    replica_faults,
    unit_faults,
    value_faults,
)


@pytest.mark.parametrize(
    "path",
    ["/data", "/data/kafka", "/var/lib/kafka", "/var/log/yarn-containers", "/srv/kafka", "/usr/local/kafka"],
)
def test_directories_that_are_a_services_own(path: str) -> None:
    assert directory_faults({"one": path, "two": "/other", "three": f"{path}-2"}) == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        *(
            (path, "give an absolute directory below /")
            for path in ("", "/", "//", "//data", "var/lib/kafka")
        ),
        *(
            (path, "write it without .., //, blanks and a slash at its end")
            for path in ("/var/lib/../..", "/data/./kafka", "/data//kafka", "/data/kafka/", "/data/my kafka")
        ),
        *(
            (path, f"write it without {odd}, which a unit, a shell or a list of directories reads otherwise")
            for path, odd in {
                "/data/100%": "%",
                "/data/a,b": ",",
                "/data/a:b": ":",
                "/data/$HOME": "$",
                "/data/k'a\"": "\" '",
                "/data/käse": "ä",
            }.items()
        ),
        *(
            (path, "which is the system's: give a directory of its own below it")
            for path in (
                "/etc",
                "/home",
                "/lib64",
                "/opt",
                "/srv",
                "/usr",
                "/usr/bin",
                "/usr/local",
                "/usr/local/lib",
            )
        ),
        *(
            (path, "which is the system's: give a directory of its own below it")
            for path in ("/var", "/var/cache", "/var/lib", "/var/log", "/var/tmp")
        ),
        *(
            (path, "which a reboot empties: give a directory on a disk")
            for path in ("/tmp", "/run/kafka", "/dev/shm/k")
        ),
        *(
            (
                path,
                "which ProtectHome hides from the services: give a directory elsewhere",
            )
            for path in ("/home/kafka", "/root/data")
        ),
    ],
)
def test_directories_that_are_not(path: str, fault: str) -> None:
    [said] = directory_faults({"kafka_data_dir": path})
    assert said in (f"kafka_data_dir is '{path}': {fault}", f"kafka_data_dir is '{path}', {fault}")


def test_equal_and_nested_directories() -> None:
    directories = {"one": "/data/a", "two": "/data/a/b", "three": "/data/ab", "four": "/data/a"}
    assert directory_faults(directories) == [
        f"{first} and {second}: give each a directory of its own, none in another"
        for first, second in (
            ("one is '/data/a'", "two is '/data/a/b'"),
            ("one is '/data/a'", "four is '/data/a'"),
            ("two is '/data/a/b'", "four is '/data/a'"),
        )
    ]


@pytest.mark.parametrize("port", [0, 65536, -1, "9092x", "", None, 90.92])
def test_no_port(port: Any) -> None:
    assert port_faults({"one": [1, "65535"], "two": [port]}) == [
        f"two gives the port {port}: give a number from 1 to 65535"
    ]


def test_a_port_of_two() -> None:
    ports: dict[str, list[Any]] = {
        "kafka_brokers": [9092, "9093", 9094],
        "zookeeper_client_port": [9093],
        "pages": [9094, 9093],
    }
    assert port_faults(ports) == [
        "port 9093 is that of kafka_brokers and zookeeper_client_port and pages: give each its own",
        "port 9094 is that of kafka_brokers and pages: give each its own",
    ]


def test_hosts_twice_and_outside() -> None:
    plays = {"hdfs_datanode_hosts": "hadoop", "kafka_hosts": "kafka", "spark_hosts": "spark"}
    lists = {"hdfs_datanode_hosts": ["a", "b"], "kafka_hosts": ["c", "a", "c"], "spark_hosts": []}
    assert host_faults(lists, plays, {"hadoop": ["a", "b", "c"], "kafka": ["a", "c"]}) == [
        "kafka_hosts has c more than once: name each host once"
    ]
    assert host_faults(lists, plays, {"hadoop": ["a"]}) == [
        "hdfs_datanode_hosts has b, not in the group hadoop: put it there",
        "kafka_hosts has c more than once: name each host once",
        "kafka_hosts has c, a, not in the group kafka: put it there",
    ]


OWNERS = {"log.dirs": "kafka_data_dir", "dfs.namenode.rpc-address*": "hdfs_namenode_hosts"}


@pytest.mark.parametrize(
    "key", ["listeners", "log.dirs.more", "dfs.namenode.rpc-bind-host", "message.max.bytes"]
)
def test_properties_that_are_the_users(key: str) -> None:
    assert override_faults({key: 1}, "overrides", OWNERS) == []


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("log.dirs", "kafka_data_dir"),
        ("dfs.namenode.rpc-address", "hdfs_namenode_hosts"),
        ("dfs.namenode.rpc-address.lab.nn1", "hdfs_namenode_hosts"),
    ],
)
@pytest.mark.parametrize("value", ["/d", ["/d"], None])
def test_properties_that_have_a_variable(key: str, owner: str, value: Any) -> None:
    assert override_faults({"a": 1, key: value}, "overrides", OWNERS) == [
        f"overrides has {key}, which the kit makes from {owner}: set that"
    ]


@pytest.mark.parametrize(
    "value",
    [
        "/d/1,/more",
        ["/more", "/d/1"],
        "/more, [SSD]file:///d/1",
        ["file:///d/1", "[DISK]file:///more"],
        "[SSD][0.5]file:/d/1",
    ],
)
def test_more_disks_beside_the_kits_directory(value: Any) -> None:
    assert override_faults({"log.dirs": value}, "overrides", OWNERS, {"log.dirs": "/d/1"}) == []


@pytest.mark.parametrize("value", ["/more", "/d/11", ["/d/1/2"], [], None])
def test_disks_without_the_kits_directory(value: Any) -> None:
    assert override_faults({"log.dirs": value}, "overrides", OWNERS, {"log.dirs": "/d/1"}) == [
        "overrides has log.dirs, which the kit makes from kafka_data_dir: set that, or keep /d/1 among them"
    ]


@pytest.mark.parametrize(
    ("factor", "least", "overrides", "brokers"),
    [
        (1, 1, {}, 1),
        ("2", "1", {}, 2),
        (3, 2, {"message.max.bytes": 1}, 3),
        (3, 2, {"offsets.topic.replication.factor": 5}, 5),
        (3, 2, {"transaction.state.log.replication.factor": 2, "transaction.state.log.min.isr": 1}, 3),
    ],
)
def test_replicas_that_survive_a_restart(factor: Any, least: Any, overrides: Any, brokers: int) -> None:
    assert replica_faults(factor, least, overrides, brokers) == []


@pytest.mark.parametrize(
    ("factor", "least", "overrides", "fault"),
    [
        (4, 2, {}, "kafka_replication_factor is 4 with 3 brokers: give 1 to 3, or add brokers"),
        (0, 1, {}, "kafka_replication_factor is 0 with 3 brokers"),
        ("three", 1, {}, "kafka_replication_factor is three with 3 brokers"),
        (
            3,
            3,
            {},
            "kafka_min_insync_replicas is 3 with kafka_replication_factor 3: it must be at least 1 and lower",
        ),
        (3, 0, {}, "kafka_min_insync_replicas is 0 with kafka_replication_factor 3"),
        (1, 2, {}, "kafka_min_insync_replicas is 2 with kafka_replication_factor 1"),
        (
            3,
            2,
            {"offsets.topic.replication.factor": 5},
            "offsets.topic.replication.factor is 5 with 3 brokers: give 1 to 3, or add brokers",
        ),
        (
            3,
            2,
            {"transaction.state.log.min.isr": 3},
            "transaction.state.log.min.isr is 3 with transaction.state.log.replication.factor 3: it must be",
        ),
        # As many in sync as all topics have, but fewer replicas.
        (
            3,
            2,
            {"share.coordinator.state.topic.replication.factor": 2},
            "share.coordinator.state.topic.min.isr is 2 with share.coordinator.state.topic.replication.",
        ),
    ],
)
def test_replicas_that_do_not(factor: Any, least: Any, overrides: Any, fault: str) -> None:
    [said] = replica_faults(factor, least, overrides, 3)
    assert said.startswith(fault)


def test_values_that_have_a_form_in_a_file() -> None:
    assert value_faults({"one": {"a": 1, "b": None, "c": ["x", 2, True]}, "two": {}}) == []


@pytest.mark.parametrize("value", [{}, {"a": 1}, ["x", {"a": 1}]])
def test_values_with_keys_of_their_own(value: Any) -> None:
    assert value_faults({"one": {"a": 1}, "two": {"b": value}}) == [
        "two has b with keys of its own: give text, a number, true, false or a list of these"
    ]


UNIT = {"Unit": {"After": ["a", "b"]}, "Service": {"Nice": 5, "Environment": {"A": "b"}}}


def test_units_that_can_be() -> None:
    assert unit_faults({}, "kafka_unit_overrides") == []
    assert unit_faults(UNIT, "kafka_unit_overrides") == []
    assert unit_faults({"hdfs-zkfc": UNIT}, "hdfs_unit_overrides", ["hdfs-zkfc"]) == []


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"Servce": {"Nice": 5}}, " has the section Servce: the sections are Unit, Service, Install"),
        ({"Service": "Nice=5"}, "['Service'] is 'Nice=5': give keys with their values"),
        ({"Service": {"Nice": {"a": 5}}}, "['Service'] has Nice with keys of its own: give text"),
        ("Nice=5", " is 'Nice=5': give sections (Unit, Service, Install) with their keys"),
    ],
)
def test_units_that_cannot(sections: Any, fault: str) -> None:
    [said] = unit_faults(sections, "kafka_unit_overrides")
    assert said.startswith(f"kafka_unit_overrides{fault}")
    [said] = unit_faults({"a": UNIT, "b": sections}, "hdfs_unit_overrides", ["a", "b"])
    assert said.startswith(f"hdfs_unit_overrides['b']{fault}")


def test_a_unit_that_is_none() -> None:
    assert unit_faults({"namenode": {}}, "hdfs_unit_overrides", {"hdfs-namenode": 1, "hdfs-zkfc": 2}) == [
        "hdfs_unit_overrides has namenode: the units are hdfs-namenode, hdfs-zkfc"
    ]
