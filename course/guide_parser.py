"""The lab guide as blocks: what is typed, where, and what must be seen.

docs/course/README.md tells the form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course import CourseError

TERMINAL = re.compile(r"(?P<place>host|master|slave1|slave2)(-\d+)?")
"""Where a block is typed: the host, or a machine; a number behind it is one more terminal there."""
SHOWN = ("java", "mermaid", "properties", "xml")
"""Languages of blocks that are only read. Any other word is a slip: a command that nobody would run."""
LIMIT = 60.0
"""Seconds until a block must be done, where it says nothing else."""
KEYS = {"Ctrl-C": "\x03", "Ctrl-D": "\x04"}
"""Lines of an input block that are keys."""

_FENCE = re.compile(r"```(?P<info>.*)")
_HEADING = re.compile(r"(?P<level>#+) (?P<text>.*)")
_COMMENT = re.compile(r"<!-- (?P<word>sample|only with): (?P<value>\S+) -->")


class GuideError(CourseError):
    """The guide says something that cannot be run."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    what: str
    """bash (typed into a shell), input (typed into what goes on there), text (seen there) or shown."""
    lines: tuple[str, ...]
    line: int
    """Of its fence, counted from 1."""
    section: str = ""
    number: int = 0
    """Of the section, counted from 1."""
    terminal: str = ""
    flags: frozenset[str] = frozenset()
    limit: float = LIMIT
    sample: str = ""
    """The file of samples/ that it shows."""
    only_with: str = ""
    """The variable of the inventory without which it cannot be run."""

    @property
    def same(self) -> tuple[object, ...]:
        """What must be equal in all languages."""
        read = self.lines if self.what != "shown" or self.sample else ()
        words = (self.terminal, self.flags, self.limit)
        return (self.number, self.what, read, *words, self.sample, self.only_with)


_FLAGS = {"bash": {"again", "fails"}, "input": set[str](), "text": {"any-order"}}


@dataclass
class _Reader:
    """Where the reading is."""

    name: str
    section: str = ""
    number: int = 0
    level: int = 0
    sample: str = ""
    only_with: str = ""
    only_level: int = 0
    blocks: list[Block] = field(default_factory=list)

    def error(self, line: int, text: str) -> GuideError:
        return GuideError(f"{self.name}:{line}: {text}")

    def heading(self, level: int, text: str) -> None:
        self.section, self.number, self.level = text, self.number + 1, level
        if level <= self.only_level:
            self.only_with, self.only_level = "", 0

    def comment(self, word: str, value: str) -> None:
        if word == "sample":
            self.sample = value
        else:
            self.only_with, self.only_level = value, self.level

    def block(self, info: str, lines: tuple[str, ...], line: int) -> None:
        what, *words = info.split() or [""]
        place = (lines, line, self.section, self.number)
        sample, self.sample = self.sample, ""
        if what in SHOWN:
            self.blocks.append(Block("shown", *place, sample=sample, only_with=self.only_with))
            return
        if what not in _FLAGS or sample:
            known = ", ".join((*_FLAGS, *SHOWN))
            raise self.error(line, f"```{info}: " + ("shows no sample" if sample else f"not one of {known}"))
        if not (lines if what == "input" else "".join(lines).strip()):
            raise self.error(line, f"```{info}: the block is empty")
        terminal, flags, limit = "", set(), LIMIT
        for word in words:
            if TERMINAL.fullmatch(word) and not terminal:
                terminal = word
            elif seconds := re.fullmatch(r"limit=(\d+(?:\.\d+)?)", word):
                limit = float(seconds[1])
            elif word in _FLAGS[what]:
                flags.add(word)
            else:
                kind = "an input" if what == "input" else f"a {what}"
                raise self.error(line, f"```{info}: {word} is no terminal and no word of {kind} block")
        if what == "text" and not terminal:
            terminal = self.blocks[-1].terminal if self.blocks else ""
        if not terminal:
            raise self.error(line, f"```{info}: no terminal is named")
        self.blocks.append(Block(what, *place, terminal, frozenset(flags), limit, only_with=self.only_with))


