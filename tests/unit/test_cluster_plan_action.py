"""What the plan asks running daemons, and what it makes of their answer."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from roles.common.action_plugins import cluster_plan as action
from tests.unit.playbooks import CHECKOUT

KAFKA = {"name": "kafka", "dynamic": {"record": "/r", "ask": ["smoke"]}}


def found(differs: list[str] | None = None, *, restarted: bool = True, **record: str) -> dict[str, Any]:
    """What a machine answers that has a broker."""
    kafka = {
        "data": {"settings": {"/r": record}},
        "units": {"restarted": ["kafka@1"] if restarted else []},
        "properties": {"kafka@1": {"wanted": {"a": "1"}, "differs": differs}},
    }
    return {"one": {"services": {"kafka": kafka}}, "two": {"services": {}}}


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        (found(["a"]), True),
        (found([]), True),
        # It has to be restarted anyway, or runs with what it is to have.
        (found(None), False),
        (found([], restarted=False), False),
        # What was set may have to be set anew, or deleted.
        (found(None, a="[]"), True),
        (found([], restarted=False, a="[]"), True),
    ],
)
def test_brokers_are_asked_where_there_is_a_question(answers: dict[str, Any], asked: bool) -> None:
    kafka = answers["one"]["services"]["kafka"]
    given = {"properties": {"one": kafka["properties"]}, "records": [kafka["data"]["settings"]["/r"]]}
    assert action._properties(KAFKA, answers) == (given if asked else {})


def test_a_machine_whose_data_cannot_be_read_is_not_asked_about() -> None:
    answers = found(["a"])
    answers["one"]["services"]["kafka"]["data"] = None
    assert action._properties(KAFKA, answers) == {}


@pytest.mark.parametrize(
    ("settled", "rolls"), [([], True), ([["two", "kafka@1"]], True), ([["one", "kafka@1"]], False)]
)
def test_who_leads_is_asked_where_a_daemon_is_restarted(settled: list[list[str]], rolls: bool) -> None:
    rolled = action._rolled(found(["a"]), {"kafka": {"settled": settled}})
    assert rolled == ({"kafka"} if rolls else set())


def test_what_is_not_right_is_asked_where_it_runs_unseen_or_starts_without_all() -> None:
    answers: dict[str, Any] = {
        "a": {"services": {"kafka": {"unkept": [], "units": {"started": ["kafka@1"]}}}}
    }
    assert not action._runs_unkept(answers)
    assert not action._starts_without_all([{"name": "kafka", "hosts": ["a"]}], answers)
    assert action._starts_without_all([{"name": "kafka", "hosts": ["a", "b"]}], answers)
    answers["a"]["services"]["kafka"] = {"unkept": ["kafka@1"], "units": {"started": []}}
    assert action._runs_unkept(answers)
    assert not action._starts_without_all([{"name": "kafka", "hosts": ["a", "b"]}], answers)


def test_units_that_the_inventory_lost_are_asked_about_with_their_machines() -> None:
    answers = {
        "a": {"orphaned_units": []},
        "b": {"orphaned_units": ["hdfs-datanode", "kafka@4"]},
        "c": {"orphaned_units": ["kafka@5", "kafka@6"]},
    }
    kafka = KAFKA | {"leave": {"units": "kafka@"}}
    assert action._lost(kafka, answers) == [["b", "kafka@4"], ["c", "kafka@5"], ["c", "kafka@6"]]
    # On ZooKeeper none of them leaves.
    assert action._lost(KAFKA | {"leave": {}}, answers) == []


def test_a_rule_is_told_of_servers_that_the_inventory_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """ZooKeeper's are not asked: its rule decides."""
    value = yaml.safe_load((CHECKOUT / "roles/zookeeper/vars/main.yml").read_text())["zookeeper_service"]
    data = {"rule": "zookeeper_data", "arguments": {"cluster": "lab"}}
    service = {"name": "zookeeper", "leave": value["leave"], "data": data}
    answers = {"c": {"services": {}, "orphaned_units": ["kafka@3", "zookeeper"]}}
    assert action._leaving(service, action._ask(service["leave"].get("ask"), [])) == {}
    given: dict[str, Any] = {}
    plugin = action.ActionModule.__new__(action.ActionModule)
    monkeypatch.setattr(plugin, "_filter", lambda _, **told: given.update(told) or {})
    # One that answers is not gone, and one that the inventory has comes back.
    task = SimpleNamespace(args={"accepted": "c,d,e,orders-3", "machines": ["a", "d"]})
    monkeypatch.setattr(plugin, "_task", task, raising=False)
    plugin._rule(service, answers, [])
    told = {"lost": [["c", "zookeeper"]], "gone": ["e", "orders-3"]}
    assert given["arguments"] == {"cluster": "lab"} | told
    # Kafka says itself whether it can do without them.
    plugin._rule(service | {"leave": {"units": "kafka@", "ask": ["smoke"]}}, answers, [])
    assert given["arguments"] == {"cluster": "lab", "lost": [["c", "kafka@3"]]}


def test_what_does_not_say_whether_they_are_its_own_leaves_them_alone() -> None:
    (warning,) = action._leaving(KAFKA, {"error": "no answer"})["warnings"]
    assert warning == "kafka does not say whether what the inventory lost is of it: no answer"
    assert action._leaving(KAFKA, {"leave": []}) == {"leave": []}


def test_a_command_reads_what_is_given_and_answers_in_json() -> None:
    program = "import sys, json; print(json.dumps({'said': json.load(sys.stdin)}))"
    assert action._ask([sys.executable, "-c", program], {"a": 1}) == {"said": {"a": 1}}


def test_what_cannot_be_asked_is_a_warning() -> None:
    said = action._ask([sys.executable, "-c", "import sys; sys.exit('smoke: not there')"])
    assert said == {"error": "smoke: not there"}
    (warning,) = action._taken(KAFKA, said)["warnings"]
    assert warning.endswith("restarted for all that differ: smoke: not there")
    assert action._taken(KAFKA, {"set": {}}) == {"set": {}}


def test_the_machines_of_a_run_are_known_to_the_next() -> None:
    """One that was not asked, or that a limit leaves out, keeps what it had; one that left is forgotten."""
    here = {"units": {"hdfs-datanode": {}}, "started": ["hdfs-namenode"], "restarted": ["hdfs-datanode"]}
    answers = {"a": {"services": {"hdfs": {"units": here}, "java": {}}}}
    before = {"a": ["zookeeper"], "b": ["kafka@2"], "gone": ["kafka@3"]}
    assert action._deployed(answers, ["a", "b", "new"], before) == {
        "a": ["hdfs-datanode", "hdfs-namenode"],
        "b": ["kafka@2"],
        "new": [],
    }
