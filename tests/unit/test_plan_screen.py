"""What a person reads of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from plan_screen import FilterModule, plan_screen

NOTHING: dict[str, Any] = {
    "install": [],
    "files": [],
    "start": [],
    "enable": [],
    "restart": {},
    "reload": [],
    "keep": [],
}
ROLL: dict[str, Any] = {"do": "roll", "service": "kafka", "leads": False}


def test_golden() -> None:
    restart = {"kafka@1": ["/etc/kafka/server-1.properties"]}
    several = {"kafka@1": ["no record"], "kafka@2": ["/a", "/b"]}
    plan = {
        "cluster": "lab",
        "machines": ["millrace-1", "millrace-2", "millrace-3"],
        "unheard": ["millrace-4", "millrace-5"],
        "services": {
            "zookeeper": {
                "machines": {
                    "millrace-3": NOTHING
                    | {
                        "install": ["user zookeeper"],
                        "files": [f"/etc/zookeeper/{number}" for number in range(6)],
                        "start": ["zookeeper"],
                        "enable": ["zookeeper"],
                    }
                }
            },
            "kafka": {
                "machines": {
                    "millrace-1": NOTHING | {"files": ["/a", "/b"], "restart": several},
                    "millrace-2": NOTHING | {"restart": restart, "start": ["kafka@9"], "enable": ["kafka@7"]},
                    "millrace-3": NOTHING | {"start": ["kafka@9"], "keep": ["kafka@8"]},
                }
            },
        },
        "steps": [
            {"step": 1, "do": "install", "machines": ["millrace-3"]},
            {"step": 2, "do": "deploy", "service": "zookeeper", "machines": ["millrace-2", "millrace-3"]},
            {
                "step": 3,
                "do": "roll",
                "service": "kafka",
                "machines": ["millrace-1"],
                "leads": False,
                "restart": several,
                "reload": [],
            },
            {
                "step": 4,
                "do": "roll",
                "service": "kafka",
                "machines": ["millrace-2"],
                "leads": True,
                "restart": restart,
                "reload": [],
            },
            {
                "step": 5,
                "do": "roll",
                "service": "hdfs",
                "machines": ["millrace-1", "millrace-2"],
                "leads": False,
                "restart": {"hdfs-datanode": ["/a"]},
                "reload": [],
            },
        ],
    }
    assert "\n".join(plan_screen(plan)) == (
        "plan of lab: 3 machines, not asked: millrace-4, millrace-5\n"
        "  zookeeper  millrace-3: install user zookeeper\n"
        "  zookeeper  millrace-3: write /etc/zookeeper/0, /etc/zookeeper/1, /etc/zookeeper/2,"
        " /etc/zookeeper/3 and 2 more\n"
        "  zookeeper  millrace-3: start and enable zookeeper\n"
        "  kafka      millrace-1: write /a, /b\n"
        "  kafka      millrace-1: restart kafka@1: it has no record of what it reads\n"
        "  kafka      millrace-1: restart kafka@2: /a, /b differ\n"
        "  kafka      millrace-2, millrace-3: start kafka@9\n"
        "  kafka      millrace-2: enable kafka@7\n"
        "  kafka      millrace-2: restart kafka@1: /etc/kafka/server-1.properties differs\n"
        "  kafka      millrace-3: keep a copy of what kafka@8 runs well with\n"
        "  step 1: install on millrace-3\n"
        "  step 2: zookeeper: write files and start on millrace-2, millrace-3, in parallel\n"
        "  step 3: kafka: on millrace-1 write files and restart kafka@1, then kafka@2, when the rest allows\n"
        "  step 4: kafka: on millrace-2, last since it leads, write files and restart kafka@1, when the rest "
        "allows\n"
        "  step 5: hdfs: on millrace-1, millrace-2 together write files and restart hdfs-datanode, when the "
        "rest allows"
    )


@pytest.mark.parametrize(
    ("machines", "unheard", "line"),
    [
        (["a", "b"], [], "plan of lab: nothing to do on 2 machines"),
        (["a"], [], "plan of lab: nothing to do on 1 machine"),
        (["a"], ["b"], "plan of lab: nothing to do on 1 machine, not asked: b"),
    ],
)
def test_nothing_to_do(machines: list[str], unheard: list[str], line: str) -> None:
    plan = {"cluster": "lab", "machines": machines, "unheard": unheard, "services": {}, "steps": []}
    assert plan_screen(plan) == [line]


@pytest.mark.parametrize(
    ("old", "new", "steps", "line"),
    [
        (
            1,
            3,
            "restart a, start b, start c",
            "1 server becomes 3, one after the other: restart a; then start b, then c",
        ),
        (3, 2, "stop c, restart b", "3 servers become 2, one after the other: stop c; then restart b"),
    ],
)
def test_servers_that_come_and_go(old: int, new: int, steps: str, line: str) -> None:
    words = [each.split() for each in steps.split(", ")]
    step = {
        "step": 1,
        "do": "resize",
        "service": "zookeeper",
        "machines": [host for _, host in words],
        "old": old,
        "new": new,
        "steps": [{"do": do, "host": host} for do, host in words],
    }
    plan = {"cluster": "lab", "machines": ["a"], "unheard": [], "services": {"zookeeper": {"machines": {}}}}
    assert plan_screen(plan | {"steps": [step]})[-1] == f"  step 1: zookeeper: {line}"


def test_daemons_that_leave_for_good() -> None:
    step = {"step": 1, "do": "leave", "service": "kafka", "machines": ["d"], "units": ["kafka@4", "kafka@5"]}
    plan = {"cluster": "lab", "machines": ["a"], "unheard": [], "services": {"kafka": {"machines": {}}}}
    assert plan_screen(plan | {"steps": [step]})[-1] == (
        "  step 1: kafka: kafka@4, then kafka@5 on d leaves for good, when the rest allows: it is stopped "
        "and disabled, and its data stays"
    )


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"plan_screen": plan_screen}


def test_what_was_wrong_before_and_what_is_accepted_are_said() -> None:
    work = {"machines": {"a": NOTHING | {"restart": {"kafka@1": ["asked for"]}}}}
    plan = {"cluster": "lab", "machines": ["a"], "unheard": [], "services": {"kafka": work}, "steps": []}
    said = {"faults": {"kafka": {f"t-{n} on 3": 1 for n in range(6)}, "hdfs": {}}, "accepted": "t-0"}
    assert plan_screen(plan | said) == [
        "plan of lab: 1 machine",
        "  kafka      a: restart kafka@1: asked for",
        "  not right already, and not awaited: kafka (t-0 on 3, t-1 on 3, t-2 on 3, t-3 on 3 and 2 more)",
        "  accepted as a risk: t-0",
    ]


def test_what_is_set_without_a_restart_is_said_with_its_values() -> None:
    steps = [
        {"step": 1, "do": "set", "service": "kafka", "properties": {"log.retention.ms": "1", "b": "2"}},
        {"step": 2, "do": "delete", "service": "kafka", "properties": ["num.io.threads"]},
    ]
    services: dict[str, Any] = {"kafka": {"machines": {}}}
    plan = {"cluster": "lab", "machines": ["a"], "unheard": [], "services": services, "steps": steps}
    assert plan_screen(plan)[1:] == [
        "  step 1: kafka: set without a restart, as the cluster's default: log.retention.ms=1, b=2",
        "  step 2: kafka: delete what was set without a restart: num.io.threads",
    ]


@pytest.mark.parametrize(
    ("leads", "reload", "told"),
    [
        (
            True,
            ["rm"],
            "on a, first since it leads, write files and restart nm, then reload rm, when the rest allows",
        ),
        (False, ["nm", "rm"], "on a write files and reload nm, then rm, when the rest allows"),
        (True, [], "on a, last since it leads, write files and restart nm, then rm, when the rest allows"),
    ],
)
def test_what_is_read_again_is_no_restart(leads: bool, reload: list[str], told: str) -> None:
    work = {"restart": {"nm": ["/n"], "rm": ["/q"]}, "reload": reload}
    step = {"step": 1, "do": "roll", "service": "yarn", "machines": ["a"], "leads": leads, **work}
    plan = {
        "cluster": "c",
        "machines": ["a"],
        "unheard": [],
        "services": {"yarn": {"machines": {"a": NOTHING | work}}},
        "steps": [step],
    }
    lines = plan_screen(plan)
    assert lines[-1] == f"  step 1: yarn: {told}"
    verbs = {unit: "reload" if unit in reload else "restart" for unit in ("nm", "rm")}
    assert {line.strip() for line in lines[1:3]} == {
        f"yarn       a: {verbs['nm']} nm: /n differs",
        f"yarn       a: {verbs['rm']} rm: /q differs",
    }
