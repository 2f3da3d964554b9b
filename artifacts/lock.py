"""Lock files (`sha512sum` format) and the checks against them."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from artifacts import ArtifactError


def read(path: Path) -> dict[str, str]:
    """SHA-512 by file name; raises ArtifactError when the file is absent or is no lock file."""
    try:
        pairs = [line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such lock; make it with: python -m artifacts lock") from error
    if not all(len(pair) == 2 and len(pair[0]) == 128 for pair in pairs):
        raise ArtifactError(f"{path}: not a list of SHA-512 digests and names")
    return {name: digest for digest, name in pairs}


def text(digests: Mapping[str, str]) -> str:
    """The content of a lock file."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


@dataclasses.dataclass(frozen=True)
class Tarball:
    """A product's tarball as it is locked: its SHA-512 and the digest of the recipe that gave it."""

    stem: str
    sha512: str
    recipe: str

    @property
    def name(self) -> str:
        """Its file name holds its own digest: other bytes are another file."""
        return f"{self.stem}-{self.sha512[:16]}.tar"

    def text(self) -> str:
        """The content of its lock file; the recipe is a comment to `sha512sum --check`."""
        return f"# recipe {self.recipe}\n{text({self.name: self.sha512})}"


def read_tarball(path: Path, stem: str) -> Tarball | None:
    """The lock of the tarball with this top directory; None where there is none, or a merge broke it."""
    if not path.exists():
        return None
    content = path.read_text(encoding="utf-8")
    found = re.match("# recipe ([0-9a-f]{16})\n([0-9a-f]{128})  ", content)
    locked = found and Tarball(stem, found[2], found[1])
    return locked if locked and locked.text() == content else None


def digest(path: Path) -> str:
    """The SHA-512 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha512").hexdigest()


def digest_all(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-512 of many files, on all processors (hashing lets go of the interpreter's lock)."""
    # the biggest first, or the last thread hashes it while the others have nothing left
    ordered = sorted(paths, key=lambda path: path.stat().st_size, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(ordered, pool.map(digest, ordered), strict=True))


def tampered(path: Path) -> str:
    """What to say of a file that is not what the lock says."""
    return (
        f"{path}: its SHA-512 is not the locked one: cut off or tampered with. "
        "Nobody touched it? Delete it and run again"
    )


def compare(locked: Mapping[str, str], found: Mapping[Path, str]) -> list[str]:
    """What is wrong with the files found, a line each; whether a locked one is missing is not asked."""
    wrong = []
    for path in sorted(found):
        if path.name not in locked:
            wrong.append(f"{path}: not in the lock. Delete it and run again")
        elif found[path] != locked[path.name]:
            wrong.append(tampered(path))
    return wrong
