"""Copies of the files that daemons run well with, made and put back: what the module service_keep does."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Collection

from ansible.module_utils.host_paths import beginning, directory
from ansible.module_utils.host_units import RECORD, UP, dropins_of, loaded, recorded

KEPT = "/var/lib/millrace/kept"
#: Files of the system and of the kit's own; what lies in /opt has a directory for each version anyway.
CONFIGURATION = "/etc/"
#: How a copy is called until it is whole.
BEGUN = ".new"


def keep(units: Collection[str], target: str = KEPT, *, check: bool) -> list[str]:
    """Copy what each running daemon has read, where it still lies there; the paths copied anew.

    units: names without .service; one that does not run is left out
    target: the directory of the copies: <target>/<unit>/etc/kafka/server-1.properties
    Raises OSError, ValueError for a link that root does not follow, and UnitError.
    """
    kept = []
    for unit, files in _read(units).items():
        kept += [path for path in files if _copy(path, files[path], f"{target}/{unit}", check=check)]
        if not check:
            _forget(f"{target}/{unit}", files)
    return kept


def unkept(units: Collection[str], target: str = KEPT) -> list[str]:
    """The units whose running daemon has read what :func:`keep` would copy: no run has seen them run well.

    units: names without .service
    Raises OSError, ValueError and UnitError, as :func:`keep` does.
    """
    return [
        unit
        for unit, files in _read(units).items()
        if any(_copy(path, files[path], f"{target}/{unit}", check=True) for path in files)
    ]


def _read(units: Collection[str]) -> dict[str, dict[str, str]]:
    """By unit that runs, the files of configuration that its daemon has read, with their digests."""
    return {
        unit: {
            path: digest
            for path, digest in recorded(shown["RuntimeDirectory"]).items()
            if path.startswith(CONFIGURATION)
        }
        for unit, shown in loaded(units).items()
        if shown["ActiveState"] in UP
    }


def take_back(units: Collection[str], target: str = KEPT, *, root: str = "/run", check: bool) -> list[str]:
    """Put back what the daemons ran well with, and remove drop-ins that they had not; the paths concerned.

    What the daemons of other services run with by now stays: it was accepted.
    units: names without .service, of one service; one without a copy never ran well, and has nothing
    target: the directory of the copies; root: that of the runtime directories, with the daemons' records
    Raises OSError and UnitError.
    """
    accepted = _read_by_others(units, root)
    done = []
    for unit in units:
        # A killed run may have left one that it had only begun.
        kept = _copies(f"{target}/{unit}")
        copies = {path: copy for path, copy in kept.items() if not path.endswith(BEGUN)}
        if not copies:
            continue
        for path, copy in copies.items():
            if (now := _digest(path)) == _digest(copy) or accepted.get(path) == now != "":
                continue
            done.append(path)
            if not check:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _put(copy, path)
        for path in dropins_of(unit):
            if path not in copies and os.path.basename(path).startswith("millrace."):
                done.append(path)
                if not check:
                    os.unlink(path)
    return list(dict.fromkeys(done))


def _read_by_others(units: Collection[str], root: str) -> dict[str, str]:
    """Digest by path of what running daemons read, those of the units left out."""
    mine = {os.path.join(root, shown["RuntimeDirectory"]) for shown in loaded(units).values()}
    found = [path for deep in ("*", "*/*") for path in glob.glob(os.path.join(root, deep, RECORD))]
    others = [folder for path in found if (folder := os.path.dirname(path)) not in mine]
    return {path: digest for folder in others for path, digest in recorded(folder, root="/").items()}


def _copies(folder: str) -> dict[str, str]:
    """Where a file lay -> where its copy lies."""
    return {
        os.path.join(here, name).removeprefix(folder): os.path.join(here, name)
        for here, _, names in os.walk(folder)
        for name in names
    }


def _copy(path: str, digest: str, target: str, *, check: bool) -> bool:
    """Copy a file with its owner and mode unless its copy is there; not one that is other by now."""
    if _digest(path) != digest or _digest(target + path) == digest:
        return False
    if not check:
        with directory(os.path.dirname(os.path.dirname(target)), make=True), directory(target, make=True):
            os.chmod(os.path.dirname(target), 0o700)
        os.makedirs(os.path.dirname(target + path), exist_ok=True)
        _put(path, target + path)
    return True


def _put(path: str, target: str) -> None:
    """A copy of a file with its owner and mode, all of it or nothing.

    It is as young as it is: systemd reads a unit again which is younger than what it has loaded.
    """
    fresh = target + BEGUN
    shutil.copy(path, fresh)
    status = os.stat(path)
    os.chown(fresh, status.st_uid, status.st_gid)
    os.replace(fresh, target)


def _forget(target: str, files: Collection[str]) -> None:
    """Remove copies of what the daemon does not read any more."""
    for path, copy in _copies(target).items():
        if path not in files:
            os.unlink(copy)


def _digest(path: str) -> str:
    content = beginning(path)
    return "" if content is None else hashlib.sha256(content).hexdigest()
