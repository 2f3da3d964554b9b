"""What the daemons of Hadoop on a host add to the value of their service: units and endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any


def hadoop_units(
    daemons: Mapping[str, Mapping[str, Any]],
    host: str,
    restart_on: Sequence[str],
    java_options: Sequence[str],
    overrides: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The entries of units for the daemons of a host.

    daemons: {"hdfs-namenode": {"hosts": [...], "command": "hdfs namenode", "user": "hdfs", "heap": "1g"}},
        and where they have them writes, needs (a file without which it does not start), environment, settings
        (keys of the unit's section Service), restart_on, files that it reads beside those of all, and
        reload_on, those of them that it reads again by a command, reload
    restart_on: files that all of them read
    overrides: sections of drop-ins, by unit
    """
    return [
        {
            "name": name,
            "role": "hadoop",
            "src": "hadoop-daemon.service.j2",
            "vars": {key: daemon[key] for key in daemon if key not in ("hosts", "restart_on", "reload_on")}
            | {"name": name, "java_options": java_options},
            "overrides": overrides.get(name, {}),
            "restart_on": [*restart_on, *daemon.get("restart_on", ())],
        }
        | {key: daemon[key] for key in ("reload_on",) if key in daemon}
        for name, daemon in daemons.items()
        if host in daemon["hosts"]
    ]


def hdfs_client(site: Mapping[str, Any]) -> dict[str, str]:
    """The properties of hdfs-site.xml by which a client finds the NameNodes."""
    wanted = re.compile(r"dfs[.](nameservices|ha[.]namenodes|client[.]|namenode[.]rpc)")
    return {key: str(value) for key, value in site.items() if wanted.match(key)}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {"hadoop_units": hadoop_units, "hdfs_client": hdfs_client}
