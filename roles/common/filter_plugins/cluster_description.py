"""What a cluster is, for the programs of the controller: services, addresses, units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: cluster_description
author: Millrace
short_description: the services of a cluster as the controller's programs see them
description:
  - Reads nothing but the values of services. C(smoke/cluster.py) is the schema of the result.
options:
  _input:
    description: values of services, of each its C(endpoints), and C(describes), what else is told of it
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
cluster: "{{ common_services | cluster_description }}"
"""

RETURN = r"""
_value:
  description: a section for each service that the cluster has
  type: dict
"""

Services = Mapping[str, Mapping[str, Any]]
Endpoint = Mapping[str, Any]

SERVICES = ("zookeeper", "kafka", "hdfs", "yarn", "spark")


def cluster_description(services: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sections zookeeper, kafka, hdfs, yarn and spark, as far as the cluster has them.

    services: {"name": ..., "hosts": [...], "endpoints": [{"machine", "daemon", "unit", "port", "protocol"}],
        "describes": facts that are the whole service's}
    """
    # A role that is used alone tells of its own service.
    absent: Services = {name: {"hosts": [], "endpoints": []} for name in SERVICES}
    known = {**absent} | {service["name"]: service for service in services}
    made = {
        "zookeeper": _zookeeper(known),
        "kafka": _kafka(known),
        "hdfs": _hdfs(known),
        "yarn": _yarn(known),
        "spark": _spark(known),
    }
    return {name: section for name, section in made.items() if section}


def _endpoints(services: Services, name: str, daemon: str, protocol: str) -> list[Endpoint]:
    """The endpoints of each daemon that speaks a protocol."""
    endpoints = services[name]["endpoints"] if services[name]["hosts"] else []
    return [each for each in endpoints if (each["daemon"], each["protocol"]) == (daemon, protocol)]


def _pages(services: Services, name: str, daemon: str) -> list[dict[str, Any]]:
    """Daemons that are asked over HTTP."""
    return [
        {"host": each["machine"], "http_port": each["port"], "unit": each["unit"]}
        | ({"id": each["id"]} if "id" in each else {})
        for each in _endpoints(services, name, daemon, "http")
    ]


def _zookeeper(services: Services) -> dict[str, Any]:
    servers = [
        {"host": each["machine"], "port": each["port"], "unit": each["unit"]}
        for each in _endpoints(services, "zookeeper", "server", "zookeeper")
    ]
    return {"servers": servers} if servers else {}


def _broker(endpoint: Endpoint) -> dict[str, Any]:
    return {key: endpoint[key] for key in ("id", "host", "port", "unit", "machine")}


def _kafka(services: Services) -> dict[str, Any]:
    if not services["kafka"]["hosts"]:
        return {}
    voters = _endpoints(services, "kafka", "controller", "raft")
    brokers = [_broker(each) for each in _endpoints(services, "kafka", "broker", "kafka")]
    ids = {broker["id"] for broker in brokers}
    return {
        **services["kafka"]["describes"],
        "voters": [each["id"] for each in voters],
        "brokers": brokers,
        "controllers": [_broker(each) for each in voters if each["id"] not in ids],
        "standalone": [
            {
                "version": each["version"],
                "zookeeper_connect": each["zookeeper_connect"],
                "brokers": [_broker(each)],
            }
            for each in _endpoints(services, "kafka", "standalone", "kafka")
        ],
    }


def _hdfs(services: Services) -> dict[str, Any]:
    namenodes = _pages(services, "hdfs", "namenode")
    if not namenodes:
        return {}
    datanodes = _pages(services, "hdfs", "datanode")
    section: dict[str, Any] = {
        **services["hdfs"]["describes"],
        "namenodes": namenodes,
        "journalnodes": _pages(services, "hdfs", "journalnode"),
        "datanodes": [page["host"] for page in datanodes],
    }
    if controllers := _endpoints(services, "hdfs", "zkfc", "rpc"):
        section |= {"zkfc_unit": controllers[0]["unit"], "zkfc_port": controllers[0]["port"]}
    if datanodes:
        section |= {"datanode_unit": datanodes[0]["unit"], "datanode_http_port": datanodes[0]["http_port"]}
    secondary = _pages(services, "hdfs", "secondarynamenode")
    return section | ({"secondarynamenode": secondary[0]} if secondary else {})


def _yarn(services: Services) -> dict[str, Any]:
    managers = _pages(services, "yarn", "resourcemanager")
    if not managers:
        return {}
    nodes, history = _pages(services, "yarn", "nodemanager"), _pages(services, "yarn", "historyserver")
    section: dict[str, Any] = {
        "resourcemanagers": managers,
        "nodemanagers": [page["host"] for page in nodes],
    }
    if nodes:
        section |= {"nodemanager_unit": nodes[0]["unit"], "nodemanager_http_port": nodes[0]["http_port"]}
    return section | ({"historyserver": history[0]} if history else {})


def _spark(services: Services) -> dict[str, Any]:
    if not services["spark"]["hosts"]:
        return {}
    history = _pages(services, "spark", "historyserver")
    return {**services["spark"]["describes"], **({"historyserver": history[0]} if history else {})}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"cluster_description": cluster_description}
