"""How much one filter's output tells of another's, and the pool that removes most of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Dependence:
    """Mutual information of two samples, in bits, and what it would be by chance.

    bits: the plug-in estimate less the mean of `null`; unbiased near 0, where it can be negative.
    plug_in: the estimate from the counts as they are, which is too large.
    null: (n_shuffles,), plug-in estimates after one of the two has been shuffled.
    """

    bits: float
    plug_in: float
    null: NDArray[np.float64]


def dependence(
    x: ArrayLike, y: ArrayLike, *, n_bins: int = 16, n_shuffles: int = 20, rng: np.random.Generator
) -> Dependence:
    """Mutual information of paired samples, between bins that hold equally many of each.

    I = sum over bins of p(a, b) log2(p(a, b) / (p(a) p(b))), less its mean over shuffles.

    x, y: (n_samples,).  Ranks decide the bins, so that no monotonic function of x or of y changes
    the result; ties are broken at random. Bins hide what happens within them: the result bounds
    the mutual information of the continuous values from below.
    Raises TypeError or ValueError on samples that are not finite real numbers of one shape, fewer
    than 5 of them for each of the n_bins² cells, n_bins < 2 or n_shuffles < 1.
    """
    x = _validate.real_array("x", x, ("n_samples",))
    y = _validate.real_array("y", y, (x.size,))
    n_bins = _validate.whole_number("n_bins", n_bins, minimum=2)
    n_shuffles = _validate.whole_number("n_shuffles", n_shuffles, minimum=1)
    rng = _validate.generator("rng", rng)
    if x.size < 5 * n_bins**2:
        raise ValueError(
            f"x: expected at least {5 * n_bins**2} samples for {n_bins} x {n_bins} bins, "
            f"got {x.size}"
        )
    a, b = (_equal_bins(values, n_bins, rng) for values in (x, y))
    plug_in = _plug_in(a, b, n_bins)
    null = np.array([_plug_in(a, rng.permutation(b), n_bins) for _ in range(n_shuffles)])
    return Dependence(bits=plug_in - float(null.mean()), plug_in=plug_in, null=null)


def fit_pool_weights(responses: ArrayLike, *, n_iterations: int = 200) -> NDArray[np.float64]:
    """Weights of the pool that best predicts each filter's squared output from the others'.

    -log likelihood = mean of (log v_i + z_i^2 / v_i) / 2, v_i = a_i + sum_j b_ij z_j^2, j not i
    {schwartz2001}, at the b_ij >= 0 and a_i > 0 that multiplicative steps reach; w_ij = b_ij / a_i.

    responses: z, (n_samples, n), n >= 2, outputs of filters; samples count as independent.
    Returns w, (n, n), 0 on the diagonal, to be used as divisive_normalization(z, 1.0, w,
    exponent=2.0), whose responses are then proportional to sign(z_i) z_i^2 / v_i.
    Raises TypeError or ValueError on responses that are not finite real numbers of that shape, a
    filter that is always 0 or whose squares leave the floats, or n_iterations < 1.
    """
    z = _validate.real_array("responses", responses, ("n_samples", "n"))
    n_iterations = _validate.whole_number("n_iterations", n_iterations, minimum=1)
    n = z.shape[1]
    if n < 2:
        raise ValueError(f"responses: expected at least 2 filters, got {n}")
    size = np.abs(z).max(axis=0)
    if not (size > 0).all():
        raise ValueError(
            f"responses: expected filters that respond, got 0 from filter {size.argmin()}"
        )
    if not ((size > 1e-150) & (size < 1e150)).all():
        raise ValueError(
            "responses: expected outputs whose squares float64 can hold, "
            f"got filters that reach {size.min():g} to {size.max():g}"
        )
    with np.errstate(under="ignore"):
        energy = (z / size) ** 2
    scale = energy.mean(axis=0)
    energy = energy / scale
    weights = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i
        base, pool = _fit_variance(energy[:, i], energy[:, others], n_iterations)
        # back from units of each filter's own variance
        weights[i, others] = pool / base
    return weights / (size**2 * scale)


def _fit_variance(target: Floats, pool: Floats, n_iterations: int) -> tuple[float, Floats]:
    """Offset and weights of the variance; each step raises the likelihood        {fevotte2011}."""
    # einsum keeps these small products away from BLAS, whose threads would mostly wait.
    terms = np.vstack([np.ones(len(pool)), pool.T])
    weights = np.full(len(terms), 1.0 / len(terms))
    for _ in range(n_iterations):
        inverse = 1.0 / np.einsum("j,js->s", weights, terms)
        pull = np.einsum("js,s->j", terms, target * inverse**2)
        weights *= np.sqrt(pull / np.einsum("js,s->j", terms, inverse))
        # An offset of 0 would leave the variance 0 where the pool is silent.
        weights[0] = max(weights[0], 1e-6)
    return float(weights[0]), weights[1:]


def _equal_bins(values: Floats, n_bins: int, rng: np.random.Generator) -> NDArray[np.int64]:
    order = np.lexsort((rng.random(values.size), values))
    bins = np.empty(values.size, np.int64)
    bins[order] = np.arange(values.size) * n_bins // values.size
    return bins


def _plug_in(a: NDArray[np.int64], b: NDArray[np.int64], n_bins: int) -> float:
    counts = np.bincount(a * n_bins + b, minlength=n_bins**2).reshape(n_bins, n_bins)
    joint = counts / a.size
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log2(joint[seen] / expected[seen])))
