"""Which Java machines get, and where it is."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
import yaml
from java_major import java_major

from tests.unit.playbooks import CHECKOUT


@pytest.mark.parametrize(
    ("given", "home"),
    [
        ({}, "/usr/lib/jvm/java-17-openjdk-amd64"),
        ({"java_major": 8, "java_architecture": "arm64"}, "/usr/lib/jvm/java-8-openjdk-arm64"),
        ({"java_home": "/opt/jdk"}, "/opt/jdk"),
        (
            {"__java_machine": {"architecture": "x86_64", "java": {"packages": [21, 25], "homes": []}}},
            "/usr/lib/jvm/java-21-openjdk-amd64",
        ),
        (
            {"__java_machine": {"architecture": "aarch64", "java": {"packages": [17], "homes": []}}},
            "/usr/lib/jvm/java-17-openjdk-arm64",
        ),
    ],
)
def test_its_directory_follows_the_machine(given: dict[str, Any], home: str) -> None:
    defaults, made = (
        yaml.safe_load((CHECKOUT / f"roles/java/{each}/main.yml").read_text())
        for each in ("defaults", "vars")
    )
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters["java_major"] = java_major

    def render(text: str, **variables: Any) -> str:
        return environment.from_string(text).render(variables)

    variables = {"__java_machine": {}} | defaults | given
    for name in ("java_major", "java_architecture", "java_home"):
        variables[name] = render(str(variables[name]), **variables)
    assert variables["java_home"] == home
    # The services have one name for it.
    [link] = made["java_service"]["links"]
    assert (link["path"], render(link["target"], java_home=home)) == ("/opt/java", home)


#: What the machine has, and what it gets of 17 and 21.
MACHINES: list[tuple[dict[str, Any], int]] = [
    ({}, 17),
    ({"java": {"packages": [17], "homes": []}}, 17),
    ({"java": {"packages": [21, 25], "homes": []}}, 21),
    # The release before had it, and nobody mends it any more.
    ({"java": {"packages": [21, 25], "homes": ["/usr/lib/jvm/java-17-openjdk-amd64"]}}, 21),
    ({"java": {"packages": [], "homes": ["/usr/lib/jvm/java-21-openjdk-amd64"]}}, 21),
    ({"java": {"packages": [25], "homes": ["/usr/lib/jvm/java-25-openjdk-amd64"]}}, 17),
]


@pytest.mark.parametrize(("machine", "major"), MACHINES)
def test_a_machine_gets_what_its_release_has(machine: dict[str, Any], major: int) -> None:
    assert java_major([17, 21], machine) == major


@pytest.mark.parametrize("role", ["zookeeper", "hdfs", "kafka", "yarn", "spark"])
def test_a_service_stands_on_it(role: str) -> None:
    """Its link moves where the daemons are restarted that read through it, and where none is."""
    made = yaml.safe_load((CHECKOUT / f"roles/{role}/vars/main.yml").read_text())
    assert made[f"{role}_service"]["base"][0] == "{{ java_service }}"


def test_whatever_brings_a_service_to_its_state_brings_what_it_stands_on() -> None:
    files = [CHECKOUT / f"roles/common/tasks/{name}.yml" for name in ("start", "restart")]
    calls = [
        task
        for path in [*files, CHECKOUT / "roles/zookeeper/tasks/resize_step.yml"]
        for task in path.read_text().split("service_state:")[1:]
        if "services:" in task
    ]
    assert len(calls) == 3
    assert all("_service.base + [" in call.partition("state:")[0] for call in calls)
