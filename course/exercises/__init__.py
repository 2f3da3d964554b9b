"""Six exercises on the student's own cluster: a fault is planted, and a checker says what is still wrong.

Each is a module with the parts that Exercise names. What a student reads of it before it is solved is in
docs/course/exercises.en.md and exercises.fr.md. How one is judged is a pure function: state -> sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from course.exercises.workspace import Workspace


class Exercise(Protocol):
    """A module of this package."""

    HINT: str
    RESTARTS: bool
    """Whether who mends it may start a daemon of the kit."""

    def refusal(self, workspace: Workspace) -> str:
        """Why it cannot be planted now; nothing when it can."""

    def planted(self, workspace: Workspace) -> bool:
        """Whether its fault is there, and can be mended from here."""

    def begun(self, workspace: Workspace) -> bool:
        """Whether what plant makes under its name is there, whatever became of it."""

    def plant(self, workspace: Workspace) -> None:
        """Make the fault, on a cluster that is healthy, and see that it is there."""

    def look(self, workspace: Workspace) -> list[str]:
        """What is still wrong, a sentence each. Changes nothing that the student made."""

    def clear(self, workspace: Workspace) -> None:
        """Remove all that bears its name. The fault itself stays."""
