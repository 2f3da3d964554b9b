"""Role artifact as far as it needs no machine: what is refused before a host is touched, what a host gets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from artifacts.product import load
from tests.unit.playbooks import finish, start


def write_yaml(path: Path, content: object) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_a_tampered_jar_is_refused_by_name_before_any_host_is_contacted(tmp_path: Path) -> None:
    """Also by the plays that follow; ssh here is a program that leaves a trace."""
    locked = min(load("zookeeper", "3.4.6").locked_parts())
    jar = tmp_path / "cache" / "jars" / "zookeeper-3.4.6" / locked
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"not what is locked")
    contacted, ssh = tmp_path / "contacted", tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\ntouch {contacted}\nexit 255\n")
    ssh.chmod(0o755)
    hosts = {name: {"ansible_host": "192.0.2.1"} for name in ("one", "two")}
    variables = {"ansible_ssh_executable": str(ssh), "millrace_cache": str(tmp_path / "cache")}
    inventory = write_yaml(
        tmp_path / "hosts.yml", {"all": {"children": {"cluster": {"hosts": hosts}}, "vars": variables}}
    )
    following = write_yaml(
        tmp_path / "following.yml", [{"hosts": "cluster", "gather_facts": False, "tasks": [{"ping": None}]}]
    )
    versions = json.dumps({"artifact_versions": {"zookeeper": "3.4.6"}})
    run = start(
        tmp_path, *("--inventory", inventory, "--extra-vars", versions), "playbooks/artifacts.yml", following
    )
    output = finish(run)
    assert run.returncode == 2, output
    assert f"{jar}: its SHA-512 is not the locked one" in output
    assert "ping" not in output
    assert not contacted.exists()
    assert not (tmp_path / "artifacts.json").exists()


def test_a_machine_without_the_mount_gets_what_it_needs_once(tmp_path: Path) -> None:
    """The tarballs that the roles would unpack there, and none of another machine's."""
    cache, delivered = tmp_path / "cache" / "tarballs", tmp_path / "delivered"
    cache.mkdir(parents=True)
    for name in ("kafka.tar", "hadoop.tar", "spark.tar"):
        (cache / name).write_text(name)

    def service(name: str, host: str, *tarballs: str) -> dict[str, object]:
        artifacts = [{"tarball": f"{delivered}/{tarball}"} for tarball in tarballs]
        return {"name": name, "hosts": [host]} | ({"artifacts": artifacts} if tarballs else {})

    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "millrace_cache": str(tmp_path / "cache"),
            "common_artifact_dir": str(delivered),
            "artifact_versions": {},
            "common_services": [
                service("kafka", "localhost", "kafka.tar", "kafka.tar"),
                service("hadoop", "localhost", "hadoop.tar"),
                service("yarn", "localhost"),
                service("spark", "elsewhere", "spark.tar"),
            ],
        },
        "tasks": [{"import_role": {"name": "artifact", "tasks_from": "deliver"}}],
    }
    playbook = write_yaml(tmp_path / "play.yml", [play])

    def changed(*words: str) -> int:
        run = start(tmp_path, *("--inventory", "localhost,", "--connection", "local"), *words, playbook)
        output = finish(run)
        assert run.returncode == 0, output
        return int(re.findall(r"changed=(\d+)", output)[-1])

    assert changed("--extra-vars", "artifact_mounted=true") == 0
    assert not delivered.exists()
    assert changed() == 2
    assert {path.name: path.read_text() for path in delivered.iterdir()} == {
        "hadoop.tar": "hadoop.tar",
        "kafka.tar": "kafka.tar",
    }
