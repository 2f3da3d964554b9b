"""From a cache and a list of products to verified tarballs."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from artifacts import ArtifactError, layout, lock, maven, pypi, tarball
from artifacts.product import Product
from artifacts.progress import Progress, say

# Tarballs of other recipes stay for a while after their last use, which their times tell: another checkout
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
    """A cache directory: `jars/` as Maven and pip gave them, `tarballs/`, `work/`: half done."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tarballs = root / "tarballs"
        self.work = root / "work"
        for directory in (self.tarballs, self.work, root / "jars"):
            directory.mkdir(parents=True, exist_ok=True)

    def jars(self, product: Product) -> Path:
        return self.root / "jars" / product.stem

    def sdist(self, product: Product) -> Path:
        return self.root / "jars" / f"{product.stem}-sdist.tar.gz"

    def tarball(self, product: Product) -> Path:
        """Its name holds the recipe's key: another recipe is another file."""
        return self.tarballs / f"{product.stem}-{product.key}.tar"

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


def build(products: Iterable[Product], cache: Cache) -> list[Built]:
    """Verify what the cache holds of these products, make what is missing, and return the tarballs.

    Raises ArtifactError, naming every file that is not what its lock says.
    """
    products = list(products)
    with cache.alone():
        sums = _verify(products, cache)
        for tar in sums:
            os.utime(tar)
            os.utime(_sidecar(tar))
        return [
            Built(product, path, sums[path], fresh=False)
            if (path := cache.tarball(product)) in sums
            else Built(product, path, _make(product, cache), fresh=True)
            for product in products
        ]


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha512")


def _verify(products: Iterable[Product], cache: Cache) -> dict[Path, str]:
    """Check every file that the cache holds of the products; return the SHA-512 of the whole tarballs."""
    locks: dict[Path, dict[str, str]] = {}
    for product in products:
        tar = cache.tarball(product)
        if tar.exists() and _sidecar(tar).exists():
            locks[tar] = lock.read(_sidecar(tar))
        jars = cache.jars(product)
        if jars.exists():
            # What an older lock named may lie there too: it goes into no tarball.
            locked = product.locked_jars()
            locks |= {path: locked for path in jars.iterdir() if path.name in locked}
    with Progress(f"verifying {len(locks)} cached files"):
        found = lock.digest_all(locks)
    wrong = [line for path, digest in found.items() for line in lock.compare(locks[path], {path: digest})]
    if wrong:
        raise ArtifactError("\n".join(sorted(wrong)))
    return {path: found[path] for path in found if path.parent == cache.tarballs}


def _make(product: Product, cache: Cache) -> str:
    """Make a product's tarball and return its SHA-512."""
    jars = _jars(product, cache)
    target = cache.tarball(product)
    part = cache.work / target.name
    for left in cache.work.glob(f"{product.stem}-*.tar"):  # of a build that was killed
        left.unlink()
    with contextlib.ExitStack() as stack:
        sdist = stack.enter_context(_sdist(product, cache)) if product.sdist else None
        progress = stack.enter_context(Progress(f"{product.label}: packing {target.name}"))
        sha512 = tarball.write(part, product.stem, layout.entries(product, jars, sdist), progress)
    # the sidecar first: a tarball without one is unfinished, one with another's digest is refused
    _write(_sidecar(target), lock.text({target.name: sha512}))
    os.replace(part, target)
    for old in cache.tarballs.glob(f"{product.stem}-*.tar*"):
        if time.time() - old.stat().st_mtime > _KEPT:
            old.unlink()
    return sha512


def _write(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def _jars(product: Product, cache: Cache) -> Path:
    """The directory of a product's jars, all there and all as locked."""
    final, locked = cache.jars(product), product.locked_jars()
    if all((final / name).exists() for name in locked):
        return final
    part = cache.work / f"{product.stem}-jars"
    shutil.rmtree(part, ignore_errors=True)
    maven.fetch(product, part)
    found = lock.digest_all(part.iterdir())
    brought = {path.name for path in found}
    wrong = lock.compare(locked, found) + [
        f"{part / name}: in the lock, but Maven did not bring it" for name in sorted(locked.keys() - brought)
    ]
    if wrong:
        wrong.append("Maven's local repository gave these: delete them there and run again")
        raise ArtifactError("\n".join(wrong))
    shutil.rmtree(final, ignore_errors=True)
    os.replace(part, final)
    return final


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
    """Write the product's lock from what its sources give today (for maintainers: read the diff)."""
    with cache.alone():
        part = cache.work / f"{product.stem}-jars"
        shutil.rmtree(part, ignore_errors=True)
        maven.fetch(product, part)
        digests = {path.name: digest for path, digest in lock.digest_all(part.iterdir()).items()}
        _write(product.lock, lock.text(digests))
        say(f"{product.label}: {len(digests)} jars locked in {product.lock}")
        shutil.rmtree(part)
