"""Inventories that are odd and good: ansible-playbook judges them, and describes the cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT

LAB = CHECKOUT / "inventories/lab/group_vars"
MACHINES = CHECKOUT / "inventories/machines"
DAEMONS = ("namenode", "journalnode", "datanode", "resourcemanager", "nodemanager", "historyserver")


@dataclass
class Odd:
    """An inventory: its files by path, more words for ansible-playbook, and what must come of it.

    machines: names in the description; lines: in the configuration of ssh; check: of the description
    """

    files: dict[str, str]
    machines: set[str]
    words: list[str] = field(default_factory=list)
    inventories: tuple[str, ...] = ("hosts",)
    lines: tuple[str, ...] = ()
    check: Callable[[dict[str, Any]], bool] = lambda described: True


def ini(*hosts: str, more: str = "") -> str:
    """Three machines with all services; the first two lead."""
    three, last = "\n".join(hosts), hosts[-1].split()[0]
    names = "\n".join(host.split()[0] for host in hosts)
    two_names = "\n".join(host.split()[0] for host in hosts[:2])
    parts = {"cluster": three, "zookeeper": names, "kafka": names, "journalnode": names, "datanode": names}
    parts |= {"nodemanager": names, "namenode": two_names, "resourcemanager": two_names}
    parts |= {"historyserver": last, "spark_historyserver": last}
    groups = "".join(f"[{name}]\n{members}\n" for name, members in parts.items())
    children = "\n".join(DAEMONS)
    return (
        f"{groups}[hadoop:children]\n{children}\n[spark:children]\nnodemanager\nspark_historyserver\n{more}"
    )


RANGES = """[cluster]
node[1:3].example
[zookeeper]
node[1:3].example
[kafka]
node[1:3].example
"""
ONE = "[cluster]\none\n[zookeeper]\none\n"
ABC = ini("a", "b", "c")
WEB = "[web]\npage\n[web:vars]\nansible_user=nobody\nkafka_lag=1\nlost='{{ nowhere }}'\n"

ODD: dict[str, Odd] = {
    "INI with ranges": Odd({"hosts": RANGES}, {f"node{number}.example" for number in (1, 2, 3)}),
    "hosts by address": Odd(
        {"hosts": ini("192.0.2.1", "192.0.2.2", "192.0.2.3")}, {f"192.0.2.{n}" for n in (1, 2, 3)}
    ),
    "ansible_host, user and port": Odd(
        {
            "hosts": ini(
                "a ansible_host=192.0.2.1 ansible_port=2222", "b ansible_user=ops", "c ansible_host=c.example"
            )
        },
        set("abc"),
        lines=("HostName 192.0.2.1", "Port 2222", "User ops", "HostName c.example"),
    ),
    "two inventories together": Odd(
        {"hosts": ABC, "more": "[datanode]\nd\n[cluster]\nd\n[cluster:vars]\nzookeeper_heap=96m\n"},
        set("abcd"),
        inventories=("hosts", "more"),
    ),
    "unrelated hosts": Odd({"hosts": ABC + WEB}, set("abc")),
    "a vault": Odd(
        {
            "hosts": ABC,
            "group_vars/all/secret.yml": "VAULT kafka_server_properties_overrides: {ssl.key.password: pw}",
        },
        set("abc"),
        ["--vault-password-file", "password"],
    ),
    "a limit": Odd({"hosts": ABC}, set("abc"), ["--limit", "c"]),
    "one service alone": Odd(
        {"hosts": ONE},
        {"one"},
        check=lambda described: not {"kafka", "hdfs", "yarn", "spark"} & described.keys(),
    ),
    "a variable in host_vars": Odd(
        {"hosts": ABC, "host_vars/b.yml": "kafka_heap: 2g\nyarn_nodemanager_memory: '4096'\nrack: b\n"},
        set("abc"),
    ),
    "another working directory": Odd({"hosts": ABC}, set("abc")),
    "values as text": Odd(
        {"hosts": f"{ABC}[all:vars]\nkafka_others_join=false\n"},
        set("abc"),
        ["-e", "smoke_records=500", "-e", "zookeeper_client_port=2182", "-e", "artifact_mounted=false"],
        check=lambda described: (
            described["kafka"]["others_join"] is False
            and described["zookeeper"]["servers"][0]["port"] == 2182
        ),
    ),
}


def start(odd: Odd, directory: Path) -> subprocess.Popen[str]:
    """Write the inventory beside the lab's variables, and start its preflight."""
    for path in LAB.rglob("*.yml"):
        if path.name != "lab.yml":
            target = directory / "group_vars" / path.relative_to(LAB)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text())
    (directory / "group_vars/all/own.yml").write_text("cluster_name: odd\n")
    (directory / "password").write_text("secret\n")
    programs = Path(sys.executable).parent
    for name, text in odd.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.removeprefix("VAULT "))
        if text.startswith("VAULT "):
            words = ("encrypt", "--vault-password-file", "password", str(path))
            subprocess.run(
                [programs / "ansible-vault", *words], cwd=directory, check=True, capture_output=True
            )
    return preflight(directory, *odd.inventories, words=odd.words)


