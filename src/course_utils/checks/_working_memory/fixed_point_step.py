"""Part 2 of `working_memory`: one damped step toward a fixed point."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._working_memory import UNITS
from course_utils.working_memory import fixed_point_step

Array = NDArray[Any]


def _network(rng: np.random.Generator, k: int, n: int) -> tuple[Array, Array, Array]:
    """k states of a tanh network of n units, the next states, and the Jacobians."""
    weights = 1.4 * rng.standard_normal((n, n)) / np.sqrt(n)
    states = rng.uniform(-1.2, 1.2, (k, n))
    after = np.tanh(states @ weights.T + 0.3 * rng.standard_normal(n))
    return states, after, (1 - after**2)[:, :, np.newaxis] * weights


def _cases(rng: np.random.Generator) -> list[Case]:
    speed, one, several = "speed", "one state", "several states"
    states = np.array([[0.4, -1.0]])
    after = np.array([[0.9, -0.3]])
    jacobian = np.array([[[0.5, -0.7], [0.2, 1.1]]])
    return [
        Case(speed, "a damping that allows no step", (states, after, jacobian), {"damping": 1e14}),
        Case(
            speed,
            "several states and a damping that allows no step",
            _network(rng, 4, 3),
            {"damping": 1e14},
        ),
        Case(one, "two units", (states, after, jacobian), {"damping": 0.5}),
        Case(one, "five units drawn at random", _network(rng, 1, 5), {"damping": 0.2}),
        Case(several, "little damping", _network(rng, 3, 4), {"damping": 0.02}),
        Case(several, "much damping", _network(rng, 5, 3), {"damping": 3.0}),
    ]


def step(
    states: Array,
    next_states: Array,
    jacobians: Array,
    *,
    damping: float,
    identity: float = 1.0,
    sign: float = -1.0,
    product: str = "A'A",
    gradient: str = "A'r",
    damped: str = "diagonal",
    solve: str = "right",
    first: bool = False,
    speed: str = "right",
) -> tuple[Array, Array]:
    """A step toward a fixed point, wrong in what a keyword says."""
    k, n = states.shape
    moved, speeds = states.copy(), np.empty(k)
    for i in range(k):
        r = next_states[i] - states[i]
        a = jacobians[0 if first else i] - identity * np.eye(n)
        square = a @ a.T if product == "AA'" else a.T @ a
        slope = a @ r if gradient == "Ar" else a.T @ r
        size = {
            "diagonal": damping * np.eye(n),
            "everywhere": damping * np.ones((n, n)),
            "nowhere": 1e-10 * damping * np.eye(n),
            "squared": damping**2 * np.eye(n),
        }[damped]
        if solve == "right":
            change = np.linalg.solve(square + size, slope)
        elif solve == "gradient":
            change = damping * slope
        elif solve == "small gradient":
            change = slope / damping
        else:
            change = np.linalg.solve(a + size, r)
        moved[i] += sign * change
        total = (r**2).sum()
        speeds[i] = {
            "right": total / 2,
            "no half": total,
            "norm": np.sqrt(total),
            "mean": (r**2).mean() / 2,
            "state": (next_states[i] ** 2).sum() / 2,
        }[speed]
    return moved, speeds


PART = Part(
    reference=fixed_point_step,
    cases=_cases,
    points={"speed": 1.0, "one state": 1.5, "several states": 1.5},
    outputs=("states", "speeds"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "identity not subtracted",
            partial(step, identity=0.0),
            "A is the derivative of r = F(h) - h, not of F(h): the -h contributes minus the "
            "identity. With A = J - 1 an eigenvalue of J near 1 makes A nearly singular, which is "
            "how a line attractor shows itself.",
        ),
        Misconception(
            "uphill",
            partial(step, sign=1.0),
            "The step goes up the speed instead of down. A'r is the direction in which q grows, "
            "so it is subtracted: h - (A'A + damping 1)^-1 A'r.",
        ),
        Misconception(
            "transpose left out of the gradient",
            partial(step, gradient="Ar"),
            "The gradient of q = |r|²/2 is A'r, with A transposed: dq/dh_j is the sum over i of "
            "r_i dr_i/dh_j, and i is the row of A.",
        ),
        Misconception(
            "A A' in place of A' A",
            partial(step, product="AA'"),
            "The matrix to invert is A'A, the curvature of |r|² in h, which has two indices of h. "
            "A A' has two indices of r. They agree only where A is symmetric, and a recurrent "
            "network's is not.",
        ),
        Misconception(
            "damping added to every entry",
            partial(step, damped="everywhere"),
            "`matrix + damping` adds the number to every entry. It belongs on the diagonal: "
            "A'A + damping * np.eye(n).",
        ),
        Misconception(
            "damping ignored",
            partial(step, damped="nowhere"),
            "This is the undamped step. Where A'A is nearly singular, as along a line attractor, "
            "it leaps far away; add damping * np.eye(n) to A'A before solving.",
        ),
        Misconception(
            "damping squared",
            partial(step, damped="squared"),
            "The damping enters squared. The contract adds it as it is: A'A + damping * np.eye(n).",
        ),
        Misconception(
            "gradient step of size damping",
            partial(step, solve="gradient"),
            "The gradient A'r is multiplied by the damping, as by a learning rate. Damping works "
            "the other way: the larger it is, the smaller the step. Solve "
            "(A'A + damping 1) change = A'r.",
        ),
        Misconception(
            "gradient divided by the damping",
            partial(step, solve="small gradient"),
            "A'r / damping is what the step tends to when the damping is large. The curvature A'A "
            "has to be there too, or steep and flat directions get the same treatment: solve "
            "(A'A + damping 1) change = A'r.",
        ),
        Misconception(
            "damped Newton on r",
            partial(step, solve="newton"),
            "You solve (A + damping 1) change = r. That is Newton's method for r = 0 with shifted "
            "eigenvalues, and it need not go downhill in q. Multiply both sides by A' first and "
            "damp A'A, which has no negative eigenvalues.",
        ),
        Misconception(
            "one Jacobian for all states",
            partial(step, first=True),
            "All states use the Jacobian of the first. Each state has its own, jacobians[i], since "
            "the slope of the units depends on where they are.",
        ),
        Misconception(
            "half left out of the speed",
            partial(step, speed="no half"),
            "The speed is q = |r|² / 2; the half is missing.",
        ),
        Misconception(
            "norm in place of half its square",
            partial(step, speed="norm"),
            "You return |r|, the length of the velocity. What is minimized, and called speed by "
            "Sussillo and Barak, is q = |r|² / 2.",
        ),
        Misconception(
            "mean over units",
            partial(step, speed="mean"),
            "The squares are averaged over units, so the speed depends on how many there are. "
            "q = |r|² / 2 is a sum over units.",
        ),
        Misconception(
            "speed of the next state",
            partial(step, speed="state"),
            "You square F(h). The speed is how far the state moves, r = F(h) - h, not where it "
            "gets to.",
        ),
    ),
    rtol=1e-7,
    atol=1e-10,
)
