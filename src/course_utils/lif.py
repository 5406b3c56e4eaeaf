"""The leaky integrate-and-fire neuron: its rate in closed form, with noise, and its simulation."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from course_utils import _compiled, _validate

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LIFNeuron:
    """Parameters of a leaky integrate-and-fire neuron whose potential is measured from rest.

    tau_m: membrane time constant (s).  r_m: membrane resistance (Ω).  v_threshold, v_reset:
    potentials (V).  tau_ref: refractory period (s).
    Raises ValueError on tau_m or r_m <= 0, tau_ref < 0, a reset at or above threshold.
    """

    tau_m: float = 0.020
    r_m: float = 1.0
    v_threshold: float = 1.0
    v_reset: float = 0.0
    tau_ref: float = 0.002

    def __post_init__(self) -> None:
        bounds: dict[str, dict[str, float]] = {
            "tau_m": {"above": 0.0},
            "r_m": {"above": 0.0},
            "tau_ref": {"minimum": 0.0},
        }
        for name in (field.name for field in fields(self)):
            number = _validate.real_number(name, getattr(self, name), **bounds.get(name, {}))
            object.__setattr__(self, name, number)
        if self.v_reset >= self.v_threshold:
            raise ValueError(
                f"v_reset: expected a potential below v_threshold = {self.v_threshold:g}, "
                f"got {self.v_reset:g}"
            )


@dataclass(frozen=True, eq=False)
class LIFSimulation:
    """What `simulate` saw of n neurons.

    spike_counts: (n,), whole numbers.  rates: (n,), Hz.  voltage: (t, n), V, at the end of each
    step, or None.  spike_times: for each neuron its spike times in s, or None.
    """

    spike_counts: NDArray[np.int64]
    rates: NDArray[np.float64]
    voltage: Floats | None
    spike_times: list[NDArray[np.float64]] | None


def firing_rate(current: ArrayLike, neuron: LIFNeuron = LIFNeuron()) -> Floats:
    """Firing rate (Hz) at a constant current (A), exactly 0 at or below threshold.

    r = 1 / (tau_ref + tau_m ln((R I - v_reset) / (R I - v_threshold)))        {knight1972}

    current: any shape, which the rates share.
    Raises TypeError or ValueError when `current` is not finite real numbers, or empty.
    """
    current = _validate.real_array("current", current)
    _validate.instance("neuron", neuron, LIFNeuron)
    return _constant_current_rate(current, neuron)


def noisy_firing_rate(
    mean_current: ArrayLike, sigma_v: ArrayLike, neuron: LIFNeuron = LIFNeuron()
) -> Floats:
    """Firing rate (Hz) at a mean current (A) with white noise; `firing_rate` without noise.

    1 / r = tau_ref + tau_m sqrt(pi) integral of exp(u²) (1 + erf u) du        {siegert1951}
    from u = (v_reset - R I) / (sqrt(2) sigma_v) to (v_threshold - R I) / (sqrt(2) sigma_v)

    sigma_v: standard deviation of the membrane potential without threshold (V), a number or an
    array that broadcasts with `mean_current`, whose common shape the rates have.
    Raises TypeError or ValueError when either is not finite real numbers, when a sigma_v is
    negative or when their shapes do not fit.
    """
    mean_current = _validate.real_array("mean_current", mean_current)
    sigma_v = _validate.real_array("sigma_v", sigma_v, minimum=0.0)
    _validate.instance("neuron", neuron, LIFNeuron)
    try:
        mean_current, sigma_v = np.broadcast_arrays(mean_current, sigma_v)
    except ValueError:
        raise ValueError(
            f"sigma_v: expected a shape that broadcasts with mean_current's {mean_current.shape}, "
            f"got {sigma_v.shape}"
        ) from None
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        upper = (neuron.v_threshold - neuron.r_m * mean_current) / sigma_v / math.sqrt(2.0)
        length = (neuron.v_threshold - neuron.v_reset) / sigma_v / math.sqrt(2.0)
        # Finite, since the difference of two infinities is none.
        upper, length = np.clip(upper, -1e300, 1e300), np.minimum(length, 1e300)
        noisy = _siegert_rate(upper, length, neuron)
    # Where threshold lies 1e8 deviations below the drive, noise changes the rate by under 1e-16.
    quiet = (sigma_v == 0) | (upper < -1e8)
    return np.where(quiet, _constant_current_rate(mean_current, neuron), noisy)[()]


def membrane_step(
    v: ArrayLike,
    refractory_left: ArrayLike,
    current: ArrayLike,
    neuron: LIFNeuron = LIFNeuron(),
    *,
    dt: float = 1e-4,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Potentials, refractory times left and spikes after one exact step at constant current.

    tau_m dv/dt = -v + R I  after the refractory period        {lapicque1907}

    A neuron at or above threshold at the end of the step spikes, goes to v_reset and starts its
    refractory period there.  v (V), refractory_left (s), current (A): arrays of one shape.
    Returns v, refractory_left and spiked (bool), of the same shape.
    Raises ValueError on shapes that differ, NaN or infinity, a negative time, dt not in (0, tau_m].
    """
    v = _validate.real_array("v", v)
    refractory_left = _validate.real_array("refractory_left", refractory_left, v.shape, minimum=0.0)
    current = _validate.real_array("current", current, v.shape)
    _validate.instance("neuron", neuron, LIFNeuron)
    dt = _validate.real_number("dt", dt, above=0.0, maximum=neuron.tau_m)
    active = np.maximum(dt - refractory_left, 0.0)
    v = v + (v - neuron.r_m * current) * np.expm1(-active / neuron.tau_m)
    spiked = v >= neuron.v_threshold
    v = np.where(spiked, neuron.v_reset, v)
    refractory_left = np.where(spiked, neuron.tau_ref, np.maximum(refractory_left - dt, 0.0))
    return v, refractory_left, spiked


