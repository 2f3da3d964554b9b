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
from ansible.module_utils import host_kernel
from host_install import (
    COMMAND,
    install,
    leads_elsewhere,
    link_commands,
    links_of,
    make_directory,
    make_link,
    make_user,
    unpack,
)

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
SOMEBODY = "nobody"  # who does not run the tests


def unread(path: Path) -> tuple[int, ...]:
    """What is known of a file or directory, but for the time at which it was read."""
    status = path.stat()
    return (status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_ctime_ns)


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


def names(artifact: dict[str, Any]) -> list[str]:
    """Return what lies under the prefix."""
    return sorted(os.listdir(artifact["prefix"]))


def folder(artifact: dict[str, Any]) -> str:
    """The name of the directory that the artifact is unpacked to."""
    return f"{artifact['name']}-{artifact['version']}-{artifact['sha512'][:16]}"


def part(*artifacts: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return what install takes."""
    return {"users": [], "directories": [], "links": [], "artifacts": list(artifacts)} | others


def test_the_kernel_is_set_where_a_service_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ensure(settings: dict[str, Any], *, check: bool) -> list[str]:
        asked.append((settings, check))
        return ["vm.swappiness 60 -> 1"]

    monkeypatch.setattr(host_kernel, "ensure", ensure)
    assert install(part(kernel={"vm.swappiness": 1}), check=True) == ["vm.swappiness 60 -> 1"]
    # Nothing is asked for any more: what was set is given back.
    install(part(kernel={}), check=False)
    install(part(kernel=None), check=False)
    install(part(), check=False)
    assert asked == [({"vm.swappiness": 1}, True), ({}, False)]


def another(artifact: dict[str, Any], version: str, content: bytes) -> dict[str, Any]:
    """Another tarball of the product, of this version."""
    stem = f"product-{version}"
    tarball = Path(artifact["tarball"]).parent / f"{stem}-{content.decode()}.tar"
    pack(tarball, stem, {"lib/b.jar": content})
    sha512 = hashlib.sha512(tarball.read_bytes()).hexdigest()
    return artifact | {"version": version, "tarball": str(tarball), "sha512": sha512}


def test_unpacked_stamped_and_linked(artifact: dict[str, Any]) -> None:
    opt = Path(artifact["prefix"])
    assert install(part(artifact), check=False) == [
        f"{opt}/{folder(artifact)} unpacked",
        f"{opt}/product -> {folder(artifact)}",
    ]
    assert names(artifact) == ["product", folder(artifact)]
    assert (opt / "product" / "bin" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (opt / "product" / "lib" / "a.jar").read_bytes() == b"jar"
    assert os.readlink(opt / "product" / "conf") == "/etc/zookeeper"
    assert (opt / "product" / ".artifact").read_text() == artifact["sha512"] + "\n"


def test_a_second_time_nothing_is_read(artifact: dict[str, Any]) -> None:
    install(part(artifact), check=False)
    os.unlink(artifact["tarball"])
    assert install(part(artifact), check=False) == []


def test_check_mode_says_the_same_and_does_nothing(artifact: dict[str, Any]) -> None:
    assert len(install(part(artifact), check=True)) == 2
    assert names(artifact) == []
    install(part(artifact), check=False)
    assert install(part(artifact), check=True) == []


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_another_tarball_lies_beside_the_old_one_and_gets_the_link(
    artifact: dict[str, Any], version: str
) -> None:
    """What runs keeps its jars until it is restarted, also where only the recipe of its version changed."""
    opt = Path(artifact["prefix"])
    install(part(artifact), check=False)
    newer = another(artifact, version, b"new")
    assert install(part(newer), check=False) == [
        f"{opt}/{folder(newer)} unpacked",
        f"{opt}/product -> {folder(newer)}",
    ]
    assert names(artifact) == sorted(["product", folder(artifact), folder(newer)])
    assert os.listdir(opt / "product" / "lib") == ["b.jar"]
    # Back again: only the link.
    assert install(part(artifact), check=False) == [f"{opt}/product -> {folder(artifact)}"]


def test_before_a_deployment_no_link_is_moved(artifact: dict[str, Any], tmp_path: Path) -> None:
    opt, alias = Path(artifact["prefix"]), tmp_path / "alias"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".artifact").touch()
    # One that is missing is made: without it nothing can run.
    links = [{"path": str(alias), "target": str(tmp_path / "elsewhere"), "within": None}]
    assert len(install(part(artifact, links=links), check=False, move_links=False)) == 3
    newer, links = another(artifact, "2.0", b"new"), [links[0] | {"target": f"{opt}/product"}]
    wanted = part(newer, links=links)
    assert install(wanted, check=False, move_links=False) == [f"{opt}/{folder(newer)} unpacked"]
    assert os.readlink(opt / "product") == folder(artifact)
    assert os.readlink(alias) == str(tmp_path / "elsewhere")
    assert [link["path"] for link in links_of(wanted) if leads_elsewhere(link)] == [
        f"{opt}/product",
        str(alias),
    ]
    assert len(install(wanted, check=False)) == 2
    assert not any(map(leads_elsewhere, links_of(wanted)))


def test_links_of_artifacts_and_others(artifact: dict[str, Any]) -> None:
    beside = artifact | {"current": False}
    more = {"path": "/usr/local/kafka", "target": "/opt/kafka", "within": None}
    assert links_of(part(artifact, beside, links=[more])) == [
        {"path": f"{artifact['prefix']}/product", "target": folder(artifact)},
        {"path": f"{artifact['prefix']}/product-1.0", "target": folder(artifact)},
        more,
    ]


@pytest.mark.parametrize(("target", "elsewhere"), [(None, False), ("right", False), ("wrong", True)])
def test_what_leads_elsewhere(tmp_path: Path, target: str | None, elsewhere: bool) -> None:
    if target:
        (tmp_path / "link").symlink_to(target)
    assert leads_elsewhere({"path": str(tmp_path / "link"), "target": "right"}) is elsewhere
    # A directory is no link: to replace it is refused elsewhere.
    assert not leads_elsewhere({"path": str(tmp_path), "target": "right"})


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
def test_a_damaged_tarball_is_refused_by_name(artifact: dict[str, Any], damage: Any, again: bool) -> None:
    if again:
        # What was unpacked before the tarball of another digest came stays as it is.
        unpack(artifact, check=False)
        artifact["sha512"] = "0" * 128
    before = names(artifact)
    damage(Path(artifact["tarball"]))
    with pytest.raises(ValueError, match=r"/product-1\.0\.tar has SHA-512 .*: it is damaged or was changed$"):
        unpack(artifact, check=False)
    assert names(artifact) == before


def test_a_missing_tarball_is_refused_by_name(artifact: dict[str, Any]) -> None:
    os.unlink(artifact["tarball"])
    with pytest.raises(
        ValueError, match=r"/product-1\.0\.tar is not on this host: run playbooks/artifacts\.yml and"
    ):
        unpack(artifact, check=False)
    assert names(artifact) == []


def test_a_tarball_with_another_layout_is_refused_and_leaves_nothing(artifact: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"product-1\.0\.tar has no top directory product-1\.1$"):
        unpack(artifact | {"version": "1.1"}, check=False)
    assert names(artifact) == []


@pytest.mark.parametrize("check", [True, False])
def test_a_directory_in_place_of_the_link_is_refused(artifact: dict[str, Any], check: bool) -> None:
    theirs = Path(artifact["prefix"]) / "product" / "theirs"
    theirs.mkdir(parents=True)
    with pytest.raises(ValueError, match="opt/product is not a link: move it away"):
        install(part(artifact), check=check)
    assert theirs.is_dir()


def test_a_dangling_link_is_pointed_anew(artifact: dict[str, Any]) -> None:
    (Path(artifact["prefix"]) / "product").symlink_to("product-0.9")
    install(part(artifact), check=False)
    assert os.readlink(Path(artifact["prefix"]) / "product") == folder(artifact)


def of_before(artifact: dict[str, Any], name: str) -> Path:
    """A product as a kit of before unpacked it: without a digest in the directory's name."""
    path = Path(artifact["prefix"]) / name
    (path / "lib").mkdir(parents=True)
    (path / ".artifact").write_text("0123456789abcdef" * 8 + "\n")
    return path


def test_a_directory_of_an_older_kit_stays_when_the_link_leaves_it(artifact: dict[str, Any]) -> None:
    of_before(artifact, "product-1.0")
    (Path(artifact["prefix"]) / "product").symlink_to("product-1.0")
    install(part(artifact), check=False)
    assert names(artifact) == sorted(["product", "product-1.0", folder(artifact)])
    assert os.readlink(Path(artifact["prefix"]) / "product") == folder(artifact)


@pytest.mark.parametrize(("name", "current"), [("product", True), ("product-1.0", False)])
def test_a_directory_of_an_older_kit_with_the_name_of_a_link_is_moved_under_what_runs(
    artifact: dict[str, Any], name: str, current: bool
) -> None:
    """A version beside the current one had a directory where it has a link by now, as the first kits had."""
    path, artifact["current"] = of_before(artifact, name), current
    aside = path.with_name(f"{name}-0123456789abcde~")
    with subprocess.Popen(["/bin/cat"], cwd=path / "lib", stdin=subprocess.PIPE) as daemon:
        assert len(install(part(artifact), check=True)) == 2
        assert names(artifact) == [name]
        assert install(part(artifact), check=False)[-1] == f"{path} -> {folder(artifact)}"
        assert names(artifact) == sorted([name, aside.name, folder(artifact)])
        assert os.readlink(path) == folder(artifact)
        assert os.readlink(f"/proc/{daemon.pid}/cwd") == f"{aside}/lib"
        assert daemon.poll() is None
        daemon.communicate()
    assert install(part(artifact), check=False) == []


KILLED_IN_THE_SECOND_FILE = """
import json, os, sys, tarfile
import ansible.module_utils
ansible.module_utils.__path__.append(os.environ["PYTHONPATH"])
import host_install

copy, copied = tarfile.copyfileobj, []

def kill(*arguments):
    copied.append(copy(*arguments))
    if len(copied) == 2:
        os.kill(os.getpid(), 9)

tarfile.copyfileobj = kill
host_install.install(json.loads(sys.argv[1]), check=False)
"""


def test_a_killed_unpacking_leaves_no_final_name(
    artifact: dict[str, Any],
) -> None:
    opt = Path(artifact["prefix"])
    library = str(Path(host_install.__file__).parent)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_THE_SECOND_FILE, json.dumps(part(artifact))],
        env={"PYTHONPATH": library},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert names(artifact) == [f".{folder(artifact)}.unpacking"]
    assert (opt / names(artifact)[0] / "product-1.0" / "bin" / "run.sh").exists()
    assert len(install(part(artifact), check=False)) == 2
    assert names(artifact) == ["product", folder(artifact)]
    assert (opt / "product" / "lib" / "a.jar").read_bytes() == b"jar"


