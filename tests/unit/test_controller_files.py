"""The action plugin, through a playbook of its own: whatever the inventory says of machines."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import finish, start

OLD = time.time() - 3600


def write(directory: Path, files: dict[str, str], *words: str, **given: str) -> tuple[int, dict[str, Any]]:
    """Have these written below a directory, for a machine that becomes root; exit status and result."""
    listed = [{"path": str(directory / name), "content": content} for name, content in files.items()]
    keep = {"dest": str(directory / "result.json"), "content": "{{ written | to_json }}"}
    tasks: list[dict[str, Any]] = [
        {"controller_files": {"files": listed, **given}, "register": "written"},
        {
            "ansible.builtin.copy": keep,
            "check_mode": False,
            "delegate_to": "localhost",
            "vars": {"ansible_become": False},
        },
    ]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (directory / "play.yml").write_text(yaml.safe_dump(plays))
    inventory = directory / "hosts.yml"
    machine = {"ansible_host": "192.0.2.1", "ansible_become": True}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"far": machine}}}))
    process = start(directory, "--inventory", str(inventory), str(directory / "play.yml"), *words)
    output = finish(process)
    result = directory / "result.json"
    return process.returncode, json.loads(result.read_text()) if result.exists() else {"output": output}


def test_files_are_written_and_again_not_changed(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old\n")
    os.utime(tmp_path / "there", (OLD, OLD))
    files = {"there": "new é\n", "deep/one": "1\n"}
    status, result = write(tmp_path, files)
    assert (status, result["changed"]) == (0, True)
    assert result["paths"] == [str(tmp_path / name) for name in files]
    assert {name: (tmp_path / name).read_text() for name in files} == files
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in files} == {0o644}
    assert [(each["before"], each["after"]) for each in result["diff"]] == [("old\n", "new é\n"), ("", "1\n")]
    assert not list(tmp_path.rglob("*.new"))

    os.utime(tmp_path / "there", (OLD, OLD))
    status, result = write(tmp_path, files)
    assert (status, result["changed"], result["paths"]) == (0, False, [])
    # Smoke prints how old the description is: it was right just now.
    assert (tmp_path / "there").stat().st_mtime > OLD + 1800


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    status, result = write(tmp_path, {"deep/one": "1\n"}, "--check")
    assert (status, result["changed"]) == (0, True)
    assert not (tmp_path / "deep").exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, result = write(tmp_path, {"file/one": "1\n"})
    assert status != 0
    assert "file/one cannot be written: " in result["output"].replace("\n", "")


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    """The lock's file of a run that goes on: this process."""
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps({"user": "anna", "pid": os.getpid(), "since": "2026-11-29T10:00:00Z"}))
        file.flush()
        yield path


def test_what_another_run_reads_is_not_made_another(tmp_path: Path, lock: Path) -> None:
    (tmp_path / "one").write_text("1\n")
    status, result = write(tmp_path, {"one": "2\n"}, lock=str(lock))
    assert status != 0
    says = (
        f"The run of anna (process {os.getpid()}) has been changing this cluster since 2026-11-29T10:00:00Z"
    )
    assert says in " ".join(result["output"].split())
    assert (tmp_path / "one").read_text() == "1\n"


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_who_says_the_same_or_only_looks_goes_on_beside_another_run(
    tmp_path: Path, lock: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "one").write_text("1\n")
    said = "2\n" if words else "1\n"
    status, result = write(tmp_path, {"one": said}, *words, lock=str(lock))
    assert (status, result["changed"]) == (0, bool(words))
    assert (tmp_path / "one").read_text() == "1\n"


def test_who_has_ended_is_no_other_run(tmp_path: Path, lock: Path) -> None:
    """What holds the lock for a run lives a moment longer than that."""
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"pid": 2**22 + 1}))
    (tmp_path / "one").write_text("1\n")
    assert write(tmp_path, {"one": "2\n"}, lock=str(lock))[0] == 0
    assert (tmp_path / "one").read_text() == "2\n"
