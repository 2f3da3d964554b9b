"""python -m tests.drills: break the lab on purpose, under load, and keep a row of figures of each drill."""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.drills import killed, steps
from tests.drills.rows import Row, figures, judge, keep, lacking, latest, page, read, table
from tests.drills.steps import Drill, Lab, NotInjectedError
from tests.live import CHECKOUT, CLUSTER, REPORTS
from tests.oracle import Directories, Records, Session, Verdict

DRILLS = steps.DRILLS | killed.DRILLS


def commit() -> str:
    """The commit that is tried; with a plus when the tree differs from it."""

    def git(*words: str) -> str:
        return subprocess.check_output(["git", *words], cwd=CHECKOUT, text=True).strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")


def run(drill: Drill, number: str, seed: int) -> Row:
    """Break, heal, judge. What it raises is a row, too."""
    lab = Lab(random.Random(f"{seed} {drill.name}"))
    row = Row(drill.name, number, seed, "FAILED", drill.does, "", timeout=drill.timeout)
    verdicts: list[Verdict] = []
    try:
        with contextlib.ExitStack() as stack:
            oracles = () if drill.unheard else drill.oracles or (Records, Session, Directories)
            working = [stack.enter_context(oracle(CLUSTER)) for oracle in oracles]
            began = time.monotonic()
            row = replace(row, seen=drill.inject(lab))
            if drill.planted:
                # What it did must be seen before it is undone.
                verdicts = [oracle.finish() for oracle in working]
            drill.heal(lab)
            lab.check()
            row = replace(row, healed=round(time.monotonic() - began, 1))
            verdicts = verdicts or [oracle.finish() for oracle in working]
    except NotInjectedError as error:
        if not row.seen:
            return replace(row, result="not run", seen=str(error))
        return replace(row, said=str(error))
    except Exception as error:  # noqa: BLE001 (whatever a cluster does wrong is a result)
        return replace(row, said=f"{type(error).__name__}: {error}")
    said = "; ".join(str(verdict) for verdict in verdicts if not verdict.ok)
    result = judge(verdicts, planted=drill.planted, unheard=bool(drill.unheard))
    return replace(row, result=result, said=said, **figures(verdicts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what has no row yet; returns 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument(
        "drill", nargs="*", choices=[[], *DRILLS], help="these alone, whether they ran or not"
    )
    parser.add_argument("--seed", type=int, default=1, help="who is hit follows from it")
    parser.add_argument("--list", action="store_true", help="print all drills with their last row, run none")
    parser.add_argument(
        "--page", type=Path, help="write what is kept as a page of the documentation, run none"
    )
    options = parser.parse_args(arguments)
    kept, number = REPORTS / "drills.json", commit()
    wanted = options.drill or lacking(DRILLS, read(kept), number, options.seed)
    if options.list or options.page:
        rows = latest(DRILLS, read(kept), options.seed)
        if options.page:
            before = options.page.read_text(encoding="utf-8") if options.page.exists() else ""
            options.page.write_text(page(DRILLS, rows, before), encoding="utf-8")
        else:
            known = {row.drill: f"{row.result} ({row.commit})" for row in rows}
            print("\n".join(f"{name:<28} {known.get(name, ''):<18} {DRILLS[name].does}" for name in DRILLS))
        return 0
    for name in wanted:
        print(f"drill {name}: {DRILLS[name].does}", flush=True)
        row = run(DRILLS[name], number, options.seed)
        keep(kept, row)
        print(f"  {row.result}; {row.seen}; {row.said or 'nothing wrong'}", flush=True)
        if row.result == "FAILED":
            print(table(read(kept)))
            return 1  # the cluster as it is found is the evidence
    print(table(read(kept)))
    return int(any(row.result in ("FAILED", "MISSED") for row in read(kept) if row.commit == number))


if __name__ == "__main__":
    sys.exit(main())
