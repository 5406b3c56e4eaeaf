"""Compiled loops of `course_utils.oja`: each learns from all samples, in order, in one pass.

A loop changes `weights` in place, copies them to `records` after every `every` samples, and returns
-1, or the index of the first sample whose output is not finite, where it stops.
"""

import math

import numpy as np
from numba import njit

# What lets LLVM turn sums into vector code. NaN and infinity keep their meaning, but not in
# math.isfinite, whose x - x may then be taken for 0: the loops compare instead.
_REORDER_SUMS = {"reassoc", "nsz", "contract"}


@njit(cache=True, error_model="numpy")
def hebbian(inputs, weights, rate, every, records):
    """w <- w + rate y x."""
    return _learn(inputs, weights, rate, weights.dtype.type(0), every, records)


@njit(cache=True, error_model="numpy")
def oja(inputs, weights, rate, every, records):
    """w <- w + rate y (x - y w)."""
    return _learn(inputs, weights, rate, weights.dtype.type(1), every, records)


@njit(cache=True, error_model="numpy", fastmath=_REORDER_SUMS)
def _learn(inputs, weights, rate, decay, every, records):
    """w <- w + rate y (x - decay y w).

    The inner loop changes the weights by one sample and, in the same visit, sums the output for
    the next, so that weights and inputs are each read once a sample.
    """
    n_samples, n_inputs = inputs.shape
    output = (weights * inputs[0]).sum()
    for n in range(n_samples):
        if not abs(output) < math.inf:
            return n
        step = rate * output
        pull = decay * output
        following = min(n + 1, n_samples - 1)
        output = weights.dtype.type(0)
        for j in range(n_inputs):
            weight = weights[j] + step * (inputs[n, j] - pull * weights[j])
            weights[j] = weight
            output += weight * inputs[following, j]
        if (n + 1) % every == 0:
            records[n // every] = weights
    return -1


@njit(cache=True, error_model="numpy", fastmath=_REORDER_SUMS)
def sanger(inputs, weights, rate, every, records):
    """w_i <- w_i + rate y_i (x - sum of y_j w_j over j <= i), the sum taken over old weights.

    `residual` is that difference, carried from row to row; outputs as in `_learn`.
    """
    n_samples, n_inputs = inputs.shape
    n_outputs = weights.shape[0]
    residual = np.empty(n_inputs, weights.dtype)
    outputs = np.empty(n_outputs, weights.dtype)
    for i in range(n_outputs):
        outputs[i] = (weights[i] * inputs[0]).sum()
    for n in range(n_samples):
        following = min(n + 1, n_samples - 1)
        residual[:] = inputs[n]
        for i in range(n_outputs):
            output = outputs[i]
            if not abs(output) < math.inf:
                return n
            step = rate * output
            following_output = weights.dtype.type(0)
            for j in range(n_inputs):
                left = residual[j] - output * weights[i, j]
                residual[j] = left
                weight = weights[i, j] + step * left
                weights[i, j] = weight
                following_output += weight * inputs[following, j]
            outputs[i] = following_output
        if (n + 1) % every == 0:
            records[n // every] = weights
    return -1
