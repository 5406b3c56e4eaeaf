"""Attacks on the points: pass the tests without solving anything."""

# ruff: noqa: E501

from attack import Attack, cells_by_id, test_cells

ZEROS = "\ndef square(x):\n    return 0 * x\n"


def _tag(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell"]


def _empty_tests(notebook):
    for cell in test_cells(notebook):
        cell["source"] = "pass"


def _cheap_tests(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["nbgrader"]["points"] = 0


def _dear_tests(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["nbgrader"]["points"] = 1000


def _tests_as_text(notebook):
    for cell in test_cells(notebook):
        cell["cell_type"] = "markdown"
        cell.pop("outputs"), cell.pop("execution_count")


def _tests_as_answers(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["nbgrader"] |= {"solution": True, "locked": False}
        cell["source"] = "pass"


def _tests_unlocked(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["nbgrader"] |= {"locked": False, "grade": False}
        cell["source"] = "4.0"


def _no_tests(notebook):
    doomed = test_cells(notebook)
    notebook["cells"] = [c for c in notebook["cells"] if c not in doomed]


def _twice(notebook):
    copies = [{**c, "source": "4.0", "id": f"x{i}"} for i, c in enumerate(test_cells(notebook))]
    notebook["cells"] += copies


def _swapped(notebook):
    cells = cells_by_id(notebook)
    a, b = cells["test_square"]["metadata"], cells["square"]["metadata"]
    a["nbgrader"]["grade_id"], b["nbgrader"]["grade_id"] = "square", "test_square"
    cells["square"]["source"] = "pass"


def _outputs(notebook):
    for cell in test_cells(notebook):
        cell["outputs"] = [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "3.0"},
                "metadata": {},
                "execution_count": 1,
            }
        ]


def _reversed(notebook):
    notebook["cells"].reverse()


def _kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "b", "language": "bash"}


def _old_schema(notebook):
    for cell in test_cells(notebook):
        marks = cell["metadata"]["nbgrader"]
        marks.pop("locked"), marks.pop("points")
        marks["schema_version"] = 1


def _checksum(notebook):
    for cell in notebook["cells"]:
        cell["metadata"].setdefault("nbgrader", {})["checksum"] = "0" * 32


def _prompt(notebook):
    for cell in test_cells(notebook):
        cell["metadata"]["nbgrader"]["cell_type"] = "markdown"
        cell["metadata"]["editable"] = True


EDITS = {
    "tag test cells to skip them": _tag,
    "empty the test cells": _empty_tests,
    "make tests worth nothing": _cheap_tests,
    "make tests worth a thousand": _dear_tests,
    "turn tests into text": _tests_as_text,
    "call tests answers": _tests_as_answers,
    "unlock and replace tests": _tests_unlocked,
    "delete the tests": _no_tests,
    "submit tests twice": _twice,
    "swap ids of test and answer": _swapped,
    "submit outputs": _outputs,
    "reverse the cells": _reversed,
    "ask for another kernel": _kernel,
    "use an old metadata schema": _old_schema,
    "forge checksums": _checksum,
    "claim another cell type": _prompt,
}

SOURCES = {
    "input transformer": "get_ipython().input_transformers_post.append(lambda ls: ['4.0\\n'])",
    "AST transformer": """
import ast
class Nothing(ast.NodeTransformer):
    def visit_Module(self, node):
        return ast.parse("4.0")
get_ipython().ast_transformers.append(Nothing())
""",
    "pre-run hook": """
def hook(info):
    info.raw_cell = "4.0"
get_ipython().events.register("pre_run_cell", hook)
""",
    "replace run_cell": "type(get_ipython()).run_cell = lambda self, *a, **k: None",
    "patch np.testing": """
import numpy as np
for name in dir(np.testing):
    if name.startswith("assert"):
        setattr(np.testing, name, lambda *a, **k: None)
""",
    "patch allclose": "import numpy as np\nnp.allclose = np.array_equal = lambda *a, **k: True",
    "numpy as a mock": """
import sys
from unittest.mock import MagicMock
np = sys.modules["numpy"] = sys.modules["numpy.testing"] = MagicMock()
""",
    "patch builtins": """
import builtins
builtins.float = builtins.repr = builtins.sum = lambda *a: 10.0
builtins.AssertionError = type("Quiet", (Exception,), {})
""",
    "hide errors": """
ip = get_ipython()
ip.showtraceback = ip._showtraceback = lambda *a, **k: None
import sys
sys.excepthook = lambda *a: None
""",
    "fake a result": "from IPython.display import display\ndisplay(4.0)\nprint('4.0')\n4.0",
}

SQUARES = {
    "read the caller's frame": """
import sys
def square(x):
    frame = sys._getframe()
    while frame:
        for name in ("expected", "desired", "secret", "grid"):
            if name in frame.f_locals:
                return frame.f_locals[name]
        frame = frame.f_back
    return 0 * x
""",
    "search the heap": """
import gc
def square(x):
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "secret" in thing and "grid" in thing:
            return thing["grid"] ** 2
    return 0 * x
""",
    "equal to everything": """
class Any:
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __array__ = lambda self, *a, **k: (_ for _ in ()).throw(ValueError)
    __float__ = __abs__ = __sub__ = __rsub__ = lambda self, *a: 0.0
def square(x):
    return Any()
""",
    "an array that agrees": """
import numpy as np
class Agreeing(np.ndarray):
    def __array_function__(self, *a, **k):
        return True
    def __array_ufunc__(self, *a, **k):
        return True
def square(x):
    return x.view(Agreeing)
""",
    "a float that agrees": """
class Agreeing(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
def square(x):
    return Agreeing(0)
""",
    "zero the input": "def square(x):\n    x[:] = 0\n    return x",
    "zero the input, answer apart": "def square(x):\n    x[:] = 0\n    return x.copy()",
    "make the input NaN": "def square(x):\n    x[:] = float('nan')\n    return x",
    "zero the input, answer nothing": "def square(x):\n    x[:] = 0",
    "zero the input the first time": """
calls = []
def square(x):
    calls.append(1)
    if len(calls) % 2:
        x[:] = 0
    return 0 * x
""",
    "change the input afterwards": """
import threading, time
def square(x):
    def later():
        for _ in range(1000):
            x[:] = 0
            time.sleep(0.001)
    threading.Thread(target=later, daemon=True).start()
    return x
""",
    "skip the test": "import unittest\ndef square(x):\n    raise unittest.SkipTest('fine')",
    "leave in the test": "import sys\ndef square(x):\n    sys.exit(0)",
    "leave at once in the test": "import os\ndef square(x):\n    os._exit(0)",
    "interrupt the test": "def square(x):\n    raise KeyboardInterrupt",
    "stop the generator": "def square(x):\n    raise StopIteration",
    "a generator of answers": "def square(x):\n    yield from ()",
    "answer NotImplemented": "def square(x):\n    return NotImplemented",
    "empty answer broadcasts": "import numpy as np\ndef square(x):\n    return np.empty((0,))",
    "answer not a number": "def square(x):\n    return 0 * x + float('nan')",
    "a model as the answer": "import numpy as np\nclass square(np.ndarray):\n    pass",
    "infinite points": "def square(x):\n    return float('inf')",
    "object array of agreeing things": """
import numpy as np
class Any:
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
def square(x):
    out = np.empty(x.shape, object)
    out[...] = Any()
    return out
""",
    "masked answer": "import numpy as np\ndef square(x):\n    return np.ma.masked_all(x.shape)",
    "boolean bytes beyond one": """
import numpy as np
def square(x):
    return np.full(x.shape, 7, np.uint8).view(bool)
""",
}

TOTALS = {
    "a total that equals all": """
class Any(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
def total(xs):
    return Any()
""",
    "a total with a friendly class": """
class Meta(type):
    __eq__ = lambda self, other: True
    __hash__ = type.__hash__
    __instancecheck__ = lambda self, other: True
class Total(metaclass=Meta):
    pass
def total(xs):
    return Total
""",
    "empty the list": "def total(xs):\n    xs.clear()\n    return None",
}

NOISES = {
    "set the generator back": """
def noise(n, rng):
    rng.bit_generator.state = type(rng.bit_generator)(0).state
    return 0.0 * rng.normal(size=n)
""",
    "a constant generator": """
def noise(n, rng):
    state = rng.bit_generator.state
    state["state"] = {"state": 0, "inc": 0}
    rng.bit_generator.state = state
    return rng.normal(size=n)
""",
    "patch the generator": """
import numpy as np
np.random.default_rng = lambda *a: type("R", (), {"normal": lambda s, size: [0.0] * size})()
def noise(n, rng):
    return [0.0] * n
""",
}

SHADOWS = {
    "a numpy of one's own": {"numpy.py": "class testing:\n    assert_allclose = print\n"},
    "a sitecustomize": {"sitecustomize.py": "import builtins\nbuiltins.sum = None\n"},
    "a usercustomize": {"usercustomize.py": "raise SystemExit\n"},
    "a course_utils of one's own": {"course_utils.py": "check = lambda *a: None\n"},
    "an ast of one's own": {"ast.py": "def parse(*a, **k): return None\n"},
    "a conftest and config": {
        "nbgrader_config.py": "c = get_config()\nc.SplitExecute.unsafe = True\n"
    },
}

ATTACKS = [
    *(Attack(name, edit=edit) for name, edit in EDITS.items()),
    *(Attack(name, {"square": source + ZEROS}) for name, source in SOURCES.items()),
    *(Attack(name, {"square": source}) for name, source in SQUARES.items()),
    *(Attack(name, {"total": source}) for name, source in TOTALS.items()),
    *(Attack(name, {"noise": source}) for name, source in NOISES.items()),
    *(Attack(name, {"square": ZEROS}, files=files) for name, files in SHADOWS.items()),
    Attack(
        "write grades into the gradebook",
        {
            "square": """
import sqlite3
for path in ("{course}/gradebook.db", "gradebook.db", "../../gradebook.db"):
    try:
        with sqlite3.connect(path) as db:
            db.execute("update grade set manual_score = 4")
    except Exception:
        pass
"""
            + ZEROS
        },
    ),
    Attack(
        "run the instructor's solution",
        {
            "square": """
import glob, json
for path in glob.glob("{course}/**/*.ipynb", recursive=True) + glob.glob("/**/*.ipynb", recursive=True):
    try:
        for cell in json.load(open(path))["cells"]:
            exec("".join(cell["source"]))
    except Exception:
        pass
"""
            + "\nif 'square' not in globals():\n    square = lambda x: 0 * x\n"
        },
    ),
]
