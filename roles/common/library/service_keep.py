#!/usr/bin/python
"""Keep a copy of what daemons run well with and remove what it replaced, or put the copy back."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_install import ARTIFACTS
from ansible.module_utils.host_keep import KEPT, keep, take_back
from ansible.module_utils.host_module import alone
from ansible.module_utils.host_prune import prune
from ansible.module_utils.host_units import UnitError

DOCUMENTATION = r"""
module: service_keep
short_description: keep a copy of the files that running daemons have read, or put it back
description:
  - Called when a service was found to be right. The files that each daemon recorded when it started are
    copied, where they are still those that it has read, so that a setting which a daemon refuses later can be
    taken back.
  - What is put back is not read before the daemons are restarted, which the module leaves to the caller. A
    file that a daemon of another service runs with by now stays as it is.
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
  state:
    description: C(kept) copies what the daemons have read, C(taken_back) puts back what they ran well with
    type: str
    choices: [kept, taken_back]
    default: kept
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
paths: {description: paths that were copied anew, or put back, returned: always, type: list, elements: str}
removed: {description: directories that were removed, returned: always, type: list, elements: str}
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["kept", "taken_back"], "default": "kept"},
            "directory": {"type": "path", "default": KEPT},
            "artifacts": ARTIFACTS,
        },
        supports_check_mode=True,
    )
    alone(module)
    taken_back = module.params["state"] == "taken_back"
    do = take_back if taken_back else keep
    try:
        paths = do(module.params["units"], module.params["directory"], check=module.check_mode)
        removed = [] if taken_back else prune(module.params["artifacts"], check=module.check_mode)
    except (OSError, ValueError, UnitError) as error:
        module.fail_json(msg=str(error))
    # Neither copies nor what nothing needs are part of the service: it is unchanged.
    module.exit_json(changed=taken_back and bool(paths), paths=paths, removed=removed)


if __name__ == "__main__":
    main()
