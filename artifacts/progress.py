"""Long steps that are never silent, and commands that tell what they are at."""

from __future__ import annotations

import collections
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from artifacts import ArtifactError

EVERY = 4.0  # seconds between two lines of one step


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


class Progress:
    """Says what a long step is at, again and again while it runs.

    A thread speaks, so a step that blocks in a read or a hash is heard as well. The step sets `note`.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.note = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        say(self.label)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _speak(self) -> None:
        while not self._done.wait(EVERY):
            seconds = time.monotonic() - self._begun
            say(f"{self.label}: {seconds:.0f} s{', ' if self.note else ''}{self.note}")


def run(
    command: Sequence[str],
    label: str,
    note: Callable[[str], str | None],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command; `note` turns a line of its output into what the user shall see of it, or None.

    Raises ArtifactError with the end of the output when the command fails or cannot be found.
    """
    tail: collections.deque[str] = collections.deque(maxlen=25)
    with Progress(label) as progress:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                text=True, errors="replace", env=environment,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise ArtifactError(f"{label}: {command[0]} is not installed") from error
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                tail.append(line.rstrip())
                progress.note = note(line) or progress.note
    if process.returncode:
        raise ArtifactError(f"{label}: {command[0]} failed with {process.returncode}\n" + "\n".join(tail))
