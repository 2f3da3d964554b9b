"""What service_install takes for the artifacts of a run."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from to_artifacts import FilterModule, to_artifacts

MANIFEST = {
    f"kafka-{version}": {
        "name": "kafka",
        "version": version,
        "tarball": f"kafka-{version}-key.tar",
        "sha512": "f" * 128,
        "bytes": 1,
        "source": "maven",
        "built": True,
    }
    for version in ("0.8.2.1", "0.10.2.2")
}


def test_golden() -> None:
    assert to_artifacts(MANIFEST, "/var/cache/millrace", ["kafka-0.10.2.2"], current=False) == [
        {
            "name": "kafka",
            "version": "0.10.2.2",
            "tarball": "/var/cache/millrace/kafka-0.10.2.2-key.tar",
            "sha512": "f" * 128,
            "current": False,
        }
    ]
    assert to_artifacts(MANIFEST, "/d", []) == []
    assert [each["current"] for each in to_artifacts(MANIFEST, "/d", MANIFEST)] == [True, True]


def test_what_no_run_made_is_named() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        to_artifacts(MANIFEST, "/d", ["kafka-0.8.2.1", "kafka-4.3.0", "spark-2.2.1"])
    assert refused.value.message == (
        "the artifacts of the last run have no kafka-4.3.0, spark-2.2.1: run the artifacts play "
        "(playbooks/artifacts.yml), and see artifact_versions"
    )


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"to_artifacts": to_artifacts}
