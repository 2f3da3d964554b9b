"""The products that the artifacts play builds, as the builder's command line names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: to_artifact_args
author: Millrace
short_description: the products that the artifacts play builds, as the builder's command line names them
description:
  - A version that is no text is refused, since 0.10 without quotes is the number 0.1.
options:
  _input:
    description: a version, or a list of versions, by the product's name
    type: dict
    required: true
"""

EXAMPLES = r"""
words: "{{ {'kafka': ['0.8.2.1', '0.10.2.2'], 'spark': '2.2.1'} | to_artifact_args }}"
# -> ['kafka=0.8.2.1', 'kafka=0.10.2.2', 'spark=2.2.1']
"""

RETURN = r"""
_value:
  description: NAME=VERSION for each version of each product
  type: list
  elements: str
"""


def to_artifact_args(versions: Mapping[str, Any]) -> list[str]:
    """NAME=VERSION for each version of each product.

    versions: a version, or a list of versions, by the product's name; all as text

    Raises AnsibleFilterError for a version that is no text: 0.10 without quotes is the number 0.1.

    >>> to_artifact_args({"kafka": ["0.8.2.1", "0.10.2.2"], "spark": "2.2.1"})
    ['kafka=0.8.2.1', 'kafka=0.10.2.2', 'spark=2.2.1']
    """
    words = []
    for name, value in versions.items():
        several = value if isinstance(value, list) else [value]
        if not several or not all(isinstance(version, str) and version for version in several):
            raise AnsibleFilterError(
                f"artifact_versions: {name} is {value!r}: give a version or a list of them, as text in quotes"
            )
        words += [f"{name}={version}" for version in several]
    return words


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_artifact_args": to_artifact_args}
