"""Measures of filters: how local and oriented they are, how heavy-tailed their responses."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Array = NDArray[np.float64]

_PADDING = 4  # of the Fourier transform, for frequencies between those of the filter's own grid


def localization(atoms: ArrayLike) -> Array:
    """How much of a filter's energy lies together: 1 in a single pixel, 0 when spread evenly.

    1 - V / V_even, V the variance of position (along rows plus along columns) under the squared
    filter and V_even = (h^2 + w^2 - 2) / 12 that under even energy; a Gaussian envelope of
    standard deviation s well inside has V = s^2. Negative where the energy sits at the borders.
    atoms: (..., h, w).  Returns (...).
    Raises ValueError on fewer than 2 axes, a filter of one pixel, or zero everywhere.
    """
    energy = _normalized(_filters(atoms) ** 2)
    height, width = energy.shape[-2:]
    if height * width == 1:
        raise ValueError("atoms: expected filters of more than one pixel")
    variance = _variance(energy.sum(axis=-1)) + _variance(energy.sum(axis=-2))
    return 1.0 - 12.0 * variance / (height**2 + width**2 - 2)


def orientation_selectivity(atoms: ArrayLike) -> Array:
    """How much of a filter's power lies at one orientation: 1 for a grating, 0 if unoriented.

    |sum_k |F(k)|^2 exp(2 i theta_k)| / sum_k |F(k)|^2 over the frequencies k other than zero,
    theta_k their direction, F the Fourier transform padded fourfold. A sum of gratings at right
    angles, as in a checkerboard, has 0 as well.
    atoms: (..., h, w).  Returns (...).
    Raises ValueError on fewer than 2 axes or a filter that is zero everywhere.
    """
    atoms = _filters(atoms)
    padded = [_PADDING * side for side in atoms.shape[-2:]]
    power = np.abs(np.fft.fft2(atoms, s=padded)) ** 2
    power[..., 0, 0] = 0.0
    vertical, horizontal = (np.fft.fftfreq(side) for side in padded)
    direction = horizontal + 1j * vertical[:, None]
    direction[0, 0] = 1.0
    turn = (direction / np.abs(direction)) ** 2
    return np.abs((_normalized(power) * turn).sum(axis=(-2, -1)))


def excess_kurtosis(responses: ArrayLike) -> Array:
    """E[(x - m)^4] / E[(x - m)^2]^2 - 3 over samples: 0 for a Gaussian, above for heavy tails.

    responses: (n_samples, ...).  Returns (...).
    Raises ValueError on empty or non-finite responses or a unit whose response never varies.
    """
    responses = _validate.real_array("responses", responses)
    if responses.ndim == 0:
        raise ValueError("responses: expected an axis of samples, got a single number")
    squares = (responses - responses.mean(axis=0)) ** 2
    variance = squares.mean(axis=0)
    if (variance == 0.0).any():
        raise ValueError("responses: expected responses that vary, got a constant one")
    return (squares**2).mean(axis=0) / variance**2 - 3.0


def _filters(atoms: ArrayLike) -> Array:
    atoms = _validate.real_array("atoms", atoms)
    if atoms.ndim < 2:
        raise ValueError(f"atoms: expected shape (..., height, width), got {atoms.shape}")
    return atoms


def _normalized(energy: Array) -> Array:
    total = energy.sum(axis=(-2, -1), keepdims=True)
    if (total == 0.0).any():
        raise ValueError("atoms: expected filters that are not zero everywhere")
    return energy / total


def _variance(weights: Array) -> Array:
    """Variance of the index under weights (..., n) that sum to 1."""
    index = np.arange(weights.shape[-1])
    return weights @ index**2 - (weights @ index) ** 2
