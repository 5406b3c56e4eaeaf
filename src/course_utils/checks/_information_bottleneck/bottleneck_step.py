"""Part 3 of `information_bottleneck`: one self-consistent iteration of the bottleneck."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._information_bottleneck import UNITS, Array, draw_joint, draw_rows
from course_utils.information_bottleneck import bottleneck_step

_SMALL, _DRAWN = "a table one can check by hand", "any table without zeros"
_ZEROS, _LARGE = "zeros in the table or the encoder", "a large beta"


def _cases(rng: np.random.Generator) -> list[Case]:
    coin = np.array([[0.4, 0.1], [0.1, 0.4]])
    skewed = np.array([[0.5, 0.1], [0.15, 0.05], [0.02, 0.18]])
    encoder = np.array([[0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
    holes = np.array([[0.2, 0.1, 0.0], [0.0, 0.15, 0.05], [0.1, 0.0, 0.2], [0.2, 0.0, 0.0]])
    hard = np.eye(2)[[0, 1, 1, 0]]
    unused = np.hstack([draw_rows(rng, 5, 2), np.zeros((5, 1))])
    return [
        Case(_SMALL, "a coin seen through noise", (np.array([[0.7, 0.3], [0.4, 0.6]]), coin, 2.0)),
        Case(_SMALL, "three x, two y", (encoder, skewed, 3.0)),
        Case(_SMALL, "beta = 0", (encoder, skewed, 0.0)),
        Case(_DRAWN, "six x, four y", (draw_rows(rng, 6, 3), draw_joint(rng, 6, 4), 5.0)),
        Case(
            _DRAWN,
            "a beta drawn at random",
            (draw_rows(rng, 5, 5), draw_joint(rng, 5, 3), rng.uniform(1.5, 8.0)),
        ),
        Case(_ZEROS, "a table with zeros", (draw_rows(rng, 4, 3), holes, 2.0)),
        Case(_ZEROS, "an encoder that decides hard", (hard, holes, 2.0)),
        Case(_ZEROS, "a cluster that no x uses", (unused, draw_joint(rng, 5, 4), 3.0)),
        Case(_LARGE, "beta = 100,000", (draw_rows(rng, 6, 3), draw_joint(rng, 6, 4), 1e5)),
        Case(_LARGE, "beta = 20,000", (draw_rows(rng, 4, 2), draw_joint(rng, 4, 3), 2e4)),
    ]


def safe_log(p: Array) -> Array:
    """log p, very negative in place of minus infinity."""
    return np.log(np.maximum(p, 1e-300)) - 1e30 * (p <= 0)


def step(
    encoder: Array,
    p_xy: Array,
    beta: float,
    *,
    bits: float = 1.0,
    log: Any = safe_log,
    prior: str = "marginal",
    decoder: str = "bayes",
    reverse: bool = False,
    axis: int | None = 1,
    sign: float = -1.0,
    shifted: bool = True,
    guarded: bool = True,
) -> Array:
    """An iteration, wrong in what a keyword says."""
    p_x = p_xy.sum(axis=1)
    given_x = p_xy / p_x[:, None]
    marginal = p_x @ encoder
    # A cluster in no use divides by 0 unless guarded.
    divisor = np.where(marginal > 0, marginal, 1.0) if guarded else marginal
    given_t = {
        "bayes": (encoder.T @ p_xy) / divisor[:, None],
        "joint": encoder.T @ p_xy,
        "unweighted": encoder.T @ given_x / np.maximum(encoder.sum(axis=0), 1e-300)[:, None],
        "product": (encoder.T @ given_x) / encoder.shape[0],
    }[decoder]
    p, q = given_x[:, None], given_t[None]
    if reverse:
        p, q = q, p
    divergence = (p * (log(p) - log(q))).sum(axis=2)
    p_t = {
        "marginal": marginal,
        "mean": encoder.mean(axis=0),
        "none": (marginal > 0).astype(float),
        "encoder": encoder,
    }[prior]
    exponent = sign * beta * divergence / bits
    if shifted:
        exponent = exponent - np.where(p_t > 0, exponent, -np.inf).max(axis=1, keepdims=True)
    weights = np.where(p_t > 0, p_t * np.exp(exponent), 0.0) if guarded else p_t * np.exp(exponent)
    return weights / weights.sum(axis=axis, keepdims=True)


PART = Part(
    reference=bottleneck_step,
    cases=_cases,
    points={_SMALL: 1.0, _DRAWN: 1.0, _ZEROS: 1.0, _LARGE: 1.0},
    outputs=("encoder",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "divergence in bits under exp",
            partial(step, bits=np.log(2)),
            "The divergence is in bits, but its exponential is exp. Use one unit for both: "
            "2^(-beta D) with D in bits, or exp(-beta D) with D in nats. They are the same, "
            "because beta is a ratio of two informations and has no unit; mixed, your beta acts as "
            "one 1.44 times as large.",
        ),
        Misconception(
            "divergence the wrong way round",
            partial(step, reverse=True),
            "The divergence is taken from p(y|t) to p(y|x). What counts is how badly the cluster "
            "predicts what x has in store: y comes from p(y|x), so "
            "D = sum over y of p(y|x) log [p(y|x) / p(y|t)].",
        ),
        Misconception(
            "prior left out",
            partial(step, prior="none"),
            "p(t) is missing from the product p(t) exp(-beta D). It is what charges for rate: at "
            "beta = 0 every x should answer with p(t) itself.",
        ),
        Misconception(
            "old encoder in place of p(t)",
            partial(step, prior="encoder"),
            "You multiply by the old p(t|x). Only how often each cluster is used enters: "
            "p(t) = sum over x of p(x) p(t|x), one number per cluster.",
        ),
        Misconception(
            "p(t) without p(x)",
            partial(step, prior="mean"),
            "p(t) is taken as the plain mean over x. An x that comes often counts more: "
            "p(t) = sum over x of p(x) p(t|x).",
        ),
        Misconception(
            "decoder not normalized",
            partial(step, decoder="joint"),
            "Your p(y|t) does not sum to 1 over y: it is the joint p(y,t). Divide by p(t), as "
            "Bayes' rule says: p(y|t) = sum over x of p(x,y) p(t|x) / p(t).",
        ),
        Misconception(
            "decoder without p(x)",
            partial(step, decoder="unweighted"),
            "Your p(y|t) mixes the p(y|x) of a cluster's members as if all x were equally common. "
            "They enter with the weights p(x|t) = p(t|x) p(x) / p(t).",
        ),
        Misconception(
            "normalized over x",
            partial(step, axis=0),
            "Your columns sum to 1. p(t|x) is a distribution over t for each x: divide each row, "
            "along axis 1, by its own sum.",
        ),
        Misconception(
            "sign of the exponent",
            partial(step, sign=1.0),
            "The exponent has the wrong sign: each x goes to the cluster that predicts it worst. "
            "The weight falls with the divergence, exp(-beta D).",
        ),
        Misconception(
            "zeros become nan",
            partial(step, log=np.log),
            "Zeros in the table, or in p(y|t), turn your divergence into nan. A y that x never "
            "leads to adds 0, whatever p(y|t) is; a y that x leads to and the cluster excludes "
            "makes D infinite and its weight 0. scipy.special.rel_entr(p, q) knows both rules.",
        ),
        Misconception(
            "an unused cluster becomes nan",
            partial(step, guarded=False),
            "A cluster that no x uses has p(t) = 0, and p(y|t) = p(y,t) / p(t) is 0/0. Its weight "
            "is p(t) times something, so 0: see that the division does not spoil the row, for "
            "instance by dividing by 1 where p(t) is 0.",
        ),
        Misconception(
            "underflow at large beta",
            partial(step, shifted=False),
            "Your formula is right, but not in floating point. When beta D is large for every "
            "cluster, all weights of a row are rounded to 0, and 0/0 is nan. Add log p(t), "
            "subtract the row's largest exponent, and only then exponentiate.",
        ),
    ),
)
