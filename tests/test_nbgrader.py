"""From release to grade with nbgrader's commands: right, wrong, blank and half-right answers."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

ROOT = Path(__file__).resolve().parents[1]

FORGETS_THE_PAUSE = """
def firing_rate(current, neuron):
    drive = neuron.r_m * np.asarray(current, dtype=float)
    fires = drive > neuron.v_threshold
    rate = np.zeros_like(drive)
    climb = np.log((drive[fires] - neuron.v_reset) / (drive[fires] - neuron.v_threshold))
    rate[fires] = 1 / (neuron.tau_m * climb)
    return rate
"""
# Answers by grade id, put into the released notebook; "solution" takes the instructor's.
SUBMISSIONS: dict[str, dict[str, str]] = {
    "ada": dict.fromkeys(
        ["firing_rate", "membrane_step", "noisy_firing_rate", "spiking_readout"], "solution"
    ),
    "ben": {"firing_rate": FORGETS_THE_PAUSE},
    "cyd": {},
    "dee": {"firing_rate": "solution", "membrane_step": "solution"},
}
SCORES = {"ada": 12.0, "ben": 0.5, "cyd": 0.0, "dee": 7.0}


def nbgrader(course: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def by_grade_id(notebook: Any) -> dict[str, Any]:
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course after its first assignment was graded and returned."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions", course / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    nbgrader(course, "generate_assignment", "lif", "--create")
    released = course / "exercises" / "lif" / "lif.ipynb"
    solutions = by_grade_id(nbformat.read(course / "solutions/lif/lif.ipynb", as_version=4))
    for student, answers in SUBMISSIONS.items():
        notebook = nbformat.read(released, as_version=4)
        handed_out = by_grade_id(notebook)
        for name, answer in answers.items():
            source = solutions[name].source if answer == "solution" else answer
            handed_out[name].source = source
        folder = course / "submitted" / student / "lif"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "lif.ipynb")
    nbgrader(course, "autograde", "lif", "--create")
    nbgrader(course, "generate_feedback", "lif")
    nbgrader(course, "export")
    return course


@pytest.mark.parametrize("student", SUBMISSIONS)
def test_the_gradebook_holds_what_the_answers_earn(course: Path, student: str) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        assert gradebook.find_submission("lif", student).score == SCORES[student]


def test_the_exported_table_holds_the_same_scores(course: Path) -> None:
    with (course / "grades.csv").open(encoding="utf-8") as table:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)}
    assert rows == SCORES


def test_feedback_tells_the_student_what_is_wrong(course: Path) -> None:
    page = (course / "feedback" / "ben" / "lif" / "lif.html").read_text(encoding="utf-8")
    assert "The refractory period is missing" in page
    blank = (course / "feedback" / "cyd" / "lif" / "lif.html").read_text(encoding="utf-8")
    assert "NotImplementedError" in blank


def test_a_graded_cell_gives_its_points_as_a_plain_number(course: Path) -> None:
    notebook = json.loads((course / "autograded/dee/lif/lif.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if not cell["metadata"].get("nbgrader", {}).get("grade"):
            continue
        assert all(output.get("name") != "stderr" for output in cell["outputs"])
        results = [o for o in cell["outputs"] if o["output_type"] == "execute_result"]
        assert all(float("".join(r["data"]["text/plain"])) >= 0 for r in results)
