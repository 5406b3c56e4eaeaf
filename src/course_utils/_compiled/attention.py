"""The compiled loop of `course_utils.attention.attend`, in single precision.

A task is one block of queries of one batch element. It takes the keys in blocks so small that
scores and weights stay in the first-level cache and that BLAS does each product in the calling
thread; tasks are shared out among threads of this call.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import njit
from numpy import float32, int32

BLOCK = 64
_LOG2_E = 1.0 / math.log(2.0)


def attend(query, key, value, output):
    """Fill `output` (..., tq, dv) from the scaled query (..., tq, d), key and value."""
    tasks = [
        (index, start)
        for index in np.ndindex(output.shape[:-2])
        for start in range(0, query.shape[-2], BLOCK)
    ]

    def run(task):
        index, start = task
        rows = slice(start, start + BLOCK)
        block = np.ascontiguousarray(query[index][rows])
        _attend_rows(block, contiguous(key, index), contiguous(value, index), output[index][rows])

    def contiguous(array, index):
        return np.ascontiguousarray(array[index])

    with ThreadPoolExecutor(min(numba.get_num_threads(), len(tasks))) as pool:
        list(pool.map(run, tasks))


@njit(cache=True, error_model="numpy", nogil=True)
def _attend_rows(query, key, value, output):
    """One block of queries over all keys; the state of the online softmax is as in the plain path.

    Largest scores are in units of ln 2, which saves a multiplication an exponential.
    """
    n = query.shape[0]
    largest = np.full(n, -np.inf, np.float32)
    total = np.zeros(n, np.float32)
    output[:] = 0
    weights = np.empty((n, BLOCK), np.float32)
    product = np.empty((n, value.shape[1]), np.float32)
    query = query * float32(_LOG2_E)
    for start in range(0, key.shape[0], BLOCK):
        stop = min(start + BLOCK, key.shape[0])
        scores = weights if stop - start == BLOCK else np.empty((n, stop - start), np.float32)
        np.dot(query, key[start:stop].T, scores)
        _exponentiate(scores, largest, total, output)
        np.dot(scores, value[start:stop], product)
        _add(output, product)
    for i in range(n):
        scale = float32(1) / total[i]
        for j in range(output.shape[1]):
            output[i, j] *= scale


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _exponentiate(scores, largest, total, output):
    """Turn scores into weights relative to each row's largest so far; rescale what was summed."""
    for i in range(scores.shape[0]):
        row = scores[i]
        top = row[0]
        for j in range(row.size):
            top = max(top, row[j])
        if top > largest[i]:
            fade = float32(2) ** (largest[i] - top)
            largest[i] = top
            total[i] *= fade
            for j in range(output.shape[1]):
                output[i, j] *= fade
        top = largest[i]
        added = float32(0)
        for j in range(row.size):
            weight = _exp2(row[j] - top)
            row[j] = weight
            added += weight
        total[i] += added


@njit(cache=True, error_model="numpy", nogil=True)
def _add(output, product):
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            output[i, j] += product[i, j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _exp2(x):
    """2**x for x <= 0 to single precision, 0 below 2**-126: the power's bits, and a polynomial."""
    x = max(x, float32(-127))
    whole = np.floor(x + float32(0.5))
    f = x - whole  # between -1/2 and 1/2, where 2**f is its Taylor series in f ln 2
    p = float32(math.log(2) ** 7 / 5040)
    p = p * f + float32(math.log(2) ** 6 / 720)
    p = p * f + float32(math.log(2) ** 5 / 120)
    p = p * f + float32(math.log(2) ** 4 / 24)
    p = p * f + float32(math.log(2) ** 3 / 6)
    p = p * f + float32(math.log(2) ** 2 / 2)
    p = p * f + float32(math.log(2))
    p = p * f + float32(1)
    power = int32((int32(whole) + int32(127)) << int32(23)).view(float32)
    return p * power
