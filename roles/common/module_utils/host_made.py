"""What the kit has made on a host and was not there before: written down, so that no more is taken away.

The record is written before anything of it is made: what a killed run has made is known, too.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils import host_install, host_kernel

RECORD = "/var/lib/millrace/made.json"
#: A package that Ansible's module of apt installs where it is missing.
ANSIBLES = "python3-apt"

Made = dict[str, Any]
#: In it systemd makes the directories that units name in LogsDirectory (systemd.exec).
LOGS = "/var/log"
#: How apt says what it would unpack; what is there already has its version in brackets.
_NEW = re.compile(r"^Inst (\S+) (?!\[)", re.MULTILINE)
_LOGS = re.compile(r"^LogsDirectory=(.+)$", re.MULTILINE)


def read(path: str) -> Made:
    """The record: ``users`` and ``groups``; ``directories``, of each what it was; ``packages``; ``links``.

    Of a directory it has None where nothing was there, else owner, group and mode; of the package that is
    asked for, all that came with it. The links are None on a machine of a kit that did not record them.
    """
    nothing: Made = {"users": [], "groups": [], "directories": {}, "packages": {}, "links": []}
    try:
        with open(path, encoding="utf-8") as stream:
            return nothing | {"links": None} | dict(json.load(stream))
    except FileNotFoundError:
        # Before there was a record the kit had other files beside it.
        return nothing | ({"links": None} if os.path.isdir(os.path.dirname(path)) else {})


def write(made: Made, path: str) -> None:
    """Write the record, all of it or nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.new", "w", encoding="utf-8") as stream:
        stream.write(json.dumps(made, indent=1, sort_keys=True) + "\n")
        os.fsync(stream.fileno())
    os.replace(f"{path}.new", path)


def note(services: Iterable[dict[str, Any]], path: str, *, files: bool) -> None:
    """Record what services need and the host has not; what is known already stays as it is.

    files: whether their files are to be written, too
    """
    services = list(services)
    before, made = read(path), read(path)
    made["links"] = links(services, made)
    for service in services:
        part = service["install"]
        for user in part["users"]:
            _note_missing(made["groups"], user["group"], grp.getgrnam)
            _note_missing(made["users"], user["name"], pwd.getpwnam)
        for spec in part["directories"]:
            _note_above(made, f"{spec['path']}/")
            if state := _to_be_changed(spec):
                made["directories"].setdefault(spec["path"], state)
        for each in _places(service, files=files):
            _note_above(made, each)
        for link in host_install.links_of(part):
            _note_link(made["links"], link)
    # One that says nothing tells, too, that this kit was here first.
    if made != before or not os.path.exists(path):
        write(made, path)


def links(services: Iterable[dict[str, Any]], made: Made) -> list[str]:
    """The links that the kit has made; where that was not recorded, those that lead where its links do."""
    if made["links"] is not None:
        return list(made["links"])
    wanted = [link for service in services for link in host_install.links_of(service["install"])]
    return [
        link["path"]
        for link in wanted
        if os.path.islink(link["path"])
        and not host_install.leads_to_theirs(Path(link["path"]), link["target"], link.get("within"))
    ]


def log_directories(text: str) -> list[str]:
    """The directories of logs that a unit file names, but for those with a specifier in their name."""
    names = [name for line in _LOGS.findall(text) for name in line.split()]
    return [os.path.join(LOGS, name) for name in names if "%" not in name]


def note_packages(name: str, path: str) -> list[str]:
    """Record which packages come with one that is to be installed; those that are new to the record.

    Raises OSError when apt does not say.
    """
    # Ansible's module of apt installs what it needs itself.
    said = run("apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", name, "python3-apt")
    made = read(path)
    known = made["packages"].setdefault(name, [])
    fresh = [each for each in _NEW.findall(said) if each not in known]
    known += fresh
    if fresh:
        write(made, path)
    return fresh


def run(*argv: str) -> str:
    """What a program of the system says, in English. Raises OSError when it fails."""
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _places(service: dict[str, Any], *, files: bool) -> Iterator[str]:
    """Paths whose directories are made where they are missing."""
    part = service["install"]
    yield from (link["path"] for link in host_install.links_of(part))
    if part.get("commands"):
        yield str(host_install.BIN / "command")
    for file in service["files"] if files else ():
        if file.get("state") != "absent":
            yield file["path"]
            yield from (f"{path}/" for path in log_directories(file.get("content") or ""))
    if part.get("kernel"):
        yield from (f"/{path}" for path in (host_kernel.SYSCTL, host_kernel.TMPFILES))


def _note_missing(known: list[str], name: str, lookup: Any) -> None:
    try:
        lookup(name)
    except KeyError:
        if name not in known:
            known.append(name)


def _note_link(known: list[str], link: dict[str, Any]) -> None:
    """Record a link that is missing, or that leads to nothing and is to be moved."""
    path = link["path"]
    right = os.path.islink(path) and not host_install.leads_elsewhere(link)
    if not right and not os.path.exists(path) and path not in known:
        known.append(path)


def _note_above(made: Made, path: str) -> None:
    """Record the directories above a path that are missing."""
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        made["directories"].setdefault(above, None)
        above = os.path.dirname(above)


def _to_be_changed(spec: dict[str, str]) -> list[int] | None:
    """Owner, group and mode of a directory that is there and is to get others."""
    try:
        status = os.stat(spec["path"])
    except FileNotFoundError:
        return None
    state = [status.st_uid, status.st_gid, status.st_mode & 0o7777]
    try:
        owner, group = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
    except KeyError:  # a user that is yet to be made
        return state
    return None if state == [owner, group, int(spec["mode"], 8)] else state