@pytest.mark.parametrize("stamp", [None, "", "cut"])
def test_what_has_no_whole_stamp_is_unpacked_again_beside_what_runs_from_it(
    artifact: dict[str, Any], stamp: str | None
) -> None:
    """As a power loss leaves it, or who damages it, or a run that is killed between two renames."""
    opt = Path(artifact["prefix"])
    install(part(artifact), check=False)
    path = opt / folder(artifact) / ".artifact"
    path.unlink()
    if stamp is not None:
        path.write_text(artifact["sha512"][:64] if stamp else "")
    with (path.parent / "lib" / "a.jar").open("rb") as jar:
        assert install(part(artifact), check=False) == [f"{path.parent} unpacked"]
        assert path.read_text() == artifact["sha512"] + "\n"
        aside = Path(os.readlink(f"/proc/self/fd/{jar.fileno()}")).parents[1]
    assert aside.match(f"{opt}/.{folder(artifact)}.*.old")
    assert names(artifact) == sorted([aside.name, "product", folder(artifact)])
    # Killed before the new one has its name.
    path.parent.rename(opt / ".gone")
    assert install(part(artifact), check=False) == [f"{path.parent} unpacked"]


def test_what_has_its_name_is_on_the_disk_already(
    artifact: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, opt = tmp_path / "sync", artifact["prefix"]
    sync.write_text(f'#!/bin/sh\necho "$1"; cat "$2"/*/.artifact "$2"/*/lib/a.jar; ls {opt}\n')
    sync.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said: list[Any] = []
    run, fsync = subprocess.run, os.fsync

    def listen(*words: Any, **others: Any) -> Any:
        done = run(*words, **others)
        said.append(done.stdout)
        return done

    monkeypatch.setattr(subprocess, "run", listen)
    monkeypatch.setattr(
        os, "fsync", lambda fd: said.append((os.readlink(f"/proc/self/fd/{fd}"), os.listdir(fd), fsync(fd)))
    )
    unpack(artifact, check=False)
    assert said == [f"--file-system\n{artifact['sha512']}\njar", (opt, [folder(artifact)], None)]


def test_what_cannot_be_written_to_the_disk_gets_no_name(
    artifact: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sync").write_text("#!/bin/sh\necho 'input/output error' >&2; exit 1\n")
    (tmp_path / "sync").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(OSError, match=r"^sync --file-system .*: input/output error$"):
        unpack(artifact, check=False)
    assert names(artifact) == []


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


def test_an_empty_directory_or_a_fresh_disk_changes_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = []
    monkeypatch.setattr(
        os, "fchown", lambda fd, uid, gid: owners.append((os.readlink(f"/proc/self/fd/{fd}"), uid))
    )
    (tmp_path / "empty").mkdir()
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    for path in (tmp_path / "empty", tmp_path / "disk"):
        assert make_directory(directory(path, owner=SOMEBODY), check=False) == [f"directory {path}"]
    uid = pwd.getpwnam(SOMEBODY).pw_uid
    assert owners == [(str(tmp_path / "empty"), uid), (str(tmp_path / "disk"), uid)]


@pytest.mark.parametrize("check", [True, False])
def test_a_directory_with_somebody_elses_files_is_refused(tmp_path: Path, check: bool) -> None:
    path = tmp_path / "lib"
    (path / "dpkg").mkdir(parents=True)
    before = unread(path)
    with pytest.raises(
        ValueError,
        match=f"lib is not empty and belongs to {OWNER}: name another directory, or, .*: chown -R",
    ):
        make_directory(directory(path, owner=SOMEBODY), check=check)
    assert unread(path) == before


@pytest.mark.parametrize("who", [{"owner": "no-such-user"}, {"group": "no-such-group"}])
def test_an_owner_that_is_not_there_yet(tmp_path: Path, who: dict[str, str]) -> None:
    # In check mode the user that would be made before is not there.
    assert make_directory(directory(tmp_path, **who), check=True) == [f"directory {tmp_path}"]
    with pytest.raises(KeyError, match=next(iter(who.values()))):
        make_directory(directory(tmp_path, **who), check=False)


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("data")
    with pytest.raises(NotADirectoryError, match=str(tmp_path / "lib")):
        make_directory(directory(tmp_path / "lib"), check=False)
    assert (tmp_path / "lib").read_text() == "data"


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("rest", ["", "/work", "/new"])
def test_a_directory_behind_a_services_link_is_not_changed(
    tmp_path: Path, service: Path, rest: str, check: bool
) -> None:
    """A YARN job could have a directory of the system given to yarn."""
    (tmp_path / "system" / "work").mkdir(parents=True)
    (service / "local").symlink_to(tmp_path / "system")
    before = unread(tmp_path / "system"), unread(tmp_path / "system" / "work")
    with pytest.raises(
        ValueError, match=f"^{service}/local is a link to {tmp_path}/system, and .* can write"
    ):
        make_directory(directory(service / f"local{rest}", mode="0777"), check=check)
    assert (unread(tmp_path / "system"), unread(tmp_path / "system" / "work")) == before
    assert os.listdir(tmp_path / "system") == ["work"]


def test_a_directory_behind_an_administrators_link_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "lib").symlink_to("disk")
    assert make_directory(directory(tmp_path / "lib"), check=False) == [f"directory {tmp_path}/lib"]
    assert (tmp_path / "disk").stat().st_mode & 0o7777 == 0o750
    assert make_directory(directory(tmp_path / "lib"), check=False) == []


def test_what_becomes_a_link_meanwhile_does_not_lead_astray(
    tmp_path: Path, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service / "local").mkdir(mode=0o755)
    (tmp_path / "system").mkdir(mode=0o755)
    listdir = os.listdir

    def swap(path: Any) -> list[str]:
        (service / "local").rename(service / "moved")
        (service / "local").symlink_to(tmp_path / "system")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", swap)
    (service / "local").chmod(0o755)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: pwd.struct_passwd((name, "x", 12345, 0, "", "", "")))
    monkeypatch.setattr(os, "fchown", lambda fd, uid, gid: None)
    make_directory(directory(service / "local"), check=False)
    assert (tmp_path / "system").stat().st_mode & 0o7777 == 0o755
    assert (service / "moved").stat().st_mode & 0o7777 == 0o750


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


