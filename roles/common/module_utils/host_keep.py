"""Copies of the files that daemons run well with: what the module service_keep does."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection

from ansible.module_utils.host_paths import beginning, directory
from ansible.module_utils.host_units import UP, loaded, recorded

KEPT = "/var/lib/millrace/kept"
#: Files of the system and of the kit's own; what lies in /opt has a directory for each version anyway.
CONFIGURATION = "/etc/"


def keep(units: Collection[str], target: str = KEPT, *, check: bool) -> list[str]:
    """Copy what each running daemon has read, where it still lies there; the paths copied anew.

    units: names without .service; one that does not run is left out
    target: the directory of the copies: <target>/<unit>/etc/kafka/server-1.properties
    Raises OSError, ValueError for a link that root does not follow, and UnitError.
    """
    kept = []
    for unit, shown in loaded(units).items():
        if shown["ActiveState"] not in UP:
            continue
        record = recorded(shown["RuntimeDirectory"])
        files = {path: digest for path, digest in record.items() if path.startswith(CONFIGURATION)}
        kept += [path for path in files if _copy(path, files[path], f"{target}/{unit}", check=check)]
        if not check:
            _forget(f"{target}/{unit}", files)
    return kept


def _copy(path: str, digest: str, target: str, *, check: bool) -> bool:
    """Copy a file with its owner and mode unless its copy is there; not one that is other by now."""
    if _digest(path) != digest or _digest(target + path) == digest:
        return False
    if not check:
        with directory(os.path.dirname(os.path.dirname(target)), make=True), directory(target, make=True):
            os.chmod(os.path.dirname(target), 0o700)
        os.makedirs(os.path.dirname(target + path), exist_ok=True)
        shutil.copy2(path, f"{target}{path}.new")
        status = os.stat(path)
        os.chown(f"{target}{path}.new", status.st_uid, status.st_gid)
        os.replace(f"{target}{path}.new", target + path)
    return True


def _forget(target: str, files: Collection[str]) -> None:
    """Remove copies of what the daemon does not read any more."""
    for folder, _, names in os.walk(target):
        for name in names:
            path = os.path.join(folder, name)
            if path.removeprefix(target) not in files:
                os.unlink(path)


def _digest(path: str) -> str:
    content = beginning(path)
    return "" if content is None else hashlib.sha256(content).hexdigest()
