"""The `course` command: its answers, its errors, its exit codes."""

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

import course_utils
from course_utils import cli

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.main, arguments)
    return result.exit_code, result.output


def test_version_is_the_packages() -> None:
    code, output = run("--version")
    assert code == 0
    assert course_utils.__version__ in output


def test_help_names_every_command() -> None:
    code, output = run("--help")
    assert code == 0
    for command in ("check", "doctor", "serve"):
        assert command in output


def test_doctor_names_what_is_installed() -> None:
    code, output = run("doctor")
    assert code == 0
    assert "numpy" in output
    assert "missing" not in output.split("numba")[0]


def test_doctor_fails_without_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cli._version
    monkeypatch.setattr(cli, "_version", lambda name: None if name == "scipy" else real(name))
    code, output = run("doctor")
    assert code == 1
    assert "pip install scipy" in output


def test_check_gives_the_solution_all_points_and_exits_0() -> None:
    code, output = run("check", str(ROOT / "solutions/lif/lif.ipynb"))
    assert code == 0, output
    assert "10 of 10" in output


def test_check_of_the_blank_exercise_exits_1() -> None:
    code, output = run("check", str(ROOT / "exercises/lif/lif.ipynb"))
    assert code == 1
    assert "0 of 10" in output


def test_check_of_a_file_that_is_no_notebook_says_so(tmp_path: Path) -> None:
    (tmp_path / "lif.ipynb").write_text("not JSON")
    code, output = run("check", str(tmp_path / "lif.ipynb"))
    assert code == 1
    assert "Error:" in output
    assert "Traceback" not in output


def test_serve_without_a_book_says_how_to_build_it(tmp_path: Path) -> None:
    code, output = run("serve", "--site", str(tmp_path))
    assert code == 1
    assert "make book" in output


def test_serve_on_a_taken_port_says_so(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>book</p>")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, output = run("serve", "--site", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "--port" in output


def test_serve_answers_on_this_computer(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>book</p>")
    command = [
        sys.executable,
        "-u",
        "-m",
        "course_utils.cli",
        "serve",
        "--site",
        str(tmp_path),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split(" at ")[1].split()[0]
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address) as page:
                assert page.read() == b"<p>book</p>"
        finally:
            server.terminate()


def test_bench_keeps_the_tables_of_what_succeeds(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("print('| a table |')")
    (tmp_path / "bad.py").write_text("print('| half a table |'); raise SystemExit(1)")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "bad.md").write_text("| the last table |\n")
    code, output = run("bench", "bad", "good", "--folder", str(tmp_path))
    assert code == 1
    assert "failed, and left as they were: bad" in output
    assert (tmp_path / "results" / "good.md").read_text() == "| a table |\n"
    assert (tmp_path / "results" / "bad.md").read_text() == "| the last table |\n"


def test_bench_names_a_benchmark_that_is_not_there(tmp_path: Path) -> None:
    code, output = run("bench", "retina", "--folder", str(tmp_path))
    assert code == 1
    assert "no benchmark retina.py" in output
