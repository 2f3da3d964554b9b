"""What a continuous integration runs says how long its parts took, whatever becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT

PROGRAMS = ("yamllint", "ansible-lint", "ruff", "mypy", "pytest", "python", "podman")
NOBODY = 65534
# One minute and a half later at each look.
CLOCK = 'read -r now <"$0.now"; echo $((now + 90)) >"$0.now"; echo "$now"'


def program(path: Path, text: str) -> None:
    """Write a program of bash."""
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout that anybody may read: the Makefile and .ci/run, with programs that do nothing."""
    with tempfile.TemporaryDirectory(prefix="millrace-unit-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        bin_ = root / ".venv/bin"
        bin_.mkdir(parents=True)
        for name in PROGRAMS:
            program(bin_ / name, "")
        # No machine of the course is up.
        program(bin_ / "podman", "exit 1")
        program(bin_ / "date", CLOCK)
        (bin_ / "date.now").write_text("0\n")
        # Says what it was to run.
        program(bin_ / "sudo", 'printf "%s\\n" "$@"')
        program(root / "bootstrap", "")
        shutil.copy(CHECKOUT / "Makefile", root)
        (root / ".ci").mkdir()
        shutil.copy(CHECKOUT / ".ci/run", root / ".ci")
        program(root / ".ci/shellcheck", "")
        yield root


def environment(checkout: Path) -> dict[str, str]:
    """Of a run: the checkout's programs first, and its own directory for what is left behind."""
    (checkout / "tmp").mkdir(exist_ok=True)
    path = f"{checkout}/.venv/bin:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(checkout), "TMPDIR": str(checkout / "tmp")}


def as_root(checkout: Path) -> None:
    """Whoever runs the tests: the script shall take them for root."""
    script = checkout / ".ci/run"
    script.write_text(script.read_text().replace("EUID == 0", "1"))


def run(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run .ci/run as root of the checkout."""
    as_root(checkout)
    return subprocess.run(
        [str(checkout / ".ci/run")],
        env=environment(checkout), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_minutes_of_each_part_are_said_at_the_end(checkout: Path) -> None:
    done = run(checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-8:] == [
        "",
        "bootstrap-test     1.5 min",
        "lint               1.5 min",
        "unit               1.5 min",
        "molecule           1.5 min",
        "course-test        1.5 min",
        "all                7.5 min",
        "CI: passed",
    ]
    assert not list((checkout / "tmp").iterdir())


@pytest.mark.parametrize(
    ("name", "parts", "failed"),
    [
        ("mypy", ["bootstrap-test", "lint"], "lint"),
        ("python", ["bootstrap-test", "lint", "unit", "molecule"], "molecule"),
    ],
)
def test_the_part_that_failed_is_named(checkout: Path, name: str, parts: list[str], failed: str) -> None:
    program(checkout / ".venv/bin" / name, "exit 3")
    done = run(checkout)
    assert done.returncode == 2
    *said, last = done.stdout.rpartition("\n\n")[2].splitlines()
    assert [line.split()[0] for line in said] == [*parts, "all"]
    assert last == f"CI: {failed} failed"


def test_a_failure_before_the_first_part_is_told(checkout: Path) -> None:
    (checkout / "Makefile").write_text("test\n")
    done = run(checkout)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "CI: failed before its first part began"


def test_who_ends_it_ends_the_part_that_runs_and_is_told_the_minutes(checkout: Path) -> None:
    waits = "tail -f /dev/null & trap 'kill $!; echo told; exit 1' TERM; echo waits; wait"
    program(checkout / ".venv/bin/pytest", waits)
    as_root(checkout)
    with subprocess.Popen(
        [str(checkout / ".ci/run")],
        env=environment(checkout), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        seen = next(line for line in process.stdout if line == "waits\n")
        process.terminate()
        after = process.stdout.read()
    assert seen
    assert process.returncode == -signal.SIGTERM
    assert after.startswith("told\n")
    assert after.endswith("unit               1.5 min\nall                4.5 min\nCI: unit failed\n")


def test_who_is_not_root_is_made_root_from_any_directory(checkout: Path) -> None:
    change = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    for directory, script in (
        (checkout / ".ci", "./run"),
        (checkout, ".ci/run"),
        (Path("/"), checkout / ".ci/run"),
    ):
        done = subprocess.run(
            [*change, str(script)],
            cwd=directory, env=environment(checkout), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines() == ["--preserve-env", str(checkout / ".ci/run")]
