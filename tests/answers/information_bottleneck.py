"""Right answers to the exercises of `information_bottleneck`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigvals, sqrtm
from scipy.special import entr, logsumexp, rel_entr, xlogy


def information_by_loop(joint: Any) -> float:
    rows, columns = [sum(row) for row in joint], [sum(column) for column in joint.T]
    bits = 0.0
    for x, row in enumerate(joint):
        for y, p in enumerate(row):
            if p > 0:
                bits += p * math.log2(p / (rows[x] * columns[y]))
    return bits


def information_by_entropies(joint: Any) -> Any:
    parts = (entr(p).sum() for p in (joint.sum(axis=1), joint.sum(axis=0), joint))
    h_x, h_y, h_xy = parts
    return (h_x + h_y - h_xy) / np.log(2)


def information_in_torch(joint: Any) -> torch.Tensor:
    table = torch.tensor(joint)
    product = table.sum(dim=1, keepdim=True) * table.sum(dim=0)
    return (torch.xlogy(table, table) - torch.xlogy(table, product)).sum() / math.log(2)


def information_in_float32(joint: Any) -> Any:
    table = joint.astype(np.float32)
    product = np.outer(table.sum(axis=1), table.sum(axis=0))
    return np.float32(rel_entr(table, product).sum() / np.float32(np.log(2)))


def channel_by_loop(channel: Any, p_x: Any, distortion: Any, beta: float) -> list[list[float]]:
    n_x, n_t = channel.shape
    p_t = [sum(p_x[x] * channel[x, t] for x in range(n_x)) for t in range(n_t)]
    rows = []
    for x in range(n_x):
        least = min(distortion[x])
        weights = [p_t[t] * 2.0 ** (-beta * (distortion[x, t] - least)) for t in range(n_t)]
        rows.append([w / sum(weights) for w in weights])
    return rows


def channel_by_logarithms(channel: Any, p_x: Any, distortion: Any, beta: float) -> Any:
    logits = np.log(p_x @ channel) - beta * distortion * np.log(2)
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))


def channel_in_torch(channel: Any, p_x: Any, distortion: Any, beta: float) -> torch.Tensor:
    p_t = torch.tensor(p_x) @ torch.tensor(channel)
    return torch.softmax(torch.log(p_t) - beta * math.log(2) * torch.tensor(distortion), dim=1)


def encoder_by_loop(encoder: Any, p_xy: Any, beta: float) -> list[list[float]]:
    n_x, n_y = p_xy.shape
    p_x = p_xy.sum(axis=1)
    scores: list[list[float]] = [[] for _ in range(n_x)]
    for t in range(encoder.shape[1]):
        p_t = float(p_x @ encoder[:, t])
        given_t = [float(p_xy[:, y] @ encoder[:, t]) / p_t if p_t else 0.0 for y in range(n_y)]
        for x in range(n_x):
            nats = 0.0
            for y in range(n_y):
                p = p_xy[x, y] / p_x[x]
                if p > 0:
                    nats += p * math.log(p / given_t[y]) if given_t[y] > 0 else math.inf
            scores[x].append(math.log(p_t) - (beta and beta * nats) if p_t else -math.inf)
    return [
        [math.exp(score - max(row)) / sum(math.exp(s - max(row)) for s in row) for score in row]
        for row in scores
    ]


def encoder_by_arrays(encoder: Any, p_xy: Any, beta: float) -> Any:
    """Divergences by rel_entr; an unused cluster is left with p(y|t) = 0."""
    p_x = p_xy.sum(axis=1)
    p_t = p_x @ encoder
    given_t = np.divide(
        encoder.T @ p_xy,
        p_t[:, None],
        out=np.zeros((p_t.size, p_xy.shape[1])),
        where=p_t[:, None] > 0,
    )
    bits = rel_entr((p_xy / p_x[:, None])[:, None], given_t).sum(axis=2) / np.log(2)
    cost = np.where(p_t > 0, beta * np.minimum(bits, 1e200), np.inf)
    weights = p_t * 2 ** (cost.min(axis=1, keepdims=True) - cost)
    return weights / weights.sum(axis=1, keepdims=True)


def encoder_by_matrices(encoder: Any, p_xy: Any, beta: float) -> Any:
    """Only the cross term of the divergence, the rest being the same for all clusters."""
    p_x = p_xy.sum(axis=1)
    joint_ty = encoder.T @ p_xy
    p_t = joint_ty.sum(axis=1)
    log_ty = np.log(np.maximum(joint_ty, 1e-300)) - 1e15 * (joint_ty == 0)
    cross = (p_xy / p_x[:, None]) @ (log_ty - np.log(np.maximum(p_t, 1e-300))[:, None]).T
    logits = np.where(p_t > 0, np.log(np.maximum(p_t, 1e-300)) + beta * cross, -np.inf)
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))


def encoder_in_torch(encoder: Any, p_xy: Any, beta: float) -> torch.Tensor:
    table, encoder = torch.tensor(p_xy), torch.tensor(encoder)
    joint_ty = encoder.T @ table
    p_t = joint_ty.sum(dim=1)
    given_t = joint_ty / torch.where(p_t > 0, p_t, 1.0)[:, None]
    given_x = (table / table.sum(dim=1, keepdim=True))[:, None]
    finite = torch.where(given_t > 0, torch.log(given_t), -1e30)
    divergence = (torch.xlogy(given_x, given_x) - given_x * finite).sum(dim=2)
    return torch.softmax(torch.log(p_t) - beta * divergence, dim=1)


def curve_by_loop(
    covariance_x: Any, covariance_y: Any, covariance_xy: Any, betas: Any
) -> tuple[list[float], list[float]]:
    product = np.linalg.solve(covariance_x, covariance_xy) @ np.linalg.solve(
        covariance_y, covariance_xy.T
    )
    shared = [float(value.real) for value in eigvals(product)]
    i_xt, i_ty = [], []
    for beta in betas:
        entered = [r for r in shared if beta * r > 1]
        total = sum(0.5 * math.log2((beta - 1) * r / (1 - r)) for r in entered)
        i_xt.append(total)
        i_ty.append(total - sum(0.5 * math.log2(beta * r) for r in entered))
    return i_xt, i_ty


def curve_by_clipping(covariance_x: Any, covariance_y: Any, covariance_xy: Any, betas: Any) -> Any:
    """A direction enters where its own logarithm turns positive."""
    white = np.linalg.solve(sqrtm(covariance_x).real, covariance_xy)
    white = white @ np.linalg.inv(sqrtm(covariance_y).real)
    r = np.linalg.svd(white, compute_uv=False) ** 2
    signal = np.clip(np.multiply.outer(betas, r) - 1, 0, None)
    i_xt = np.log2(1 + signal / (1 - r)).sum(axis=1) / 2
    return np.stack([i_xt, i_xt - np.log2(1 + signal).sum(axis=1) / 2])


def curve_in_torch(covariance_x: Any, covariance_y: Any, covariance_xy: Any, betas: Any) -> Any:
    root_x, root_y = (torch.linalg.cholesky(torch.tensor(c)) for c in (covariance_x, covariance_y))
    half = torch.linalg.solve_triangular(root_x, torch.tensor(covariance_xy), upper=False)
    white = torch.linalg.solve_triangular(root_y, half.T, upper=False)
    r = torch.linalg.svdvals(white) ** 2
    beta = torch.tensor(betas)[:, None]
    enters = beta * r > 1
    kept = torch.where(enters, torch.log2((beta - 1).clamp_min(1e-12) * r / (1 - r)), 0.0)
    lost = torch.where(enters, torch.log2((beta * r).clamp_min(1e-12)), 0.0)
    return kept.sum(dim=1) / 2, (kept - lost).sum(dim=1) / 2


def information_by_conditional(joint: Any) -> Any:
    """H(Y) - H(Y|X)."""
    p_x, p_y = joint.sum(axis=1), joint.sum(axis=0)
    given_x = joint / np.where(p_x > 0, p_x, 1.0)[:, None]
    return (-xlogy(p_y, p_y).sum() + (joint * xlogy(joint > 0, given_x)).sum()) / np.log(2)


RIGHT = {
    "mutual_information": (
        information_by_loop,
        information_by_entropies,
        information_by_conditional,
        information_in_torch,
        information_in_float32,
    ),
    "rate_distortion_step": (channel_by_loop, channel_by_logarithms, channel_in_torch),
    "bottleneck_step": (
        encoder_by_loop,
        encoder_by_arrays,
        encoder_by_matrices,
        encoder_in_torch,
    ),
    "gaussian_curve": (curve_by_loop, curve_by_clipping, curve_in_torch),
}
