"""The lab guide: see that it is in order, renew the samples in it, or run it as a student would.

docs/course/README.md tells how the guide is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from course import PROGRAM
from course.guide_parser import differences, read, renew, sample, steps

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs/course"
LANGUAGES = ("en", "fr")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--write", action="store_true", help="renew the blocks that show a file of docs/course/samples"
    )
    actions = parser.add_subparsers(dest="action", metavar="run")
    text = "type the guide's commands on the course's cluster, freshly made, and compare what is seen"
    sub = actions.add_parser("run", help=text, description=text)
    sub.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
    sub.add_argument("--cluster", type=Path, default=Path("out/course/cluster.json"))


def run(options: argparse.Namespace) -> int:
    """Check or renew both languages, or run one."""
    if options.action == "run":
        # Its pseudo terminals are of the tests' requirements: who only deploys has them not.
        from course.guide_runner import run_guide  # noqa: PLC0415

        return run_guide(DOCS / f"guide.{options.language}.md", options.cluster, CHECKOUT)
    paths = [DOCS / f"guide.{language}.md" for language in LANGUAGES]
    if options.write:
        for path in paths:
            renew(path, DOCS / "samples")
    found = faults(paths, DOCS / "samples")
    print("\n".join(found) or f"{' and '.join(path.name for path in paths)} are in order")
    return 1 if found else 0


def faults(paths: Sequence[Path], samples: Path) -> list[str]:
    """Where a sample is not as its file, or two languages part. Raises GuideError where one cannot be run."""
    guides = {path.name: read(path) for path in paths}
    found = []
    for name, blocks in guides.items():
        steps(blocks, name)
        found += [
            f"{name}:{block.line}: not what samples/{block.sample} holds: {PROGRAM} guide --write"
            for block in blocks
            if block.sample and list(block.lines) != sample(block, name, samples)
        ]
    first, *others = guides
    for other in others:
        found += [f"{first} and {other}: {text}" for text in differences(guides[first], guides[other])]
    return found
