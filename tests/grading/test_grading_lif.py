"""The book's own assignment: the grader gives what `check` gives, and no more."""

import json
from pathlib import Path

import nbformat
import pytest
import small_course as small
from nbgrader import utils

from course_utils.checks import check, grading_seed
from course_utils.grading import execute, plan, rebuild

SOURCE = Path(__file__).parents[2] / "solutions" / "lif" / "lif.ipynb"
PARTS = ("firing_rate", "membrane_step", "noisy_firing_rate", "spiking_readout")
CALLS_THE_BOOK = """
from course_utils import lif
def {part}(*args, **kwargs):
    return lif.{part}(*args, **kwargs)
"""
MISTAKE = """
def firing_rate(current, neuron):
    drive = neuron.r_m * current
    rate = np.zeros_like(drive)
    fires = drive > neuron.v_threshold
    gap = np.log((drive[fires] - neuron.v_reset) / (drive[fires] - neuron.v_threshold))
    rate[fires] = 1 / (neuron.tau_m * gap)
    return rate
"""


@pytest.fixture(scope="module")
def graded():
    """A function from answers to points and printed feedback by part."""
    notebook = nbformat.read(SOURCE, as_version=4)
    cells = {
        c.metadata.nbgrader.grade_id: plan.SourceCell(c.source, c.cell_type, True, "sum")
        for c in notebook.cells
        if "nbgrader" in c.metadata
    }
    made = plan.make_plan(notebook, cells, "lif")
    assert made.topics == ["lif"]
    with execute.Executor(made, secret="s") as executor:

        def run(answers):
            submitted = json.loads(nbformat.writes(notebook))
            for cell in submitted["cells"]:  # the cells to try things in draw for seconds
                if cell["cell_type"] == "code" and "plt.show" in "".join(cell["source"]):
                    cell["source"] = ""
            rebuilt = rebuild.rebuild(small.answered(submitted, answers), made)
            executor.run(rebuilt, student="ada", assignment="lif")
            found = {}
            for cell in rebuilt.cells:
                if utils.is_grade(cell):
                    name = cell.metadata.nbgrader.grade_id.removeprefix("check_")
                    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
                    found[name] = utils.determine_grade(cell)[0], printed
            return found

        yield run


def namespace():
    """The solution's functions in this process."""
    names = {}
    for cell in nbformat.read(SOURCE, as_version=4).cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (marks.get("solution") or marks.get("grade_id") == "setup"):
            exec(cell.source, names)
    return names


def test_the_solution_earns_what_check_says(graded, capsys):
    found = graded({})
    names = namespace()
    with grading_seed("s", "lif", "ada"):
        here = {part: check(f"lif.{part}", names[part]) for part in PARTS}
    capsys.readouterr()
    assert {part: points for part, (points, _) in found.items()} == {
        part: result.points for part, result in here.items()
    }
    assert {part: text for part, (_, text) in found.items()} == {
        part: result.feedback + "\n" for part, result in here.items()
    }
    assert found["firing_rate"][0] == 3.0


def test_a_mistake_gets_its_hint_and_no_points(graded):
    points, feedback = graded({"firing_rate": MISTAKE})["firing_rate"]
    assert points < 3.0
    assert "refractory" in feedback


@pytest.mark.parametrize("part", PARTS[:3])
def test_calling_the_book_earns_nothing(graded, part):
    assert graded({part: CALLS_THE_BOOK.format(part=part)})[part][0] == 0.0


def test_stubs_earn_nothing(graded):
    stubs = {part: f"def {part}(*a, **k):\n    raise NotImplementedError()" for part in PARTS}
    assert {points for points, _ in graded(stubs).values()} == {0.0}
