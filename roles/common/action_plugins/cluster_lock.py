"""Lock the cluster for this run: start what holds the lock beside it, and wait for its answer.

It lives in a session of its own, which Ctrl-C does not reach, and ends when ansible-playbook has, whatever
ended that.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

#: Where the controller finds its Python packages: this file lies in roles/common/action_plugins.
CHECKOUT = Path(__file__).resolve().parents[3]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: argv, the words that start the holder; it is given ``--pid``, the process of this run."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("argv",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the fact __common_lock; failed, with who holds it, when refused; skipped in check mode."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        words = self._task.args.get("argv")
        if not words or not isinstance(words, list):
            raise AnsibleActionFail("cluster_lock needs argv: a list with the program and its arguments")
        if self._task.check_mode:
            return result | {"skipped": True, "msg": "a check changes nothing, and locks nothing"}
        # A task runs in a child of ansible-playbook.
        run = os.getppid()
        # Of several playbooks of a command the first one locks; a fact of an earlier run is another's.
        if (task_vars or {}).get("__common_lock") != run:
            said = _start([*map(str, words), "--pid", str(run)])
            if said != "held":
                return result | {"failed": True, "msg": said}
        return result | {"changed": False, "ansible_facts": {"__common_lock": run}}


def _start(words: list[str]) -> str:
    """Start the holder; its one line, or what it complained of instead."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        process = subprocess.Popen(
            words,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        line = process.stdout.readline().strip()
        if not line:
            process.wait()
            complaints.seek(0)
            line = f"The cluster cannot be locked: {complaints.read().strip()}"
        return line
