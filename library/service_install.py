#!/usr/bin/python
"""Give a host what a service needs before it is configured: user, directories, unpacked artifacts."""

from __future__ import annotations

import os
import tarfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_install import INSTALLS, install

DOCUMENTATION = r"""
module: service_install
short_description: service users, directories and verified tarballs under /opt, in one call
description:
  - Makes system users and groups, makes directories or corrects their owner and mode (never what is in them).
  - Refuses what is somebody else's. That is a person's user of the same name, a directory with something in
    it that another user owns, a link to what the kit did not unpack.
  - Unpacks a tarball with upstream's layout as C(<prefix>/<name>-<version>) and points the link
    C(<prefix>/<name>) at it.
  - The tarball's SHA-512 is compared before anything is unpacked, and kept in C(.artifact) beside the files;
    an unfinished unpacking leaves nothing under the final name.
options:
  installs:
    description: what each service needs; all users are made before the first directory
    type: list
    elements: dict
    required: true
    suboptions:
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
      artifacts:
        description: the tarballs
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: product, type: str, required: true}
          version: {description: version, type: str, required: true}
          tarball: {description: path on the host, type: path, required: true}
          sha512: {description: digest of the tarball, type: str, required: true}
          prefix: {description: where it is unpacked, type: path, default: /opt}
          current: {description: whether the link C(<prefix>/<name>) points at it, type: bool, default: true}
      links:
        description: further names under which people look for it
        type: list
        elements: dict
        default: []
        suboptions:
          path: {description: the link, type: path, required: true}
          target: {description: what it points at, type: path, required: true}
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: install | User, directories and the verified tarball
  service_install:
    installs:
      - users: [{name: kafka, group: kafka, home: /var/lib/kafka}]
        directories: [{path: /var/lib/kafka, owner: kafka, group: kafka, mode: "0750"}]
        artifacts: [{name: kafka, version: 4.3.0, tarball: /var/cache/millrace/kafka.tar, sha512: "..."}]
"""

RETURN = r"""
done:
  description: what was made or corrected, a sentence each; in check mode what would be
  returned: always
  type: list
  elements: str
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"installs": INSTALLS | {"required": True}},
        supports_check_mode=True,
    )
    # What is unpacked here is for the service users to read, whatever umask the session has.
    os.umask(0o022)
    try:
        done = install(module.params["installs"], check=module.check_mode)
    except (KeyError, OSError, ValueError, tarfile.TarError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
