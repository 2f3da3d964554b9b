"""Remove clusters of the course: machines, data and network; caches and reports stay."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from course import labs, students

PLAYBOOK = "playbooks/lab_down.yml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--student", type=labs.number, help="of this student; else the one cluster")
    which.add_argument("--all", action="store_true", help="of all students, and the one cluster")


def run(options: argparse.Namespace) -> int:
    """Remove one after the other, show who has what is left."""
    labs.need_root()
    existing = labs.existing()
    lab = labs.Lab(options.student)
    wanted = list(existing) if options.all else [lab] if lab in existing else []
    if not wanted:
        print("nothing to remove" if options.all else f"{lab.name} is not there: nothing to remove")
    for one in wanted:
        print(removal(one, existing[one]))
        # Not where its names are right: its hosts file goes, too.
        if labs.run(one, one.playbooks([PLAYBOOK])):
            return 1
    students.show()
    return 0


def removal(lab: labs.Lab, machines: Sequence[labs.Machine]) -> str:
    """What is said before it is gone."""
    names = ", ".join(machine.container for machine in machines)
    return f"course: removes {names} and network {lab.name}, with all data of {lab.name}"
