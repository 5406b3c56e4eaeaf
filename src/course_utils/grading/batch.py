"""`course grade`: all submissions of an assignment, in parallel, into the gradebook.

Workers grade and write nothing; this process alone writes. At most a few results are under way at
any time, so memory does not grow with the class.
"""

import contextlib
import functools
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .course import Course
from .rebuild import read_files
from .worker import Result, Settings, grade_in_worker, refused, require_wall, start_worker
from .writer import Writer

_TRIES = 3
_UNDER_WAY = 3  # submissions per worker that are handed out at once

# To those who grade: an executor and the number of its workers, for as long as it is needed.
Connect = Callable[[], contextlib.AbstractContextManager[tuple[Executor, int]]]
Lost = tuple[type[BaseException], ...]


class Progress(Protocol):
    """What is told of a run as it goes."""

    def start(self, assignment: str, total: int, skipped: int) -> None: ...

    def step(self, result: Result) -> None: ...

    def note(self, message: str) -> None: ...


@dataclass
class Outcome:
    """What became of one submission."""

    student: str
    seconds: float
    reasons: list[str]


@dataclass
class Summary:
    """A run: what was graded, what could not be, how long it took."""

    assignment: str
    outcomes: list[Outcome] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0

    @property
    def refused(self) -> list[Outcome]:
        """Submissions of which a notebook could not be graded."""
        return [outcome for outcome in self.outcomes if outcome.reasons]


class _Quiet:
    def start(self, assignment: str, total: int, skipped: int) -> None:
        pass

    def step(self, result: Result) -> None:
        pass

    def note(self, message: str) -> None:
        pass


def grade(
    root: Path,
    assignment: str | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    only: str | None = None,
    resume: bool = False,
    unsafe: bool = False,
    cell_seconds: float = 30.0,
    total_seconds: float = 300.0,
    patience: float = 600.0,
    progress: Progress | None = None,
) -> Summary:
    """Grade the submissions of `assignment` in the course at `root` into its gradebook.

    assignment: may be left out where only one has submissions.  workers: processes, as many as
    there are processors by default.  scheduler: address of a Dask scheduler whose workers grade in
    their place.  only: one student.  resume: skip what is graded already.
    unsafe: without a sandbox.  patience: seconds to wait for a locked gradebook or a full disk.
    Raises ValueError on an unknown assignment or student, NoWallError where no sandbox can be
    built, NotWrittenError when grades cannot be written, NoClusterError when the scheduler or its
    workers cannot be used.
    """
    start = time.perf_counter()
    progress = progress or _Quiet()
    course = Course(root)
    assignment = assignment or _only_assignment(course)
    settings = _settings(course, assignment, cell_seconds, total_seconds, unsafe)
    students = _students(course, assignment, only)
    if not unsafe and scheduler is None:
        require_wall([course.root])
    summary = Summary(assignment)
    with Writer(course, assignment, patience=patience, notify=progress.note) as writer:
        todo = [s for s in students if not (resume and writer.graded(s, settings.plans))]
        summary.skipped = len(students) - len(todo)
        progress.start(assignment, len(todo), summary.skipped)
        connect, lost = _connect(course, todo, settings, workers, scheduler, patience)
        for result in _results(course, todo, settings, connect, lost):
            writer.write(result)
            progress.step(result)
            outcome = Outcome(result.student, result.seconds, result.reasons)
            summary.outcomes.append(outcome)
    summary.seconds = time.perf_counter() - start
    return summary


def _connect(
    course: Course,
    todo: list[str],
    settings: Settings,
    workers: int | None,
    scheduler: str | None,
    patience: float,
) -> tuple[Connect, Lost]:
    """How to reach those who grade, and the exceptions by which one of them is seen to be gone."""
    if scheduler is None:
        count = max(1, min(workers or os.cpu_count() or 1, len(todo)))
        return functools.partial(_pool, count, settings), (BrokenExecutor,)
    from . import cluster  # needs the extra `cluster`

    seen = [course.folder("submitted", student, settings.assignment) for student in todo]
    reached = cluster.Cluster(scheduler, settings, seen, patience=patience)
    return reached.connected, cluster.LOST


def _only_assignment(course: Course) -> str:
    found = course.assignments()
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise ValueError(f"assignment: name one; those with submissions are: {listed}")
    return found[0]


def _students(course: Course, assignment: str, only: str | None) -> list[str]:
    students = course.students(assignment)
    if only is not None:
        students = [student for student in students if student == only]
        if not students:
            raise ValueError(f"only: {only!r} has not submitted {assignment!r}")
    if not students:
        raise ValueError(f"assignment: nobody has submitted {assignment!r}")
    return students


def _settings(
    course: Course, assignment: str, cell_seconds: float, total_seconds: float, unsafe: bool
) -> Settings:
    return Settings(
        assignment=assignment,
        plans=course.plans(assignment),
        ours=read_files(course.folder("source", ".", assignment)),
        secret=course.secret(),
        hidden=(course.root,),
        cell_seconds=cell_seconds,
        total_seconds=total_seconds,
        unsafe=unsafe,
    )


def _results(
    course: Course, students: list[str], settings: Settings, connect: Connect, lost: Lost
) -> Iterator[Result]:
    """Results as they come. Those under way when a worker dies are tried again, one by one."""
    waiting = deque(students)
    again: list[str] = []
    while waiting:
        under_way: dict[Future[Result], str] = {}
        with connect() as (executor, workers):
            while waiting or under_way:
                while waiting and len(under_way) < _UNDER_WAY * workers:
                    student = waiting.popleft()
                    under_way[_submit(executor, course, student, settings)] = student
                try:
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        del under_way[future]
                        yield result
                except lost:
                    again += under_way.values()
                    break
    for student in again:
        yield _alone(course, student, settings, connect, lost)


def _alone(
    course: Course, student: str, settings: Settings, connect: Connect, lost: Lost
) -> Result:
    """One submission with nothing else under way; refused when its worker dies again and again."""
    for _ in range(_TRIES):
        with connect() as (executor, _workers):
            try:
                return _submit(executor, course, student, settings).result()
            except lost:
                continue
    folder = course.folder("submitted", student, settings.assignment)
    reason = f"the grader's process ended {_TRIES} times while grading it"
    refusals = {n: refused(n, plan, reason, folder) for n, plan in settings.plans.items()}
    return Result(student, refusals)


def _submit(pool: Executor, course: Course, student: str, settings: Settings) -> Future[Result]:
    folder = course.folder("submitted", student, settings.assignment)
    try:
        return pool.submit(grade_in_worker, student, folder)
    except BrokenExecutor as error:  # it broke between two submissions: found out when waited for
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


@contextlib.contextmanager
def _pool(workers: int, settings: Settings) -> Iterator[tuple[Executor, int]]:
    """Processes that are ended at once, not waited for, when anything goes wrong here."""
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start_worker,
        initargs=(settings, os.getpid()),
    )
    try:
        yield pool, workers
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
