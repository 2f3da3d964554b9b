"""The release of Java that a machine gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: java_major
author: Millrace
short_description: the release of Java that a machine gets
description:
  - The first of the majors that the machine's release has as a package, else the first that is there. Where
    there is neither, and before the machine was read, it is the first.
options:
  _input:
    description: majors that the products run on, the best first
    type: list
    elements: int
    required: true
  machine:
    description: what the module machine_facts returned; empty before it was asked
    type: dict
    required: true
"""

EXAMPLES = r"""
java_major: "{{ [17, 21] | java_major({'java': {'packages': [21, 25], 'homes': []}}) }}"
# -> 21
"""

RETURN = r"""
_value:
  description: the major
  type: int
"""


def java_major(majors: Sequence[int], machine: Mapping[str, Any]) -> int:
    """The first of the majors that the machine can have.

    >>> java_major([17, 21], {"java": {"packages": [21, 25], "homes": []}})
    21
    """
    java = machine.get("java", {})
    offered = [major for major in majors if major in java.get("packages", ())]
    there = [
        major
        for major in majors
        if any(home.startswith(f"/usr/lib/jvm/java-{major}-openjdk-") for home in java.get("homes", ()))
    ]
    return next(iter([*offered, *there, *majors]))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"java_major": java_major}
