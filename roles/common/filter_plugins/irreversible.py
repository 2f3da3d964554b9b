"""Why a change that a daemon refuses is not taken back by itself."""

from __future__ import annotations

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
    description: by service what the plan found on this machine, with C(data)
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

    found: by service what the plan found on this machine before a file was written: {"data": {"stores":
        {name: {"holds": {directory: ...}, "kept": [directories], "older": {directory: ...}}}}, ...}
    service: its value, of whose data the stores say the file and key of their directories (configured, key)
    restart: by unit why it is restarted: paths of files
    """
    versions = [
        f"{unit} also runs with another {path}"
        for unit, paths in restart.items()
        for path in paths
        if path.startswith(PRODUCTS)
    ]
    # What was read there, since no diff shows a file that may have secrets.
    read = (found.get(service["name"], {}).get("data") or {}).get("stores", {})
    # Without a daemon on this machine nobody was given a directory before.
    stores = {
        store["name"]: store
        for store in service.get("data", {}).get("stores", ())
        if store["name"] in read and not restart.keys().isdisjoint(store.get("units") or restart)
    }
    # A store that the file does not name has the directories of another one.
    before = {path for name in stores for path in read[name]["kept"]}
    directories: dict[str, str] = {}
    for name, store in stores.items():
        if "key" in store:
            for path in (*read[name]["older"], *(read[name]["holds"].keys() - before)):
                directories.setdefault(path, f"{store['configured']} has another {store['key']}")
    return list(dict.fromkeys([*versions, *directories.values()]))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"irreversible": irreversible}
