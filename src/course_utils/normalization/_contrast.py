"""The contrast response of a normalized unit, and its fit to measured responses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from course_utils import _validate

Floats = NDArray[np.floating[Any]]

# How far a fit may go: c50 beyond the contrasts shown by this factor, and exponents.
_C50_MARGIN = 100.0
_EXPONENTS = (0.1, 20.0)


@dataclass(frozen=True, eq=False)
class NakaRushtonFit:
    """The least-squares fit of `fit_naka_rushton`.

    r_max (units of the response), c50 (units of the contrast), exponent: the fit.
    relative_error: (3,), the standard errors of their logarithms, in that order, to first order;
    inf where the data leave a combination of them free.  at_bound: whether c50 or the exponent
    went as far as the fit lets it, so that its value says only "beyond".
    residual: root mean square of what is left, in units of the response.
    """

    r_max: float
    c50: float
    exponent: float
    relative_error: NDArray[np.float64]
    at_bound: bool
    residual: float


def naka_rushton(
    contrast: ArrayLike, r_max: float, c50: float, exponent: float
) -> NDArray[np.float64]:
    """Response to a contrast: a power law at low contrast that saturates at high.

    r = r_max c^exponent / (c^exponent + c50^exponent)        {naka1966}

    contrast: any shape, at least 0, which the responses share.  r_max: the response at unlimited
    contrast, in the unit of the result.  c50: the contrast of half of it.
    Raises TypeError or ValueError on a contrast that is negative, not finite or no real number,
    r_max that is not finite, or c50 or exponent <= 0.
    """
    contrast = _validate.real_array("contrast", contrast, minimum=0.0)
    r_max = _validate.real_number("r_max", r_max)
    c50 = _validate.real_number("c50", c50, above=0.0)
    exponent = _validate.real_number("exponent", exponent, above=0.0)
    with np.errstate(divide="ignore", over="ignore"):
        # 1 / (1 + (c50 / c)^exponent), where no power can overflow
        return r_max * special.expit(exponent * (np.log(contrast) - np.log(c50)))


def fit_naka_rushton(
    contrast: ArrayLike, response: ArrayLike, *, standard_error: ArrayLike | None = None
) -> NakaRushtonFit:
    """Least-squares fit of `naka_rushton` to responses at known contrasts.

    contrast: (n,), at least 0, with at least 3 different values above 0.  response: (n,).
    standard_error: (n,), of each response, above 0: responses then weigh by its inverse. Without
    it all weigh alike, and the errors of the fit come from what it leaves.
    c50 is sought up to 100 times beyond the contrasts shown, the exponent from 0.1 to 20.
    Raises TypeError or ValueError on arguments that are not finite real numbers of these shapes, a
    negative contrast, too few contrasts, a standard error <= 0, or responses that on the whole do
    not exceed 0.
    """
    contrast = _validate.real_array("contrast", contrast, ("n",), minimum=0.0)
    response = _validate.real_array("response", response, (contrast.size,))
    shown = np.unique(contrast[contrast > 0])
    if shown.size < 3:
        raise ValueError(
            f"contrast: expected at least 3 different values above 0, got {shown.size}"
        )
    if not response.sum() > 0:
        raise ValueError(f"response: expected a positive mean, got {response.mean():g}")
    unit = np.abs(response).max()
    noise = np.ones_like(response)
    if standard_error is not None:
        noise = _validate.real_array("standard_error", standard_error, response.shape) / unit
        if not (noise > 0).all():
            raise ValueError(
                f"standard_error: expected numbers above 0, got {unit * noise.min():g}"
            )
    with np.errstate(divide="ignore"):
        log_contrast = np.log(contrast)
    log_shown, margin = np.log(shown), np.log(_C50_MARGIN)
    lower = np.array([-np.inf, log_shown[0] - margin, np.log(_EXPONENTS[0])])
    upper = np.array([np.inf, log_shown[-1] + margin, np.log(_EXPONENTS[1])])
    fits = [
        optimize.least_squares(
            lambda parameters: (_log_curve(log_contrast, parameters)[0] - response / unit) / noise,
            (0.0, log_c50, log_n),
            lambda parameters: _log_curve(log_contrast, parameters)[1] / noise[:, None],
            bounds=(lower, upper),
        )
        for log_c50 in np.linspace(log_shown[0], log_shown[-1], 3)
        for log_n in np.log([1.0, 3.0])
    ]
    best = min(fits, key=lambda fit: fit.cost)
    r_max, c50, exponent = np.exp(best.x)
    near = np.minimum(best.x[1:] - lower[1:], upper[1:] - best.x[1:])
    return NakaRushtonFit(
        r_max=float(unit * r_max),
        c50=float(c50),
        exponent=float(exponent),
        relative_error=_standard_errors(best.jac, None if standard_error is not None else best.fun),
        at_bound=bool((near < 1e-3).any()),
        residual=float(unit * np.sqrt(np.mean((noise * best.fun) ** 2))),
    )


def _log_curve(log_contrast: Floats, parameters: Floats) -> tuple[Floats, Floats]:
    """The curve and its derivatives by the logarithms of r_max, c50 and exponent."""
    r_max, exponent = np.exp(parameters[0]), np.exp(parameters[2])
    logit = exponent * (log_contrast - parameters[1])
    r = r_max * special.expit(logit)
    bend = r * special.expit(-logit)  # 0 where there is no contrast and logit is -inf
    tilt = np.multiply(bend, logit, out=np.zeros_like(r), where=bend > 0)
    return r, np.column_stack([r, -exponent * bend, tilt])


def _standard_errors(jacobian: Floats, residuals: Floats | None) -> NDArray[np.float64]:
    """Square roots of the diagonal of s² (J'J)^-1, s² the residual variance, or 1 when known."""
    n_samples, n_parameters = jacobian.shape
    singular, axes = np.linalg.svd(jacobian, full_matrices=False)[1:]
    spare = n_samples - n_parameters
    if singular[-1] < 1e-8 * singular[0] or (residuals is not None and spare < 1):
        return np.full(n_parameters, np.inf)
    variance = 1.0 if residuals is None else residuals @ residuals / spare
    return np.sqrt(variance * np.sum((axes.T / singular) ** 2, axis=1))
