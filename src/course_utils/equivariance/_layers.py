"""Shifts, convolution and pooling of images whose last two axes are height and width."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Array = NDArray[Any]

_LOWEST = -(10**400)  # whole numbers of any sign


def shift(image: ArrayLike, dy: int, dx: int) -> Array:
    """`image` moved down by dy and right by dx pixels on the torus: what leaves comes back.

    (T x)[..., i, j] = x[..., (i - dy) mod h, (j - dx) mod w]

    image: (..., h, w); float32 stays float32.  dy, dx: whole numbers, of any sign and size.
    Raises ValueError on fewer than two axes, an empty image, NaN or infinity, TypeError when dy or
    dx is no whole number.
    """
    image = images("image", image)
    dy = _validate.whole_number("dy", dy, minimum=_LOWEST)
    dx = _validate.whole_number("dx", dx, minimum=_LOWEST)
    h, w = image.shape[-2:]
    return np.roll(image, (dy % h, dx % w), axis=(-2, -1))


def fractional_shift(image: ArrayLike, dy: float, dx: float) -> Array:
    """`image` moved by any fraction of a pixel, as the sum of sinusoids that runs through it.

    Each Fourier component is multiplied by exp(-2 pi i (u dy / h + v dx / w)) {simoncelli1992}; at
    whole numbers this is `shift` to rounding.  The component at half a cycle per pixel, of which
    samples do not tell which way it moves, is multiplied by the cosine.

    image: (..., h, w).  Returns float64 of the same shape.  Raises as `shift`.
    """
    image = images("image", image)
    dy, dx = _validate.real_number("dy", dy), _validate.real_number("dx", dx)
    spectrum = np.fft.fft2(image)
    for axis, offset in ((-2, dy), (-1, dx)):
        n = image.shape[axis]
        phase = np.exp(-2j * np.pi * np.fft.fftfreq(n) * offset)
        if n % 2 == 0:
            phase[n // 2] = np.cos(np.pi * offset)
        spectrum *= phase[:, None] if axis == -2 else phase
    return np.fft.ifft2(spectrum).real


def conv2d(
    image: ArrayLike, kernels: ArrayLike, *, boundary: str = "circular", stride: int = 1
) -> Array:
    """Responses of `kernels` laid over every stride-th pixel: cross-correlation, as in torch.

    r_f[i, j] = sum over c, a, b of kernels[f, c, a, b] x_c[i s + a - p, j s + b - q] {lecun1998}

    image: (c, h, w).  kernels: (f, c, kh, kw).  Returns (f, h', w'); float32 when both are.
    boundary: 'circular' wraps the image round, 'zero' surrounds it by zeros; both pad (k - 1) // 2
    before (p, q) and k // 2 after, so that stride 1 keeps the size.  'valid' pads nothing: the
    kernel stays inside the image.
    Raises ValueError on mismatched shapes, non-finite values, an unknown boundary, a stride below
    1 or, with 'valid', a kernel larger than the image; TypeError on wrong types; OverflowError when
    a response exceeds the floating-point numbers.
    """
    axes = ("channels", "height", "width")
    image = _validate.real_array("image", image, axes, keep_float32=True)
    shape = ("filters", image.shape[0], "kernel_height", "kernel_width")
    kernels = _validate.real_array("kernels", kernels, shape, keep_float32=True)
    stride = _validate.whole_number("stride", stride, minimum=1)
    size = (kernels.shape[2], kernels.shape[3])
    padded = pad(image, size, boundary, "kernels")
    patches = sliding_window_view(padded, size, axis=(1, 2))[:, ::stride, ::stride]
    with np.errstate(over="ignore", invalid="ignore"):
        maps = np.tensordot(kernels, patches, axes=((1, 2, 3), (0, 3, 4)))
    if not np.isfinite(maps).all():
        raise OverflowError(
            f"kernels: responses exceed the largest {maps.dtype}; expected smaller numbers"
        )
    return maps


def max_pool(
    maps: ArrayLike, size: int, stride: int | None = None, *, boundary: str = "valid"
) -> Array:
    """The largest value in each window of size x size pixels; windows start every `stride` pixels.

    y[..., i, j] = max over a, b < size of maps[..., i s + a, j s + b] {riesenhuber1999}

    maps: (..., h, w).  stride: `size` by default, so that windows touch.  Returns (..., h', w').
    boundary: 'valid' keeps windows inside the maps, as torch does; 'circular' lets the last ones
    run on round the torus.
    Raises ValueError on NaN or infinity, a size or stride below 1, a window larger than the maps or
    another boundary; TypeError on wrong types.
    """
    return _windows(maps, size, stride, boundary).max(axis=(-2, -1))


def average_pool(
    maps: ArrayLike, size: int, stride: int | None = None, *, boundary: str = "valid"
) -> Array:
    """The mean of each window of size x size pixels; arguments and errors as in `max_pool`."""
    return _windows(maps, size, stride, boundary).mean(axis=(-2, -1))


def global_average_pool(maps: ArrayLike) -> Array:
    """The mean of each map over all its pixels: (..., h, w) to (...), as (f, h, w) to (f,).

    Raises ValueError on fewer than two axes, empty maps, NaN or infinity.
    """
    return images("maps", maps).mean(axis=(-2, -1))


def blur_pool(maps: ArrayLike, stride: int, *, taps: int = 3, boundary: str = "circular") -> Array:
    """Every stride-th pixel of the maps after a blur with a row of Pascal's triangle {zhang2019}.

    taps: numbers in the row, 3 for (1, 2, 1) / 4, used along both axes.
    maps: (..., h, w).  boundary: as in `conv2d`.  Returns (..., h', w').
    Raises ValueError on NaN or infinity, a stride or number of taps below 1, an unknown boundary or
    more taps than pixels; TypeError on wrong types.
    """
    maps = images("maps", maps)
    stride = _validate.whole_number("stride", stride, minimum=1)
    taps = _validate.whole_number("taps", taps, minimum=1)
    if taps > min(maps.shape[-2:]):
        raise ValueError(f"taps: expected at most the maps' {maps.shape[-2:]} pixels, got {taps}")
    row = np.ones(1)
    for _ in range(taps - 1):
        row = np.convolve(row, [0.5, 0.5])
    row = row.astype(maps.dtype)
    padded = pad(maps, (taps, taps), boundary, "taps")
    rows = sliding_window_view(padded, taps, axis=-2)[..., ::stride, :, :] @ row
    return sliding_window_view(rows, taps, axis=-1)[..., ::stride, :] @ row


def anti_aliased_max_pool(maps: ArrayLike, size: int, stride: int) -> Array:
    """A max pool that blurs between taking the maximum and taking every stride-th {zhang2019}.

    maps: (..., h, w), on the torus.  The maximum over the size x size window that starts at each
    pixel, the blur with (1, 2, 1) / 4 along both axes, then every stride-th pixel of both.
    Raises as `max_pool`.
    """
    return blur_pool(max_pool(maps, size, 1, boundary="circular"), stride)


def images(name: str, value: ArrayLike) -> Array:
    """`value` as an array of at least two axes; raises ValueError or TypeError."""
    array = _validate.real_array(name, value, keep_float32=True)
    if array.ndim < 2:
        raise ValueError(f"{name}: expected shape (..., height, width), got {array.shape}")
    return array


def pad(array: Array, size: tuple[int, int], boundary: str, name: str) -> Array:
    """`array` with what windows of `size` need around its last two axes to keep their number.

    name: the argument that an error blames for windows which do not fit.
    """
    padding = padding_of(size, boundary)
    if boundary == "valid":
        if size[0] > array.shape[-2] or size[1] > array.shape[-1]:
            raise ValueError(
                f"{name}: expected windows of at most the image's {array.shape[-2:]} pixels where "
                f"they must stay inside, got {size}"
            )
        return array
    widths = [(0, 0)] * (array.ndim - 2) + list(padding)
    return np.pad(array, widths, mode="wrap" if boundary == "circular" else "constant")


def padding_of(size: tuple[int, int], boundary: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels before and after, of both axes; raises when `boundary` is no known one."""
    if not isinstance(boundary, str):
        raise TypeError(f"boundary: expected a string, got {type(boundary).__name__}")
    if boundary not in ("circular", "zero", "valid"):
        raise ValueError(f"boundary: expected 'circular', 'zero' or 'valid', got {boundary!r}")
    if boundary == "valid":
        return (0, 0), (0, 0)
    return ((size[0] - 1) // 2, size[0] // 2), ((size[1] - 1) // 2, size[1] // 2)


def _windows(maps: ArrayLike, size: int, stride: int | None, boundary: str) -> Array:
    """The windows of a pool, (..., h', w', size, size)."""
    maps = images("maps", maps)
    size = _validate.whole_number("size", size, minimum=1)
    stride = size if stride is None else _validate.whole_number("stride", stride, minimum=1)
    if boundary == "zero":
        raise ValueError("boundary: expected 'valid' or 'circular' for a pool, got 'zero'")
    padding_of((size, size), boundary)
    if size > min(maps.shape[-2:]):
        raise ValueError(f"size: expected at most the maps' {maps.shape[-2:]} pixels, got {size}")
    if boundary == "circular":
        # A window starts at its pixel: all that is missing lies beyond the last one.
        widths = [(0, 0)] * (maps.ndim - 2) + [(0, size - 1)] * 2
        maps = np.pad(maps, widths, mode="wrap")
    return sliding_window_view(maps, (size, size), axis=(-2, -1))[..., ::stride, ::stride, :, :]
