"""Submissions graded a minute: `course grade` and plain nbgrader, on one machine, in one run.

    python benchmarks/grading.py [--sizes 10,100,1000] [--plain 10] [--torch]

Prints a table, with the memory of the process that drives the run, and the time for a class of
10,000 extrapolated from the line through the sizes measured.
"""

import argparse
import json
import logging
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader

from course_utils.grading.batch import grade

ASSIGNMENT = "timing"
NUMPY = (
    "import numpy as np",
    "def smooth(x, width):\n    ### BEGIN SOLUTION\n"
    "    return np.convolve(x, np.ones(width) / width, 'same')\n    ### END SOLUTION",
    "x = np.random.default_rng({seed}).normal(size=200)\n"
    "np.testing.assert_allclose(smooth(x, 5), np.convolve(x, np.ones(5) / 5, 'same'))",
)
TORCH = (
    "import torch",
    "def smooth(x, width):\n    ### BEGIN SOLUTION\n"
    "    kernel = torch.ones(1, 1, width) / width\n"
    "    return torch.nn.functional.conv1d(x[None, None], kernel, padding=width // 2)[0, 0]\n"
    "    ### END SOLUTION",
    "x = torch.randn(200, generator=torch.Generator().manual_seed({seed}))\n"
    "expected = torch.nn.functional.avg_pool1d(x[None], 5, 1, 2)[0]\n"
    "torch.testing.assert_close(smooth(x, 5), expected)",
)
N_PARTS = 3


def cell(source: str, grade_id: str, **marks: object) -> nbformat.NotebookNode:
    """A code cell with nbgrader's metadata."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    marks = {**plain, "schema_version": 3, "grade_id": grade_id, **marks}
    return new_code_cell(source, metadata={"nbgrader": marks})


def make_course(root: Path, kind: tuple[str, str, str], students: int) -> NbGraderAPI:
    """A course whose students all hand in the solution."""
    setup, solution, test = kind
    cells = [cell(setup, "setup", locked=True)]
    for part in range(N_PARTS):
        cells.append(cell(solution, f"answer_{part}", solution=True))
        source = test.format(seed=part)
        cells.append(cell(source, f"test_{part}", grade=True, locked=True, points=1))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=cells, metadata=kernel)
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(notebook, root / "source" / ASSIGNMENT / "timing.ipynb")
    app = NbGrader(log_level=logging.CRITICAL)
    app.load_cwd_config = False
    app.initialize([], root=str(root))
    api = NbGraderAPI(app.coursedir, parent=app)
    made = api.generate_assignment(ASSIGNMENT)
    if not made["success"]:
        raise RuntimeError(made["log"])
    for number in range(students):
        folder = root / "submitted" / f"s{number:05d}" / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / "timing.ipynb").write_text(json.dumps(notebook))
    return api


def time_plain(kind: tuple[str, str, str], students: int) -> float:
    """Seconds that `nbgrader autograde` takes."""
    with tempfile.TemporaryDirectory() as folder:
        api = make_course(Path(folder), kind, students)
        start = time.perf_counter()
        made = api.autograde(ASSIGNMENT, "*")
        if not made["success"]:
            raise RuntimeError(made["log"])
        return time.perf_counter() - start


def time_ours(kind: tuple[str, str, str], students: int, workers: int | None) -> float:
    """Seconds that `course grade` takes, all submissions having earned all points."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_course(root, kind, students)
        summary = grade(root, ASSIGNMENT, workers=workers)
        from course_utils.grading.course import Course

        with Course(root).gradebook() as gradebook:
            scores = [s.score for s in gradebook.assignment_submissions(ASSIGNMENT)]
        if scores != [float(N_PARTS)] * students:
            raise RuntimeError("a right answer did not earn its points")
        return summary.seconds


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000")
    parser.add_argument("--plain", type=int, default=10, help="submissions for plain nbgrader")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["PATH"] = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    kind = TORCH if options.torch else NUMPY
    print(f"{'torch' if options.torch else 'numpy'}, {os.cpu_count()} processors", flush=True)
    seconds = time_plain(kind, options.plain)
    rate = 60 * options.plain / seconds
    print(f"nbgrader      {options.plain:6d}  {seconds:8.1f} s  {rate:6.0f}/min", flush=True)
    sizes = [int(size) for size in options.sizes.split(",")]
    times = []
    for size in sizes:
        times.append(time_ours(kind, size, options.workers))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"course grade  {size:6d}  {times[-1]:8.1f} s  {60 * size / times[-1]:6.0f}/min"
            f"  driver {memory:.0f} MB",
            flush=True,
        )
    if len(sizes) > 1:
        slope, start = np.polyfit(sizes, times, 1)
        print(
            f"a submission {1000 * slope:.0f} ms, start {start:.1f} s; "
            f"10000 by this line: {(start + 1e4 * slope) / 60:.1f} min"
        )


if __name__ == "__main__":
    main()
