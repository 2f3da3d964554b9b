"""Tarballs whose bytes depend on nothing but their content."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from artifacts.progress import Progress

# One time for every file: class-data archives of Java are void when a jar's time differs.
MTIME = 1_767_225_600  # 2026-01-01 00:00 UTC


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file to pack: its size in bytes, whether it is a program, and how to open it."""

    size: int
    executable: bool
    open: Callable[[], IO[bytes]]


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link to pack."""

    target: str


def from_path(path: Path, executable: bool = False) -> Entry:
    """An entry with the content of a file."""
    return Entry(path.stat().st_size, executable, lambda: path.open("rb"))


def from_bytes(content: bytes, executable: bool = False) -> Entry:
    """An entry with a content of its own."""
    return Entry(len(content), executable, lambda: io.BytesIO(content))


class _Hashed:
    """A stream that hashes what is written through it."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._written = 0
        self.sha512 = hashlib.sha512()

    def write(self, data: bytes) -> int:
        self.sha512.update(data)
        self._written += len(data)
        self._progress.note = f"{self._written >> 20} MiB written"
        return self._stream.write(data)


def _info(path: str, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.mode, info.mtime = mode, MTIME
    info.uname = info.gname = "root"
    return info


def write(target: Path, top: str, entries: Mapping[str, Entry | Link], progress: Progress) -> str:
    """Pack entries (by path under the directory `top`) and return the tarball's SHA-512.

    The tarball is on the disk when this returns (fsync), under the name given: the caller renames it.
    """
    parents = {str(parent) for path in entries for parent in PurePosixPath(top, path).parents} - {"."}
    items: dict[str, Entry | Link | None] = dict.fromkeys(parents)
    items.update({f"{top}/{path}": entry for path, entry in entries.items()})
    with target.open("wb") as stream:
        hashed = _Hashed(stream, progress)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:  # type: ignore[call-overload]
            tar.copybufsize = 1 << 20
            for path in sorted(items):
                entry = items[path]
                if entry is None:
                    info = _info(path, 0o755)
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                elif isinstance(entry, Link):
                    info = _info(path, 0o777)
                    info.type, info.linkname = tarfile.SYMTYPE, entry.target
                    tar.addfile(info)
                else:
                    info = _info(path, 0o755 if entry.executable else 0o644)
                    info.size = entry.size
                    with entry.open() as content:
                        tar.addfile(info, content)
        stream.flush()
        os.fsync(stream.fileno())
    return hashed.sha512.hexdigest()
