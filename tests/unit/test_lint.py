"""What looks at the kit's own files sees all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with .ci, and a shellcheck that says what it shall read."""
    shutil.copytree(CHECKOUT / ".ci", tmp_path / ".ci")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    program = tmp_path / ".venv/bin/shellcheck"
    program.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def git_free() -> dict[str, str]:
    """The environment without what names another checkout, as there is where git runs the tests."""
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}


def test_every_script_of_the_shell_is_checked(checkout: Path) -> None:
    files = {
        "by/first-line": "#! /usr/bin/env bash\n",
        "by/name.sh": "cd /\n",
        "template.sh.j2": "#!/bin/bash\n",
        "two words": "#!/bin/sh -e\n",
        ".gitignore": "/ignored/\n/.venv/\n",
        "ignored/script.sh": "#!/bin/bash\n",
        "later": "\n#!/bin/bash\n",
        "python": "#!/usr/bin/python3\n",
        "shiny": "#!/bin/shiny\n",
    }
    for name, text in files.items():
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(text)
    subprocess.run(["git", "add", "by"], cwd=checkout, env=git_free(), check=True)
    command = [str(checkout / ".ci/shellcheck")]
    done = subprocess.run(command, cwd="/", env=git_free(), capture_output=True, text=True, check=True)
    ours = sorted(f".ci/{path.name}" for path in (checkout / ".ci").iterdir())
    assert done.stdout.splitlines() == [*ours, *list(files)[:4]]


def test_lint_fails_where_scripts_cannot_be_found(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    command = [str(checkout / ".ci/shellcheck")]
    environment = git_free() | {"GIT_CEILING_DIRECTORIES": str(checkout.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
