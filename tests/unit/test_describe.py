"""How the description and ssh_config say machines are reached, by what each way to say it to Ansible."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke.cluster import Cluster, load
from tests.unit.playbooks import CHECKOUT, finish, start

NO_SUDO = {"ANSIBLE_BECOME_EXE": "/no/sudo", "ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
"""Whatever becomes root on the controller fails, even if it is."""


def describe(directory: Path, *words: str, **variables: Any) -> Cluster:
    """The description of the plain topology, with these variables for all hosts."""
    inventory = directory / "inventory"
    shutil.copytree(CHECKOUT / "tests/inventories/plain", inventory)
    (inventory / "group_vars/all/ssh.yml").write_text(yaml.safe_dump(variables))
    return of(inventory, directory, *words)


def of(inventory: Path, directory: Path, *words: str) -> Cluster:
    """The description that the preflight of this inventory writes."""
    process = start(directory, "--inventory", str(inventory), *words, "playbooks/preflight.yml", **NO_SUDO)
    output = finish(process)
    assert process.returncode == 0, output
    return load(directory / "cluster.json")


def shown(directory: Path, machine: str = "one") -> dict[str, str]:
    """What ssh takes from the file for a machine; of keywords with several values the first."""
    command = ["ssh", "-G", "-F", str(directory / "ssh_config"), machine]
    lines = subprocess.check_output(command, text=True).splitlines()
    return dict(reversed([line.partition(" ")[::2] for line in lines]))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cluster, Path]:
    """A machine that is reached as another user, behind a bastion."""
    directory = tmp_path_factory.mktemp("other")
    variables = {
        "ansible_user": "debian",
        "ansible_become": True,
        "ansible_host": "192.0.2.1",
        "ansible_ssh_private_key_file": "~/my key",
        "ansible_ssh_common_args": "-o 'ProxyCommand=ssh -W %h:%p bastion' -o StrictHostKeyChecking=yes",
        "ansible_ssh_extra_args": "-p 2222 -F /no/config",
    }
    return describe(directory, **variables), directory


def test_another_user_becomes_root(other: tuple[Cluster, Path]) -> None:
    """And the controller's own user does not: the task that writes the description needs no sudo."""
    cluster, directory = other
    machine = cluster.machines["one"]
    assert machine.ssh == ("ssh", "-F", f"{directory}/ssh_config", "one")
    assert machine.become == ("sudo", "-n")


def test_ssh_options_are_what_a_shell_reads(other: tuple[Cluster, Path]) -> None:
    found = shown(other[1])
    expected = {
        "user": "debian",
        "hostname": "192.0.2.1",
        "port": "2222",
        "identityfile": "~/my key",
        "proxycommand": "ssh -W %h:%p bastion",
        "stricthostkeychecking": "true",
    }
    assert {key: found[key] for key in expected} == expected
    assert re.findall("Include .*", (other[1] / "ssh_config").read_text()) == ["Include /no/config"]


def test_the_command_line_says_it_too(tmp_path: Path) -> None:
    words = ("--become", "--user", "debian", "--private-key", "/k", "--ssh-extra-args=-p 2222")
    assert describe(tmp_path, *words).machines["one"].become == ("sudo", "-n")
    found = shown(tmp_path)
    expected = {"user": "debian", "identityfile": "/k", "port": "2222"}
    assert {key: found[key] for key in expected} == expected


def test_what_nobody_says_is_ssh_own_to_decide(tmp_path: Path) -> None:
    cluster = describe(tmp_path)
    assert cluster.machines["one"].become == ()
    assert json.loads((tmp_path / "cluster.json").read_text())["machines"]["one"]["become"] == []
    text = (tmp_path / "ssh_config").read_text()
    assert not re.search(r"^ *(User|Port|HostName|IdentityFile)\b", text, re.MULTILINE)
    assert text.endswith("  Include ~/.ssh/config\n")


def test_the_path_of_a_socket_is_short_and_each_users_own(tmp_path: Path) -> None:
    """A Unix socket's path has 107 characters, of which ssh needs 17 behind that of ControlPath."""
    words = ("-e", f"cluster_name={'c' * 63}")
    describe(tmp_path, *words, ansible_host=f"{'h' * 60}.example.org", ansible_user="debian")
    path = shown(tmp_path)["controlpath"].removeprefix(str(Path("~").expanduser()))
    home = 60
    assert home + len(path) + 17 <= 107
    assert shown(tmp_path, "ann@one")["controlpath"] != shown(tmp_path)["controlpath"]


def test_one_machine_of_molecule_is_not_roots(tmp_path: Path) -> None:
    machines = of(CHECKOUT / "molecule/default/inventory", tmp_path).machines
    assert {name: machine.become for name, machine in machines.items()} == {
        "millrace-test-1": (),
        "millrace-test-2": ("sudo", "-n"),
        "millrace-test-3": (),
    }
    assert [shown(tmp_path, name)["user"] for name in machines] == ["root", "ops", "root"]


def test_a_role_alone_leaves_what_others_have_described(tmp_path: Path) -> None:
    alone = [
        {
            "hosts": "cluster",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.import_tasks": str(CHECKOUT / "playbooks/tasks/services.yml")},
                {
                    "ansible.builtin.import_role": {"name": "smoke", "tasks_from": "describe"},
                    "vars": {
                        "common_service": "{{ zookeeper_service }}",
                        "common_services": ["{{ zookeeper_service }}"],
                    },
                },
            ],
        }
    ]
    (tmp_path / "alone.yml").write_text(yaml.safe_dump(alone))
    plain = CHECKOUT / "tests/inventories/plain"
    whole = of(plain, tmp_path)
    before = json.loads((tmp_path / "cluster.json").read_text())
    told: tuple[Any, ...] = ({"servers": []}, None)
    for zookeeper in told:
        other = before | {"zookeeper": zookeeper, "versions": before["versions"] | {"zookeeper": "0"}}
        (tmp_path / "cluster.json").write_text(json.dumps(other))
        run = start(tmp_path, "--inventory", str(plain), str(tmp_path / "alone.yml"))
        output = finish(run)
        assert run.returncode == 0, output
        assert load(tmp_path / "cluster.json") == whole
