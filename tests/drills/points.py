"""Points of a run of Ansible, by its tasks: where a run that is watched has come to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random

#: What Ansible's own output says when a play or a task begins.
BANNER = re.compile(r"(PLAY|TASK|RUNNING HANDLER) \[(.*)\] \**$")


def tasks(lines: Iterable[str]) -> Iterator[str]:
    """The tasks of a run as they begin: play, name, and how often it began in plays of that name."""
    play, begun = "", Counter[str]()
    for line in lines:
        match = BANNER.match(line.rstrip("\n"))
        if not match:
            continue
        kind, name = match.groups()
        if kind == "PLAY":
            play = name
        else:
            task = f"{play}: {name}"
            begun[task] += 1
            yield f"{task} ({begun[task]})"


def changing(order: Sequence[str]) -> list[str]:
    """The tasks that change machines: those between the plan and the check."""
    planned = max(place for place, task in enumerate(order) if task.startswith("Plan: "))
    return [task for task in order[planned + 1 :] if not task.startswith(("Check: ", "Receipt: "))]


def spread(chance: Random, among: Sequence[str], count: int) -> list[str]:
    """So many of them in their order, one of each stretch, so that no part of a run is left out."""
    return [among[int((number + chance.random()) * len(among) / count)] for number in range(count)]


def reach(lines: Iterable[str], order: Sequence[str], point: str) -> str:
    """Read what a run says until it begins a task; that task, or nothing where it came to its end before.

    order: all tasks of a run that nobody ended. One that goes on with what another left does not take all
        of them: the first that comes after the point counts, too.
    """
    places = {task: place for place, task in enumerate(order)}
    return next((task for task in tasks(lines) if places.get(task, -1) >= places[point]), "")


def told(task: str) -> str:
    """A task for people: without its role, its file, and how often it began."""
    return re.sub(r": (?:\S+ : )?(?:\S+ \| )?(.*) \(\d+\)$", r": \1", task)


def runs(process: subprocess.Popen[str], after: float) -> bool:
    """Whether it runs still, so many seconds later."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        return True
    return False


def kill(process: subprocess.Popen[str]) -> None:
    """As kill -9 does: it, and what is in its session. What it began on machines goes on."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
