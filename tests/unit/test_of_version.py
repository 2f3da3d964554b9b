"""The settings that a version knows."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from of_version import FilterModule, of_version

SINCE = {
    "listeners": "0.9",
    "transaction.state.log.min.isr": "0.11",
    "share.coordinator.state.topic.min.isr": "4.0",
}
ALL = dict.fromkeys(["num.partitions", *SINCE], 1)


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("0.8.2.1", 1),
        ("0.9.0.1", 2),
        ("0.10.2.2", 2),
        ("0.11.0.0", 3),
        ("3.9.2", 3),
        ("4.0", 4),
        ("4.3.0", 4),
    ],
)
def test_later_settings_are_left_out(version: str, known: int) -> None:
    assert list(of_version(ALL, version, SINCE)) == list(ALL)[:known]


def test_a_version_without_quotes_is_refused() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        of_version(ALL, "0.9", {"listeners": 0.10})  # type: ignore[dict-item]
    assert refused.value.message == "of_version: the version 0.1 of listeners must be text: put it in quotes"


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"of_version": of_version}
