"""Statistics of images: spectra, patches, whitening, and two kinds of synthetic image."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Array = NDArray[np.float64]

_MIN_SIDE = 8  # pixels: below, the Hann window leaves no ring clear of the mean
_MIN_RINGS = 3  # a line through fewer says nothing about how straight the spectrum is
_RANK_TOLERANCE = 1e-12  # relative variance below which a direction counts as empty
_DISCS_AT_A_TIME = 10_000


def radial_power_spectrum(image: ArrayLike) -> tuple[Array, Array]:
    """Power of an image against spatial frequency, averaged over orientations.

    S(f) = mean over the ring |k| = f of |FFT[window * (image - mean)](k)|^2 / sum(window^2)
                                                                                  {tolhurst1992}

    image: (h, w).  Returns (frequency in cycles/pixel, power in squared units of the image),
    (n_rings,) each: rings 1 / min(h, w) wide around its multiples, up to .5 cycles/pixel, where
    the image's border cuts them off; a ring's frequency is the mean over its points.
    Mean, not sum, over the ring: a sum would fall more slowly by one power of f. White noise of
    variance s^2 has power s^2 in every ring. The window is a Hann window in each direction:
    without it the jump between opposite borders adds power that falls as f^-2 along the axes.
    Raises ValueError on an image that is not 2-D, smaller than 8 x 8 or not finite.
    """
    image = _validate.real_array("image", image, ("height", "width"))
    if min(image.shape) < _MIN_SIDE:
        raise ValueError(f"image: expected at least 8 x 8 pixels, got shape {image.shape}")
    window = np.outer(_hann(image.shape[0]), _hann(image.shape[1]))
    mean = (window * image).sum() / window.sum()  # weighted, so that no power is left at zero
    power = np.abs(np.fft.fft2(window * (image - mean))) ** 2 / (window**2).sum()
    radius = _frequency_radius(image.shape)
    ring = np.rint(radius * min(image.shape)).astype(np.intp).ravel()
    inside = (radius <= 0.5).ravel() & (ring > 0)
    ring, radius, power = ring[inside], radius.ravel()[inside], power.ravel()[inside]
    count = np.bincount(ring)[1:]
    return (
        np.bincount(ring, radius)[1:] / count,
        np.bincount(ring, power)[1:] / count,
    )


def spectral_slope(image: ArrayLike, *, band: tuple[float, float] = (0.02, 0.35)) -> float:
    """Slope of log power on log spatial frequency: -2 where power falls as f^-2 {field1987}.

    The least-squares line through the rings of `radial_power_spectrum` whose frequency lies in
    `band` (cycles/pixel, both ends included), every ring weighted alike. The default leaves out
    the lowest rings, which hold few points and the window's own width, and the highest, where
    optics, sharpening and compression change the spectrum. The slope of the amplitude is half.
    image: (h, w).
    Raises ValueError on a bad image or band, fewer than 3 rings in it, or a ring without power.
    """
    low, high = _validate.real_array("band", band, (2,))
    if not 0.0 < low < high <= 0.5:
        raise ValueError(f"band: expected 0 < low < high <= .5 cycles/pixel, got {low:g}, {high:g}")
    frequency, power = radial_power_spectrum(image)
    inside = (frequency >= low) & (frequency <= high)
    if inside.sum() < _MIN_RINGS:
        raise ValueError(
            f"band: expected at least {_MIN_RINGS} rings from {low:g} to {high:g} cycles/pixel, "
            f"got {inside.sum()} in an image of shape {np.shape(image)}"
        )
    if (power[inside] <= 0.0).any():
        raise ValueError("image: expected power at every frequency of the band, got none in a ring")
    slope, _ = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)
    return float(slope)


def sample_patches(
    images: Sequence[ArrayLike], size: int, n_patches: int, rng: np.random.Generator
) -> Array:
    """Square patches from random places of random images, (n_patches, size * size), row by row.

    Every image is equally likely, then every place within it. Nothing is subtracted or scaled.
    images: a sequence of (h, w) arrays, of any sizes.  size: pixels a side.
    Raises ValueError on an empty sequence or an image smaller than a patch.
    """
    size = _validate.whole_number("size", size, minimum=1)
    n_patches = _validate.whole_number("n_patches", n_patches, minimum=1)
    rng = _validate.generator("rng", rng)
    checked = _image_list(images, size)
    source = rng.integers(len(checked), size=n_patches)
    corner = rng.random((n_patches, 2))
    patches = np.empty((n_patches, size, size))
    for index, image in enumerate(checked):
        chosen = np.flatnonzero(source == index)
        places = np.array(image.shape) - size + 1
        row, column = (corner[chosen] * places).astype(np.intp).T
        windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
        patches[chosen] = windows[row, column]
    return patches.reshape(n_patches, size * size)


def whiten(patches: ArrayLike, *, n_components: int | None = None) -> tuple[Array, Array]:
    """Patches made uncorrelated with unit variance, still as pixels: zero-phase (ZCA) whitening.

    whitened = (patches - mean) M,  M = sum_i v_i v_i' / sqrt(lambda_i)           {bell1997}

    where lambda_i, v_i are the largest `n_components` (default: all) eigenvalues and eigenvectors
    of the covariance; the mean is taken over patches. M is the symmetric choice among all
    whitening matrices, the one that moves the patches least. Keeping fewer components drops the
    lowest variances, in photographs the highest frequencies, whose noise M would amplify.
    patches: (n_patches, n_pixels).  Returns (whitened (n_patches, n_pixels), M (n_pixels,
    n_pixels)). The whitened covariance (normalised by n_patches) is the identity, or where
    components are left out or empty the projection on the others.
    Raises ValueError on bad patches, `n_components` above n_pixels, or patches that never vary.
    """
    patches = _validate.real_array("patches", patches, ("n_patches", "n_pixels"))
    centered, variances, axes = principal_axes(patches, n_components)
    transform = (axes / np.sqrt(variances)) @ axes.T
    return centered @ transform, transform


def dead_leaves(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    min_radius: float = 1.0,
    max_radius: float | None = None,
) -> Array:
    """An image of opaque discs that hide one another, (h, w), values in [0, 1]  {lee2001}.

    Disc radii have density proportional to r^-3 from `min_radius` to `max_radius` pixels (default:
    half the longer side), so that, within these limits, the ensemble looks the same at every
    magnification; places are uniform on the plane, gray levels uniform on [0, 1]. Discs are laid
    from the front to the back until no pixel is left bare, which samples the stationary law
    exactly. There is no blur: a pixel shows the disc at its center.
    Raises ValueError on a bad shape or unless 0.5 <= min_radius < max_radius.
    """
    height, width = (_validate.whole_number("shape", side, minimum=1) for side in shape)
    rng = _validate.generator("rng", rng)
    low = _validate.real_number("min_radius", min_radius, minimum=0.5)
    high = max(height, width) / 2 if max_radius is None else max_radius
    high = _validate.real_number("max_radius", high, above=low)
    image = np.full((height, width), np.nan)
    bare = height * width
    while bare:
        discs, grays = _draw_discs(image.shape, low, high, rng)
        bare -= _lay_discs(image, discs, grays, bare)
    return image


def phase_scramble(image: ArrayLike, rng: np.random.Generator) -> Array:
    """An image with the amplitude spectrum and mean of `image` and uniformly random phases.

    Its second-order statistics are those of `image` repeated periodically; whatever made the
    pixels non-Gaussian (edges, above all) is gone.
    image: (h, w).  Raises ValueError on an image that is not 2-D or not finite.
    """
    image = _validate.real_array("image", image, ("height", "width"))
    rng = _validate.generator("rng", rng)
    noise = np.fft.rfft2(rng.standard_normal(image.shape))
    phase = noise / np.abs(noise)  # of a real image, hence with the symmetry that a result needs
    phase[0, 0] = 1.0
    return np.fft.irfft2(np.fft.rfft2(image) * phase, image.shape)


def _hann(length: int) -> Array:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2


def _frequency_radius(shape: tuple[int, ...]) -> Array:
    vertical, horizontal = (np.fft.fftfreq(side) for side in shape)
    return np.hypot(vertical[:, None], horizontal)


def _image_list(images: Sequence[ArrayLike], size: int) -> list[Array]:
    if isinstance(images, Mapping):
        raise TypeError("images: expected a sequence of 2-D arrays, got a mapping; pass its values")
    checked = [
        _validate.real_array(f"images[{index}]", image, ("height", "width"))
        for index, image in enumerate(images)
    ]
    if not checked:
        raise ValueError("images: expected at least one image, got none")
    for index, image in enumerate(checked):
        if min(image.shape) < size:
            raise ValueError(
                f"images[{index}]: expected at least {size} x {size} pixels, "
                f"got shape {image.shape}"
            )
    return checked


def principal_axes(patches: Array, n_components: int | None) -> tuple[Array, Array, Array]:
    """Centered patches, the largest variances (descending) and their axes as columns."""
    n_pixels = patches.shape[1]
    if n_components is not None:
        n_components = _validate.whole_number("n_components", n_components, minimum=1)
        if n_components > n_pixels:
            raise ValueError(
                f"n_components: expected at most the {n_pixels} pixels, got {n_components}"
            )
    centered = patches - patches.mean(axis=0)
    variances, axes = np.linalg.eigh(centered.T @ centered / len(patches))
    variances, axes = variances[::-1], axes[:, ::-1]
    if variances[0] <= 0.0:
        raise ValueError("patches: expected patches that vary, got equal ones")
    rank = int((variances > _RANK_TOLERANCE * variances[0]).sum())
    kept = rank if n_components is None else min(rank, n_components)
    return centered, variances[:kept], axes[:, :kept]


def _draw_discs(
    shape: tuple[int, ...], low: float, high: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Discs (n, 3) as row, column, radius, of all that touch the image's frame, and their grays.

    Centers that let a disc of radius r touch the frame fill an area (h + 2 r) (w + 2 r), so that
    radii have density r^-3 times that: a mixture of powers, each with its integral as weight.
    """
    height, width = shape
    ratio = low / high
    weights = np.array(
        [
            height * width * (1.0 - ratio**2) / (2.0 * low**2),
            2.0 * (height + width) * (1.0 - ratio) / low,
            -4.0 * np.log(ratio),
        ]
    )
    uniform = rng.random((_DISCS_AT_A_TIME, 5))
    power = np.searchsorted(weights.cumsum(), uniform[:, 0] * weights.sum())
    u = uniform[:, 1]
    radius = np.choose(
        power,
        [
            low / np.sqrt(1.0 - u * (1.0 - ratio**2)),
            low / (1.0 - u * (1.0 - ratio)),
            low * ratio**-u,
        ],
    )
    center = uniform[:, 2:4] * (np.array(shape) + 2.0 * radius[:, None]) - radius[:, None] - 0.5
    return np.column_stack([center, radius]), uniform[:, 4]


def _lay_discs(image: Array, discs: Array, grays: Array, bare: int) -> int:
    """Paints discs, nearest first, on the pixels still NaN; returns how many it covered."""
    covered = 0
    for (row, column, radius), gray in zip(discs, grays, strict=True):
        top, left = max(int(np.ceil(row - radius)), 0), max(int(np.ceil(column - radius)), 0)
        window = image[top : int(row + radius) + 1, left : int(column + radius) + 1]
        y = np.arange(top, top + window.shape[0]) - row
        x = np.arange(left, left + window.shape[1]) - column
        shows = np.isnan(window) & (y[:, None] ** 2 + x**2 <= radius**2)
        window[shows] = gray
        covered += int(shows.sum())
        if covered == bare:
            break
    return covered
