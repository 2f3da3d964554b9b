"""What a run is to do on which machine, in which order, and what it refuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: to_plan
author: Millrace
short_description: what a run is to do on which machine, in which order, and what it refuses
description:
  - A service is deployed in parallel on machines where nothing of it runs with what is to change, and
    rolled, one machine after the other, where a daemon has to be restarted. Workers may go in batches. Where
    no daemon reads what changes, files follow after the roll, so that a setting which a daemon refuses is
    nowhere else.
  - Where servers of a quorum come or go (C(resize) in C(data)), all of its machines are deployed together,
    in the order that is given there.
options:
  _input:
    description: by host the answer of the module service_state in check mode; who did not answer is missing
    type: dict
    required: true
  services:
    description: values of services in the order of their deployment, each with name, hosts, and maybe batch
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
  domains:
    description: by service and machine the domain whose workers may be away together, or why there is none
  dynamic:
    description:
      - by service what its running daemons take without a restart, as C(python -m smoke dynamic) says it
    type: dict
    default: {}
  leaving:
    description:
      - by service which units that the inventory lost leave it for good, as C(python -m smoke leaving) says
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
Domains = Mapping[str, Mapping[str, str] | str]


def to_plan(
    found: Found,
    services: Sequence[Mapping[str, Any]],
    data: Mapping[str, Mapping[str, Any]],
    leaders: Mapping[str, Sequence[str]] | None = None,
    restart: str = "",
    *,
    domains: Domains | None = None,
    dynamic: Mapping[str, Mapping[str, Any]] | None = None,
    leaving: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The plan of a run.

    found: by host the answer of service_state in check mode; a host that did not answer is missing
    services: {"name": "hdfs", "hosts": [...], "base": [names], "batch": {"unit": "hdfs-datanode", "most": 4}}
        in the order of their deployment; base are those that it stands on, and that are brought to their
        state with it; batch is the unit of workers, and how many machines of them may go together
    data: by service what its rule says of the data that lies on the machines: {"refusals": [...], ...};
        resize, if it is there and not empty: {"old": number, "new": number, "steps": [{"host": host, "do":
        "stop", ...}]}
    leaders: by service the machines that lead now
    restart: the service all of whose daemons are restarted, whatever they run with
    domains: by service and machine the domain whose workers may be away together, or why there is none
    dynamic: by service what its running daemons take without a restart: {"set": {key: value}, "delete":
        [keys], "settled": [[host, unit]], "records": [...], "warnings": [sentences]}
    leaving: by service which units that the inventory lost leave it for good: {"leave": [[host, unit]],
        "refusals": [sentences], "warnings": [sentences]}

    Returns {"machines": [hosts], "unheard": [hosts], "install": [hosts], "services": {name: {"deploy":
    [hosts], "roll": [hosts], "batches": [[hosts]], "follow": [hosts], "leaders": [hosts],
    "set": [hosts], "delete": [hosts], "dynamic": {...}, "leave": {host: [units]}, "touched": [host/unit],
    "machines": {host: {"install": [sentences], "files": [paths], "start": [units], "enable": [units],
    "restart": {unit: [why]}, "reload": [those of them that read files again], "keep": [units that run on, of
    which no copy is kept of what they run with]}}}}, "data": data, "steps": [{"step": 1, "do": "roll"}],
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
        leave: dict[str, list[str]] = {}
        for host, unit in (leaving or {}).get(service["name"], {}).get("leave", ()):
            leave.setdefault(host, []).append(unit)
        if machines or leave or taken.get("set") or taken.get("delete"):
            lead = (leaders or {}).get(service["name"], ())
            resize = data.get(service["name"], {}).get("resize")
            batches = _batches(service, machines, lead, (domains or {}).get(service["name"], ""))
            planned[service["name"]] = (
                _resized(service["hosts"], resize) if resize else _ordered(machines, batches, lead)
            ) | {
                # The record of what was set lies on all of them.
                "set": here if taken.get("set") else [],
                "delete": here if taken.get("delete") else [],
                "dynamic": {key: taken[key] for key in ("set", "delete", "records") if key in taken},
                "leave": leave,
                "touched": [
                    f"{host}/{unit}"
                    for host, work in machines.items()
                    for unit in dict.fromkeys([*work["start"], *work["restart"], *work["keep"]])
                ],
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
        "refusals": _refusals(found, data, restart) + _said("refusals", leaving),
        "warnings": _warnings(found, data, leaving or {})
        + _unbatched(planned, domains or {})
        + _said("warnings", dynamic)
        + _said("warnings", leaving),
    }


def _said(key: str, asked: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """Sentences of what services were asked."""
    return [sentence for said in (asked or {}).values() for sentence in said.get(key, ())]


def _ordered(
    machines: Mapping[str, Mapping[str, Any]], batches: Sequence[Sequence[str]], lead: Collection[str]
) -> dict[str, Any]:
    """Which machines are deployed in parallel, rolled, or get their files after that."""
    roll = [host for batch in batches for host in batch]
    still = [
        host
        for host, work in machines.items()
        if not (work["start"] or work["restart"]) and (work["install"] or work["files"] or work["enable"])
    ]
    return {
        "deploy": [host for host in machines if machines[host]["start"] or (host in still and not roll)],
        "roll": roll,
        "batches": batches,
        "follow": still if roll else [],
        "leaders": [host for host in roll if host in lead],
    }


def _resized(hosts: Sequence[str], resize: Mapping[str, Any]) -> dict[str, Any]:
    """All machines of a service whose servers come or go, and those that leave it, in one play."""
    every = dict.fromkeys([*hosts, *(step["host"] for step in resize["steps"])])
    return {
        "deploy": list(every),
        "roll": [],
        "batches": [],
        "follow": [],
        "leaders": [],
        "resize": resize,
    }


def _batches(
    service: Mapping[str, Any],
    machines: Mapping[str, Mapping[str, Any]],
    lead: Sequence[str],
    domains: Mapping[str, str] | str,
) -> list[list[str]]:
    """The machines on which daemons of a service are restarted, in batches.

    Who leads goes last, and alone: each leader is elected once at most. But first where files are to be read
    again: the others would take from it that they are right.
    """
    reloads = any(work["reload"] for work in machines.values())
    roll = sorted(
        (host for host, work in machines.items() if work["restart"]),
        key=lambda host: (host in lead) != reloads,
    )
    batch = service.get("batch")
    if not batch or isinstance(domains, str):
        return [[host] for host in roll]
    workers = [
        host for host in roll if host not in lead and list(machines[host]["restart"]) == [batch["unit"]]
    ]
    return to_batches(roll, {host: domains[host] for host in workers if host in domains}, batch["most"])


def to_batches(hosts: Sequence[str], domains: Mapping[str, str], most: int) -> list[list[str]]:
    """The machines of a roll in batches, each of one domain and as large as may be, in the order of the roll.

    hosts: the machines in the order of the roll
    domains: of those that restart nothing but workers, the domain whose workers may be away together; any
        other machine is alone
    most: how many machines are in a batch at most

    >>> to_batches(["a", "b", "c", "d"], {"b": "/rack1", "c": "/rack2", "d": "/rack1"}, 2)
    [['a'], ['b', 'd'], ['c']]
    """
    batches: list[list[str]] = []
    last: dict[str | None, list[str]] = {}
    for host in hosts:
        batch = last.get(domains.get(host))
        if batch is None or len(batch) >= most:
            batch = []
            batches.append(batch)
            if host in domains:
                last[domains[host]] = batch
        batch.append(host)
    return batches


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
    reloaded = units.get("reloaded", [])
    if all_units:
        restarted, reloaded = [unit for unit in units.get("units", {}) if unit not in units["started"]], []
    work = {
        "install": [sentence for each in (*below, here) for sentence in each["install"]],
        "files": here["files"],
        "start": units.get("started", []),
        "restart": {
            unit: units["reasons"].get(unit, [ASKED] * all_units) for unit in [*restarted, *reloaded]
        },
        "reload": reloaded,
        "enable": units.get("disabled", []),
    }
    changed = [*work["start"], *work["restart"]]
    work["keep"] = [unit for unit in here.get("unkept", ()) if unit not in changed]
    return work if any(work.values()) else {}


def _steps(planned: Mapping[str, Any], install: Sequence[str]) -> list[dict[str, Any]]:
    """What happens, in order; the machines of a step in parallel."""
    steps: list[dict[str, Any]] = []
    if install:
        steps.append({"do": "install", "machines": list(install)})
    for name, service in planned.items():
        if service["set"]:
            steps.append({"do": "set", "service": name, "properties": service["dynamic"]["set"]})
        if resize := service.get("resize"):
            steps.append({"do": "resize", "service": name, "machines": service["deploy"], **resize})
            continue
        steps += _deployed(name, service, "deploy")
        steps += [
            {"do": "leave", "service": name, "machines": [host], "units": units}
            for host, units in service["leave"].items()
        ]
        steps += [
            {
                "do": "roll",
                "service": name,
                "machines": batch,
                "leads": batch[0] in service["leaders"],
                "restart": service["machines"][batch[0]]["restart"],
                "reload": service["machines"][batch[0]]["reload"],
            }
            for batch in service["batches"]
        ]
        steps += _deployed(name, service, "follow")
        if service["delete"]:
            steps.append({"do": "delete", "service": name, "properties": service["dynamic"]["delete"]})
    return [{"step": number, **step} for number, step in enumerate(steps, 1)]


def _deployed(name: str, service: Mapping[str, Any], verb: str) -> list[dict[str, Any]]:
    """The step in which files are written and daemons started, if there is more to do than to install."""
    if all(_only_installs(service["machines"][host]) for host in service[verb]):
        return []
    return [{"do": "deploy", "service": name, "machines": service[verb]}]


def _only_installs(work: Mapping[str, Any]) -> bool:
    return not any(work[key] for key in ("files", "start", "restart", "enable"))


def _refusals(found: Found, data: Mapping[str, Mapping[str, Any]], restart: str) -> list[str]:
    sentences = [
        f"{host}: {sentence}"
        for host, here in found.items()
        for service in here["services"].values()
        for sentence in service["errors"]
    ]
    sentences += [sentence for said in data.values() for sentence in said["refusals"]]
    if restart and data.get(restart, {}).get("resize"):
        sentences.append(
            f"servers of {restart} come or go, which no restart does: run site.yml, then restart"
        )
    sentences += [
        f"{host} leaves {service}, and it did not answer, --limit leaves it out, or it is not in the group "
        "cluster any more: while it may run it could make a majority of its own. Leave it in the inventory "
        f"until this has run with it; of {service} it is stopped and disabled then, and its data stays. If "
        f"it is gone for good, take it out of the inventory and run once with -e accept_risk={host}."
        for service, host in _leavers(data)
        if host not in found
    ]
    return list(dict.fromkeys(sentences))


def _leavers(data: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Services with the machines that are stopped since they leave them."""
    return [
        (service, step["host"])
        for service, said in data.items()
        for step in (said.get("resize") or {}).get("steps", ())
        if step["do"] == "stop"
    ]


