#!/usr/bin/python
"""Keep a copy of the files that daemons run well with, and remove the products that they replaced."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_install import ARTIFACTS
from ansible.module_utils.host_keep import KEPT, keep
from ansible.module_utils.host_prune import prune
from ansible.module_utils.host_units import UnitError

DOCUMENTATION = r"""
module: service_keep
short_description: keep a copy of the files that running daemons have read, remove products that were replaced
description:
  - Called when a service was found to be right. The files that each daemon recorded when it started are
    copied, where they are still those that it has read, so that a setting which a daemon refuses later can be
    taken back.
  - Copies have the owner and mode of the files, and lie in a directory that only root can enter.
  - What was unpacked of a product before is removed when no link beside it and no unit file leads to it and
    no process has it, or anything below it, open, mapped or mounted. Where a process cannot be looked at, as
    in a container without C(SYS_PTRACE), nothing is removed.
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
  artifacts:
    description: what is unpacked here, as in the values of services; of other products nothing is removed
    type: list
    elements: dict
    default: []
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: Keep what the broker runs well with
  service_keep: {units: [kafka@1], artifacts: "{{ kafka_service.artifacts }}"}
"""

RETURN = r"""
kept: {description: paths that were copied anew, returned: always, type: list, elements: str}
removed: {description: directories that were removed, returned: always, type: list, elements: str}
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "default": KEPT},
            "artifacts": ARTIFACTS,
        },
        supports_check_mode=True,
    )
    try:
        kept = keep(module.params["units"], module.params["directory"], check=module.check_mode)
        removed = prune(module.params["artifacts"], check=module.check_mode)
    except (OSError, ValueError, UnitError) as error:
        module.fail_json(msg=str(error))
    # Neither copies nor what nothing needs are part of the service: it is unchanged.
    module.exit_json(changed=False, kept=kept, removed=removed)


if __name__ == "__main__":
    main()
