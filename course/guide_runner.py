"""The guide is followed: each block is typed into its terminal, and what is seen is compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from course import CourseError
from course.guide_parser import KEYS, Block, GuideError, Step, read, steps
from course.terminal import LOGIN_SHELL, PULSE, SHELL, Terminal, TerminalError
from smoke.cluster import Cluster, ClusterError, load
from smoke.console import Console

MACHINES = {"master": "hadoop-master", "slave1": "hadoop-slave1", "slave2": "hadoop-slave2"}
NEEDS: dict[str, Callable[[Cluster], object]] = {
    "course_broker_0_10": lambda cluster: cluster.kafka and cluster.kafka.standalone,
}
"""Variable of the inventory -> whether this cluster was deployed with it."""


class FollowError(Exception):
    """The guide and the cluster part; the message holds the place and the facts."""


def run_guide(path: Path, description: Path, checkout: Path) -> int:
    """Run one language against the cluster that is described; says what it does, returns the exit status."""
    blocks = read(path)
    try:
        cluster = load(description)
    except ClusterError as error:
        raise CourseError(f"{error}; make course deploys the course's cluster") from None
    console = Console()

    def opened(name: str) -> Terminal:
        return Terminal(command(name, cluster), checkout, console.heartbeat)

    began = time.monotonic()
    try:
        number = follow(steps(able(blocks, cluster, console), path.name), path.name, opened, console)
    except FollowError as error:
        print(error)
        print(f"{path.name} FAILED after {time.monotonic() - began:.0f} s", flush=True)
        return 1
    console.say(f"{path.name}: {number} steps, each seen as shown, in {time.monotonic() - began:.0f} s")
    return 0


def command(terminal: str, cluster: Cluster) -> list[str]:
    """The local command that is the terminal's shell."""
    place = terminal.partition("-")[0]
    if place == "host":
        return ["sh", "-c", f"{SHELL} --noprofile --norc"]
    machine = cluster.machines.get(MACHINES[place])
    if machine is None:
        raise CourseError(f"{cluster.source}: {MACHINES[place]} is not in machines")
    return [machine.ssh[0], "-tt", *machine.ssh[1:], LOGIN_SHELL]


def able(blocks: Sequence[Block], cluster: Cluster, console: Console) -> list[Block]:
    """The blocks that this cluster can run; says which sections are left out."""
    wanted = {block.only_with for block in blocks if block.only_with}
    if unknown := wanted - NEEDS.keys():
        raise GuideError(f"only with {', '.join(sorted(unknown))}: not one of {', '.join(NEEDS)}")
    lacking = {variable for variable in wanted if not NEEDS[variable](cluster)}
    for section in dict.fromkeys(block.section for block in blocks if block.only_with in lacking):
        console.say(f"left out, for the cluster was made without {', '.join(sorted(lacking))}: {section}")
    return [block for block in blocks if block.only_with not in lacking]


def follow(todo: Sequence[Step], name: str, opened: Callable[[str], Terminal], console: Console) -> int:
    """Step by step; returns how many there were. Raises FollowError at the first that is not as shown."""
    terminals: dict[str, Terminal] = {}
    section = ""
    try:
        for step in todo:
            block = step.block
            if block.section != section:
                section = block.section
                console.say(section)
            here = block.terminal
            title = (block.lines[0].strip() or "(an empty line)") + (" ..." if block.lines[1:] else "")
            console.awaiting(here, title)
            began = time.monotonic()
            try:
                if here not in terminals:
                    terminals[here] = opened(here)
                _take(step, terminals[here])
            except TerminalError as error:
                raise FollowError(_told(step, name, str(error), terminals)) from None
            verb = "sees" if block.what == "text" else "types"
            console.done(here, f"  {time.monotonic() - began:5.1f} s  {here} {verb} {title}")
    finally:
        for terminal in terminals.values():
            terminal.close()
    return len(todo)


def _take(step: Step, terminal: Terminal) -> None:
    block = step.block
    if block.what == "text":
        _see(terminal, block)
    elif block.what == "input":
        for line in block.lines:
            if line in KEYS:
                terminal.press(KEYS[line], block.limit)
            else:
                terminal.type_input(line)
    elif "again" in block.flags:
        _again(step, terminal)
    else:
        _command(step, terminal)
    if step.shows and block.what == "input":
        _see(terminal, step.shows)


def _see(terminal: Terminal, block: Block) -> None:
    terminal.see(block.lines, block.limit, "any-order" in block.flags)


def _command(step: Step, terminal: Terminal) -> None:
    block = step.block
    terminal.type_command(block.lines, block.limit, step.goes_on)
    if step.shows:
        _see(terminal, step.shows)
    if not step.goes_on and bool(terminal.status) != ("fails" in block.flags):
        raise TerminalError(f"exit status {terminal.status}")


def _again(step: Step, terminal: Terminal) -> None:
    """As one who waits for something: the same command until it is as shown."""
    deadline = time.monotonic() + step.block.limit
    while True:
        try:
            return _command(step, terminal)
        except TerminalError as error:
            if time.monotonic() >= deadline or terminal.status is None:
                raise TerminalError(f"{error} (asked again for {step.block.limit:g} s)") from None
        time.sleep(PULSE)


def _told(step: Step, name: str, reason: str, terminals: dict[str, Terminal]) -> str:
    block = step.block
    shown = step.shows or (block if block.what == "text" else None)
    lines = [f"{name}:{block.line}: {block.section}", f"terminal {block.terminal}: {reason}"]
    if block.what != "text":
        lines += ["typed:", *(f"    {line}" for line in block.lines)]
    if shown:
        lines += ["expected:", *(f"    {line}" for line in shown.lines)]
    for terminal, opened in sorted(terminals.items(), key=lambda pair: pair[0] != block.terminal):
        lines += [f"seen in {terminal}:", *(f"    {line}" for line in opened.tail() or ["(nothing)"])]
    return "\n".join(lines)
