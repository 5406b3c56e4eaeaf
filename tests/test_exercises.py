"""Assignments: the students' version is what nbgrader makes; points and names are the checks'."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course_utils import checks

ROOT = Path(__file__).resolve().parents[1]
each_topic = pytest.mark.parametrize("topic", checks.topics())


def cells(folder: str, topic: str) -> list[dict[str, Any]]:
    path = ROOT / folder / topic / f"{topic}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook["cells"]


def graded(folder: str, topic: str) -> list[dict[str, Any]]:
    return [c for c in cells(folder, topic) if c["metadata"].get("nbgrader", {}).get("grade")]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with every assignment made again."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions", course / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    for topic in checks.topics():
        subprocess.run(
            [sys.executable, "-m", "nbgrader", "generate_assignment", topic, "--create"],
            cwd=course,
            check=True,
            capture_output=True,
            timeout=120,
        )
    return course / "exercises"


@each_topic
def test_generating_an_exercise_again_changes_nothing(topic: str, generated: Path) -> None:
    name = f"{topic}/{topic}.ipynb"
    again = (generated / name).read_text(encoding="utf-8")
    assert again == (ROOT / "exercises" / name).read_text(encoding="utf-8"), (
        f"exercises/{name} is not what nbgrader makes of solutions/{name}: run make exercises"
    )


@each_topic
def test_the_students_version_holds_no_solution(topic: str) -> None:
    for cell in cells("exercises", topic):
        assert "BEGIN SOLUTION" not in cell["source"]
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            assert "raise NotImplementedError" in cell["source"], cell["id"]


@each_topic
@pytest.mark.parametrize("folder", ["solutions", "exercises"])
def test_graded_cells_are_the_parts_of_the_checks(topic: str, folder: str) -> None:
    parts = checks.parts(topic)
    found = graded(folder, topic)
    assert [c["metadata"]["nbgrader"]["grade_id"] for c in found] == [
        f"check_{part.name}" for part in parts
    ]
    for cell, part in zip(found, parts, strict=True):
        assert cell["metadata"]["nbgrader"]["points"] == part.max_points
        assert cell["metadata"]["nbgrader"]["locked"]
        assert cell["source"] == f'check("{topic}.{part.name}", {part.name}).points'


@each_topic
def test_each_part_has_a_stub_of_its_name_and_its_points_in_the_heading(topic: str) -> None:
    text = "\n".join(c["source"] for c in cells("exercises", topic) if c["cell_type"] == "markdown")
    code = "\n".join(c["source"] for c in cells("exercises", topic) if c["cell_type"] == "code")
    for part in checks.parts(topic):
        assert re.search(rf"^def {part.name}\(", code, re.MULTILINE)
        assert re.search(rf"\({part.max_points:g} points?( on top)?\)", text), part.name
