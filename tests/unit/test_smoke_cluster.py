"""The cluster description: loaded whole, refused with the key that is missing or wrong."""

from __future__ import annotations

import copy
import os
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from smoke.cluster import Cluster, ClusterError, WebServer, expect, find, load, source_line
from smoke.machine import Machine
from tests.unit.playbooks import CHECKOUT
from tests.unit.smoke_lab import LAB, write


def test_the_whole_description(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    assert lab.kafka
    assert lab.hdfs
    assert lab.yarn
    assert lab.machines["millrace-1"].ssh == ("ssh", "-i", "KEY", "root@millrace-1")
    assert lab.machines["millrace-1"].name == "millrace-1"
    assert lab.kafka.bootstrap == ["millrace-1:9092", "millrace-1:9093"]
    assert lab.yarn.historyserver == WebServer("millrace-2", 19888, "mapred-historyserver")
    assert lab.hdfs.namenodes[1].url == "http://millrace-2:9870"


def test_units_by_host(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    assert lab.kafka
    assert lab.hdfs
    assert lab.yarn
    assert lab.kafka.units == {"millrace-1": ["kafka@1", "kafka@2"]}
    assert lab.hdfs.units == {
        "millrace-1": ["hdfs-namenode", "hdfs-journalnode", "hdfs-zkfc", "hdfs-datanode"],
        "millrace-2": ["hdfs-namenode", "hdfs-zkfc", "hdfs-datanode"],
    }
    assert lab.yarn.units == {
        "millrace-1": ["yarn-resourcemanager"],
        "millrace-2": ["yarn-nodemanager", "mapred-historyserver"],
    }
    assert "kafka@1" in lab.machines["millrace-1"].units
    assert "mapred-historyserver" in lab.machines["millrace-2"].units


def test_a_single_namenode_has_no_failover_controller(tmp_path: Path) -> None:
    document = copy.deepcopy(LAB)
    del document["hdfs"]["namenodes"][1]
    plain = load(write(tmp_path, document))
    assert plain.hdfs
    assert "hdfs-zkfc" not in plain.hdfs.units["millrace-1"]


@pytest.mark.parametrize("section", ["zookeeper", "kafka", "hdfs", "yarn", "spark"])
def test_any_section_may_be_missing(tmp_path: Path, section: str) -> None:
    rest = {key: value for key, value in LAB.items() if key != section}
    assert getattr(load(write(tmp_path, rest)), section) is None


def change(path: str, value: Any) -> dict[str, Any]:
    """LAB with one key set, or dropped for None."""
    document: dict[str, Any] = copy.deepcopy(LAB)
    *way, last = path.split("/")
    place: Any = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("name", None, "name is missing"),
        ("machines", None, "machines is missing"),
        ("machines/millrace-1/ssh", None, "machines.millrace-1.ssh is missing"),
        ("kafka/brokers/1/port", None, r"kafka.brokers\[1\].port is missing"),
        ("hdfs/namenodes/0/id", None, r"hdfs.namenodes\[0\].id is missing"),
        ("yarn/historyserver/unit", None, "yarn.historyserver.unit is missing"),
        ("spark/user", None, "spark.user is missing"),
        ("kafka/brokers/0/port", "9092", r"kafka.brokers\[0\].port is a str, expected a int"),
        ("kafka/brokers/0/port", True, r"kafka.brokers\[0\].port is a bool, expected a int"),
        ("kafka/brokers", {}, "kafka.brokers is a dict, expected a list"),
        ("hdfs/client", [], "hdfs.client is a list, expected a dict"),
        ("hdfs/client/dfs.replication", 3, "hdfs.client.dfs.replication is a int, expected a str"),
        ("spark/submit_host", "millrace-9", "spark.submit_host millrace-9 is not in machines"),
    ],
)
def test_the_error_names_file_and_key(tmp_path: Path, path: str, value: Any, error: str) -> None:
    file = write(tmp_path, change(path, value))
    with pytest.raises(ClusterError, match=f"^{file}: {error}$"):
        load(file)


