"""The university course on its cluster: a lab guide that runs as it reads, and what its students need."""

from __future__ import annotations

PROGRAM = ".venv/bin/python -m course"
"""What one types: Debian has no `python`, and only the virtual environment has the packages."""


class CourseError(Exception):
    """Something a student or a teacher can put right; the message says how."""
