"""Lines as they happen, and a heartbeat when nothing happened for a while."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TextIO

SILENCE = 6.0
"""Seconds without a line after which a heartbeat is due; who waits calls heartbeat() every second."""


class Console:
    """Thread-safe lines on a stream, and the last seen state of all that is still awaited."""

    def __init__(self, stream: TextIO | None = None, silence: float = SILENCE) -> None:
        self._stream = stream or sys.stdout
        self._silence = silence
        self._lock = threading.Lock()
        self._started = self._last = time.monotonic()
        self._awaited: dict[str, str] = {}

    def say(self, text: str) -> None:
        with self._lock:
            self._print(text)

    def awaiting(self, name: str, state: str) -> None:
        """Remember what `name` looks like now, for the next heartbeat."""
        with self._lock:
            self._awaited[name] = state

    def state(self, name: str) -> str:
        """What `name` was last seen like."""
        with self._lock:
            return self._awaited.get(name, "")

    def done(self, name: str, text: str) -> None:
        """Say `text`; `name` is not awaited any more."""
        with self._lock:
            self._awaited.pop(name, None)
            self._print(text)

    def heartbeat(self) -> None:
        """Say what is awaited, if nothing was said for a while."""
        with self._lock:
            if self._awaited and time.monotonic() - self._last >= self._silence:
                seconds = time.monotonic() - self._started
                self._print(
                    f"... {seconds:.0f} s, awaiting "
                    + "; ".join(f"{n}: {s}" for n, s in self._awaited.items())
                )

    def _print(self, text: str) -> None:
        with contextlib.suppress(OSError):  # who reads may be gone, and the work must come to its end
            print(text, file=self._stream, flush=True)
        self._last = time.monotonic()
