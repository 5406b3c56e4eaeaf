"""Hebbian learning and principal components: exact flows, and rules that learn sample by sample."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _compiled, _validate

# How far from symmetric, or below zero an eigenvalue, relative to the largest: room for the
# rounding of a covariance that was computed in float32.
_ROUNDING = 1e-6

# Below this fraction of the terms it is the sum of, a coordinate is rounding: the eigenvectors and
# the sum are good to some 20 units in the last place while eigenvalues differ by 10 % or more.
_ROUNDED_AWAY = 32 * np.finfo(np.float64).eps

Update = Callable[[NDArray[Any], NDArray[Any], Any], NDArray[Any]]


def principal_components(covariance: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Variances, largest first, and the unit vectors along which they are found, one a row.

    C q_i = lambda_i q_i.  covariance: (d, d), symmetric, positive semidefinite.
    Returns variances (d,), at least 0, and components (d, d); the sign of a row is arbitrary, as is
    the choice of rows that share one variance.
    Raises ValueError when `covariance` is not square, not symmetric, not positive semidefinite or
    not finite.
    """
    matrix = _validate.real_array("covariance", covariance, ("d", "d"))
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"covariance: expected a square matrix, got shape {matrix.shape}")
    size = np.abs(matrix).max()
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > _ROUNDING * size:
        raise ValueError(
            f"covariance: expected a symmetric matrix, got entries that differ by {asymmetry:g} "
            "from their mirror image"
        )
    variances, components = np.linalg.eigh((matrix + matrix.T) / 2)
    if variances[0] < -_ROUNDING * size:
        raise ValueError(
            "covariance: expected a positive semidefinite matrix, got the eigenvalue "
            f"{variances[0]:g}"
        )
    return np.maximum(variances[::-1], 0.0), np.ascontiguousarray(components[:, ::-1].T)


def hebbian_flow(covariance: ArrayLike, w0: ArrayLike, times: ArrayLike) -> NDArray[np.float64]:
    """Weights at `times` under plain Hebbian learning averaged over inputs, exactly.

    dw/dt = C w, w(t) = exp(C t) w0 {hebb1949}, C = E[x x^T]: the covariance of zero-mean inputs.

    covariance: (d, d).  w0: (d,).  times: (t,), at least 0, in any order; a unit of time is one
    sample times the learning rate.  Returns (t, d).
    Raises ValueError on a matrix that is no covariance, mismatched shapes, non-finite values or a
    negative time; OverflowError at times when the weights exceed the largest float64.
    """
    variances, components, start, times = _flow_arguments(covariance, w0, times)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = (start * np.exp(np.outer(times, variances))) @ components
    diverged = ~np.isfinite(weights).all(axis=1)
    if diverged.any():
        raise OverflowError(
            f"times: at {times[diverged].min():g} the weights have grown beyond the largest "
            "float64; expected earlier times"
        )
    return weights


def oja_flow(covariance: ArrayLike, w0: ArrayLike, times: ArrayLike) -> NDArray[np.float64]:
    """Weights at `times` under Oja's rule averaged over inputs, exactly, however late.

    dw/dt = C w - (w^T C w) w {oja1982}, C = E[x x^T]: the covariance of zero-mean inputs, has the
    solution w(t) = exp(C t) w0 / sqrt(1 - |w0|^2 + |exp(C t) w0|^2).

    covariance: (d, d).  w0: (d,).  times: (t,), at least 0, in any order; a unit of time is one
    sample times the learning rate.  Returns (t, d).  Components of w0 along eigenvectors that are
    below their own rounding error count as 0, so that a w0 orthogonal to the first principal
    component stays orthogonal.
    Raises ValueError on a matrix that is no covariance, mismatched shapes, non-finite values or a
    negative time.
    """
    variances, components, start, times = _flow_arguments(covariance, w0, times)
    if start.size == 0:
        return np.zeros((times.size, components.shape[1]))
    fastest = variances.max()
    with np.errstate(over="ignore"):  # an exponent of -inf is as good as a large one
        # Numerator and denominator are divided by exp(fastest t). Under the root,
        # 1 + sum of start^2 (exp(2 lambda t) - 1) has no term to cancel another.
        growth = start * np.exp(np.outer(times, variances - fastest))
        terms = growth * np.sqrt(-np.expm1(-2 * np.outer(times, variances)))
        length = np.hypot(np.exp(-fastest * times), np.hypot.reduce(terms, axis=1))
    return (growth / length[:, None]) @ components


def hebbian_rule(
    inputs: ArrayLike, w0: ArrayLike, learning_rate: float, *, record_every: int | None = None
) -> NDArray[Any]:
    """Weights after one pass of plain Hebbian learning over `inputs`, one update a sample.

    w <- w + learning_rate * y * x, y = w . x {hebb1949}

    inputs: (n_samples, n_inputs), zero mean.  w0: (n_inputs,).  float32 inputs give float32.
    Returns (n_inputs,), or (n_samples // record_every, n_inputs) with `record_every`: the weights
    after each record_every samples.
    Raises ValueError on mismatched shapes, non-finite values, a learning rate <= 0 or a
    record_every above n_samples; OverflowError when the weights outgrow the floating-point numbers.
    """
    return _learn("hebbian", _hebbian_update, inputs, ("w0", w0), learning_rate, record_every)


