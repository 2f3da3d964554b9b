"""Rolling restarts: who is asked and who restarted, in which order, with systemd and the checks replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playbooks import finish, start

# Stands for what would write files and restart; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        asked = self._task.args
        with open({!r}, "a") as log:
            log.write(f"{{asked.get('state', 'keep')}} {{' '.join(asked['units'])}}\\n")
        return {{"changed": True}}
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
    # Of all playbooks of a command those beside the first are found before those of roles.
    (directory / "action_plugins").mkdir()
    for module in ("service_state", "service_keep"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(str(log)))
    (directory / "first.yml").write_text("- {hosts: '!all', gather_facts: false}\n")
    (directory / "check").write_text(f'echo "check $1" >> {log}; exit {int(not right)}\n')
    groups = {"zookeeper": {"hosts": dict.fromkeys("abc")}, "kafka": {"hosts": {"a": None}}}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "zookeeper_hosts": ["a", "b", "c"],
        "zookeeper_client_port": 2181,
        "common_check": ["/bin/sh", str(directory / "check")],
    } | variables
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))
    inventory = ("--inventory", str(directory / "hosts.json"))
    books = (str(directory / "first.yml"), "playbooks/restart.yml")
    run = start(directory, *inventory, *books, "--skip-tags", "preflight,plan", *words)
    output = finish(run)
    return run.returncode, output, log.read_text().splitlines()


def test_each_machine_is_restarted_between_two_gates(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "-e", "service=zookeeper")
    assert rc == 0, output
    assert done == ["check zookeeper", "restarted zookeeper", "check zookeeper", "keep zookeeper"] * 3


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
    assert ("run again with -e common_restart_gated=false" in output) == advised
    assert ("common_restart_gated" in output) == advised


def test_a_cure_is_rolled_out_to_all_and_the_service_asked_after_the_last(tmp_path: Path) -> None:
    words = ("-e", "service=zookeeper", "-e", "common_restart_gated=false")
    rc, output, done = roll(tmp_path, *words, right=False)
    assert rc == 2, output
    assert done == [*["restarted zookeeper"] * 3, "check zookeeper"]


def test_brokers_of_one_machine_are_restarted_one_after_the_other(tmp_path: Path) -> None:
    """All at once, the one machine's brokers would be the whole cluster."""
    rc, output, done = roll(tmp_path, "-e", "service=kafka", kafka_hosts=["a"], kafka_brokers=BROKERS)
    assert rc == 0, output
    restarts = [f"restarted kafka@{number}" for number in (1, 2, 3)]
    keep = "keep kafka@1 kafka@2 kafka@3"
    assert done == ["check kafka", *(each for one in restarts for each in (one, "check kafka")), keep]


def test_a_service_that_is_none_is_refused_before_all_else(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "-e", "service=hive")
    assert rc == 2, output
    assert done == []
    assert "give -e service= and one of zookeeper, hdfs, yarn, kafka, spark" in output
    assert "PLAY [Preflight" not in output