def parse(text: str, name: str) -> list[Block]:
    """All blocks in their order. Raises GuideError naming file and line."""
    reader = _Reader(name)
    fence: tuple[int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fenced = _FENCE.fullmatch(line)
        if fence and line == "```":
            reader.block(fence[1], tuple(inside), fence[0])
            fence, inside = None, []
        elif fence:
            inside.append(line)
        elif fenced:
            fence = (number, fenced["info"])
        elif reader.sample:
            raise reader.error(number, f"the block of sample {reader.sample} must follow its comment")
        elif heading := _HEADING.fullmatch(line):
            reader.heading(len(heading["level"]), heading["text"])
        elif comment := _COMMENT.fullmatch(line):
            reader.comment(comment["word"], comment["value"])
    if fence:
        raise reader.error(fence[0], "the block does not end")
    return reader.blocks


@dataclass(frozen=True)
class Step:
    """One block that is typed and the output shown right after it, or output that is shown later."""

    block: Block
    shows: Block | None = None
    goes_on: bool = False
    """The program is left running, for what an input block types later."""


def steps(blocks: Sequence[Block], name: str) -> list[Step]:
    """What to do, in order. Raises GuideError where that cannot be done.

    A command whose terminal gets an input block next is one that goes on; Ctrl-C or Ctrl-D must end it.
    """
    done: list[Step] = []
    running: set[str] = set()
    live = [block for block in blocks if block.what != "shown"]
    shown = None
    for number, block in enumerate(live):
        here = block.terminal

        def error(text: str, block: Block = block) -> GuideError:
            return GuideError(f"{name}:{block.line}: {block.terminal}: {text}")

        if block is shown:
            continue
        if block.what == "text":
            if here not in running:
                raise error("output is shown, but nothing that was typed there goes on")
            done.append(Step(block))
            continue
        ended = block.what == "input" and block.lines[-1] in KEYS
        if block.what == "input" and here not in running:
            raise error("nothing goes on there that could read this")
        if any(line in KEYS for line in block.lines[:-1]):
            raise error("a key that ends the program must be the last line")
        after = next((b for b in live[number + 1 :] if b.terminal == here and b.what != "text"), None)
        goes_on = after is not None and after.what == "input"
        if block.what == "input" and not ended and not goes_on:
            raise error("Ctrl-C or Ctrl-D must end what goes on")
        goes_on &= not ended
        (running.add if goes_on else running.discard)(here)
        beside = live[number + 1] if number + 1 < len(live) else block
        shown = beside if beside.what == "text" and beside.terminal == here else None
        done.append(Step(block, shown, goes_on))
    return done


def read(path: Path) -> list[Block]:
    """The blocks of a file."""
    return parse(_text(path, str(path)), path.name)


def renew(path: Path, samples: Path) -> None:
    """Write the file again, with every sample's block renewed from its file."""
    lines = _text(path, str(path)).splitlines()
    for block in reversed(read(path)):
        if block.sample:
            lines[block.line : block.line + len(block.lines)] = sample(block, path.name, samples)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def sample(block: Block, name: str, samples: Path) -> list[str]:
    """The lines of the file that the block shows."""
    return _text(samples / block.sample, f"{name}:{block.line}: samples/{block.sample}").splitlines()


def _text(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise GuideError(f"{place}: {error.strerror}") from None


def differences(one: list[Block], other: list[Block]) -> list[str]:
    """Where two languages of the guide part, block by block."""
    found = [
        f"line {here.line} ({here.section}) and line {there.line} ({there.section}) differ"
        for here, there in zip(one, other, strict=False)
        if here.same != there.same
    ]
    if len(one) != len(other):
        found.append(f"{len(one)} blocks and {len(other)} blocks")
    return found
