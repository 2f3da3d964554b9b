"""Properties that a running daemon reads at its start: which of them its file has otherwise by now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.host_files import mask
from ansible.module_utils.host_keep import KEPT
from ansible.module_utils.host_paths import beginning
from ansible.module_utils.host_units import loaded, recorded


def compare(
    units: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
    reasons: Mapping[str, Sequence[str]],
    *,
    kept: str = KEPT,
) -> dict[str, dict[str, Any]]:
    """By unit that has a file of which its daemon may take properties while it runs, {"wanted", "differs"}.

    units: {"name": "kafka@1", "dynamic": path}; those without such a file are left out, and so is one whose
        file cannot be read as properties
    files: with their content as it is to be
    reasons: by unit why its daemon has to be restarted, as in host_units.reasons
    kept: the directory of the copies of what daemons have read

    wanted: the properties of the file as it is to be, but for secrets and those that need an escape
    differs: keys that the daemon has read with another value, has not read, or is not to have any more; None
        where it has to be restarted for something else, or where nobody knows what it has read
    Raises OSError, ValueError for a link that root does not follow, and UnitError.
    """
    content = {file["path"]: file.get("content") or file.get("secret_content") or "" for file in files}
    runs = {unit["name"]: unit["dynamic"] for unit in units if unit.get("dynamic") in content}
    shown = loaded([name for name in runs if reasons.get(name) == [runs[name]]])
    found = {}
    for unit, path in runs.items():
        wanted = parse(content[path])
        if wanted is None:
            continue
        differs: list[str] | None = None if reasons.get(unit) else []
        if unit in shown:
            read = _read(f"{kept}/{unit}{path}", recorded(shown[unit]["RuntimeDirectory"]).get(path, ""))
            if read is not None:
                differs = sorted(key for key in {*read, *wanted} if read.get(key) != wanted.get(key))
        found[unit] = {
            "wanted": {key: value for key, value in wanted.items() if _is_plain(key, value)},
            "differs": differs,
        }
    return found


def parse(text: str) -> dict[str, str] | None:
    """Properties one a line, with their escapes; None where a line has another form.

    >>> parse("# kept\\na = 1\\n")
    {'a': '1'}
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "!"))]
    if any("=" not in line or line.endswith("\\") for line in lines):
        return None
    pairs = (line.split("=", 1) for line in lines)
    return {key.strip(): value.strip() for key, value in pairs}


def _read(path: str, digest: str) -> dict[str, str] | None:
    """The properties of a file of this digest; None where it is not there, or another."""
    content = beginning(path)
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        return None
    return parse(content.decode("utf-8", "replace"))


def _is_plain(key: str, value: str) -> bool:
    line = f"{key}={value}"
    return "\\" not in line and mask(line) == line
