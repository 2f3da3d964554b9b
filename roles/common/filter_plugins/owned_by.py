"""Directories that a service is given beside the kit's own, such as those on more disks."""

from __future__ import annotations

from collections.abc import Iterable

DOCUMENTATION = r"""
name: owned_by
author: Millrace
short_description: directories of a service value, from paths
description:
  - Each path once, with the same owner, group and mode, but for those that the service value has already.
options:
  _input:
    description: absolute paths
    type: list
    elements: path
    required: true
  owner:
    description: the user
    type: str
    required: true
  group:
    description: the group
    type: str
    required: true
  mode:
    description: octal digits
    type: str
    required: true
  but:
    description: paths that are left out
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
directories: "{{ ['/disk1', '/disk2'] | owned_by('hdfs', 'hadoop', '0700', but=['/disk1']) }}"
# -> [{path: /disk2, owner: hdfs, group: hadoop, mode: "0700"}]
"""

RETURN = r"""
_value:
  description: directories as a service value has them
  type: list
  elements: dict
"""


def owned_by(
    paths: Iterable[str], owner: str, group: str, mode: str, but: Iterable[str] = ()
) -> list[dict[str, str]]:
    """Directories of a service value.

    >>> [each["path"] for each in owned_by(["/a", "/b/", "/a"], "x", "x", "0700", ["/b"])]
    ['/a']
    """
    left_out = {path.rstrip("/") for path in but}
    wanted = dict.fromkeys(path.rstrip("/") for path in paths)
    return [
        {"path": path, "owner": owner, "group": group, "mode": mode}
        for path in wanted
        if path and path not in left_out
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, object]:
        """Name the filter."""
        return {"owned_by": owned_by}
