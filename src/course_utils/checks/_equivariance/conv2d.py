"""Part 1 of `equivariance`: the convolution of a network."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._equivariance import Array, correlate, padded
from course_utils.equivariance import conv2d


def _cases(rng: np.random.Generator) -> list[Case]:
    inside, channels, padding, stride = (
        "inside the image",
        "channels and filters",
        "padding",
        "stride",
    )
    ramp = np.arange(12.0).reshape(1, 3, 4)
    edge = np.array([[[[1.0, 2.0, -3.0], [0.5, -1.0, 4.0]]]])
    square = np.array([[[[1.0, -2.0, 0.5], [3.0, 4.0, -1.0], [-5.0, 2.0, 0.25]]]])
    three = rng.normal(size=(3, 6, 7))
    filters = rng.normal(size=(4, 3, 3, 2))
    even = rng.normal(size=(2, 3, 4, 2))
    odd = rng.normal(size=(2, 3, 3, 5))
    valid, zero = {"boundary": "valid", "stride": 1}, {"boundary": "zero", "stride": 1}
    circular = {"boundary": "circular", "stride": 1}
    return [
        Case(inside, "one channel, a kernel of 2 x 3", (ramp, edge), valid),
        Case(inside, "one channel, drawn at random", (three[:1], filters[:1, :1]), valid),
        Case(inside, "a kernel as large as the image", (three[:1, :3, :3], square), valid),
        Case(channels, "three channels, one filter", (three, filters[:1]), valid),
        Case(channels, "three channels, four filters", (three, filters), valid),
        Case(padding, "zeros around, an odd kernel", (ramp, square), zero),
        Case(padding, "wrapped round, an odd kernel", (ramp, square), circular),
        Case(padding, "zeros around, an even kernel", (three, even), zero),
        Case(padding, "wrapped round, an even kernel", (three, even), circular),
        Case(stride, "stride 2 inside the image", (three, odd), valid | {"stride": 2}),
        Case(stride, "stride 2, wrapped round", (three, odd), circular | {"stride": 2}),
        Case(stride, "stride 3, zeros around", (three, even), zero | {"stride": 3}),
    ]


def _conv(
    image: Array,
    kernels: Array,
    *,
    boundary: str,
    stride: int,
    modes: dict[str, str] | None = None,
    late: bool = False,
    strides: str = "both",
    turned: str = "",
    drop: int = 0,
) -> Array:
    """The convolution, wrong in what a keyword says."""
    if turned == "both":
        kernels = kernels[..., ::-1, ::-1]
    elif turned == "transposed":
        kernels = np.swapaxes(kernels, 2, 3)
    kh, kw = kernels.shape[2:]
    modes = {"circular": "wrap", "zero": "constant", "valid": ""} | (modes or {})
    before, after = ((kh - 1) // 2, (kw - 1) // 2), (kh // 2, kw // 2)
    if late:
        before, after = after, before
    if modes[boundary]:
        image = padded(image, before, after, modes[boundary])
    maps = correlate(image, kernels)
    if drop:
        maps = maps[:, : maps.shape[1] - drop, : maps.shape[2] - drop]
    if strides == "floor":
        rows, columns = maps.shape[1] // stride, maps.shape[2] // stride
        return maps[:, : rows * stride : stride, : columns * stride : stride]
    if strides == "rows":
        return maps[:, ::stride]
    if strides == "late":
        return maps[:, stride - 1 :: stride, stride - 1 :: stride]
    return maps[:, ::stride, ::stride]


def _one_by_one(image: Array, kernels: Array, **how: Any) -> Array:
    """One response for each channel: they are not added."""
    maps = [_conv(image[c : c + 1], kernels[:, c : c + 1], **how) for c in range(len(image))]
    return np.concatenate(maps)


def _mean_of_channels(image: Array, kernels: Array, **how: Any) -> Array:
    return _conv(image, kernels, **how) / len(image)


def _last_filter(image: Array, kernels: Array, **how: Any) -> Array:
    maps = _conv(image, kernels, **how)
    return np.broadcast_to(maps[-1], maps.shape).copy()


PART = Part(
    reference=conv2d,
    cases=_cases,
    points={
        "inside the image": 1.0,
        "channels and filters": 1.0,
        "padding": 1.0,
        "stride": 1.0,
    },
    outputs=("maps",),
    units={},
    misconceptions=(
        Misconception(
            "kernel turned round",
            partial(_conv, turned="both"),
            "Your kernels are turned by 180 degrees: that is the convolution of mathematics, and "
            "of scipy.signal.convolve2d. What networks call convolution lays the kernel on the "
            "image as it is, multiplies and adds: kernels[..., a, b] meets image[..., i + a, j + "
            "b]. Both commute with shifts; only one gives these numbers.",
        ),
        Misconception(
            "rows and columns exchanged",
            partial(_conv, turned="transposed"),
            "Your kernels are laid on with rows and columns exchanged. The third axis of `kernels` "
            "runs down the image, with its rows, and the fourth along it, with its columns.",
        ),
        Misconception(
            "one row and column too few",
            partial(_conv, drop=1),
            "The last row and the last column are missing. A kernel of height k fits into a height "
            "h in h - k + 1 places, not in h - k: with k = h there is one place, not none.",
        ),
        Misconception(
            "channels not added",
            _one_by_one,
            "You return a map for each channel. A filter has a slice for every channel, and its "
            "response is the sum of all of them: the channels disappear, and there are as many "
            "maps as filters.",
        ),
        Misconception(
            "mean over channels",
            _mean_of_channels,
            "Your response is the mean over channels where it should be their sum: it is too "
            "small by the number of channels. Each channel has weights of its own, and the filter "
            "simply adds up all products.",
        ),
        Misconception(
            "last filter in every map",
            _last_filter,
            "All your maps are the response of the last filter. Each filter f fills a map of its "
            "own: maps[f].",
        ),
        Misconception(
            "zeros where the image should wrap",
            partial(_conv, modes={"circular": "constant"}),
            "With boundary 'circular' your image is surrounded by zeros. It should continue on the "
            "other side, as on a torus: what lies left of column 0 is the last column. np.pad "
            'calls this mode="wrap".',
        ),
        Misconception(
            "wrapped where there should be zeros",
            partial(_conv, modes={"zero": "wrap"}),
            "With boundary 'zero' your image continues on its other side. Outside the image there "
            "is nothing: pad with zeros.",
        ),
        Misconception(
            "edge repeated",
            partial(_conv, modes={"zero": "edge", "circular": "edge"}),
            "You repeat the image's border outside it. The contract knows two ways to pad: with "
            "zeros, or with the other side of the image.",
        ),
        Misconception(
            "even kernels padded in front",
            partial(_conv, late=True),
            "With kernels of even size your maps are off by a pixel. Such a kernel has no middle, "
            "so one side gets one pixel more, and by the contract that is the side behind: (k - "
            "1) // 2 before and k // 2 after. Odd kernels do not show the difference.",
        ),
        Misconception(
            "valid padded too",
            partial(_conv, modes={"valid": "constant"}),
            "With boundary 'valid' nothing is padded. The kernel stays inside the image, and the "
            "maps are smaller than the image by k - 1.",
        ),
        Misconception(
            "stride rounded down",
            partial(_conv, strides="floor"),
            "With a stride your maps lack the last row or column. The places are 0, s, 2s, ... as "
            "long as they exist: n places leave ceil(n / s), not n // s. maps[:, ::s, ::s] takes "
            "them all.",
        ),
        Misconception(
            "stride along one axis",
            partial(_conv, strides="rows"),
            "The stride skips rows but keeps all columns. It goes along both axes.",
        ),
        Misconception(
            "stride starts late",
            partial(_conv, strides="late"),
            "Your strided responses start at place s - 1. The first place is 0: 0, s, 2s and so "
            "on. It is because the grid is fixed there that a strided layer commutes only with "
            "shifts by multiples of s.",
        ),
    ),
    rtol=1e-6,
)
