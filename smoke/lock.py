"""One operator a cluster: a lock on a majority of its machines, which lasts as long as a run of Ansible.

``python -m smoke.lock`` is started beside the run and prints one line: that the lock is held, or why it is
not. On each machine an SSH session of its own holds the lock of a file (jobs/lock.py). The sessions end with
the run, whatever ended it, and the locks with them; those of a controller that is gone after 30 s of silence.

The description of the cluster is locked, too, by the file ``lock`` beside it: the gates of the run read it,
and another run of this checkout must not make it another meanwhile (the action plugin controller_files).

A session that is lost is opened again until the run ends. The run goes on meanwhile, even when those that are
left are no majority: a run that stops midway does more harm than one that a second operator may join.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import getpass
import json
import os
import random
import selectors
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from smoke.cluster import CHECKOUT, Cluster, ClusterError, expect, load
from smoke.machine import Machine
from smoke.wait import wait_until

HELD = "held"
SILENCE = 30.0
"""Seconds without a word after which a machine gives the lock back."""
ANSWER = 10.0
"""Seconds within which a machine must say whether it is locked."""
PATIENCE = 5.0
"""Seconds in which a lock that somebody else holds is asked for again: a run before may just have ended."""
END = 2.0
"""Seconds in which sessions end of themselves."""

PROGRAM = (Path(__file__).parent / "jobs" / "lock.py").read_text(encoding="utf-8")
# A connection that is shared would outlive the session, and end with somebody else's.
OPTIONS = (
    "ControlPath=none",
    "BatchMode=yes",
    "ConnectTimeout=5",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
)


@dataclass(frozen=True)
class Answer:
    """What a machine said: the lock is held, or somebody else's, or why it said neither."""

    held: bool = False
    holder: str | None = None
    """Who holds it, as the lock's file says it."""
    why: str = ""


def judge(cluster: str, answers: Mapping[str, Answer | None]) -> str | None:
    """HELD when a majority of all machines is, else why the lock is refused; None when more must be known.

    answers: by machine; None of one that has not answered yet
    """
    majority = len(answers) // 2 + 1
    known = {name: answer for name, answer in answers.items() if answer}
    held = sum(answer.held for answer in known.values())
    if held >= majority:
        return HELD
    if held + len(answers) - len(known) >= majority:
        return None
    holders = Counter(answer.holder for answer in known.values() if answer.holder is not None)
    if holders:
        ((holder, _),) = holders.most_common(1)
        return _changed(cluster, str(holder))
    silent = ", ".join(f"{name} ({answer.why})" for name, answer in known.items() if not answer.held)
    return (
        f"The lock of the cluster {cluster} needs {majority} of its {len(answers)} machines and had {held}. "
        f"Not locked: {silent}. Start them, or mend what stands in brackets, and run again"
    )


def _changed(cluster: str, holder: str) -> str:
    """Why the lock is refused that somebody else has."""
    return f"The cluster {cluster} is being changed by {_whom(holder)}"


def _whom(holder: str) -> str:
    """Who holds the lock, and what to do about it."""
    try:
        return (
            "{user} on {host} (process {pid}, checkout {checkout}) since {since}. Wait for that run to end, "
            f"or end it there: kill {{pid}}. If {{host}} is gone, its lock ends within {SILENCE:g} s"
        ).format_map(json.loads(holder))
    except (ValueError, LookupError, TypeError):
        return "somebody who left no name in the lock's file. Wait for that run to end"


