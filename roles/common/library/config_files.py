#!/usr/bin/python
"""Write all files of a service on a host in one call."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.host_files import FILES, apply
from ansible.module_utils.host_module import QuietModule, alone

DOCUMENTATION = r"""
module: config_files
short_description: write many small files in one call, each only when it differs
description:
  - Content is rendered on the controller and handed over; eight files cost one module run, not sixteen.
  - A file is replaced as a whole or not at all. Parent directories that are missing are made (0755, root).
  - Nothing is logged on the machine. Diffs show C((hidden)) in place of values whose keys look like those of
    secrets (password, token, jaas and the like).
  - Links on the way are followed only where nobody but root can have put them.
options:
  files:
    description: the files, with the content they shall have
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: absolute path, type: path, required: true}
      content: {description: whole text of the file; either this or C(secret_content), type: str}
      secret_content:
        description: whole text of a file that is sensitive; it is not shown with C(-vvv) either
        type: str
      sensitive: {description: whether diffs say only that the file differs, type: bool, default: false}
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


def main() -> None:
    """Run as an Ansible module."""
    module = QuietModule(
        argument_spec={"files": FILES | {"required": True}},
        supports_check_mode=True,
    )
    alone(module)
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
