"""The information bottleneck of discrete variables: soft clusters of x that keep what tells y."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr, softmax

from course_utils import _compiled, _validate
from course_utils.information_bottleneck._tables import (
    LOG_ZERO,
    Array,
    conditional,
    information,
    joint_table,
    log,
    rows,
    trade_off,
    trade_offs,
)

# Iterations between two exchanges of encoders among the betas of a sweep.
_ROUND = 100


@dataclass(frozen=True, eq=False)
class BottleneckCurve:
    """One point a beta: I(X;T) and I(T;Y) in bits, encoders p(t|x) (b, nx, nt).

    residual: largest change of an encoder's entry under one more `bottleneck_step`.
    """

    betas: Array
    i_xt: Array
    i_ty: Array
    encoders: Array
    residual: Array


def bottleneck_step(encoder: ArrayLike, p_xy: ArrayLike, beta: float) -> Array:
    """One self-consistent iteration of the bottleneck: encoder p(t|x) (nx, nt) in, encoder out.

    p(t) = sum_x p(x) p(t|x);   p(y|t) = sum_x p(x,y) p(t|x) / p(t);
    p(t|x) <- p(t) 2^(-beta D(p(y|x) || p(y|t))) / Z(x), D in bits        {tishby1999}

    p_xy: (nx, ny).  beta: a ratio of two informations, so without unit, at least 0.
    A cluster that no x uses stays unused; an x that never occurs has p(y|x) = p(y).
    Raises ValueError on shapes that do not fit, rows that do not sum to 1 or a negative beta.
    """
    joint, beta = joint_table(p_xy), trade_off(beta)
    encoder = rows("encoder", encoder, (joint.shape[0], "n_clusters"))
    return _iterate(encoder[None], joint, np.array([beta]), 1)[0]


def bottleneck_iterations(
    encoders: ArrayLike, p_xy: ArrayLike, betas: ArrayLike, n_iterations: int
) -> Array:
    """`n_iterations` of `bottleneck_step` on each of the encoders (b, nx, nt), under its own beta.

    p_xy: (nx, ny).  betas: (b,), at least 0.  Returns (b, nx, nt); errors as `bottleneck_step`.
    """
    joint, betas = joint_table(p_xy), trade_offs(betas)
    encoders = rows("encoders", encoders, (betas.size, joint.shape[0], "n_clusters"))
    n_iterations = _validate.whole_number("n_iterations", n_iterations, minimum=0)
    return _iterate(encoders, joint, betas, n_iterations)


def information_bottleneck(
    p_xy: ArrayLike,
    betas: ArrayLike,
    *,
    n_clusters: int,
    rng: np.random.Generator,
    n_restarts: int = 4,
    tol: float = 1e-7,
    max_iterations: int = 5000,
) -> BottleneckCurve:
    """Encoders that minimize I(X;T) - beta I(T;Y), and their place in the information plane.

    The problem is not convex. Every beta starts from `n_restarts` random seeds; then all betas
    iterate side by side, and every 100 iterations each adopts the encoder of another beta where
    that one has the lower value, until no entry of an encoder moves by `tol`. What is returned is
    the best of all encoders for each beta, so I(X;T) and I(T;Y) rise with beta along a concave
    curve, which the true curve bounds from above {tishby1999}.

    p_xy: (nx, ny), zeros allowed.  betas: (b,), at least 0, in any order.  At beta <= 1 the answer
    is the trivial one, I(X;T) = 0, since I(T;Y) <= I(X;T).
    Raises ValueError or TypeError as `bottleneck_step`, and on counts below 1 or tol <= 0.
    """
    joint, betas = joint_table(p_xy), trade_offs(betas)
    n_clusters = _validate.whole_number("n_clusters", n_clusters, minimum=1)
    n_restarts = _validate.whole_number("n_restarts", n_restarts, minimum=1)
    max_iterations = _validate.whole_number("max_iterations", max_iterations, minimum=1)
    tol = _validate.real_number("tol", tol, above=0.0)
    rng = _validate.generator("rng", rng)
    starts = [_seeded_encoders(joint, betas, n_clusters, rng) for _ in range(n_restarts)]
    pool = _iterate(np.concatenate(starts), joint, np.tile(betas, n_restarts), _ROUND)
    encoders = _best_encoders(pool, joint, betas)
    moving = np.ones(betas.size, dtype=bool)
    for _ in range(-(-max_iterations // _ROUND)):
        before = encoders.copy()
        encoders[moving] = _iterate(encoders[moving], joint, betas[moving], _ROUND)
        encoders = _best_encoders(encoders, joint, betas)
        moving = np.abs(encoders - before).max(axis=(1, 2)) > tol
        if not moving.any():
            break
    residual = np.abs(_iterate(encoders, joint, betas, 1) - encoders).max(axis=(1, 2))
    i_xt, i_ty = _information_plane(encoders, joint)
    return BottleneckCurve(betas, i_xt, i_ty, encoders, residual)


def bayes_decoder(encoder: ArrayLike, p_xy: ArrayLike) -> Array:
    """p(y|t) (nt, ny) that Bayes' rule induces from an encoder p(t|x) (nx, nt) and p_xy (nx, ny).

    A cluster that is never used has p(y|t) = p(y).
    Raises ValueError on shapes that do not fit or rows that do not sum to 1.
    """
    joint = joint_table(p_xy)
    return conditional(rows("encoder", encoder, (joint.shape[0], "n_clusters")).T @ joint)


def distinct_clusters(encoder: ArrayLike, p_xy: ArrayLike, *, tolerance: float = 1e-3) -> int:
    """How many clusters differ: used, with p(y|t) further than `tolerance` apart in some entry.

    Used means that p(t) exceeds `tolerance`.  Raises ValueError as `bayes_decoder`.
    """
    tolerance = _validate.real_number("tolerance", tolerance, above=0.0)
    decoder = bayes_decoder(encoder, p_xy)
    weight = joint_table(p_xy).sum(axis=1) @ np.asarray(encoder, dtype=np.float64)
    kept: list[Array] = []
    for t in np.argsort(-weight):
        new = all(np.abs(decoder[t] - other).max() > tolerance for other in kept)
        if new and (weight[t] > tolerance or not kept):
            kept.append(decoder[t])
    return len(kept)


def critical_beta(p_xy: ArrayLike) -> float:
    """The beta at which the trivial bottleneck becomes unstable: 1 / rho^2, inf if independent.

    rho, the maximal correlation of X and Y, is the second singular value of
    p(x,y) / sqrt(p(x) p(y)) {wu2019}.  Applied to p(x|t) p(y|x) it gives the beta at which
    cluster t splits.  Raises ValueError unless `p_xy` (nx, ny) holds probabilities that sum to 1.
    """
    joint = joint_table(p_xy)
    joint = joint[joint.sum(axis=1) > 0][:, joint.sum(axis=0) > 0]
    p_x, p_y = joint.sum(axis=1), joint.sum(axis=0)
    root = np.sqrt(np.outer(p_x, p_y))
    # Without the product of the marginals the first singular value, always 1, is gone.
    rho = np.linalg.norm(joint / root - root, ord=2)
    return float(1 / rho**2) if rho > 1e-12 else float("inf")


def _iterate(encoders: Array, joint: Array, betas: Array, n_iterations: int) -> Array:
    """Self-consistent iterations of encoders (b, nx, nt), each under its own beta.

    The terms of the divergence that do not depend on t drop out when p(t|x) is normalized.
    """
    p_y_given_x = conditional(joint)
    if compiled := _compiled.load("information_bottleneck"):
        encoders = np.array(encoders, order="C")
        joint_yx = np.ascontiguousarray(joint.T)
        compiled.iterate(joint_yx, p_y_given_x, betas, encoders, n_iterations, LOG_ZERO)
        return encoders
    for _ in range(n_iterations):
        cluster_joint = joint.T @ encoders
        p_t = cluster_joint.sum(axis=1, keepdims=True)
        log_decoder = log(cluster_joint / np.where(p_t > 0, p_t, 1.0))
        encoders = softmax(log(p_t) + betas[:, None, None] * (p_y_given_x @ log_decoder), axis=2)
    return encoders


def _seeded_encoders(
    joint: Array, betas: Array, n_clusters: int, rng: np.random.Generator
) -> Array:
    """An encoder a beta (b, nx, nt): each x goes to the nearest of n_clusters random x's.

    With as many clusters as x's every x has its own, which keeps all there is to know.  A little
    of each x goes to every cluster, so that none is lost to a zero.
    """
    p_y_given_x = conditional(joint)
    n_x = len(joint)
    encoders = np.empty((betas.size, n_x, n_clusters))
    for encoder in encoders:
        seeds = rng.permutation(n_x)[:n_clusters]
        divergence = rel_entr(p_y_given_x[:, None], p_y_given_x[seeds]).sum(axis=2)
        divergence[seeds, np.arange(seeds.size)] = -1.0
        nearest = divergence.argmin(axis=1)
        encoder[:] = 0.1 * rng.dirichlet(np.ones(n_clusters), n_x)
        encoder[np.arange(n_x), nearest] += 0.9
    return encoders / encoders.sum(axis=2, keepdims=True)


def _best_encoders(pool: Array, joint: Array, betas: Array) -> Array:
    """For each beta the encoder of `pool` (k, nx, nt), or the trivial one, of lowest value."""
    trivial = np.full((1, *pool.shape[1:]), 1.0 / pool.shape[2])
    pool = np.concatenate([trivial, pool])
    i_xt, i_ty = _information_plane(pool, joint)
    values = i_xt - betas[:, None] * i_ty
    # No encoder beats the trivial one here, but by rounding.
    values[betas <= 1.0, 1:] = np.inf
    return pool[values.argmin(axis=1)]


def _information_plane(encoders: Array, joint: Array) -> tuple[Array, Array]:
    """I(X;T) and I(T;Y) in bits of encoders (k, nx, nt)."""
    i_xt = information(joint.sum(axis=1)[:, None] * encoders)
    return i_xt, information(joint.T @ encoders)
