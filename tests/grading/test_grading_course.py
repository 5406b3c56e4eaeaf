"""`course grade` on a course: nbgrader's gradebook, its rules, reports, refusal without a wall."""

import csv
import datetime

import pytest
import small_course as small
from click.testing import CliRunner
from nbgrader.api import Gradebook

from course_utils.grading import commands, doctor, sandbox
from course_utils.grading.batch import grade
from course_utils.grading.report import write_reports

LATE_CONFIG = (
    small.CONFIG
    + """
from nbgrader.plugins import LateSubmissionPlugin
class HalfOff(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2
c.AssignLatePenalties.plugin_class = HalfOff
"""
)


@pytest.fixture
def course(tmp_path):
    return small.make_course(tmp_path, config=LATE_CONFIG)


def gradebook(course):
    return Gradebook(f"sqlite:///{course}/gradebook.db")


def due(course, when):
    with gradebook(course) as book:
        book.update_or_create_assignment(small.ASSIGNMENT, duedate=when)


def test_late_penalties_and_extensions_are_nbgraders(course):
    due(course, "2026-01-01 12:00:00 UTC")
    for student in ("late", "extended", "early"):
        folder = small.submit(course, student, small.RIGHT)
        hour = 11 if student == "early" else 14
        (folder / "timestamp.txt").write_text(f"2026-01-01 {hour}:00:00 UTC")
    grade(course, workers=1)
    with gradebook(course) as book:
        book.grant_extension(small.ASSIGNMENT, "extended", hours=3)
    summary = grade(course, workers=1)
    with gradebook(course) as book:
        found = {
            s: book.find_submission(small.ASSIGNMENT, s) for s in ("late", "extended", "early")
        }
        penalty = {s: x.notebooks[0].late_submission_penalty for s, x in found.items()}
        assert penalty == {"late": 5.0, "extended": None, "early": None}
        assert found["late"].timestamp == datetime.datetime(2026, 1, 1, 14)
    _, table = write_reports(course, summary)
    with table.open(newline="") as file:
        rows = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == {"late": 5.0, "extended": 10.0, "early": 10.0}


def test_a_regrade_keeps_manual_grades(course):
    small.submit(course, "ada", small.RIGHT | {"essay": "Thoughts."})
    grade(course, workers=1)
    with gradebook(course) as book:
        essay = book.find_grade("essay", small.NOTEBOOK, small.ASSIGNMENT, "ada")
        assert essay.auto_score is None
        assert essay.needs_manual_grade
        essay.manual_score = 1.5
        book.db.commit()
    small.submit(course, "ada", {"essay": "Thoughts."})
    grade(course, workers=1)
    with gradebook(course) as book:
        essay = book.find_grade("essay", small.NOTEBOOK, small.ASSIGNMENT, "ada")
        assert (essay.manual_score, essay.needs_manual_grade) == (1.5, True)
        assert book.find_submission(small.ASSIGNMENT, "ada").score == 1.5


def test_a_submission_that_cannot_be_read_says_why(course):
    small.submit(course, "ada", small.RIGHT)
    (small.submit(course, "bob", {}) / "squares.ipynb").write_text("{")
    summary = grade(course, workers=1)
    assert [outcome.student for outcome in summary.refused] == ["bob"]
    with gradebook(course) as book:
        comment = book.find_comment("square", small.NOTEBOOK, small.ASSIGNMENT, "bob")
        assert "not valid JSON" in comment.auto_comment
        assert not book.find_submission(small.ASSIGNMENT, "bob").needs_manual_grade


def test_reports_count_and_quote(course):
    small.submit(course, "ada", small.RIGHT)
    small.submit(course, "=cmd()", {"total": small.RIGHT["total"]})
    (small.submit(course, "<script>x", {}) / "squares.ipynb").write_text("{")
    page, table = write_reports(course, grade(course, workers=1))
    with table.open(newline="") as file:
        rows = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == {"ada": 10.0, "'=cmd()": 3.0, "<script>x": 0.0}
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;x" in text
    assert "Median 3.00 of 12" in text


def test_the_command_says_what_it_did(course):
    small.submit(course, "ada", small.RIGHT)
    result = CliRunner().invoke(commands.grade, ["squares", "--course", str(course)])
    assert result.exit_code == 0, result.output
    assert "1 graded, 0 of them refused, 0 skipped" in result.output
    again = CliRunner().invoke(commands.grade, ["--course", str(course), "--resume"])
    assert "0 graded, 0 of them refused, 1 skipped" in again.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["circles"], "circles"), (["squares", "--only", "nobody"], "'nobody' has not submitted")],
)
def test_wrong_names_are_named(course, arguments, message):
    small.submit(course, "ada", small.RIGHT)
    result = CliRunner().invoke(commands.grade, [*arguments, "--course", str(course)])
    assert result.exit_code == 1
    assert message in result.output


def test_nothing_is_graded_without_a_wall(course, monkeypatch):
    small.submit(course, "ada", small.RIGHT)
    monkeypatch.setattr(sandbox.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    result = CliRunner().invoke(commands.grade, ["squares", "--course", str(course)])
    assert result.exit_code == 1
    assert "nothing was graded: bubblewrap is missing" in result.output
    with gradebook(course) as book:
        assert not book.assignment_submissions(small.ASSIGNMENT)


def test_a_course_that_the_sandbox_would_show_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_binds", lambda: [tmp_path])
    with pytest.raises(sandbox.NoWallError, match="lies inside"):
        sandbox.command(tmp_path / "view", [tmp_path / "course"])


def test_other_platforms_are_pointed_to_linux(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    findings = {finding.what: finding for finding in doctor.examine()}
    assert not findings["platform"].ok
    assert "Linux container or virtual machine" in findings["platform"].detail
    assert "sandbox" not in findings


def test_doctor_tries_the_wall():
    findings = {finding.what: finding for finding in doctor.examine()}
    assert findings["sandbox"].ok, findings["sandbox"].detail


def test_unsafe_grades_without_a_wall(course, monkeypatch):
    small.submit(course, "ada", small.RIGHT)
    monkeypatch.setattr(sandbox, "find_bubblewrap", lambda: pytest.fail("a sandbox was used"))
    grade(course, workers=1, unsafe=True)
    assert small.auto_total(course, "ada") == 10.0
