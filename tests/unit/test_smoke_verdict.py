"""Smoke's verdicts, with planted failures: each must be seen, and named."""

from __future__ import annotations

from typing import Any

import pytest

from smoke import records
from smoke.verdict import (
    Finding,
    acknowledgement,
    compare,
    delivery,
    exactly_once,
    first,
    replication,
    same_bytes,
    word_counts,
)

SENT = {number: records.encode("run", number) for number in range(5)}
ACKED = {number: (number % 3, number) for number in SENT}
READ = list(SENT.items())


def test_records_can_be_made_again_from_run_and_id() -> None:
    assert records.encode("run", 7) == records.encode("run", 7)
    assert records.sentence("run", 7) != records.sentence("other", 7)
    assert records.encode("run", 7) == b"7\t" + records.sentence("run", 7).encode()
    assert set(records.sentence("run", 7).split(" ")) <= set(records.WORDS)
    assert len(set(records.WORDS)) == len(records.WORDS)


def test_words_and_checksum_are_those_counted_by_hand() -> None:
    assert records.count_words(["mill race", "race"]) == {"mill": 1, "race": 2}
    assert records.checksum(["123456789", "123456789"]) == 2 * 0xCBF43926  # CRC-32's check value
    assert records.checksum(["a", "b"]) == records.checksum(["b", "a"])


def test_all_delivered() -> None:
    finding = delivery(SENT, ACKED, READ)
    assert finding == Finding("5 sent, 5 acknowledged, 5 read: 0 missing, 0 duplicate, 0 corrupt")
    assert finding.ok


def test_missing_is_acked_minus_consumed() -> None:
    seen = compare(SENT, ACKED, [*READ[:2], READ[2], READ[2], (3, b"?"), (9, b"?")])
    assert (set(seen.missing), set(seen.duplicates), set(seen.corrupt)) == ({4}, {2}, {3, 9})


@pytest.mark.parametrize(
    ("on_broker", "where"),
    [
        (None, ""),
        ({0, 1, 3, 4}, ": lost on the broker"),
        (set(SENT), ": on the broker, not read by the group"),
    ],
)
def test_a_lost_record_is_named_and_placed(on_broker: set[int] | None, where: str) -> None:
    finding = delivery(SENT, ACKED, [record for record in READ if record[0] != 2], on_broker)
    assert finding.facts == "5 sent, 5 acknowledged, 4 read: 1 missing, 0 duplicate, 0 corrupt"
    assert finding.evidence == (
        "acknowledged, not read: 2",
        f"  2 was acknowledged at partition 2 offset 2{where}",
    )


@pytest.mark.parametrize(
    ("consumed", "evidence"),
    [
        ([*READ, READ[3]], "read more than once: 3"),
        ([*READ[:4], (4, b"4\tother")], "not what was sent: 4"),
        ([*READ, (99, b"stranger")], "not what was sent: 99"),
        ([*READ, (-1, b"")], "not what was sent: -1"),
    ],
)
def test_a_duplicate_or_corrupt_record_is_named(consumed: list[tuple[int, bytes]], evidence: str) -> None:
    assert delivery(SENT, ACKED, consumed).evidence == (evidence,)


def test_a_record_that_is_not_acknowledged_is_named_with_the_reason() -> None:
    refused = {1: "NotEnoughReplicasError", 3: "NotEnoughReplicasError"}
    finding = acknowledgement(SENT, {0: (0, 0), 2: (0, 1)}, refused)
    assert finding.facts == "5 sent, 2 acknowledged"
    assert finding.evidence == (
        "not acknowledged: 1, 3, 4",
        "  2 times: NotEnoughReplicasError",
        "  1 times: no answer",
    )
    assert acknowledgement(SENT, ACKED, {}).ok


def test_nothing_read_of_everything_acknowledged() -> None:
    assert not delivery(SENT, ACKED, []).ok


