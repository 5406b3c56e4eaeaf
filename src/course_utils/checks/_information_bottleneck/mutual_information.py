"""Part 1 of `information_bottleneck`: the mutual information of a table."""

from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._information_bottleneck import UNITS, Array, draw_joint
from course_utils.information_bottleneck import mutual_information


def _cases(rng: np.random.Generator) -> list[Case]:
    known, full, zeros = "answers one knows", "tables without zeros", "tables with zeros"
    channel = np.array([[0.89, 0.11], [0.11, 0.89]]) / 2
    triangle = np.array([[0.3, 0.2, 0.0, 0.0], [0.0, 0.1, 0.25, 0.0], [0.05, 0.0, 0.0, 0.1]])
    drawn = draw_joint(rng, 4, 6) * (rng.random((4, 6)) < 0.6)
    drawn[rng.integers(4), rng.integers(6)] += 0.1
    return [
        Case(known, "independent variables", (np.outer([0.2, 0.8], [0.5, 0.3, 0.2]),)),
        Case(known, "a channel that errs in 11 % of cases", (channel,)),
        Case(full, "a table of two by three", (np.array([[0.1, 0.25, 0.05], [0.3, 0.1, 0.2]]),)),
        Case(full, "a table drawn at random", (draw_joint(rng, 3, 5),)),
        Case(full, "a square table drawn at random", (draw_joint(rng, 4, 4),)),
        Case(zeros, "a noiseless channel of four symbols", (np.eye(4) / 4,)),
        Case(zeros, "a table with zeros", (triangle,)),
        Case(zeros, "a table with zeros drawn at random", (drawn / drawn.sum(),)),
    ]


def information(
    joint: Array,
    *,
    log: Any = np.log2,
    weight: str = "joint",
    skip_zeros: bool = True,
    swapped: bool = False,
    uniform: bool = False,
) -> Any:
    """The information of a joint, wrong in what a keyword says."""
    if uniform:
        joint = joint / joint.sum(axis=1, keepdims=True) / len(joint)
    p_x, p_y = joint.sum(axis=1), joint.sum(axis=0)
    product = np.outer(p_y, p_x) if swapped else np.outer(p_x, p_y)
    ratio = joint / product
    terms = {"joint": joint, "product": -product, "none": np.ones(joint.shape)}[weight] * log(ratio)
    return terms[joint > 0].sum() if skip_zeros else terms.sum()


def _entropy(p: Array) -> Any:
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


PART = Part(
    reference=mutual_information,
    cases=_cases,
    points={"answers one knows": 1.0, "tables without zeros": 1.0, "tables with zeros": 1.0},
    outputs=("information",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "information in nats",
            lambda joint: information(joint, log=np.log),
            "Your numbers are ln 2 = 0.693 times the right ones: the logarithm is the natural one, "
            "and the information comes out in nats. A bit is the answer to one question of yes or "
            "no between equals, the logarithm to base 2: np.log2.",
        ),
        Misconception(
            "zeros become nan",
            lambda joint: information(joint, skip_zeros=False),
            "Where p(x,y) is 0 the term p log p is 0 times minus infinity, which the computer "
            "calls nan, and one nan spoils the sum. What never happens carries no information: p "
            "log p tends to 0 with p. Sum over the entries that are above 0, or use "
            "scipy.special.rel_entr.",
        ),
        Misconception(
            "terms not weighted",
            lambda joint: information(joint, weight="none"),
            "You add up log2 of the ratios, each pair counting once. Information is a mean: a pair "
            "(x, y) counts as often as it happens, so each logarithm is multiplied by p(x,y).",
        ),
        Misconception(
            "weighted by the product of the marginals",
            lambda joint: information(joint, weight="product"),
            "You average over p(x) p(y), as if the pairs came from independent variables: that is "
            "the divergence the other way round. The pairs come from the joint: "
            "I = D( p(x,y) || p(x) p(y) ), the mean of log2 [p(x,y) / (p(x) p(y))] over p(x,y).",
        ),
        Misconception(
            "joint entropy",
            _entropy,
            "This is H(X,Y), the uncertainty about the pair. The information is how far it falls "
            "short of the two uncertainties apart: I(X;Y) = H(X) + H(Y) - H(X,Y). It must be 0 for "
            "independent variables.",
        ),
        Misconception(
            "conditional entropy",
            lambda joint: _entropy(joint) - _entropy(joint.sum(axis=1)),
            "This is H(Y|X), what remains unknown about Y when X is known. The information is what "
            "X took away from the uncertainty: I(X;Y) = H(Y) - H(Y|X).",
        ),
        Misconception(
            "sign flipped",
            lambda joint: -information(joint),
            "The sign is wrong. Information is never negative. Either the ratio in the logarithm "
            "is upside down, or a minus was taken over from the entropy, which needs one because "
            "it takes logarithms of numbers below 1.",
        ),
        Misconception(
            "marginals swapped",
            lambda joint: information(joint, swapped=True),
            "The marginals are swapped. x runs along the rows: p(x) is the sum over y, "
            "joint.sum(axis=1), and p(y) is joint.sum(axis=0). With a table that is not square the "
            "shapes do not fit; a symmetric one hides the mistake.",
        ),
        Misconception(
            "rows taken for a uniform source",
            lambda joint: information(joint, uniform=True),
            "Each row is divided by its sum, and then all x count alike. That is the information "
            "that the channel p(y|x) would carry from a uniform source. The table holds p(x) too: "
            "use joint.sum(axis=1) as it is.",
        ),
    ),
    # room for independent variables in single precision
    atol=1e-6,
)
