"""Whose links root follows, on real directories; as root some of them belong to another user."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import host_paths
import pytest
from host_paths import beginning, directory, matching

THEIRS = 65534  # nobody


def walked(path: Path | str, *, make: bool = False) -> str:
    """Where the walk ends: by the path it tells, and by the descriptor."""
    with directory(str(path), make=make) as place:
        assert os.readlink(f"/proc/self/fd/{place.fd}") == place.path
        return place.path


def test_a_plain_directory(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert walked(tmp_path / "a" / "b") == f"{tmp_path}/a/b"
    assert walked(f"{tmp_path}//a/./b/../b/") == f"{tmp_path}/a/b"
    assert walked("/") == "/"
    assert walked("/..") == "/"


def test_what_is_missing_is_made_with_its_parents(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"'{tmp_path}/a'"):
        walked(tmp_path / "a" / "b")
    assert os.listdir(tmp_path) == []
    with directory(f"{tmp_path}/a/b", make=True) as place:
        assert place.made
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        status = path.stat()
        assert (status.st_mode & 0o7777, status.st_uid) == (0o755, os.geteuid())
    with directory(f"{tmp_path}/a/b", make=True) as place:
        assert not place.made


@pytest.mark.parametrize("target", ["{0}/disk", "disk", "./other/../disk/", "second"])
@pytest.mark.parametrize("rest", ["", "/kafka/1"])
def test_an_administrators_link_is_followed(tmp_path: Path, target: str, rest: str) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "second").symlink_to("disk")
    (tmp_path / "lib").symlink_to(target.format(tmp_path))
    assert walked(f"{tmp_path}/lib{rest}", make=True) == f"{tmp_path}/disk{rest}"


def test_a_link_that_leads_to_nothing_is_not_made_whole(tmp_path: Path) -> None:
    (tmp_path / "lib").symlink_to(tmp_path / "disk" / "kafka")
    with pytest.raises(FileNotFoundError):
        walked(tmp_path / "lib")
    with pytest.raises(
        ValueError, match=f"^{tmp_path}/lib leads to {tmp_path}/disk, which is not there: make or"
    ):
        walked(tmp_path / "lib", make=True)
    assert os.listdir(tmp_path) == ["lib"]


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        walked(tmp_path / "a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        beginning(str(tmp_path / "a"))


@pytest.mark.parametrize("make", [True, False])
@pytest.mark.parametrize("rest", ["", "/inside", "/new"])
def test_a_link_in_a_services_directory_is_refused(
    tmp_path: Path, service: Path, rest: str, make: bool
) -> None:
    (tmp_path / "system" / "inside").mkdir(parents=True)
    (service / "local").symlink_to(tmp_path / "system")
    with pytest.raises(ValueError, match="is a link to") as refused:
        walked(f"{service}/local{rest}", make=make)
    who = "nobody" if os.geteuid() == 0 else "the group "
    assert str(refused.value).startswith(f"{service}/local is a link to {tmp_path}/system, and {who}"), (
        refused.value
    )
    assert f" can write in {service}: root does not follow it, it could lead anywhere. Remove it" in str(
        refused.value
    )
    assert os.listdir(tmp_path / "system") == ["inside"]


def test_so_is_one_that_lies_further_down_or_that_an_administrators_link_leads_to(
    tmp_path: Path, service: Path
) -> None:
    # Root's own directory there: its name, too, is the service's to give to another.
    (service / "made" / "by-root").mkdir(parents=True)
    (service / "made" / "local").symlink_to("by-root")
    (tmp_path / "alias").symlink_to(service / "made")
    for path in (service / "made" / "local", tmp_path / "alias" / "local"):
        with pytest.raises(
            ValueError, match=f"{service}/made/local is a link to by-root, and .* can write in"
        ):
            walked(path)
    assert walked(tmp_path / "alias" / "by-root") == f"{service}/made/by-root"


def test_plain_directories_of_a_service_are_walked_and_made(service: Path) -> None:
    assert walked(service / "a" / "b", make=True) == f"{service}/a/b"
    assert (service / "a" / "b").stat().st_uid == os.geteuid()


@pytest.mark.parametrize(
    ("mode", "follows"),
    [(0o755, True), (0o700, True), (0o775, False), (0o757, False), (0o777, False), (0o1777, True)],
)
def test_who_can_write_decides(tmp_path: Path, mode: int, follows: bool) -> None:
    """A sticky directory keeps our own link for us."""
    shared = tmp_path / "shared"
    (shared / "to").mkdir(parents=True)
    (shared / "from").symlink_to("to")
    shared.chmod(mode)
    if follows:
        assert walked(shared / "from") == f"{shared}/to"
        return
    with pytest.raises(ValueError, match=f"(everybody|the group .*) can write in {shared}"):
        walked(shared / "from")


@pytest.mark.parametrize(("owner", "of_the_link"), [(0, THEIRS), (THEIRS, 0), (THEIRS, THEIRS), (0, 0)])
def test_a_sticky_directory_keeps_only_what_is_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, of_the_link: int
) -> None:
    """And only if it is root's itself: an owner may rename all that lies in it."""
    shared = tmp_path / "shared"
    (shared / "to").mkdir(parents=True)
    (shared / "from").symlink_to("to")
    shared.chmod(0o1777)
    owners = {shared.stat().st_ino: owner, (shared / "from").lstat().st_ino: of_the_link}
    for name in ("stat", "fstat"):
        monkeypatch.setattr(os, name, owned(owners, getattr(os, name)))
    if owner == of_the_link == 0:
        assert walked(shared / "from") == f"{shared}/to"
        return
    with pytest.raises(ValueError, match=f"(everybody|nobody) can write in {shared}"):
        walked(shared / "from")


