"""Gabor filters, the energy of a quadrature pair, and how much a response follows the phase."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate
from course_utils.equivariance._layers import conv2d

_WIDEST = 1e3  # pixels: a filter of more than 6000 x 6000 is a mistake


def gabor(
    frequency: float, orientation: float, phase: float = 0.0, *, sigma: float | None = None
) -> NDArray[np.float64]:
    """A Gabor filter: a grating under a Gaussian window, blind to a uniform image {daugman1985}.

    g(x, y) = (cos(2 pi f (x cos theta + y sin theta) - phase) - b) exp(-(x² + y²) / 2 sigma²) / N

    frequency f: cycles per pixel, above 0 and at most 0.5.  orientation theta: degrees from the x
    axis (right) to the y axis (down), the direction in which the grating changes: 0 has vertical
    stripes.  phase: degrees; 0 is even, 90 odd.  sigma: pixels, half a cycle by default.
    Returns (k, k), k odd, up to 3 sigma from its center.  b makes its sum 0; N is the same for all
    phases, and makes the squares of an even and an odd filter sum to 2 (but for b).
    Raises ValueError on a frequency or sigma out of range, TypeError on what is no number.
    """
    frequency = _validate.real_number("frequency", frequency, above=0.0, maximum=0.5)
    theta = np.deg2rad(_validate.real_number("orientation", orientation))
    phase = np.deg2rad(_validate.real_number("phase", phase))
    if sigma is None:
        frequency = _validate.real_number("frequency", frequency, minimum=0.5 / _WIDEST)
        sigma = 0.5 / frequency
    sigma = _validate.real_number("sigma", sigma, above=0.0, maximum=_WIDEST)
    reach = max(1, round(3 * sigma))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    window = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    cycles = frequency * (x * np.cos(theta) + y * np.sin(theta))
    grating = window * np.cos(2 * np.pi * cycles - phase)
    blind = grating - window * (grating.sum() / window.sum())
    return blind / np.sqrt(np.sum(window**2) / 2)


def gabor_energy(
    image: ArrayLike,
    frequency: float,
    orientation: float,
    *,
    sigma: float | None = None,
    boundary: str = "circular",
) -> NDArray[Any]:
    """Energy at each pixel: the squared responses of an even and an odd Gabor filter, added.

    E = (g_0 * x)² + (g_90 * x)² {adelson1985}

    image: (h, w).  Other arguments as in `gabor` and `conv2d`, whose errors it raises.
    Returns (h, w), or less with boundary 'valid'.  Raises OverflowError when the energy exceeds the
    floating-point numbers.
    """
    image = _validate.real_array("image", image, ("height", "width"), keep_float32=True)
    pair = [gabor(frequency, orientation, phase, sigma=sigma) for phase in (0.0, 90.0)]
    kernels = np.stack(pair).astype(image.dtype)[:, None]
    responses = conv2d(image[None], kernels, boundary=boundary)
    with np.errstate(over="ignore"):
        energy = np.square(responses).sum(axis=0)
    if not np.isfinite(energy).all():
        raise OverflowError(f"image: the energy exceeds the largest {energy.dtype}")
    return energy


def modulation_ratio(responses: ArrayLike, *, cycles: int = 1) -> NDArray[np.float64]:
    """F1/F0: how much responses swing with the phase of a grating, relative to their mean.

    F1 = 2 |mean of r(k) exp(-2 pi i cycles k / n)|, F0 = mean of r(k) {skottun1991}

    responses: (..., n), over n equal steps in which the grating passes `cycles` times, all
    non-negative.  Returns (...): at most 2; pi/2 for a half-rectified sinusoid, 0 for a constant.
    Raises ValueError on a negative response, a mean of 0, NaN or infinity, or cycles for which
    there are fewer than two responses each.
    """
    responses = _validate.real_array("responses", responses, minimum=0.0)
    cycles = _validate.whole_number("cycles", cycles, minimum=1)
    n = responses.shape[-1] if responses.ndim else 0
    if n < 2 * cycles + 1:
        raise ValueError(
            f"responses: expected more than {2 * cycles} along the last axis "
            f"for cycles = {cycles}, got shape {responses.shape}"
        )
    mean = responses.mean(axis=-1)
    if (mean == 0).any():
        raise ValueError("responses: expected a mean above 0 along the last axis, got 0")
    carrier = np.exp(-2j * np.pi * cycles * np.arange(n) / n)
    return 2 * np.abs(responses @ carrier) / n / mean
