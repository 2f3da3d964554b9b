"""Which processes a proof was about: a daemon that has not been started since is the one that was proved."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smoke.cluster import Cluster
    from smoke.machine import Machine

Processes = dict[str, str]
"""Machine and unit -> systemd's InvocationID, new at every start; empty when the unit does not run."""


def running(cluster: Cluster) -> Processes:
    """What runs now on all machines; nothing when one does not answer (then nothing counts as proved)."""
    try:
        with ThreadPoolExecutor(max_workers=len(cluster.machines)) as pool:
            answers = list(pool.map(_invocations, cluster.machines.values()))
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


def proof(earlier: dict[str, Any] | None, now: Processes) -> dict[str, Any] | None:
    """The `proved` entry of an earlier smoke.json when it is about the processes that run now, else None."""
    proved = (earlier or {}).get("proved")
    if not proved or not now or not all(now.values()):
        return None
    return proved if proved["processes"] == now else None
