"""Say what is still wrong with an exercise, or that it is solved. Exit 1 while something is wrong."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

from course import CourseError, labs
from course.exercises import catalogue
from course.exercises.progress import heartbeat_during
from course.exercises.workspace import TROUBLE, open_workspace, silent
from smoke.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from course.exercises import Exercise
    from course.exercises.workspace import Workspace

PATIENCE = 5.0
"""Seconds in which what was just mended may still show itself."""
RESTARTED = 20.0
"""The same where a daemon may have been started: systemd calls it active before it serves."""
AGAIN = "A daemon that was just started may need half a minute: ask again."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    catalogue.arguments(parser)
    parser.add_argument("--hint", action="store_true", help="tell where to look")
    parser.add_argument("--patience", type=float, metavar="SECONDS", help="how long it may still come right")


def run(options: argparse.Namespace) -> int:
    """Look, and tell."""
    labs.need_root()
    exercise = catalogue.EXERCISES[options.number]
    workspace = open_workspace(options.cluster)
    patience = options.patience
    if patience is None:
        patience = RESTARTED if exercise.RESTARTS else PATIENCE
    try:
        with heartbeat_during(f"exercise {options.number}", "the first look goes on") as tell:
            found = wrong(exercise, workspace, patience, tell)
    except NotBegunError:
        begin = workspace.lab.make(f"course-exercise EXERCISE={options.number}")
        raise CourseError(f"exercise {options.number} is not planted: {begin}") from None
    if not found:
        print(f"Exercise {options.number} is solved.")
        return 0
    print(f"Exercise {options.number} is not solved:", *(f"- {sentence}" for sentence in found), sep="\n")
    if exercise.RESTARTS:
        print(AGAIN)
    if options.hint:
        print("", *textwrap.wrap(f"Hint: {exercise.HINT}", 100), sep="\n")
    return 1


class NotBegunError(Exception):
    """Nothing was planted that could be right or wrong."""


def wrong(
    exercise: Exercise, workspace: Workspace, patience: float, tell: Callable[[str], object] = lambda _: None
) -> list[str]:
    """What is still wrong when `patience` seconds are over; nothing as soon as all is right.

    `tell` hears meanwhile what the last look found first. Raises NotBegunError.
    """
    found: list[str] = []

    def solved() -> bool:
        found.clear()
        try:
            found.extend(exercise.look(workspace))
            if found and not exercise.begun(workspace):
                raise NotBegunError
        except TROUBLE as error:
            found.append(silent(error))
        if found:
            tell(found[0].partition("\n")[0])
        return not found

    try:
        wait_until(solved, patience, "unsolved", interval=0.5)
    except TimeoutError:
        return found
    return []
