"""What service_install takes for the artifacts that the artifacts play made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def to_artifacts(
    manifest: Mapping[str, Mapping[str, Any]], directory: str, stems: Iterable[str], *, current: bool = True
) -> list[dict[str, Any]]:
    """The artifacts of these stems, as the module service_install unpacks them.

    manifest: {"kafka-4.3.0": {"name": "kafka", "version": "4.3.0", "tarball": file name, "sha512": hex}}
    directory: where the tarballs lie on the machines
    current: whether the link /opt/<name> points at it

    Raises AnsibleFilterError for a stem that is not in the manifest.

    >>> manifest = {"a-1": {"name": "a", "version": "1", "tarball": "a-1-0.tar", "sha512": "f"}}
    >>> to_artifacts(manifest, "/var/cache", ["a-1"])[0]["tarball"]
    '/var/cache/a-1-0.tar'
    """
    stems = list(stems)
    if missing := [stem for stem in stems if stem not in manifest]:
        raise AnsibleFilterError(
            f"the artifacts of the last run have no {', '.join(missing)}: run the artifacts play "
            "(playbooks/artifacts.yml), and see artifact_versions"
        )
    return [
        {
            "name": manifest[stem]["name"],
            "version": manifest[stem]["version"],
            "tarball": f"{directory}/{manifest[stem]['tarball']}",
            "sha512": manifest[stem]["sha512"],
            "current": current,
        }
        for stem in stems
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_artifacts": to_artifacts}