@pytest.mark.parametrize("check", [True, False])
def test_a_persons_user_is_refused(programs: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    # (uid, shell): a person's, then users of services.
    for uid, shell, person in ((1000, "/bin/bash", True), (1000, "", True), (999, "/bin/bash", False)):
        _become(monkeypatch, uid, shell)
        if person:
            with pytest.raises(ValueError, match=f"user spark is a person's .uid {uid}, .*usermod"):
                make_user({"name": "spark", "group": GROUP, "home": "/"}, check=check)
        else:
            assert make_user({"name": "spark", "group": GROUP, "home": "/"}, check=check) == []
    # An organisation's own users of services have any number.
    for shell in ("/usr/sbin/nologin", "/bin/false"):
        _become(monkeypatch, 20001, shell)
        assert make_user({"name": "spark", "group": GROUP, "home": "/"}, check=check) == []
    assert programs.read_text() == ""


def _become(monkeypatch: pytest.MonkeyPatch, uid: int, shell: str) -> None:
    entry = pwd.struct_passwd(("spark", "x", uid, uid, "", "/home/spark", shell))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: entry)


def test_the_programs_own_words_are_the_error(programs: Path) -> None:
    (programs.parent / "groupadd").write_text("#!/bin/sh\necho 'cannot lock /etc/group' >&2\nexit 10\n")
    with pytest.raises(OSError, match=r"^groupadd --system no-such-group: cannot lock /etc/group$"):
        make_user({"name": "no-such-user", "group": "no-such-group", "home": "/"}, check=False)


