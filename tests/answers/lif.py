"""Right answers to the exercises of `lif`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import erfcx

from course_utils.lif import LIFNeuron


def rate_by_loop(current: Any, neuron: LIFNeuron) -> list[float]:
    rates = []
    for i in current:
        drive = neuron.r_m * float(i)
        if drive <= neuron.v_threshold:
            rates.append(0.0)
            continue
        climb = math.log((drive - neuron.v_reset) / (drive - neuron.v_threshold))
        rates.append(1 / (neuron.tau_ref + neuron.tau_m * climb))
    return rates


def rate_by_where(current: Any, neuron: LIFNeuron) -> Any:
    """Warns of invalid logarithms and is right all the same."""
    drive = neuron.r_m * current
    climb = -neuron.tau_m * np.log1p(
        (neuron.v_reset - neuron.v_threshold) / (drive - neuron.v_reset)
    )
    return np.where(drive > neuron.v_threshold, 1 / (neuron.tau_ref + climb), 0)


def rate_in_torch(current: Any, neuron: LIFNeuron) -> torch.Tensor:
    drive = torch.tensor(neuron.r_m * current, requires_grad=True)
    climb = torch.log((drive - neuron.v_reset) / (drive - neuron.v_threshold))
    rate = 1 / (neuron.tau_ref + neuron.tau_m * climb)
    return torch.where(drive > neuron.v_threshold, rate, 0.0)


def rate_in_float32(current: Any, neuron: LIFNeuron) -> Any:
    return rate_by_where(current.astype(np.float32), neuron).astype(np.float32)


def step_by_loop(
    v: Any, refractory_left: Any, current: Any, neuron: LIFNeuron, *, dt: float
) -> tuple[list[float], list[float], list[bool]]:
    after, left, spiked = [], [], []
    for v_i, left_i, current_i in zip(v, refractory_left, current, strict=True):
        decay = math.exp(-max(dt - left_i, 0.0) / neuron.tau_m)
        v_i = v_i * decay + neuron.r_m * current_i * (1 - decay)
        spiked.append(bool(v_i >= neuron.v_threshold))
        after.append(neuron.v_reset if spiked[-1] else v_i)
        left.append(neuron.tau_ref if spiked[-1] else max(left_i - dt, 0.0))
    return after, left, spiked


def step_by_masks(
    v: Any, refractory_left: Any, current: Any, neuron: LIFNeuron, *, dt: float
) -> tuple[Any, Any, Any]:
    v, left = v.copy(), refractory_left.copy()
    awake = left < dt
    distance = neuron.r_m * current[awake] - v[awake]
    v[awake] -= distance * np.expm1((left[awake] - dt) / neuron.tau_m)
    left = (left - dt).clip(0)
    spiked = v >= neuron.v_threshold
    v[spiked], left[spiked] = neuron.v_reset, neuron.tau_ref
    return v, left, spiked.astype(float)


def step_in_torch(
    v: Any, refractory_left: Any, current: Any, neuron: LIFNeuron, *, dt: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    v, left, drive = map(torch.tensor, (v, refractory_left, neuron.r_m * current))
    active = torch.clamp(dt - left, min=0)
    v = drive + (v - drive) * torch.exp(-active / neuron.tau_m)
    spiked = v >= neuron.v_threshold
    left = torch.where(spiked, neuron.tau_ref, torch.clamp(left - dt, min=0))
    return torch.where(spiked, neuron.v_reset, v), left, spiked


def step_in_float32(
    v: Any, refractory_left: Any, current: Any, neuron: LIFNeuron, *, dt: float
) -> tuple[Any, ...]:
    single = (x.astype(np.float32) for x in (v, refractory_left, current))
    v, left, spiked = step_by_masks(*single, neuron, dt=np.float32(dt))
    return v, left, spiked.astype(bool)


def noisy_rate_by_trapezoid(mean_current: Any, sigma_v: float, neuron: LIFNeuron) -> list[float]:
    if sigma_v == 0:
        return rate_by_loop(mean_current, neuron)
    rates = []
    for drive in neuron.r_m * mean_current:
        bounds = (np.array([neuron.v_reset, neuron.v_threshold]) - drive) / sigma_v / 2**0.5
        u = np.linspace(*bounds, 20_001)
        integral = np.trapezoid(math.sqrt(math.pi) * erfcx(-u), u)
        rates.append(1 / (neuron.tau_ref + neuron.tau_m * integral))
    return rates


def noisy_rate_by_gauss(mean_current: Any, sigma_v: float, neuron: LIFNeuron) -> Any:
    """All currents at once, by Gauss-Legendre quadrature."""
    if sigma_v == 0:
        return rate_by_where(mean_current, neuron)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    lower, upper = (
        (v - neuron.r_m * mean_current) / (np.sqrt(2) * sigma_v)
        for v in (neuron.v_reset, neuron.v_threshold)
    )
    half = (upper - lower)[:, None] / 2
    u = (upper + lower)[:, None] / 2 + half * nodes
    integral = (np.sqrt(np.pi) * erfcx(-u) * weights * half).sum(axis=1)
    return 1 / (neuron.tau_ref + neuron.tau_m * integral)


def noisy_rate_in_torch(mean_current: Any, sigma_v: float, neuron: LIFNeuron) -> torch.Tensor:
    if sigma_v == 0:
        return rate_in_torch(mean_current, neuron)
    drive = neuron.r_m * torch.tensor(mean_current)
    share = torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None]
    lower, upper = ((v - drive) / (2**0.5 * sigma_v) for v in (neuron.v_reset, neuron.v_threshold))
    u = lower + share * (upper - lower)
    integral = torch.trapezoid(math.pi**0.5 * torch.special.erfcx(-u), u, dim=0)
    return (1 / (neuron.tau_ref + neuron.tau_m * integral)).float()


def readout_by_loops(
    inputs: Any, w_hidden: Any, b_hidden: Any, w_out: Any, neuron: LIFNeuron, **timing: float
) -> list[Any]:
    """One sample after the other."""
    outputs = []
    for x in inputs:
        current = w_hidden @ x + b_hidden
        v = np.full(len(current), neuron.v_reset)
        left, counts = np.zeros((2, len(current)))
        for _ in range(round(timing["duration"] / timing["dt"])):
            v, left, spiked = step_by_masks(v, left, current, neuron, dt=timing["dt"])
            counts += spiked
        outputs.append(w_out @ counts / timing["duration"])
    return outputs


def readout_of_flat_array(
    inputs: Any, w_hidden: Any, b_hidden: Any, w_out: Any, neuron: LIFNeuron, **timing: float
) -> Any:
    """All neurons of all samples in one row; the times of their spikes in place of counts."""
    current = (w_hidden @ inputs.T + b_hidden[:, None]).ravel()
    v, left = np.full_like(current, neuron.v_reset), np.zeros_like(current)
    who: list[Any] = []
    for _ in range(round(timing["duration"] / timing["dt"])):
        v, left, spiked = step_by_masks(v, left, current, neuron, dt=timing["dt"])
        who.extend(np.flatnonzero(spiked))
    counts = np.bincount(who, minlength=current.size).reshape(-1, len(inputs))
    return (w_out @ counts / timing["duration"]).T


def readout_in_torch(
    inputs: Any, w_hidden: Any, b_hidden: Any, w_out: Any, neuron: LIFNeuron, **timing: float
) -> torch.Tensor:
    drive = neuron.r_m * torch.tensor(inputs @ w_hidden.T + b_hidden)
    v = torch.full_like(drive, neuron.v_reset)
    left, counts = torch.zeros_like(drive), torch.zeros_like(drive)
    for _ in range(round(timing["duration"] / timing["dt"])):
        active = torch.clamp(timing["dt"] - left, min=0)
        v = drive + (v - drive) * torch.exp(-active / neuron.tau_m)
        spiked = v >= neuron.v_threshold
        left = torch.where(spiked, neuron.tau_ref, torch.clamp(left - timing["dt"], min=0))
        v = torch.where(spiked, neuron.v_reset, v)
        counts += spiked
    return (counts / timing["duration"]).float() @ torch.tensor(w_out).float().T


RIGHT = {
    "firing_rate": (rate_by_loop, rate_by_where, rate_in_torch, rate_in_float32),
    "membrane_step": (step_by_loop, step_by_masks, step_in_torch, step_in_float32),
    "noisy_firing_rate": (noisy_rate_by_trapezoid, noisy_rate_by_gauss, noisy_rate_in_torch),
    "spiking_readout": (readout_by_loops, readout_of_flat_array, readout_in_torch),
}
