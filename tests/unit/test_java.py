"""Where the machines' Java is, without asking them."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
import yaml

from tests.unit.playbooks import CHECKOUT


@pytest.mark.parametrize(
    ("given", "home"),
    [
        ({}, "/usr/lib/jvm/java-17-openjdk-amd64"),
        ({"java_major": 8, "java_architecture": "arm64"}, "/usr/lib/jvm/java-8-openjdk-arm64"),
        ({"java_home": "/opt/jdk"}, "/opt/jdk"),
    ],
)
def test_its_directory_follows_version_and_architecture(given: dict[str, Any], home: str) -> None:
    defaults, made = (
        yaml.safe_load((CHECKOUT / f"roles/java/{each}/main.yml").read_text())
        for each in ("defaults", "vars")
    )

    def render(text: str, **variables: Any) -> str:
        return (
            jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
            .from_string(text)
            .render(variables)
        )

    variables = defaults | given
    assert render(variables["java_home"], **variables) == home
    # The services have one name for it.
    [link] = made["java_service"]["links"]
    assert (link["path"], render(link["target"], java_home=home)) == ("/opt/java", home)


@pytest.mark.parametrize("role", ["zookeeper", "hdfs", "kafka", "yarn", "spark"])
def test_a_service_stands_on_it(role: str) -> None:
    """Its link moves where the daemons are restarted that read through it, and where none is."""
    made = yaml.safe_load((CHECKOUT / f"roles/{role}/vars/main.yml").read_text())
    assert made[f"{role}_service"]["base"][0] == "{{ java_service }}"


def test_whatever_brings_a_service_to_its_state_brings_what_it_stands_on() -> None:
    files = [CHECKOUT / f"roles/common/tasks/{name}.yml" for name in ("deploy", "restart")]
    calls = [
        task
        for path in [*files, CHECKOUT / "roles/zookeeper/tasks/resize_step.yml"]
        for task in path.read_text().split("service_state:")[1:]
        if "services:" in task
    ]
    assert len(calls) == 3
    assert all("_service.base + [" in call.partition("state:")[0] for call in calls)
