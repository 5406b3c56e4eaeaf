"""The corpus of attacks: none earns a point that it does not deserve, none does harm."""

import contextlib
import importlib
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import small_course as small
from attack import Attack

from course_utils.grading.batch import grade
from course_utils.grading.report import write_reports

CLASSES = ("integrity", "secrecy", "availability", "malformed", "feedback", "protocol")
ONLY = os.environ.get("GRADING_ATTACKS", "")  # part of a name, while working on one attack
CORPUS = {
    f"{name}-{number}": attack
    for name in CLASSES
    for number, attack in enumerate(importlib.import_module(name).ATTACKS)
    if ONLY in attack.name
}
FEEDBACK = {student: attack for student, attack in CORPUS.items() if "feedback" in student}
CELL_SECONDS = 2.0
PEER = "honest"


class Listener:
    """A port and an abstract socket on this machine that nobody should reach."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        tcp = socket.create_server(("127.0.0.1", 0))
        self.port = tcp.getsockname()[1]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", self.port))
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(f"\0course-{self.port}")
        abstract.listen()
        self.sockets = {"tcp": tcp, "udp": udp, "abstract": abstract}
        for name, sock in self.sockets.items():
            sock.settimeout(0.2)
            threading.Thread(target=self._wait, args=(name, sock), daemon=True).start()

    def _wait(self, name: str, sock: socket.socket) -> None:
        while True:
            try:
                sock.recv(1) if name == "udp" else sock.accept()[0].close()
            except TimeoutError:
                continue
            except OSError:
                return
            self.reached.append(name)

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()


def place(attack: Attack, student: str, course: Path, words: dict[str, str]) -> None:
    """Write the attack's submission."""

    def filled(source: str) -> str:
        for name, value in words.items():
            source = source.replace("{" + name + "}", value)
        return source

    answers = {grade_id: filled(source) for grade_id, source in attack.answers.items()}
    folder = small.submit(course, student, answers)
    path = folder / "squares.ipynb"
    notebook = json.loads(path.read_text())
    for number, source in enumerate(attack.free):
        cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
        notebook["cells"].append(cell | {"execution_count": None, "id": f"free-{number}"})
    if attack.edit is not None:
        attack.edit(notebook)
    path.write_text(json.dumps(notebook))
    for name, content in attack.files.items():
        (folder / name).write_text(content)
    if attack.place is not None:
        attack.place(folder, course)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Content of all files below a folder that are small enough to compare."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 22
    }


