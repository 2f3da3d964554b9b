"""What lies where in a product's tarball."""

from __future__ import annotations

import fnmatch
import gzip
import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from artifacts import ArtifactError
from artifacts.product import Product, Repack
from artifacts.tarball import Entry, Link, from_bytes, from_path

Entries = dict[str, Entry | Link]


def entries(product: Product, parts: Path, sdist: tarfile.TarFile | None) -> Entries:
    """All that goes into the tarball of a product, by path under its top directory.

    parts: the directory of its jars, or wheels

    Later parts lie over earlier ones: source distribution, jars, jars cut out of jars, launchers, what the
    version has of our own, links.
    """
    result: Entries = dict(_members(product, sdist)) if sdist else {}
    if product.wheels:
        result |= dict(_wheels(product, parts))
    else:
        result |= {product.place(name): from_path(parts / name) for name in product.locked_parts()}
    for repack in product.repacks:
        result[repack.target] = from_bytes(_cut(parts / repack.source, repack))
        del result[product.place(repack.source)]
    result |= dict(_launchers(product))
    result |= dict(_tree(product.files))
    return result | {path: Link(target) for path, target in product.links.items()}


def _members(product: Product, sdist: tarfile.TarFile) -> Iterator[tuple[str, Entry]]:
    assert product.sdist
    for member in sdist.getmembers():
        path = member.name.partition("/")[2]
        if member.isdir() or any(fnmatch.fnmatchcase(path, pattern) for pattern in product.sdist.drop):
            continue
        for old, new in product.sdist.layout:
            if path.startswith(old):
                if not member.isreg():
                    raise ArtifactError(f"{product.label}: {member.name} is no plain file")
                yield new + path.removeprefix(old), _member(sdist, member)
                break


def _member(sdist: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    def content() -> io.BufferedReader:
        stream = sdist.extractfile(member)
        assert stream is not None
        return stream  # type: ignore[return-value]

    return Entry(member.size, bool(member.mode & 0o100), content)


def _wheels(product: Product, directory: Path) -> Iterator[tuple[str, Entry]]:
    """What the wheels hold, as it lies in a directory of packages."""
    assert product.wheels
    for name in product.locked_parts():
        with zipfile.ZipFile(directory / name) as wheel:
            for member in wheel.infolist():
                path = member.filename
                if member.is_dir() or any(fnmatch.fnmatchcase(path, each) for each in product.wheels.drop):
                    continue
                if path.partition("/")[0].endswith(".data"):
                    # Its directories are for pip to spread (the wheel's specification).
                    raise ArtifactError(f"{product.label}: {path} of {name} has no place")
                yield (
                    path,
                    Entry(member.file_size, executable=False, open=partial(_open, directory / name, path)),
                )


def _open(wheel: Path, path: str) -> IO[bytes]:
    """A member of a wheel; the file is closed with it."""
    return zipfile.ZipFile(wheel).open(path)


def _cut(jar: Path, repack: Repack) -> bytes:
    """A jar of some members of a jar: stored, with one date: neither zlib nor the clock shows."""
    result = io.BytesIO()
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(result, "w") as target:
        names = {n for n in source.namelist() if n.startswith(repack.keep) and not n.endswith("/")}
        if not names:
            raise ArtifactError(f"{jar}: has nothing under {repack.keep}")
        # Hadoop looks up the directory webapps/hdfs on the class path: it needs an entry of its own.
        folders = {f"{parent}/" for name in names for parent in PurePosixPath(name).parents if parent.name}
        for name in sorted(names | folders):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16 if name in folders else 0o644 << 16
            target.writestr(info, b"" if name in folders else source.read(name))
    return result.getvalue()


def _tree(root: Path) -> Iterator[tuple[str, Entry | Link]]:
    """The files and links below a directory as they lie; nothing when it is absent."""
    for path in root.rglob("*"):
        if path.is_symlink():
            yield path.relative_to(root).as_posix(), Link(str(path.readlink()))
        elif path.is_file():
            yield path.relative_to(root).as_posix(), from_path(path, path.stat().st_mode & 0o100 != 0)


def _launchers(product: Product) -> Iterator[tuple[str, Entry | Link]]:
    """The launchers as they lie in their directory, the launch table, a name in bin/ for each line of it."""
    yield from _tree(product.launchers)
    table = product.directory / "commands"
    if table.exists():
        yield "libexec/commands", from_path(table)
        for line in table.read_text(encoding="utf-8").splitlines():
            yield f"bin/{line.split()[0]}", Link("../libexec/launch.sh")


def unzip(sdist: Path, target: Path) -> None:
    """Expand a source distribution, so that its members can be read in any order."""
    with gzip.open(sdist) as source, target.open("wb") as plain:
        shutil.copyfileobj(source, plain, 1 << 20)
