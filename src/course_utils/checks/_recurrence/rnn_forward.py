"""Part 1 of `recurrence`: the states of a plain recurrent network."""

from collections.abc import Callable
from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._recurrence import UNITS, Array, draw_rnn, sigmoid
from course_utils.recurrence import rnn_forward


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(7)
    one, several, start = "one step", "several steps", "start and bias"
    x, w_h, w_x, b, h0 = draw_rnn(fixed, 6, n_x=3)
    zeros = np.zeros(len(b))
    return [
        Case(one, "one step from a given state", (x[:1], w_h, w_x, b, h0)),
        Case(one, "one step of a network drawn at random", draw_rnn(rng, 1, n_x=3, n_h=5)),
        Case(several, "six steps", (x, w_h, w_x, b, h0)),
        Case(several, "as many steps as units", draw_rnn(fixed, 4)),
        Case(several, "a network drawn at random", draw_rnn(rng, 9, n_h=3)),
        Case(start, "no input: the bias and the start alone", (0 * x, w_h, w_x, b, h0)),
        Case(start, "a start at rest", (x, w_h, w_x, 2 * b, zeros)),
    ]


def run(
    inputs: Array,
    w_h: Array,
    w_x: Array,
    b: Array,
    h0: Array,
    *,
    activation: Callable[[Array], Array] = np.tanh,
    transposed: bool = False,
    bias: float = 1.0,
    at_rest: bool = False,
    forgetful: bool = False,
    inside: bool = False,
) -> Array:
    """The states, wrong in what a keyword says."""
    h = 0 * h0 if at_rest else h0
    states = []
    for x in inputs:
        before = h0 if forgetful else h
        from_h = before @ w_h if transposed else w_h @ before
        from_x = w_x @ x + bias * b
        h = from_h + activation(from_x) if inside else activation(from_h + from_x)
        states.append(h)
    return np.array(states)


def _last_only(*args: Array) -> Array:
    return run(*args)[-1]


def _with_start(*args: Array) -> Array:
    return np.concatenate([args[-1][None], run(*args)])


def _aliased(*args: Array) -> Array:
    states = run(*args)
    return np.repeat(states[-1:], len(states), axis=0)


def _one_late(*args: Array) -> Array:
    return _with_start(*args)[:-1]


PART = Part(
    reference=rnn_forward,
    cases=_cases,
    points={"one step": 1.0, "several steps": 1.5, "start and bias": 0.5},
    outputs=("h",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "recurrent weights transposed",
            partial(run, transposed=True),
            "The recurrent weights are used the other way round. The rows of w_h belong to the "
            "units that receive, so the input that unit i gets from the others is the sum over j "
            "of w_h[i, j] * h[j]: w_h @ h for one state, h @ w_h.T for states stored in rows.",
        ),
        Misconception(
            "start ignored",
            partial(run, at_rest=True),
            "The network starts at rest, whatever h0 says. The first state is computed from h0: "
            "before the loop, h = h0.",
        ),
        Misconception(
            "state not carried on",
            partial(run, forgetful=True),
            "Every step starts from h0 again, so your network remembers nothing. Hand each new "
            "state to the next step; that hand-over is all the memory there is.",
        ),
        Misconception(
            "bias left out",
            partial(run, bias=0.0),
            "The bias is missing: add b before the tanh, at every step.",
        ),
        Misconception(
            "no nonlinearity",
            partial(run, activation=lambda z: z),
            "Your states are the summed inputs themselves. Each unit passes its sum through tanh, "
            "and what it hands on is the tanh, which stays between -1 and 1.",
        ),
        Misconception(
            "sigmoid in place of tanh",
            partial(run, activation=sigmoid),
            "The states are all positive: they went through a sigmoid. The units of this network "
            "are tanh units, with states from -1 to 1 and slope 1 at rest.",
        ),
        Misconception(
            "tanh around the input only",
            partial(run, inside=True),
            "The recurrent term is added outside the tanh. All that a unit receives, from the "
            "input, from the other units and from its bias, is summed first; then comes the tanh.",
        ),
        Misconception(
            "last state only",
            _last_only,
            "You return the last state, shape (n_h,). The contract asks for the state after every "
            "step, shape (t, n_h): collect them as you go.",
        ),
        Misconception(
            "start among the states",
            _with_start,
            "Your result has one row too many: it begins with h0. The first row is the state after "
            "the first input.",
        ),
        Misconception(
            "states shifted by one step",
            _one_late,
            "Your rows are one step late: the first is h0 and the last state is missing. Store the "
            "state after the step, not the one before it.",
        ),
        Misconception(
            "every row the same array",
            _aliased,
            "All rows are the last state. That happens when one array is changed in place and "
            "stored again and again: the list then holds the same array t times. Make a new array "
            "at each step, or store a copy.",
        ),
    ),
    rtol=1e-6,
)
