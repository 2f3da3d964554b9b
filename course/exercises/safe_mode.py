"""Exercise 6: a NameNode that waits for blocks which no DataNode has any more."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hdfs_native import WriteOptions

from course.exercises.workspace import STUDENT, SUPERUSER, Found, Workspace, content, held, remaining
from smoke import verdict as verdict_of
from smoke.services import hdfs
from smoke.verdict import first
from smoke.wait import wait_until
from smoke.web import WebError, get_json

HINT = (
    "The NameNode's journal and http://hadoop-master:50070/jmx tell what it waits for. HDFS obeys its "
    "superuser: HADOOP_USER_NAME=hdfs. Once safe mode is left by force, hdfs fsck / tells which files "
    "have lost blocks. Give them up, or the next restart waits for them again."
)
RESTARTS = True

DIRECTORY = "/exercise-6"
KEPT = f"{DIRECTORY}/kept"
LOST = f"{DIRECTORY}/lost"
CONTENT = content(DIRECTORY, 300_000)
BLOCK = 1 << 20
"""The smallest that a NameNode allows."""
BLOCKS = 4
"""Of the lost file. The NameNode forgives one in a thousand, and rounds: a single one does not hold it."""
DATA = "/var/lib/hdfs/data"
PATIENCE = 60.0
"""Seconds for the restarted daemons to report."""

_REPORTED = re.compile(r"reported blocks (?P<reported>\d+) .*total blocks (?P<total>\d+)")


@dataclass(frozen=True)
class State:
    """What is there."""

    safe_mode: str
    """What the NameNode says of it; empty when it is off."""
    missing: int
    """Blocks of which there is no replica."""
    files: Sequence[str]
    """Those that have lost blocks, as far as they are known."""
    kept: Found
    """The file that is to outlive all."""


def verdict(state: State) -> list[str]:
    """Safe mode is off, nothing will bring it back, and what was whole is whole."""
    wrong = []
    if state.safe_mode:
        wrong.append(f"The NameNode says: {' '.join(state.safe_mode.split())}")
    if state.missing:
        named = f" ({first(state.files)})" if state.files else ""
        wrong.append(
            f"{state.missing} blocks are missing{named}: after a restart the NameNode would wait for them."
        )
    return wrong + held(KEPT, CONTENT, state.kept)


def refusal(workspace: Workspace) -> str:
    """It wants HDFS alone."""
    return workspace.hdfs_refusal()


def planted(workspace: Workspace) -> bool:
    """The NameNode waits, or was made not to, and the lost file is still there."""
    facts = workspace.namenode()
    return bool(facts.get("Safemode") or facts.get("MissingBlocks")) and workspace.exists(LOST)


def begun(workspace: Workspace) -> bool:
    """The directory is there."""
    return workspace.exists(DIRECTORY)


def plant(workspace: Workspace) -> None:
    """Write a file of two replicas and one of one; remove the latter's blocks, restart the NameNode."""
    clear(workspace)
    with workspace.files() as files:
        files.mkdirs(DIRECTORY, create_parent=True)
        _write(workspace, KEPT, CONTENT, replication=2)
        _write(workspace, LOST, content(LOST, BLOCKS * BLOCK), replication=1)
        for path in (DIRECTORY, KEPT, LOST):
            files.set_owner(path, owner=STUDENT)
    names = " -o ".join(f"-name 'blk_{number}*'" for number in _blocks(workspace, LOST))
    # A DataNode that runs would go on reporting what it had when it started.
    unit = workspace.hdfs.datanode_unit
    # Nor is it to stay down when something fails in between.
    workspace.on_datanodes(
        f"trap 'systemctl start {unit}' EXIT; systemctl stop {unit} && find {DATA} '(' {names} ')' -delete"
    )
    workspace.master.run(f"systemctl restart {workspace.hdfs.namenodes[0].unit}", 60)
    wait_until(
        lambda: _waits(workspace), PATIENCE, "the NameNode does not wait for the lost blocks", interval=0.5
    )


def _write(workspace: Workspace, path: str, data: bytes, replication: int) -> None:
    options = WriteOptions(replication=replication, block_size=BLOCK)
    with workspace.files() as files:
        hdfs.write(files, path, [data], options)

    def replicated() -> bool:
        blocks = hdfs.block_hosts(workspace.hdfs, path, SUPERUSER)
        return verdict_of.replication(blocks, replication, replication).ok

    wait_until(replicated, PATIENCE, f"{path} is not on {replication} DataNodes")


def _blocks(workspace: Workspace, path: str) -> list[int]:
    """The ids of a file's blocks."""
    node = workspace.hdfs.namenodes[0]
    query = f"/webhdfs/v1{quote(path)}?op=GET_BLOCK_LOCATIONS&user.name={SUPERUSER}"
    answer = get_json(node.host, node.http_port, query)
    return [int(block["block"]["blockId"]) for block in answer["LocatedBlocks"]["locatedBlocks"]]


def _waits(workspace: Workspace) -> bool:
    """All DataNodes have reported, and just the lost blocks are not there."""
    try:
        facts = workspace.namenode()
    except WebError:
        return False
    if len(remaining(facts)) < len(workspace.hdfs.datanodes):
        return False
    said = _REPORTED.search(facts.get("Safemode", ""))
    return said is not None and int(said["total"]) - int(said["reported"]) == BLOCKS


def look(workspace: Workspace) -> list[str]:
    """Ask the NameNode, and read the file."""
    facts = workspace.namenode()
    return verdict(
        State(
            facts.get("Safemode", ""),
            int(facts.get("MissingBlocks", 0)),
            _files(facts),
            workspace.found(KEPT, CONTENT),
        )
    )


def _files(facts: dict[str, Any]) -> list[str]:
    found = json.loads(facts.get("CorruptFiles") or "[]")  # block, tab, path
    return sorted({str(line).rpartition("\t")[2] for line in found})


def clear(workspace: Workspace) -> None:
    """Delete the directory."""
    workspace.remove(DIRECTORY)
