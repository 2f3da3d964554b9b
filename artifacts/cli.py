"""The command line: `python -m artifacts build|lock|pack`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from artifacts import ArtifactError
from artifacts.build import Built, Cache, build, pack, relock
from artifacts.product import PRODUCTS, Product, known, load
from artifacts.progress import say


def _default_cache() -> Path:
    return Path(os.environ.get("MILLRACE_CACHE") or "~/.cache/millrace").expanduser()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m artifacts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("build", help="verify the cached tarballs and make the missing ones")
    make.add_argument("--manifest", type=Path, required=True, help="JSON file to write: what is where")
    relocking = commands.add_parser("lock", help="rewrite the committed locks (for maintainers)")
    packing = commands.add_parser(
        "pack",
        help="rewrite the tarballs' locks alone: launchers, files or the builder changed (for maintainers)",
    )
    for command in (make, relocking, packing):
        command.add_argument("--cache", type=Path, default=_default_cache(), help="default: %(default)s")
    for command in (make, relocking):
        command.add_argument("products", nargs="+", metavar="NAME=VERSION")
    packing.add_argument("products", nargs="*", metavar="NAME=VERSION", help="default: all that changed")
    return parser


def _products(words: Sequence[str], products: Path) -> list[Product]:
    if twice := sorted({word for word in words if words.count(word) > 1}):
        raise ArtifactError(f"named twice: {' '.join(twice)}. Name each once")
    pairs = [word.partition("=") for word in words]
    return [load(name, version, products) for name, _, version in pairs]


def changed(products: Path = PRODUCTS) -> list[Product]:
    """The products that are not what their tarballs were locked from."""
    every = (load(name, version, products) for name, version in known(products))
    return [each for each in every if not (tar := each.locked_tarball()) or tar.recipe != each.recipe()]


def _manifest(built: Sequence[Built]) -> str:
    return json.dumps(
        {
            each.product.stem: {
                "name": each.product.name,
                "version": each.product.version,
                "tarball": each.path.name,
                "sha512": each.sha512,
                "bytes": each.path.stat().st_size,
                "source": each.product.source,
                "built": each.fresh,
            }
            for each in built
        },
        indent=2,
    )


def main(arguments: Sequence[str] | None = None, products: Path = PRODUCTS) -> int:
    """Run the command; returns 1, having said why on stderr, when a file or a source is wrong."""
    options = _parser().parse_args(arguments)
    try:
        wanted = _products(options.products, products)
        cache = Cache(options.cache)
        if options.command == "lock":
            for product in wanted:
                relock(product, cache)
            return 0
        if options.command == "pack":
            pack(wanted or changed(products), cache)
            return 0
        built = build(wanted, cache)
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    for each in built:
        size = each.path.stat().st_size >> 20
        say(f"{each.product.label}: {each.path.name}, {size} MiB, {'made' if each.fresh else 'verified'}")
    options.manifest.parent.mkdir(parents=True, exist_ok=True)
    options.manifest.write_text(_manifest(built) + "\n", encoding="utf-8")
    return 0
