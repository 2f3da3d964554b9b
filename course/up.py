"""Bring up one cluster of the course, or one for each student."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Collection, Mapping, Sequence

from course import CourseError, labs, memory, students

MEASURED_STUDENTS, MEASURED_CORES = 3, 2
MEASURED = (
    "measured with 3 students on 2 cores: the word count by MapReduce takes 14 s alone and 18 s when all "
    "three start it at once, and a cluster that nobody works on takes 3 % of a core"
)
DISK = 900
"""MB that the machines of a new cluster take, beside the image."""
PLAYBOOKS = ("site.yml", "playbooks/course.yml")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--students", type=labs.number, metavar="N", help="a cluster for each of them; else one for this host"
    )
    parser.add_argument(
        "--options",
        help="options of ansible-playbook, such as '-e kafka_heap=96m'; else those that each was made with",
    )


def run(options: argparse.Namespace) -> int:
    """Refuse what does not fit, deploy one after the other, show who has what."""
    labs.need_root()
    wanted = wanted_labs(options.students)
    existing = labs.existing()
    how = {lab: playbook_options(lab, options.options, existing) for lab in wanted}
    inventories = {text: memory.inventory(labs.split(text)) for text in dict.fromkeys(how.values())}
    # Each may be as large as the largest.
    each = max(map(memory.of_cluster, inventories.values()))
    if refused := memory.refusal(len(wanted), each, room(wanted, existing)):
        raise CourseError(refused)
    new = sum(lab not in existing for lab in wanted)
    for warning in warnings(len(wanted), new, os.cpu_count() or 1, labs.disk()):
        print(f"course: {warning}")
    hosts = {text: memory.hosts(inventory, "cluster") for text, inventory in inventories.items()}
    todo = [lab for lab in wanted if not stands(lab, existing.get(lab, ()), hosts[how[lab]], how[lab])]
    for lab in wanted:
        if lab not in todo:
            print(f"course: {lab.name} stands and is left alone; anew: {lab.make('course-reset')}")
    for number, lab in enumerate(todo, 1):
        began = time.monotonic()
        if lab.student:
            print(f"course: {lab.name}, {number} of {len(todo)}")
        if lab in existing and (told := change(lab, how[lab])):
            print(f"course: {told}")
        if not labs.deploy(lab, PLAYBOOKS, how[lab]):
            left = ", ".join(other.name for other in todo[number:])
            print(f"course: {lab.name} is not right" + (f"; not begun: {left}" if left else ""))
            return 1
        print(f"course: {lab.name} is there, {time.monotonic() - began:.0f} s", flush=True)
    students.show()
    return 0


def stands(lab: labs.Lab, machines: Sequence[labs.Machine], hosts: Collection[str], options: str) -> bool:
    """Whether a student's cluster needs nothing: who works there is not to be disturbed by checks."""
    running = {machine.host for machine in machines if machine.running}
    return (
        lab.student is not None and running == set(hosts) and lab.deployment == labs.Deployment(options, True)
    )


def playbook_options(lab: labs.Lab, given: str | None, existing: Collection[labs.Lab]) -> str:
    """What is given, be it nothing; else what a cluster that is there was made with."""
    if given is not None:
        return given
    return lab.deployment.options if lab in existing else ""


def change(lab: labs.Lab, options: str) -> str:
    """What is said before a cluster that is there is deployed again, as it was or with other options."""
    before = lab.deployment.options
    if options != before:
        return f"{lab.name} was made with OPTIONS='{before}', and is deployed again with OPTIONS='{options}'"
    return options and f"{lab.name} keeps its OPTIONS='{options}' (OPTIONS= takes them away)"


def wanted_labs(students: int | None) -> list[labs.Lab]:
    """One cluster for each student, or the one whose machines this host knows by name."""
    return [labs.Lab(student) for student in range(1, students + 1)] if students else [labs.Lab()]


def room(wanted: Sequence[labs.Lab], existing: Mapping[labs.Lab, Sequence[labs.Machine]]) -> memory.Room:
    """The memory of this host as these clusters find it."""
    now = {
        lab: memory.held(machine.process for machine in machines if machine.running)
        for lab, machines in existing.items()
    }
    others = {lab.name: memory.of_lab(lab) - mine for lab, mine in now.items() if lab not in wanted and mine}
    return memory.Room(
        free=memory.free(),
        held=sum(mine for lab, mine in now.items() if lab in wanted),
        others={name: more for name, more in others.items() if more > 0},
    )


def warnings(students: int, new: int, cores: int, disk: int) -> list[str]:
    """What may become too little, though it keeps no cluster from starting; disk: MB that are free."""
    said = []
    if new * DISK > disk:
        said.append(
            f"the disk has {disk / 1024:.1f} GB, and {new} new clusters take {new * DISK / 1024:.1f} GB: "
            "HDFS stops when it is full"
        )
    if students * MEASURED_CORES > cores * MEASURED_STUDENTS:
        said.append(f"{students} students share {cores} cores; {MEASURED}")
    return said
