"""Batch, layer and group normalization: deviations from a mean, in standard deviations."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


def batch_norm(z: ArrayLike, *, eps: float = 1e-5) -> NDArray[np.float64]:
    """Each feature in standard deviations from its mean over the batch, as in training.

    r_bi = (z_bi - mean_i) / sqrt(variance_i + eps), both over samples b        {ioffe2015}

    z: (batch, n).  The variance is the mean squared deviation, not corrected for the batch's size;
    eps, in units of z squared, keeps a constant feature finite: it becomes 0, as all features do
    in a batch of one.  Returns (batch, n).
    Raises TypeError or ValueError on z that is not finite real numbers of that shape or eps <= 0.
    """
    return _standardize(_validate.real_array("z", z, ("batch", "n")), 0, eps)


def stored_batch_norm(
    z: ArrayLike, mean: ArrayLike, variance: ArrayLike, *, eps: float = 1e-5
) -> NDArray[np.float64]:
    """Batch normalization at inference: an affine map, with statistics stored in training.

    r_bi = (z_bi - mean_i) / sqrt(variance_i + eps)        {ioffe2015}

    z: (batch, n).  mean, variance: (n,).  Returns (batch, n).
    Raises TypeError or ValueError on arguments that are not finite real numbers of these shapes, a
    negative variance or eps <= 0.
    """
    z = _validate.real_array("z", z, ("batch", "n"))
    mean = _validate.real_array("mean", mean, (z.shape[1],))
    variance = _validate.real_array("variance", variance, (z.shape[1],), minimum=0.0)
    eps = _validate.real_number("eps", eps, above=0.0)
    with np.errstate(over="ignore"):
        responses = (z - mean) / np.sqrt(variance + eps)
    if not np.isfinite(responses).all():
        raise ValueError("z: expected deviations from mean that float64 can hold, got larger ones")
    return responses


def layer_norm(z: ArrayLike, *, eps: float = 1e-5) -> NDArray[np.float64]:
    """Each sample's features in standard deviations from their own mean.

    r_bi = (z_bi - mean_b) / sqrt(variance_b + eps), both over features i        {ba2016}

    z: (..., n), one sample a row.  Variance and eps as in `batch_norm`.  Returns (..., n).
    Raises TypeError or ValueError on z that is not finite real numbers of that shape or eps <= 0.
    """
    return _standardize(_rows("z", z), -1, eps)


def group_norm(z: ArrayLike, n_groups: int, *, eps: float = 1e-5) -> NDArray[np.float64]:
    """Layer normalization within each of `n_groups` equal runs of neighboring features.

    z: (..., n), n a multiple of n_groups.  Returns (..., n).        {wu2018}
    Raises TypeError or ValueError as `layer_norm`, and on n_groups that do not divide n.
    """
    z = _rows("z", z)
    n_groups = _validate.whole_number("n_groups", n_groups, minimum=1)
    if z.shape[-1] % n_groups:
        raise ValueError(
            f"n_groups: expected a divisor of the {z.shape[-1]} features, got {n_groups}"
        )
    groups = z.reshape(*z.shape[:-1], n_groups, -1)
    return _standardize(groups, -1, eps).reshape(z.shape)


def _rows(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = _validate.real_array(name, value)
    if array.ndim == 0:
        raise ValueError(f"{name}: expected shape (..., n), got ()")
    return array


def _standardize(z: Floats, axis: int, eps: float) -> NDArray[np.float64]:
    """Deviations from the mean along `axis` in standard deviations.

    First all is divided by a power of two, which rounds nothing, so that no square overflows.
    """
    eps = _validate.real_number("eps", eps, above=0.0)
    size = np.maximum(np.abs(z).max(axis=axis, keepdims=True), np.sqrt(eps))
    scale = np.ldexp(1.0, np.frexp(size)[1] - 1)
    z = z / scale
    with np.errstate(under="ignore"):
        deviation = z - z.mean(axis=axis, keepdims=True)
        variance = np.mean(deviation**2, axis=axis, keepdims=True)
        return deviation / np.sqrt(variance + (np.sqrt(eps) / scale) ** 2)
