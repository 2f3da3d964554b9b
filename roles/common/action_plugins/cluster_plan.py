"""Make the plan of a run on the controller: ask each service's rule, write plan.json, show it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.display import Display

#: Where the controller finds its Python packages: this file lies in roles/common/action_plugins.
CHECKOUT = Path(__file__).resolve().parents[3]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: found (answers of service_state by host), services (values), name (of the cluster), path.

    survey: the words of a command that prints who leads and what is not right, and after --batches and
        services which of their workers may be restarted together; asked where daemons run already, and some
        are to be restarted or kept
    restart: the service all of whose daemons are restarted, whatever they run with
    dynamic: whether properties that running daemons take may be set without a restart
    leave: whether daemons that the inventory lost may be taken out of their service
    accepted: what the user accepts at the gates
    machines: all machines of the cluster; deployed: path of the file that says what they have had since the
        last run, by which the preflight knows one that the inventory has lost
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        (
            *("found", "services", "name", "path", "survey", "restart", "dynamic", "leave", "accepted"),
            *("machines", "deployed"),
        )
    )

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the plan as the fact __common_plan; failed when something is refused."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        found, services = self._task.args["found"], self._task.args["services"]
        restart = self._task.args.get("restart") or ""
        dynamic = {
            service["name"]: _taken(service, _ask(service["dynamic"]["ask"], given))
            for service in services
            if self._task.args.get("dynamic") and service.get("dynamic")
            if (given := _properties(service, found))
        }
        leaving = {
            service["name"]: _leaving(service, _ask(service["leave"].get("ask"), units))
            for service in services
            if self._task.args.get("leave") and (units := _lost(service, found))
        }
        rolled = _rolled(found, dynamic) | ({restart} if restart else set())
        surveyed = rolled or _runs_unkept(found) or _starts_without_all(services, found)
        seen = _ask(_survey(self._task.args.get("survey"), services, rolled)) if surveyed else {}
        leaders = seen.get("leaders", {})
        data = {
            service["name"]: self._rule(service, found, leaders.get(service["name"], ()))
            for service in services
            if service.get("data")
        }
        plan = self._filter(
            "found | to_plan(services, data, leaders, restart, domains=domains, dynamic=dynamic, "
            "leaving=leaving)",
            found=found,
            services=services,
            data=data,
            leaders=leaders,
            domains=seen.get("domains", {}),
            restart=restart,
            dynamic=dynamic,
            leaving=leaving,
        )
        plan |= {
            "cluster": self._task.args["name"],
            "check": self._task.check_mode,
            "asked": [service["name"] for service in services],
            "faults": seen.get("faults", {}),
            "accepted": self._task.args.get("accepted") or "",
        }
        if path := self._task.args.get("path"):
            _write(path, json.dumps(plan | {"found": _found(found)}, indent=1) + "\n")
        display = Display()
        for line in self._filter("plan | plan_screen", plan=plan):
            display.display(line)
        for warning in plan["warnings"]:
            display.warning(warning)
        if plan["refusals"]:
            # Without the plan, which would be shown with the refusal: hundreds of lines.
            return result | {"failed": True, "msg": "\n".join(plan["refusals"])}
        if (path := self._task.args.get("deployed")) and not self._task.check_mode:
            known = _deployed(found, self._task.args["machines"], _read(path))
            _write(path, json.dumps(known, indent=1) + "\n")
        return result | {"changed": False, "ansible_facts": {"__common_plan": plan}}

    def _rule(
        self, service: Mapping[str, Any], found: Mapping[str, Any], leaders: Sequence[str]
    ) -> dict[str, Any]:
        """What the service's rule says of the data on all machines."""
        here = {
            host: {
                **said["facts"],
                **said["data"]["stores"],
                "stores": said["data"]["stores"],
                "settings": _flat(said["data"]["settings"]),
                "kept": _flat(said["data"]["kept"]),
                "unread": _unread(said),
                "differs": _differs(said),
                "leads": host in leaders,
            }
            for host, answer in found.items()
            if (said := answer["services"].get(service["name"])) and said["data"] is not None
        }
        decided: dict[str, Any] = {"refusals": []}
        if rule := service["data"].get("rule"):
            if not rule.isidentifier():
                raise AnsibleActionFail(f"{service['name']}: {rule} is no name of a filter")
            arguments = service["data"]["arguments"]
            if leave := service.get("leave"):
                arguments = {**arguments, "lost": _lost(service, found)}
                # Where daemons are not asked which of them leave, the rule decides.
                if "ask" not in leave:
                    arguments["gone"] = self._gone(found)
            decided |= self._filter(f"found | {rule}(**arguments)", found=here, arguments=arguments)
        stores = {host: said["stores"] for host, said in here.items()}
        decided["refusals"] += self._filter("stores | stale_copies", stores=stores)
        if ids := service["data"].get("ids"):
            settings = {host: said["settings"] for host, said in here.items()}
            decided["refusals"] += self._filter("settings | renumbered(**ids)", settings=settings, ids=ids)
        return decided

    def _gone(self, found: Mapping[str, Any]) -> list[str]:
        """The machines that are accepted to be gone: none that answers, or that the inventory has."""
        accepted = str(self._task.args.get("accepted") or "").split(",")
        known = {*found, *(self._task.args.get("machines") or ())}
        return [host for host in accepted if host and host not in known]

    def _filter(self, expression: str, **variables: Any) -> Any:
        templar = self._templar.copy_with_new_env(available_variables=variables)
        return templar.template(trust_as_template("{{ " + expression + " }}"))


