"""What is not taken back by itself: another version, other directories."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.host_data import read_stores
from irreversible import irreversible
from kafka_data import kafka_stores

PATH = "/etc/kafka/server-1.properties"


def kafka(disks: dict[str, Any]) -> dict[str, Any]:
    """The value of the service, as far as it is read."""
    return {"name": "kafka", "data": {"stores": kafka_stores([{"id": 1}], "/k", True, disks)}}


def read(directory: Path, service: dict[str, Any], text: str) -> dict[str, Any]:
    """What the plan finds where a broker's file has this text; below the directory each /d... has data."""
    stores = []
    for store in service["data"]["stores"]:
        below = [str(directory / path.lstrip("/")) for path in store["directories"]]
        file = {"configured": str(directory / "file"), "key": store["key"]} if "key" in store else {}
        stores.append(
            {"units": [], "configured": "", "key": ""} | store | {"units": [], "directories": below} | file
        )
    (directory / "file").write_text(re.sub("(?<=[=,])/", f"{directory}/", text))
    return {"kafka": {"data": {"stores": read_stores(stores)}, "diffs": {PATH: "(content hidden)"}}}


@pytest.mark.parametrize(
    ("text", "disks", "differs"),
    [
        ("log.dirs=/k/1\n", {"num.io.threads": 0}, []),
        ("log.dirs=/k/1,/d2\n", {"log.dirs": "/d2,/k/1"}, []),
        ("log.dirs=/k/1\n", {"log.dirs": "/k/1,/d2"}, ["log.dirs"]),
        # What was taken away, and had data or not.
        ("log.dirs=/k/1,/d2\n", {}, ["log.dirs"]),
        ("log.dirs=/k/1,/e\n", {}, []),
        ("log.dirs=/k/1\n", {"metadata.log.dir": "/fast"}, ["metadata.log.dir"]),
        ("log.dirs=/k/1\nmetadata.log.dir=/fast\n", {"metadata.log.dir": "/fast"}, []),
        ("log.dirs=/k/1\nmetadata.log.dir=/d2\n", {}, ["metadata.log.dir"]),
    ],
)
def test_other_directories_are_seen_where_no_diff_shows_them(
    tmp_path: Path, text: str, disks: dict[str, Any], differs: list[str]
) -> None:
    """server.properties may have secrets: of its diff there is one line, that it differs."""
    for each in ("k/1", "d2"):
        (tmp_path / each).mkdir(parents=True)
        (tmp_path / each / "meta.properties").touch()
    service = kafka(disks)
    found = read(tmp_path, service, text)
    expected = [f"{PATH} has another {key}" for key in differs]
    assert irreversible(found, service, {"kafka@1": [PATH]}) == expected


@pytest.mark.parametrize(
    ("found", "restart", "expected"),
    [
        (
            {},
            {"kafka@1": ["/opt/kafka/.artifact", PATH], "kafka@2": ["asked for"]},
            ["kafka@1 also runs with another /opt/kafka/.artifact"],
        ),
        # What another service writes, and a machine whose data was not read.
        ({"hadoop": {}}, {"kafka@1": ["/etc/hadoop/core-site.xml"]}, []),
        ({"kafka": {"data": None}}, {"kafka@1": [PATH]}, []),
    ],
)
def test_it_stays_where_data_may_have_been_altered(
    found: dict[str, Any], restart: dict[str, list[str]], expected: list[str]
) -> None:
    assert irreversible(found, kafka({}), restart) == expected


@pytest.mark.parametrize(("restart", "lasts"), [("hdfs-datanode", False), ("hdfs-journalnode", True)])
def test_the_directories_of_daemons_that_are_elsewhere_say_nothing(restart: str, lasts: bool) -> None:
    """Each machine's file names them all."""
    journal = {"name": "journal", "units": ["hdfs-journalnode"], "configured": "/s.xml", "key": "edits.dir"}
    service = {"name": "hdfs", "data": {"stores": [journal]}}
    found = {"hdfs": {"data": {"stores": {"journal": {"holds": {"/j": {}}, "kept": [], "older": {}}}}}}
    expected = ["/s.xml has another edits.dir"] if lasts else []
    assert irreversible(found, service, {restart: ["/s.xml"]}) == expected


def test_a_service_without_data_has_nothing_that_lasts() -> None:
    assert irreversible({"yarn": {"data": None}}, {"name": "yarn"}, {"yarn-nodemanager": [PATH]}) == []
