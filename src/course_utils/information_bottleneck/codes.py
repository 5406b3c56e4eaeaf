"""Rate-distortion: the fewest bits a description needs at a given mean distortion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from course_utils import _validate
from course_utils.information_bottleneck._tables import (
    LN2,
    Array,
    information,
    log,
    rows,
    trade_off,
    trade_offs,
)

# Blahut-Arimoto iterations between two Newton steps, the most such rounds, and how many may pass
# without the gap falling to 9/10.
_ROUND, _MAX_ROUNDS, _PATIENCE = 20, 200, 8


@dataclass(frozen=True, eq=False)
class RateDistortionCurve:
    """One point a beta: rate (bits), mean distortion, channels p(t|x) (b, n, m).

    gap (bits): certified bound on how far `rate` lies above R(D) at D = `distortion`.
    """

    betas: Array
    rate: Array
    distortion: Array
    channels: Array
    gap: Array


def rate_distortion_step(
    channel: ArrayLike, p_x: ArrayLike, distortion: ArrayLike, beta: float
) -> Array:
    """One Blahut-Arimoto iteration: channel p(t|x) (n, m) in, channel out.

    p(t) = sum_x p(x) p(t|x);   p(t|x) <- p(t) 2^(-beta d(x,t)) / Z(x)        {blahut1972}

    beta: bits per unit of distortion, at least 0.  p_x: (n,).  distortion: (n, m), at least 0.
    Raises ValueError on shapes that do not fit, rows that do not sum to 1 or a negative beta.
    """
    source, cost = _source(p_x, distortion)
    channel = rows("channel", channel, cost.shape)
    return _best_channel(source @ channel, cost, trade_off(beta))


def rate_distortion(
    p_x: ArrayLike, distortion: ArrayLike, betas: ArrayLike, *, tol: float = 1e-9
) -> RateDistortionCurve:
    """The points of R(D) = min I(X;T) at E[d] <= D where its slope is -beta {shannon1959}.

    Each minimizes I(X;T) + beta E[d], I in bits: beta is in bits per unit of distortion; the same
    slope in nats is ln 2 times as large.  Blahut-Arimoto iterations {blahut1972}, sped up by Newton
    steps, run until Blahut's upper and lower bounds on that minimum differ by less than `tol`
    bits, or by `tol` of its range where beta is so small that the range is below a bit, or until
    they come no closer; `gap` reports what was reached.

    p_x: (n,).  distortion: (n, m), at least 0.  betas: (b,), at least 0, in any order; beta = 0
    is the limit from above, the best constant answer.
    Raises ValueError on shapes that do not fit, a p_x that does not sum to 1, negative numbers.
    """
    source, cost = _source(p_x, distortion)
    betas = trade_offs(betas)
    tol = _validate.real_number("tol", tol, above=0.0)
    points = [_point(source, cost, beta, tol) for beta in betas]
    rate, mean_distortion, channels, gap = map(np.array, zip(*points, strict=True))
    return RateDistortionCurve(betas, rate, mean_distortion, channels, gap)


def _source(p_x: ArrayLike, distortion: ArrayLike) -> tuple[Array, Array]:
    source = _validate.probabilities("p_x", p_x, ("n",))
    cost = _validate.real_array("distortion", distortion, (source.size, "m"), minimum=0.0)
    return source, cost


def _weights(cost: Array, beta: float) -> Array:
    """2^(-beta d), each row times a factor that makes its largest entry 1."""
    with np.errstate(over="ignore", under="ignore"):
        return np.exp2(-beta * (cost - cost.min(axis=1, keepdims=True)))


def _best_channel(output: Array, cost: Array, beta: float) -> Array:
    """p(t|x) proportional to output(t) 2^(-beta d(x,t)), by logarithms: no beta underflows."""
    with np.errstate(over="ignore"):
        logits = log(output) - LN2 * beta * (cost - cost.min(axis=1, keepdims=True))
    # An overflow to -inf is a weight of 0; a row all of them keeps its outputs of least cost.
    logits = np.maximum(logits, -1e200)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _point(source: Array, cost: Array, beta: float, tol: float) -> tuple[Array, ...]:
    """Rate, mean distortion, channel and gap at one beta."""
    constant = source @ cost
    if beta == 0.0:
        channel = np.zeros(cost.shape)
        channel[:, constant.argmin()] = 1.0
        return np.array(0.0), constant.min(), channel, np.array(0.0)
    with np.errstate(over="ignore"):
        spread = beta * (constant.min() - source @ cost.min(axis=1))
    possible = source > 0
    output, gap = _best_output(
        source[possible], _weights(cost[possible], beta), tol * min(1.0, spread)
    )
    channel = _best_channel(output, cost, beta)
    joint = source[:, None] * channel
    return information(joint), (joint * cost).sum(), channel, np.array(gap / LN2)


def _best_output(source: Array, weights: Array, tol: float) -> tuple[Array, float]:
    """The p(t) that minimizes -sum_x p(x) ln sum_t p(t) w(x,t), and its gap in nats.

    Blahut-Arimoto multiplies p(t) by m(t) = sum_x p(x) w(x,t) / Z(x). At the minimum no m(t)
    exceeds 1; from any p(t), ln max m and the mean of ln m under m p bound what is left to gain.
    """
    output = np.full(weights.shape[1], 1.0 / weights.shape[1])
    best, smallest, idle = output, np.inf, 0
    for _ in range(_MAX_ROUNDS):
        for _ in range(_ROUND):
            output = output * ((source / (weights @ output)) @ weights)
            output /= output.sum()
        multiplier = (source / (weights @ output)) @ weights
        gap = float(np.log(multiplier.max()) - (output * multiplier) @ log(multiplier))
        idle = 0 if gap < 0.9 * smallest else idle + 1
        if gap < smallest:
            best, smallest = output, gap
        if gap <= tol * LN2 or idle == _PATIENCE:
            break
        output = _newton_step(output, source, weights, 1e-4 * min(gap, 1.0))
    return best, max(smallest, 0.0)


def _newton_step(output: Array, source: Array, weights: Array, damping: float) -> Array:
    """A damped Newton step of g(q) = -sum_x p(x) ln (w q)(x) + (sum q)^2 / 2 over q >= 0.

    The square makes the minimum over all q >= 0 sum to 1. The quadratic model of g at q is a
    least-squares problem with the root of the Hessian as its matrix; damping / q on its diagonal
    keeps the step finite where columns of w are nearly alike.
    """
    root = np.sqrt(source)
    matrix = np.vstack([(root / (weights @ output))[:, None] * weights, np.ones(output.size)])
    scale = np.sqrt(damping / (output + 1e-6 / output.size))
    matrix = np.vstack([matrix, np.diag(scale)])
    target = np.concatenate([2.0 * root, [0.0], scale * output])
    try:
        goal = nnls(matrix, target)[0]
    except RuntimeError:  # it did not converge
        return output
    goal /= goal.sum()
    before = source @ log(weights @ output)
    for share in 0.5 ** np.arange(8):
        trial = output + share * (goal - output)
        if source @ log(weights @ trial) >= before - 1e-13:
            return trial
    return output
