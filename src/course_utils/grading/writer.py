"""The one writer of grades: nbgrader's gradebook first, then the autograded notebooks.

Both are written whole or not at all, so that a run killed at any moment leaves each submission
either graded or as it was. A gradebook that is locked or away, or a full disk, is waited for.
"""

import contextlib
import glob
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.exc import DBAPIError, SAWarning, SQLAlchemyError

from .course import Course
from .plan import Plan
from .rebuild import UnreadableError, read_file
from .worker import METADATA, Result, submission_digest

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0


class NotWrittenError(RuntimeError):
    """Grades could not be written; what was written before stays, and a run can be resumed."""


class Writer:
    """Writes results of one assignment; a context manager that holds the gradebook open.

    patience: seconds to wait for a gradebook or disk.  notify: told when waiting begins.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        *,
        patience: float = 600.0,
        notify: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._course, self._assignment = course, assignment
        self._patience, self._notify = patience, notify
        self._gradebook: Gradebook | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._disconnect()

    def write(self, result: Result) -> None:
        """Record one submission; raises NotWrittenError when patience runs out."""
        pause, end = _FIRST_PAUSE, time.monotonic() + self._patience
        while True:
            try:
                self._write_grades(result)
                self._write_notebooks(result)
                return
            except (SQLAlchemyError, InvalidEntry, OSError) as error:
                self._disconnect()
                reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
                if time.monotonic() >= end:
                    raise NotWrittenError(
                        f"the grades of {result.student} could not be written: {reason}"
                    ) from error
                if pause == _FIRST_PAUSE:
                    self._notify(f"waiting to write: {reason}")
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def graded(self, student: str, plans: dict[str, Plan]) -> bool:
        """Whether this very submission of this very assignment is already graded, in full."""
        source = self._course.folder("submitted", student, self._assignment)
        target = self._course.folder("autograded", student, self._assignment)
        for name, plan in plans.items():
            stamp = _stamp(target / f"{name}.ipynb")
            if stamp is None or stamp != submission_digest(source, name, plan):
                return False
        try:
            submission = self._connect().find_submission(self._assignment, student)
        except MissingEntry:
            return False
        grades = [g for n in submission.notebooks for g in n.grades]
        return all(g.auto_score is not None or g.needs_manual_grade for g in grades)

    def _connect(self) -> Gradebook:
        if self._gradebook is None:
            self._gradebook = self._course.gradebook()
        return self._gradebook

    def _disconnect(self) -> None:
        if self._gradebook is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._gradebook.db.rollback()
            with contextlib.suppress(SQLAlchemyError):
                self._gradebook.close()
            self._gradebook = None

    def _write_grades(self, result: Result) -> None:
        gradebook = self._connect()
        gradebook.update_or_create_student(result.student)
        stamp = _submitted_at(self._course.folder("submitted", result.student, self._assignment))
        when = {} if stamp is None else {"timestamp": stamp}
        with warnings.catch_warnings():  # nbgrader builds rows that are not yet in the session
            warnings.simplefilter("ignore", SAWarning)
            submission = gradebook.update_or_create_submission(
                self._assignment, result.student, **when
            )
        for notebook in submission.notebooks:
            graded = result.notebooks.get(notebook.name)
            if graded is None:
                continue
            for grade in notebook.grades:
                grade.auto_score = graded.scores.get(grade.name)
                unscored = grade.auto_score is None
                grade.needs_manual_grade = grade.manual_score is not None or unscored
            for comment in notebook.comments:
                comment.auto_comment = graded.comments.get(comment.name)
            notebook.late_submission_penalty = None
        gradebook.db.commit()
        if submission.total_seconds_late > 0:
            self._penalize(submission)

    def _penalize(self, submission: SubmittedAssignment) -> None:
        """nbgrader's own rule, with the course's plugin."""
        rule = AssignLatePenalties(config=self._course.config)
        for notebook in submission.notebooks:
            names = {
                "notebook": notebook.name,
                "assignment": self._assignment,
                "student": submission.student_id,
                "db_url": self._course.directory.db_url,
            }
            rule.preprocess(nbformat.v4.new_notebook(), {"nbgrader": names})

    def _write_notebooks(self, result: Result) -> None:
        """Put the autograded folder in place of an older one by renaming."""
        target = self._course.folder("autograded", result.student, self._assignment)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".{glob.escape(self._assignment)}-*"):
            _remove(left)  # by a run that was killed just here
        new = Path(tempfile.mkdtemp(prefix=f".{self._assignment}-", dir=target.parent))
        try:
            for name, graded in result.notebooks.items():
                path = new / f"{name}.ipynb"
                path.write_text(graded.content, encoding="utf-8")
                path.chmod(0o444)
            stamp = _stamp_text(self._course.folder("submitted", result.student, self._assignment))
            if stamp:
                (new / "timestamp.txt").write_text(stamp)
            new.chmod(0o755)
            _replace(new, target)
        except BaseException:
            _remove(new)
            raise


def _replace(new: Path, target: Path) -> None:
    """`new` becomes `target`; an older `target` is gone only once it stands aside."""
    if target.is_symlink() or not target.exists():
        target.unlink(missing_ok=True)
        new.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(aside / "old")
    new.rename(target)
    _remove(aside)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _stamp(path: Path) -> str | None:
    """The digest that an autograded notebook carries."""
    try:
        metadata = nbformat.read(path, as_version=nbformat.NO_CONVERT).metadata
        return metadata[METADATA]["digest"]
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _stamp_text(folder: Path) -> str:
    """What timestamp.txt says, at most a line of it; never through a link."""
    path = folder / "timestamp.txt"
    if not os.path.lexists(path):
        return ""
    try:
        return read_file(path, 200).decode("utf-8", "replace").strip()
    except UnreadableError:
        return ""


def _submitted_at(folder: Path) -> datetime | None:
    """When it was handed in, by nbgrader's timestamp.txt; None where that says nothing."""
    try:
        return parse_utc(_stamp_text(folder) or None)
    except (ValueError, OverflowError, TypeError):
        return None
