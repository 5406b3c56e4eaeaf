"""Compiled loop of `course_utils.normalization`: each row divided by its own sum, in one visit."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import njit

_BLOCK = 2**18  # drives a task: enough to hide what starting it costs


def divide(rows, semi, squared):
    """Signed (squared) drives over semi plus their row's sum, None if a sum leaves the floats.

    rows: (m, n), C-contiguous, float32 or float64, which the responses are too.  semi: sigma to the
    exponent, 1, or 2 when `squared`.
    """
    limits = np.finfo(rows.dtype)
    if not 0 <= semi < limits.max:
        return None
    responses = np.empty_like(rows)
    step = max(1, _BLOCK // rows.shape[1])
    arguments = rows.dtype.type(semi), squared, 1e3 * limits.tiny, limits.max

    def divide_block(first):
        block = slice(first, first + step)
        return _divide_block(rows[block], responses[block], *arguments)

    starts = range(0, len(rows), step)
    if len(starts) == 1:
        fits = divide_block(0)
    else:
        # Threads of one call only: no pool outlives it that a fork could trip over.
        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            fits = all(list(pool.map(divide_block, starts)))
    return responses if fits else None


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "nsz", "contract"})
def _divide_block(rows, responses, semi, squared, smallest, largest):
    fits = True
    for i in range(rows.shape[0]):
        total = rows.dtype.type(0)
        if squared:
            for j in range(rows.shape[1]):
                total += rows[i, j] * rows[i, j]
        else:
            for j in range(rows.shape[1]):
                total += abs(rows[i, j])
        pool = semi + total
        if not (pool > smallest and pool < largest):  # NaN fails this too
            fits = False
        share = rows.dtype.type(1) / pool
        if squared:
            for j in range(rows.shape[1]):
                responses[i, j] = rows[i, j] * abs(rows[i, j]) * share
        else:
            for j in range(rows.shape[1]):
                responses[i, j] = rows[i, j] * share
    return fits
