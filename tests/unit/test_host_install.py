"""Users, directories and verified tarballs under a prefix of the test's own."""

from __future__ import annotations

import grp
import hashlib
import io
import json
import os
import pwd
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import host_install
import pytest
from host_install import make_directory, make_link, make_user, unpack

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def pack(path: Path, top: str, files: dict[str, bytes]) -> None:
    """Write a tarball with upstream's layout, and a link into /etc as the artifacts have it."""
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo(f"{top}/conf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/zookeeper"
        archive.addfile(link)
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))


@pytest.fixture
def artifact(tmp_path: Path) -> dict[str, Any]:
    """A tarball of product 1.0 and the arguments that name it."""
    tarball = tmp_path / "product-1.0.tar"
    pack(tarball, "product-1.0", {"bin/run.sh": b"#!/bin/sh\n", "lib/a.jar": b"jar"})
    (tmp_path / "opt").mkdir()
    return {
        "name": "product",
        "version": "1.0",
        "tarball": str(tarball),
        "sha512": hashlib.sha512(tarball.read_bytes()).hexdigest(),
        "prefix": str(tmp_path / "opt"),
        "current": True,
    }


def names(artifact: dict[str, str]) -> list[str]:
    """Return what lies under the prefix."""
    return sorted(os.listdir(artifact["prefix"]))


