"""The action plugin, through a playbook of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import finish, start

# Each task, by its name; the last one keeps their results.
TASKS: dict[str, dict[str, Any]] = {
    "good": {"argv": ["sh", "-c", "echo out; echo err >&2; pwd"], "chdir": "/usr"},
    "words": {"argv": ["printf", "%s|", "two words", "$HOME", 3]},
    "given environment": {"argv": ["sh", "-c", "echo $GREETING $HOME"], "environment": {"GREETING": 1}},
    "input": {"argv": ["cat"]},
    "binary": {"argv": ["printf", r"\377\n"]},
    "bad": {"argv": ["sh", "-c", "seq 40; exit 3"]},
    "killed": {"argv": ["sh", "-c", "kill -9 $$"]},
    "no program": {"argv": ["/no/such/program", "x"]},
    "no directory": {"argv": ["true"], "chdir": "/no/such/directory"},
    "no argv": {},
    "text for argv": {"argv": "echo text"},
    "unknown argument": {"argv": ["true"], "cmd": "true"},
    "made": {"argv": ["sh", "-c", "exit 9"], "creates": "/usr"},
    "unmade": {"argv": ["true"], "creates": "/no/such/file"},
}


def play(directory: Path, tasks: dict[str, dict[str, Any]]) -> list[str]:
    """Write a play of these tasks, which keeps their results whatever they are; the words that run it."""
    names = {name: name.replace(" ", "_") for name in tasks}
    steps: list[dict[str, Any]] = [
        {
            "block": [{"name": name, "controller_command": arguments, "register": names[name]}],
            "rescue": [{"ansible.builtin.set_fact": {names[name]: "{{ ansible_failed_result }}"}}],
        }
        for name, arguments in tasks.items()
    ]
    results = ", ".join(f"'{name}': {register}" for name, register in names.items())
    content = "{{ {" + results + "} | to_json }}"
    keep = {"dest": str(directory / "results.json"), "content": content}
    steps.append({"ansible.builtin.copy": keep, "check_mode": False})
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": steps}]
    (directory / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    return ["--inventory", "localhost,", "--connection", "local", str(directory / "play.yml")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The results of a run and of one in check mode."""
    directories = {name: tmp_path_factory.mktemp(name) for name in ("run", "check")}
    processes = {
        name: start(directory, *play(directory, TASKS), *(["--check"] if name == "check" else []))
        for name, directory in directories.items()
    }
    outputs = {name: finish(process) for name, process in processes.items()}
    assert not any(process.returncode for process in processes.values()), outputs
    return {
        name: json.loads((directory / "results.json").read_text()) for name, directory in directories.items()
    }


@pytest.fixture
def done(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The results of the run."""
    return runs["run"]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("good", ["out", "err", "/usr"]),
        ("words", ["two words|$HOME|3|"]),
        ("given environment", [f"1 {os.environ['HOME']}"]),
        ("input", []),
        ("binary", ["\ufffd"]),
        ("unmade", []),
    ],
)
def test_success(done: dict[str, Any], name: str, lines: list[str]) -> None:
    result = done[name]
    assert (result["rc"], result["changed"], result["stdout_lines"]) == (0, True, lines)


@pytest.mark.parametrize(
    ("name", "rc", "message"),
    [
        ("bad", 3, "sh -c seq 40; exit 3 ended with 3:\n" + "\n".join(map(str, range(11, 41)))),
        ("killed", -9, "sh -c kill -9 $$ ended with -9:\n"),
        ("no program", 127, "/no/such/program cannot be run: [Errno 2] No such file or directory: "),
        (
            "no directory",
            127,
            "true cannot be run: [Errno 2] No such file or directory: '/no/such/directory'",
        ),
    ],
)
def test_failure(done: dict[str, Any], name: str, rc: int, message: str) -> None:
    assert done[name]["rc"] == rc
    assert done[name]["msg"].startswith(message)


@pytest.mark.parametrize("name", ["no argv", "text for argv"])
def test_argv_is_required(done: dict[str, Any], name: str) -> None:
    assert "controller_command needs argv: a list with the program and its arguments" in done[name]["msg"]


def test_an_unknown_argument_is_refused(done: dict[str, Any]) -> None:
    assert "cmd" in done["unknown argument"]["msg"]
    assert "rc" not in done["unknown argument"]


@pytest.mark.parametrize("mode", ["run", "check"])
def test_nothing_is_run_when_it_is_made(runs: dict[str, dict[str, Any]], mode: str) -> None:
    result = runs[mode]["made"]
    assert (result["rc"], result["changed"], result["msg"]) == (0, False, "/usr exists")


@pytest.mark.parametrize("name", ["good", "bad", "unmade"])
def test_check_mode_runs_nothing(runs: dict[str, dict[str, Any]], name: str) -> None:
    result = runs["check"][name]
    assert (result["skipped"], result["msg"]) == (True, "not run in check mode")
    assert "rc" not in result


def test_a_failure_fails_the_task_and_each_line_is_shown_as_it_comes(tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = f"echo first line; while [ ! -e {go} ]; do sleep 0.05; done; echo second line; exit 4"
    tasks = [{"controller_command": {"argv": ["sh", "-c", waits]}}]
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
    words = ("--inventory", "localhost,", "--connection", "local")
    process = start(tmp_path, *words, str(tmp_path / "play.yml"))
    assert process.stdout is not None
    # The program ends only when its first line has been seen here.
    assert "  first line\n" in iter(process.stdout.readline, "")
    go.touch()
    output = finish(process)
    assert "  second line\n" in output
    assert "ended with 4" in output
    assert process.returncode == 2
