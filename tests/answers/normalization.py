"""Right answers to the exercises of `normalization`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch


def divide_by_loops(
    drive: Any, sigma: float, pool_weights: Any, *, exponent: float
) -> list[list[float]]:
    rows = []
    for z in drive:
        row = []
        for i, z_i in enumerate(z):
            pool = sigma**exponent
            for j, z_j in enumerate(z):
                pool += pool_weights[i][j] * abs(z_j) ** exponent
            row.append(math.copysign(abs(z_i) ** exponent / pool, z_i))
        rows.append(row)
    return rows


def divide_by_einsum(drive: Any, sigma: float, pool_weights: Any, *, exponent: float) -> Any:
    power = abs(drive) ** exponent
    pool = np.einsum("ij,bj->bi", pool_weights, power)
    return np.where(drive < 0, -power, power) / (pool + sigma**exponent)


def divide_in_torch(
    drive: Any, sigma: float, pool_weights: Any, *, exponent: float
) -> torch.Tensor:
    z = torch.tensor(drive, requires_grad=True)
    power = z.abs().pow(exponent)
    pool = torch.nn.functional.linear(power, torch.tensor(pool_weights))
    return z.sign() * power / (sigma**exponent + pool)


def divide_relative_to_sigma(
    drive: Any, sigma: float, pool_weights: Any, *, exponent: float
) -> Any:
    """Drives in units of sigma, so that the constant becomes 1."""
    relative = np.sign(drive) * np.abs(drive / sigma) ** exponent
    return relative / (1 + (pool_weights @ np.abs(relative).T).T)


def divide_in_float32(drive: Any, sigma: float, pool_weights: Any, *, exponent: float) -> Any:
    single = (np.asarray(x, np.float32) for x in (drive, sigma, pool_weights))
    return divide_by_einsum(*single, exponent=np.float32(exponent)).astype(np.float32)


def batch_by_loop(z: Any, *, eps: float) -> list[list[float]]:
    columns = []
    for column in zip(*z.tolist(), strict=True):
        mean = math.fsum(column) / len(column)
        variance = math.fsum((x - mean) ** 2 for x in column) / len(column)
        columns.append([(x - mean) / math.sqrt(variance + eps) for x in column])
    return list(map(list, zip(*columns, strict=True)))


def batch_by_moments(z: Any, *, eps: float) -> Any:
    mean = np.average(z, axis=0)
    variance = np.einsum("bi,bi->i", z - mean, z - mean) / len(z)
    return (z - mean) * (variance + eps) ** -0.5


def batch_in_torch(z: Any, *, eps: float) -> torch.Tensor:
    return torch.nn.functional.batch_norm(torch.tensor(z), None, None, training=True, eps=eps)


def batch_in_float32(z: Any, *, eps: float) -> Any:
    return batch_by_moments(z.astype(np.float32), eps=np.float32(eps))


def contrast_by_loop(contrast: Any, r_max: float, c50: float, exponent: float) -> list[float]:
    return [r_max * c**exponent / (c**exponent + c50**exponent) for c in contrast]


def contrast_by_ratio(contrast: Any, r_max: float, c50: float, exponent: float) -> Any:
    """Divides by zero at no contrast and is right all the same."""
    return r_max / (1 + (c50 / contrast) ** exponent)


def contrast_in_torch(contrast: Any, r_max: float, c50: float, exponent: float) -> torch.Tensor:
    log_ratio = torch.log(torch.tensor(contrast)) - math.log(c50)
    return r_max * torch.sigmoid(exponent * log_ratio)


def contrast_in_float32(contrast: Any, r_max: float, c50: float, exponent: float) -> Any:
    c = contrast.astype(np.float32) ** np.float32(exponent)
    return np.float32(r_max) * c / (c + np.float32(c50**exponent))


def group_by_split(z: Any, n_groups: int, *, eps: float) -> Any:
    parts = np.split(z, n_groups, axis=1)
    return np.hstack(
        [(p - p.mean(axis=1)[:, None]) / np.sqrt(p.var(axis=1)[:, None] + eps) for p in parts]
    )


def group_by_loop(z: Any, n_groups: int, *, eps: float) -> Any:
    out = np.empty(z.shape)
    size = z.shape[1] // n_groups
    for sample, row in zip(z, out, strict=True):
        for first in range(0, z.shape[1], size):
            group = sample[first : first + size]
            row[first : first + size] = (group - group.mean()) / np.sqrt(group.var() + eps)
    return out


def group_in_torch(z: Any, n_groups: int, *, eps: float) -> torch.Tensor:
    return torch.nn.functional.group_norm(torch.tensor(z), n_groups, eps=eps)


RIGHT = {
    "divisive_normalization": (
        divide_by_loops,
        divide_by_einsum,
        divide_in_torch,
        divide_relative_to_sigma,
        divide_in_float32,
    ),
    "batch_norm": (batch_by_loop, batch_by_moments, batch_in_torch, batch_in_float32),
    "naka_rushton": (contrast_by_loop, contrast_by_ratio, contrast_in_torch, contrast_in_float32),
    "group_norm": (group_by_split, group_by_loop, group_in_torch),
}
