"""What can be read from activity: cross-validated linear discriminants, at each time and across."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


def decode_delay(
    activity: ArrayLike, labels: ArrayLike, folds: ArrayLike, *, shrinkage: float = 0.1
) -> NDArray[np.float64]:
    """Share of trials whose label is read correctly at each time by a decoder that never saw them.

    For each time and fold, a linear discriminant is fitted to the trials of the other folds: class
    means m_c and the covariance S within classes (of the trials about their class mean, divided by
    their number), shrunk toward a sphere, S_s = (1 - s) S + s trace(S) / n_units 1. A trial a goes
    to the class of the smallest (a - m_c)' S_s^-1 (a - m_c).

    activity: (t, n_trials, n_units).  labels: (n_trials,), whole numbers.  folds: (n_trials,),
    whole numbers, the fold of each trial.  shrinkage: s, in (0, 1].  Returns (t,).
    Raises ValueError on wrong shapes, NaN or infinity, fewer than two labels or folds, a label
    that the other folds lack, or activity that does not vary within classes.
    """
    data, kinds, parts, shrinkage = _checked(activity, labels, folds, shrinkage)
    correct = np.zeros(data.shape[:2], dtype=bool)
    for train, test in parts:
        means, precision = _discriminant(data[:, train], kinds[train], shrinkage)
        correct[:, test] = _nearest(data[:, test], means, precision) == kinds[test]
    return correct.mean(axis=1)


def cross_temporal_decoding(
    activity: ArrayLike, labels: ArrayLike, folds: ArrayLike, *, shrinkage: float = 0.1
) -> NDArray[np.float64]:
    """Accuracy (t, t) of a decoder fitted at the row's time and tested at the column's time.

    The arguments and the decoder are those of `decode_delay`, which is its diagonal. A code that
    stands still fills the square; one that moves keeps to the diagonal.        {stokes2013}
    """
    data, kinds, parts, shrinkage = _checked(activity, labels, folds, shrinkage)
    n_times = len(data)
    correct = np.zeros((n_times, n_times))
    for train, test in parts:
        means, precision = _discriminant(data[:, train], kinds[train], shrinkage)
        for time in range(n_times):
            there = np.broadcast_to(data[time, test], (n_times, len(test), data.shape[2]))
            correct[:, time] += (_nearest(there, means, precision) == kinds[test]).sum(axis=1)
    return correct / data.shape[1]


def balanced_folds(labels: ArrayLike, n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random fold (0 to n_folds - 1) for each trial, every label spread evenly over the folds.

    labels: (n_trials,), whole numbers.  Raises ValueError when n_folds < 2 or a label has fewer
    trials than there are folds.
    """
    kinds = _whole("labels", labels)
    n_folds = _validate.whole_number("n_folds", n_folds, minimum=2)
    _validate.generator("rng", rng)
    folds = np.empty(len(kinds), dtype=np.int64)
    for label in np.unique(kinds):
        trials = rng.permutation(np.flatnonzero(kinds == label))
        if len(trials) < n_folds:
            raise ValueError(
                f"n_folds: expected at most {len(trials)}, the trials with label {label}, "
                f"got {n_folds}"
            )
        folds[trials] = np.arange(len(trials)) % n_folds
    return folds


def _whole(name: str, value: ArrayLike, shape: tuple[int | str, ...] = ("n_trials",)) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name}: expected whole numbers, got an array of {array.dtype}")
    return _validate.real_array(name, array, shape).astype(np.int64)


def _checked(activity: ArrayLike, labels: ArrayLike, folds: ArrayLike, shrinkage: float) -> Any:
    """Activity, the index of each trial's label, and (train, test) indices of each fold."""
    data = _validate.real_array("activity", activity, ("t", "n_trials", "n_units"))
    labels = _whole("labels", labels, (data.shape[1],))
    folds = _whole("folds", folds, (data.shape[1],))
    shrinkage = _validate.real_number("shrinkage", shrinkage, above=0.0, maximum=1.0)
    names, kinds = np.unique(labels, return_inverse=True)
    for name, values in (("labels", names), ("folds", np.unique(folds))):
        if len(values) < 2:
            raise ValueError(f"{name}: expected at least two different ones, got {len(values)}")
    parts = []
    for fold in np.unique(folds):
        train = np.flatnonzero(folds != fold)
        if len(np.unique(kinds[train])) < len(names):
            raise ValueError(f"folds: expected every label outside of fold {fold}, one is missing")
        parts.append((train, np.flatnonzero(folds == fold)))
    return data, kinds, parts, shrinkage


def _discriminant(data: Floats, kinds: NDArray[np.intp], shrinkage: float) -> Any:
    """Class means (t, n_classes, n_units) and precision (t, n_units, n_units) at each time."""
    n_classes = int(kinds.max()) + 1
    means = np.stack([data[:, kinds == kind].mean(axis=1) for kind in range(n_classes)], axis=1)
    within = data - means[:, kinds]
    covariance = np.swapaxes(within, 1, 2) @ within / data.shape[1]
    n_units = data.shape[2]
    size = np.trace(covariance, axis1=1, axis2=2) / n_units
    if (size <= 0).any():
        raise ValueError(
            "activity: expected trials of one label to differ, got no variance within labels at "
            f"time index {int(np.argmin(size))}"
        )
    sphere = (shrinkage * size)[:, np.newaxis, np.newaxis] * np.eye(n_units)
    return means, np.linalg.inv((1.0 - shrinkage) * covariance + sphere)


def _nearest(data: Floats, means: Floats, precision: Floats) -> NDArray[np.intp]:
    """Index of the nearest class mean (t, n_trials), in the metric of `precision`."""
    # The square of a itself is the same for all classes and left out.
    linear = means @ precision
    offset = 0.5 * (linear * means).sum(axis=2)
    return np.argmax(data @ np.swapaxes(linear, 1, 2) - offset[:, np.newaxis], axis=2)
