"""Part 1 of `normalization`: a population divided by its pools."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.normalization import divisive_normalization

Array = NDArray[Any]

_WEIGHTS = np.array([[0.9, 0.2, 0.4], [1.5, 0.3, 0.7], [0.1, 0.6, 1.2]])


def _cases(rng: np.random.Generator) -> list[Case]:
    linear, powers = "exponent 1", "other exponents"
    samples, negative = "several samples", "negative drives"
    drive = np.array([[1.0, 2.0, 0.5]])
    drawn = rng.uniform(0.2, 3.0, (5, 4))
    weights = rng.uniform(0.1, 1.5, (4, 4))
    sigma, exponent = rng.uniform(0.3, 0.8), rng.uniform(1.3, 2.6)
    signs = np.where(np.arange(20).reshape(5, 4) % 3 == 1, -1.0, 1.0)
    return [
        Case(linear, "one sample of three units", (drive, 0.5, _WEIGHTS), {"exponent": 1.0}),
        Case(linear, "drives far above sigma", (400 * drive, 0.5, _WEIGHTS), {"exponent": 1.0}),
        Case(powers, "exponent 2", (drive, 0.5, _WEIGHTS), {"exponent": 2.0}),
        Case(
            powers,
            "an exponent drawn at random",
            (drawn[:1], sigma, weights),
            {"exponent": exponent},
        ),
        Case(
            samples,
            "three samples that differ in strength",
            (np.array([[1.0, 2.0, 0.5], [0.01, 0.03, 0.02], [20.0, 5.0, 0.0]]), 0.5, _WEIGHTS),
            {"exponent": 1.0},
        ),
        Case(samples, "samples drawn at random", (drawn, sigma, weights), {"exponent": exponent}),
        Case(
            negative,
            "drives of both signs",
            (np.array([[1.0, -2.0, 0.5], [-0.3, 0.7, -0.2]]), 0.5, _WEIGHTS),
            {"exponent": 1.0},
        ),
        Case(
            negative,
            "drives of both signs, exponent 2",
            (np.array([[1.0, -2.0, 0.5], [-0.3, 0.7, -0.2]]), 0.5, _WEIGHTS),
            {"exponent": 2.0},
        ),
        Case(
            negative,
            "signs in a population drawn at random",
            (drawn * signs, sigma, weights),
            {"exponent": exponent},
        ),
    ]


def _divide(
    drive: Array,
    sigma: float,
    pool_weights: Array,
    *,
    exponent: float,
    raises: str = "all",
    signed: str = "numerator",
    pool_of: str = "sample",
    combine: Any = np.divide,
) -> Array:
    """The normalized drives, wrong in what a keyword says.

    raises: which of numerator, sigma and pool get the exponent before they are put together.
    """
    power = np.abs(drive) ** exponent
    numerator = np.sign(drive) * power if signed != "nothing" else power
    members = np.sign(drive) * power if signed == "everything" else power
    pool = members @ pool_weights.T
    if pool_of == "all samples":
        pool = pool.sum(axis=0)
    if raises == "pool last":
        pool = (np.abs(drive) @ pool_weights.T) ** exponent
    elif raises == "no numerator":
        numerator = drive
    semi = sigma if raises == "no sigma" else sigma**exponent
    return combine(numerator, semi + pool)


def _without_self(drive: Array, sigma: float, pool_weights: Array, *, exponent: float) -> Array:
    others = pool_weights * (1 - np.eye(len(pool_weights)))
    return _divide(drive, sigma, others, exponent=exponent)


PART = Part(
    reference=divisive_normalization,
    cases=_cases,
    points={
        "exponent 1": 1.0,
        "other exponents": 1.0,
        "several samples": 1.0,
        "negative drives": 1.0,
    },
    outputs=("r",),
    units={},
    misconceptions=(
        Misconception(
            "sigma without its exponent",
            partial(_divide, raises="no sigma"),
            "sigma stands in the denominator as it is, but what it is added to are drives to the "
            "power of the exponent. Raise it too: sigma**exponent. Only then is sigma a drive, the "
            "one at which the pool and it weigh the same.",
        ),
        Misconception(
            "exponent applied to the sum",
            partial(_divide, raises="pool last"),
            "You add the drives of a pool first and raise their sum to the exponent. Each unit is "
            "squared (or raised) by itself, and the pool adds up the results: with exponent 2, "
            "3 and 4 make 9 + 16, not 49.",
        ),
        Misconception(
            "numerator without exponent",
            partial(_divide, raises="no numerator"),
            "The numerator lacks the exponent. Drive and pool have to grow alike, or the response "
            "falls to 0 when everything is scaled up, in place of leveling off.",
        ),
        Misconception(
            "weights transposed",
            lambda drive, sigma, pool_weights, *, exponent: _divide(
                drive, sigma, pool_weights.T, exponent=exponent
            ),
            "The weights are used the wrong way round. Row i of pool_weights belongs to the unit "
            "that is divided, column j to the unit it is divided by: the pool of unit i is "
            "sum_j pool_weights[i, j] * ..., for rows of samples `... @ pool_weights.T`.",
        ),
        Misconception(
            "weights left out",
            lambda drive, sigma, pool_weights, *, exponent: _divide(
                drive, sigma, np.ones_like(pool_weights), exponent=exponent
            ),
            "Every unit counts alike in your pools. Each term of a pool is multiplied by its "
            "weight, pool_weights[i, j], which says how much unit j inhibits unit i.",
        ),
        Misconception(
            "unit left out of its own pool",
            _without_self,
            "You leave each unit out of its own pool. The sum runs over all j, i among them, with "
            "the weight pool_weights[i, i]; whoever wants a unit to stay out sets that weight to "
            "0. Without this term a unit that is driven alone never saturates.",
        ),
        Misconception(
            "pool averaged",
            lambda drive, sigma, pool_weights, *, exponent: _divide(
                drive, sigma, pool_weights / len(pool_weights), exponent=exponent
            ),
            "The pool is a mean over the units here; the contract takes the weighted sum. A mean "
            "is one choice of weights, and whoever wants it divides the weights by n.",
        ),
        Misconception(
            "pool over samples",
            partial(_divide, pool_of="all samples"),
            "Your pool adds up all samples. A pool is a population of neurons at one moment: each "
            "row is divided by what the units do in that row, and no stimulus knows of another. "
            "(To let samples meet is what batch normalization does.)",
        ),
        Misconception(
            "sign lost",
            partial(_divide, signed="nothing"),
            "Negative drives come out positive. The size of the drive is raised to the exponent "
            "and its sign is put back: np.sign(drive) * np.abs(drive)**exponent.",
        ),
        Misconception(
            "signed drives in the pool",
            partial(_divide, signed="everything"),
            "Drives of opposite sign cancel in your pool, which can even bring the denominator to "
            "0. A pool measures how active its units are, so each counts by its size, "
            "np.abs(drive)**exponent; only the numerator has a sign.",
        ),
        Misconception(
            "pool subtracted",
            partial(_divide, combine=np.subtract),
            "You subtract the pool. Subtraction shifts a response and leaves its gain as it is; "
            "gain control divides, so that all units shrink in proportion and their ratios "
            "survive.",
        ),
        Misconception(
            "root of the denominator",
            partial(_divide, combine=lambda a, b: a / np.sqrt(b)),
            "You divide by the square root of the denominator, as if it were a variance. The rule "
            "here divides drive to the exponent by drives to the exponent; numerator and "
            "denominator are of one kind already.",
        ),
    ),
)
