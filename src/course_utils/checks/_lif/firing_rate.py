"""Part 1 of `lif`: the rate of a neuron at constant current."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._lif import OTHER, UNITS, draw_neuron
from course_utils.lif import LIFNeuron, firing_rate

Array = NDArray[Any]


def _rate_cases(rng: np.random.Generator) -> list[Case]:
    drawn = draw_neuron(rng)
    rheobase = drawn.v_threshold / drawn.r_m
    default, above = "above threshold, default neuron", "above threshold, any neuron"
    below, both = "at and below threshold", "both in one array"
    return [
        Case(default, "the default neuron", (np.array([1.1, 1.5, 3.0]), LIFNeuron())),
        Case(above, "another neuron", (np.array([0.8, 1.0, 2.0, 5.0]), OTHER)),
        Case(above, "a current far above threshold", (np.array([50.0, 1e4]), OTHER)),
        Case(above, "a neuron drawn at random", (rheobase * rng.uniform(1.05, 6.0, 5), drawn)),
        Case(below, "currents below threshold", (np.array([0.0, 0.3, 0.999]), LIFNeuron())),
        Case(below, "currents at threshold exactly", (np.array([0.75, 0.75]), OTHER)),
        Case(below, "negative currents", (np.array([-0.1, -1.0, -4.0]), OTHER)),
        Case(both, "silent and firing neurons", (np.array([-1.0, 0.4, 0.8, 1.6, 0.7]), OTHER)),
        Case(both, "a neuron drawn at random", (rheobase * rng.uniform(-1.0, 3.0, 9), drawn)),
    ]


def climb(current: Array, neuron: LIFNeuron, log: Any = np.log, **replaced: float) -> Array:
    """Time from reset to threshold, with constants of the neuron replaced: a student's slip."""
    value = {"r_m": neuron.r_m, "v_reset": neuron.v_reset} | replaced
    drive = value["r_m"] * current
    return neuron.tau_m * log((drive - value["v_reset"]) / (drive - neuron.v_threshold))


def gated(current: Array, neuron: LIFNeuron, rate: Array) -> Array:
    return np.where(neuron.r_m * current > neuron.v_threshold, rate, 0.0)


def ungated_rate(current: Array, neuron: LIFNeuron) -> Array:
    return 1 / (neuron.tau_ref + climb(current, neuron))


def _if_on_an_array(current: Array, neuron: LIFNeuron) -> Array:
    if neuron.r_m * current <= neuron.v_threshold:
        return np.zeros_like(current)
    return ungated_rate(current, neuron)


PART = Part(
    reference=firing_rate,
    cases=_rate_cases,
    points={
        "above threshold, default neuron": 1.0,
        "above threshold, any neuron": 1.0,
        "at and below threshold": 0.5,
        "both in one array": 0.5,
    },
    outputs=("rate",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "refractory period forgotten",
            lambda current, neuron: gated(current, neuron, 1 / climb(current, neuron)),
            "The refractory period is missing. After a spike the membrane waits for tau_ref "
            "before it starts to climb, so one interval is tau_ref plus the time of the climb. "
            "Without the wait the rate grows without bound; with it no current drives the neuron "
            "beyond 1/tau_ref.",
        ),
        Misconception(
            "ratio flipped",
            lambda current, neuron: gated(
                current, neuron, 1 / (neuron.tau_ref - climb(current, neuron))
            ),
            "The ratio inside the logarithm is upside down. The membrane starts at distance "
            "RI - v_reset from its goal and fires at the smaller distance RI - v_threshold; the "
            "climb takes tau_m times the log of start over end, which is positive. Upside down, "
            "the climb takes a negative time.",
        ),
        Misconception(
            "rate in kHz",
            lambda current, neuron: gated(current, neuron, ungated_rate(current, neuron)) / 1000,
            "Your rates are a thousandth of the right ones: spikes per millisecond (kHz). The "
            "neuron's time constants are in seconds, so 1 over the interval is in Hz already.",
        ),
        Misconception(
            "subthreshold formula",
            ungated_rate,
            "The formula for the interval is used where the neuron does not fire. At or below "
            "threshold, RI <= v_threshold, the membrane never reaches v_threshold, and the "
            "logarithm of a ratio that is negative (or divides by zero) means nothing. The rate "
            "there is 0: choose between formula and 0 with np.where or with a mask.",
        ),
        Misconception(
            "nan replaced by 0",
            lambda current, neuron: np.nan_to_num(ungated_rate(current, neuron)),
            "Replacing nan by 0 hides most of the silent currents, but not all: where RI is below "
            "v_reset too, both distances are negative, their ratio is positive, and the formula "
            "returns a number that is no rate. Ask instead for what makes the neuron fire: "
            "RI > v_threshold.",
        ),
        Misconception(
            "log10",
            lambda current, neuron: gated(
                current, neuron, 1 / (neuron.tau_ref + climb(current, neuron, np.log10))
            ),
            "The logarithm is to base 10. The climb is an exponential exp(-t / tau_m), whose "
            "inverse is the natural logarithm: np.log.",
        ),
        Misconception(
            "resistance left out",
            lambda current, neuron: np.where(
                current > neuron.v_threshold,
                1 / (neuron.tau_ref + climb(current, neuron, r_m=1.0)),
                0.0,
            ),
            "The membrane resistance is missing. A current I pulls the membrane toward the "
            "voltage RI; an ampere cannot be compared with a threshold in volts. Use "
            "neuron.r_m * current in place of the current, in the formula and at the threshold.",
        ),
        Misconception(
            "current compared with threshold",
            lambda current, neuron: np.where(
                current > neuron.v_threshold, ungated_rate(current, neuron), 0.0
            ),
            "The formula is right, but the test for firing compares the current, in amperes, with "
            "the threshold, in volts. The neuron fires when neuron.r_m * current exceeds "
            "neuron.v_threshold.",
        ),
        Misconception(
            "reset left out",
            lambda current, neuron: gated(
                current, neuron, 1 / (neuron.tau_ref + climb(current, neuron, v_reset=0.0))
            ),
            "The climb starts at 0 V in your formula, but after a spike the membrane starts from "
            "neuron.v_reset. The numerator inside the logarithm is the distance from there: "
            "RI - v_reset. (With the default neuron, whose v_reset is 0, one does not see it.)",
        ),
        Misconception(
            "refractory period added to the rate",
            lambda current, neuron: gated(
                current, neuron, 1 / climb(current, neuron) + neuron.tau_ref
            ),
            "tau_ref is added to the rate, seconds to hertz. It is a part of the interval between "
            "two spikes: add it to the time of the climb, and only then take 1 over the sum.",
        ),
        Misconception(
            "interval returned",
            lambda current, neuron: gated(current, neuron, 1 / ungated_rate(current, neuron)),
            "You return the interval between spikes, in seconds. The rate is its inverse, in "
            "spikes per second: 1 / interval.",
        ),
        Misconception(
            "if on an array",
            _if_on_an_array,
            "`if` decides once, but `current` holds many currents, and some may be above threshold "
            "and some below. Choose element by element, with np.where(condition, a, b) or a mask, "
            "or loop over the currents and decide for each.",
        ),
    ),
    rtol=1e-6,
)
