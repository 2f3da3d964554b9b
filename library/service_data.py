#!/usr/bin/python
"""Say whether daemons have their data where they should, or in a directory of before."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_units import UnitError, data_of

DOCUMENTATION = r"""
module: service_data
short_description: say whether units have their data in a directory, or in one of before; change nothing
description:
  - A daemon whose directory is changed would start empty, and a cluster would be formatted anew. This says
    what there is, for a role to refuse it, in one call a host.
  - The directories of before are those that systemd has loaded for the units (C(ReadWritePaths)), and those
    of the files that a running daemon has recorded. Call it before the files of the units are written.
options:
  units:
    description: unit names, without C(.service); they need not be there yet
    type: list
    elements: str
    required: true
  directory:
    description: where the data should be
    type: path
    required: true
  patterns:
    description: globs, below the directory, of what tells that there is data
    type: list
    elements: str
    required: true
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: guard | Read where this host's server has its data
  service_data: {units: [zookeeper], directory: /var/lib/zookeeper, patterns: [myid, version-2]}
"""

RETURN = r"""
holds:
  description: the beginning of each file found, by its path below the directory; of a directory, nothing
  returned: always
  type: dict
older:
  description: whole paths of what is found in directories of before
  returned: always
  type: list
  elements: str
up: {description: units that run or are on their way up, returned: always, type: list, elements: str}
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "patterns": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        found = data_of(module.params["units"], module.params["directory"], module.params["patterns"])
    except (OSError, UnitError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