def simulate(
    current: ArrayLike,
    neuron: LIFNeuron = LIFNeuron(),
    *,
    duration: float,
    dt: float = 1e-4,
    sigma_v: float = 0.0,
    rng: np.random.Generator | None = None,
    record_voltage: bool = False,
    record_spikes: bool = False,
) -> LIFSimulation:
    """Spikes of n unconnected neurons that start at v_reset, by exact steps.

    tau_m dv/dt = -v + R I + sqrt(2 tau_m) sigma_v xi(t),  xi white noise        {brunel2000}

    current (A): (n,), constant, or (t, n), one row a step.  duration (s): rounded to t whole steps
    of dt (s).  sigma_v (V): standard deviation of the free potential; above 0 it needs `rng`, and
    crossings of the threshold inside a step count.  Without noise a spike falls at the end of the
    step that reaches threshold, with noise in its middle.  float32 currents compute in float32.
    Raises ValueError on wrong shapes, NaN or infinity, times <= 0, sigma_v < 0 or dt > tau_m,
    TypeError when noise comes without a generator.
    """
    current = _validate.real_array("current", current, keep_float32=True)
    _validate.instance("neuron", neuron, LIFNeuron)
    dt = _validate.real_number("dt", dt, above=0.0, maximum=neuron.tau_m)
    duration = _validate.real_number("duration", duration, minimum=dt, maximum=dt * 2.0**40)
    n_steps = round(duration / dt)
    # Its square must not overflow in the dtype of the simulation.
    largest = math.sqrt(np.finfo(current.dtype).max)
    sigma_v = _validate.real_number("sigma_v", sigma_v, minimum=0.0, maximum=largest)
    noise = _validate.generator("rng", rng) if sigma_v else None
    _check_current(current, neuron, n_steps)

    constants = _step_constants(neuron, dt, sigma_v, current.dtype.type)
    counts, voltage, spikes = _run(
        current, constants, noise, n_steps, record_voltage, record_spikes
    )
    return LIFSimulation(
        spike_counts=counts,
        rates=counts / (n_steps * dt),
        voltage=voltage if record_voltage else None,
        spike_times=[steps * dt for steps in spikes] if record_spikes else None,
    )


def _constant_current_rate(current: Floats, neuron: LIFNeuron) -> Floats:
    """The closed form, by log1p: the argument of the logarithm is 1 + distance / excess."""
    with np.errstate(over="ignore", divide="ignore"):
        excess = neuron.r_m * current - neuron.v_threshold
        ratio = np.full(current.shape, np.inf)
        np.divide(neuron.v_threshold - neuron.v_reset, excess, out=ratio, where=excess > 0)
        return 1.0 / (neuron.tau_ref + neuron.tau_m * np.log1p(ratio))