def test_a_version_beside_the_current_one_has_the_link_of_its_version(artifact: dict[str, Any]) -> None:
    opt, beside = Path(artifact["prefix"]), another(artifact, "2.0", b"new") | {"current": False}
    install(part(artifact, beside), check=False)
    assert names(artifact) == sorted(["product", "product-2.0", folder(artifact), folder(beside)])
    assert os.readlink(opt / "product") == folder(artifact)
    assert os.readlink(opt / "product-2.0") == folder(beside)
    assert install(part(artifact, beside), check=True) == []


def test_a_link_is_made_once(tmp_path: Path) -> None:
    link, target = tmp_path / "kafka", str(tmp_path / "opt-kafka")
    (tmp_path / "opt-kafka").mkdir()
    assert make_link(link, target, check=True) == [f"{link} -> {target}"]
    assert not link.is_symlink()
    assert make_link(link, target, check=False) == [f"{link} -> {target}"]
    assert make_link(link, target, check=False) == []
    assert os.readlink(link) == target
    assert sorted(os.listdir(tmp_path)) == ["kafka", "opt-kafka"]


def test_links_of_the_kits_own_are_pointed_elsewhere(artifact: dict[str, Any], tmp_path: Path) -> None:
    install(part(artifact), check=False)
    link = tmp_path / "kafka"
    for old in (f"{artifact['prefix']}/product", f"{tmp_path}/nothing"):
        link.unlink(missing_ok=True)
        link.symlink_to(old)
        assert make_link(link, "/opt/other", check=False) == [f"{link} -> /opt/other"]
        assert os.readlink(link) == "/opt/other"


