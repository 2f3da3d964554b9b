"""Runs of ansible-playbook over the kit's own configuration that leave the checkout's reports alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def start(directory: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start ansible-playbook with these words; its reports go to the directory."""
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("--extra-vars", f"service_reports={directory}"),
            *words,
        ],
        cwd=CHECKOUT,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_ACTION_PLUGINS": f"{CHECKOUT}/action_plugins:{CHECKOUT}/tests/render/action_plugins",
            "MILLRACE_PHASES": str(directory / "phases.json"),
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
