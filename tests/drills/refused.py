"""Settings that daemons refuse: of each service a value, a directory, a held port, a heap, an option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.live import INVENTORY

PORT = 7777
"""Held by somebody else on every machine, when a daemon asks for it."""
#: Service -> the daemon that has its settings, and a property of it with a value that it cannot read.
SERVICES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "zookeeper": ("zookeeper", "zookeeper_cfg_overrides", {"tickTime": "soon"}),
    "kafka": ("kafka@1", "kafka_server_properties_overrides", {"num.io.threads": 0}),
    "hdfs": ("hdfs-datanode", "hdfs_site_overrides", {"dfs.datanode.handler.count": "many"}),
    "yarn": ("yarn-nodemanager", "yarn_site_overrides", {"yarn.nodemanager.resource.memory-mb": "many"}),
    "spark": (
        "spark-historyserver",
        "spark_defaults_overrides",
        {"spark.history.retainedApplications": "many"},
    ),
}
HEAPS = {
    "zookeeper": "zookeeper_heap",
    "kafka": "kafka_heap",
    "hdfs": "hdfs_datanode_heap",
    "yarn": "yarn_nodemanager_heap",
    "spark": "spark_historyserver_heap",
}
KINDS = ("value", "directory", "port", "heap", "option")


def given() -> dict[str, Any]:
    """The inventory's own settings."""
    return dict(yaml.safe_load(Path(INVENTORY, "group_vars/cluster.yml").read_text(encoding="utf-8")))


def change(service: str, kind: str) -> str:
    """What ansible-playbook is given with -e: the inventory's own settings, and the one that is refused."""
    own = given()
    unit, overrides, value = SERVICES[service]
    missing = {"Service": {"ReadWritePaths": "/nowhere"}}
    jmx = [
        f"-Dcom.sun.management.jmxremote.{each}"
        for each in (f"port={PORT}", "authenticate=false", "ssl=false")
    ]
    changes: dict[str, dict[str, Any]] = {
        "value": {overrides: own.get(overrides, {}) | value},
        "directory": {
            f"{service}_unit_overrides": {unit: missing} if service in ("hdfs", "yarn") else missing
        },
        "port": {f"{service}_java_options": [*own["java_options"], *jmx]},
        "heap": {HEAPS[service]: "1k"},
        "option": {f"{service}_java_options": [*own["java_options"], "-XX:+NoSuchOption"]},
    }
    return json.dumps(changes[kind])
