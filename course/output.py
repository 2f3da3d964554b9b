"""What the guide shows against what a terminal showed: pure functions.

A line `...` stands for any lines, also none; <number> for digits, <word> for anything without a blank,
<text> for anything. Blanks in a row count as one; blank lines, colours and what bash says of background jobs
are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ANY = "..."
PLACEHOLDERS = {"<number>": r"\d+", "<word>": r"\S+", "<text>": r".*"}

_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
_JOB = re.compile(r"\[\d+\][-+]? (\d+|(Done|Exit|Hangup|Interrupt|Killed|Running|Stopped|Terminated)\b.*)")
_PLACEHOLDER = re.compile(f"({'|'.join(PLACEHOLDERS)})")


def cleaned(text: str) -> list[str]:
    """The lines to compare; of a line that was written over with carriage returns, the last text."""
    lines = (_ESCAPE.sub("", line).rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    plain = (" ".join(line.split()) for line in lines)
    return [line for line in plain if line and not _JOB.fullmatch(line)]


def seen(expected: Sequence[str], lines: Sequence[str], ended: bool, any_order: bool = False) -> int | None:
    """How many of `lines` are used up when they show what is expected; None when they do not.

    `ended`: no more lines come, so all must be used up. Else the first lines that fit are.
    """
    wanted = [" ".join(line.split()) for line in expected if line.strip()]
    if any_order:
        return _any_order(wanted, lines, ended)
    pattern = "".join(r"(?:.*\n)*?" if line == ANY else _pattern(line) + r"\n" for line in wanted)
    text = "".join(line + "\n" for line in lines)
    found = re.compile(pattern + (r"\Z" if ended else "")).match(text)
    return text.count("\n", 0, found.end()) if found else None


def missing(expected: Sequence[str], lines: Sequence[str], any_order: bool = False) -> str:
    """The first expected line that was not seen in its place, or what came after the last."""
    wanted = [line for line in expected if line.strip()]
    if any_order:
        absent = [line for line in _ordered(wanted) if _any_order([line, ANY], lines, True) is None]
        return absent[0] if absent else "another number of lines, or others"
    for number in range(1, len(wanted) + 1):
        if seen(wanted[:number], lines, ended=False) is None:
            return wanted[number - 1]
    return "nothing more after the last line"


def _pattern(line: str) -> str:
    return "".join(PLACEHOLDERS.get(part) or re.escape(part) for part in _PLACEHOLDER.split(line))


def _ordered(wanted: Sequence[str]) -> list[str]:
    # The strictest choose first.
    return sorted((line for line in wanted if line != ANY), key=lambda line: len(_PLACEHOLDER.findall(line)))


def _any_order(wanted: Sequence[str], lines: Sequence[str], ended: bool) -> int | None:
    left = list(enumerate(lines))
    last = 0
    for line in _ordered(wanted):
        pattern = re.compile(_pattern(line))
        taken = next(((at, text) for at, text in left if pattern.fullmatch(text)), None)
        if taken is None:
            return None
        left.remove(taken)
        last = max(last, taken[0] + 1)
    if ANY not in wanted and [text for at, text in left if ended or at < last]:
        return None
    return len(lines) if ended else last
