"""Pass or fail, decided by pure functions on what was sent and what was found.

Each returns a sentence with the facts, and the evidence: empty when all is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 20
"""How many ids or words are named."""


@dataclass(frozen=True)
class Finding:
    """What a check found, in a sentence; and why that is wrong, if it is."""

    facts: str
    evidence: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.evidence


def first(items: Iterable[Any]) -> str:
    """The first of them in order, and how many more there are."""
    ordered = sorted(items)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(map(str, ordered[:SHOWN])) + more


@dataclass(frozen=True)
class Delivery:
    """Ids of records by what happened to them."""

    missing: frozenset[int]
    duplicates: frozenset[int]
    corrupt: frozenset[int]
    """Read with another value than was sent, or never sent."""


def compare(
    sent: Mapping[int, bytes], acked: Collection[int], consumed: Sequence[tuple[int, bytes]]
) -> Delivery:
    """Say what is missing (acked - consumed), and what was read twice or is not what was sent."""
    times = Counter(number for number, _ in consumed)
    return Delivery(
        missing=frozenset(acked) - frozenset(times),
        duplicates=frozenset(number for number, count in times.items() if count > 1),
        corrupt=frozenset(number for number, value in consumed if sent.get(number) != value),
    )


def acknowledgement(sent: Collection[int], acked: Collection[int], refused: Mapping[int, str]) -> Finding:
    """Every record sent was acknowledged; `refused`: id -> why not, where known."""
    lacking = set(sent) - set(acked)
    reasons = Counter(refused.get(number, "no answer") for number in lacking)
    evidence = [f"not acknowledged: {first(lacking)}"] if lacking else []
    evidence += [f"  {count} times: {reason}" for reason, count in reasons.most_common(3)]
    return Finding(f"{len(sent)} sent, {len(acked)} acknowledged", tuple(evidence))


def delivery(
    sent: Mapping[int, bytes],
    acked: Mapping[int, tuple[int, int]],
    consumed: Sequence[tuple[int, bytes]],
    on_broker: Collection[int] | None = None,
) -> Finding:
    """Every record acknowledged was read exactly once, as it was sent.

    `on_broker`: the ids that the brokers still hold, where that was looked up; it tells a record lost by the
    broker from one that the group did not read.
    """
    seen = compare(sent, acked, consumed)
    evidence = []
    if seen.missing:
        evidence.append(f"acknowledged, not read: {first(seen.missing)}")
        for number in sorted(seen.missing)[:SHOWN]:
            partition, offset = acked[number]
            place = f"partition {partition} offset {offset}"
            evidence.append(f"  {number} was acknowledged at {place}{_where(number, on_broker)}")
    if seen.duplicates:
        evidence.append(f"read more than once: {first(seen.duplicates)}")
    if seen.corrupt:
        evidence.append(f"not what was sent: {first(seen.corrupt)}")
    facts = (
        f"{len(sent)} sent, {len(acked)} acknowledged, {len(consumed)} read: {len(seen.missing)} missing, "
        f"{len(seen.duplicates)} duplicate, {len(seen.corrupt)} corrupt"
    )
    return Finding(facts, tuple(evidence))


def _where(number: int, on_broker: Collection[int] | None) -> str:
    if on_broker is None:
        return ""
    return ": on the broker, not read by the group" if number in on_broker else ": lost on the broker"


def word_counts(expected: Mapping[str, int], got: Mapping[str, int]) -> Finding:
    """Word for word the same counts."""
    wrong = [
        f"{word}: counted {got.get(word, 0)}, expected {expected.get(word, 0)}"
        for word in sorted({*expected, *got})
        if got.get(word, 0) != expected.get(word, 0)
    ]
    facts = f"{sum(got.values())} words, {len(got)} distinct: {len(wrong)} differ from the local count"
    if not expected:
        wrong.append("nothing was expected: no words were sent")
    more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return Finding(facts, tuple(wrong[:SHOWN] + more))


def exactly_once(sent: int, crc32: int, found: Mapping[str, Any]) -> Finding:
    """Each of the records 0 to sent - 1 is there once, with its text.

    `found`: count, distinct, first and last of the ids, crc32 (the sum over the texts). As many distinct ids
    as records, all between the first and the last id that were sent: they are the ids sent.
    """
    expected = {"count": sent, "distinct": sent, "first": 0, "last": sent - 1, "crc32": crc32}
    evidence = [f"{k}: {found.get(k)}, expected {v}" for k, v in expected.items() if found.get(k) != v]
    if sent < 1:
        evidence.append("nothing was sent")
    evidence += [f"{k}: {first(found[k])}" for k in ("missing", "duplicates") if found.get(k)]
    return Finding(
        f"{found.get('count')} rows, {found.get('distinct')} distinct ids, {sent} sent", tuple(evidence)
    )


def replication(blocks: Sequence[Collection[str]], status: int | None, expected: int) -> Finding:
    """The file has blocks, its replication factor is `expected`, and as many hosts hold each block."""
    evidence = [] if status == expected else [f"replication factor {status}, expected {expected}"]
    evidence += [
        f"block {i} is on {len(set(hosts))} DataNodes ({', '.join(hosts) or 'none'}), expected {expected}"
        for i, hosts in enumerate(blocks)
        if len(set(hosts)) != expected
    ]
    if not blocks:
        evidence.append("the file has no blocks")
    return Finding(f"{len(blocks)} blocks on {expected} DataNodes each", tuple(evidence))


def same_bytes(written: str, read: str, size: int) -> Finding:
    """The SHA-256 of what was written and of what was read are the same."""
    evidence = () if written == read else (f"SHA-256 read {read}, written {written}",)
    return Finding(f"{size / (1 << 20):.1f} MiB written and read, SHA-256 {read[:12]}", evidence)
