"""Batches of DataNodes over simulated clusters: none takes more than replication - 2 replicas of a block."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from to_plan import to_batches, to_plan

from smoke.domains import judge
from tests.unit.playbooks import run_local

DEFAULT, RACKS, DOMAINS = (
    f"org.apache.hadoop.hdfs.server.blockmanagement.BlockPlacementPolicy{name}"
    for name in ("Default", "RackFaultTolerant", "WithUpgradeDomain")
)
Block = frozenset[str]


@dataclass(frozen=True)
class Simulated:
    """Machines, where each is, and where blocks are in the end."""

    rack: dict[str, str]
    upgrade_domain: dict[str, str]
    policy: str
    replication: int
    blocks: list[Block]

    def domains(self) -> dict[str, str] | str:
        live = {
            f"{host}:9866": {
                "location": rack,
                "upgradeDomain": self.upgrade_domain[host],
                "adminState": "In Service",
            }
            for host, rack in self.rack.items()
        }
        return judge(
            live,
            {
                "dfs.block.replicator.classname": self.policy,
                "dfs.replication": str(self.replication),
                "dfs.namenode.upgrade.domain.factor": str(self.replication),
            },
        )

    def batches(self, most: int) -> list[list[str]]:
        found = self.domains()
        return to_batches(list(self.rack), found if isinstance(found, dict) else {}, most)


def spread(block: frozenset[str] | set[str], where: Mapping[str, str]) -> int:
    return len({where[host] for host in block})


def simulated(policy: str, machines: int, racks: int, replication: int = 3) -> Simulated:
    """A cluster whose NameNode has placed blocks by its policy, and whose balancer has moved many of them.

    Machine n is in rack n modulo racks, and in upgrade domain n / racks modulo 20, which has machines of many
    racks.
    """
    chance = random.Random(f"{policy} {machines} {racks} {replication}")
    hosts = [f"m{number}" for number in range(machines)]
    rack = {host: f"/rack{number % racks}" for number, host in enumerate(hosts)}
    domain = {host: f"ud{number // racks % 20}" for number, host in enumerate(hosts)}
    wanted: Callable[[set[str]], bool] = {
        DEFAULT: lambda block: spread(block, rack) >= min(2, racks),
        RACKS: lambda block: spread(block, rack) >= min(replication, racks),
        DOMAINS: lambda block: (
            spread(block, domain) >= min(replication, len(set(domain.values())))
            and spread(block, rack) >= min(2, racks)
        ),
    }[policy]
    blocks = []
    for _ in range(400):
        block = set(chance.sample(hosts, replication))
        while not wanted(block):
            block = set(chance.sample(hosts, replication))
        for target in chance.sample(hosts, 10):
            moved = block - {chance.choice(sorted(block))} | {target}
            if len(moved) == replication and wanted(moved):
                block = moved
        blocks.append(frozenset(block))
    return Simulated(rack, domain, policy, replication, blocks)


def most_lost(blocks: Sequence[Block], batches: Sequence[Sequence[str]]) -> int:
    """How many replicas of a block are away at once at most."""
    return max(len(block.intersection(batch)) for block in blocks for batch in batches)


SHAPES = [(100, 10), (100, 3), (100, 40), (97, 7), (30, 6)]


@pytest.mark.parametrize("replication", [3, 4, 5])
@pytest.mark.parametrize("policy", [RACKS, DOMAINS])
@pytest.mark.parametrize(("machines", "racks"), SHAPES)
def test_two_replicas_of_each_block_are_left(
    policy: str, machines: int, racks: int, replication: int
) -> None:
    cluster = simulated(policy, machines, racks, replication)
    where = cluster.rack if policy == RACKS else cluster.upgrade_domain
    for most in (2, 4, 10, 1000):
        batches = cluster.batches(most)
        assert sorted(host for batch in batches for host in batch) == sorted(cluster.rack)
        assert most_lost(cluster.blocks, batches) <= replication - 2
        assert {spread(set(batch), where) for batch in batches} == {1}
        # As large as may be.
        sizes = [list(where.values()).count(domain) for domain in set(where.values())]
        assert len(batches) == sum(-(-size // most) for size in sizes)


def test_a_hundred_machines_in_ten_racks_take_ten_batches_of_ten() -> None:
    assert [len(batch) for batch in simulated(RACKS, 100, 10).batches(10)] == [10] * 10
    assert [len(batch) for batch in simulated(RACKS, 100, 10).batches(4)].count(4) == 20


@pytest.mark.parametrize(
    ("policy", "racks", "replication"),
    [
        (DEFAULT, 10, 3),
        # Written, it would have two replicas in a rack; the balancer may put three there.
        (DEFAULT, 10, 4),
        (DEFAULT, 1, 3),
        (RACKS, 1, 3),
        (RACKS, 2, 3),
        (RACKS, 10, 2),
        (RACKS, 10, 1),
        (DOMAINS, 10, 2),
    ],
)
def test_one_at_a_time_where_a_domain_may_hold_too_many(policy: str, racks: int, replication: int) -> None:
    cluster = simulated(policy, 100, racks, replication)
    assert isinstance(cluster.domains(), str)
    assert cluster.batches(10) == [[host] for host in cluster.rack]


@pytest.mark.parametrize("policy", [RACKS, DOMAINS])
def test_planted_batches_that_ignore_domains_are_found(policy: str) -> None:
    cluster = simulated(policy, 100, 10)
    everywhere = to_batches(list(cluster.rack), dict.fromkeys(cluster.rack, "all"), 7)
    assert most_lost(cluster.blocks, everywhere) > 1


@pytest.mark.parametrize("replication", [3, 4])
def test_planted_batches_of_a_rack_are_found_with_the_default_policy(replication: int) -> None:
    cluster = simulated(DEFAULT, 100, 10, replication)
    assert most_lost(cluster.blocks, to_batches(list(cluster.rack), cluster.rack, 10)) > replication - 2


# --- The plan


def plan(
    restarts: Mapping[str, list[str]], domains: Any, most: int = 2, leaders: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The plan of HDFS where these daemons are to be restarted."""
    found = {
        host: {
            "services": {
                "hdfs": {
                    "install": [],
                    "files": [],
                    "errors": [],
                    "units": {"restarted": units, "reasons": {unit: ["/f"] for unit in units}},
                }
            }
        }
        for host, units in restarts.items()
    }
    services = [
        {"name": "hdfs", "hosts": list(restarts), "batch": {"unit": "hdfs-datanode", "most": most}},
    ]
    return to_plan(found, services, {}, {"hdfs": leaders}, domains=domains)


