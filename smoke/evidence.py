"""What a failure shows: the daemon, its own last error, what to try; all that is known goes to a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Lines of a check's own evidence, and daemons, that are shown.
LINES = 5
DAEMONS = 3

HEADING = re.compile(r"== (?P<host>\S+) (?P<unit>\S+) \((?P<state>[^)]*)\)$")
#: What Machine.journal says of a machine that does not answer.
SILENT = re.compile(r"== (?P<host>\S+) (?P<units>.*?): (?P<why>no journal: .*)$")
#: What journalctl -o short-iso puts before a line: time, host, program.
JOURNAL = re.compile(r"^\d{4}-\d\d-\d\dT\S+ \S+ \S+?: ")
SYSTEMD = re.compile(r"^\S+ \S+ systemd\[")
ERROR = re.compile(
    r"\b(ERROR|FATAL|SEVERE)\b|Exception\b|\bError:|No space left|^Caused by|Failed with result"
)
#: What a JVM says right after the reason for which it does not start, and right before it.
JVM_ENDS, JVM_BEGINS = (
    "Error: Could not create the Java Virtual Machine",
    "Error occurred during initialization of VM",
)
#: What says that it ends and not why: a JVM, ZooKeeper.
NO_REASON = re.compile(r"Error: A fatal exception has occurred|Exiting JVM with code")
TRACE = re.compile(r"^\s+at \S+\(|^\s*\.\.\. \d+ more")


@dataclass(frozen=True)
class Journal:
    """The last lines of a unit's journal, and whether it was active."""

    host: str
    unit: str
    state: str
    lines: tuple[str, ...]

    @property
    def active(self) -> bool:
        return self.state == "active"

    def last_error(self) -> str | None:
        """The last line that is an error, without what journalctl puts before it; none in most journals.

        What systemd says of a daemon's end counts only where the daemon itself has said nothing.
        """
        if self.state == "no answer":
            return self.lines[-1]
        errors = list(self._errors())
        own = [line for line in errors if not SYSTEMD.match(line)] or errors
        return JOURNAL.sub("", own[-1]).strip() if own else None

    def _errors(self) -> Iterator[str]:
        for before, line, after in zip(("", *self.lines), self.lines, (*self.lines[1:], ""), strict=False):
            if JVM_ENDS in line and before:
                yield before
            elif JVM_BEGINS in line:
                yield after
            elif NO_REASON.search(line) or TRACE.match(JOURNAL.sub("", line)):
                continue
            elif ERROR.search(line):
                yield line


def read(evidence: Iterable[str]) -> tuple[list[str], list[Journal]]:
    """What a check itself knows, and the journals after it."""
    own: list[str] = []
    journals: list[tuple[dict[str, str], list[str]]] = []
    for line in evidence:
        if heading := HEADING.match(line):
            journals.append((heading.groupdict(), []))
        elif silent := SILENT.match(line):
            its = {"host": silent["host"], "unit": silent["units"], "state": "no answer"}
            journals.append((its, [silent["why"]]))
        else:
            (journals[-1][1] if journals else own).append(line)
    return own, [Journal(**heading, lines=tuple(lines)) for heading, lines in journals]


def summary(
    name: str, reason: str, evidence: Sequence[str], reports: Path, become: Mapping[str, Sequence[str]]
) -> list[str]:
    """What is shown of a gate or check that failed.

    reason: why; of several lines the last that says something, which of a traceback is the error
    evidence: its own lines, and journals with headings
    reports: the directory with ssh_config
    become: by machine the words that make a command root's
    """
    own, journals = read(evidence)
    told = [line for line in reason.splitlines() if line.strip()] or [""]
    lines = [f"{name}: {told[-1]}"]
    lines += [f"  {line}" for line in own[:LINES] if line not in told]
    faulty = [journal for journal in journals if not journal.active] or [
        journal for journal in journals if journal.last_error()
    ]
    for journal in faulty[:DAEMONS]:
        error = journal.last_error() or "its journal has no error"
        lines.append(f"  {journal.host}, {journal.unit} ({journal.state}): {error[:300]}")
        if journal.state != "no answer":
            command = " ".join([*become.get(journal.host, ()), "journalctl", "-u", journal.unit])
            lines.append(f"    try: ssh -F {_short(reports / 'ssh_config')} {journal.host} {command}")
    if len(faulty) > DAEMONS:
        lines.append(f"  ... and {len(faulty) - DAEMONS} daemons more")
    return lines


def write(path: Path, failures: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Write all that is known of failures, each by name, reason and evidence; a line that says where."""
    text = "\n".join("\n".join([f"--- {name}: {reason}", *lines]) for name, reason, lines in failures)
    path.write_text(f"{text}\n", encoding="utf-8", errors="replace")
    return f"all of it: {_short(path)}"


def _short(path: Path) -> Path:
    """As one types it here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
