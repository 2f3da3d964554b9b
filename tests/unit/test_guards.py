"""What could lose data is refused by the plan: the machines are read, and one decision is made for all.

What is refused stands in the tables of test_zookeeper_data, test_kafka_data and test_hdfs_data, and what is
read of a machine in test_host_data: here three machines, directories of this one, go all the way.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

NAMES = ["a", "b", "c"]
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
# What systemd has loaded for each unit; none runs.
SYSTEMCTL = """#!/bin/sh
shift 2
for unit; do
  printf 'Id=%s.service\\nLoadState=loaded\\nActiveState=inactive\\nMainPID=0\\n' "$unit"
  printf 'NeedDaemonReload=no\\nInvocationID=\\nRuntimeDirectory=none\\nReadWritePaths={writes}\\n\\n'
done
"""
LOCK = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {}
"""
VARIABLES: dict[str, Any] = {
    "ansible_connection": "local",
    "cluster_name": "unit",
    "zookeeper_hosts": NAMES,
    "zookeeper_client_port": 2181,
    "zookeeper_data_dir": "@/{{ inventory_hostname }}/zookeeper",
    "kafka_hosts": NAMES,
    "kafka_data_dir": "@/{{ inventory_hostname }}/kafka",
    "kafka_cluster_id": "ours",
    "kafka_brokers": [
        {
            "id": "{{ ('abc' | list).index(inventory_hostname) + 1 }}",
            "host": "h",
            "port": 1,
            "controller_port": 2,
        }
    ],
    "hadoop_hosts": NAMES,
    "hdfs_namenode_hosts": ["a", "b"],
    "hdfs_journalnode_hosts": NAMES,
    "hdfs_datanode_hosts": NAMES,
    "hdfs_name_dir": "@/{{ inventory_hostname }}/name",
    "hdfs_data_dir": "@/{{ inventory_hostname }}/data",
    "hdfs_journal_dir": "@/{{ inventory_hostname }}/journal",
    "hdfs_checkpoint_dir": "@/{{ inventory_hostname }}/check",
    "common_services": [
        "{{ zookeeper_service }}",
        "{{ hadoop_service }}",
        "{{ hdfs_service }}",
        "{{ kafka_service }}",
    ],
}
SERVED = {f"{name}/zookeeper/{path}": "" for name in NAMES for path in ("version-2/snapshot.0", "myid")}
BROKERS = {
    f"{name}/kafka/{n}/{path}": text
    for n, name in enumerate(NAMES, 1)
    for path, text in (
        ("meta.properties", "cluster.id=ours\n"),
        ("__cluster_metadata-0/quorum-state", '{"leaderId":1,"leaderEpoch":2}'),
    )
}
HDFS = {
    **{f"{name}/name/current/VERSION": "clusterID=CID-1\n" for name in "ab"},
    **{f"{name}/name/current/fsimage_0": "" for name in "ab"},
    **{f"{name}/data/current/VERSION": f"clusterID=CID-1\nstorageID=DS-{name}\n" for name in NAMES},
    **{f"{name}/journal/unit/current/VERSION": "clusterID=CID-1\n" for name in NAMES},
}


