"""Part 3 of `recurrence`: gradients through time as products of Jacobians."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._recurrence import UNITS, Array, draw_rnn
from course_utils.checks._recurrence.rnn_forward import run as run_rnn
from course_utils.recurrence import gradient_norms


def _case(rng: np.random.Generator, n_steps: int, n_h: int, gain: float) -> tuple[Array, Array]:
    """States of a run, all of them moving, and the recurrent weights."""
    x, w_h, w_x, b, h0 = draw_rnn(rng, n_steps, n_h=n_h, gain=gain)
    return run_rnn(x, w_h, w_x, b, h0), w_h


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(5)
    near, far, ends = "one step back", "many steps back", "the ends"
    states, w_h = _case(fixed, 3, 3, 1.0)
    return [
        Case(near, "two states", (states[:2], w_h)),
        Case(near, "two states drawn at random", _case(rng, 2, 4, 1.2)),
        Case(far, "a network of low gain", _case(fixed, 8, 4, 0.8)),
        Case(far, "a network of high gain", _case(fixed, 12, 5, 2.5)),
        Case(far, "a network drawn at random", _case(rng, 9, 4, rng.uniform(1.2, 1.8))),
        Case(ends, "three states", (states, w_h)),
        Case(ends, "one state only", (states[:1], w_h)),
    ]


def _spectral(product: Array) -> float:
    return float(np.linalg.norm(product, 2))


def _frobenius(product: Array) -> float:
    return float(np.linalg.norm(product))


def _radius(product: Array) -> float:
    return float(np.abs(np.linalg.eigvals(product)).max())


def norms(
    states: Array,
    w_h: Array,
    *,
    size: str = "spectral",
    slope: str = "square",
    side: str = "left",
    shift: int = 0,
    reversed_order: bool = False,
    forward: bool = False,
    one_more: bool = False,
    product_of_norms: bool = False,
    transposed: bool = False,
    last_is_one: bool = False,
) -> Array:
    """The norms, wrong in what a keyword says."""
    n, t = len(w_h), len(states)
    measure = {"spectral": _spectral, "frobenius": _frobenius, "radius": _radius}[size]
    w = w_h.T if transposed else w_h

    def jacobian(k: int) -> Array:
        h = states[k - shift]
        d = {
            "square": 1 - h**2,
            "linear": 1 - h,
            "none": np.ones(n),
            "squared tanh": 1 - np.tanh(h) ** 2,
        }[slope]
        return d[:, None] * w if side == "left" else w * d

    result = []
    for k in range(t):
        if forward:
            factors = [jacobian(m) for m in range(1, k + 1)]
        else:
            factors = [jacobian(m) for m in range(k if one_more else k + 1, t)]
        product, bound = np.eye(n), 1.0
        for factor in factors:
            product = product @ factor if reversed_order else factor @ product
            bound *= measure(factor)
        result.append(bound if product_of_norms else measure(product))
    if last_is_one:
        result[-1] = 1.0
    return np.array(result)


PART = Part(
    reference=gradient_norms,
    cases=_cases,
    points={"one step back": 1.0, "many steps back": 1.5, "the ends": 0.5},
    outputs=("norms",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "slope of tanh left out",
            partial(norms, slope="none"),
            "These are norms of powers of w_h. A state depends on the one before through the tanh "
            "too, whose slope at a state h is 1 - h**2: the Jacobian of a step is the diagonal "
            "matrix of these slopes times w_h. Leave it out, and the units never saturate.",
        ),
        Misconception(
            "1 - h in place of 1 - h squared",
            partial(norms, slope="linear"),
            "The slope of tanh is 1 - h**2, written with its value h; you use 1 - h.",
        ),
        Misconception(
            "tanh applied to the states again",
            partial(norms, slope="squared tanh"),
            "You take the slope of tanh at h, 1 - tanh(h)**2. But h is the value of a tanh "
            "already: the slope at the point where it was computed is 1 - h**2.",
        ),
        Misconception(
            "slope on the wrong side",
            partial(norms, side="right"),
            "The slopes multiply the columns of w_h; they belong to its rows. Unit i first sums "
            "what it gets and then applies its tanh, so row i of w_h is scaled by its own slope, "
            "1 - h[i]**2: (1 - h**2)[:, None] * w_h.",
        ),
        Misconception(
            "slope of the state before",
            partial(norms, shift=1),
            "Each Jacobian uses the slopes of the state it starts from. The step from h_t to "
            "h_(t+1) goes through the tanh that gives h_(t+1), so its slopes are "
            "1 - h_(t+1)**2.",
        ),
        Misconception(
            "order of the product reversed",
            partial(norms, reversed_order=True),
            "The Jacobians are multiplied in the wrong order. The chain rule puts the latest one "
            "leftmost: dh_T/dh_t = J_T ... J_(t+1). Matrices do not commute, so the order "
            "changes the norm.",
        ),
        Misconception(
            "forward from the first state",
            partial(norms, forward=True),
            "You follow a change of the first state forward: |dh_t/dh_1|, which begins at 1. Asked "
            "for is how each state acts on the last, |dh_T/dh_t|, which ends at 1.",
        ),
        Misconception(
            "one Jacobian too many",
            partial(norms, one_more=True),
            "Each product has one factor too many. From h_t to h_T there are T - t steps; the last "
            "entry has no step at all, so its Jacobian is the identity and its norm 1.",
        ),
        Misconception(
            "product of the norms",
            partial(norms, product_of_norms=True),
            "You multiply the norms of the single Jacobians. That is an upper bound: the direction "
            "that one step stretches most is not the one that the next step stretches most. "
            "Multiply the matrices, then take the norm.",
        ),
        Misconception(
            "Frobenius norm",
            partial(norms, size="frobenius"),
            "np.linalg.norm of a matrix is the Frobenius norm, the root of the summed squares; for "
            "the identity it is the root of n, not 1. Asked for is the largest factor by which "
            "the matrix stretches a vector, its largest singular value: np.linalg.norm(J, 2).",
        ),
        Misconception(
            "Frobenius norm but for the last",
            partial(norms, size="frobenius", last_is_one=True),
            "The last entry is right, but the others are Frobenius norms, which np.linalg.norm "
            "gives of a matrix unless told otherwise: they add up what all directions do. Asked "
            "for is the largest stretch of any one direction: np.linalg.norm(J, 2).",
        ),
        Misconception(
            "spectral radius",
            partial(norms, size="radius"),
            "This is the largest eigenvalue in absolute value. It says how a matrix grows when it "
            "is applied again and again; what it does to the worst vector once is the largest "
            "singular value, np.linalg.norm(J, 2), which can be far larger.",
        ),
        Misconception(
            "recurrent weights transposed",
            partial(norms, transposed=True),
            "The Jacobian holds w_h transposed. Entry i, j says how unit i reacts to unit j: "
            "(1 - h[i]**2) * w_h[i, j]. (Backpropagation multiplies by transposed Jacobians, "
            "slopes included; transposing w_h alone is neither.)",
        ),
    ),
    rtol=1e-6,
)
