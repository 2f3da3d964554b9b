"""Write files on the controller as the user who runs Ansible, all of each or nothing.

No module is sent, no sudo is asked: what the inventory says of its machines has no part in it. The files'
time is that of this run, whether they differ or not.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

MODE = 0o644
#: Of a run that changes the cluster what its lock's file says is put in.
REFUSED = (
    "The run of {user} (process {pid}) has been changing this cluster since {since}, and its gates read "
    "{path}, which this inventory, or the options of this command, would make another. Wait for that run to "
    "end, or end it: kill {pid}. Until then make status and make plan show what is."
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: files, a list of {path, content}. Directories are made; the mode is 0644.

    lock: path of a file whose lock a run holds that reads these (smoke/lock.py): meanwhile another one is
        refused where they differ
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True
    _VALID_ARGS = frozenset(("files", "lock"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return paths, those that differed, and their diff; changed when there is one."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        files = [(file["path"], file["content"]) for file in self._task.args.get("files") or ()]
        check, differ = self._task.check_mode, []
        holder = {} if check else _holder(self._task.args.get("lock"))
        for path, content in files:
            try:
                before = _read(path)
                if before != content and holder:
                    return result | {"failed": True, "msg": REFUSED.format(path=path, **holder)}
                if not check:
                    _write(path, content)
            except OSError as error:
                raise AnsibleActionFail(f"{path} cannot be written: {error}") from error
            if before != content:
                differ.append(
                    {"before_header": path, "after_header": path, "before": before, "after": content}
                )
        paths = [each["before_header"] for each in differ]
        return result | {"changed": bool(differ), "paths": paths, "diff": differ}


def _holder(lock: str | None) -> dict[str, Any]:
    """Who holds the lock of a file, unless that is this run, or one that has ended; nothing of nobody."""
    if not lock or not os.path.exists(lock):
        return {}
    with open(lock, encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = dict(json.load(stream))
            # A task runs in a child of ansible-playbook.
            other = holder["pid"] != os.getppid() and os.path.exists(f"/proc/{holder['pid']}")
            return holder if other else {}
    return {}


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
