"""The checks of `sparse_coding`, one module a part; here what they share."""

import numpy as np
from numpy.typing import NDArray


def orthonormal(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random orthogonal matrix."""
    return np.linalg.qr(rng.standard_normal((size, size)))[0]
