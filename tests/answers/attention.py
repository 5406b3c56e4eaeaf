"""Right answers to the exercises of `attention`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax, logsumexp


def softmax_by_loop(scores: Any, axis: int = -1) -> Any:
    def one(row: Any) -> list[float]:
        top = max(row)
        terms = [math.exp(score - top) for score in row]
        return [term / sum(terms) for term in terms]

    return np.apply_along_axis(one, axis, scores)


def softmax_by_logarithms(scores: Any, axis: int = -1) -> Any:
    return np.exp(scores - logsumexp(scores, axis=axis, keepdims=True))


def softmax_in_torch(scores: Any, axis: int = -1) -> torch.Tensor:
    return torch.softmax(torch.tensor(scores, requires_grad=True), dim=axis)


def softmax_in_float32(scores: Any, axis: int = -1) -> Any:
    moved = np.moveaxis(scores, axis, 0).astype(np.float32)
    terms = np.exp(moved - moved.max(0))
    return np.moveaxis(terms / terms.sum(0), 0, axis)


def attention_by_loop(query: Any, key: Any, value: Any, *, mask: Any = None) -> Any:
    if query.ndim > 2:
        pairs = [attention_by_loop(*one) for one in zip(query, key, value, strict=True)]
        return [output for output, _ in pairs], [weights for _, weights in pairs]
    outputs, rows = [], []
    for i, q in enumerate(query):
        seen = [j for j in range(len(key)) if mask is None or mask[i, j]]
        scores = [float(q @ key[j]) / math.sqrt(len(q)) for j in seen]
        row = np.zeros(len(key))
        row[seen] = softmax_by_loop(np.array(scores))
        outputs.append(sum(w * v for w, v in zip(row, value, strict=True)))
        rows.append(row)
    return outputs, rows


def attention_by_einsum(query: Any, key: Any, value: Any, *, mask: Any = None) -> Any:
    scores = np.einsum("...qd,...kd->...qk", query, key) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + np.where(mask, 0.0, -1e30)
    weights = np.exp(log_softmax(scores, axis=-1))
    return np.einsum("...qk,...kv->...qv", weights, value), weights


def attention_in_torch(query: Any, key: Any, value: Any, *, mask: Any = None) -> Any:
    q, k, v = map(torch.tensor, (query, key, value))
    hidden = None if mask is None else torch.tensor(mask)
    output = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=hidden)
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if hidden is not None:
        scores = scores.masked_fill(~hidden, -torch.inf)
    return output, scores.softmax(-1)


def attention_in_float32(query: Any, key: Any, value: Any, *, mask: Any = None) -> Any:
    single = (x.astype(np.float32) for x in (query, key, value))
    return attention_by_einsum(*single, mask=mask)


def gain_by_loop(
    responses: Any, preferred: Any, attended: float, *, strength: float, width: float
) -> Any:
    gains = []
    for angle in preferred:
        apart = abs(angle - attended) % 360
        apart = min(apart, 360 - apart)
        gains.append(1 - strength + 2 * strength * math.exp(-((apart / width) ** 2) / 2))
    return [[r * g for r, g in zip(row, gains, strict=True)] for row in np.atleast_2d(responses)][
        0 if np.ndim(responses) == 1 else slice(None)
    ]


def gain_by_cosines(
    responses: Any, preferred: Any, attended: float, *, strength: float, width: float
) -> Any:
    apart = np.arccos(np.clip(np.cos(np.deg2rad(preferred - attended)), -1, 1))
    bump = np.exp(-np.square(apart) / (2 * np.deg2rad(width) ** 2))
    return responses + responses * strength * (2 * bump - 1)


def gain_in_torch(
    responses: Any, preferred: Any, attended: float, *, strength: float, width: float
) -> torch.Tensor:
    apart = torch.remainder(torch.tensor(preferred) - attended + 180, 360) - 180
    bump = torch.exp(-0.5 * (apart / width) ** 2)
    return torch.tensor(responses) * (1 + strength * (2 * bump - 1))


def gain_in_float32(
    responses: Any, preferred: Any, attended: float, *, strength: float, width: float
) -> Any:
    angle = np.exp(1j * np.deg2rad(preferred - attended))
    apart = np.abs(np.rad2deg(np.angle(angle))).astype(np.float32)
    bump = np.exp(-(apart**2) / np.float32(2 * width**2))
    return responses.astype(np.float32) * (1 + np.float32(strength) * (2 * bump - 1))


def step_by_loop(largest: Any, total: Any, average: Any, scores: Any, value: Any) -> Any:
    tops, totals, averages = [], [], []
    for m, t, a, row in zip(largest, total, average, scores, strict=True):
        for score, v in zip(row, value, strict=True):  # one key at a time
            top = max(m, score)
            t = t * math.exp(m - top) + math.exp(score - top)
            a = a * math.exp(m - top) + math.exp(score - top) * v
            m = top
        tops.append(m)
        totals.append(t)
        averages.append(a)
    return tops, totals, averages


def step_by_concatenation(largest: Any, total: Any, average: Any, scores: Any, value: Any) -> Any:
    """The state as one more key, whose weight is the total."""
    top = np.hstack([largest[:, None], scores]).max(axis=1)
    fade = np.exp(largest - top)
    weights = np.exp(scores - top[:, None])
    return top, fade * total + weights.sum(1), fade[:, None] * average + weights.dot(value)


def step_in_torch(largest: Any, total: Any, average: Any, scores: Any, value: Any) -> Any:
    m, t, a, s, v = map(torch.tensor, (largest, total, average, scores, value))
    top = torch.maximum(m, s.amax(1))
    weights, fade = torch.exp(s - top[:, None]), torch.exp(m - top)
    return top, t * fade + weights.sum(1), a * fade[:, None] + weights @ v


RIGHT = {
    "softmax": (softmax_by_loop, softmax_by_logarithms, softmax_in_torch, softmax_in_float32),
    "scaled_dot_product_attention": (
        attention_by_loop,
        attention_by_einsum,
        attention_in_torch,
        attention_in_float32,
    ),
    "feature_gain": (gain_by_loop, gain_by_cosines, gain_in_torch, gain_in_float32),
    "online_softmax_step": (step_by_loop, step_by_concatenation, step_in_torch),
}
