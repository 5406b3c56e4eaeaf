"""The stretch part of `working_memory`: does a code stand still?"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._working_memory import UNITS, draw_trials
from course_utils.checks._working_memory.decode_delay import decode
from course_utils.working_memory import cross_temporal_decoding

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    two, several = "two labels", "several labels"
    cases = []
    for aspect, label, n_labels, per_label in (
        (two, "a code that changes slowly", 2, 24),
        (several, "three labels", 3, 20),
    ):
        activity, labels = draw_trials(
            rng, n_times=6, per_label=per_label, n_units=8, n_labels=n_labels
        )
        # The baseline moves too, and the noise grows.
        activity = activity * np.linspace(0.8, 1.6, 6)[:, np.newaxis, np.newaxis]
        folds = rng.permutation(np.arange(len(labels)) % 5)
        cases.append(Case(aspect, label, (activity, labels, folds), {"shrinkage": 0.2}))
    return cases


def cross(
    activity: Array, labels: Array, folds: Array, *, shrinkage: float, slip: str = "", **slips: Any
) -> Array:
    """Decoding across time, wrong in what a keyword says."""
    if slip == "centered":
        activity = activity - activity.mean(axis=1, keepdims=True)
    matrix = decode(activity, labels, folds, shrinkage=shrinkage, across=True, **slips)
    if slip == "transposed":
        return matrix.T
    if slip == "symmetric":
        return (matrix + matrix.T) / 2
    if slip == "diagonal":
        return np.diag(np.diag(matrix))
    if slip == "columns":
        return np.tile(np.diag(matrix), (len(matrix), 1))
    return matrix


PART = Part(
    reference=cross_temporal_decoding,
    cases=_cases,
    points={"two labels": 1.0, "several labels": 1.0},
    outputs=("accuracy",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "rows and columns exchanged",
            partial(cross, slip="transposed"),
            "Rows and columns are exchanged: accuracy[t, u] is that of the decoder fitted at time "
            "t and tested at time u.",
        ),
        Misconception(
            "symmetric",
            partial(cross, slip="symmetric"),
            "The two directions are averaged. A decoder fitted early and tested late need not do "
            "as well as the reverse (the noise may grow); keep both.",
        ),
        Misconception(
            "only the diagonal",
            partial(cross, slip="diagonal"),
            "Only the diagonal is filled: each decoder is tested at its own time. What tells the "
            "two kinds of code apart is how it does at all the others.",
        ),
        Misconception(
            "a new decoder at each tested time",
            partial(cross, slip="columns"),
            "All rows are the same: a new decoder is fitted at the time that is tested. Keep the "
            "one that was fitted at the row's time, means and covariance, for the whole row.",
        ),
        Misconception(
            "fitted to all trials",
            partial(cross, train_on="all"),
            "The decoders have seen the trials they are tested on. Another time of the same trial "
            "is not new data: its noise may last. Leave the fold out of the fit, at all times.",
        ),
        Misconception(
            "tested on the fitted trials",
            partial(cross, test_on="others"),
            "The decoders are tested on the trials they were fitted to. At another time these are "
            "still the same trials: test on folds == fold.",
        ),
        Misconception(
            "centered at each time",
            partial(cross, slip="centered"),
            "The mean over trials is taken away at each time, tested trials included. That hides a "
            "baseline that moves, and uses the trials that are to be decoded. The decoder of time "
            "t is used at u as it is.",
        ),
        Misconception(
            "plain distance",
            partial(cross, shrink="full"),
            "Distances to the class means are measured without the covariance. Use the "
            "discriminant of part 3, with its shrinkage.",
        ),
    ),
    rtol=1e-9,
    atol=1e-9,
    stretch=True,
)