def test_unpacked_stamped_and_linked(artifact: dict[str, str]) -> None:
    opt = Path(artifact["prefix"])
    assert unpack(artifact, check=False) == [
        f"{opt}/product-1.0 unpacked",
        f"{opt}/product -> product-1.0",
    ]
    assert names(artifact) == ["product", "product-1.0"]
    assert (opt / "product" / "bin" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (opt / "product" / "lib" / "a.jar").read_bytes() == b"jar"
    assert os.readlink(opt / "product" / "conf") == "/etc/zookeeper"
    assert (opt / "product" / ".artifact").read_text() == artifact["sha512"] + "\n"


def test_a_second_time_nothing_is_read(artifact: dict[str, str]) -> None:
    unpack(artifact, check=False)
    os.unlink(artifact["tarball"])
    assert unpack(artifact, check=False) == []


def test_check_mode_says_the_same_and_does_nothing(artifact: dict[str, str]) -> None:
    assert len(unpack(artifact, check=True)) == 2
    assert names(artifact) == []
    unpack(artifact, check=False)
    assert unpack(artifact, check=True) == []


def test_another_tarball_of_the_same_version_replaces_what_is_there(
    artifact: dict[str, str], tmp_path: Path
) -> None:
    unpack(artifact, check=False)
    pack(tmp_path / "product-1.0.tar", "product-1.0", {"lib/b.jar": b"new"})
    artifact["sha512"] = hashlib.sha512((tmp_path / "product-1.0.tar").read_bytes()).hexdigest()
    assert unpack(artifact, check=False) == [f"{artifact['prefix']}/product-1.0 unpacked"]
    assert names(artifact) == ["product", "product-1.0"]
    assert os.listdir(Path(artifact["prefix"]) / "product" / "lib") == ["b.jar"]


def test_another_version_lies_beside_the_old_one_and_gets_the_link(
    artifact: dict[str, str], tmp_path: Path
) -> None:
    unpack(artifact, check=False)
    tarball = tmp_path / "product-2.0.tar"
    pack(tarball, "product-2.0", {"lib/b.jar": b"new"})
    sha512 = hashlib.sha512(tarball.read_bytes()).hexdigest()
    newer = artifact | {"version": "2.0", "tarball": str(tarball), "sha512": sha512}
    assert len(unpack(newer, check=False)) == 2
    assert names(artifact) == ["product", "product-1.0", "product-2.0"]
    assert os.readlink(Path(artifact["prefix"]) / "product") == "product-2.0"
    # Back again: only the link.
    assert unpack(artifact, check=False) == [f"{artifact['prefix']}/product -> product-1.0"]


def flip(tarball: Path) -> None:
    """Change one bit."""
    content = bytearray(tarball.read_bytes())
    content[600] ^= 1
    tarball.write_bytes(content)


def truncate(tarball: Path) -> None:
    """Cut the last byte off."""
    os.truncate(tarball, tarball.stat().st_size - 1)


@pytest.mark.parametrize("damage", [flip, truncate])
@pytest.mark.parametrize("again", [False, True])
def test_a_damaged_tarball_is_refused_by_name(artifact: dict[str, str], damage: Any, again: bool) -> None:
    if again:
        # What was unpacked before the tarball of another digest came stays as it is.
        unpack(artifact, check=False)
        artifact["sha512"] = "0" * 128
    before = names(artifact)
    damage(Path(artifact["tarball"]))
    with pytest.raises(ValueError, match=r"/product-1\.0\.tar has SHA-512 .*: it is damaged or was changed$"):
        unpack(artifact, check=False)
    assert names(artifact) == before


def test_a_missing_tarball_is_refused_by_name(artifact: dict[str, str]) -> None:
    os.unlink(artifact["tarball"])
    with pytest.raises(ValueError, match=r"/product-1\.0\.tar is not on this host: run the artifacts play"):
        unpack(artifact, check=False)
    assert names(artifact) == []


def test_a_tarball_with_another_layout_is_refused_and_leaves_nothing(artifact: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"product-1\.0\.tar has no top directory product-1\.1$"):
        unpack(artifact | {"version": "1.1"}, check=False)
    assert names(artifact) == []


def test_a_directory_in_place_of_the_link_is_refused_first(
    artifact: dict[str, str],
) -> None:
    theirs = Path(artifact["prefix"]) / "product" / "theirs"
    theirs.mkdir(parents=True)
    with pytest.raises(ValueError, match="opt/product is not a link: move it away"):
        unpack(artifact, check=False)
    assert names(artifact) == ["product"]
    assert theirs.is_dir()


def test_a_dangling_link_is_pointed_anew(artifact: dict[str, str]) -> None:
    (Path(artifact["prefix"]) / "product").symlink_to("product-0.9")
    unpack(artifact, check=False)
    assert os.readlink(Path(artifact["prefix"]) / "product") == "product-1.0"


KILLED_IN_THE_SECOND_FILE = """
import json, os, sys, tarfile
import host_install

copy, copied = tarfile.copyfileobj, []

def kill(*arguments):
    copied.append(copy(*arguments))
    if len(copied) == 2:
        os.kill(os.getpid(), 9)

tarfile.copyfileobj = kill
host_install.unpack(json.loads(sys.argv[1]), check=False)
"""


def test_a_killed_unpacking_leaves_no_final_name(
    artifact: dict[str, str],
) -> None:
    opt = Path(artifact["prefix"])
    library = str(Path(host_install.__file__).parent)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_THE_SECOND_FILE, json.dumps(artifact)],
        env={"PYTHONPATH": library},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert names(artifact) == [".product-1.0.unpacking"]
    assert (opt / ".product-1.0.unpacking" / "product-1.0" / "bin" / "run.sh").exists()
    assert len(unpack(artifact, check=False)) == 2
    assert names(artifact) == ["product", "product-1.0"]
    assert (opt / "product" / "lib" / "a.jar").read_bytes() == b"jar"


def test_a_run_killed_between_the_two_renames_is_redone(artifact: dict[str, str]) -> None:
    opt = Path(artifact["prefix"])
    unpack(artifact, check=False)
    (opt / "product-1.0").rename(opt / ".product-1.0.old")
    assert unpack(artifact, check=False) == [f"{opt}/product-1.0 unpacked"]
    assert names(artifact) == ["product", "product-1.0"]


def directory(path: Path, **others: str) -> dict[str, str]:
    """Return an entry of the module's directories, of the user that runs the test."""
    return {"path": str(path), "owner": OWNER, "group": GROUP, "mode": "0750"} | others


def test_a_directory_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib"
    assert make_directory(directory(path), check=True) == [f"directory {path}"]
    assert not path.parent.exists()
    assert make_directory(directory(path), check=False) == [f"directory {path}"]
    assert path.stat().st_mode & 0o7777 == 0o750
    assert make_directory(directory(path), check=False) == []


