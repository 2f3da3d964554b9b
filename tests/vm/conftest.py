"""The machine that QEMU runs."""

from __future__ import annotations

from tests.live import pytest_generate_tests, site

__all__ = ["pytest_generate_tests", "site"]
