"""What looks at the kit's own files sees all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

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


def outside() -> dict[str, str]:
    """The environment without what git or make, where it runs the tests, has for its own commands."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "MAKE"))}


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
    subprocess.run(["git", "add", "by"], cwd=checkout, env=outside(), check=True)
    command = [str(checkout / ".ci/shellcheck")]
    done = subprocess.run(command, cwd="/", env=outside(), capture_output=True, text=True, check=True)
    ours = sorted(f".ci/{path.name}" for path in (checkout / ".ci").iterdir())
    assert done.stdout.splitlines() == [*ours, *list(files)[:4]]


def test_lint_fails_where_scripts_cannot_be_found(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    command = [str(checkout / ".ci/shellcheck")]
    environment = outside() | {"GIT_CEILING_DIRECTORIES": str(checkout.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode


def test_a_commit_is_checked_as_lint_checks() -> None:
    """By the same programs with the same options; where lint gives the whole tree, pre-commit gives files."""
    command = ["make", "--dry-run", "lint"]
    said = subprocess.run(command, cwd=CHECKOUT, env=outside(), capture_output=True, text=True, check=True)
    after = said.stdout.partition("./bootstrap test\n")[2].splitlines()
    lint = [line.split() for line in after if "MILLRACE_PARTS" not in line]
    config = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    hooks = [
        hook for hook in repository["hooks"] if hook.get("stages", config["default_stages"]) == ["pre-commit"]
    ]
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    whole = [words[-1] != "." for words in lint]
    assert [not hook.get("pass_filenames", True) for hook in hooks] == whole
    entries = [hook["entry"].removeprefix(".venv/bin/").split() for hook in hooks]
    assert entries == [[word for word in words if word != "."] for words in lint]


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        ("x" * 72, True),
        ("é" * 72 + "\n\n" + "body " * 40, True),
        ("x" * 73, False),
        ("# a comment of git's\n\n" + "x" * 73 + "\n", False),
        ("fixup! " + "x" * 72, True),
        ("fixup! " + "x" * 73, False),
        ("", True),  # git refuses it itself
    ],
)
def test_the_subject_of_a_commit_is_short(tmp_path: Path, message: str, fits: bool) -> None:
    (tmp_path / "message").write_text(message, encoding="utf-8")
    command = [str(CHECKOUT / ".ci/commit-subject"), str(tmp_path / "message")]
    environment = outside() | {"LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == fits
    assert done.stderr == (
        "" if fits else "The subject has 73 characters, 72 are allowed: say the rest in the body\n"
    )
