"""From a cache and a list of products to verified tarballs."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import platform
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from artifacts import ArtifactError, layout, lock, maven, pypi, tarball
from artifacts.lock import Tarball
from artifacts.product import Product
from artifacts.progress import Progress, say

# Other tarballs of a product stay for a while after their last use, which their times tell: another checkout
# may share the cache.
_KEPT = 7 * 24 * 3600


@dataclasses.dataclass(frozen=True)
class Built:
    """A verified tarball in the cache."""

    product: Product
    path: Path
    sha512: str
    fresh: bool


class Cache:
    """A cache directory: `jars/` as Maven and pip gave them, `tarballs/`, `work/`: half done.

    `verified.json` has the digest of each file that was read, and what the file system said of it then: like
    git's index, so that 600 MB are not read again at every run. Machines verify what they unpack.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tarballs = root / "tarballs"
        self.work = root / "work"
        for directory in (self.tarballs, self.work, root / "jars"):
            directory.mkdir(parents=True, exist_ok=True)

    def parts(self, product: Product) -> Path:
        return self.root / "jars" / product.stem

    def sdist(self, product: Product) -> Path:
        return self.root / "jars" / f"{product.stem}-sdist.tar.gz"

    def unchanged(self, locks: Mapping[Path, Mapping[str, str]]) -> set[Path]:
        """Files that were right when they were last read, and that nothing has written to since."""
        try:
            known = dict(json.loads((self.root / "verified.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return set()
        return {path for path in locks if known.get(str(path)) == [locks[path].get(path.name), *_stamp(path)]}

    def note(self, locks: Mapping[Path, Mapping[str, str]]) -> None:
        """Write down that these files are right, as they lie there now."""
        known = {str(path): [locks[path][path.name], *_stamp(path)] for path in locks}
        (self.root / "verified.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other builds off the cache meanwhile; the kernel frees the lock when this process dies."""
        with (self.root / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with Progress(f"{self.root}: waiting for another build to end"):
                    fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _stamp(path: Path) -> list[int]:
    """What changes when a file is written to. The change time is the kernel's: no user can set it."""
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def build(products: Iterable[Product], cache: Cache) -> list[Built]:
    """Verify what the cache holds of these products, make what is missing, and return the tarballs.

    Raises ArtifactError, naming every product that is not what its tarball was locked from, or else every
    file that is not what its lock says.
    """
    products = list(products)
    locked = _locked(products)
    with cache.alone():
        tarballs = {cache.tarballs / tar.name: {tar.name: tar.sha512} for tar in locked}
        cached = {path: digests for path, digests in tarballs.items() if path.exists()}
        locks = _cached_parts(products, cache) | cached
        _verify(locks, cache)
        for path in cached:
            os.utime(path)
        cache.note(locks)
        return [
            Built(product, path, tar.sha512, fresh=False)
            if (path := cache.tarballs / tar.name) in cached
            else Built(product, _make(product, tar, cache), tar.sha512, fresh=True)
            for product, tar in zip(products, locked, strict=True)
        ]


def _locked(products: Iterable[Product]) -> list[Tarball]:
    """The locks of the products' tarballs, made from what the products are now: small files tell."""
    locked, wrong = [], []
    for product in products:
        tar, recipe = product.locked_tarball(), product.recipe()
        if tar is None:
            wrong.append(
                f"{product.tarball_lock}: absent, or no lock of {product.stem}; "
                f"make it with: {_packing(product)}"
            )
        elif tar.recipe != recipe:
            wrong.append(
                f"{product.label}: {product.tarball_lock} is of the recipe {tar.recipe}, and it is {recipe} "
                f"now: the builder changed, or a file below {product.directory} or {product.launchers}. "
                "Nobody meant that? git status names the file: put it back. "
                f"Else lock what it makes: {_packing(product)} (after a change of pom.xml lock, not pack)"
            )
        else:
            locked.append(tar)
    if wrong:
        raise ArtifactError("\n".join(wrong))
    return locked


def _packing(product: Product) -> str:
    return f"python -m artifacts pack {product.name}={product.version}"


def _cached_parts(products: Iterable[Product], cache: Cache) -> dict[Path, dict[str, str]]:
    """The lock of every jar and wheel that the cache holds of the products."""
    locks: dict[Path, dict[str, str]] = {}
    for product in products:
        parts = cache.parts(product)
        if parts.exists():
            # What an older lock named may lie there too: it goes into no tarball.
            locked = product.locked_parts()
            locks |= {path: locked for path in parts.iterdir() if path.name in locked}
    return locks


def _verify(locks: Mapping[Path, Mapping[str, str]], cache: Cache) -> None:
    """Check files against the lock of each."""
    with Progress(f"verifying {len(locks)} cached files"):
        found = lock.digest_all(locks.keys() - cache.unchanged(locks))
    wrong = [line for path, digest in found.items() for line in lock.compare(locks[path], {path: digest})]
    if wrong:
        raise ArtifactError("\n".join(sorted(wrong)))


def _make(product: Product, locked: Tarball, cache: Cache) -> Path:
    """Make a product's tarball, which must become what is locked, and return its path."""
    part, made = _packed(product, cache)
    if made.sha512 != locked.sha512:
        part.unlink()
        raise ArtifactError(
            f"{product.label}: the tarball made here has SHA-512 {made.sha512[:16]}..., "
            f"{product.tarball_lock} has {locked.sha512[:16]}...: it is removed. Recipe and jars are the "
            f"locked ones: Python packs otherwise here ({platform.python_version()}), or a merge mixed two "
            f"locks. Meant so? Lock what is made here: {_packing(product)}"
        )
    return _keep(part, made, cache)


def _packed(product: Product, cache: Cache) -> tuple[Path, Tarball]:
    """A product's tarball in the cache's `work`, and what it would be locked as."""
    parts = _parts(product, cache)
    part = cache.work / f"{product.stem}.tar"
    with contextlib.ExitStack() as stack:
        sdist = stack.enter_context(_sdist(product, cache)) if product.sdist else None
        progress = stack.enter_context(Progress(f"{product.label}: packing"))
        sha512 = tarball.write(part, product.stem, layout.entries(product, parts, sdist), progress)
    return part, Tarball(product.stem, sha512, product.recipe())


def _keep(part: Path, made: Tarball, cache: Cache) -> Path:
    """Give a tarball its place, and remove those of the same product that nobody uses."""
    path = cache.tarballs / made.name
    os.replace(part, path)
    for old in cache.tarballs.glob(f"{made.stem}-*"):
        if time.time() - old.stat().st_mtime > _KEPT:
            old.unlink()
    return path


def _parts(product: Product, cache: Cache) -> Path:
    """The directory of a product's jars, or wheels, all there and all as locked."""
    final, locked = cache.parts(product), product.locked_parts()
    if all((final / name).exists() for name in locked):
        return final
    part = _fetched(product, cache)
    found = lock.digest_all(part.iterdir())
    brought = {path.name for path in found}
    by = "pip" if product.wheels else "Maven"
    wrong = lock.compare(locked, found) + [
        f"{part / name}: in the lock, but {by} did not bring it" for name in sorted(locked.keys() - brought)
    ]
    if wrong:
        if not product.wheels:
            wrong.append("Maven's local repository gave these: delete them there and run again")
        raise ArtifactError("\n".join(wrong))
    _replace(part, final)
    return final


def _fetched(product: Product, cache: Cache) -> Path:
    """A directory with the jars, or wheels, as they come; they are not yet checked."""
    part = cache.work / f"{product.stem}-jars"
    shutil.rmtree(part, ignore_errors=True)
    (pypi.fetch_wheels if product.wheels else maven.fetch)(product, part)
    return part


@contextlib.contextmanager
def _sdist(product: Product, cache: Cache) -> Iterator[tarfile.TarFile]:
    """A product's source distribution, open."""
    packed = _packed_sdist(product, cache)
    plain = cache.work / f"{product.stem}-sdist.tar"
    with Progress(f"{product.label}: unpacking {packed.name}"):
        layout.unzip(packed, plain)
    with tarfile.open(plain) as sdist:
        yield sdist
    plain.unlink()


def _packed_sdist(product: Product, cache: Cache) -> Path:
    """The source distribution as pip gave it, with the pinned digest: the largest download, so it stays."""
    final, part = cache.sdist(product), cache.work / f"{product.stem}-sdist"
    shutil.rmtree(part, ignore_errors=True)
    if not final.exists():
        part.mkdir()
        os.replace(pypi.fetch(product, part), final)
        shutil.rmtree(part)
    if lock.digest(final) != pypi.pinned(product):
        raise ArtifactError(lock.tampered(final))
    return final


def relock(product: Product, cache: Cache) -> None:
    """Write the product's locks from what its sources give today (for maintainers: read the diff)."""
    with cache.alone():
        part = _fetched(product, cache)
        digests = {path.name: digest for path, digest in lock.digest_all(part.iterdir()).items()}
        product.lock.write_text(lock.text(digests), encoding="utf-8")
        kind = "wheels" if product.wheels else "jars"
        say(f"{product.label}: {len(digests)} {kind} locked in {product.lock}")
        _replace(part, cache.parts(product))
        _relock_tarball(product, cache)


def pack(products: Iterable[Product], cache: Cache) -> None:
    """Write the locks of the products' tarballs alone, from the jars as they are locked (for maintainers)."""
    products = list(products)
    if not products:
        say("every tarball is locked from what its product is now: nothing to pack")
        return
    with cache.alone():
        _verify(_cached_parts(products, cache), cache)
        for product in products:
            _relock_tarball(product, cache)


def _relock_tarball(product: Product, cache: Cache) -> None:
    part, made = _packed(product, cache)
    _keep(part, made, cache)
    product.tarball_lock.write_text(made.text(), encoding="utf-8")
    say(f"{product.label}: {made.name} locked in {product.tarball_lock}")


def _replace(part: Path, final: Path) -> None:
    """Move a directory to the place of another, if there is one."""
    shutil.rmtree(final, ignore_errors=True)
    os.replace(part, final)
