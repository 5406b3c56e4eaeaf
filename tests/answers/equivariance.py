"""Right answers to the exercises of `equivariance`, each written in another way."""

from typing import Any

import numpy as np
import torch
from scipy import ndimage, signal
from torch.nn import functional as F  # noqa: N812


def padded_image(image: Any, kernels: Any, boundary: str) -> Any:
    kh, kw = kernels.shape[2:]
    if boundary == "valid":
        return image
    widths = ((0, 0), ((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2))
    return np.pad(image, widths, mode="wrap" if boundary == "circular" else "constant")


def conv2d_by_loops(image: Any, kernels: Any, *, boundary: str, stride: int) -> Any:
    padded = padded_image(image, kernels, boundary)
    n_filters, _, kh, kw = kernels.shape
    rows = range(0, padded.shape[1] - kh + 1, stride)
    columns = range(0, padded.shape[2] - kw + 1, stride)
    maps = np.zeros((n_filters, len(rows), len(columns)))
    for f in range(n_filters):
        for i, top in enumerate(rows):
            for j, left in enumerate(columns):
                maps[f, i, j] = np.sum(padded[:, top : top + kh, left : left + kw] * kernels[f])
    return maps


def conv2d_by_taps(image: Any, kernels: Any, *, boundary: str = "circular", stride: int = 1) -> Any:
    """One shifted copy of the image for each place in the kernel."""
    padded = padded_image(image, kernels, boundary)
    kh, kw = kernels.shape[2:]
    h, w = padded.shape[1] - kh + 1, padded.shape[2] - kw + 1
    maps = 0
    for a in range(kh):
        for b in range(kw):
            maps = maps + np.tensordot(kernels[:, :, a, b], padded[:, a : a + h, b : b + w], 1)
    return maps[:, ::stride, ::stride]


def conv2d_by_scipy(image: Any, kernels: Any, *, boundary: str, stride: int) -> list[Any]:
    padded = padded_image(image, kernels, boundary)
    return [
        sum(signal.correlate2d(x, k, mode="valid") for x, k in zip(padded, kernel, strict=True))[
            ::stride, ::stride
        ]
        for kernel in kernels
    ]


def conv2d_in_torch(image: Any, kernels: Any, *, boundary: str, stride: int) -> torch.Tensor:
    x = torch.tensor(padded_image(image, kernels, boundary))[None].float()
    return F.conv2d(x, torch.tensor(kernels).float(), stride=stride)[0]


def error_by_loop(operator: Any, image: Any, shifts: Any, *, output_shift: Any = None) -> Any:
    def circular(maps: Any, dy: int, dx: int) -> Any:
        return np.roll(np.roll(maps, dy, axis=-2), dx, axis=-1)

    move = output_shift or circular
    response = operator(image)
    errors = []
    for dy, dx in shifts:
        difference = operator(circular(image, dy, dx)) - move(response, dy, dx)
        errors.append(np.sqrt(np.sum(difference**2) / np.sum(response**2)))
    return errors


def error_by_moving_back(
    operator: Any, image: Any, shifts: Any, *, output_shift: Any = None
) -> Any:
    """The response to the shifted image moved back: the same number for a circular shift."""
    if output_shift is not None:
        return error_by_loop(operator, image, shifts, output_shift=output_shift)
    response = operator(image)
    back = [np.roll(operator(np.roll(image, s, (-2, -1))), -s, (-2, -1)) for s in shifts]
    distance = np.linalg.norm((np.array(back) - response).reshape(len(shifts), -1), axis=1)
    return distance / np.linalg.norm(response)


def error_by_index(operator: Any, image: Any, shifts: Any, *, output_shift: Any = None) -> Any:
    def circular(maps: Any, dy: int, dx: int) -> Any:
        h, w = maps.shape[-2:]
        rows, columns = (np.arange(h) - dy) % h, (np.arange(w) - dx) % w
        return maps[..., rows[:, None], columns]

    errors = np.empty(len(shifts), np.float32)
    for n, (dy, dx) in enumerate(shifts):
        response = operator(image)
        moved = (output_shift or circular)(response, dy, dx)
        difference = operator(circular(image, dy, dx)) - moved
        errors[n] = np.sqrt((difference**2).sum()) / np.sqrt((response**2).sum())
    return errors


def pool_by_loops(maps: Any, size: int, stride: int | None = None) -> list[Any]:
    stride = stride or size
    h, w = maps.shape[1:]
    return [
        [
            [one[i : i + size, j : j + size].max() for j in range(0, w - size + 1, stride)]
            for i in range(0, h - size + 1, stride)
        ]
        for one in maps
    ]


def pool_by_slices(maps: Any, size: int, stride: int | None = None) -> Any:
    """A running maximum over the places in a window, starting from minus infinity."""
    stride = size if stride is None else stride
    h, w = maps.shape[1] - size + 1, maps.shape[2] - size + 1
    largest = np.full((len(maps), h, w), -np.inf)
    for a in range(size):
        for b in range(size):
            largest = np.maximum(largest, maps[:, a : a + h, b : b + w])
    return largest[:, ::stride, ::stride]


def pool_in_torch(maps: Any, size: int, stride: int | None = None) -> torch.Tensor:
    return F.max_pool2d(torch.tensor(maps)[None], size, stride)[0]


def pool_in_float32(maps: Any, size: int, stride: int | None = None) -> Any:
    return pool_by_slices(maps.astype(np.float32), size, stride).astype(np.float32)


def smooth_pool_by_rolls(maps: Any, size: int, stride: int) -> Any:
    largest = np.max(
        [np.roll(maps, (-a, -b), (-2, -1)) for a in range(size) for b in range(size)], axis=0
    )
    for axis in (1, 2):
        largest = (np.roll(largest, 1, axis) + 2 * largest + np.roll(largest, -1, axis)) / 4
    return largest[:, ::stride, ::stride]


def smooth_pool_by_scipy(maps: Any, size: int, stride: int) -> Any:
    pooled = []
    for one in maps:
        # scipy centers its window; the origin puts the pixel first.
        largest = ndimage.maximum_filter(one, size, mode="wrap", origin=-(size // 2))
        for axis in (0, 1):
            largest = ndimage.correlate1d(largest, [0.25, 0.5, 0.25], axis=axis, mode="wrap")
        pooled.append(largest[::stride, ::stride])
    return np.array(pooled)


def smooth_pool_in_torch(maps: Any, size: int, stride: int) -> torch.Tensor:
    x = F.pad(torch.tensor(maps)[None], (0, size - 1, 0, size - 1), mode="circular")
    x = F.pad(F.max_pool2d(x, size, 1), (1, 1, 1, 1), mode="circular")
    row = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    kernel = torch.outer(row, row).expand(len(maps), 1, 3, 3)
    return F.conv2d(x, kernel, stride=stride, groups=len(maps))[0]


RIGHT = {
    "conv2d": (conv2d_by_loops, conv2d_by_taps, conv2d_by_scipy, conv2d_in_torch),
    "equivariance_error": (error_by_loop, error_by_moving_back, error_by_index),
    "max_pool": (pool_by_loops, pool_by_slices, pool_in_torch, pool_in_float32),
    "anti_aliased_max_pool": (smooth_pool_by_rolls, smooth_pool_by_scipy, smooth_pool_in_torch),
}