def test_only_the_first_twenty_are_named() -> None:
    assert first(range(25, 0, -1)) == ", ".join(map(str, range(1, 21))) + " and 5 more"
    assert first([]) == ""
    sent = dict.fromkeys(range(30), b"x")
    finding = delivery(sent, {number: (0, number) for number in sent}, [])
    assert finding.evidence[0].endswith("19 and 10 more")
    assert len(finding.evidence) == 21


@pytest.mark.parametrize(
    ("got", "evidence"),
    [
        ({"mill": 2, "race": 1}, ()),
        ({"mill": 1, "race": 1}, ("mill: counted 1, expected 2",)),
        ({"mill": 2}, ("race: counted 0, expected 1",)),
        ({"mill": 2, "race": 1, "moon": 1}, ("moon: counted 1, expected 0",)),
        ({}, ("mill: counted 0, expected 2", "race: counted 0, expected 1")),
    ],
)
def test_words_are_compared_one_by_one(got: dict[str, int], evidence: tuple[str, ...]) -> None:
    assert word_counts({"mill": 2, "race": 1}, got).evidence == evidence


def test_no_words_at_all_prove_nothing() -> None:
    assert not word_counts({}, {}).ok


GOOD: dict[str, Any] = {"count": 3, "distinct": 3, "first": 0, "last": 2, "crc32": 42}


def test_exactly_once() -> None:
    assert exactly_once(3, 42, GOOD) == Finding("3 rows, 3 distinct ids, 3 sent")


@pytest.mark.parametrize(
    ("wrong", "evidence"),
    [
        ({"count": 4, "duplicates": [1]}, ("count: 4, expected 3", "duplicates: 1")),
        (
            {"count": 2, "distinct": 2, "missing": [1]},
            ("count: 2, expected 3", "distinct: 2, expected 3", "missing: 1"),
        ),
        (
            {"distinct": 2, "duplicates": [0], "missing": [1]},
            ("distinct: 2, expected 3", "missing: 1", "duplicates: 0"),
        ),
        ({"first": 1, "last": 3}, ("first: 1, expected 0", "last: 3, expected 2")),
        ({"crc32": 41}, ("crc32: 41, expected 42",)),
        ({"first": None, "last": None, "crc32": None, "count": 0, "distinct": 0}, None),
    ],
)
def test_not_exactly_once(wrong: dict[str, Any], evidence: tuple[str, ...] | None) -> None:
    finding = exactly_once(3, 42, GOOD | wrong)
    assert not finding.ok
    if evidence is not None:
        assert finding.evidence == evidence


def test_an_empty_answer_or_nothing_sent_is_not_exactly_once() -> None:
    assert not exactly_once(3, 42, {}).ok
    assert not exactly_once(0, 0, {"count": 0, "distinct": 0, "first": 0, "last": -1, "crc32": 0}).ok


@pytest.mark.parametrize(
    ("blocks", "factor", "evidence"),
    [
        ([["a", "b"], ["b", "c"]], 2, ()),
        ([["a", "b"], ["b"]], 2, ("block 1 is on 1 DataNodes (b), expected 2",)),
        ([["a", "a"]], 2, ("block 0 is on 1 DataNodes (a, a), expected 2",)),
        ([[]], 2, ("block 0 is on 0 DataNodes (none), expected 2",)),
        ([["a", "b"]], 3, ("replication factor 3, expected 2",)),
        ([["a", "b"]], None, ("replication factor None, expected 2",)),
        ([], 2, ("the file has no blocks",)),
    ],
)
def test_replication(blocks: list[list[str]], factor: int | None, evidence: tuple[str, ...]) -> None:
    assert replication(blocks, factor, 2).evidence == evidence


def test_bytes_are_the_same() -> None:
    assert same_bytes("abc", "abc", 1 << 20) == Finding("1.0 MiB written and read, SHA-256 abc")
    assert same_bytes("abc", "abd", 1).evidence == ("SHA-256 read abd, written abc",)