def sandboxes(folder: Path) -> list[str]:
    """Command lines of the sandboxes whose views lie in `folder`: with them all inside ends."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().decode(errors="replace")
            if str(folder) in line and "bwrap" in line:
                found.append(line)
    return found


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory):
    """The course after grading the whole corpus, and what an observer saw."""
    course = small.make_course(tmp_path_factory.mktemp("course"))
    token = secrets.token_hex(12)
    (course / "private.txt").write_text(token)
    os.environ["GRADING_TEST_TOKEN"] = token
    small.submit(course, PEER, {**small.RIGHT, "essay": f"My own thoughts: {token}"})
    peer = course / "submitted" / PEER / small.ASSIGNMENT
    listener = Listener()
    words = {"course": str(course), "port": str(listener.port), "token": token, "peer": str(peer)}
    for student, attack in CORPUS.items():
        place(attack, student, course, words)
    before = {name: snapshot(course / name) for name in ("source", "submitted")}
    views = tmp_path_factory.mktemp("views")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("TMPDIR", str(views))
    monkeypatch.setattr(tempfile, "tempdir", None)
    try:
        summary = grade(course, cell_seconds=CELL_SECONDS, total_seconds=20, resume=False)
        write_reports(course, summary)
        time.sleep(0.5)
        for student in (PEER, *FEEDBACK):
            made = small.api(course).generate_feedback(small.ASSIGNMENT, student)
            assert made["success"], made["log"]
    finally:
        del os.environ["GRADING_TEST_TOKEN"]
        monkeypatch.undo()
        listener.close()
    after = {name: snapshot(course / name) for name in before}
    return {
        "course": course,
        "token": token,
        "summary": summary,
        "reached": listener.reached,
        "changed": before != after,
        "sandboxes": sandboxes(views),
        "views": list(views.iterdir()),
    }


@pytest.mark.parametrize("student", CORPUS, ids=[f"{s}: {a.name}" for s, a in CORPUS.items()])
def test_attack_earns_nothing_undeserved(aftermath, student):
    assert small.auto_total(aftermath["course"], student) == CORPUS[student].deserved


def test_everybody_was_graded_or_refused_with_a_reason(aftermath):
    outcomes = {outcome.student: outcome for outcome in aftermath["summary"].outcomes}
    assert outcomes.keys() == {*CORPUS, PEER}
    reasons = [reason for outcome in outcomes.values() for reason in outcome.reasons]
    assert not [reason for reason in reasons if "the grader" in reason]


def test_the_honest_peer_is_not_harmed(aftermath):
    assert small.auto_total(aftermath["course"], PEER) == 10.0


def test_no_attack_reached_a_socket(aftermath):
    assert aftermath["reached"] == []


def test_nothing_of_the_course_was_changed(aftermath):
    assert not aftermath["changed"]


def test_no_process_and_no_file_is_left(aftermath):
    assert aftermath["sandboxes"] == []
    assert aftermath["views"] == []


def written_by_grading(course: Path, student: str) -> str:
    """What the grader wrote of a student beside the assignment's own cells."""
    path = course / "autograded" / student / "squares" / "squares.ipynb"
    notebook = nbformat.read(path, as_version=4)
    texts = []
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        outputs = json.dumps(cell.get("outputs", []))
        texts.append(outputs if marks.get("locked") else outputs + cell.source)
    return "\n".join(texts)


@pytest.mark.parametrize("student", CORPUS, ids=[f"{s}: {a.name}" for s, a in CORPUS.items()])
def test_no_secret_is_carried_out(aftermath, student):
    told = written_by_grading(aftermath["course"], student)
    sent = aftermath["token"] in json.dumps(dict(CORPUS[student].answers))
    own = aftermath["token"] in told and CORPUS[student].name in (
        "connect to a port",
        "fetch a page",
        "send a datagram",
    )
    assert aftermath["token"] not in told or sent or own
    assert "-7.5" not in told


def test_autograded_holds_no_files_of_others(aftermath):
    for path in (aftermath["course"] / "autograded").rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.name in ("squares.ipynb", "timestamp.txt")


class Page(HTMLParser):
    """Collects what could run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag in ("iframe", "object", "embed", "form", "base", "svg", "math", "applet", "link"):
            self.active.append(tag)
        if tag == "meta" and (names.get("http-equiv") or "").lower() == "refresh":
            self.active.append("refresh")
        if tag == "script":
            self.active.append(f"script {names.get('src', '')}")
        for name, value in names.items():
            text = "".join((value or "").split()).lower()
            if name.startswith("on") or text.startswith(("javascript:", "vbscript:")):
                self.active.append(f"{tag} {name}")
            if tag == "img" and name == "src" and not text.startswith("data:image/"):
                self.active.append(f"image {text}")
            if tag == "a" and text.startswith("data:"):
                self.active.append("data link")


def active(course: Path, student: str) -> list[str]:
    page = Page()
    page.feed((course / "feedback" / student / "squares" / "squares.html").read_text())
    return sorted(page.active)


@pytest.mark.parametrize("student", FEEDBACK, ids=[f"{s}: {a.name}" for s, a in FEEDBACK.items()])
def test_nothing_in_feedback_runs(aftermath, student):
    course = aftermath["course"]
    assert active(course, student) == active(course, PEER)
    if FEEDBACK[student].name.startswith("essay"):  # code cells show TeX, they do not set it
        html = (course / "feedback" / student / "squares" / "squares.html").read_text()
        for command in ("\\href{", "\\style{", "\\require{"):
            assert command not in html
