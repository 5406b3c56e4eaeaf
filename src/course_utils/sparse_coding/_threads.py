"""Threads of our own, and one thread for BLAS while they work."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """What `function` returns for each item, in order, from as many threads as there are cores."""
    n_cores = (os.cpu_count() or 1) if sys.platform != "emscripten" else 1
    if n_cores == 1:
        return [function(item) for item in items]
    # Threads of one call only: no pool outlives it that a fork or another thread could trip over.
    with ThreadPoolExecutor(n_cores) as pool:
        return list(pool.map(function, items))


def one_blas_thread() -> contextlib.AbstractContextManager[Any]:
    """While it lasts BLAS has one thread: workers that wait for small products spin, and the
    loops beside them then take several times as long. Does nothing where threadpoolctl, which
    scikit-learn brings along, is missing.
    """
    controller = _controller()
    return controller.limit(limits=1, user_api="blas") if controller else contextlib.nullcontext()


@functools.cache
def _controller() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
