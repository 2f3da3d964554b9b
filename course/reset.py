"""A fresh cluster in the place of one that is there: machines and data are removed, and made again."""

from __future__ import annotations

import argparse
import time

from course import CourseError, down, labs, memory, up

# What cannot be made again is not removed.
FIRST = ("playbooks/preflight.yml", "playbooks/artifacts.yml")
# A receipt would show the smoke test of the cluster before.
SKIPPED = ("--skip-tags", "smoke,receipt")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--student", type=labs.number, help="of this student; else the one cluster")


def run(options: argparse.Namespace) -> int:
    """Remove and deploy in one run, with the options of the last deployment."""
    labs.need_root()
    lab = labs.Lab(options.student)
    if not (lab.reports / "artifacts.json").exists():
        raise CourseError(f"{lab.name} was never deployed: {lab.how_to_make}")
    existing = labs.existing()
    if refused := memory.refusal(1, memory.of_lab(lab), up.room([lab], existing)):
        raise CourseError(refused)
    began = time.monotonic()
    machines = existing.get(lab)
    print(down.removal(lab, machines) if machines else f"course: {lab.name} is not there: it is made anew")
    playbooks = [*FIRST, down.PLAYBOOK, *up.PLAYBOOKS]
    if not labs.deploy(lab, playbooks, lab.deployment.options, *SKIPPED):
        print(f"course: {lab.name} is not right")
        return 1
    print(f"course: {lab.name} is fresh, {time.monotonic() - began:.0f} s")
    return 0
