"""The guards of the roles read the machines, decide for all of them, and stand before what they guard.

What they refuse stands in the tables of test_zookeeper_data, test_kafka_data and test_hdfs_data, and what is
read of a machine in test_host_data.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

NAMES = ["a", "b", "c"]
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
# What systemd has loaded for each unit, and which of them run.
SYSTEMCTL = """#!/bin/sh
shift 2
for unit; do
  case " {up} " in *" $unit "*) state=active;; *) state=inactive;; esac
  printf 'Id=%s.service\\nActiveState=%s\\n' "$unit" "$state"
  printf 'RuntimeDirectory={runtime}\\nReadWritePaths={writes}\\n\\n'
done
"""
ZOOKEEPER = {
    "zookeeper_hosts": NAMES,
    "zookeeper_data_dir": "@/{{ inventory_hostname }}",
    "zookeeper_cfg_overrides": {"dataLogDir": "@/{{ inventory_hostname }}-logs"},
}
KAFKA = {
    "kafka_hosts": NAMES,
    "kafka_data_dir": "@/{{ inventory_hostname }}",
    "kafka_cluster_id": "ours",
    "kafka_brokers": [
        {
            "id": "{{ ('abc' | list).index(inventory_hostname) + 1 }}",
            "host": "h",
            "port": 1,
            "controller_port": 2,
        }
    ],
    "kafka_server_properties_overrides": {"log.dirs": ["@/{{ inventory_hostname }}/1", "@/d2"]},
}
HDFS = {
    "zookeeper_hosts": NAMES,
    "hdfs_namenode_hosts": ["a", "b"],
    "hdfs_journalnode_hosts": NAMES,
    "hdfs_datanode_hosts": NAMES,
    "hdfs_name_dir": "@/{{ inventory_hostname }}/name",
    "hdfs_data_dir": "@/{{ inventory_hostname }}/data",
    "hdfs_journal_dir": "@/{{ inventory_hostname }}/journal",
    "hdfs_checkpoint_dir": "@/{{ inventory_hostname }}/check",
    "hdfs_site_overrides": {
        "dfs.datanode.data.dir": "[SSD]file://@/{{ inventory_hostname }}/data,@/{{ inventory_hostname }}/d2"
    },
}


def refusal(
    directory: Path,
    verb: str,
    *words: str,
    variables: dict[str, Any],
    holds: dict[str, str],
    c: dict[str, Any] | None = None,
    up: str = "",
    writes: str = "",
) -> str:
    """What the verb of a role refuses on three hosts, directories of this machine; @ is where they are.

    holds: texts of the files that are there
    c: variables of the host c
    up: units that run
    writes: where the units that systemd has loaded may write
    """
    role, task = verb.split(": ")
    for path, text in holds.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    program = directory / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(
        SYSTEMCTL.format(up=up, writes=writes.replace("@", str(directory)), runtime=directory / "run")
    )
    program.chmod(0o755)
    common = {"ansible_connection": "local", "cluster_name": "unit"} | variables
    inventory = {"all": {"hosts": {"a": {}, "b": {}, "c": c or {}}, "vars": common}}
    (directory / "hosts.json").write_text(json.dumps(inventory).replace("@", str(directory)))
    tasks = [{"ansible.builtin.import_role": {"name": role, "tasks_from": task}}]
    (directory / "play.json").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    )
    words = ("-i", str(directory / "hosts.json"), str(directory / "play.json"), *words)
    path = f"{program.parent}:{os.environ['PATH']}"
    run = start(directory, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json", PATH=path)
    output = finish(run)
    found = re.search(r"^fatal: \[a\]: FAILED! => (.*)$", output, re.MULTILINE)
    assert found or run.returncode == 0, output
    # One host says it, for all of them.
    assert not re.search(r"^fatal: \[[bc]\]: FAILED", output, re.MULTILINE)
    return str(json.loads(found[1])["msg"]).replace(str(directory), "@") if found else ""


SERVED = {f"{name}/{path}": "" for name in NAMES for path in ("version-2/snapshot.0", "myid")}
BROKERS = {f"{name}/{n}/meta.properties": "cluster.id=ours\n" for n, name in enumerate(NAMES, 1)}
WHOLE = {
    "a/name/current/VERSION": "clusterID=CID-1\n",
    "b/name/current/VERSION": "clusterID=CID-1\n",
    **{f"{name}/data/current/VERSION": f"clusterID=CID-1\nstorageID=DS-{name}\n" for name in NAMES},
    **{f"{name}/journal/unit/current/VERSION": "clusterID=CID-1\n" for name in NAMES},
}


@pytest.mark.parametrize(
    ("verb", "words", "variables", "more", "says"),
    [
        pytest.param(
            "zookeeper: guard",
            ("--check",),
            ZOOKEEPER,
            {"holds": {"b/version-2/snapshot.0": ""}},
            "2 of 3 ZooKeeper servers (a, c) have no data, and b has: the empty ones would elect each other",
            id="zookeeper-empty-servers",
        ),
        pytest.param(
            "zookeeper: guard",
            ("--limit", "a,b"),
            ZOOKEEPER,
            {"holds": {"b/version-2/snapshot.0": ""}},
            "a has no data, and whether c has any is not known",
            id="zookeeper-limited",
        ),
        pytest.param(
            "kafka: guard",
            ("--check",),
            KAFKA,
            {"holds": BROKERS | {"b/2/meta.properties": "cluster.id=theirs\n"}},
            "broker 2 on b bears the cluster id theirs (@/b/2/meta.properties), and the inventory gives "
            "ours:",
            id="kafka-of-another-cluster",
        ),
        # The verb start may be called alone.
        pytest.param(
            "kafka: format",
            ("--check",),
            KAFKA,
            {"holds": {"old/1/meta.properties": ""}, "writes": "@/old", "up": "kafka@1"},
            "a has no log of its broker 1 in @/a, but there is one in @/old/1: its unit uses another "
            "directory",
            id="kafka-format-alone",
        ),
        pytest.param(
            "hdfs: guard",
            (),
            HDFS,
            {"holds": WHOLE | {"old/current/VERSION": "storageID=DS-old"}, "writes": "@/old"},
            "a has blocks of HDFS in @/old, which its hdfs-datanode was given until now and would not read "
            "any more: the inventory names @/a/data, @/a/d2 (hdfs_data_dir,",
            id="hdfs-moved",
        ),
        pytest.param(
            "hdfs: start",
            ("--check",),
            HDFS,
            {"holds": {"c/data/current/VERSION": ""}},
            "c hold edits or blocks of an HDFS",
            id="hdfs-start-alone",
        ),
        pytest.param(
            "hdfs: guard",
            (),
            HDFS,
            {"holds": {}, "c": GONE},
            "a, b have no image of a NameNode (hdfs_name_dir), and whether c hold data of this HDFS is not "
            "known",
            id="hdfs-one-is-gone",
        ),
    ],
)
def test_what_could_lose_data_is_refused(
    tmp_path: Path,
    verb: str,
    words: tuple[str, ...],
    variables: dict[str, Any],
    more: dict[str, Any],
    says: str,
) -> None:
    assert refusal(tmp_path, verb, *words, variables=variables, **more).startswith(says)


@pytest.mark.parametrize(
    ("verb", "words", "variables", "more"),
    [
        pytest.param(
            "zookeeper: guard",
            (),
            ZOOKEEPER,
            {"holds": SERVED | {"a-logs/version-2/log.1": ""}, "writes": "@/a", "up": "zookeeper"},
            id="zookeeper",
        ),
        pytest.param(
            "kafka: guard",
            ("--check",),
            KAFKA,
            # Copied, the older is still there.
            {"holds": BROKERS | {"old/1/meta.properties": "", "d2/meta.properties": ""}, "writes": "@/old"},
            id="kafka",
        ),
        pytest.param("hdfs: guard", (), HDFS, {"holds": WHOLE, "writes": "@/other"}, id="hdfs"),
    ],
)
def test_what_is_as_it_should_be_is_not_refused(
    tmp_path: Path, verb: str, words: tuple[str, ...], variables: dict[str, Any], more: dict[str, Any]
) -> None:
    assert refusal(tmp_path, verb, *words, variables=variables, **more) == ""


@pytest.mark.parametrize("role", ["hdfs", "kafka", "zookeeper"])
def test_the_guard_stands_before_what_it_guards(role: str) -> None:
    """Once the files are written, a stopped unit tells of no other directory, and myid is the new one."""
    tasks = yaml.safe_load((CHECKOUT / "roles" / role / "tasks" / "main.yml").read_text())
    assert [task["name"] for task in tasks] == ["Preflight", "Install", "Guard", "Config", "Start"]


@pytest.mark.parametrize(("role", "verb"), [("hdfs", "start"), ("kafka", "format")])
def test_what_starts_or_formats_is_guarded_first(role: str, verb: str) -> None:
    """Where the guard has not been asked; no task of the verb comes before it."""
    first = yaml.safe_load((CHECKOUT / "roles" / role / "tasks" / f"{verb}.yml").read_text())[0]
    assert first["ansible.builtin.include_tasks"] == "guard.yml"
    assert first["when"] == f"__{role}_found is not defined"
