"""What tests may do with the student's objects, and what may be handed to the student's code."""

# ruff: noqa: E501

import json

import nbformat
import pytest
import small_course as small
from nbgrader import utils

from course_utils.grading import execute, plan, rebuild


def grade_cells(setup, cases, limits=None, cell_seconds=20.0):
    """Points of each case (answer, test), worth 1, in one assignment; `setup` is locked."""
    cells = [small.code(setup, "setup", locked=True)]
    for number, (answer, test) in enumerate(cases):
        cells.append(small.code(answer, f"answer_{number}", solution=True))
        marks = {"grade": True, "locked": True, "points": 1}
        cells.append(small.code(test, f"test_{number}", **marks))
    notebook = nbformat.v4.new_notebook(cells=cells)
    kept = {
        c.metadata.nbgrader.grade_id: plan.SourceCell(c.source, c.cell_type, True, "sum")
        for c in notebook.cells
    }
    made = plan.make_plan(notebook, kept, "crossing")
    rebuilt = rebuild.rebuild(json.loads(nbformat.writes(notebook)), made)
    with execute.Executor(made, cell_seconds=cell_seconds, limits=limits) as executor:
        executor.run(rebuilt)
    return [
        (utils.determine_grade(cell)[0], [dict(output) for output in cell.outputs])
        for cell in rebuilt.cells
        if utils.is_grade(cell)
    ]


NUMPY = {
    "a class": (
        "class Account:\n    rate = 2\n    def __init__(self, x):\n        self.x = [x]\n"
        "    def add(self, y):\n        self.x.append(y)\n        return self",
        "a = Account(3)\nassert a.add(4).add(5).x == [3, 4, 5]\nassert Account.rate == 2",
    ),
    "a container": (
        "class Bag:\n    def __getitem__(self, k):\n        return k * 2\n"
        "    def __len__(self):\n        return 3\nbag = Bag()",
        "assert bag[2] == 4\nassert len(bag) == 3\nassert list(zip(range(2), bag)) != []",
    ),
    "a generator function": (
        "def count(n):\n    yield from range(n)",
        "assert list(count(4)) == [0, 1, 2, 3]",
    ),
    "plain variables": (
        "answer, table = 42, {'a': np.arange(3)}",
        "assert answer == 42\nnp.testing.assert_array_equal(table['a'], [0, 1, 2])",
    ),
    "an exception": (
        "def positive(x):\n    if x < 0:\n        raise ValueError('negative: %d' % x)\n    return x",
        "try:\n    positive(-1)\nexcept ValueError as error:\n    assert 'negative: -1' in str(error)\n"
        "else:\n    raise AssertionError",
    ),
    "an own exception": (
        "class Bad(KeyError):\n    pass\ndef fail():\n    raise Bad('x')",
        "try:\n    fail()\nexcept KeyError:\n    pass\nelse:\n    raise AssertionError",
    ),
    "in place": (
        "def double(x):\n    x *= 2\ndef fill(xs):\n    xs.append(7)",
        "x, xs = np.ones(3), [1]\ndouble(x)\nfill(xs)\nassert x.tolist() == [2, 2, 2]\nassert xs == [1, 7]",
    ),
    "a function of the test": (
        "def apply(f, x):\n    return f(x) + 1",
        "assert apply(lambda x: 10 * x, 3) == 31\nassert apply(np.sqrt, 4.0) == 3.0",
    ),
    "a function of the test that calls the student's": (
        "def inner(x):\n    return x + 1\ndef outer(f, x):\n    return f(x) * 2",
        "assert outer(lambda x: inner(x) * 10, 1) == 40",
    ),
    "a generator twice": (
        "def draw(rng):\n    return rng.normal(size=2)",
        "a, b = np.random.default_rng(3), np.random.default_rng(3)\n"
        "for _ in range(3):\n    assert (draw(a) == b.normal(size=2)).all()\n"
        "assert a.random() == b.random()",
    ),
    "a global seed": (
        "def roll(n):\n    return np.random.randint(0, 100, n)",
        "np.random.seed(5)\ngot = roll(6), roll(6), np.random.rand()\nnp.random.seed(5)\n"
        "want = np.random.randint(0, 100, 6), np.random.randint(0, 100, 6), np.random.rand()\n"
        "assert all((g == w).all() for g, w in zip(got[:2], want[:2])) and got[2] == want[2]",
    ),
    "a signature": (
        "def curve(x, *, power=2):\n    return x ** power",
        "import inspect\nassert list(inspect.signature(curve).parameters) == ['x', 'power']",
    ),
    "a record of the course": (
        "def tau(neuron):\n    assert type(neuron).__name__ == 'LIFNeuron'\n    return neuron.tau_m",
        "assert tau(LIFNeuron(tau_m=0.5)) == 0.5",
    ),
}


@pytest.fixture(scope="module")
def numpy_results():
    setup = "import numpy as np\nfrom course_utils.lif import LIFNeuron"
    return dict(zip(NUMPY, grade_cells(setup, NUMPY.values()), strict=True))


@pytest.mark.parametrize("name", NUMPY)
def test_it_crosses(numpy_results, name):
    points, outputs = numpy_results[name]
    assert points == 1.0, outputs


