"""Cluster and directory ids for Kafka, derived from names."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: to_kafka_uuid
author: Millrace
short_description: a Kafka Uuid that is always the same for the same name
description:
  - Ids of clusters and of directories are derived, so that no host has to make them first.
  - None begins with a dash, which command lines would take for an option.
options:
  _input:
    description: the name
    type: str
    required: true
"""

EXAMPLES = r"""
kafka_cluster_id: "{{ cluster_name | to_kafka_uuid }}"
"""

RETURN = r"""
_value:
  description: 22 characters of URL-safe base64
  type: str
"""

#: A random UUID, Millrace's own: ids of other tools never collide with ours.
NAMESPACE = uuid.UUID("5d3f4a50-6c2b-4b53-9c27-5ad5a4b5f1a9")


def to_kafka_uuid(name: str) -> str:
    """A Kafka Uuid (22 characters of URL-safe base64) that is always the same for the same name.

    Every host must format with the same ids: derived ids need no first host that makes them and no file that
    keeps them. None begins with a dash, nor do Kafka's own: command lines would read an option.

    >>> len(to_kafka_uuid("lab"))
    22
    """
    if not isinstance(name, str) or not name:
        raise AnsibleFilterError(f"to_kafka_uuid requires a name, got {name!r}")
    while True:
        derived = uuid.uuid5(NAMESPACE, name)
        text = base64.urlsafe_b64encode(derived.bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
        name += "'"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"to_kafka_uuid": to_kafka_uuid}
