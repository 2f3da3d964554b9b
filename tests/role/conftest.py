"""Roles on machines of their own; the files run in their order: as deployed, changed, killed, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.live import CHECKOUT, CLUSTER, INVENTORY, ansible, pytest_generate_tests, site

__all__ = ["pytest_generate_tests", "site"]

WHOLE = ["zookeeper", "hdfs", "yarn", "kafka", "spark"]
"""The roles of a whole cluster, which a scenario does not name."""


@pytest.fixture(scope="session")
def value() -> Any:
    """(machine, variable) -> its final value there."""
    known: dict[tuple[str, str], Any] = {}

    def ask(machine: str, variable: str) -> Any:
        if (machine, variable) not in known:
            done = ansible(
                "ansible-playbook", "-i", INVENTORY, "playbooks/show.yml",
                "-e", json.dumps({"host": machine, "variable": variable}),
                environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
            )  # fmt: skip
            assert done.returncode == 0, done.stdout
            answer = done.stdout[done.stdout.rindex('{\n    "msg"') :]
            known[machine, variable] = json.JSONDecoder().raw_decode(answer)[0]["msg"][variable]
        return known[machine, variable]

    return ask


@pytest.fixture(scope="session")
def expects(value: Any) -> Any:
    """What the scenario says of itself."""
    return value(next(iter(CLUSTER.machines)), "scenario_expects")


@pytest.fixture(scope="session")
def converge(value: Any) -> str:
    """The playbook that deploys the scenario."""
    roles = value(next(iter(CLUSTER.machines)), "scenario_roles")
    return str(CHECKOUT / ("molecule/shared/converge.yml" if roles else "site.yml"))


@pytest.fixture(scope="session")
def services(value: Any) -> Any:
    """Machine -> the values of the services that its roles deploy."""
    machines = list(CLUSTER.machines)
    roles = value(machines[0], "scenario_roles") or WHOLE
    names = list(dict.fromkeys(["java", *(["hadoop"] if {"hdfs", "yarn"} & set(roles) else []), *roles]))
    return {
        machine: [
            service for name in names if machine in (service := value(machine, f"{name}_service"))["hosts"]
        ]
        for machine in machines
    }
