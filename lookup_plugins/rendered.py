"""The text of a template, without the copy of all variables that ansible.builtin.template makes a file.

That copy took half of the time in which a host's two dozen files were rendered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template

DOCUMENTATION = """
name: rendered
author: Millrace
short_description: the text of a template of the kit
description:
  - Like ansible.builtin.template with its defaults, for files whose header is theirs (no ansible_managed).
options:
  _terms:
    description: absolute paths of templates
    type: list
    elements: path
    required: true
"""


class LookupModule(LookupBase):  # type: ignore[misc]
    """One text for each path."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Render; raises OSError for a path that cannot be read, AnsibleError for a template that fails."""
        texts = (trust_as_template(Path(path).read_text(encoding="utf-8")) for path in terms)
        return [self._templar.template(text) for text in texts]
