"""Stretch part of `equivariance`: a blur between the maximum and the stride."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._equivariance import Array, padded, windows
from course_utils.equivariance import anti_aliased_max_pool


def _cases(rng: np.random.Generator) -> list[Case]:
    blur, seam = "inside the maps", "across the seam"
    spot = np.zeros((1, 8, 8))
    spot[0, 3, 4] = 1.0
    maps = rng.normal(size=(2, 8, 6))
    inside = np.zeros((2, 12, 12))
    inside[:, 5:8, 4:8] = rng.uniform(0.5, 2.0, (2, 3, 4))
    return [
        Case(blur, "one bright pixel", (spot, 2, 2)),
        Case(blur, "a patch on a dark ground", (inside, 3, 2)),
        Case(blur, "a patch on a dark ground, stride 3", (inside, 2, 3)),
        Case(seam, "maps drawn at random", (maps, 2, 2)),
        Case(seam, "windows of 3, stride 2", (maps, 3, 2)),
        Case(seam, "windows of 3, stride 1", (maps, 3, 1)),
    ]


def _maximum(maps: Array, size: int, *, centered: bool = False, mode: str = "wrap") -> Array:
    before = (size - 1) // 2 if centered else 0
    after = size - 1 - before
    ready = padded(maps, (before, before), (after, after), mode)
    return windows(ready, (size, size)).max(axis=(-2, -1))


def _blur(maps: Array, row: tuple[float, ...], *, mode: str = "wrap", axes: int = 2) -> Array:
    for axis in (-1, -2)[:axes]:
        widths = [(0, 0)] * maps.ndim
        widths[axis] = (1, 1)
        wide = np.moveaxis(np.pad(maps, widths, mode=mode), axis, 0)  # type: ignore[call-overload]
        n = maps.shape[axis]
        maps = np.moveaxis(sum(w * wide[k : k + n] for k, w in enumerate(row)), 0, axis)
    return maps


_PASCAL = (0.25, 0.5, 0.25)


def _pool(
    maps: Array,
    size: int,
    stride: int,
    *,
    row: tuple[float, ...] = _PASCAL,
    axes: int = 2,
    mode: str = "wrap",
    centered: bool = False,
    start: int = 0,
) -> Array:
    """Maximum, blur, stride; wrong in what a keyword says."""
    largest = _maximum(maps, size, centered=centered, mode=mode)
    return _blur(largest, row, mode=mode, axes=axes)[..., start::stride, start::stride]


def _blur_last(maps: Array, size: int, stride: int) -> Array:
    return _blur(_maximum(maps, size)[..., ::stride, ::stride], _PASCAL)


def _blur_first(maps: Array, size: int, stride: int) -> Array:
    return _maximum(_blur(maps, _PASCAL), size)[..., ::stride, ::stride]


def _no_blur(maps: Array, size: int, stride: int) -> Array:
    return _maximum(maps, size)[..., ::stride, ::stride]


def _no_stride(maps: Array, size: int, stride: int) -> Array:
    return _blur(_maximum(maps, size), _PASCAL)


def _only_blur(maps: Array, size: int, stride: int) -> Array:
    return _blur(maps, _PASCAL)[..., ::stride, ::stride]


PART = Part(
    reference=anti_aliased_max_pool,
    cases=_cases,
    points={"inside the maps": 1.0, "across the seam": 1.0},
    outputs=("pooled",),
    units={},
    misconceptions=(
        Misconception(
            "blurred after the stride",
            _blur_last,
            "You blur what the stride has left. By then the damage is done: frequencies too high "
            "for the coarse grid have already turned into low ones, and no blur can tell them "
            "apart. First the maximum at every pixel, then the blur, then the stride.",
        ),
        Misconception(
            "blurred before the maximum",
            _blur_first,
            "You blur first and take the maximum then. The maximum makes new sharp edges after "
            "your blur, and the stride aliases those. The blur comes between maximum and stride.",
        ),
        Misconception(
            "no blur",
            _no_blur,
            "This is a max pool with a stride; the blur is missing. Blur with (1, 2, 1) / 4 along "
            "both axes before you take every stride-th pixel.",
        ),
        Misconception(
            "no maximum",
            _only_blur,
            "The maximum is missing: you blur and subsample the maps themselves. Take the largest "
            "value over the window at every pixel first.",
        ),
        Misconception(
            "no stride",
            _no_stride,
            "You return a value for every pixel. After the blur, keep every stride-th row and "
            "column, from the first on.",
        ),
        Misconception(
            "weights not divided",
            partial(_pool, row=(1.0, 2.0, 1.0)),
            "Your values are 16 times too large: the weights 1, 2, 1 add up to 4, along each of "
            "two axes. Divide each row of weights by 4, so that a uniform map stays what it is.",
        ),
        Misconception(
            "blurred along one axis",
            partial(_pool, axes=1),
            "You blur along the rows only. The stride skips rows as well as columns, so the blur "
            "has to go along both axes, one after the other.",
        ),
        Misconception(
            "all weights equal",
            partial(_pool, row=(1 / 3, 1 / 3, 1 / 3)),
            "You average three neighbors with equal weights. The contract's weights are (1, 2, 1) "
            "/ 4: they remove the highest frequency, +1 -1 +1 -1, wholly, where equal weights "
            "leave a third of it, upside down.",
        ),
        Misconception(
            "zeros around",
            partial(_pool, mode="constant"),
            "Beyond the border you see zeros. These maps are on the torus: the window and the blur "
            "go on at the other side.",
        ),
        Misconception(
            "window centered",
            partial(_pool, centered=True),
            "Your windows are centered on their pixel. By the contract they start there: the "
            "window of pixel (i, j) holds rows i to i + size - 1 and columns j to j + size - 1. "
            "For windows of 2 one does not see it.",
        ),
    ),
    rtol=1e-6,
    stretch=True,
)
