"""What preflight refuses: one run over an inventory in which each host has one fault."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

#: What is wrong with the lab's inventory in one run: where it stands, the value, and what is said of it.
FAULTS: dict[str, tuple[str, Any, str]] = {
    "zookeeper_heap": ("all", "1 GB", "zookeeper_heap is '1 GB': give a number with k, m or g, such as 512m"),
    "kafka_data_dir": (
        "all",
        "/var/lib",
        "kafka_data_dir is '/var/lib', which is the system's: give a directory",
    ),
    "zookeeper_data_dir": (
        "all",
        "/data/a,b",
        "zookeeper_data_dir is '/data/a,b': write it without ,, which a unit",
    ),
    "smoke_records": ("all", "many", "smoke_records is 'many': give a whole number"),
    "artifact_mounted": ("ini", "perhaps", "artifact_mounted is 'perhaps': give true or false"),
    "kafka_version": ("all", 3.1, "kafka_version is the number 3.1: write it in quotes"),
    "java_options": ("-e", "-Xss1m", "java_options is '-Xss1m': give a list, with -e as JSON: -e"),
    "hdfs_replication": ("millrace-2", 4, "hdfs_replication is 4 with 3 DataNodes: give 1 to 3 there"),
    "kafka_heep": (
        "millrace-2",
        "1g",
        "kafka_heep, given for millrace-2, is no variable of the kit: write kafka_heap",
    ),
    "proof_timeout": (
        "-e",
        "9",
        "proof_timeout, given for all machines, has another name now: write common_timeout",
    ),
    "common_unit_overrides": (
        "all",
        {"Servce": {}},
        "common_unit_overrides has the section Servce: the sections",
    ),
    "zookeeper_env_overrides": (
        "all",
        {"JAVA_HOME": "/x"},
        "zookeeper_env_overrides has JAVA_HOME, which the kit",
    ),
    "kafka_cluster_id": ("millrace-2", "AAAAAAAAAAAAAAAAAAAAAA", "kafka_cluster_id is "),
    "hdfs_directories": (
        "all",
        [{"path": "/a", "owner": "a", "group": "a", "mode": 0o770}],
        "hdfs_directories[0].mode is the number 504: write it in quotes",
    ),
    "yarn_local_dir": ("all", "{{ nowhere }}/x", "yarn_local_dir cannot be made: 'nowhere' is undefined"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines about an inventory with all faults, under a limit to a machine that has none of its own."""
    directory = tmp_path_factory.mktemp("preflight")
    shutil.copytree(CHECKOUT / "inventories/lab", directory / "lab", symlinks=False)

    def given(where: str) -> dict[str, Any]:
        return {name: value for name, (place, value, _) in FAULTS.items() if place == where}

    (directory / "lab/group_vars/cluster").mkdir()
    (directory / "lab/group_vars/cluster.yml").rename(directory / "lab/group_vars/cluster/a.yml")
    (directory / "lab/group_vars/cluster/b.yml").write_text(yaml.safe_dump(given("all")))
    (directory / "lab/host_vars").mkdir()
    (directory / "lab/host_vars/millrace-2.yml").write_text(yaml.safe_dump(given("millrace-2")))
    ini = " ".join(f"{name}={value}" for name, value in given("ini").items())
    (directory / "more.ini").write_text(f"[zookeeper]\nmillrace-1 {ini}\n")
    words = [f"--extra-vars={name}={value}" for name, value in given("-e").items()]
    inventories = ("-i", str(directory / "lab"), "-i", str(directory / "more.ini"))
    run = start(
        directory,
        *inventories,
        "playbooks/preflight.yml",
        "-l",
        "millrace-3",
        *words,
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
    )
    output = finish(run)
    assert run.returncode == 2, output
    [said] = re.findall(r"^fatal: \[millrace-3\]: FAILED! => (.*)$", output, re.MULTILINE)
    lines: list[str] = json.loads(said)["msg"].splitlines()
    assert not (directory / "cluster.json").exists()
    return lines


