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


DIFF = """--- /etc/zookeeper/zoo.cfg (mode=0644)
+++ /etc/zookeeper/zoo.cfg
@@ -1,4 +1,5 @@
 # Managed by Millrace
-# a=1
 initLimit=10
-server.2=b:2888:3888
+server.2=c:2888:3888
+tickTime=2000
"""


@pytest.mark.parametrize(
    ("diffs", "reasons", "differs"),
    [
        ({ZOO_CFG: DIFF}, [ZOO_CFG], {ZOO_CFG: ["server.2", "tickTime"]}),
        # It was written already.
        ({}, [ZOO_CFG], {ZOO_CFG: []}),
        ({ZOO_CFG: DIFF, "/etc/a": DIFF}, ["/etc/a"], {"/etc/a": None}),
        ({}, ["no record"], {"no record": None}),
        # Nothing runs that reads it.
        ({ZOO_CFG: DIFF}, [], {}),
    ],
)
def test_what_differs_of_what_runs(
    diffs: dict[str, str], reasons: list[str], differs: dict[str, list[str] | None]
) -> None:
    said: dict[str, Any] = {"diffs": diffs, "data": {"settings": {ZOO_CFG: {"dataDir": "/d"}}}}
    assert cluster_plan._differs(said | {"units": {"reasons": {"zookeeper": reasons}}}) == differs
    # Its units could not be asked, which is refused.
    assert cluster_plan._differs(said) == {}
