"""Have the module of this name read a machine, and add what only the controller knows: when it was asked."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

#: What sudo and Ansible say where a password is wanted that nobody gave.
PASSWORD = ("password is required", "Missing sudo password", "a terminal is required")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: those of the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns; its facts have ``asked``, from and to on the controller's clock."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        began = time.time()
        try:
            result |= self._execute_module(task_vars=task_vars)
        except AnsibleError as error:
            if not _wants_password(str(error)):
                raise
            result |= {"failed": True, "msg": str(error)}
        if "facts" in result:
            result["facts"]["asked"] = [began, time.time()]
        said = " ".join(str(result.get(key, "")) for key in ("msg", "module_stderr", "module_stdout"))
        if result.get("failed") and _wants_password(said):
            result["msg"] = (
                "sudo wants a password on this machine, and the kit's gates and tests could not give one: "
                "let the user of Ansible use sudo without it (NOPASSWD in /etc/sudoers.d)"
            )
        return result


def _wants_password(text: str) -> bool:
    return any(each in text for each in PASSWORD)
