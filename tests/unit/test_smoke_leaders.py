"""Which machines lead, as the services say; a service that does not say has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import domains, gates, leaders
from smoke.cluster import Cluster, load
from smoke.services import hdfs, kafka, yarn, zookeeper
from tests.unit.smoke_lab import LAB, write


@pytest.fixture
def lab(tmp_path: Path) -> Cluster:
    return load(write(tmp_path, LAB))


def say(monkeypatch: pytest.MonkeyPatch, lab: Cluster, *, silent: bool = False) -> None:
    """Have one of each lead, or nobody say anything."""
    assert lab.zookeeper
    servers = [f"{server.host}:{server.port}" for server in lab.zookeeper.servers]
    states: dict[str, Any] = {server: {"zk_server_state": "follower"} for server in servers}
    states |= {servers[-1]: {"zk_server_state": "leader"}}
    answers: dict[str, Any] = {
        "zookeeper.fetch": dict.fromkeys(servers, "refuses") if silent else states,
        "kafka.fetch": kafka.State(leader=-1 if silent else 2),
        "hdfs.active": "" if silent else "nn2",
        "yarn.states": {} if silent else {"rm1": "active"},
    }
    modules = {"zookeeper": zookeeper, "kafka": kafka, "hdfs": hdfs, "yarn": yarn}
    for name, answer in answers.items():
        service, _, function = name.partition(".")
        monkeypatch.setattr(modules[service], function, lambda *_, answer=answer: answer)


def test_the_machines_that_lead(monkeypatch: pytest.MonkeyPatch, lab: Cluster) -> None:
    say(monkeypatch, lab)
    assert lab.zookeeper
    assert lab.kafka
    assert lab.hdfs
    assert lab.yarn
    assert leaders.leaders(lab) == {
        "zookeeper": [lab.zookeeper.servers[-1].host],
        "kafka": [broker.host for broker in lab.kafka.brokers if broker.id == 2],
        "hdfs": [lab.hdfs.namenodes[1].host],
        "yarn": [lab.yarn.resourcemanagers[0].host],
    }


def test_nobody_leads_where_nobody_says_so(monkeypatch: pytest.MonkeyPatch, lab: Cluster) -> None:
    say(monkeypatch, lab, silent=True)
    assert leaders.leaders(lab) == {"zookeeper": [], "kafka": [], "hdfs": [], "yarn": []}


def test_they_are_printed_for_a_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leaders, "leaders", lambda _: {"hdfs": ["a"]})
    monkeypatch.setattr(gates, "faults_of", lambda _: {"kafka": {"broker 3": 1}})
    monkeypatch.setattr(domains, "fetch", lambda _: {"a": "/rack"})
    path = write(tmp_path, LAB)
    words = ["survey", f"--cluster={path}", f"--name={LAB['name']}", f"--inventory={LAB['inventory']}"]
    said = '{"leaders": {"hdfs": ["a"]}, "faults": {"kafka": {"broker 3": 1}}, "domains": %s}\n'
    assert cli.main(words) == 0
    assert capsys.readouterr().out == said % "{}"
    assert cli.main([*words, "--batches", "hdfs"]) == 0
    assert capsys.readouterr().out == said % '{"hdfs": {"a": "/rack"}}'
