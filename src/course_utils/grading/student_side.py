"""The student's process as the driver asks it: every answer bounded in size and in time."""

import time
from typing import Any

from .inside import wire
from .process import Process

GRACE_SECONDS = 2.0  # to answer an interrupt before the process is killed
_OUTPUT_LIMITS = {"max_json": 16 << 20, "max_blob_bytes": 0}
_OUTPUT_CHARACTERS = 100_000


class Dead(Exception):  # noqa: N818
    """The process cannot go on; the message says why, for the student to read."""


class StudentSide:
    """One forked process of the student's, and the time that it has left."""

    def __init__(self, process: Process, cell_seconds: float, deadline: float) -> None:
        self._process, self._deadline = process, deadline
        self._cell_seconds = cell_seconds
        self._gone = ""

    def cell_deadline(self) -> float:
        """When a cell that starts now must have ended."""
        return min(time.monotonic() + self._cell_seconds, self._deadline)

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell; its outputs, as the process claims them. Raises Dead."""
        message = {"op": "run", "source": source, "limit": _OUTPUT_CHARACTERS}
        received = self.ask(wire.frame(message), self.cell_deadline(), **_OUTPUT_LIMITS)
        try:
            outputs = received.json().get("outputs")
        except wire.ProtocolError:
            outputs = None
        if not isinstance(outputs, list):
            raise self._end("the code broke the connection to the grader")
        return outputs

    def ask(self, request: wire.Frame, deadline: float, **limits: Any) -> wire.Frame:
        """The process's answer; overrunning it is interrupted first, then killed. Raises Dead."""
        if self._gone:
            raise Dead(self._gone)
        try:
            self._process.send(request, deadline)
            return self._process.receive(deadline, **limits)
        except TimeoutError:
            raise self._interrupt() from None
        except (OSError, EOFError):
            raise self._end("the code ended its own process") from None
        except wire.ProtocolError as error:
            raise self._end(f"the code's answer was refused: {error}") from None

    def _interrupt(self) -> Dead:
        """Out of time: what it answers to the interrupt is discarded, for it is no answer."""
        reason = f"stopped after {self._cell_seconds:g} s"
        self._process.interrupt()
        try:
            self._process.receive(time.monotonic() + GRACE_SECONDS)
        except (OSError, EOFError, wire.ProtocolError):
            return self._end(f"{reason}; it did not react to the interrupt")
        if time.monotonic() >= self._deadline:
            return self._end("stopped: the submission's time was up")
        return Dead(reason)

    def _end(self, reason: str) -> Dead:
        self._gone = reason
        self._process.kill()
        return Dead(reason)
