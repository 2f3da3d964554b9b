"""Rolling restarts: who is asked and who restarted, in which order, with systemd and the checks replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.playbooks import finish, start

# Stands for what would write files and restart; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        asked = self._task.args
        products = [artifact["name"] for artifact in asked.get("artifacts", ())]
        with open({!r}, "a") as log:
            print(asked.get("state", "keep"), *asked["units"], *(products and ["of", *products]), file=log)
        return {{"changed": True}}
"""
BROKERS = [
    {"id": number, "host": "a", "port": 9090 + number, "controller_port": 9190 + number}
    for number in (1, 2, 3)
]
SERVERS = {host: ["zookeeper"] for host in "cab"}
"""Host -> what the plan restarts there; the order is the plan's."""


def roll(
    directory: Path,
    service: str,
    planned: dict[str, list[str]],
    *words: str,
    refuses: str = "nothing",
    **variables: Any,
) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by playbooks/restart.yml on three machines that are this one.

    Their inventory has what a restart needs, and not what the preflight wants of a whole cluster.
    refuses: the words of gates that stay closed, as a pattern of the shell
    """
    log = directory / "log"
    log.touch()
    # Of all playbooks of a command those beside the first are found before those of roles.
    (directory / "action_plugins").mkdir()
    for module in ("service_state", "service_keep"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(str(log)))
    (directory / "first.yml").write_text("- {hosts: '!all', gather_facts: false}\n")
    gate = f'echo "check $*" >> {log}; case " $* " in {refuses}) exit 1 ;; esac\n'
    (directory / "check").write_text(gate)
    groups = {"zookeeper": {"hosts": dict.fromkeys("abc")}, "kafka": {"hosts": {"a": None}}}
    machines = {host: {"restart": dict.fromkeys(units)} for host, units in planned.items()}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "zookeeper_hosts": ["a", "b", "c"],
        "zookeeper_client_port": 2181,
        "common_check": ["/bin/sh", str(directory / "check")],
        "__common_plan": {
            "check": False,
            "services": {service: {"roll": list(planned), "machines": machines}},
        },
    } | variables
    (directory / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))
    inventory = ("--inventory", str(directory / "hosts.json"), "-e", f"service={service}")
    books = (str(directory / "first.yml"), "playbooks/restart.yml")
    run = start(directory, *inventory, *books, "--skip-tags", "preflight,plan", *words)
    output = finish(run)
    return run.returncode, output, log.read_text().replace(str(directory), "out").splitlines()


def asked(service: str, host: str, unit: str, accepted: str = "") -> str:
    return f"check {service} --plan out/plan.json --restart {host} {unit} --accept {accepted}"


def test_each_machine_is_restarted_between_two_gates_in_the_order_of_the_plan(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", SERVERS)
    assert rc == 0, output
    back = "check zookeeper --plan out/plan.json"
    work = ["restarted zookeeper", back, "keep zookeeper of zookeeper"]
    assert done == [each for host in "cab" for each in (asked("zookeeper", host, "zookeeper"), *work)]


def test_a_daemon_that_may_not_go_is_left_alone_and_the_ways_out_are_named(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", SERVERS, refuses="*' --restart a '*")
    assert rc == 2, output
    assert done[:4][-1] == "keep zookeeper of zookeeper"
    assert done[4:] == [asked("zookeeper", "a", "zookeeper")]
    assert "zookeeper on a is not restarted, and nothing after it: what is awaited stands above" in output
    assert "-e accept_risk=NAME" in output
    assert "playbooks/stop.yml" in output


def test_a_daemon_that_does_not_come_back_ends_the_roll(tmp_path: Path) -> None:
    where = {"kafka_hosts": ["a"], "kafka_brokers": BROKERS}
    rc, output, done = roll(tmp_path, "kafka", {"a": ["kafka@2"]}, refuses="*'/plan.json '", **where)
    assert rc == 2, output
    assert done == [asked("kafka", "a", "kafka@2"), "restarted kafka@2", "check kafka --plan out/plan.json"]


def test_a_risk_is_accepted_by_its_name(tmp_path: Path) -> None:
    words = ("-e", "accept_risk=orders-3")
    rc, output, done = roll(tmp_path, "zookeeper", {"b": ["zookeeper"]}, *words)
    assert rc == 0, output
    assert done[0] == asked("zookeeper", "b", "zookeeper", "orders-3")


def test_daemons_of_one_machine_are_restarted_one_after_the_other(tmp_path: Path) -> None:
    """All at once, the one machine's brokers would be the whole cluster."""
    units = [f"kafka@{number}" for number in (1, 2, 3)]
    rc, output, done = roll(tmp_path, "kafka", {"a": units}, kafka_hosts=["a"], kafka_brokers=BROKERS)
    assert rc == 0, output
    work = [each for unit in units for each in (asked("kafka", "a", unit), f"restarted {unit}")]
    assert done == [*work, "check kafka --plan out/plan.json", f"keep {' '.join(units)} of kafka"]


def test_a_service_that_is_none_is_refused_before_all_else(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "hive", {})
    assert rc == 2, output
    assert done == []
    assert "give -e service= and one of zookeeper, hdfs, yarn, kafka, spark" in output
    assert "PLAY [Preflight" not in output
