"""Part 1 of `sparse_coding`: the slope of an image's power spectrum."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.sparse_coding import spectral_slope

Array = NDArray[Any]


def _image(shape: tuple[int, int], exponent: float, rng: np.random.Generator) -> Array:
    """Noise whose power falls as a power of frequency, stretched, so that no axis is like another,
    cut from a larger torus, so that opposite borders do not meet, and far from zero mean."""
    side = 2 * max(shape)
    vertical, horizontal = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    radius = np.hypot(vertical, 1.5 * horizontal)
    radius[0, 0] = 1.0
    noise = np.fft.rfft2(rng.standard_normal((side, side)))
    image = np.fft.irfft2(noise * radius ** (exponent / 2), (side, side))
    return 3.0 + image[: shape[0], : shape[1]]


def _slope_cases(rng: np.random.Generator) -> list[Case]:
    square, oblong, other = "square images", "oblong images", "other bands"
    fixed = np.random.default_rng(11)
    exponent, low = rng.uniform(-2.8, -1.2), rng.uniform(0.06, 0.1)

    def case(
        aspect: str, label: str, image: Array, band: tuple[float, float] = (0.05, 0.35)
    ) -> Case:
        return Case(aspect, label, (image,), {"band": band})

    return [
        case(square, "an image with a slope of about -2", _image((64, 64), -2.0, fixed)),
        case(square, "an image with a slope of about -1", _image((48, 48), -1.0, fixed)),
        case(square, "an image drawn at random", _image((56, 56), exponent, rng)),
        case(oblong, "a wide image", _image((48, 80), -2.0, fixed)),
        case(oblong, "a tall image drawn at random", _image((72, 50), exponent, rng)),
        case(other, "the upper half of the band", _image((64, 64), -2.0, fixed), (0.2, 0.45)),
        case(other, "a band drawn at random", _image((64, 64), exponent, rng), (low, 4 * low)),
    ]


def _slope(
    image: Array,
    *,
    band: tuple[float, float],
    window: bool = True,
    power: float = 2.0,
    average: str = "mean",
    ignore_band: bool = False,
    semilog: bool = False,
    coefficient: int = 0,
    sign: float = 1.0,
    units: str = "pixel",
) -> float:
    """The slope, wrong in what a keyword says."""
    height, width = image.shape
    side = min(height, width)
    hann = [np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in (height, width)]
    weight = np.outer(*hann) if window else np.ones(image.shape)
    centered = image - (weight * image).sum() / weight.sum()
    spectrum = np.abs(np.fft.fft2(weight * centered)) ** power
    axes = {
        "pixel": [np.fft.fftfreq(n) for n in (height, width)],
        "image": [np.fft.fftfreq(n) * n / side for n in (height, width)],
        "unwrapped": [np.arange(n) / n for n in (height, width)],
    }[units]
    radius = np.hypot(axes[0][:, None], axes[1])
    inside = (radius <= 0.5) & (radius * side >= 0.5)
    radius, spectrum = radius[inside], spectrum[inside]
    ring = np.rint(radius * side).astype(int)
    count = np.bincount(ring)[1:]
    frequency = np.bincount(ring, radius)[1:] / count
    level = np.bincount(ring, spectrum)[1:] / count
    if average == "sum":
        level = level * count
    elif average == "geometric":
        level = np.exp(np.bincount(ring, np.log(spectrum))[1:] / count)
    elif average == "none":
        frequency, level = radius, spectrum
    low, high = (0.0, 0.5) if ignore_band else band
    keep = (frequency >= low) & (frequency <= high)
    x = frequency[keep] if semilog else np.log(frequency[keep])
    return sign * float(np.polyfit(x, np.log(level[keep]), 1)[coefficient])


PART = Part(
    reference=spectral_slope,
    cases=_slope_cases,
    points={"square images": 1.5, "oblong images": 1.0, "other bands": 0.5},
    outputs=("slope",),
    units={"band": "cycles/pixel"},
    misconceptions=(
        Misconception(
            "amplitude for power",
            partial(_slope, power=1.0),
            "This is the slope of the amplitude spectrum. Power is the squared magnitude of the "
            "Fourier transform, so its logarithm is twice as large and its slope twice as steep.",
        ),
        Misconception(
            "sum over the ring",
            partial(_slope, average="sum"),
            "The power of a ring is summed. A ring of radius f has about 2 pi f points, so the "
            "sum falls more slowly than the power by one power of f, and your slope is too shallow "
            "by about 1. Divide by the number of points: the spectrum is power per frequency, not "
            "per ring.",
        ),
        Misconception(
            "logarithm before the mean",
            partial(_slope, average="geometric"),
            "You average the logarithms of the power in a ring; asked is the logarithm of the "
            "average power. Single Fourier coefficients fluctuate by as much as their mean, and "
            "the logarithm weighs the small ones, so the two differ.",
        ),
        Misconception(
            "no rings",
            partial(_slope, average="none"),
            "The line is fitted through the single Fourier coefficients. There are far more of "
            "them at high frequencies than at low ones, so the high ones decide. Average over "
            "rings first, so that every ring weighs alike.",
        ),
        Misconception(
            "window left out",
            partial(_slope, window=False),
            "The image is transformed without its window. The Fourier transform takes an image to "
            "repeat, and the jump from its right border to its left one is an edge that the scene "
            "does not have. Multiply by the Hann window in both directions first.",
        ),
        Misconception(
            "band ignored",
            partial(_slope, ignore_band=True),
            "The line is fitted through all rings. Only those whose frequency lies in `band` "
            "belong to it: the lowest rings hold a handful of points, and at the highest, optics "
            "and compression have changed the picture.",
        ),
        Misconception(
            "logarithm of the frequency forgotten",
            partial(_slope, semilog=True),
            "The line is fitted to log power against frequency. A power law, S = c f^a, is a "
            "straight line only when both axes are logarithmic: log S = log c + a log f.",
        ),
        Misconception(
            "intercept returned",
            partial(_slope, coefficient=1),
            "You return the intercept of the line. np.polyfit(x, y, 1) gives the coefficient of "
            "the highest power first: the slope, then the intercept.",
        ),
        Misconception(
            "sign turned",
            partial(_slope, sign=-1.0),
            "The sign is turned. Power falls with frequency, so its slope is negative; the a of "
            "1 / f^a is minus the slope.",
        ),
        Misconception(
            "cycles per image",
            partial(_slope, units="image"),
            "The frequencies are those of a square image. Along each axis the k-th coefficient has "
            "k / n cycles a pixel, with the n of that axis (np.fft.fftfreq(n)); an oblong image "
            "has two different n.",
        ),
        Misconception(
            "frequencies not wrapped",
            partial(_slope, units="unwrapped"),
            "The second half of the coefficients is taken for high frequencies. np.fft.fft2 puts "
            "the negative frequencies there, beginning with the highest: np.fft.fftfreq(n) gives "
            "the frequency of each coefficient.",
        ),
    ),
    rtol=1e-6,
    atol=1e-9,
)
