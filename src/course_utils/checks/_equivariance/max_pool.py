"""Part 3 of `equivariance`: the largest value in each window."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._equivariance import Array, padded, windows
from course_utils.equivariance import max_pool


def _cases(rng: np.random.Generator) -> list[Case]:
    touch, other = "windows that touch", "any stride"
    rest, negative = "rows and columns left over", "negative values"
    fixed = np.array([[[1.0, 5.0, 2.0, 0.5], [4.0, 3.0, 8.0, 7.0]]])
    maps = rng.uniform(0.1, 1.0, (2, 6, 9))
    signed = rng.normal(size=(3, 6, 6))
    return [
        Case(touch, "one map", (fixed, 2)),
        Case(touch, "two maps", (maps, 3)),
        Case(touch, "windows of one pixel", (maps[:, :2, :2], 1)),
        Case(other, "windows that overlap by one pixel", (maps, 3), {"stride": 2}),
        Case(other, "a window at every pixel", (maps[:, :4, :5], 2), {"stride": 1}),
        Case(other, "windows with gaps", (maps[:, :5, :8], 2), {"stride": 3}),
        Case(rest, "windows of 2 in a height of 5", (maps[:, :5, :7], 2)),
        Case(rest, "windows of 4", (maps, 4)),
        Case(negative, "positive and negative values", (signed, 2)),
        Case(negative, "negative values only", (-maps, 3)),
    ]


def _pool(
    maps: Array,
    size: int,
    stride: int | None = None,
    *,
    reduce: Any = np.max,
    default: int | None = None,
    heeds: bool = True,
    keep_rest: bool = False,
    count: str = "",
    prepare: Any = None,
) -> Array:
    """The pool, wrong in what a keyword says."""
    if stride is None:
        stride = size if default is None else default
    elif not heeds:
        stride = size
    if prepare is not None:
        maps = prepare(maps)
    if keep_rest:
        h, w = maps.shape[-2:]
        spare = [(-(n - size) % stride) if n >= size else size - n for n in (h, w)]
        maps = padded(np.pad(maps, 0), (0, 0), (spare[0], spare[1]), "edge")
    pooled = reduce(windows(maps, (size, size), stride), axis=(-2, -1))
    if count == "by size":
        h, w = maps.shape[-2:]
        return pooled[..., : h // size, : w // size]
    return pooled


def _corner(view: Array, axis: Any) -> Array:
    return view[..., 0, 0]


def _rectified(view: Array, axis: Any) -> Array:
    return np.maximum(view.max(axis=axis), 0.0)


def _largest_size(view: Array, axis: Any) -> Array:
    return np.abs(view).max(axis=axis)


def _top_row(view: Array, axis: Any) -> Array:
    return view[..., 0, :].max(axis=-1)


def _strongest_map(maps: Array) -> Array:
    return np.broadcast_to(maps.max(axis=0), maps.shape)


PART = Part(
    reference=max_pool,
    cases=_cases,
    points={
        "windows that touch": 1.0,
        "any stride": 1.0,
        "rows and columns left over": 0.5,
        "negative values": 0.5,
    },
    outputs=("pooled",),
    units={},
    misconceptions=(
        Misconception(
            "average",
            partial(_pool, reduce=np.mean),
            "You return the mean of each window. A max pool returns its largest value: one strong "
            "response counts, however much silence surrounds it.",
        ),
        Misconception(
            "top left pixel",
            partial(_pool, reduce=_corner),
            "You return one pixel of each window, its first. That is what a stride alone does: it "
            "throws the others away. Take the largest of them.",
        ),
        Misconception(
            "largest of the top row",
            partial(_pool, reduce=_top_row),
            "You look at the first row of each window only. Windows extend down as well as to the "
            "right: take the maximum over both axes.",
        ),
        Misconception(
            "never below zero",
            partial(_pool, reduce=_rectified),
            "Where all values of a window are negative you return 0. A running maximum that starts "
            "at 0 does this, and so does padding with zeros. Start from the window's first value, "
            "or from minus infinity.",
        ),
        Misconception(
            "largest absolute value",
            partial(_pool, reduce=_largest_size),
            "You return the largest absolute value. A strongly negative response is not a strong "
            "response: -5 is less than 1.",
        ),
        Misconception(
            "stride ignored",
            partial(_pool, heeds=False),
            "Your windows always touch. Where `stride` is given, windows start every `stride` "
            "pixels: less than `size`, and they overlap; more, and there are gaps.",
        ),
        Misconception(
            "stride 1 by default",
            partial(_pool, default=1),
            "Without `stride` your windows start at every pixel. The default is `size`, so that "
            "they touch and the map shrinks: a default in the signature cannot say this, so the "
            "stub says None.",
        ),
        Misconception(
            "incomplete windows kept",
            partial(_pool, keep_rest=True),
            "You keep windows that stick out of the map. The contract wants those that lie wholly "
            "inside: along a height h there are (h - size) // stride + 1.",
        ),
        Misconception(
            "windows counted by size",
            partial(_pool, count="by size"),
            "You return h // size rows of windows whatever the stride. That is right only when "
            "stride and size are equal. Windows start at 0, s, 2s, ... as long as they fit: (h - "
            "size) // stride + 1 of them.",
        ),
        Misconception(
            "largest over all maps",
            partial(_pool, prepare=_strongest_map),
            "Every map holds the maximum over all maps. Each is pooled by itself: what a filter "
            "found must not be lost, only where it found it.",
        ),
    ),
    rtol=1e-6,
)
