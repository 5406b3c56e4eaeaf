"""Tables of probabilities: what they must be, and logarithms that meet zeros."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Array = NDArray[np.float64]

LN2 = float(np.log(2.0))
# Stands for log 0: finite, so that 0 * log 0 and beta = 0 give 0, and far below any other log.
LOG_ZERO = -1e100
# Beyond this, beta times LOG_ZERO would overflow.
LARGEST_BETA = 1e100
# How far from 1 a sum of probabilities may lie: room for rounding, none for a mistake.
TOLERANCE = 1e-9


def log(probabilities: Array) -> Array:
    """Natural logarithm, LOG_ZERO where a probability is 0."""
    out = np.full(np.shape(probabilities), LOG_ZERO)
    return np.log(probabilities, out=out, where=probabilities > 0)


def information(joint: Array) -> Array:
    """I in bits of joints (..., nx, ny)."""
    # Logarithms apart: the product of two tiny marginals would round to 0.
    surprise = log(joint) - log(joint.sum(axis=-1, keepdims=True))
    surprise -= log(joint.sum(axis=-2, keepdims=True))
    bits = np.where(joint > 0, joint * surprise, 0.0).sum(axis=(-2, -1)) / LN2
    # A sum of rounded terms may come out a little below 0, which no information does.
    return np.maximum(bits, 0.0)


def rows(name: str, value: ArrayLike, shape: Sequence[int | str] | None = None) -> Array:
    """`value` as an array whose rows, along the last axis, are probabilities."""
    array = _validate.real_array(name, value, shape)
    if array.ndim == 0:
        raise ValueError(f"{name}: expected at least one axis, got a number")
    if (array < 0).any():
        raise ValueError(f"{name}: expected probabilities, got {array.min():g}")
    sums = array.sum(axis=-1)
    wrong = np.abs(sums - 1.0) > TOLERANCE
    if wrong.any():
        raise ValueError(
            f"{name}: expected rows that each sum to 1, got a sum of {sums[wrong].flat[0]:.12g}"
        )
    return array


def joint_table(p_xy: ArrayLike) -> Array:
    return _validate.probabilities("p_xy", p_xy, ("n_x", "n_y"))


def trade_offs(betas: ArrayLike) -> Array:
    """`betas` (b,) as an array of numbers from 0 to LARGEST_BETA."""
    array = _validate.real_array("betas", betas, ("n_betas",), minimum=0.0)
    if array.max() > LARGEST_BETA:
        raise ValueError(
            f"betas: expected numbers of at most {LARGEST_BETA:g}, got {array.max():g}"
        )
    return array


def trade_off(beta: float) -> float:
    return _validate.real_number("beta", beta, minimum=0.0, maximum=LARGEST_BETA)


def conditional(joint: Array) -> Array:
    """p(y|x) (nx, ny) of a joint; p(y) for an x that never occurs."""
    p_x = joint.sum(axis=1, keepdims=True)
    p_y = np.broadcast_to(joint.sum(axis=0), joint.shape)
    return np.divide(joint, p_x, out=p_y.copy(), where=p_x > 0)
