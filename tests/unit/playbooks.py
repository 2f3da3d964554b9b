"""Runs of ansible-playbook over the kit's own configuration that leave the checkout's reports alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[2]


def start(directory: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start ansible-playbook with these words; its reports go to the directory.

    A lab's preflight finds what only making its machines needs: root, and programs on the controller.
    """
    given = {"common_reports": str(directory), "__lab_user": "0", "__lab_programs": []}
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("--extra-vars", json.dumps(given)),
            *words,
        ],
        cwd=CHECKOUT,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            # What tests read is Ansible's own output.
            "ANSIBLE_STDOUT_CALLBACK": "default",
            # Its lines come as they do for a user (empty: not set).
            "PYTHONUNBUFFERED": "",
        }
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for its end; its output."""
    output, _ = process.communicate(timeout=300)
    return output


def run_local(
    directory: Path,
    play: dict[str, Any],
    *words: str,
    umask: int = 0o022,
    environment: dict[str, str] | None = None,
) -> str:
    """Run a play on this machine with the kit's modules and plugins; its output, with which it fails."""
    (directory / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False} | play])
    )
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("--inventory", "localhost,", "--connection", "local", *words, str(directory / "play.yml")),
        ],
        cwd=CHECKOUT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"}
        | (environment or {}),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
