"""Files as a whole or not at all."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import host_files
import pytest

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def spec(path: Path, content: str = "new\n", **others: str) -> dict[str, Any]:
    """Return an entry of the module's list, of the user that runs the test."""
    return {"path": str(path), "content": content, "owner": OWNER, "group": GROUP, "mode": "0644"} | others


def test_a_new_file_with_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "kafka" / "a"
    assert host_files.apply(spec(path, mode="0640"), check=False) == {
        "before_header": str(path),
        "after_header": str(path),
        "before": "",
        "after": "new\n",
    }
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o755
    assert list(path.parent.iterdir()) == [path]


def test_a_second_time_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "a"
    host_files.apply(spec(path), check=False)
    before = path.stat()
    assert host_files.apply(spec(path), check=False) is None
    assert path.stat() == before


def test_other_content_is_replaced_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    path.chmod(0o644)
    old = path.open()
    assert host_files.apply(spec(path), check=False) == {
        "before_header": str(path),
        "after_header": str(path),
        "before": "old\n",
        "after": "new\n",
    }
    assert path.read_text() == "new\n"
    # Whoever reads the old file meanwhile reads it to its end: it was replaced, not written over.
    with old:
        assert old.read() == "old\n"


def test_another_mode_alone_is_a_change_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("new\n")
    path.chmod(0o600)
    diff = host_files.apply(spec(path), check=False)
    assert diff is not None
    assert diff["before_header"] == f"{path} (0600 {OWNER}:{GROUP} -> 0644 {OWNER}:{GROUP})"
    assert diff["before"] == diff["after"]
    assert path.stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize(
    ("before", "after"), [("a\r\n", "a\n"), ("a\n", "a\r\n"), ("a", "a\n"), ("é", "e"), ("", "a")]
)
def test_every_byte_counts(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(before.encode())
    path.chmod(0o644)
    assert host_files.apply(spec(path, after), check=False) is not None
    assert path.read_bytes() == after.encode()
    assert host_files.apply(spec(path, after), check=False) is None


def test_a_file_that_is_no_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xff\xfe")
    assert host_files.apply(spec(path), check=False) is not None
    assert path.read_text() == "new\n"


def test_check_mode_shows_the_same_and_writes_nothing(tmp_path: Path) -> None:
    path, new = tmp_path / "a", tmp_path / "none" / "b"
    path.write_text("old\n")
    before = path.stat()
    shown = [host_files.apply(spec(each), check=True) for each in (path, new)]
    assert [diff and (diff["before"], diff["after"]) for diff in shown] == [("old\n", "new\n"), ("", "new\n")]
    assert path.stat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "a"
    target.write_text("old\n")
    path.symlink_to(target)
    host_files.apply(spec(path), check=False)
    assert (target.read_text(), path.read_text(), path.is_symlink()) == ("old\n", "new\n", False)


@pytest.mark.parametrize("who", [{"owner": "no-such-user"}, {"group": "no-such-group"}])
def test_an_unknown_owner_is_named_and_leaves_the_old_file(tmp_path: Path, who: dict[str, str]) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    with pytest.raises(KeyError, match=next(iter(who.values()))):
        host_files.apply(spec(path, **who), check=False)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")

    def full(number: int, mode: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="No space left"):
        host_files.apply(spec(path), check=False)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        host_files.apply(spec(tmp_path / "a"), check=False)


def test_a_mode_that_is_not_octal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'u=rw'"):
        host_files.apply(spec(tmp_path / "a", mode="u=rw"), check=False)
