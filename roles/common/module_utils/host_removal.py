"""What is removed of a host and what is left: for the steps of host_remove."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.host_made import Made
from ansible.module_utils.host_paths import directory, user_name

MOUNTS = "/proc/self/mountinfo"


def below(path: str, directories: Iterable[str]) -> bool:
    """Whether a path is one of the directories, or lies in one."""
    return any(path == each or path.startswith(f"{each}/") for each in directories)


def mounts() -> list[str]:
    """Where something is mounted."""
    with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as stream:
        paths = [line.split()[4] for line in stream]
    return [re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path) for path in paths]


def innermost_first(paths: Iterable[str]) -> list[str]:
    """Directories, each after those that lie in it."""
    return sorted(paths, key=lambda path: (-path.count("/"), path))


@dataclass
class Removal:
    """One removal: what is known of the host, and what became of it.

    header: what the first lines of every file of the kit say
    made: what the kit has made (host_made)
    stores: the directories in which daemons write what is to last
    logs: the directories of logs that came with the kit
    theirs: directories of services that were there before the kit, or that its record does not have
    owners: the ids of the services' users
    check: whether nothing is changed
    removed: what was removed, by its path or in words; left: what was not, and why
    gone: paths that are there no more, or would not be; restored: directories that are others' again
    """

    header: str
    made: Made
    stores: Collection[str]
    logs: Collection[str]
    theirs: Collection[str]
    owners: Collection[int]
    check: bool
    removed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)

    def do(self, what: str, step: Callable[..., object], *arguments: Any) -> None:
        """Take a step, or say that it would be taken."""
        if not self.check:
            step(*arguments)
        self.removed.append(what)

    def unlink(self, path: str) -> None:
        """Remove a file or a link."""
        self.do(path, os.unlink, path)
        self.gone.add(path)

    def names(self, path: str) -> list[str]:
        """What is in a directory and stays there; nothing where there is none."""
        if not os.path.isdir(path):
            return []
        return sorted(name for name in os.listdir(path) if os.path.join(path, name) not in self.gone)

    def rmdir(self, path: str) -> None:
        """Remove a directory where nothing is left in it."""
        if path in self.gone or not os.path.isdir(path):
            return
        if os.path.islink(path):
            self.left[path] = f"a link to {os.readlink(path)}"
        elif os.path.realpath(path) in mounts():
            self.left[path] = "a mount point"
        elif names := self.names(path):
            # What is told of already needs no second word.
            if not any(below(each, [path]) for each in self.left):
                self.left[path] = f"others have put there {', '.join(names[:5])}"
        else:
            self.do(path, os.rmdir, path)
            self.gone.add(path)

    def empty(self, path: str) -> None:
        """Remove what is the services' users' in a directory; what is another's, or mounted, is left.

        A link on the way is followed where root has put it, as when the directory was made, and none in it.
        """
        mounted = mounts()
        try:
            with directory(path) as place, place.readable() as fd:
                for name in sorted(os.listdir(fd)):
                    entry, status = os.path.join(path, name), place.status(name)
                    paths = [entry, os.path.join(place.path, name)]
                    if status is None or entry in self.gone or entry in self.theirs:
                        continue
                    if status.st_uid not in self.owners:
                        self.left[entry] = f"it belongs to {user_name(status.st_uid)}"
                    elif paths[1] in mounted:
                        self.left[entry] = "a mount point"
                    elif any(below(each, paths) for each in (*mounted, *self.theirs)):
                        self.empty(entry)
                    else:
                        self._remove_entry(fd, name, status, entry)
        except FileNotFoundError:
            return
        except (NotADirectoryError, ValueError) as error:
            self.left[path] = str(error)

    def _remove_entry(self, fd: int, name: str, status: os.stat_result, path: str) -> None:
        """Remove a file or a link, or a directory with all that is in it; no link is followed."""
        if stat.S_ISDIR(status.st_mode):
            self.do(path, lambda: shutil.rmtree(name, dir_fd=fd))
        else:
            self.do(path, lambda: os.unlink(name, dir_fd=fd))
        self.gone.add(path)
