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
      port in the words of an error; C(property) names an address among O(properties) whose port counts
      instead, where it is there
    type: list
    elements: dict
    required: true
  properties:
    description: the final properties of the service
    type: dict
    default: {}
"""

EXAMPLES = r"""
endpoints: "{{ daemons | to_endpoints(hdfs_site) }}"
"""

RETURN = r"""
_value:
  description: the same without hosts and property, with C(machine), for each host
  type: list
  elements: dict
"""


def to_endpoints(
    daemons: Iterable[Mapping[str, Any]], properties: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """An endpoint for each host of each daemon.

    daemons: {"hosts": [...], "daemon": "server", "unit": "zookeeper", "port": 2181, "protocol": "zookeeper",
        "variable": "zookeeper_client_port"}; "property" names the one that moves the port, an address;
        "ids" has the id of each host
    properties: the final ones of the service
    """
    endpoints = []
    for each in daemons:
        # A dict of templates makes a value anew at every look.
        daemon = dict(each)
        hosts, address = daemon.pop("hosts"), (properties or {}).get(daemon.pop("property", ""))
        ids = daemon.pop("ids", {})
        daemon["port"] = _port(daemon["port"] if address is None else address)
        endpoints += [
            daemon | {"machine": host} | ({"id": ids[host]} if host in ids else {}) for host in hosts
        ]
    return endpoints


def _port(address: Any) -> int:
    """The port of an address, or of a port alone."""
    return int(str(address).rpartition(":")[2])


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_endpoints": to_endpoints}
