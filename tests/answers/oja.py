"""Right answers to the exercises of `oja`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm


def hebb_by_matrix_exponential(covariance: Any, w0: Any, times: Any) -> list[Any]:
    return [expm(covariance * t) @ w0 for t in times]


def hebb_by_coordinates(covariance: Any, w0: Any, times: Any) -> Any:
    """All times at once, in the eigenbasis; the inputs of `exp` and `eig` in any order."""
    variances, vectors = np.linalg.eig(covariance)
    coordinates = np.linalg.solve(vectors, w0)
    return np.einsum("ti,ji->tj", np.exp(np.outer(times, variances)) * coordinates, vectors)


def hebb_by_series(covariance: Any, w0: Any, times: Any) -> Any:
    """The power series, term by term, in plain loops."""
    rows = []
    for t in times:
        term, total = list(w0), list(w0)
        for n in range(1, 80):
            term = [
                t / n * sum(covariance[i][j] * term[j] for j in range(len(term)))
                for i in range(len(term))
            ]
            total = [a + b for a, b in zip(total, term, strict=True)]
        rows.append(total)
    return rows


def hebb_in_torch(covariance: Any, w0: Any, times: Any) -> torch.Tensor:
    generator = torch.tensor(times)[:, None, None] * torch.tensor(covariance)
    return torch.linalg.matrix_exp(generator) @ torch.tensor(w0)


def hebb_in_float32(covariance: Any, w0: Any, times: Any) -> Any:
    variances, vectors = np.linalg.eigh(covariance.astype(np.float32))
    growth = np.exp(times.astype(np.float32)[:, None] * variances)
    return (growth * (w0.astype(np.float32) @ vectors)) @ vectors.T


def oja_by_loops(inputs: Any, w0: Any, learning_rate: float) -> list[float]:
    w = [float(value) for value in w0]
    for x in inputs:
        y = sum(w_j * x_j for w_j, x_j in zip(w, x, strict=True))
        w = [w_j + learning_rate * (y * x_j - y * y * w_j) for w_j, x_j in zip(w, x, strict=True)]
    return w


def oja_by_vectors(inputs: Any, w0: Any, learning_rate: float, record_every: Any = None) -> Any:
    w = np.array(w0, dtype=float)
    for x in inputs:
        y = np.dot(x, w)
        w = (1 - learning_rate * y**2) * w + learning_rate * y * x
    return w


def oja_in_torch(inputs: Any, w0: Any, learning_rate: float) -> torch.Tensor:
    w = torch.tensor(w0)
    for x in torch.tensor(inputs):
        y = torch.dot(w, x)
        w = w + learning_rate * y * (x - y * w)
    return w


def oja_in_float32(inputs: Any, w0: Any, learning_rate: float) -> Any:
    w = w0.astype(np.float32)
    for x in inputs.astype(np.float32):
        y = w @ x
        w = w + np.float32(learning_rate) * y * (x - y * w)
    return w


def sanger_by_loops(inputs: Any, weights: Any, learning_rate: float) -> list[Any]:
    """Neuron by neuron, the changes kept apart until the sample is done."""
    rows = [np.array(w, dtype=float) for w in weights]
    for x in inputs:
        y = [float(w @ x) for w in rows]
        left, changes = np.array(x, dtype=float), []
        for w, y_i in zip(rows, y, strict=True):
            left = left - y_i * w
            changes.append(learning_rate * y_i * left)
        rows = [w + change for w, change in zip(rows, changes, strict=True)]
    return rows


def sanger_by_matrices(inputs: Any, weights: Any, learning_rate: float) -> Any:
    weights = weights.copy()
    for x in inputs:
        y = (weights @ x)[:, None]
        weights += learning_rate * (y * x - np.tril(y * y.T) @ weights)
    return weights


def sanger_by_cumulative_sum(inputs: Any, weights: Any, learning_rate: float) -> Any:
    for x in inputs:
        y = weights @ x
        explained = np.cumsum(y[:, None] * weights, axis=0)
        weights = weights + learning_rate * y[:, None] * (x - explained)
    return weights


def sanger_in_torch(inputs: Any, weights: Any, learning_rate: float) -> torch.Tensor:
    w = torch.tensor(weights)
    for x in torch.tensor(inputs):
        y = w @ x
        w = w + learning_rate * (torch.outer(y, x) - torch.tril(torch.outer(y, y)) @ w)
    return w.float()


def flow_by_scaling(covariance: Any, w0: Any, times: Any) -> Any:
    variances, vectors = np.linalg.eigh(covariance)
    growth = np.exp(np.outer(times, variances - variances.max())) * (vectors.T @ w0)
    one = np.exp(-2 * variances.max() * times) * (1 - w0 @ w0)
    return growth @ vectors.T / np.sqrt(one + (growth**2).sum(axis=1))[:, None]


def flow_by_loop(covariance: Any, w0: Any, times: Any) -> list[Any]:
    """Late times go to the limit by the logarithm of the length."""
    variances, vectors = np.linalg.eigh(covariance)
    coordinates = vectors.T @ w0
    rows = []
    for t in times:
        logs = [v * t + math.log(abs(c)) for v, c in zip(variances, coordinates, strict=True)]
        top = max(0.0, *logs)
        squared = sum(math.exp(2 * (log - top)) for log in logs)
        squared += math.exp(-2 * top) * (1 - float(w0 @ w0))
        parts = [
            math.copysign(math.exp(log - top), c) for log, c in zip(logs, coordinates, strict=True)
        ]
        rows.append(vectors @ np.array(parts) / math.sqrt(squared))
    return rows


def flow_by_integration(covariance: Any, w0: Any, times: Any) -> list[Any]:
    """A solver of differential equations; beyond t = 200 nothing moves any more."""

    def velocity(_: float, w: Any) -> Any:
        return covariance @ w - (w @ covariance @ w) * w

    options = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13}
    return [solve_ivp(velocity, (0, min(t, 200.0)), w0, **options).y[:, -1] for t in times]


def flow_in_torch(covariance: Any, w0: Any, times: Any) -> torch.Tensor:
    variances, vectors = torch.linalg.eigh(torch.tensor(covariance))
    start, t = torch.tensor(w0), torch.tensor(times)[:, None]
    growth = torch.exp(t * (variances - variances[-1])) * (vectors.T @ start)
    one = torch.exp(-2 * variances[-1] * t) * (1 - start @ start)
    return growth @ vectors.T / torch.sqrt(one + (growth**2).sum(dim=1, keepdim=True))


RIGHT = {
    "hebbian_flow": (
        hebb_by_matrix_exponential,
        hebb_by_coordinates,
        hebb_by_series,
        hebb_in_torch,
        hebb_in_float32,
    ),
    "oja_rule": (oja_by_loops, oja_by_vectors, oja_in_torch, oja_in_float32),
    "sanger_rule": (
        sanger_by_loops,
        sanger_by_matrices,
        sanger_by_cumulative_sum,
        sanger_in_torch,
    ),
    "oja_flow": (flow_by_scaling, flow_by_loop, flow_by_integration, flow_in_torch),
}