@pytest.mark.parametrize("variable", FAULTS)
def test_is_refused_with_the_variable_and_what_to_do(refused: list[str], variable: str) -> None:
    place, _, begins = FAULTS[variable]
    [number] = [number for number, line in enumerate(refused) if line.startswith(begins)]
    # Below it stand the machines, the place, and the entry of the documentation.
    *_, entry = refused[number + 1].strip().split(" · ")
    assert re.fullmatch(r"docs/errors\.md#[a-z-]+", entry)
    files = {
        "all": r"cluster/b\.yml:\d+",
        "millrace-2": r"host_vars/millrace-2\.yml:\d+",
        "ini": r"more\.ini:\d+",
        "-e": "-e",
    }
    if variable not in ("kafka_heep", "proof_timeout", "kafka_cluster_id"):
        assert re.search(rf" · (\S*/)?{files[place]} · ", refused[number + 1])


def test_nothing_else_is_refused(refused: list[str]) -> None:
    assert len(refused) == 2 * len(FAULTS)


def test_ports_of_daemons_collide(tmp_path: Path) -> None:
    """What daemons listen at is read from the values of their services; text from -e is a port, too."""
    ports = ("-e", "hadoop_namenode_port=9092", "-e", "zookeeper_client_port=8088")
    run = start(tmp_path, "-i", "inventories/lab", "playbooks/preflight.yml", *ports)
    output = " ".join(finish(run).split())
    assert run.returncode == 2, output
    assert "port 9092 is that of hadoop_namenode_port and kafka_brokers: give each its own" in output
    assert "port 8088 is that of the ResourceManager's pages and zookeeper_client_port: give each" in output