def test_a_file_that_is_not_there_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"none.json is not there: a deployment writes it"):
        load(tmp_path / "none.json")
    with pytest.raises(ClusterError, match=r"cluster.json: Expecting value"):
        load(write(tmp_path, "{"[1:] + "nonsense"))
    with pytest.raises(ClusterError, match=r"cluster.json: the document is a list, expected a dict"):
        load(write(tmp_path, []))


def test_the_only_description_is_found_and_of_several_none_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=rf"^no cluster is described in {tmp_path}/\*/cluster.json: a dep"):
        find(reports=tmp_path)
    for name in ("lab", "course"):
        (tmp_path / name).mkdir()
    lab = write(tmp_path / "lab", LAB)
    assert find(reports=tmp_path) == lab
    course = write(tmp_path / "course", LAB)
    with pytest.raises(
        ClusterError, match=rf"^several clusters are described: {course}, {lab}\. Give one by "
    ):
        find(reports=tmp_path)
    assert find("lab", tmp_path) == lab


HERE = str(CHECKOUT / "tests/inventories/plain")
THERE = str(CHECKOUT / "tests/inventories/three_brokers")


@pytest.mark.parametrize(
    ("inventory", "name", "meant"),
    [
        (HERE, None, None),
        (HERE, "lab", None),
        (HERE, "lab", HERE),
        (HERE, None, f"{HERE}/"),
        (HERE, None, f"{HERE}/hosts.yml"),
        (HERE, None, os.path.relpath(HERE)),
        ("", "lab", ""),
    ],
)
def test_the_description_that_is_meant(inventory: str, name: str | None, meant: str | None) -> None:
    expect(Cluster("lab", "s", {}, {}, inventory=inventory), name, meant)


IS = "f describes the cluster lab of tests/inventories/plain, but the cluster"
WRITE = "playbooks/preflight.yml describes that one"


@pytest.mark.parametrize(
    ("name", "meant", "error"),
    [
        ("prod", HERE, "prod of {0} is meant: ansible-playbook -i {0}"),
        ("lab", THERE, "lab of {1} is meant: ansible-playbook -i {1}"),
        (None, "/prod", "lab of /prod is meant: ansible-playbook -i /prod"),
        ("prod", None, "prod of {0} is meant: ansible-playbook -i ITS-INVENTORY"),
        ("lab", "", "lab of a list of hosts is meant: ansible-playbook -i ITS-INVENTORY"),
    ],
)
def test_the_description_of_another_cluster_is_refused(
    name: str | None, meant: str | None, error: str
) -> None:
    cluster = Cluster("lab", "s", {}, {}, inventory=HERE, source="f")
    with pytest.raises(ClusterError) as caught:
        expect(cluster, name, meant)
    said = error.format("tests/inventories/plain", "tests/inventories/three_brokers")
    assert str(caught.value) == f"{IS} {said} {WRITE}"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(5, "5 s"), (61, "1 min"), (3599, "59 min"), (3601, "1 h"), (172799, "47 h"), (172801, "2 days")],
)
def test_whose_description_it_is_and_how_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, age: str
) -> None:
    cluster = load(write(tmp_path, LAB | {"inventory": HERE}))
    monkeypatch.setattr(time, "time", lambda: Path(cluster.source).stat().st_mtime + seconds)
    assert source_line(cluster) == f"cluster lab (tests/inventories/plain), described {age} ago"


def test_the_journal_of_what_does_not_run_comes_first() -> None:
    def says(*lines: str) -> Machine:
        return Machine(("sh", "-c", "printf '%s\\n' " + shlex.join(lines)))

    machines = {
        "a": says("== a one (active)", "1", "== a two (failed)", "2"),
        "b": says("== b one (activating)", "3"),
    }
    cluster = Cluster("lab", "current", {}, machines)
    assert cluster.journals({"a": ["one", "two"], "b": ["one"]}) == [
        "== a two (failed)", "2", "== b one (activating)", "3", "== a one (active)", "1",
    ]  # fmt: skip


def test_journals_never_raise() -> None:
    cluster = Cluster("lab", "current", {}, {}, source="out/lab/cluster.json")
    assert cluster.journals({"millrace-9": ["kafka@1"]}) == [
        "== millrace-9: not in machines of out/lab/cluster.json"
    ]
