"""The checks of `information_bottleneck`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

UNITS = {"information": "bits", "i_xt": "bits", "i_ty": "bits"}


def draw_joint(rng: np.random.Generator, n_x: int, n_y: int) -> Array:
    """A joint without zeros whose marginals are far from uniform."""
    p_x = rng.dirichlet(np.full(n_x, 3.0))
    return p_x[:, None] * (0.02 / n_y + 0.98 * rng.dirichlet(np.full(n_y, 0.8), n_x))


def draw_rows(rng: np.random.Generator, n_rows: int, n: int) -> Array:
    """Rows of probabilities, none of them small."""
    return rng.dirichlet(np.full(n, 2.0), n_rows)
