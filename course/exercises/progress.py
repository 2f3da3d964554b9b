"""Work that may take long is not silent: a heartbeat tells how it stands."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smoke.console import Console
from smoke.wait import spawn

PULSE = 1.0
"""Seconds between two looks whether a heartbeat is due."""


@contextmanager
def heartbeat_during(name: str, state: str) -> Iterator[Callable[[str], None]]:
    """A heartbeat as long as the block runs; what is given takes a new state of `name`."""
    # What was asked for is on stdout, alone.
    console = Console(sys.stderr)
    console.awaiting(name, state)
    over = threading.Event()

    def beat() -> None:
        while not over.wait(PULSE):
            console.heartbeat()

    beats = spawn(beat)
    try:
        yield lambda now: console.awaiting(name, now)
    finally:
        over.set()
        beats.result()
