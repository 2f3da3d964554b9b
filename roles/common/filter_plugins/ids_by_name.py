"""The ids of a service's members, which outlive a change of the list that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: ids_by_name
author: Millrace
short_description: the id of each host of a service
description:
  - What the inventory gives the host in a variable; where it gives none, the place of the host in the list.
options:
  _input:
    description: the hosts
    type: list
    elements: str
    required: true
  hostvars:
    description: hostvars
    type: dict
    required: true
  variable:
    description: name of the variable
    type: str
    required: true
  prefix:
    description: what stands before a place; ids without are numbers
    type: str
    default: ""
"""

EXAMPLES = r"""
ids: "{{ ['a', 'b'] | ids_by_name(hostvars, 'hdfs_namenode_id', 'nn') }}"
# -> {a: nn1, b: nn2}
"""

RETURN = r"""
_value:
  description: by host its id, in the order of the list
  type: dict
"""


def ids_by_name(
    hosts: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]], variable: str, prefix: str = ""
) -> dict[str, Any]:
    """By host its id: what the inventory gives it, else its place.

    >>> ids_by_name(["a", "b"], {"a": {}, "b": {"zookeeper_id": "7"}}, "zookeeper_id")
    {'a': 1, 'b': 7}
    """
    ids: dict[str, Any] = {}
    for place, host in enumerate(hosts, 1):
        given = hostvars[host].get(variable) if host in hostvars else None
        if prefix:
            ids[host] = str(given or f"{prefix}{place}")
        else:
            ids[host] = int(str(given or place))
    return ids


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"ids_by_name": ids_by_name}
