"""The release that an upgrade begins with: named by the changelog, taken from git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import release


def test_the_newest_release_is_the_first_that_has_a_commit() -> None:
    name, commit = release.last()
    assert name
    assert release.newest(
        f"## [Unreleased]\n## [{name}] - 2026-11-30, {commit}\n## [0] - 2026-01-01, abcdef1"
    ) == (
        name,
        commit,
    )


@pytest.mark.parametrize(
    "text", ["", "## [Unreleased]\n", "## [1.0] - 2026-11-30\n", "## [1.0] - today, abcdef1\n"]
)
def test_a_changelog_without_a_release_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="names no release"):
        release.newest(text)


def test_files_are_those_of_the_commit(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        configured = ("-c", "user.name=a", "-c", "user.email=a@b", *words)
        return subprocess.check_output(["git", *configured], cwd=tmp_path, text=True).strip()

    git("init", "-q")
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").symlink_to("a")
    git("add", ".")
    git("commit", "-qm", "old")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "a").write_text("new")
    target = tmp_path / "release"
    target.mkdir()
    (target / "rest").touch()
    release.extract(commit, target, tmp_path)
    assert {path.name for path in target.iterdir()} == {"a", "b"}
    assert (target / "b").read_text() == "old"
    assert release.is_there(commit, tmp_path)
    assert not release.is_there("0" * 40, tmp_path)
