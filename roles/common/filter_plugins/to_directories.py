"""The directories that a property of HDFS names."""

from __future__ import annotations

import re
from typing import Any

DOCUMENTATION = r"""
name: to_directories
author: Millrace
short_description: the directories that a property names, as a list of paths
description:
  - Reads a list, or text with commas, without what HDFS allows before a path, C([SSD]file:///d).
options:
  _input:
    description: the value of the property
    type: raw
    required: true
"""

EXAMPLES = r"""
directories: "{{ '[SSD]file:///a,/b' | to_directories }}"
# -> [/a, /b]
"""

RETURN = r"""
_value:
  description: absolute paths
  type: list
  elements: path
"""


def to_directories(value: Any) -> list[str]:
    """The paths of a list or of text with commas, without what may stand before them.

    >>> to_directories("[SSD]file:///a,/b")
    ['/a', '/b']
    """
    items = value if isinstance(value, list) else str(value or "").split(",")
    paths = (re.sub(r"^(\[[^\]]*\])*(file:(//)?)?", "", str(item).strip()) for item in items)
    return [path for path in paths if path]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_directories": to_directories}
