"""Services of a host, brought to a state or compared with it: what the module service_state does."""

from __future__ import annotations

import difflib
import os
import tarfile
from typing import Any

from ansible.module_utils import host_files, host_install, host_keep, host_made, host_properties, host_units
from ansible.module_utils.host_data import read_settings, read_stores

#: What one part of the work may raise for reasons that lie on the host.
ERRORS = (KeyError, OSError, ValueError, host_units.UnitError, tarfile.TarError)

Service = dict[str, Any]


def compare(services: list[Service], state: str, only: list[str], record: str) -> dict[str, Any]:
    """What bringing the services to the state would take, by the name of each; nothing is changed.

    record: as in ensure_state
    A daemon that reads a file which is yet to be written is stale, whichever service writes it: HDFS reads
    Hadoop's core-site.xml. What cannot be done is said in ``errors``.
    """
    links = {link for service in services for link in moved_links(service)}
    mine = host_made.links(services, host_made.read(record))
    found: dict[str, Any] = {}
    diffs: list[dict[str, Any]] = []
    for service in services:
        found[service["name"]] = {"install": [], "files": [], "errors": [], "diff": []}
    for service in services:
        here = found[service["name"]]
        _files(service, here, check=True)
        # Before the first question of units, which may have systemd read their files anew: what was loaded
        # until then tells where a daemon's data lay.
        here["data"] = _data(service, here["errors"])
    changing = {path for each in found.values() for path in each["files"]}
    for service in services:
        here = found[service["name"]]
        try:
            here["install"] = missing_paths(service) + host_install.install(
                service["install"], check=True, mine=mine
            )
            here["units"] = host_units.ensure_state(
                units_of(service, only), state_of(state), check=True, changing=changing, links=links
            )
            here["unkept"] = host_keep.unkept([unit["name"] for unit in units_of(service, only)])
            here["properties"] = host_properties.compare(
                units_of(service, only), service["files"], here["units"]["reasons"]
            )
        except ERRORS as error:
            here["errors"].append(in_words(error))
        here["diffs"] = {diff["after_header"]: unified(diff) for diff in here["diff"]}
        diffs += here.pop("diff")
    return {"services": found, "diff": diffs, "changed": any(map(differs, found.values()))}


def unified(diff: dict[str, Any]) -> str:
    """The lines that differ, as diff -u has them; secrets are hidden already."""
    before, after = (str(diff[key]).splitlines(keepends=True) for key in ("before", "after"))
    return "".join(difflib.unified_diff(before, after, diff["before_header"], diff["after_header"]))


def ensure_state(services: list[Service], state: str, only: list[str], record: str) -> dict[str, Any]:
    """Bring the services to the state; what was done. Raises one of ERRORS where it cannot be done.

    record: the file where it is written down what was not there before (host_made)
    """
    host_made.note(services, record, files=state != "installed")
    mine = host_made.links(services, host_made.read(record))
    found: dict[str, Any] = {}
    for service in services:
        here = found[service["name"]] = {"install": [], "files": [], "errors": [], "diff": []}
        here["install"] = host_install.install(
            service["install"], check=False, move_links=state != "installed", mine=mine
        )
        if state != "installed":
            _files(service, here, check=False)
            here["units"] = host_units.ensure_state(units_of(service, only), state_of(state), check=False)
    diffs = [diff for here in found.values() for diff in here.pop("diff")]
    return {"services": found, "diff": diffs, "changed": any(map(differs, found.values()))}


def units_of(service: Service, only: list[str]) -> list[dict[str, Any]]:
    """The units of a service, or those of them that are asked for."""
    return [unit for unit in service["units"] if not only or unit["name"] in only]


def state_of(state: str) -> str:
    """What the units are brought to; before anything is started that is the question what would be."""
    return "current" if state == "installed" else state


def differs(here: dict[str, Any]) -> bool:
    """Whether a service was changed, or is not as it should be."""
    units = here.get("units", {})
    return bool(here["install"] or here["files"] or units.get("changed") or here["errors"])


def missing_paths(service: Service) -> list[str]:
    """Files that must be there and are not, a sentence each."""
    return [f"{path} is missing" for path in service["install"]["paths"] if not os.path.exists(path)]


def moved_links(service: Service) -> list[str]:
    """Links that are to lead elsewhere than they do: what is read through them changes."""
    return [
        link["path"]
        for link in host_install.links_of(service["install"])
        if host_install.leads_elsewhere(link)
    ]


def _files(service: Service, here: dict[str, Any], *, check: bool) -> None:
    for file in service["files"]:
        try:
            diff = host_files.apply(file, check=check)
        except ERRORS as error:
            if not check:
                raise
            here["errors"].append(f"{file['path']}: {in_words(error)}")
            continue
        if diff:
            here["files"].append(file["path"])
            here["diff"].append(diff)


def _data(service: Service, errors: list[str]) -> dict[str, Any] | None:
    """What lies in the directories of a service; None where it cannot be read, which is an error.

    kept: the settings that its daemons were last seen to run well with
    """
    try:
        stores = read_stores(service["stores"])
    except ERRORS as error:
        errors.append(in_words(error))
        return None
    return {
        "stores": stores,
        "settings": {path: read_settings(path, keys) for path, keys in service["settings"].items()},
        "kept": {
            path: read_settings(f"{host_keep.KEPT}/{unit['name']}{path}", keys)
            for path, keys in service["settings"].items()
            for unit in service["units"]
            if path in unit["restart_on"]
        },
    }


def in_words(error: BaseException) -> str:
    """What one of ERRORS says to a person: of a KeyError, which is of pwd and grp, its text is in quotes."""
    return f"there is no user or group: {error.args[0]}" if isinstance(error, KeyError) else str(error)
