"""The checks of `sensory_systems`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

UNITS = {"spike_times": "s", "rate_hz": "Hz", "window": "s"}


def correlation(a: Array, b: Array) -> Array:
    """Pearson's correlation of each column."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
