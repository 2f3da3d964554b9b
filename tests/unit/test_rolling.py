"""Rolling restarts: who is asked and who restarted, in which order, with systemd and the checks replaced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

# Stands for what would write files and restart; what is asked of it is written down.
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        asked, host = self._task.args, task_vars["inventory_hostname"]
        check = " ?" * self._task.check_mode
        products = [artifact["name"] for artifact in asked.get("artifacts", ())]
        words = [asked.get("state", "keep") + check, *asked["units"], *(products and ["of", *products])]
        with open({!r}, "a") as log:
            print(*words, "on", host, file=log)
        if {!r} in (host, *asked["units"]) and "services" in asked:
            return {{"failed": True, "msg": "it does not start"}}
        return {{"changed": True, "paths": {!r}, "started": [], "restarted": asked["units"]}}
"""
BROKERS = [
    {"id": number, "host": "a", "port": 9090 + number, "controller_port": 9190 + number}
    for number in (1, 2, 3)
]
CONFIG = "/etc/kafka/server-2.properties"
SERVERS = {host: ["zookeeper"] for host in "cab"}
"""Host -> what the plan restarts there; the order is the plan's."""


def roll(
    directory: Path,
    service: str,
    planned: dict[str, list[str]],
    *words: str,
    refuses: str = "nothing",
    fails: str = "",
    other: list[str] | None = None,
    batches: list[str] | None = None,
    **variables: Any,
) -> tuple[int, str, list[str]]:
    """Exit status, output and what was done by playbooks/restart.yml on machines that are this one.

    Their inventory has what a restart needs, and not what the preflight wants of a whole cluster.
    refuses: the words of gates that stay closed, as a pattern of the shell
    fails: the machine where nothing starts with its new files, or the daemon
    other: paths of files that are others than those with which the daemons ran well
    batches: those of the plan; each machine is one, where they are not given
    """
    log = directory / "log"
    log.touch()
    # Of all playbooks of a command those beside the first are found before those of roles.
    (directory / "action_plugins").mkdir()
    for module in ("service_state", "service_keep", "service_units"):
        (directory / f"action_plugins/{module}.py").write_text(PLUGIN.format(str(log), fails, other or []))
    (directory / "first.yml").write_text("- {hosts: '!all', gather_facts: false}\n")
    gate = f'echo "check $*" >> {log}; case " $* " in {refuses}) exit 1 ;; esac\n'
    (directory / "check").write_text(gate)
    (directory / "blame").write_text(f'echo "blame $*" >> {log}; echo "kafka@2 on a (failed): no threads"\n')
    groups = {"zookeeper": {"hosts": dict.fromkeys("abcde")}, "kafka": {"hosts": {"a": None}}}
    machines = {host: {"restart": {unit: [CONFIG] for unit in units}} for host, units in planned.items()}
    given = {
        "ansible_connection": "local",
        "cluster_name": "unit",
        "zookeeper_hosts": list("abcde"),
        "zookeeper_client_port": 2181,
        "common_check": ["/bin/sh", str(directory / "check")],
        "common_blame": ["/bin/sh", str(directory / "blame")],
        "__common_found": {"services": {"kafka": {"data": {"stores": {}}}}},
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


def asked(service: str, host: str, unit: str, accepted: str = "", back: Sequence[str] = ()) -> str:
    there = "".join(f" {host}/{each}" for each in back)
    words = f"--restart {host} {unit} --accept {accepted} --back{there}"
    return f"check {service} --plan out/plan.json {words}"


def is_back(service: str, host: str, *units: str) -> str:
    return f"check {service} --plan out/plan.json --back{''.join(f' {host}/{unit}' for unit in units)}"


def test_each_machine_is_restarted_between_two_gates_in_the_order_of_the_plan(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", SERVERS)
    assert rc == 0, output
    assert done == [
        line
        for host in "cab"
        for line in (
            asked("zookeeper", host, "zookeeper"),
            f"restarted zookeeper on {host}",
            is_back("zookeeper", host, "zookeeper"),
            f"keep zookeeper of zookeeper on {host}",
        )
    ]


@pytest.mark.parametrize(
    ("service", "unit"),
    [("hdfs", "hdfs-datanode"), ("yarn", "yarn-nodemanager"), ("spark", "spark-historyserver")],
)
def test_a_service_that_stands_on_another_is_restarted_alone(tmp_path: Path, service: str, unit: str) -> None:
    rc, output, done = roll(tmp_path, service, {"a": [unit]})
    assert rc == 0, output
    assert done[:3] == [asked(service, "a", unit), f"restarted {unit} on a", is_back(service, "a", unit)]


def test_a_daemon_that_may_not_go_is_left_alone_and_the_ways_out_are_named(tmp_path: Path) -> None:
    """Nothing is taken back, whatever differs from the copies, and whatever was rolled there before."""
    before: dict[str, Any] = {"other": [CONFIG], "__common_begun": True}
    rc, output, done = roll(tmp_path, "zookeeper", SERVERS, refuses="*' --restart a '*", **before)
    assert rc == 2, output
    assert done[:4][-1] == "keep zookeeper of zookeeper on c"
    assert done[4:] == [asked("zookeeper", "a", "zookeeper")]
    assert "The roll ends at a, and nothing after it is restarted: what is awaited stands above" in output
    assert "-e accept_risk=NAME" in output
    assert "playbooks/stop.yml" in output


WHERE: dict[str, Any] = {"kafka_hosts": ["a"], "kafka_brokers": BROKERS}
ASK, TAKEN_BACK = asked("kafka", "a", "kafka@2"), is_back("kafka", "a", "kafka@2")
BLAME = "blame --plan out/plan.json a kafka@2"


def test_a_daemon_that_does_not_come_back_ends_the_roll(tmp_path: Path) -> None:
    """It runs with what it ran well with before: its files are not the cause."""
    rc, output, done = roll(tmp_path, "kafka", {"a": ["kafka@2"]}, refuses="*' --back a/kafka@2 '*", **WHERE)
    assert rc == 2, output
    assert done == [ASK, "restarted kafka@2 on a", TAKEN_BACK, "taken_back ? kafka@2 on a"]


def test_what_a_daemon_refuses_is_taken_back(tmp_path: Path) -> None:
    machines = {"a": ["kafka@2"], "b": ["kafka@3"]}
    rc, output, done = roll(tmp_path, "kafka", machines, fails="kafka@2", other=[CONFIG], **WHERE)
    assert rc == 2, output
    assert done == [
        ASK,
        "restarted kafka@2 on a",
        "taken_back ? kafka@2 on a",
        BLAME,
        "taken_back kafka@2 on a",
        "current ? kafka@2 on a",
        # May it go: whatever is not right is the reason for all this.
        "check kafka --restart a kafka@2 --accept ",
        "current kafka@2 on a",
        TAKEN_BACK,
    ]
    assert "a refused the change and runs as before; no machine after it has the change" in output
    assert "kafka@2 on a (failed): no threads" in output
    assert f"Taken back: {CONFIG}. Mend the inventory and run again" in output


def test_a_gate_that_stays_closed_takes_back_too(tmp_path: Path) -> None:
    words = {"refuses": "*' --plan '*' --back a/kafka@2 '*", "other": [CONFIG]}
    rc, output, done = roll(tmp_path, "kafka", {"a": ["kafka@2"]}, **words, **WHERE)  # type: ignore[arg-type]
    assert rc == 2, output
    assert done[2:5] == [TAKEN_BACK, "taken_back ? kafka@2 on a", BLAME]
    # It stays closed: that is what the run says then.
    assert done[-2:] == ["current kafka@2 on a", TAKEN_BACK]
    assert "runs as before" not in output


def test_what_may_have_altered_data_is_not_taken_back(tmp_path: Path) -> None:
    logs = {"holds": {"/var/lib/kafka": {}}, "kept": [], "older": {}}
    stores = {"logs": logs, "log.dirs of 2": logs | {"holds": {"/a": {}, "/b": {}}, "kept": ["/a"]}}
    found = {"services": {"kafka": {"data": {"stores": stores}}}}
    words = {"fails": "kafka@2", "other": [CONFIG], "__common_found": found}
    rc, output, done = roll(tmp_path, "kafka", {"a": ["kafka@2"]}, **words, **WHERE)  # type: ignore[arg-type]
    assert rc == 2, output
    assert done == [ASK, "restarted kafka@2 on a", "taken_back ? kafka@2 on a", BLAME]
    assert f"cannot be taken back safely: {CONFIG} has another log.dirs" in output


@pytest.mark.parametrize("file", ["restart.yml", "take_back_daemon.yml"])
def test_what_a_service_needs_after_a_restart_comes_after_each(file: str) -> None:
    """A JournalNode is left out of the quorum until it takes part in a new segment."""
    tasks = yaml.safe_load((CHECKOUT / "roles/common/tasks" / file).read_text(encoding="utf-8"))
    restarts = next(n for n, task in enumerate(tasks) if {"service_state", "service_units"} & set(task))
    after = tasks[restarts + 1]
    assert after["ansible.builtin.include_role"]["tasks_from"] == "{{ common_service.after_restart }}"
    assert after["when"].startswith("common_service.after_restart is defined")


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
    work = [
        line
        for number, unit in enumerate(units)
        for line in (asked("kafka", "a", unit, back=units[:number]), f"restarted {unit} on a")
    ]
    assert done == [*work, is_back("kafka", "a", *units), f"keep {' '.join(units)} of kafka on a"]


ALIKE = {"a": ["zookeeper", "other"]} | {host: ["zookeeper"] for host in "bcde"}
BATCHES = ["a", "bcd", "e"]


def each(verb: str, hosts: str) -> list[str]:
    return [f"{verb} zookeeper on {host}" for host in hosts]


def test_a_batch_is_asked_for_once_and_restarted_together(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES)
    assert rc == 0, output
    batch = done.index(asked("zookeeper", "b c d", "zookeeper"))
    # Before it the machine with other daemons, one after the other; after it what is in no batch with them.
    assert done[:batch] == [
        asked("zookeeper", "a", "zookeeper"),
        *each("restarted", "a"),
        asked("zookeeper", "a", "other", back=["zookeeper"]),
        "restarted other on a",
        is_back("zookeeper", "a", "zookeeper", "other"),
        *each("keep zookeeper of", "a"),
    ]
    assert sorted(done[batch + 1 : batch + 4]) == each("restarted", "bcd")
    assert (
        done[batch + 4] == "check zookeeper --plan out/plan.json --back b/zookeeper c/zookeeper d/zookeeper"
    )
    assert sorted(done[batch + 5 : batch + 8]) == each("keep zookeeper of", "bcd")
    assert done[batch + 8] == asked("zookeeper", "e", "zookeeper")


def test_a_gate_that_stays_closed_leaves_the_whole_batch_and_all_after_it(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES, refuses="*' --restart b '*")
    assert rc == 2, output
    assert done[-1] == asked("zookeeper", "b c d", "zookeeper")
    assert "The roll ends at b, and nothing after it is restarted" in output


def test_one_of_a_batch_that_does_not_start_ends_the_roll(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "zookeeper", ALIKE, batches=BATCHES, fails="c")
    assert rc == 2, output
    asking = done.index(asked("zookeeper", "b c d", "zookeeper"))
    assert sorted(done[asking + 1 : asking + 4]) == each("restarted", "bcd")
    # All of the batch go back, not only the one that was refused.
    assert sorted(done[asking + 4 :]) == each("taken_back ?", "bcd")


def test_a_service_that_is_none_is_refused_before_all_else(tmp_path: Path) -> None:
    rc, output, done = roll(tmp_path, "hive", {})
    assert rc == 2, output
    assert done == []
    assert "give -e service= and one of zookeeper, hdfs, yarn, kafka, spark" in output
    assert "PLAY [Preflight" not in output
