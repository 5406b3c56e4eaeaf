"""Part 3 of `sparse_coding`: one update of FastICA."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._sparse_coding import orthonormal
from course_utils.sparse_coding import fast_ica_step

Array = NDArray[Any]


def _whitened(n: int, k: int, rng: np.random.Generator) -> Array:
    """Mixtures of heavy-tailed and of light-tailed sources, exactly white."""
    sources = rng.laplace(size=(n, k))
    sources[:, 0] = rng.uniform(-1.0, 1.0, n)
    centered = sources - sources.mean(axis=0)
    left, _, right = np.linalg.svd(centered, full_matrices=False)
    return np.sqrt(n) * left @ right @ orthonormal(k, rng)


def _ica_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one unit", "several units"
    fixed = np.random.default_rng(13)
    k = int(rng.integers(3, 6))
    return [
        Case(one, "a single unit", (np.array([[1.0]]), _whitened(60, 1, fixed))),
        Case(several, "three units", (orthonormal(3, fixed), _whitened(80, 3, fixed))),
        Case(several, "five units", (orthonormal(5, fixed), _whitened(120, 5, fixed))),
        Case(several, f"{k} units drawn at random", (orthonormal(k, rng), _whitened(90, k, rng))),
    ]


def _power(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def _decorrelate(w: Array, how: str) -> Array:
    if how == "symmetric":
        return _power(w @ w.T, -0.5) @ w
    if how == "no root":
        return np.linalg.inv(w @ w.T) @ w
    if how == "rows":
        return w / np.linalg.norm(w, axis=1, keepdims=True)
    if how == "one by one":
        q, r = np.linalg.qr(w.T)
        return (q * np.sign(np.diag(r))).T
    return w


def _step(
    unmixing: Array,
    whitened: Array,
    *,
    how: str = "symmetric",
    nonlinearity: str = "tanh",
    newton: bool = True,
    squared: bool = True,
    total: bool = False,
    shared: bool = False,
    turned: bool = False,
) -> Array:
    """An update of FastICA, wrong in what a keyword says."""
    n = len(whitened)
    y = whitened @ (unmixing if turned else unmixing.T)
    if nonlinearity == "tanh":
        g = np.tanh(y)
        slope = 1 - (g**2 if squared else g)
    else:
        g, slope = y**3, 3 * y**2
    mean_slope = slope.mean(axis=0)
    if shared:
        mean_slope = np.full_like(mean_slope, mean_slope.mean())
    drive = g.T @ whitened / (1 if total else n)
    return _decorrelate(drive - (mean_slope[:, None] * unmixing if newton else 0.0), how)


PART = Part(
    reference=fast_ica_step,
    cases=_ica_cases,
    points={"one unit": 0.5, "several units": 2.5},
    outputs=("unmixing",),
    units={},
    misconceptions=(
        Misconception(
            "not made orthonormal",
            partial(_step, how="none"),
            "The rows come out as the update leaves them. Nothing yet stops them from all finding "
            "the same component: make them orthonormal together, W <- (W W^T)^(-1/2) W.",
        ),
        Misconception(
            "rows only normalized",
            partial(_step, how="rows"),
            "The rows have unit length but are not orthogonal, so that several units may find the "
            "same component. On white data, uncorrelated outputs mean orthogonal rows: "
            "W <- (W W^T)^(-1/2) W.",
        ),
        Misconception(
            "one row after the other",
            partial(_step, how="one by one"),
            "You orthogonalize one row after the other (Gram and Schmidt, or a QR decomposition): "
            "the first row stays as it is, and each later one has to give way. The symmetric "
            "(W W^T)^(-1/2) W moves all rows alike, so that no unit depends on its number.",
        ),
        Misconception(
            "inverse without root",
            partial(_step, how="no root"),
            "You multiply by the inverse of W W^T. With M = (W W^T)^(-1/2), its inverse square "
            "root, M W (M W)^T is the identity; with the whole inverse it is (W W^T)^(-1).",
        ),
        Misconception(
            "second term left out",
            partial(_step, newton=False),
            "The term E[1 - tanh^2(w . x)] w is missing. What is left is an iteration by the "
            "gradient alone; the second term makes it a Newton step, which is what makes FastICA "
            "fast.",
        ),
        Misconception(
            "cube for tanh",
            partial(_step, nonlinearity="cube"),
            "Your nonlinearity is the cube, which looks for kurtosis. It is a valid FastICA, but "
            "not the one asked for: a few outliers decide a fourth power. Use tanh, the "
            "derivative of log cosh.",
        ),
        Misconception(
            "derivative of tanh",
            partial(_step, squared=False),
            "The derivative of tanh is 1 - tanh^2; you have 1 - tanh.",
        ),
        Misconception(
            "sum for mean",
            partial(_step, total=True),
            "The first term is a sum over samples and the second a mean. Both are expectations: "
            "divide the sum by the number of samples, or the second term is drowned.",
        ),
        Misconception(
            "one slope for all units",
            partial(_step, shared=True),
            "E[1 - tanh^2(w_i . x)] is averaged over units as well as over samples. Each unit has "
            "its own: take the mean over samples, axis 0, and multiply row i of W by the i-th.",
        ),
        Misconception(
            "outputs of the transposed matrix",
            partial(_step, turned=True),
            "The outputs are computed with the columns of W. The rows are the units: y_i = w_i . x "
            "is whitened @ unmixing.T for samples in rows.",
        ),
    ),
    rtol=1e-6,
    atol=1e-8,
)
