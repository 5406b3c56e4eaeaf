"""The stretch part of `lif`: a rate network converted to spikes."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._lif import OTHER, UNITS
from course_utils.checks._lif.firing_rate import gated, ungated_rate
from course_utils.checks._lif.membrane_step import step
from course_utils.lif import LIFNeuron, simulate

Array = NDArray[Any]


def spiking_readout(
    inputs: Array,
    w_hidden: Array,
    b_hidden: Array,
    w_out: Array,
    neuron: LIFNeuron,
    *,
    duration: float,
    dt: float,
) -> Array:
    """Output of a one-layer rate network whose hidden units are run as spiking neurons.

    y = W_out n / T, n the spike counts within T = duration at the currents W_hidden x + b_hidden.

    inputs: (n_samples, n_inputs).  w_hidden: (n_hidden, n_inputs) and b_hidden: (n_hidden,), which
    give A.  w_out: (n_outputs, n_hidden).  Returns (n_samples, n_outputs), in Hz.
    """
    currents = inputs @ w_hidden.T + b_hidden
    rates = simulate(currents.ravel(), neuron, duration=duration, dt=dt).rates
    return rates.reshape(currents.shape) @ w_out.T


def _readout_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one sample", "several samples"
    w_hidden = np.array([[0.9, 0.4], [-0.5, 1.3], [0.7, -0.8]])
    b_hidden = np.array([0.35, 0.6, 1.15])
    w_out = np.array([[0.02, -0.01, 0.03], [-0.015, 0.025, 0.01]])
    timing = {"duration": 0.1, "dt": 2e-4}
    samples = np.array([[0.83, 0.47], [0.12, 1.9], [1.61, 0.05], [2.3, 1.1]])
    drawn = rng.uniform(0.0, 2.0, (3, 4))
    return [
        Case(
            one, "the default neuron", (samples[:1], w_hidden, b_hidden, w_out, LIFNeuron()), timing
        ),
        Case(one, "another neuron", (samples[3:], w_hidden, b_hidden, w_out, OTHER), timing),
        Case(
            several,
            "four samples",
            (samples, w_hidden, b_hidden, w_out, LIFNeuron()),
            {"duration": 0.15, "dt": 2e-4},
        ),
        Case(
            several,
            "three samples drawn at random",
            (
                drawn,
                rng.normal(0.3, 0.5, (5, 4)),
                rng.uniform(0.5, 1.5, 5),
                rng.normal(0.0, 0.05, (2, 5)),
                OTHER,
            ),
            timing,
        ),
    ]


def _run(
    currents: Array,
    neuron: LIFNeuron,
    duration: float,
    dt: float,
    *,
    remembers: bool = True,
    rests: bool = True,
    resets: bool = True,
) -> tuple[Array, Array]:
    """Spike counts and mean voltage of currents (n_samples, n), wrong in what a keyword says."""
    steps = round(duration / dt)
    batches = currents[None] if rests else currents[:, None]
    v = np.full_like(batches[0], neuron.v_reset if resets else 0.0)
    left = np.zeros_like(v)
    counts, voltages = [], []
    for batch in batches:
        count, voltage = np.zeros_like(batch), np.zeros_like(batch)
        for _ in range(steps):
            v, left, spiked = step(v, left if remembers else 0 * left, batch, neuron, dt=dt)
            count, voltage = count + spiked, voltage + v
        counts.append(count)
        voltages.append(voltage / steps)
    return np.concatenate(counts), np.concatenate(voltages)


def _readout(
    inputs: Array,
    w_hidden: Array,
    b_hidden: Array,
    w_out: Array,
    neuron: LIFNeuron,
    *,
    duration: float,
    dt: float,
    signal: str = "rate",
    bias: float = 1.0,
    **slips: bool,
) -> Array:
    """The read-out, wrong in what a keyword says."""
    currents = inputs @ w_hidden.T + bias * b_hidden
    if signal == "formula":
        return gated(currents, neuron, ungated_rate(currents, neuron)) @ w_out.T
    counts, voltage = _run(currents, neuron, duration, dt, **slips)
    chosen = {
        "rate": counts / duration,
        "count": counts,
        "count per step": counts / round(duration / dt),
        "any spike": (counts > 0) / duration,
        "voltage": voltage,
    }
    return chosen[signal] @ w_out.T


PART = Part(
    reference=spiking_readout,
    cases=_readout_cases,
    points={"one sample": 1.0, "several samples": 1.0},
    outputs=("y",),
    units=UNITS | {"y": "Hz"},
    misconceptions=(
        Misconception(
            "rate formula in place of spikes",
            partial(_readout, signal="formula"),
            "This is the rate network: each hidden unit returns r(I) from the formula. Here the "
            "units spike. Simulate each for the duration and count: a count is a whole number, so "
            "the read-out comes in steps of 1/duration and reaches the formula only in the long "
            "run.",
        ),
        Misconception(
            "counts not divided by the duration",
            partial(_readout, signal="count"),
            "The read-out weighs spike counts. A rate is a count per second: divide by the "
            "duration, or the output grows with the time you listen.",
        ),
        Misconception(
            "counts divided by the number of steps",
            partial(_readout, signal="count per step"),
            "The counts are divided by the number of steps, which gives spikes per step. A rate "
            "in Hz is the count over the duration in seconds.",
        ),
        Misconception(
            "only whether a neuron spiked",
            partial(_readout, signal="any spike"),
            "Each neuron counts at most one spike. Add up `spiked` over the steps; whether there "
            "was a spike at all says little about the rate.",
        ),
        Misconception(
            "voltage read out",
            partial(_readout, signal="voltage"),
            "The read-out weighs the mean membrane potential. What one neuron tells the next is "
            "its spikes: weigh their number per second.",
        ),
        Misconception(
            "bias left out",
            partial(_readout, bias=0.0),
            "The bias is missing: the current into the hidden layer is W_hidden x + b_hidden.",
        ),
        Misconception(
            "refractory state lost",
            partial(_readout, remembers=False),
            "The refractory time is not carried from step to step, so no neuron ever waits. "
            "Hand the refractory_left that membrane_step returns to the next step, as you do "
            "with v.",
        ),
        Misconception(
            "state carried over between samples",
            partial(_readout, rests=False),
            "A sample starts with the membranes as the sample before left them. The contract "
            "starts each sample at the reset potential with nothing refractory; simulate all "
            "samples side by side, or reset between them.",
        ),
        Misconception(
            "start at rest in place of reset",
            partial(_readout, resets=False),
            "The neurons start at v = 0. The contract starts them at the reset potential, "
            "v_reset, which is 0 for the default neuron only.",
        ),
    ),
    rtol=1e-6,
    stretch=True,
)
