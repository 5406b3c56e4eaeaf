"""Part 1 of `working_memory`: one step of a network of rectified rate units, with noise."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._working_memory import UNITS
from course_utils.working_memory import attractor_step

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    alone, loop, noise = "leak and drive", "recurrence", "noise"
    h = np.array([3.0, -1.5, 0.5, 7.0])
    weights = np.array(
        [[0.0, 0.8, -0.3, 0.5], [0.2, 0.0, 0.9, -0.6], [0.4, -0.7, 0.0, 0.3], [1.1, 0.1, 0.6, 0.0]]
    )
    unconnected, calm = np.zeros((4, 4)), np.zeros(4)
    drive = np.array([2.0, -4.0, 6.0, 1.5])
    slow = {"tau": 0.02, "dt": 0.001}
    n = 6
    drawn = rng.normal(0, 1.2 / np.sqrt(n), (n, n))
    state = np.concatenate([rng.uniform(1, 8, 3), rng.uniform(-6, -1, 3)])
    fast = {"tau": rng.uniform(0.03, 0.09), "dt": rng.uniform(0.004, 0.012)}
    return [
        Case(
            alone,
            "units without connections",
            (h, unconnected, drive, calm),
            {**slow, "sigma": 0.0},
        ),
        Case(
            alone,
            "unconnected units drawn at random",
            (state, np.zeros((n, n)), rng.normal(0, 5, n), np.zeros(n)),
            {**fast, "sigma": 0.0},
        ),
        Case(loop, "four connected units", (h, weights, drive, calm), {**slow, "sigma": 0.0}),
        Case(
            loop,
            "connected units drawn at random",
            (state, drawn, rng.normal(0, 5, n), np.zeros(n)),
            {**fast, "sigma": 0.0},
        ),
        Case(
            noise,
            "unconnected units with noise",
            (h, unconnected, drive, np.array([0.7, -1.2, 0.3, 2.0])),
            {"tau": 0.05, "dt": 0.002, "sigma": 1.6},
        ),
        Case(
            noise,
            "a noisy network drawn at random",
            (state, drawn, rng.normal(0, 5, n), rng.standard_normal(n)),
            {**fast, "sigma": rng.uniform(1.5, 4.0)},
        ),
    ]


def step(
    h: Array,
    weights: Array,
    drive: Array,
    noise: Array,
    *,
    tau: float,
    dt: float,
    sigma: float,
    rectify: str = "rates",
    leak: str = "state",
    transposed: bool = False,
    share: str = "dt / tau",
    spread: str = "right",
    floor: float = -np.inf,
) -> Array:
    """A step of the network, wrong in what a keyword says."""
    sent = h if rectify in ("nothing", "input") else np.maximum(h, 0)
    total = (weights.T if transposed else weights) @ sent + drive
    if rectify == "input":
        total = np.maximum(total, 0)
    lost = {"state": h, "rate": np.maximum(h, 0), "nothing": 0 * h}[leak]
    fraction = {"dt / tau": dt / tau, "dt": dt, "all": 1.0}[share]
    kick = {
        "right": np.sqrt(2 * dt / tau) * sigma,
        "no square root": 2 * dt / tau * sigma,
        "no 2": np.sqrt(dt / tau) * sigma,
        "per step": sigma,
        "variance": np.sqrt(2 * dt / tau * sigma),
        "no tau": np.sqrt(2 * dt) * sigma,
        "euler": dt / tau * sigma,
    }[spread]
    return np.maximum(h + fraction * (total - lost) + kick * noise, floor)


PART = Part(
    reference=attractor_step,
    cases=_cases,
    points={"leak and drive": 1.0, "recurrence": 1.0, "noise": 1.0},
    outputs=("h",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "states sent in place of rates",
            partial(step, rectify="nothing"),
            "Units below 0 send negative signals. What one unit tells the next is its rate, [h]_+, "
            "and a rate is never negative: rectify h before the weights are applied, with "
            "np.maximum(h, 0). Without that the network is linear, and nothing bounds its bump.",
        ),
        Misconception(
            "input rectified in place of rates",
            partial(step, rectify="input"),
            "The rectifier sits around the summed input. In this network h is what the input "
            "drives, and it may fall below 0; the rectifier turns h into the rate that is sent: "
            "W [h]_+ + drive, not [W h + drive]_+.",
        ),
        Misconception(
            "rate leaks in place of state",
            partial(step, leak="rate"),
            "The leak takes away [h]_+, so a unit below 0 never recovers by itself. Each state "
            "relaxes with -h, rectified or not; only what it sends is rectified.",
        ),
        Misconception(
            "leak left out",
            partial(step, leak="nothing"),
            "The leak -h is missing, so every unit sums its input forever. The state moves toward "
            "its total input: by dt/tau of the distance, dt/tau * (W r + drive - h).",
        ),
        Misconception(
            "weights transposed",
            partial(step, transposed=True),
            "The weights are applied the wrong way round: rows of W receive, columns send, so the "
            "input of unit i is the sum over j of W[i, j] r[j], W @ r. (A ring's weights are "
            "symmetric and hide this.)",
        ),
        Misconception(
            "time constant left out of the step",
            partial(step, share="dt"),
            "The step is dt, in seconds, where it should be the fraction dt/tau of a time "
            "constant. The equation gives tau dh/dt; divide by tau.",
        ),
        Misconception(
            "whole way in one step",
            partial(step, share="all"),
            "The state jumps all the way to its total input. In a step dt it goes only the part "
            "dt/tau of the way, which is what makes the unit slow.",
        ),
        Misconception(
            "noise grows with dt in place of its root",
            partial(step, spread="no square root"),
            "The noise is multiplied by 2 dt/tau without the square root. The variance of "
            "independent kicks adds up, so each kick has a variance proportional to dt and a size "
            "proportional to its root: sqrt(2 dt/tau) * sigma. Otherwise the noise vanishes as "
            "the steps get shorter.",
        ),
        Misconception(
            "noise treated as an input",
            partial(step, spread="euler"),
            "The noise is added to the input and multiplied by dt/tau with it. White noise is not "
            "a current of size sigma: over a step its sum has the standard deviation "
            "sqrt(2 dt/tau) * sigma. Add it apart from the drive.",
        ),
        Misconception(
            "factor 2 left out of the noise",
            partial(step, spread="no 2"),
            "A factor sqrt(2) is missing. With kicks of sqrt(2 dt/tau) * sigma the noise alone "
            "gives h the standard deviation sigma; with sqrt(dt/tau) * sigma it would be "
            "sigma / sqrt(2).",
        ),
        Misconception(
            "a full kick every step",
            partial(step, spread="per step"),
            "Every step adds noise of size sigma, however short the step is, so halving dt would "
            "make the simulation noisier. Scale the kick with the root of the step: "
            "sqrt(2 dt/tau) * sigma.",
        ),
        Misconception(
            "sigma under the root",
            partial(step, spread="variance"),
            "sigma stands under the square root. It is a standard deviation, not a variance: "
            "sqrt(2 dt/tau) * sigma.",
        ),
        Misconception(
            "time constant left out of the noise",
            partial(step, spread="no tau"),
            "The kick is sqrt(2 dt) * sigma, which has the unit Hz times a root of a second. Time "
            "counts in time constants here too: sqrt(2 dt/tau) * sigma.",
        ),
        Misconception(
            "state clipped at 0",
            partial(step, floor=0.0),
            "The states are cut off at 0. h may be negative (a unit held below threshold has to "
            "climb back); what cannot be negative is the rate [h]_+.",
        ),
    ),
    rtol=1e-9,
    atol=1e-12,
)
