"""The instructor's notebook is the authority: plan, rebuilding, points, outputs, views."""

import ast
import base64
import json
import os

import nbformat
import pytest
import small_course as small
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.grading import outputs, plan, points, rebuild, view


def make_plan(notebook):
    """The plan of a source notebook as the gradebook would know it."""
    cells = {
        c.metadata.nbgrader.grade_id: plan.SourceCell(c.source, c.cell_type, True, "sum")
        for c in notebook.cells
        if "nbgrader" in c.metadata
    }
    return plan.make_plan(notebook, cells, "squares")


@pytest.fixture(scope="module")
def squares():
    return make_plan(small.source_notebook())


def test_tests_run_on_what_is_the_instructors(squares):
    assert squares.tests["test_square"].names == ["square"]
    assert squares.tests["test_square"].hidden
    assert not squares.tests["test_total"].hidden
    assert squares.definitions["test_square"] == [
        ("import numpy as np", []),
        ("grid = np.linspace(0.0, 1.0, 5)", []),
    ]
    assert squares.definitions["test_total"] == []


def one_test(*cells, test):
    source = [small.code(c) if isinstance(c, str) else c for c in cells]
    marks = {"grade": True, "locked": True, "points": 1}
    return make_plan(nbformat.v4.new_notebook(cells=[*source, small.code(test, "t", **marks)]))


def test_names_that_need_the_student_are_the_students():
    answer = small.code("def f(x):\n    return x", "f", solution=True)
    made = one_test("a = 2\nb = f(a)", answer, test="assert b == f(a)")
    assert made.tests["t"].names == ["b", "f"]
    assert made.definitions["t"] == [("a = 2", [])]


def test_a_builtin_that_students_write_is_theirs():
    answer = small.code("def sum(x):\n    return 0", "f", solution=True)
    assert one_test(answer, test="assert sum([1]) == len([1])").tests["t"].names == ["sum"]


def test_what_helpers_call_is_fetched():
    answer = small.code("def f(x):\n    return x", "f", solution=True)
    helper = small.code("def twice(x):\n    return f(f(x))", "h", locked=True)
    made = one_test(answer, helper, test="assert twice(1) == 1")
    assert made.tests["t"].names == ["f"]
    assert made.definitions["t"] == [("def twice(x):\n    return f(f(x))", [])]


def test_locked_cells_ask_the_students_functions_themselves():
    """Else a student's process could put anything into a variable that a test reads."""
    answer = small.code("def f(x):\n    return x", "f", solution=True)
    locked = small.code("values = [f(x) for x in range(3)]\nprint(f(1))", "h", locked=True)
    made = one_test(answer, locked, test="assert values == [0, 1, 2]")
    assert made.definitions["t"] == [("values = [f(x) for x in range(3)]", ["f"])]
    assert "values" not in made.tests["t"].names


def test_imports_of_the_solution_serve_its_tests():
    answer = small.code("import math\ndef f(x):\n    return math.pi", "f", solution=True)
    made = one_test(answer, test="assert f(1) == math.pi")
    assert made.tests["t"].names == ["f"]
    assert made.definitions["t"] == [("import math", [])]


def test_a_changed_test_changes_the_digest(squares):
    notebook = small.source_notebook()
    notebook.cells[6].source += "\n# clearer"
    assert make_plan(notebook).digest != squares.digest
    assert make_plan(small.source_notebook()).digest == squares.digest


def test_hidden_tests_are_left_out():
    source = "a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc"
    assert plan.without_hidden_tests(source) == "a\nc"


