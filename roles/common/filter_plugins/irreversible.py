"""Why a change that a daemon refuses is not taken back by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: irreversible
author: Millrace
short_description: why a change that a daemon refuses is not taken back by itself
description:
  - A daemon that was started with another version, or with other directories, may have altered its data, so
    that the one of before cannot read it.
options:
  _input:
    description: by service what the plan found on this machine, with C(diffs)
    type: dict
    required: true
  service:
    description: the value of the service
    type: dict
    required: true
  restart:
    description: by unit why it is restarted, mostly paths of files
    type: dict
    required: true
"""

EXAMPLES = r"""
lasting: "{{ __common_found.services | irreversible(kafka_service, {'kafka@1': ['/opt/java/release']}) }}"
"""

RETURN = r"""
_value:
  description: sentences; none when it can be taken back
  type: list
  elements: str
"""

#: Other than in /opt there is configuration alone.
PRODUCTS = "/opt/"


def irreversible(
    found: Mapping[str, Mapping[str, Any]], service: Mapping[str, Any], restart: Mapping[str, Sequence[str]]
) -> list[str]:
    """Why it is not taken back; nothing when it can be.

    found: by service what the plan found on this machine: {"diffs": {path: lines of diff -u}, ...}
    service: its value, of whose data the stores are read (configured, key)
    restart: by unit why it is restarted: paths of files
    """
    versions = [
        f"{unit} also runs with another {path}"
        for unit, paths in restart.items()
        for path in paths
        if path.startswith(PRODUCTS)
    ]
    diffs = {path: diff for each in found.values() for path, diff in each.get("diffs", {}).items()}
    stores = [store for store in service.get("data", {}).get("stores", ()) if "key" in store]
    directories = [
        f"{store['configured']} has another {store['key']}"
        for store in stores
        if _concerns(diffs.get(store["configured"], ""), store["key"])
    ]
    return list(dict.fromkeys([*versions, *directories]))


def _concerns(diff: str, key: str) -> bool:
    """Whether a line that came or went has the key."""
    changed = [line[1:] for line in diff.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]
    return any(re.search(rf"(?<![\w.-]){re.escape(key)}(?![\w.-])", line) for line in changed)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"irreversible": irreversible}
