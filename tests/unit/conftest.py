"""What all tests need before the first import."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import ansible.module_utils
import pytest

# Where Ansible puts the kit's on a machine, so that they find each other.
ansible.module_utils.__path__.append(str(Path(__file__).parents[2] / "roles/common/module_utils"))

# kafka-python reads its schemas by a deprecated call when imported, and here a warning is an error.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401 (imported once, here)


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A directory in which others than who runs the tests can write: a user's or, without root, a group's."""
    path = tmp_path / "service"
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    else:
        path.chmod(0o775)
    return path
