"""systemd units of a host: shared by the modules service_units and service_state."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import stat
import subprocess
import time
from collections.abc import Collection, Mapping
from typing import Any

from ansible.module_utils.host_paths import beginning

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "NRestarts",
    "ActiveEnterTimestampMonotonic",
    "UnitFileState",
    "NeedDaemonReload",
    "MainPID",
    "InvocationID",
    "RuntimeDirectory",
    "ConditionResult",
    "ReadWritePaths",
    "DropInPaths",
)
RECORD = "config.sha256"
UNIT_DIR = "/etc/systemd/system"
#: A unit that is on its way up is up.
UP = ("active", "activating", "reloading")
#: Seconds for which a unit that failed more than once must have run to count as running.
STEADY = 30


def parse_show(text: str) -> dict[str, dict[str, str]]:
    """The blocks that ``systemctl show`` prints, by unit name without its suffix."""
    blocks = (
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
    )
    return {block["Id"].removesuffix(".service"): block for block in blocks if "Id" in block}


def is_up(shown: Mapping[str, str]) -> bool:
    """Whether a unit runs or is on its way up, and does not end again and again.

    One that systemd starts anew after each failure is no daemon that could be taken away.
    """
    # Since 254 systemd says auto-restart-queued, too.
    if shown.get("ActiveState") not in UP or shown.get("SubState", "").startswith("auto-restart"):
        return False
    since = time.monotonic() - int(shown.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    return int(shown.get("NRestarts") or 0) < 2 or since > STEADY


def is_down(shown: Mapping[str, str]) -> bool:
    """Whether systemd has nothing to stop: what it starts again and again is not up, and not down either."""
    return shown.get("ActiveState", "inactive") in ("inactive", "failed")


def reasons(
    record: Mapping[str, str],
    reads: Collection[str],
    changing: Collection[str] = (),
    links: Collection[str] = (),
) -> list[str]:
    """Why a running daemon has to be restarted: the files that are others than it has read, or "no record".

    record: digest by path, as the daemon wrote it when it started
    reads: files that one which starts now would read
    changing: files that are yet to be written
    links: links that are yet to lead elsewhere; what is read through them changes
    """
    if not record:
        return ["no record"]

    def differs(path: str) -> bool:
        through = any(path.startswith(f"{link}/") for link in links)
        return path in changing or through or _sha256(path) != record.get(path, "")

    # One that vanished is in the record only, one that came is not in it.
    return [path for path in dict.fromkeys([*record, *reads]) if differs(path)]


def dropins_of(unit: str, changing: Collection[str] = (), *, directory: str | None = None) -> list[str]:
    """The drop-ins of a unit that lie in the directory of the administrator, or are yet to be written.

    Of an instance systemd takes those of its template, too, whichever file it has itself (systemd.unit).
    """
    folders = _dropin_folders(unit, directory or UNIT_DIR)
    lying = [
        path for folder in folders for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.conf")))
    ]
    return [*lying, *(path for path in changing if os.path.dirname(path) in folders and path not in lying)]


def _dropin_folders(unit: str, directory: str) -> list[str]:
    names = dict.fromkeys((re.sub("@.*", "@", unit), unit))
    return [os.path.join(directory, f"{name}.service.d") for name in names]


def recorded(runtime_directory: str, *, root: str = "/run") -> dict[str, str]:
    """Digest by path of each file that the running daemon read; none without a record.

    The record is written by the daemon's user: a link of that user is none, and so is what has another form.
    """
    try:
        content = beginning(os.path.join(root, runtime_directory, RECORD))
    except (OSError, ValueError):
        return {}
    lines = (content or b"").decode("utf-8", "replace").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines if "  " in line)}


def _sha256(path: str) -> str:
    try:
        # The path is from a daemon's record: of a pipe or a device nothing is awaited.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            plain = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            return hashlib.sha256(stream.read()).hexdigest() if plain else ""
    except OSError:
        return ""


def plan(
    state: str, active: dict[str, bool], stale: dict[str, bool], rereads: Collection[str] = ()
) -> dict[str, list[str]]:
    """Which units to start, restart, reload and stop, in the order given, and which stay stale.

    rereads: units of which all that differs is read again by a running daemon that is told to
    """
    work: dict[str, list[str]] = {
        verb: [] for verb in ("started", "restarted", "reloaded", "stopped", "stale")
    }
    for unit, up in active.items():
        if state == "stopped":
            if up:
                work["stopped"].append(unit)
        elif not up:
            work["started"].append(unit)
        elif state == "current" and stale[unit] and unit in rereads:
            work["reloaded"].append(unit)
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


def _is_outdated(shown: Mapping[str, str]) -> bool:
    """Whether systemd knows other files of a unit than lie there.

    It does not see by itself a drop-in whose directory is new.
    """
    unit = shown["Id"].removesuffix(".service")
    folders = _dropin_folders(unit, UNIT_DIR)
    known = {path for path in shown.get("DropInPaths", "").split() if os.path.dirname(path) in folders}
    return (
        shown["NeedDaemonReload"] == "yes" or shown["LoadState"] != "loaded" or known != set(dropins_of(unit))
    )


def show(units: list[str]) -> dict[str, dict[str, str]]:
    """Properties of the units; reads unit files again first when one of them changed or is new."""
    words = ("show", f"--property={','.join(PROPERTIES)}", *units)
    shown = parse_show(systemctl(*words))
    if any(map(_is_outdated, shown.values())):
        systemctl("daemon-reload")
        shown = parse_show(systemctl(*words))
    return shown


def ensure_state(
    wanted: list[dict[str, Any]],
    state: str,
    *,
    check: bool,
    changing: Collection[str] = (),
    links: Collection[str] = (),
) -> dict[str, Any]:
    """Bring the units to the state, or say what that would take; the module's result.

    wanted: {"name": "kafka@1", "file": "kafka@.service", "restart_on": [paths], "reload_on": [paths]};
        without file and restart_on the record alone says what the daemon reads. Those of reload_on it reads
        again when it is told to (ExecReload), and notes in its record that it has
    changing: files that are yet to be written; a unit that reads one of them is stale
    links: links that are yet to lead elsewhere
    Raises UnitError when a unit has no file, systemd refuses, or one that runs would not come back.
    """
    if not wanted:
        # systemctl without a unit would mean all of them.
        return {
            "changed": False,
            "waiting": [],
            "units": {},
            "reasons": {},
            "dropins": {},
            "disabled": [],
            **plan(state, {}, {}),
        }
    units = [unit["name"] for unit in wanted]
    shown = show(units)
    missing = [unit for unit in units if shown.get(unit, {}).get("LoadState") != "loaded"]
    if missing and not check and state != "stopped":
        raise UnitError(f"no unit file for {', '.join(missing)}: its service has not been deployed here")
    active = {
        unit: not is_down(shown.get(unit, {})) if state == "stopped" else is_up(shown.get(unit, {}))
        for unit in units
    }
    dropins = {unit["name"]: dropins_of(unit["name"], changing) if "file" in unit else [] for unit in wanted}
    why = {
        name: reasons(recorded(shown[name]["RuntimeDirectory"]), _reads(unit, dropins[name]), changing, links)
        for unit in wanted
        if active[name := unit["name"]]
    }
    rereads = [
        unit["name"] for unit in wanted if set(why.get(unit["name"], ())) <= {*unit.get("reload_on", ())}
    ]
    work = plan(state, active, {unit: bool(why.get(unit)) for unit in units}, rereads)
    disabled = []
    if state != "stopped":
        disabled = [unit for unit in units if shown.get(unit, {}).get("UnitFileState") != "enabled"]
    waiting: list[str] = []

    def changed() -> bool:
        return bool(disabled or any(work[verb] for verb in ("started", "restarted", "reloaded", "stopped")))

    if changed() and not check:
        waiting = _do(disabled, work, [unit for unit in units if not active[unit] and _seen_up(shown[unit])])
        work["started"] = [unit for unit in work["started"] if unit not in waiting]
        shown = show(units)
    return {
        "changed": changed(),
        "waiting": waiting,
        "disabled": disabled,
        "reasons": {unit: paths for unit, paths in why.items() if paths},
        "dropins": {
            unit: foreign
            for unit, paths in dropins.items()
            if (foreign := [path for path in paths if not os.path.basename(path).startswith("millrace.")])
        },
        "units": {
            unit: {"pid": int(shown[unit]["MainPID"]), "invocation": shown[unit]["InvocationID"]}
            for unit in units
            if unit not in missing
        },
        **work,
    }


def _reads(unit: Mapping[str, Any], dropins: Collection[str]) -> list[str]:
    """What the daemon of a unit reads when it starts."""
    if "file" not in unit:
        return []
    return [os.path.join(UNIT_DIR, unit["file"]), *unit["restart_on"], *dropins]


def _seen_up(shown: Mapping[str, str]) -> bool:
    return shown.get("ActiveState") in UP


def _do(disabled: list[str], work: dict[str, list[str]], looping: Collection[str]) -> list[str]:
    """Do the work; return the units that wait."""
    # Before anything is stopped: systemctl restart is content when a condition keeps down what it stopped.
    for unit in work["restarted"]:
        for path in _absent(unit):
            raise UnitError(
                f"{unit} runs and was not restarted, since it would stay down: its unit has the condition "
                f"ConditionPathExists={path}, and that path is not there. It may run on another directory: "
                "bring its data there, or give back the setting that named the other"
            )
    if disabled:
        systemctl("enable", "--quiet", *disabled)
    if work["restarted"]:
        _restart(work["restarted"])
    if work["reloaded"]:
        # Which awaits that the daemon has taken it, and tells when it does not.
        systemctl("reload", *work["reloaded"])
    if work["stopped"]:
        systemctl("stop", *work["stopped"])
    for unit in work["started"]:
        # A unit that failed too often is refused by systemd until its counter is cleared.
        systemctl("reset-failed", unit)
        # One that ends again and again is up for a moment with its older files: start would leave it alone.
        systemctl("restart" if unit in looping else "start", unit)
        # systemctl start says nothing of a condition that is not met (data that is not there yet, for one).
        # What comes after it in the list is of no use yet, and would take time from those who make the data.
        if show([unit])[unit]["ConditionResult"] == "no":
            return work["started"][work["started"].index(unit) :]
    return []


def _restart(units: list[str]) -> None:
    systemctl("restart", *units)
    shown = show(units)
    for unit in units:
        if shown[unit].get("ConditionResult") == "no":
            raise UnitError(
                f"{unit} was stopped for its restart and stays down, since a condition of its unit is "
                f"not met: {', '.join(conditions(unit))}\n{journal([unit])}"
            )


def conditions(unit: str) -> list[str]:
    """The conditions in the unit's files (ConditionPathExists=/path); systemctl show has but their result."""
    instance = unit.partition("@")[2]
    found: list[str] = []
    for line in systemctl("cat", unit).splitlines():
        if line.startswith("Condition"):
            # An empty one takes back all before it (systemd.unit).
            found = [] if line.rstrip().endswith("=") else [*found, line.strip().replace("%i", instance)]
    return found