def test_only_answers_and_free_cells_are_taken(squares):
    submitted = json.loads(nbformat.writes(small.source_notebook()))
    small.answered(submitted, {"square": "mine", "test_square": "pass", "setup": "evil"})
    submitted["cells"].append({"cell_type": "code", "source": "extra", "metadata": {"tags": ["x"]}})
    made = rebuild.rebuild(submitted, squares)
    nbformat.validate(made)
    sources = {
        c.metadata.nbgrader.grade_id: c.source for c in made.cells if "nbgrader" in c.metadata
    }
    assert sources["square"] == "mine"
    assert sources["test_square"] == squares.cells["test_square"].source
    assert sources["setup"] == "import numpy as np"
    assert made.cells[-1].source == "extra"
    assert "tags" not in made.cells[-1].metadata


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "outputs"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.lists(JSON, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_cells_give_a_valid_notebook(cells):
    squares = make_plan(small.source_notebook())
    made = rebuild.rebuild({"cells": cells}, squares)
    nbformat.validate(made)
    graded = [c for c in made.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert len(graded) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b and $x<y$", "a < b and $x< y$"),
        ("[x](https://example.org)", "[x](https://example.org)"),
        ("[x](#there)", "[x](#there)"),
        ("**bold** $\\alpha$", "**bold** $\\alpha$"),
        ("<b>x</b>", "< b>x< /b>"),
        ("![x](https://example.org/y.png)", "[x](https://example.org/y.png)"),
    ],
)
def test_markdown_stays_text(text, expected):
    assert rebuild.safe_markdown(text) == expected


def test_files_are_read_without_following_links(tmp_path):
    folder = tmp_path / "submission"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("1")
    (tmp_path / "secret").write_text("s")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    assert rebuild.read_files(folder) == {"data/a.csv": b"1"}
    with pytest.raises(rebuild.UnreadableError, match="is a link"):
        rebuild.read_file(folder / "link", 100)


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        ("2.0", ""),
        ("0.0", ""),
        ("3.0000000001", ""),
        ("'done'", ""),
        ("True", ""),
        ("False", "False"),
        ("nan", "no number of points"),
        ("-1", "no number of points"),
        ("inf", "points of 3"),
        ("1e9", "points of 3"),
    ],
)
def test_points_that_nbgrader_gives_away(shown, problem):
    result = {"output_type": "execute_result", "data": {"text/plain": shown}}
    settled = points.settled([result], 3.0)
    assert settled == [result] if not problem else problem in settled[-1]["evalue"]


def test_outputs_keep_text_and_true_images():
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
    data = {"text/html": "<b>", "text/plain": "x", "image/png": png, "image/jpeg": png}
    (kept,) = outputs.clean_outputs([{"output_type": "display_data", "data": data}], 1)
    assert kept.data == {"text/plain": "x", "image/png": png}


@given(st.lists(JSON, max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_outputs_become_valid_ones(claimed):
    cell = nbformat.v4.new_code_cell("x", outputs=outputs.clean_outputs(claimed, 1))
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_terminal_commands_are_taken_out_and_colors_stay():
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J"
    (kept,) = outputs.clean_outputs([{"output_type": "stream", "text": text}], 1)
    assert "\x1b[31mred\x1b[0m" in kept.text
    assert kept.text.count("\x1b") == 2


def functions(path):
    """Names of a module's functions, and of those that do something."""
    nodes = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)]
    real = {n.name for n in nodes if not (len(n.body) == 1 and isinstance(n.body[0], ast.Raise))}
    return {n.name for n in nodes}, real


def test_the_students_copy_lacks_the_answers(tmp_path):
    view.write_view(tmp_path, role="student", topics=["lif"])
    package = tmp_path / "course_utils"
    names, real = functions(package / "lif.py")
    assert {"firing_rate", "membrane_step", "noisy_firing_rate", "simulate"} <= names
    assert not {"firing_rate", "membrane_step", "noisy_firing_rate", "simulate"} & real
    assert "class LIFNeuron" in (package / "lif.py").read_text()
    assert not (package / "_compiled" / "lif.py").exists()
    assert [path.name for path in (package / "checks").iterdir()] == ["__init__.py"]
    assert {path.name for path in (package / "grading").iterdir()} == {"inside", "__init__.py"}
    _, other = functions(package / "oja.py")
    assert "oja_rule" in other


def test_the_trusted_copy_has_them(tmp_path):
    view.write_view(tmp_path, role="trusted", topics=["lif"])
    assert (tmp_path / "course_utils" / "checks" / "_engine.py").is_file()
    assert "firing_rate" in functions(tmp_path / "course_utils" / "lif.py")[1]
    assert not (tmp_path / "course_utils" / "grading" / "writer.py").exists()
