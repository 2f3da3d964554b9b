#!/usr/bin/python
"""Make directories of HDFS with their owners, through WebHDFS of the active NameNode."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.hadoop_jmx import OPEN, bean
from ansible.module_utils.host_module import alone

DOCUMENTATION = r"""
module: hdfs_directories
short_description: directories of HDFS with owner, group and mode
description:
  - Waits until a NameNode is active and out of safe mode, then reads each directory, corrects what differs.
  - Ten of them cost a fifth of a second; the same by C(hdfs dfs) is a JVM each.
options:
  namenodes:
    description: HTTP addresses (host:port) of all NameNodes
    type: list
    elements: str
    required: true
  directories:
    description: what shall be, parents first
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: absolute path in HDFS, type: str, required: true}
      owner: {description: user, type: str, required: true}
      group: {description: group, type: str, required: true}
      mode: {description: permission bits in octal, type: str, required: true}
  user:
    description: the superuser that asks (simple authentication)
    type: str
    default: hdfs
  timeout:
    description: seconds to wait for an active NameNode
    type: int
    default: 120
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: directories | Homes and logs
  hdfs_directories:
    namenodes: [millrace-1:9870, millrace-2:9870]
    directories: [{path: /user, owner: hdfs, group: hadoop, mode: "0755"}]
"""

RETURN = r"""
made:
  description: directories that were made or corrected
  returned: always
  type: list
  elements: str
"""


class WebHdfs:
    """The few calls that are needed, to whichever NameNode is active.

    The protocol is upstream's WebHDFS REST API (hadoop.apache.org, WebHDFS).
    """

    def __init__(self, namenodes: list[str], user: str) -> None:
        self.namenodes, self.user = namenodes, user
        self.last = "not asked yet"

    def call(self, method: str, namenode: str, path: str, operation: str, **arguments: str) -> dict[str, Any]:
        """One request; the decoded answer. Raises OSError (HTTPError among them)."""
        query = urllib.parse.urlencode({"op": operation, "user.name": self.user} | arguments)
        url = f"http://{namenode}/webhdfs/v1{urllib.parse.quote(path)}?{query}"
        with OPEN(urllib.request.Request(url, method=method), timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else {}

    def active(self, timeout: float) -> str:
        """Address of the NameNode that is active and out of safe mode. Raises TimeoutError, in words."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for namenode in self.namenodes:
                try:
                    if self._state(namenode) == ("active", ""):
                        return namenode
                except (OSError, ValueError, KeyError, IndexError) as error:
                    self.last = f"{namenode}: {error}"
            time.sleep(0.1)
        raise TimeoutError(
            f"no NameNode was active and out of safe mode within {timeout} s; last seen: {self.last}"
        )

    def _state(self, namenode: str) -> tuple[str, str]:
        state = bean(namenode, "NameNode", "NameNodeStatus")["State"]
        safemode = bean(namenode, "NameNode", "NameNodeInfo")["Safemode"]
        self.last = f"{namenode} is {state}, {safemode or 'no safe mode'}"
        return state, safemode

    def status(self, namenode: str, path: str) -> dict[str, Any] | None:
        """FileStatus of a path, None when there is nothing."""
        try:
            return dict(self.call("GET", namenode, path, "GETFILESTATUS")["FileStatus"])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def differs(status: dict[str, Any] | None, wanted: dict[str, str]) -> bool:
    """Whether a directory must be made or corrected. Raises ValueError when a file stands in its place."""
    if status is None:
        return True
    if status["type"] != "DIRECTORY":
        raise ValueError(f"{wanted['path']} is a file in HDFS: move it away, the kit does not delete data")
    is_now = (status["owner"], status["group"], int(status["permission"], 8))
    return is_now != (wanted["owner"], wanted["group"], int(wanted["mode"], 8))


def apply(hdfs: WebHdfs, directories: list[dict[str, str]], timeout: float, *, check: bool) -> list[str]:
    """Make or correct the directories; return those that were wrong.

    Raises TimeoutError when no NameNode is active within timeout seconds, ValueError when a file stands in
    the place of a directory, other OSErrors when a NameNode refuses.
    """
    namenode, made = hdfs.active(timeout), []
    for wanted in directories:
        path = wanted["path"]
        if not differs(hdfs.status(namenode, path), wanted):
            continue
        made.append(path)
        if not check:
            hdfs.call("PUT", namenode, path, "MKDIRS", permission=wanted["mode"])
            hdfs.call("PUT", namenode, path, "SETOWNER", owner=wanted["owner"], group=wanted["group"])
            hdfs.call("PUT", namenode, path, "SETPERMISSION", permission=wanted["mode"])
    return made


def main() -> None:
    """Run as an Ansible module."""
    text = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "namenodes": {"type": "list", "elements": "str", "required": True},
            "directories": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"path": text, "owner": text, "group": text, "mode": text},
            },
            "user": {"type": "str", "default": "hdfs"},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    alone(module)
    hdfs = WebHdfs(module.params["namenodes"], module.params["user"])
    try:
        made = apply(hdfs, module.params["directories"], module.params["timeout"], check=module.check_mode)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(made), made=made)


if __name__ == "__main__":
    main()
