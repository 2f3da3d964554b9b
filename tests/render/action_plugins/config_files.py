"""Stands for the module config_files: keeps on the controller what it would write on the host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes the module's files as JSON to $MILLRACE_RENDERED/<host>/<role>.json."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write, and report no change."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        assert task_vars is not None
        role = self._task._role.get_name()
        if role == "proof":
            # Its files are the controller's own.
            result |= self._execute_module(module_args=self._task.args, task_vars=task_vars)
            return result
        directory = Path(os.environ["MILLRACE_RENDERED"], task_vars["inventory_hostname"])
        directory.mkdir(parents=True, exist_ok=True)
        files = json.dumps(self._task.args["files"])
        (directory / f"{role}.json").write_text(files, encoding="utf-8")
        return result | {"changed": False}
