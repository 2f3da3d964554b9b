"""Memory of daemons and containers against what there is: the arithmetic, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from rules.memory import container_faults, memory_faults, to_megabytes

MEMINFO = "MemTotal:        4194304 kB\nMemAvailable:     131072 kB\n"


@pytest.mark.parametrize(
    ("size", "megabytes"),
    [
        ("512m", 512),
        ("4g", 4096),
        ("4G", 4096),
        ("4gb", 4096),
        ("1t", 1048576),
        ("2048k", 2),
        (1536, 1536),
        ("8", 8),
    ],
)
def test_sizes_of_jvms_and_of_spark(size: Any, megabytes: int) -> None:
    assert to_megabytes(size) == megabytes


@pytest.mark.parametrize("size", ["", "half", "1.5g", "-1g", "1 g", None, [1]])
def test_no_size_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"is no size of memory: give a number with m or g"):
        to_megabytes(size)


def test_what_fits_to_the_last_megabyte() -> None:
    # Of memory that is available now nothing is asked: the cluster may be up already.
    machine: dict[str, list[Any]] = {
        "kafka_heap": ["1g"],
        "zookeeper_heap": [],
        "yarn_nodemanager_memory": [1984],
    }
    assert memory_faults([machine, {"kafka_heap": ["960m"]}], MEMINFO) == []
    assert memory_faults([], MEMINFO) == []
    more = machine | {"yarn_nodemanager_memory": ["1985"]}
    assert memory_faults([more, {"kafka_heap": ["960m"]}], MEMINFO)[0] == (
        "the machines may take 4097 MB together and this host has 4096 MB: kafka_heap 1024 + 960, "
        "yarn_nodemanager_memory 1 x 1985, beside the heaps 2 x 64; lower yarn_nodemanager_memory"
    )


def test_equal_sizes_are_a_product_and_the_greatest_is_named() -> None:
    machines: list[dict[str, list[Any]]] = [
        {"kafka_heap": ["1g", "1g"], "yarn_nodemanager_memory": [8192]}
    ] * 3
    assert memory_faults(machines, MEMINFO)[0] == (
        "the machines may take 31104 MB together and this host has 4096 MB: kafka_heap 6 x 1024, "
        "yarn_nodemanager_memory 3 x 8192, beside the heaps 6 x 64; lower yarn_nodemanager_memory"
    )


def test_a_host_that_does_not_tell_its_memory() -> None:
    with pytest.raises(ValueError, match="/proc/meminfo has no MemTotal"):
        memory_faults([], "MemFree: 1 kB\n")


@pytest.mark.parametrize(
    ("spark", "limit", "faults"),
    [
        ({}, 1408, []),
        ({}, 1407, ["spark.executor.memory is 1024 MB and 384 MB"]),
        (
            {},
            800,
            ["spark.executor.memory is 1024 MB and 384 MB", "spark.yarn.am.memory is 512 MB and 384 MB"],
        ),
        ({"spark.executor.memory": "8g"}, 9011, []),
        ({"spark.executor.memory": "8g"}, 9010, ["spark.executor.memory is 8192 MB and 819 MB"]),
        ({"spark.executor.memory": "1g", "spark.executor.memoryOverhead": "256m"}, 1280, []),
        # As versions before 2.3 call it.
        ({"spark.executor.memory": "1g", "spark.yarn.executor.memoryOverhead": 256}, 1280, []),
        (
            {"spark.yarn.am.memory": "2g", "spark.yarn.am.memoryOverhead": "1g"},
            3071,
            ["spark.yarn.am.memory is 2048 MB and 1024 MB"],
        ),
    ],
)
def test_containers_of_spark(spark: dict[str, Any], limit: int, faults: list[str]) -> None:
    assert container_faults(spark, limit) == [
        f"{fault} of overhead, more than the {limit} MB YARN gives at once: lower it in "
        "spark_defaults_overrides, or raise yarn_nodemanager_memory"
        for fault in faults
    ]
