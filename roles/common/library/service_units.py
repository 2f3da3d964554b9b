#!/usr/bin/python
"""Bring systemd units to a state, reading whether each runs with the files that lie on disk."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_module import alone
from ansible.module_utils.host_units import UnitError, ensure_state

DOCUMENTATION = r"""
module: service_units
short_description: start, stop and restart units by what they run with
description:
  - A unit made by this kit records at each start the digests of the files its daemon reads
    (C(config.sha256) in its runtime directory). A unit is I(stale) when it runs and a file differs from that
    record.
  - Nothing is remembered between runs, so a killed run loses no restart.
  - What runs is not restarted when a C(ConditionPathExists) of its unit would keep it down. A unit that any
    condition keeps down after its restart is an error.
options:
  units:
    description: unit names, without C(.service)
    type: list
    elements: str
    required: true
  state:
    description:
      - C(started) enables all, starts what is stopped, leaves stale units alone and reports them.
      - C(current) does the same and restarts stale units. C(restarted) restarts all. C(stopped) stops all.
    type: str
    choices: [started, current, restarted, stopped]
    required: true
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: start | Start what is stopped
  service_units: {units: [kafka@1], state: started}
"""

RETURN = r"""
started: {description: units that were started, returned: always, type: list, elements: str}
restarted: {description: units that were restarted, returned: always, type: list, elements: str}
reloaded: {description: units that have read files again, returned: always, type: list, elements: str}
stopped: {description: units that were stopped, returned: always, type: list, elements: str}
waiting: {description: units kept down by a condition, returned: always, type: list, elements: str}
stale: {description: units that still run with older files, returned: always, type: list, elements: str}
units: {description: MainPID and InvocationID of each unit, returned: always, type: dict}
"""


def main() -> None:
    """Run as an Ansible module."""
    states = ["started", "current", "restarted", "stopped"]
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": states, "required": True},
        },
        supports_check_mode=True,
    )
    alone(module)
    try:
        units = [{"name": unit} for unit in module.params["units"]]
        done = ensure_state(units, module.params["state"], check=module.check_mode)
    except UnitError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**done)


if __name__ == "__main__":
    main()
