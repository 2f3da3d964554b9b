"""Nothing that holds data is formatted, and no host counts as empty that was not asked."""

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
PLAIN = {"hdfs_namenode_hosts": ["a"], "hdfs_datanode_hosts": ["b", "c"]}
HA = {"hdfs_namenode_hosts": ["a", "b"], "hdfs_journalnode_hosts": NAMES, "hdfs_datanode_hosts": NAMES}
# What systemd has loaded for each unit, and which of them run.
SYSTEMCTL = """#!/bin/sh
shift 2
for unit; do
  case " {up} " in *" $unit "*) state=active;; *) state=inactive;; esac
  printf 'Id=%s.service\\nActiveState=%s\\n' "$unit" "$state"
  printf 'RuntimeDirectory={runtime}\\nReadWritePaths={writes}\\n\\n'
done
"""


def refusal(
    directory: Path,
    verb: str,
    *words: str,
    variables: dict[str, Any],
    hosts: dict[str, dict[str, Any]],
    up: str = "",
    writes: str = "",
) -> str:
    """What the host a says that the verb of a role refuses; the hosts are directories of this machine.

    up: units that run
    writes: where the units that systemd has loaded may write
    """
    role, task = verb.split(": ")
    (directory / "bin").mkdir()
    (directory / "bin" / "systemctl").write_text(
        SYSTEMCTL.format(up=up, writes=writes, runtime=directory / "run")
    )
    (directory / "bin" / "systemctl").chmod(0o755)
    inventory = {
        "all": {
            "hosts": {name: hosts.get(name, {}) for name in NAMES},
            "vars": {"ansible_connection": "local", "cluster_name": "unit"} | variables,
        }
    }
    (directory / "hosts.json").write_text(json.dumps(inventory))
    tasks = [{"ansible.builtin.import_role": {"name": role, "tasks_from": task}}]
    (directory / "play.json").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    )
    words = ("-i", str(directory / "hosts.json"), str(directory / "play.json"), *words)
    path = f"{directory}/bin:{os.environ['PATH']}"
    run = start(directory, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json", PATH=path)
    output = finish(run)
    found = re.search(r"^fatal: \[a\]: FAILED! => (.*)$", output, re.MULTILINE)
    assert found or run.returncode in (0, 4) or '"evaluated_to": false' in output, output
    return str(json.loads(found[1])["msg"]) if found else ""


def guard(
    directory: Path,
    *words: str,
    topology: dict[str, Any],
    files: tuple[str, ...] = (),
    **hosts: dict[str, Any],
) -> str:
    """What the verb guard refuses where these files lie: a/name/current/VERSION is an image on the host a."""
    for path in files:
        (directory / path).parent.mkdir(parents=True)
        (directory / path).touch()
    own = {f"hdfs_{kind}_dir": f"{directory}/{{{{ inventory_hostname }}}}/{kind}" for kind in DIRECTORIES}
    variables = topology | own
    return refusal(directory, "hdfs: guard", *words, variables=variables, hosts=hosts)


DIRECTORIES = ("name", "data", "journal")
IMAGE = "a/name/current/VERSION"
BLOCKS = "c/data/current/VERSION"
EDITS = "b/journal/unit/current/VERSION"
LOSES = "but no NameNode has its image in {directory}/a/name. Formatting would lose it."
NO_EDITS = (
    "no JournalNode has edits of the nameservice unit in {directory}/a/journal: no NameNode would start."
)


@pytest.mark.parametrize(
    ("topology", "files", "says"),
    [
        (PLAIN, (), ""),
        (PLAIN, (IMAGE, BLOCKS), ""),
        (PLAIN, (BLOCKS,), LOSES),
        # Directories whose names begin alike.
        (PLAIN, ("a/name-2/current/VERSION", BLOCKS), LOSES),
        # It had two NameNodes until now.
        (PLAIN, (IMAGE, EDITS, BLOCKS), "b hold edits in {directory}/a/journal that the one NameNode"),
        (HA, (), ""),
        (HA, (IMAGE, EDITS, BLOCKS), ""),
        (HA, (EDITS,), "b hold edits or blocks of an HDFS in"),
        # It was plain until now, or cluster_name was another.
        (HA, (IMAGE, BLOCKS), "namenode -initializeSharedEdits"),
        (HA, (IMAGE, "b/name/current/VERSION", "c/journal/old/current/VERSION"), NO_EDITS),
    ],
)
def test_what_hdfs_holds(tmp_path: Path, topology: dict[str, Any], files: tuple[str, ...], says: str) -> None:
    found = guard(tmp_path, topology=topology, files=files)
    assert says.format(directory=tmp_path) in found
    assert bool(found) == bool(says)


@pytest.mark.parametrize(
    ("words", "c", "topology", "files", "unheard"),
    [
        ((), GONE, PLAIN, (), "c"),
        (("--limit", "a,b"), {}, HA, (IMAGE, EDITS), "c"),
        # Where there is an image, nothing of a DataNode is of interest.
        ((), GONE, PLAIN, (IMAGE,), ""),
    ],
)
def test_hosts_of_hdfs_that_were_not_asked(
    tmp_path: Path,
    words: tuple[str, ...],
    c: dict[str, Any],
    topology: dict[str, Any],
    files: tuple[str, ...],
    unheard: str,
) -> None:
    found = guard(tmp_path, *words, topology=topology, files=files, c=c)
    assert (f"and whether {unheard} hold data of this HDFS is not known" in found) == bool(unheard)
    assert bool(found) == bool(unheard)


def test_a_limited_run_that_formats_nothing_asks_nobody_else(tmp_path: Path) -> None:
    assert guard(tmp_path, "--limit", "a", topology=HA, files=(IMAGE,)) == ""


def kafka(
    directory: Path,
    *words: str,
    holds: tuple[str, ...] = (),
    brokers: dict[str, list[int]] | None = None,
    verb: str = "guard",
    zookeeper: str = "",
    c: dict[str, Any] | None = None,
    **systemd: str,
) -> str:
    """What Kafka's guard refuses on a: a/1 is a log of broker 1 on the host a, old/1 in one of before."""
    for path in holds:
        (directory / path).mkdir(parents=True)
        (directory / path / "meta.properties").touch()
    hosts: dict[str, dict[str, Any]] = {"a": {}, "b": {}, "c": c or {}}
    for name, ids in (brokers or {"a": [1], "b": [2], "c": [3]}).items():
        hosts[name]["kafka_brokers"] = [
            {"id": number, "host": name, "port": 9090 + number, "controller_port": 9190 + number}
            for number in ids
        ]
    variables = {
        "kafka_hosts": [name for name in NAMES if "kafka_brokers" in hosts[name]],
        "kafka_data_dir": f"{directory}/{{{{ inventory_hostname }}}}",
        "kafka_zookeeper_connect": zookeeper,
    }
    return refusal(directory, f"kafka: {verb}", *words, variables=variables, hosts=hosts, **systemd)


@pytest.mark.parametrize(
    ("words", "c", "holds", "unheard"),
    [
        ((), GONE, ("a/1",), "c"),
        (("--limit", "a"), {}, (), "b, c"),
        # What formats nothing asks nobody.
        (("--limit", "a"), {}, ("a/1",), ""),
    ],
)
def test_hosts_of_kafka_that_were_not_asked(
    tmp_path: Path, words: tuple[str, ...], c: dict[str, Any], holds: tuple[str, ...], unheard: str
) -> None:
    found = kafka(tmp_path, *words, c=c, holds=holds)
    assert (f"and whether those of {unheard} have one is not known" in found) == bool(unheard)
    assert bool(found) == bool(unheard)


def test_nothing_is_formatted_unguarded(tmp_path: Path) -> None:
    """The verb start may be called alone."""
    found = kafka(tmp_path, "--check", verb="format", holds=("a/1",), brokers={"a": [1, 2, 3]})
    assert "Only 1 of 3 controllers have a metadata log" in found


def running(ids: range) -> str:
    """Units of these brokers."""
    return " ".join(f"kafka@{number}" for number in ids)


ADD = "If you are adding brokers, add {} at a time at most"


@pytest.mark.parametrize(
    ("count", "formatted", "run", "says"),
    [
        # One directory of three was lost, or one broker is added to two.
        (3, 2, False, ""),
        # As many as there are, if those run: one controller could get no other else.
        (2, 1, True, ""),
        (2, 1, False, "If you are adding brokers, start those that have one first"),
        (6, 3, False, ADD.format(2)),
        (3, 1, True, ADD.format(1)),
        (7, 3, True, ADD.format(3)),
    ],
)
def test_a_cluster_of_kafka_grows_by_what_it_can_take_in(
    tmp_path: Path, count: int, formatted: int, run: bool, says: str
) -> None:
    there = range(1, formatted + 1)
    found = kafka(
        tmp_path,
        holds=tuple(f"a/{number}" for number in there),
        brokers={"a": list(range(1, count + 1))},
        up=running(there) if run else "",
    )
    assert says in found
    assert bool(found) == bool(says)
    if says:
        # What destroys comes last, and says when it may.
        adds, restores, removes = map(found.index, (says, "restore them", "Only if no topic was ever made"))
        assert adds < restores < removes
        assert "remove" not in found[:removes]


@pytest.mark.parametrize(
    ("words", "zookeeper", "up"), [((), "", "kafka@1"), (("--check",), "", ""), ((), "a:2181", "kafka@1")]
)
def test_a_broker_whose_directory_is_changed_is_not_given_an_empty_one(
    tmp_path: Path, words: tuple[str, ...], zookeeper: str, up: str
) -> None:
    """Its unit is still that of before, whether it runs or not."""
    found = kafka(
        tmp_path, *words, zookeeper=zookeeper, up=up, holds=("old/1", "old/2"), writes=f"{tmp_path}/old"
    )
    assert found.startswith(
        f"a has no log of its broker 1 in {tmp_path}/a, but there is one in {tmp_path}/old/1:"
    )
    assert found.endswith(f"systemctl stop kafka@1 && cp -a {tmp_path}/old/1 {tmp_path}/a/")


def test_a_broker_that_runs_without_a_metadata_log_has_it_elsewhere(tmp_path: Path) -> None:
    """Whatever systemd has loaded by now; only with KRaft, where a broker makes no directory itself."""
    found = kafka(tmp_path, up="kafka@1", writes=f"{tmp_path}/a")
    assert found.endswith(f"systemctl stop kafka@1 && cp -a OLDER/1 {tmp_path}/a/")
    (tmp_path / "again").mkdir()
    assert kafka(tmp_path / "again", up="kafka@1", zookeeper="a:2181") == ""


def test_where_a_log_is_elsewhere_no_other_host_tells_to_remove_any(tmp_path: Path) -> None:
    """a has its own; those of b are in a directory of before, and b says so."""
    brokers = {"a": [1], "b": [2, 3]}
    found = kafka(
        tmp_path,
        holds=("a/1", "old/2", "old/3"),
        brokers=brokers,
        writes=f"{tmp_path}/old",
        up=running(range(1, 4)),
    )
    assert found == ""


@pytest.mark.parametrize(
    ("holds", "writes"),
    [
        # Copied, the older is still there; not yet deployed; nothing in what is loaded.
        (("a/1", "b/2", "c/3", "old/1"), "{}/old"),
        ((), ""),
        ((), "{}/old"),
        # Another broker's, in what was that broker's alone.
        (("a/1", "b/2", "c/3"), "{}/a"),
    ],
)
def test_a_broker_with_its_data_where_it_should_be(
    tmp_path: Path, holds: tuple[str, ...], writes: str
) -> None:
    assert kafka(tmp_path, holds=holds, writes=writes.format(tmp_path), up="kafka@1" if holds else "") == ""


@pytest.mark.parametrize(("words", "zookeeper"), [(("--check",), ""), ((), "a:2181")])
def test_a_broker_is_not_given_another_id_beside_its_data(
    tmp_path: Path, words: tuple[str, ...], zookeeper: str
) -> None:
    """Before, the list had a host more at its head."""
    found = kafka(tmp_path, *words, zookeeper=zookeeper, holds=("a/2", "b/3"))
    assert found.startswith(
        f"a holds in {tmp_path}/a the data of broker 2, and the inventory now calls its broker 1:"
    )
    assert "kafka_brokers with fixed ids, in host_vars" in found
    assert f"move {tmp_path}/a/2 away" in found


@pytest.mark.parametrize(
    "holds",
    [
        # A broker that was taken out of the host, and what is no broker's.
        ("a/1", "a/2", "b/2", "c/3"),
        ("a/lost+found", "b/2", "c/3"),
    ],
)
def test_other_directories_beside_a_brokers(tmp_path: Path, holds: tuple[str, ...]) -> None:
    assert kafka(tmp_path, holds=holds) == ""


def zookeeper(
    directory: Path,
    *words: str,
    holds: tuple[str, ...] = (),
    myid: str = "1",
    servers: str = "abc",
    **systemd: str,
) -> str:
    """What ZooKeeper's guard refuses on a, where these directories hold data."""
    for path in holds:
        (directory / path / "version-2").mkdir(parents=True)
        (directory / path / "myid").write_text(f"{myid}\n")
    variables = {
        "zookeeper_hosts": list(servers),
        "zookeeper_data_dir": f"{directory}/{{{{ inventory_hostname }}}}",
    }
    hosts: dict[str, dict[str, Any]] = {}
    return refusal(directory, "zookeeper: guard", *words, variables=variables, hosts=hosts, **systemd)


@pytest.mark.parametrize(("words", "up"), [((), "zookeeper"), (("--check",), "")])
def test_a_server_whose_directory_is_changed_is_not_given_an_empty_one(
    tmp_path: Path, words: tuple[str, ...], up: str
) -> None:
    found = zookeeper(tmp_path, *words, holds=("old",), up=up, writes=f"{tmp_path}/old")
    assert found.startswith(f"a has no data of its ZooKeeper server in {tmp_path}/a, but there is some in")
    old = tmp_path / "old"
    assert found.endswith(f"systemctl stop zookeeper && cp -a {old}/version-2 {old}/myid {tmp_path}/a/")


def test_a_server_that_runs_tells_what_it_read(tmp_path: Path) -> None:
    """Its unit was written and loaded since, so it has the new directory."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.sha256").write_text(f"0  {tmp_path}/old/myid\n")
    found = zookeeper(tmp_path, holds=("old",), up="zookeeper", writes=f"{tmp_path}/a")
    assert f"but there is some in {tmp_path}/old:" in found


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_server_is_not_given_another_id_with_its_data(tmp_path: Path, words: tuple[str, ...]) -> None:
    found = zookeeper(tmp_path, *words, holds=("a",), myid="2")
    assert found.startswith(
        f"a holds in {tmp_path}/a the data of server 2, and zookeeper_hosts (a, b, c) now makes it server 1."
    )
    assert "append new servers at its end" in found


@pytest.mark.parametrize(
    ("holds", "myid", "servers"),
    [
        ((), "1", "abc"),
        (("a",), "1", "abc"),
        (("a", "b", "c", "old"), "1", "abc"),
        # What is no number is not another's.
        (("a",), "", "abc"),
        # Servers were appended, another was replaced at its place.
        (("a",), "2", "cab"),
    ],
)
def test_a_server_with_its_data_where_it_should_be(
    tmp_path: Path, holds: tuple[str, ...], myid: str, servers: str
) -> None:
    assert zookeeper(tmp_path, holds=holds, myid=myid, servers=servers, writes=f"{tmp_path}/old") == ""


def test_a_server_that_never_ran_may_get_another_id(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "myid").write_text("3\n")
    assert zookeeper(tmp_path) == ""


@pytest.mark.parametrize("role", ["kafka", "zookeeper"])
def test_the_guard_stands_before_what_it_guards(role: str) -> None:
    """Once the files are written, a stopped unit tells of no other directory, and myid is the new one."""
    tasks = yaml.safe_load((CHECKOUT / "roles" / role / "tasks" / "main.yml").read_text())
    assert [task["name"] for task in tasks] == ["Preflight", "Install", "Guard", "Config", "Start"]


@pytest.mark.parametrize("more", ["{}/old/1,{}/a/1", ["{}/old/1", "{}/a/1"]])
def test_another_disk_of_a_broker_is_no_directory_of_before(tmp_path: Path, more: str | list[str]) -> None:
    dirs = json.loads(json.dumps(more).replace("{}", str(tmp_path)))
    overrides = {"kafka_server_properties_overrides": {"log.dirs": dirs}}
    words = ("-e", json.dumps(overrides))
    assert kafka(tmp_path, *words, holds=("old/1", "b/2", "c/3"), writes=f"{tmp_path}/old") == ""


def test_a_directory_for_transactions_is_no_directory_of_before(tmp_path: Path) -> None:
    words = ("-e", json.dumps({"zookeeper_cfg_overrides": {"dataLogDir": f"{tmp_path}/old"}}))
    assert zookeeper(tmp_path, *words, holds=("old",), writes=f"{tmp_path}/old") == ""
