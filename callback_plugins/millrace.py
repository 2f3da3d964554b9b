"""What a person sees of a run: phases, what changed, what is awaited, and of a failure what to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = """
name: millrace
type: stdout
short_description: phases, what changed, and of a failure what to do
description:
  - Shows a line for each phase with the time since the start, a line for each task that changed something
    with what it changed, what the programs of the controller say, and warnings.
  - A failure is shown once, with what to do. All that Ansible knows of it goes to C(failure.log) among the
    reports of the cluster.
  - With C(-v) it is Ansible's own output. C(ANSIBLE_STDOUT_CALLBACK=default) switches it off.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

#: The fact of the preflight, whose keys are reports and inventory.
DESCRIBED = "__smoke_described"
#: Lines of a failure that are shown; all of them are in the file.
LINES = 40
#: What Ansible puts before the message of a task.
PREFIXES = ("Task failed: ", "Action failed: ", "Module failed: ")


class CallbackModule(Default):  # type: ignore[misc]
    """Ansible's own output as soon as somebody asks for more of it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "millrace"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._phase = ""
        self._shown = ""
        self._changed: dict[str, Mapping[str, Any]] = {}
        self._reports: Path | None = None
        self._told: tuple[str, str] | None = None
        self._log_begun = False
        self._last_task_banner: str | None = None

    @property
    def _whole(self) -> bool:
        return bool(self._display.verbosity)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play's name up to the first `` | `` is its phase."""
        self._tell_changes()
        self._phase = str(play.get_name()).split(" | ")[0]
        if self._whole:
            super().v2_playbook_on_play_start(play)
        self._play = play

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """A play for which there is nothing to do."""
        if self._whole:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """The first task of a phase shows its name, since what programs say comes after it."""
        self._tell_changes()
        if self._whole:
            super().v2_playbook_on_task_start(task, is_conditional)
            return
        self._last_task_name = str(task.get_name()).strip()
        if self._phase != self._shown:
            seconds = int(time.monotonic() - self._began)
            self._line(f"[{seconds // 60:02}:{seconds % 60:02}] {self._phase}", constants.COLOR_HIGHLIGHT)
            self._shown = self._phase

    def v2_runner_on_ok(self, result: Any) -> None:
        """Remember what changed, until the task has ended on all machines."""
        described = (result.result.get("ansible_facts") or {}).get(DESCRIBED)
        if described:
            self._reports = Path(described["reports"])
        if self._whole:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings_and_exception(result)
        if result.task.action in constants._ACTION_DEBUG:
            self._clean_results(result.result, result.task.action)
            self._line(self._dump_results(result.result).strip("\n"))
        elif result.result.get("changed"):
            self._changed[self.host_label(result)] = dict(result.result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show it once, and keep all of it in a file."""
        if self._whole:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._tell_changes()
        self._fail(result, "FAILED", ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Likewise."""
        if self._whole:
            super().v2_runner_on_unreachable(result)
            return
        self._tell_changes()
        self._fail(result, "UNREACHABLE", ignored=bool(result.task.ignore_unreachable))

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Nothing was done."""
        if self._whole:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """The task's own result says what changed."""
        if self._whole:
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """An item says more than the task, whose message is that some failed."""
        if self._whole:
            super().v2_runner_item_on_failed(result)
            return
        self._tell_changes()
        self._fail(result, "FAILED", ignored=False)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Nothing was done."""
        if self._whole:
            super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Which file a task is in is of no interest."""
        if self._whole:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The counts of Ansible say nothing that is not said."""
        self._tell_changes()
        if self._whole:
            super().v2_playbook_on_stats(stats)
            return
        if stats.failures:
            self._line(f"{self._phase} failed on {', '.join(sorted(stats.failures))}", constants.COLOR_ERROR)
        if stats.dark:
            sentence = f"not reached and left out: {', '.join(sorted(stats.dark))}. The next run completes it"
            self._line(sentence, constants.COLOR_ERROR)

    def _print_task_banner(self, task: Any) -> None:
        """A diff stands below its task."""
        if self._whole:
            super()._print_task_banner(task)
        elif self._last_task_banner != task._uuid:
            self._last_task_banner = task._uuid
            self._line(f"  {_sentence(self._last_task_name or task.get_name())}:")

    def _tell_changes(self) -> None:
        """What the last task changed: machines on which it was the same share a line."""
        alike: dict[str, list[str]] = {}
        for host, result in self._changed.items():
            alike.setdefault(changes(result), []).append(host)
        for what, hosts in alike.items():
            task = _sentence(self._last_task_name or "")
            where = ", ".join(hosts)
            self._line(f"  {task}: {where}" + (f": {what}" if what else ""), constants.COLOR_CHANGED)
        self._changed = {}

    def _fail(self, result: Any, how: str, *, ignored: bool) -> None:
        host, told = self.host_label(result), message(result.result)
        if result.task.action == "controller_command" and "stdout_lines" in result.result:
            told = f"it ended with {result.result.get('rc')}, and what it said stands above"
        if ignored:
            self._line(f"  {_sentence(self._last_task_name or '')}: {host}: {told.splitlines()[0]} (ignored)")
            return
        if self._told == (result.task._uuid, told):
            self._line(f"  the same on {host}", constants.COLOR_ERROR)
        else:
            self._told = (result.task._uuid, told)
            name = _sentence(self._last_task_name or str(result.task.get_name()))
            self._line(f"  {how}  {name}: {host}", constants.COLOR_ERROR)
            lines = told.splitlines()
            # Where no file has all of it, the screen has.
            most = LINES if self._reports and self._reports.is_dir() else len(lines)
            for line in lines[:most]:
                self._line(f"    {line}", constants.COLOR_ERROR)
            if len(lines) > most:
                self._line(f"    ... and {len(lines) - LINES} lines more", constants.COLOR_ERROR)
        self._keep(result, host)

    def _keep(self, result: Any, host: str) -> None:
        """Write all that is known to the reports; before they are known, all of it is on the screen."""
        if not self._reports or not self._reports.is_dir():
            return
        path = self._reports / "failure.log"
        text = f"{result.task.get_name()} on {host}\n{self._dump_results(result.result)}\n\n"
        with path.open("a" if self._log_begun else "w", encoding="utf-8") as stream:
            stream.write(text)
        if not self._log_begun:
            try:
                shown = path.relative_to(Path.cwd())
            except ValueError:
                shown = path
            self._line(f"    all of it: {shown}", constants.COLOR_ERROR)
        self._log_begun = True

    def _line(self, text: str, color: str | None = None) -> None:
        self._display.display(text, color=color)


def _sentence(name: str) -> str:
    """The name of a task without its role and file: ``common : install | Users`` is Users."""
    return name.rpartition(" : ")[2].rpartition(" | ")[2]


def message(result: Mapping[str, Any]) -> str:
    """What a failed task says: its message, and where that is a program's end, the program's last lines."""
    told = str(result.get("msg") or "").strip()
    for prefix in PREFIXES * 2:
        told = told.removeprefix(prefix)
    said = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    if said and said not in told:
        told = "\n".join([told, *said.splitlines()[-10:]])
    return told or "it says nothing"


def changes(result: Mapping[str, Any]) -> str:
    """What the modules of the kit did on a machine, in a few words; nothing for other modules.

    >>> changes({"services": {"kafka": {"files": ["/a", "/b"], "units": {"started": ["kafka@1"]}}}})
    '2 files, started kafka@1'
    """
    services: Iterable[Mapping[str, Any]] = (result.get("services") or {}).values()
    if not isinstance(result.get("services"), Mapping):
        return ""
    services = list(services)
    installed = sum(len(each.get("install", ())) for each in services)
    files = sum(len(each.get("files", ())) for each in services)
    removed = len(result.get("removed", ()))
    told = [f"{installed} installed"] * bool(installed) + [f"{files} file{'s' * (files != 1)}"] * bool(files)
    for verb in ("started", "restarted", "reloaded", "enabled"):
        units = [unit for each in services for unit in each.get("units", {}).get(verb, ())]
        told += [f"{verb} {', '.join(units)}"] * bool(units)
    return ", ".join(told + [f"{removed} removed"] * bool(removed))
