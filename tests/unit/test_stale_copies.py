"""A copy that was made while the daemon wrote is not begun with."""

from __future__ import annotations

from typing import Any

import pytest
from stale_copies import stale_copies

DATA = {"current/VERSION": "storageID=DS-1"}
UP = ["hdfs-datanode"]


def store(holds: dict[str, Any], older: dict[str, Any], up: list[str], kept: list[str]) -> dict[str, Any]:
    return {"up": up, "holds": holds, "kept": kept, "older": older}


@pytest.mark.parametrize(
    ("holds", "older", "up", "kept", "stale"),
    [
        ({"/new": DATA}, {"/old": DATA}, UP, [], True),
        # What was copied when it was stopped is whole.
        ({"/new": DATA}, {"/old": DATA}, [], [], False),
        # An empty directory is the business of the service's own rule.
        ({"/new": {}}, {"/old": DATA}, UP, [], False),
        # One of two disks is taken away; the daemon goes on with the other.
        ({"/a": DATA}, {"/old": DATA}, UP, ["/a"], False),
        # Another copy beside the disk that stays.
        ({"/a": DATA, "/new": DATA}, {"/old": DATA}, UP, ["/a"], False),
        # Nothing was moved.
        ({"/a": DATA}, {}, UP, ["/a"], False),
        ({"/a": DATA}, {}, UP, [], False),
    ],
)
def test_a_copy_is_whole_only_when_nobody_wrote(
    holds: dict[str, Any], older: dict[str, Any], up: list[str], kept: list[str], stale: bool
) -> None:
    found = {"a": {"blocks": store(holds, older, up, kept)}}
    assert bool(stale_copies(found)) == stale


def test_the_refusal_says_how_to_copy_again() -> None:
    here = store({"/new": DATA}, {"/old": DATA}, UP, [])
    # Of two stores in one directory it is said once.
    (sentence,) = stale_copies({"a": {"data": here, "log": here}, "b": {"data": store({}, {}, [], [])}})
    assert sentence == (
        "a runs hdfs-datanode on /old, and what lies in /new is a copy that was made before: what has been "
        "written since would be lost. Give the directory back. Or copy it again while nobody writes; on "
        "every host that says so: systemctl stop hdfs-datanode && mv /new /new.before && cp -a /old /new"
    )
