"""The plan of a run on a fresh machine."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

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
    plan = json.loads((directory / "check.json").read_text())
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
        *("bin", "group_vars", "hosts.yml", "check.json")
    }
    # Only that files of units are read again.
    asked = (directory / "log").read_text().splitlines() if (directory / "log").exists() else []
    assert set(asked) <= {"daemon-reload"}
    # What files would hold is shown.
    assert "+node.id=1" not in output
    assert "+tickTime=2000" in output
