"""Part 3 of `normalization`: the contrast response."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._normalization import UNITS
from course_utils.normalization import naka_rushton

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    one, powers, zero = "exponent 1", "other exponents", "no contrast"
    contrast = np.array([0.02, 0.1, 0.3, 0.8, 1.0])
    drawn = rng.uniform(0.01, 1.0, 6)
    r_max, c50, exponent = rng.uniform(20, 80), rng.uniform(0.1, 0.5), rng.uniform(1.4, 3.5)
    return [
        Case(one, "a cell of 40 spikes/s", (contrast, 40.0, 0.25, 1.0)),
        Case(one, "a cell drawn at random", (drawn, r_max, c50, 1.0)),
        Case(powers, "a cell with exponent 3", (contrast, 40.0, 0.25, 3.0)),
        Case(powers, "a cell that hardly saturates", (contrast, 60.0, 1.5, 2.4)),
        Case(powers, "a cell drawn at random", (drawn, r_max, c50, exponent)),
        Case(zero, "a blank screen among gratings", (np.array([0.0, 0.1, 1.0]), 40.0, 0.25, 2.6)),
    ]


def _curve(c: Array, r_max: float, semi: Array | float, exponent: float) -> Array:
    return r_max * c**exponent / (c**exponent + semi)


PART = Part(
    reference=naka_rushton,
    cases=_cases,
    points={"exponent 1": 1.0, "other exponents": 1.5, "no contrast": 0.5},
    outputs=("r",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "c50 without its exponent",
            lambda contrast, r_max, c50, exponent: _curve(contrast, r_max, c50, exponent),
            "c50 is added as it is to a contrast raised to the exponent. Raise both: at "
            "contrast = c50 the two terms below must be equal, so that the response is half of "
            "r_max.",
        ),
        Misconception(
            "exponent on the whole fraction",
            lambda contrast, r_max, c50, exponent: (
                r_max * (contrast / (contrast + c50)) ** exponent
            ),
            "You raise the whole fraction c / (c + c50). Then the response at c50 is r_max / "
            "2**exponent. The exponent belongs to each contrast: c**n / (c**n + c50**n).",
        ),
        Misconception(
            "exponent fixed at 2",
            lambda contrast, r_max, c50, exponent: _curve(contrast, r_max, c50**2, 2.0),
            "The exponent is always 2 in your function. Cells differ in it; use the argument.",
        ),
        Misconception(
            "exponent ignored",
            lambda contrast, r_max, c50, exponent: _curve(contrast, r_max, c50, 1.0),
            "Your function does not depend on the exponent. Raise contrast and c50 to it: it "
            "decides how steeply the response climbs around c50.",
        ),
        Misconception(
            "r_max left out",
            lambda contrast, r_max, c50, exponent: _curve(contrast, 1.0, c50**exponent, exponent),
            "The fraction goes from 0 to 1 and has no unit. Multiply it by r_max, the response at "
            "unlimited contrast, in spikes per second.",
        ),
        Misconception(
            "contrast and c50 exchanged",
            lambda contrast, r_max, c50, exponent: (
                r_max * c50**exponent / (contrast**exponent + c50**exponent)
            ),
            "c50 stands in the numerator, so the response falls with contrast. The numerator is "
            "what drives the cell: the contrast.",
        ),
        Misconception(
            "r_max reached at full contrast",
            lambda contrast, r_max, c50, exponent: _curve(
                contrast, r_max * (1 + c50**exponent), c50**exponent, exponent
            ),
            "You scale the curve so that it reaches r_max at a contrast of 1. r_max is an "
            "asymptote and may lie far above any response that a screen can evoke; that is why it "
            "is hard to fit.",
        ),
        Misconception(
            "contrast in percent",
            lambda contrast, r_max, c50, exponent: _curve(
                100 * contrast, r_max, c50**exponent, exponent
            ),
            "The contrast is turned into percent but c50 is not. Both are fractions here, from 0 "
            "to 1; only their ratio counts, and it must not carry a factor of 100.",
        ),
        Misconception(
            "logistic in contrast",
            lambda contrast, r_max, c50, exponent: (
                r_max / (1 + np.exp(-exponent * (contrast - c50)))
            ),
            "This is a logistic function of the contrast. The contrast response is logistic in the "
            "logarithm of the contrast: exp(-n (ln c - ln c50)) = (c50 / c)**n. As it stands a "
            "blank screen makes the cell fire.",
        ),
        Misconception(
            "power law cut off at r_max",
            lambda contrast, r_max, c50, exponent: np.minimum(
                r_max * (contrast / c50) ** exponent, r_max
            ),
            "You follow the power law r_max (c / c50)**n up to r_max and cut it there. That is the "
            "limit of low contrast; the cell bends long before, because the contrast itself "
            "appears in the denominator.",
        ),
    ),
)
