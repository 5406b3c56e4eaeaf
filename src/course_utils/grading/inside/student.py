"""The student's process: runs the student's cells and answers calls of the student's functions.

Nothing here is trusted by anybody: student code can rewrite all of it. It never receives a test,
an expected value or another submission.
"""

import dataclasses
import inspect
import itertools
import operator
import random
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from . import records, wire
from .outputs import BoundedStream
from .shell import Shell, make_shell

OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": lambda target, *args, **kwargs: target(*args, **kwargs),
    "attribute": getattr,
    "item": operator.getitem,
    "length": len,
    "array": np.asarray,
    "iterate": lambda target: list(itertools.islice(iter(target), 100_000)),
    "signature": lambda target: [
        [p.name, int(p.kind), p.default is not p.empty]
        for p in inspect.signature(target).parameters.values()
    ],
}
_MUTABLE = (list, dict, set, np.ndarray, np.random.Generator, np.random.RandomState)


def prepare() -> Callable[[socket.socket], None]:
    """Build the shell in the template; the result serves one submission in a fork."""
    shell = make_shell()
    return lambda sock: Student(sock, shell).serve()


class Student:
    """Answers requests until the connection closes."""

    def __init__(self, sock: socket.socket, shell: Shell) -> None:
        self._sock = sock
        self._shell = shell
        self._objects: dict[int, Any] = {}

    def serve(self) -> None:
        while True:
            received = wire.receive(self._sock)
            self._respond(received.json(), received.blobs)

    def _respond(self, request: dict[str, Any], blobs: list[bytes]) -> None:
        encoder = wire.Encoder(self._reference)
        try:
            reply = self._answer(request, blobs, encoder)
        except BaseException as error:
            reply, encoder = _described(error), wire.Encoder(self._reference)
        wire.send(self._sock, wire.frame(reply, encoder.blobs))

    def _answer(
        self, request: dict[str, Any], blobs: list[bytes], encoder: wire.Encoder
    ) -> dict[str, Any]:
        if request["op"] == "run":
            return {"outputs": self._shell.run(request["source"], request["limit"])}
        if request["op"] == "names":
            names = self._shell.user_ns
            found = {n: names[n] for n in request["names"] if n in names}
            plain = {n: v for n, v in found.items() if not isinstance(v, types.ModuleType)}
            return {"values": {name: encoder(value) for name, value in plain.items()}}
        return self._operate(request, wire.Decoder(blobs, self._resolve), encoder)

    def _operate(
        self, request: dict[str, Any], decode: wire.Decoder, encoder: wire.Encoder
    ) -> dict[str, Any]:
        target = self._objects[request["target"]]
        args, kwargs = decode(request["args"]), decode(request["kwargs"])
        arguments = (*args, *kwargs.values())
        before = [self._fingerprint(value) for value in arguments]
        streams = decode(request["streams"])
        _set_streams(streams)
        with _Silence():
            value = OPERATIONS[request["operation"]](target, *args, **kwargs)
        reply = {"value": encoder(value), "changed": []}
        for index, (argument, then) in enumerate(zip(arguments, before, strict=True)):
            if then is not None and self._fingerprint(argument) != then:
                reply["changed"].append([index, encoder(_state(argument))])
        if "numpy" in streams:
            reply["numpy"] = encoder(np.random.mtrand._rand)
        return reply

    def _fingerprint(self, value: Any) -> Any:
        """What the wire would carry of a mutable argument, to see whether a call changed it."""
        is_record = dataclasses.is_dataclass(value)
        if not (_is_torch(value) or is_record or isinstance(value, _MUTABLE)):
            return None
        encoder = wire.Encoder(self._reference)
        return encoder(_state(value)), encoder.blobs

    def _reference(self, value: Any, encode: Callable[[Any], Any]) -> dict[str, Any]:
        """A record crosses as its fields; any other object stays here, under a number."""
        record = records.describe(value, encode)
        if record is not None:
            return record
        self._objects[id(value)] = value
        name = getattr(value, "__name__", None)
        return {
            "kind": "theirs",
            "id": id(value),
            "type": type(value).__qualname__,
            "name": name if isinstance(name, str) else None,
            "callable": callable(value),
        }

    def _resolve(self, message: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        kind = message["kind"]
        if kind == "theirs":
            return self._objects[message["id"]]
        if kind == "record":
            return records.build(message, decode)
        if kind == "module":
            return records.build_module(message, decode)
        if kind == "function":
            return records.build_function(message)
        if kind == "callback":
            return lambda *args, **kwargs: self._call_back(message["id"], args, kwargs)
        raise wire.ProtocolError(f"unknown kind {kind!r}")

    def _call_back(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function that the test passed in; it runs over there."""
        encoder = wire.Encoder(self._reference)
        request = {"callback": number, "args": encoder(args), "kwargs": encoder(kwargs)}
        wire.send(self._sock, wire.frame(request, encoder.blobs))
        received = wire.receive(self._sock)
        reply = received.json()
        while "op" in reply:  # that function called one of the student's in turn
            self._respond(reply, received.blobs)
            received = wire.receive(self._sock)
            reply = received.json()
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return wire.Decoder(received.blobs, self._resolve)(reply["value"])


class _Silence:
    """While a test's inputs are in the student's hands, what the student prints is dropped."""

    def __enter__(self) -> None:
        self._standard = sys.stdout, sys.stderr
        sys.stdout = BoundedStream([], "stdout", 0)
        sys.stderr = BoundedStream([], "stderr", 0)

    def __exit__(self, *exception: object) -> None:
        sys.stdout, sys.stderr = self._standard


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as the names of its classes, most specific first, and its text."""
    names = [kind.__name__ for kind in type(error).__mro__]
    try:
        text = str(error)[:2000]
    except Exception:
        text = ""
    return {"error": names, "message": text}


def _state(value: Any) -> Any:
    """What can change of an argument: a model's tensors, else the value itself."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.nn.Module):
        return {name: tensor.detach() for name, tensor in value.state_dict().items()}
    return value


def _is_torch(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor | torch.nn.Module)


def _set_streams(streams: dict[str, Any]) -> None:
    """Put the global random streams where the test's process has them."""
    if "numpy" in streams:
        np.random.set_state(streams["numpy"].get_state(legacy=False))  # noqa: NPY002
    if "python" in streams:
        random.setstate(streams["python"])
    if "torch" in streams:
        torch = sys.modules["torch"]
        torch.set_rng_state(torch.from_numpy(streams["torch"]))
