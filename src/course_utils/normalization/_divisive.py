"""Division of a unit's drive by the pooled drive of a population."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from course_utils import _compiled, _validate

Floats = NDArray[np.floating[Any]]


def divisive_normalization(
    drive: ArrayLike, sigma: float, pool_weights: ArrayLike | None = None, *, exponent: float = 1.0
) -> Floats:
    """Responses of n units, each divided by a weighted sum over the population's drives.

    r_i = sign(z_i) |z_i|^exponent / (sigma^exponent + sum_j w_ij |z_j|^exponent)   {heeger1992}

    drive: z, (..., n), one population a row; a negative drive keeps its sign and counts in a pool
    by its size, as that of a second unit of opposite preference would.  sigma: semi-saturation, in
    units of the drive; at 0 the responses do not change when all drives are scaled.
    pool_weights: w, (n, n), at least 0, a row for each unit that is divided; None weighs every unit
    by 1, the divided one included.  Returns (..., n); float32 drives give float32.
    Raises TypeError or ValueError on arguments that are not finite real numbers, wrong shapes,
    negative sigma or weights, exponent <= 0, or where sigma and a pool are both 0.
    """
    if not isinstance(drive, np.ndarray):
        drive = _validate.real_array("drive", drive)
    if drive.ndim == 0:
        raise ValueError("drive: expected shape (..., n), got ()")
    axes = [f"n_{axis}" for axis in range(1, drive.ndim + 1)]
    z = _validate.unscanned_array("drive", drive, axes, keep_float32=True)
    sigma = _validate.real_number("sigma", sigma, minimum=0.0)
    exponent = _validate.real_number("exponent", exponent, above=0.0)
    n = z.shape[-1]
    weights = None
    if pool_weights is not None:
        weights = _validate.real_array("pool_weights", pool_weights, (n, n), minimum=0.0)
    rows = np.ascontiguousarray(z).reshape(-1, n)
    compiled = _compiled.load("normalization") if weights is None else None
    if compiled and exponent in (1.0, 2.0):
        squared = exponent == 2.0
        responses = compiled.divide(rows, sigma * sigma if squared else sigma, squared)
        if responses is not None:
            return responses.reshape(z.shape)
    _validate.real_array("drive", z, keep_float32=True)
    return _divide(rows, sigma, weights, exponent).reshape(z.shape)


def _divide(rows: Floats, sigma: float, weights: Floats | None, exponent: float) -> Floats:
    """Responses of checked drives (m, n); a pool whose powers leave the floats goes by logarithms.

    A numerator below the smallest float counts as 0, as its response would in all but such pools.
    """
    real = rows.dtype.type
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        power = np.abs(rows)
        if exponent != 1.0:
            power **= real(exponent)
        if weights is None:
            pool = power.sum(axis=1, keepdims=True)
        else:
            pool = power @ weights.astype(real).T
        pool += np.power(real(sigma), real(exponent))
        responses = np.copysign(power, rows)
        responses /= pool
        limits = np.finfo(real)
        awkward = ~((pool > 1e3 * limits.tiny) & (pool < limits.max)).all(axis=1)
    for row in np.flatnonzero(awkward):
        responses[row] = _divide_by_logarithms(rows[row].astype(float), sigma, weights, exponent)
    return responses


def _divide_by_logarithms(
    z: Floats, sigma: float, weights: Floats | None, exponent: float
) -> Floats:
    """The responses of one row, whatever the size of its powers."""
    with np.errstate(divide="ignore", under="ignore"):
        powers = exponent * np.log(np.abs(z))
        terms = powers + (np.zeros((1, 1)) if weights is None else np.log(weights))
        semi = np.full((len(terms), 1), exponent * np.log(sigma))
        pool = logsumexp(np.hstack([terms, semi]), axis=1)
        if np.isneginf(pool).any():
            raise ValueError(
                "sigma: expected a number above 0 where all drives of a pool are 0, got 0"
            )
        return np.copysign(np.exp(np.minimum(powers - pool, 709.0)), z)
