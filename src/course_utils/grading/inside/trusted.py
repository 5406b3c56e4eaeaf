"""The trusted process: runs the instructor's test cells, as written.

The student's names are stand-ins here; their calls go over the wire. Nothing of the student's
runs in this process, and only this process knows the tests.
"""

import ast
import builtins
import importlib
import random
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import records, wire
from .changes import assign
from .outputs import BoundedStream, Output, error_output, joined
from .randomness import advance
from .remote import Remote, RemoteFunction

OUTPUT_LIMIT = 100_000
_WITHHELD = "(withheld: a hidden test was running)"


class StudentStopped(BaseException):
    """The student's process is gone or incoherent. No test may take this for an answer."""


def prepare() -> Callable[[socket.socket], None]:
    """Import the checks in the template; the result serves one submission in a fork."""
    importlib.import_module(f"{records.PACKAGE}.checks")
    return lambda sock: Trusted(sock).serve()


class Trusted:
    """Runs definitions and test cells on request until the connection closes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.namespace: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._undo: list[Callable[[], None]] = []
        self._changed_and_answered = False
        self._keep_changes = True
        self._hidden = False
        self._stopped: StudentStopped | None = None
        self._streams = _global_streams()

    def serve(self) -> None:
        while True:
            request = wire.receive(self._sock).json()
            outputs: list[Output] = []
            if request["op"] == "begin":
                self._begin(request)
            elif request["op"] == "define":
                outputs = self._define(request["statements"])
            else:
                outputs = self.test(request["source"], request["names"], request["hidden"])
            wire.send(self._sock, wire.frame({"done": outputs}))

    def _begin(self, request: dict[str, Any]) -> None:
        """Draw the checks' cases for this student: the same ones at every regrade."""
        checks = importlib.import_module(f"{records.PACKAGE}.checks")
        identity = (request["secret"], request["assignment"], request["student"])
        self._seed = checks.grading_seed(*identity)
        self._seed.__enter__()

    def _define(self, statements: list[tuple[str, list[str]]]) -> list[Output]:
        """Run the instructor's own statements.

        One that uses the student's names may fail by the student's fault: the tests will tell.
        Any other failure is the assignment's.
        """
        for statement, names in statements:
            outputs = self._run(statement, names)
            failed = outputs and outputs[-1]["output_type"] == "error"
            self._undo_changes()
            self._changed_and_answered = False
            if failed and not names:
                return outputs
        return []

    def test(self, source: str, names: list[str], hidden: bool) -> list[Output]:
        """Run one test cell; `names`: those of its names that are the student's.

        A student's function may change its arguments in place, and the test sees that, as in one
        process. Where it also returns something, the cell must pass with and without the change:
        else zeroing the input would make any comparison with it come out right.
        """
        self._hidden = hidden
        namespace, streams = dict(self.namespace), _global_streams()
        outputs = self._run(source, names)
        changed, self._changed_and_answered = self._changed_and_answered, False
        self._undo_changes()
        if changed:
            after = self.namespace
            self.namespace = namespace
            _restore_streams(streams)
            self._keep_changes = False
            again = self._run(source, names)
            self._keep_changes, self._changed_and_answered = True, False
            self.namespace = after
            outputs = min(outputs, again, key=_worth)
        return outputs

    def _run(self, source: str, names: list[str]) -> list[Output]:
        outputs: list[Output] = []
        self._stopped = None
        with _Output(outputs):
            try:
                self._fetch(names)
                value = self._execute(source)
                if self._stopped is not None:  # a bare `except` in the test cannot hide it
                    raise self._stopped
            except BaseException as error:
                outputs.append(self._described(error, source))
                return joined(outputs)
            finally:
                self._callbacks.clear()
        if value is not None and not source.rstrip().endswith(";"):
            outputs.append({"output_type": "execute_result", "data": {"text/plain": _shown(value)}})
        return joined(outputs)

    def _execute(self, source: str) -> Any:
        """Run the statements; the value of the last one when it is an expression."""
        tree = ast.parse(source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<test>", "exec"), self.namespace)
        if not isinstance(last, ast.Expr):
            return None
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), self.namespace)

    def _fetch(self, names: list[str]) -> None:
        """Bind the student's names as they now are; a name the student lacks is not bound."""
        for name in names:
            self.namespace.pop(name, None)
        if names:
            reply, decode = self._ask(wire.frame({"op": "names", "names": names}))
            for name in names:
                if name in reply["values"]:
                    self.namespace[name] = self._decoded(decode, reply["values"][name])

    def operate(self, number: int, operation: str, *args: Any, **kwargs: Any) -> Any:
        """One operation on an object of the student's, in the student's process."""
        encoder = wire.Encoder(self._reference)
        request = {
            "op": "operate",
            "target": number,
            "operation": operation,
            "args": encoder(args),
            "kwargs": encoder(kwargs),
            "streams": encoder(self._changed_streams()),
        }
        reply, decode = self._ask(wire.frame(request, encoder.blobs))
        value = self._decoded(decode, reply.get("value"))
        self._take_changes((*args, *kwargs.values()), reply, decode, answered=value is not None)
        if "numpy" in reply:
            advance(np.random.mtrand._rand, self._decoded(decode, reply["numpy"]))
        return value

    def _take_changes(
        self, arguments: tuple[Any, ...], reply: Any, decode: wire.Decoder, *, answered: bool
    ) -> None:
        for row in reply.get("changed", ()):
            index, message = row
            theirs = self._decoded(decode, message)
            is_change = assign(arguments[index], theirs, self._undo, keep=self._keep_changes)
            self._changed_and_answered |= answered and is_change

    def _undo_changes(self) -> None:
        """What a student's code did to a test's data does not outlive the test cell."""
        while self._undo:
            self._undo.pop()()

    def _changed_streams(self) -> dict[str, Any]:
        """The global random streams that the tests have seeded or used."""
        now = _global_streams()
        used = {n for n in now if n not in self._streams or not _equal(now[n], self._streams[n])}
        if "numpy" in used:
            now["numpy"] = np.random.mtrand._rand
        return {name: now[name] for name in used}

    def _ask(self, request: wire.Frame) -> tuple[dict[str, Any], wire.Decoder]:
        """Send a request, serve callbacks until it is answered, raise the student's errors."""
        wire.send(self._sock, request)
        while True:
            received = wire.receive(self._sock)
            try:
                reply = received.json()
            except wire.ProtocolError as error:
                raise self._stop(f"an answer could not be read: {error}") from None
            if "callback" in reply:
                wire.send(self._sock, self._serve_callback(reply, received.blobs))
            elif "error" in reply:
                self._raise(reply)
            else:
                return reply, wire.Decoder(received.blobs, self._resolve)

    def _serve_callback(self, request: dict[str, Any], blobs: list[bytes]) -> wire.Frame:
        encoder = wire.Encoder(self._reference)
        try:
            decode = wire.Decoder(blobs, self._resolve)
            args, kwargs = decode(request["args"]), decode(request["kwargs"])
            value = encoder(self._callbacks[request["callback"]](*args, **kwargs))
        except Exception as error:
            return wire.frame({"error": f"{type(error).__name__} in a function of the test"})
        return wire.frame({"value": value}, encoder.blobs)

    def _raise(self, reply: dict[str, Any]) -> None:
        """Raise the student's exception as the nearest one of Python's own."""
        names, message = reply["error"], str(reply.get("message", ""))[:500]
        if names == "stopped":  # the broker speaking
            raise self._stop(message)
        if self._hidden:
            message = _WITHHELD
        for name in names[:20] if isinstance(names, list) else ():
            kind = getattr(builtins, name, None) if isinstance(name, str) else None
            if isinstance(kind, type) and issubclass(kind, Exception):
                try:
                    error = kind(message)
                except TypeError:
                    continue
                raise error
        raise RuntimeError(message)

    def _stop(self, reason: str) -> StudentStopped:
        self._stopped = StudentStopped(reason)
        return self._stopped

    def _decoded(self, decode: wire.Decoder, message: Any) -> Any:
        try:
            return decode(message)
        except wire.ProtocolError as error:
            raise self._stop(f"an answer could not be read: {error}") from None

    def _reference(self, value: Any, encode: Callable[[Any], Any]) -> dict[str, Any]:
        if isinstance(value, Remote):
            return {"kind": "theirs", "id": value._number}
        described = (
            records.describe(value, encode)
            or records.describe_module(value, encode)
            or records.describe_function(value)
        )
        if described is not None:
            return described
        if callable(value):
            self._callbacks[id(value)] = value
            return {"kind": "callback", "id": id(value)}
        raise TypeError(f"a test cannot send {type(value).__name__} to the student's code")

    def _resolve(self, message: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        if message["kind"] == "record":
            return records.build(message, decode)
        if message["kind"] != "theirs":
            raise wire.ProtocolError("unknown kind")
        return (RemoteFunction if message["callable"] is True else Remote)(self, message)

    def _described(self, error: BaseException, source: str) -> Output:
        """The error of a test cell, with the lines of the cell that led to it."""
        name, message = type(error).__name__, str(error)[:2000]
        lines, at, traceback = source.split("\n"), [], error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == "<test>":
                at.append(f"----> {traceback.tb_lineno} {lines[traceback.tb_lineno - 1]}")
            traceback = traceback.tb_next
        if self._hidden and not isinstance(error, StudentStopped):
            at, message = [], _WITHHELD
        return error_output(name, message, [*at, f"{name}: {message}"])


class _Output:
    """Standard output joins `outputs`; what goes to standard error, a warning say, is dropped."""

    def __init__(self, outputs: list[Output]) -> None:
        self._outputs = outputs

    def __enter__(self) -> None:
        self._standard = sys.stdout, sys.stderr
        sys.stdout = BoundedStream(self._outputs, "stdout", OUTPUT_LIMIT)
        sys.stderr = BoundedStream([], "stderr", 0)

    def __exit__(self, *exception: object) -> None:
        sys.stdout, sys.stderr = self._standard


def _shown(value: Any) -> str:
    """How Jupyter would show it; NumPy's scalars as plain numbers, so that points are points."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        value = value.item()
    return repr(value)[:5000]


def _worth(outputs: list[Output]) -> float:
    """How good a cell's outcome is: nothing on an error, the number shown, or everything."""
    for output in outputs:
        if output["output_type"] == "error":
            return -1.0
        if output["output_type"] == "execute_result":
            try:
                return float(output["data"]["text/plain"])
            except ValueError:
                break
    return float("inf")


def _global_streams() -> dict[str, Any]:
    streams = {"numpy": np.random.get_state(), "python": random.getstate()}  # noqa: NPY002
    if "torch" in sys.modules:
        streams["torch"] = sys.modules["torch"].get_rng_state().numpy()
    return streams


def _restore_streams(streams: dict[str, Any]) -> None:
    np.random.set_state(streams["numpy"])  # noqa: NPY002
    random.setstate(streams["python"])
    if "torch" in streams:
        torch = sys.modules["torch"]
        torch.set_rng_state(torch.from_numpy(streams["torch"]))


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(np.array_equal(a, b))
