"""Part 2 of `normalization`: each feature against its batch."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.normalization import batch_norm

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    batch, small, quiet = "a batch", "a small batch", "features that hardly vary"
    z = np.array([[1.0, -2.0, 30.0], [2.0, 0.5, 10.0], [4.0, 1.0, 25.0], [3.0, -1.0, 40.0]])
    drawn = rng.normal(rng.uniform(-3, 3, 5), rng.uniform(0.5, 4, 5), (9, 5))
    return [
        Case(batch, "four samples of three features", (z,), {"eps": 1e-5}),
        Case(batch, "a batch drawn at random", (drawn,), {"eps": 1e-5}),
        Case(small, "two samples", (np.array([[1.0, 2.0, 3.0], [5.0, 2.5, -4.0]]),), {"eps": 1e-5}),
        Case(small, "two samples drawn at random", (drawn[:2],), {"eps": 1e-5}),
        Case(quiet, "deviations below the root of eps", (0.01 * z,), {"eps": 0.04}),
        Case(
            quiet,
            "a feature that is constant",
            (np.column_stack([z, np.full(4, 1.5)]),),
            {"eps": 1e-3},
        ),
        Case(quiet, "a large eps, drawn at random", (drawn,), {"eps": rng.uniform(0.3, 0.9)}),
    ]


def standardize(
    z: Array,
    *,
    eps: float,
    axis: Any = 0,
    ddof: int = 0,
    center: bool = True,
    about: str = "mean",
    root: str = "of the sum",
) -> Array:
    """Deviations over their spread along `axis`, wrong in what a keyword says."""
    mean = z.mean(axis=axis, keepdims=True)
    spread = z.var(axis=axis, ddof=ddof, keepdims=True)
    if about == "zero":
        spread = np.mean(z**2, axis=axis, keepdims=True)
    deviation = z - mean if center else z
    if root == "none":
        return deviation / (spread + eps)
    if root == "of the variance":
        return deviation / (np.sqrt(spread) + eps)
    if root == "eps left out":
        return deviation / np.sqrt(spread)
    if root == "sum of roots":
        return deviation / (np.sqrt(spread) + np.sqrt(eps))
    return deviation / np.sqrt(spread + eps)


PART = Part(
    reference=batch_norm,
    cases=_cases,
    points={"a batch": 1.5, "a small batch": 0.5, "features that hardly vary": 1.0},
    outputs=("r",),
    units={},
    misconceptions=(
        Misconception(
            "statistics of each sample",
            partial(standardize, axis=1),
            "You take mean and variance of each row, over the features of one sample: that is "
            "layer normalization. Batch normalization goes down the columns: each feature is "
            "compared with its own values in the other samples, axis=0.",
        ),
        Misconception(
            "statistics of the whole array",
            partial(standardize, axis=None),
            "One mean and one variance serve the whole array. Features may live on scales of "
            "their own; each needs its own mean and variance, over the batch: axis=0.",
        ),
        Misconception(
            "variance without its root",
            partial(standardize, root="none"),
            "You divide by the variance. A deviation from the mean is measured in standard "
            "deviations: take the square root of the variance (plus eps).",
        ),
        Misconception(
            "eps outside the root",
            partial(standardize, root="of the variance"),
            "eps is added to the standard deviation. In the contract it is added to the variance, "
            "below the root: sqrt(variance + eps). With a small eps one hardly sees it, with a "
            "feature that hardly varies one does.",
        ),
        Misconception(
            "root of eps outside the root",
            partial(standardize, root="sum of roots"),
            "The root of a sum is not the sum of the roots: sqrt(variance + eps) is smaller than "
            "sqrt(variance) + sqrt(eps). Add first, then take the root.",
        ),
        Misconception(
            "eps left out",
            partial(standardize, root="eps left out"),
            "eps is missing. A feature that is the same in all samples has variance 0, and 0/0 is "
            "nan; sqrt(variance + eps) makes it 0.",
        ),
        Misconception(
            "variance corrected for the batch size",
            partial(standardize, ddof=1),
            "The variance is divided by batch - 1. That is the unbiased estimate for a larger "
            "population; the normalization takes the batch as it is and divides by its size "
            "(ddof=0). In a batch of two the difference is a factor of sqrt(2).",
        ),
        Misconception(
            "mean not subtracted",
            partial(standardize, center=False),
            "The mean is not subtracted. Batch normalization centers each feature first; as it "
            "stands, adding a constant to a feature changes your result.",
        ),
        Misconception(
            "mean square for variance",
            partial(standardize, about="zero"),
            "You divide by the root of the mean square. The variance is the mean squared deviation "
            "from the mean, and the two differ by the squared mean.",
        ),
        Misconception(
            "rescaled between minimum and maximum",
            lambda z, *, eps: (z - z.min(axis=0)) / (np.ptp(z, axis=0) + eps),
            "You map each feature to the range from 0 to 1. That hangs everything on the two most "
            "extreme samples; batch normalization uses the mean and the standard deviation.",
        ),
    ),
)
