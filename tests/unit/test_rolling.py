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
        asked, host = self._task.args, task_vars["inventory_hostname"]
        with open({!r}, "a") as log:
            log.write(f"{{asked.get('state', 'keep')}} {{' '.join(asked['units'])}} on {{host}}\\n")
        return {{"changed": True, "failed": host == {!r}, "msg": "it does not start"}}
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
    fails: str = "",
    batches: list[str] | None = None,
    **variables: Any,
) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by playbooks/restart.yml on machines that are this one.

    Their inventory has what a restart needs, and not what the preflight wants of a whole cluster.
    refuses: the words of gates that stay closed, as a pattern of the shell
    fails: the machine where a restart fails
    batches: those of the plan; each machine is one, where they are not given
    """
    log = directory / "log"
    log.touch()
    # Of all playbooks of a command those beside the first are found before those of roles.
    (directory / "action_plugins").mkdir()
    for module in ("service_state", "service_keep"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(str(log), fails))
    (directory / "first.yml").write_text("- {hosts: '!all', gather_facts: false}\n")
    gate = f'echo "check $*" >> {log}; case " $* " in {refuses}) exit 1 ;; esac\n'
    (directory / "check").write_text(gate)
    groups = {"zookeeper": {"hosts": dict.fromkeys("abcde")}, "kafka": {"hosts": {"a": None}}}
    machines = {host: {"restart": dict.fromkeys(units)} for host, units in planned.items()}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "zookeeper_hosts": ["a", "b", "c"],
        "zookeeper_client_port": 2181,
        "common_check": ["/bin/sh", str(directory / "check")],
        "__common_plan": {
            "check": False,
            "services": {
                service: {
                    "deploy": [],
                    "roll": list(planned),
                    "batches": [list(batch) for batch in batches or planned],
                    "machines": machines,
                }
            },
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
    assert done == [
        line
        for host in "cab"
        for line in (
            asked("zookeeper", host, "zookeeper"),
            f"restarted zookeeper on {host}",
            back,
            f"keep zookeeper on {host}",
        )
    ]


def test_a_daemon_that_may_not_go_is_left_alone_and_the_ways_out_are_named(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", SERVERS, refuses="*' --restart a '*")
    assert rc == 2, output
    assert done[:4][-1] == "keep zookeeper on c"
    assert done[4:] == [asked("zookeeper", "a", "zookeeper")]
    assert "zookeeper on a is not restarted, and nothing after it: what is awaited stands above" in output
    assert "-e accept_risk=NAME" in output
    assert "playbooks/stop.yml" in output


def test_a_daemon_that_does_not_come_back_ends_the_roll(tmp_path: Path) -> None:
    where: dict[str, Any] = {"kafka_hosts": ["a"], "kafka_brokers": BROKERS}
    rc, output, done = roll(tmp_path, "kafka", {"a": ["kafka@2"]}, refuses="*'/plan.json '", **where)
    assert rc == 2, output
    back = "check kafka --plan out/plan.json"
    assert done == [asked("kafka", "a", "kafka@2"), "restarted kafka@2 on a", back]


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
    work = [line for unit in units for line in (asked("kafka", "a", unit), f"restarted {unit} on a")]
    assert done == [*work, "check kafka --plan out/plan.json", f"keep {' '.join(units)} on a"]


ALIKE = {"a": ["zookeeper", "other"]} | {host: ["zookeeper"] for host in "bcde"}
BATCHES = ["a", "bcd", "e"]


def each(verb: str, hosts: str) -> list[str]:
    return [f"{verb} zookeeper on {host}" for host in hosts]


def test_a_batch_is_asked_for_once_and_restarted_together(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES)
    assert rc == 0, output
    back = "check zookeeper --plan out/plan.json"
    batch = done.index(asked("zookeeper", "b c d", "zookeeper"))
    # Before it the machine with other daemons, one after the other; after it what is in no batch with them.
    assert done[:batch] == [
        asked("zookeeper", "a", "zookeeper"),
        *each("restarted", "a"),
        asked("zookeeper", "a", "other"),
        "restarted other on a",
        back,
        *each("keep", "a"),
    ]
    assert sorted(done[batch + 1 : batch + 4]) == each("restarted", "bcd")
    assert done[batch + 4] == back
    assert sorted(done[batch + 5 : batch + 8]) == each("keep", "bcd")
    assert done[batch + 8] == asked("zookeeper", "e", "zookeeper")


def test_a_gate_that_stays_closed_leaves_the_whole_batch_and_all_after_it(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES, refuses="*' --restart b '*")
    assert rc == 2, output
    assert done[-2:] == ["keep zookeeper on a", asked("zookeeper", "b c d", "zookeeper")]
    assert "zookeeper on b, c, d is not restarted, and nothing after it" in output


def test_one_of_a_batch_that_does_not_start_ends_the_roll(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES, fails="c")
    assert rc == 2, output
    assert sorted(done[-3:]) == each("restarted", "bcd")
    assert done[-4] == asked("zookeeper", "b c d", "zookeeper")


def test_a_service_that_is_none_is_refused_before_all_else(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "hive", {})
    assert rc == 2, output
    assert done == []
    assert "give -e service= and one of zookeeper, hdfs, yarn, kafka, spark" in output
    assert "PLAY [Preflight" not in output
