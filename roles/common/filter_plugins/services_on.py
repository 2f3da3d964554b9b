"""The services of one machine, as far as the module service_state reads their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: services_on
author: Millrace
short_description: the services of one machine, as far as the module service_state reads their values
description:
  - What only the controller reads of a value (endpoints, memory, what it describes) is left out, so that it
    is not made for each machine.
options:
  _input:
    description: values of services
    type: list
    elements: dict
    required: true
  host:
    description: name of the machine
    type: str
    required: true
"""

EXAMPLES = r"""
- name: plan | Read what differs on each machine
  service_state: {services: "{{ common_services | services_on(inventory_hostname) }}", state: current}
"""

RETURN = r"""
_value:
  description: the same values, in their order, without other machines' services
  type: list
  elements: dict
"""

#: What the action plugin service_state sends to the module, or makes it of.
READ = (
    *("name", "paths", "users", "directories", "artifacts", "links", "commands", "kernel"),
    *("templates", "units"),
)
#: The same of what a value says of data.
DATA = ("stores", "settings", "facts")


def services_on(services: Iterable[Mapping[str, Any]], host: str) -> list[dict[str, Any]]:
    """The values of the services that a machine has.

    services: {"name": "kafka", "hosts": [...], "templates": [...], "units": [...], "data": {"stores": [...]}}
    """
    return [
        _part(service, READ) | ({"data": _part(service["data"], DATA)} if "data" in service else {})
        for service in services
        if host in service["hosts"]
    ]


def _part(value: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    # Only what is asked for is made.
    return {key: value[key] for key in keys if key in value}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"services_on": services_on}
