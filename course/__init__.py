"""The university course on its cluster: a lab guide that runs as it reads, and what its students need."""

from __future__ import annotations


class CourseError(Exception):
    """Something a student or a teacher can put right; the message says how."""
