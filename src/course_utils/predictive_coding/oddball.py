"""Perception in time: a posterior is the next prior, and precision weighs every error."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.float64]


class Mismatch(NamedTuple):
    """What a listener expects before each tone, and what the tone does to it."""

    predictions: Floats  # (n,), mean of what is expected
    variances: Floats  # (n,), variance of what is expected
    responses: Floats  # (n,), |error| times the precision that is expected


def posterior(
    prior_mean: ArrayLike, prior_variance: ArrayLike, datum: ArrayLike, variance: ArrayLike
) -> tuple[Floats, Floats]:
    """Mean and variance of a Gaussian cause after one datum: the minimum of the free energy.

    1/p' = 1/p + 1/Sigma,  m' = m + (p'/Sigma) (y - m)

    prior_mean, prior_variance: m, p.  datum: y, of `variance` Sigma about the cause. Arrays of
    shapes that broadcast.  Raises ValueError on a variance <= 0 or numbers that are not finite.
    """
    mean = _validate.real_array("prior_mean", prior_mean)
    y = _validate.real_array("datum", datum)
    p, sigma = (
        _positive(name, value)
        for name, value in (("prior_variance", prior_variance), ("variance", variance))
    )
    after = 1 / (1 / p + 1 / sigma)
    return mean + after / sigma * (y - mean), after


def mismatch_responses(
    tones: ArrayLike,
    *,
    drift_variance: float,
    tone_variance: float,
    variance_rate: float = 0.0,
    prior_mean: float = 0.0,
    prior_variance: float = 1.0,
) -> Mismatch:
    """The precision-weighted error that each tone evokes in a listener who predicts it.

    A tone's pitch is a hidden mean, which moves by `drift_variance` between tones, plus noise of
    variance Sigma. Before a tone the listener expects variance p + Sigma; the response to it is
    |y - m| / (p + Sigma). Then `posterior` makes m and p the prior of the next, and Sigma takes a
    step down the free energy's slope, towards the squared error that p does not account for:

        Sigma <- Sigma + variance_rate * (eps^2 - (p + Sigma)), at least 1e-3 of the first

    tones: (n,), one unit, say semitones.  tone_variance: Sigma at the first tone, kept if
    `variance_rate` (0 to 1) is 0.
    Raises ValueError on an empty or non-finite sequence, a variance <= 0 or a negative drift.
    """
    y = _validate.real_array("tones", tones, ("n",))
    drift = _validate.real_number("drift_variance", drift_variance, minimum=0.0)
    sigma = _validate.real_number("tone_variance", tone_variance, above=0.0)
    rate = _validate.real_number("variance_rate", variance_rate, minimum=0.0, maximum=1.0)
    mean = _validate.real_number("prior_mean", prior_mean)
    p = _validate.real_number("prior_variance", prior_variance, above=0.0)
    least = 1e-3 * sigma
    result = Mismatch(*np.empty((3, y.size)))
    for n, tone in enumerate(y):
        error, expected = tone - mean, p + sigma
        result.predictions[n], result.variances[n] = mean, expected
        result.responses[n] = abs(error) / expected
        p = 1 / (1 / p + 1 / sigma)
        mean += p / sigma * error
        p += drift
        sigma = max(sigma + rate * (error**2 - expected), least)
    return result


def adapted_responses(
    tones: ArrayLike, *, width: float, depletion: float, recovery: float
) -> Floats:
    """Responses to tones by channels that tire with use and predict nothing: the rival account.

    Each channel a_c, tuned to one pitch of the sequence, passes g_c exp(-(y - c)^2 / (2 width^2));
    a tone takes the fraction `depletion` of what it drives from the gain, g_c <- g_c - depletion *
    (what passed), and the gap after it gives back the fraction `recovery` of what is missing from
    1. The response is the largest over channels: that of the channel tuned to the tone.

    tones: (n,).  Returns (n,), between 0 and 1.  Raises ValueError on an empty or non-finite
    sequence, a width <= 0 or a fraction outside 0 to 1.
    """
    y = _validate.real_array("tones", tones, ("n",))
    width = _validate.real_number("width", width, above=0.0)
    depletion = _validate.real_number("depletion", depletion, minimum=0.0, maximum=1.0)
    recovery = _validate.real_number("recovery", recovery, minimum=0.0, maximum=1.0)
    pitches, which = np.unique(y, return_inverse=True)
    tuning = np.exp(-((pitches[:, None] - pitches) ** 2) / (2 * width**2))
    gain = np.ones(len(pitches))
    responses = np.empty(y.size)
    for n, channel in enumerate(which):
        responses[n] = gain[channel]
        gain -= depletion * gain * tuning[channel]
        gain += recovery * (1 - gain)
    return responses


def _positive(name: str, value: ArrayLike) -> Floats:
    array = _validate.real_array(name, value)
    if array.min() <= 0:
        raise ValueError(f"{name}: expected numbers above 0, got {array.min():g}")
    return array
