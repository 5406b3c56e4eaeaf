"""Compiled loop of `course_utils.equivariance`: one convolution for each shift of an image.

Rows of shifts are shared out among threads of this call. Sums are taken in one order whatever the
shift and the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import njit

_CHUNK = 1024  # pixels convolved at a time: few enough to stay in the fastest cache


def squared_errors(image, kernels, reference, padding):
    """Squared distance of r(T x) from T' r(x), for all shifts: (h, w).

    reference: r(x), (f, h', w').  padding: pixels of padding at top, bottom, left and right, and
    whether it wraps round.
    """
    height, width = image.shape[1:]
    top, bottom, left, right, _ = padding
    padded_shape = (len(image), height + top + bottom, width + left + right)
    weights, offsets = _taps(kernels, padded_shape)
    errors = np.empty((height, width))
    # Twice side by side, so that every row of a shifted response is a slice.
    doubled = np.concatenate([reference, reference], axis=2)

    def rows(first):
        padded = np.zeros(padded_shape, image.dtype)
        _some_rows(image, padded, padding, weights, offsets, doubled, first, threads, errors)

    threads = min(numba.get_num_threads(), height)
    # Threads of one call only: no pool outlives it that a fork or another thread could trip over.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(rows, range(threads)))
    return errors


def _taps(kernels, padded_shape):
    """Weights (f, t), and where in a flat image each finds its pixel; f is even, t a multiple of 5.

    What fills up is zero and reads the first pixel.
    """
    index = np.ix_(*(range(n) for n in kernels.shape[1:]))
    offsets = np.ravel_multi_index(index, padded_shape).ravel()
    flat = kernels.reshape(len(kernels), -1)
    missing = (-len(flat) % 2, -len(offsets) % 5)
    weights = np.pad(flat, ((0, missing[0]), (0, missing[1])))
    return weights, np.pad(offsets, (0, missing[1]))


@njit(cache=True, error_model="numpy", nogil=True)
def _some_rows(image, padded, padding, weights, offsets, doubled, first, step, errors):
    """Every step-th row of `errors` from the first on."""
    n_filters, out_h, out_w = doubled.shape[0], doubled.shape[1], doubled.shape[2] // 2
    pitch = padded.shape[2]
    flat = padded.reshape(-1)
    rows = max(1, _CHUNK // pitch)
    pair = np.empty((2, rows * pitch), image.dtype)
    for dy in range(first, errors.shape[0], step):
        for dx in range(errors.shape[1]):
            _shift_and_pad(image, dy, dx, padding, padded)
            # The response moves the shorter way round: a smaller map has a torus of its own.
            down = dy if 2 * dy < errors.shape[0] else dy - errors.shape[0]
            start = (-dx if 2 * dx < errors.shape[1] else errors.shape[1] - dx) % out_w
            total = 0.0
            for y0 in range(0, out_h, rows):
                n_rows = min(rows, out_h - y0)
                n = (n_rows - 1) * pitch + out_w
                for f in range(0, n_filters, 2):
                    source = flat[y0 * pitch :]
                    _convolve(source, weights[f], weights[f + 1], offsets, pair[0, :n], pair[1, :n])
                    for i in range(min(2, n_filters - f)):
                        for y in range(n_rows):
                            moved = doubled[f + i, (y0 + y - down) % out_h]
                            row = pair[i, y * pitch : y * pitch + out_w]
                            total += _squared_distance(row, moved[start:])
            errors[dy, dx] = total


@njit(cache=True, error_model="numpy", nogil=True)
def _shift_and_pad(image, dy, dx, padding, padded):
    top, _, left, _, wrap = padding
    channels, height, width = image.shape
    for c in range(channels):
        for y in range(padded.shape[1]):
            if not wrap and not 0 <= y - top < height:
                continue
            source, x0 = image[c, (y - top - dy) % height], 0
            target, count = padded[c, y], padded.shape[2]
            if not wrap:
                x0, count = left, width
            k = (x0 - left - dx) % width
            for x in range(x0, x0 + count):
                target[x] = source[k]
                k = k + 1 if k + 1 < width else 0


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _convolve(source, weights, other_weights, offsets, out, other_out):
    """Two filters' responses at once, five taps at a time, so that each number is read seldom."""
    out[:] = 0
    other_out[:] = 0
    for t in range(0, offsets.size, 5):
        a0, a1, a2, a3, a4 = _five(weights, t)
        b0, b1, b2, b3, b4 = _five(other_weights, t)
        o0, o1, o2, o3, o4 = _five(offsets, t)
        s0, s1, s2, s3, s4 = source[o0:], source[o1:], source[o2:], source[o3:], source[o4:]
        for x in range(out.size):
            x0, x1, x2, x3, x4 = s0[x], s1[x], s2[x], s3[x], s4[x]
            out[x] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3 + a4 * x4
            other_out[x] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4


@njit(cache=True, error_model="numpy", nogil=True)
def _five(array, start):
    return array[start], array[start + 1], array[start + 2], array[start + 3], array[start + 4]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _squared_distance(row, moved):
    total = row.dtype.type(0)
    for x in range(row.size):
        difference = row[x] - moved[x]
        total += difference * difference
    return np.float64(total)