def _absent(unit: str) -> list[str]:
    """Paths that the unit's conditions ask for and that are not there; those with ! or | may be absent."""
    named = (condition.partition("=") for condition in conditions(unit))
    return [path for key, _, path in named if key.startswith("ConditionPathExists") and _is_absent(path)]


def _is_absent(path: str) -> bool:
    """Whether nothing lies at a path, or at a pattern of ConditionPathExistsGlob."""
    return path.startswith("/") and not glob.glob(path)


def orphaned_units(units: Collection[str], header: str, directory: str | None = None) -> list[str]:
    """Units that start on boot with a file of the kit, and are none of these: the inventory lost them.

    header: what the first line of every such file says
    """
    wanted = glob.glob(os.path.join(glob.escape(directory or UNIT_DIR), "*.wants", "*.service"))
    found = {
        os.path.basename(path).removesuffix(".service") for path in wanted if begins(path, f"# {header}")
    }
    return sorted(found - set(units))


def begins(path: str, line: str) -> bool:
    """Whether that is the first line of a file."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.readline().rstrip("\n") == line
    except OSError:  # a link that leads nowhere
        return False


def loaded(units: Collection[str]) -> dict[str, dict[str, str]]:
    """What systemd has loaded for the units, by their names.

    Without a daemon-reload: not what may lie there by now.
    """
    # systemctl without a unit would mean all of them.
    words = ("show", f"--property={','.join(PROPERTIES)}", *sorted(units))
    return parse_show(systemctl(*words)) if units else {}
