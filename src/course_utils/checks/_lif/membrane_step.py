"""Part 2 of `lif`: one step of the membrane, exact between spikes."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._lif import OTHER, UNITS, draw_neuron
from course_utils.lif import LIFNeuron, membrane_step

Array = NDArray[Any]


def _step_cases(rng: np.random.Generator) -> list[Case]:
    free, fire, wait = "free membrane", "threshold and reset", "refractory period"
    default, drawn = LIFNeuron(), draw_neuron(rng)
    quiet = np.zeros(4)
    at_reset = np.full(4, OTHER.v_reset)
    return [
        Case(
            free,
            "a small step",
            (np.array([0.0, 0.3, 0.8, -0.4]), quiet, np.array([0.0, 0.5, 0.9, 1.2]), default),
            {"dt": 1e-4},
        ),
        Case(
            free,
            "a large step of another neuron",
            (np.array([0.4, 1.0, 0.0, -0.4]), quiet, np.array([0.5, 0.2, -0.3, 0.7]), OTHER),
            {"dt": 5e-3},
        ),
        Case(
            free,
            "a neuron drawn at random",
            (
                rng.uniform(-1.0, 0.6, 4),
                quiet,
                rng.uniform(-0.5, 0.99, 4) * drawn.v_threshold / drawn.r_m,
                drawn,
            ),
            {"dt": 2e-3},
        ),
        Case(
            fire,
            "membranes that cross the threshold, and one that does not",
            (np.array([1.4, 1.49, 1.2, 0.4]), quiet, np.array([2.0, 5.0, 4.0, 1.0]), OTHER),
            {"dt": 1e-3},
        ),
        Case(
            fire,
            "a membrane that ends the step at the threshold exactly",
            (np.array([1.0, 1.0]), np.zeros(2), np.array([1.0, 0.5]), default),
            {"dt": 1e-4},
        ),
        Case(
            wait,
            "refractory periods that outlast the step",
            (
                at_reset,
                np.array([4e-3, 3e-3, 2e-3, 1.5e-3]),
                np.array([0.0, 1.0, 3.0, 9.0]),
                OTHER,
            ),
            {"dt": 1e-3},
        ),
        Case(
            wait,
            "refractory periods that end within the step",
            (
                at_reset,
                np.array([1e-3, 2e-3, 3e-3, 4.5e-3]),
                np.array([0.3, 0.5, -1.0, 0.7]),
                OTHER,
            ),
            {"dt": 5e-3},
        ),
        Case(
            wait,
            "membranes that wake and cross the threshold in one step",
            (at_reset, np.array([1e-3, 2e-3, 1e-3, 4e-3]), np.array([5.0, 8.0, 0.9, 1.0]), OTHER),
            {"dt": 5e-3},
        ),
    ]


def step(
    v: Array,
    refractory_left: Array,
    current: Array,
    neuron: LIFNeuron,
    *,
    dt: float,
    waits: str = "remainder",
    euler: bool = False,
    drive: float | None = None,
    above: Any = np.greater_equal,
    reset: float | None = None,
    resets: bool = True,
    counted: float = 1.0,
    floor: float = 0.0,
    restarts: bool = True,
    head_start: float = 0.0,
) -> tuple[Array, Array, Array]:
    """A step of the membrane, wrong in what a keyword says."""
    active = np.maximum(dt - refractory_left, 0.0)
    if waits == "whole step":
        active = np.where(refractory_left > 0, 0.0, dt)
    elif waits == "never":
        active = np.full_like(v, dt)
    target = (neuron.r_m if drive is None else drive) * current
    if euler:
        v = v + active / neuron.tau_m * (target - v)
    else:
        v = target + (v - target) * np.exp(-active / neuron.tau_m)
    spiked = above(v, neuron.v_threshold)
    left = np.maximum(refractory_left - counted * dt, floor)
    if resets:
        v = np.where(spiked, neuron.v_reset if reset is None else reset, v)
    if restarts:
        left = np.where(spiked, neuron.tau_ref - head_start * dt, left)
    return v, left, spiked


PART = Part(
    reference=membrane_step,
    cases=_step_cases,
    points={"free membrane": 1.5, "threshold and reset": 1.5, "refractory period": 1.0},
    outputs=("v", "refractory_left", "spiked"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "Euler step",
            partial(step, euler=True),
            "This is Euler's step, v + dt/tau_m * (RI - v), which follows the slope at the start "
            "of the step all the way through. The equation is linear and the current is constant "
            "within the step, so the solution is known exactly: the distance to RI shrinks by the "
            "factor exp(-dt/tau_m), however long the step.",
        ),
        Misconception(
            "resistance left out",
            partial(step, drive=1.0),
            "The membrane resistance is missing: a current I pulls the membrane toward the "
            "voltage RI, neuron.r_m * current, not toward the number of amperes.",
        ),
        Misconception(
            "drive left out",
            partial(step, drive=0.0),
            "Your membrane decays to 0 whatever the current. What shrinks by exp(-dt/tau_m) is "
            "the distance to RI, where the current would hold the membrane:\n"
            "    RI + (v - RI) * exp(-dt/tau_m)",
        ),
        Misconception(
            "no reset",
            partial(step, resets=False),
            "The spike is noticed, but the membrane stays above threshold, so it would spike again "
            "at every step. Where it spiked, v goes to neuron.v_reset.",
        ),
        Misconception(
            "reset to 0",
            partial(step, reset=0.0),
            "After a spike the membrane goes to neuron.v_reset, not to 0 V. (The default neuron "
            "has v_reset = 0 and hides the difference.)",
        ),
        Misconception(
            "spike only beyond the threshold",
            partial(step, above=np.greater),
            "A membrane that ends the step at v_threshold exactly has reached it and spikes. The "
            "contract says at or above: >=, not >.",
        ),
        Misconception(
            "refractory period ignored",
            partial(step, waits="never"),
            "The membrane integrates its input while it is refractory. As long as "
            "refractory_left lasts it stays where it is; only the time that is left of the step, "
            "max(dt - refractory_left, 0), moves it.",
        ),
        Misconception(
            "remainder of the step lost",
            partial(step, waits="whole step"),
            "A membrane whose refractory period ends within the step is held for the whole step. "
            "It wakes when refractory_left is over and integrates for what remains, "
            "dt - refractory_left: use that time, not dt or 0, in the exponent. Holding it until "
            "the end makes every interval too long, by up to one step.",
        ),
        Misconception(
            "refractory period not counted down",
            partial(step, counted=0.0),
            "refractory_left comes out as it went in, so the neuron would never wake. A step of "
            "length dt takes dt off it, down to 0 at the least.",
        ),
        Misconception(
            "refractory time below 0",
            partial(step, floor=-np.inf),
            "refractory_left falls below 0. It is the time still to wait, and that ends at 0: "
            "np.maximum(refractory_left - dt, 0). Left negative, it would lengthen the next step's "
            "active time beyond dt.",
        ),
        Misconception(
            "refractory period not started",
            partial(step, restarts=False),
            "A spike does not start a refractory period. Where the neuron spiked, refractory_left "
            "becomes neuron.tau_ref; elsewhere it counts down.",
        ),
        Misconception(
            "refractory period started too early",
            partial(step, head_start=1.0),
            "The step in which the neuron spikes is counted as part of its refractory period. The "
            "spike stands at the end of the step, so all of tau_ref is still to come: start the "
            "period after the countdown, not before it.",
        ),
    ),
    rtol=1e-9,
    atol=1e-12,
)
