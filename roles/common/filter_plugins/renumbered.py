"""Members of a service that bear another id than the inventory gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: renumbered
author: Millrace
short_description: why members of a service must not be given the ids that the inventory gives them
description:
  - An id that changes its machine is taken for that of the one before, by all that remember it.
options:
  _input:
    description: by host the settings that lie there, by key; a host that was not asked is missing
    type: dict
    required: true
  variable:
    description: name of the host variable that pins an id
    type: str
    required: true
  wanted:
    description: by host its id
    type: dict
    required: true
  key:
    description: what stands before an id in the keys of settings, whose values are a host, maybe with a port
    type: str
    required: true
"""

EXAMPLES = r"""
refusals: "{{ found | renumbered('hdfs_namenode_id', {'a': 'nn1'}, 'dfs.namenode.rpc-address.lab.') }}"
"""

RETURN = r"""
_value:
  description: refusals, with the lines that pin the ids
  type: list
  elements: str
"""


def renumbered(
    found: Mapping[str, Mapping[str, str]], variable: str, wanted: Mapping[str, str], key: str
) -> list[str]:
    """Why hosts must not be given these ids: they bear others, by the files that any of them has.

    found: by host the settings that lie there, {"dfs.namenode.rpc-address.lab.nn1": "a:8020"}
    variable: of the host, which pins its id; wanted: by host its id
    key: what stands before the id in a key
    """
    borne = {
        value.partition(":")[0]: name.removeprefix(key)
        for settings in found.values()
        for name, value in settings.items()
        if name.startswith(key)
    }
    moved = {host: borne[host] for host in wanted if host in borne and borne[host] != wanted[host]}
    if not moved:
        return []
    now = ", ".join(f"{host} {wanted[host]}" for host in moved)
    lines = "; ".join(f"host_vars/{host}.yml: {variable}: {number}" for host, number in moved.items())
    return [
        (
            f"the inventory now gives {now}, and the machines know them by other ids: who remembers an id "
            f"would take one for the other. An id is the place in the list where {variable} does not pin it. "
            f"Pin what they bear: {lines}"
        )
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"renumbered": renumbered}
