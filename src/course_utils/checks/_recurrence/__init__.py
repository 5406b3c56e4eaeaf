"""The checks of `recurrence`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

UNITS = {"lag": "steps"}


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def draw_rnn(
    rng: np.random.Generator, n_steps: int, n_x: int = 2, n_h: int = 4, gain: float = 1.2
) -> tuple[Array, Array, Array, Array, Array]:
    """inputs, w_h, w_x, b, h0 of a small network none of whose numbers is 0 or 1."""
    return (
        rng.normal(0, 1, (n_steps, n_x)),
        rng.normal(0, gain / np.sqrt(n_h), (n_h, n_h)),
        rng.normal(0, 0.7, (n_h, n_x)),
        rng.uniform(0.2, 0.6, n_h),
        rng.uniform(-0.8, 0.8, n_h),
    )
