"""Two labs on one host: neither reaches the other, and one is made anew."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.live import CLUSTER, INVENTORY, Site, ansible

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


PROBE = "timeout 3 bash -c 'exec 3<>/dev/tcp/{}/22'"
"""Whether sshd at the address takes a connection."""


def on(inventory: str, command: str) -> subprocess.CompletedProcess[str]:
    """A command on the other lab's machine, given by Ansible."""
    return ansible(
        "ansible", STRANGER, "-i", inventory, "-m", "ansible.builtin.raw", "-a", command, timeout=60
    )


def unplug(machine: str) -> None:
    """It vanishes from its network without a word to those connected."""
    process = subprocess.check_output(["podman", "inspect", "--format", "{{.State.Pid}}", machine], text=True)
    subprocess.run(
        ["nsenter", "--target", process.strip(), "--net", "ip", "link", "set", "eth0", "down"], check=True
    )


def address(name: str) -> str:
    """As this host knows it."""
    return subprocess.check_output(["getent", "hosts", name], text=True).split()[0]


def test_machines_of_another_lab_are_out_of_reach(stranger: str) -> None:
    mine, its = (PROBE.format(address(name)) for name in (next(iter(CLUSTER.machines)), STRANGER))
    for probe in (mine, its):
        assert subprocess.run(probe, shell=True, check=False).returncode == 0
    assert on(stranger, its).returncode == 0, "the probe itself does not work"
    assert on(stranger, mine).returncode != 0


def test_a_machine_made_anew_is_not_taken_for_the_one_before(site: Site, stranger: str) -> None:
    assert on(stranger, "true").returncode == 0
    unplug(STRANGER)
    assert "UNREACHABLE" in on(stranger, "true").stdout, "a machine that vanished is waited for"

    # With another address: what is at the same one would refuse the old connection.
    def anew(playbook: str, *words: str) -> None:
        done = site.run(*words, playbook=f"playbooks/{playbook}.yml", inventory=stranger)
        assert done.rc == 0, done.output

    anew("lab_down")
    anew("lab_up")
    assert on(stranger, "true").returncode == 0
    unplug(STRANGER)
    anew("lab_down")
    anew("lab_up", "-e", "lab_subnet=10.89.247.0/24")
    assert on(stranger, "true").returncode == 0
