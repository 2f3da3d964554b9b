"""A product as the data under `products/<name>/<version>/` describes it."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

from artifacts import ArtifactError, lock
from artifacts.lock import Tarball

PRODUCTS = Path(__file__).parent / "products"

# The modules that decide a tarball's bytes: a change in them makes a new tarball.
_RECIPE_MODULES = ("product.py", "layout.py", "tarball.py")


@dataclasses.dataclass(frozen=True)
class Repack:
    """A part of a jar that becomes a jar of its own: members of `source` that begin with `keep`."""

    source: str
    keep: str
    target: str


@dataclasses.dataclass(frozen=True)
class Sdist:
    """Where the members of a source distribution lie: (prefix, new prefix) pairs, patterns left out."""

    layout: tuple[tuple[str, str], ...]
    drop: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Wheels:
    """Built distributions of Python: for which version and platform, patterns left out."""

    python: str
    platform: str
    drop: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Product:
    """One version of one product: its POM or requirements, its locks, its layout and its launchers."""

    name: str
    version: str
    directory: Path
    jar_layout: tuple[tuple[str, str], ...]
    repacks: tuple[Repack, ...]
    links: dict[str, str]
    sdist: Sdist | None
    wheels: Wheels | None

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def stem(self) -> str:
        """The name of the tarball's top directory."""
        return f"{self.name}-{self.version}"

    @property
    def source(self) -> str:
        return "pypi" if self.sdist or self.wheels else "maven"

    @property
    def pom(self) -> Path:
        return self.directory / "pom.xml"

    @property
    def requirements(self) -> Path:
        """What pip downloads: the source distribution with its digest, or the wheels, whose lock has them."""
        return self.directory / "requirements.txt"

    @property
    def constraints(self) -> Path:
        """What pip may use to read the source distribution; absent where anything serves."""
        return self.directory / "constraints.txt"

    @property
    def lock(self) -> Path:
        return self.directory / ("wheels.sha512" if self.wheels else "jars.sha512")

    @property
    def tarball_lock(self) -> Path:
        return self.directory / "tarball.sha512"

    @property
    def launchers(self) -> Path:
        """The launchers shared by all versions; absent where the source brings its own."""
        return self.directory.parent / "launchers"

    @property
    def files(self) -> Path:
        """What the version alone has of our own, as it lies in the tarball; absent where nothing."""
        return self.directory / "files"

    def locked_parts(self) -> dict[str, str]:
        """SHA-512 by name of the jars, or wheels."""
        return lock.read(self.lock)

    def locked_tarball(self) -> Tarball | None:
        """The tarball as it is locked; None where it is not yet, or the lock is broken."""
        return lock.read_tarball(self.tarball_lock, self.stem)

    def place(self, jar: str) -> str:
        """The path of a jar inside the tarball's top directory."""
        for pattern, directory in self.jar_layout:
            if fnmatch.fnmatchcase(jar, pattern):
                return f"{directory}/{jar}"
        raise ArtifactError(f"{self.label}: product.toml has no place for {jar}")

    def recipe(self) -> str:
        """A digest of all that decides the tarball: POM, lock, layout, launch table, own files, builder."""
        recipe = {
            f"{path.relative_to(root)}:{path.lstat().st_mode & 0o100}": (
                str(path.readlink()) if path.is_symlink() else lock.digest(path)
            )
            for root, path in self._recipe_files()
        }
        return hashlib.sha512(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]

    def _recipe_files(self) -> Iterator[tuple[Path, Path]]:
        for root in (self.directory, self.launchers):
            for path in root.rglob("*"):
                # not the tarball's lock: it is made from these
                if (path.is_file() or path.is_symlink()) and path != self.tarball_lock:
                    yield root.parent, path
        here = Path(__file__).parent
        for module in _RECIPE_MODULES:
            yield here, here / module


def known(products: Path = PRODUCTS) -> list[tuple[str, str]]:
    """Name and version of all products."""
    homes = [path.parent for path in products.glob("*/*/product.toml")]
    return sorted((home.parent.name, home.name) for home in homes)


def load(name: str, version: str, products: Path = PRODUCTS) -> Product:
    """Read a product's description; raises ArtifactError when there is no such product."""
    directory = products / name / version
    try:
        data = tomllib.loads((directory / "product.toml").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        there = " ".join("=".join(pair) for pair in known(products))
        raise ArtifactError(f"no such product: {name}={version}; there are: {there}") from error
    sdist, wheels = data.get("sdist"), data.get("wheels")
    return Product(
        name=name,
        version=version,
        directory=directory,
        jar_layout=tuple((pattern, place) for pattern, place in data.get("jars", ())),
        repacks=tuple(Repack(each["from"], each["keep"], each["to"]) for each in data.get("repack", ())),
        links=data.get("links", {}),
        sdist=sdist and Sdist(tuple((old, new) for old, new in sdist["layout"]), tuple(sdist["drop"])),
        wheels=wheels and Wheels(wheels["python"], wheels["platform"], tuple(wheels["drop"])),
    )
