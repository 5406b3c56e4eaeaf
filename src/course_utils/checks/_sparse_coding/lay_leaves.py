"""The stretch part of `sparse_coding`: an image of dead leaves from given random numbers."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part

Array = NDArray[Any]


def lay_leaves(
    uniform: Array, shape: tuple[int, int], min_radius: float, max_radius: float
) -> Array:
    """Dead leaves from uniform numbers: opaque discs, the first in front, whose radii fall as r^-3.

    r = 1 / sqrt((1 - u) / min_radius^2 + u / max_radius^2), the quantile of that density.

    uniform: (n, 4), in [0, 1): a leaf's u, its center's row and column, which reach max_radius
    beyond the borders (row = u (h + 2 max_radius) - max_radius), and its gray level.
    shape: (h, w).  Returns (h, w): the gray of the first leaf within whose radius a pixel's
    (row, column) lies, NaN where there is none.
    """
    return _leaves(uniform, shape, min_radius, max_radius)


def _leaf_cases(rng: np.random.Generator) -> list[Case]:
    few, many = "separate leaves", "leaves that overlap"
    fixed = np.random.default_rng(14)
    return [
        Case(few, "a single leaf", (np.array([[0.3, 0.52, 0.47, 0.7]]), (12, 14), 2.0, 8.0)),
        Case(
            few,
            "two leaves at the border",
            (np.array([[0.9, 0.18, 0.6, 0.2], [0.8, 0.8, 0.15, 0.9]]), (15, 11), 1.5, 6.0),
        ),
        Case(many, "forty leaves", (fixed.random((40, 4)), (16, 16), 1.5, 8.0)),
        Case(many, "a wide image", (fixed.random((60, 4)), (10, 24), 1.0, 5.0)),
        Case(many, "leaves drawn at random", (rng.random((50, 4)), (14, 18), 1.2, 7.0)),
    ]


def _radii(u: Array, low: float, high: float, law: str) -> Array:
    if law == "uniform":
        return low + u * (high - low)
    if law == "inverse square":
        return 1 / ((1 - u) / low + u / high)
    return 1 / np.sqrt((1 - u) / low**2 + u / high**2)


def _leaves(
    uniform: Array,
    shape: tuple[int, int],
    min_radius: float,
    max_radius: float,
    *,
    law: str = "inverse cube",
    front: str = "first",
    size: float = 1.0,
    margin: float = 1.0,
    form: str = "disc",
    bare: float = np.nan,
) -> Array:
    """Dead leaves, wrong in what a keyword says."""
    radius = size * _radii(uniform[:, 0], min_radius, max_radius, law)
    reach = margin * max_radius
    center = uniform[:, 1:3] * (np.array(shape) + 2 * reach) - reach
    rows, columns = np.indices(shape)
    down = rows[None] - center[:, 0, None, None]
    right = columns[None] - center[:, 1, None, None]
    far = np.hypot(down, right) if form == "disc" else np.maximum(np.abs(down), np.abs(right))
    covers = far <= radius[:, None, None]
    gray = uniform[:, 3]
    if front == "all":
        count = covers.sum(axis=0)
        total = np.einsum("n,nij->ij", gray, covers)
        return np.where(count > 0, total / np.maximum(count, 1), bare)
    if front == "last":
        covers, gray = covers[::-1], gray[::-1]
    return np.where(covers.any(axis=0), gray[covers.argmax(axis=0)], bare)


PART = Part(
    reference=lay_leaves,
    cases=_leaf_cases,
    points={"separate leaves": 0.5, "leaves that overlap": 1.5},
    outputs=("image",),
    units={"min_radius": "pixels", "max_radius": "pixels"},
    misconceptions=(
        Misconception(
            "last leaf in front",
            partial(_leaves, front="last"),
            "The last leaf lies in front: you paint each over those before it. Here the first leaf "
            "is the nearest. Either paint from the last to the first, or paint only pixels that "
            "are still bare.",
        ),
        Misconception(
            "transparent leaves",
            partial(_leaves, front="all"),
            "Where leaves overlap you mix their grays. Leaves are opaque: occlusion, not addition, "
            "is what makes the edges of this world.",
        ),
        Misconception(
            "uniform radii",
            partial(_leaves, law="uniform"),
            "Radii are spread evenly between the smallest and the largest. Their density has to "
            "fall as r^-3 for the image to look alike at every magnification; its quantile is "
            "1 / sqrt((1 - u) / r_min^2 + u / r_max^2).",
        ),
        Misconception(
            "density falls as the square",
            partial(_leaves, law="inverse square"),
            "Your radii have density r^-2. Integrate r^-3: the distribution function is linear in "
            "1 / r^2, so u interpolates between 1 / r_min^2 and 1 / r_max^2.",
        ),
        Misconception(
            "diameter for radius",
            partial(_leaves, size=0.5),
            "The leaves are half as wide as they should be: r is the radius, the distance of the "
            "rim from the center.",
        ),
        Misconception(
            "centers inside the image only",
            partial(_leaves, margin=0.0),
            "Centers fall inside the image only. A leaf whose center lies outside may still reach "
            "in; without these the border would see fewer leaves than the middle, and the image "
            "would not be stationary.",
        ),
        Misconception(
            "square leaves",
            partial(_leaves, form="square"),
            "The leaves are squares: you compare rows and columns with the radius one by one. A "
            "pixel belongs to a disc when its distance sqrt(dy^2 + dx^2) is at most r.",
        ),
        Misconception(
            "bare pixels black",
            partial(_leaves, bare=0.0),
            "Bare pixels are 0, which is a gray level that a leaf may have. Mark them as NaN, so "
            "that whoever uses the image can tell.",
        ),
    ),
    rtol=1e-6,
    atol=1e-9,
    stretch=True,
)
