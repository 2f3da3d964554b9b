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