@pytest.mark.parametrize("check", [True, False])
def test_a_link_to_what_the_kit_did_not_make_is_not_replaced(artifact: dict[str, Any], check: bool) -> None:
    theirs = Path(artifact["prefix"]) / "product_2.13-3.9.0"
    (theirs / "bin").mkdir(parents=True)
    link = Path(artifact["prefix"]) / "product"
    link.symlink_to(theirs.name)
    refusal = f"opt/product is a link to {theirs.name}: move it away, the kit does not replace what"
    with pytest.raises(ValueError, match=refusal):
        install(part(artifact), check=check)
    with pytest.raises(ValueError, match=refusal):
        make_link(link, "/opt/product", check=check)
    assert os.readlink(link) == theirs.name


@pytest.mark.parametrize(
    ("leads_to", "within", "refused"),
    [
        ("jvm/a", "jvm", False),
        ("jvm/b", "jvm", False),
        ("jvm/a", None, True),
        ("other/a", "jvm", True),
        ("jvm-2/a", "jvm", True),
    ],
)
def test_a_link_within_a_directory_may_be_moved_there(
    tmp_path: Path, leads_to: str, within: str | None, refused: bool
) -> None:
    """/opt/java leads to one of the packages' JVMs: another one is the kit's to choose, all else is not."""
    (tmp_path / leads_to).mkdir(parents=True)
    link, target = tmp_path / "java", str(tmp_path / "jvm" / "new")
    link.symlink_to(tmp_path / leads_to)
    below = within and str(tmp_path / within)
    for check in (True, False):
        if refused:
            with pytest.raises(ValueError, match=f"java is a link to {tmp_path}/{leads_to}: move it away"):
                make_link(link, target, below, check=check)
        else:
            assert make_link(link, target, below, check=check) == [f"{link} -> {target}"]
    assert os.readlink(link) == (str(tmp_path / leads_to) if refused else target)


