#!/usr/bin/python
"""Say what a machine is, as far as the rules about machines ask."""

from __future__ import annotations

from ansible.module_utils.host_facts import read
from ansible.module_utils.host_module import QuietModule

DOCUMENTATION = r"""
module: machine_facts
short_description: what a machine is, as far as the rules about machines ask
description:
  - Reads release, architecture, memory, names, clock, ports, file systems and what is installed, in one call.
    Changes nothing.
options:
  names:
    description: names of the cluster's machines; each is looked up as a daemon would
    type: list
    elements: str
    default: []
  files:
    description: paths of which is said whether they are there
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: What the machine is
  machine_facts: {names: "{{ groups['cluster'] }}", files: ["{{ java_home }}/bin/java"]}
"""

RETURN = r"""
facts:
  description: what host_facts.read returns, in MB and seconds since 1970
  returned: always
  type: dict
"""


def main() -> None:
    """Run as an Ansible module."""
    module = QuietModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        facts = read(module.params["names"], module.params["files"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"this machine cannot be read: {error}")
    module.exit_json(changed=False, facts=facts)


if __name__ == "__main__":
    main()
