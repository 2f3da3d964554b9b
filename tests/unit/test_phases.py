"""The callback: what it writes of a run, and its sign of life."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import phases
import pytest
import yaml

from tests.unit.playbooks import finish, start


def task(seconds: float = 0, *, changed: bool = False) -> dict[str, Any]:
    """Return a task of that length."""
    command = {"argv": ["sleep", str(seconds)]}
    return {"name": f"Sleep {seconds}", "controller_command": command, "changed_when": changed}


def play(name: str, *tasks: dict[str, Any], tags: str = "") -> dict[str, Any]:
    """Return a play of three hosts, all of them this one."""
    return {"name": name, "hosts": "all", "gather_facts": False, "tags": tags, "tasks": list(tasks)}


def preflight(reports: str = "{{ inventory_dir }}") -> dict[str, Any]:
    """Return a play that tells what the kit's own tells."""
    described = {"__smoke_described": {"reports": reports, "inventory": "/a"}}
    describe = {"ansible.builtin.set_fact": described, "run_once": True}
    return play("Preflight", describe, tags="preflight, always")


RECEIPT = play("Receipt", task(), tags="receipt")
PLAYS = [
    preflight(),
    play("Kafka", task(0.3, changed=True), task()),
    play("Spark", task()),
    play("Kafka | Roll", task(0.3), task(changed=True)),
    RECEIPT,
]
FAILS = [
    preflight(),
    play("Kafka", task(changed=True), {"ansible.builtin.fail": {}}),
    play("Spark", task(changed=True)),
    RECEIPT,
]
NOT_DEPLOYED: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "receipt": ([preflight(), RECEIPT], []),
    "step": (PLAYS[:2], []),  # as one that removes the machines
    "tagged": (PLAYS, ["--tags", "receipt"]),
    "foreseen": (PLAYS, ["--check"]),
    "refused": ([preflight() | {"tasks": [{"ansible.builtin.fail": {}}]}, *PLAYS[1:]], []),
    "nobody's": (PLAYS[1:], []),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """The output of each run and the file that it may have written."""
    found = {}
    deployed: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
        "plays": (PLAYS, []),
        "fails": (FAILS, []),
        "nowhere": ([preflight("{{ inventory_dir }}/none"), PLAYS[2], RECEIPT], []),
    }
    for name, (plays, words) in (deployed | NOT_DEPLOYED).items():
        directory = tmp_path_factory.mktemp(name)
        (directory / "hosts").write_text("a\nb\nc\n")
        (directory / "play.yml").write_text(yaml.safe_dump(plays))
        file = directory / ("none/phases.json" if name == "nowhere" else "phases.json")
        where = ("--inventory", str(directory / "hosts"), "--connection", "local")
        found[name] = (finish(start(directory, *where, *words, str(directory / "play.yml"))), file)
    return found


def test_plays_of_one_name_are_one_phase(runs: dict[str, tuple[str, Path]]) -> None:
    output, file = runs["plays"]
    report = json.loads(file.read_text())
    _, kafka, spark, _ = report["phases"]
    assert report["inventories"] == ["/a"]
    # A change on each of three hosts is three changes.
    assert (kafka["name"], kafka["changed"]) == ("Kafka", 6)
    assert (spark["name"], spark["changed"]) == ("Spark", 0)
    assert report["changed"] == 6
    assert kafka["seconds"] >= 0.6
    assert kafka["seconds"] > spark["seconds"] > 0
    assert report["total"] >= kafka["seconds"] + spark["seconds"]
    assert "millrace: 6 changes, " in output


def test_a_failed_run_leaves_what_was_done(runs: dict[str, tuple[str, Path]]) -> None:
    output, file = runs["fails"]
    report = json.loads(file.read_text())
    changed = [(each["name"], each["changed"]) for each in report["phases"]]
    assert changed == [("Preflight", 0), ("Kafka", 3)]
    assert "millrace: 3 changes, " in output


def test_a_long_task_shows_that_it_lives(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(phases, "BEAT", 0.4)
    callback = phases.CallbackModule()
    playbook = SimpleNamespace(get_plays=list)
    callback.v2_playbook_on_start(playbook)
    callback.v2_playbook_on_stats(None)
    callback.v2_playbook_on_start(playbook)  # the second of a command
    callback.v2_playbook_on_task_start(SimpleNamespace(get_name=lambda: "Build", action="apt"), False)
    shown = ""
    deadline = time.monotonic() + 20
    while shown.count("\n") < 3 and time.monotonic() < deadline:
        shown += capfd.readouterr().out
    callback.v2_playbook_on_stats(None)
    _, _, shown = shown.partition(" s\n")  # what the first came to
    assert re.fullmatch(r"(  \.\.\. Build: [0-9]+ s\n){2,}", shown)


def test_a_short_task_does_not(runs: dict[str, tuple[str, Path]]) -> None:
    assert "  ... " not in runs["plays"][0]


def test_nothing_is_written_where_no_directory_is(runs: dict[str, tuple[str, Path]]) -> None:
    output, file = runs["nowhere"]
    assert "millrace: nothing changed, " in output
    assert not file.parent.exists()


@pytest.mark.parametrize("name", NOT_DEPLOYED)
def test_what_is_no_deployment_leaves_the_phases_of_the_last(
    runs: dict[str, tuple[str, Path]], name: str
) -> None:
    output, file = runs[name]
    assert "millrace: " in output
    assert not file.exists()


def test_nothing_is_silent_for_ten_seconds() -> None:
    # It looks every half second.
    assert phases.BEAT + 0.5 < 10