def _siegert_rate(upper: Floats, length: Floats, neuron: LIFNeuron) -> Floats:
    """Siegert's rate from the integral's upper bound and length; its integrand is erfcx(-u).

    Where the upper bound is positive, integral and period are multiplied by exp(-upper²), so that
    nothing overflows. The parts above and below u = 0 each have a variable of their own.
    """
    above = np.clip(upper, 0.0, 28.0)  # exp(-28²) is 0
    # u = above - x, as deep as exp(-40) of the integrand at the bound.
    depth = np.minimum(above - np.sqrt(np.maximum(above**2 - 40.0, 0.0)), length)
    positive = _integrate(
        lambda x: special.erfc(x - above) * np.exp(-x * (2.0 * above - x)), 0.0, depth
    )
    # u = -sinh y: the integrand in y tends to 1 / sqrt(pi), and is that to rounding beyond y = 10.
    limit = 1.0 / math.sqrt(math.pi)
    low = np.arcsinh(np.clip(-upper, 0.0, 1e300))
    high = np.arcsinh(np.clip(length - upper, 0.0, 1e300))
    negative = limit * (high - low) + _integrate(
        lambda y: special.erfcx(np.sinh(y)) * np.cosh(y) - limit,
        low,
        np.clip(10.0 - low, 0.0, high - low),
    )
    scale = np.exp(-(above**2))
    integral = positive + scale * negative
    return scale / (neuron.tau_ref * scale + neuron.tau_m * math.sqrt(math.pi) * integral)


def _integrate(function: Callable[[Floats], Floats], start: ArrayLike, length: Floats) -> Floats:
    """Integral over [start, start + length], elementwise, by Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(32)
    parts = zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True)
    return length * sum(weight * function(start + node * length) for node, weight in parts)


class _Step(NamedTuple):
    """What a step, or the active part of one, does to the membrane."""

    gain: Any  # share of the way to R I that the potential goes
    spread: Any  # standard deviation of the noise (V)
    bridge: Any  # 1/V, for crossings inside the step: see _advance


class _Constants(NamedTuple):
    """All steps' constants. After a spike a neuron is held for `hold` steps, part of the last."""

    r_m: Any
    threshold: Any
    reset: Any
    hold: Any
    full: _Step
    last: _Step


def _step_constants(neuron: LIFNeuron, dt: float, sigma_v: float, real: type) -> _Constants:
    held = min(neuron.tau_ref / dt, 2.0**53)
    if math.isclose(held, round(held), rel_tol=1e-9):
        held = round(held)  # 2 ms are 20 whole steps of 0.1 ms
    if sigma_v > 0:
        held -= 0.5  # crossings are spread evenly over the step that counts them
    hold = max(math.ceil(held), 1)

    def step(active: float) -> _Step:
        h = active / neuron.tau_m
        spread = sigma_v * math.sqrt(-math.expm1(-2.0 * h))
        smallest = 1.0 / math.sqrt(np.finfo(real).max)
        bridge = 1.0 / max(sigma_v * math.sqrt(math.sinh(h)), smallest)
        return _Step(real(-math.expm1(-h)), real(spread), real(bridge))

    potentials = real(neuron.r_m), real(neuron.v_threshold), real(neuron.v_reset)
    return _Constants(*potentials, real(hold), step(dt), step((hold - held) * dt))


def _check_current(current: Floats, neuron: LIFNeuron, n_steps: int) -> None:
    """Raises ValueError on a current of the wrong shape or whose drive would overflow."""
    if current.ndim not in (1, 2) or (current.ndim == 2 and len(current) != n_steps):
        raise ValueError(f"current: expected shape (n,) or ({n_steps}, n), got {current.shape}")
    largest = max(float(current.max()), -float(current.min()))
    if neuron.r_m * largest > np.finfo(current.dtype).max:
        raise ValueError(
            f"current: expected r_m * current that {current.dtype} can hold, "
            f"got {neuron.r_m:g} * {largest:g}"
        )


