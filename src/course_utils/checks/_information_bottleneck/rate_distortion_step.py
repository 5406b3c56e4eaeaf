"""Part 2 of `information_bottleneck`: one iteration of Blahut and Arimoto."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._information_bottleneck import UNITS, Array, draw_rows
from course_utils.information_bottleneck import rate_distortion_step


def _cases(rng: np.random.Generator) -> list[Case]:
    small, drawn, large = "a source one can check by hand", "any source", "a large beta"
    hamming = 1 - np.eye(2)
    channel = np.array([[0.7, 0.3], [0.4, 0.6]])
    x = np.linspace(-2.0, 2.0, 7)
    squares = (x[:, None] - np.array([-1.1, 0.2, 1.3])) ** 2
    p_x = np.array([1, 4, 9, 12, 9, 4, 1]) / 40
    unused = np.array([[0.6, 0.0, 0.4], [0.1, 0.0, 0.9], [0.5, 0.0, 0.5]])
    costs = rng.uniform(0.2, 2.0, (5, 4))
    return [
        Case(small, "a fair coin", (channel, np.array([0.5, 0.5]), hamming, 2.0)),
        Case(small, "a biased coin", (channel, np.array([0.8, 0.2]), hamming, 1.5)),
        Case(small, "beta = 0", (channel, np.array([0.3, 0.7]), hamming, 0.0)),
        Case(drawn, "squared distances", (draw_rows(rng, 7, 3), p_x, squares, 1.7)),
        Case(
            drawn,
            "a t that no x uses",
            (unused, np.array([0.2, 0.5, 0.3]), 1 - np.eye(3), 1.0),
        ),
        Case(
            drawn,
            "a source drawn at random",
            (draw_rows(rng, 5, 4), rng.dirichlet(np.full(5, 2.0)), costs, rng.uniform(0.5, 3.0)),
        ),
        Case(
            large,
            "beta = 10,000, no distortion near 0",
            (draw_rows(rng, 7, 3), p_x, 1.0 + squares, 1e4),
        ),
        Case(
            large,
            "beta = 5,000, distortions drawn at random",
            (draw_rows(rng, 5, 4), rng.dirichlet(np.full(5, 2.0)), 1.0 + costs, 5e3),
        ),
    ]


def step(
    channel: Array,
    p_x: Array,
    distortion: Array,
    beta: float,
    *,
    base: float = 2.0,
    prior: str = "marginal",
    axis: int | None = 1,
    normalized: bool = True,
    sign: float = -1.0,
    shifted: bool = True,
) -> Array:
    """An iteration, wrong in what a keyword says."""
    p_t = {
        "marginal": p_x @ channel,
        "mean": channel.mean(axis=0),
        "none": np.ones(channel.shape[1]),
        "channel": channel,
    }[prior]
    exponent = sign * beta * distortion
    if shifted:
        exponent = exponent - exponent.max(axis=1, keepdims=True)
    weights = p_t * base**exponent
    return weights / weights.sum(axis=axis, keepdims=True) if normalized else weights


PART = Part(
    reference=rate_distortion_step,
    cases=_cases,
    points={"a source one can check by hand": 1.0, "any source": 1.0, "a large beta": 1.0},
    outputs=("channel",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "beta per nat",
            partial(step, base=np.e),
            "You use exp(-beta d), for which beta is in nats per unit of distortion. Here beta is "
            "in bits: the weight is 2^(-beta d), which is exp(-beta d ln 2). A slope of R(D) read "
            "in bits would otherwise be off by 1.44.",
        ),
        Misconception(
            "marginal left out",
            partial(step, prior="none"),
            "p(t) is missing from the product. A t that is used often is cheap to use again: the "
            "rate is I(X;T), which charges for how far p(t|x) lies from p(t). At beta = 0, where "
            "distortion costs nothing, every x should answer with p(t) itself.",
        ),
        Misconception(
            "old channel in place of its marginal",
            partial(step, prior="channel"),
            "You multiply by the old p(t|x). The iteration forgets what each x did and keeps only "
            "how often each t was used: p(t) = sum over x of p(x) p(t|x), one number per t.",
        ),
        Misconception(
            "marginal without the source",
            partial(step, prior="mean"),
            "p(t) is taken as the plain mean of the rows of the channel. An x that comes often "
            "counts more: p(t) = sum over x of p(x) p(t|x), which is p_x @ channel.",
        ),
        Misconception(
            "normalized over x",
            partial(step, axis=0),
            "Your columns sum to 1. p(t|x) is a distribution over t for each x: divide each row, "
            "along axis 1, by its own sum Z(x).",
        ),
        Misconception(
            "normalized over the whole table",
            partial(step, axis=None),
            "The whole table sums to 1, as a joint does. p(t|x) is one distribution for each x: "
            "divide each row by its own sum, with axis=1 and keepdims=True.",
        ),
        Misconception(
            "not normalized",
            partial(step, normalized=False),
            "The rows do not sum to 1. p(t) 2^(-beta d) gives the proportions within a row; divide "
            "by their sum, Z(x).",
        ),
        Misconception(
            "sign of the exponent",
            partial(step, sign=1.0),
            "The exponent has the wrong sign: your channel prefers the t of largest distortion. "
            "The weight falls with distortion, 2^(-beta d).",
        ),
        Misconception(
            "underflow at large beta",
            partial(step, shifted=False),
            "Your formula is right, but not in floating point. When beta d exceeds about 1075 for "
            "every t, all weights of a row are rounded to 0, and 0/0 is nan. Only differences of d "
            "within a row matter: subtract the row's smallest d first, and one weight is 1.",
        ),
    ),
)
