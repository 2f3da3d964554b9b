"""Nothing that holds data is formatted, and no host counts as empty that was not asked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playbooks import finish, start

NAMES = ["a", "b", "c"]
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
PLAIN = {"hdfs_namenode_hosts": ["a"], "hdfs_datanode_hosts": ["b", "c"]}
HA = {"hdfs_namenode_hosts": ["a", "b"], "hdfs_journalnode_hosts": NAMES, "hdfs_datanode_hosts": NAMES}


def refusal(
    directory: Path, verb: str, *words: str, variables: dict[str, Any], hosts: dict[str, dict[str, Any]]
) -> str:
    """What the host a says that the verb of a role refuses; the hosts are directories of this machine."""
    role, task = verb.split(": ")
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
    run = start(directory, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    found = re.search(r"^fatal: \[a\]: FAILED! => (.*)$", output, re.MULTILINE)
    assert found or run.returncode in (0, 4), output
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


@pytest.mark.parametrize(
    ("words", "c", "formatted", "says"),
    [
        ((), GONE, "ab", "and whether those of c have one is not known"),
        (("--limit", "a"), {}, "", "and whether those of b, c have one is not known"),
        ((), {}, "a", "Only 1 of 3 controllers have a metadata log"),
    ],
)
def test_kafka_is_not_formatted(
    tmp_path: Path, words: tuple[str, ...], c: dict[str, Any], formatted: str, says: str
) -> None:
    for name in formatted:
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "meta.properties").touch()
    variables = {
        "kafka_hosts": NAMES,
        "kafka_brokers": [{"id": 1, "host": "x", "port": 9092, "controller_port": 9093}],
        "kafka_data_dir": f"{tmp_path}/{{{{ inventory_hostname }}}}",
    }
    assert says in refusal(tmp_path, "kafka: format", *words, variables=variables, hosts={"c": c})
