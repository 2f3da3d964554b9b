"""Two labs on one host: neither reaches the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.live import CHECKOUT, CLUSTER, INVENTORY, Site

STRANGER = "millrace-test-stranger"
OF_A_LAB = ("ansible_", "millrace_", "lab_")


@pytest.fixture
def stranger(site: Site, tmp_path: Path) -> Iterator[str]:
    """The inventory of another lab, with one machine; made and removed by the playbooks of every lab."""
    files = [yaml.safe_load(path.read_text()) for path in Path(INVENTORY).glob("group_vars/all/*.yml")]
    variables = {key: value for file in files for key, value in file.items() if key.startswith(OF_A_LAB)}
    cluster = {"hosts": {STRANGER: {}}, "vars": variables | {"lab_name": STRANGER}}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"cluster": cluster}))
    try:
        made = site.run(playbook="playbooks/lab_up.yml", inventory=str(inventory))
        assert made.rc == 0, made.output
        yield str(inventory)
    finally:
        removed = site.run(playbook="playbooks/lab_down.yml", inventory=str(inventory))
        assert removed.rc == 0, removed.output


def connects(address: str, *before: str) -> bool:
    """Whether sshd at the address takes a connection, from here or from where the words before lead."""
    probe = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{address}/22'"
    command = [*before, probe] if before else ["sh", "-c", probe]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False).returncode == 0


def address(name: str) -> str:
    """As this host knows it."""
    return subprocess.check_output(["getent", "hosts", name], text=True).split()[0]


def test_machines_of_another_lab_are_out_of_reach(stranger: str) -> None:
    mine, its = address(next(iter(CLUSTER.machines))), address(STRANGER)
    ansible = str(Path(sys.executable).parent / "ansible")
    there = (ansible, STRANGER, "-i", stranger, "-m", "ansible.builtin.raw", "-a")
    assert connects(mine)
    assert connects(its)
    assert connects(its, *there), "the probe itself does not work"
    assert not connects(mine, *there)
