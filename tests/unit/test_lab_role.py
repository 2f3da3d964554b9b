"""Role lab as far as it needs no machine: its preflight, its keys, and what it asks of the module."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import finish, start

# A lab for each host of the inventory: the fault, and what must be said of it.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no-machine": ({"lab_machines": []}, "lab_machines must list at least one machine, each once"),
    "twice": ({"lab_machines": ["a1", "a1"]}, "lab_machines must list at least one machine, each once"),
    **{
        f"name-{place}": (
            {"lab_machines": ["a1", name]},
            f"lab_machines has {name}: a host name has small letters, digits, hyphens and dots, at most 63",
        )
        for place, name in enumerate(
            ["A1", "a_1", "-a", "a-", "a..b", ".a", "10.0.0.1", "7", "localhost", "a" * 64, "a b"]
        )
    },
    "name-of-another-lab": (
        {"lab_machines": ["a1", "taken"]},
        "lab_machines has taken, which CACHE/controller-hosts has already and not from lab unit: choose",
    ),
    "prefix": ({"lab_prefix": "One/"}, "lab_prefix is 'One/': give small letters, digits and hyphens"),
    "mount-without-target": ({"lab_mounts": ["/etc"]}, "lab_mounts has /etc: give source:target"),
    "mount-with-mode": ({"lab_mounts": ["/etc:/a:rw"]}, "lab_mounts has /etc:/a:rw: give source:target"),
    "mount-relative": ({"lab_mounts": ["etc:/a"]}, "lab_mounts has etc:/a: give source:target"),
    "mount-of-nothing": (
        {"lab_mounts": ["/etc:/a", "/no/such:/b"]},
        "lab_mounts has /no/such, which is not on this machine",
    ),
    "publish-for-a-stranger": (
        {"lab_publish": {"b1": {22: 2201}}},
        "lab_publish has b1, which is not a machine of this lab: a1",
    ),
    "publish-twice": (
        {"lab_publish": {"a1": {22: 2201, 80: 2201}}},
        "lab_publish gives port 2201 to a1's 22 and to a1's 80: give each its own",
    ),
    # By the argument specs.
    "publish-a-list": (
        {"lab_publish": ["22:2201"]},
        "argument 'lab_publish' is of type list and we were unable to convert to dict",
    ),
    "mounts-a-dict": (
        {"lab_mounts": {"/etc": "/a"}},
        "argument 'lab_mounts' is of type dict and we were unable to convert to list",
    ),
    "names-in-words": (
        {"lab_names_on_controller": "perhaps"},
        "argument 'lab_names_on_controller' is of type str and we were unable to convert to bool",
    ),
}
SOUND: dict[str, dict[str, Any]] = {
    "sound": {},
    "many-names": {"lab_machines": ["hadoop-master", "millrace-1", "1a", "a.b-c.d1", "a" * 63]},
    "all-set": {"lab_prefix": "one-", "lab_mounts": ["/etc:/srv/etc"], "lab_names_on_controller": "false"},
    "own-names": {"lab_machines": ["mine"]},
    "names-not-on-the-controller": {"lab_machines": ["taken"], "lab_names_on_controller": False},
}
OTHERS_HOSTS = """\
127.0.0.1 localhost # not a1
# BEGIN millrace lab another
10.89.0.11 taken
# END millrace lab another
"""
CONTROLLER_HOSTS = f"""\
{OTHERS_HOSTS}# BEGIN millrace lab unit
10.89.1.11 mine
# END millrace lab unit
"""

# Stands for the module: no container is made, and its parameters are kept.
STUB = """\
import json, os
from ansible.module_utils.basic import AnsibleModule
keys = "machines names_on_controller publish mounts sysctls name prefix image network subnet hosts_file"
keys += " timeout state"
module = AnsibleModule({key: {"type": "raw"} for key in keys.split()}, supports_check_mode=True)
params = {key: value for key, value in module.params.items() if value is not None}
with open(os.environ["STUB_CALL"], "w") as call:
    json.dump(params, call)
module.exit_json(machines=[{"name": name, "address": "10.89.1.11"} for name in params.get("machines", [])])
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the labs, with the controller's hosts file and a stub of the module beside it."""
    directory = tmp_path_factory.mktemp("lab")
    (directory / "controller-hosts").write_text(CONTROLLER_HOSTS)
    # Beside the playbook, where it is found before the role's own.
    (directory / "stub/library").mkdir(parents=True)
    (directory / "stub/library/lab_machines.py").write_text(STUB)
    (directory / "real").mkdir()
    # Every image exists.
    (directory / "podman").write_text("#!/bin/sh\n")
    (directory / "podman").chmod(0o755)
    return directory