def owned(owners: dict[int, int], look: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    """Let os.stat or os.fstat say other owners, by inode: only root could give files away."""

    def status(*words: Any, **others: Any) -> os.stat_result:
        found = list(look(*words, **others))
        found[4] = owners.get(int(found[1]), found[4])
        return os.stat_result(found)

    return status


def test_a_file_in_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("data")
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(NotADirectoryError, match=f"'{tmp_path}/a'"):
            walked(path, make=True)
    assert (tmp_path / "a").read_text() == "data"


@pytest.mark.parametrize("path", ["", "a", "./a", "~/a"])
def test_relative_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=f"^'{path}' is not an absolute path: give one that begins with /$"):
        walked(path)


def test_no_descriptor_is_left(tmp_path: Path, service: Path) -> None:
    (tmp_path / "link").symlink_to("service")
    (service / "link").symlink_to("/etc")
    (service / "file").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    walked(tmp_path / "link")
    walked(tmp_path / "new" / "new", make=True)
    beginning(str(service / "file"))
    matching(str(tmp_path), "*/file")
    for act in (walked, lambda path: beginning(str(path))):
        with pytest.raises(ValueError, match="is a link to"):
            act(service / "link")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_name_that_becomes_a_link_meanwhile_is_not_followed(
    tmp_path: Path, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service / "local").mkdir()
    (tmp_path / "system").mkdir()
    look = host_paths.Place.target

    def look_and_change(place: host_paths.Place, name: str) -> str | None:
        seen = look(place, name)
        if name == "local":
            (service / "local").rmdir()
            (service / "local").symlink_to(tmp_path / "system")
        return seen

    monkeypatch.setattr(host_paths.Place, "target", look_and_change)
    with pytest.raises(NotADirectoryError, match=f"{service}/local"):
        walked(service / "local")


def test_the_beginning_of_a_file(tmp_path: Path, service: Path) -> None:
    (service / "myid").write_bytes(b"12\n")
    (tmp_path / "link").symlink_to("service/myid")
    assert beginning(str(service / "myid")) == b"12\n"
    assert beginning(str(tmp_path / "link"), 1) == b"1"
    (tmp_path / "nowhere").symlink_to("none/none")
    for path in ("nowhere", "none", "none/none", "link/none"):
        assert beginning(str(tmp_path / path)) is None
    with pytest.raises(IsADirectoryError, match=str(service)):
        beginning(str(service))


def link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def hard_link(path: Path, secret: Path) -> None:
    path.hardlink_to(secret)


def pipe(path: Path, secret: Path) -> None:
    os.mkfifo(path)


def behind_an_administrators(path: Path, secret: Path) -> None:
    (path.parent / "own").symlink_to(secret)
    path.parent.parent.joinpath("conf").symlink_to(path.parent / "own")
    path.symlink_to("own")


@pytest.mark.parametrize("put", [link, hard_link, pipe, behind_an_administrators])
def test_what_a_service_put_in_place_of_a_file_is_not_read(
    tmp_path: Path, service: Path, put: Callable[[Path, Path], None]
) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("root:hash\n")
    put(service / "myid", secret)
    for path in (service / "myid", *tmp_path.glob("conf")):
        with pytest.raises(ValueError, match=f"{service}/(myid|own) is ") as refused:
            beginning(str(path))
        assert "hash" not in str(refused.value)


def test_patterns(tmp_path: Path, service: Path) -> None:
    for path in ("1/meta", "2/meta", ".hidden/meta", "3/other"):
        (service / path).parent.mkdir()
        (service / path).touch()
    (service / "file").touch()
    (tmp_path / "alias").symlink_to("service")
    (tmp_path / "a [1]").mkdir()
    for base in (service, tmp_path / "alias"):
        assert matching(str(base), "*/meta") == [f"{base}/1/meta", f"{base}/2/meta"]
        assert matching(str(base), "[12]") == [f"{base}/1", f"{base}/2"]
        assert matching(str(base), "3/*") == [f"{base}/3/other"]
        assert matching(str(base), "file") == [f"{base}/file"]
        assert matching(str(base), "file/none") == matching(str(base), "none") == []
    assert matching(str(tmp_path / "none"), "*") == matching(str(tmp_path / "a [1]"), "*") == []


def test_patterns_do_not_lead_through_a_services_links(tmp_path: Path, service: Path) -> None:
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "meta").touch()
    (service / "1").symlink_to(tmp_path / "system")
    with pytest.raises(ValueError, match=f"^{service}/1 is a link to {tmp_path}/system, and "):
        matching(str(service), "*/meta")
