"""Part 1 of `oja`: plain Hebbian learning, averaged over inputs and solved."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._oja import COVARIANCE, UNITS, draw_covariance
from course_utils.oja import hebbian_flow

Array = NDArray[Any]


def _flow_cases(rng: np.random.Generator) -> list[Case]:
    separate, mixed, order = "uncorrelated inputs", "correlated inputs", "times in any order"
    diagonal = np.diag([0.5, 2.0, 1.0, 0.2])
    w0 = np.array([0.3, -0.2, 0.5])
    drawn = draw_covariance(rng, 4)
    return [
        Case(separate, "four inputs", (diagonal, np.array([1.0, 0.3, -0.5, 2.0]), np.array([0.8]))),
        Case(separate, "the start", (diagonal, np.array([0.1, 0.7, -0.2, 0.4]), np.array([0.0]))),
        Case(mixed, "three inputs, one time", (COVARIANCE, w0, np.array([1.3]))),
        Case(mixed, "inputs drawn at random", (drawn, rng.normal(0, 1, 4), np.array([0.7]))),
        Case(order, "five times, ascending", (COVARIANCE, w0, np.linspace(0.1, 2.0, 5))),
        Case(order, "four times, not in order", (COVARIANCE, w0, np.array([1.5, 0.0, 0.4, 1.5]))),
        Case(order, "times drawn at random", (drawn, rng.normal(0, 1, 4), rng.uniform(0, 2, 6))),
    ]


def each_time(one: Callable[[Array, Array, float], Array]) -> Callable[..., Array]:
    """The flow whose weights at one time are `one(covariance, w0, time)`."""

    def flow(covariance: Array, w0: Array, times: Array) -> Array:
        return np.array([one(covariance, w0, t) for t in times])

    return flow


def _grown(covariance: Array, w0: Array, time: float) -> Array:
    return expm(covariance * time) @ w0


def _directions(covariance: Array, w0: Array, time: float) -> Array:
    grown = _grown(covariance, w0, time)
    return grown / np.linalg.norm(grown)


def _rows_for_columns(covariance: Array, w0: Array, time: float) -> Array:
    variances, vectors = np.linalg.eigh(covariance)
    return vectors.T @ (np.exp(variances * time) * (vectors @ w0))


def _not_projected(covariance: Array, w0: Array, time: float) -> Array:
    variances, vectors = np.linalg.eigh(covariance)
    return vectors @ (np.exp(variances * time) * w0)


def _winner_only(covariance: Array, w0: Array, time: float) -> Array:
    variances, vectors = np.linalg.eigh(covariance)
    return np.exp(variances[-1] * time) * (vectors[:, -1] @ w0) * vectors[:, -1]


def _carried_over(covariance: Array, w0: Array, times: Array) -> Array:
    weights, found = w0, []
    for t in times:
        weights = _grown(covariance, weights, t)
        found.append(weights)
    return np.array(found)


PART = Part(
    reference=hebbian_flow,
    cases=_flow_cases,
    points={"uncorrelated inputs": 1.0, "correlated inputs": 1.0, "times in any order": 1.0},
    outputs=("weights",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "exponential of each entry",
            each_time(lambda covariance, w0, time: np.exp(covariance * time) @ w0),
            "np.exp takes the exponential of every entry by itself, and an entry of 0 becomes 1. "
            "exp(Ct) is the exponential of the matrix, 1 + Ct + (Ct)^2/2 + ..., with matrix "
            "products. In the basis of the eigenvectors it is simple: the coordinate of w along "
            "the i-th grows by exp(lambda_i t).",
        ),
        Misconception(
            "only the first step",
            each_time(lambda covariance, w0, time: w0 + time * covariance @ w0),
            "w0 + t C w0 is where the flow would go if its velocity stayed what it is at the "
            "start. But the velocity C w grows with w: that is what makes the growth exponential. "
            "The straight line is right only for times short against 1/lambda_1.",
        ),
        Misconception(
            "eigenvectors taken as rows",
            each_time(_rows_for_columns),
            "The eigenvectors are the columns of what np.linalg.eigh returns, and your code takes "
            "its rows. The coordinates of w0 are vectors.T @ w0, and the way back is vectors @ "
            "coordinates.",
        ),
        Misconception(
            "coordinates not taken",
            each_time(_not_projected),
            "The growth factors multiply the entries of w0. They belong to directions, not to "
            "inputs: take the coordinates of w0 along the eigenvectors first, vectors.T @ w0, let "
            "each grow, and go back.",
        ),
        Misconception(
            "only the first component",
            each_time(_winner_only),
            "Only the part of w0 along the first principal component is left. It wins in the end, "
            "but the others do not vanish: they grow too, only more slowly. Keep all of them.",
        ),
        Misconception(
            "length divided out",
            each_time(_directions),
            "Your weights have length 1. The direction is right, but plain Hebbian learning has "
            "nothing that limits the length, and its growth is what this part is to show. What "
            "holds the length is Oja's term, and that is another flow.",
        ),
        Misconception(
            "rate doubled",
            each_time(lambda covariance, w0, time: _grown(covariance, w0, 2 * time)),
            "The weights grow twice as fast as they should. The rate 2 lambda belongs to |w|^2; "
            "w itself grows as exp(lambda t).",
        ),
        Misconception(
            "sign of the exponent",
            each_time(lambda covariance, w0, time: _grown(covariance, w0, -time)),
            "Your weights decay. dw/dt = C w has a plus sign: what an input has made larger makes "
            "the output larger, which makes the next change larger still.",
        ),
        Misconception(
            "each time starts where the last ended",
            _carried_over,
            "Each of your times starts from the weights at the one before, so that the times add "
            "up. `times` counts from the start: every row is exp(C t) w0 with the same w0.",
        ),
        Misconception(
            "time on the second axis",
            lambda covariance, w0, times: each_time(_grown)(covariance, w0, times).T,
            "The numbers are right, but the axes are exchanged: one row a time, shape "
            "(len(times), len(w0)). In this book time comes first.",
        ),
    ),
    rtol=1e-6,
)
