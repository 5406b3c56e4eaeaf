"""The stretch part of `recurrence`: how to tell a forget gate to remember for a given lag."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._recurrence import UNITS, Array
from course_utils.recurrence import forget_bias


def _cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one step", "many steps"
    return [
        Case(one, "a single step", (np.array([1.0]), 0.7)),
        Case(one, "a single step, little kept", (np.array([1.0, 1.0]), 0.2)),
        Case(many, "several lags", (np.array([2.0, 10.0, 50.0, 400.0]), 0.4)),
        Case(many, "most of the cell kept", (np.array([5.0, 80.0]), 0.9)),
        Case(many, "lags drawn at random", (rng.uniform(3, 300, 6), rng.uniform(0.25, 0.45))),
    ]


def _logit(f: Array) -> Array:
    return np.log(f / (1 - f))


def bias(lag: Array, kept: float, *, gate: str = "root", inverse: str = "logit") -> Array:
    """The bias, wrong in what a keyword says."""
    f = {
        "root": kept ** (1 / lag),
        "no root": kept + 0 * lag,
        "share": kept / lag,
        "linear": 1 - (1 - kept) / lag,
        "exponential": np.exp(-1 / lag),
    }[gate]
    return {
        "logit": _logit(f),
        "log": np.log(f),
        "minus": -_logit(f),
        "arctanh": np.arctanh(f),
        "half": _logit(f) / 2,
        "gate": f,
    }[inverse]


PART = Part(
    reference=forget_bias,
    cases=_cases,
    points={"one step": 0.5, "many steps": 1.5},
    outputs=("bias",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "lag ignored",
            partial(bias, gate="no root"),
            "This gate leaves the share `kept` after one step, and kept**lag after the lag. What "
            "the gate must leave of the cell at each step is the lag-th root of `kept`.",
        ),
        Misconception(
            "share divided by the lag",
            partial(bias, gate="share"),
            "You divide the share by the lag. The gate multiplies the cell once a step, so the "
            "shares multiply, f * f * ... * f = kept, and f is a root of `kept`, near 1 for a "
            "long lag.",
        ),
        Misconception(
            "loss spread evenly",
            partial(bias, gate="linear"),
            "Each step takes the same amount, (1 - kept) / lag. But a gate takes a share of what "
            "is left, so the loss compounds: f**lag = kept.",
        ),
        Misconception(
            "1/e in place of the share",
            partial(bias, gate="exponential"),
            "Your gate leaves 1/e after the lag, whatever `kept` is.",
        ),
        Misconception(
            "log in place of logit",
            partial(bias, inverse="log"),
            "You return ln f, always negative. The gate is a sigmoid of the bias, so the bias is "
            "the inverse of the sigmoid: ln(f / (1 - f)).",
        ),
        Misconception(
            "sign flipped",
            partial(bias, inverse="minus"),
            "The sign is flipped: your gate forgets what it should keep. A sigmoid is near 1 for a "
            "large positive bias.",
        ),
        Misconception(
            "inverse of tanh",
            partial(bias, inverse="arctanh"),
            "You invert a tanh. Gates are sigmoids, from 0 to 1; the inverse is ln(f / (1 - f)), "
            "twice as large as arctanh(2 f - 1) and not arctanh(f).",
        ),
        Misconception(
            "half of the bias",
            partial(bias, inverse="half"),
            "This is half of what is needed. torch adds two biases; if you mean to split the value "
            "between them that is fine there, but the contract asks for their sum.",
        ),
        Misconception(
            "gate returned",
            partial(bias, inverse="gate"),
            "You return the gate itself, between 0 and 1. Asked for is the bias whose sigmoid it "
            "is.",
        ),
    ),
    rtol=1e-6,
    stretch=True,
)
