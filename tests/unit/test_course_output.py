"""What the guide shows against what a terminal showed."""

from __future__ import annotations

import pytest

from course.output import cleaned, missing, seen

COUNTS = ["(hello,2)", "(kafka,1)", "(and,1)"]


@pytest.mark.parametrize(
    ("expected", "lines", "used"),
    [
        (["a", "b"], ["a", "b"], 2),
        (["a", "", "b"], ["a", "b"], 2),
        (["a   b"], ["a b"], 1),
        (["...", "b"], ["a", "b"], 2),
        (["a", "..."], ["a"], 1),
        (["a", "...", "c"], ["a", "b", "b", "c"], 4),
        (["<number> Kafka"], ["2756 Kafka"], 1),
        (["Time: <number> ms"], ["Time: 1520287448000 ms"], 1),
        (["test_<word>-0 <text>"], ["test_hadoop-master-1-0 a b"], 1),
        (["<text>Job done"], ["Job done"], 1),
        (["(a.c)"], ["(a.c)"], 1),
        (["a", "b"], ["a"], None),
        (["a", "b"], ["b", "a"], None),
        (["a"], ["a", "b"], None),
        (["a"], ["a", "a"], None),
        (["b"], ["a", "b"], None),
        (["(a.c)"], ["(abc)"], None),
        (["<number> Kafka"], ["x Kafka"], None),
        (["<number> Kafka"], ["1 Kafka 2"], None),
        (["<word>"], ["a b"], None),
    ],
)
def test_what_an_ended_command_said(expected: list[str], lines: list[str], used: int | None) -> None:
    assert seen(expected, lines, ended=True) == used


def test_of_one_that_goes_on_the_first_lines_that_fit_are_used_up() -> None:
    assert seen(["a"], ["a", "a"], ended=False) == 1
    assert seen(["...", "a", "..."], ["x", "a", "a"], ended=False) == 2
    assert seen(["a", "b"], ["a"], ended=False) is None
    assert seen(["b"], ["a", "b"], ended=False) is None


@pytest.mark.parametrize(
    ("expected", "lines", "used"),
    [
        (["<number> Jps", "<number> Kafka"], ["1 Kafka", "2 Jps"], 2),
        (["<number> Kafka"] * 2, ["1 Kafka", "2 Kafka"], 2),
        (["<text>", "a"], ["a", "b"], 2),
        (["<number> Kafka", "..."], ["1 Kafka", "2 Jps"], 2),
        (["<number> Kafka"] * 3, ["1 Kafka", "2 Kafka"], None),
        (["<number> Kafka"], ["1 Kafka", "2 Kafka"], None),
        (["<number> Kafka"], ["1 Kafka", "2 Jps"], None),
    ],
)
def test_lines_in_any_order(expected: list[str], lines: list[str], used: int | None) -> None:
    assert seen(expected, lines, ended=True, any_order=True) == used


def test_lines_in_any_order_of_one_that_goes_on() -> None:
    assert seen(["a", "b"], ["b", "a", "c"], ended=False, any_order=True) == 2
    assert seen(["a", "b"], ["b", "c", "a"], ended=False, any_order=True) is None
    assert seen(["a", "b", "..."], ["b", "c", "a", "d"], ended=False, any_order=True) == 3


@pytest.mark.parametrize(
    ("lines", "absent"),
    [
        (["(hello,2)", "(and,1)"], "(kafka,1)"),
        (["(hello,2)", "(and,1)", "(kafka,1)"], "(kafka,1)"),
        ([], "(hello,2)"),
        ([*COUNTS, "(,1)"], "nothing more after the last line"),
    ],
)
def test_the_first_line_that_is_missing_is_named(lines: list[str], absent: str) -> None:
    assert missing(COUNTS, lines) == absent


def test_what_is_missing_in_any_order() -> None:
    assert missing(["<number> Kafka", "<number> Jps"], ["1 Jps"], any_order=True) == "<number> Kafka"
    assert (
        missing(["<number> Kafka"] * 3, ["1 Kafka"] * 2, any_order=True)
        == "another number of lines, or others"
    )


def test_only_what_is_read_is_compared() -> None:
    text = "a\r\n\x1b]0;title\x07\x1b[1;32m[INFO]\x1b[0m\x1b]8;;x\x1b\\  done\r\n\r\n1%\r2%\r\n"
    assert cleaned(text) == ["a", "[INFO] done", "2%"]
    jobs = "[1] 4711\n[1]-  Killed      kafka-server-start.sh x > y &\n[2]+ Exit 143    z\n[3]   Done   z\n"
    assert cleaned(jobs + "[0]\n[1, 2]\n[zk: localhost:2181(CONNECTED) 0] ls /\n") == [
        "[0]", "[1, 2]", "[zk: localhost:2181(CONNECTED) 0] ls /",
    ]  # fmt: skip
