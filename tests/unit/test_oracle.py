"""The oracles of live tests see what they are there for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from smoke.cluster import Cluster
from tests.oracle import Verdict, _Working, longest_gap, missing


@pytest.mark.parametrize(
    ("acknowledged", "read", "lost", "duplicated"),
    [
        ([], [], [], []),
        ([1, 2], [2, 1], [], []),
        ([1, 2, 3], [1, 3], [2], []),
        ([1], [1, 1, 2, 2], [], [1, 2]),
        # What was refused may be there.
        ([1], [1, 5], [], []),
    ],
)
def test_what_is_missing_and_what_is_there_twice(
    acknowledged: list[int], read: list[int], lost: list[int], duplicated: list[int]
) -> None:
    assert missing(acknowledged, read) == (lost, duplicated)


@pytest.mark.parametrize(("times", "gap"), [([], 0), ([3.0], 0), ([1.0, 4.0, 2.0, 9.0], 5)])
def test_the_longest_gap(times: list[float], gap: float) -> None:
    assert longest_gap(times) == gap


@pytest.mark.parametrize(
    ("verdict", "ok"),
    [
        (Verdict("x", 5), True),
        (Verdict("x", 0), False),
        (Verdict("x", 5, lost=[1]), False),
        (Verdict("x", 5, duplicated=[1]), False),
        (Verdict("x", 5, faults=["the session was lost"]), False),
    ],
)
def test_when_nothing_is_wrong(verdict: Verdict, ok: bool) -> None:
    assert verdict.ok == ok


class Numbers(_Working):
    """Stands for a service that keeps what it acknowledged, but for some."""

    def __init__(self, loses: int = -1, fails: int = -1) -> None:
        super().__init__(cast("Cluster", None))
        self.loses, self.fails = loses, fails
        self.removed = False

    def work(self) -> None:
        for number in range(9):
            if number == self.fails:
                raise OSError("broken")
            self.acknowledged[number] = float(number)
        self._stop.wait(10)

    def read(self) -> list[Any]:
        return [number for number in self.acknowledged if number != self.loses]

    def remove(self) -> None:
        self.removed = True


def test_a_lost_one_is_named() -> None:
    with Numbers() as whole, Numbers(loses=4) as losing, Numbers(fails=6) as failing:
        verdicts = [each.finish() for each in (whole, losing, failing)]
    assert [verdict.ok for verdict in verdicts] == [True, False, False]
    assert verdicts[1].lost == [4]
    assert verdicts[2].faults == ["OSError: broken"]
    assert str(verdicts[0]) == "Numbers: 9 acknowledged, 0 lost, 0 duplicated, longest stall 1.00 s"
    assert whole.removed
