"""Honest submissions get what plain nbgrader gives, but for the faults of nbgrader's named here."""

# ruff: noqa: E501

import nbformat
import pytest
import small_course as small

from course_utils.grading.batch import grade

PLAIN_CONFIG = "c = get_config()\nc.Application.log_level = 'WARN'\n"
RIGHT = small.RIGHT
# The three functions are graded apart, so one submission tries three things.
HONEST = {
    "right": RIGHT | {"essay": "I think **squares** are $x^2 < \\infty$."},
    "blank": {},
    "wrong": {
        "square": "def square(x):\n    return 2 * x",
        "total": "def total(xs):\n    return sum(xs) if xs else None",
        "noise": "def noise(n, rng):\n    rng.normal()\n    return rng.normal(size=n)",
    },
    "broken": {
        "square": "def square(x):\n    return x.missing",
        "total": "def total(xs)\n    return 0",
        "noise": "np.random.seed(7)\ndef noise(n, rng):\n    return np.random.normal(size=n)",
    },
    "noisy": {
        "square": "def square(x):\n    print('x' * 100000)\n    return x ** 2",
        "total": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n" + RIGHT["total"],
        "noise": "%precision 3\nnp.random.seed(0)\n" + RIGHT["noise"],
    },
    "fancy": {
        "square": "class Square:\n    def __call__(self, x):\n        return x * x\nsquare = Square()",
        "total": "import functools, operator\n"
        "def total(xs):\n    return functools.reduce(operator.add, xs, 0)",
        "noise": "import time\ndef noise(n, rng):\n    time.sleep(0.5)\n    return rng.normal(size=n)",
    },
    "typed": {
        "square": "def square(x):\n    return (x.astype('f4') ** 2).astype('f4')",
        "total": "def total(xs):\n    return np.sum(xs)",
        "noise": "def noise(n, rng):\n    return np.array([rng.normal() for _ in range(n)])",
    },
    "changes_its_input": RIGHT | {"square": "def square(x):\n    x **= 2\n    return x"},
}
WARNS = RIGHT | {
    "square": "import warnings\ndef square(x):\n    warnings.warn('slow')\n    return x ** 2"
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Scores of every honest submission by plain nbgrader and by `course grade`."""
    plain = small.make_course(tmp_path_factory.mktemp("plain"), config=PLAIN_CONFIG)
    ours = small.make_course(tmp_path_factory.mktemp("ours"))
    for course in (plain, ours):
        for student, answers in (HONEST | {"warns": WARNS}).items():
            small.submit(course, student, answers)
    for student in (*HONEST, "warns"):
        small.autograde(plain, student)
    grade(ours)
    return plain, ours


@pytest.mark.parametrize("student", HONEST)
def test_same_points_as_nbgrader(both, student):
    plain, ours = both
    assert small.scores(ours, student) == small.scores(plain, student)


def test_the_right_answer_earns_all_points(both):
    assert small.auto_total(both[1], "right") == 10.0


def test_a_warning_costs_nothing_here(both):
    """nbgrader gives 0 to a test cell with anything on standard error, however right."""
    plain, ours = both
    assert small.scores(plain, "warns")["test_square"] == 0.0
    assert small.scores(ours, "warns")["test_square"] == 4.0


def test_outputs_are_kept(both):
    path = both[1] / "autograded" / "noisy" / "squares" / "squares.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs)


@pytest.mark.parametrize("student", ["right", "wrong", "warns"])
def test_nbgrader_autograde_gives_the_same_through_its_configuration(both, tmp_path, student):
    course = small.make_course(tmp_path)
    small.submit(course, student, (HONEST | {"warns": WARNS})[student])
    small.autograde(course, student)
    assert small.scores(course, student) == small.scores(both[1], student)
