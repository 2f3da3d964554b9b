"""The plan of a run: of a fresh machine, and of a playbook elsewhere that uses one role alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

# No unit has a file yet; what else is asked of systemd is written down.
SYSTEMCTL = """#!/bin/sh
if [ "$1" != show ]; then echo "$*" >> {log}; exit; fi
shift 2
for unit; do
  printf 'Id=%s.service\\nLoadState=not-found\\nActiveState=inactive\\n' "$unit"
  printf 'UnitFileState=\\nNeedDaemonReload=no\\nMainPID=0\\nInvocationID=\\nRuntimeDirectory=\\n'
  printf 'ReadWritePaths=\\n\\n'
done
"""


def systemctl(directory: Path) -> str:
    """A PATH with a systemctl of its own, which writes to the file log in the directory."""
    program = directory / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL.format(log=directory / "log"))
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Directory and output of a check of the plain topology on this machine, where nothing is deployed."""
    directory = tmp_path_factory.mktemp("plan")
    plain = CHECKOUT / "tests/inventories/plain"
    shutil.copytree(plain / "group_vars", directory / "group_vars")
    (directory / "hosts.yml").write_text((plain / "hosts.yml").read_text().replace("one:", "localhost:"))
    words = ("-i", str(directory / "hosts.yml"), "-e", "ansible_connection=local", "--check", "--diff")
    steps = [f"playbooks/steps/{name}.yml" for name in ("install", "zookeeper", "kafka")]
    run = start(directory, *words, "playbooks/plan.yml", *steps, PATH=systemctl(directory))
    output = finish(run)
    assert run.returncode == 0, output
    return directory, output


def test_a_fresh_machine_is_planned(fresh: tuple[Path, str]) -> None:
    directory, output = fresh
    plan = json.loads((directory / "plan.json").read_text())
    assert plan["cluster"] == "plain"
    assert (plan["check"], plan["machines"], plan["unheard"]) == (True, ["localhost"], [])
    assert (plan["refusals"], plan["warnings"]) == ([], [])
    assert [(step["do"], step.get("service")) for step in plan["steps"]] == [
        ("install", None),
        *(("deploy", service) for service in ("zookeeper", "hdfs", "kafka", "yarn", "spark")),
    ]
    assert plan["install"] == ["localhost"]
    kafka = plan["services"]["kafka"]["machines"]["localhost"]
    assert (kafka["start"], kafka["restart"]) == (["kafka@1"], {})
    assert "/etc/kafka/server-1.properties" in kafka["files"]
    assert plan["data"]["kafka"]["formatted"] == 0
    assert "  step 1: install on localhost\n" in output
    assert "  step 4: kafka: write files and start on localhost, in parallel\n" in output


def test_a_check_ends_with_the_plan_and_changes_nothing(fresh: tuple[Path, str]) -> None:
    directory, output = fresh
    assert not re.search(r"TASK.*(install|deploy) \|", output)
    assert {path.name for path in directory.iterdir()} - {"log"} == {
        *("bin", "group_vars", "hosts.yml", "plan.json")
    }
    # Only that files of units are read again.
    asked = (directory / "log").read_text().splitlines() if (directory / "log").exists() else []
    assert set(asked) <= {"daemon-reload"}
    # What files would hold is shown.
    assert "+node.id=1" not in output
    assert "+tickTime=2000" in output


def test_a_playbook_elsewhere_uses_one_role(tmp_path: Path) -> None:
    """Its ansible.cfg knows nothing but where the roles are: they bring their plugins along."""
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\nroles_path = {CHECKOUT}/roles\n")
    play: dict[str, Any] = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "cluster_name": "own",
            "common_reports": str(tmp_path / "reports"),
            "kafka_hosts": ["localhost"],
        },
        "roles": ["kafka"],
    }
    (tmp_path / "kafka.yml").write_text(yaml.safe_dump([play]))
    broker = {"id": 1, "host": "localhost", "port": 9092, "controller_port": 9093}
    # Of the inventory: every broker knows those of all machines.
    inventory = {"all": {"hosts": {"localhost": {"kafka_brokers": [broker]}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.yml", "--check", "kafka.yml"],
        cwd=tmp_path,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": systemctl(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan of own: 1 machine\n" in done.stdout
    plan = json.loads((tmp_path / "reports" / "plan.json").read_text())
    assert [(step["do"], step.get("service")) for step in plan["steps"]] == [
        ("install", None),
        ("deploy", "kafka"),
    ]
