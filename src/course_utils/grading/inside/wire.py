"""Messages between the student's process and the trusted one: JSON plus raw array bytes, no pickle.

A frame is a header (lengths), one JSON object and any number of blobs; an array stands in the
JSON as dtype, shape and the index of its blob. Whatever the bytes say, decoding yields only plain
data of allow-listed types, or calls the receiver's `resolve` for references. A sender may be
hostile: lengths, counts, depth, dtypes and time are bounded before anything is built.
"""

import json
import math
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from . import randomness

MAX_JSON = 16 << 20
MAX_BLOBS = 4096
MAX_BLOB_BYTES = 256 << 20
MAX_DEPTH = 32
MAX_INT_BITS = 8192
_INTEGERS = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8")
DTYPES = frozenset((*_INTEGERS, "<f2", "<f4", "<f8", "<c8", "<c16"))

_HEADER = struct.Struct("<4sII")
_MAGIC = b"cug1"
_SEQUENCES: dict[str, Callable[[Iterable[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}
# Both get a function that encodes, or decodes, what is nested inside, one level further down.
Reference = Callable[[Any, Callable[[Any], Any]], dict[str, Any]]
Resolve = Callable[[dict[str, Any], Callable[[Any], Any]], Any]


class ProtocolError(ValueError):
    """A message that breaks the protocol; nothing of it is used."""


class Frame(NamedTuple):
    """One message as bytes: what a broker forwards without looking inside."""

    body: bytes
    blobs: list[bytes]

    def json(self) -> dict[str, Any]:
        """The JSON object; raises ProtocolError when the body is none."""
        try:
            value = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"not JSON ({type(error).__name__})") from None
        if not isinstance(value, dict):
            raise ProtocolError("expected a JSON object")
        return value


def frame(message: dict[str, Any], blobs: Iterable[bytes] = ()) -> Frame:
    """`message` ready to send."""
    return Frame(json.dumps(message, allow_nan=False).encode(), list(blobs))


def send(sock: socket.socket, message: Frame, deadline: float = math.inf) -> None:
    """Send one frame; raises TimeoutError past `deadline` (on the monotonic clock)."""
    sizes = struct.pack(f"<{len(message.blobs)}Q", *map(len, message.blobs))
    head = _HEADER.pack(_MAGIC, len(message.body), len(message.blobs)) + sizes + message.body
    for part in (head, *message.blobs):
        view = memoryview(part)
        while view:
            _limit(sock, deadline)
            view = view[sock.send(view[: 1 << 20]) :]


def receive(
    sock: socket.socket,
    deadline: float = math.inf,
    *,
    max_json: int = MAX_JSON,
    max_blob_bytes: int = MAX_BLOB_BYTES,
) -> Frame:
    """Receive one frame.

    Raises EOFError when the peer is gone, TimeoutError past `deadline`, however slowly the bytes
    drip, and ProtocolError, before any memory is taken, when the frame is malformed or too large.
    """
    magic, n_json, n_blobs = _HEADER.unpack(_receive_exactly(sock, _HEADER.size, deadline))
    if magic != _MAGIC or n_json > max_json or n_blobs > MAX_BLOBS:
        raise ProtocolError("malformed or too large")
    sizes = struct.unpack(f"<{n_blobs}Q", _receive_exactly(sock, 8 * n_blobs, deadline))
    if sum(sizes) > max_blob_bytes:
        raise ProtocolError(f"{sum(sizes)} bytes of arrays are more than {max_blob_bytes}")
    body = _receive_exactly(sock, n_json, deadline)
    return Frame(body, [_receive_exactly(sock, size, deadline) for size in sizes])


class Encoder:
    """Turns values into JSON and collects the blobs; `reference` names what is no plain data."""

    def __init__(self, reference: Reference) -> None:
        self.blobs: list[bytes] = []
        self._reference = reference

    def __call__(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if abs(value) < 2**53 else self._large_int(value, depth)
        if kind is float:
            return value if math.isfinite(value) else {"kind": "float", "hex": value.hex()}
        if depth >= MAX_DEPTH:
            raise ProtocolError(f"data nested more than {MAX_DEPTH} deep, or containing itself")
        return self._compound(value, kind, depth + 1)

    def _named(self, value: Any, depth: int) -> dict[str, Any]:
        return self._reference(value, lambda inner: self(inner, depth))

    def _compound(self, value: Any, kind: type, depth: int) -> Any:
        if kind is complex:
            return {"kind": "complex", "hex": [value.real.hex(), value.imag.hex()]}
        if kind.__name__ in _SEQUENCES and kind in _SEQUENCES.values():
            return {"kind": kind.__name__, "items": [self(item, depth) for item in value]}
        if kind is dict:
            pairs = [[self(k, depth), self(v, depth)] for k, v in value.items()]
            return {"kind": "dict", "items": pairs}
        if kind is bytes:
            return {"kind": "bytes", "blob": self._blob(value)}
        if kind in (slice, range):
            parts = (value.start, value.stop, value.step)
            return {"kind": kind.__name__, "items": [self(part, depth) for part in parts]}
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value, depth)
        if isinstance(value, np.random.Generator | np.random.RandomState):
            return self._stream(value, depth)
        if _is_tensor(value):
            return self._tensor(value, depth)
        return self._named(value, depth)

    def _large_int(self, value: int, depth: int) -> dict[str, Any]:
        if value.bit_length() > MAX_INT_BITS:
            return self._named(value, depth)
        return {"kind": "int", "hex": hex(value)}

    def _blob(self, data: bytes) -> int:
        self.blobs.append(data)
        return len(self.blobs) - 1

    def _array(self, value: np.ndarray | np.generic, depth: int) -> dict[str, Any]:
        array = np.array(value, subok=False, order="C")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        kind = "scalar" if isinstance(value, np.generic) else "array"
        if array.dtype.kind == "U":
            items = self(array.tolist(), depth)
            return {"kind": "text-" + kind, "items": items, "shape": list(array.shape)}
        if array.dtype.str not in DTYPES:
            return self._named(value, depth)
        blob = self._blob(array.tobytes())
        return {"kind": kind, "dtype": array.dtype.str, "shape": list(array.shape), "blob": blob}

    def _stream(self, value: Any, depth: int) -> dict[str, Any]:
        described = randomness.describe(value)
        if described is None:
            return self._named(value, depth)
        return {"kind": "stream", "state": self(described, depth)}

    def _tensor(self, value: Any, depth: int) -> dict[str, Any]:
        try:
            array = value.detach().cpu().resolve_conj().resolve_neg().numpy()
        except (TypeError, RuntimeError):  # sparse, quantized, bfloat16
            return self._named(value, depth)
        message = {"kind": "tensor", "array": self(array, depth)}
        if message["array"].get("kind") != "array":
            return self._named(value, depth)
        is_parameter = type(value) is sys.modules["torch"].nn.Parameter
        return message | {"requires_grad": bool(value.requires_grad), "parameter": is_parameter}


class Decoder:
    """Turns JSON and blobs back into values; every other kind goes to `resolve`."""

    def __init__(self, blobs: list[bytes], resolve: Resolve) -> None:
        self._blobs = blobs
        self._resolve = resolve

    def __call__(self, message: Any) -> Any:
        """Raises ProtocolError, and nothing else of its own, on whatever is malformed."""
        try:
            return self._decode(message, 0)
        except ProtocolError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as e:
            raise ProtocolError(f"malformed value ({type(e).__name__})") from None

    def _decode(self, message: Any, depth: int) -> Any:
        if message is None or type(message) in (bool, int, float, str):
            return message
        if type(message) is not dict or depth > 2 * MAX_DEPTH:
            raise ProtocolError("malformed value")
        kind = message["kind"]
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](self._decode(item, depth + 1) for item in message["items"])
        method = self._KINDS.get(kind) if isinstance(kind, str) else None
        if method is not None:
            return method(self, message, depth + 1)
        return self._resolve(message, lambda inner: self._decode(inner, depth + 1))

    def _dict(self, message: dict[str, Any], depth: int) -> dict[Any, Any]:
        pairs = ((self._decode(k, depth), self._decode(v, depth)) for k, v in message["items"])
        return dict(pairs)

    def _int(self, message: dict[str, Any], depth: int) -> int:
        if len(message["hex"]) > MAX_INT_BITS // 4 + 4:
            raise ProtocolError("integer too large")
        return int(message["hex"], 16)

    def _float(self, message: dict[str, Any], depth: int) -> float:
        return float.fromhex(message["hex"][:64])

    def _complex(self, message: dict[str, Any], depth: int) -> complex:
        real, imaginary = message["hex"]
        return complex(float.fromhex(real[:64]), float.fromhex(imaginary[:64]))

    def _bytes(self, message: dict[str, Any], depth: int) -> bytes:
        return self._blobs[_index(message["blob"])]

    def _slice(self, message: dict[str, Any], depth: int) -> slice:
        start, stop, step = (self._decode(part, depth) for part in message["items"])
        return slice(start, stop, step)

    def _range(self, message: dict[str, Any], depth: int) -> range:
        start, stop, step = (self._decode(part, depth) for part in message["items"])
        return range(start, stop, step)

    def _array(self, message: dict[str, Any], depth: int) -> np.ndarray:
        if message["dtype"] not in DTYPES:
            raise ProtocolError("dtype outside the allow-list")
        dtype = np.dtype(message["dtype"])
        shape, data = _shape(message["shape"]), self._blobs[_index(message["blob"])]
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ProtocolError("shape and bytes differ")
        if dtype == np.bool_:  # a byte beside 0 and 1 would be neither true nor false
            return (np.frombuffer(data, np.uint8) != 0).reshape(shape)
        return np.frombuffer(bytearray(data), dtype).reshape(shape)

    def _scalar(self, message: dict[str, Any], depth: int) -> Any:
        if message["shape"] != []:
            raise ProtocolError("a scalar with a shape")
        return self._array(message, depth)[()]

    def _text_array(self, message: dict[str, Any], depth: int) -> np.ndarray:
        array = np.array(self._decode(message["items"], depth), dtype=object)
        if not all(type(item) is str for item in array.flat):
            raise ProtocolError("not text")
        return array.astype(str).reshape(_shape(message["shape"]))

    def _text_scalar(self, message: dict[str, Any], depth: int) -> Any:
        return self._text_array(message | {"shape": []}, depth)[()]

    def _stream(self, message: dict[str, Any], depth: int) -> Any:
        return randomness.build(self._decode(message["state"], depth))

    def _tensor(self, message: dict[str, Any], depth: int) -> Any:
        torch = sys.modules.get("torch")
        if torch is None or message["array"]["kind"] != "array":
            raise ProtocolError("a tensor where torch is not used")
        array = self._array(message["array"], depth)
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            raise ProtocolError("dtype outside the allow-list")
        tensor = torch.from_numpy(array)
        if message["requires_grad"] is True and array.dtype.kind in "fc":
            tensor.requires_grad_(True)
            return torch.nn.Parameter(tensor) if message["parameter"] is True else tensor
        return tensor

    _KINDS: ClassVar[dict[str, Callable[..., Any]]] = {
        "dict": _dict,
        "int": _int,
        "float": _float,
        "complex": _complex,
        "bytes": _bytes,
        "slice": _slice,
        "range": _range,
        "array": _array,
        "scalar": _scalar,
        "text-array": _text_array,
        "text-scalar": _text_scalar,
        "stream": _stream,
        "tensor": _tensor,
    }


def _receive_exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    """`size` bytes; memory is taken as they arrive, so that a false size costs the sender."""
    parts = bytearray()
    while len(parts) < size:
        _limit(sock, deadline)
        part = sock.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError("the other side closed the connection")
        parts += part
    return bytes(parts)


def _limit(sock: socket.socket, deadline: float) -> None:
    if deadline == math.inf:
        sock.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("out of time")
    sock.settimeout(left)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ProtocolError("malformed index")
    return value


def _shape(value: Any) -> tuple[int, ...]:
    if type(value) is not list or len(value) > 32:
        raise ProtocolError("malformed shape")
    return tuple(_index(n) for n in value)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter)