def refused(
    directory: Path, *words: str, holds: dict[str, str], c: dict[str, Any] | None = None, writes: str = ""
) -> list[str]:
    """What the plan refuses on three machines, directories of this one; @ is where they are.

    holds: texts of the files that are there
    c: variables of the machine c
    writes: where the units that systemd has loaded may write
    """
    for path, text in holds.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    program = directory / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL.format(writes=writes.replace("@", str(directory))))
    program.chmod(0o755)
    # Nobody else is here.
    (directory / "action_plugins").mkdir()
    (directory / "action_plugins/cluster_lock.py").write_text(LOCK)
    # With an empty group of that name the machines' names are not looked up.
    groups: dict[str, Any] = {"machines": {"hosts": {"a": {}, "b": {}, "c": c or {}}}, "cluster": {}}
    inventory = {"all": {"children": groups, "vars": VARIABLES}}
    (directory / "hosts.json").write_text(json.dumps(inventory).replace("@", str(directory)))
    tasks = [
        {"ansible.builtin.import_tasks": str(CHECKOUT / "playbooks/tasks/services.yml")},
        {"ansible.builtin.import_role": {"name": "common", "tasks_from": "plan"}},
    ]
    play = [{"hosts": "machines", "gather_facts": False, "tasks": tasks}]
    (directory / "play.yml").write_text(yaml.safe_dump(play))
    words = ("-i", str(directory / "hosts.json"), str(directory / "play.yml"), *words)
    path = f"{program.parent}:{os.environ['PATH']}"
    run = start(directory, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json", PATH=path)
    output = finish(run)
    said = re.findall(r"^fatal: \[(\w)\]: FAILED! => (.*)$", output, re.MULTILINE)
    assert said or run.returncode == (4 if c else 0), output
    # One machine says it, for all of them; the file has the same.
    assert [host for host, _ in said] in ([], ["a"]), output
    # No more is shown of the plan than what is refused.
    assert not any("ansible_facts" in json.loads(result) for _, result in said)
    lines = [line for _, result in said for line in json.loads(result)["msg"].splitlines()]
    plan = "check.json" if "--check" in words else "plan.json"
    assert json.loads((directory / plan).read_text())["refusals"] == lines
    return [line.replace(str(directory), "@") for line in lines]


def begin(lines: list[str], *beginnings: str) -> bool:
    """Whether for each beginning there is a line."""
    return all(any(line.startswith(each) for line in lines) for each in beginnings)


def test_what_could_lose_data_is_refused_of_all_services_at_once(tmp_path: Path) -> None:
    holds = BROKERS | HDFS | {"b/zookeeper/version-2/snapshot.0": ""}
    holds |= {"b/kafka/2/meta.properties": "cluster.id=theirs\n", "old/current/VERSION": "storageID=DS-old"}
    lines = refused(tmp_path, "--check", holds=holds, writes="@/old")
    assert begin(
        lines,
        "2 of 3 ZooKeeper servers (a, c) have no data, and b has: the empty ones would elect each other",
        "broker 2 on b bears the cluster id theirs (@/b/kafka/2/meta.properties), and the inventory gives",
        "a has blocks of HDFS in @/old, which its hdfs-datanode was given until now and would not",
    ), lines


def test_a_machine_that_does_not_answer_may_have_the_data(tmp_path: Path) -> None:
    lines = refused(tmp_path, holds={"b/zookeeper/version-2/snapshot.0": ""}, c=GONE)
    assert begin(
        lines,
        "a has no data, and whether c has any is not known",
        "a, b have no image of a NameNode (hdfs_name_dir), and whether c hold data of this HDFS is not known",
    ), lines


def test_what_is_as_it_should_be_is_not_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, holds=SERVED | BROKERS | HDFS, writes="@/other") == []
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["data"]["hdfs"]["images"] == ["a", "b"]
    assert plan["data"]["kafka"]["formatted"] == 3


def test_nothing_is_written_before_the_plan() -> None:
    """Once the files are written, a stopped unit tells of no other directory, and myid is the new one."""
    site = [play["name"] for play in yaml.safe_load((CHECKOUT / "site.yml").read_text())]
    assert site.index("Plan") < site.index("Install")
    for name in ("zookeeper", "hdfs", "kafka", "yarn", "spark"):
        steps = [play["name"] for play in yaml.safe_load((CHECKOUT / f"playbooks/{name}.yml").read_text())]
        assert steps[:3] == ["Preflight", "Plan", "Install"]
    # Of a role that is used alone, too.
    alone = yaml.safe_load((CHECKOUT / "roles/common/tasks/alone.yml").read_text())
    steps = [task["name"].partition(" | ")[2] for task in alone]
    assert steps[:3] == ["Check the input", "Describe the cluster", "Plan"]
    assert steps.index("Plan") < steps.index("Install") < steps.index("Start")
    # Data is formatted after it.
    start = yaml.safe_load((CHECKOUT / "roles/common/tasks/start.yml").read_text())
    assert start[-1]["ansible.builtin.include_role"]["tasks_from"] == "{{ common_service.after_start }}"
    for role in ("hdfs", "kafka"):
        tasks = yaml.safe_load((CHECKOUT / f"roles/{role}/tasks/main.yml").read_text())
        assert [task["name"] for task in tasks] == ["Deploy"]
