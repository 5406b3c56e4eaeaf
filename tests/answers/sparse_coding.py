"""Right answers to the exercises of `sparse_coding`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy import linalg, ndimage, stats


def slope_by_loop(image: Any, *, band: tuple[float, float]) -> float:
    """Ring by ring, with np.polyfit."""
    height, width = image.shape
    y, x = np.arange(height), np.arange(width)
    window = np.outer(
        np.sin(np.pi * (y + 0.5) / height) ** 2, np.sin(np.pi * (x + 0.5) / width) ** 2
    )
    mean = np.average(image, weights=window)
    power = abs(np.fft.fft2((image - mean) * window)) ** 2
    radius = np.sqrt(np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2)
    frequencies, powers = [], []
    for index in range(1, min(height, width)):
        ring = (np.rint(radius * min(height, width)) == index) & (radius <= 0.5)
        if ring.any() and band[0] <= radius[ring].mean() <= band[1]:
            frequencies.append(math.log(radius[ring].mean()))
            powers.append(math.log(power[ring].mean()))
    return float(np.polyfit(frequencies, powers, 1)[0])


def slope_by_ndimage(image: Any, *, band: tuple[float, float]) -> Any:
    """Rings as labels, shifted to the middle; the slope by scipy."""
    window = np.outer(
        *(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in image.shape)
    )
    centered = image - (image * window).sum() / window.sum()
    power = np.fft.fftshift(np.abs(np.fft.fft2(centered * window)) ** 2)
    axes = [np.fft.fftshift(np.fft.fftfreq(n)) for n in image.shape]
    radius = np.hypot(axes[0][:, None], axes[1])
    label = np.where(radius <= 0.5, np.rint(radius * min(image.shape)), 0).astype(int)
    rings = np.arange(1, label.max() + 1)
    frequency = ndimage.mean(radius, label, rings)
    level = ndimage.mean(power, label, rings)
    keep = (frequency >= band[0]) & (frequency <= band[1])
    return stats.linregress(np.log10(frequency[keep]), np.log10(level[keep])).slope


def slope_in_torch(image: Any, *, band: tuple[float, float]) -> torch.Tensor:
    picture = torch.tensor(image)
    hann = [torch.sin(torch.pi * (torch.arange(n) + 0.5).double() / n) ** 2 for n in image.shape]
    window = hann[0][:, None] * hann[1]
    centered = picture - (window * picture).sum() / window.sum()
    power = torch.fft.fft2(window * centered).abs() ** 2
    radius = torch.hypot(*torch.meshgrid(*map(_frequencies, image.shape), indexing="ij"))
    inside = (radius <= 0.5) & (torch.round(radius * min(image.shape)) > 0)
    ring = torch.round(radius[inside] * min(image.shape)).long()
    count = torch.bincount(ring)[1:]
    frequency = torch.bincount(ring, radius[inside])[1:] / count
    level = torch.bincount(ring, power[inside])[1:] / count
    keep = (frequency >= band[0]) & (frequency <= band[1])
    x, y = frequency[keep].log(), level[keep].log()
    x = x - x.mean()
    return (x * y).sum() / (x * x).sum()


def _frequencies(n: int) -> torch.Tensor:
    return torch.fft.fftfreq(n, dtype=torch.float64)


def step_by_loop(
    codes: Any, patches: Any, dictionary: Any, penalty: float, step_size: float
) -> list[list[float]]:
    stepped = []
    for code, patch in zip(codes, patches, strict=True):
        residual = patch - sum(a * atom for a, atom in zip(code, dictionary, strict=True))
        row = []
        for a, atom in zip(code, dictionary, strict=True):
            z = a + step_size * float(atom @ residual)
            row.append(math.copysign(max(abs(z) - step_size * penalty, 0.0), z))
        stepped.append(row)
    return stepped


def step_by_gram(
    codes: Any, patches: Any, dictionary: Any, penalty: float, step_size: float
) -> Any:
    """From D D' and D x, as the compiled kernel has it; two rectifiers for the shrinkage."""
    gram, drive = dictionary @ dictionary.T, patches @ dictionary.T
    moved = codes + step_size * (drive - codes @ gram)
    t = step_size * penalty
    return np.clip(moved - t, 0, None) - np.clip(-moved - t, 0, None)


