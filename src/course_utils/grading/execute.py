"""Runs one submission in two sandboxed processes and carries messages between them.

The student's process runs the student's cells and answers calls; the trusted one runs the test
cells. Neither reaches the other but through here, where every message is bounded in size and time
and nothing of the student's is interpreted beyond the outputs of cells.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .inside import wire
from .inside.limits import Limits
from .outputs import clean_outputs, error_output
from .plan import Plan, without_hidden_tests
from .points import settled
from .process import Process, Template, TemplateLost
from .student_side import GRACE_SECONDS, Dead, StudentSide

_TRIES = 3


class Executor:
    """Two warm templates for one assignment's plan; grades one submission after another.

    cell_seconds, total_seconds: time for a cell and for a submission.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        cell_seconds: float = 30.0,
        total_seconds: float = 300.0,
        hidden: Iterable[Path] = (),
        unsafe: bool = False,
        limits: Limits | None = None,
        secret: str = "",
    ) -> None:
        self.plan = plan
        self._cell_seconds, self._total_seconds = cell_seconds, total_seconds
        self._options: dict[str, Any] = {"hidden": list(hidden), "unsafe": unsafe, "limits": limits}
        self._secret = secret
        self._templates: dict[str, Template] = {}

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End both templates."""
        while self._templates:
            self._templates.popitem()[1].close()

    def run(
        self,
        notebook: NotebookNode,
        *,
        student: str = "",
        assignment: str = "",
        theirs: Mapping[str, bytes] | None = None,
        ours: Mapping[str, bytes] | None = None,
    ) -> NotebookNode:
        """Fill in the outputs of a rebuilt notebook, in place.

        theirs, ours: the submission's and the assignment's data files; ours win.
        """
        files = {**(theirs or {}), **(ours or {})}
        identity = {"secret": self._secret, "assignment": assignment, "student": student}
        for _ in range(_TRIES):
            with contextlib.suppress(TemplateLost):
                self._run_once(notebook, files, ours or {}, identity)
                if all(template.alive() for template in self._templates.values()):
                    return notebook
            self.close()  # killed from outside: what ended then is nobody's answer
        raise TemplateLost(f"the sandbox ended {_TRIES} times")

    def _run_once(
        self,
        notebook: NotebookNode,
        files: Mapping[str, bytes],
        ours: Mapping[str, bytes],
        identity: dict[str, str],
    ) -> None:
        n_sides = 1 + _shows_after_hidden_tests(notebook, self.plan)
        with contextlib.ExitStack() as stack:
            tests = stack.enter_context(self._fork("trusted", ours))
            sides = []
            for _ in range(n_sides):
                process = stack.enter_context(self._fork("student", files))
                deadline = time.monotonic() + self._total_seconds
                sides.append(StudentSide(process, self._cell_seconds, deadline))
            session = _Session(sides[0], sides[-1], tests, self._cell_seconds)
            try:
                session.begin(identity)
            except Dead as error:  # nothing of the student's has run yet
                raise TemplateLost(str(error)) from None
            code = [cell for cell in notebook.cells if cell.cell_type == "code"]
            for count, cell in enumerate(code, start=1):
                cell.execution_count = count
                cell.outputs = clean_outputs(session.cell(cell, self.plan), count)

    @contextlib.contextmanager
    def _fork(self, role: str, files: Mapping[str, bytes]) -> Iterator[Process]:
        process = self._template(role).fork(files)
        try:
            yield process
        finally:
            process.kill()

    def _template(self, role: str) -> Template:
        if role not in self._templates:
            topics = self.plan.topics
            self._templates[role] = Template(
                role, self.plan.modules, topics=topics, **self._options
            )
        return self._templates[role]


def _shows_after_hidden_tests(notebook: NotebookNode, plan: Plan) -> bool:
    """Whether cells of the student's follow a hidden test.

    Its inputs have been in the student's hands by then and later cells could print them, so what
    these put out is taken from a second process, which runs the same cells and serves no test.
    """
    hidden_seen = False
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in plan.tests:
            hidden_seen |= plan.tests[grade_id].hidden
        elif hidden_seen and cell.cell_type == "code" and cell.source.strip():
            return True
    return False


class _Session:
    """One submission: the student's process, the one that shows outputs, the tests' process."""

    def __init__(
        self, student: StudentSide, shown: StudentSide, tests: Process, cell_seconds: float
    ) -> None:
        self._student, self._shown, self._tests = student, shown, tests
        self._cell_seconds = cell_seconds
        self._tests_gone = ""

    def begin(self, identity: dict[str, str]) -> None:
        """Tell the trusted side whose submission it is: the checks' cases are drawn from that."""
        self._in_trusted({"op": "begin", **identity}, self._student.cell_deadline())

    def cell(self, cell: NotebookNode, plan: Plan) -> list[dict[str, Any]]:
        """The outputs of one code cell, run on the side where it belongs."""
        metadata = cell.metadata.get("nbgrader", {})
        grade_id = metadata.get("grade_id")
        try:
            if grade_id in plan.tests:
                return self._test(plan, grade_id)
            locked = bool(metadata.get("locked")) and not metadata.get("solution")
            source = without_hidden_tests(cell.source) if locked else cell.source
            return self._run(source) if source.strip() else []
        except Dead as error:
            return [error_output("Stopped", str(error))]

    def _run(self, source: str) -> list[dict[str, Any]]:
        if self._shown is not self._student:
            with contextlib.suppress(Dead):
                self._student.run(source)
        return self._shown.run(source)

    def _test(self, plan: Plan, grade_id: str) -> list[dict[str, Any]]:
        deadline = self._student.cell_deadline()
        failures = self._in_trusted(
            {"op": "define", "statements": plan.definitions[grade_id]}, deadline
        )
        if failures:
            raise Dead(f"the assignment's own code failed: {failures[0]['evalue']}")
        test = plan.tests[grade_id]
        request = {"op": "test", "source": test.source, "names": test.names, "hidden": test.hidden}
        return settled(self._in_trusted(request, deadline), test.points)

    def _in_trusted(self, request: dict[str, Any], deadline: float) -> list[dict[str, Any]]:
        """One request to the trusted side, whose questions to the student's are passed on."""
        if self._tests_gone:
            raise Dead(self._tests_gone)
        late = deadline + 2 * GRACE_SECONDS
        try:
            self._tests.send(wire.frame(request), late)
            while True:
                received = self._tests.receive(late)
                if received.body.startswith(b'{"done"'):
                    return received.json()["done"]
                self._tests.send(self._passed_on(received, deadline), late)
        except TimeoutError:
            reason = f"stopped: the test took more than {self._cell_seconds:g} s"
        except (OSError, EOFError, wire.ProtocolError):
            reason = "the test's process ended"
        self._tests_gone = reason
        self._tests.kill()
        raise Dead(reason)

    def _passed_on(self, request: wire.Frame, deadline: float) -> wire.Frame:
        try:
            return self._student.ask(request, deadline)
        except Dead as error:
            return wire.frame({"error": "stopped", "message": str(error)})
