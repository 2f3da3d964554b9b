"""Ids that every host derives alike, in the form that Kafka reads."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from to_kafka_uuid import FilterModule, to_kafka_uuid

NAMES = [f"lab {number}" for number in range(2000)]


# An id that changed would make a running cluster refuse its own directories: these never may.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lab", "Owo1iVvdXGObyq8laVB47Q"),
        ("lab 1", "Oqgy7GKVXem6pxwFV8_xUg"),
        ("Größe", "55IxFhNFUJ6WC5l2hDKKxw"),
    ],
)
def test_golden(name: str, expected: str) -> None:
    assert to_kafka_uuid(name) == expected


def test_every_id_is_16_bytes_of_urlsafe_base64_and_no_option() -> None:
    ids = [to_kafka_uuid(name) for name in NAMES]
    assert {len(base64.urlsafe_b64decode(each + "==")) for each in ids} == {16}
    assert {len(each) for each in ids} == {22}
    assert len(set(ids)) == len(NAMES)
    assert not [each for each in ids if each.startswith("-")]


def test_a_name_whose_first_id_has_a_dash_gets_another() -> None:
    # One in 64: without the rule the sample above would be no proof.
    assert to_kafka_uuid("lab 135") == to_kafka_uuid("lab 135'")


@pytest.mark.parametrize("name", ["", None, 1, ["lab"]])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_kafka_uuid(name)
    assert refused.value.message == f"to_kafka_uuid requires a name, got {name!r}"


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_kafka_uuid": to_kafka_uuid}
