"""Faults are injected while a class is graded: no grade is lost, none is written twice."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import small_course as small
from nbgrader.api import Gradebook
from sqlalchemy import event

from course_utils.grading import batch, execute, worker, writer
from course_utils.grading.batch import grade
from course_utils.grading.course import Course

N_STUDENTS = 6
STUDENTS = [f"s{i:02d}" for i in range(N_STUDENTS)]
RUN = """
import sys
from pathlib import Path
from course_utils.grading.batch import grade
if __name__ == "__main__":
    grade(Path(sys.argv[1]), workers=2, resume=True)
"""


@pytest.fixture
def course(tmp_path):
    """A course with a dozen submissions, every other one half right."""
    root = small.make_course(tmp_path)
    for i, student in enumerate(STUDENTS):
        answers = small.RIGHT if i % 2 else {"total": small.RIGHT["total"]}
        small.submit(root, student, answers)
    return root


def assert_complete(course):
    """Every submission has its grades, once."""
    assert [small.auto_total(course, s) for s in STUDENTS] == [3.0, 10.0] * (N_STUDENTS // 2)
    with sqlite3.connect(course / "gradebook.db") as database:
        (rows,) = database.execute("select count(*) from submitted_assignment").fetchone()
        (grades,) = database.execute("select count(*) from grade").fetchone()
    database.close()
    assert rows == N_STUDENTS
    assert grades == 4 * N_STUDENTS
    for student in STUDENTS:
        folder = course / "autograded" / student
        assert [path.name for path in folder.iterdir()] == ["squares"]


class AfterSome:
    """Progress that does something once, after a few submissions."""

    def __init__(self, number, action):
        self.number, self.action = number, action
        self.notes = []

    def start(self, assignment, total, skipped):
        pass

    def step(self, result):
        self.number -= 1
        if self.number == 0:
            self.action()

    def note(self, message):
        self.notes.append(message)


def workers():
    """This process's children that grade."""
    children = psutil.Process().children()
    return [c for c in children if "spawn_main" in " ".join(c.cmdline())]


def test_a_killed_worker_costs_nothing(course):
    progress = AfterSome(3, lambda: workers()[0].kill())
    summary = grade(course, workers=2, progress=progress)
    assert sorted(outcome.student for outcome in summary.outcomes) == STUDENTS
    assert not summary.refused
    assert_complete(course)


def test_a_killed_template_costs_nothing(course):
    def kill():
        for child in [child for process in workers() for child in process.children()]:
            child.kill()

    summary = grade(course, workers=2, progress=AfterSome(3, kill))
    assert len(summary.outcomes) == N_STUDENTS
    assert_complete(course)


@pytest.mark.parametrize("moment", ["before the fork", "before the first message", "in a test"])
@pytest.mark.parametrize("role", ["student", "trusted"])
def test_a_template_killed_at_any_moment_costs_nothing(course, monkeypatch, role, moment):
    """Where the death falls is chosen, since a race finds the bad moment only now and then."""
    killed = []

    def kill(executor):
        if not killed and role in executor._templates:
            template = executor._templates[role]._process
            killed.append(template.pid)
            template.kill()
            template.wait()

    fork = execute.Executor._fork
    begin, test = execute._Session.begin, execute._Session._test

    def before_fork(self, wanted, files):
        if moment == "before the fork":
            kill(self)
        running.append(self)
        return fork(self, wanted, files)

    def before_begin(self, identity):
        if moment == "before the first message":
            kill(running[-1])
        return begin(self, identity)

    def before_test(self, plan, grade_id):
        if moment == "in a test":
            kill(running[-1])
        return test(self, plan, grade_id)

    running = []
    monkeypatch.setattr(execute.Executor, "_fork", before_fork)
    monkeypatch.setattr(execute._Session, "begin", before_begin)
    monkeypatch.setattr(execute._Session, "_test", before_test)
    made = Course(course)
    settings = batch._settings(made, "squares", 30.0, 300.0, False)
    try:
        results = [
            worker.grade_submission(s, made.folder("submitted", s, "squares"), settings)
            for s in STUDENTS[:2]
        ]
    finally:
        worker.close_executors()
    assert len(killed) == 1
    assert [result.reasons for result in results] == [[], []]
    totals = [sum(result.notebooks["squares"].scores.values()) for result in results]
    assert totals == [3.0, 10.0]


def test_a_submission_that_always_kills_its_worker_is_refused(course, monkeypatch):
    submit = batch._submit

    def sabotage(pool, course, student, settings):
        future = submit(pool, course, student, settings)
        if student == "s03":
            while not pool._processes:
                time.sleep(0.01)
            for process in list(pool._processes.values()):
                process.kill()
        return future

    monkeypatch.setattr(batch, "_submit", sabotage)
    summary = grade(course, workers=2)
    assert [outcome.student for outcome in summary.refused] == ["s03"]
    assert "ended 3 times" in summary.refused[0].reasons[0]
    assert small.auto_total(course, "s03") == 0.0
    assert small.auto_total(course, "s05") == 10.0


