"""Exercise 5: DataNodes that keep more room for others than their disks have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hdfs_native import WriteOptions

from course.exercises.workspace import STUDENT, TROUBLE, Found, Workspace, bounded, content, held, remaining
from smoke.services import format_error, hdfs
from smoke.verdict import replication
from smoke.wait import wait_until

HINT = (
    "hdfs dfsadmin -report (as HADOOP_USER_NAME=hdfs) shows what each DataNode has and what remains; df "
    "-h on a slave shows what its disk has. A DataNode can be told to keep room for others than HDFS: "
    "read hdfs-site.xml on the slaves."
)
RESTARTS = True

DIRECTORY = "/exercise-5"
BEFORE = f"{DIRECTORY}/before"
CONTENT = content(DIRECTORY, 300_000)
LOOK_FILE = "/exercise-5-check"
LOOK_CONTENT = content(LOOK_FILE, 100_000)
REPLICATION = 2
FILE = "/etc/hadoop/hdfs-site.xml"
RESERVED = "dfs.datanode.du.reserved"
FAULT = f"  <property><name>{RESERVED}</name><value>{1 << 50}</value></property>"
PATIENCE = 45.0
"""Seconds for restarted DataNodes to report."""


@dataclass(frozen=True)
class State:
    """What is there."""

    remaining: Mapping[str, int]
    """Host of each DataNode that reports -> bytes that it would take."""
    written: Sequence[str] | None
    """What was wrong with a file that was written to see; None: it was not tried."""
    before: Found
    """The file that was there before the fault."""
    missing: int = 0
    """Blocks of which there is no replica."""


def verdict(state: State, datanodes: Sequence[str]) -> list[str]:
    """Both DataNodes take blocks, and nothing is lost."""
    wrong = []
    for host in datanodes:
        if host not in state.remaining:
            wrong.append(f"The DataNode on {host} does not report to the NameNode.")
        elif not state.remaining[host]:
            wrong.append(f"The DataNode on {host} has no space left: it reports 0 bytes remaining.")
    wrong += [
        f"A file of replication {REPLICATION} was not written as it should be: {why}."
        for why in state.written or ()
    ]
    wrong += held(BEFORE, CONTENT, state.before)
    if state.missing:
        wrong.append(f"HDFS misses {state.missing} blocks.")
    return wrong


def refusal(workspace: Workspace) -> str:
    """It wants HDFS alone."""
    return workspace.hdfs_refusal()


def planted(workspace: Workspace) -> bool:
    """A DataNode has no space, and one is told to keep some: by plant, or otherwise by the student since."""
    reserved = "".join(workspace.on_datanodes(f"if grep -qF {RESERVED} {FILE}; then echo reserved; fi"))
    full = 0 in remaining(workspace.namenode()).values()
    return bool(reserved) and full and workspace.exists(BEFORE)


def begun(workspace: Workspace) -> bool:
    """The directory is there."""
    return workspace.exists(DIRECTORY)


def plant(workspace: Workspace) -> None:
    """Write a file, then reserve a petabyte on each DataNode."""
    clear(workspace)
    with workspace.files() as files:
        files.mkdirs(DIRECTORY, create_parent=True)
        hdfs.write(files, BEFORE, [CONTENT], WriteOptions(replication=REPLICATION))
        files.set_owner(DIRECTORY, owner=STUDENT)
    wait_until(
        lambda: not _replicas(workspace, BEFORE), PATIENCE, f"{BEFORE} is not on {REPLICATION} DataNodes"
    )
    unit = workspace.hdfs.datanode_unit
    workspace.on_datanodes(f"sed -i 's,^</configuration>,{FAULT}\\n&,' {FILE} && systemctl restart {unit}")

    def full() -> bool:
        return remaining(workspace.namenode()) == dict.fromkeys(workspace.hdfs.datanodes, 0)

    wait_until(full, PATIENCE, "the DataNodes still report space")


def look(workspace: Workspace) -> list[str]:
    """Ask the NameNode; write a file where there is room for it, and remove it."""
    facts = workspace.namenode()
    left = remaining(facts)
    written = _written(workspace) if all(left.get(host) for host in workspace.hdfs.datanodes) else None
    before = workspace.found(BEFORE, CONTENT)
    return verdict(State(left, written, before, int(facts.get("MissingBlocks", 0))), workspace.hdfs.datanodes)


def _written(workspace: Workspace) -> list[str]:
    try:
        try:
            return _write(workspace)
        finally:
            workspace.remove(LOOK_FILE)
    except TROUBLE as error:
        return [format_error(error)]


def _write(workspace: Workspace) -> list[str]:
    def write() -> None:
        options = WriteOptions(replication=REPLICATION, overwrite=True)
        with workspace.files() as files:
            hdfs.write(files, LOOK_FILE, [LOOK_CONTENT], options)

    bounded(write, 20, f"writing {LOOK_FILE}")
    try:
        wait_until(lambda: not _replicas(workspace, LOOK_FILE), 10, "replicas")
    except TimeoutError:
        return _replicas(workspace, LOOK_FILE)
    same = workspace.read(LOOK_FILE, len(LOOK_CONTENT) + 1) == LOOK_CONTENT
    return [] if same else ["other bytes are read than were written"]


def _replicas(workspace: Workspace, path: str) -> list[str]:
    """Why the file's blocks are not where they should be."""
    with workspace.files() as files:
        factor = files.get_file_info(path).replication
    return list(replication(hdfs.block_hosts(workspace.hdfs, path, "hdfs"), factor, REPLICATION).evidence)


def clear(workspace: Workspace) -> None:
    """Delete the directory."""
    for path in (DIRECTORY, LOOK_FILE):
        workspace.remove(path)
