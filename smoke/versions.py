"""The versions that lie on the machines, as the machines say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smoke.cluster import Cluster
    from smoke.machine import Machine

PRODUCTS = ("zookeeper", "hadoop", "kafka", "spark")

# A link leads to the directory of a version; a Java runtime says its own in a file, if it is not too old.
SCRIPT = (
    f'for each in {" ".join(PRODUCTS)}; do echo "$each $(readlink /opt/$each)"; done; '
    "echo \"java $(sed -n 's/^JAVA_VERSION=//p' /opt/java/release 2>/dev/null || readlink /opt/java)\""
)


def installed(cluster: Cluster) -> dict[str, str]:
    """Version by product; where machines differ each with its machines; "unknown" of one that is silent."""
    with ThreadPoolExecutor(max_workers=20) as pool:
        said = dict(zip(cluster.machines, pool.map(_ask, cluster.machines.values()), strict=True))
    return {
        product: told
        for product in ("java", *PRODUCTS)
        if (told := _told({host: versions.get(product, "") for host, versions in said.items()}))
    }


def _ask(machine: Machine) -> dict[str, str]:
    try:
        return parse(machine.run(SCRIPT))
    except OSError:
        return dict.fromkeys(("java", *PRODUCTS), "unknown")


def parse(text: str) -> dict[str, str]:
    """Version by product of what the script prints: "kafka kafka-4.3.0-0fcb4ca1964eb439".

    >>> parse("kafka kafka-4.3.0-0fcb4ca1964eb439\\nspark \\n")
    {'kafka': '4.3.0'}
    """
    found = {}
    for line in text.splitlines():
        product, _, value = line.partition(" ")
        version = re.sub("-[0-9a-f]{16}$", "", value.strip().strip('"').removeprefix(f"{product}-"))
        if version:
            found[product] = version
    return found


def _told(versions: Mapping[str, str]) -> str:
    hosts: dict[str, list[str]] = {}
    for host, version in versions.items():
        if version:
            hosts.setdefault(version, []).append(host)
    if len(hosts) < 2:
        return next(iter(hosts), "")
    return "; ".join(f"{version} on {', '.join(names)}" for version, names in hosts.items())
