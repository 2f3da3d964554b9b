"""When a run counts as proved: only by the very processes that run now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smoke import processes
from smoke.cluster import Cluster, Spark
from smoke.machine import Machine
from smoke.processes import proof, running

NOW = {"m1 kafka@1": "aa", "m1 zookeeper": "bb"}
PROVED = {"run": "r1", "processes": NOW}


def test_the_same_processes_are_proved() -> None:
    assert proof({"proof": PROVED}, dict(NOW)) == PROVED


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        (None, NOW),
        ({}, NOW),
        ({"proof": None}, NOW),
        ({"proof": PROVED}, {**NOW, "m1 zookeeper": "cc"}),  # restarted since
        ({"proof": PROVED}, {"m1 kafka@1": "aa"}),  # one less
        ({"proof": PROVED}, {**NOW, "m2 zookeeper": "dd"}),  # one more
        ({"proof": {"run": "r1", "processes": {"m1 kafka@1": ""}}}, {"m1 kafka@1": ""}),  # it does not run
        ({"proof": {"run": "r1", "processes": {}}}, {}),  # no machine answered
    ],
)
def test_anything_else_is_not(earlier: dict[str, Any] | None, now: dict[str, str]) -> None:
    assert proof(earlier, now) is None


def test_running_asks_each_machine_once() -> None:
    answer = ("sh", "-c", r"printf 'aa\n\n\n\ncc\n'")  # in place of ssh: three units, the second not running
    machine = Machine(ssh=answer, units=("zookeeper", "kafka@1", "hdfs-datanode"), name="m1")
    found = running(Cluster(name="c", stack="s", versions={}, machines={"m1": machine}))
    assert found == {"m1 zookeeper": "aa", "m1 kafka@1": "", "m1 hdfs-datanode": "cc"}


def test_a_machine_that_does_not_answer_proves_nothing() -> None:
    machine = Machine(ssh=("sh", "-c", "exit 255"), units=("zookeeper",), name="m1")
    assert running(Cluster(name="c", stack="s", versions={}, machines={"m1": machine})) == {}


def test_spark_that_was_installed_or_set_anew_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, conf = tmp_path / "spark", tmp_path / "conf"
    monkeypatch.setattr(processes, "SPARK_CONF", str(conf))
    here = Machine(("sh", "-c", 'eval "$*"', "ssh"), name="m1")
    cluster = Cluster("c", "s", {}, {"m1": here}, spark=Spark("m1", str(home), "spark", "/user/spark"))
    assert running(cluster) == {}  # nothing is there
    home.mkdir()
    conf.mkdir()
    seen = []
    for path, text in ((home / ".artifact", "1"), (conf / "spark-defaults.conf", "a"), (conf / "x", "b")):
        path.write_text(text)
        seen.append(running(cluster)[f"m1 {home}"])
    (home / "jars").touch()
    assert running(cluster)[f"m1 {home}"] == seen[-1]
    assert len(set(seen)) == 3


def test_no_machine_proves_nothing() -> None:
    assert running(Cluster(name="c", stack="s", versions={}, machines={})) == {}
