"""The wire carries plain data exactly and gives nothing else for any bytes."""

import json
import math
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.grading.inside import randomness, wire

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["<f8", "O", "list", "", "a"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["items", "blob", "shape", "dtype", "hex", "state", "array", "kind"]),
            inner,
            max_size=5,
        ).map(lambda d: d | {"kind": d.get("kind", "list")})
        | st.builds(
            lambda kind, d: {**d, "kind": kind},
            st.sampled_from([*sorted(wire.Decoder._KINDS), "list", "set", "theirs"]),
            st.dictionaries(
                st.sampled_from(["items", "blob", "shape", "dtype", "hex", "state", "array"]),
                inner,
                max_size=5,
            ),
        )
    ),
    max_leaves=20,
)


def no_reference(value, encode):
    raise TypeError(f"{type(value).__name__} is no plain data")


def no_resolve(message, decode):
    raise wire.ProtocolError("unknown kind")


def across(value):
    encoder = wire.Encoder(no_reference)
    message = json.loads(json.dumps(encoder(value)))
    return wire.Decoder(encoder.blobs, no_resolve)(message)


@given(PLAIN)
@settings(max_examples=150, deadline=None)
def test_plain_data_crosses_unchanged(value):
    got = across(value)
    assert got == value
    assert type(got) is type(value)


@given(
    hnp.arrays(
        st.sampled_from(sorted(wire.DTYPES)),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
@settings(max_examples=100, deadline=None)
def test_arrays_cross_bit_for_bit(array):
    got = across(array)
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    assert got.tobytes() == array.tobytes()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_special_floats_cross(value):
    assert struct.pack("d", across(value)) == struct.pack("d", value)


def test_other_byte_orders_and_layouts_cross_by_value():
    array = np.arange(12, dtype=">f8").reshape(3, 4).T
    np.testing.assert_array_equal(across(array), array)


def test_text_arrays_and_scalars_cross():
    assert across(np.array(["a", "bc"])).tolist() == ["a", "bc"]
    assert across(np.float32(1.5)).dtype == np.float32
    assert across(slice(1, None, 2)) == slice(1, None, 2)
    assert across(range(1, 9, 2)) == range(1, 9, 2)


@given(JSON, st.lists(st.binary(max_size=32), max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_json_gives_plain_data_or_a_protocol_error(message, blobs):
    allowed = (type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset)
    allowed += (dict, slice, range, np.ndarray, np.generic, np.random.Generator)
    try:
        value = wire.Decoder(blobs, no_resolve)(message)
    except wire.ProtocolError:
        return
    assert isinstance(value, (*allowed, np.random.RandomState))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_frame_or_a_clean_error(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        try:
            received = wire.receive(ours, time.monotonic() + 5)
            received.json()
        except (EOFError, wire.ProtocolError):
            pass


def test_a_frame_crosses():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sent = wire.frame({"op": "x"}, [b"12", b""])
        wire.send(theirs, sent)
        received = wire.receive(ours, time.monotonic() + 5)
    assert received.json() == {"op": "x"}
    assert received.blobs == [b"12", b""]


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<4sII", b"cug1", wire.MAX_JSON + 1, 0),
        struct.pack("<4sII", b"cug1", 2, wire.MAX_BLOBS + 1),
        struct.pack("<4sII", b"nope", 2, 0),
        struct.pack("<4sIIQ", b"cug1", 2, 1, wire.MAX_BLOB_BYTES + 1),
    ],
)
def test_too_large_a_frame_is_refused_before_it_is_read(header):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(header)
        with pytest.raises(wire.ProtocolError):
            wire.receive(ours, time.monotonic() + 5)


def test_dripping_bytes_do_not_extend_the_deadline():
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip():
        while not stop.wait(0.02):
            theirs.send(b"c")

    thread = threading.Thread(target=drip)
    theirs.sendall(struct.pack("<4sII", b"cug1", 100_000, 0))
    thread.start()
    try:
        with pytest.raises(TimeoutError):
            wire.receive(ours, time.monotonic() + 0.3)
    finally:
        stop.set()
        thread.join()
        ours.close()
        theirs.close()


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[1]", b"\xff", b'{"a": NaN}', b"9" * 5000])
def test_bodies_that_are_no_json_object_are_refused(body):
    with pytest.raises(wire.ProtocolError):
        wire.Frame(body, []).json()


def test_what_contains_itself_is_not_sent():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(wire.ProtocolError, match="containing itself"):
        across(endless)


def test_subclasses_are_no_plain_data():
    class Sly(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    with pytest.raises(TypeError, match="Sly"):
        across(Sly(1.0))


def test_a_false_boolean_byte_becomes_true_or_false():
    message = {"kind": "array", "dtype": "|b1", "shape": [2], "blob": 0}
    got = wire.Decoder([b"\x07\x00"], no_resolve)(message)
    assert got.view(np.uint8).tolist() == [1, 0]


STREAMS = {
    "PCG64": lambda: np.random.default_rng(5),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(5)),
    "Philox": lambda: np.random.Generator(np.random.Philox(5)),
    "RandomState": lambda: np.random.RandomState(5),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_crosses_and_continues(kind):
    stream = STREAMS[kind]()
    stream.normal(size=7)
    got = across(stream)
    np.testing.assert_array_equal(got.normal(size=9), stream.normal(size=9))


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("draws", [0, 1, 3, 10_000])
def test_a_stream_may_come_back_further_on(kind, draws):
    ours, theirs = STREAMS[kind](), STREAMS[kind]()
    theirs.uniform(size=draws)
    if kind != "RandomState":
        theirs.integers(0, 9, dtype=np.uint32)  # leaves half a draw in the buffer
    assert randomness.advance(ours, theirs)
    np.testing.assert_array_equal(ours.uniform(size=5), theirs.uniform(size=5))


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_may_not_come_back_elsewhere(kind):
    ours, behind = STREAMS[kind](), STREAMS[kind]()
    ours.uniform(size=10)
    before = randomness.describe(ours)
    assert not randomness.advance(ours, behind)
    other = type(STREAMS[kind]().bit_generator if kind != "RandomState" else np.random.MT19937())(6)
    elsewhere = (
        np.random.RandomState(other) if kind == "RandomState" else np.random.Generator(other)
    )
    assert not randomness.advance(ours, elsewhere)
    assert str(randomness.describe(ours)) == str(before)


def test_a_forged_half_draw_is_refused():
    ours, theirs = np.random.default_rng(1), np.random.default_rng(1)
    theirs.random()
    state = theirs.bit_generator.state
    theirs.bit_generator.state = state | {"has_uint32": 1, "uinteger": 12345}
    assert not randomness.advance(ours, theirs)


def test_positions_outside_a_buffer_are_refused():
    described = randomness.describe(STREAMS["MT19937"]())
    described["state"]["state"]["pos"] = 10**6
    with pytest.raises(ValueError, match="outside"):
        randomness.build(described)