def run_role(
    cache: Path, verb: str, hosts: dict[str, dict[str, Any]], where: str = "stub"
) -> tuple[int, str]:
    """Run a verb of the role for each host, a lab of its own; the exit status and the output."""
    base = {
        "ansible_connection": "local",
        # Of the inventory's machines; whatever becomes root here for it finds no sudo.
        "ansible_become": True,
        "lab_name": "unit",
        "lab_machines": ["a1"],
        "lab_cache": str(cache),
    }
    task = {"ansible.builtin.include_role": {"name": "lab", "tasks_from": verb}}
    (cache / "hosts.json").write_text(json.dumps({"all": {"vars": base, "hosts": hosts}}))
    play = cache / where / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    # Neither programs nor root are needed for what is tested here.
    internal = {
        "__lab_programs": [],
        "__lab_user": "0",
        "__lab_controller_hosts": str(cache / "controller-hosts"),
    }
    run = start(
        cache,
        *("--inventory", str(cache / "hosts.json"), "--extra-vars", json.dumps(internal)),
        str(play),
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
        PATH=f"{cache}:{os.environ['PATH']}",
        STUB_CALL=str(cache / "call"),
        ANSIBLE_BECOME_EXE="/no/sudo",
        ANSIBLE_BECOME_ALLOW_SAME_USER="true",
    )
    output = finish(run)
    return run.returncode, output


@pytest.fixture(scope="module")
def refused(cache: Path) -> dict[str, str]:
    """What the preflight said of each lab that it refused."""
    hosts = {name: fault for name, (fault, _) in FAULTS.items()} | SOUND
    status, output = run_role(cache, "preflight", hosts, "real")
    assert status == 2, output
    said: dict[str, list[str]] = {}
    for host, result in re.findall(r"^(?:fatal|failed): \[([\w-]+)\].*? => (\{.*\})$", output, re.MULTILINE):
        said.setdefault(host, []).append(json.loads(result)["msg"].replace(str(cache), "CACHE"))
    return {host: "\n".join(lines) for host, lines in said.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_is_refused_with_the_variable_and_what_to_do(refused: dict[str, str], fault: str) -> None:
    assert FAULTS[fault][1] in refused[fault]


def test_nothing_else_is_refused(refused: dict[str, str]) -> None:
    assert set(refused) == set(FAULTS)


LAB = {
    "lab_machines": ["mine", "other"],
    "lab_prefix": "one-",
    "lab_publish": {"mine": {22: 2201}},
    "lab_mounts": ["/etc:/srv/etc"],
    "lab_sysctls": {"net.ipv4.ip_local_reserved_ports": "50010"},
}


@pytest.mark.parametrize("on_controller", [True, False])
def test_up_asks_for_the_lab_and_names_it_on_the_controller_where_it_may(
    cache: Path, on_controller: bool
) -> None:
    (cache / "controller-hosts").write_text(OTHERS_HOSTS)
    lab = LAB | {"lab_names_on_controller": on_controller}
    status, output = run_role(cache, "up", {"lab": lab})
    assert status == 0, output
    call = json.loads((cache / "call").read_text())
    assert re.fullmatch("localhost/millrace-base:[0-9a-f]{12}", call.pop("image"))
    assert call == {
        "name": "unit",
        "machines": ["mine", "other"],
        "prefix": "one-",
        "network": "unit",
        "hosts_file": f"{cache}/labs/unit/hosts",
        "names_on_controller": on_controller,
        "publish": {"mine": {"22": 2201}},
        "mounts": [
            f"{cache}/ssh/id_ed25519.pub:/root/.ssh/authorized_keys",
            f"{cache}/tarballs:/var/cache/millrace",
            "/etc:/srv/etc",
        ],
        "sysctls": {"net.ipv4.ip_local_reserved_ports": "50010"},
        "timeout": 60,
    }
    names = "".join(
        f"# {mark} millrace lab unit\n{lines}"
        for mark, lines in [("BEGIN", "10.89.1.11 mine\n10.89.1.11 other\n"), ("END", "")]
    )
    assert (cache / "controller-hosts").read_text() == OTHERS_HOSTS + (names if on_controller else "")


@pytest.mark.parametrize("own_hosts", [True, False])
def test_down_keeps_the_hosts_file_only_where_it_is_the_runs_own(cache: Path, own_hosts: bool) -> None:
    hosts, controller = cache / "labs" / "unit" / "hosts", cache / "controller-hosts"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    hosts.unlink(missing_ok=True)
    controller.write_text(OTHERS_HOSTS if own_hosts else CONTROLLER_HOSTS)
    if own_hosts:
        hosts.hardlink_to(controller)
    else:
        hosts.touch()
    status, output = run_role(cache, "down", {"lab": LAB})
    assert status == 0, output
    assert json.loads((cache / "call").read_text()) == {"name": "unit", "state": "absent"}
    assert hosts.parent.exists() == own_hosts
    assert controller.read_text() == OTHERS_HOSTS


def test_the_host_key_is_known_for_all_names_and_no_other_key(cache: Path) -> None:
    status, output = run_role(cache, "keys", {"lab": {}})
    assert status == 0, output
    key = (cache / "ssh" / "ssh_host_ed25519_key.pub").read_text().split()[1]
    for name in ("millrace-1", "hadoop-master", "10.89.0.11", "[127.0.0.1]:2201", "[hadoop-master]:2222"):
        command = ["ssh-keygen", "-F", name, "-f", str(cache / "ssh" / "known_hosts")]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert [line.split()[2] for line in found.splitlines() if line[0] != "#"] == [key], name
