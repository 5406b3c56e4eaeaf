"""One attack: a small submission whose author solved nothing.

Each must earn 0 points and do no harm. `{course}`, `{port}`, `{token}` and `{peer}` in a source
stand for the course's folder, a listening port, a word that must turn up nowhere, and the folder
of another student's submission.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """name: what it tries.  answers: sources by grade id.  free: cells put at the end.

    edit: changes the notebook.  files: beside it.  place: changes the submission's folder.
    slow: runs into a time limit.  deserved: points that its honest part earns.
    """

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    edit: Callable[[Notebook], Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    place: Callable[[Path, Path], Any] | None = None
    slow: bool = False
    deserved: float = 0.0


def cells_by_id(notebook: Notebook) -> dict[str, dict[str, Any]]:
    """Cells with a grade id, by it."""
    found = {c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in notebook["cells"]}
    return {grade_id: cell for grade_id, cell in found.items() if grade_id}


def test_cells(notebook: Notebook) -> list[dict[str, Any]]:
    """The test cells."""
    cells = cells_by_id(notebook).items()
    return [cell for grade_id, cell in cells if grade_id.startswith("test_")]


test_cells.__test__ = False  # type: ignore[attr-defined]
