"""The machines on which the plan of a run has something to do, for the hosts of plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: planned
author: Millrace
short_description: the machines on which the plan of this run has something to do
description:
  - For C(hosts) of plays. Without a plan, and for a check, there are none.
options:
  _input:
    description: hostvars
    type: dict
    required: true
  verb:
    description: install, of all services together; deploy, roll or follow, of one, in the order of the plan
    type: str
    required: true
  service:
    description: name of the service
    type: str
    default: ""
"""

EXAMPLES = r"""
hosts: "{{ hostvars | default({}) | planned('roll', 'kafka') }}"
"""

RETURN = r"""
_value:
  description: names of hosts
  type: list
  elements: str
"""


def planned(hostvars: Mapping[str, Any], verb: str, service: str = "") -> list[str]:
    """The machines on which the plan of this run has something to do; none without a plan, or for a check.

    verb: install, of all services together; deploy, roll or follow, of one. The order of a roll is the plan's
    """
    for host in hostvars:
        plan = hostvars[host].get("__common_plan")
        if plan is not None:
            machines = plan["services"].get(service, {}).get(verb, []) if service else plan[verb]
            return [] if plan["check"] else list(machines)
    return []


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"planned": planned}
