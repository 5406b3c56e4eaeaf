"""Softmax, attention by scaled dot products, with and without its matrix of weights, and Bayes."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _compiled, _validate

Floats = NDArray[np.floating[Any]]

# Queries and keys that `attend` takes at a time: a block's scores stay in a core's cache.
_QUERIES, _KEYS = 256, 512


def softmax(scores: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Positive weights along `axis` that sum to 1.

    w_i = exp(l_i) / sum over j of exp(l_j): divisive normalization of exp(l) {carandini2012}

    The largest score is subtracted first, which changes no weight and lets nothing overflow.
    scores: any shape with at least one axis, which the weights share.
    Raises TypeError or ValueError when `scores` are not finite real numbers, are empty or a single
    number, or have no such axis.
    """
    scores = _validate.real_array("scores", scores)
    axis = _axis(scores, axis)
    # Subtracted in halves: the difference of two finite scores may exceed the largest float.
    half = 0.5 * scores - 0.5 * scores.max(axis=axis, keepdims=True)
    with np.errstate(over="ignore"):
        weights = np.exp(2.0 * half)
    return weights / weights.sum(axis=axis, keepdims=True)


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    scale: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Averages of the values, weighted by how well keys match each query, and the weights.

    output = softmax(scale Q K^T) V,  scale = 1/sqrt(d)        {vaswani2017}

    query: (..., tq, d).  key: (..., tk, d).  value: (..., tk, dv).  Leading axes broadcast.
    mask: booleans that broadcast to (..., tq, tk), True where a query may look at a key.
    scale: a number in place of 1/sqrt(d).
    Returns output (..., tq, dv) and weights (..., tq, tk); a query's weights sum to 1.
    Raises TypeError or ValueError on shapes that do not fit, on numbers that are not finite or so
    large that a score could overflow, on a mask that leaves a query no key.
    """
    q, k, v, allowed = _attention_arguments(query, key, value, mask, scale, keep_float32=False)
    scores = q @ np.swapaxes(k, -1, -2)
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ v, weights


def attend(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    scale: float | None = None,
) -> Floats:
    """The output of `scaled_dot_product_attention` without ever holding its (tq, tk) weights.

    Keys come in blocks. Each query keeps the largest score so far and two sums relative to it, of
    exp(score) and of exp(score) times value; when a block brings a larger score, both are rescaled
    {milakov2018}. Memory beyond arguments and output does not grow with tk, nor with tq.

    Arguments and errors as there; a mask keeps the shape it comes in.  Returns (..., tq, dv),
    float32 when query, key and value all are.
    """
    q, k, v, allowed = _attention_arguments(query, key, value, mask, scale, keep_float32=True)
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    if allowed is not None:
        batch = np.broadcast_shapes(batch, allowed.shape[:-2])
        allowed = np.broadcast_to(allowed, (*batch, q.shape[-2], k.shape[-2]))
    q, k, v = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (q, k, v))
    output = np.empty((*batch, q.shape[-2], v.shape[-1]), q.dtype)
    # The compiled exponential is a single-precision one, and the compiled loop knows no mask.
    compiled = _compiled.load("attention") if q.dtype == np.float32 and mask is None else None
    if compiled:
        compiled.attend(q, k, v, output)
        return output
    for index in np.ndindex(batch):
        for start in range(0, q.shape[-2], _QUERIES):
            rows = slice(start, start + _QUERIES)
            part = None if allowed is None else allowed[index][rows]
            output[index][rows] = _attend_rows(q[index][rows], k[index], v[index], part)
    return output


class _Running(NamedTuple):
    """What an online softmax remembers of the keys it has seen, for each query."""

    largest: Any  # (tq,), of the scores
    total: Any  # (tq,), sum of exp(score - largest)
    average: Any  # (tq, dv), sum of exp(score - largest) value


def online_softmax_step(
    largest: ArrayLike, total: ArrayLike, average: ArrayLike, scores: ArrayLike, value: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """What an online softmax remembers after one more block of keys.

    m' = max(m, max_j l_j),  t' = t e^(m - m') + sum_j e^(l_j - m'),
    a' = a e^(m - m') + sum_j e^(l_j - m') v_j;  at the end the output is a / t  {milakov2018}

    largest: (tq,), -inf before the first block.  total: (tq,), at least 0.  average: (tq, dv).
    scores: (tq, n), of the block's n keys.  value: (n, dv).  Returns the new largest, total and
    average.  Raises TypeError or ValueError on shapes that do not fit or numbers that are not
    finite (but for a largest of -inf).
    """
    scores = _validate.real_array("scores", scores, ("tq", "n"))
    value = _validate.real_array("value", value, (scores.shape[1], "dv"))
    total = _validate.real_array("total", total, (len(scores),), minimum=0.0)
    average = _validate.real_array("average", average, (len(scores), value.shape[1]))
    before = np.asarray(largest, dtype=np.float64)
    fresh = before == -np.inf
    _validate.real_array("largest", np.where(fresh, 0.0, before), (len(scores),))
    return _online_step(_Running(before, total, average), scores, value)


def item_posterior(
    query: ArrayLike, key: ArrayLike, *, variance: float, prior: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Probability that each item produced each query.

    p(i | q) = p_i N(q; k_i, variance 1) / sum over j of the same: an item is drawn with
    probability p_i, and its key, with Gaussian noise of this variance added to each component, is
    the query.

    query: (tq, d).  key: (tk, d).  prior: (tk,), probabilities, equal unless given.
    Returns (tq, tk).  Raises TypeError or ValueError on mismatched shapes, non-finite numbers, a
    variance <= 0 or a prior that is no distribution.
    """
    query = _validate.real_array("query", query, ("tq", "d"))
    key = _validate.real_array("key", key, ("tk", query.shape[1]))
    variance = _validate.real_number("variance", variance, above=0.0)
    if prior is None:
        prior = np.full(len(key), 1.0 / len(key))
    prior = _validate.probabilities("prior", prior, (len(key),))
    with np.errstate(over="ignore", divide="ignore"):
        # One item at a time: differences of all pairs would take d times the memory of the result.
        squared = np.stack([((query - k) ** 2).sum(axis=1) for k in key], axis=1)
        # Relative to the nearest item that has a chance at all, where the exponent is then 0.
        possible = np.where(prior > 0, squared, np.inf)
        nearest = possible.min(axis=1, keepdims=True)
        if not np.isfinite(nearest).all():
            raise ValueError(
                "query, key: expected distances whose squares float64 can hold, got numbers up to "
                f"{max(np.abs(query).max(), np.abs(key).max()):g}"
            )
        log_posterior = np.log(prior) - (possible - nearest) / 2.0 / variance
    weights = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _attend_rows(q: Floats, k: Floats, v: Floats, allowed: NDArray[np.bool_] | None) -> Floats:
    """Attention of a block of queries over all keys, by the online softmax."""
    zero = np.zeros(len(q), q.dtype)
    state = _Running(zero - np.inf, zero, np.zeros((len(q), v.shape[1]), q.dtype))
    for start in range(0, len(k), _KEYS):
        columns = slice(start, start + _KEYS)
        scores = q @ k[columns].T
        if allowed is not None:
            scores[~allowed[:, columns]] = -np.inf
        state = _online_step(state, scores, v[columns])
    return state.average / state.total[:, None]


def _online_step(state: _Running, scores: Floats, value: Floats) -> _Running:
    largest = np.maximum(state.largest, scores.max(axis=1))
    # Until a query has met a key that it may see, its largest score is -inf: subtract 0.
    reference = np.where(largest == -np.inf, 0, largest)[:, None]
    weights = scores - reference
    np.exp(weights, out=weights)
    fade = np.exp(state.largest[:, None] - reference)
    total = state.total * fade[:, 0] + weights.sum(axis=1)
    return _Running(largest, total, state.average * fade + weights @ value)


def _attention_arguments(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    mask: ArrayLike | None,
    scale: float | None,
    *,
    keep_float32: bool,
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_] | None]:
    """The scaled query, key, value, all of one dtype, and the mask, checked against each other."""
    q, k, v = (
        _matrices(name, array, keep_float32)
        for name, array in (("query", query), ("key", key), ("value", value))
    )
    if k.shape[-1] != q.shape[-1]:
        raise ValueError(f"key: expected shape (..., tk, {q.shape[-1]}), got {k.shape}")
    if v.shape[-2] != k.shape[-2]:
        raise ValueError(f"value: expected shape (..., {k.shape[-2]}, dv), got {v.shape}")
    batch = _joined_batch("key", q.shape[:-2], k.shape)
    batch = _joined_batch("value", batch, v.shape)
    factor = 1.0 / math.sqrt(q.shape[-1])
    if scale is not None:
        factor = _validate.real_number("scale", scale)
    dtype = np.result_type(q, k, v)
    _refuse_overflow(q, k, v, factor, np.finfo(dtype))
    allowed = None if mask is None else _mask(mask, batch, q.shape[-2], k.shape[-2])
    q, k, v = (x.astype(dtype, copy=False) for x in (q, k, v))
    return q * dtype.type(factor), k, v, allowed


