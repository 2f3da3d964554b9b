"""A live cluster; the tests run in the order of their files: state as deployed, again, faults."""

from __future__ import annotations

from tests.live import pytest_generate_tests, site

__all__ = ["pytest_generate_tests", "site"]
