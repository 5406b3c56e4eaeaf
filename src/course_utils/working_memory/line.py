"""The line attractor: a linear network one of whose modes feeds itself almost exactly."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


def line_weights(
    n_units: int, feedback: float, rng: np.random.Generator, *, spread: float = 0.5
) -> NDArray[np.float64]:
    """Random weights (n_units, n_units) with the eigenvalue `feedback` along the vector of ones.

    All other eigenvalues lie within about `spread` of 0, so that every other mode fades fast.
    Raises ValueError when n_units < 2, feedback is not finite or spread is negative or >= 1.
    """
    n_units = _validate.whole_number("n_units", n_units, minimum=2)
    feedback = _validate.real_number("feedback", feedback)
    spread = _validate.real_number("spread", spread, minimum=0.0, below=1.0)
    _validate.generator("rng", rng)
    random = rng.standard_normal((n_units, n_units)) * (spread / np.sqrt(n_units))
    # Rows that sum to 0 do nothing to the vector of ones.
    random -= random.mean(axis=1, keepdims=True)
    return random + feedback / n_units


def linear_network(
    inputs: ArrayLike, weights: ArrayLike, *, tau: float = 0.1, dt: float = 1e-3
) -> NDArray[np.float64]:
    """Rates of linear units, from 0, after each step of a piecewise constant input; exact.

    tau dr/dt = -r + W r + input        {seung1996}

    inputs: (t, n_units), Hz.  weights: (n_units, n_units), rows receiving.  tau, dt: s.
    Returns (t, n_units), Hz, relative to their background: they may be negative.
    Raises ValueError on wrong shapes, NaN or infinity, tau <= 0 or dt <= 0.
    """
    inputs = _validate.real_array("inputs", inputs, ("t", "n_units"))
    n = inputs.shape[1]
    weights = _validate.real_array("weights", weights, (n, n))
    tau = _validate.real_number("tau", tau, above=0.0)
    dt = _validate.real_number("dt", dt, above=0.0)
    # The exponential of [[A, 1], [0, 0]] holds exp(A) and the integral of exp(A s) that acts on
    # the input, also where A has no inverse, which is where the line is perfect.
    block = np.zeros((2 * n, 2 * n))
    block[:n, :n] = (weights - np.eye(n)) * (dt / tau)
    block[:n, n:] = np.eye(n) * (dt / tau)
    exponential = linalg.expm(block)
    keep, take = exponential[:n, :n], exponential[:n, n:]
    rates = np.empty_like(inputs)
    r = np.zeros(n)
    for step, pushed in enumerate(inputs @ take.T):
        r = keep @ r + pushed
        rates[step] = r
    return rates


def persistence_time(feedback: ArrayLike, tau: float = 0.1) -> NDArray[np.float64]:
    """Time (s) in which a mode with this feedback fades to 1/e: tau / (1 - feedback).

    Infinite at 1; negative above, where the mode grows.  {seung1996}
    """
    feedback = _validate.real_array("feedback", feedback)
    tau = _validate.real_number("tau", tau, above=0.0)
    with np.errstate(divide="ignore"):
        return np.where(feedback == 1.0, np.inf, tau / (1.0 - feedback))
