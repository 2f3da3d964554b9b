"""Users, directories, unpacked artifacts and the kernel of a host: for the module service_state."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from ansible.module_utils import host_kernel
from ansible.module_utils.host_paths import Place, beginning, directory, user_name

STAMP = ".artifact"
#: Runs a command by its name with the environment of login shells (roles/common/templates/command.sh.j2).
COMMAND = "/usr/local/lib/millrace/command"
BIN = Path("/usr/local/bin")
#: Where programs of the system are, which the links must not hide.
SYSTEM_BINS = (Path("/usr/bin"), Path("/usr/sbin"), Path("/bin"), Path("/sbin"))
#: From here on ids are people's (UID_MIN of login.defs); a service's user among them cannot log in.
FIRST_HUMAN_UID = 1000

_TEXT = {"type": "str", "required": True}
_PATH = {"type": "path", "required": True}
_LINK = {"path": _PATH, "target": _PATH, "within": {"type": "path"}}


def _listed(options: dict[str, Any]) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "default": [], "options": options}


#: Tarballs, and where they are unpacked.
ARTIFACTS = _listed(
    {
        "name": _TEXT,
        "version": _TEXT,
        "tarball": _PATH,
        "sha512": _TEXT,
        "prefix": {"type": "path", "default": "/opt"},
        "current": {"type": "bool", "default": True},
    }
)
#: The argument of the module: each part of an install may be missing.
INSTALL: dict[str, Any] = {
    "type": "dict",
    "default": {},
    "options": {
        "paths": {"type": "list", "elements": "path", "default": []},
        "users": _listed({"name": _TEXT, "group": _TEXT, "home": _PATH}),
        "directories": _listed(
            {
                "path": _PATH,
                "owner": {"type": "str", "default": "root"},
                "group": {"type": "str", "default": "root"},
                "mode": {"type": "str", "default": "0755"},
            }
        ),
        "artifacts": ARTIFACTS,
        "links": _listed(_LINK),
        "commands": {"type": "list", "elements": "path", "default": []},
        "kernel": {"type": "dict"},
    },
    "apply_defaults": True,
}


def install(
    part: dict[str, Any], *, check: bool, move_links: bool = True, mine: Collection[str] = ()
) -> list[str]:
    """Make what is missing; a sentence for each thing done.

    move_links: whether a link that leads elsewhere is moved; one that is missing is made in any case
    mine: links that the kit has made on this host (host_made)
    Raises KeyError for an unknown owner, OSError, TarError, and ValueError for what is somebody else's or for
    another tarball than named.
    """
    done = []
    for user in part["users"]:
        done += make_user(user, check=check)
    for spec in part["directories"]:
        done += make_directory(spec, check=check)
    for artifact in part["artifacts"]:
        done += unpack(artifact, check=check)
    for link in links_of(part):
        if move_links or not os.path.lexists(link["path"]):
            within = link.get("within") if link["path"] in mine else None
            done += make_link(Path(link["path"]), link["target"], within, check=check)
    for path in part.get("commands", ()):
        done += link_commands(Path(path), BIN, check=check)
    if part.get("kernel") is not None:
        done += host_kernel.ensure(part["kernel"], check=check)
    return done


def link_commands(programs: Path, bin_dir: Path = BIN, *, check: bool) -> list[str]:
    """Let shells that read no profile find the programs of a directory, by links to COMMAND.

    bin_dir: where the links are. A name that somebody else has taken stays theirs. Links of programs that are
    gone lead to COMMAND still, which says so.
    """
    here = sorted(programs.iterdir()) if programs.is_dir() else []
    names = [each.name for each in here if os.access(each, os.X_OK) and each.is_file()]
    taken = (bin_dir, *SYSTEM_BINS)
    lacking = [name for name in names if not any(os.path.lexists(each / name) for each in taken)]
    if not lacking:
        return []
    if not check:
        with directory(str(bin_dir), make=True) as place:
            for name in lacking:
                _link(place, name, COMMAND)
    return [f"{len(lacking)} commands of {programs} in {bin_dir}"]


def links_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """The links of an install: those to its artifacts, and further names under which people look."""
    return [
        {"path": os.path.join(artifact["prefix"], _link_name(artifact)), "target": folder_of(artifact)}
        for artifact in part["artifacts"]
    ] + list(part["links"])


def leads_elsewhere(link: dict[str, Any]) -> bool:
    """Whether a link is there and leads elsewhere than it is to."""
    return os.path.islink(link["path"]) and os.readlink(link["path"]) != link["target"]


def folder_of(artifact: dict[str, Any]) -> str:
    """Name of an artifact's directory: one for each digest, so that what runs keeps its jars."""
    return f"{artifact['name']}-{artifact['version']}-{artifact['sha512'][:16]}"


