"""Part 3 of `lif`: the rate of a neuron in noise, by Siegert's formula."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import erf, erfcx

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._lif import OTHER, UNITS, draw_neuron
from course_utils.lif import LIFNeuron, noisy_firing_rate

Array = NDArray[Any]


def _noise_cases(rng: np.random.Generator) -> list[Case]:
    some, weak, none = "noise", "weak noise", "no noise"
    drawn = draw_neuron(rng)
    rheobase = drawn.v_threshold / drawn.r_m
    # Wide enough that exp(u^2) (1 + erf(u)) is accurate as it stands: its bounds stay within 4.
    wide = rng.uniform(0.25, 0.5) * drawn.v_threshold
    return [
        Case(some, "the default neuron", (np.array([0.5, 0.8, 1.0, 1.3]), 0.3, LIFNeuron())),
        Case(some, "another neuron", (np.array([0.2, 0.6, 0.8]), 0.4, OTHER)),
        Case(some, "a neuron drawn at random", (rheobase * rng.uniform(0.4, 1.3, 3), wide, drawn)),
        Case(weak, "noise of 2 % of the threshold", (np.array([1.5, 2.0]), 0.02, LIFNeuron())),
        Case(weak, "another neuron", (np.array([1.2, 2.0]), 0.02, OTHER)),
        Case(none, "a noise of zero", (np.array([0.4, 0.6, 0.9, 1.5]), 0.0, OTHER)),
    ]


def _naive(u: float) -> float:
    return np.sqrt(np.pi) * np.exp(u**2) * (1 + erf(u))


def _scaled(u: float) -> float:
    return np.sqrt(np.pi) * erfcx(-u)


def _siegert(
    mean_current: Array,
    sigma_v: float,
    neuron: LIFNeuron,
    *,
    integrand: Any = _scaled,
    width: float = np.sqrt(2.0),
    power: int = 1,
    drive: float | None = None,
    start: float | None = None,
    unit: float = 1.0,
    refractory: bool = True,
    inverse: bool = True,
) -> Array:
    """Siegert's rate, wrong in what a keyword says."""
    means = (neuron.r_m if drive is None else drive) * mean_current
    start = neuron.v_reset if start is None else start
    if sigma_v == 0:
        silent, above = np.full_like(means, np.inf), means > neuron.v_threshold
        climb = np.log((means - start) / (means - neuron.v_threshold))
        integral = np.where(above, climb, silent)
    else:
        scale = width * sigma_v**power
        integral = np.array(
            [
                quad(integrand, (start - m) / scale, (neuron.v_threshold - m) / scale)[0]
                for m in means
            ]
        )
    interval = (neuron.tau_ref if refractory else 0.0) + neuron.tau_m * integral
    return (1 / interval if inverse else interval) * unit


PART = Part(
    reference=noisy_firing_rate,
    cases=_noise_cases,
    points={"noise": 2.0, "weak noise": 0.5, "no noise": 0.5},
    outputs=("rate",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "square root of 2 missing",
            partial(_siegert, width=1.0),
            "The bounds lack a factor: they are (v - RI) / (sqrt(2) sigma_v). The sqrt(2) comes "
            "from the Gaussian density, exp(-(v - RI)^2 / (2 sigma_v^2)), once it is written as "
            "exp(-u^2).",
        ),
        Misconception(
            "variance for standard deviation",
            partial(_siegert, power=2),
            "sigma_v^2 stands where sigma_v should. sigma_v is a standard deviation, in volts; "
            "the bounds are volts over volts, (v - RI) / (sqrt(2) sigma_v), and have no unit.",
        ),
        Misconception(
            "square root of pi missing",
            partial(_siegert, integrand=lambda u: erfcx(-u)),
            "The integrand lacks its factor sqrt(pi): it is sqrt(pi) exp(u^2) (1 + erf(u)).",
        ),
        Misconception(
            "sign of erf",
            partial(_siegert, integrand=lambda u: np.sqrt(np.pi) * erfcx(u)),
            "The sign of u in the error function is wrong: you integrate exp(u^2) (1 - erf(u)). "
            "With scipy.special.erfcx(x) = exp(x^2) (1 - erf(x)), the integrand "
            "exp(u^2) (1 + erf(u)) is erfcx(-u).",
        ),
        Misconception(
            "exponential overflows",
            partial(_siegert, integrand=_naive),
            "The formula is right, but not in floating point. With weak noise the bounds are far "
            "below 0, where exp(u^2) overflows while 1 + erf(u) rounds to 0, and infinity times 0 "
            "is nan. scipy.special.erfcx(-u) computes the product exp(u^2) (1 + erf(u)) as one "
            "number.",
        ),
        Misconception(
            "refractory period forgotten",
            partial(_siegert, refractory=False),
            "The refractory period is missing. The mean interval is tau_ref plus tau_m times the "
            "integral, with noise as without.",
        ),
        Misconception(
            "noise ignored",
            lambda mean_current, sigma_v, neuron: _siegert(mean_current, 0.0, neuron),
            "Your rate does not depend on sigma_v: it is the rate of the noiseless neuron. "
            "Fluctuations carry the membrane across the threshold even where the mean stays below "
            "it, which is what the integral over u counts.",
        ),
        Misconception(
            "reset left out",
            partial(_siegert, start=0.0),
            "The lower bound is taken at 0 V, but after a spike the membrane starts at "
            "neuron.v_reset: (v_reset - RI) / (sqrt(2) sigma_v). (The default neuron has "
            "v_reset = 0 and hides the difference.)",
        ),
        Misconception(
            "resistance left out",
            partial(_siegert, drive=1.0),
            "The membrane resistance is missing: the mean of the free membrane is "
            "RI = neuron.r_m * mean_current, in volts.",
        ),
        Misconception(
            "rate in kHz",
            partial(_siegert, unit=1e-3),
            "Your rates are a thousandth of the right ones: spikes per millisecond (kHz). With "
            "tau_ref and tau_m in seconds, 1 over the mean interval is in Hz already.",
        ),
        Misconception(
            "interval returned",
            partial(_siegert, inverse=False),
            "You return the mean interval between spikes, in seconds. The rate is its inverse.",
        ),
    ),
    # room for a student's own quadrature
    rtol=1e-4,
    atol=1e-6,
)
