"""systemd units of a host: shared by the modules service_units and service_survey."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Collection
from typing import Any

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "MainPID",
    "InvocationID",
    "RuntimeDirectory",
    "ConditionResult",
)
RECORD = "config.sha256"
#: A unit that is on its way up is up.
UP = ("active", "activating", "reloading")


def parse_show(text: str) -> dict[str, dict[str, str]]:
    """The blocks that ``systemctl show`` prints, by unit name without its suffix."""
    blocks = (
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
    )
    return {block["Id"].removesuffix(".service"): block for block in blocks if "Id" in block}


def is_stale(runtime_directory: str, changing: Collection[str] = (), *, root: str = "/run") -> bool:
    """Whether a file in the record of the running daemon has another digest now, or the record is missing.

    changing: files that are yet to be written
    """
    try:
        with open(os.path.join(root, runtime_directory, RECORD), encoding="utf-8") as stream:
            recorded = [line.rstrip("\n").split("  ", 1) for line in stream if line.strip()]
    except OSError:
        return True
    return not recorded or any(path in changing or _sha256(path) != digest for digest, path in recorded)


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""


def plan(state: str, active: dict[str, bool], stale: dict[str, bool]) -> dict[str, list[str]]:
    """Which units to start, restart and stop, in the order given, and which stay stale."""
    work: dict[str, list[str]] = {"started": [], "restarted": [], "stopped": [], "stale": []}
    for unit, up in active.items():
        if state == "stopped":
            if up:
                work["stopped"].append(unit)
        elif not up:
            work["started"].append(unit)
        elif state == "restarted" or (state == "current" and stale[unit]):
            work["restarted"].append(unit)
        elif stale[unit]:
            work["stale"].append(unit)
    return work


class UnitError(Exception):
    """What systemd refused, with the units' last lines."""


def systemctl(*words: str) -> str:
    """Run systemctl with these words. Raises UnitError, with the journal as evidence."""
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        units = [word for word in words[1:] if not word.startswith("-")]
        raise UnitError(f"systemctl {' '.join(words)}: {done.stderr.strip()}\n{journal(units)}")
    return done.stdout


def journal(units: list[str]) -> str:
    """The last lines that the units wrote, as evidence."""
    words = [word for unit in units for word in ("--unit", unit)]
    return subprocess.run(
        ["journalctl", "--no-pager", "--lines", "40", *words], capture_output=True, text=True, check=False
    ).stdout


def show(units: list[str]) -> dict[str, dict[str, str]]:
    """Properties of the units; reads unit files again first when one of them changed or is new."""
    words = ("show", f"--property={','.join(PROPERTIES)}", *units)
    shown = parse_show(systemctl(*words))
    if any(unit["NeedDaemonReload"] == "yes" or unit["LoadState"] != "loaded" for unit in shown.values()):
        systemctl("daemon-reload")
        shown = parse_show(systemctl(*words))
    return shown


def bring(units: list[str], state: str, *, check: bool, changing: Collection[str] = ()) -> dict[str, Any]:
    """Bring the units to the state, or say what that would take; the module's result.

    changing: files that are yet to be written; a unit that reads one of them is stale
    Raises UnitError when a unit has no file or systemd refuses.
    """
    shown = show(units)
    missing = [unit for unit in units if shown.get(unit, {}).get("LoadState") != "loaded"]
    if missing and not check:
        raise UnitError(f"no unit file for {', '.join(missing)}: run the verb config first")
    active = {unit: shown.get(unit, {}).get("ActiveState") in UP for unit in units}
    stale = {unit: active[unit] and is_stale(shown[unit]["RuntimeDirectory"], changing) for unit in units}
    work = plan(state, active, stale)
    disabled = []
    if state != "stopped":
        disabled = [unit for unit in units if shown.get(unit, {}).get("UnitFileState") != "enabled"]
    waiting: list[str] = []
    if not check and (disabled or work["started"] or work["restarted"] or work["stopped"]):
        waiting = _do(disabled, work)
        work["started"] = [unit for unit in work["started"] if unit not in waiting]
        shown = show(units)
    return {
        "changed": bool(disabled or work["started"] or work["restarted"] or work["stopped"]),
        "waiting": waiting,
        "units": {
            unit: {"pid": int(shown[unit]["MainPID"]), "invocation": shown[unit]["InvocationID"]}
            for unit in units
            if unit not in missing
        },
        **work,
    }


def _do(disabled: list[str], work: dict[str, list[str]]) -> list[str]:
    """Do the work; return the units that wait."""
    if disabled:
        systemctl("enable", "--quiet", *disabled)
    if work["restarted"]:
        systemctl("restart", *work["restarted"])
    if work["stopped"]:
        systemctl("stop", *work["stopped"])
    for unit in work["started"]:
        # A unit that failed too often is refused by systemd until its counter is cleared.
        systemctl("reset-failed", unit)
        systemctl("start", unit)
        # systemctl start says nothing of a condition that is not met (data that is not there yet, for one).
        # What comes after it in the list is of no use yet, and would take time from those who make the data.
        if show([unit])[unit]["ConditionResult"] == "no":
            return work["started"][work["started"].index(unit) :]
    return []
