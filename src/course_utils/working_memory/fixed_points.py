"""Fixed and slow points of a map, found by minimizing its speed, and the Jacobians there."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]
Step = Callable[[Floats], ArrayLike]


@dataclass(frozen=True, eq=False)
class FixedPoints:
    """Where `find_fixed_points` came to rest, one row a start, in the order of the starts.

    states: (k, n).  speeds: (k,), |F(h) - h|² / 2.  eigenvalues: (k, n), complex, of the Jacobian
    dF/dh at each state, largest first.  jacobians: (k, n, n).
    """

    states: NDArray[np.float64]
    speeds: NDArray[np.float64]
    eigenvalues: NDArray[np.complex128]
    jacobians: NDArray[np.float64]


def find_fixed_points(
    step: Step,
    states: ArrayLike,
    *,
    jacobian: Step | None = None,
    tolerance: float = 1e-20,
    max_steps: int = 200,
) -> FixedPoints:
    """From each of `states`, downhill in the speed of the map h -> F(h) until it is `tolerance`.

    q(h) = |F(h) - h|² / 2,  minimized by damped Gauss-Newton steps        {sussillo2013}

    step: F, from states (m, n) to the next ones (m, n).  states: (k, n), the starts.  jacobian:
    from states (m, n) to dF/dh (m, n, n); None takes central differences of `step`.  tolerance: a
    state stops once q is no larger: near 0 for fixed points, higher for slow points, of which a
    line attractor is made.  max_steps: where a state stops at the latest; its speed says whether
    it got there, and a local minimum of q that is no fixed point keeps its speed.
    Raises ValueError on wrong shapes, NaN or infinity (of `step` as well), tolerance < 0 or
    max_steps < 1, TypeError when `step` or `jacobian` cannot be called.
    """
    start: NDArray[np.float64] = _validate.real_array("states", states, ("k", "n"))
    states = start.copy()
    for name, function in (("step", step), ("jacobian", jacobian)):
        if not (callable(function) or (name == "jacobian" and function is None)):
            raise TypeError(f"{name}: expected a function, got {type(function).__name__}")
    tolerance = _validate.real_number("tolerance", tolerance, minimum=0.0)
    max_steps = _validate.whole_number("max_steps", max_steps, minimum=1)
    k, n = states.shape

    def velocity(h: Floats) -> Floats:
        return _validate.real_array("step(states)", step(h.copy()), h.shape) - h

    def slope(h: Floats) -> Floats:
        if jacobian is None:
            return numerical_jacobian(step, h)
        return _validate.real_array("jacobian(states)", jacobian(h.copy()), (len(h), n, n))

    residual = velocity(states)
    speeds = 0.5 * (residual**2).sum(axis=1)
    damping = np.full(k, 1e-3)
    settled = np.zeros(k, dtype=bool)  # at a minimum of q, of which no step promises a fall
    for _ in range(max_steps):
        moving = np.flatnonzero((speeds > tolerance) & ~settled)
        if not moving.size:
            break
        here = states[moving]
        change, promised = _damped_step(residual[moving], slope(here), damping[moving])
        there_residual = velocity(here + change)
        there = 0.5 * (there_residual**2).sum(axis=1)
        settled[moving] = promised < 1e-8 * speeds[moving]
        gain = (speeds[moving] - there) / promised
        better = gain > 0.0
        kept = moving[better]
        states[kept] += change[better]
        residual[kept], speeds[kept] = there_residual[better], there[better]
        # Trust the linear picture more where it kept its promise, less where it did not.
        damping[moving] *= np.where(gain > 0.75, 0.1, np.where(gain > 0.25, 1.0, 4.0))
        damping[moving] = np.maximum(damping[moving], 1e-12)
    jacobians: NDArray[np.float64] = slope(states).astype(np.float64)
    eigenvalues = np.linalg.eigvals(jacobians).astype(np.complex128)
    order = np.argsort(-np.abs(eigenvalues), axis=1, kind="stable")
    return FixedPoints(states, speeds, np.take_along_axis(eigenvalues, order, 1), jacobians)


def fixed_point_step(
    states: ArrayLike, next_states: ArrayLike, jacobians: ArrayLike, *, damping: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """States after one damped Gauss-Newton step down the speed, and the speeds before it.

    With r = F(h) - h and A = dF/dh - 1,  h <- h - (A'A + damping 1)^-1 A'r,  q = |r|² / 2.
    A small damping makes Newton's step, a large one a small step down the gradient A'r.

    states: h, (k, n).  next_states: F(h), (k, n).  jacobians: dF/dh at each state, (k, n, n).
    damping: above 0.  Returns states (k, n) and speeds (k,).
    Raises ValueError on wrong shapes, NaN or infinity, or damping <= 0.
    """
    states = _validate.real_array("states", states, ("k", "n"))
    k, n = states.shape
    residual = _validate.real_array("next_states", next_states, (k, n)) - states
    slopes = _validate.real_array("jacobians", jacobians, (k, n, n))
    damping = _validate.real_number("damping", damping, above=0.0)
    change, _ = _damped_step(residual, slopes, np.full(k, damping))
    return states + change, 0.5 * (residual**2).sum(axis=1)


def numerical_jacobian(step: Step, states: ArrayLike) -> NDArray[np.float64]:
    """dF/dh (k, n, n) at `states` (k, n) by central differences, with an error near 1e-10.

    Raises ValueError when `step` does not return as many finite numbers as it is given.
    """
    states = _validate.real_array("states", states, ("k", "n"))
    k, n = states.shape
    width = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(states))
    shifts = width[:, :, np.newaxis] * np.eye(n)  # row j moves coordinate j
    ends = []
    for sign in (1.0, -1.0):
        moved = (states[:, np.newaxis] + sign * shifts).reshape(k * n, n)
        ends.append(_validate.real_array("step(states)", step(moved), (k * n, n)))
    difference = (ends[0] - ends[1]).reshape(k, n, n) / (2.0 * width[:, :, np.newaxis])
    return np.swapaxes(difference, 1, 2)


def time_constant(eigenvalues: ArrayLike) -> NDArray[np.float64]:
    """Steps in which a mode with this eigenvalue fades to 1/e: -1 / ln |eigenvalue|.

    Infinite on the unit circle, negative where the mode grows, 0 for an eigenvalue of 0.
    """
    size = np.abs(np.asarray(eigenvalues))
    if size.dtype.kind not in "biuf" or not np.isfinite(size).all():
        raise ValueError("eigenvalues: expected finite numbers")
    with np.errstate(divide="ignore"):
        return np.where(size == 1.0, math.inf, -1.0 / np.log(size))


def _damped_step(residual: Floats, jacobians: Floats, damping: Floats) -> tuple[Floats, Floats]:
    """-(A'A + damping 1)^-1 A'r with A = J - 1, for each state, and the fall of q it promises."""
    n = residual.shape[1]
    slopes = jacobians - np.eye(n)
    transposed = np.swapaxes(slopes, 1, 2)
    square = transposed @ slopes + damping[:, np.newaxis, np.newaxis] * np.eye(n)
    gradient = (transposed @ residual[:, :, np.newaxis])[:, :, 0]
    change = -np.linalg.solve(square, gradient[:, :, np.newaxis])[:, :, 0]
    promised = 0.5 * (damping * (change**2).sum(axis=1) - (gradient * change).sum(axis=1))
    return change, np.maximum(promised, np.finfo(float).tiny)
