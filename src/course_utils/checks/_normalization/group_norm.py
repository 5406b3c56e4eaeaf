"""The stretch part of `normalization`: layer normalization within groups of features."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._normalization.batch_norm import standardize
from course_utils.normalization import group_norm

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one sample", "several samples"
    z = np.array([[1.0, 2.5, 4.0, -3.0, 0.0, 2.0, 10.0, 14.0, 11.0, 0.3, 0.1, 0.2]])
    drawn = rng.normal(rng.uniform(-3, 3, 15), rng.uniform(0.5, 4, 15), (6, 15))
    return [
        Case(one, "12 features in 3 groups", (z, 3), {"eps": 1e-5}),
        Case(one, "12 features in 6 groups, a large eps", (z, 6), {"eps": 0.5}),
        Case(one, "15 features in 5 groups, drawn at random", (drawn[:1], 5), {"eps": 1e-3}),
        Case(
            several, "two samples of different size", (np.vstack([z, 5 - 3 * z]), 3), {"eps": 0.1}
        ),
        Case(several, "6 samples drawn at random", (drawn, 3), {"eps": rng.uniform(0.1, 0.5)}),
    ]


def _grouped(z: Array, n_groups: int, *, eps: float, axis: Any = -1, **slips: Any) -> Array:
    groups = z.reshape(len(z), n_groups, -1)
    return standardize(groups, eps=eps, axis=axis, **slips).reshape(z.shape)


PART = Part(
    reference=group_norm,
    cases=_cases,
    points={"one sample": 1.0, "several samples": 1.0},
    outputs=("r",),
    units={},
    misconceptions=(
        Misconception(
            "one group",
            lambda z, n_groups, *, eps: standardize(z, eps=eps, axis=1),
            "All features of a sample share one mean and variance: this is layer normalization, "
            "group normalization with one group. Split the features into n_groups first.",
        ),
        Misconception(
            "size of a group for their number",
            lambda z, n_groups, *, eps: _grouped(z, z.shape[1] // n_groups, eps=eps),
            "Your groups hold n_groups features each. n_groups is how many groups there are; each "
            "holds n / n_groups features.",
        ),
        Misconception(
            "every n_groups-th feature",
            lambda z, n_groups, *, eps: (
                _grouped(
                    z.reshape(len(z), -1, n_groups).transpose(0, 2, 1).reshape(z.shape),
                    n_groups,
                    eps=eps,
                )
                .reshape(len(z), n_groups, -1)
                .transpose(0, 2, 1)
                .reshape(z.shape)
            ),
            "Your groups are dealt like cards: every n_groups-th feature goes to the same one. A "
            "group is a run of neighboring features: reshape to (batch, n_groups, -1) and take "
            "the statistics along the last axis.",
        ),
        Misconception(
            "groups pooled over the batch",
            lambda z, n_groups, *, eps: _grouped(z, n_groups, eps=eps, axis=(0, 2)),
            "Mean and variance of a group are taken over all samples as well. Group normalization "
            "looks at one sample at a time: keep the first axis.",
        ),
        Misconception(
            "variance without its root",
            lambda z, n_groups, *, eps: _grouped(z, n_groups, eps=eps, root="none"),
            "You divide by the variance. Take its square root (with eps added below it), so that "
            "the result counts standard deviations.",
        ),
        Misconception(
            "variance corrected for the group size",
            lambda z, n_groups, *, eps: _grouped(z, n_groups, eps=eps, ddof=1),
            "The variance is divided by the group's size minus 1. The normalization takes the "
            "group as it is: ddof=0.",
        ),
        Misconception(
            "eps outside the root",
            lambda z, n_groups, *, eps: _grouped(z, n_groups, eps=eps, root="of the variance"),
            "eps is added to the standard deviation. In the contract it is added to the variance, "
            "below the root.",
        ),
        Misconception(
            "mean not subtracted",
            lambda z, n_groups, *, eps: _grouped(z, n_groups, eps=eps, center=False),
            "The mean of the group is not subtracted, so that shifting a whole sample changes your "
            "result. Center each group first.",
        ),
    ),
    stretch=True,
)
