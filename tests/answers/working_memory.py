"""Right answers to the exercises of `working_memory`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch


def step_by_loop(
    h: Any, weights: Any, drive: Any, noise: Any, *, tau: float, dt: float, sigma: float
) -> list[float]:
    after = []
    for i in range(len(h)):
        total = drive[i]
        for j in range(len(h)):
            if h[j] > 0:
                total += weights[i][j] * h[j]
        kick = math.sqrt(2 * dt / tau) * sigma * noise[i]
        after.append((1 - dt / tau) * h[i] + dt / tau * total + kick)
    return after


def step_by_matrices(
    h: Any, weights: Any, drive: Any, noise: Any, *, tau: float, dt: float, sigma: float
) -> Any:
    velocity = (weights @ (h * (h > 0)) - h + drive) / tau
    return h + dt * velocity + sigma * np.sqrt(2 / tau) * np.sqrt(dt) * noise


def step_in_torch(
    h: Any, weights: Any, drive: Any, noise: Any, *, tau: float, dt: float, sigma: float
) -> torch.Tensor:
    h, weights, drive, noise = map(torch.tensor, (h, weights, drive, noise))
    return torch.lerp(h, weights @ torch.relu(h) + drive, dt / tau) + noise * (
        sigma * (2 * dt / tau) ** 0.5
    )


def step_in_float32(
    h: Any, weights: Any, drive: Any, noise: Any, *, tau: float, dt: float, sigma: float
) -> Any:
    single = [np.asarray(x, np.float32) for x in (h, weights, drive, noise)]
    return step_by_matrices(*single, tau=tau, dt=dt, sigma=sigma).astype(np.float32)


def point_by_loop(
    states: Any, next_states: Any, jacobians: Any, *, damping: float
) -> tuple[list[Any], list[float]]:
    moved, speeds = [], []
    for h, after, jacobian in zip(states, next_states, jacobians, strict=True):
        a, r = jacobian - np.eye(len(h)), after - h
        moved.append(h - np.linalg.inv(a.T @ a + damping * np.eye(len(h))) @ a.T @ r)
        speeds.append(sum(r**2) / 2)
    return moved, speeds


def point_by_least_squares(
    states: Any, next_states: Any, jacobians: Any, *, damping: float
) -> tuple[Any, Any]:
    """The step minimizes |r + A change|² + damping |change|²: least squares with rows added."""
    r = next_states - states
    n = states.shape[1]
    change = [
        np.linalg.lstsq(
            np.vstack([j - np.eye(n), math.sqrt(damping) * np.eye(n)]),
            np.concatenate([-r_i, np.zeros(n)]),
            rcond=None,
        )[0]
        for j, r_i in zip(jacobians, r, strict=True)
    ]
    return states + np.array(change), 0.5 * np.einsum("ki,ki->k", r, r)


def point_by_svd(
    states: Any, next_states: Any, jacobians: Any, *, damping: float
) -> tuple[Any, Any]:
    r = next_states - states
    u, s, vt = np.linalg.svd(jacobians - np.eye(states.shape[1]))
    filtered = s / (s**2 + damping) * np.einsum("kij,ki->kj", u, r)
    return states - np.einsum("kij,ki->kj", vt, filtered), np.linalg.norm(r, axis=1) ** 2 / 2


def point_in_torch(
    states: Any, next_states: Any, jacobians: Any, *, damping: float
) -> tuple[torch.Tensor, torch.Tensor]:
    h, after, a = map(torch.tensor, (states, next_states, jacobians))
    identity = torch.eye(h.shape[1], dtype=h.dtype)
    a, r = a - identity, after - h
    step = torch.linalg.solve(a.mT @ a + damping * identity, (a.mT @ r[:, :, None]))
    return h - step[:, :, 0], r.pow(2).sum(1) / 2


def decode_by_loop(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> list[float]:
    """One trial after the other, by solving for each class."""
    n_units = activity.shape[2]
    accuracy = []
    for data in activity:
        right = 0
        for fold in sorted(set(folds.tolist())):
            train = folds != fold
            means, scatter = {}, np.zeros((n_units, n_units))
            for label in sorted(set(labels.tolist())):
                own = data[train & (labels == label)]
                means[label] = own.mean(0)
                scatter += (own - means[label]).T @ (own - means[label])
            scatter /= train.sum()
            size = np.trace(scatter) / n_units
            metric = (1 - shrinkage) * scatter + shrinkage * size * np.eye(n_units)
            for trial in np.flatnonzero(~train):
                distance = {
                    label: (data[trial] - m) @ np.linalg.solve(metric, data[trial] - m)
                    for label, m in means.items()
                }
                right += min(distance, key=distance.__getitem__) == labels[trial]
        accuracy.append(right / len(labels))
    return accuracy


def _whitened(seen: Any, kinds: Any, shrinkage: float) -> tuple[Any, Any]:
    """What makes the noise a sphere of size 1, and the class means after it."""
    means = np.stack([seen[kinds == c].mean(axis=0) for c in range(kinds.max() + 1)])
    values, vectors = np.linalg.eigh(np.cov((seen - means[kinds]).T, bias=True))
    values = (1 - shrinkage) * values + shrinkage * values.mean()
    whiten = vectors / np.sqrt(values)
    return whiten, means @ whiten


def decode_by_whitening(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> Any:
    kinds = np.unique(labels, return_inverse=True)[1]
    right = np.zeros(activity.shape[:2])
    for fold in np.unique(folds):
        test = folds == fold
        for t, data in enumerate(activity):
            whiten, means = _whitened(data[~test], kinds[~test], shrinkage)
            gaps = (data[test] @ whiten)[:, None] - means
            right[t, test] = np.linalg.norm(gaps, axis=2).argmin(axis=1) == kinds[test]
    return right.mean(axis=1)


def decode_in_torch(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> torch.Tensor:
    data, labels, folds = map(torch.tensor, (activity, labels, folds))
    names, kinds = labels.unique(return_inverse=True)
    onehot = torch.nn.functional.one_hot(kinds, len(names)).to(data.dtype)
    n_units = data.shape[2]
    right = torch.zeros(data.shape[:2])
    for fold in folds.unique():
        train, test = folds != fold, folds == fold
        means = onehot[train].T @ data[:, train] / onehot[train].sum(0)[:, None]
        within = data[:, train] - onehot[train] @ means
        cov = within.mT @ within / train.sum()
        size = cov.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        metric = (1 - shrinkage) * cov + shrinkage * size * torch.eye(n_units)
        gaps = data[:, test][:, :, None] - means[:, None]
        solved = torch.linalg.solve(metric[:, None], gaps.mT).mT
        right[:, test] = ((gaps * solved).sum(3).argmin(2) == kinds[test]).float()
    return right.double().mean(1)


def cross_by_whitening(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> Any:
    kinds = np.unique(labels, return_inverse=True)[1]
    n_times, n_trials, _ = activity.shape
    matrix = np.zeros((n_times, n_times))
    for fold in np.unique(folds):
        test = folds == fold
        for t in range(n_times):
            whiten, means = _whitened(activity[t, ~test], kinds[~test], shrinkage)
            gaps = (activity[:, test] @ whiten)[:, :, None] - means
            matrix[t] += (np.linalg.norm(gaps, axis=3).argmin(2) == kinds[test]).sum(axis=1)
    return matrix / n_trials


def cross_by_stacking(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> Any:
    """Each row is a decoding in which the fitted trials come from one time."""
    rows = []
    for fitted in activity:
        row = []
        for tested in activity:
            right = 0
            for fold in np.unique(folds):
                test = folds == fold
                kinds = np.searchsorted(np.unique(labels), labels)
                whiten, means = _whitened(fitted[~test], kinds[~test], shrinkage)
                gaps = (tested[test] @ whiten)[:, None] - means
                right += int(((gaps**2).sum(-1).argmin(-1) == kinds[test]).sum())
            row.append(right / len(labels))
        rows.append(row)
    return rows


def cross_in_torch(activity: Any, labels: Any, folds: Any, *, shrinkage: float) -> torch.Tensor:
    return torch.tensor(cross_by_whitening(activity, labels, folds, shrinkage=shrinkage))


RIGHT = {
    "attractor_step": (step_by_loop, step_by_matrices, step_in_torch, step_in_float32),
    "fixed_point_step": (point_by_loop, point_by_least_squares, point_by_svd, point_in_torch),
    "decode_delay": (decode_by_loop, decode_by_whitening, decode_in_torch),
    "cross_temporal_decoding": (cross_by_whitening, cross_by_stacking, cross_in_torch),
}
