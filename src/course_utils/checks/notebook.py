"""Runs an assignment's notebook from top to bottom and says what each part would earn, and why."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell

from course_utils.checks import _feedback
from course_utils.checks._engine import parts, topics
from course_utils.checks._statement import Part

_CHECK = re.compile(r"""\bcheck\(\s*["'](\w+)\.(\w+)["']""")
_SECONDS_A_CELL = 60


@dataclass(frozen=True)
class PartReport:
    """What one part of an assignment would earn."""

    name: str
    points: float
    max_points: float
    stretch: bool
    feedback: str


@dataclass(frozen=True)
class NotebookReport:
    """What a notebook would earn; as text, the feedback of every part and the totals.

    errors: what stopped in the cells that are not checks.
    """

    parts: tuple[PartReport, ...]
    errors: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        return sum(part.points for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether every core part earns all its points."""
        return all(part.points == part.max_points for part in self.parts if not part.stretch)

    def __str__(self) -> str:
        blocks = [part.feedback for part in self.parts]
        if self.errors:
            blocks.append("\n".join(["Other cells that stopped with an error:", *self.errors]))
        blocks.append(_totals(self.parts))
        return "\n\n".join(blocks)


def check_notebook(path: str | Path) -> NotebookReport:
    """Run the notebook at `path` in a fresh kernel, in its own folder, and report on each part.

    The file is not changed.  Raises FileNotFoundError, and ValueError when the file is no notebook,
    checks no part of the book, or ends its kernel.
    """
    path = Path(path)
    notebook = _read(path)
    topic = _topic(path, notebook)
    checks = [_check_cell(notebook, topic, part) for part in parts(topic)]
    _run(path, notebook)
    reports = tuple(
        _report(f"{topic}.{part.name}", part, cell)
        for part, cell in zip(parts(topic), checks, strict=True)
    )
    others = [cell for cell in notebook.cells if not any(cell is check for check in checks)]
    return NotebookReport(reports, tuple(_errors(others)))


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"{path}: not a Jupyter notebook ({reason[:200]})") from None


def _topic(path: Path, notebook: Any) -> str:
    known = topics()
    for cell in notebook.cells:
        for topic, _ in _CHECK.findall(cell.source):
            if topic in known:
                return topic
    raise ValueError(f'{path}: no cell holds a check of the book, as check("lif.firing_rate", ...)')


def _check_cell(notebook: Any, topic: str, part: Part) -> Any:
    """The graded cell of a part, as it was handed out; put at the end where it was deleted."""
    grade_id = f"check_{part.name}"
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            break
    else:
        cell = new_code_cell()
        notebook.cells.append(cell)
    cell.source = (
        f'from course_utils.checks import check\ncheck("{topic}.{part.name}", {part.name}).points'
    )
    return cell


def _run(path: Path, notebook: Any) -> None:
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # this interpreter's, whatever the student's notebook names
        timeout=_SECONDS_A_CELL,
        interrupt_on_timeout=True,
        error_on_timeout={
            "ename": "TimeoutError",
            "evalue": f"stopped after {_SECONDS_A_CELL} s",
            "traceback": [],
        },
        allow_errors=True,
        extra_arguments=["--log-level=ERROR"],  # a kernel's warnings are not about the notebook
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    try:
        client.execute()
    except DeadKernelError:
        number = 1 + max((i for i, c in enumerate(notebook.cells) if _ran(c)), default=-1)
        raise ValueError(
            f"{path}: the kernel ended in cell {number + 1}, which no cell should bring about "
            "(os._exit, or more memory than there is)"
        ) from None


def _ran(cell: Any) -> bool:
    return cell.cell_type == "code" and "shell.execute_reply" in cell.metadata.get("execution", {})


def _report(name: str, part: Part, cell: Any) -> PartReport:
    """What the check printed and returned, as nbgrader reads it."""
    text = "".join(out.text for out in cell.outputs if out.output_type == "stream")
    results = [out for out in cell.outputs if out.output_type == "execute_result"]
    errors = [f"{out.ename}: {out.evalue}" for out in cell.outputs if out.output_type == "error"]
    earned = float(results[0].data["text/plain"]) if results and not errors else 0.0
    feedback = text.strip()
    if errors:
        feedback = (
            f"{name}: {_feedback.out_of(0, part.max_points)}.\n\nIts check stopped: {errors[0]}"
        )
    return PartReport(name, earned, part.max_points, part.stretch, feedback)


def _errors(cells: Iterable[Any]) -> Iterator[str]:
    for cell in cells:
        for output in cell.get("outputs", ()):
            # a blank part is told by its check
            if output.output_type == "error" and output.ename != "NotImplementedError":
                begin = next((line for line in cell.source.splitlines() if line.strip()), "")
                yield f"    {output.ename}: {output.evalue}"
                yield f"        in the cell that begins  {begin}"


def _totals(reports: tuple[PartReport, ...]) -> str:
    lines = []
    for label, stretch in (("Core", False), ("Stretch", True)):
        group = [report for report in reports if report.stretch is stretch]
        if group:
            earned = sum(report.points for report in group)
            possible = sum(report.max_points for report in group)
            lines.append(f"{label}: {_feedback.out_of(earned, possible)}.")
    return " ".join(lines)
