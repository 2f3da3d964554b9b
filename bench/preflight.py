"""Seconds of the preflight for 3, 10, 30 and 100 machines, side by side: preflight.py [ROUNDS].

No machine is touched. Three machines have all services, the others a DataNode and a NodeManager each. Each
round takes all sizes once; the median of each is printed with its ratio to that of three machines.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
SIZES = (3, 10, 30, 100)
LAB = CHECKOUT / "inventories/lab/group_vars"


def write_inventory(directory: Path, size: int) -> Path:
    """An inventory of machines that need not exist, with the settings of the lab but no containers."""
    hosts = [f"machine-{number}" for number in range(1, size + 1)]
    members = {
        "cluster": hosts,
        "zookeeper": hosts[:3],
        "kafka": hosts[:3],
        "namenode": hosts[:2],
        "journalnode": hosts[:3],
        "datanode": hosts,
        "resourcemanager": hosts[:2],
        "nodemanager": hosts,
        "historyserver": hosts[2:3],
        "spark_historyserver": hosts[2:3],
    }
    parents = {
        "hadoop": ["namenode", "journalnode", "datanode", "resourcemanager", "nodemanager", "historyserver"],
        "spark": ["nodemanager", "spark_historyserver"],
    }
    groups: dict[str, object] = {name: {"hosts": dict.fromkeys(some)} for name, some in members.items()}
    groups |= {name: {"children": dict.fromkeys(some)} for name, some in parents.items()}
    inventory = directory / str(size)
    for path in LAB.rglob("*.yml"):
        if path.name != "lab.yml":
            target = inventory / "group_vars" / path.relative_to(LAB)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text())
    (inventory / "group_vars/all/own.yml").write_text("cluster_name: bench\n")
    (inventory / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))
    return inventory / "hosts.json"


def seconds(inventory: Path) -> float:
    """How long the preflight of an inventory takes, Ansible's own start included."""
    began = time.monotonic()
    subprocess.run(
        [
            *("ansible-playbook", "--inventory", inventory, "playbooks/preflight.yml"),
            *("--extra-vars", json.dumps({"common_reports": str(inventory.parent / "reports")})),
        ],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began


def main() -> None:
    """Print a line for each size."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as directory:
        inventories = {size: write_inventory(Path(directory), size) for size in SIZES}
        taken: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(rounds):
            for size, inventory in inventories.items():
                taken[size].append(seconds(inventory))
    least = statistics.median(taken[SIZES[0]])
    for size in SIZES:
        median = statistics.median(taken[size])
        print(f"{size:3} machines  {median:5.1f} s  ratio {median / least:.2f}")


if __name__ == "__main__":
    main()
