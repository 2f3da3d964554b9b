"""What an ensemble of ZooKeeper cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Machine, Refusal, each


@each("zookeeper")
def odd_number(machine: Machine) -> Iterator[Refusal]:
    """An even number of servers survives no more failures than one less."""
    count = len(machine["zookeeper_hosts"])
    if count % 2 == 0:
        yield Refusal(
            f"zookeeper_hosts has {count} servers: give 1, 3 or 5; an even number survives no more failures "
            "than one less",
            "zookeeper_hosts",
        )
