"""python -m tests.scenarios: run molecule scenarios one after the other; out/molecule has what each said."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from tests import release

CHECKOUT = Path(__file__).parents[1]
REPORTS = CHECKOUT / "out/molecule"
SHARED = (
    "molecule/shared/",
    ".config/molecule/",
    "roles/common/",
    "roles/lab/",
    "roles/smoke/",
    "smoke/",
    "artifacts/",
)
"""What every scenario stands on."""


def known() -> list[str]:
    """The scenarios, by the names of their directories."""
    return sorted(path.parent.name for path in (CHECKOUT / "molecule").glob("*/molecule.yml"))


def roles(scenario: str) -> set[str]:
    """The roles that it deploys; of a whole cluster all."""
    path = CHECKOUT / f"molecule/{scenario}/inventory/group_vars/cluster.yml"
    named = yaml.safe_load(path.read_text(encoding="utf-8")).get("scenario_roles", [])
    if not named:
        return {each.name for each in (CHECKOUT / "roles").iterdir()}
    return set(named).union(*(below(role) for role in named))


def below(role: str) -> set[str]:
    """The roles that it stands on, by its meta/main.yml and theirs."""
    meta = yaml.safe_load((CHECKOUT / f"roles/{role}/meta/main.yml").read_text(encoding="utf-8"))
    direct = {each["role"] for each in meta["dependencies"]}
    return direct.union(*(below(each) for each in direct))


def touched(scenario: str, paths: Iterable[str]) -> bool:
    """Whether one of the changed files is a part of what the scenario deploys, or of its tests."""
    tests = {"default": "tests/cluster/", "upgrade": "tests/upgrade/"}.get(scenario, "tests/role/")
    mine = (*SHARED, f"molecule/{scenario}/", tests, *(f"roles/{role}/" for role in roles(scenario)))
    return any(path.startswith(mine) for path in paths)


def changed(since: str) -> list[str]:
    """The files that differ from a commit, those that git does not know among them."""
    words = (("diff", "--name-only", since), ("ls-files", "--others", "--exclude-standard"))
    said = [subprocess.check_output(["git", *each], cwd=CHECKOUT, text=True) for each in words]
    return "".join(said).splitlines()


def run(scenario: str, keep: bool) -> bool:
    """Run it; whether all of it passed. What a failed one leaves is named."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    log = REPORTS / f"{scenario}.log"
    began = time.monotonic()
    words = ["molecule", "test", "-s", scenario, *(["--destroy=never"] if keep else [])]
    with (
        log.open("w", encoding="utf-8") as said,
        subprocess.Popen(
            words,
            cwd=CHECKOUT,
            env=os.environ | {"NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            said.write(line)
            # Who waits sees each test.
            if any(word in line for word in (" PASSED ", " FAILED ", "Executed: ")):
                print("  " + line.strip(), flush=True)
    passed = process.returncode == 0
    seconds = time.monotonic() - began
    outcome = "passed" if passed else f"FAILED, see {log.relative_to(REPORTS.parents[1])}"
    print(f"scenario {scenario}: {outcome}  ({seconds:.0f} s)", flush=True)
    return passed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run those that are asked for; returns 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[[], *known()], help="these alone, else all")
    parser.add_argument("--changed", metavar="COMMIT", help="those that what differs from it is a part of")
    parser.add_argument("--keep", action="store_true", help="leave the machines of the last one")
    options = parser.parse_args(arguments)
    wanted = options.scenario or known()
    name, commit = release.last()
    if "upgrade" in wanted and not release.is_there(commit):
        # Said aloud, and no failure: a shallow clone has no older commits.
        print(f"scenario upgrade: SKIPPED, release {name} is {commit}, which this clone has not", flush=True)
        wanted = [scenario for scenario in wanted if scenario != "upgrade"]
    if options.changed:
        paths = changed(options.changed)
        wanted = [scenario for scenario in wanted if touched(scenario, paths)]
    print(f"scenarios: {', '.join(wanted) or 'none'}", flush=True)
    failed = [scenario for scenario in wanted if not run(scenario, options.keep)]
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
