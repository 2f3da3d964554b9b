"""The unit files of a service, ready for the module config_files."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.vars import merge_hash

UNIT_DIR = "/etc/systemd/system"


def to_unit_files(
    units: dict[str, dict[str, Any]], defaults: dict[str, dict[str, Any]], overrides: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """One {path, sections} a unit: the kit's defaults, the unit, then the user's overrides, merged by section.

    A unit names under ``reads`` the files that its daemon reads. Their digests (and the unit's own) are recorded by
    ExecStartPre at every start, whoever starts it, so that the module service_units can read later whether the
    daemon still runs with the files that lie there, and no pending restart is ever lost.

    units: {"kafka@": {"reads": ["/etc/kafka/server-%i.properties"], "Unit": {}, "Service": {}}}
    """
    unknown = sorted(set(overrides) - set(units))
    if unknown:
        raise AnsibleFilterError(f"to_unit_files: overrides for unknown units {unknown}; the units are {sorted(units)}")
    files = []
    for name in sorted(units):
        unit = dict(units[name])
        path = f"{UNIT_DIR}/{name}.service"
        reads = [path, *unit.pop("reads", [])]
        record = f"/usr/bin/sh -c 'exec sha256sum {' '.join(reads)} > $RUNTIME_DIRECTORY/config.sha256'"
        sections = merge_hash(merge_hash(defaults, unit), overrides.get(name, {}))
        sections["Service"] = sections["Service"] | {"ExecStartPre": record}
        files.append({"path": path, "sections": {key: sections[key] for key in ("Unit", "Service", "Install")}})
    return files


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_unit_files": to_unit_files}
