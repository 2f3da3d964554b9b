"""Who has what: the course's clusters on this host, on the terminal and as a page."""

from __future__ import annotations

import argparse
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from course import PROGRAM, labs, memory

PAGE = "out/course/students"
LOOPBACK = "127.0.0.1"
SSH = 22
PAGES = {50070: "NameNode", 8088: "ResourceManager", 19888: "Job history"}
"""Web pages of the master, by their ports."""
SERVERS = {9092: "Kafka", 2181: "ZooKeeper"}
TITLE = "Clusters of the course on this host"
NOTES = (
    "Commands are typed in the checkout, as root.",
    "Students' ports are on this host's loopback; from elsewhere: ssh -L 20170:127.0.0.1:20170 THIS-HOST",
    "Brokers and web pages name hadoop-master, which is another machine for each student.",
    f"{PROGRAM} in 2 -- COMMAND runs a command on this host where it is the machine of student 2.",
    "make course-shell, course-exercise, course-check and course-reset take STUDENT=2 for that cluster.",
)


@dataclass(frozen=True)
class Row:
    """One cluster."""

    student: str
    """Their number, or the name of the one cluster."""
    containers: Sequence[str]
    shells: Sequence[str]
    pages: Mapping[str, str]
    """Name -> URL."""
    servers: Mapping[str, str]
    """Name -> host:port."""
    memory: str


def arguments(_: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def run(_: argparse.Namespace) -> int:
    """Write the page of what is there, and show it."""
    labs.need_root()
    show()
    return 0


def show() -> None:
    """Write both forms of the page, and print the table."""
    rows = [row(lab, machines, memory.of_lab(lab)) for lab, machines in labs.existing().items()]
    page = labs.CHECKOUT / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.with_suffix(".md").write_text(markdown(rows), encoding="utf-8")
    page.with_suffix(".html").write_text(hypertext(rows), encoding="utf-8")
    print(f"{table(rows)}\nAlso in {PAGE}.html and {PAGE}.md", flush=True)


def row(lab: labs.Lab, machines: Sequence[labs.Machine], most: int) -> Row:
    """What the page says of one cluster; most: MB that it may take."""
    ports = next((machine.ports for machine in machines if machine.host == labs.MASTER), {})

    def places(names: Mapping[int, str]) -> dict[str, str]:
        """Where this host's programs find ports of the master; one that is not published is left out."""
        if not lab.student:
            return {name: f"{labs.MASTER}:{port}" for port, name in names.items()}
        return {name: f"{LOOPBACK}:{ports[port]}" for port, name in names.items() if port in ports}

    shells = ["make course-shell" + (f" STUDENT={lab.student}" if lab.student else "")]
    if SSH in ports:
        config = f"out/{lab.name}/ssh_config"
        shells.append(f"ssh -F {config} -o HostName={LOOPBACK} -p {ports[SSH]} {labs.MASTER}")
    now = memory.held(machine.process for machine in machines if machine.running)
    stopped = sum(not machine.running for machine in machines)
    return Row(
        student=str(lab.student or lab.name),
        containers=[machine.container for machine in machines],
        shells=shells,
        pages={name: f"http://{place}" for name, place in places(PAGES).items()},
        servers=places(SERVERS),
        memory=f"{memory.shown(now)} now, up to {memory.shown(most)} at work"
        + (f"; {stopped} stopped" if stopped else ""),
    )


def table(rows: Sequence[Row]) -> str:
    """For the terminal: a line for each thing, since commands are to be copied."""
    lines = [("student", "what", "where")]
    for one in rows:
        whats = [("memory", one.memory), ("containers", ", ".join(one.containers))]
        whats += [("shell", command) for command in one.shells]
        whats += [*one.pages.items(), *one.servers.items()]
        lines += [("" if number else one.student, what, where) for number, (what, where) in enumerate(whats)]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    if not rows:
        return "No cluster of the course is here: make course"
    return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in lines)


def markdown(rows: Sequence[Row]) -> str:
    """The page as Markdown: a line for each student."""

    def cell(*lines: str) -> str:
        return "<br>".join(html.escape(line, quote=False).replace("|", "\\|") for line in lines)

    def code(lines: Sequence[str]) -> str:
        # Between backticks only the bar of the table needs to be escaped.
        return "<br>".join(f"`{line.replace('|', chr(92) + '|')}`" for line in lines)

    lines = [f"# {TITLE}", ""]
    lines += ["| student | containers | shell | web pages | servers | memory |", "|---|---|---|---|---|---|"]
    for one in rows:
        pages = "<br>".join(f"{cell(name)}: <{url}>" for name, url in one.pages.items())
        servers = cell(*(f"{name}: {place}" for name, place in one.servers.items()))
        cells = [cell(one.student), cell(*one.containers), code(one.shells), pages, servers, cell(one.memory)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- {cell(note)}" for note in NOTES)]) + "\n"


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
section { border: 1px solid #8886; border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem 1rem; }
h2 { font-size: 1.2rem; margin: .3rem 0; }
dl { display: grid; gap: .2rem 1rem; grid-template-columns: 8rem 1fr; margin: 0; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
code { background: #8882; border-radius: .2rem; padding: .1rem .3rem; }
"""


def hypertext(rows: Sequence[Row]) -> str:
    """The page as one HTML file that needs nothing else."""

    def codes(commands: Sequence[str]) -> str:
        return "<br>".join(f"<code>{html.escape(command)}</code>" for command in commands)

    parts = []
    for one in rows:
        facts = {
            "memory": html.escape(one.memory),
            "containers": html.escape(", ".join(one.containers)),
            "shell": codes(one.shells),
            "web pages": ", ".join(
                f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for name, url in one.pages.items()
            ),
        }
        facts |= {html.escape(name): codes([place]) for name, place in one.servers.items()}
        entries = "".join(f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in facts.items())
        who = f"Student {one.student}" if one.student.isdigit() else one.student
        heading = f"<h2>{html.escape(who)}</h2>"
        parts.append(f"<section>{heading}\n<dl>\n{entries}</dl></section>\n")
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in NOTES)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(TITLE)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(TITLE)}</h1>\n"
        f"{''.join(parts)}<ul>\n{notes}</ul>\n</body></html>\n"
    )
