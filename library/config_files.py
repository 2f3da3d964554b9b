#!/usr/bin/python
"""Write all files of a service on a host in one call."""

from __future__ import annotations

import grp
import os
import pwd
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: config_files
short_description: write many small files in one call, each only when it differs
description:
  - Content is rendered on the controller and handed over; eight files cost one module run, not sixteen.
  - A file is replaced as a whole or not at all. Parent directories that are missing are made (0755, root).
options:
  files:
    description: the files, with the content they shall have
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: absolute path, type: path, required: true}
      content: {description: whole text of the file, type: str, required: true}
      owner: {description: user, type: str, default: root}
      group: {description: group, type: str, default: root}
      mode: {description: permission bits in octal, type: str, default: "0644"}
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: config | Write ZooKeeper's files
  config_files:
    files:
      - {path: /etc/zookeeper/zoo.cfg, content: "{{ lookup('template', 'zoo.cfg.j2') }}"}
"""

RETURN = r"""
changed_files:
  description: paths that were written, or would be in check mode
  returned: always
  type: list
  elements: str
"""


def _current(path: str) -> tuple[str | None, int | None, str, str]:
    """Text (None where there is no file), mode, owner and group of a path."""
    if not os.path.exists(path):
        return None, None, "", ""
    status = os.stat(path)
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        text = stream.read()
    return (
        text,
        status.st_mode & 0o7777,
        _name(pwd.getpwuid, status.st_uid),
        _name(grp.getgrgid, status.st_gid),
    )


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def _write(path: str, content: str, mode: int, uid: int, gid: int) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".millrace-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(content)
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def apply(spec: dict[str, Any], *, check: bool) -> dict[str, Any] | None:
    """Bring one file to its content, owner and mode; return its diff, or None when it was right.

    Raises KeyError for an unknown user or group, ValueError for a mode that is not octal, OSError when the
    file cannot be written.
    """
    path, mode = spec["path"], int(spec["mode"], 8)
    was = _current(path)
    wanted = (spec["content"], mode, spec["owner"], spec["group"])
    if was == wanted:
        return None
    if not check:
        uid, gid = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
        _write(path, spec["content"], mode, uid, gid)
    attributes = ""
    if was[0] is not None and was[1:] != wanted[1:]:
        attributes = f" ({was[1]:04o} {was[2]}:{was[3]} -> {mode:04o} {spec['owner']}:{spec['group']})"
    return {
        "before_header": path + attributes,
        "after_header": path,
        "before": was[0] or "",
        "after": spec["content"],
    }


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str", "required": True},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                    "mode": {"type": "str", "default": "0644"},
                },
            }
        },
        supports_check_mode=True,
    )
    # A directory that is made here is for the service users to read, whatever umask the session has.
    os.umask(0o022)
    diffs: list[dict[str, Any]] = []
    for spec in module.params["files"]:
        try:
            diff = apply(spec, check=module.check_mode)
        except (KeyError, OSError, ValueError) as error:
            module.fail_json(
                msg=f"{spec['path']} cannot be written: {error}",
                changed_files=[each["after_header"] for each in diffs],
            )
        if diff:
            diffs.append(diff)
    module.exit_json(changed=bool(diffs), changed_files=[each["after_header"] for each in diffs], diff=diffs)


if __name__ == "__main__":
    main()
