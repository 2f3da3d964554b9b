"""Which DataNodes may be away together, as the active NameNode says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smoke import domains
from smoke.cluster import Hdfs, Peer, load
from smoke.domains import judge, unplaced
from smoke.services import hdfs
from smoke.web import WebError
from tests.unit.smoke_lab import LAB, write

PACKAGE = "org.apache.hadoop.hdfs.server.blockmanagement."
RACKS = "BlockPlacementPolicyRackFaultTolerant"
UPGRADE = "BlockPlacementPolicyWithUpgradeDomain"


def live(*places: str, key: str = "location", **more: str) -> dict[str, dict[str, str]]:
    """DataNodes a, b, ... in these places; an empty one is not said."""
    return {
        f"{host}:9866": {"adminState": "In Service"} | ({key: place} if place else {}) | more
        for host, place in zip("abcdef", places, strict=False)
    }


def properties(policy: str, replication: int = 3, factor: int = 3) -> dict[str, str]:
    return {
        "dfs.block.replicator.classname": PACKAGE + policy,
        "dfs.replication": str(replication),
        "dfs.namenode.upgrade.domain.factor": str(factor),
    }


THREE = {"a": "/1", "b": "/1", "c": "/2", "d": "/3"}


@pytest.mark.parametrize(
    ("nodes", "configured", "said"),
    [
        (live("/1", "/1", "/2", "/3"), properties(RACKS), THREE),
        (
            live("/1", "/1", "/2", "/3"),
            properties("AvailableSpaceRackFaultTolerantBlockPlacementPolicy"),
            THREE,
        ),
        (live("/1", "/1", "/2", "/3", key="upgradeDomain"), properties(UPGRADE), THREE),
        # A DataNode of which nobody says where it is.
        (live("/1", "/1", "/2", "/3", ""), properties(RACKS), THREE),
        (
            live("/1", "/2", "/3"),
            properties("BlockPlacementPolicyDefault"),
            "with BlockPlacementPolicyDefault and 3 known locations one location may hold 2 of 3 replicas",
        ),
        (
            live("/1", "/2", "/2"),
            properties(RACKS),
            f"with {RACKS} and 2 known locations one location may hold 2 of 3 replicas",
        ),
        (
            live("", ""),
            properties(RACKS),
            f"with {RACKS} and 0 known locations one location may hold 3 of 3 replicas",
        ),
        (
            live("/1", "/2", "/3"),
            properties(RACKS, 1),
            f"with {RACKS} and 3 known locations one location may hold 1 of 1 replica",
        ),
        (
            live("/1", "/2", "/3", key="upgradeDomain"),
            properties(UPGRADE, 3, 2),
            f"with {UPGRADE} and 3 known upgradeDomains one upgradeDomain may hold 2 of 3 replicas",
        ),
        # It does not say which upgrade domains: racks are none.
        (
            live("/1", "/2", "/3"),
            properties(UPGRADE),
            f"with {UPGRADE} and 0 known upgradeDomains one upgradeDomain may hold 3 of 3 replicas",
        ),
        (
            live("/1", "/2", "/3") | {"e:1": {"location": "/1", "adminState": "Decommissioned"}},
            properties(RACKS),
            "not in service: e:1",
        ),
    ],
)
def test_the_domains(nodes: dict[str, dict[str, str]], configured: dict[str, str], said: Any) -> None:
    assert judge(nodes, configured) == said


SOUND = (
    "Replicated Blocks:\n Mis-replicated blocks:\t\t0 (0.0 %)\n\n"
    "Erasure Coded Block Groups:\n Total block groups (validated):\t0\n"
)
#: As upstream's NamenodeFsck writes it.
MISPLACED = (
    "\n/a b:  Replica placement policy is violated for BP-1:blk_1_1. Block should be additionally replicated "
    "on 1 more rack(s).\n"
)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (SOUND, ""),
        (MISPLACED + SOUND, "replicas of 1 file are yet to be placed by the policy: /a b"),
        (SOUND.replace("d):\t0", "d):\t12"), "fsck does not say that no file is erasure-coded"),
        ("FSCK on path '/' FAILED", "fsck does not say that no file is erasure-coded"),
    ],
)
def test_what_is_not_placed_as_the_policy_wants(report: str, said: str) -> None:
    assert unplaced(report) == said


LIVE = {"beans": [{"LiveNodes": json.dumps(live("/1", "/1", "/2", "/3"))}]}
CONF = {"properties": [{"key": key, "value": value} for key, value in properties(RACKS).items()]}
SECTION = Hdfs("hdfs://a", (Peer("n", 1, "u", id="nn1"), Peer("m", 1, "u", id="nn2")), ("a",), {}, ())


def fetch(
    monkeypatch: pytest.MonkeyPatch, jmx: Any, conf: Any, fsck: Any = SOUND, active: str = "nn2"
) -> domains.Domains:
    """What a NameNode says that answers so, or raises the error."""

    def answer(host: str, port: int, path: str, timeout: float = 3) -> Any:
        (said,) = (
            said
            for page, said in {"/jmx?get=": jmx, "/conf": conf, "/fsck?": fsck}.items()
            if path.startswith(page)
        )
        assert host == "m"
        if isinstance(said, Exception):
            raise said
        return said

    monkeypatch.setattr(hdfs, "active", lambda _: active)
    monkeypatch.setattr(domains, "get_json", answer)
    monkeypatch.setattr(hdfs, "get_json", answer)
    monkeypatch.setattr(hdfs, "get_text", answer)
    return domains.fetch(SECTION)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((LIVE, CONF), THREE),
        ((LIVE, CONF, MISPLACED + SOUND), "replicas of 1 file are yet to be placed by the policy: /a b"),
        ((LIVE, CONF, SOUND, ""), "no NameNode is active, which would know where the DataNodes are"),
        ((LIVE, CONF, WebError("m:1 is silent")), "m:1 is silent"),
        ((LIVE, WebError("m:1 answers 403 Forbidden")), "m:1 answers 403 Forbidden"),
        *(
            ((jmx, conf), "m:1 does not say where DataNodes and blocks are")
            for jmx, conf in [
                (LIVE, {}),
                (LIVE, {"properties": []}),
                ({"beans": []}, CONF),
                ({"beans": [{"LiveNodes": "no json"}]}, CONF),
                ([], CONF),
            ]
        ),
    ],
)
def test_the_active_namenode_is_asked(monkeypatch: pytest.MonkeyPatch, answers: Any, said: Any) -> None:
    answer = fetch(monkeypatch, *answers)
    if isinstance(answer, str) and "does not say" in answer:
        answer = answer.partition(": ")[0]
    assert answer == said


def test_fsck_walks_through_all_files_only_where_all_else_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    conf = {**CONF, "properties": [*CONF["properties"], {"key": "dfs.replication", "value": "2"}]}
    assert "may hold" in str(fetch(monkeypatch, LIVE, conf, AssertionError("fsck is asked")))


def test_all_nodemanagers_are_one_domain_and_who_is_not_asked_for_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = load(write(tmp_path, LAB))
    monkeypatch.setattr(domains, "fetch", lambda _: "why not")
    assert domains.domains(lab, ()) == {}
    assert domains.domains(lab, ("yarn",)) == {"yarn": {"millrace-2": "all"}}
    assert domains.domains(lab, ("hdfs", "yarn"))["hdfs"] == "why not"
