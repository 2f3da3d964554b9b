"""What is kept of a drill, and the table of all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.oracle import Verdict


@dataclass(frozen=True)
class Row:
    """One drill that was run."""

    drill: str
    commit: str
    seed: int
    result: str
    """ok, FAILED, not run (its injection did not work); of a planted failure: caught or MISSED."""
    did: str
    """What was done, and to whom."""
    seen: str
    """How it was seen to have happened, or why not."""
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    stall: float = 0.0
    """Seconds, of the oracle that had the longest."""
    stalled: str = ""
    """Which that is."""
    healed: float = 0.0
    """Seconds from the injection until all gates were open."""
    timeout: float = 0.0
    """The one that governs how long it must take, in seconds."""
    said: str = ""
    """What went wrong."""


def figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The figures of a row, of all oracles together."""
    longest = max(verdicts, key=lambda verdict: verdict.stall, default=Verdict("", 0))
    return {
        "acknowledged": sum(verdict.acknowledged for verdict in verdicts),
        "lost": sum(len(verdict.lost) for verdict in verdicts),
        "duplicated": sum(len(verdict.duplicated) for verdict in verdicts),
        "stall": round(longest.stall, 2),
        "stalled": longest.oracle,
    }


def judge(verdicts: Sequence[Verdict], *, planted: bool, unheard: bool = False) -> str:
    """The result: a planted failure is caught when an oracle says that something is wrong.

    unheard: no oracle was to work; what the drill itself has found wrong did not come here
    """
    right = unheard or (bool(verdicts) and all(verdict.ok for verdict in verdicts))
    if planted:
        return "MISSED" if right else "caught"
    return "ok" if right else "FAILED"


def read(path: Path) -> list[Row]:
    """The rows that are kept there."""
    return [Row(**row) for row in json.loads(path.read_text())] if path.exists() else []


def keep(path: Path, row: Row) -> None:
    """Add a row, in the place of one of the same drill, commit and seed."""
    key = (row.drill, row.commit, row.seed)
    rows = [old for old in read(path) if (old.drill, old.commit, old.seed) != key]
    new = path.with_suffix(".new")
    new.write_text(json.dumps([asdict(each) for each in [*rows, row]], indent=1) + "\n")
    new.replace(path)


def lacking(drills: Iterable[str], rows: Iterable[Row], commit: str, seed: int) -> list[str]:
    """The drills that are yet to be run: what was not run before is tried again."""
    done = {row.drill for row in rows if (row.commit, row.seed) == (commit, seed) and row.result != "not run"}
    return [drill for drill in drills if drill not in done]


def latest(drills: Iterable[str], rows: Iterable[Row], seed: int) -> list[Row]:
    """The last row of each drill that was run with the seed, in the order of the drills."""
    last = {row.drill: row for row in rows if row.seed == seed and row.result != "not run"}
    return [last[drill] for drill in drills if drill in last]


BAR = r"\|"
HEAD = (
    "| drill | result | what was done | acknowledged | lost | twice | longest stall | healed | commit |",
    "|---|---|---|---|---|---|---|---|---|",
)


def page(drills: Iterable[str], rows: Iterable[Row], before: str = "") -> str:
    """The page of the documentation; of drills that have no row here, the line that the page had before."""
    lines = {line.split(" ")[1]: line for line in before.splitlines() if line.startswith("| ")}
    lines |= {row.drill: _line(row) for row in rows}
    known = "\n".join([*HEAD, *(lines[drill] for drill in drills if drill in lines)])
    return f"""# Drills

What was done to a lab of three machines on purpose, and what it showed: made by `make drill PAGE=1` from
the rows that `make drill` keeps, the last of each drill. Meanwhile records were sent with `acks=all`, a
session of ZooKeeper held a node, and directories were made in HDFS: what was acknowledged and is not
there afterwards is lost. "healed" is the time from the deed until all gates were open, where a timeout
of the product governs it as a multiple of that. A planted failure is one that an oracle has to see. Where
the machines themselves are made anew nothing is sent meanwhile, and smoke tests follow.

{known}
"""


def table(rows: Iterable[Row]) -> str:
    """The rows for people, in Markdown."""
    return "\n".join([*HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    times = f" ({row.healed / row.timeout:.1f} x {row.timeout:g} s)" if row.timeout and row.healed else ""
    healed = f"{row.healed:.0f} s{times}" if row.healed else ""
    did = f"{row.did}; {row.seen}" if row.seen else row.did
    wrong = f": {row.said.splitlines()[0]}" if row.said else ""
    stall = f"{row.stall:.2f} s {row.stalled}".rstrip()
    counts = [row.acknowledged, row.lost, row.duplicated, stall, healed, row.commit]
    cells = [row.drill, f"{row.result}{wrong}", did, *counts]
    # Names of plays and tasks have a bar in them.
    return f"| {' | '.join(str(cell).replace('|', BAR) for cell in cells)} |"
