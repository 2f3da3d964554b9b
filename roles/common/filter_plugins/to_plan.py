"""What a run is to do on which machine, in which order, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: to_plan
author: Millrace
short_description: what a run is to do on which machine, in which order, and what it refuses
description:
  - A service is deployed in parallel on machines where nothing of it runs with what is to change, and
    rolled, one machine after the other, where a daemon has to be restarted.
options:
  _input:
    description: by host the answer of the module service_state in check mode; who did not answer is missing
    type: dict
    required: true
  services:
    description: values of services in the order of their deployment, each with name and hosts
    type: list
    elements: dict
    required: true
  data:
    description: by service what its rule says of the data that lies on the machines, with refusals
    type: dict
    required: true
  leaders:
    description: by service the machines that lead now; they are rolled last
    type: dict
    default: {}
  restart:
    description: the service all of whose daemons are restarted, whatever they run with
    type: str
    default: ""
  dynamic:
    description:
      - by service what its running daemons take without a restart, as C(python -m smoke dynamic) says it
    type: dict
    default: {}
"""

EXAMPLES = r"""
__common_plan: "{{ found | to_plan([zookeeper_service, kafka_service], {}) }}"
"""

RETURN = r"""
_value:
  description: the plan; see docs/architecture.md
  type: dict
"""

Found = Mapping[str, Mapping[str, Any]]
ASKED = "asked for"


