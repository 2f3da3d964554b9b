"""What lies in the data directories of a host, for what is to be known before anything is written."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any
from xml.etree import ElementTree

from ansible.module_utils.host_paths import beginning, matching
from ansible.module_utils.host_units import UP, loaded, recorded

#: The argument of the modules: the directories of a service, and what marks data in one.
STORES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "units": {"type": "list", "elements": "str", "default": []},
        "directories": {"type": "list", "elements": "path", "required": True},
        "markers": {"type": "list", "elements": "str", "required": True},
        "configured": {"type": "str", "default": ""},
        "key": {"type": "str", "default": ""},
    },
}

#: Characters that are read of a marker: more than any VERSION or meta.properties has.
MOST = 2000


def read_stores(stores: list[dict[str, Any]]) -> dict[str, Any]:
    """By the name of each store: ``up``, ``holds``, ``kept`` and ``older``.

    up: units that run or are on their way up
    holds: {directory: {path below it: its text, none of a directory}} of the directories that are wanted
    kept: directories of these that the daemon was given before, too
    older: the same as holds, of directories that the daemon was given before and is not to have any
        more, as far as there is data

    What it was given before is what its configuration on the disk names, what systemd has loaded
    (ReadWritePaths), which holds for stopped units, too, and where the files lie that a running daemon read.
    So this tells of a move as long as it is asked before any file of the service is written.
    """
    shown = loaded({unit for store in stores for unit in store["units"]})
    found = {}
    for store in stores:
        units = [shown[unit] for unit in store["units"] if unit in shown]
        up = [unit for unit in units if unit["ActiveState"] in UP]
        before = {path.lstrip("+-") for unit in units for path in unit.get("ReadWritePaths", "").split()}
        before |= {os.path.dirname(path) for unit in up for path in recorded(unit["RuntimeDirectory"])}
        if store["configured"]:
            before |= set(
                directories_of(read_settings(store["configured"], [store["key"]]).get(store["key"]))
            )
        wanted = {os.path.realpath(path) for path in store["directories"]}
        given = {os.path.realpath(path) for path in before}
        older = sorted(path for path in before if os.path.realpath(path) not in wanted)
        found[store["name"]] = {
            "up": [unit["Id"].removesuffix(".service") for unit in up],
            "holds": {path: markers_in(path, store["markers"]) for path in store["directories"]},
            "kept": [path for path in store["directories"] if os.path.realpath(path) in given],
            "older": {path: held for path in older if (held := markers_in(path, store["markers"]))},
        }
    return found


def markers_in(directory: str, markers: Collection[str]) -> dict[str, str]:
    """The paths below a directory that match one of the globs, each with the beginning of its text.

    Raises ValueError for a link there that root does not follow, since a service may have put it.
    """
    paths = {path for marker in markers for path in matching(directory, marker)}
    return {os.path.relpath(path, directory): _text(path) for path in sorted(paths)}


def _text(path: str) -> str:
    """The beginning of a small file; nothing of a directory, or of what is no text."""
    try:
        data = beginning(path, MOST) or b""
    except IsADirectoryError:
        return ""
    return "" if b"\0" in data else data.decode("utf-8", "replace")


def read_settings(path: str, keys: Collection[str]) -> dict[str, str]:
    """Settings of a .properties or Hadoop XML file whose keys match one of the globs; none without a file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return {}
    pairs = _hadoop_xml(text) if path.endswith(".xml") else _properties(text)
    return {key: value for key, value in pairs.items() if any(fnmatchcase(key, each) for each in keys)}


def _properties(text: str) -> dict[str, str]:
    # The kit's own files: one setting a line, the separator an equals sign.
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith(("#", "!")))
    return {key.strip(): value.strip() for key, value in pairs}


def _hadoop_xml(text: str) -> dict[str, str]:
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (root's own file, that the daemons read, too)
    except ElementTree.ParseError:
        return {}
    rows = root.iter("property")
    return {row.findtext("name", "").strip(): row.findtext("value", "").strip() for row in rows}


def directories_of(value: str | None) -> list[str]:
    """The paths of a list with commas, without what may stand before them: [SSD]file:///d.

    >>> directories_of("[SSD]file:///a,/b")
    ['/a', '/b']
    """
    # As the filter to_directories reads it, which modules cannot import.
    parts = (re.sub(r"^(\[[^\]]*\])*(file:(//)?)?", "", part.strip()) for part in (value or "").split(","))
    return [path for path in parts if path.startswith("/")]
