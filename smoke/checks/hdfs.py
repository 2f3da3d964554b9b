"""Bytes written through a client outside the cluster are read back, replicated as asked, and deleted."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hdfs_native import WriteOptions

from smoke.services import format_error, hdfs
from smoke.verdict import Finding, replication, same_bytes
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke.checks import Run
    from smoke.cluster import Hdfs

BLOCK = 2 << 20
TRIES = 3
"""How often something is done in all while NameNodes fail over."""
Result = TypeVar("Result")
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

    data = random.Random(run.id).randbytes(SIZE)  # noqa: S311 (bytes to tell apart, no secret)

    def write() -> None:
        client.mkdirs(directory, create_parent=True)
        options = WriteOptions(block_size=BLOCK, replication=expected, overwrite=True)
        hdfs.write(
            client, path, [data[start : start + (1 << 20)] for start in range(0, SIZE, 1 << 20)], options
        )

    def read_all() -> bytes:
        with client.read(path) as reader:
            return bytes(reader.read())

    failovers: list[str] = []
    _through_failover(run, section, write, f"writing {path}", failovers)
    read = _through_failover(run, section, read_all, f"reading {path}", failovers)
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
    facts = ", ".join([content.facts, found[0].facts, "deleted", *failovers])
    return {"hdfs": Finding(facts, (*content.evidence, *evidence))}


def _through_failover(
    run: Run, section: Hdfs, action: Callable[[], Result], what: str, failovers: list[str]
) -> Result:
    """Do something again when a NameNode failed over meanwhile, as clients do; say so.

    what: it is doing, for the console
    failovers: a sentence is added for each

    Raises OSError or RuntimeError, as the client does, for what another NameNode's turn does not explain.
    """
    run.console.awaiting("hdfs", what)
    before = hdfs.active(section)
    for left in reversed(range(TRIES)):
        try:
            return action()
        except (OSError, RuntimeError) as error:
            now = wait_until(lambda: hdfs.active(section) or None, run.patience, "no NameNode is active")
            if now == before or not left:
                raise
            failovers.append(f"again after a failover from {before or 'none'} to {now}")
            run.console.say(f"        hdfs  {format_error(error)}: {now} is active now, {what} again")
            before = now
    raise AssertionError("unreachable")
