"""The settings that a version knows, of those that some version knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.compat.version import LooseVersion


def of_version(settings: Mapping[str, Any], version: str, since: Mapping[str, str]) -> dict[str, Any]:
    """The settings without those that came after a version.

    version: "0.8.2.1"
    since: the first version that knows a key, as text; a key that is not in it is known to all

    >>> of_version({"a": 1, "b": 2}, "0.8.2.1", {"b": "0.11"})
    {'a': 1}
    """
    for key, first in since.items():
        if not isinstance(first, str):
            # 0.10 without quotes is the number 0.1.
            raise AnsibleFilterError(
                f"of_version: the version {first} of {key} must be text: put it in quotes"
            )
    this = LooseVersion(version)
    return {
        key: value for key, value in settings.items() if key not in since or LooseVersion(since[key]) <= this
    }


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"of_version": of_version}
