"""A small cluster description for the tests of smoke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LAB: dict[str, Any] = {
    "name": "lab",
    "stack": "current",
    "versions": {"kafka": "4.3.0", "spark": "4.2.0"},
    "inventory": "/kit/inventories/here",
    "next": [
        ["make", "smoke", "INVENTORY=inventories/here"],
        ["ssh", "-F", "out/lab/ssh_config", "millrace-1"],
    ],
    "machines": {
        "millrace-1": {"ssh": ["ssh", "-i", "KEY", "root@millrace-1"], "units": ["zookeeper", "kafka@1"]},
        "millrace-2": {"ssh": ["ssh", "-i", "KEY", "root@millrace-2"], "units": []},
    },
    "zookeeper": {"servers": [{"host": "millrace-1", "port": 2181, "unit": "zookeeper"}]},
    "kafka": {
        "version": "4.3.0",
        "brokers": [
            {"id": 1, "host": "millrace-1", "port": 9092, "unit": "kafka@1"},
            {"id": 2, "host": "millrace-1", "port": 9093, "unit": "kafka@2"},
        ],
        "voters": [1, 2],
    },
    "hdfs": {
        "default_fs": "hdfs://lab",
        "namenodes": [
            {"id": "nn1", "host": "millrace-1", "http_port": 9870, "unit": "hdfs-namenode"},
            {"id": "nn2", "host": "millrace-2", "http_port": 9870, "unit": "hdfs-namenode"},
        ],
        "journalnodes": [{"host": "millrace-1", "http_port": 8480, "unit": "hdfs-journalnode"}],
        "datanodes": ["millrace-1", "millrace-2"],
        "zkfc_unit": "hdfs-zkfc",
        "datanode_unit": "hdfs-datanode",
        "client": {"dfs.nameservices": "lab"},
    },
    "yarn": {
        "resourcemanagers": [
            {"id": "rm1", "host": "millrace-1", "http_port": 8088, "unit": "yarn-resourcemanager"}
        ],
        "nodemanagers": ["millrace-2"],
        "nodemanager_unit": "yarn-nodemanager",
        "historyserver": {"host": "millrace-2", "http_port": 19888, "unit": "mapred-historyserver"},
    },
    "spark": {
        "historyserver": {"host": "millrace-2", "http_port": 18080, "unit": "spark-historyserver"},
        "submit_host": "millrace-1",
        "home": "/opt/spark",
        "user": "spark",
        "hdfs_home": "/user/spark",
    },
}


def write(directory: Path, document: Any) -> Path:
    path = directory / "cluster.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path
