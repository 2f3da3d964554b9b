"""One module of the kit at a time changes a machine, whichever run it belongs to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from ansible.module_utils.host_module import alone

from tests.unit.playbooks import CHECKOUT

# A module that does its work until somebody closes its input.
MODULE = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {!r})
from host_module import alone
alone(SimpleNamespace(check_mode=False), locks={!r})
print("at work", flush=True)
sys.stdin.read()
"""


@dataclass
class Module:
    """What of a module is used."""

    check_mode: bool = False

    def fail_json(self, msg: str) -> NoReturn:
        raise SystemExit(msg)


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """A module of a run whose controller was killed."""
    script = MODULE.format(str(CHECKOUT / "roles/common/module_utils"), str(tmp_path / "locks"))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    yield process
    process.kill()
    process.communicate()


def test_one_that_does_not_end_is_named(tmp_path: Path, other: Any) -> None:
    with pytest.raises(SystemExit, match=rf"another run .* \(process {other.pid}\)"):
        alone(Module(), locks=str(tmp_path / "locks"), patience=0.3)


def test_it_is_awaited_and_its_end_frees_the_machine(tmp_path: Path, other: Any) -> None:
    other.kill()
    alone(Module(), locks=str(tmp_path / "locks"), patience=30)
    assert other.wait() != 0


def test_who_only_looks_awaits_nobody(tmp_path: Path, other: Any) -> None:
    alone(Module(check_mode=True), locks=str(tmp_path / "locks"), patience=0)
    assert other.poll() is None


def test_the_lock_is_nobody_elses(tmp_path: Path) -> None:
    alone(Module(), locks=str(tmp_path / "locks"))
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "path",
    [*CHECKOUT.glob("roles/common/library/*.py"), *CHECKOUT.glob("roles/hdfs/library/*.py")],
    ids=lambda path: path.stem,
)
def test_every_module_that_changes_a_machine_is_alone(path: Path) -> None:
    reads = path.stem == "machine_facts"
    assert ("    alone(module)\n" in path.read_text(encoding="utf-8")) != reads
