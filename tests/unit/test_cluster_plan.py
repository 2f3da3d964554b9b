"""What the plan's action plugin gives to a service's rule, beside what the machines answer."""

from __future__ import annotations

from typing import Any

import pytest

from roles.common.action_plugins import cluster_plan

ZOO_CFG = "/etc/zookeeper/zoo.cfg"


@pytest.mark.parametrize(
    ("files", "reasons", "unread"),
    [
        ([], {"zookeeper": [ZOO_CFG]}, [ZOO_CFG]),
        # It is yet to be written: what runs has read what lies there.
        ([ZOO_CFG], {"zookeeper": [ZOO_CFG]}, []),
        ([], {"zookeeper": ["/opt/java/bin/java"]}, []),
        ([], {"zookeeper": ["no record"]}, []),
        ([], {}, []),
    ],
)
def test_settings_that_lie_there_and_that_what_runs_has_not_read(
    files: list[str], reasons: dict[str, list[str]], unread: list[str]
) -> None:
    said: dict[str, Any] = {"files": files, "data": {"settings": {ZOO_CFG: {"dataDir": "/d"}}}}
    assert cluster_plan._unread(said | {"units": {"reasons": reasons}}) == unread
    # Its units could not be asked, which is refused.
    assert cluster_plan._unread(said) == []