def _link_name(artifact: dict[str, Any]) -> str:
    return artifact["name"] if artifact["current"] else f"{artifact['name']}-{artifact['version']}"


def _sha512(stream: IO[bytes]) -> str:
    """Hex SHA-512 of a file."""
    # hashlib.file_digest came with Python 3.11; the hosts may have an older one.
    digest = hashlib.sha512()
    for block in iter(lambda: stream.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")


def exists(lookup: Any, name: str) -> bool:
    """Whether the system has a user or group of that name."""
    try:
        lookup(name)
    except KeyError:
        return False
    return True


def make_user(user: dict[str, str], *, check: bool) -> list[str]:
    """Make a system user without a login, and its group, where they are missing.

    Raises ValueError when the user is there and is a person's.
    """
    done = []
    if not exists(grp.getgrnam, user["group"]):
        done.append(f"group {user['group']}")
        if not check:
            _run("groupadd", "--system", user["group"])
    if not exists(pwd.getpwnam, user["name"]):
        done.append(f"user {user['name']}")
        if not check:
            home = ("--no-create-home", "--home-dir", user["home"])
            shell = ("--shell", "/usr/sbin/nologin")
            _run("useradd", "--system", "--gid", user["group"], *home, *shell, user["name"])
        return done
    found = pwd.getpwnam(user["name"])
    if found.pw_uid >= FIRST_HUMAN_UID and not found.pw_shell.endswith(("/nologin", "/false")):
        raise ValueError(
            f"the user {user['name']} is a person's (uid {found.pw_uid}, shell {found.pw_shell}): rename it, "
            f"or, if it is for the service: usermod --shell /usr/sbin/nologin {user['name']}"
        )
    return done


def make_directory(spec: dict[str, str], *, check: bool) -> list[str]:
    """Make a directory, or correct its owner and mode; what lies in it is never touched.

    Raises ValueError when something lies in it and it is another user's, and for a link on the way that root
    does not follow.
    """
    path, mode = spec["path"], int(spec["mode"], 8)
    # In check mode the user may be one that would have been made before.
    if check and not (exists(pwd.getpwnam, spec["owner"]) and exists(grp.getgrnam, spec["group"])):
        return [f"directory {path}"]
    uid, gid = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
    try:
        with directory(path, make=not check) as place, place.readable() as fd:
            status = os.fstat(fd)
            # A disk that was just mounted has lost+found.
            if status.st_uid != uid and set(os.listdir(fd)) - {"lost+found"}:
                raise ValueError(
                    f"{path} is not empty and belongs to {user_name(status.st_uid)}: name another directory, "
                    f"or, if it is for the service: chown -R {spec['owner']}:{spec['group']} {path}"
                )
            if not place.made and (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (uid, gid, mode):
                return []
            if not check:
                os.fchown(fd, uid, gid)
                os.fchmod(fd, mode)
    except FileNotFoundError:
        if not check:
            raise
    return [f"directory {path}"]


def unpack(artifact: dict[str, Any], *, check: bool) -> list[str]:
    """Unpack the artifact into a directory of its digest.

    Raises ValueError when the tarball is missing or is not the one the digest names.
    """
    prefix, folder = Path(artifact["prefix"]), folder_of(artifact)
    stamp = beginning(str(prefix / folder / STAMP))
    if stamp is not None and stamp.decode("ascii", "replace").strip() == artifact["sha512"]:
        return []
    if not check:
        with directory(str(prefix), make=True) as place:
            _unpack_to(place, folder, artifact)
    return [f"{prefix / folder} unpacked"]


def make_link(link: Path, target: str, within: str | None = None, *, check: bool) -> list[str]:
    """Point a link at its target, at once for whoever looks.

    within: a directory; a link that leads to something in it may be moved, too: the kit has made it
    Raises ValueError when the name is taken, and for a link on the way that root does not follow.
    """
    _refuse_to_replace(link, target, within)
    try:
        with directory(str(link.parent), make=not check) as place:
            known = place.status(link.name)
            if known and stat.S_ISLNK(known.st_mode) and os.readlink(link.name, dir_fd=place.fd) == target:
                return []
            if not check:
                if known and stat.S_ISDIR(known.st_mode):
                    # Unpacked there by a kit of before, which had no link of this name: it is one by now.
                    stamp = (link / STAMP).read_text(encoding="ascii").strip()
                    os.rename(
                        link.name, f"{link.name}-{stamp[:15]}~", src_dir_fd=place.fd, dst_dir_fd=place.fd
                    )
                _link(place, link.name, target)
    except FileNotFoundError:
        if not check:
            raise
    return [f"{link} -> {target}"]


def _link(place: Place, name: str, target: str) -> None:
    fresh = f".{name}.link"
    if place.status(fresh):
        os.unlink(fresh, dir_fd=place.fd)
    os.symlink(target, fresh, dir_fd=place.fd)
    os.replace(fresh, name, src_dir_fd=place.fd, dst_dir_fd=place.fd)


def _refuse_to_replace(link: Path, target: str, within: str | None) -> None:
    if link.is_symlink():
        if leads_to_theirs(link, target, within):
            raise ValueError(
                f"{link} is a link to {os.readlink(link)}: move it away, the kit does not replace what it "
                "did not make"
            )
    elif link.exists() and not (link / STAMP).is_file():
        raise ValueError(f"{link} is not a link: move it away, the kit does not delete what it did not make")


def leads_to_theirs(link: Path, target: str = "", within: str | None = None) -> bool:
    """Whether a link leads to what the kit did not put there: only another one may be pointed elsewhere."""
    if not link.exists() or (link / STAMP).is_file():
        return False
    leads_to = os.readlink(link)
    return leads_to != target and not (within and leads_to.startswith(f"{within}/"))


def _unpack_to(prefix: Place, folder: str, artifact: dict[str, Any]) -> None:
    tarball = artifact["tarball"]
    if not os.path.isfile(tarball):
        raise ValueError(
            f"{tarball} is not on this host: run playbooks/artifacts.yml and playbooks/install.yml"
        )
    # Opened once: what is unpacked is what was compared.
    with open(tarball, "rb") as stream:
        found = _sha512(stream)
        if found != artifact["sha512"]:
            raise ValueError(
                f"{tarball} has SHA-512 {found[:16]}..., expected {artifact['sha512'][:16]}...: "
                "it is damaged or was changed"
            )
        stream.seek(0)
        _replace(prefix, folder, stream, artifact)


def _replace(prefix: Place, folder: str, stream: IO[bytes], artifact: dict[str, Any]) -> None:
    """Unpack beside the folder, then put it in the folder's place."""
    here = Path(prefix.anchored)
    target, aside = here / folder, here / f".{folder}.unpacking"
    # A killed run may have left it.
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        with prefix.below(aside.name) as place:
            if os.fstat(place.fd).st_uid != os.geteuid():
                raise ValueError(f"{place.path} is another user's by now: {place.held}")
            top = f"{artifact['name']}-{artifact['version']}"
            fresh = _extract(stream, Path(place.anchored)) / top
            if not fresh.is_dir():
                raise ValueError(f"{artifact['tarball']} has no top directory {top}")
            (fresh / STAMP).write_text(artifact["sha512"] + "\n", encoding="ascii")
            # After a power loss, too, what has its name and its stamp is whole.
            _run("sync", "--file-system", place.path)
            if target.exists():
                move_aside(here, folder)
            fresh.rename(target)
    finally:
        shutil.rmtree(aside)
    with prefix.readable() as fd:
        os.fsync(fd)


def move_aside(here: Path, folder: str) -> str:
    """Take its name from a directory, which is to be removed when nothing runs from it; its new name."""
    aside = tempfile.mkdtemp(prefix=f".{folder}.", suffix=".old", dir=here)
    (here / folder).rename(aside)
    return os.path.basename(aside)


def _extract(stream: IO[bytes], into: Path) -> Path:
    with tarfile.open(fileobj=stream) as archive:
        # The digest vouches for the content; the artifacts' links to /etc need the trusting filter.
        if hasattr(tarfile, "fully_trusted_filter"):
            archive.extraction_filter = tarfile.fully_trusted_filter
        archive.extractall(into)  # noqa: S202 (see above)
    return into
