"""A shell on a pseudo terminal, as a student has it: what one types and what one sees."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect

from course.guide_parser import KEYS
from course.output import cleaned, missing, seen

# Lines are read by the terminal, not by readline, and are not echoed: all that comes is output.
SHELL = "stty -echo; exec bash --noediting"
"""A shell on the host, which has the environment of who runs the guide."""
LOGIN_SHELL = f"{SHELL} --login"
"""A shell on a machine, reached by ssh."""
PULSE = 0.5
"""Seconds between two looks at what a command says that is asked again, and between two calls of `tick`."""
TAIL = 40
"""Lines of output that a failure shows."""


class TerminalError(Exception):
    """What was to be seen was not; the message holds the facts."""


class Terminal:
    """One shell. A command runs until the prompt is back; `lines` is what was said and not yet looked at."""

    def __init__(self, argv: Sequence[str], cwd: Path, tick: Callable[[], object] = lambda: None) -> None:
        mark = secrets.token_hex(4)
        self._prompt, self._more = re.compile(rf"@@{mark}:(\d+):(\d+);"), f"@@{mark}+"
        self._rounds: list[int] = []  # what ROUND was in the prompts since the last key
        self._tick = tick
        self._raw = ""
        self.lines: list[str] = []
        self.status: int | None = None
        """Exit status of the last command; None while it runs."""
        self._child = pexpect.spawn(
            argv[0],
            list(argv[1:]),
            cwd=str(cwd),
            echo=False,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(50, 1000),
        )
        self._child.delaybeforesend = None
        # The quotes keep an echo of this line, should there be one, from looking like a prompt.
        self._type(
            f"unset PROMPT_COMMAND; HISTFILE= PS0= ROUND=0 PS1='@@''{mark}:$?:$ROUND;' PS2='@@''{mark}+'"
        )
        self._await_prompt(time.monotonic() + 30)
        self.lines.clear()

    def type_command(self, lines: Sequence[str], limit: float, goes_on: bool) -> None:
        """Type the lines of a block, each when the shell is ready for it.

        `goes_on`: the last line starts a program that is not awaited. Raises TerminalError when a command
        before the last fails, or one does not end.
        """
        deadline = time.monotonic() + limit
        self.lines.clear()
        for number, line in enumerate(lines):
            last = number == len(lines) - 1
            self._type(line)
            if goes_on and last:
                return
            complete = self._await_prompt(deadline)
            if last and not complete:
                self._child.send(KEYS["Ctrl-C"])
                self._await_prompt(deadline)
                raise TerminalError(f"the command is not complete: {line}")
            if self.status and not last:
                raise TerminalError(f"exit status {self.status} of: {line}")

    def type_input(self, line: str) -> None:
        """Type into the program that runs."""
        self._alive()
        self._child.sendline(line)

    def press(self, key: str, limit: float) -> None:
        """Press a key that ends the program, and see that it ends."""
        self._alive()
        deadline = time.monotonic() + limit
        this = self._rounds[-1]
        self._rounds.clear()
        self._child.send(key)
        self._await_prompt(deadline)
        status = self.status
        self._settle(deadline)
        self.status = status
        if self._rounds.count(this) > 1:
            raise TerminalError("the program had ended by itself")

    def see(self, expected: Sequence[str], limit: float, any_order: bool = False) -> None:
        """Wait until the program has shown what is expected; of one that ended, compare all it said."""
        deadline = time.monotonic() + limit
        while True:
            used = seen(expected, self.lines, self.status is not None, any_order)
            if used is not None:
                del self.lines[:used]
                return
            absent = f"not seen: {missing(expected, self.lines, any_order)}"
            if self.status is not None:
                raise TerminalError(absent)
            if time.monotonic() >= deadline:
                raise TerminalError(f"{absent} (waited {limit:g} s)")
            self._read(deadline)

    def tail(self) -> list[str]:
        """The last of what was said and not yet looked at."""
        return [*self.lines, *cleaned(self._raw)][-TAIL:]

    def close(self) -> None:
        """Hang up: what runs there ends."""
        self._child.close(force=True)

    def _alive(self) -> None:
        if self.status is None:
            self._read(time.monotonic())
        if self.status is not None:
            raise TerminalError(f"the program had ended by itself, with exit status {self.status}")

    def _settle(self, deadline: float) -> None:
        """See all prompts that are on their way.

        A key for a program that ended a moment before goes to the shell, which shows its prompt once more and
        may throw away what was typed meanwhile. So type until the answer is that to the last line.
        """
        wanted = self._rounds[-1]
        while time.monotonic() < deadline:
            wanted += 1
            self._type(f"ROUND={wanted}")
            pause = min(deadline, time.monotonic() + PULSE)
            while time.monotonic() < pause:
                self._read(pause)
                if self._rounds[-1] == wanted:
                    return
        raise TerminalError("the shell does not come back")

    def _type(self, line: str) -> None:
        self.status = None
        self._child.sendline(line)

    def _await_prompt(self, deadline: float) -> bool:
        """Read until bash waits for a command (True) or for more of this one (False)."""
        began = time.monotonic()
        while self.status is None:
            if self._raw.endswith(self._more):
                self._raw = self._raw.removesuffix(self._more)
                return False
            if time.monotonic() >= deadline:
                raise TerminalError(f"did not end within {round(deadline - began, 1):g} s")
            self._read(deadline)
        return True

    def _read(self, deadline: float) -> None:
        """Take what is there, or wait a moment for it."""
        self._tick()
        try:
            wait = max(0.0, min(PULSE, deadline - time.monotonic()))
            self._raw += self._child.read_nonblocking(65536, timeout=wait)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            raise TerminalError("the shell ended: " + " / ".join(self.tail()[-3:])) from None
        if prompts := list(self._prompt.finditer(self._raw)):
            self.lines += cleaned(self._prompt.sub("", self._raw[: prompts[-1].end()]))
            self._raw = self._raw[prompts[-1].end() :]
            self._rounds += [int(prompt[2]) for prompt in prompts]
            self.status = int(prompts[-1][1])
            return
        whole, newline, rest = self._raw.rpartition("\n")
        if newline:
            self.lines += cleaned(whole)
            self._raw = rest
