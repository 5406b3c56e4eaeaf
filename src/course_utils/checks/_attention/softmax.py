"""Part 1 of `attention`: softmax."""

import numpy as np

from course_utils.attention import softmax
from course_utils.checks import Case, Misconception, Part
from course_utils.checks._attention import UNITS, Array, softmaxed

ROW, AXIS, EXTREME = "one row of scores", "scores with several axes", "extreme scores"


def _cases(rng: np.random.Generator) -> list[Case]:
    square = np.array([[0.3, -1.2, 2.0], [1.5, 0.4, -0.6], [-0.9, 0.8, 1.1]])
    return [
        Case(ROW, "three scores", (np.array([0.0, 1.0, -2.0]),)),
        Case(ROW, "six scores drawn at random", (rng.normal(0.5, 1.5, 6),)),
        Case(AXIS, "a square of scores, softmax along its rows", (square,)),
        Case(AXIS, "a square of scores, softmax down its columns", (square,), {"axis": 0}),
        Case(AXIS, "random scores of shape (4, 3), along rows", (rng.normal(0, 1.5, (4, 3)),)),
        Case(
            AXIS,
            "random scores of shape (2, 4, 3), along axis 1",
            (rng.normal(0, 1.5, (2, 4, 3)),),
            {"axis": 1},
        ),
        Case(EXTREME, "scores around 1000", (np.array([1000.0, 1001.0, 998.0]),)),
        Case(EXTREME, "scores around -1000", (np.array([-1000.0, -1001.0, -1003.0]),)),
        Case(EXTREME, "one score far above the others", (np.array([-800.0, 0.5, 800.0]),)),
    ]


def _overflows(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores)
    return weights / weights.sum(axis=axis, keepdims=True)


def _sum_of_everything(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum()


def _without_keepdims(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis)


def _shifted_above_only(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / np.exp(scores).sum(axis=axis, keepdims=True)


def _shares(scores: Array, axis: int = -1) -> Array:
    return scores / scores.sum(axis=axis, keepdims=True)


def _winner(scores: Array, axis: int = -1) -> Array:
    return (scores == scores.max(axis=axis, keepdims=True)).astype(float)


def _divided_by_the_largest(scores: Array, axis: int = -1) -> Array:
    return softmaxed(scores / np.abs(scores).max(axis=axis, keepdims=True), axis)


def _unit_length(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / np.sqrt((weights**2).sum(axis=axis, keepdims=True))


PART = Part(
    reference=softmax,
    cases=_cases,
    points={ROW: 1.0, AXIS: 1.0, EXTREME: 1.0},
    outputs=("weights",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "exponentials overflow",
            _overflows,
            "The formula is right, but not in floating point: exp(1000) is infinite and exp(-1000) "
            "is 0, and their ratios are nan. Only differences of scores matter, since a common "
            "factor cancels: subtract the largest score along the axis before you take "
            "exponentials, and the largest of them is exp(0) = 1.",
        ),
        Misconception(
            "axis ignored",
            lambda scores, axis=-1: softmaxed(scores, -1),
            "Your weights sum to 1 along the last axis, whatever `axis` says. Pass it on: both the "
            "largest score and the sum are taken along `axis`, with keepdims=True.",
        ),
        Misconception(
            "one sum for everything",
            _sum_of_everything,
            "You divide by the sum over the whole array. Each row (or column, as `axis` says) "
            "competes within itself: its own weights sum to 1. Take the sum along `axis`, with "
            "keepdims=True.",
        ),
        Misconception(
            "keepdims forgotten",
            _without_keepdims,
            "The sum along `axis` loses that axis, and broadcasting then lines it up with another "
            "one: for a square array each column is divided by another row's sum, for other "
            "shapes it fails. weights.sum(axis=axis, keepdims=True) keeps it in place.",
        ),
        Misconception(
            "largest subtracted above only",
            _shifted_above_only,
            "You subtract the largest score in the numerator and not in the sum, so that the "
            "common factor does not cancel. Compute the shifted exponentials once, and divide them "
            "by their own sum.",
        ),
        Misconception(
            "no exponential",
            _shares,
            "You divide scores by their sum. Scores may be negative, or sum to 0, and shares of "
            "them are no weights. The exponential first makes every score positive, and a "
            "difference of scores a ratio of weights.",
        ),
        Misconception(
            "winner takes all",
            _winner,
            "All weight goes to the largest score: that is the hard maximum. Softmax gives every "
            "item a share, in the ratio exp(l_i - l_j); it comes close to the hard maximum only "
            "when the differences are large.",
        ),
        Misconception(
            "divided by the largest score",
            _divided_by_the_largest,
            "You divide the scores by their largest magnitude to keep exp from overflowing. That "
            "changes the differences between them, and with these the weights. Subtract the "
            "largest score instead: differences stay as they are.",
        ),
        Misconception(
            "squares sum to one",
            _unit_length,
            "The squares of your weights sum to 1, that is, you divide by the Euclidean norm. "
            "Weights of an average sum to 1 themselves: divide by the plain sum.",
        ),
    ),
)
