"""What is kept of drills, and which are yet to be run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.drills.rows import Row, figures, judge, keep, lacking, latest, page, read, table
from tests.oracle import Verdict

ROW = Row("power", "abc1234", 1, "ok", "kill all", "none runs", 900, 0, 0, 2.5, "Records", 45.0, 9.0)
RIGHT, WRONG, IDLE = Verdict("x", 5, stall=1.234), Verdict("y", 7, lost=[1, 2], stall=0.5), Verdict("z", 0)


def test_rows_are_kept_one_a_drill_commit_and_seed(tmp_path: Path) -> None:
    path = tmp_path / "drills.json"
    assert read(path) == []
    other, later = replace(ROW, commit="def5678"), replace(ROW, result="FAILED")
    for row in (ROW, other, later):
        keep(path, row)
    assert read(path) == [other, later]
    assert [each.name for each in tmp_path.iterdir()] == ["drills.json"]


@pytest.mark.parametrize(
    ("row", "left"),
    [
        (ROW, ["disk"]),
        (replace(ROW, result="FAILED"), ["disk"]),
        (replace(ROW, result="not run"), ["power", "disk"]),
        (replace(ROW, commit="def5678"), ["power", "disk"]),
        (replace(ROW, seed=2), ["power", "disk"]),
    ],
)
def test_a_drill_that_this_commit_has_run_is_not_run_again(row: Row, left: list[str]) -> None:
    assert lacking(["power", "disk"], [row], "abc1234", 1) == left


@pytest.mark.parametrize(
    ("verdicts", "planted", "result"),
    [
        ([RIGHT], False, "ok"),
        ([RIGHT, WRONG], False, "FAILED"),
        ([IDLE], False, "FAILED"),
        ([], False, "FAILED"),
        ([RIGHT, WRONG], True, "caught"),
        ([RIGHT], True, "MISSED"),
    ],
)
def test_a_result(verdicts: list[Verdict], planted: bool, result: str) -> None:
    assert judge(verdicts, planted=planted) == result


def test_a_drill_in_which_no_oracle_can_work_is_right_when_it_raises_nothing() -> None:
    assert judge([], planted=False, unheard=True) == "ok"


def test_figures_are_those_of_all_oracles() -> None:
    both = {"acknowledged": 12, "lost": 2, "duplicated": 0, "stall": 1.23, "stalled": "x"}
    assert figures([RIGHT, WRONG]) == both
    nothing = {"acknowledged": 0, "lost": 0, "duplicated": 0, "stall": 0.0, "stalled": ""}
    assert figures([]) == nothing


def test_the_table() -> None:
    failed = replace(ROW, drill="disk", result="FAILED", said="3 lost\nand more", healed=0.0, seen="")
    lines = table([ROW, failed]).splitlines()
    assert lines[2:] == [
        "| power | ok | kill all; none runs | 900 | 0 | 0 | 2.50 s Records | 45 s (5.0 x 9 s) | abc1234 |",
        "| disk | FAILED: 3 lost | kill all | 900 | 0 | 0 | 2.50 s Records |  | abc1234 |",
    ]
    assert len({line.count("|") for line in lines}) == 1


def test_a_bar_in_what_was_done_is_no_column() -> None:
    *_, line = table([replace(ROW, seen="killed at Kafka | Roll: Await it")]).splitlines()
    assert r"| kill all; killed at Kafka \| Roll: Await it |" in line


def test_the_page_has_the_last_row_of_each_drill_in_their_order() -> None:
    disk, later = replace(ROW, drill="disk", stall=0.0), replace(ROW, commit="def5678", lost=3)
    seeded, not_run = replace(ROW, seed=2), replace(ROW, result="not run", commit="fff0000")
    rows = latest(["disk", "power", "gone"], [ROW, later, seeded, not_run, disk], 1)
    assert rows == [disk, later]
    text = page(["disk", "power", "gone"], rows)
    assert text.startswith("# Drills\n")
    assert text.index("| disk |") < text.index("| power |")
    assert "abc1234" in text
    assert "| 3 |" in text


def test_the_page_keeps_the_lines_of_drills_that_have_no_row_here() -> None:
    drills = ["disk", "power"]
    before = page(drills, [replace(ROW, drill="disk"), ROW, replace(ROW, drill="renamed")])
    after = page(drills, [replace(ROW, commit="def5678")], before)
    assert "| disk | ok |" in after
    assert "def5678" in after
    assert "renamed" not in before + after
    assert after.count("\n| power |") == 1
