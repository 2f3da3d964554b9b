"""Plant an exercise's fault on the student's cluster, and tell its story."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from course import labs
from course.exercises import catalogue
from course.exercises.progress import heartbeat_during
from course.exercises.workspace import TROUBLE, open_workspace
from smoke.services import format_error

if TYPE_CHECKING:
    from course.exercises import Exercise
    from course.exercises.workspace import Workspace


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    catalogue.arguments(parser)
    parser.add_argument("--language", choices=catalogue.LANGUAGES, default=catalogue.LANGUAGES[0])


def run(options: argparse.Namespace) -> int:
    """Plant, unless it is planted; 1 when that cannot be done."""
    labs.need_root()
    text = catalogue.story(options.number, options.language)
    workspace = open_workspace(options.cluster)
    try:
        with heartbeat_during(f"exercise {options.number}", "its fault is being planted"):
            new = plant(catalogue.EXERCISES[options.number], workspace)
    except NotPlantedError as error:
        print(f"course: exercise {options.number} is not planted: {error}", file=sys.stderr)
        return 1
    if not new:
        print(f"Exercise {options.number} is planted already: nothing was changed.\n")
    print(text)
    return 0


class NotPlantedError(Exception):
    """The cluster is not fit for it; the message says what to do."""


def plant(exercise: Exercise, workspace: Workspace) -> bool:
    """Whether there was anything to do: a fault that is there stays, with what the student did about it."""
    reason = ""
    try:
        if exercise.planted(workspace):
            return False
        reason = exercise.refusal(workspace)
        if not reason:
            exercise.plant(workspace)
    except TROUBLE as error:
        reason = format_error(error)
    if reason:
        raise NotPlantedError(f"{reason}. ({workspace.lab.make('course-reset')} gives a fresh cluster.)")
    return True
