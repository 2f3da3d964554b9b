"""The decision what a run does: from answers of machines to steps, refusals and warnings."""

from __future__ import annotations

from typing import Any

import pytest
from to_plan import FilterModule, plan_input, to_plan

SERVICES = [
    {"name": "java", "hosts": ["a", "b", "c"]},
    {"name": "zookeeper", "hosts": ["a"]},
    {"name": "kafka", "hosts": ["b", "a", "c"]},
]


def units(**said: Any) -> dict[str, Any]:
    """What bring answers of units that are as they should be, but for this."""
    right: dict[str, Any] = {key: [] for key in ("started", "restarted", "stale", "disabled", "waiting")}
    return right | {"reasons": {}, "dropins": {}} | said


def here(**said: Any) -> dict[str, Any]:
    """What a machine answers of a service that is as it should be, but for this."""
    return {"install": [], "files": [], "errors": [], "units": units(), "data": {}} | said


def answer(orphaned_units: tuple[str, ...] = (), **services: Any) -> dict[str, Any]:
    """What a machine answers, with each of its services right that is not given."""
    right = {"java": here(), "kafka": here()}
    return {
        "services": right | services,
        "orphaned_units": list(orphaned_units),
        "hostname": "node",
    }


FILE = "/etc/kafka/server-1.properties"
FRESH = here(install=["user kafka"], files=[FILE], units=units(started=["kafka@1"], disabled=["kafka@1"]))
STALE = here(files=[FILE], units=units(restarted=["kafka@1"], reasons={"kafka@1": [FILE]}))
BOTH = here(units=units(started=["kafka@2"], restarted=["kafka@1"], reasons={"kafka@1": ["no record"]}))
INSTALL = here(install=["/opt/kafka-1-x unpacked"])
FILES = here(files=["/etc/profile.d/kafka.sh"])
ENABLE = here(units=units(disabled=["kafka@1"]))
RESTART = {"kafka@1": [FILE]}
ROLL: dict[str, Any] = {"do": "roll", "service": "kafka", "leads": False, "restart": RESTART, "reload": []}


@pytest.mark.parametrize(
    ("kafka", "deploy", "roll", "install", "steps"),
    [
        ({}, [], [], [], []),
        # A fresh cluster: all at once.
        (
            {"a": FRESH, "b": FRESH, "c": FRESH},
            ["b", "a", "c"],
            [],
            ["a", "b", "c"],
            [
                {"step": 1, "do": "install", "machines": ["a", "b", "c"]},
                {"step": 2, "do": "deploy", "service": "kafka", "machines": ["b", "a", "c"]},
            ],
        ),
        # What runs: one machine after the other, in the order of the service's hosts.
        (
            {"a": STALE, "b": STALE},
            [],
            ["b", "a"],
            [],
            [
                {
                    "step": 1,
                    "do": "roll",
                    "service": "kafka",
                    "machines": ["b"],
                    "leads": False,
                    "restart": RESTART,
                    "reload": [],
                },
                {
                    "step": 2,
                    "do": "roll",
                    "service": "kafka",
                    "machines": ["a"],
                    "leads": False,
                    "restart": RESTART,
                    "reload": [],
                },
            ],
        ),
        # A new broker beside one that runs: it is started first, with its machine's files.
        (
            {"a": BOTH},
            ["a"],
            ["a"],
            [],
            [
                {"step": 1, "do": "deploy", "service": "kafka", "machines": ["a"]},
                {
                    "step": 2,
                    "do": "roll",
                    "service": "kafka",
                    "machines": ["a"],
                    "leads": False,
                    "restart": {"kafka@1": ["no record"]},
                    "reload": [],
                },
            ],
        ),
        # A new machine beside those that run.
        (
            {"a": FRESH, "b": STALE},
            ["a"],
            ["b"],
            ["a"],
            [
                {"step": 1, "do": "install", "machines": ["a"]},
                {"step": 2, "do": "deploy", "service": "kafka", "machines": ["a"]},
                {
                    "step": 3,
                    "do": "roll",
                    "service": "kafka",
                    "machines": ["b"],
                    "leads": False,
                    "restart": RESTART,
                    "reload": [],
                },
            ],
        ),
        ({"c": INSTALL}, ["c"], [], ["c"], [{"step": 1, "do": "install", "machines": ["c"]}]),
        (
            {"c": FILES},
            ["c"],
            [],
            [],
            [{"step": 1, "do": "deploy", "service": "kafka", "machines": ["c"]}],
        ),
        (
            {"c": ENABLE},
            ["c"],
            [],
            [],
            [{"step": 1, "do": "deploy", "service": "kafka", "machines": ["c"]}],
        ),
    ],
    ids=["nothing", "fresh", "stale", "stopped-and-stale", "fresh-and-stale", "install", "files", "enable"],
)
def test_what_is_done_where(
    kafka: dict[str, Any], deploy: list[str], roll: list[str], install: list[str], steps: list[Any]
) -> None:
    found = {host: answer(kafka=kafka.get(host, here())) for host in "abc"}
    plan = to_plan(found, SERVICES, {})
    assert (plan["steps"], plan["install"]) == (steps, install)
    assert list(plan["services"]) == (["kafka"] if kafka else [])
    if kafka:
        service = plan["services"]["kafka"]
        assert (service["deploy"], service["roll"]) == (deploy, roll)
        assert sorted(service["machines"]) == sorted(kafka)
    assert (plan["refusals"], plan["warnings"], plan["unheard"]) == ([], [], [])


