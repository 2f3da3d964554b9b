"""Run a program on the controller and show each of its lines as it comes.

``ansible.builtin.command`` keeps its output to the end; a build of two minutes would look hung.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: argv (list of str), chdir (path), creates (path), environment (dict of str)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("argv", "chdir", "creates", "environment"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return rc and stdout_lines; failed when rc is not 0; skipped in check mode."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        words = self._task.args.get("argv")
        if not words or not isinstance(words, list):
            raise AnsibleActionFail(
                "controller_command needs argv: a list with the program and its arguments"
            )
        argv = [str(word) for word in words]
        creates = self._task.args.get("creates")
        if creates and os.path.exists(creates):
            return result | {"changed": False, "rc": 0, "stdout_lines": [], "msg": f"{creates} exists"}
        if self._task.check_mode:
            return result | {"changed": True, "skipped": True, "msg": "not run in check mode"}
        return result | self._stream(argv)

    def _stream(self, argv: list[str]) -> dict[str, Any]:
        display = Display()
        environment = {key: str(value) for key, value in (self._task.args.get("environment") or {}).items()}
        try:
            process = subprocess.Popen(
                argv,
                cwd=self._task.args.get("chdir"),
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            return {"failed": True, "rc": 127, "msg": f"{argv[0]} cannot be run: {error}"}
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            display.display("  " + lines[-1])
        rc = process.wait()
        answer: dict[str, Any] = {"changed": True, "rc": rc, "stdout_lines": lines}
        if rc:
            tail = "\n".join(lines[-30:])
            answer |= {"failed": True, "msg": f"{' '.join(argv)} ended with {rc}:\n{tail}"}
        return answer
