"""The ring attractor: its bump in closed form, its simulation, its diffusion and its drift."""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


def _half_width(tuned_weight: float) -> float:
    """Half-width of the bump in radians: the edge at which the tuned feedback is exactly 1."""

    def excess(width: float) -> float:
        return tuned_weight * (width - math.sin(width) * math.cos(width)) - 2.0 * math.pi

    return float(optimize.brentq(excess, 1e-6, math.pi, xtol=1e-14))


@dataclass(frozen=True)
class Ring:
    """A ring of `n_units` rate units whose weights fall off as the cosine of their distance.

    tau dh_i/dt = -h_i + sum_j w_ij [h_j]_+ + drive,
    w_ij = (mean_weight + tuned_weight cos(theta_i - theta_j)) / n_units        {benyishai1995}

    tau: time constant (s).  drive: the input common to all units (Hz).  A unit at h (Hz) fires at
    [h]_+.  Raises ValueError unless tuned_weight > 2 (below, the ring fires evenly and holds no
    bump), mean_weight is low enough for the bump to be bounded and stable, drive > 0, tau > 0 and
    n_units >= 8.
    """

    n_units: int = 128
    tau: float = 0.020
    mean_weight: float = -5.0
    tuned_weight: float = 4.0
    drive: float = 30.0

    def __post_init__(self) -> None:
        _validate.whole_number("n_units", self.n_units, minimum=8)
        bounds: dict[str, dict[str, float]] = {
            "tau": {"above": 0.0},
            "mean_weight": {},
            "tuned_weight": {"above": 2.0},
            "drive": {"above": 0.0},
        }
        for name in (field.name for field in fields(self) if field.name in bounds):
            number = _validate.real_number(name, getattr(self, name), **bounds[name])
            object.__setattr__(self, name, number)
        limit = -math.pi * math.cos(width := _half_width(self.tuned_weight))
        limit = round(limit / (math.sin(width) - width * math.cos(width)), 12) + 0.0
        if self.mean_weight >= limit:
            raise ValueError(
                f"mean_weight: expected a number below {limit:.4g}, where inhibition bounds the "
                f"bump at tuned_weight = {self.tuned_weight:g}, got {self.mean_weight:g}"
            )

    @property
    def preferred(self) -> NDArray[np.float64]:
        """Preferred angles of the units, in degrees, from 0 up."""
        return np.arange(self.n_units, dtype=np.float64) * (360.0 / self.n_units)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n_units, n_units), rows receiving."""
        angles = np.deg2rad(self.preferred)
        distance = angles[:, np.newaxis] - angles
        return (self.mean_weight + self.tuned_weight * np.cos(distance)) / self.n_units


@dataclass(frozen=True, eq=False)
class RingSimulation:
    """What `ring_attractor` recorded of `n_trials` trials at `k` times.

    times: (k,), s, the first 0.  angles: (k, n_trials), degrees, unwrapped: a bump that goes round
    goes on counting.  states: (n_trials, n_units), Hz, at the end.
    """

    times: NDArray[np.float64]
    angles: NDArray[np.float64]
    states: NDArray[np.float64]


def attractor_step(
    h: ArrayLike,
    weights: ArrayLike,
    drive: ArrayLike,
    noise: ArrayLike,
    *,
    tau: float,
    dt: float,
    sigma: float,
) -> Floats:
    """States of rate units one Euler-Maruyama step later.

    tau dh/dt = -h + W [h]_+ + drive + sqrt(2 tau) sigma xi(t)        {benyishai1995}

    h: (..., n_units), Hz.  weights: (n_units, n_units), rows receiving.  drive: Hz, broadcasts with
    h.  noise: standard normal numbers of the shape of h.  sigma: standard deviation (Hz) that the
    noise alone would give h.  tau, dt: s.  Returns the shape of h.
    Raises ValueError on shapes that do not fit, NaN or infinity, sigma < 0 or dt not in (0, tau].
    """
    h = _validate.real_array("h", h)
    n = h.shape[-1] if h.ndim else 0
    weights = _validate.real_array("weights", weights, (n, n))
    drive = _validate.real_array("drive", drive)
    noise = _validate.real_array("noise", noise, h.shape)
    tau = _validate.real_number("tau", tau, above=0.0)
    dt = _validate.real_number("dt", dt, above=0.0, maximum=tau)
    sigma = _validate.real_number("sigma", sigma, minimum=0.0)
    try:
        fits = np.broadcast_shapes(drive.shape, h.shape) == h.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"drive: expected a shape that broadcasts to h's {h.shape}, got {drive.shape}"
        )
    total = np.maximum(h, 0.0) @ weights.T + drive
    return h + (dt / tau) * (total - h) + math.sqrt(2.0 * dt / tau) * sigma * noise


def ring_attractor(
    angles: ArrayLike,
    ring: Ring = Ring(),
    *,
    duration: float,
    dt: float = 1e-3,
    sigma: float = 0.0,
    drive_change: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    record_every: int = 10,
) -> RingSimulation:
    """Bumps that start at `angles`, one trial each, and are left alone for `duration`.

    The steps are those of `attractor_step`; the weights, which have rank 3, are applied as sums
    over the ring.

    angles: (n_trials,), degrees, where each bump starts, in its stationary shape.  sigma (Hz): of
    the noise, independent in every unit; above 0 it needs `rng`.  drive_change: (n_units,), Hz,
    added to the units' drive.  duration, dt: s.  record_every: steps between records.
    Raises ValueError on wrong shapes, NaN or infinity, dt not in (0, tau], a duration below dt or
    sigma < 0, TypeError when noise comes without a generator.
    """
    angles = _validate.real_array("angles", angles, ("n_trials",))
    _validate.instance("ring", ring, Ring)
    dt = _validate.real_number("dt", dt, above=0.0, maximum=ring.tau)
    duration = _validate.real_number("duration", duration, minimum=dt)
    sigma = _validate.real_number("sigma", sigma, minimum=0.0)
    every = _validate.whole_number("record_every", record_every, minimum=1)
    generator = _validate.generator("rng", rng) if sigma else None
    drive = np.full(ring.n_units, ring.drive)
    if drive_change is not None:
        drive = drive + _validate.real_array("drive_change", drive_change, (ring.n_units,))

    n_steps = round(duration / dt)
    # Blocks of trials whose states stay in the processor's cache.
    size = max(1, 2**14 // ring.n_units)
    blocks = [
        _run_block(block, ring, drive, n_steps, dt, sigma, generator, every)
        for block in np.split(angles, range(size, len(angles), size))
    ]
    recorded = np.concatenate([records for records, _ in blocks], axis=1)
    unwrapped = np.rad2deg(np.unwrap(recorded, axis=0))
    return RingSimulation(
        times=np.arange(len(recorded), dtype=np.float64) * (every * dt),
        angles=unwrapped + 360.0 * np.round((angles - unwrapped[0]) / 360.0),
        states=np.concatenate([states for _, states in blocks]),
    )


def bump_shape(ring: Ring = Ring()) -> tuple[float, float]:
    """Half-width (degrees) and amplitude (Hz) of the bump, in the limit of many units.

    h(theta) = amplitude (cos(theta - psi) - cos(half_width)), where
    tuned_weight (half_width - sin(half_width) cos(half_width)) = 2 pi.        {benyishai1995}
    """
    _validate.instance("ring", ring, Ring)
    width = _half_width(ring.tuned_weight)
    area = (math.sin(width) - width * math.cos(width)) / math.pi
    return math.degrees(width), -ring.drive / (math.cos(width) + ring.mean_weight * area)


def bump_state(angles: ArrayLike, ring: Ring = Ring()) -> NDArray[np.float64]:
    """States (Hz) of stationary bumps: (n_trials, n_units) for angles (n_trials,), degrees."""
    angles = _validate.real_array("angles", angles, ("n_trials",))
    width, amplitude = bump_shape(ring)
    offset = np.deg2rad(ring.preferred - angles[:, np.newaxis])
    return amplitude * (np.cos(offset) - math.cos(math.radians(width)))


def bump_angle(rates: ArrayLike, ring: Ring = Ring()) -> NDArray[np.float64]:
    """Angle (degrees, in [0, 360)) of the population vector of `rates` (..., n_units)."""
    rates = _validate.real_array("rates", rates)
    if rates.ndim == 0 or rates.shape[-1] != ring.n_units:
        raise ValueError(f"rates: expected shape (..., {ring.n_units}), got {rates.shape}")
    phases = rates @ np.exp(1j * np.deg2rad(ring.preferred))
    return np.rad2deg(np.angle(phases)) % 360.0


def diffusion_constant(sigma: float, ring: Ring = Ring()) -> float:
    """Diffusion constant D (degrees²/s) of the bump under independent noise: variance 2 D t.

    D = sigma² tuned_weight / (tau amplitude² n_units), to first order in sigma / amplitude.
    The projection of the noise on the ring's null direction; as in {burak2012}.
    """
    sigma = _validate.real_number("sigma", sigma, minimum=0.0)
    _, amplitude = bump_shape(ring)
    radians = sigma**2 * ring.tuned_weight / (ring.tau * amplitude**2 * ring.n_units)
    return math.degrees(math.degrees(radians))


def drift_velocity(
    angles: ArrayLike, drive_change: ArrayLike, ring: Ring = Ring()
) -> NDArray[np.float64]:
    """Velocity (degrees/s) of bumps at `angles` when unit i's drive is off by `drive_change`[i].

    v(psi) = tuned_weight / (tau amplitude n_units) sum of sin(theta_i - psi) drive_change_i
    over the active units, to first order in drive_change / amplitude.        {renart2003}

    angles: (k,), degrees.  drive_change: (n_units,), Hz.  Returns (k,).
    """
    angles = _validate.real_array("angles", angles, ("k",))
    _validate.instance("ring", ring, Ring)
    change = _validate.real_array("drive_change", drive_change, (ring.n_units,))
    _, amplitude = bump_shape(ring)
    active = bump_state(angles, ring) > 0
    offset = np.deg2rad(ring.preferred - angles[:, np.newaxis])
    push = (np.sin(offset) * active) @ change
    return np.rad2deg(ring.tuned_weight / (ring.tau * amplitude * ring.n_units) * push)


def _run_block(
    angles: Floats,
    ring: Ring,
    drive: Floats,
    n_steps: int,
    dt: float,
    sigma: float,
    rng: np.random.Generator | None,
    every: int,
) -> tuple[Floats, Floats]:
    """Angles (radians) of the bumps at the recorded steps, (k, n_trials), and their last states."""
    # Columns: the mean and the first Fourier mode, which are all that the weights let through.
    preferred = np.deg2rad(ring.preferred)
    modes = np.stack([np.ones(ring.n_units), np.cos(preferred), np.sin(preferred)], axis=1)
    leak, kick = dt / ring.tau, math.sqrt(2.0 * dt / ring.tau) * sigma
    gains = np.array([ring.mean_weight, ring.tuned_weight, ring.tuned_weight]) / ring.n_units
    back = leak * gains[:, np.newaxis] * modes.T
    h = bump_state(angles, ring)
    scratch = np.empty_like(h)
    records = np.empty((n_steps // every + 1, len(angles)))
    for step in range(n_steps + 1):
        sums = np.maximum(h, 0.0, out=scratch) @ modes
        if step % every == 0:
            records[step // every] = np.arctan2(sums[:, 2], sums[:, 1])
        if step == n_steps:
            break
        h *= 1.0 - leak
        h += leak * drive
        h += np.matmul(sums, back, out=scratch)
        if rng:
            rng.standard_normal(out=scratch)
            scratch *= kick
            h += scratch
    return records, h
