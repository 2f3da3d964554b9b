"""Units of Hadoop daemons from a table of what tells them apart."""

from __future__ import annotations

from typing import Any


def to_hadoop_units(daemons: dict[str, dict[str, Any]], common: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The unit of each daemon, in the form that to_unit_files takes.

    daemons: {"hdfs-namenode": {"command": "hdfs namenode", "user": "hdfs", "heap": "1g", "writes": "/a /b"}}
        writes may be missing; reads may name more files than the common ones; needs is a file without which
        it does not start (the image of a NameNode).
    common: {"group": str, "environment": dict, "reads": list of paths, "java_options": list}

    The JVM options go into the variable that upstream's launchers read: HDFS_NAMENODE_OPTS for
    ``hdfs namenode``.
    """
    units = {}
    for name, daemon in daemons.items():
        variable = daemon["command"].replace(" ", "_").upper() + "_OPTS"
        options = " ".join([f"-Xmx{daemon['heap']}", *common["java_options"]])
        units[name] = {
            "reads": common["reads"] + daemon.get("reads", []),
            "Unit": {
                "Description": f"Hadoop {daemon['command']}",
                "ConditionPathExists": daemon.get("needs"),
            },
            "Service": {
                "User": daemon["user"],
                "Group": common["group"],
                "RuntimeDirectory": name,
                "ReadWritePaths": daemon.get("writes"),
                "Environment": common["environment"] | {variable: options},
                "ExecStart": f"/opt/hadoop/bin/{daemon['command']}",
            },
        }
    return units


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_hadoop_units": to_hadoop_units}
