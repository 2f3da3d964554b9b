"""The description of a cluster from the values of its services; smoke.cluster is its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cluster_description import FilterModule, cluster_description
from kafka_brokers import kafka_endpoints
from to_endpoints import to_endpoints

from smoke.cluster import Cluster, load
from tests.unit.smoke_lab import write


def daemon(
    name: str, unit: str, port: int, *hosts: str, protocol: str = "http", ids: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A daemon as the roles say it."""
    return {
        "ids": dict(zip(hosts, ids, strict=False)),
        "daemon": name,
        "unit": unit,
        "port": port,
        "hosts": hosts,
        "protocol": protocol,
        "variable": unit,
    }


def service(name: str, *daemons: dict[str, Any], describes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The value of a service, as far as the description reads it."""
    hosts = list(dict.fromkeys(host for each in daemons for host in each["hosts"]))
    value = {"name": name, "hosts": hosts, "endpoints": to_endpoints(daemons)}
    return value | ({} if describes is None else {"describes": describes})


def kafka(
    brokers: dict[str, list[dict[str, Any]]], version: str, zookeeper: str = "", *, others_join: bool = False
) -> dict[str, Any]:
    """The value of Kafka."""
    return {
        "name": "kafka",
        "hosts": list(brokers),
        "endpoints": kafka_endpoints(brokers, version, zookeeper),
        "describes": {"version": version, "zookeeper_connect": zookeeper, "others_join": others_join},
    }


SPARK = {"submit_host": "a", "home": "/opt/spark", "user": "spark", "hdfs_home": "/user/spark"}
CLIENT = {"dfs.nameservices": "lab"}
HIGHLY_AVAILABLE = [
    {"name": "java", "hosts": ["a", "b", "c"]},
    service(
        "zookeeper",
        daemon("server", "zookeeper", 2181, "a", "b", "c", protocol="zookeeper"),
        daemon("server", "zookeeper", 2888, "a", "b", "c", protocol="quorum"),
    ),
    {"name": "hadoop", "hosts": ["a", "b", "c"]},
    service(
        "hdfs",
        daemon("namenode", "hdfs-namenode", 8020, "a", "b", protocol="rpc"),
        daemon("namenode", "hdfs-namenode", 9870, "a", "b", ids=("nn1", "nn2")),
        daemon("secondarynamenode", "hdfs-secondarynamenode", 9868),
        daemon("datanode", "hdfs-datanode", 9864, "a", "c"),
        daemon("journalnode", "hdfs-journalnode", 8485, "a", "b", "c", protocol="rpc"),
        daemon("journalnode", "hdfs-journalnode", 8480, "a", "b", "c"),
        daemon("zkfc", "hdfs-zkfc", 8019, "a", "b", protocol="rpc"),
        describes={"default_fs": "hdfs://lab", "client": CLIENT},
    ),
    kafka(
        {
            "a": [{"id": 1, "host": "a", "port": 9092, "controller_port": 9093}],
            "b": [{"id": 2, "host": "b", "port": 9092, "controller_port": 9093}],
        },
        "4.3.0",
    ),
    service(
        "yarn",
        daemon("resourcemanager", "yarn-resourcemanager", 8088, "a", "b", ids=("rm1", "rm2")),
        daemon("nodemanager", "yarn-nodemanager", 8041, "c", protocol="rpc"),
        daemon("nodemanager", "yarn-nodemanager", 8042, "c"),
        daemon("historyserver", "mapred-historyserver", 10020, "b", protocol="rpc"),
        daemon("historyserver", "mapred-historyserver", 19888, "b"),
    ),
    service(
        "spark",
        daemon("historyserver", "spark-historyserver", 18080, "b"),
        describes=SPARK | {"event_logs": "/spark-logs"},
    ),
]


def test_controllers_with_machines_of_their_own() -> None:
    """Whatever a broker that is on a machine with a controller, too: only those that are none are listed."""
    described = cluster_description(
        [
            kafka(
                {
                    "a": [{"id": 1, "host": "a.out", "port": 9092}],
                    "b": [{"id": 2, "host": "b", "port": 9092, "controller_port": 9093}],
                    "c": [{"id": 1001, "host": "c", "controller_port": 9093}],
                },
                "4.3.0",
            )
        ]
    )["kafka"]
    assert described["voters"] == [2, 1001]
    assert [broker["id"] for broker in described["brokers"]] == [1, 2]
    assert described["controllers"] == [
        {"id": 1001, "host": "c", "port": 9093, "unit": "kafka@1001", "machine": "c"}
    ]


def page(host: str, port: int, unit: str, **more: Any) -> dict[str, Any]:
    """A daemon asked over HTTP, as it is described."""
    return {"host": host, "http_port": port, "unit": unit} | more


def test_highly_available() -> None:
    assert cluster_description(HIGHLY_AVAILABLE) == {
        "zookeeper": {"servers": [{"host": host, "port": 2181, "unit": "zookeeper"} for host in "abc"]},
        "kafka": {
            "version": "4.3.0",
            "zookeeper_connect": "",
            "others_join": False,
            "voters": [1, 2],
            "brokers": [
                {"id": 1, "host": "a", "port": 9092, "unit": "kafka@1", "machine": "a"},
                {"id": 2, "host": "b", "port": 9092, "unit": "kafka@2", "machine": "b"},
            ],
            "controllers": [],
            "standalone": [],
        },
        "hdfs": {
            "default_fs": "hdfs://lab",
            "client": CLIENT,
            "namenodes": [
                page("a", 9870, "hdfs-namenode", id="nn1"),
                page("b", 9870, "hdfs-namenode", id="nn2"),
            ],
            "journalnodes": [page(host, 8480, "hdfs-journalnode") for host in "abc"],
            "datanodes": ["a", "c"],
            "zkfc_unit": "hdfs-zkfc",
            "zkfc_port": 8019,
            "datanode_unit": "hdfs-datanode",
            "datanode_http_port": 9864,
        },
        "yarn": {
            "resourcemanagers": [
                page("a", 8088, "yarn-resourcemanager", id="rm1"),
                page("b", 8088, "yarn-resourcemanager", id="rm2"),
            ],
            "nodemanagers": ["c"],
            "nodemanager_unit": "yarn-nodemanager",
            "nodemanager_http_port": 8042,
            "historyserver": page("b", 19888, "mapred-historyserver"),
        },
        "spark": SPARK
        | {"event_logs": "/spark-logs", "historyserver": page("b", 18080, "spark-historyserver")},
    }


PLAIN = [
    service("zookeeper", daemon("server", "zookeeper", 2181, "a", protocol="zookeeper")),
    service(
        "hdfs",
        daemon("namenode", "hdfs-namenode", 50070, "a", ids=("nn1",)),
        daemon("secondarynamenode", "hdfs-secondarynamenode", 50090, "a"),
        daemon("datanode", "hdfs-datanode", 50075, "b"),
        daemon("journalnode", "hdfs-journalnode", 8480),
        describes={"default_fs": "hdfs://a:8020", "client": {}},
    ),
    kafka(
        {
            "a": [
                {"id": 1, "host": "a", "port": 9092},
                {
                    "id": 10,
                    "host": "a",
                    "port": 9095,
                    "version": "0.10.2.2",
                    "zookeeper_connect": "a:2181/own",
                },
            ]
        },
        "0.8.2.1",
        "a:2181",
        others_join=True,
    ),
    service(
        "yarn",
        daemon("resourcemanager", "yarn-resourcemanager", 8088, "a", ids=("rm1",)),
        daemon("nodemanager", "yarn-nodemanager", 8042),
        daemon("historyserver", "mapred-historyserver", 19888),
    ),
    service("spark", describes=SPARK) | {"hosts": ["a"]},
]


def test_plain() -> None:
    assert cluster_description(PLAIN) == {
        "zookeeper": {"servers": [{"host": "a", "port": 2181, "unit": "zookeeper"}]},
        "kafka": {
            "version": "0.8.2.1",
            "zookeeper_connect": "a:2181",
            "others_join": True,
            "voters": [],
            "brokers": [{"id": 1, "host": "a", "port": 9092, "unit": "kafka@1", "machine": "a"}],
            "controllers": [],
            "standalone": [
                {
                    "version": "0.10.2.2",
                    "zookeeper_connect": "a:2181/own",
                    "brokers": [{"id": 10, "host": "a", "port": 9095, "unit": "kafka@10", "machine": "a"}],
                }
            ],
        },
        "hdfs": {
            "default_fs": "hdfs://a:8020",
            "client": {},
            "namenodes": [page("a", 50070, "hdfs-namenode", id="nn1")],
            "journalnodes": [],
            "datanodes": ["b"],
            "datanode_unit": "hdfs-datanode",
            "datanode_http_port": 50075,
            "secondarynamenode": page("a", 50090, "hdfs-secondarynamenode"),
        },
        "yarn": {
            "resourcemanagers": [page("a", 8088, "yarn-resourcemanager", id="rm1")],
            "nodemanagers": [],
        },
        "spark": SPARK,
    }


def loaded(directory: Path, services: list[dict[str, Any]]) -> Cluster:
    """The cluster that smoke reads of it."""
    head: dict[str, Any] = {"name": "lab", "stack": "current", "versions": {}}
    machines = {host: {"ssh": ["ssh", host]} for host in "abc"}
    return load(write(directory, head | cluster_description(services) | {"machines": machines}))


@pytest.mark.parametrize(
    ("services", "units"),
    [
        (
            HIGHLY_AVAILABLE,
            {
                "a": (
                    *("zookeeper", "kafka@1"),
                    *(
                        "hdfs-namenode",
                        "hdfs-journalnode",
                        "hdfs-zkfc",
                        "hdfs-datanode",
                        "yarn-resourcemanager",
                    ),
                ),
                "c": ("zookeeper", "hdfs-journalnode", "hdfs-datanode", "yarn-nodemanager"),
            },
        ),
        (
            PLAIN,
            {
                "a": (
                    *("zookeeper", "kafka@1", "kafka@10"),
                    *("hdfs-namenode", "hdfs-secondarynamenode", "yarn-resourcemanager"),
                ),
                "b": ("hdfs-datanode",),
                "c": (),
            },
        ),
    ],
    ids=["highly-available", "plain"],
)
def test_smoke_reads_it(tmp_path: Path, services: list[Any], units: dict[str, tuple[str, ...]]) -> None:
    """By it a machine's units are known, for the journals."""
    cluster = loaded(tmp_path, services)
    assert {name: cluster.machines[name].units for name in units} == units
    # Every unit that somebody's endpoint names, and no other.
    named = {(each["machine"], each["unit"]) for of in services for each in of.get("endpoints", [])}
    assert {(host, unit) for host, names in cluster.units.items() for unit in names} == named


@pytest.mark.parametrize("name", ["zookeeper", "kafka", "hdfs", "yarn", "spark"])
def test_a_service_that_the_cluster_has_not_is_left_out(tmp_path: Path, name: str) -> None:
    services = [each | {"hosts": []} if each["name"] == name else each for each in HIGHLY_AVAILABLE]
    found = cluster_description(services)
    assert set(found) == {"zookeeper", "kafka", "hdfs", "yarn", "spark"} - {name}
    assert getattr(loaded(tmp_path, services), name) is None


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"cluster_description": cluster_description}
