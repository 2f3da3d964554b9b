"""The receipt's versions are those that lie on the machines."""

from __future__ import annotations

from pathlib import Path

from smoke.cluster import load
from smoke.versions import installed, parse
from tests.unit.smoke_lab import LAB, write


def test_parse_reads_links_and_javas_own_word() -> None:
    said = 'zookeeper zookeeper-3.9.5-d4c09c0ccab420a3\nhadoop hadoop-3.5.0\nkafka \njava "17.0.19"\n'
    assert parse(said) == {"zookeeper": "3.9.5", "hadoop": "3.5.0", "java": "17.0.19"}
    assert parse("java /usr/lib/jvm/java-8-openjdk-amd64\n") == {"java": "/usr/lib/jvm/java-8-openjdk-amd64"}


def test_machines_that_differ_are_named_and_one_that_is_silent_is_unknown(tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text('#!/bin/sh\n[ "$1" != c ] || exit 255\necho "kafka kafka-4.3.0-$2"\n')
    script.chmod(0o755)

    def machine(name: str, digest: str) -> dict[str, list[str]]:
        return {"ssh": [str(script), name, digest]}

    same = {"a": machine("a", "0" * 16), "b": machine("b", "1" * 16)}
    document = {key: LAB[key] for key in ("name", "stack", "versions")}
    cluster = load(write(tmp_path, document | {"machines": same}))
    assert installed(cluster) == {"kafka": "4.3.0"}
    cluster = load(write(tmp_path, document | {"machines": same | {"c": machine("c", "")}}))
    assert installed(cluster)["kafka"] == "4.3.0 on a, b; unknown on c"
