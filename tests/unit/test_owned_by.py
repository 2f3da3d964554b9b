"""More disks are directories of their service, which the installation makes before a daemon goes down."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from owned_by import FilterModule, owned_by

from tests.unit.playbooks import finish, start


@pytest.mark.parametrize(
    ("paths", "but", "left"),
    [
        ([], [], []),
        (["/a", "/b"], [], ["/a", "/b"]),
        (["/b", "/a", "/b"], [], ["/b", "/a"]),
        (["/a/", "/a"], [], ["/a"]),
        (["/a", "/b"], ["/b/"], ["/a"]),
        (["", "/"], [], []),
    ],
)
def test_each_path_once(paths: list[str], but: list[str], left: list[str]) -> None:
    found = owned_by(paths, "hdfs", "hadoop", "0700", but)
    assert [each["path"] for each in found] == left
    assert all(each | {"path": ""} == DIRECTORY for each in found)


DIRECTORY = {"path": "", "owner": "hdfs", "group": "hadoop", "mode": "0700"}


HDFS, KAFKA = "hdfs_site_overrides", "kafka_server_properties_overrides"
NAMES, BLOCKS = "dfs.namenode.name.dir", "dfs.datanode.data.dir"


@pytest.mark.parametrize(
    ("host", "variable", "key", "value", "more"),
    [
        ("millrace-3", HDFS, BLOCKS, "/var/lib/hdfs/data,[SSD]/d2", ["/d2"]),
        ("millrace-1", HDFS, NAMES, ["/var/lib/hdfs/name", "/d2"], ["/d2"]),
        # No NameNode is there.
        ("millrace-3", HDFS, NAMES, ["/var/lib/hdfs/name", "/d2"], []),
        ("millrace-1", KAFKA, "log.dirs", ["/var/lib/kafka/1", "/d2"], ["/d2"]),
        ("millrace-1", KAFKA, "metadata.log.dir", "/d3", ["/d3"]),
        ("millrace-1", "zookeeper_cfg_overrides", "dataLogDir", "/d2", ["/d2"]),
        (
            "millrace-1",
            "yarn_site_overrides",
            "yarn.nodemanager.local-dirs",
            "/var/lib/yarn/local,/d2",
            ["/d2"],
        ),
    ],
)
def test_more_disks_are_made_where_their_daemon_is(
    tmp_path: Path, host: str, variable: str, key: str, value: Any, more: list[str]
) -> None:
    service = f"{variable.partition('_')[0]}_service"

    def paths(**variables: Any) -> list[str]:
        given = json.dumps({"host": host, "variable": service} | variables)
        run = start(tmp_path, "-i", "inventories/lab", "-e", given, "playbooks/show.yml")
        output = finish(run)
        assert run.returncode == 0, output
        lines = output.splitlines()
        # The value's own, which are less indented than those of its base and of its stores.
        found = [line for line in lines if line.strip() == "directories:"]
        first = min(lines.index(line) for line in found if len(line) == min(map(len, found)))
        block = itertools.takewhile(lambda line: line.strip() != "hosts:", lines[first + 1 :])
        return [line.split()[-1] for line in block if line.strip().startswith("path: ")]

    assert paths(**{variable: {key: value}}) == paths() + more


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"owned_by": owned_by}