def step_in_torch(
    codes: Any, patches: Any, dictionary: Any, penalty: float, step_size: float
) -> torch.Tensor:
    """The gradient by autograd."""
    a = torch.tensor(codes, requires_grad=True)
    loss = 0.5 * ((torch.tensor(patches) - a @ torch.tensor(dictionary)) ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, a)
    return torch.nn.functional.softshrink(a.detach() - step_size * gradient, step_size * penalty)


def step_in_float32(
    codes: Any, patches: Any, dictionary: Any, penalty: float, step_size: float
) -> Any:
    single = (x.astype(np.float32) for x in (codes, patches, dictionary))
    return step_by_gram(*single, np.float32(penalty), np.float32(step_size))


def update_by_loop(unmixing: Any, whitened: Any) -> Any:
    updated = []
    for w in unmixing:
        y = whitened @ w
        drive = np.mean(
            [x * math.tanh(value) for x, value in zip(whitened, y, strict=True)], axis=0
        )
        updated.append(drive - np.mean(1 / np.cosh(y) ** 2) * w)
    w = np.array(updated)
    return linalg.inv(linalg.sqrtm(w @ w.T)).real @ w


def update_by_svd(unmixing: Any, whitened: Any) -> Any:
    g = np.tanh(unmixing @ whitened.T)
    w = g @ whitened / len(whitened) - np.diag((1 - g**2).mean(axis=1)) @ unmixing
    left, _, right = np.linalg.svd(w)
    return left @ right


def update_in_torch(unmixing: Any, whitened: Any) -> torch.Tensor:
    w, x = torch.tensor(unmixing), torch.tensor(whitened)
    g = torch.tanh(x @ w.T)
    w = g.T @ x / len(x) - (1 - g * g).mean(dim=0)[:, None] * w
    values, vectors = torch.linalg.eigh(w @ w.T)
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ w


def update_in_float32(unmixing: Any, whitened: Any) -> Any:
    return update_by_svd(unmixing.astype(np.float32), whitened.astype(np.float32))


def leaves_by_pixel(
    uniform: Any, shape: tuple[int, int], min_radius: float, max_radius: float
) -> list[list[float]]:
    leaves = []
    for u, y, x, gray in uniform:
        radius = ((1 - u) * min_radius**-2 + u * max_radius**-2) ** -0.5
        row = y * (shape[0] + 2 * max_radius) - max_radius
        column = x * (shape[1] + 2 * max_radius) - max_radius
        leaves.append((row, column, radius, gray))

    def seen(i: int, j: int) -> float:
        for row, column, radius, gray in leaves:
            if math.hypot(i - row, j - column) <= radius:
                return gray
        return math.nan

    return [[seen(i, j) for j in range(shape[1])] for i in range(shape[0])]


def leaves_by_painter(
    uniform: Any, shape: tuple[int, int], min_radius: float, max_radius: float
) -> Any:
    """From the last leaf to the first, each over those behind it."""
    image = np.full(shape, np.nan)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for u, v, w, gray in uniform[::-1]:
        radius = min_radius / np.sqrt(1 - u * (1 - (min_radius / max_radius) ** 2))
        row = v * (shape[0] + 2 * max_radius) - max_radius
        column = w * (shape[1] + 2 * max_radius) - max_radius
        image[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = gray
    return image


def leaves_in_torch(
    uniform: Any, shape: tuple[int, int], min_radius: float, max_radius: float
) -> torch.Tensor:
    u, row, column, gray = torch.tensor(uniform).T
    radius = torch.rsqrt((1 - u) / min_radius**2 + u / max_radius**2)
    row = row * (shape[0] + 2 * max_radius) - max_radius
    column = column * (shape[1] + 2 * max_radius) - max_radius
    i, j = torch.arange(shape[0])[:, None, None], torch.arange(shape[1])[:, None]
    covers = torch.hypot(i - row, j - column) <= radius
    first = covers.to(torch.uint8).argmax(dim=-1)
    return torch.where(covers.any(dim=-1), gray[first], torch.nan)


RIGHT = {
    "spectral_slope": (slope_by_loop, slope_by_ndimage, slope_in_torch),
    "ista_step": (step_by_loop, step_by_gram, step_in_torch, step_in_float32),
    "fast_ica_step": (update_by_loop, update_by_svd, update_in_torch, update_in_float32),
    "lay_leaves": (leaves_by_pixel, leaves_by_painter, leaves_in_torch),
}
