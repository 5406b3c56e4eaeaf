"""nbgrader's own commands over the split grader: what nbgrader_config.py puts in its lists.

c.Autograde.sanitize_preprocessors = [Rebuild, OverwriteKernelspec, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [SplitExecute, LimitOutput, SaveAutoGrades,
                                       AssignLatePenalties, CheckCellMetadata]
"""

import atexit
import functools
import stat
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float

from .course import Course, open_course
from .execute import Executor
from .rebuild import read_files, rebuild

Resources = dict[str, Any]


class Rebuild(NbGraderPreprocessor):
    """In place of DeduplicateIds and OverwriteCells: the instructor's notebook, with answers."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        plan = _course().plan(names["assignment"], names["notebook"])
        return rebuild(nb, plan), resources


class SplitExecute(NbGraderPreprocessor):
    """In place of Execute: the student's cells and the tests, each in a process of its own."""

    timeout = Float(30.0, help="Seconds for a cell.").tag(config=True)
    total_timeout = Float(300.0, help="Seconds for a submission.").tag(config=True)
    unsafe = Bool(False, help="Run student code without a sandbox.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        course = _course()
        executor = _executor(
            course.root,
            names["assignment"],
            names["notebook"],
            self.timeout,
            self.total_timeout,
            self.unsafe,
        )
        executor.run(
            nb,
            student=names["student"],
            assignment=names["assignment"],
            theirs=read_files(course.folder("submitted", names["student"], names["assignment"])),
            ours=read_files(course.folder("source", ".", names["assignment"])),
        )
        return nb, resources


def remove_links(assignment: str, student: str, notebooks: list[str]) -> None:
    """For c.Autograde.pre_convert_hook: nbgrader would copy what a link in a submission names.

    nbgrader passes patterns and swallows exceptions, so this mends instead of refusing.
    """
    base = _course().folder("submitted", student, assignment)
    for folder in Path("/").glob(str(base.relative_to("/"))):
        for path in [folder, *folder.rglob("*")]:
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                path.unlink()
                path.write_text("This was a link or a device; it was removed before grading.\n")


def _course() -> Course:
    return open_course(Path.cwd())  # nbgrader's converters change to the course's folder


@functools.cache
def _executor(
    root: Path, assignment: str, notebook: str, cell: float, total: float, unsafe: bool
) -> Executor:
    course = open_course(root)
    executor = Executor(
        course.plan(assignment, notebook),
        cell_seconds=cell,
        total_seconds=total,
        hidden=[root],
        unsafe=unsafe,
        secret=course.secret(),
    )
    atexit.register(executor.close)
    return executor