def _rolled(found: Mapping[str, Any], dynamic: Mapping[str, Any]) -> set[str]:
    """The services of which a daemon is to be restarted, or to read files again."""
    return {
        name
        for host, answer in found.items()
        for name, service in answer["services"].items()
        for verb in ("restarted", "reloaded")
        for unit in service.get("units", {}).get(verb, ())
        if [host, unit] not in dynamic.get(name, {}).get("settled", [])
    }


def _runs_unkept(found: Mapping[str, Any]) -> bool:
    """Whether a daemon runs that no run has seen run well."""
    return any(service.get("unkept") for answer in found.values() for service in answer["services"].values())


def _starts_without_all(services: list[dict[str, Any]], found: Mapping[str, Any]) -> bool:
    """Whether a daemon is to be started while a machine of its service is away."""
    return any(
        answer["services"].get(service["name"], {}).get("units", {}).get("started")
        for service in services
        if not found.keys() >= {*service["hosts"]}
        for answer in found.values()
    )


def _survey(argv: list[str] | None, services: list[dict[str, Any]], rolled: set[str]) -> list[str] | None:
    """The words of the survey, with the services of which workers may go several at a time."""
    batched = [
        service["name"]
        for service in services
        if service["name"] in rolled and service.get("batch", {}).get("most", 1) > 1
    ]
    return [*argv, "--batches", *batched] if argv and batched else argv


def _properties(service: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What a service's daemons may take while they run; nothing where there is no question."""
    here = {
        host: said
        for host, answer in found.items()
        if (said := answer["services"].get(service["name"])) and said["data"] is not None
    }
    records = [said["data"]["settings"][service["dynamic"]["record"]] for said in here.values()]
    stale = (
        unit in said["units"]["restarted"] and each["differs"] is not None
        for said in here.values()
        for unit, each in said.get("properties", {}).items()
    )
    if not any(records) and not any(stale):
        return {}
    return {
        "properties": {host: said.get("properties", {}) for host, said in here.items()},
        "records": records,
    }


def _taken(service: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What running daemons take without a restart; a warning where they do not say."""
    if "error" not in said:
        return said
    sentence = (
        f"{service['name']} does not say which properties it takes without a restart, so daemons are "
        f"restarted for all that differ: {said['error']}"
    )
    return {"warnings": [sentence]}


def _lost(service: Mapping[str, Any], found: Mapping[str, Any]) -> list[list[str]]:
    """The units of a service that start on a machine and are the inventory's no more, with that machine."""
    return [
        [host, unit]
        for host, answer in found.items()
        for unit in answer.get("orphaned_units", ())
        if service.get("leave") and unit.startswith(service["leave"]["units"])
    ]


def _leaving(service: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Which of them leave the service; a warning where its daemons do not say whether they are of it."""
    if "error" not in said:
        return said
    sentence = f"{service['name']} does not say whether what the inventory lost is of it: {said['error']}"
    return {"warnings": [sentence]}


def _ask(argv: list[str] | None, given: Any = None) -> dict[str, Any]:
    """What a command answers, or an error where it cannot be asked: the gates say what is wrong."""
    if not argv:
        return {}
    done = subprocess.run(
        argv, cwd=CHECKOUT, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {"error": done.stderr.strip()}


def _found(found: Mapping[str, Any]) -> dict[str, Any]:
    """By machine and service what differs, lines and keys, and what data lies there: for the file alone."""
    return {
        host: {
            name: {
                "diffs": said.get("diffs", {}),
                # Of files that are hidden from diffs.
                "keys": {unit: each["differs"] or [] for unit, each in said.get("properties", {}).items()},
                "data": said["data"],
            }
            for name, said in answer["services"].items()
            if said.get("diffs") or (said["data"] or {}).get("stores")
        }
        for host, answer in found.items()
    }


def _read(path: str) -> dict[str, list[str]]:
    """What runs of before have left there; nothing where there was none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.load(stream))
    except FileNotFoundError:
        return {}


def _deployed(
    found: Mapping[str, Any], machines: Sequence[str], before: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """The units of each machine of the inventory; of one that was not asked those that it had before."""
    units = {
        host: {
            unit
            for said in answer["services"].values()
            for part in ("units", "started", "restarted")
            for unit in said.get("units", {}).get(part, ())
        }
        for host, answer in found.items()
    }
    return {host: sorted(units.get(host, before.get(host, []))) for host in machines}


def _flat(settings: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The settings of a machine, whichever file has them."""
    return {key: value for each in settings.values() for key, value in each.items()}


def _unread(said: Mapping[str, Any]) -> list[str]:
    """The files with settings that lie on a machine as they are to be, and that what runs has not read."""
    reasons = said.get("units", {}).get("reasons", {}).values()
    return [
        path
        for path in said["data"]["settings"]
        if path not in said["files"] and any(path in why for why in reasons)
    ]


def _differs(said: Mapping[str, Any]) -> dict[str, list[str] | None]:
    """By each file for which what runs is to be restarted the keys that differ; None where none are read.

    Of one that was written already and not read yet they are not known, and there are none.
    """
    reasons = said.get("units", {}).get("reasons", {}).values()
    settings = said["data"]["settings"]
    return {
        path: _keys(said["diffs"].get(path, "")) if path in settings else None
        for why in reasons
        for path in why
    }


def _keys(diff: str) -> list[str]:
    """The keys of the lines that differ, of a diff -u."""
    lines = (line for line in diff.splitlines() if re.match(r"[+-](?![+-])[^#]*=", line))
    return list(dict.fromkeys(line[1:].partition("=")[0].strip() for line in lines))


def _write(path: str, text: str) -> None:
    """All of it or nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.new", "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(f"{path}.new", path)
