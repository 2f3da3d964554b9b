"""What a person sees of a run: the callback millrace, and Ansible's own output where that is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from millrace import changes, message

from tests.unit.playbooks import finish, run_local, start

OURS = {"ANSIBLE_STDOUT_CALLBACK": "millrace", "ANSIBLE_NOCOLOR": "1"}


def task(name: str, **keywords: Any) -> dict[str, Any]:
    return {"name": name, **keywords}


def shown(directory: Path, *tasks: dict[str, Any], words: tuple[str, ...] = (), **environment: str) -> str:
    """What is shown of a play with these tasks, without the callback phases' last line."""
    play = {"name": "Install | Part", "tasks": list(tasks)}
    try:
        output = run_local(directory, play, *words, environment=OURS | environment)
    except AssertionError as failed:
        output = str(failed).partition("\nassert ")[0]
    return re.sub(r"^millrace: .*\n", "", output, flags=re.MULTILINE)


NOTHING = task("common : plan | Look", **{"ansible.builtin.command": "true", "changed_when": False})
CHANGE = task("Write it", **{"ansible.builtin.command": "true"})
SKIPPED = CHANGE | {"name": "Leave it", "when": False}
FAILURE = task("Break it", **{"ansible.builtin.fail": {"msg": "x is 1: give 2\n    docs/errors.md#x"}})


def test_phases_and_changes(tmp_path: Path) -> None:
    assert shown(tmp_path, NOTHING, CHANGE, SKIPPED) == "[00:00] Install\n  Write it: localhost\n"


def test_a_failure_is_shown_once_and_kept(tmp_path: Path) -> None:
    reports = {"__smoke_described": {"reports": str(tmp_path), "inventory": "x"}}
    describe = task("Describe", **{"ansible.builtin.set_fact": reports})
    output = shown(tmp_path, describe, FAILURE)
    assert output.count("x is 1: give 2") == 1
    assert "  FAILED  Break it: localhost\n    x is 1: give 2\n        docs/errors.md#x\n" in output
    assert "    all of it: " in output
    assert "Install failed on localhost\n" in output
    assert "x is 1: give 2" in (tmp_path / "failure.log").read_text()


def test_a_machine_that_does_not_answer_is_named_at_the_end_apart_from_one_that_fails(
    tmp_path: Path,
) -> None:
    hosts = {"a": {"ansible_connection": "local"}, "gone": {"ansible_host": "127.0.0.1", "ansible_port": 1}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    left_out = "not reached and left out: gone. The next run completes it\n"
    for does, last in (("true", left_out), ("false", f"Install failed on a\n{left_out}")):
        tasks = [CHANGE | {"ansible.builtin.command": does}]
        play = {"name": "Install | Part", "hosts": "all", "gather_facts": False, "tasks": tasks}
        (tmp_path / "play.json").write_text(json.dumps([play]))
        run = start(tmp_path, "-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.json"), **OURS)
        output = re.sub(r"^millrace: .*\n", "", finish(run), flags=re.MULTILINE)
        assert output.endswith(last), output
        assert ("Install failed" in output) == (does == "false")


def test_a_long_message_is_cut_and_an_ignored_failure_is_a_line(tmp_path: Path) -> None:
    long = task("Talk", **{"ansible.builtin.fail": {"msg": "\n".join(f"line {n}" for n in range(100))}})
    ignored = long | {"name": "Try", "ignore_errors": True}
    # As of the preflight, which refuses before it is known where reports go: the screen has all of it.
    output = shown(tmp_path, ignored, long)
    assert "  Try: localhost: line 0 (ignored)\n" in output
    assert "    line 99\n" in output
    reports = {"__smoke_described": {"reports": str(tmp_path), "inventory": "x"}}
    output = shown(tmp_path, task("Describe", **{"ansible.builtin.set_fact": reports}), long)
    assert "    line 39\n    ... and 60 lines more\n" in output
    assert "line 99" in (tmp_path / "failure.log").read_text()


def test_an_item_that_fails(tmp_path: Path) -> None:
    loop = task("Loop", **{"ansible.builtin.command": "{{ item }}", "loop": ["true", "false"]})
    output = shown(tmp_path, loop)
    assert re.search(
        r"  FAILED  Loop: localhost\n    (The command exited with a )?non-zero return code", output
    )


def test_what_debug_says_is_shown(tmp_path: Path) -> None:
    assert "    hello\n" in shown(
        tmp_path, task("Say", **{"ansible.builtin.debug": {"msg": "hello"}})
    ).replace("msg: ", "\n    ")


@pytest.mark.parametrize(
    ("words", "environment"), [(("-v",), {}), ((), {"ANSIBLE_STDOUT_CALLBACK": "default"})]
)
def test_ansibles_own_output(tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    output = shown(tmp_path, NOTHING, CHANGE, words=words, **environment)
    assert "TASK [common : plan | Look]" in output
    assert "PLAY RECAP" in output
    assert "[00:00]" not in output


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"msg": "Task failed: Action failed: x is 1"}, "x is 1"),
        ({"msg": "non-zero return code", "stderr": "a\nb"}, "non-zero return code\na\nb"),
        ({"msg": "said a", "module_stderr": "a"}, "said a"),
        ({}, "it says nothing"),
    ],
)
def test_what_a_failed_task_says(result: dict[str, Any], told: str) -> None:
    assert message(result) == told


def test_what_the_kits_modules_did() -> None:
    kafka = {
        "install": ["user kafka"],
        "files": ["/a"],
        "units": {"started": [], "restarted": ["kafka@1", "kafka@2"]},
    }
    zookeeper = {"install": [], "files": ["/b"], "units": {"started": ["zookeeper"], "reasons": {}}}
    assert changes({"services": {"kafka": kafka, "zookeeper": zookeeper}}) == (
        "1 installed, 2 files, started zookeeper, restarted kafka@1, kafka@2"
    )
    assert changes({"services": {"kafka": {"install": [], "files": ["/a"]}}}) == "1 file"
    assert changes({"changed": True}) == changes({"services": []}) == ""
