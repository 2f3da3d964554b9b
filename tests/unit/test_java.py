"""Where the machines' Java is, without asking them."""

from __future__ import annotations

from pathlib import Path

from tests.unit.playbooks import run_local


def test_its_directory_follows_version_and_architecture(tmp_path: Path) -> None:
    for given, home in (
        ({}, "/usr/lib/jvm/java-17-openjdk-amd64"),
        ({"java_major": 8, "java_architecture": "arm64"}, "/usr/lib/jvm/java-8-openjdk-arm64"),
        ({"java_home": "/opt/jdk"}, "/opt/jdk"),
    ):
        role = {"ansible.builtin.import_role": {"name": "java", "tasks_from": "lend"}}
        right = {"ansible.builtin.assert": {"that": f"java_home == '{home}'"}}
        run_local(tmp_path, {"tasks": [role, right], "vars": given})