def _warnings(
    found: Found, data: Mapping[str, Mapping[str, Any]], leaving: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What is the administrator's to decide."""
    sentences = [sentence for said in data.values() for sentence in said.get("warnings", ())]
    stopped = _leavers(data)
    stopped += [(unit, host) for said in leaving.values() for host, unit in said.get("leave", ())]
    for host, here in found.items():
        sentences += [
            f"{here['hostname']} starts {unit}, which the inventory no longer has. It is left alone; once "
            f"nothing needs it: systemctl disable --now {unit}"
            for unit in here.get("orphaned_units", ())
            if (unit, host) not in stopped
        ]
        sentences += [
            f"{host}: {unit} has the drop-in {path}, which is not the kit's: it is left alone, and counts"
            for service in here["services"].values()
            for unit, paths in service.get("units", {}).get("dropins", {}).items()
            for path in paths
        ]
    return sentences


def _unbatched(planned: Mapping[str, Any], domains: Domains) -> list[str]:
    """Why workers are restarted one at a time where more are allowed."""
    return [
        f"{name}_worker_batch is not followed, one machine is restarted at a time: {why}"
        for name, why in domains.items()
        if isinstance(why, str) and planned.get(name, {}).get("roll")
    ]


def plan_input(services: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a plan must know of services: name, hosts, names of base, batch, rule of data, ids, what to ask.

    No more of a value is read: what is one machine's own has no meaning where the plan is made.
    """
    return [
        {
            "name": service["name"],
            "hosts": service["hosts"],
            "base": [base["name"] for base in service.get("base", ())],
            "batch": service.get("batch", {}),
            "data": {
                key: service["data"][key]
                for key in ("rule", "arguments", "ids")
                if key in service.get("data", {})
            },
        }
        | {key: service[key] for key in ("dynamic", "leave") if key in service}
        for service in services
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {"plan_input": plan_input, "to_plan": to_plan}
