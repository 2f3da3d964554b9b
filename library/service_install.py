#!/usr/bin/python
"""Give a host what a service needs before it is configured: user, directories, the unpacked artifact."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: service_install
short_description: service users, directories and a verified tarball under /opt, in one call
description:
  - Makes system users and groups, makes directories or corrects their owner and mode (never what is in them).
  - Unpacks a tarball with upstream's layout as C(<prefix>/<name>-<version>) and points the link
    C(<prefix>/<name>) at it.
  - The tarball's SHA-512 is compared before anything is unpacked, and kept in C(.artifact) beside the files;
    an unfinished unpacking leaves nothing under the final name.
options:
  users:
    description: system users, each with a primary group that is made too
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: name, type: str, required: true}
      group: {description: primary group, type: str, required: true}
      home: {description: home directory, not created, type: path, required: true}
  directories:
    description: directories
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: absolute path, type: path, required: true}
      owner: {description: user, type: str, default: root}
      group: {description: group, type: str, default: root}
      mode: {description: permission bits in octal, type: str, default: "0755"}
  artifact:
    description: the tarball
    type: dict
    suboptions:
      name: {description: product, type: str, required: true}
      version: {description: version, type: str, required: true}
      tarball: {description: path on the host, type: path, required: true}
      sha512: {description: digest of the tarball, type: str, required: true}
      prefix: {description: where it is unpacked, type: path, default: /opt}
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: install | User, directories and the verified tarball
  service_install:
    users: [{name: kafka, group: kafka, home: /var/lib/kafka}]
    directories: [{path: /var/lib/kafka, owner: kafka, group: kafka, mode: "0750"}]
    artifact: {name: kafka, version: 4.3.0, tarball: /var/cache/millrace/kafka-4.3.0.tar, sha512: "..."}
"""

RETURN = r"""
done:
  description: what was made or corrected, a sentence each; in check mode what would be
  returned: always
  type: list
  elements: str
"""

STAMP = ".artifact"


def sha512(path: str) -> str:
    """Hex SHA-512 of a file."""
    # hashlib.file_digest came with Python 3.11; the hosts may have an older one.
    digest = hashlib.sha512()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")


def _exists(lookup: Any, name: str) -> bool:
    try:
        lookup(name)
    except KeyError:
        return False
    return True


def make_user(user: dict[str, str], *, check: bool) -> list[str]:
    """Make a system user without a login, and its group, where they are missing."""
    done = []
    if not _exists(grp.getgrnam, user["group"]):
        done.append(f"group {user['group']}")
        if not check:
            _run("groupadd", "--system", user["group"])
    if not _exists(pwd.getpwnam, user["name"]):
        done.append(f"user {user['name']}")
        if not check:
            home = ("--no-create-home", "--home-dir", user["home"])
            shell = ("--shell", "/usr/sbin/nologin")
            _run("useradd", "--system", "--gid", user["group"], *home, *shell, user["name"])
    return done


def make_directory(spec: dict[str, str], *, check: bool) -> list[str]:
    """Make a directory, or correct its owner and mode; what lies in it is never touched."""
    path, mode = spec["path"], int(spec["mode"], 8)
    made = not os.path.isdir(path)
    # In check mode the user may be one that would have been made before.
    known = _exists(pwd.getpwnam, spec["owner"]) and _exists(grp.getgrnam, spec["group"])
    if check and (made or not known):
        return [f"directory {path}"]
    uid, gid = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
    if made:
        os.makedirs(path, mode=0o755)
    status = os.stat(path)
    if made or (status.st_uid, status.st_gid, status.st_mode & 0o7777) != (uid, gid, mode):
        if not check:
            os.chown(path, uid, gid)
            os.chmod(path, mode)
        return [f"directory {path}"]
    return []


def unpack(artifact: dict[str, str], *, check: bool) -> list[str]:
    """Unpack the artifact and point the link at it.

    Raises ValueError when the tarball is missing or is not the one the digest names, and when something that
    is not a link has the link's name.
    """
    prefix, folder = Path(artifact["prefix"]), f"{artifact['name']}-{artifact['version']}"
    target, link, done = prefix / folder, prefix / artifact["name"], []
    if link.exists() and not link.is_symlink():
        raise ValueError(f"{link} is not a link: move it away, the kit does not delete what it did not make")
    stamp = target / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="ascii").strip() != artifact["sha512"]:
        done.append(f"{target} unpacked")
        if not check:
            _unpack_to(target, artifact)
    if not link.is_symlink() or os.readlink(link) != folder:
        done.append(f"{link} -> {folder}")
        if not check:
            fresh = prefix / f".{artifact['name']}.link"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(folder)
            fresh.replace(link)
    return done


def _unpack_to(target: Path, artifact: dict[str, str]) -> None:
    tarball = artifact["tarball"]
    if not os.path.isfile(tarball):
        raise ValueError(f"{tarball} is not on this host: run the artifacts play (playbooks/artifacts.yml)")
    found = sha512(tarball)
    if found != artifact["sha512"]:
        raise ValueError(
            f"{tarball} has SHA-512 {found[:16]}..., expected {artifact['sha512'][:16]}...: "
            "it is damaged or was changed"
        )
    aside, old = (target.with_name(f".{target.name}.{suffix}") for suffix in ("unpacking", "old"))
    # A killed run may have left them.
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        fresh = _extract(tarball, aside) / target.name
        if not fresh.is_dir():
            raise ValueError(f"{tarball} has no top directory {target.name}")
        (fresh / STAMP).write_text(artifact["sha512"] + "\n", encoding="ascii")
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        shutil.rmtree(aside)
        shutil.rmtree(old, ignore_errors=True)


def _extract(tarball: str, directory: Path) -> Path:
    with tarfile.open(tarball) as archive:
        # The digest vouches for the content; the artifacts' links to /etc need the trusting filter.
        if hasattr(tarfile, "fully_trusted_filter"):
            archive.extraction_filter = tarfile.fully_trusted_filter
        archive.extractall(directory)  # noqa: S202 (see above)
    return directory


def main() -> None:
    """Run as an Ansible module."""
    text = {"type": "str", "required": True}
    path = {"type": "path", "required": True}
    module = AnsibleModule(
        argument_spec={
            "users": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": text, "group": text, "home": path},
            },
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": path,
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                    "mode": {"type": "str", "default": "0755"},
                },
            },
            "artifact": {
                "type": "dict",
                "options": {
                    "name": text,
                    "version": text,
                    "tarball": path,
                    "sha512": text,
                    "prefix": {"type": "path", "default": "/opt"},
                },
            },
        },
        supports_check_mode=True,
    )
    # What is unpacked here is for the service users to read, whatever umask the session has.
    os.umask(0o022)
    done: list[str] = []
    check = module.check_mode
    try:
        for user in module.params["users"]:
            done += make_user(user, check=check)
        for directory in module.params["directories"]:
            done += make_directory(directory, check=check)
        if module.params["artifact"]:
            done += unpack(module.params["artifact"], check=check)
    except (KeyError, OSError, ValueError, tarfile.TarError) as error:
        module.fail_json(msg=str(error), done=done)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
