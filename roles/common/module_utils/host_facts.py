"""What a machine is, as far as the rules about machines ask: what the module machine_facts returns."""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

#: Majors of OpenJDK that releases of Debian have as packages.
JAVA = {"12": [17], "13": [21, 25]}
#: A socket that listens (include/net/tcp_states.h).
LISTEN = "0A"
#: File systems without a disk of their own, where no service has data.
PASSING = re.compile(
    "(bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|mqueue|nsfs|proc|pstore|ramfs|"
    "rpc_pipefs|securityfs|sysfs|tracefs)"
)


#: File systems of other machines, and those that are mounted when they are used.
REMOTE = re.compile("(afs|autofs|beegfs|ceph|cifs|fuse[.].*|gfs2?|glusterfs|lustre|nfs4?|9p|smb3?)")


def read(names: Iterable[str], files: Iterable[str], root: Path = Path("/")) -> dict[str, Any]:
    """All facts of this machine.

    names: those of the cluster's machines, each is looked up
    files: paths of which is said whether they are there
    root: where /proc and /etc are

    Memory and free space are MB of 1024 * 1024 bytes, the time is seconds since 1970.
    """
    system = read_release((root / "etc/os-release").read_text(encoding="utf-8"))
    return {
        "system": system,
        "java": java(system, root),
        "architecture": platform.machine(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "memory": read_memory((root / "proc/meminfo").read_text(encoding="utf-8")),
        "user": os.geteuid(),
        "hostname": socket.gethostname(),
        "own_address": address(socket.gethostname()),
        "names": {name: address(name) for name in names},
        "addresses": read_addresses((root / "proc/net/fib_trie").read_text(encoding="utf-8")),
        "time": time.time(),
        "listening": listening(root),
        "mounts": list(mounts((root / "proc/self/mounts").read_text(encoding="utf-8"))),
        "fstab": fstab(_text(root / "etc/fstab")),
        "files": {path: os.path.exists(path) for path in files},
    }


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def address(name: str) -> str | None:
    """The IPv4 address that a daemon of this machine takes for a name: the first. None when there is none."""
    try:
        return str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return None


def read_release(text: str) -> dict[str, str]:
    """ID, VERSION_ID and the name of a system, of /etc/os-release.

    >>> read_release('ID=debian\\nVERSION_ID="12"\\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"')["version"]
    '12'
    """
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    known = {key: value.strip("\"'") for key, value in lines}
    name = known.get("PRETTY_NAME") or known.get("ID", "")
    return {"id": known.get("ID", ""), "version": known.get("VERSION_ID", ""), "name": name}


def java(system: dict[str, str], root: Path) -> dict[str, Any]:
    """Majors of Java that the release has as packages, and the directories of those that are there."""
    homes = {str(path.parents[1]) for path in root.glob("usr/lib/jvm/*/bin/java")}
    packages = JAVA.get(system["version"], []) if system["id"] == "debian" else []
    return {"packages": packages, "homes": sorted(f"/{os.path.relpath(home, root)}" for home in homes)}


def read_memory(meminfo: str) -> int:
    """MB that the machine has, of /proc/meminfo. Raises ValueError when it is not said."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    if not found:
        raise ValueError("/proc/meminfo has no MemTotal")
    return int(found[1]) // 1024


def read_addresses(fib_trie: str) -> list[str]:
    """The machine's own IPv4 addresses, loopback left out, of /proc/net/fib_trie."""
    found = re.findall(r"\|-- ([\d.]+)\n\s+/32 host LOCAL", fib_trie)
    return sorted({each for each in found if not each.startswith("127.")})


def read_sockets(text: str) -> dict[int, str]:
    """Ports that something listens at, each with the inode of its socket, of /proc/net/tcp or tcp6."""
    rows = (line.split() for line in text.splitlines()[1:])
    return {int(row[1].rpartition(":")[2], 16): row[9] for row in rows if row[3] == LISTEN}


def listening(root: Path) -> list[dict[str, Any]]:
    """Ports that something listens at, with its unit and program, both empty where they cannot be seen."""
    ports: dict[int, str] = {}
    for name in ("tcp", "tcp6"):
        ports |= read_sockets(_text(root / "proc/net" / name))
    owners = _owners(root, set(ports.values()))
    return [
        {"port": port, **owners.get(inode, {"unit": "", "program": ""})}
        for port, inode in sorted(ports.items())
    ]


def _owners(root: Path, inodes: set[str]) -> dict[str, dict[str, str]]:
    """Unit and program by the inode of a socket."""
    found: dict[str, dict[str, str]] = {}
    for process in (root / "proc").glob("[0-9]*"):
        try:
            held = inodes & set(_sockets(process / "fd"))
            if held:
                owner = {
                    "unit": read_unit((process / "cgroup").read_text(encoding="utf-8")),
                    "program": (process / "comm").read_text(encoding="utf-8").strip(),
                }
                found |= dict.fromkeys(held, owner)
        except OSError:
            # It has ended, or is not ours to look at.
            continue
    return found


def _sockets(directory: Path) -> Iterator[str]:
    """The inodes of the sockets that a process has open."""
    for each in directory.iterdir():
        try:
            link = os.readlink(each)
        except FileNotFoundError:
            # Closed meanwhile, such as the directory that this process reads.
            continue
        if link.startswith("socket:["):
            yield link[8:-1]


def read_unit(cgroup: str) -> str:
    """The systemd unit of a process, without .service, of /proc/PID/cgroup; empty for none."""
    found = re.findall(r"/([^/\n]+)\.service(?:/|$)", cgroup, re.MULTILINE)
    return found[-1].replace("\\x40", "@") if found else ""


def mounts(text: str) -> Iterator[dict[str, Any]]:
    """File systems with their space, of /proc/self/mounts; of several at one place the last.

    Space and inodes are None for a file system of another machine.
    """
    lines = {_path(parts[1]): parts for line in text.splitlines() if len(parts := line.split()) > 3}
    for path, (_, _, kind, options, *_) in lines.items():
        if PASSING.fullmatch(kind):
            continue
        read_only = "ro" in options.split(",")
        if REMOTE.fullmatch(kind):
            # To ask a server that is gone would take for ever.
            yield {"path": path, "read_only": read_only, "free": None, "size": None, "inodes": None}
            continue
        try:
            space = os.statvfs(path)
        except OSError:
            continue
        yield {
            "path": path,
            "read_only": read_only,
            "free": space.f_bavail * space.f_frsize >> 20,
            "size": space.f_blocks * space.f_frsize >> 20,
            # Some file systems make inodes as they need them, and say 0 of 0.
            "inodes": space.f_favail if space.f_files else 1,
        }


def fstab(text: str) -> list[str]:
    """Where file systems are to be mounted, of /etc/fstab, without those that are mounted on demand only."""
    rows = (line.split("#")[0].split() for line in text.splitlines())
    return [
        _path(row[1])
        for row in rows
        if len(row) > 2 and row[1].startswith("/") and "noauto" not in "".join(row[3:4]).split(",")
    ]


def _path(text: str) -> str:
    """A path as fstab(5) writes it, without what is too much: blanks are octal."""
    plain = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
    # Of two slashes at the beginning normpath would leave both.
    return os.path.normpath(re.sub("^/+", "/", plain))
