"""The machines on which the plan of a run has something to do, for the hosts of plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: planned
author: Millrace
short_description: the machines on which the plan of this run has something to do
description:
  - For C(hosts) and C(serial) of plays. Without a plan, and for a check, there are none.
options:
  _input:
    description: hostvars
    type: dict
    required: true
  verb:
    description:
      - install, of all services together; deploy, leave, roll or follow, of one, in the order of the plan;
        machines, of one all that have something to do;
        serial, how many machines are in each batch of the roll
    type: str
    required: true
  service:
    description: name of the service
    type: str
    default: ""
"""

EXAMPLES = r"""
hosts: "{{ hostvars | default({}) | planned('roll', 'hdfs') }}"
serial: "{{ hostvars | default({}) | planned('serial', 'hdfs') }}"
"""

RETURN = r"""
_value:
  description: names of hosts; of serial, numbers
  type: list
  elements: raw
"""


def planned(hostvars: Mapping[str, Any], verb: str, service: str = "") -> list[Any]:
    """The machines on which the plan of this run has something to do; none without a plan, or for a check.

    verb: install, of all services together; deploy, leave, roll or follow, of one. The order is the plan's;
        serial is how many machines are in each batch of the roll
    """
    for host in hostvars:
        plan = hostvars[host].get("__common_plan")
        if plan is None:
            continue
        if plan["check"] or (service and service not in plan["services"]):
            return []
        planned_for = plan["services"][service] if service else plan
        if verb == "serial":
            return [len(batch) for batch in planned_for["batches"]]
        return list(planned_for[verb])
    return []


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"planned": planned}
