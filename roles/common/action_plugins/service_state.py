"""Render the templates of services on the controller, and have the module of this name bring a host to them.

Every file of every service travels in one module call. A template is rendered in the play's variables, with
the ``vars:`` of its entry (one broker of several), and finds the fragments of the role common by ``include``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

#: The directory of all roles: this file lies in roles/common/action_plugins.
ROLES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
UNITS = "/etc/systemd/system"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: services (values of services), and those of the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        services = [service for service in self._task.args["services"] if service]
        arguments = self._task.args | {"services": [self._for_module(each, variables) for each in services]}
        result |= self._execute_module(module_args=arguments, task_vars=variables)
        for service in services:
            # What a rule must know of this host beside what lies there.
            found = result.get("services", {}).get(service["name"])
            if found is not None:
                found["facts"] = service.get("data", {}).get("facts", {})
        return result

    def _for_module(self, service: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """A service as the module takes it: files with their content in the place of templates."""
        data = service.get("data", {})
        units = list(service.get("units", ()))
        files = {
            file["path"]: file
            for entry in [*service.get("templates", ()), *_of_units(units)]
            for file in [self._file(entry, service["name"], variables)]
        }
        return {
            "name": service["name"],
            "install": {
                key: service[key]
                for key in ("paths", "users", "directories", "artifacts", "links", "commands", "kernel")
                if key in service
            },
            "files": list(files.values()),
            "units": [
                {
                    "name": unit["name"],
                    "file": _unit_file(unit),
                    "restart_on": [_instance(path, unit["name"]) for path in unit["restart_on"]],
                }
                | ({"reload_on": unit["reload_on"]} if "reload_on" in unit else {})
                | ({"dynamic": _instance(unit["dynamic"], unit["name"])} if unit.get("dynamic") else {})
                for unit in units
            ],
            "stores": data.get("stores", []),
            "settings": data.get("settings", {}),
        }

    def _file(self, entry: Mapping[str, Any], service: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        file = {key: entry[key] for key in ("owner", "group", "mode") if key in entry}
        file["path"] = entry["dest"]
        if entry.get("state") == "absent":
            return file | {"state": "absent"}
        content = self._rendered(entry, service, variables)
        if entry.get("dropin") and len(content.splitlines()) < 2:
            # A drop-in that has nothing to say is not to be there.
            return file | {"state": "absent"}
        return file | {"secret_content" if entry.get("sensitive") else "content": content}

    def _rendered(self, entry: Mapping[str, Any], service: str, variables: Mapping[str, Any]) -> str:
        if "file" in entry:
            # As it lies there, with the line that says who wrote it.
            with open(entry["file"], encoding="utf-8") as stream:
                return f"#\n# {self._value('common_managed', variables)}\n#\n{stream.read()}"
        templates = os.path.join(ROLES, entry.get("role", service), "templates")
        common = os.path.join(ROLES, "common", "templates")
        paths = [os.path.join(each, entry["src"]) for each in (templates, common)]
        path = next(filter(os.path.isfile, paths), None)
        if path is None:
            raise AnsibleActionFail(f"{entry['src']} is neither in {templates} nor in {common}")
        with open(path, encoding="utf-8") as stream:
            text = trust_as_template(stream.read())
        # Not the template lookup, whose copy of all variables was half of the time.
        templar = self._templar.copy_with_new_env(
            searchpath=[templates, common], available_variables={**variables, **entry.get("vars", {})}
        )
        return str(templar.template(text, escape_backslashes=False)).rstrip("\n") + "\n"

    def _value(self, name: str, variables: Mapping[str, Any]) -> str:
        templar = self._templar.copy_with_new_env(available_variables=variables)
        return str(templar.template(trust_as_template("{{ " + name + " }}")))


def _unit_file(unit: Mapping[str, Any]) -> str:
    """The file of a unit: of an instance it is the template's, unless it has one of its own."""
    return str(unit.get("file") or re.sub("@.*", "@", unit["name"]) + ".service")


def _instance(path: str, unit: str) -> str:
    return path.replace("%i", unit.partition("@")[2])


def _of_units(units: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The entries of the units' files and of their drop-ins."""
    for unit in units:
        file = _unit_file(unit)
        variables = {**unit.get("vars", {}), "unit": unit["name"], "record": _record(unit)}
        if "reload_on" in unit:
            variables["noted"] = _noted(unit)
        yield {key: unit[key] for key in ("role", "src") if key in unit} | {
            "dest": f"{UNITS}/{file}",
            "vars": variables,
        }
        yield _dropin(f"{UNITS}/{file}.d/millrace.conf", unit.get("overrides"), common=True)
        if "own_overrides" in unit:
            # By its name it comes after the other.
            own = f"{UNITS}/{unit['name']}.service.d/millrace.instance.conf"
            yield _dropin(own, unit["own_overrides"], common=False)


def _dropin(path: str, sections: Mapping[str, Any] | None, *, common: bool) -> dict[str, Any]:
    variables = {"sections": sections or {}, "common": common}
    return {"src": "dropin.conf.j2", "dest": path, "vars": variables, "dropin": True}


def _record(unit: Mapping[str, Any]) -> str:
    """The line of a unit that writes down, at each start, the digests of all that the daemon reads.

    They are read by service_state: a file that differs, a drop-in that came or went, means a restart. Of an
    instance systemd takes the drop-ins of its template, too, whichever file it has itself (systemd.unit).
    """
    template, at, _ = unit["name"].partition("@")
    names = [f"{template}@", f"{template}@%i"] if at else [template]
    dropins = " ".join(f"{UNITS}/{name}.service.d/*.conf" for name in names)
    files = " ".join([f"{UNITS}/{_unit_file(unit)}", *unit["restart_on"]])
    find = f'for f in {dropins}; do [ ! -e "$f" ] || set -- "$@" "$f"; done'
    write = 'exec sha256sum "$@" > "$RUNTIME_DIRECTORY/config.sha256"'
    return (
        "# Digests of what the daemon reads: the next run sees by them what it does not run with yet.\n"
        f"ExecStartPre=/usr/bin/sh -c '{find}; {write}' record {files}"
    )


def _noted(unit: Mapping[str, Any]) -> str:
    """Lines of a unit that write down, when its daemon has read files again, their digests in its record."""
    begin = 'r="$RUNTIME_DIRECTORY/config.sha256"; now=$(sha256sum "$1") || exit'
    write = '{ grep -v "  $1$" "$r"; echo "$now"; } > "$r.new" && exec mv "$r.new" "$r"'
    return "\n".join(
        f"ExecReload=/usr/bin/sh -c '{begin}; {write}' record {path}" for path in unit["reload_on"]
    )
