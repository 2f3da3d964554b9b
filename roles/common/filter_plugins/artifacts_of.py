"""The artifacts of products as their committed locks have them: nothing need be built to know them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: artifacts_of
author: Millrace
short_description: path and digest of the tarballs of products, from the committed locks
description:
  - Reads C(products/NAME/VERSION/tarball.sha512) of the builder. No tarball need be there, neither on the
    controller nor on the machine.
  - A product or version that the builder does not know is refused, with those that it knows.
positional: _input, artifacts, directory
options:
  _input:
    description: The products, each as C(NAME-VERSION) or as a list of name and version; all as text.
    type: list
    elements: raw
    required: true
  artifacts:
    description: The directory C(artifacts) of the checkout.
    type: path
    required: true
  directory:
    description: Where the tarballs lie on the machines.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: One version, by its stem
  ansible.builtin.debug:
    msg: "{{ ['kafka-4.3.0'] | artifacts_of(common_checkout ~ '/artifacts', common_artifact_dir) }}"

- name: Several versions, by name and version
  ansible.builtin.debug:
    msg: "{{ pairs | artifacts_of(common_checkout ~ '/artifacts', common_artifact_dir) }}"
  vars:
    pairs: "{{ ['kafka'] | product(['0.8.2.1', '0.10.2.2']) }}"
"""

RETURN = r"""
_value:
  description: An artifact for each product, in their order.
  type: list
  elements: dict
  contains:
    name:
      description: Name of the product.
      type: str
      sample: kafka
    version:
      description: Its version.
      type: str
      sample: 4.3.0
    tarball:
      description: Path of the tarball on the machine.
      type: str
      sample: /var/cache/millrace/kafka-4.3.0-0fcb4ca1964eb439.tar
    sha512:
      description: SHA-512 of the tarball.
      type: str
"""


def artifacts_of(
    products: Iterable[str | Sequence[str]], artifacts: str, directory: str
) -> list[dict[str, str]]:
    """The artifacts of products, as the committed locks of their tarballs have them.

    products: "kafka-4.3.0" or ("kafka", "4.3.0") each
    artifacts: the directory artifacts of the checkout
    directory: where the tarballs lie on the machines

    Raises AnsibleFilterError for a product or version that is not there, naming those that are, and for a
    lock that is broken.

    >>> artifacts_of(["kafka-4.3.0"], "artifacts", "/d")[0]["tarball"].rpartition("-")[0]
    '/d/kafka-4.3.0'
    """
    return [
        {"name": name, "version": version, "tarball": f"{directory}/{file}", "sha512": sha512}
        for name, version in map(_pair, products)
        for file, sha512 in [_locked(Path(artifacts, "products"), name, version)]
    ]


def _pair(product: Any) -> tuple[str, str]:
    pair = product.split("-", 1) if isinstance(product, str) else product
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(each, str) for each in pair):
        return pair[0], pair[1]
    raise AnsibleFilterError(
        f"artifacts_of: {product!r} is no product: give NAME-VERSION, or a list of both, as text in quotes"
    )


def _locked(products: Path, name: str, version: str) -> tuple[str, str]:
    """File name and SHA-512 of a product's tarball."""
    known = sorted((path.parts[-3], path.parts[-2]) for path in products.glob("*/*/tarball.sha512"))
    if (name, version) not in known:
        versions = " ".join(each for product, each in known if product == name)
        others = " ".join(dict.fromkeys(product for product, _ in known)) or "none"
        there = f"its versions are {versions}" if versions else f"the products are {others}"
        raise AnsibleFilterError(f"artifacts_of: there is no {name} {version} in {products}: {there}")
    path = products / name / version / "tarball.sha512"
    file = rf"{re.escape(f'{name}-{version}')}-[0-9a-f]{{16}}\.tar"
    found = re.fullmatch(rf"(?:#.*\n)*([0-9a-f]{{128}})  ({file})\n", path.read_text(encoding="utf-8"))
    if not found:
        raise AnsibleFilterError(
            f"artifacts_of: {path} is no lock of a tarball: restore it, or make it with "
            f"python -m artifacts pack {name}={version}"
        )
    return found[2], found[1]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"artifacts_of": artifacts_of}
