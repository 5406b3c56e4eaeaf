"""The stretch part of `oja`: Oja's rule, averaged over inputs and solved."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._oja import COVARIANCE, UNITS, draw_covariance
from course_utils.checks._oja.hebbian_flow import each_time
from course_utils.oja import oja_flow

Array = NDArray[Any]


def _flow_cases(rng: np.random.Generator) -> list[Case]:
    unit, length, late = "from length 1", "from any length", "at late times"
    start = np.array([0.48, -0.6, 0.64])  # of length 1
    times = np.array([0.0, 0.3, 1.0, 2.5])
    drawn = draw_covariance(rng, 4)
    w0 = rng.normal(0, 1, 4)
    return [
        Case(unit, "three inputs", (COVARIANCE, start, times)),
        Case(unit, "drawn at random", (drawn, w0 / np.linalg.norm(w0), rng.uniform(0, 3, 5))),
        Case(length, "a short start", (COVARIANCE, 0.1 * start, times)),
        Case(length, "a long start", (COVARIANCE, 3 * start, times)),
        Case(length, "drawn at random", (drawn, rng.uniform(1.2, 3) * w0, rng.uniform(0, 2, 5))),
        Case(late, "a thousand and more", (COVARIANCE, 0.3 * start, np.array([1e3, 5e3, 1e5]))),
        Case(late, "drawn at random", (drawn, 2 * w0, rng.uniform(1e3, 1e4, 4))),
    ]


def _direct(covariance: Array, w0: Array, time: float) -> Array:
    """The formula as it stands, which overflows."""
    variances, vectors = np.linalg.eigh(covariance)
    grown = vectors @ (np.exp(variances * time) * (vectors.T @ w0))
    return grown / np.sqrt(1 - w0 @ w0 + grown @ grown)


def _scaled(wrong: Callable[[Array, float, float, float], Array]) -> Callable[..., Array]:
    """The flow `wrong(grown, scale, |w0|^2, |grown|^2)`, both lengths without overflow.

    grown: exp(Ct) w0 times `scale` = exp(-lambda_1 t).
    """

    def one(covariance: Array, w0: Array, time: float) -> Array:
        variances, vectors = np.linalg.eigh(covariance)
        grown = vectors @ (np.exp((variances - variances[-1]) * time) * (vectors.T @ w0))
        scale = float(np.exp(-variances[-1] * time))
        return wrong(grown, scale, float(w0 @ w0), float(grown @ grown))

    return each_time(one)


def _limit(covariance: Array, w0: Array, times: Array) -> Array:
    first = np.linalg.eigh(covariance)[1][:, -1]
    return np.tile(first * np.sign(first @ w0), (len(times), 1))


def _entries(covariance: Array, w0: Array, time: float) -> Array:
    grown = np.exp((covariance - covariance.max()) * time) @ w0
    scale = np.exp(-covariance.max() * time)
    return grown / np.sqrt(scale**2 * (1 - w0 @ w0) + grown @ grown)


def _lengths(covariance: Array, w0: Array, times: Array) -> Array:
    right = _scaled(lambda w, scale, start, now: w / np.sqrt(scale**2 * (1 - start) + now))
    return np.linalg.norm(right(covariance, w0, times), axis=1)


PART = Part(
    reference=oja_flow,
    cases=_flow_cases,
    points={"from length 1": 0.5, "from any length": 1.0, "at late times": 0.5},
    outputs=("weights",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "Hebbian flow divided by its length",
            _scaled(lambda w, scale, start, now: w / np.sqrt(now)),
            "You divide the Hebbian flow by its length. That is right when |w0| = 1, where the "
            "length stays 1. From another length it has to get there first, and the constant "
            "1 - |w0|^2 under the root is what remembers where it came from.",
        ),
        Misconception(
            "exponentials overflow",
            each_time(_direct),
            "The formula is right, but not in floating point: at late times exp(lambda t) is "
            "larger than the largest float64, and infinity over infinity is nan. Divide numerator "
            "and denominator by exp(lambda_1 t); what is left are exponentials of numbers that "
            "are at most 0.",
        ),
        Misconception(
            "square root missing",
            _scaled(lambda w, scale, start, now: w * scale / (scale**2 * (1 - start) + now)),
            "The square root is missing. |w|^2 would be the ratio of squares, so w is divided by "
            "the root of 1 - |w0|^2 + |exp(Ct) w0|^2. Without it the weights go to 0.",
        ),
        Misconception(
            "length in place of squared length",
            _scaled(lambda w, scale, start, now: w / np.sqrt(scale**2 * (1 - start**0.5) + now)),
            "The constant under the root is 1 - |w0|^2; you have the length without its square. "
            "At t = 0 the root must be 1, so that w(0) = w0: try it.",
        ),
        Misconception(
            "sign of the initial length",
            _scaled(lambda w, scale, start, now: w / np.sqrt(scale**2 * (1 + start) + now)),
            "The initial squared length enters with a minus sign: 1 - |w0|^2 + |exp(Ct) w0|^2. At "
            "t = 0 the two lengths cancel, and w(0) = w0.",
        ),
        Misconception(
            "constant 1 under the root",
            _scaled(lambda w, scale, start, now: w / np.sqrt(scale**2 + now)),
            "You divide by the root of 1 + |exp(Ct) w0|^2. At t = 0 that gives w0 / sqrt(1 + "
            "|w0|^2) and not w0: the constant is 1 - |w0|^2.",
        ),
        Misconception(
            "limit at all times",
            _limit,
            "You return the first principal component at every time. That is where the flow ends. "
            "The question is how it gets there from w0.",
        ),
        Misconception(
            "exponential of each entry",
            each_time(_entries),
            "np.exp takes the exponential of every entry of the matrix by itself. exp(Ct) is the "
            "exponential of the matrix: take coordinates along the eigenvectors, and let the i-th "
            "grow by exp(lambda_i t).",
        ),
        Misconception(
            "lengths returned",
            _lengths,
            "You return the lengths |w(t)|. The function returns the weight vectors, one row a "
            "time; their lengths are then np.linalg.norm(weights, axis=1).",
        ),
    ),
    rtol=1e-6,
    stretch=True,
)
