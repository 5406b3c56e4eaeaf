"""The `course` command: what a reader, a student and an instructor do outside a notebook."""

import functools
import http.server
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import click

import course_utils
from course_utils.checks import _engine
from course_utils.grading.commands import grade
from course_utils.grading.doctor import examine

# What each extra is for, and a distribution whose presence shows that it is installed.
EXTRAS = {
    "models": ("torch", "chapters that train networks or read packaged data"),
    "book": ("jupyter-book", "building the book"),
    "grade": ("nbgrader", "making and grading assignments"),
    "dev": ("pytest", "running the tests"),
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(course_utils.__version__, prog_name="course")
def main() -> None:
    """Deep networks as models of the brain: the book's commands."""


@main.command()
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(notebook: Path) -> None:
    """Run an assignment's NOTEBOOK and say what each part would earn, and why.

    The exit code is 0 when every core part earns all its points, else 1.
    """
    try:
        from course_utils.checks.notebook import check_notebook
    except ImportError as error:
        raise click.ClickException(
            f"{error.name} is missing; install it with: pip install 'course-utils[grade]'"
        ) from None
    try:
        report = check_notebook(notebook)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(report)
    sys.exit(0 if report.complete else 1)


@main.command()
@click.option("--port", default=8000, show_default=True, help="Port on this computer.")
@click.option(
    "--site",
    default="_build/html",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the built book.",
)
def serve(port: int, site: Path) -> None:
    """Serve the built book to this computer only, until interrupted."""
    if not (site / "index.html").is_file():
        raise click.ClickException(f"no book in {site}; build it with: make book")
    handler = functools.partial(_QuietHandler, directory=str(site))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on port {port} ({error.strerror}); choose another with --port"
        ) from None
    click.echo(f"The book is at http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped")


@main.command()
@click.argument("topics", nargs=-1, metavar="[TOPIC]...")
@click.option(
    "--folder",
    default="benchmarks",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the benchmarks.",
)
def bench(topics: tuple[str, ...], folder: Path) -> None:
    """Time the kernels of each TOPIC, or of all, beside the peers that are installed.

    Shows each topic's tables and keeps them in the folder's results, from which the book takes
    them; those of a topic whose benchmark fails stay as they were.
    """
    topics = topics or tuple(_engine.topics())
    for topic in topics:
        if not (folder / f"{topic}.py").is_file():
            raise click.ClickException(f"no benchmark {topic}.py in {folder}")
    failed = []
    for topic in topics:
        click.echo(f"\n## {topic}\n")
        script = [sys.executable, str(folder / f"{topic}.py")]
        run = subprocess.run(script, stdout=subprocess.PIPE, text=True)
        click.echo(run.stdout, nl=False)
        if run.returncode:
            failed.append(topic)
            continue
        results = folder / "results" / f"{topic}.md"
        results.parent.mkdir(exist_ok=True)
        results.write_text(run.stdout, encoding="utf-8")
    if failed:
        raise click.ClickException(f"failed, and left as they were: {', '.join(failed)}")


main.add_command(grade)


@main.command()
def doctor() -> None:
    """Say what this installation can do, and what to install for the rest.

    The exit code is 0 when the kernels can run, else 1.
    """
    usable = True
    for name in ("numpy", "scipy", "matplotlib"):
        usable &= _report(name, f"pip install {name}")
    _report("numba", "kernels run without it, more slowly: pip install numba")
    for extra, (distribution, purpose) in EXTRAS.items():
        _report(distribution, f"for {purpose}: pip install 'course-utils[{extra}]'")
    browser = any(map(shutil.which, ("chromium", "google-chrome")))
    _row("Chromium", "found" if browser else "missing", "for the browser tests: install Chromium")
    click.echo("\nWhat this machine can enforce when it grades:")
    for finding in examine():
        click.echo(f"{'yes' if finding.ok else 'NO ':3}  {finding.what}: {finding.detail}")
    sys.exit(0 if usable else 1)


def _report(distribution: str, advice: str) -> bool:
    """Print a line for a distribution; True when it is installed."""
    version = _version(distribution)
    _row(distribution, version or "missing", advice)
    return version is not None


def _row(name: str, state: str, advice: str) -> None:
    shown = advice if state == "missing" else ""
    click.echo(f"{name:14s}{state:16s}{shown}".rstrip())


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are not printed: the one line that matters is the address."""


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
