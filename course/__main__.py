"""The course's commands. Exit 1 when something is found wrong, 2 on bad input, 130 after Ctrl-C."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from course import PROGRAM, CourseError

COMMANDS = {
    "up": "course.up",
    "students": "course.students",
    "shell": "course.shell",
    "in": "course.namespace",
    "guide": "course.guide",
    "exercise": "course.exercises.plant",
    "check": "course.exercises.check",
    "reset": "course.reset",
    "down": "course.down",
}
"""Name -> module: its docstring is the help, arguments(parser) says what it takes, run(options) does it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, place in COMMANDS.items():
        module = importlib.import_module(place)
        summary = str(module.__doc__).partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("course: interrupted", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    raise SystemExit(main())
