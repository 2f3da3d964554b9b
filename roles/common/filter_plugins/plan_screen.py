"""A plan as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

DOCUMENTATION = r"""
name: plan_screen
author: Millrace
short_description: a plan as lines for people
description:
  - Machine by machine what differs, then the steps in their order. What is refused is said by who asks.
options:
  _input:
    description: what to_plan returns, with cluster, its name
    type: dict
    required: true
"""

EXAMPLES = r"""
lines: "{{ __common_plan | plan_screen }}"
"""

RETURN = r"""
_value:
  description: the lines
  type: list
  elements: str
"""


def plan_screen(plan: Mapping[str, Any]) -> list[str]:
    """The lines of a plan.

    plan: what to_plan returns, with "cluster", its name
    """
    count = f"{len(plan['machines'])} machine{'s' * (len(plan['machines']) != 1)}"
    if plan["unheard"]:
        count += f", not asked: {', '.join(plan['unheard'])}"
    if not plan["services"]:
        return [f"plan of {plan['cluster']}: nothing to do on {count}"]
    lines = [f"plan of {plan['cluster']}: {count}"]
    for name, service in plan["services"].items():
        alike: dict[str, list[str]] = {}
        for host, work in service["machines"].items():
            for what in _work(work):
                alike.setdefault(what, []).append(host)
        lines += [f"  {name:<10} {_few(hosts)}: {what}" for what, hosts in alike.items()]
    lines += [f"  step {step['step']}: {_step(step)}" for step in plan["steps"]]
    wrong = [f"{name} ({_few(list(faults))})" for name, faults in plan.get("faults", {}).items() if faults]
    if wrong:
        lines.append(f"  not right already, and not awaited: {', '.join(wrong)}")
    if plan.get("accepted"):
        lines.append(f"  accepted as a risk: {plan['accepted']}")
    return lines


def _work(work: Mapping[str, Any]) -> list[str]:
    lines = []
    if work["install"]:
        lines.append(f"install {_few(work['install'])}")
    if work["files"]:
        lines.append(f"write {_few(work['files'])}")
    if work["start"] and work["start"] == work["enable"]:
        lines.append(f"start and enable {_few(work['start'])}")
    else:
        lines += [f"{verb} {_few(work[verb])}" for verb in ("start", "enable") if work[verb]]
    lines += [
        f"{verb} {unit}: {_why(work['restart'][unit])}"
        for verb, units in _verbs(work).items()
        for unit in units
    ]
    if work["keep"]:
        lines.append(f"keep a copy of what {_few(work['keep'])} runs well with")
    return lines


def _why(why: Sequence[str]) -> str:
    if why == ["no record"]:
        return "it has no record of what it reads"
    if why == ["asked for"]:
        return "asked for"
    return f"{_few(why)} {'differs' if len(why) == 1 else 'differ'}"


def _few(things: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(things[:most])
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"


def _step(step: Mapping[str, Any]) -> str:
    machines = ", ".join(step.get("machines", ()))
    if step["do"] == "install":
        return f"install on {machines}"
    if step["do"] == "deploy":
        return f"{step['service']}: write files and start on {machines}, in parallel"
    if step["do"] == "set":
        values = ", ".join(f"{key}={value}" for key, value in step["properties"].items())
        return f"{step['service']}: set without a restart, as the cluster's default: {values}"
    if step["do"] == "delete":
        return f"{step['service']}: delete what was set without a restart: {', '.join(step['properties'])}"
    if going := {"resize": _resize, "leave": _leave}.get(step["do"]):
        return f"{step['service']}: {going(step)}"
    units = ", then ".join(f"{verb} {', then '.join(each)}" for verb, each in _verbs(step).items() if each)
    how = " together" * (len(step["machines"]) > 1)
    if step["leads"]:
        how = f", {'first' if step['reload'] else 'last'} since it leads,"
    return f"{step['service']}: on {machines}{how} write files and {units}, when the rest allows"


def _verbs(work: Mapping[str, Any]) -> dict[str, list[str]]:
    """The units that are restarted, and those that read files again."""
    again = work["reload"]
    return {"restart": [unit for unit in work["restart"] if unit not in again], "reload": list(again)}


def _resize(step: Mapping[str, Any]) -> str:
    """Servers that come and go, in their order."""
    runs = [(verb, list(each)) for verb, each in groupby(step["steps"], key=lambda one: one["do"])]
    order = "; then ".join(f"{verb} {', then '.join(one['host'] for one in each)}" for verb, each in runs)
    count = f"{step['old']} server{'s' * (step['old'] != 1)}"
    become = f"become{'s' * (step['old'] == 1)}"
    return f"{count} {become} {step['new']}, one after the other: {order}"


def _leave(step: Mapping[str, Any]) -> str:
    """Daemons that go for good."""
    return (
        f"{', then '.join(step['units'])} on {step['machines'][0]} leaves for good, when the rest allows: it "
        "is stopped and disabled, and its data stays"
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"plan_screen": plan_screen}