def preflight(directory: Path, *inventories: str, words: Iterable[str] = ()) -> subprocess.Popen[str]:
    """Start it from a directory that is not the checkout's."""
    programs = Path(sys.executable).parent
    several = [word for name in inventories for word in ("-i", str(directory / name))]
    reports = json.dumps({"common_reports": str(directory / "out")})
    playbook = str(CHECKOUT / "playbooks/preflight.yml")
    return subprocess.Popen(
        [str(programs / "ansible-playbook"), *several, *words, "-e", reports, playbook],
        cwd=directory,
        env=os.environ | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("name", ODD)
def test_an_odd_inventory_is_good(name: str, tmp_path: Path) -> None:
    odd = ODD[name]
    run = start(odd, tmp_path)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    described = yaml.safe_load((tmp_path / "out/cluster.json").read_text())
    assert set(described["machines"]) == odd.machines
    assert odd.check(described)
    ssh_config = (tmp_path / "out/ssh_config").read_text()
    assert [line for line in odd.lines if f"  {line}\n" not in ssh_config] == []
    assert "secret" not in output
    assert "pw" not in output.split()


HDFS: dict[str, Any] = {"namenode": None, "journalnode": None, "datanode": None}
YARN = ("resourcemanager", "nodemanager", "historyserver", "spark_historyserver", "spark")
EMPTY: dict[str, Any] = {group: {} for group in YARN[:-1]}
#: What is left of the inventory that is to copy: changed groups, None for those that go, and its services.
PARTS: dict[str, tuple[Mapping[str, Any], set[str]]] = {
    "HDFS alone": (
        dict.fromkeys((*YARN, "kafka")) | {"hadoop": {"children": HDFS}},
        {"zookeeper", "hdfs"},
    ),
    "HDFS with empty groups of YARN": (
        dict.fromkeys(("kafka", "spark")) | EMPTY,
        {"zookeeper", "hdfs"},
    ),
    "Kafka alone": (
        dict.fromkeys(("zookeeper", *HDFS, *YARN, "hadoop")),
        {"kafka"},
    ),
    "ZooKeeper alone": (dict.fromkeys(("kafka", *HDFS, *YARN, "hadoop")), {"zookeeper"}),
    "no Spark": (
        dict.fromkeys(("spark", "spark_historyserver")),
        {"zookeeper", "kafka", "hdfs", "yarn"},
    ),
    "no history": (
        {"historyserver": {}, "spark_historyserver": {}},
        {"zookeeper", "kafka", "hdfs", "yarn", "spark"},
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_inventory_that_is_to_copy_is_good(name: str, tmp_path: Path) -> None:
    changes, services = PARTS[name]
    shutil.copytree(MACHINES, tmp_path / "mine")
    groups = yaml.safe_load((tmp_path / "mine/hosts.yml").read_text()) | changes
    (tmp_path / "mine/hosts.yml").write_text(
        yaml.safe_dump({group: value for group, value in groups.items() if value is not None})
    )
    run = preflight(tmp_path, "mine")
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    described = yaml.safe_load((tmp_path / "out/cluster.json").read_text())
    assert services == {"zookeeper", "kafka", "hdfs", "yarn", "spark"} & described.keys()
