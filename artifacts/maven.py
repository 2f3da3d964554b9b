"""Jars from Maven repositories, as the machine's own Maven is set up to reach them."""

from __future__ import annotations

import re
from pathlib import Path

from artifacts.product import Product
from artifacts.progress import run

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_NEWS = re.compile(r"(Downloaded) from \S+ \S*/(\S+)|(Copying) (\S+) to")


def _note(line: str) -> str | None:
    news = _NEWS.search(line)
    return " ".join(word for word in news.groups() if word).lower() if news else None


def fetch(product: Product, directory: Path) -> None:
    """Resolve the product's POM and copy its jars into a directory; they are not yet checked.

    Raises ArtifactError with the end of Maven's output when it fails.
    """
    run(
        ["mvn", "-B", "-f", str(product.pom), f"{_PLUGIN}:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={directory}"],
        f"{product.label}: jars by Maven", _note,
    )  # fmt: skip
