"""`course grade` and `course doctor` on the command line."""

import sys
import time
from pathlib import Path

import click

from .doctor import examine
from .sandbox import NoWallError


class Bar:
    """A line that says how far a run is, how fast, and how long it will take."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._start = time.monotonic()
        self._live = sys.stderr.isatty()

    def start(self, assignment: str, total: int, skipped: int) -> None:
        self._total, self._start = total, time.monotonic()
        already = f", {skipped} graded already" if skipped else ""
        click.echo(f"{assignment}: {total} submissions to grade{already}", err=True)

    def step(self, result: object) -> None:
        self._done += 1
        if not self._live and self._done % max(1, self._total // 20) and self._done < self._total:
            return
        seconds = max(time.monotonic() - self._start, 1e-6)
        rate = self._done / seconds
        left = (self._total - self._done) / rate
        line = (
            f"{self._done}/{self._total}  {60 * rate:.0f} a minute, "
            f"{int(left) // 60}:{int(left) % 60:02d} left"
        )
        last = self._done == self._total
        click.echo(f"\r{line}   " if self._live else line, err=True, nl=last or not self._live)

    def note(self, message: str) -> None:
        click.echo(f"\n{message}" if self._live else message, err=True)


@click.command()
@click.argument("assignment", required=False)
@click.option(
    "--course",
    "root",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the course, where nbgrader_config.py is.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes; all processors by default.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Grade on the workers of a Dask scheduler, tcp://…"
)
@click.option("--only", metavar="STUDENT", help="Grade one student's submission.")
@click.option("--resume", is_flag=True, help="Skip what is graded and has not changed since.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds for a cell.")
@click.option("--unsafe", is_flag=True, help="Run student code WITHOUT a sandbox.")
def grade(
    assignment: str | None,
    root: Path,
    workers: int | None,
    scheduler: str | None,
    only: str | None,
    resume: bool,
    timeout: float,
    unsafe: bool,
) -> None:
    """Grade the submissions of ASSIGNMENT into nbgrader's gradebook."""
    if scheduler is not None and workers is not None:
        raise click.UsageError("--workers counts processes here; a scheduler has its own")
    extra = "grade"
    try:
        from .batch import grade as grade_all
        from .report import write_reports
        from .writer import NotWrittenError

        stops: tuple[type[Exception], ...] = (NotWrittenError,)
        if scheduler is not None:
            extra = "grade,cluster"
            from .cluster import NoClusterError

            stops = (NotWrittenError, NoClusterError)
    except ImportError as error:
        raise click.ClickException(
            f"{error.name} is missing; install it with: pip install 'course-utils[{extra}]'"
        ) from None
    if unsafe:
        click.echo("WARNING: student code runs without a sandbox, as you.", err=True)
    try:
        summary = grade_all(
            root,
            assignment,
            workers=workers,
            scheduler=scheduler,
            only=only,
            resume=resume,
            unsafe=unsafe,
            cell_seconds=timeout,
            progress=Bar(),
        )
        page, table = write_reports(root, summary)
    except NoWallError as error:
        hint = "`course doctor` says what this machine can enforce."
        raise click.ClickException(f"nothing was graded: {error}\n{hint}") from None
    except stops as error:
        raise click.ClickException(f"{error}\nNothing is lost; continue with --resume.") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for outcome in summary.refused:
        click.echo(f"not graded: {outcome.student}: {'; '.join(outcome.reasons)}", err=True)
    click.echo(
        f"{len(summary.outcomes)} graded, {len(summary.refused)} of them refused, "
        f"{summary.skipped} skipped, in {summary.seconds:.1f} s"
    )
    click.echo(f"{page}\n{table}")


@click.command()
def doctor() -> None:
    """Say what this machine can enforce when it grades."""
    findings = examine()
    for finding in findings:
        click.echo(f"{'yes' if finding.ok else 'NO ':3}  {finding.what}: {finding.detail}")
    sys.exit(0 if all(f.ok for f in findings if f.required) else 1)