TORCH = {
    "tensors": (
        "def halve(x):\n    return x / 2",
        "x = torch.arange(4.0)\ntorch.testing.assert_close(halve(x), torch.tensor([0, 0.5, 1, 1.5]))",
    ),
    "gradients inside": (
        "def slope(x):\n    x = x.clone().requires_grad_(True)\n    (x ** 3).sum().backward()\n"
        "    return x.grad",
        "torch.testing.assert_close(slope(torch.tensor([2.0])), torch.tensor([12.0]))",
    ),
    "a model": (
        "def sign_step(model, x):\n    x = x.clone().requires_grad_(True)\n"
        "    model(x).sum().backward()\n    return x.detach() + 0.1 * x.grad.sign()",
        "model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))\n"
        "x = torch.zeros(2, 3)\ny = x.clone().requires_grad_(True)\nmodel(y).sum().backward()\n"
        "torch.testing.assert_close(sign_step(model, x), 0.1 * y.grad.sign())",
    ),
    "training in place": (
        "def train(model, x):\n    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "    loss = model(x).pow(2).mean()\n    loss.backward()\n    optimizer.step()",
        "model = torch.nn.Linear(2, 1)\nx = torch.ones(5, 2)\nbefore = model(x).pow(2).mean().item()\n"
        "train(model, x)\nassert model(x).pow(2).mean().item() < before",
    ),
    "a global seed": (
        "def draw(n):\n    return torch.randn(n)",
        "torch.manual_seed(3)\ngot = draw(4)\ntorch.manual_seed(3)\n"
        "torch.testing.assert_close(got, torch.randn(4))",
    ),
    "a model of the student's": (
        "class Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.tensor(3.0))\n"
        "    def forward(self, x):\n        return self.scale * x",
        "net = Net()\nassert net(torch.ones(2)).tolist() == [3, 3]\nassert net.scale.item() == 3",
    ),
}


@pytest.fixture(scope="module")
def torch_results():
    return dict(zip(TORCH, grade_cells("import torch", TORCH.values()), strict=True))


@pytest.mark.parametrize("name", TORCH)
def test_torch_crosses(torch_results, name):
    points, outputs = torch_results[name]
    assert points == 1.0, outputs


def test_what_cannot_cross_is_named():
    answer = "def use(x):\n    return x"
    test = "use(open('/dev/null'))"
    ((points, outputs),) = grade_cells("import numpy as np", [(answer, test)])
    assert points == 0.0
    assert "a test cannot send TextIOWrapper" in outputs[-1]["evalue"]


def test_an_input_set_to_zero_does_not_pass_a_comparison_with_itself():
    answer = "def square(x):\n    x[:] = 0\n    return x.copy()"
    test = "x = np.arange(4.0)\nnp.testing.assert_allclose(square(x), x ** 2)"
    ((points, _),) = grade_cells("import numpy as np", [(answer, test)])
    assert points == 0.0


def test_changes_do_not_outlive_the_test_cell():
    answer = "def square(x):\n    x[:] = 0"
    test = "square(grid)"
    later = ("pass", "assert grid.sum() == 6.0")
    results = grade_cells("import numpy as np\ngrid = np.arange(4.0)", [(answer, test), later])
    assert results[1][0] == 1.0


def test_messages_of_the_students_code_are_withheld_in_hidden_tests():
    answer = "def f(x):\n    raise ValueError(f'LEAK {x}')"
    test = (
        "### BEGIN HIDDEN TESTS\ntry:\n    f(12345)\nexcept ValueError as error:\n"
        "    print(error)\n### END HIDDEN TESTS"
    )
    ((_, outputs),) = grade_cells("import numpy as np", [(answer, test)])
    assert "LEAK" not in str(outputs)


def test_a_bare_except_cannot_hide_a_dead_process():
    answer = "import os\ndef fail(x):\n    os._exit(0)"
    test = "try:\n    fail(1)\n    raised = False\nexcept:\n    raised = True\nassert raised"
    ((points, outputs),) = grade_cells("import numpy as np", [(answer, test)])
    assert points == 0.0
    assert "ended its own process" in outputs[-1]["evalue"]


def test_a_timeout_is_not_an_exception_that_a_test_expects():
    answer = "def fail(x):\n    while True:\n        pass"
    test = "try:\n    fail(1)\nexcept Exception:\n    pass\nelse:\n    raise AssertionError"
    ((points, outputs),) = grade_cells("import numpy as np", [(answer, test)], cell_seconds=1.0)
    assert points == 0.0
    assert "stopped after 1 s" in outputs[-1]["evalue"]


def test_memory_of_many_processes_together_is_watched(monkeypatch):
    """Where no cgroup caps the sum: each process stays below its own limit."""
    from course_utils.grading import process
    from course_utils.grading.inside.limits import Limits

    monkeypatch.setattr(process.Cgroup, "create", lambda limits: None)
    answer = (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        x = bytearray(120 << 20)\n        time.sleep(8)\n        os._exit(0)\n"
        "time.sleep(4)\ndef f():\n    return 1"
    )
    limits = Limits(memory=300 << 20, folder_bytes=64 << 20)
    ((points, outputs),) = grade_cells("", [(answer, "assert f() == 1")], limits)
    assert points == 0.0
    assert "ended its own process" in outputs[-1]["evalue"]
