"""Bytes written through a client outside the cluster are read back, replicated as asked, and deleted."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from hdfs_native import WriteOptions

from smoke.services import hdfs
from smoke.verdict import Finding, replication, same_bytes
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke.checks import Run
    from smoke.cluster import Hdfs

BLOCK = 2 << 20
SIZE = 2 * BLOCK + 12345
"""Two whole blocks and the beginning of a third."""


def check(run: Run, section: Hdfs) -> dict[str, Finding]:
    """Write, read, look where the blocks are, delete."""
    user, home = hdfs.account(run.cluster)
    directory = f"{home}/smoke-{run.id}-hdfs"
    path = f"{directory}/bytes"
    expected = min(3, len(section.datanodes))
    client = hdfs.client(section, user)
    run.cleanup(f"hdfs {directory}", lambda: hdfs.remove(hdfs.client(section, user), directory))

    run.console.awaiting("hdfs", f"writing {path}")
    data = random.Random(run.id).randbytes(SIZE)  # noqa: S311 (bytes to tell apart, no secret)
    client.mkdirs(directory, create_parent=True)
    with client.create(path, WriteOptions(block_size=BLOCK, replication=expected)) as writer:
        for start in range(0, SIZE, 1 << 20):
            writer.write(data[start : start + (1 << 20)])
    run.console.awaiting("hdfs", f"reading {path}")
    with client.read(path) as reader:
        read = reader.read()
    content = same_bytes(hashlib.sha256(data).hexdigest(), hashlib.sha256(read).hexdigest(), len(read))

    run.console.awaiting("hdfs", f"the replicas of {path}")
    factor = client.get_file_info(path).replication
    found = [replication([], factor, expected)]

    def replicated() -> bool:  # a write returns before the last replicas are reported
        found[0] = replication(hdfs.block_hosts(section, path, user), factor, expected)
        return found[0].ok

    evidence: list[str] = []
    try:
        wait_until(replicated, 15, "replicas")
    except TimeoutError:
        evidence += found[0].evidence
    client.delete(directory, recursive=True)
    if hdfs.exists(client, path):
        evidence.append(f"{path} was deleted and is still there")
    facts = f"{content.facts}, {found[0].facts}, deleted"
    return {"hdfs": Finding(facts, (*content.evidence, *evidence))}
