"""What is not taken back by itself: another version, other directories."""

from __future__ import annotations

from typing import Any

import pytest
from irreversible import irreversible

PATH = "/etc/kafka/server-1.properties"
SERVICE = {
    "data": {"stores": [{"name": "logs"}, {"name": "log.dirs of 1", "configured": PATH, "key": "log.dirs"}]}
}


def diff(*lines: str) -> dict[str, Any]:
    head = (f"--- {PATH}", f"+++ {PATH}", "@@ -1,2 +1,2 @@")
    return {"kafka": {"diffs": {PATH: "\n".join([*head, *lines])}}}


@pytest.mark.parametrize(
    ("found", "restart", "expected"),
    [
        (diff("-num.io.threads=8", "+num.io.threads=0"), {"kafka@1": [PATH]}, []),
        # A line that stands beside it, and another key with these letters.
        (diff(" log.dirs=/a", "+my.log.dirs=/b", "+log.dirs.max=1"), {"kafka@1": [PATH]}, []),
        (diff("-log.dirs=/a", "+log.dirs=/a,/b"), {"kafka@1": [PATH]}, [f"{PATH} has another log.dirs"]),
        (diff("+log.dirs=/b"), {"kafka@1": [PATH]}, [f"{PATH} has another log.dirs"]),
        (
            diff("+  <property><name>log.dirs</name><value>/b</value></property>"),
            {"kafka@1": [PATH]},
            [f"{PATH} has another log.dirs"],
        ),
        (
            {},
            {"kafka@1": ["/opt/kafka/.artifact", PATH], "kafka@2": ["asked for"]},
            ["kafka@1 also runs with another /opt/kafka/.artifact"],
        ),
        # What another service writes, and a machine that said nothing.
        ({"hadoop": {}}, {"kafka@1": ["/etc/hadoop/core-site.xml"]}, []),
    ],
)
def test_it_stays_where_data_may_have_been_altered(
    found: dict[str, Any], restart: dict[str, list[str]], expected: list[str]
) -> None:
    assert irreversible(found, SERVICE, restart) == expected


def test_a_service_without_data_has_nothing_that_lasts() -> None:
    assert irreversible(diff("+log.dirs=/b"), {}, {"yarn-nodemanager": [PATH]}) == []
