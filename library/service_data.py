#!/usr/bin/python
"""Say what data the daemons of a host have, where they should have it and where they had it before."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_data import STORES, read_settings, read_stores
from ansible.module_utils.host_units import UnitError

DOCUMENTATION = r"""
module: service_data
short_description: say what data lies in the directories of a service, now and before; change nothing
description:
  - A daemon whose directory is changed would start empty, and a cluster would be formatted anew. This says
    what there is, for a role to refuse it, in one call a host.
  - The directories of before are those that the configuration on the disk names, those that systemd has
    loaded for the units (C(ReadWritePaths)), and those of the files that a running daemon has recorded. Call
    it before any file of the service is written.
options:
  stores:
    description: what each kind of data is, and where it should be
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: a name for the answer, type: str, required: true}
      units:
        description: units that use it, without C(.service); they need not be there yet
        type: list
        elements: str
        default: []
      directories: {description: where it should be, type: list, elements: path, required: true}
      markers:
        description: globs, below a directory, of what tells that there is data
        type: list
        elements: str
        required: true
      configured: {description: file on the host that names the directories, type: str, default: ""}
      key: {description: its property that names them, type: str, default: ""}
  settings:
    description: globs of the properties to be read of files on the host, by the file's path
    type: dict
    default: {}
attributes:
  check_mode: {support: full}
author: [Millrace]
"""

EXAMPLES = r"""
- name: guard | Read where this host's server has its data
  service_data:
    stores:
      - name: data
        units: [zookeeper]
        directories: [/var/lib/zookeeper]
        markers: [myid, version-2]
        configured: /etc/zookeeper/zoo.cfg
        key: dataDir
    settings: {/etc/zookeeper/zoo.cfg: ["server.*"]}
"""

RETURN = r"""
stores:
  description: >-
    by the name of each store C(holds), the directories that are wanted, and C(older), those of before that
    hold data, each with the text of every marker by its path below the directory; C(kept), those that are
    wanted and were given before; and C(up), the units that run
  returned: always
  type: dict
settings:
  description: properties by the file that has them
  returned: always
  type: dict
"""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "stores": STORES | {"required": True},
            "settings": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        stores = read_stores(module.params["stores"])
    except (OSError, ValueError, UnitError) as error:
        module.fail_json(msg=str(error))
    settings = {path: read_settings(path, keys) for path, keys in module.params["settings"].items()}
    module.exit_json(changed=False, stores=stores, settings=settings)


if __name__ == "__main__":
    main()
