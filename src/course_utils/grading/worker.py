"""Grading one submission, in whichever process a scheduler chooses; it writes nothing anywhere."""

import atexit
import ctypes
import hashlib
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import utils

from .execute import Executor
from .plan import Plan
from .process import Template
from .rebuild import UnreadableError, read_files, read_notebook, rebuild
from .sandbox import NoWallError

METADATA = "course_grading"
_MAX_EXECUTORS = 4
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Settings:
    """What all submissions of a run share."""

    assignment: str
    plans: dict[str, Plan]
    ours: dict[str, bytes]
    secret: str
    hidden: tuple[Path, ...]
    cell_seconds: float = 30.0
    total_seconds: float = 300.0
    unsafe: bool = False


@dataclass
class GradedNotebook:
    """One notebook graded: its text, and per cell the score or None for a human to give."""

    content: str
    scores: dict[str, float | None]
    comments: dict[str, str | None]
    reason: str = ""


@dataclass
class Result:
    """One submission graded, or the reason why it earned nothing."""

    student: str
    notebooks: dict[str, GradedNotebook] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def reasons(self) -> list[str]:
        """Why notebooks of it could not be graded."""
        return [n.reason for n in self.notebooks.values() if n.reason]


def grade_submission(student: str, folder: Path, settings: Settings) -> Result:
    """Grade all notebooks of one submission; whatever the submission is, this returns.

    Raises NoWallError, and only that, when this machine cannot keep student code apart.
    """
    start = time.perf_counter()
    result = Result(student)
    for name, plan in settings.plans.items():
        try:
            result.notebooks[name] = _graded(student, folder, name, plan, settings)
        except NoWallError:
            raise
        except UnreadableError as error:
            result.notebooks[name] = refused(name, plan, str(error), folder)
        except Exception as error:
            reason = f"the grader failed on it ({type(error).__name__})"
            result.notebooks[name] = refused(name, plan, reason, folder)
    result.seconds = time.perf_counter() - start
    return result


def submission_digest(folder: Path, name: str, plan: Plan) -> str:
    """Of a submission's bytes and the assignment's: two equal ones need no second grading."""
    digest = hashlib.sha256(plan.digest.encode())
    paths = [folder / f"{name}.ipynb", *(folder / path for path in _listed(folder))]
    for path in paths:
        digest.update(f"\0{path.name}\0".encode())
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                for part in iter(lambda: file.read(1 << 20), b""):
                    digest.update(part)
    return digest.hexdigest()[:32]


def refused(name: str, plan: Plan, reason: str, folder: Path) -> GradedNotebook:
    """Nothing earned: the assignment's notebook without answers, opened by the reason."""
    notebook = rebuild({"cells": []}, plan)
    text = f"**This submission was not graded:** {reason}. It earned no points."
    opening = {"cell_type": "markdown", "id": "reason", "metadata": {}, "source": text}
    notebook.cells.insert(0, nbformat.from_dict(opening))
    graded = [cell for cell in notebook.cells if utils.is_grade(cell) or utils.is_task(cell)]
    scores: dict[str, float | None] = {c.metadata.nbgrader.grade_id: 0.0 for c in graded}
    answers = [cell for cell in notebook.cells if utils.is_solution(cell) or utils.is_task(cell)]
    comments = {c.metadata.nbgrader.grade_id: f"Not graded: {reason}." for c in answers}
    content = _stamped(notebook, folder, name, plan)
    return GradedNotebook(content, scores, dict(comments), reason)


def start_worker(settings: Settings, driver: int) -> None:
    """In a pool's process: end when the process `driver` does, leave interrupts to it."""
    use_settings(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != driver:  # it died before the line above, and nothing would end this
            os._exit(1)


def use_settings(settings: Settings) -> None:
    """What `grade_in_worker` grades by from now on, in this process."""
    global _settings
    _settings = settings


def grade_in_worker(student: str, folder: Path) -> Result:
    """`grade_submission` with the settings that this process was given."""
    if _settings is None:
        raise RuntimeError("use_settings has not run in this process")
    with _one_at_a_time:
        return grade_submission(student, folder, _settings)


_settings: Settings | None = None
_one_at_a_time = threading.Lock()  # a Dask worker may have several threads, an executor has one


def require_wall(hidden: list[Path]) -> None:
    """Start and end one sandboxed process; raises NoWallError where that is not possible."""
    template = Template("trusted", hidden=hidden)
    try:
        template.fork({}).kill()
    except RuntimeError:
        raise NoWallError(f"no process can be isolated: {template.why_lost()}") from None
    finally:
        template.close()


def _graded(
    student: str, folder: Path, name: str, plan: Plan, settings: Settings
) -> GradedNotebook:
    if folder.is_symlink():
        raise UnreadableError("the submission is a link")
    notebook = rebuild(read_notebook(folder / f"{name}.ipynb"), plan)
    _executor(plan, settings).run(
        notebook,
        student=student,
        assignment=settings.assignment,
        theirs=read_files(folder),
        ours=settings.ours,
    )
    scores: dict[str, float | None] = {}
    comments: dict[str, str | None] = {}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if utils.is_grade(cell):
            scores[grade_id] = utils.determine_grade(cell)[0]
        if utils.is_task(cell):
            scores[grade_id], comments[grade_id] = None, None
        elif utils.is_solution(cell):
            untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
            comments[grade_id] = "No response." if untouched else None
    return GradedNotebook(_stamped(notebook, folder, name, plan), scores, comments)


def _stamped(notebook: nbformat.NotebookNode, folder: Path, name: str, plan: Plan) -> str:
    notebook.metadata[METADATA] = {"digest": submission_digest(folder, name, plan)}
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT)


_executors: OrderedDict[str, Executor] = OrderedDict()


def _executor(plan: Plan, settings: Settings) -> Executor:
    """This process's warm executor for a plan; the one not used for longest makes room."""
    key = f"{settings.assignment} {plan.digest} {settings.unsafe}"
    if key not in _executors:
        if not _executors:
            atexit.register(close_executors)
        while len(_executors) >= _MAX_EXECUTORS:
            _executors.popitem(last=False)[1].close()
        _executors[key] = Executor(
            plan,
            cell_seconds=settings.cell_seconds,
            total_seconds=settings.total_seconds,
            hidden=settings.hidden,
            unsafe=settings.unsafe,
            secret=settings.secret,
        )
    _executors.move_to_end(key)
    return _executors[key]


def close_executors() -> None:
    """End this process's templates."""
    while _executors:
        _executors.popitem()[1].close()


def _listed(folder: Path) -> list[Any]:
    try:
        return sorted(read_files(folder))
    except UnreadableError:
        return []
