"""Counts the runs of modules on each machine, for a test of what a run costs."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: module_calls
type: aggregate
short_description: counts the runs of modules on each machine
description:
  - Prints the counts by machine as a line of JSON at the end. What runs on the controller is not counted, nor
    what is delegated to it.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """A module says in its result how it was invoked; what needs no machine does not."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "module_calls"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a module that ran on a machine."""
        said = result.result
        delegated = said.get("_ansible_delegated_vars") or {}
        machine = delegated.get("ansible_host", result.host.get_name())
        if "invocation" in said and machine != "localhost":
            self.calls[machine] += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print what was counted."""
        self._display.display(f"module calls: {json.dumps(dict(sorted(self.calls.items())))}")
