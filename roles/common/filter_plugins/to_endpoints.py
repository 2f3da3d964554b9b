"""Where the daemons of a service listen, on all of its machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: to_endpoints
author: Millrace
short_description: the endpoints of a service, one for each machine that has the daemon
description:
  - What the controller's programs ask, and what the preflight looks for ports in that two daemons have.
options:
  _input:
    description: >-
      daemons, each with C(hosts), C(daemon), C(unit), C(port), C(protocol) and C(variable), what gives the
      port in the words of an error
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
endpoints: "{{ daemons | to_endpoints }}"
"""

RETURN = r"""
_value:
  description: the same without hosts, with C(machine), for each host
  type: list
  elements: dict
"""


def to_endpoints(daemons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An endpoint for each host of each daemon.

    daemons: {"hosts": [...], "daemon": "server", "unit": "zookeeper", "port": 2181, "protocol": "zookeeper",
        "variable": "zookeeper_client_port"}
    """
    return [
        {key: value for key, value in daemon.items() if key != "hosts"}
        | {"machine": host, "port": int(daemon["port"])}
        for daemon in daemons
        for host in daemon["hosts"]
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_endpoints": to_endpoints}
