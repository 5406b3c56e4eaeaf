"""What an instructor reads after a run: a page about the class, and the grades as a table."""

import csv
import html
import re
import statistics
from collections import Counter
from pathlib import Path

import nbformat
from nbgrader.api import SubmittedAssignment

from .batch import Summary
from .course import Course

_N_SLOWEST = 10
_N_BARS = 10
_HINT = re.compile(r"^\[[^\]\n]{1,60}\]\n(.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left}"
    "td.n{text-align:right}.bar{background:#0072b2;height:1em;display:inline-block}"
)


def write_reports(root: Path, summary: Summary) -> tuple[Path, Path]:
    """Write reports/<assignment>.html and .csv in the course; returns both paths."""
    course = Course(root)
    folder = course.root / "reports"
    folder.mkdir(exist_ok=True)
    page, table = (folder / f"{summary.assignment}.{kind}" for kind in ("html", "csv"))
    with course.gradebook() as gradebook:
        submissions = gradebook.assignment_submissions(summary.assignment)
        rows = [_row(submission) for submission in submissions]
    rows.sort(key=lambda row: str(row["student"]))
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["student"])
        writer.writeheader()
        writer.writerows({k: _inert(v) for k, v in row.items()} for row in rows)
    hints = _hints(course, summary.assignment, [str(row["student"]) for row in rows])
    page.write_text(_page(summary, rows, hints), encoding="utf-8")
    return page, table


def _row(submission: SubmittedAssignment) -> dict[str, object]:
    stamp = submission.timestamp
    penalty = sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)
    return {
        "student": submission.student_id,
        "score": max(submission.score - penalty, 0.0),
        "late_penalty": penalty,
        "max_score": submission.max_score,
        "needs_manual_grade": submission.needs_manual_grade,
        "timestamp": stamp.isoformat() if stamp else "",
        "seconds_late": submission.total_seconds_late,
    }


def _inert(value: object) -> object:
    """Text that a spreadsheet would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def _hints(course: Course, assignment: str, students: list[str]) -> Counter[str]:
    """How many submissions were told each hint, from the outputs of their test cells."""
    counts: Counter[str] = Counter()
    for student in students:
        told = set()
        for path in sorted(course.folder("autograded", student, assignment).glob("*.ipynb")):
            for cell in nbformat.read(path, as_version=nbformat.NO_CONVERT).cells:
                marks = cell.metadata.get("nbgrader", {})
                if cell.cell_type == "code" and marks.get("grade") and not marks.get("solution"):
                    text = "".join(o.text for o in cell.outputs if o.output_type == "stream")
                    told |= {" ".join(hint.split()) for hint in _HINT.findall(text)}
        counts.update(told)
    return counts


def _page(summary: Summary, rows: list[dict[str, object]], hints: Counter[str]) -> str:
    name = html.escape(summary.assignment)
    sections = [
        f"<h1>{name}</h1>",
        f"<p>{len(rows)} submissions in the gradebook; this run graded "
        f"{len(summary.outcomes)} in {summary.seconds:.0f} s.</p>",
        _distribution(rows),
        "<h2>What was told most often</h2>",
        _table([(f"{n}", hint) for hint, n in hints.most_common(12)]) or "<p>No hints.</p>",
        "<h2>Not graded</h2>",
        _table([(o.student, "; ".join(o.reasons)) for o in summary.refused]) or "<p>None.</p>",
        "<h2>Slowest</h2>",
        _table(
            [
                (f"{o.seconds:.1f} s", o.student)
                for o in sorted(summary.outcomes, key=lambda o: -o.seconds)[:_N_SLOWEST]
            ]
        ),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(sections)
        + "</body></html>\n"
    )


def _distribution(rows: list[dict[str, object]]) -> str:
    """Median and histogram of the scores, late penalties taken off, of those fully graded."""
    scores = [float(str(r["score"])) for r in rows]
    full = max((float(str(r["max_score"])) for r in rows), default=0.0)
    if not scores or full <= 0:
        return "<p>No scores yet.</p>"
    counts = [0] * _N_BARS
    for score in scores:
        counts[min(int(_N_BARS * score / full), _N_BARS - 1)] += 1
    bars = "".join(
        f"<tr><td>{full * i / _N_BARS:g} to {full * (i + 1) / _N_BARS:g}</td>"
        f'<td class="n">{n}</td><td><span class="bar" style="width:{n / max(counts) * 20:.1f}em">'
        "</span></td></tr>"
        for i, n in enumerate(counts)
    )
    return (
        f"<h2>Scores</h2><p>Median {statistics.median(scores):.2f} of {full:g}, "
        f"mean {statistics.mean(scores):.2f}.</p><table>{bars}</table>"
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{body}</table>" if rows else ""
