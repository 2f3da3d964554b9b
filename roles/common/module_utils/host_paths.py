"""Paths on which root walks over directories of others, and is led nowhere: shared by the modules.

A service's user can put a link in place of whatever lies below its directory, while root looks and after it
has. So a path is walked name by name with descriptors, and what is done in a directory is done by its
descriptor. A link is followed only where nobody but root (or who runs this) can have put it.
"""

from __future__ import annotations

import errno
import fnmatch
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: As many as the kernel follows.
MAX_LINKS = 40

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW


def user_name(uid: int) -> str:
    """Name of a user, or "uid 4711"."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _trusted(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _writers(status: os.stat_result) -> str:
    """Who else than root can write in a directory; empty when nobody can."""
    if not _trusted(status.st_uid):
        return user_name(status.st_uid)
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    if status.st_mode & stat.S_IWGRP:
        return f"the group {_group_name(status.st_gid)}"
    return ""


@dataclass(frozen=True)
class Place:
    """A directory that was walked to.

    fd: descriptor, for the dir_fd of os.open and its kind; not to be read or changed itself (O_PATH)
    path: its path without links
    held: who else than root may have put it there ("kafka can write in /var/lib/kafka"), or nothing
    made: whether the walk has made it
    """

    fd: int
    path: str
    held: str = ""
    made: bool = False

    def status(self, name: str) -> os.stat_result | None:
        """What lies here under the name, links not followed; None where nothing does."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def holder(self, entry: os.stat_result) -> str:
        """Who else than root may have put the entry here, as in held."""
        own = os.fstat(self.fd)
        writers = _writers(own)
        # In a sticky directory of root's (/tmp) others can add names, but neither take nor replace root's.
        kept = own.st_mode & stat.S_ISVTX and _trusted(own.st_uid) and _trusted(entry.st_uid)
        if self.held or not writers or kept:
            return self.held
        return f"{writers} can write in {self.path}"

    def target(self, name: str) -> str | None:
        """Where the link of that name leads; None when it is no link.

        Raises ValueError when another than root may have put it here.
        """
        status = self.status(name)
        if status is None or not stat.S_ISLNK(status.st_mode):
            return None
        path, target = os.path.join(self.path, name), os.readlink(name, dir_fd=self.fd)
        if holder := self.holder(status):
            raise ValueError(
                f"{path} is a link to {target}, and {holder}: root does not follow it, "
                "it could lead anywhere. Remove it and put there what it leads to (of another disk: mount "
                "it there), or name the path that it leads to"
            )
        return target

    def names(self, pattern: str) -> list[str]:
        """The names here that match a pattern of the shell; hidden ones do not match a wildcard."""
        if not any(char in pattern for char in "*?["):
            return [] if self.status(pattern) is None else [pattern]
        with self.readable() as fd:
            names = sorted(os.listdir(fd))
        return [name for name in fnmatch.filter(names, pattern) if not name.startswith(".")]

    @contextmanager
    def readable(self) -> Iterator[int]:
        """A descriptor by which the directory itself can be read and changed (os.listdir, os.fchown)."""
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.fd)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def below(self, name: str) -> Iterator[Place]:
        """The directory of that name in this one; raises as directory(), for any link."""
        place = _step(self, name, "", make=False)
        try:
            yield place
        finally:
            os.close(place.fd)

    @property
    def anchored(self) -> str:
        """A path that stays this directory's whatever is renamed, for functions that take no descriptor."""
        return f"/proc/self/fd/{self.fd}"


@contextmanager
def directory(path: str, *, make: bool = False) -> Iterator[Place]:
    """Walk to a directory. With make, parents and the directory are made where they are missing (0755).

    Raises ValueError for a path that is not absolute, for a link that others may have put there and, with
    make, for one that leads to nothing; FileNotFoundError, and NotADirectoryError for a file on the way.
    """
    place = _walk(path, make=make)
    try:
        yield place
    finally:
        os.close(place.fd)


def _walk(path: str, *, make: bool) -> Place:
    if not os.path.isabs(path):
        raise ValueError(f"{path!r} is not an absolute path: give one that begins with /")
    # What is still to go, the next name last, each with the link that named it.
    ahead = [(name, "") for name in reversed(path.split("/"))]
    stack, links = [Place(os.open("/", _WALK), "/")], 0
    try:
        while ahead:
            name, link = ahead.pop()
            if name == "..":
                _back(stack, max(len(stack) - 1, 1))
            elif name not in ("", "."):
                target = stack[-1].target(name)
                if target is None:
                    stack.append(_step(stack[-1], name, link, make=make))
                    continue
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                link = os.path.join(stack[-1].path, name)
                ahead += [(each, link) for each in reversed(target.split("/"))]
                if os.path.isabs(target):
                    _back(stack, 1)
        return stack.pop()
    finally:
        _back(stack, 0)


def _back(stack: list[Place], length: int) -> None:
    while len(stack) > length:
        os.close(stack.pop().fd)


def _step(place: Place, name: str, link: str, *, make: bool) -> Place:
    """One directory on; link: the one that named it, if any."""
    path, made = os.path.join(place.path, name), False
    try:
        try:
            fd = os.open(name, _WALK, dir_fd=place.fd)
        except FileNotFoundError:
            if make and link:
                raise ValueError(
                    f"{link} leads to {path}, which is not there: make or mount it, or remove the link"
                ) from None
            if not make:
                raise
            os.mkdir(name, 0o755, dir_fd=place.fd)
            fd, made = os.open(name, _WALK, dir_fd=place.fd), True
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    return Place(fd, path, place.holder(os.fstat(fd)), made)


def open_file(place: Place, name: str, links: int = 0) -> int | None:
    """Descriptor, for reading, of a plain file in the directory; None where there is none.

    Links are followed as by directory(). Raises IsADirectoryError; ValueError for what is no plain file or,
    where others than root can write, has further names: it may be any file of the machine.
    """
    status, path = place.status(name), os.path.join(place.path, name)
    if status is None:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    target = place.target(name)
    if target is not None:
        if links >= MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        leads_to = os.path.join(place.path, target)
        try:
            with directory(os.path.dirname(leads_to)) as other:
                return open_file(other, os.path.basename(leads_to), links + 1)
        except FileNotFoundError:
            return None
    _refuse_other_than_plain(place, path, status)
    # What may lie there by now is neither followed nor waited for.
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place.fd)
    try:
        _refuse_other_than_plain(place, path, os.fstat(fd))
    except ValueError:
        os.close(fd)
        raise
    return fd


def _refuse_other_than_plain(place: Place, path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is no plain file: move it away")
    holder = place.holder(status)
    if holder and status.st_nlink > 1:
        raise ValueError(
            f"{path} is a file with {status.st_nlink} names, and {holder}: root does not read it, it could "
            "be any file. Put a copy in its place"
        )


def beginning(path: str, size: int = -1) -> bytes | None:
    """The first bytes of a plain file, or all; None where there is none. Raises as open_file does."""
    try:
        with directory(os.path.dirname(path)) as place:
            fd = open_file(place, os.path.basename(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if fd is None:
        return None
    with os.fdopen(fd, "rb") as stream:
        return stream.read(size)


def matching(path: str, pattern: str) -> list[str]:
    """Paths below a directory that match a pattern ("*/meta.properties"), sorted; raises as directory()."""
    head, _, rest = pattern.partition("/")
    try:
        with directory(path) as place:
            found = [os.path.join(path, name) for name in place.names(head)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [each for below in found for each in matching(below, rest)] if rest else found