WORKER = ["hdfs-datanode"]
MASTER = ["hdfs-namenode", "hdfs-datanode"]
ALIKE = {"hdfs": dict.fromkeys("abcdef", "/rack")}


@pytest.mark.parametrize(
    ("restarts", "domains", "most", "leaders", "batches"),
    [
        (dict.fromkeys("abcd", WORKER), ALIKE, 2, (), ["ab", "cd"]),
        (dict.fromkeys("abc", WORKER), ALIKE, 2, (), ["ab", "c"]),
        (dict.fromkeys("abc", WORKER), ALIKE, 1, (), ["a", "b", "c"]),
        # Who restarts more than a worker, and who leads, is alone; who leads is last.
        ({"a": MASTER} | dict.fromkeys("bcd", WORKER), ALIKE, 9, (), ["a", "bcd"]),
        (dict.fromkeys("abc", WORKER), ALIKE, 9, ("a",), ["bc", "a"]),
        ({"a": ["hdfs-namenode"], "b": WORKER, "c": WORKER}, ALIKE, 9, ("a",), ["bc", "a"]),
        # Nobody knows where b is, and which of it is known where nobody was asked.
        (dict.fromkeys("abc", WORKER), {"hdfs": {"a": "/r", "c": "/r"}}, 9, (), ["ac", "b"]),
        (dict.fromkeys("ab", WORKER), {}, 9, (), ["a", "b"]),
        (dict.fromkeys("ab", WORKER), {"yarn": {"a": "all", "b": "all"}}, 9, (), ["a", "b"]),
        (dict.fromkeys("ab", WORKER), {"hdfs": "why not"}, 9, (), ["a", "b"]),
    ],
)
def test_the_batches_of_a_plan(
    restarts: dict[str, list[str]], domains: Any, most: int, leaders: tuple[str, ...], batches: list[str]
) -> None:
    made = plan(restarts, domains, most, leaders)
    assert ["".join(batch) for batch in made["services"]["hdfs"]["batches"]] == batches
    assert made["services"]["hdfs"]["roll"] == list("".join(batches))
    assert ["".join(step["machines"]) for step in made["steps"]] == batches
    assert [step["leads"] for step in made["steps"]] == [batch in leaders for batch in batches]