def test_a_directory_is_not_replaced_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    with pytest.raises(ValueError, match="kafka is not a link: move it away"):
        make_link(tmp_path / "kafka", "/opt/kafka", check=False)


def test_links_and_products_are_put_nowhere_through_a_services_link(
    artifact: dict[str, Any], tmp_path: Path, service: Path
) -> None:
    (tmp_path / "system").mkdir()
    (service / "opt").symlink_to(tmp_path / "system")
    refusal = f"^{service}/opt is a link to {tmp_path}/system, and "
    with pytest.raises(ValueError, match=refusal):
        make_link(service / "opt" / "kafka", "/opt/kafka", check=False)
    for prefix in ("opt", "opt/new"):
        with pytest.raises(ValueError, match=refusal):
            unpack(artifact | {"prefix": f"{service}/{prefix}"}, check=False)
    assert os.listdir(tmp_path / "system") == []


def test_what_a_service_swaps_while_its_product_is_unpacked_is_not_written_to(
    artifact: dict[str, Any], tmp_path: Path, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "system" / "product-1.0" / "theirs"
    theirs.mkdir(parents=True)
    opened, aside = tarfile.open, service / f".{folder(artifact)}.unpacking"

    def swap(*words: Any, **others: Any) -> tarfile.TarFile:
        aside.rename(service / "moved")
        aside.symlink_to(tmp_path / "system")
        return opened(*words, **others)

    monkeypatch.setattr(tarfile, "open", swap)
    # rmtree, which does not follow it: what it says of that is each Python's own.
    with pytest.raises(OSError, match=r"symbolic link|\.unpacking"):
        unpack(artifact | {"prefix": str(service)}, check=False)
    assert os.listdir(theirs.parent) == ["theirs"]
    monkeypatch.setattr(tarfile, "open", opened)


def test_a_product_below_a_services_directory(artifact: dict[str, Any], service: Path) -> None:
    below = artifact | {"prefix": str(service)}
    assert len(install(part(below), check=False)) == 2
    assert install(part(below), check=True) == []
    assert (service / "product" / "lib" / "a.jar").read_bytes() == b"jar"
    assert sorted(os.listdir(service)) == ["product", folder(artifact)]


def test_what_is_unpacked_is_what_was_compared(
    artifact: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tarfile.open

    def swap(*words: Any, **others: Any) -> tarfile.TarFile:
        monkeypatch.setattr(tarfile, "open", opened)
        os.unlink(artifact["tarball"])
        pack(Path(artifact["tarball"]), "product-1.0", {"lib/a.jar": b"other"})
        return opened(*words, **others)

    monkeypatch.setattr(tarfile, "open", swap)
    unpack(artifact, check=False)
    assert (tmp_path / "opt" / folder(artifact) / "lib" / "a.jar").read_bytes() == b"jar"


def test_users_and_directories_come_before_what_needs_them(
    artifact: dict[str, Any], tmp_path: Path, programs: Path
) -> None:
    user = {"name": "no-such-user", "group": GROUP, "home": "/"}
    wanted = part(artifact, users=[user], directories=[directory(tmp_path / "var")])
    opt = artifact["prefix"]
    assert install(wanted, check=False) == [
        "user no-such-user",
        f"directory {tmp_path}/var",
        f"{opt}/{folder(artifact)} unpacked",
        f"{opt}/product -> {folder(artifact)}",
    ]


def test_commands_are_found_by_shells_that_read_no_profile(tmp_path: Path) -> None:
    programs, links = tmp_path / "opt/kafka/bin", tmp_path / "bin"
    programs.mkdir(parents=True)
    assert link_commands(tmp_path / "none", links, check=False) == []
    for name, mode in {"topics.sh": 0o755, "taken.sh": 0o755, "notes.txt": 0o644}.items():
        (programs / name).write_text("")
        (programs / name).chmod(mode)
    (programs / "windows").mkdir()
    links.mkdir()
    (links / "taken.sh").write_text("somebody's")
    said = [f"1 commands of {programs} in {links}"]
    assert link_commands(programs, links, check=True) == said
    assert not (links / "topics.sh").is_symlink()
    assert link_commands(programs, links, check=False) == said
    assert os.readlink(links / "topics.sh") == COMMAND
    assert (links / "taken.sh").read_text() == "somebody's"
    assert sorted(path.name for path in links.iterdir()) == ["taken.sh", "topics.sh"]
    assert link_commands(programs, links, check=False) == []
