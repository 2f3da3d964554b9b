#!/usr/bin/python
"""Keep a copy of the files that a service's daemons run well with."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_keep import KEPT, keep
from ansible.module_utils.host_units import UnitError

DOCUMENTATION = r"""
module: service_keep
short_description: keep a copy of the files that running daemons have read
description:
  - Called when a service was found to be right. The files that each daemon recorded when it started are
    copied, where they are still those that it has read, so that a setting which a daemon refuses later can be
    taken back.
  - Copies have the owner and mode of the files, and lie in a directory that only root can enter.
options:
  units:
    description: units, without C(.service)
    type: list
    elements: str
    required: true
  directory:
    description: where copies are kept, a directory for each unit
    type: path
    default: /var/lib/millrace/kept
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: Keep what the broker runs well with
  service_keep: {units: [kafka@1]}
"""

RETURN = r"""
kept: {description: paths that were copied anew, returned: always, type: list, elements: str}
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "default": KEPT},
        },
        supports_check_mode=True,
    )
    try:
        kept = keep(module.params["units"], module.params["directory"], check=module.check_mode)
    except (OSError, ValueError, UnitError) as error:
        module.fail_json(msg=str(error))
    # A copy of what is there is no change of the service.
    module.exit_json(changed=False, kept=kept)


if __name__ == "__main__":
    main()
