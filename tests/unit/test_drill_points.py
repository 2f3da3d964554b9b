"""A run is followed by its tasks, and killed at the one that was chosen."""

from __future__ import annotations

import contextlib
import os
import random
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drills.points import changing, kill, reach, runs, spread, tasks, told
from tests.unit.playbooks import run_local

SAID = """
PLAY [Plan] ********************************************************************

TASK [Lock] ********************************************************************
ok: [a]

PLAY [Kafka | Roll] ************************************************************

TASK [common : restart | Await that the others can do without kafka@1] *********
  TASK [said by a program] ***
included: x.yml for a

TASK [common : restart | Write its files] **************************************
changed: [a]

PLAY [Kafka | Roll] ************************************************************

TASK [common : restart | Write its files] **************************************
changed: [b]

PLAY [Check] *******************************************************************

TASK [Await the services] ******************************************************
"""
AWAIT = "Kafka | Roll: common : restart | Await that the others can do without kafka@1 (1)"
WRITE, AGAIN = (f"Kafka | Roll: common : restart | Write its files ({number})" for number in (1, 2))
ORDER = ["Plan: Lock (1)", AWAIT, WRITE, AGAIN, "Check: Await the services (1)"]

# It says all of the file that it is given, and works on until it is ended.
PROGRAM = "import sys; print(open(sys.argv[1]).read(), flush=True); sys.stdin.read()"


def test_tasks_are_told_by_play_and_by_how_often_they_began() -> None:
    assert list(tasks(SAID.splitlines(keepends=True))) == ORDER


def test_tasks_of_ansible_itself(tmp_path: Path) -> None:
    ping: dict[str, Any] = {"ansible.builtin.ping": None}
    play = {"name": "Kafka | Roll", "tasks": [ping | {"name": "role : a | [b]"}, ping | {"name": "c"}]}
    said = run_local(tmp_path, play)
    assert list(tasks(said.splitlines())) == ["Kafka | Roll: role : a | [b] (1)", "Kafka | Roll: c (1)"]


def test_machines_are_changed_after_the_plan_and_before_the_check() -> None:
    assert changing(ORDER) == [AWAIT, WRITE, AGAIN]


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (WRITE, "Kafka | Roll: Write its files"),
        ("Course: course : Begin (1)", "Course: Begin"),
        (ORDER[-1], "Check: Await the services"),
    ],
)
def test_a_task_for_people(task: str, says: str) -> None:
    assert told(task) == says


def test_points_are_of_all_parts_of_a_run_and_follow_from_the_seed() -> None:
    among = [str(number) for number in range(100)]
    points = spread(random.Random("1 x"), among, 20)
    assert [int(point) // 5 for point in points] == list(range(20))
    assert points == spread(random.Random("1 x"), among, 20) != spread(random.Random("2 x"), among, 20)
    assert spread(random.Random(1), ["a"], 2) == ["a", "a"]


@pytest.mark.parametrize(
    ("said", "point", "reached"),
    [
        (ORDER, AWAIT, AWAIT),
        (ORDER, AGAIN, AGAIN),
        # What an earlier run has done is not done again.
        ([ORDER[0], ORDER[4]], AWAIT, ORDER[4]),
        ([ORDER[0], "Kafka | Roll: taken back (1)", WRITE], AWAIT, WRITE),
        ([ORDER[0]], AWAIT, ""),
        ([], AWAIT, ""),
    ],
)
def test_the_task_that_a_run_comes_to(said: list[str], point: str, reached: str) -> None:
    lines: list[str] = []
    for task in said:
        play, _, name = task.rpartition(" (")[0].partition(": ")
        lines += [f"PLAY [{play}] ***", f"TASK [{name}] ***"]
    assert reach(lines, ORDER, point) == reached


@pytest.mark.parametrize("point", [AWAIT, AGAIN])
def test_a_run_is_killed_at_its_task(tmp_path: Path, point: str) -> None:
    (tmp_path / "said").write_text(SAID)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "said")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert reach(process.stdout, ORDER, point) == point
        assert runs(process, 0.1)
        kill(process)
    assert process.returncode == -9


def test_what_it_had_started_in_its_session_is_killed_with_it() -> None:
    # A child that would outlive its parent by far: it is killed at once.
    shell = ["sh", "-c", "sleep 60 & echo $!; wait"]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        child = os.pidfd_open(int(process.stdout.readline()))
        kill(process)
    assert select.select([child], [], [], 10)[0] == [child]
    os.close(child)


def test_a_run_that_has_come_to_its_end_is_not_killed() -> None:
    with subprocess.Popen(["true"], text=True) as process:
        assert not runs(process, 30)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, 0)
        pytest.fail("it runs still")
