"""The checks of `oja`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

UNITS = {"times": "samples times learning rate"}

# Three inputs whose eigenvectors lie along no axis, with a clear order of variances.
COVARIANCE = np.array([[2.0, 0.6, -0.3], [0.6, 1.2, 0.4], [-0.3, 0.4, 0.5]])


def draw_covariance(rng: np.random.Generator, d: int) -> Array:
    """A covariance with well separated variances along random axes."""
    axes = np.linalg.qr(rng.standard_normal((d, d)))[0]
    variances = np.linspace(0.3, 1.9, d) + rng.uniform(0.0, 0.2, d)
    return (axes * variances) @ axes.T


def draw_inputs(rng: np.random.Generator, n: int, d: int) -> Array:
    """Correlated samples whose mean is not 0, so that taking it away shows."""
    return rng.standard_normal((n, d)) @ rng.normal(0.0, 0.7, (d, d)) + rng.normal(0.0, 0.4, d)