def _matrices(name: str, value: ArrayLike, keep_float32: bool) -> Floats:
    array = _validate.real_array(name, value, keep_float32=keep_float32)
    if array.ndim < 2:
        raise ValueError(f"{name}: expected at least 2 axes, got shape {array.shape}")
    return array


def _joined_batch(name: str, batch: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(batch, shape[:-2])
    except ValueError:
        raise ValueError(
            f"{name}: expected leading axes that broadcast with {batch}, got shape {shape}"
        ) from None


def _refuse_overflow(
    q: Floats, k: Floats, v: Floats, scale: float, limits: "np.finfo[Any]"
) -> None:
    """Raises ValueError when a score, or a sum of values, could exceed the largest float."""
    # In logarithms, which do not overflow themselves; half of the largest float, so that the
    # difference of two scores is finite too.
    room = math.log(float(limits.max) / 2.0)
    size_q, size_k, size_v = (float(np.abs(x).max()) for x in (q, k, v))
    scaled = _log(size_q) + _log(abs(scale))
    if max(scaled, scaled + _log(size_k) + math.log(q.shape[-1])) > room:
        raise ValueError(
            f"query, key: expected scores that {limits.dtype} can hold, got numbers up to "
            f"{size_q:g} and {size_k:g}"
        )
    if _log(size_v) + math.log(v.shape[-2]) > room:
        raise ValueError(
            f"value: expected sums that {limits.dtype} can hold, got numbers up to {size_v:g}"
        )


def _log(size: float) -> float:
    return math.log(size) if size else -math.inf


def _mask(mask: ArrayLike, batch: tuple[int, ...], tq: int, tk: int) -> NDArray[np.bool_]:
    allowed = np.asarray(mask)
    if allowed.dtype != np.bool_:
        raise TypeError(f"mask: expected booleans (True: may look), got {allowed.dtype}")
    whole = (*batch, tq, tk)
    try:
        np.broadcast_shapes(allowed.shape, whole)
        np.broadcast_to(np.empty(allowed.shape[-2:]), (tq, tk))
    except ValueError:
        raise ValueError(
            f"mask: expected a shape that broadcasts to {whole}, got {allowed.shape}"
        ) from None
    if not allowed.any(axis=-1).all():
        raise ValueError("mask: expected at least one key for every query, got a query with none")
    return np.atleast_2d(allowed)


def _axis(scores: NDArray[Any], axis: int) -> int:
    if scores.ndim == 0:
        raise ValueError("scores: expected at least 1 axis, got a single number")
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise TypeError(f"axis: expected a whole number, got {type(axis).__name__}")
    if not -scores.ndim <= axis < scores.ndim:
        raise ValueError(f"axis: expected an axis of shape {scores.shape}, got {axis}")
    return int(axis)
