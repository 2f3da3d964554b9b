"""Whom a gate asks: the cluster of the inventory that is given, whatever is described among its reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, run_local, start
from tests.unit.smoke_lab import write

PLAIN = "tests/inventories/plain"
STALE = {
    "name": "other",
    "inventory": "/kit/inventories/other",
    "stack": "s",
    "versions": {},
    "machines": {"stale": {"ssh": ["false"]}},
    "kafka": {"version": "4.3.0", "brokers": [{"id": 7, "host": "stale", "port": 1, "unit": "kafka@7"}]},
}
INCLUDES = {
    f"ansible.builtin.{verb}_{what}": what for verb in ("import", "include") for what in ("role", "tasks")
}


def nested(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a YAML document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from nested(each)


def asks(tasks: Any, directory: Path) -> bool:
    """Whether smoke is called by these tasks, or by those that they include from a file or a role."""
    for task in nested(tasks):
        if task.get("tags") == "never":  # it lends its variables
            continue
        if re.search(r"\b(common_cluster|common_check)\b", str(task.get("controller_command"))):
            return True
        for words, what in INCLUDES.items():
            called = task.get(words)
            if called is None:
                continue
            if what == "tasks":
                path = directory / (f"../{called}" if called.startswith("tasks/") else called)
            elif "{{" in called["name"]:  # of one service or another
                if "{{" in called["tasks_from"]:  # what only a service needs before a restart, or after it
                    continue
                path = CHECKOUT / "roles/kafka/tasks" / f"{called['tasks_from']}.yml"
            else:
                path = CHECKOUT / "roles" / called["name"] / f"tasks/{called.get('tasks_from', 'main')}.yml"
            if asks(yaml.safe_load(path.read_text()), path.parent):
                return True
    return False


def play_asks(play: dict[str, Any]) -> bool:
    """Whether a play, or one of the plays of a playbook that it stands for, asks a gate."""
    roles = [{"ansible.builtin.import_role": {"name": role}} for role in play.get("roles", ())]
    # The only tasks that a play takes from a file.
    return asks([*roles, play], CHECKOUT / "playbooks/steps")


def plays(path: Path) -> list[dict[str, Any]]:
    """The plays of a playbook, those of the imported in their place; preflight.yml's is one of that name."""
    found: list[dict[str, Any]] = []
    for play in yaml.safe_load(path.read_text()):
        imported = play.get("ansible.builtin.import_playbook", "")
        if imported.endswith("preflight.yml"):
            found.append({"name": "preflight.yml"})
        elif imported:
            found += plays(path.parent / imported)
        else:
            found.append(play)
    return found


PLAYBOOKS = {
    path.name: plays(path) for path in (*(CHECKOUT / "playbooks").glob("*.yml"), CHECKOUT / "site.yml")
}
# Nobody runs the installation alone: it follows a plan.
STEPS = {path.name for path in (CHECKOUT / "playbooks/steps").glob("*.yml")} - {"install.yml", "finish.yml"}
GATED = {name for name, found in PLAYBOOKS.items() if any(map(play_asks, found))}


def test_these_ask() -> None:
    """What the test below looks at is not empty, and every step of which it is known stands in it."""
    known = {"zookeeper", "hdfs", "kafka", "yarn", "spark", "check", "smoke", "receipt", "restart", "start"}
    assert {f"{name}.yml" for name in (*known, "site")} == GATED
    assert {name for name in STEPS if name in PLAYBOOKS} == STEPS


@pytest.mark.parametrize("name", sorted(GATED | STEPS))
def test_a_playbook_that_asks_a_gate_begins_with_the_preflight(name: str) -> None:
    found = PLAYBOOKS[name]
    while "localhost" in found[0].get("hosts", ""):  # a play that only refuses
        assert not play_asks(found[0])
        found = found[1:]
    assert [play["name"] for play in found].index("preflight.yml") == 0
    # Once: it takes seconds.
    assert [play["name"] for play in found].count("preflight.yml") == 1


def test_each_cluster_has_reports_of_its_own(tmp_path: Path) -> None:
    said = {"ansible.builtin.copy": {"content": "{{ common_reports }}", "dest": f"{tmp_path}/said"}}
    # As in a task of the role: the tasks of a play have no role_path.
    variables = {"cluster_name": "lab-2", "role_path": str(CHECKOUT / "roles/common")}
    run_local(tmp_path, {"vars": variables, "roles": ["common"], "tasks": [said]})
    assert (tmp_path / "said").read_text() == str(CHECKOUT / "out/lab-2")
    inventories: list[dict[str, Any]] = [
        {key: value for path in sorted(inventory.rglob("*.yml")) for key, value in nested_pairs(path)}
        for inventory in (*(CHECKOUT / "inventories").iterdir(), CHECKOUT / "molecule/default/inventory")
    ]
    assert not [each for each in inventories if "common_reports" in each]
    names = [
        each["lab_name"] if "{{" in each["cluster_name"] else each["cluster_name"] for each in inventories
    ]
    assert len(set(names)) == len(names) == 5


def nested_pairs(path: Path) -> Iterator[tuple[str, Any]]:
    """Every key in a file, at any depth, with its value."""
    for each in nested(yaml.safe_load(path.read_text())):
        yield from each.items()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, Path]]:
    """Status, output and reports of playbooks/check.yml where another cluster is described, by how it ran.

    With the preflight it asks the inventory's brokers, which nobody knows.
    """
    found = {}
    for name, words in {"whole": (), "without": ("--skip-tags", "preflight")}.items():
        directory = tmp_path_factory.mktemp(name)
        write(directory, STALE)
        given = ("-e", "common_timeout=1", "-e", "ansible_connection=local")
        run = start(directory, "-i", PLAIN, *given, *words, "playbooks/check.yml")
        found[name] = (finish(run), run.returncode, directory)
    return {name: (status, output, directory) for name, (output, status, directory) in found.items()}


def test_a_step_alone_asks_its_own_cluster(asked: dict[str, tuple[int, str, Path]]) -> None:
    status, output, directory = asked["whole"]
    assert status == 2, output
    assert "FAILED: broker 1: " in output
    assert "broker 7" not in output
    described = json.loads((directory / "cluster.json").read_text())
    assert (described["name"], described["inventory"]) == ("plain", str(CHECKOUT / PLAIN))


def test_what_is_described_of_another_cluster_is_not_asked(asked: dict[str, tuple[int, str, Path]]) -> None:
    status, output, directory = asked["without"]
    assert status == 2, output
    assert "FAILED: broker" not in output
    assert (
        f"smoke: {directory}/cluster.json describes the cluster other of /kit/inventories/other, but the "
        f"cluster plain of {PLAIN} is meant: ansible-playbook -i {PLAIN} playbooks/preflight.yml "
        "describes that one"
    ) in output
