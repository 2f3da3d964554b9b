"""Heaps of a machine's daemons, and what is left for containers of YARN, from the machine's memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: memory_shares
author: Millrace
short_description: heaps of a machine's daemons, and what is left for containers of YARN
description:
  - Each daemon has a share of the memory as its heap, between a least and a most. An eighth of all is the
    system's, beside brokers another one is for the page cache, and each JVM needs more than its heap.
    Containers of YARN get the rest, and 1536 MB at least, as a job of MapReduce asks for.
  - Heaps are multiples of 64 MB. Whoever is not on this machine has the least.
options:
  _input:
    description: MB of memory that the machine has
    type: int
    required: true
  daemons:
    description: >-
      what runs on it, by the names of groups, and zkfc or secondarynamenode; other names are ignored
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
shares: "{{ 65536 | memory_shares(['datanode', 'nodemanager']) }}"
# -> {datanode: 2688m, nodemanager: 2048m, containers: 52480, zookeeper: 128m, ...}
"""

RETURN = r"""
_value:
  description: heaps by daemon, as -Xmx has them; containers are MB, 0 without a NodeManager
  type: dict
"""

#: Of each daemon the part of the memory that is its heap (one in so many), the least and the most MB.
SHARES = {
    "zookeeper": (32, 128, 1024),
    # Upstream's example of a large cluster has 6 GB (kafka.apache.org, Java Version): more is page cache's.
    "kafka": (12, 512, 6144),
    # Above 31 GB pointers take twice the room.
    "namenode": (12, 512, 31744),
    "secondarynamenode": (12, 512, 31744),
    "zkfc": (64, 128, 256),
    "journalnode": (64, 128, 1024),
    "datanode": (24, 256, 4096),
    "resourcemanager": (24, 384, 4096),
    "nodemanager": (32, 256, 2048),
    "historyserver": (32, 256, 2048),
    "spark_historyserver": (32, 256, 2048),
}
#: The system's part, and its least MB; the page cache's beside brokers is as large.
SYSTEM, LEAST_SYSTEM = 8, 512
#: What a JVM has beside its heap, as the rules about memory count it.
BESIDE_HEAP = 64
#: MB that the master of a MapReduce job asks for (yarn.app.mapreduce.am.resource.mb in mapred-default.xml).
LEAST_CONTAINERS = 1536
STEP = 64


def memory_shares(memory: Any, daemons: Collection[str]) -> dict[str, Any]:
    """The heap of each daemon, and the MB of containers.

    memory: MB
    daemons: what runs on the machine

    Where that does not fit, all is the least, and the preflight refuses it.

    >>> memory_shares(8192, ["zookeeper"])["zookeeper"]
    '256m'
    """
    if not str(memory).isdecimal():
        raise AnsibleFilterError(
            f"common_machine_memory is '{memory}': give the MB of memory that the machine has"
        )
    have = int(str(memory))
    here = [name for name in SHARES if name in daemons]
    heaps = {
        name: min(max(have // parts // STEP * STEP, least), most) if name in here else least
        for name, (parts, least, most) in SHARES.items()
    }
    system = max(have // SYSTEM, LEAST_SYSTEM)
    left = have - system * (2 if "kafka" in here else 1) - sum(heaps[name] + BESIDE_HEAP for name in here)
    containers = max(left // STEP * STEP, LEAST_CONTAINERS) if "nodemanager" in here else 0
    return {name: f"{heap}m" for name, heap in heaps.items()} | {"containers": containers}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"memory_shares": memory_shares}