def test_machines_that_no_play_would_reach(tmp_path: Path) -> None:
    """Under whichever limit, here to a machine of no service; what else is said is test_unknown_names'."""
    groups = {"cluster": ["a"], "zookeeper": ["b", "a"], "kafka": ["c"], "others": ["d"]}
    children = {group: {"hosts": dict.fromkeys(hosts)} for group, hosts in groups.items()}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": children}}))
    words = ("--inventory", str(tmp_path / "hosts.json"), "playbooks/preflight.yml", "--limit", "d")
    run = start(tmp_path, *words, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    assert "b, c in groups of services but not in the group cluster: put all machines there" in output
    assert "PLAY [Preflight | Cluster] " not in output


def extended(directory: Path, **more: Any) -> tuple[str, ...]:
    """The preflight of the lab's inventory and of another with these groups."""
    (directory / "more.json").write_text(json.dumps(more))
    return ("-i", "inventories/lab", "-i", str(directory / "more.json"), "playbooks/preflight.yml")


UNKNOWN = (
    "the group kafak (x) is none of the kit: call it kafka, or, if it is your own, less like that",
    "the group NameNodes (millrace-1) is none of the kit: call it namenode, or, if it is your own, less",
    "y in cluster, brokers, but in no group of a service (zookeeper, hadoop, kafka, kafka_controller, spark)",
    "cluster_nam, given for all machines, is no variable of the kit: write cluster_name, or, if it is your",
    "kafka_heep, given for y, is no variable of the kit: write kafka_heap, or, if it is your own, a name",
    "kafka_server_properties, given for all machines, is what the kit makes with kafka_server_properties_o",
)


def test_names_that_the_kit_does_not_know(tmp_path: Path) -> None:
    limit = ("--limit", "y", "--tags", "smoke")
    words = extended(
        tmp_path,
        cluster={"hosts": {"x": {}, "y": {}}, "vars": {"kafka_server_properties": {"log.dirs": "/d"}}},
        kafak={"hosts": {"x": {}}},
        NameNodes={"hosts": {"millrace-1": {}}},
        brokers={"hosts": {"y": {"kafka_heep": "9g"}}},
    )
    run = start(tmp_path, *words, *limit, "-e", "cluster_nam=x", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    [said] = re.findall(r"^fatal: \[[\w-]+\]: FAILED! => (.*)$", output, re.MULTILINE)
    lines = json.loads(said)["msg"].splitlines()[::2]
    assert len(lines) == len(UNKNOWN), lines
    assert [line for line, says in zip(lines, UNKNOWN, strict=True) if not line.startswith(says)] == []
    assert not (tmp_path / "cluster.json").exists()


def test_names_that_are_peoples_own(tmp_path: Path) -> None:
    """Beside the lab's; no value is read for the sake of its name."""
    words = extended(
        tmp_path,
        rack_a={"hosts": {"millrace-1": {}}, "vars": {"rack": "a", "lost": "{{ nowhere }}"}},
        rack_b={"hosts": {"millrace-2": {}, "millrace-3": {}}},
        prod={"children": {"rack_a": {}, "rack_b": {}}},
        kafka2={"hosts": {"other": {"kafka_lag": 1}}},
        zookeepers={},
        web={"hosts": {"page": {}}},
    )
    run = start(tmp_path, *words, "--limit", "millrace-2")
    output = finish(run)
    assert run.returncode == 0, output
    assert (tmp_path / "cluster.json").exists()


def test_an_inventory_that_is_asked_again(tmp_path: Path) -> None:
    """As in a reset of the course: what the first time set is none of the inventory's variables."""
    playbook = "playbooks/preflight.yml"
    run = start(tmp_path, "-i", "inventories/lab", playbook, playbook)
    output = finish(run)
    assert run.returncode == 0, output
    assert output.count("PLAY [Preflight] ") == 2


def test_an_inventory_as_ini(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "tests/inventories/plain/group_vars", tmp_path / "group_vars")
    text = "".join(f"[{group}]\none\n" for group in ("cluster", "zookeeper", "rack_a", "kafak"))
    (tmp_path / "hosts.ini").write_text(f"{text}[web]\npage\n[cluster:vars]\nzookeeper_hepa=96m\n")
    run = start(tmp_path, "-i", str(tmp_path / "hosts.ini"), "playbooks/preflight.yml")
    output = " ".join(finish(run).split())
    assert run.returncode == 2, output
    assert "zookeeper_hepa, given for one, is no variable of the kit: write zookeeper_heap" in output
    assert "the group kafak (one) is none of the kit: call it kafka" in output
    assert "rack_a" not in output


def test_a_machine_that_the_inventory_has_lost(tmp_path: Path) -> None:
    (tmp_path / "machines.json").write_text('{"millrace-1": [], "millrace-4": ["kafka@4"]}')
    refused = start(tmp_path, "-i", "inventories/lab", "playbooks/preflight.yml")
    output = finish(refused)
    assert refused.returncode == 2, output
    assert "millrace-4 is not in the inventory any more, and has had kafka@4" in output
    assert "docs/errors.md#gone-machine" in output
    assert not (tmp_path / "cluster.json").exists()
    accepted = start(
        tmp_path, "-i", "inventories/lab", "playbooks/preflight.yml", "-e", "accept_risk=millrace-4"
    )
    output = finish(accepted)
    assert accepted.returncode == 0, output


def test_an_inventory_without_a_machine(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("")
    run = start(tmp_path, "-i", str(tmp_path / "hosts.ini"), "playbooks/preflight.yml")
    output = finish(run)
    assert run.returncode == 2, output
    assert "the inventory has no machine in the group cluster" in output


def test_a_lab_that_cannot_be_made_is_refused_before_the_artifacts(tmp_path: Path) -> None:
    words = ("-i", "inventories/lab", "-e", '{"lab_prefix": "One/", "lab_mounts": ["/no/such:/b"]}')
    run = start(tmp_path, *words, "playbooks/preflight.yml", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = finish(run)
    assert run.returncode == 2, output
    assert "lab_prefix is 'One/': give small letters" in output
    assert not (tmp_path / "cluster.json").exists()


def test_a_role_alone_is_judged_with_the_machines_that_a_limit_leaves_out(tmp_path: Path) -> None:
    """Replicas are counted by the brokers there are, not by those of the run."""
    brokers = {
        name: {"kafka_brokers": [{"id": number, "host": name, "port": 9092, "controller_port": 9093}]}
        for number, name in enumerate("abc", 1)
    }
    group = {"hosts": brokers, "vars": {"kafka_hosts": list(brokers), "cluster_name": "own"}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": {"brokers": group}}}))
    role = {"name": "kafka", "tasks_from": "roll", "rolespec_validate": False}
    judged = {"name": "common", "tasks_from": "preflight"}
    play = {
        "hosts": "brokers",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.import_role": role, "tags": "never"},
            {"ansible.builtin.include_role": judged, "vars": {"common_service": {"name": "kafka"}}},
        ],
    }
    (tmp_path / "play.json").write_text(json.dumps([play]))
    words = ("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.json"), "--limit", "a")
    run = start(tmp_path, *words)
    output = finish(run)
    assert run.returncode == 0, output
    refused = start(tmp_path, *words, "-e", "kafka_replication_factor=4")
    assert "kafka_replication_factor is 4 with 3 brokers: give 1 to 3" in finish(refused)
