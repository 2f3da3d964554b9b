"""Memory as a budget: what daemons and containers may take, against what there is.

Faults are sentences with the arithmetic and what to do; none when all fits. MB are 1024 * 1024 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: What a JVM has beside its heap: 25 to 80 MB of private pages were measured on the lab and on the course.
BESIDE_HEAP = 64
#: What Spark adds to a container's memory when nothing else is said: a tenth, and no less than this.
LEAST_OVERHEAD = 384
#: The containers of every Spark job: their memory, upstream's default of it, names of what is added.
CONTAINERS = (
    ("spark.executor.memory", "1g", ("spark.executor.memoryOverhead", "spark.yarn.executor.memoryOverhead")),
    ("spark.yarn.am.memory", "512m", ("spark.yarn.am.memoryOverhead",)),
)

_UNITS = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2}


def to_megabytes(size: Any) -> int:
    """A size as the options of a JVM have it; without a unit it is MB, as Spark and YARN read it.

    Raises ValueError for anything else.

    >>> to_megabytes("4g"), to_megabytes(1536)
    (4096, 1536)
    """
    read = _read(size)
    if not read:
        raise ValueError(f"'{size}' is no size of memory: give a number with m or g, such as 512m")
    return int(int(read[1]) * _UNITS[(read[2] or "m").lower()])


def is_size(size: Any) -> bool:
    """Whether to_megabytes can read it."""
    return _read(size) is not None


def _read(size: Any) -> re.Match[str] | None:
    return re.fullmatch(r"(\d+)(?:([kmgt])b?)?", str(size), re.IGNORECASE)


def memory_faults(
    machines: Iterable[Mapping[str, list[Any]]],
    meminfo: str,
    whose: str = "the machines",
    host: str = "this host",
) -> list[str]:
    """Why daemons and containers of machines that share one memory do not fit into it.

    machines: of each the sizes by variable, [{"kafka_heap": ["256m"]}, ...]; each *_heap is a JVM's
    meminfo: the text of /proc/meminfo
    whose: what takes the memory, and host: what has it, in the sentence

    >>> memory_faults([{"kafka_heap": ["9g"]}], "MemTotal: 8388608 kB")[0].split(":")[0]
    'the machines may take 9280 MB together and this host has 8192 MB'
    """
    # Not what is available now: a run over a cluster that is up finds its own daemons there.
    total = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    if not total:
        raise ValueError("memory_faults: /proc/meminfo has no MemTotal")
    have = int(total[1]) // 1024
    sizes: dict[str, list[int]] = {}
    for machine in machines:
        for variable, given in machine.items():
            sizes.setdefault(variable, []).extend(map(to_megabytes, given))
    jvms = sum(len(each) for variable, each in sizes.items() if variable.endswith("_heap"))
    need = sum(map(sum, sizes.values())) + jvms * BESIDE_HEAP
    if need <= have:
        return []
    parts = [f"{variable} {_product(each)}" for variable, each in sizes.items() if each]
    greatest = max(sizes, key=lambda variable: sum(sizes[variable]))
    arithmetic = ", ".join([*parts, f"beside the heaps {_product([BESIDE_HEAP] * jvms)}"])
    need_and_have = f"{whose} may take {need} MB together and {host} has {have} MB"
    return [f"{need_and_have}: {arithmetic}; lower {greatest}"]


def container_faults(spark: Mapping[str, Any], limit: int) -> list[str]:
    """Why YARN cannot give Spark the containers that spark-defaults.conf asks for.

    spark: the properties
    limit: MB of the largest container

    >>> container_faults({"spark.executor.memory": "4g"}, 1536)[0].split(":")[0]
    'spark.executor.memory is 4096 MB and 409 MB of overhead, more than the 1536 MB YARN gives at once'
    """
    faults = []
    for name, default, overheads in CONTAINERS:
        bad = [key for key in (name, *overheads) if key in spark and not is_size(spark[key])]
        faults += [f"{key} is '{spark[key]}': give a number with m or g, such as 512m" for key in bad]
        if bad:
            continue
        memory = to_megabytes(spark.get(name, default))
        given = [to_megabytes(spark[key]) for key in overheads if key in spark]
        overhead = given[0] if given else max(LEAST_OVERHEAD, memory // 10)
        if memory + overhead > limit:
            faults.append(
                f"{name} is {memory} MB and {overhead} MB of overhead, more than the {limit} MB YARN gives "
                "at once: lower it in spark_defaults_overrides, or raise yarn_nodemanager_memory"
            )
    return faults


def _product(sizes: list[int]) -> str:
    """Equal sizes as a product, others as a sum."""
    return f"{len(sizes)} x {sizes[0]}" if len(set(sizes)) == 1 else " + ".join(map(str, sizes))
