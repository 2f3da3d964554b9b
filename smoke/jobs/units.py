"""The machine's side of the status: runs there as root, by python3, beside two modules of roles/common.

Arguments: units, each with the product that it runs (kafka@1=kafka). It changes nothing and prints one
object: by unit its state by systemd, and what is known of its process without asking it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.host_paths import Place, open_file
from ansible.module_utils.host_units import (
    PROPERTIES,
    UnitError,
    dropins_of,
    is_up,
    parse_show,
    reasons,
    recorded,
    systemctl,
)

MORE = ("Result", "MemoryCurrent", "StateChangeTimestampMonotonic")
SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
PROC = "/proc"
PERF_DATA = 0xCAFEC0C0
LONG = ord("J")


def main() -> None:
    """Print what is known of the units."""
    products = dict(word.split("=", 1) for word in sys.argv[1:])
    try:
        shown = parse_show(systemctl("show", f"--property={','.join((*PROPERTIES, *MORE))}", *products))
    except UnitError as error:
        sys.exit(str(error).splitlines()[0])
    print(json.dumps({name: facts(name, unit, products.get(name, "")) for name, unit in shown.items()}))


def facts(name: str, shown: Mapping[str, str], product: str) -> dict[str, Any]:
    """What is known of a unit.

    shown: its properties, as systemctl says them
    """
    up, running = is_up(shown), shown["ActiveState"] == "active"
    since = int(shown["ActiveEnterTimestampMonotonic" if running else "StateChangeTimestampMonotonic"] or 0)
    pid = int(shown["MainPID"] or 0)
    found: dict[str, Any] = {
        "up": up,
        "systemd": shown["SubState"] if shown["LoadState"] == "loaded" else shown["LoadState"],
        "result": shown["Result"],
        "seconds": round(time.monotonic() - since / 1e6) if since else None,
        "restarts": int(shown["NRestarts"] or 0),
        "on_boot": shown["UnitFileState"] == "enabled",
        "older": reasons(recorded(shown["RuntimeDirectory"]), dropins_of(name)) if up else [],
        "memory": int(shown["MemoryCurrent"]) if shown.get("MemoryCurrent", "").isdigit() else None,
        "disk": fullest(shown["ReadWritePaths"].split()),
        "heap_used": None,
        "heap_max": None,
        "version": "",
    }
    with contextlib.suppress(OSError, ValueError, KeyError):  # it may end meanwhile
        if pid:
            found["heap_max"] = heap_max(pid)
            found["version"] = version(pid, product)
            found["heap_used"] = heap_used(pid)
    return found


def fullest(paths: list[str]) -> dict[str, Any] | None:
    """Of the file systems with these paths the fullest, in bytes as df has them; None without any."""
    found: list[dict[str, Any]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            space = os.statvfs(path.lstrip("-+"))
            used = (space.f_blocks - space.f_bfree) * space.f_frsize
            size = used + space.f_bavail * space.f_frsize
            found.append({"path": path.lstrip("-+"), "used": used, "size": size})
    return max(found, key=lambda each: each["used"] / (each["size"] or 1), default=None)


def heap_max(pid: int) -> int | None:
    """The last -Xmx of the command; None without one."""
    with open(f"{PROC}/{pid}/cmdline", "rb") as stream:
        said = re.findall(rb"\0-Xmx(\d+)([kmgtKMGT]?)(?=\0)", stream.read())
    return int(said[-1][0]) * SIZES[said[-1][1].decode().lower()] if said else None


def version(pid: int, product: str) -> str:
    """Of the product that the process has open: not of what lies there by now; empty when it has none."""
    for path in _open_paths(pid):
        if found := re.search(rf"/{product}-([^/]+)-[0-9a-f]{{16}}/", path):
            return found[1]
    return ""


def _open_paths(pid: int) -> Iterator[str]:
    with os.scandir(f"{PROC}/{pid}/fd") as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry.path)
    with open(f"{PROC}/{pid}/maps", encoding="utf-8", errors="replace") as stream:
        yield from stream


def heap_used(pid: int) -> int | None:
    """Bytes of the heap that a JVM uses, as jstat reads them: from the file in which it counts.

    The file is in the /tmp of the daemon, which may be its own.
    """
    user = pwd.getpwuid(os.stat(f"{PROC}/{pid}").st_uid).pw_name
    top = os.open(f"{PROC}/{pid}/root/tmp", os.O_PATH | os.O_DIRECTORY)
    try:
        with Place(top, "/tmp").below(f"hsperfdata_{user}") as place:  # noqa: S108 (the JVM's)
            file = open_file(place, str(pid))
        if file is None:
            return None
        with os.fdopen(file, "rb") as stream:
            counters = perf_data(stream.read(1 << 20))
    finally:
        os.close(top)
    spaces = [
        value
        for name, value in counters.items()
        if re.fullmatch(r"sun\.gc\.generation\.\d\.space\.\d\.used", name)
    ]
    return sum(spaces) if spaces else None


def perf_data(data: bytes) -> dict[str, int]:
    """The numbers in the file of a JVM (hotspot's perfMemory.hpp, version 2). Raises ValueError."""
    try:
        (magic,) = struct.unpack_from(">I", data)
        order = "<" if data[4] == 1 else ">"
        offset, count = struct.unpack_from(f"{order}2I", data, 24)
        if magic != PERF_DATA:
            raise ValueError("no counters of a JVM")
        found = {}
        for _ in range(count):
            length, name, vector, kind, _, _, _, at = struct.unpack_from(f"{order}3I4BI", data, offset)
            if kind == LONG and not vector:
                text = data[offset + name : data.index(b"\0", offset + name)].decode()
                (found[text],) = struct.unpack_from(f"{order}q", data, offset + at)
            if not length:
                raise ValueError("an entry without an end")
            offset += length
    except (struct.error, IndexError) as error:
        raise ValueError(f"not whole: {error}") from None
    return found


if __name__ == "__main__":
    main()
