#!/usr/bin/python
"""Write down which packages come with one that is to be installed, so that no other is removed later."""

from __future__ import annotations

from ansible.module_utils.host_made import RECORD, note_packages, run
from ansible.module_utils.host_module import QuietModule, alone

DOCUMENTATION = r"""
module: package_record
short_description: write down which packages come with one that is to be installed
description:
  - Has apt read its lists anew and say what it would add. What was there before is not written down, and
    stays when the module service_state removes the rest.
options:
  name: {description: the package that is to be installed, type: str, required: true}
  record:
    description: file where it is written down
    type: path
    default: /var/lib/millrace/made.json
attributes:
  check_mode: {support: full, details: in check mode apt is not asked}
author: [Millrace]
"""

EXAMPLES = r"""
- name: install | Record what comes with the package
  package_record: {name: openjdk-17-jre-headless}
"""

RETURN = r"""
packages: {description: those that were new to the record, returned: always, type: list, elements: str}
"""


def main() -> None:
    """Run as an Ansible module."""
    module = QuietModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "record": {"type": "path", "default": RECORD},
        },
        supports_check_mode=True,
    )
    alone(module)
    packages: list[str] = []
    if not module.check_mode:
        try:
            run("apt-get", "update", "--quiet")
            packages = note_packages(module.params["name"], module.params["record"])
        except OSError as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=False, packages=packages)


if __name__ == "__main__":
    main()
