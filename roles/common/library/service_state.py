#!/usr/bin/python
"""Bring services of a host to a state in one call, or say what that would take."""

from __future__ import annotations

import os
import platform
from typing import Any

from ansible.module_utils.host_data import STORES
from ansible.module_utils.host_files import FILES
from ansible.module_utils.host_install import INSTALL
from ansible.module_utils.host_made import RECORD
from ansible.module_utils.host_module import QuietModule, alone
from ansible.module_utils.host_remove import remove
from ansible.module_utils.host_state import ERRORS, compare, ensure_state, in_words
from ansible.module_utils.host_units import orphaned_units

DOCUMENTATION = r"""
module: service_state
short_description: bring services of a host to a state in one call, or say what that would take
description:
  - Takes the values of services (C(kafka_service) and its like). The action plugin of the same name renders
    their templates on the controller. Users, directories, unpacked artifacts, files and units of a service
    are brought to what it says, in this order.
  - In check mode nothing is changed, and the answer is what would be. What cannot be done is in C(errors)
    then, for the plan to refuse; else the module fails.
  - A unit is stale when it runs with other files than lie on the disk, or are yet to be written. What a
    daemon reads it recorded itself when it started.
options:
  services:
    description: values of services; see docs/architecture.md
    type: list
    elements: dict
    required: true
  state:
    description:
      - C(installed) makes users and directories, unpacks artifacts and sets the kernel, and touches nothing
        that runs.
      - C(started) also writes the files, starts what is stopped and lets stale units run.
      - C(current) also restarts stale units, or has them read again what they can read while they run;
        C(restarted) restarts all.
      - C(removed) stops the units and takes away what the kit has put there. What was there before the kit,
        what others have put there, and data is left, and named in C(left).
    type: str
    choices: [installed, started, current, restarted, removed]
    required: true
  units:
    description: units that are brought to the state; all of the services when empty
    type: list
    elements: str
    default: []
  managed:
    description:
      - first line of every unit file of the kit, without the comment sign
      - units that have it, start on boot and are none of O(services) are told in C(orphaned_units)
      - files that have it are the kit's, which C(removed) needs to know
    type: str
  record:
    description: file where it is written down what the kit has made and was not there before
    type: path
    default: /var/lib/millrace/made.json
  remove_data:
    description: whether C(removed) removes what daemons have written, too, and the users that own it
    type: bool
    default: false
  remove_tarballs:
    description: whether C(removed) removes the tarballs; not where other machines share them
    type: bool
    default: false
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: deploy | Install, configure and start
  service_state: {services: ["{{ kafka_service }}"], state: started}
"""

RETURN = r"""
services:
  description: >-
    by name of the service: C(install), sentences of what was made; C(files), paths written; C(units),
    what service_units returns; C(errors); in check mode C(data), what lies in its directories,
    C(properties), by unit those that its daemon may take while it runs, and C(unkept), the units of which
    no copy is kept of what they run with
  returned: always
  type: dict
waiting: {description: units kept down by a condition, returned: always, type: list, elements: str}
removed: {description: what was removed, returned: state is removed, type: list, elements: str}
left: {description: what is left, with the reason, returned: state is removed, type: list, elements: str}
orphaned_units: {description: units that the inventory lost, returned: always, type: list, elements: str}
"""

UNITS = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "file": {"type": "str", "required": True},
        "restart_on": {"type": "list", "elements": "str", "default": []},
        "reload_on": {"type": "list", "elements": "str", "default": []},
        "dynamic": {"type": "path"},
    },
}


def main() -> None:
    """Run as an Ansible module."""
    module = QuietModule(
        argument_spec={
            "services": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "install": INSTALL,
                    "files": FILES | {"default": []},
                    "units": UNITS,
                    "stores": STORES | {"default": []},
                    "settings": {"type": "dict", "default": {}},
                },
            },
            "state": {
                "type": "str",
                "choices": ["installed", "started", "current", "restarted", "removed"],
                "required": True,
            },
            "units": {"type": "list", "elements": "str", "default": []},
            "managed": {"type": "str"},
            "record": {"type": "path", "default": RECORD},
            "remove_data": {"type": "bool", "default": False},
            "remove_tarballs": {"type": "bool", "default": False},
        },
        required_if=[("state", "removed", ("managed",))],
        supports_check_mode=True,
    )
    alone(module)
    # What is made here is for the service users to read, whatever umask the session has.
    os.umask(0o022)
    wanted, header = module.params["services"], module.params["managed"]
    try:
        done = _done(module, wanted, header)
    except ERRORS as error:
        module.fail_json(msg=in_words(error))
    if not module._diff:
        del done["diff"]
    units = [unit["name"] for service in wanted for unit in service["units"]]
    module.exit_json(
        **done,
        waiting=[
            unit for here in done["services"].values() for unit in here.get("units", {}).get("waiting", [])
        ],
        orphaned_units=orphaned_units(units, header) if header else [],
        hostname=platform.node(),
    )


def _done(module: QuietModule, wanted: list[dict[str, Any]], header: str) -> dict[str, Any]:
    """What was done, or would be."""
    asked, check = module.params, module.check_mode
    done: dict[str, Any] = {"services": {}, "diff": []}
    if asked["state"] == "removed":
        what = {"data": asked["remove_data"], "tarballs": asked["remove_tarballs"]}
        done |= remove(wanted, header, asked["record"], check=check, **what)
    elif check:
        done = compare(wanted, asked["state"], asked["units"], asked["record"])
    else:
        done = ensure_state(wanted, asked["state"], asked["units"], asked["record"])
    return done


if __name__ == "__main__":
    main()
