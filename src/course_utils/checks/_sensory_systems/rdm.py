"""Part 2 of `sensory_systems`: the representational dissimilarity matrix."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._sensory_systems import Array
from course_utils.sensory_systems import rdm


def _cases(rng: np.random.Generator) -> list[Case]:
    by_correlation, by_distance = "correlation distance", "Euclidean distance"
    small = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0], [2.0, 4.0, 7.0], [-1.0, 0.0, -3.0]])
    drawn = rng.gamma(2.0, 1.0, (7, 12)) * rng.uniform(0.5, 3.0, (7, 1))
    square = rng.normal(1.0, 1.0, (6, 6))
    return [
        Case(by_correlation, "four stimuli, three features", (small, "correlation")),
        Case(by_correlation, "responses drawn at random", (drawn, "correlation")),
        Case(by_correlation, "as many features as stimuli", (square, "correlation")),
        Case(by_distance, "four stimuli, three features", (small, "euclidean")),
        Case(by_distance, "responses drawn at random", (drawn, "euclidean")),
        Case(by_distance, "as many features as stimuli", (square, "euclidean")),
    ]


def _rdm(
    responses: Array,
    metric: str,
    *,
    transpose: bool = False,
    center: int | None = 1,
    similarity: bool = False,
    absolute: bool = False,
    squared: bool = False,
    per_feature: bool = False,
    part: str = "upper",
    always: str = "",
) -> Array:
    """The dissimilarities, wrong in what a keyword says."""
    x = responses.T if transpose else responses
    if (always or metric) == "correlation":
        z = x if center is None else x - x.mean(axis=center, keepdims=True)
        z = z / np.sqrt((z**2).sum(axis=1, keepdims=True))
        r = z @ z.T
        square = r if similarity else 1 - (np.abs(r) if absolute else r)
    else:
        square = ((x[:, None] - x) ** 2).sum(axis=2)
        if per_feature:
            square = square / x.shape[1]
        if not squared:
            square = np.sqrt(square)
    n = len(square)
    if part == "square":
        return square
    if part == "lower":
        return square[np.tril_indices(n, -1)]
    return square[np.triu_indices(n, 0 if part == "diagonal" else 1)]


PART = Part(
    reference=rdm,
    cases=_cases,
    points={"correlation distance": 2.0, "Euclidean distance": 1.0},
    outputs=("dissimilarities",),
    units={},
    misconceptions=(
        Misconception(
            "features compared",
            partial(_rdm, transpose=True),
            "You compare features, column with column. An RDM compares stimuli: row i against row "
            "j, across features. That is what lets two systems with different numbers of neurons "
            "be compared at all.",
        ),
        Misconception(
            "similarity returned",
            partial(_rdm, similarity=True),
            "You return correlations, which are large for stimuli that are alike. The "
            "dissimilarity is 1 minus the correlation.",
        ),
        Misconception(
            "patterns not centered",
            partial(_rdm, center=None),
            "This is the cosine of the two patterns. Pearson's correlation first subtracts each "
            "pattern's own mean over features, so that a stimulus that merely drives all neurons "
            "more is not thereby different. Use x - x.mean(axis=1, keepdims=True).",
        ),
        Misconception(
            "centered over stimuli",
            partial(_rdm, center=0),
            "You subtract each feature's mean over stimuli (axis 0). The correlation of two "
            "patterns subtracts each pattern's mean over features, axis 1. The first depends on "
            "which other stimuli are in the set, the second does not.",
        ),
        Misconception(
            "absolute correlation",
            partial(_rdm, absolute=True),
            "You take the absolute value of the correlation, so that a pattern and its opposite "
            "count as the same. They are as far apart as patterns can be: dissimilarity 2.",
        ),
        Misconception(
            "squared distance",
            partial(_rdm, squared=True),
            "The Euclidean distance is the root of the summed squares; the root is missing. Ranks "
            "do not notice it, but other comparisons of RDMs do.",
        ),
        Misconception(
            "distance per feature",
            partial(_rdm, per_feature=True),
            "You average the squared differences over features. The contract is the plain length "
            "of the difference: the sum, not the mean, under the root.",
        ),
        Misconception(
            "square matrix returned",
            partial(_rdm, part="square"),
            "You return the whole matrix. Each pair stands in it twice, and the diagonal of zeros "
            "says nothing; correlated with another RDM they would count as agreement. Return the "
            "upper triangle: square[np.triu_indices(n, k=1)].",
        ),
        Misconception(
            "diagonal kept",
            partial(_rdm, part="diagonal"),
            "The diagonal is still there. A stimulus's dissimilarity to itself is 0 in every RDM, "
            "so these zeros would correlate with those of any other. Start above it: k=1.",
        ),
        Misconception(
            "lower triangle",
            partial(_rdm, part="lower"),
            "You read the lower triangle row by row. It holds the same numbers in another order, "
            "and two RDMs in different orders cannot be compared. The contract is scipy's order: "
            "pairs (0,1), (0,2), ..., (1,2), ...",
        ),
        Misconception(
            "metric ignored",
            partial(_rdm, always="correlation"),
            "You return correlation distances whatever `metric` says. For 'euclidean' return the "
            "length of the difference of the two patterns.",
        ),
    ),
    rtol=1e-6,
    atol=1e-8,
)
