"""Two representations compared by what they make of the same stimuli: RDMs and linear CKA."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.spatial import distance

from course_utils import _validate

# A squared distance below this part of the squared lengths it is the difference of has lost half
# its digits to cancellation, and is computed anew from the difference of the two patterns.
_CANCELLED = 1e-8


def rdm(responses: ArrayLike, metric: str = "correlation") -> NDArray[Any]:
    """Dissimilarity of the response patterns of every two stimuli {kriegeskorte2008}.

    'correlation': 1 - Pearson's correlation of the two patterns, taken across features.
    'euclidean': the length of their difference.

    responses: (n_stimuli, n_features); float32 stays float32.  Returns the upper triangle of the
    matrix row by row, (n (n - 1) / 2,), in the order of scipy's pdist.
    Raises TypeError or ValueError on fewer than two stimuli, values that are not finite, another
    metric, or, for 'correlation', a pattern that is the same at every feature.
    """
    metric = _validate.one_of("metric", metric, ("correlation", "euclidean"))
    shape = ("n_stimuli", "n_features")
    x = _validate.unscanned_array("responses", responses, shape, keep_float32=True)
    if len(x) < 2:
        raise ValueError(f"responses: expected at least two stimuli, got {len(x)}")
    with np.errstate(over="ignore", invalid="ignore"):
        square = _correlation_distances(x) if metric == "correlation" else _distances(x)
    condensed = _upper_triangle(square)
    if not np.isfinite(condensed).all():
        _validate.real_array("responses", x, shape, keep_float32=True)
        raise ValueError("responses: expected numbers whose squares a float can hold")
    return condensed


def compare_rdms(a: ArrayLike, b: ArrayLike, method: str = "spearman") -> float:
    """Correlation of two condensed RDMs: of their ranks ('spearman') or values ('pearson').

    a, b: (n_pairs,), of the same stimuli in the same order.
    Raises TypeError or ValueError on lengths that differ, values that are not finite, another
    method, or dissimilarities that are all equal.
    """
    first = _validate.real_array("a", a, ("n_pairs",))
    second = _validate.real_array("b", b, first.shape)
    ranked = _validate.one_of("method", method, ("spearman", "pearson")) == "spearman"
    unit = []
    for name, values in (("a", first), ("b", second)):
        if values.min() == values.max():
            raise ValueError(f"{name}: expected dissimilarities that differ, got equal ones")
        values = stats.rankdata(values) if ranked else values
        deviations = values - values.mean()
        unit.append(deviations / np.linalg.norm(deviations))
    return float(np.clip(unit[0] @ unit[1], -1.0, 1.0))


def linear_cka(x: ArrayLike, y: ArrayLike, *, debiased: bool = False) -> float:
    """Linear centered kernel alignment of two representations {kornblith2019}.

    |Y'X|^2 / (|X'X| |Y'Y|), Frobenius norms of features centered over stimuli. It stays the same
    when either representation is rotated or multiplied by a number, not when it is stretched.

    x: (n_stimuli, n_features), y: (n_stimuli, m_features), of the same stimuli.
    debiased: replace each inner product of kernels by its unbiased estimate {murphy2024}, whose
    expected numerator is 0 for independent representations; needs four stimuli and can be negative.
    Raises TypeError or ValueError on numbers of stimuli that differ or are too small, values that
    are not finite, features that do not vary.
    """
    first = _validate.real_array("x", x, ("n_stimuli", "n_features"))
    second = _validate.real_array("y", y, (len(first), "m_features"))
    fewest = 4 if debiased else 2
    if len(first) < fewest:
        raise ValueError(f"x: expected at least {fewest} stimuli, got {len(first)}")
    first, second = _centered("x", first), _centered("y", second)
    inner = _unbiased_inner if debiased else _inner
    own = []
    for name, z in (("x", first), ("y", second)):
        own.append(inner(z, z))
        if own[-1] <= 0:
            raise ValueError(f"{name}: expected structure beyond what chance gives, got none")
    return inner(first, second) / math.sqrt(own[0] * own[1])


def disagreeing_stimuli(a: ArrayLike, b: ArrayLike, n_keep: int) -> NDArray[np.int64]:
    """Stimuli on which two models disagree about what is like what {golan2020}.

    One stimulus at a time is dropped, the one whose dissimilarities to those left add most to the
    covariance of the two RDMs, standardized over the pairs left, until `n_keep` are left.

    a, b: condensed RDMs (n (n - 1) / 2,) of the two models.  n_keep: 3 to n.
    Returns (n_keep,), indices of stimuli, ascending.
    Raises TypeError or ValueError on lengths that differ or belong to no number of stimuli, values
    that are not finite, n_keep out of range, dissimilarities that become all equal.
    """
    first = _validate.real_array("a", a, ("n_pairs",))
    second = _validate.real_array("b", b, first.shape)
    n = (1 + math.isqrt(1 + 8 * len(first))) // 2
    if n * (n - 1) // 2 != len(first):
        raise ValueError(f"a: expected n (n - 1) / 2 dissimilarities, got {len(first)}")
    n_keep = _validate.whole_number("n_keep", n_keep, minimum=3)
    if n_keep > n:
        raise ValueError(f"n_keep: expected at most the {n} stimuli, got {n_keep}")
    kept = np.arange(n)
    squares = [distance.squareform(values) for values in (first, second)]
    while len(kept) > n_keep:
        product = np.ones((len(kept), len(kept)))
        for name, square in zip("ab", squares, strict=True):
            pairs = distance.squareform(square, checks=False)
            if pairs.min() == pairs.max():
                raise ValueError(f"{name}: expected dissimilarities that differ, got equal ones")
            product *= (square - pairs.mean()) / pairs.std()
        np.fill_diagonal(product, 0.0)
        worst = int(product.sum(axis=0).argmax())
        kept = np.delete(kept, worst)
        squares = [np.delete(np.delete(s, worst, axis=0), worst, axis=1) for s in squares]
    return kept


def _correlation_distances(x: NDArray[Any]) -> NDArray[Any]:
    mean = x.mean(axis=1, keepdims=True)
    centered = x - mean
    square = centered @ centered.T  # one BLAS call that computes half the matrix
    lengths = np.sqrt(np.diagonal(square))
    # A constant pattern's deviations are rounding, of the size of its mean's.
    rounding = np.finfo(x.dtype).eps * np.abs(mean[:, 0]) * math.sqrt(x.shape[1])
    if (flat := lengths <= 4 * rounding).any():
        row = int(np.flatnonzero(flat)[0])
        raise ValueError(f"responses: expected patterns that vary, got a constant one in row {row}")
    square /= lengths[:, None]
    square /= lengths
    np.subtract(1, square, out=square)
    return np.clip(square, 0, 2, out=square)


def _distances(x: NDArray[Any]) -> NDArray[Any]:
    x = x - x.mean(axis=0)
    square = x @ x.T
    lengths = np.diagonal(square).copy()
    total = lengths[:, None] + lengths
    square *= -2
    square += total
    for i, j in np.argwhere(np.triu(square < _CANCELLED * total, 1)):
        square[i, j] = np.square(x[i] - x[j]).sum()
    return np.sqrt(np.maximum(square, 0, out=square), out=square)


def _upper_triangle(square: NDArray[Any]) -> NDArray[Any]:
    n = len(square)
    condensed = np.empty(n * (n - 1) // 2, square.dtype)
    start = 0
    for i in range(n - 1):
        stop = start + n - 1 - i
        condensed[start:stop] = square[i, i + 1 :]
        start = stop
    return condensed


def _centered(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Features centered over stimuli, divided by the largest deviation so that no square is 0."""
    x = x / max(np.abs(x).max(), np.finfo(np.float64).tiny)
    x = x - x.mean(axis=0)
    largest = np.abs(x).max()
    if largest <= 8 * np.finfo(np.float64).eps:
        raise ValueError(f"{name}: expected features that vary over stimuli, got constant ones")
    return x / largest


def _inner(x: NDArray[Any], y: NDArray[Any]) -> float:
    """<XX', YY'>, by the smaller of the two products."""
    if min(x.shape[1], y.shape[1]) < len(x):
        return float(np.square(y.T @ x).sum())
    return float(((x @ x.T) * (y @ y.T)).sum())


def _unbiased_inner(x: NDArray[Any], y: NDArray[Any]) -> float:
    """n (n - 3) times the unbiased Hilbert-Schmidt independence criterion of Song et al."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    rows_k, rows_m = k.sum(axis=0), m.sum(axis=0)
    return float(
        (k * m).sum()
        + rows_k.sum() * rows_m.sum() / ((n - 1) * (n - 2))
        - 2 * rows_k @ rows_m / (n - 2)
    )
