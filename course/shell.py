"""A login shell on the master of the cluster."""

from __future__ import annotations

import argparse

from course import CourseError, labs


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--student", type=labs.number, help="of this student; else of the one cluster")


def run(options: argparse.Namespace) -> int:
    """Become the shell."""
    labs.need_root()
    lab = labs.Lab(options.student)
    if lab not in labs.existing():
        raise CourseError(f"{lab.name} is not there: {lab.how_to_make}")
    # By ssh, not podman exec: only ssh tells the programs of a terminal that its window was closed.
    labs.become(lab.inside(["ssh", "-t", "-F", f"out/{lab.name}/ssh_config", labs.MASTER]))