def test_files_that_no_daemon_reads_follow_after_the_roll() -> None:
    """A setting that the first daemon refuses is on no other machine."""
    found = {"a": answer(kafka=FILES), "b": answer(kafka=STALE), "c": answer(kafka=FRESH)}
    plan = to_plan(found, SERVICES, {})
    service = plan["services"]["kafka"]
    assert [service[verb] for verb in ("deploy", "roll", "follow")] == [["c"], ["b"], ["a"]]
    steps = [(step["do"], step["machines"]) for step in plan["steps"]]
    assert steps == [("install", ["c"]), ("deploy", ["c"]), ("roll", ["b"]), ("deploy", ["a"])]


@pytest.mark.parametrize(
    ("leaders", "roll", "leads"),
    [
        ({}, ["b", "a", "c"], []),
        ({"kafka": ["b"]}, ["a", "c", "b"], ["b"]),
        ({"kafka": ["c"]}, ["b", "a", "c"], ["c"]),
        ({"zookeeper": ["b"], "kafka": []}, ["b", "a", "c"], []),
        ({"kafka": ["z"]}, ["b", "a", "c"], []),
    ],
)
def test_who_leads_is_restarted_last(
    leaders: dict[str, list[str]], roll: list[str], leads: list[str]
) -> None:
    plan = to_plan({host: answer(kafka=STALE) for host in "abc"}, SERVICES, {}, leaders)
    assert plan["services"]["kafka"]["roll"] == roll
    assert [step["machines"] for step in plan["steps"]] == [[host] for host in roll]
    assert [step["machines"][0] for step in plan["steps"] if step["leads"]] == leads


def test_a_restart_that_is_asked_for_is_rolled_as_one_that_is_needed() -> None:
    up = {"units": {"kafka@1": {"pid": 1, "invocation": "x"}, "kafka@2": {"pid": 0, "invocation": ""}}}
    found = {
        "a": answer(kafka=FRESH | {"units": FRESH["units"] | up | {"started": ["kafka@2"]}}),
        "b": answer(kafka=STALE | {"units": STALE["units"] | up}),
    }
    services = to_plan(found, SERVICES, {}, {"kafka": ["b"]}, "kafka")["services"]
    assert services["kafka"]["roll"] == ["a", "b"]
    assert services["kafka"]["machines"]["a"]["restart"] == {"kafka@1": ["asked for"]}
    # What a daemon is stale for is said all the same.
    reasons = services["kafka"]["machines"]["b"]["restart"]["kafka@1"]
    assert reasons == STALE["units"]["reasons"]["kafka@1"]
    assert to_plan({"a": answer()}, SERVICES, {}, {}, "zookeeper")["services"] == {}


def test_nothing_to_do_golden() -> None:
    assert to_plan({host: answer() for host in "abc"}, SERVICES, {"kafka": {"refusals": []}}) == {
        "machines": ["a", "b", "c"],
        "unheard": [],
        "install": [],
        "services": {},
        "data": {"kafka": {"refusals": []}},
        "steps": [],
        "refusals": [],
        "warnings": [],
    }