def test_a_directorys_mode_is_corrected_and_its_content_left_alone(tmp_path: Path) -> None:
    inside = tmp_path / "lib" / "data"
    inside.mkdir(parents=True)
    inside.chmod(0o701)
    inside.parent.chmod(0o755)
    assert make_directory(directory(inside.parent), check=True) == [f"directory {inside.parent}"]
    assert inside.parent.stat().st_mode & 0o7777 == 0o755
    assert make_directory(directory(inside.parent), check=False) == [f"directory {inside.parent}"]
    assert inside.parent.stat().st_mode & 0o7777 == 0o750
    assert inside.stat().st_mode & 0o7777 == 0o701


@pytest.mark.parametrize("who", [{"owner": "no-such-user"}, {"group": "no-such-group"}])
def test_an_owner_that_is_not_there_yet(tmp_path: Path, who: dict[str, str]) -> None:
    # In check mode the user that would be made before is not there.
    assert make_directory(directory(tmp_path, **who), check=True) == [f"directory {tmp_path}"]
    with pytest.raises(KeyError, match=next(iter(who.values()))):
        make_directory(directory(tmp_path, **who), check=False)


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("data")
    with pytest.raises(FileExistsError):
        make_directory(directory(tmp_path / "lib"), check=False)
    assert (tmp_path / "lib").read_text() == "data"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put groupadd and useradd first on the PATH that write down their words; return the file."""
    written = tmp_path / "calls"
    written.touch()
    for name in ("groupadd", "useradd"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {written}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return written


def test_users_are_system_users_without_a_login(programs: Path) -> None:
    user = {"name": "no-such-user", "group": "no-such-group", "home": "/var/lib/it"}
    assert make_user(user, check=True) == ["group no-such-group", "user no-such-user"]
    assert programs.read_text() == ""
    assert make_user(user, check=False) == ["group no-such-group", "user no-such-user"]
    assert programs.read_text() == (
        "groupadd --system no-such-group\n"
        "useradd --system --gid no-such-group --no-create-home --home-dir /var/lib/it"
        " --shell /usr/sbin/nologin no-such-user\n"
    )


def test_users_that_are_there_are_left_alone(programs: Path) -> None:
    assert make_user({"name": OWNER, "group": GROUP, "home": "/elsewhere"}, check=False) == []
    assert programs.read_text() == ""


def test_the_programs_own_words_are_the_error(programs: Path) -> None:
    (programs.parent / "groupadd").write_text("#!/bin/sh\necho 'cannot lock /etc/group' >&2\nexit 10\n")
    with pytest.raises(OSError, match=r"^groupadd --system no-such-group: cannot lock /etc/group$"):
        make_user({"name": "no-such-user", "group": "no-such-group", "home": "/"}, check=False)


def test_a_version_beside_the_current_one_takes_no_link(artifact: dict[str, Any]) -> None:
    unpack(artifact, check=False)
    beside = artifact | {"current": False}
    assert unpack(beside, check=False) == []
    (Path(artifact["prefix"]) / "product").unlink()
    assert unpack(beside, check=True) == []
    unpack(beside, check=False)
    assert names(artifact) == ["product-1.0"]


def test_a_link_is_made_and_pointed_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "kafka"
    assert make_link(link, "/opt/kafka", check=True) == [f"{link} -> /opt/kafka"]
    assert not link.is_symlink()
    assert make_link(link, "/opt/kafka", check=False) == [f"{link} -> /opt/kafka"]
    assert make_link(link, "/opt/kafka", check=False) == []
    assert make_link(link, "/opt/other", check=False) == [f"{link} -> /opt/other"]
    assert os.readlink(link) == "/opt/other"
    assert os.listdir(tmp_path) == ["kafka"]


def test_a_directory_is_not_replaced_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    with pytest.raises(ValueError, match="kafka is not a link: move it away"):
        make_link(tmp_path / "kafka", "/opt/kafka", check=False)
