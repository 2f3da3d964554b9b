"""A live cluster: its machines by pytest-testinfra, its services by smoke, and site.yml to run again.

MILLRACE_INVENTORY and MILLRACE_CLUSTER name the inventory and its cluster (by default the lab's).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml

from smoke import cluster as description
from smoke.cluster import Cluster

with warnings.catch_warnings():
    # kafka-python makes a deprecated call while it is imported, and here a warning is an error.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType

CHECKOUT = Path(__file__).parents[1]
INVENTORY = os.environ.get("MILLRACE_INVENTORY", str(CHECKOUT / "inventories/lab"))
REPORTS = CHECKOUT / "out" / os.environ.get("MILLRACE_CLUSTER", "lab")
CLUSTER = description.load(REPORTS / "cluster.json")
MEANT = ("--cluster", str(REPORTS / "cluster.json"), "--name", REPORTS.name, "--inventory", INVENTORY)
"""What smoke is given of the cluster, as the kit's own plays give it."""

PROPERTIES = (
    "Id",
    "ActiveState",
    "MainPID",
    "InvocationID",
    "User",
    "ActiveEnterTimestampMonotonic",
    "InactiveEnterTimestampMonotonic",
)


@dataclass(frozen=True)
class Unit:
    """What systemd says of a running daemon; times in microseconds of the machine's monotonic clock."""

    active: bool
    pid: int
    invocation: str
    user: str
    up_since: int
    down_at: int


@dataclass(frozen=True)
class Run:
    """A finished ansible-playbook: exit status, output, changed tasks by host."""

    rc: int
    output: str
    changed: dict[str, int]


def _invocation(command: str, words: Iterable[str], environment: Mapping[str, str] | None) -> dict[str, Any]:
    configuration = {
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        # What tests read is Ansible's own output.
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }
    return {
        "args": [Path(sys.executable).parent / command, *words],
        "cwd": CHECKOUT,
        "env": os.environ | configuration | dict(environment or {}),
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def ansible(
    command: str, *words: str, timeout: float = 600, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of Ansible with this checkout's configuration; all that it says is in stdout."""
    return subprocess.run(**_invocation(command, words, environment), timeout=timeout, check=False)


class Site:
    """Verbs and facts of the deployed cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def host(self, name: str) -> Any:
        """The machine, as testinfra sees it."""
        sudo = bool(self.cluster.machines[name].become)
        return testinfra.get_host(f"ssh://{name}", ssh_config=str(REPORTS / "ssh_config"), sudo=sudo)

    def run(
        self,
        *words: str,
        playbook: str = "site.yml",
        inventory: str = INVENTORY,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run a playbook of the kit, on this cluster's inventory or another."""
        done = ansible("ansible-playbook", "-i", inventory, playbook, *words, environment=environment)
        recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", done.stdout, re.MULTILINE)
        return Run(done.returncode, done.stdout, {name: int(count) for name, count in recap})

    def begin(self, *words: str, playbook: str = "site.yml") -> subprocess.Popen[str]:
        """Begin to run a playbook, in a session of its own; who begins it reads what it says."""
        invocation = _invocation("ansible-playbook", ("-i", INVENTORY, playbook, *words), None)
        return subprocess.Popen(**invocation, start_new_session=True)

    def units(self) -> dict[tuple[str, str], Unit]:
        """(machine, unit) -> state of every unit of the cluster."""
        found = {}
        for name, machine in self.cluster.machines.items():
            if not machine.units:
                continue
            shown = machine.run(f"systemctl show -p {','.join(PROPERTIES)} {shlex.join(machine.units)}")
            for block in shown.strip().split("\n\n"):
                fact = dict(line.split("=", 1) for line in block.splitlines())
                found[name, fact["Id"].removesuffix(".service")] = Unit(
                    fact["ActiveState"] == "active", int(fact["MainPID"]), fact["InvocationID"], fact["User"],
                    int(fact["ActiveEnterTimestampMonotonic"]), int(fact["InactiveEnterTimestampMonotonic"]),
                )  # fmt: skip
        return found

    def restarted_since(self, before: dict[tuple[str, str], Unit]) -> set[tuple[str, str]]:
        """The units that run under another invocation than before."""
        return {key for key, unit in self.units().items() if unit.invocation != before[key].invocation}

    def broker_configs(self) -> dict[int, dict[str, str]]:
        """Broker id -> its effective configuration, by its own answer."""
        assert self.cluster.kafka
        brokers = self.cluster.kafka.brokers
        admin = KafkaAdminClient(bootstrap_servers=[f"{broker.host}:{broker.port}" for broker in brokers])
        try:
            asked = [ConfigResource(ConfigResourceType.BROKER, str(broker.id)) for broker in brokers]
            answer = admin.describe_configs(asked, config_filter="all")["broker"]
        finally:
            admin.close()
        return {
            int(number): {key: data["value"] for key, data in configs.items()}
            for number, configs in answer.items()
        }

    def smoke(self, *words: str) -> dict[str, Any]:
        """Run the smoke tests; their report. Fails with what they printed when they fail."""
        report = REPORTS / "verify-smoke.json"
        self._smoke("run", "--out", str(report), *words)
        return dict(json.loads(report.read_text(encoding="utf-8")))

    def check(self, *only: str, timeout: int = 120) -> None:
        """Await the gates of these services, of all when none is named."""
        words = ["--only", *only] if only else []
        self._smoke("check", "--timeout", str(timeout), *words)

    def status(self) -> dict[str, Any]:
        """The status of all daemons; fails with what is not right when something is not."""
        return dict(json.loads(self._smoke("status", "--json")))

    def _smoke(self, verb: str, *words: str) -> str:
        argv = [sys.executable, "-m", "smoke", verb, *MEANT, *words]
        done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def of_brokers(key: str, value: object) -> str:
    """What ansible-playbook is given with -e: a property of brokers beside those of the lab."""
    path = CHECKOUT / "inventories/lab/group_vars/cluster.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))["kafka_server_properties_overrides"]
    return json.dumps({"kafka_server_properties_overrides": settings | {key: value}})


@pytest.fixture(scope="session")
def site() -> Site:
    """The cluster under test."""
    return Site(CLUSTER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a machine, or for a machine and a unit of it, runs once for each."""
    if {"machine", "unit"} <= set(metafunc.fixturenames):
        pairs = [(name, unit) for name, machine in CLUSTER.machines.items() for unit in machine.units]
        metafunc.parametrize(("machine", "unit"), pairs)
    elif "machine" in metafunc.fixturenames:
        metafunc.parametrize("machine", list(CLUSTER.machines))
