"""Small tables of what came with which version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.compat.version import LooseVersion


def supported_in(settings: Mapping[str, Any], version: str, since: Mapping[str, str]) -> dict[str, Any]:
    """The settings without those that came after a version.

    version: "0.8.2.1"
    since: the first version that knows a key, as text; a key that is not in it is known to all

    >>> supported_in({"a": 1, "b": 2}, "0.8.2.1", {"b": "0.11"})
    {'a': 1}
    """
    known = {key: _parsed(first) <= _parsed(version) for key, first in since.items()}
    return {key: value for key, value in settings.items() if known.get(key, True)}


def select_for_version(table: Mapping[str, Any], version: str) -> Any:
    """The entry of the newest version in a table that is not newer than this one.

    table: {first version that has it: what it has}, versions as text

    Raises AnsibleFilterError when the table begins later.

    >>> select_for_version({"0": "log4j.properties", "4.0": "log4j2.yaml"}, "0.8.2.1")
    'log4j.properties'
    """
    this = _parsed(version)
    reached = [first for first in table if _parsed(first) <= this]
    if not reached:
        raise AnsibleFilterError(
            f"select_for_version: {version} is older than the versions {', '.join(table)}"
        )
    return table[max(reached, key=_parsed)]


def _parsed(version: str) -> LooseVersion:
    if not isinstance(version, str):
        # 0.10 without quotes is the number 0.1.
        raise AnsibleFilterError(f"the version {version} must be text: put it in quotes")
    return LooseVersion(version)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {"supported_in": supported_in, "select_for_version": select_for_version}
