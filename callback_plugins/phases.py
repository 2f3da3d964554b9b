"""Seconds and changes of each play, written as they become known; a sign of life in a long task."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: phases
type: aggregate
short_description: times the plays and shows that a long task is alive
description:
  - Writes C(phases.json) among the reports of the cluster, for the receipt. The preflight says where, by the
    fact C(__smoke_described); nothing is written where that directory is missing.
  - Only deployments are written, so that a receipt made alone shows the last of them.
  - Says every 8 seconds which task is still running.
"""

#: Seconds between two signs of life: nothing may be silent for 10.
BEAT = 8.0

#: Phases that only look, at the input or at what stands.
LOOKS = {"Preflight", "Check", "Smoke", "Receipt"}

#: The fact of the preflight, whose keys are reports and inventory.
DESCRIBED = "__smoke_described"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """A play is a phase: its name up to the first `` | `` names it, plays of one name are summed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        # Ansible leaves that to Python, which keeps the lines back where output is a pipe, as of tee.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        self.begun = time.monotonic()
        self.phases: dict[str, dict[str, Any]] = {}
        self.phase: str | None = None
        self.looks = False
        self.described: dict[str, Any] | None = None
        self.ends_in_receipt = self.deploys = False
        self.phase_begun = self.begun
        self.task: str | None = None
        self.task_begun = self.begun

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Start the heart; each playbook of a command has its own."""
        self.ends_in_receipt |= any("receipt" in play.tags for play in playbook.get_plays())
        self.wake = threading.Event()
        threading.Thread(target=self._beat, args=(self.wake,), daemon=True).start()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the phase before, begin this one."""
        self._settle()
        self.phase = str(play.get_name()).split(" | ")[0]
        self.phase_begun = time.monotonic()
        self.looks = self.phase in LOOKS

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Remember what is running, and keep the file current for the receipt's own task."""
        self.deploys |= self.ends_in_receipt and not self.looks and not context.CLIARGS.get("check")
        self._settle()
        # Programs of the controller say themselves what they wait for.
        self.task = None if task.action == "controller_command" else task.get_name()
        self.task_begun = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a change; hear from the preflight whose run this is."""
        self.described = (result.result.get("ansible_facts") or {}).get(DESCRIBED, self.described)
        if self.phase and result.result.get("changed"):
            self._entry(self.phase)["changed"] += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Stop the heart; say in one line what the run came to."""
        self.task = None
        self.wake.set()
        self._settle()
        changed = sum(phase["changed"] for phase in self.phases.values())
        what = f"{changed} change{'s' * (changed != 1)}" if changed else "nothing changed"
        self._display.display(f"millrace: {what}, {time.monotonic() - self.begun:.1f} s")

    def _entry(self, phase: str) -> dict[str, Any]:
        return self.phases.setdefault(phase, {"name": phase, "seconds": 0.0, "changed": 0})

    def _settle(self) -> None:
        now = time.monotonic()
        if self.phase:
            entry = self._entry(self.phase)
            entry["seconds"] = round(entry["seconds"] + now - self.phase_begun, 2)
        self.phase_begun = now
        if not (self.deploys and self.described):
            return
        target = Path(self.described["reports"], "phases.json")
        if target.parent.is_dir():
            report = {
                "inventories": [self.described["inventory"]],
                "phases": list(self.phases.values()),
                "total": round(now - self.begun, 2),
                "changed": sum(phase["changed"] for phase in self.phases.values()),
            }
            new = target.with_name(f"{target.name}.new")
            new.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            new.replace(target)

    def _beat(self, wake: threading.Event) -> None:
        # os.write takes no lock of Python's: a worker forked in that moment cannot inherit one that is held.
        said = self.task_begun
        while not wake.wait(0.5):
            now = time.monotonic()
            if self.task and now - max(said, self.task_begun) >= BEAT:
                os.write(1, f"  ... {self.task}: {now - self.task_begun:.0f} s\n".encode())
                said = now