def holder(pid: int) -> str:
    """Who asks for the lock, as the lock's file is to say it.

    pid: the process of the run
    """
    return json.dumps(
        {
            "user": os.environ.get("SUDO_USER") or getpass.getuser(),
            "host": socket.gethostname(),
            "pid": pid,
            "checkout": str(CHECKOUT),
            "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def command(machine: Machine, path: str, who: str) -> list[str]:
    """The local command that holds the lock of a file on a machine until its input ends."""
    words = ["/usr/bin/python3", "-I", "-c", PROGRAM, path, f"{SILENCE:g}", who]
    ssh, *others = machine.command("exec " + shlex.join(words))
    return [ssh, *(word for option in OPTIONS for word in ("-o", option)), *others]


class Session:
    """An SSH session on a machine, which holds the lock there until it ends."""

    def __init__(self, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            words, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._said = ""

    def fileno(self) -> int:
        """What it says comes here."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def hear(self) -> bool:
        """Read what it says now; whether there may be more."""
        read = os.read(self.fileno(), 4096)
        self._said += read.decode(errors="replace")
        return bool(read)

    def answer(self) -> Answer | None:
        """What it said of the lock, if it has."""
        for line in self._said.split("\n")[:-1]:
            word, _, holder = line.partition(" ")
            if word == "busy":
                return Answer(holder=holder)
            if line == HELD:
                return Answer(held=True)
        return None

    def beat(self) -> None:
        """Show the machine that this side is alive."""
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.write(b".")

    def release(self) -> None:
        """Have the machine give the lock back."""
        assert self._process.stdin
        self._process.stdin.close()

    def end(self, deadline: float) -> str:
        """Wait until it has ended, and end it then; its last words."""
        self.release()
        try:
            status = self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        return (self._said.strip().splitlines() or [f"ssh ended with {status}"])[-1]


class Lock:
    """The lock of a cluster for a run. Raises ProcessLookupError when that has ended."""

    def __init__(self, cluster: str, commands: Mapping[str, Sequence[str]], pid: int) -> None:
        """Ask for nothing yet.

        commands: by machine what holds the lock there
        pid: the process of the run
        """
        self.ended = False
        """Whether the run has."""
        self._cluster = cluster
        self._commands = commands
        self._answers: dict[str, Answer | None] = dict.fromkeys(commands)
        self._sessions: dict[str, Session] = {}
        self._selector = selectors.DefaultSelector()
        self._run = os.pidfd_open(pid)
        self._selector.register(self._run, selectors.EVENT_READ)

    def take(self) -> str:
        """HELD, or why the lock is refused; what was held is given back then."""
        deadline, pause = time.monotonic() + PATIENCE, 0.5
        while True:
            said = self._ask()
            if said == HELD:
                return said
            self.close()
            busy = any(answer.holder is not None for answer in self._answers.values() if answer)
            if self.ended or not busy or time.monotonic() > deadline:
                return said
            # Two who ask at once, and have half of the machines each, are not to meet every time.
            self._listen(random.uniform(0, pause))  # noqa: S311 (no secret)
            pause *= 2

    def keep(self) -> None:
        """Hold it until the run has ended; sessions that are lost are opened again."""
        while not self.ended:
            self._open()
            for session in self._sessions.values():
                session.beat()
            self._listen(SILENCE / 3)

    def close(self) -> None:
        """Give all back."""
        for session in self._sessions.values():
            session.release()
        # Once they have ended, the machines may be asked again.
        deadline = time.monotonic() + END
        for name in list(self._sessions):
            self._end(name, deadline)

    def _ask(self) -> str:
        """Ask all machines at once until enough of them have answered."""
        self._open()
        deadline = time.monotonic() + ANSWER
        while (said := judge(self._cluster, self._answers)) is None:
            if self.ended or not self._hear(deadline):
                late = Answer(why=f"no answer within {ANSWER:g} s")
                self._answers = {name: answer or late for name, answer in self._answers.items()}
        return said

    def _open(self) -> None:
        """Open a session on each machine that has none."""
        for name, words in self._commands.items():
            if name not in self._sessions:
                self._answers[name] = None
                self._sessions[name] = Session(words)
                self._selector.register(self._sessions[name], selectors.EVENT_READ, name)

    def _listen(self, seconds: float) -> None:
        """Hear what machines say for so long, or until the run has ended."""
        deadline = time.monotonic() + seconds
        while not self.ended and self._hear(deadline):
            pass

    def _hear(self, deadline: float) -> bool:
        """Hear what comes next; False when nothing does until then."""
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        for key, _ in ready:
            if key.data is None:
                self.ended = True
            elif self._sessions[key.data].hear():
                self._answers[key.data] = self._sessions[key.data].answer()
            else:
                answer = self._sessions[key.data].answer()
                why = self._end(key.data, time.monotonic() + END)
                self._answers[key.data] = answer if answer and not answer.held else Answer(why=why)
        return bool(ready)

    def _end(self, name: str, deadline: float) -> str:
        session = self._sessions.pop(name)
        self._selector.unregister(session)
        return session.end(deadline)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the lock and hold it until the run ends; returns the exit status, 1 when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m smoke.lock", description=__doc__)
    parser.add_argument("--cluster", type=Path, required=True, help="its description")
    parser.add_argument("--name", help="the cluster that is meant: another's description is refused")
    parser.add_argument("--inventory", metavar="DIR", help="the inventory that is meant, likewise")
    parser.add_argument("--pid", type=int, required=True, help="the process of the run")
    parser.add_argument("--directory", default="/run", help="where machines have the lock's file")
    options = parser.parse_args(arguments)
    with options.cluster.with_name("lock").open("a+", encoding="utf-8") as file:
        who = holder(options.pid)
        other = _description_held(file, who)
        try:
            cluster = load(options.cluster)
            expect(cluster, options.name, options.inventory)
        except ClusterError as error:
            print(error)
            return 1
        if other is not None:
            print(_changed(cluster.name, other))
            return 1
        lock = Lock(cluster.name, _commands(cluster, options.directory, who), options.pid)
        try:
            said = lock.take()
            print(said, flush=True)
            if said == HELD:
                lock.keep()
        finally:
            lock.close()
    return 0 if said == HELD else 1


def _description_held(file: TextIO, who: str) -> str | None:
    """Lock the description by its file, as long as that is open; the holder of another run that has it."""

    def free() -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    try:
        wait_until(free, PATIENCE, "it is locked")
    except TimeoutError:
        file.seek(0)
        return file.readline().strip()
    file.truncate(0)
    file.write(f"{who}\n")
    file.flush()
    return None


def _commands(cluster: Cluster, directory: str, who: str) -> dict[str, list[str]]:
    path = f"{directory}/millrace-{cluster.name}.lock"
    return {name: command(machine, path, who) for name, machine in cluster.machines.items()}


if __name__ == "__main__":
    sys.exit(main())
