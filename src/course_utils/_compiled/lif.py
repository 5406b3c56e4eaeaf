"""Compiled loops of `course_utils.lif`: 64 neurons at a time through all steps of a call.

A block's state is one small array that stays in the cache; loops over its lanes have no branches,
so that LLVM turns each into vector code. Blocks are shared out among Numba's number of threads, and
each draws its noise from streams of its own: results do not depend on how many threads there are.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import njit
from numpy import float32, int32, uint32

LANES = 64
_V, _HOLD, _DRIVE, _COUNT = range(4)  # rows of a block's state


def advance(state, current, constants, streams, start, stop, counts, voltage, raster):
    """Steps `start` to `stop` of all neurons; arguments as in `course_utils.lif._advance`.

    streams: what `seed_streams` gave, or None without noise.
    """

    def advance_block(first):
        window = (state, current, constants, first, start, stop, counts, voltage, raster)
        if streams is None:
            _quiet_block(*window)
        else:
            _noisy_block(*window, streams[first // LANES])

    blocks = range(0, state.shape[1], LANES)
    if len(blocks) == 1:
        advance_block(0)
        return
    # Threads of one call only: no pool outlives it that a fork or another thread could trip over.
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        list(pool.map(advance_block, blocks))


def seed_streams(rng, n_neurons):
    """Random states, two streams a lane: (blocks, 4, 2 LANES) uint32."""
    blocks = -(-n_neurons // LANES)
    return rng.integers(0, 2**32, size=(blocks, 4, 2 * LANES), dtype=np.uint32)


@njit(cache=True, error_model="numpy", nogil=True)
def _quiet_block(state, current, c, first, start, stop, counts, voltage, raster):
    real = state.dtype.type
    s = _load(state, first)
    for step in range(start, stop):
        if step == start or current.shape[0] > 1:
            _set_drive(s, current, c.r_m, first, step)
        for j in range(LANES):
            v, hold = s[_V, j], s[_HOLD, j]
            last = c.last.gain if hold < real(1.5) else real(0)
            gain = c.full.gain if hold < real(0.5) else last
            v = v + (s[_DRIVE, j] - v) * gain
            spiked = v >= c.threshold
            s[_V, j] = c.reset if spiked else v
            s[_HOLD, j] = c.hold if spiked else hold - real(1)
            s[_COUNT, j] += real(1) if spiked else real(0)
        _record(s, c.hold, first, step, step - start, voltage, raster)
    _store(s, state, first, counts)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _noisy_block(state, current, c, first, start, stop, counts, voltage, raster, streams):
    real = state.dtype.type
    s = _load(state, first)
    words = np.empty(2 * LANES, np.uint32)
    normals = np.empty(LANES, np.float32)
    exponentials = np.empty(LANES, np.float32)
    for step in range(start, stop):
        if step == start or current.shape[0] > 1:
            _set_drive(s, current, c.r_m, first, step)
        _next_words(streams, words)
        _draw_normals(words, normals)
        for j in range(LANES):
            exponentials[j] = _exponential(words[LANES + j])
        for j in range(LANES):
            v, hold = s[_V, j], s[_HOLD, j]
            full, active = hold < real(0.5), hold < real(1.5)
            gain = c.full.gain if full else c.last.gain
            spread = c.full.spread if full else c.last.spread
            bridge = c.full.bridge if full else c.last.bridge
            moved = v + (s[_DRIVE, j] - v) * gain + spread * real(normals[j])
            near = (c.threshold - v) * bridge * ((c.threshold - moved) * bridge)
            spiked = active & (near <= real(exponentials[j]))
            moved = moved if active else v
            s[_V, j] = c.reset if spiked else moved
            s[_HOLD, j] = c.hold if spiked else hold - real(1)
            s[_COUNT, j] += real(1) if spiked else real(0)
        _record(s, c.hold, first, step, step - start, voltage, raster)
    _store(s, state, first, counts)


@njit(cache=True, nogil=True)
def _load(state, first):
    """A block's own copy of potentials and holds; lanes beyond the last neuron rest."""
    s = np.zeros((4, LANES), state.dtype)
    for j in range(min(LANES, state.shape[1] - first)):
        s[_V, j] = state[_V, first + j]
        s[_HOLD, j] = state[_HOLD, first + j]
    return s


