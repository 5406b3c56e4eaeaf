"""A small course in a temporary folder: one assignment, made as an instructor makes it."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader

ASSIGNMENT = "squares"
NOTEBOOK = "squares"

CONFIG = """
from nbgrader.preprocessors import (
    AssignLatePenalties, CheckCellMetadata, LimitOutput, OverwriteKernelspec, SaveAutoGrades)
from course_utils.grading import preprocessors as split
c = get_config()
c.Application.log_level = "WARN"
c.Autograde.sanitize_preprocessors = [split.Rebuild, OverwriteKernelspec, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [
    split.SplitExecute, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
c.Autograde.pre_convert_hook = split.remove_links
"""

STUB = "raise NotImplementedError()"
RIGHT = {
    "square": "def square(x):\n    return x ** 2",
    "total": "def total(xs):\n    return sum(xs)",
    "noise": "def noise(n, rng):\n    return rng.normal(size=n)",
}


def code(source: str, grade_id: str | None = None, **marks: Any) -> Any:
    """A code cell with nbgrader's metadata when it has a grade id."""
    return new_code_cell(source, metadata=_metadata(grade_id, marks))


def text(source: str, grade_id: str | None = None, **marks: Any) -> Any:
    """A Markdown cell, likewise."""
    return new_markdown_cell(source, metadata=_metadata(grade_id, marks))


def _metadata(grade_id: str | None, marks: dict[str, Any]) -> dict[str, Any]:
    if grade_id is None:
        return {}
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {**plain, "grade_id": grade_id, "schema_version": 3, **marks}}


def source_notebook() -> Any:
    """Ten points: a visible and hidden test, a partial one, one with a generator, one written."""
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}},
        cells=[
            text("# Squares", "opening", locked=True),
            code("import numpy as np", "setup", locked=True),
            code("grid = np.linspace(0.0, 1.0, 5)"),
            code(_solution(RIGHT["square"]), "square", solution=True),
            code(
                "np.testing.assert_allclose(square(grid), grid ** 2)\n"
                "### BEGIN HIDDEN TESTS\n"
                "secret = np.array([3.25, -7.5])\n"
                "np.testing.assert_allclose(square(secret), [10.5625, 56.25])\n"
                "### END HIDDEN TESTS",
                "test_square",
                grade=True,
                locked=True,
                points=4,
            ),
            code(_solution(RIGHT["total"]), "total", solution=True),
            code(
                "points = 0.0\n"
                "if total([1, 2, 3]) == 6:\n"
                "    points += 1.5\n"
                "if total([]) == 0:\n"
                "    points += 1.5\n"
                "points",
                "test_total",
                grade=True,
                locked=True,
                points=3,
            ),
            code(_solution(RIGHT["noise"]), "noise", solution=True),
            code(
                "ours, yours = np.random.default_rng(7), np.random.default_rng(7)\n"
                "for n in (3, 4):\n"
                "    np.testing.assert_array_equal(noise(n, yours), ours.normal(size=n))",
                "test_noise",
                grade=True,
                locked=True,
                points=3,
            ),
            text("Write what you think.", "essay", solution=True, grade=True, points=2),
        ],
    )


def _solution(source: str) -> str:
    head, *body = source.split("\n")
    return "\n".join([head, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"])


def make_course(root: Path, *, config: str = CONFIG, notebook: Any = None) -> Path:
    """Write the course and let nbgrader generate the assignment into its gradebook."""
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    nbformat.write(notebook or source_notebook(), source / f"{NOTEBOOK}.ipynb")
    (root / "nbgrader_config.py").write_text(config)
    # nbgrader calls alembic by name, and tests may run without an activated environment.
    os.environ["PATH"] = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    made = api(root).generate_assignment(ASSIGNMENT)
    assert made["success"], made["log"]
    return root


def api(root: Path) -> NbGraderAPI:
    """nbgrader's own commands on this course."""
    app = NbGrader(log_level=logging.CRITICAL)
    app.load_cwd_config = False
    app.initialize([], root=str(root))
    return NbGraderAPI(app.coursedir, parent=app)


def autograde(root: Path, student: str) -> None:
    """`nbgrader autograde`, whose own warnings (SQLAlchemy, zmq, asyncio) are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = api(root).autograde(ASSIGNMENT, student)
    assert made["success"], made["log"]


def released(root: Path) -> dict[str, Any]:
    """The assignment as students get it."""
    path = root / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    return json.loads(path.read_text())


def answered(notebook: dict[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """The notebook with the sources of solution cells put in by grade id."""
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    return notebook


def submit(root: Path, student: str, answers: Mapping[str, str], **files: bytes) -> Path:
    """Hand in the released notebook with these answers, and files beside it."""
    folder = root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    notebook = answered(released(root), answers)
    (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(notebook))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def scores(root: Path, student: str) -> dict[str, float | None]:
    """The automatic scores in the gradebook by grade id."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, student)
        return {grade.name: grade.auto_score for grade in notebook.grades}


def auto_total(root: Path, student: str) -> float:
    """Points that the grader gave by itself."""
    return sum(score or 0.0 for score in scores(root, student).values())
