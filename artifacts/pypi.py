"""Distributions of Python from the package index, as pip is set up to reach it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from pathlib import Path

from artifacts import ArtifactError
from artifacts.product import Product
from artifacts.progress import run

_BYTES = re.compile(r"Progress (\d+) of (\d+)")
_RESUMING_PIP = (25, 1)
_WHEELING_SETUPTOOLS = (70, 1)


def _version(package: str) -> tuple[int, ...]:
    try:
        numbers = importlib.metadata.version(package).split(".")
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(int(number) for number in numbers[:2])


def _note(line: str) -> str | None:
    news = _BYTES.search(line)
    return f"{int(news[1]) >> 20} of {int(news[2]) >> 20} MiB" if news else None


def _environment(product: Product, directory: Path) -> dict[str, str]:
    # by the environment, since a setup.py that asks for packages has pip run by setuptools
    constrained = {"PIP_CONSTRAINT": str(product.constraints)} if product.constraints.exists() else {}
    return os.environ | constrained | {"TMPDIR": str(directory)}


def pinned(product: Product) -> str:
    """The SHA-512 of the source distribution."""
    digests = re.findall(r"--hash=sha512:([0-9a-f]{128})", product.requirements.read_text(encoding="utf-8"))
    if len(digests) != 1:
        raise ArtifactError(f"{product.requirements}: one --hash=sha512 expected, found {len(digests)}")
    return str(digests[0])


def fetch(product: Product, directory: Path) -> Path:
    """Download the source distribution that `requirements.txt` pins to an empty directory; return its path.

    pip refuses a file that has not the pinned digest, and takes up a broken connection where it stopped; what
    a killed pip had begun lies in the directory too and is of no use. Raises ArtifactError when pip fails.
    """
    # pip reads the metadata of what it downloads, and so runs the distribution's setup.py
    if _version("setuptools") < _WHEELING_SETUPTOOLS:
        raise ArtifactError(f"{product.label}: install setuptools 70.1 or newer next to {sys.executable}")
    run(
        [*_download(product, directory), "--no-build-isolation", "--no-binary", ":all:", "--require-hashes"],
        f"{product.label}: source distribution by pip", _note, _environment(product, directory),
    )  # fmt: skip
    found = [path for path in directory.iterdir() if path.name.endswith(".tar.gz")]
    if len(found) != 1:
        raise ArtifactError(f"{directory}: one source distribution expected, found {len(found)}")
    return found[0]


def fetch_wheels(product: Product, directory: Path) -> None:
    """Download the wheels that `requirements.txt` names to a directory; they are not yet checked.

    For the product's Python, whichever runs here; of what is downloaded nothing runs. Raises ArtifactError
    when pip fails.
    """
    assert product.wheels
    run(
        [*_download(product, directory), "--only-binary", ":all:", "--implementation", "cp",
         "--python-version", product.wheels.python, "--platform", product.wheels.platform],
        f"{product.label}: wheels by pip", _note,
    )  # fmt: skip


def _download(product: Product, directory: Path) -> list[str]:
    """The beginning of a command that downloads what `requirements.txt` names, and no more."""
    resuming = ["--resume-retries", "10", "--progress-bar", "raw"] if _version("pip") >= _RESUMING_PIP else []
    return [
        *(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--disable-pip-version-check",
            "--no-cache-dir",
            *resuming,
        ),
        *("--no-deps", "--requirement", str(product.requirements), "--dest", str(directory)),
    ]
