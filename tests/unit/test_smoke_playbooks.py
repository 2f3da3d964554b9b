"""What the playbooks give to smoke, and what they do when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT, finish, start
from tests.unit.smoke_lab import write

INVENTORIES = {
    "inventories/lab": ["make", "smoke"],
    "inventories/single": ["make", "smoke", "INVENTORY=inventories/single"],
    "inventories/course": ["make", "smoke", "INVENTORY=inventories/course"],
}


def test_the_next_commands_are_those_of_the_inventory(tmp_path: Path) -> None:
    runs = {}
    for inventory in INVENTORIES:
        directory = tmp_path / inventory
        directory.mkdir(parents=True)
        runs[inventory] = start(directory, "--inventory", inventory, "playbooks/preflight.yml")
    for inventory, words in INVENTORIES.items():
        output = finish(runs[inventory])
        assert runs[inventory].returncode == 0, output
        described = json.loads((tmp_path / inventory / "cluster.json").read_text())
        assert described["inventory"] == str(CHECKOUT / inventory)
        smoke, (*ssh, file, host) = described["next"]
        assert (smoke, ssh) == (words, ["ssh", "-F"])
        assert (CHECKOUT / file).resolve() == tmp_path / inventory / "ssh_config"
        assert host == described["spark"]["submit_host"]
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
    write(
        tmp_path,
        {"name": "x", "stack": "s", "versions": {}, "machines": {"127.0.0.1": machine}, "hdfs": hdfs},
    )
    (tmp_path / "receipt.md").write_text("passed")
    words = ("--inventory", "tests/inventories/plain", "--skip-tags", skipped, "playbooks/smoke.yml")
    run = start(tmp_path, *words)
    output = finish(run)
    assert run.returncode == 2, output
    assert "its journal" in output
    assert f"what it found stands above and in {tmp_path}/smoke.json" in " ".join(output.split())
    receipt = (tmp_path / "receipt.md").read_text()
    assert receipt == "passed" if skipped else "| hdfs | FAILED: " in receipt
