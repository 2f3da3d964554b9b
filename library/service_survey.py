#!/usr/bin/python
"""Read in one call which services of a host are not as they should be."""

from __future__ import annotations

import os
import platform
import tarfile
from typing import Any

from ansible.module_utils.host_files import FILES, apply
from ansible.module_utils.host_install import INSTALLS, install
from ansible.module_utils.host_module import QuietModule
from ansible.module_utils.host_names import address, name_faults
from ansible.module_utils.host_units import UnitError, bring, left_over

DOCUMENTATION = r"""
module: service_survey
short_description: say which services of a host differ from what they should be; change nothing
description:
  - Asks the very functions of M(service_install), M(config_files) and M(service_units) in check mode, for all
    services in one call. A run that changes nothing costs one module run a host this way, not two dozen.
    Nothing is logged on the machine.
  - A daemon that reads a file which is yet to be written makes its service differ, whichever service writes
    that file. HDFS, for one, reads Hadoop's C(core-site.xml).
  - Fails where daemons could not use the names of the cluster's machines. They find each other by name, and
    most listen at the address of their own.
options:
  services:
    description: what each service should be
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: name of the service, type: str, required: true}
      paths: {description: files that must be there, type: list, elements: path, default: []}
      installs: {description: as in M(service_install), type: list, elements: dict, default: []}
      files: {description: as in M(config_files), type: list, elements: dict, default: []}
      units: {description: as in M(service_units), type: list, elements: str, default: []}
  names:
    description:
      - names of the cluster's machines, all of which must have an IPv4 address on this host
      - where there are several, none of them may be a loopback address
    type: list
    elements: str
    default: []
  managed:
    description:
      - first line of every unit file of the kit, without the comment sign
      - units that have it, start on boot and are none of O(services) are warned of
    type: str
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: Read what differs
  service_survey:
    services:
      - {name: install, installs: ["{{ __kafka_install }}"], paths: [/usr/bin/java]}
      - {name: kafka, files: "{{ __kafka_files }}", units: [kafka@1]}
    names: "{{ groups['cluster'] }}"
    managed: "{{ service_managed }}"
"""

RETURN = r"""
differs:
  description: lists of sentences by the name of the service; services that are right are not in it
  returned: always
  type: dict
"""


def unwritten(services: list[dict[str, Any]]) -> set[str]:
    """Paths of the files that a run will write, of all services: one writes what another's daemons read."""
    return {file["path"] for service in services for file in service["files"] if _differs(file)}


def _differs(file: dict[str, Any]) -> bool:
    try:
        return apply(file, check=True) is not None
    except (OSError, ValueError):
        # Whatever cannot be read is for the service's own play to mend, or to report.
        return True


def differences(service: dict[str, Any], changing: set[str]) -> list[str]:
    """What of one service is not as it should be, a sentence each."""
    found = [f"{path} is missing" for path in service["paths"] if not os.path.exists(path)]
    found += [f"file {file['path']}" for file in service["files"] if file["path"] in changing]
    try:
        found += install(service["installs"], check=True)
        if service["units"]:
            units = bring(service["units"], "started", check=True, changing=changing)
            found += [f"{unit} does not run" for unit in units["started"]]
            found += [f"{unit} runs with older files" for unit in units["stale"]]
            if units["changed"] and not units["started"]:
                found.append("a unit does not start on boot")
    except (KeyError, OSError, ValueError, UnitError, tarfile.TarError) as error:
        found.append(str(error))
    return found


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
                    "paths": {"type": "list", "elements": "path", "default": []},
                    "installs": INSTALLS | {"default": []},
                    "files": FILES | {"default": []},
                    "units": {"type": "list", "elements": "str", "default": []},
                },
            },
            "names": {"type": "list", "elements": "str", "default": []},
            "managed": {"type": "str"},
        },
        supports_check_mode=True,
    )
    if faults := name_faults({name: address(name) for name in module.params["names"]}):
        module.fail_json(msg="\n".join(faults))
    services = module.params["services"]
    if header := module.params["managed"]:
        units = [unit for service in services for unit in service["units"]]
        for unit in left_over(units, header):
            module.warn(
                f"{platform.node()} starts {unit}, which the inventory no longer has. It is left alone; "
                f"once nothing needs it: systemctl disable --now {unit}"
            )
    changing = unwritten(services)
    found = {service["name"]: differences(service, changing) for service in services}
    module.exit_json(
        changed=False, differs={name: sentences for name, sentences in found.items() if sentences}
    )


if __name__ == "__main__":
    main()
