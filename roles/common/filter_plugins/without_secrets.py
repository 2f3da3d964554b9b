"""A value of variables as people may see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: without_secrets
author: Millrace
short_description: a value of variables without what may be a secret
description:
  - In place of a value whose key names a secret (password, token, jaas and the like) stands C((hidden)), and
    in place of text in which such a word is given a value, or a URL has a password.
  - An entry of templates that is C(sensitive) is shown without its C(vars).
options:
  _input:
    description: any value
    type: raw
    required: true
"""

EXAMPLES = r"""
shown: "{{ kafka_service | without_secrets }}"
"""

RETURN = r"""
_value:
  description: the same value, with C((hidden)) in those places
  type: raw
"""

HIDDEN = "(hidden)"
#: The words of host_files, which masks diffs: modules and filters cannot import each other.
WORD = (
    r"(?:passw(?:or)?d|passphrase|(?:store|key)pass|(?<![a-z0-9])(?:pwd?|pass)(?![a-z0-9])|secret|token|credential|jaas|sasl"
    r"|(?:private|access|account|api|keystore)[._-]?key)"
)
_NAME = re.compile(WORD, re.IGNORECASE)
_TEXT = re.compile(rf"{WORD}[\w.\-]*[\"']?\s*[=:\s]|://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)


def without_secrets(value: Any) -> Any:
    """The value without what may be a secret.

    >>> without_secrets({"ssl.key.password": "x", "sasl": ["y"], "opts": "-Dtoken=z", "port": 9092})
    {'ssl.key.password': '(hidden)', 'sasl': '(hidden)', 'opts': '(hidden)', 'port': 9092}
    """
    if isinstance(value, Mapping):
        secret = {"vars"} if value.get("sensitive") else set()
        return {
            key: HIDDEN if key in secret or _NAME.search(str(key)) else without_secrets(each)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(each) for each in value]
    return HIDDEN if isinstance(value, str) and _TEXT.search(value) else value


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"without_secrets": without_secrets}
