"""Write files on the controller as the user who runs Ansible, all of each or nothing.

No module is sent, no sudo is asked: what the inventory says of its machines has no part in it. The files'
time is that of this run, whether they differ or not.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

MODE = 0o644


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: files, a list of {path, content}. Directories are made; the mode is 0644."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True
    _VALID_ARGS = frozenset(("files",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return paths, those that differed, and their diff; changed when there is one."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        differ = []
        for file in self._task.args.get("files") or ():
            path, content = file["path"], file["content"]
            try:
                before = _read(path)
                if not self._task.check_mode:
                    _write(path, content)
            except OSError as error:
                raise AnsibleActionFail(f"{path} cannot be written: {error}") from error
            if before != content:
                differ.append(
                    {"before_header": path, "after_header": path, "before": before, "after": content}
                )
        paths = [each["before_header"] for each in differ]
        return result | {"changed": bool(differ), "paths": paths, "diff": differ}


def _read(path: str) -> str:
    """What a file holds; nothing where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _write(path: str, content: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.new", "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), MODE)
        stream.write(content)
    os.replace(f"{path}.new", path)