def _run(
    current: Floats,
    constants: _Constants,
    rng: np.random.Generator | None,
    n_steps: int,
    record_voltage: bool,
    record_spikes: bool,
) -> tuple[NDArray[np.int64], Floats, list[NDArray[np.float64]]]:
    """Counts, potentials and each neuron's spikes, in steps."""
    n = current.shape[-1]
    compiled = _compiled.load("lif")
    advance = compiled.advance if compiled else _advance
    if current.ndim == 1 and not (rng or record_voltage or record_spikes):
        return _counts_by_period(advance, current, constants, n_steps), current[:0], []
    current = np.require(np.atleast_2d(current), requirements=["C", "W"])
    state = _at_reset(n, constants)
    counts = np.zeros(n, np.int64)
    voltage = np.empty((n_steps if record_voltage else 0, n), current.dtype)
    noise = compiled.seed_streams(rng, n) if compiled and rng else rng
    # Spikes pass through a raster of at most 16 MB; counts of a window are exact in float32.
    window = max(1, 2**24 // (n if record_spikes else 1))
    spikes = []
    for start in range(0, n_steps, window):
        stop = min(start + window, n_steps)
        raster = np.zeros((stop - start if record_spikes else 0, n), np.bool_)
        advance(state, current, constants, noise, start, stop, counts, voltage, raster)
        spikes.append(_steps_of_spikes(raster, start + (0.5 if rng else 1.0)))
    return counts, voltage, [np.concatenate(parts) for parts in zip(*spikes, strict=True)]


def _at_reset(n: int, constants: _Constants) -> Floats:
    """The state of n neurons that are at the reset potential and held no longer."""
    state = np.zeros((2, n), type(constants.reset))
    state[0] = constants.reset
    return state


def _counts_by_period(
    advance: Callable[..., None], current: Floats, constants: _Constants, n_steps: int
) -> NDArray[np.int64]:
    """Spikes in `n_steps` at constant current, without noise.

    Every spike but the first follows another by the same number of steps, since both leave the
    same state: no step after the second spike need be taken. A drive below threshold needs none,
    for a step goes less than the whole way to it.
    """
    counts = np.zeros(current.shape, np.int64)
    first_spike = np.zeros(current.shape, np.int64)
    neurons = np.flatnonzero(constants.r_m * current >= constants.threshold)
    state = _at_reset(neurons.size, constants)
    start = 0
    while neurons.size and start < n_steps:
        # Longer each time, with a raster of at most 16 MB.
        stop = min(start + max(start, 512), start + max(1, 2**24 // neurons.size), n_steps)
        drive = current[np.newaxis, neurons]
        raster = np.zeros((stop - start, neurons.size), np.bool_)
        unused = np.zeros(neurons.size, np.int64)
        advance(state, drive, constants, None, start, stop, unused, drive[:0], raster)
        for _ in range(2):
            row, column = raster.argmax(axis=0), np.arange(neurons.size)
            spiked = raster[row, column]
            raster[row, column] = False
            first = neurons[spiked & (counts[neurons] == 0)]
            second = neurons[spiked & (counts[neurons] == 1)]
            step = np.zeros(current.shape, np.int64)
            step[neurons] = start + row
            counts[first], first_spike[first] = 1, step[first]
            period = step[second] - first_spike[second]
            counts[second] += (n_steps - 1 - first_spike[second]) // period
        start, waiting = stop, counts[neurons] < 2
        neurons, state = neurons[waiting], np.ascontiguousarray(state[:, waiting])
    return counts


def _steps_of_spikes(raster: NDArray[np.bool_], offset: float) -> list[NDArray[np.float64]]:
    """For each neuron the rows of its spikes, plus `offset`."""
    neurons, rows = np.nonzero(raster.T)
    ends = np.cumsum(np.bincount(neurons, minlength=raster.shape[1]))
    return np.split(rows + offset, ends[:-1])


def _advance(
    state: Floats,
    current: Floats,
    c: _Constants,
    rng: np.random.Generator | None,
    start: int,
    stop: int,
    counts: NDArray[np.int64],
    voltage: Floats,
    raster: NDArray[np.bool_],
) -> None:
    """Steps `start` to `stop`: changes state (potential, steps still held), counts and records.

    Noise takes a potential across threshold and back within a step, by the Brownian bridge between
    its ends, with probability exp(-(v_threshold - v) (v_threshold - moved) bridge²), where
    bridge² = 1 / (sigma_v² sinh(dt / tau_m)): an exponential number decides.
    """
    v, hold = state
    for step in range(start, stop):
        drive = c.r_m * current[step if len(current) > 1 else 0]
        full, active = hold < 0.5, hold < 1.5
        moved = v + (drive - v) * np.where(full, c.full.gain, np.where(active, c.last.gain, 0))
        if rng is None:
            spiked = moved >= c.threshold
        else:
            spread = np.where(full, c.full.spread, np.where(active, c.last.spread, 0))
            moved += spread * rng.standard_normal(v.shape, v.dtype)
            bridge = np.where(full, c.full.bridge, c.last.bridge)
            near = (c.threshold - v) * bridge * ((c.threshold - moved) * bridge)
            spiked = active & (near <= rng.standard_exponential(v.shape, v.dtype))
        v[:] = np.where(spiked, c.reset, moved)
        hold[:] = np.where(spiked, c.hold, hold - 1)
        counts += spiked
        if len(voltage):
            voltage[step] = v
        if len(raster):
            raster[step - start] = spiked
