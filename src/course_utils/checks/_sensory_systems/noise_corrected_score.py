"""The stretch part of `sensory_systems`: a score that noise does not lower."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._sensory_systems import Array, correlation
from course_utils.sensory_systems import noise_corrected_score


def _record(rng: np.random.Generator, k: int, n: int, u: int) -> tuple[Array, Array]:
    truth = rng.normal(0, 1, (n, u))
    repeats = truth + rng.uniform(0.5, 1.0, u) * rng.standard_normal((k, n, u)) + 3
    return truth + 0.3 * rng.standard_normal((n, u)), repeats


def _silent(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Three units: a good one, one predicted upside down, one whose repeats cancel."""
    predictions, repeats = _record(rng, 2, n, 3)
    predictions[:, 1] *= -1
    noise = rng.standard_normal(n)
    repeats[:, :, 2] = [noise, -noise + 0.1 * rng.standard_normal(n)]
    return predictions, repeats


def _cases(rng: np.random.Generator) -> list[Case]:
    score, edge = "score", "units predicted upside down or without signal"
    fixed = np.random.default_rng(5)
    return [
        Case(score, "3 repeats of 20 stimuli", _record(fixed, 3, 20, 2)),
        Case(score, "4 repeats drawn at random", _record(rng, 4, 25, 3)),
        Case(edge, "2 repeats of 15 stimuli", _silent(fixed, 15)),
        Case(edge, "2 repeats drawn at random", _silent(rng, 20)),
    ]


def _score(
    predictions: Array,
    repeats: Array,
    *,
    ceiling: str = "root",
    power: int = 2,
    per: str = "mean",
    target: str = "mean",
    ddof: int = 1,
    total: str = "measured",
    signed: bool = True,
    empty: float = np.nan,
) -> Array:
    """The score, wrong in what a keyword says."""
    k = len(repeats)
    mean = repeats.mean(axis=0)
    noise = repeats.var(axis=0, ddof=ddof).mean(axis=0)
    variance = mean.var(axis=0, ddof=ddof)
    if total == "signal":
        rho = variance / (variance + noise / k)
    else:
        rho = 1 - noise / (1 if per == "repeat" else k) / variance
    raw = correlation(predictions, mean)
    if target == "each":
        raw = np.mean([correlation(predictions, one) for one in repeats], axis=0)
    divisor = {"root": np.abs(rho) ** 0.5, "reliability": np.abs(rho), "none": 1.0}[ceiling]
    score = (raw / divisor) ** power
    if power == 2 and signed:
        score = score * np.sign(raw)
    return np.where(rho > 0, score, empty)


PART = Part(
    reference=noise_corrected_score,
    cases=_cases,
    points={"score": 1.0, "units predicted upside down or without signal": 1.0},
    outputs=("score",),
    units={},
    misconceptions=(
        Misconception(
            "reliability as ceiling",
            partial(_score, ceiling="reliability"),
            "You divide by the reliability. Reliability is the correlation of one noisy mean with "
            "another; a noiseless model is compared with one noisy mean only, and reaches its "
            "square root. Dividing by less than can be reached makes a perfect model score "
            "1 / reliability: 2 at a reliability of one half.",
        ),
        Misconception(
            "not squared",
            partial(_score, power=1),
            "You return raw over ceiling, a correlation. The score asked for is a share of "
            "variance: square it, and put the sign of the correlation back.",
        ),
        Misconception(
            "not corrected",
            partial(_score, ceiling="none"),
            "This is the squared correlation as measured. It mixes how good the model is with how "
            "noisy the neuron is. Divide the correlation by its ceiling first.",
        ),
        Misconception(
            "reliability of one repeat",
            partial(_score, per="repeat"),
            "You take off the whole noise variance. The prediction is compared with the mean of k "
            "repeats, in which noise has only 1/k of its variance.",
        ),
        Misconception(
            "correlation with single repeats",
            partial(_score, target="each"),
            "You correlate with each repeat and average. The ceiling belongs to the mean of the "
            "repeats: correlate with repeats.mean(axis=0).",
        ),
        Misconception(
            "noise counted as signal",
            partial(_score, total="signal"),
            "You take the variance of the mean for the signal's. It already contains the noise, "
            "noise / k of it: the signal's variance is what is left, so the reliability is "
            "1 - (noise / k) / variance of the mean.",
        ),
        Misconception(
            "variances divided by n",
            partial(_score, ddof=0),
            "Your variances divide by n and not by n - 1. With two repeats that halves the noise, "
            "so that the neuron looks more reliable than it is. Use ddof=1.",
        ),
        Misconception(
            "sign lost",
            partial(_score, signed=False),
            "The square has lost the sign: a model that predicts the opposite of the response gets "
            "full marks. Multiply by np.sign(raw).",
        ),
        Misconception(
            "0 where nothing can be explained",
            partial(_score, empty=0.0),
            "Where the ceiling is 0 there is nothing to explain, and the score is not 0 but "
            "undefined: return np.nan, so that averages over units can leave it out.",
        ),
    ),
    stretch=True,
)
