"""A cluster that the last release has deployed."""

from __future__ import annotations

from tests.live import pytest_generate_tests, site

__all__ = ["pytest_generate_tests", "site"]
