"""The kernels' inner loops, compiled by Numba: one module a topic, imported at the first call.

A kernel asks `load("lif")` and takes its NumPy path when the answer is None, so that importing
`course_utils` never imports Numba and every kernel runs without it.
"""

import functools
import importlib
from types import ModuleType


@functools.cache
def load(topic: str) -> ModuleType | None:
    """The compiled loops of `topic`, or None where Numba is not installed."""
    try:
        importlib.import_module("numba")
    except ImportError:
        return None
    return importlib.import_module(f"{__name__}.{topic}")
