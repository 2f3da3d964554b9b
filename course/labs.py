"""The course's clusters on this host, one alone or one for each student, and how each is reached."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from course import CourseError

CHECKOUT = Path(__file__).parents[1]
INVENTORY = "inventories/course"
MASTER = "hadoop-master"
MOST = 99
"""Students on one host: the inventory gives each a hundred ports from 20000 + 100 * student."""
# In a mount namespace of its own the host's /etc/hosts is the lab's: hadoop-master is this student's.
_IN_NAMESPACE = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
_LAB = re.compile(r"course(?:-(?P<student>[1-9]\d*))?")


@dataclass(frozen=True)
class Deployment:
    """How a cluster was deployed."""

    options: str = ""
    """Options of ansible-playbook, as they were typed."""
    done: bool = False


@dataclass(frozen=True)
class Lab:
    """One cluster; it may not be there yet. Without a student, the host knows its machines by their names."""

    student: int | None = None

    @property
    def name(self) -> str:
        return f"course-{self.student}" if self.student else "course"

    @property
    def reports(self) -> Path:
        return CHECKOUT / "out" / self.name

    @property
    def hosts_file(self) -> Path:
        return cache() / "labs" / self.name / "hosts"

    @property
    def how_to_make(self) -> str:
        """What one types to have it."""
        return f"make course STUDENTS={self.student}" if self.student else "make course"

    def make(self, target: str) -> str:
        """What one types to do something with it."""
        return f"make {target}" + (f" STUDENT={self.student}" if self.student else "")

    @property
    def deployment(self) -> Deployment:
        """The last one; nothing when there was none."""
        try:
            return Deployment(**json.loads(self._deployment.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Deployment()

    def remember(self, deployment: Deployment) -> None:
        """Keep it: a reset gives the same cluster anew, and one that stands is left alone."""
        self.reports.mkdir(parents=True, exist_ok=True)
        self._deployment.write_text(json.dumps(dataclasses.asdict(deployment)) + "\n", encoding="utf-8")

    @property
    def _deployment(self) -> Path:
        return self.reports / "deployment.json"

    def container(self, host: str) -> str:
        """The name of the container that is this machine."""
        return f"student{self.student}-{host}" if self.student else host

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command, run where the names of machines are those of this lab."""
        if not self.student:
            return list(command)
        return ["unshare", "--mount", "sh", "-c", _IN_NAMESPACE, "sh", str(self.hosts_file), *command]

    def playbooks(self, playbooks: Sequence[str], options: Sequence[str] = ()) -> list[str]:
        """The command that runs the playbooks on this lab. Of two values for student the last is taken."""
        student = ["-e", f"student={self.student}"] if self.student else []
        return [program("ansible-playbook"), "-i", INVENTORY, *playbooks, *options, *student]


@dataclass(frozen=True)
class Machine:
    """A container that exists."""

    container: str
    host: str
    running: bool
    process: int
    """Its first process, as this host counts; 0 when it does not run."""
    ports: Mapping[int, int]
    """Its own port -> the one of this host's loopback."""


def cache() -> Path:
    """The kit's cache, as the inventory has it."""
    return Path(os.environ.get("MILLRACE_CACHE") or Path.home() / ".cache/millrace")


def program(name: str) -> str:
    """A program of the virtual environment that runs this."""
    return str(Path(sys.executable).parent / name)


def number(text: str) -> int:
    """A student's number, or how many there are."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"'{text}': give a number from 1 to {MOST}")
    return int(text)


def split(options: str) -> list[str]:
    """The words of options that were typed as one. Raises CourseError where a quotation mark is missing."""
    try:
        return shlex.split(options)
    except ValueError as error:
        raise CourseError(f"OPTIONS is {options}: {str(error).lower()}") from None


def need_root() -> None:
    """Raise CourseError for another user, who has other containers and cannot make a namespace."""
    if os.geteuid():
        raise CourseError("the clusters' containers are root's. Type: sudo make ...")


def named(name: str) -> Lab | None:
    """The lab of this name; None when it is none of the course's."""
    found = _LAB.fullmatch(name)
    return found and Lab(int(found["student"]) if found["student"] else None)


def parse(listing: str) -> dict[Lab, list[Machine]]:
    """The course's labs in the output of ``podman ps --all --format json``, in the order of students."""
    labs: dict[Lab, list[Machine]] = {}
    for entry in json.loads(listing or "[]"):
        labels = entry.get("Labels") or {}
        lab = named(labels.get("millrace", ""))
        if lab is None:
            continue
        machine = Machine(
            container=entry["Names"][0],
            host=labels["millrace.host"],
            running=entry["State"] == "running",
            process=entry["Pid"] if entry["State"] == "running" else 0,
            ports={
                published["container_port"] + offset: published["host_port"] + offset
                for published in entry.get("Ports") or ()
                for offset in range(published["range"])
            },
        )
        labs.setdefault(lab, []).append(machine)
    for machines in labs.values():
        machines.sort(key=lambda machine: machine.host)
    return dict(sorted(labs.items(), key=lambda pair: pair[0].student or 0))


def existing() -> dict[Lab, list[Machine]]:
    """The course's labs that have containers on this host."""
    return parse(output(["podman", "ps", "--all", "--filter", "label=millrace", "--format", "json"]))


def output(command: Sequence[str]) -> str:
    """What the command says. Raises CourseError with its own words when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=False)
    except FileNotFoundError:
        raise CourseError(f"{command[0]} is not installed. Type: ./bootstrap") from None
    except subprocess.TimeoutExpired:
        raise CourseError(f"{' '.join(command)} has not ended within 60 s") from None
    if done.returncode:
        raise CourseError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def disk() -> int:
    """MB that are free where podman keeps the containers."""
    place = output(["podman", "info", "--format", "{{.Store.GraphRoot}}"]).strip()
    return shutil.disk_usage(place).free // 1024**2


def become(command: Sequence[str]) -> NoReturn:
    """Run the command in the place of this program, in the checkout."""
    os.chdir(CHECKOUT)
    sys.stdout.flush()
    os.execvp(command[0], list(command))  # noqa: S606 (a list of words, and no shell is wanted)


def deploy(lab: Lab, playbooks: Sequence[str], options: str, *more: str) -> bool:
    """Run the playbooks that make the cluster, and tell whether all went well."""
    lab.remember(Deployment(options))
    done = play(lab, playbooks, [*more, *split(options)]) == 0
    lab.remember(Deployment(options, done))
    return done


def play(lab: Lab, playbooks: Sequence[str], options: Sequence[str] = ()) -> int:
    """Run the playbooks where the lab's names are right, on this terminal; their exit status."""
    if lab.student and not lab.hosts_file.exists():
        # What a bind mount needs; the role lab writes the machines into it.
        lab.hosts_file.parent.mkdir(parents=True, exist_ok=True)
        lab.hosts_file.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    return run(lab, lab.inside(lab.playbooks(playbooks, options)))


def run(lab: Lab, command: Sequence[str]) -> int:
    """Run ansible-playbook on this terminal, with a place for the lab's reports; its exit status."""
    lab.reports.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode
