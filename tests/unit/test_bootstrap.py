"""Who is not root is told what to type, and nothing is installed or made."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT

NOBODY = 65534
PROGRAMS = ("bash", "dirname", "grep", "cmp")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout that anybody may read, and beside it the only programs that there are."""
    with tempfile.TemporaryDirectory(prefix="millrace-unit-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        (root / "bin").mkdir()
        for name in PROGRAMS:
            (root / "bin" / name).symlink_to(str(shutil.which(name)))
        shutil.copy(CHECKOUT / "bootstrap", root)
        yield root


def bootstrap(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it as nobody."""
    change = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command = [*change, str(checkout / "bin/bash"), str(checkout / "bootstrap"), *words]
    # A machine on which nothing is installed: its programs cannot be seen in /usr/sbin and /sbin either.
    text = (checkout / "bootstrap").read_text().replace("/usr/sbin:/sbin", "/nowhere")
    text = text.replace("/etc/os-release", str(checkout / "os-release"))
    (checkout / "bootstrap").write_text(text)
    environment = {"PATH": f"{checkout}/bin"}
    setpriv = shutil.which("setpriv") or "setpriv"
    return subprocess.run(
        [setpriv if word == "setpriv" else word for word in command],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("release", "asked"), [("12", False), ("13", True)])
def test_netavark_has_the_program_that_it_calls(checkout: Path, release: str, asked: bool) -> None:
    (checkout / "bin/apt-get").touch(0o755)
    (checkout / "os-release").write_text(f'ID=debian\nVERSION_ID="{release}"\n')
    assert ("nftables" in bootstrap(checkout).stderr.split()) == asked


def test_who_is_not_root_is_told_what_to_type(checkout: Path) -> None:
    apt = checkout / "bin/apt-get"
    apt.write_text("#!/bin/sh\necho called >> ../called\n")
    apt.chmod(0o755)
    done = bootstrap(checkout)
    assert done.returncode == 1
    assert done.stdout == ""
    said, typed = done.stderr.splitlines()
    assert said == "bootstrap: this machine lacks programs. Type:"
    before, _, packages = typed.partition(" --no-install-recommends ")
    assert before == "  sudo apt-get update && sudo apt-get install"
    assert {"podman", "iptables", "mmdebstrap", "maven", "default-jdk-headless"} <= set(packages.split())
    assert sorted(path.name for path in checkout.iterdir()) == ["bin", "bootstrap"]


def test_a_machine_without_apt_is_told_what_it_lacks(checkout: Path) -> None:
    done = bootstrap(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("bootstrap: this machine has no apt-get; install what Debian calls: podman")


def test_only_the_tests_need_what_reads_units(checkout: Path) -> None:
    deployment, tests = (bootstrap(checkout, *words).stderr.split() for words in ((), ("test",)))
    assert set(tests) - set(deployment) == {"systemd"}
