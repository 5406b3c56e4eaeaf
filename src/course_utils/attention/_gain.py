"""Attention as a gain: feature similarity, and a field of gains ahead of divisive normalization."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate


def feature_gain(
    responses: ArrayLike,
    preferred: ArrayLike,
    attended: float,
    *,
    strength: float,
    width: float,
) -> NDArray[np.float64]:
    """Responses of neurons whose gain depends on how near their preference is to what is attended.

    r_i (1 + strength (2 exp(-delta_i^2 / (2 width^2)) - 1)), delta_i the angle from the attended to
    the preferred direction, at most 180: the feature-similarity gain {treue1999}, with a form of
    similarity that is this book's choice: 1 at the attended direction, -1 far from it.

    responses: (..., n), at least 0.  preferred: (n,), degrees.  attended: degrees.
    strength: from 0 to 1.  width: degrees, above 0.  Returns the shape of responses.
    Raises TypeError or ValueError on mismatched shapes, numbers out of range or not finite.
    """
    preferred = _validate.real_array("preferred", preferred, ("n",))
    responses = _validate.real_array("responses", responses, minimum=0.0)
    if responses.shape[-1:] != preferred.shape:
        raise ValueError(
            f"responses: expected shape (..., {len(preferred)}), got {responses.shape}"
        )
    attended = _validate.real_number("attended", attended)
    strength = _validate.real_number("strength", strength, minimum=0.0, maximum=1.0)
    width = _validate.real_number("width", width, above=0.0)
    # Each angle is reduced by itself: their difference could exceed the largest float.
    turned = np.mod(preferred, 360.0) - math.fmod(attended, 360.0)
    distance = np.abs(np.mod(turned + 180.0, 360.0) - 180.0)
    with np.errstate(over="ignore"):
        similarity = 2.0 * np.exp(-0.5 * (distance / width) ** 2) - 1.0
    return responses * (1.0 + strength * similarity)


def attended_normalization(
    drive: ArrayLike, attention_field: ArrayLike, pool_weights: ArrayLike, *, sigma: float
) -> NDArray[np.float64]:
    """Responses of a population whose drives attention multiplies before they are normalized.

    r_i = A_i z_i / (sigma + sum over j of P_ij A_j z_j)        {reynolds2009}

    drive z: (..., n), at least 0.  attention_field A: (n,), at least 0, 1 where attention is
    neutral.  pool_weights P: (n, n), at least 0; row i is what divides neuron i.  sigma: above 0.
    Returns the shape of drive, in units of the largest response to a drive without limit.
    Raises TypeError or ValueError on mismatched shapes, numbers out of range or not finite.
    """
    drive = _validate.real_array("drive", drive, minimum=0.0)
    if drive.ndim == 0:
        raise ValueError("drive: expected shape (..., n), got a single number")
    n = drive.shape[-1]
    field = _validate.real_array("attention_field", attention_field, (n,), minimum=0.0)
    pool = _validate.real_array("pool_weights", pool_weights, (n, n), minimum=0.0)
    sigma = _validate.real_number("sigma", sigma, above=0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        excited = field * drive
        suppression = sigma + excited @ pool.T
    if not np.isfinite(suppression).all() or not np.isfinite(excited).all():
        raise ValueError(
            "drive: expected drives whose pooled sum float64 can hold, got numbers up to "
            f"{drive.max():g}"
        )
    return excited / suppression
