"""Part 2 of `equivariance`: how far an operator is from commuting with shifts."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._equivariance import Array, correlate, padded
from course_utils.equivariance import equivariance_error


@dataclass(frozen=True, repr=False)
class Layer:
    """An operator that students' functions are tried on; its name is what they read."""

    name: str
    kernel: tuple[tuple[float, ...], ...] = ((0.0, 1.0, 0.0), (-1.0, 2.0, 0.5), (0.0, -0.25, 0.0))
    mode: str = "wrap"
    stride: int = 1

    def __call__(self, x: Array) -> Array:
        channels = x.reshape(-1, 1, *x.shape[-2:])
        kernel = np.array(self.kernel)[None, None]
        before = tuple((k - 1) // 2 for k in kernel.shape[2:])
        after = tuple(k // 2 for k in kernel.shape[2:])
        maps = [
            correlate(padded(c, before, after, self.mode), kernel, self.stride) for c in channels
        ]
        return np.maximum(np.concatenate(maps), 0.0)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, repr=False)
class CoarseShift:
    """T' of a layer with a stride."""

    stride: int

    def __call__(self, maps: Array, dy: int, dx: int) -> Array:
        return np.roll(maps, (dy // self.stride, dx // self.stride), axis=(-2, -1))

    def __repr__(self) -> str:
        return f"circular shift by (dy // {self.stride}, dx // {self.stride})"


def _cases(rng: np.random.Generator) -> list[Case]:
    circular = "errors of a circular shift"
    own = "another shift of the output"
    several = "channels"
    torus = Layer("convolution on the torus, then a rectifier")
    zero = Layer("convolution with zeros around, then a rectifier", mode="constant")
    strided = Layer("convolution with stride 2, then a rectifier", stride=2)
    image = rng.uniform(0.2, 2.0, (6, 8))
    color = rng.uniform(0.2, 2.0, (3, 4, 6))
    some = np.array([[0, 0], [0, 1], [2, 0], [-1, 3], [5, 7]])
    return [
        Case(circular, "an operator that commutes", (torus, image, some)),
        Case(circular, "zeros around the image", (zero, image, some)),
        Case(circular, "one shift", (zero, image[:5, :5], np.array([[1, 2]]))),
        Case(
            own,
            "stride 2, even shifts",
            (strided, image, 2 * some),
            {"output_shift": CoarseShift(2)},
        ),
        Case(own, "stride 2, any shifts", (strided, image, some), {"output_shift": CoarseShift(2)}),
        Case(several, "three channels", (zero, color, some)),
        Case(
            several,
            "three channels, stride 2",
            (strided, color, some),
            {"output_shift": CoarseShift(2)},
        ),
    ]


def _roll(maps: Array, dy: int, dx: int) -> Array:
    return np.roll(maps, (int(dy), int(dx)), axis=(-2, -1))


def _empty_roll(maps: Array, dy: int, dx: int) -> Array:
    """A shift that leaves zeros behind."""
    moved = np.zeros_like(maps)
    h, w = maps.shape[-2:]
    for i in range(h):
        for j in range(w):
            if 0 <= i - dy < h and 0 <= j - dx < w:
                moved[..., i, j] = maps[..., i - dy, j - dx]
    return moved


def _error(
    operator: Any,
    image: Array,
    shifts: Array,
    *,
    output_shift: Any = None,
    move: Any = _roll,
    moves_output: bool = True,
    heeds: bool = True,
    sign: int = 1,
    exchanged: bool = False,
    relative_to: str = "response",
    size: Any = np.linalg.norm,
    joint: bool = False,
) -> Array:
    """The errors, wrong in what a keyword says."""
    output_move = output_shift if output_shift is not None and heeds else move
    response = operator(image)
    errors = []
    for dy, dx in shifts:
        moved_response = operator(move(image, dx, dy) if exchanged else move(image, dy, dx))
        back = output_move(response, sign * dy, sign * dx) if moves_output else response
        scales = {"response": response, "image": image, "both": moved_response - back + response}
        scale = 1.0 if relative_to == "nothing" else size(scales[relative_to].ravel())
        errors.append(size((moved_response - back).ravel()) / scale)
    return np.full(len(errors), np.mean(errors)) if joint else np.array(errors)


def _squared(x: Array) -> float:
    return float(np.sum(x**2))


def _largest(x: Array) -> float:
    return float(np.abs(x).max())


def _mean_size(x: Array) -> float:
    return float(np.abs(x).mean())


PART = Part(
    reference=equivariance_error,
    cases=_cases,
    points={
        "errors of a circular shift": 1.5,
        "another shift of the output": 1.0,
        "channels": 0.5,
    },
    outputs=("errors",),
    units={},
    misconceptions=(
        Misconception(
            "response not shifted",
            partial(_error, moves_output=False),
            "You compare the response to the shifted image with the response to the image where "
            "it was. That measures invariance. Equivariance lets the response move, as long as it "
            "moves along: shift r(x) by T' before you take the difference.",
        ),
        Misconception(
            "response shifted the other way",
            partial(_error, sign=-1),
            "The image goes one way and the response the other. If x moves down and right, so does "
            "r(x): T' has the same dy and dx. (Shifting r(T x) back by -dy and -dx would do, but "
            "then r(x) must stay.)",
        ),
        Misconception(
            "dy and dx exchanged",
            partial(_error, exchanged=True),
            "The image moves by dx down and dy to the right. A row of `shifts` is (dy, dx): first "
            "the axis of the rows, axis -2, then the axis of the columns, axis -1.",
        ),
        Misconception(
            "zeros left behind",
            partial(_error, move=_empty_roll),
            "Your shift leaves zeros where the image was. T is a shift on the torus: what leaves "
            "on one side comes back on the other, as np.roll does. With zeros left behind, even "
            "the convolution on the torus seems not to commute.",
        ),
        Misconception(
            "not relative",
            partial(_error, relative_to="nothing"),
            "The errors are absolute: twice the contrast gives twice the error. Divide by the norm "
            "of the response, |r(x)|, so that 0.1 means a tenth of the response.",
        ),
        Misconception(
            "relative to the image",
            partial(_error, relative_to="image"),
            "You divide by the norm of the image. What is wrong is a part of the response: divide "
            "by |r(x)|. With |x| the error would depend on the gain of the filters.",
        ),
        Misconception(
            "squares not rooted",
            partial(_error, size=_squared),
            "These are the squares of the errors: sums of squares, divided. The Euclidean norm is "
            "the root of the sum of squares, np.linalg.norm of the flattened array.",
        ),
        Misconception(
            "largest difference",
            partial(_error, size=_largest),
            "You take the largest difference over the largest response. One pixel then decides. "
            "The contract asks for the Euclidean norm over all of the maps.",
        ),
        Misconception(
            "mean absolute difference",
            partial(_error, size=_mean_size),
            "You take means of absolute values. The contract asks for the Euclidean norm, the root "
            "of the sum of squares, above and below.",
        ),
        Misconception(
            "output_shift ignored",
            partial(_error, heeds=False),
            "Where `output_shift` is given, it is T': call output_shift(r(x), dy, dx) in place of "
            "the circular shift. A layer with stride 2 moves by half as many pixels as its input.",
        ),
        Misconception(
            "mean over the shifts",
            partial(_error, joint=True),
            "All your errors are the same number, the mean over the shifts. Each shift has an "
            "error of its own: that is how one sees which of them an operator commutes with.",
        ),
    ),
    rtol=1e-6,
)