def oja_rule(
    inputs: ArrayLike, w0: ArrayLike, learning_rate: float, *, record_every: int | None = None
) -> NDArray[Any]:
    """Weights after one pass of Oja's rule over `inputs`, one update a sample.

    w <- w + learning_rate * y * (x - y * w), y = w . x {oja1982}

    inputs: (n_samples, n_inputs), zero mean.  w0: (n_inputs,).  float32 inputs give float32.
    Returns (n_inputs,), or (n_samples // record_every, n_inputs) with `record_every`: the weights
    after each record_every samples.
    Raises ValueError on mismatched shapes, non-finite values, a learning rate <= 0 or a
    record_every above n_samples; OverflowError when the learning rate is so large that the weights
    diverge.
    """
    return _learn("oja", _oja_update, inputs, ("w0", w0), learning_rate, record_every)


def sanger_rule(
    inputs: ArrayLike, weights: ArrayLike, learning_rate: float, *, record_every: int | None = None
) -> NDArray[Any]:
    """Weights after one pass of Sanger's rule over `inputs`, one update of all rows a sample.

    w_i <- w_i + learning_rate * y_i * (x - sum of y_j * w_j over j <= i), y = W x {sanger1989}

    inputs: (n_samples, n_inputs), zero mean.  weights: (n_outputs, n_inputs), the initial W.
    float32 inputs give float32.
    Returns (n_outputs, n_inputs), or (n_samples // record_every, n_outputs, n_inputs) with
    `record_every`: the weights after each record_every samples.
    Raises ValueError on mismatched shapes, non-finite values, a learning rate <= 0 or a
    record_every above n_samples; OverflowError when the learning rate is so large that the weights
    diverge.
    """
    return _learn(
        "sanger", _sanger_update, inputs, ("weights", weights), learning_rate, record_every
    )


def _hebbian_update(weights: NDArray[Any], x: NDArray[Any], y: Any) -> NDArray[Any]:
    return y * x


def _oja_update(weights: NDArray[Any], x: NDArray[Any], y: Any) -> NDArray[Any]:
    return y * (x - y * weights)


def _sanger_update(weights: NDArray[Any], x: NDArray[Any], y: Any) -> NDArray[Any]:
    return np.outer(y, x) - np.tril(np.outer(y, y)) @ weights


def _flow_arguments(
    covariance: ArrayLike, w0: ArrayLike, times: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The variances and components along which w0 is not 0, w0's coordinates there, and times."""
    variances, components = principal_components(covariance)
    start = _validate.real_array("w0", w0, (variances.size,))
    times = _validate.real_array("times", times, ("n_times",))
    if times.min() < 0:
        raise ValueError(f"times: expected times of at least 0, got {times.min():g}")
    coordinates = components @ start
    rounding = _ROUNDED_AWAY * (np.abs(components) @ np.abs(start))
    present = np.abs(coordinates) > rounding
    return variances[present], components[present], coordinates[present], times


def _learn(
    rule: str,
    update: Update,
    inputs: ArrayLike,
    initial: tuple[str, ArrayLike],
    learning_rate: float,
    record_every: int | None,
) -> NDArray[Any]:
    """Final weights, or the records, of one pass of a rule; checks the arguments of all three."""
    axes = ("n_samples", "n_inputs")
    samples = _validate.unscanned_array("inputs", inputs, axes, keep_float32=True)
    name, value = initial
    rows = ("n_outputs",) if rule == "sanger" else ()
    weights = _validate.real_array(name, value, (*rows, samples.shape[1]))
    rate = _validate.real_number("learning_rate", learning_rate, above=0.0)
    every = len(samples)
    if record_every is not None:
        every = _validate.whole_number("record_every", record_every, minimum=1)
        if every > len(samples):
            raise ValueError(
                f"record_every: expected at most the {len(samples)} samples, got {every}"
            )
    compiled = _compiled.load("oja")
    run = getattr(compiled, rule) if compiled else _plain_pass(update)
    samples = np.ascontiguousarray(samples)
    records = np.empty((len(samples) // every, *weights.shape), samples.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        # astype copies: the loop works in place on weights of its own
        weights = weights.astype(samples.dtype)
        stopped = run(samples, weights, samples.dtype.type(rate), every, records)
    if stopped >= 0 or not np.isfinite(weights).all():
        _validate.real_array("inputs", samples, axes, keep_float32=True)
        raise OverflowError(
            f"learning_rate: with {rate:g} the weights grow beyond the largest {samples.dtype} by "
            f"sample {stopped if stopped >= 0 else len(samples) - 1}; expected a smaller learning "
            "rate, smaller inputs or fewer samples"
        )
    return records[0] if record_every is None else records


def _plain_pass(update: Update) -> Callable[..., int]:
    """The loop over samples in NumPy, with the contract of the compiled ones."""

    def run(
        inputs: NDArray[Any], weights: NDArray[Any], rate: Any, every: int, records: NDArray[Any]
    ) -> int:
        for n, x in enumerate(inputs):
            y = weights @ x
            if not np.isfinite(y).all():
                return n
            weights += rate * update(weights, x, y)
            if (n + 1) % every == 0:
                records[n // every] = weights
        return -1

    return run
