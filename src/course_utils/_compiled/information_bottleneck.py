"""Compiled iterations of the information bottleneck: one thread a beta, scratch in the cache."""

import math

import numpy as np
from numba import njit, prange

LOG2_E = 1.0 / math.log(2.0)
# ln 2 in two parts, the first with trailing zeros, so that n * LN2_HIGH is exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
# Adding 1.5 * 2^52 rounds a float64 to an integer, left in the low bits of the sum.
ROUNDER = 1.5 * 2.0**52
ROUNDER_BITS = int(np.float64(ROUNDER).view(np.int64))
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1 / math.factorial(n) for n in range(2, 14))
CONTRACT = {"contract"}  # a * b + c in one rounding; reordering would undo ROUNDER and LN2_LOW


@njit(cache=True, error_model="numpy", fastmath=True)
def _largest(row):
    largest = row[0]
    for j in range(row.size):
        largest = max(largest, row[j])
    return largest


@njit(cache=True, error_model="numpy", fastmath=True)
def _total(row):
    total = 0.0
    for j in range(row.size):
        total += row[j]
    return total


@njit(cache=True, error_model="numpy", fastmath=CONTRACT)
def _multiply(a, b, out):
    """out = a @ b for small matrices: eight rows of `b` at a time fill the registers."""
    n_inner = a.shape[1]
    n_blocked = n_inner - n_inner % 8
    out[:] = 0.0
    for i in range(a.shape[0]):
        w, row = a[i], out[i]
        for k in range(0, n_blocked, 8):
            w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
            w4, w5, w6, w7 = w[k + 4], w[k + 5], w[k + 6], w[k + 7]
            b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
            b4, b5, b6, b7 = b[k + 4], b[k + 5], b[k + 6], b[k + 7]
            for j in range(row.size):
                low = w0 * b0[j] + w1 * b1[j] + w2 * b2[j] + w3 * b3[j]
                high = w4 * b4[j] + w5 * b5[j] + w6 * b6[j] + w7 * b7[j]
                row[j] += low + high
        for k in range(n_blocked, n_inner):
            for j in range(row.size):
                row[j] += w[k] * b[k, j]


@njit(cache=True, error_model="numpy", fastmath=CONTRACT)
def _exponentials(values, powers, bits):
    """exp of `values` <= 0 in place, in loops that vectorize: 2^n exp(r), |r| <= ln(2) / 2.

    `bits` is `powers` seen as integers: writing an exponent there makes a power of two.
    """
    for j in range(values.size):
        x = values[j] if values[j] > -800.0 else -800.0
        shifted = x * LOG2_E + ROUNDER
        powers[j] = shifted
        n = shifted - ROUNDER
        r = (x - n * LN2_HIGH) - n * LN2_LOW
        series = C8 + r * (C9 + r * (C10 + r * (C11 + r * (C12 + r * C13))))
        series = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * (C7 + r * series)))))
        values[j] = 1.0 + r * (1.0 + r * series)
    for j in range(values.size):
        bits[j] = max(bits[j] - ROUNDER_BITS + 1023, 0) << 52
    for j in range(values.size):
        values[j] *= powers[j]


@njit(cache=True, error_model="numpy", fastmath=CONTRACT)
def _softmax_rows(logits, powers, bits):
    for x in range(logits.shape[0]):
        row = logits[x]
        largest = _largest(row)
        for t in range(row.size):
            row[t] -= largest
    _exponentials(logits.reshape(logits.size), powers, bits)
    for x in range(logits.shape[0]):
        row = logits[x]
        scale = 1.0 / _total(row)
        for t in range(row.size):
            row[t] *= scale


@njit(cache=True, error_model="numpy", fastmath=CONTRACT)
def _iterate_one(joint_yx, conditional, beta, encoder, n_iterations, log_zero):
    n_x, n_clusters = encoder.shape
    n_y = joint_yx.shape[0]
    log_decoder = np.empty((n_y, n_clusters))
    log_marginal = np.empty(n_clusters)
    powers = np.empty(n_x * n_clusters)
    bits = powers.view(np.int64)
    for _ in range(n_iterations):
        _multiply(joint_yx, encoder, log_decoder)
        log_marginal[:] = 0.0
        for y in range(n_y):
            log_marginal += log_decoder[y]
        for t in range(n_clusters):
            p = log_marginal[t]
            log_marginal[t] = math.log(p) if p > 0 else log_zero
        for y in range(n_y):
            for t in range(n_clusters):
                p = log_decoder[y, t]
                log_decoder[y, t] = math.log(p) - log_marginal[t] if p > 0 else log_zero
        _multiply(conditional, log_decoder, encoder)
        for x in range(n_x):
            row = encoder[x]
            for t in range(n_clusters):
                row[t] = log_marginal[t] + beta * row[t]
        _softmax_rows(encoder, powers, bits)


@njit(cache=True, parallel=True, error_model="numpy")
def iterate(joint_yx, conditional, betas, encoders, n_iterations, log_zero):
    """Update `encoders` (b, nx, nt) in place, each under its own beta.

    joint_yx: (ny, nx), p(y, x).  conditional: (nx, ny), p(y|x).  log_zero stands for log 0.
    """
    for b in prange(betas.size):
        _iterate_one(joint_yx, conditional, betas[b], encoders[b], n_iterations, log_zero)
