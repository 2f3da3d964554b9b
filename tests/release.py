"""python -m tests.release INVENTORY: the release before today's kit, from git, deploys a cluster."""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
TARGET = CHECKOUT / "out/release"


def newest(changelog: str) -> tuple[str, str]:
    """Name and commit of the newest release.

    changelog: the text of CHANGELOG.md, with a heading such as "## [2.0] - 2026-11-30, 1a2b3c4" for each, the
        newest first. Raises ValueError when there is none.

    >>> newest("## [Unreleased]\\n\\n## [2.0] - 2026-02-01, abcdef1\\n\\n## [1.0] - 2026-01-01, 1234567\\n")
    ('2.0', 'abcdef1')
    """
    found = re.search(
        r"^## \[(?!Unreleased)(\S+)\] - \d{4}-\d\d-\d\d, ([0-9a-f]{7,40})$", changelog, re.MULTILINE
    )
    if not found:
        raise ValueError("CHANGELOG.md names no release with its commit")
    return found[1], found[2]


def last() -> tuple[str, str]:
    """Name and commit of the newest release of this checkout. Raises ValueError and OSError."""
    return newest((CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"))


def is_there(commit: str, checkout: Path = CHECKOUT) -> bool:
    """Whether git has the commit: a shallow clone may have it not."""
    words = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(words, cwd=checkout, capture_output=True, check=False).returncode == 0


def extract(commit: str, target: Path, checkout: Path = CHECKOUT) -> None:
    """The files of a commit in a directory of their own. Raises CalledProcessError."""
    # There may be none.
    shutil.rmtree(target, ignore_errors=True)
    packed = subprocess.run(["git", "archive", commit], cwd=checkout, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(target, filter="tar")


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy; returns what ansible-playbook did."""
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    parser.add_argument("inventory", type=Path, help="of this checkout")
    inventory = parser.parse_args(arguments).inventory
    name, commit = last()
    print(f"release {name}, {commit}", flush=True)
    extract(commit, TARGET)
    # Its links lead to what the release has.
    own = TARGET / inventory.resolve().relative_to(CHECKOUT)
    # The release may not have the scenario.
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(inventory, own, symlinks=True)
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(own), "site.yml"]
    given = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return subprocess.run(words, cwd=TARGET, env=given, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
