"""What the playbooks give to smoke, and what they do when it fails."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT, finish, start
from tests.unit.smoke_lab import write

SSH = "ssh -F {}/ssh_config {}"
"""The directory of the reports as the checkout sees it, and a host with Spark."""
IN_2 = ".venv/bin/python -m course in 2 --"
SMOKE = "playbooks/smoke.yml"
# Those of the lab and of the course's own stand in test_templates.
NEXT: dict[tuple[str, ...], tuple[str, str]] = {
    ("inventories/single",): ("make smoke INVENTORY=inventories/single", SSH),
    ("inventories/course", "-e", "student=2"): (
        f"{IN_2} .venv/bin/ansible-playbook -i inventories/course {SMOKE} -e student=2 -e smoke_mode=full",
        "make course-shell STUDENT=2",
    ),
}


@pytest.mark.parametrize("words", NEXT)
def test_the_next_commands_are_those_of_the_inventory(tmp_path: Path, words: tuple[str, ...]) -> None:
    run = start(tmp_path, "--inventory", *words, "playbooks/preflight.yml")
    output = finish(run)
    assert run.returncode == 0, output
    described = json.loads((tmp_path / "cluster.json").read_text())
    assert {"zookeeper", "hdfs", "yarn", "kafka", "spark", "machines"} <= described.keys()
    assert described["inventory"] == str(CHECKOUT / words[0])
    host = described["spark"]["submit_host"]
    reports = os.path.relpath(tmp_path, CHECKOUT)
    expected = [command.format(reports, host) for command in NEXT[words]]
    assert [" ".join(command) for command in described["next"]] == expected
    logs = "/spark-history" if "historyserver" in described["spark"] else None
    assert described["spark"].get("event_logs") == logs


@pytest.mark.parametrize("skipped", ["", "receipt"])
def test_a_receipt_says_what_failed_unless_none_is_wanted(tmp_path: Path, skipped: str) -> None:
    hdfs = {
        "default_fs": "none://",
        "namenodes": [{"id": "nn1", "host": "127.0.0.1", "http_port": 1, "unit": "hdfs-namenode"}],
        "datanodes": [],
        "client": {},
    }
    machine = {"ssh": ["sh", "-c", "echo its journal"]}
    inventory = "tests/inventories/plain"
    write(
        tmp_path,
        {"name": "plain", "inventory": str(CHECKOUT / inventory), "stack": "s", "versions": {}}
        | {"machines": {"127.0.0.1": machine}, "hdfs": hdfs},
    )
    (tmp_path / "receipt.md").write_text("passed")
    # The step without the preflight, which would describe the cluster as it is.
    words = ("--inventory", inventory, "--skip-tags", skipped, "playbooks/steps/smoke.yml")
    run = start(tmp_path, *words)
    output = finish(run)
    assert run.returncode == 2, output
    assert "its journal" in (tmp_path / "evidence.log").read_text()
    assert f"what it found stands above and in {tmp_path}/smoke.json" in " ".join(output.split())
    receipt = (tmp_path / "receipt.md").read_text()
    assert receipt == "passed" if skipped else "| hdfs | FAILED: " in receipt
