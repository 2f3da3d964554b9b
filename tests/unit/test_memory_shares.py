"""Heaps and containers from a machine's memory: typed by hand, and against the rules about memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from memory_shares import SHARES, memory_shares
from rules.memory import container_faults, memory_faults
from rules.yarn import mapreduce_faults

LEADS = ("zookeeper", "namenode", "zkfc", "journalnode", "resourcemanager")
MASTER = (*LEADS, "kafka")
WORKER = ("datanode", "nodemanager")
ALL = (*MASTER, *WORKER, "historyserver", "spark_historyserver")
#: Memory, daemons, and what some of them get; None where it is too little.
CASES: list[tuple[int, tuple[str, ...], dict[str, Any] | None]] = [
    (2048, ("zookeeper",), {"zookeeper": "128m", "containers": 0}),
    (2048, ("kafka",), {"kafka": "512m"}),
    (2048, WORKER, None),
    (2048, MASTER, None),
    (4096, WORKER, {"datanode": "256m", "nodemanager": "256m", "containers": 2944}),
    (4096, MASTER, {"kafka": "512m", "namenode": "512m", "resourcemanager": "384m", "containers": 0}),
    (4096, ALL, None),
    (8192, ALL, {"kafka": "640m", "namenode": "640m", "datanode": "320m", "containers": 2240}),
    (16384, ALL, {"kafka": "1344m", "namenode": "1344m", "zookeeper": "512m", "containers": 5120}),
    (16384, MASTER, {"kafka": "1344m", "zookeeper": "512m", "zkfc": "256m"}),
    (64 * 1024, WORKER, {"datanode": "2688m", "nodemanager": "2048m", "containers": 52480}),
    (64 * 1024, MASTER, {"kafka": "5440m", "namenode": "5440m", "zookeeper": "1024m"}),
    (256 * 1024, WORKER, {"datanode": "4096m", "nodemanager": "2048m", "containers": 223104}),
    (256 * 1024, MASTER, {"kafka": "6144m", "namenode": "21824m", "resourcemanager": "4096m"}),
    (1024 * 1024, MASTER, {"namenode": "31744m", "journalnode": "1024m"}),
]


def unfit(memory: int, daemons: tuple[str, ...], shares: dict[str, Any] | None = None) -> list[str]:
    """Why a machine of this memory is refused with what it is given, or with these shares."""
    given = shares or memory_shares(memory, daemons)
    sizes: dict[str, list[Any]] = {f"{name}_heap": [given[name]] for name in daemons}
    return memory_faults([sizes | {"containers": [given["containers"]]}], f"MemTotal: {memory * 1024} kB")


@pytest.mark.parametrize(("memory", "daemons", "shares"), CASES)
def test_shares(memory: int, daemons: tuple[str, ...], shares: dict[str, Any] | None) -> None:
    found = memory_shares(memory, daemons)
    if shares is None:
        assert unfit(memory, daemons)
    else:
        assert not unfit(memory, daemons)
        assert {name: found[name] for name in shares} == shares


@pytest.mark.parametrize("daemons", [("zookeeper",), MASTER, WORKER, ALL])
def test_what_is_given_passes_the_rules(daemons: tuple[str, ...]) -> None:
    given = 0
    for memory in [*range(512, 20000, 128), *range(20000, 300000, 5000)]:
        shares = memory_shares(memory, daemons)
        if unfit(memory, daemons):
            assert given == 0, f"{memory} MB are refused, and less was not"
            continue
        given += 1
        # The kernel keeps some of what a machine is sold with.
        assert memory < 8192 or not unfit(int(memory * 0.95), daemons, shares)
        if "nodemanager" in daemons:
            assert container_faults({}, shares["containers"]) == []
            assert mapreduce_faults({}, shares["containers"], "3.5.0") == []
    assert given


def test_others_have_the_least() -> None:
    assert memory_shares(65536, ["cluster", "zookeeper", "web"]) == {
        name: "1024m" if name == "zookeeper" else f"{least}m" for name, (_, least, _) in SHARES.items()
    } | {"containers": 0}


@pytest.mark.parametrize("memory", ["", "16g", -1, 2.5, None])
def test_no_size_of_memory(memory: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^common_machine_memory is '.*': give the MB of memory"):
        memory_shares(memory, ["kafka"])