def to_plan(
    found: Found,
    services: Sequence[Mapping[str, Any]],
    data: Mapping[str, Mapping[str, Any]],
    leaders: Mapping[str, Sequence[str]] | None = None,
    restart: str = "",
    *,
    dynamic: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The plan of a run.

    found: by host the answer of service_state in check mode; a host that did not answer is missing
    services: {"name": "kafka", "hosts": [...], "base": [names]} in the order of their deployment; base are
        those that it stands on, and that are brought to their state with it
    data: by service what its rule says of the data that lies on the machines: {"refusals": [...], ...}
    leaders: by service the machines that lead now
    restart: the service all of whose daemons are restarted, whatever they run with
    dynamic: by service what its running daemons take without a restart: {"set": {key: value}, "delete":
        [keys], "settled": [[host, unit]], "records": [...], "warnings": [sentences]}

    Returns {"machines": [hosts], "unheard": [hosts], "install": [hosts], "services": {name: {"deploy":
    [hosts], "roll": [hosts], "set": [hosts], "delete": [hosts], "dynamic": {...}, "machines": {host:
    {"install": [sentences], "files": [paths], "start": [units],
    "enable": [units], "restart": {unit: [why]}}}}}, "data": data, "steps": [{"step": 1, "do": "roll"}],
    "refusals": [sentences], "warnings": [sentences]}. What has nothing to do is not in it.
    """
    planned: dict[str, Any] = {}
    bases = {name for service in services for name in service.get("base", ())}
    for service in (each for each in services if each["name"] not in bases):
        taken = (dynamic or {}).get(service["name"], {})
        here = [
            host for host in service["hosts"] if service["name"] in found.get(host, {}).get("services", {})
        ]
        machines = {
            host: work
            for host in here
            if (
                work := _work(
                    found[host]["services"],
                    service,
                    [unit for place, unit in taken.get("settled", ()) if place == host],
                    service["name"] == restart,
                )
            )
        }
        if machines or taken.get("set") or taken.get("delete"):
            lead = (leaders or {}).get(service["name"], ())
            roll = [host for host, work in machines.items() if work["restart"]]
            planned[service["name"]] = {
                "deploy": [host for host, work in machines.items() if work["start"] or not work["restart"]],
                # Who leads goes last: each leader is elected once at most.
                "roll": sorted(roll, key=lambda host: host in lead),
                "leaders": [host for host in roll if host in lead],
                # The record of what was set lies on all of them.
                "set": here if taken.get("set") else [],
                "delete": here if taken.get("delete") else [],
                "dynamic": {key: taken[key] for key in ("set", "delete", "records") if key in taken},
                "machines": machines,
            }
    hosts = list(dict.fromkeys(host for service in services for host in service["hosts"]))
    install = [
        host
        for host in hosts
        if any(each["machines"].get(host, {}).get("install") for each in planned.values())
    ]
    return {
        "machines": [host for host in hosts if host in found],
        "unheard": [host for host in hosts if host not in found],
        "install": install,
        "services": planned,
        "data": dict(data),
        "steps": _steps(planned, install),
        "refusals": _refusals(found, data),
        "warnings": _warnings(found)
        + [sentence for taken in (dynamic or {}).values() for sentence in taken.get("warnings", ())],
    }


def _work(
    services: Mapping[str, Mapping[str, Any]],
    service: Mapping[str, Any],
    settled: Sequence[str],
    all_units: bool,
) -> dict[str, Any]:
    """What is to be done for a service on a machine, with what it stands on; empty when all is right."""
    here = services[service["name"]]
    below = [services[name] for name in service.get("base", ()) if name in services]
    units = here.get("units", {})
    restarted = [unit for unit in units.get("restarted", []) if unit not in settled]
    if all_units:
        restarted = [unit for unit in units.get("units", {}) if unit not in units["started"]]
    work = {
        "install": [sentence for each in (*below, here) for sentence in each["install"]],
        "files": here["files"],
        "start": units.get("started", []),
        "restart": {unit: units["reasons"].get(unit, [ASKED] * all_units) for unit in restarted},
        "enable": units.get("disabled", []),
    }
    return work if any(work.values()) else {}


def _steps(planned: Mapping[str, Any], install: Sequence[str]) -> list[dict[str, Any]]:
    """What happens, in order; the machines of a step in parallel, unless it is a roll."""
    steps: list[dict[str, Any]] = []
    if install:
        steps.append({"do": "install", "machines": list(install)})
    for name, service in planned.items():
        if service["set"]:
            steps.append({"do": "set", "service": name, "properties": service["dynamic"]["set"]})
        if service["deploy"] and not all(
            _only_installs(service["machines"][host]) for host in service["deploy"]
        ):
            steps.append({"do": "deploy", "service": name, "machines": service["deploy"]})
        steps += [
            {
                "do": "roll",
                "service": name,
                "machines": [host],
                "leads": host in service["leaders"],
                "restart": service["machines"][host]["restart"],
            }
            for host in service["roll"]
        ]
        if service["delete"]:
            steps.append({"do": "delete", "service": name, "properties": service["dynamic"]["delete"]})
    return [{"step": number, **step} for number, step in enumerate(steps, 1)]


def _only_installs(work: Mapping[str, Any]) -> bool:
    return not any(work[key] for key in ("files", "start", "restart", "enable"))


def _refusals(found: Found, data: Mapping[str, Mapping[str, Any]]) -> list[str]:
    sentences = [
        f"{host}: {sentence}"
        for host, here in found.items()
        for service in here["services"].values()
        for sentence in service["errors"]
    ]
    sentences += [sentence for said in data.values() for sentence in said["refusals"]]
    return list(dict.fromkeys(sentences))


def _warnings(found: Found) -> list[str]:
    """What is the administrator's to decide."""
    sentences = []
    for host, here in found.items():
        sentences += [
            f"{here['hostname']} starts {unit}, which the inventory no longer has. It is left alone; once "
            f"nothing needs it: systemctl disable --now {unit}"
            for unit in here.get("orphaned_units", ())
        ]
        sentences += [
            f"{host}: {unit} has the drop-in {path}, which is not the kit's: it is left alone, and counts"
            for service in here["services"].values()
            for unit, paths in service.get("units", {}).get("dropins", {}).items()
            for path in paths
        ]
    return sentences


def plan_input(services: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a plan must know of services, from their values: name, hosts, names of base, data and dynamic.

    No more of a value is read: what is one machine's own has no meaning where the plan is made.
    """
    return [
        {
            "name": service["name"],
            "hosts": service["hosts"],
            "base": [base["name"] for base in service.get("base", ())],
            "data": {
                key: service["data"][key]
                for key in ("rule", "arguments", "ids")
                if key in service.get("data", {})
            },
        }
        | ({"dynamic": service["dynamic"]} if "dynamic" in service else {})
        for service in services
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {"plan_input": plan_input, "to_plan": to_plan}
