"""A class graded on a Dask scheduler's workers: the same grades, whoever is killed on the way."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import small_course as small
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.grading import batch
from course_utils.grading.batch import grade
from course_utils.grading.cluster import Cluster, GradingWorker, NoClusterError
from course_utils.grading.course import Course

STUDENTS = [f"s{i:02d}" for i in range(8)]


class Dask:
    """A scheduler and two workers as an instructor would start them, on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._port = str(port)
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker() for _ in range(2)]

    def start_scheduler(self) -> subprocess.Popen:
        host = ["--host", "127.0.0.1", "--port", self._port, "--no-dashboard"]
        return self._start("scheduler", *host)

    def start_worker(self) -> subprocess.Popen:
        alone = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        where = ["--local-directory", str(self._folder / "dask"), "--host", "127.0.0.1"]
        return self._start("worker", self.address, *alone, *where, "--death-timeout", "60")

    def _start(self, *arguments: str) -> subprocess.Popen:
        quiet = {"DASK_LOGGING__DISTRIBUTED": "critical", "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=os.environ | quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    started = Dask(tmp_path)
    yield started
    started.close()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = small.make_course(tmp_path_factory.mktemp("cluster"))
    for i, student in enumerate(STUDENTS):
        answers = small.RIGHT if i % 2 else {"total": small.RIGHT["total"]}
        small.submit(root, student, answers)
    return root


class AfterSome:
    """Does something once, after a few submissions."""

    def __init__(self, number, action):
        self.number, self.action = number, action

    def start(self, assignment, total, skipped):
        pass

    def step(self, result):
        self.number -= 1
        if self.number == 0:
            self.action()

    def note(self, message):
        pass


def assert_graded(course, summary):
    assert sorted(outcome.student for outcome in summary.outcomes) == STUDENTS
    assert not summary.refused
    assert [small.auto_total(course, s) for s in STUDENTS] == [3.0, 10.0] * (len(STUDENTS) // 2)


def test_workers_grade_and_one_that_is_killed_costs_nothing(course, dask):
    progress = AfterSome(2, dask.workers[0].kill)
    assert_graded(course, grade(course, scheduler=dask.address, progress=progress))


def test_a_scheduler_that_restarts_costs_nothing(course, dask):
    def restart():
        dask.scheduler.kill()
        dask.scheduler.wait()
        dask.scheduler = dask.start_scheduler()
        dask.workers.append(dask.start_worker())

    progress = AfterSome(2, restart)
    assert_graded(course, grade(course, scheduler=dask.address, progress=progress))


def test_a_worker_that_does_not_see_the_course_grades_nothing(course, tmp_path):
    made = Course(course)
    settings = batch._settings(made, "squares", 30.0, 300.0, False)
    seen = [made.folder("submitted", student, "squares") for student in STUDENTS]
    elsewhere = GradingWorker(settings, seen)
    elsewhere._seen = [tmp_path / student for student in STUDENTS]
    with pytest.raises(NoClusterError, match="tcp://there does not see the submissions"):
        elsewhere.setup(SimpleNamespace(address="tcp://there"))


def test_a_scheduler_that_is_not_there_is_named(course):
    settings = batch._settings(Course(course), "squares", 30.0, 300.0, False)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cluster = Cluster(f"tcp://127.0.0.1:{port}", settings, [], patience=1.0)
    cluster._timeout = 1.0
    start = time.monotonic()
    with pytest.raises(NoClusterError, match=f"no scheduler answers at tcp://127.0.0.1:{port}"):
        cluster.connected().__enter__()
    assert time.monotonic() - start < 30


def test_the_command_takes_processes_or_a_scheduler(course):
    arguments = ["grade", "--course", str(course), "--workers", "2", "--scheduler", "tcp://x:1"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "a scheduler has its own" in result.output
