"""The exercises by their numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

from course import CourseError
from course.exercises import Exercise, broker, full, offset, replication, safe_mode, twice

EXERCISES: dict[int, Exercise] = {
    1: replication,
    2: broker,
    3: offset,
    4: twice,
    5: full,
    6: safe_mode,
}
DOCS = Path(__file__).parents[2] / "docs/course"
LANGUAGES = ("en", "fr")


def number(text: str) -> int:
    """The number of an exercise, for argparse."""
    if not text.isdecimal() or int(text) not in EXERCISES:
        *others, last = map(str, EXERCISES)
        raise argparse.ArgumentTypeError(f"{text!r} is no exercise: choose {', '.join(others)} or {last}")
    return int(text)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What both commands take."""
    parser.add_argument("number", type=number, metavar="N", help=f"1 to {len(EXERCISES)}")
    parser.add_argument("--cluster", type=Path, default=Path("out/course/cluster.json"))


def story(wanted: int, language: str) -> str:
    """What docs/course tells of the exercise: the section whose heading begins with its number."""
    path = DOCS / f"exercises.{language}.md"
    try:
        sections = path.read_text(encoding="utf-8").split("\n## ")
    except OSError as error:
        raise CourseError(f"{path}: {error.strerror}") from None
    for section in sections:
        if section.startswith(f"{wanted}. "):
            return section.strip()
    raise CourseError(f"{path}: no section '## {wanted}. '")