def test_a_killed_driver_is_resumed(course, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for _ in range(20):
        driver = subprocess.Popen([sys.executable, script, course], env=environment)
        started = psutil.Process(driver.pid)
        seen = len(list((course / "autograded").glob("*/squares")))
        deadline = time.monotonic() + 60
        while driver.poll() is None and time.monotonic() < deadline:
            if len(list((course / "autograded").glob("*/squares"))) >= seen + 3:
                family = started.children(recursive=True)
                driver.send_signal(signal.SIGKILL)
                driver.wait()
                _, alive = psutil.wait_procs(family, timeout=10)
                assert not alive
                break
            time.sleep(0.005)
        if driver.returncode == 0:
            break
    assert driver.returncode == 0
    leave_no_partial_folders(course)
    assert_complete(course)


def test_a_worker_whose_driver_died_while_it_started_ends():
    """Else it would wait for work for ever: a killed driver closes no queue."""
    start = "from course_utils.grading.worker import start_worker; start_worker(None, {}); print(1)"
    for driver, code, said in (("os.getppid()", 0, "1\n"), ("os.getpid()", 1, "")):
        program = f"import os; {start.format(driver)}"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (run.returncode, run.stdout) == (code, said), run.stderr


def leave_no_partial_folders(course):
    """A killed driver may leave one hidden folder a kill; a resumed run does not mind them."""
    for folder in (course / "autograded").glob("*/.*"):
        assert folder.name.startswith(".squares-")
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        subprocess.run(["rm", "-r", folder], check=True)


def test_resuming_grades_nothing_twice(course):
    grade(course, workers=2)
    times = {s: (course / "autograded" / s / "squares").stat().st_mtime_ns for s in STUDENTS}
    again = grade(course, workers=2, resume=True)
    assert (again.skipped, again.outcomes) == (N_STUDENTS, [])
    small.submit(course, "s00", small.RIGHT)
    third = grade(course, workers=2, resume=True)
    assert [outcome.student for outcome in third.outcomes] == ["s00"]
    assert small.auto_total(course, "s00") == 10.0
    changed = {
        s
        for s in STUDENTS
        if (course / "autograded" / s / "squares").stat().st_mtime_ns != times[s]
    }
    assert changed == {"s00"}


def test_a_locked_gradebook_is_waited_for(course, monkeypatch):
    held = sqlite3.connect(course / "gradebook.db", check_same_thread=False)
    released = threading.Event()

    def lock():
        held.execute("begin exclusive")
        threading.Timer(7.0, release).start()

    def release():
        held.rollback()
        released.set()

    progress = AfterSome(3, lock)
    grade(course, workers=2, progress=progress)
    assert released.is_set()
    held.close()
    assert any("locked" in note for note in progress.notes)
    assert_complete(course)


def test_a_gradebook_that_is_away_is_waited_for(course):
    path, aside = course / "gradebook.db", course / "gradebook.away"

    def take_away():
        path.rename(aside)
        path.mkdir()
        threading.Timer(2.0, bring_back).start()

    def bring_back():
        path.rmdir()
        aside.rename(path)

    grade(course, workers=2, progress=AfterSome(1, take_away))
    assert_complete(course)


def test_a_full_disk_is_waited_for(course, monkeypatch):
    write_text, failures = Path.write_text, []

    def sometimes_full(self, *args, **kwargs):
        if self.suffix == ".ipynb" and len(failures) < 4:
            failures.append(self)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_text(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", sometimes_full)
    progress = AfterSome(0, None)
    grade(course, workers=2, progress=progress)
    assert len(failures) == 4
    assert any("No space left" in note for note in progress.notes)
    assert_complete(course)


def test_a_disk_that_stays_full_stops_the_run_and_loses_nothing(course, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_write_notebooks", full)
        with pytest.raises(writer.NotWrittenError, match="No space left"):
            grade(course, workers=2, patience=0.5)
    grade(course, workers=2, resume=True)
    assert_complete(course)


def test_grades_of_one_submission_are_written_together(course, monkeypatch):
    """A failure between two cells' grades leaves neither."""
    calls = []

    def fail_once(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("UPDATE grade") and not calls:
            calls.append(statement)
            raise OSError(errno.EIO, "the disk failed")

    connect = writer.Writer._connect

    def watched(self):
        fresh = self._gradebook is None
        gradebook = connect(self)
        if fresh:
            event.listen(gradebook.engine, "after_cursor_execute", fail_once)
        return gradebook

    monkeypatch.setattr(writer.Writer, "_connect", watched)
    with pytest.raises(writer.NotWrittenError):
        grade(course, workers=1, only="s01", patience=0.0)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("squares", "squares", "s01")
        assert {g.auto_score for g in notebook.grades} == {None}
    grade(course, workers=1, only="s01", resume=True)
    assert small.auto_total(course, "s01") == 10.0