@pytest.mark.parametrize(("reloaded", "batches"), [((), ["b", "c", "a"]), (("a", "b"), ["a", "b", "c"])])
def test_who_leads_reads_files_again_before_others_do(reloaded: tuple[str, ...], batches: list[str]) -> None:
    """It alone can say that it does not take them."""
    found = {
        host: {
            "services": {
                "yarn": {
                    "install": [],
                    "files": ["/q"],
                    "errors": [],
                    "units": {
                        "restarted": ["nm"] + ["rm"] * (host not in reloaded),
                        "reloaded": ["rm"] * (host in reloaded),
                        "reasons": {"rm": ["/q"], "nm": ["/n"]},
                    },
                }
            }
        }
        for host in "abc"
    }
    made = to_plan(found, [{"name": "yarn", "hosts": list("abc")}], {}, {"yarn": ["a"]})["services"]["yarn"]
    assert ["".join(batch) for batch in made["batches"]] == batches
    for host in "abc":
        assert made["machines"][host]["restart"] == {"nm": ["/n"], "rm": ["/q"]}
        assert made["machines"][host]["reload"] == ["rm"] * (host in reloaded)


def test_why_there_are_none_is_said_where_they_would_be() -> None:
    said = "hdfs_worker_batch is not followed, one machine is restarted at a time: why not"
    assert plan({"a": WORKER}, {"hdfs": "why not"})["warnings"] == [said]
    assert plan({"a": WORKER}, ALIKE)["warnings"] == []
    assert plan({"a": []}, {"hdfs": "why not"})["warnings"] == []


SURVEY = """
echo "$@" > {log}
echo '{{"leaders": {{}}, "faults": {{}}, "domains": {{"hdfs": {{"a": "/r", "b": "/r"}}}}}}'
"""


def test_the_survey_is_asked_for_the_services_that_are_rolled_in_batches(tmp_path: Path) -> None:
    (tmp_path / "survey").write_text(SURVEY.format(log=tmp_path / "log"))
    found: dict[str, Any] = {"install": [], "files": [], "errors": [], "data": None}
    stale = found | {"units": {"restarted": WORKER, "reasons": {}}}
    services: list[dict[str, Any]] = [
        {"name": "hdfs", "hosts": ["a", "b"], "batch": {"unit": "hdfs-datanode", "most": 2}},
        {"name": "yarn", "hosts": ["a", "b"], "batch": {"unit": "yarn-nodemanager", "most": 2}},
        {"name": "kafka", "hosts": ["a", "b"]},
    ]
    here = {"services": {"hdfs": stale, "yarn": found, "kafka": found}}
    task = {
        "found": dict.fromkeys("ab", here),
        "services": services,
        "name": "lab",
        "survey": ["/bin/sh", str(tmp_path / "survey")],
    }
    output = run_local(tmp_path, {"tasks": [{"cluster_plan": task}]})
    assert (tmp_path / "log").read_text() == "--batches hdfs\n"
    assert "step 1: hdfs: on a, b together write files and restart hdfs-datanode" in output
    services[0]["batch"] = {"unit": "hdfs-datanode", "most": 1}
    run_local(tmp_path, {"tasks": [{"cluster_plan": task}]})
    assert (tmp_path / "log").read_text() == "\n"
