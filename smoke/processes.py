"""What a proof was about: a daemon that has not been started since is the one that was proved."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smoke.cluster import Cluster
    from smoke.machine import Machine

Processes = dict[str, str]
"""Machine and unit -> systemd's InvocationID, new at every start; empty when the unit does not run.

Spark needs no daemon: machine and its home -> digest of what is installed there and of its configuration.
"""
SPARK_CONF = "/etc/spark"
ENDS = 3
"""How often systemd has started a daemon anew when it is taken for one that does not come up."""


def running(cluster: Cluster) -> Processes:
    """What runs now on all machines; nothing when one does not answer (then nothing counts as proved)."""
    questions = [partial(_invocations, machine) for machine in cluster.machines.values()]
    if spark := cluster.spark:
        questions.append(partial(_spark, cluster.machines[spark.submit_host], spark.home))
    try:
        with ThreadPoolExecutor(max_workers=len(questions) or 1) as pool:
            answers = list(pool.map(lambda ask: ask(), questions))
    except OSError:
        return {}
    return {key: value for answer in answers for key, value in answer.items()}


def _invocations(machine: Machine) -> Processes:
    if not machine.units:
        return {}
    shown = machine.run(f"systemctl show --property=InvocationID --value {shlex.join(machine.units)}")
    values = shown.split("\n\n")
    return {
        f"{machine.name} {unit}": value.strip() for unit, value in zip(machine.units, values, strict=True)
    }


def ended(machine: Machine, units: Sequence[str]) -> str:
    """Which of the units has ended for good, or again and again; empty when none has, or nobody answers."""
    properties = ("Id", "ActiveState", "NRestarts")
    try:
        shown = machine.run(f"systemctl show --property={','.join(properties)} {shlex.join(units)}")
    except OSError:
        return ""
    for block in shown.strip().split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        times = int(facts.get("NRestarts") or 0)
        if facts.get("ActiveState") == "failed" or times >= ENDS:
            how = f"ended {times + 1} times" if times else "has ended"
            return f"{facts['Id'].removesuffix('.service')} on {machine.name} {how}"
    return ""


def _spark(machine: Machine, home: str) -> Processes:
    # The stamp of an installation holds the tarball's checksum.
    sums = machine.run(f"find -L {home}/.artifact {SPARK_CONF} -type f -exec sha256sum {{}} +")
    digest = hashlib.sha256("\n".join(sorted(sums.splitlines())).encode())
    return {f"{machine.name} {home}": digest.hexdigest()}


def same(seen: Processes | None, now: Processes) -> bool:
    """Whether what a run saw is what runs now, every bit of it."""
    return bool(now) and all(now.values()) and seen == now


def proof(earlier: dict[str, Any] | None, now: Processes) -> dict[str, Any] | None:
    """The `proof` of an earlier smoke.json when it is about the processes that run now, else None."""
    found = (earlier or {}).get("proof")
    return found if found and same(found["processes"], now) else None
