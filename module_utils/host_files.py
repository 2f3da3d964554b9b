"""Files of a host, brought to their content: shared by the modules config_files and service_survey."""

from __future__ import annotations

import grp
import os
import pwd
import tempfile
from typing import Any

#: The argument of the modules.
FILES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "required": True},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str", "default": "0644"},
    },
}


def _current(path: str) -> tuple[str | None, int | None, str, str]:
    """Text (None where there is no file), mode, owner and group of a path."""
    if not os.path.exists(path):
        return None, None, "", ""
    status = os.stat(path)
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        text = stream.read()
    return (
        text,
        status.st_mode & 0o7777,
        _name(pwd.getpwuid, status.st_uid),
        _name(grp.getgrgid, status.st_gid),
    )


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def _write(path: str, content: str, mode: int, uid: int, gid: int) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".millrace-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(content)
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def apply(spec: dict[str, Any], *, check: bool) -> dict[str, Any] | None:
    """Bring one file to its content, owner and mode; return its diff, or None when it was right.

    Raises KeyError for an unknown user or group, ValueError for a mode that is not octal, OSError when the
    file cannot be written.
    """
    path, mode = spec["path"], int(spec["mode"], 8)
    was = _current(path)
    wanted = (spec["content"], mode, spec["owner"], spec["group"])
    if was == wanted:
        return None
    if not check:
        uid, gid = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
        _write(path, spec["content"], mode, uid, gid)
    attributes = ""
    if was[0] is not None and was[1:] != wanted[1:]:
        attributes = f" ({was[1]:04o} {was[2]}:{was[3]} -> {mode:04o} {spec['owner']}:{spec['group']})"
    return {
        "before_header": path + attributes,
        "after_header": path,
        "before": was[0] or "",
        "after": spec["content"],
    }
