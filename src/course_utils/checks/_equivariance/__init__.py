"""The checks of `equivariance`, one module a part; here what they share, without its kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def padded(maps: Array, before: tuple[int, int], after: tuple[int, int], mode: str) -> Array:
    """`maps` with rows and columns added around the last two axes, by a mode of np.pad."""
    widths = [(0, 0)] * (maps.ndim - 2) + list(zip(before, after, strict=True))
    return np.pad(maps, widths, mode=mode)  # type: ignore[call-overload]


def windows(maps: Array, size: tuple[int, int], stride: int = 1) -> Array:
    """All windows inside the last two axes that start every `stride` pixels."""
    view = np.lib.stride_tricks.sliding_window_view(maps, size, axis=(-2, -1))
    return view[..., ::stride, ::stride, :, :]


def correlate(image: Array, kernels: Array, stride: int = 1) -> Array:
    """Correlation inside the image."""
    return np.einsum("chwab,fcab->fhw", windows(image, kernels.shape[2:], stride), kernels)
