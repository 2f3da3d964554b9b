"""What differs between two states of the lab is told, and what daemons write or choose is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.drills import state
from tests.drills.state import alike, ids, managed, take
from tests.listing import differences

LISTING = {
    "file /": "d 755 0:0",
    "file /etc/kafka/server.properties": "f 640 0:998",
    "content /etc/kafka/server.properties": "abc",
    "size /etc/kafka/server.properties": "9",
    "file /opt/kafka": "l 777 0:0 kafka-4.3.0-0123",
    "file /var/lib/kafka": "d 750 998:998",
    "file /var/lib/kafka/1": "d 750 998:998",
    "file /var/lib/kafka/1/x.log": "f 640 998:998",
    "size /var/lib/kafka/1/x.log": "5",
    "without an owner /var/lib/kafka/1/x.log": "998:998",
    "user kafka": "x:998:998::/var/lib/kafka:/usr/sbin/nologin",
    "unit file kafka@1.service": "enabled enabled",
    "kernel net.ipv4.conf.eth0/1.forwarding": "0",
}
FOUND = """\
/var/lib/hdfs/data/current/BP/current/VERSION:blockpoolID=BP-1-10.0.0.1-2
/var/lib/hdfs/data/current/VERSION:clusterID=CID-{0}
/var/lib/hdfs/data/current/VERSION:datanodeUuid={0}-{0}
/var/lib/kafka/1/meta.properties:node.id=1
/var/lib/zookeeper/myid:1
"""


class Site:
    """Two machines that hold the same file system's id."""

    def __init__(self, number: int = 1) -> None:
        self.cluster = SimpleNamespace(machines=dict.fromkeys(("a", "b"), self))
        self.number = number

    def run(self, script: str) -> str:
        return FOUND.format(self.number)

    def units(self) -> dict[tuple[str, str], Any]:
        up, down = SimpleNamespace(active=True, user="kafka"), SimpleNamespace(active=False, user="root")
        return {("a", "kafka@1"): up, ("b", "zookeeper"): down}

    def status(self) -> dict[str, Any]:
        return {"daemons": [{"machine": "a", "unit": "kafka@1", "version": "4.3.0", "heap_max": 256}]}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts say that are tested elsewhere."""
    says: dict[str, Any] = {
        "listing": dict(LISTING),
        "zookeeper": [{"tickTime": "2000", "dataDirSize": "1"}],
    }
    monkeypatch.setattr(state, "listing", lambda machine: says["listing"])
    monkeypatch.setattr(state, "EFFECTIVE", {"zookeeper": lambda site: says["zookeeper"]})
    return says


def taken(number: int = 1) -> state.State:
    site: Any = Site(number)
    return take(site, site)


def test_a_state_is_what_the_kit_wrote_and_what_runs(lab: dict[str, Any]) -> None:
    found = taken()
    assert found["a: content /etc/kafka/server.properties"] == "abc"
    assert found["a: unit kafka@1"] == "active, user kafka"
    assert found["b: unit zookeeper"] == "down, user root"
    assert found["a: daemon kafka@1"] == "version 4.3.0, heap 256"
    assert found["zookeeper 1: tickTime"] == "2000"
    assert found["b: id /var/lib/zookeeper/myid"] == "1"
    assert found["b: id /var/lib/kafka/1/meta.properties node.id"] == "1"
    assert "zookeeper 1: dataDirSize" not in found
    assert differences(found, taken()) == []


def test_what_differs_is_told(lab: dict[str, Any]) -> None:
    before = taken()
    lab["listing"] |= {"content /etc/kafka/server.properties": "def", "file /opt/kafka": "l 777 0:0 other"}
    del lab["listing"]["user kafka"]
    lab["zookeeper"] = [{"tickTime": "3000"}]
    assert differences(before, taken(2)) == [
        "a: content /etc/kafka/server.properties: abc -> def",
        "a: file /opt/kafka: l 777 0:0 kafka-4.3.0-0123 -> l 777 0:0 other",
        "a: id /var/lib/hdfs/data/current/VERSION clusterID: CID-1 -> CID-2",
        "a: id /var/lib/hdfs/data/current/VERSION datanodeUuid: 1-1 -> 2-2",
        "a: user kafka: x:998:998::/var/lib/kafka:/usr/sbin/nologin -> is not there",
        "b: content /etc/kafka/server.properties: abc -> def",
        "b: file /opt/kafka: l 777 0:0 kafka-4.3.0-0123 -> l 777 0:0 other",
        "b: id /var/lib/hdfs/data/current/VERSION clusterID: CID-1 -> CID-2",
        "b: id /var/lib/hdfs/data/current/VERSION datanodeUuid: 1-1 -> 2-2",
        "b: user kafka: x:998:998::/var/lib/kafka:/usr/sbin/nologin -> is not there",
        "zookeeper 1: tickTime: 2000 -> 3000",
    ]


def test_what_daemons_write_is_left_out() -> None:
    kept = managed(LISTING)
    assert set(LISTING) - set(kept) == {
        "file /var/lib/kafka/1",
        "file /var/lib/kafka/1/x.log",
        "size /var/lib/kafka/1/x.log",
        "without an owner /var/lib/kafka/1/x.log",
    }


def test_another_deployment_chooses_other_ids_and_all_machines_have_the_same(lab: dict[str, Any]) -> None:
    one, other = taken(), taken(2)
    assert differences(alike(one), alike(other)) == []
    cluster = "id /var/lib/hdfs/data/current/VERSION clusterID"
    other[f"b: {cluster}"] = "CID-3"
    (told,) = differences(alike(one), alike(other))
    assert told == f"b: {cluster}: that of a: {cluster} -> that of b: {cluster}"
    other = taken(2) | {"a: id /var/lib/kafka/1/meta.properties node.id": "2"}
    assert len(differences(alike(one), alike(other))) == 1
    assert alike({"a: content /etc/machine-id": "x"}) == {}


def test_an_id_is_told_by_file_and_key() -> None:
    assert ids("/d/myid:3\n/d/VERSION:storageID=DS-1\n") == {
        "id /d/myid": "3",
        "id /d/VERSION storageID": "DS-1",
    }
