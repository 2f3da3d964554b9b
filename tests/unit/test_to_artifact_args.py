"""The products that the artifacts play builds, as words of the builder's command line."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from to_artifact_args import FilterModule, to_artifact_args


def test_golden() -> None:
    versions = {"zookeeper": "3.4.6", "kafka": ["0.8.2.1", "0.10.2.2"], "spark": ["2.2.1"]}
    assert to_artifact_args(versions) == [
        "zookeeper=3.4.6",
        "kafka=0.8.2.1",
        "kafka=0.10.2.2",
        "spark=2.2.1",
    ]
    assert to_artifact_args({}) == []


@pytest.mark.parametrize("value", [0.1, None, "", [], ["0.8.2.1", 0.1], {"version": "1"}])
def test_what_is_no_version_is_refused(value: object) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_artifact_args({"zookeeper": "3.4.6", "kafka": value})
    assert refused.value.message == (
        f"artifact_versions: kafka is {value!r}: give a version or a list of them, as text in quotes"
    )


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_artifact_args": to_artifact_args}