@njit(cache=True, nogil=True)
def _store(s, state, first, counts):
    for j in range(min(LANES, state.shape[1] - first)):
        state[_V, first + j] = s[_V, j]
        state[_HOLD, first + j] = s[_HOLD, j]
        counts[first + j] += np.int64(s[_COUNT, j])


@njit(cache=True, nogil=True)
def _set_drive(s, current, r_m, first, step):
    row = step if current.shape[0] > 1 else 0
    for j in range(min(LANES, current.shape[1] - first)):
        s[_DRIVE, j] = r_m * current[row, first + j]


@njit(cache=True, nogil=True)
def _record(s, just_spiked, first, step, row, voltage, raster):
    """A step's potentials and spikes, where they are wanted: `just_spiked` is a spike's hold."""
    width = min(LANES, voltage.shape[1] - first)
    if voltage.shape[0] > 0:
        for j in range(width):
            voltage[step, first + j] = s[_V, j]
    if raster.shape[0] > 0:
        for j in range(width):
            raster[row, first + j] = s[_HOLD, j] == just_spiked


@njit(cache=True, nogil=True)
def _next_words(streams, words):
    """One 32-bit word from each stream, by Chris Doty-Humphrey's small fast counting generator."""
    for j in range(2 * LANES):
        a, b, c, counter = streams[0, j], streams[1, j], streams[2, j], streams[3, j]
        word = uint32(uint32(a + b) + counter)
        streams[0, j] = b ^ (b >> uint32(9))
        streams[1, j] = uint32(c + uint32(c << uint32(3)))
        streams[2, j] = uint32(uint32(uint32(c << uint32(21)) | (c >> uint32(11))) + word)
        streams[3, j] = uint32(counter + uint32(1))
        words[j] = word


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _draw_normals(words, normals):
    """LANES standard normal numbers from as many words, two from two, by Box and Muller's way."""
    half = LANES // 2
    for j in range(half):
        radius = np.sqrt(float32(2) * _exponential(words[j]))
        # Half a circle of angles, by Taylor's polynomials; a spare bit mirrors the other half.
        angle = float32(int32(words[half + j])) * float32(math.pi / 2**32)
        q = angle * angle
        p = q * float32(1 / 362880) - float32(1 / 5040)
        p = q * p + float32(1 / 120)
        p = q * p - float32(1 / 6)
        sine = angle * (q * p + float32(1))
        p = q * float32(-1 / 3628800) + float32(1 / 40320)
        p = q * p - float32(1 / 720)
        p = q * p + float32(1 / 24)
        p = q * p - float32(1 / 2)
        cosine = q * p + float32(1)
        normals[j] = radius * sine
        normals[half + j] = radius * (cosine if words[j] & uint32(1) else -cosine)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _exponential(word):
    """A standard exponential number: -ln u, u a word of 31 bits over 2**31."""
    x = float32(int32(word >> uint32(1)) | int32(1))
    # x = m 2**e with sqrt(1/2) <= m < sqrt(2), from its bits; ln m = 2 artanh((m - 1) / (m + 1)).
    bits = x.view(int32)
    e = (bits - int32(0x3F3504F3)) >> int32(23)
    m = int32(bits - (e << int32(23))).view(float32)
    s = (m - float32(1)) / (m + float32(1))
    q = s * s
    p = q * float32(2 / 7) + float32(2 / 5)
    p = q * p + float32(2 / 3)
    ln_m = s * (q * p + float32(2))
    return max(float32(int32(31) - e) * float32(math.log(2.0)) - ln_m, float32(0))
