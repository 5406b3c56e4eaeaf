"""The checks of `attention`, one module a part; here what they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
UNITS = {
    "responses": "Hz",
    "gained": "Hz",
    "preferred": "degrees",
    "attended": "degrees",
    "width": "degrees",
}


def softmaxed(scores: Array, axis: int = -1) -> Array:
    """Softmax, for wrong answers that have this part of theirs right."""
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)
