"""Part 2 of `attention`: attention by scaled dot products."""

from functools import partial

import numpy as np

from course_utils.attention import scaled_dot_product_attention
from course_utils.checks import Case, Misconception, Part
from course_utils.checks._attention import UNITS, Array, softmaxed

PLAIN, BATCH, MASK = "queries, keys and values", "leading axes", "masks"


def _cases(rng: np.random.Generator) -> list[Case]:
    def drawn(*shapes: tuple[int, ...]) -> tuple[Array, ...]:
        return tuple(1.5 * rng.standard_normal(shape) for shape in shapes)

    query = np.array([[1.0, 0.0, -1.0, 2.0], [0.5, 1.5, 0.0, -1.0]])
    key = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, -1.0, 2.0, 0.5], [2.0, 0.5, 1.0, -1.0]])
    value = np.array([[1.0, 10.0], [2.0, -5.0], [4.0, 0.0]])
    causal = {"mask": np.tri(5, dtype=bool)}
    some = rng.random((4, 6)) < 0.5
    some[:, 0], some[:, 1] = True, False
    return [
        Case(PLAIN, "two queries and three keys", (query, key, value)),
        Case(PLAIN, "random vectors", drawn((5, 3), (7, 3), (7, 2))),
        Case(PLAIN, "random vectors of other dimensions", drawn((3, 9), (5, 9), (5, 4))),
        Case(BATCH, "two sets at once", drawn((2, 4, 3), (2, 6, 3), (2, 6, 5))),
        Case(BATCH, "batch and heads", drawn((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 2))),
        Case(MASK, "no query looks ahead", drawn((5, 4), (5, 4), (5, 3)), causal),
        Case(MASK, "a mask drawn at random", drawn((4, 3), (6, 3), (6, 2)), {"mask": some}),
    ]


def _attention(
    query: Array,
    key: Array,
    value: Array,
    *,
    mask: Array | None = None,
    factor: str = "right",
    axis: int = -1,
    hidden: float = -np.inf,
    flipped: bool = False,
    late: bool = False,
    reversed_axes: bool = False,
    soft: bool = True,
    returned: str = "weights",
) -> tuple[Array, Array]:
    """Attention, wrong in what a keyword says."""
    d = query.shape[-1]
    scales = {
        "right": d**-0.5,
        "none": 1.0,
        "d": 1.0 / d,
        "inverse": d**0.5,
        "keys": key.shape[-2] ** -0.5,
        "values": value.shape[-1] ** -0.5,
    }
    scores = scales[factor] * (query @ (key.T if reversed_axes else np.swapaxes(key, -1, -2)))
    if mask is not None:
        mask = ~mask if flipped else mask
        if not late:
            scores = np.where(mask, scores, hidden)
    weights = softmaxed(scores, axis) if soft else scores
    if mask is not None and late:
        weights = np.where(mask, weights, 0.0)
    return weights @ value, scores if returned == "scores" else weights


def _mask_ignored(
    query: Array, key: Array, value: Array, *, mask: Array | None = None
) -> tuple[Array, Array]:
    return _attention(query, key, value)


PART = Part(
    reference=scaled_dot_product_attention,
    cases=_cases,
    points={PLAIN: 2.0, BATCH: 1.0, MASK: 1.0},
    outputs=("output", "weights"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "not scaled",
            partial(_attention, factor="none"),
            "The scores are not scaled. A dot product sums d terms, so its standard deviation "
            "grows like sqrt(d), and softmax of such scores saturates. Divide them by sqrt(d), d "
            "the length of a query.",
        ),
        Misconception(
            "divided by d",
            partial(_attention, factor="d"),
            "You divide the scores by d. Variances add up, so the variance of a dot product grows "
            "like d and its standard deviation like sqrt(d): divide by the square root.",
        ),
        Misconception(
            "multiplied by the square root of d",
            partial(_attention, factor="inverse"),
            "You multiply by sqrt(d), which makes large scores larger still. Divide.",
        ),
        Misconception(
            "scaled by the number of keys",
            partial(_attention, factor="keys"),
            "The scale is taken from the number of keys. It has nothing to do with how many items "
            "there are, only with how many terms a dot product sums: d = query.shape[-1].",
        ),
        Misconception(
            "scaled by the length of the values",
            partial(_attention, factor="values"),
            "The scale is taken from the length of a value. The dot product is between query and "
            "key, whose length may differ: d = query.shape[-1].",
        ),
        Misconception(
            "softmax over queries",
            partial(_attention, axis=-2),
            "Your weights sum to 1 over the queries. Each query asks which *keys* matter to it, so "
            "its own row of weights sums to 1: take softmax along the last axis.",
        ),
        Misconception(
            "mask sets scores to zero",
            partial(_attention, hidden=0.0),
            "A hidden key gets a score of 0, and exp(0) = 1 is a weight like any other, larger "
            "than that of a visible key with a negative score. A key gets no weight when its score "
            "is -inf: np.where(mask, scores, -np.inf).",
        ),
        Misconception(
            "mask after softmax",
            partial(_attention, late=True),
            "You set weights of hidden keys to 0 after softmax. They have taken their share of the "
            "sum by then, so that what is left does not sum to 1. Hide keys before softmax, by a "
            "score of -inf.",
        ),
        Misconception(
            "mask upside down",
            partial(_attention, flipped=True),
            "Your mask hides what it should show. True means that the query may look at the key.",
        ),
        Misconception(
            "mask ignored",
            _mask_ignored,
            "`mask` has no effect. Where it is given and False, the query must not see the key: "
            "set that score to -inf before softmax.",
        ),
        Misconception(
            "all axes transposed",
            partial(_attention, reversed_axes=True),
            "key.T reverses the order of all axes, the leading ones too. For a single set of "
            "vectors that is the transpose; with a batch it is not. Swap the last two alone: "
            "np.swapaxes(key, -1, -2), or key.mT.",
        ),
        Misconception(
            "no softmax",
            partial(_attention, soft=False),
            "The values are summed with the raw scores as weights, which may be negative and do "
            "not sum to 1. Turn each query's scores into weights by softmax along the last axis.",
        ),
        Misconception(
            "scores returned for weights",
            partial(_attention, returned="scores"),
            "The output is right, but what you return beside it are the scores. Return the "
            "weights, softmax of the scores.",
        ),
    ),
)
