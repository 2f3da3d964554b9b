"""Builds the verified, deterministic tarballs of the products that Millrace installs.

`python -m artifacts build` resolves a product from public registries, checks every file against the committed
lock, lays the kit's launchers over it and packs it. The tarball must have the committed digest, also one that
lay in the cache. What a product is made of is data: see `products/`.
"""

from __future__ import annotations


class ArtifactError(Exception):
    """A file that is not what the lock says, or a source that failed; the message says what to do."""
