"""A memory in the synapses: rate units whose weights facilitate and depress with use."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Synapse:
    """Short-term plasticity of all synapses that one unit makes.

    du/dt = (u_rest - u) / tau_f + u_rest (1 - u) r,   dx/dt = (1 - x) / tau_d - u x r
    {mongillo2008}

    u: share of the resources that a spike uses, raised by use.  x: share that is there, lowered by
    use.  tau_f, tau_d: s, how long each remembers.
    Raises ValueError on time constants <= 0 or u_rest not in (0, 1).
    """

    u_rest: float = 0.2
    tau_f: float = 1.5
    tau_d: float = 0.2

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            below = {"below": 1.0} if name == "u_rest" else {}
            number = _validate.real_number(name, getattr(self, name), above=0.0, **below)
            object.__setattr__(self, name, number)


@dataclass(frozen=True, eq=False)
class SynapticSimulation:
    """Rates (Hz), facilitation u and resources x of n units after each of t steps: (t, n) each."""

    rates: NDArray[np.float64]
    u: NDArray[np.float64]
    x: NDArray[np.float64]


def synaptic_network(
    inputs: ArrayLike,
    weights: ArrayLike,
    synapse: Synapse = Synapse(),
    *,
    inhibition: float = 0.0,
    background: float = 2.0,
    tau: float = 0.010,
    dt: float = 1e-3,
) -> SynapticSimulation:
    """Rate units with plastic synapses, from rest at h = 0, driven by `inputs`.

    tau dh/dt = -h + W (u x r) - inhibition mean(r) + inputs,   r = background + [h]_+

    inputs: (t, n), Hz, one row a step; negative ones keep a unit at its background.  weights:
    (n, n), at least 0, rows receiving.  inhibition: from the mean rate onto every unit.
    background: Hz, that every unit fires at anyway.  tau, dt: s.
    Starts with u and x where the background holds them.
    Raises ValueError on wrong shapes, NaN or infinity, negative weights, inhibition or background,
    dt not in (0, tau], and OverflowError when the rates run away.
    """
    inputs = _validate.real_array("inputs", inputs, ("t", "n"))
    n = inputs.shape[1]
    weights = _validate.real_array("weights", weights, (n, n), minimum=0.0)
    _validate.instance("synapse", synapse, Synapse)
    inhibition = _validate.real_number("inhibition", inhibition, minimum=0.0)
    background = _validate.real_number("background", background, minimum=0.0)
    tau = _validate.real_number("tau", tau, above=0.0)
    dt = _validate.real_number("dt", dt, above=0.0, maximum=tau)

    h = np.zeros(n)
    u_now, x_now = (np.full(n, value) for value in synapse_at_rate(background, synapse))
    rates, u, x = np.empty((3, *inputs.shape))
    for step, drive in enumerate(inputs):
        r = background + np.maximum(h, 0.0)
        if r.max() * dt > 1.0:
            raise OverflowError(
                f"weights: at step {step} a rate exceeds one spike a step ({r.max():.4g} Hz); "
                "expected weaker weights, more inhibition or a smaller dt"
            )
        sent = u_now * x_now * r
        h = h + dt / tau * (weights @ sent - inhibition * r.mean() + drive - h)
        u_next = u_now + dt * ((synapse.u_rest - u_now) / synapse.tau_f)
        u_next += dt * synapse.u_rest * (1.0 - u_now) * r
        x_now = x_now + dt * ((1.0 - x_now) / synapse.tau_d - sent)
        u_now = u_next
        rates[step], u[step], x[step] = background + np.maximum(h, 0.0), u_now, x_now
    return SynapticSimulation(rates, u, x)


def synapse_at_rate(rate: float, synapse: Synapse = Synapse()) -> tuple[float, float]:
    """u and x at which a synapse settles when its unit keeps firing at `rate` (Hz).

    u = u_rest (1 + tau_f r) / (1 + u_rest tau_f r),   x = 1 / (1 + u tau_d r)
    """
    rate = _validate.real_number("rate", rate, minimum=0.0)
    _validate.instance("synapse", synapse, Synapse)
    u = synapse.u_rest * (1.0 + synapse.tau_f * rate)
    u /= 1.0 + synapse.u_rest * synapse.tau_f * rate
    return u, 1.0 / (1.0 + u * synapse.tau_d * rate)