def test_what_is_to_be_done_on_a_machine() -> None:
    plan = to_plan({"a": answer(kafka=FRESH), "b": answer(kafka=STALE)}, SERVICES, {})
    assert plan["services"]["kafka"]["machines"] == {
        "b": {
            "install": [],
            "files": [FILE],
            "start": [],
            "restart": RESTART,
            "reload": [],
            "enable": [],
            "keep": [],
        },
        "a": {
            "install": ["user kafka"],
            "files": [FILE],
            "start": ["kafka@1"],
            "restart": {},
            "reload": [],
            "enable": ["kafka@1"],
            "keep": [],
        },
    }


def test_of_what_a_killed_run_restarted_the_next_keeps_copies() -> None:
    """It runs with what it is to run with: nothing is written, and no daemon is restarted for it."""
    unkept = here() | {"unkept": ["kafka@1"]}
    plan = to_plan(
        {"a": answer(kafka=unkept), "b": answer(kafka=STALE | {"unkept": ["kafka@1"]})}, SERVICES, {}
    )
    kafka = plan["services"]["kafka"]
    assert [list(kafka[verb]) for verb in ("deploy", "roll", "follow", "machines")] == [
        *([], ["b"], []),
        ["b", "a"],
    ]
    assert kafka["touched"] == ["b/kafka@1", "a/kafka@1"]
    alone = to_plan({"a": answer(kafka=unkept)}, SERVICES, {})
    assert alone["steps"] == []
    assert alone["services"]["kafka"]["machines"]["a"]["keep"] == ["kafka@1"]


def test_services_come_in_the_order_of_their_deployment() -> None:
    found = {"a": answer(kafka=FRESH, zookeeper=STALE, java=INSTALL), "b": answer(java=INSTALL)}
    steps = to_plan(found, SERVICES, {})["steps"]
    assert [(each["step"], each["do"], each.get("service"), each["machines"]) for each in steps] == [
        (1, "install", None, ["a", "b"]),
        (2, "roll", "zookeeper", ["a"]),
        (3, "deploy", "kafka", ["a"]),
    ]


def test_a_machine_that_did_not_answer_is_told_and_has_no_steps() -> None:
    plan = to_plan({"b": answer(kafka=STALE)}, SERVICES, {})
    assert (plan["machines"], plan["unheard"]) == (["b"], ["a", "c"])
    assert [step["machines"] for step in plan["steps"]] == [["b"]]


def test_a_machine_whose_units_could_not_be_asked() -> None:
    broken = here(errors=["systemctl is away"])
    del broken["units"]
    plan = to_plan({"a": answer(kafka=broken)}, SERVICES, {})
    assert plan["services"] == {}
    assert plan["refusals"] == ["a: systemctl is away"]


def test_refusals_are_collected_each_once() -> None:
    bad = here(errors=["/opt/kafka is not a link"])
    found = {
        "a": answer(kafka=bad, java=bad),
        "b": answer(zookeeper=here(errors=["one", "two"]), kafka=STALE),
    }
    data = {"zookeeper": {"refusals": ["a has no data"]}, "kafka": {"refusals": ["a has no data", "moved"]}}
    plan = to_plan(found, SERVICES, data)
    assert plan["refusals"] == [
        "a: /opt/kafka is not a link",
        "b: one",
        "b: two",
        "a has no data",
        "moved",
    ]
    # What would have been done is told none the less.
    assert plan["services"]["kafka"]["roll"] == ["b"]
    assert plan["data"] == data


def test_warnings() -> None:
    theirs = here(units=units(dropins={"kafka@1": ["/x.d/a.conf", "/x.d/b.conf"]}))
    found = {"a": answer(orphaned_units=("kafka@7",), kafka=theirs), "b": answer()}
    plan = to_plan(found, SERVICES, {})
    assert plan["warnings"] == [
        (
            "node starts kafka@7, which the inventory no longer has. It is left alone; once nothing needs "
            "it: systemctl disable --now kafka@7"
        ),
        "a: kafka@1 has the drop-in /x.d/a.conf, which is not the kit's: it is left alone, and counts",
        "a: kafka@1 has the drop-in /x.d/b.conf, which is not the kit's: it is left alone, and counts",
    ]
    assert (plan["steps"], plan["refusals"]) == ([], [])


