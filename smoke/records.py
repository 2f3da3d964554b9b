"""The records of a run: identified, each with a small sentence that anybody can make again from its id."""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from collections.abc import Iterable

WORDS = re.findall(
    r"\w+",
    "alder bank barley beam bell bridge cog fall flood flour gate grain heron hopper level lock meal mill"
    " miller oat otter path pond race reed rye sack shaft sluice spring stone stream trout water weir wheat"
    " wheel willow",
)


def sentence(run: str, number: int) -> str:
    """The text of record `number` of this run: four to eight words."""
    chance = random.Random(f"{run} {number}")  # noqa: S311 (the same again from the same id)
    return " ".join(chance.choices(WORDS, k=chance.randint(4, 8)))


def encode(run: str, number: int) -> bytes:
    """The value of the record: id, tab, text."""
    return f"{number}\t{sentence(run, number)}".encode()


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word is in the texts."""
    return Counter(word for text in texts for word in text.split(" "))


def checksum(texts: Iterable[str]) -> int:
    """Sum of the texts' CRC-32, which does not depend on their order."""
    return sum(zlib.crc32(text.encode()) for text in texts)
