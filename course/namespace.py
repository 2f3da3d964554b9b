"""Run a command where hadoop-master is the machine of this student."""

from __future__ import annotations

import argparse

from course import PROGRAM, CourseError, labs


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("student", type=labs.number)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command ...")


def run(options: argparse.Namespace) -> int:
    """Become the command."""
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise CourseError(f"no command is given: {PROGRAM} in {options.student} -- COMMAND")
    labs.need_root()
    lab = labs.Lab(options.student)
    if not lab.hosts_file.exists():
        raise CourseError(f"{lab.name} is not there: make course STUDENTS={options.student}")
    labs.become(lab.inside(words))