def test_a_daemon_that_leaves_goes_after_those_that_come_and_before_the_roll() -> None:
    found = {"a": answer(kafka=STALE), "b": answer(kafka=FRESH), "c": answer()}
    found["d"] = answer(orphaned_units=("kafka@4", "kafka@7"))
    leaving = {"kafka": {"leave": [["d", "kafka@4"]], "refusals": ["it has replicas"], "warnings": ["so"]}}
    plan = to_plan(found, SERVICES, {}, leaving=leaving)
    assert [(step["do"], step["machines"]) for step in plan["steps"]] == [
        ("install", ["b"]),
        ("deploy", ["b"]),
        ("leave", ["d"]),
        ("roll", ["a"]),
    ]
    assert plan["steps"][2]["units"] == ["kafka@4"]
    assert plan["services"]["kafka"]["leave"] == {"d": ["kafka@4"]}
    assert plan["refusals"] == ["it has replicas"]
    # What else it starts is left alone.
    assert [warning.split(",")[0] for warning in plan["warnings"]] == ["node starts kafka@7", "so"]


def test_it_is_all_that_is_to_be_done() -> None:
    leaving = {"kafka": {"leave": [["d", "kafka@4"], ["d", "kafka@5"]], "refusals": []}}
    plan = to_plan({"a": answer(), "d": answer()}, SERVICES, {}, leaving=leaving)
    assert [(step["do"], step["units"]) for step in plan["steps"]] == [("leave", ["kafka@4", "kafka@5"])]


STEPS = [
    {"host": "d", "do": "stop", "serve": 2},
    {"host": "b", "do": "restart", "serve": 2},
    {"host": "a", "do": "restart", "serve": 2},
]
RESIZE = {"refusals": [], "resize": {"old": 3, "new": 2, "steps": STEPS}}


def test_where_servers_come_or_go_all_machines_are_in_one_play() -> None:
    services = [{"name": "zookeeper", "hosts": ["a", "b"]}, {"name": "kafka", "hosts": ["c"]}]
    found = {host: answer(zookeeper=STALE) for host in "ab"} | {
        "c": answer(kafka=STALE),
        "d": answer(orphaned_units=("zookeeper", "kafka@7")),
    }
    plan = to_plan(found, services, {"zookeeper": RESIZE}, {"zookeeper": ["a"]})
    zookeeper = plan["services"]["zookeeper"]
    assert [zookeeper[verb] for verb in ("deploy", "roll", "follow")] == [["a", "b", "d"], [], []]
    assert (sorted(zookeeper["machines"]), zookeeper["resize"]) == (["a", "b"], RESIZE["resize"])
    assert [(step["do"], step["machines"]) for step in plan["steps"]] == [
        ("resize", ["a", "b", "d"]),
        ("roll", ["c"]),
    ]
    assert plan["steps"][0]["steps"] == STEPS
    assert plan["refusals"] == []
    # Its server is stopped by this run; what else it starts is left alone.
    assert [warning.split(",")[0] for warning in plan["warnings"]] == ["node starts kafka@7"]


def test_who_leaves_must_be_there_to_be_stopped() -> None:
    services = [{"name": "zookeeper", "hosts": ["a", "b"]}]
    found = {host: answer(zookeeper=STALE) for host in "ab"}
    (refusal,) = to_plan(found, services, {"zookeeper": RESIZE})["refusals"]
    assert refusal.startswith(
        "d leaves zookeeper, and it did not answer, --limit leaves it out, or it is not in"
    )
    assert refusal.endswith("take it out of the inventory and run once with -e accept_risk=d.")
    (refusal,) = to_plan(found | {"d": answer()}, services, {"zookeeper": RESIZE}, {}, "zookeeper")[
        "refusals"
    ]
    assert refusal == "servers of zookeeper come or go, which no restart does: run site.yml, then restart"
    assert to_plan(found | {"d": answer()}, services, {"zookeeper": RESIZE}, {}, "kafka")["refusals"] == []


def test_a_rule_warns() -> None:
    data = {"zookeeper": {"refusals": [], "warnings": ["an even number"]}}
    assert to_plan({"a": answer()}, SERVICES, data)["warnings"] == ["an even number"]


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"plan_input": plan_input, "to_plan": to_plan}


def test_a_plan_is_given_no_more_of_a_service_than_it_reads() -> None:
    hadoop = {"name": "hadoop", "hosts": ["a"], "users": []}
    data = {"rule": "hdfs_data", "arguments": {"namenodes": ["a"]}, "stores": [{}]}
    batch = {"unit": "hdfs-datanode", "most": 2}
    hdfs = {"name": "hdfs", "hosts": ["a"], "base": [hadoop], "data": data, "batch": batch, "units": [{}]}
    kafka = {"name": "kafka", "hosts": ["a"], "dynamic": {"record": "/r", "ask": ["true"]}}
    assert plan_input([hadoop, hdfs, kafka]) == [
        {"name": "hadoop", "hosts": ["a"], "base": [], "batch": {}, "data": {}},
        {
            "name": "hdfs",
            "hosts": ["a"],
            "base": ["hadoop"],
            "batch": batch,
            "data": {"rule": "hdfs_data", "arguments": {"namenodes": ["a"]}},
        },
        kafka | {"base": [], "batch": {}, "data": {}},
    ]


