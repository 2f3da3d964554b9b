"""Copies of data that were made while their daemon wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: stale_copies
author: Millrace
short_description: why daemons must not begin with copies of the data that they run on
description:
  - A directory that is named anew and has data, while the daemon runs on another, is a copy of what was there
    some time ago. What the daemon has written since would be lost.
options:
  _input:
    description: >-
      by host its stores as the module service_state reads them, each with C(up), C(holds), C(kept) and
      C(older)
    type: dict
    required: true
"""

EXAMPLES = r"""
refusals: "{{ {'a': {'blocks': blocks}} | stale_copies }}"
"""

RETURN = r"""
_value:
  description: refusals, with what to do
  type: list
  elements: str
"""


def stale_copies(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Why daemons must not begin with what lies in the directories that are wanted.

    found: by host and store {"up": [units], "holds": {directory: {path: text}}, "kept": [directories that are
        wanted and were given before], "older": {directory: {path: text}}}
    """
    return list(
        dict.fromkeys(
            sentence
            for host, stores in found.items()
            for store in stores.values()
            for sentence in _stale(host, store)
        )
    )


def _stale(host: str, store: Mapping[str, Any]) -> list[str]:
    full = [directory for directory, held in store["holds"].items() if held]
    copies = [directory for directory in full if directory not in store["kept"]]
    if not store["up"] or not store["older"] or full != copies or not copies:
        return []
    units, older = " ".join(store["up"]), next(iter(store["older"]))
    return [
        (
            f"{host} runs {units} on {', '.join(store['older'])}, and what lies in {', '.join(copies)} is a "
            "copy that was made before: what has been written since would be lost. Give the directory back. "
            "Or copy it again while nobody writes; on every host that says so: systemctl stop "
            f"{units} && mv {copies[0]} {copies[0]}.before && cp -a {older} {copies[0]}"
        )
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"stale_copies": stale_copies}
