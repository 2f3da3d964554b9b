"""The live cluster of the course, with the verbs that tests/cluster has for any cluster."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
os.environ["MILLRACE_INVENTORY"] = str(CHECKOUT / "inventories/course")
os.environ["MILLRACE_CLUSTER"] = "course"

# The environment first: the description is read when that module is.
from tests.live import site  # noqa: E402

__all__ = ["site"]
