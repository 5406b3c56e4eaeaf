"""Entropy, KL divergence and mutual information, and an estimate of the last from bins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, rel_entr

from course_utils import _validate
from course_utils.information_bottleneck._tables import LN2, Array, information, rows


@dataclass(frozen=True)
class BinnedInformation:
    """Estimates of I(X;T) and I(T;Y) in bits from binned activity."""

    i_xt: float
    i_ty: float


def entropy(probabilities: ArrayLike) -> float:
    """H = -sum p log2 p, in bits, of an array of any shape whose entries together sum to 1.

    Raises ValueError for entries that are negative or do not sum to 1.
    """
    p = np.atleast_1d(np.asarray(probabilities))
    p = _validate.probabilities("probabilities", p, [f"n_{axis}" for axis in range(p.ndim)])
    return float(entr(p).sum() / LN2)


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Array:
    """D(p||q) = sum p log2(p/q), in bits, along the last axis; the other axes broadcast.

    Infinite where some q is 0 and its p is not; at least 0, and 0 only where p = q.
    Raises ValueError unless every row of both sums to 1 and the shapes fit.
    """
    p, q = rows("p", p), rows("q", q)
    try:
        np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        raise ValueError(
            f"q: expected a shape that broadcasts with p's {p.shape}, got {q.shape}"
        ) from None
    return np.maximum(rel_entr(p, q).sum(axis=-1) / LN2, 0.0)


def mutual_information(joint: ArrayLike) -> float:
    """I(X;Y) = sum p(x,y) log2 [p(x,y) / (p(x) p(y))], in bits, of a joint (nx, ny) {shannon1948}.

    Raises ValueError for entries that are negative or do not sum to 1.
    """
    return float(information(_validate.probabilities("joint", joint, ("n_x", "n_y"))))


def binned_information(
    activity: ArrayLike,
    labels: ArrayLike,
    n_bins: int,
    *,
    limits: tuple[float, float] | None = None,
) -> BinnedInformation:
    """I(X;T) and I(T;Y) of a deterministic layer, its activity cut into equal bins.

    Each sample counts as a value of X of its own, equally likely, so I(X;T) is the entropy
    H(T) of the binned patterns, and I(T;Y) = H(T) - H(T|Y) {shwartz2017}.  Both depend on the
    bins: as these shrink, I(X;T) grows to log2(n_samples) if no two samples share an activity.

    activity: (n_samples, n_units).  labels: (n_samples,) real numbers, one a class.  limits: the
    range that `n_bins` divides, by default the activity's own; activity outside it falls in the
    end bins.
    """
    activity = _validate.real_array("activity", activity, ("n_samples", "n_units"))
    labels = _validate.real_array("labels", labels, (activity.shape[0],))
    n_bins = _validate.whole_number("n_bins", n_bins, minimum=1)
    low, high = (activity.min(), activity.max()) if limits is None else limits
    low = _validate.real_number("limits[0]", low)
    high = _validate.real_number("limits[1]", high, minimum=low)
    width = (high - low) / n_bins
    scaled = (activity - low) / width if width > 0 else np.zeros(activity.shape)
    bins = np.clip(np.floor(scaled), 0, n_bins - 1)
    patterns = np.zeros(labels.size, dtype=np.int64)
    for unit in bins.T:
        number = np.unique(unit, return_inverse=True)[1]
        # Numbered anew after each unit, patterns stay below n_samples and never overflow.
        patterns = np.unique(patterns * labels.size + number, return_inverse=True)[1]
    classes = np.unique(labels, return_inverse=True)[1]
    counts = np.zeros((patterns.max() + 1, classes.max() + 1))
    np.add.at(counts, (patterns, classes), 1.0)
    joint = counts / labels.size
    return BinnedInformation(entropy(joint.sum(axis=1)), mutual_information(joint))
