"""A live cluster; the tests run in the order of their files: state as deployed, again, faults."""

from __future__ import annotations

import pytest

from tests.live import pytest_generate_tests, site

__all__ = ["pytest_generate_tests", "site"]


def pytest_configure(config: pytest.Config) -> None:
    """kafka-python leaves a socket to the collector whose broker went away while it connected."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
