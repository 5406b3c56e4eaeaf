"""The checks of `working_memory`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

UNITS = {"h": "Hz", "drive": "Hz", "sigma": "Hz", "tau": "s", "dt": "s"}


def draw_trials(
    rng: np.random.Generator, *, n_times: int, per_label: int, n_units: int, n_labels: int
) -> tuple[Array, Array]:
    """Activity (t, trials, units) and labels: units that share noise, codes that change slowly."""
    labels = rng.permutation(np.repeat(np.arange(n_labels), per_label))
    mixing = rng.standard_normal((n_units, n_units)) * np.linspace(0.3, 2.0, n_units)
    noise = rng.standard_normal((n_times, labels.size, n_units)) @ mixing / np.sqrt(n_units)
    codes = np.cumsum(rng.standard_normal((n_times, n_labels, n_units)), axis=0)
    codes /= np.sqrt(np.arange(1, n_times + 1))[:, np.newaxis, np.newaxis]
    return 3.0 + 0.5 * codes[:, labels] + noise, labels
