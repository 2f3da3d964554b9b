"""What came with which version."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from supported_in import FilterModule, select_for_version, supported_in

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
    assert list(supported_in(ALL, version, SINCE)) == list(ALL)[:known]


def test_a_version_without_quotes_is_refused() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        supported_in(ALL, "0.9", {"listeners": 0.10})  # type: ignore[dict-item]
    assert refused.value.message == "the version 0.1 must be text: put it in quotes"


LOGGING = {"0": "log4j.properties", "4.0": "log4j2.yaml"}


@pytest.mark.parametrize(
    ("version", "entry"),
    [("0.8.2.1", LOGGING["0"]), ("3.9.2", LOGGING["0"]), ("4.0", LOGGING["4.0"]), ("10.1", LOGGING["4.0"])],
)
def test_the_newest_entry_that_is_not_newer(version: str, entry: str) -> None:
    assert select_for_version(LOGGING, version) == entry
    assert select_for_version(dict(reversed(LOGGING.items())), version) == entry


def test_a_version_before_the_table_is_refused() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        select_for_version({"2.7": 50070, "3": 9870}, "1.2.1")
    assert refused.value.message == "select_for_version: 1.2.1 is older than the versions 2.7, 3"


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "supported_in": supported_in,
        "select_for_version": select_for_version,
    }
