"""Rolling restarts: who is asked and who restarted, in which order, with systemd and the checks replaced."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playbooks import finish, start

# Every unit runs; what is done to one is written down.
SYSTEMCTL = """#!/bin/sh
if [ "$1" = restart ]; then shift; echo "restart $*" >> {log}; exit; fi
shift 2
for unit; do
  printf 'Id=%s.service\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n' "$unit"
  printf 'NeedDaemonReload=no\\nMainPID=7\\nInvocationID=abc\\nRuntimeDirectory=no\\n\\n'
done
"""
BROKERS = [
    {"id": number, "host": "a", "port": 9090 + number, "controller_port": 9190 + number}
    for number in (1, 2, 3)
]


def roll(directory: Path, *words: str, right: bool = True, **variables: Any) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by playbooks/restart.yml on three machines that are this one.

    Their inventory has what a restart needs, and not what the preflight wants of a whole cluster.
    """
    log = directory / "log"
    log.touch()
    (directory / "systemctl").write_text(SYSTEMCTL.format(log=log))
    (directory / "systemctl").chmod(0o755)
    (directory / "check").write_text(f'echo "check $1" >> {log}; exit {int(not right)}\n')
    groups = {"zookeeper": {"hosts": dict.fromkeys("abc")}, "kafka": {"hosts": {"a": None}}}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "service_check": ["/bin/sh", str(directory / "check")],
    } | variables
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))
    inventory = ("--inventory", str(directory / "hosts.json"))
    path = f"{directory}:{os.environ['PATH']}"
    words = ("playbooks/restart.yml", "--skip-tags", "preflight", *words)
    run = start(directory, *inventory, *words, PATH=path)
    output = finish(run)
    return run.returncode, output, log.read_text().splitlines()


def test_each_machine_is_restarted_between_two_gates(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "-e", "service=zookeeper")
    assert rc == 0, output
    assert done == ["check zookeeper", "restart zookeeper", "check zookeeper"] * 3


@pytest.mark.parametrize(
    ("service", "advised"),
    # Servers of ZooKeeper that nobody waits for could elect one that has no data.
    [("zookeeper", False), ("kafka", True)],
)
def test_a_service_that_is_not_right_is_left_alone_and_the_way_out_is_named(
    tmp_path: Path, service: str, advised: bool
) -> None:
    words = ("-e", f"service={service}")
    rc, output, done = roll(tmp_path, *words, right=False, kafka_hosts=["a"], kafka_brokers=BROKERS)
    assert rc == 2, output
    assert done == [f"check {service}"]
    assert f"{service} is not right, see above: a is not restarted, it may be what keeps the rest" in output
    assert ("run again with -e service_restart_gated=false" in output) == advised
    assert ("service_restart_gated" in output) == advised


@pytest.mark.parametrize("right", [True, False])
def test_a_cure_is_rolled_out_to_all_and_the_service_asked_after_the_last(
    tmp_path: Path, right: bool
) -> None:
    words = ("-e", "service=zookeeper", "-e", "service_restart_gated=false")
    rc, output, done = roll(tmp_path, *words, right=right)
    assert rc == (0 if right else 2), output
    assert done == [*["restart zookeeper"] * 3, "check zookeeper"]


@pytest.mark.parametrize("gated", [True, False])
def test_brokers_of_one_machine_are_restarted_one_after_the_other(tmp_path: Path, gated: bool) -> None:
    """All at once, the one machine's brokers would be the whole cluster."""
    words = ("-e", "service=kafka", "-e", f"service_restart_gated={gated}")
    rc, output, done = roll(tmp_path, *words, kafka_hosts=["a"], kafka_brokers=BROKERS)
    assert rc == 0, output
    restarts = [f"restart kafka@{number}" for number in (1, 2, 3)]
    if gated:
        assert done == ["check kafka", *(each for one in restarts for each in (one, "check kafka"))]
    else:
        assert done == [*restarts, "check kafka"]


@pytest.mark.parametrize("words", [("-e", "service=hive"), ()])
def test_a_service_that_is_none_is_refused_before_all_else(tmp_path: Path, words: tuple[str, ...]) -> None:
    rc, output, done = roll(tmp_path, *words)
    assert rc == 2, output
    assert done == []
    assert "give -e service= and one of zookeeper, hdfs, yarn, kafka, spark" in output
    assert "PLAY [Preflight" not in output