@pytest.mark.parametrize(
    ("settled", "taken", "roll", "steps"),
    [
        ([], {}, ["b", "a"], [("roll", "b"), ("roll", "a")]),
        # One is restarted all the same; a service of another machine with a unit of that name is not meant.
        (
            [["b", "kafka@1"]],
            {"set": {"x": "1"}},
            ["a"],
            [("set", {"x": "1"}), ("roll", "a"), ("deploy", "b")],
        ),
        ([["b", "kafka@1"], ["a", "kafka@1"]], {}, [], [("deploy", "b")]),
        # What is deleted is so after the last restart.
        ([["b", "kafka@1"]], {"delete": ["x"]}, ["a"], [("roll", "a"), ("deploy", "b"), ("delete", ["x"])]),
    ],
)
def test_what_is_set_needs_no_restart(
    settled: list[list[str]], taken: dict[str, Any], roll: list[str], steps: list[tuple[str, Any]]
) -> None:
    found = {"a": answer(kafka=STALE), "b": answer(kafka=STALE), "c": answer()}
    plan = to_plan(found, SERVICES, {}, dynamic={"kafka": {"settled": settled} | taken})
    assert plan["services"]["kafka"]["roll"] == roll
    said = [(step["do"], step.get("properties") or step["machines"][0]) for step in plan["steps"]]
    assert said == steps
    # The record lies on all machines.
    for verb in ("set", "delete"):
        assert plan["services"]["kafka"][verb] == (["b", "a", "c"] if verb in taken else [])


@pytest.mark.parametrize("what", [{"set": {"x": "1"}, "delete": []}, {"set": {}, "delete": ["x"]}])
def test_what_is_set_or_deleted_where_no_file_differs(what: dict[str, Any]) -> None:
    taken = what | {"settled": [], "records": [{}, {}, {}], "warnings": ["y is left"]}
    plan = to_plan({"a": answer()}, SERVICES, {}, dynamic={"kafka": taken})
    kafka = plan["services"]["kafka"]
    assert (kafka["deploy"], kafka["roll"], kafka["machines"]) == ([], [], {})
    assert [step["do"] for step in plan["steps"]] == [verb for verb, each in what.items() if each]
    assert kafka["dynamic"] == what | {"records": [{}, {}, {}]}
    assert plan["warnings"] == ["y is left"]


def test_a_restart_that_is_asked_for_comes_whatever_is_set() -> None:
    running = here(units=units(units={"kafka@1": {}}))
    taken = {"kafka": {"settled": [["a", "kafka@1"]]}}
    plan = to_plan({"a": answer(kafka=running)}, SERVICES, {}, {}, "kafka", dynamic=taken)
    assert plan["services"]["kafka"]["roll"] == ["a"]


def test_what_a_service_stands_on_is_installed_with_it() -> None:
    found = {
        "a": {
            "services": {
                "hadoop": {"install": ["/opt/hadoop unpacked"], "files": [], "errors": [], "units": {}},
                "hdfs": {"install": [], "files": [], "errors": [], "units": {}},
            }
        }
    }
    services = [{"name": "hadoop", "hosts": ["a"]}, {"name": "hdfs", "hosts": ["a"], "base": ["hadoop"]}]
    plan = to_plan(found, services, {})
    assert plan["install"] == ["a"]
    assert list(plan["services"]) == ["hdfs"]
    assert plan["services"]["hdfs"]["machines"]["a"]["install"] == ["/opt/hadoop unpacked"]


def test_what_moves_is_planned_where_no_daemon_reads_it() -> None:
    moved = {"install": ["/opt/java -> /usr/lib/jvm/b"], "files": [], "errors": [], "units": {}}
    right: dict[str, Any] = {"install": [], "files": [], "errors": [], "units": {}}
    services = [{"name": "java", "hosts": ["a"]}, {"name": "spark", "hosts": ["a"], "base": ["java"]}]
    plan = to_plan({"a": {"services": {"java": moved, "spark": right}}}, services, {})
    assert plan["services"]["spark"]["deploy"] == ["a"]
