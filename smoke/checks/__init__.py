"""`smoke run`: checks that put data in, get data out, and count.

A check is a function of a Run that returns findings by name; what it makes it gives to Run.cleanup first.
Checks run side by side, since Spark's session takes as long to start as all else takes.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from smoke.services import format_error
from smoke.verdict import Finding
from smoke.wait import spawn

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Units
    from smoke.console import Console
    from smoke.services.kafka import Produced

GRACE = 5.0
"""Seconds for what has to end and has no time left."""


class CheckError(Exception):
    """A check that could not come to a finding; `evidence` is what is known."""

    def __init__(self, reason: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.evidence = list(evidence)


@dataclass(frozen=True)
class Resource:
    """Something that a run made, and how it goes."""

    what: str
    remove: Callable[[], object]
    runs: bool
    """A process: it reads and writes the other things, and goes before them."""


@dataclass
class Run:
    """What the checks of one run share."""

    id: str
    """In every topic, group, path and znode of this run."""
    cluster: Cluster
    console: Console
    records: int
    timeout: float
    """Seconds for all checks together."""
    topic: Future[Produced] = field(default_factory=Future)
    """Done when the topic holds all records, for those who read it too."""
    made: list[Resource] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    """What stays of the run: others made it of what it did, and may not be done yet."""
    results: list[Result] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"millrace-smoke-{self.id}"

    @property
    def patience(self) -> float:
        """Seconds for one thing asked of a service: a run in which several are late ends with evidence."""
        return min(20.0, self.timeout / 10)

    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the run ends before its checks: nothing more is to be made."""

    def cleanup(self, what: str, remove: Callable[[], object], *, runs: bool = False) -> None:
        """Have `what` removed at the end of the run, whatever happens; `remove` raises when it could not."""
        if self.stopping.is_set():
            raise CheckError("the run is stopping")
        self.made.append(Resource(what, remove, runs))


@dataclass(frozen=True)
class Check:
    """A check by name."""

    name: str
    body: Callable[[Run], dict[str, Finding]]
    units: Units
    """Those whose journals are the evidence when it fails."""


@dataclass(frozen=True)
class Result:
    """One finding of a check, as it is reported; seconds since the start of the run."""

    name: str
    ok: bool
    seconds: float
    facts: str
    evidence: tuple[str, ...] = ()


def run_all(checks: Sequence[Check], run: Run) -> None:
    """Run the checks side by side, a line for each finding as it comes; those too late fail."""
    started = time.monotonic()
    pending: dict[Future[dict[str, Finding]], Check] = {}
    for check in checks:
        run.console.awaiting(check.name, "running")
        pending[spawn(lambda check=check: check.body(run))] = check  # type: ignore[misc]
    try:
        while pending and (left := started + run.timeout - time.monotonic()) > 0:
            for future in wait(pending, timeout=min(1.0, left), return_when=FIRST_COMPLETED).done:
                _conclude(run, pending.pop(future), future, time.monotonic() - started)
            run.console.heartbeat()
    finally:
        run.stopping.set()
        wait(pending, timeout=GRACE)  # what they are making, cleanup must find
    for check in pending.values():
        late: Future[dict[str, Finding]] = Future()
        late.set_exception(
            CheckError(f"did not end within {run.timeout:g} s: {run.console.state(check.name)}")
        )
        _conclude(run, check, late, run.timeout)


def _conclude(run: Run, check: Check, done: Future[dict[str, Finding]], seconds: float) -> None:
    try:
        findings = done.result()
    except CheckError as error:
        findings = {check.name: Finding(str(error), (str(error), *error.evidence))}
    except Exception as error:  # noqa: BLE001 (a client's error of any kind is the check's failure)
        trace = "".join(traceback.format_exception(error)).splitlines()
        findings = {check.name: Finding(format_error(error)[:300], tuple(trace[-12:]))}
    journals: tuple[str, ...] = ()
    if not all(finding.ok for finding in findings.values()):
        run.console.awaiting(check.name, "gathering the journals of its units")
        journals = tuple(run.cluster.journals(check.units))
    for name, finding in findings.items():
        evidence = () if finding.ok else finding.evidence + journals
        journals = () if not finding.ok else journals  # once is enough
        run.results.append(Result(name, finding.ok, round(seconds, 1), finding.facts, evidence))
        run.console.done(check.name, line(run.results[-1]))


def line(result: Result) -> str:
    """The result in a line."""
    return (
        f"{'ok    ' if result.ok else 'FAILED'}  {result.name:<16}  {result.facts}  ({result.seconds:.1f} s)"
    )


def clean_up(run: Run, timeout: float = 60) -> None:
    """End what runs, then remove the rest, the last first, and see that it is gone.

    `timeout` is for all together, and until then each is tried again; one that is late has a few seconds.
    """
    started = time.monotonic()
    evidence = []
    for made in sorted(run.made, key=lambda made: made.runs)[::-1]:
        run.console.awaiting("cleanup", made.what)
        done = spawn(partial(_remove_with_retry, run, made, started + timeout))
        deadline = max(started + timeout, time.monotonic() + GRACE)
        while not wait([done], timeout=1).done and time.monotonic() < deadline:
            run.console.heartbeat()
        try:
            done.result(timeout=0)
        except TimeoutError as error:
            evidence.append(
                f"{made.what}: {error}" if str(error) else f"{run.console.state('cleanup')}: late"
            )
        except Exception as error:  # noqa: BLE001 (the other things must go too)
            evidence.append(f"{made.what}: {format_error(error)}")
    facts = f"{len(run.made) - len(evidence)} of {len(run.made)} things of this run are gone"
    facts += f"; {', '.join(sorted(run.kept))} stay" if run.kept else ""
    result = Result("cleanup", not evidence, round(time.monotonic() - started, 1), facts, tuple(evidence))
    run.results.append(result)
    run.console.done("cleanup", line(result))


def _remove_with_retry(run: Run, made: Resource, deadline: float) -> None:
    """Remove it, and once more after an error: a service that comes back refuses for a while."""
    while True:
        try:
            made.remove()
        except Exception as error:
            if time.monotonic() >= deadline:
                raise
            run.console.awaiting("cleanup", f"{made.what}: {format_error(error)}")
            time.sleep(1)
        else:
            return
