"""Right answers to the exercises of `sensory_systems`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import pdist
from sklearn.linear_model import Ridge


def sta_by_loop(stimulus: Any, spike_times: Any, *, rate_hz: float, window: float) -> list[float]:
    n_lags = round(window * rate_hz)
    mean = sum(stimulus) / len(stimulus)
    totals, n = [0.0] * n_lags, 0
    for time in spike_times:
        i = int(time * rate_hz)
        if i < n_lags - 1:
            continue
        n += 1
        for lag in range(n_lags):
            totals[lag] += stimulus[i - lag] - mean
    return [total / n for total in totals]


def sta_by_windows(stimulus: Any, spike_times: Any, *, rate_hz: float, window: float) -> Any:
    n_lags = round(window * rate_hz)
    windows = np.lib.stride_tricks.sliding_window_view(stimulus, n_lags)
    rows = (spike_times * rate_hz).astype(int) - (n_lags - 1)
    return windows[rows[rows >= 0], ::-1].mean(axis=0) - stimulus.mean()


def sta_by_correlation(stimulus: Any, spike_times: Any, *, rate_hz: float, window: float) -> Any:
    n_lags = round(window * rate_hz)
    counts = np.bincount((spike_times * rate_hz).astype(int), minlength=len(stimulus))
    counts[: n_lags - 1] = 0
    products = [counts[lag:] @ stimulus[: len(stimulus) - lag] for lag in range(n_lags)]
    return np.array(products) / counts.sum() - stimulus.mean()


def sta_in_torch(stimulus: Any, spike_times: Any, *, rate_hz: float, window: float) -> Any:
    s = torch.tensor(stimulus)
    n_lags = round(window * rate_hz)
    index = torch.floor(torch.tensor(spike_times) * rate_hz).long()
    index = index[index >= n_lags - 1]
    return (s[index[:, None] - torch.arange(n_lags)] - s.mean()).mean(dim=0).float()


def rdm_by_loop(responses: Any, metric: str) -> list[float]:
    found = []
    for i, a in enumerate(responses):
        for b in responses[i + 1 :]:
            if metric == "correlation":
                found.append(1 - float(np.corrcoef(a, b)[0, 1]))
            else:
                found.append(math.dist(a, b))
    return found


def rdm_by_scipy(responses: Any, metric: str) -> Any:
    return pdist(responses, metric)


def rdm_by_corrcoef(responses: Any, metric: str) -> Any:
    if metric == "correlation":
        square = 1 - np.corrcoef(responses)
    else:
        square = np.linalg.norm(responses[:, None] - responses[None], axis=-1)
    return square[np.triu_indices(len(responses), 1)]


def rdm_in_torch(responses: Any, metric: str) -> torch.Tensor:
    x = torch.tensor(responses)
    if metric == "euclidean":
        return torch.pdist(x)
    rows, columns = torch.triu_indices(len(x), len(x), 1)
    return (1 - torch.corrcoef(x))[rows, columns]


def rdm_in_float32(responses: Any, metric: str) -> Any:
    return rdm_by_corrcoef(responses.astype(np.float32), metric).astype(np.float32)


def encoding_by_sklearn(
    features: Any, responses: Any, *, alphas: Any, n_folds: int, rng: Any
) -> tuple[Any, Any]:
    folds = np.array_split(rng.permutation(len(features)), n_folds)

    def choose(pool: list[Any], y: Any) -> float:
        losses = []
        for alpha in alphas:
            loss = 0.0
            for held in pool:
                train = np.concatenate([f for f in pool if f is not held])
                model = Ridge(alpha=alpha).fit(features[train], y[train])
                loss += ((model.predict(features[held]) - y[held]) ** 2).sum()
            losses.append(loss)
        return alphas[int(np.argmin(losses))]

    r, best = [], []
    for y in responses.T:
        scores = []
        for fold in folds:
            others = [f for f in folds if f is not fold]
            train = np.concatenate(others)
            model = Ridge(alpha=choose(others, y)).fit(features[train], y[train])
            scores.append(np.corrcoef(model.predict(features[fold]), y[fold])[0, 1])
        r.append(np.mean(scores))
        best.append(choose(folds, y))
    return np.array(r), best


def _svd_predictions(features: Any, responses: Any, train: Any, test: Any, alphas: Any) -> Any:
    """(alphas, test, units)."""
    x_mean, y_mean = features[train].mean(axis=0), responses[train].mean(axis=0)
    u, s, vt = np.linalg.svd(features[train] - x_mean, full_matrices=False)
    shrink = s / (s**2 + np.asarray(alphas)[:, None])
    rotated = (features[test] - x_mean) @ vt.T
    projected = u.T @ (responses[train] - y_mean)
    return np.einsum("ts,as,su->atu", rotated, shrink, projected) + y_mean


def encoding_by_svd(
    features: Any, responses: Any, *, alphas: Any, n_folds: int, rng: Any
) -> tuple[Any, Any]:
    n = len(features)
    which = np.empty(n, int)
    for number, fold in enumerate(np.array_split(rng.permutation(n), n_folds)):
        which[fold] = number

    def loss(allowed: Any) -> Any:
        total = 0
        for j in np.unique(which[allowed]):
            test = np.flatnonzero(which == j)
            train = np.flatnonzero(allowed & (which != j))
            predicted = _svd_predictions(features, responses, train, test, alphas)
            total = total + ((predicted - responses[test]) ** 2).sum(axis=1)
        return total

    scores = []
    units = np.arange(responses.shape[1])
    for i in range(n_folds):
        train, test = which != i, np.flatnonzero(which == i)
        best = loss(train).argmin(axis=0)
        predicted = _svd_predictions(features, responses, np.flatnonzero(train), test, alphas)
        p, y = predicted[best, :, units].T, responses[test]
        scores.append(
            [np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, y.T, strict=True)],
        )
    return np.mean(scores, axis=0), alphas[loss(np.ones(n, bool)).argmin(axis=0)]


def encoding_in_torch(
    features: Any, responses: Any, *, alphas: Any, n_folds: int, rng: Any
) -> tuple[Any, Any]:
    """By the kernel, in dual form."""
    x, y = torch.tensor(features), torch.tensor(responses)
    folds = [torch.tensor(f) for f in np.array_split(rng.permutation(len(x)), n_folds)]

    def predict(train: Any, test: Any, alpha: float, target: Any) -> torch.Tensor:
        a, b = x[train] - x[train].mean(0), x[test] - x[train].mean(0)
        mean = target[train].mean(0)
        dual = torch.linalg.solve(
            a @ a.T + alpha * torch.eye(len(a), dtype=a.dtype), target[train] - mean
        )
        return b @ a.T @ dual + mean

    def choose(pool: list[Any]) -> torch.Tensor:
        losses = torch.zeros(len(alphas), y.shape[1], dtype=y.dtype)
        for j in range(len(pool)):
            train = torch.cat(pool[:j] + pool[j + 1 :])
            for i, alpha in enumerate(alphas):
                losses[i] += ((predict(train, pool[j], alpha, y) - y[pool[j]]) ** 2).sum(0)
        return torch.tensor(alphas)[losses.argmin(0)]

    scores = torch.zeros(n_folds, y.shape[1], dtype=y.dtype)
    for i, fold in enumerate(folds):
        others = folds[:i] + folds[i + 1 :]
        for u, alpha in enumerate(choose(others)):
            p = predict(torch.cat(others), fold, float(alpha), y[:, u])
            scores[i, u] = torch.corrcoef(torch.stack([p, y[fold, u]]))[0, 1]
    return scores.mean(0), choose(folds)


def score_by_loop(predictions: Any, repeats: Any) -> list[float]:
    k, n, n_units = repeats.shape
    scores = []
    for u in range(n_units):
        x = repeats[:, :, u]
        mean = x.mean(axis=0)
        noise = sum(np.var(x[:, i], ddof=1) for i in range(n)) / n
        rho = 1 - noise / k / np.var(mean, ddof=1)
        raw = np.corrcoef(predictions[:, u], mean)[0, 1]
        scores.append(raw * abs(raw) / rho if rho > 0 else math.nan)
    return scores


def score_by_arrays(predictions: Any, repeats: Any) -> Any:
    mean = repeats.mean(0)
    noise = ((repeats - mean) ** 2).sum(0).mean(0) / (len(repeats) - 1)
    rho = 1 - noise / len(repeats) / mean.var(0, ddof=1)
    p, m = predictions - predictions.mean(0), mean - mean.mean(0)
    raw = (p * m).sum(0) / np.linalg.norm(p, axis=0) / np.linalg.norm(m, axis=0)
    ceiling = np.sqrt(np.where(rho > 0, rho, np.nan))
    return np.copysign((raw / ceiling) ** 2, raw)


def score_in_torch(predictions: Any, repeats: Any) -> torch.Tensor:
    p, x = torch.tensor(predictions), torch.tensor(repeats)
    mean = x.mean(0)
    rho = 1 - x.var(0).mean(0) / len(x) / mean.var(0)
    pairs = zip(p.T, mean.T, strict=True)
    raw = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])
    return torch.where(rho > 0, raw * raw.abs() / rho, torch.nan)


RIGHT = {
    "spike_triggered_average": (sta_by_loop, sta_by_windows, sta_by_correlation, sta_in_torch),
    "rdm": (rdm_by_loop, rdm_by_scipy, rdm_by_corrcoef, rdm_in_torch, rdm_in_float32),
    "ridge_encoding": (encoding_by_sklearn, encoding_by_svd, encoding_in_torch),
    "noise_corrected_score": (score_by_loop, score_by_arrays, score_in_torch),
}
