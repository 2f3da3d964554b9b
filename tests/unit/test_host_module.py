"""One module of the kit at a time changes a machine, whichever run it belongs to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from ansible.module_utils.host_module import LOCKS, PATIENCE, alone

from tests.unit.playbooks import CHECKOUT

# A module that does its work until somebody closes its input.
MODULE = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {!r})
from host_module import alone
alone(SimpleNamespace(check_mode=False), locks={!r})
print("at work", flush=True)
sys.stdin.read()
"""


@dataclass
class Module:
    """What of a module is used."""

    check_mode: bool = False

    def fail_json(self, msg: str) -> NoReturn:
        raise SystemExit(msg)


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """A module of a run whose controller was killed."""
    script = MODULE.format(str(CHECKOUT / "roles/common/module_utils"), str(tmp_path / "locks"))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    yield process
    process.kill()
    process.communicate()


def test_one_that_does_not_end_is_named(tmp_path: Path, other: Any) -> None:
    with pytest.raises(SystemExit, match=rf"another run .* \(process {other.pid}\)"):
        alone(Module(), locks=str(tmp_path / "locks"), patience=0.3)


def test_it_is_awaited_and_its_end_frees_the_machine(tmp_path: Path, other: Any) -> None:
    other.kill()
    alone(Module(), locks=str(tmp_path / "locks"), patience=30)
    assert other.wait() != 0


def test_who_only_looks_awaits_nobody(tmp_path: Path, other: Any) -> None:
    alone(Module(check_mode=True), locks=str(tmp_path / "locks"), patience=0)
    assert other.poll() is None


def test_the_lock_is_nobody_elses(tmp_path: Path) -> None:
    alone(Module(), locks=str(tmp_path / "locks"))
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700


# How each module of the kit is with a machine that another run's module may still change.
MODULES = {
    "config_files": "alone",
    "hdfs_directories": "alone",
    "hdfs_journalnode": "alone",
    "lab_machines": "changes no machine of a cluster: it makes them, on the controller",
    "machine_facts": "changes nothing",
    "package_record": "alone",
    "service_keep": "alone",
    "service_state": "alone",
    "service_units": "alone",
}
# Of the modules that are Ansible's each task that changes a machine and does not wait, and why it need not.
TASKS = {
    "java: install | Install the package": "dpkg has a lock, for which apt waits",
    "hdfs: handover | Have the other NameNode be active": "NameNodes take one failover at a time",
    "kafka: disks | Format the directories that the broker gets": "it leaves those that have an id",
    "kafka: join | Read the id of its directory": "it changes nothing",
    "kafka: leave_broker | Have it join the quorum no more": "at once: a file is replaced as a whole",
    "kafka: leave_broker | Disable it": "at once: systemd does it, after which nobody starts it",
    "kafka: stop_controller | End controller {{ kafka_place.1.id }}": "at once: it is killed",
    "zookeeper: resize_step | Stop and disable who leaves": "systemd does it, one job of a unit at a time",
}
LOOK = {"assert", "debug", "fail", "set_fact", "stat", "wait_for"}


def tasks(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        nested = [part for key in ("block", "rescue", "always") for part in item.get(key, ())]
        yield from tasks(nested) if nested else [item]


def builtin(task: dict[str, Any]) -> str:
    """The module of a task that is Ansible's and may change something; nothing of another."""
    names = [key.removeprefix("ansible.builtin.") for key in task if key.startswith("ansible.builtin.")]
    looks = LOOK | {f"{verb}_{what}" for verb in ("import", "include") for what in ("role", "tasks")}
    return next((name for name in names if name not in looks), "")


def on_machines() -> dict[str, dict[str, Any]]:
    """The tasks of the services' roles that change machines by a module of Ansible."""
    found = {}
    for role in ("common", "java", "hadoop", "zookeeper", "hdfs", "yarn", "kafka", "spark"):
        for path in CHECKOUT.glob(f"roles/{role}/tasks/*.yml"):
            for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8")) or []):
                if builtin(task) and task.get("delegate_to") != "localhost":
                    found[f"{role}: {task['name']}"] = task
    return found


def test_every_module_is_known() -> None:
    assert {path.stem for path in CHECKOUT.glob("roles/*/library/*.py")} == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_that_changes_a_machine_is_alone(name: str) -> None:
    (path,) = CHECKOUT.glob(f"roles/*/library/{name}.py")
    assert ("    alone(module)\n" in path.read_text(encoding="utf-8")) == (MODULES[name] == "alone")


def test_every_task_that_changes_a_machine_is_alone_or_need_not_be() -> None:
    hasty = {
        name
        for name, task in on_machines().items()
        if "common_alone" not in str(task.get("ansible.builtin.command"))
    }
    assert hasty == set(TASKS)


def test_a_command_that_is_alone_awaits_the_module_of_another_run(tmp_path: Path, other: Any) -> None:
    words = yaml.safe_load((CHECKOUT / "roles/common/vars/main.yml").read_text())["common_alone"]
    assert words[-2:] == [f"{PATIENCE:g}", f"{LOCKS}/module.lock"]
    given = [*words[:-2], "0.3", str(tmp_path / "locks/module.lock"), "echo", "done"]
    late = subprocess.run(given, capture_output=True, text=True, check=False)
    assert (late.returncode, late.stdout) == (1, "")
    assert "timeout while waiting to get lock" in late.stderr
    other.kill()
    assert "done" in subprocess.check_output(given, text=True)


def test_a_module_awaits_a_command_of_another_run_and_names_it(tmp_path: Path) -> None:
    # What a module that has ended left there is nobody's.
    (tmp_path / "module.lock").write_text("1")
    command = ["flock", str(tmp_path / "module.lock"), "sh", "-c", "echo at work; read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "at work\n"
        with pytest.raises(SystemExit, match=rf"\(process {process.pid}\)"):
            alone(Module(), locks=str(tmp_path), patience=0.3)
        process.communicate("\n")
