"""Part 2 of `credit_assignment`: errors that come back through weights of their own."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._credit_assignment import (
    OUTPUTS,
    UNITS,
    Array,
    Network,
    assign,
    draw_data,
    draw_feedback,
    draw_network,
    unpack_layers,
)
from course_utils.credit_assignment import feedback_alignment_gradients


def _case(
    rng: np.random.Generator,
    aspect: str,
    label: str,
    sizes: tuple[int, ...],
    n: int,
    loss: str = "squared",
    hidden: str = "tanh",
    transposed: bool = False,
) -> Case:
    network = draw_network(rng, sizes)
    feedback = draw_feedback(rng, network)
    if transposed:
        feedback = [layer.weight.T.copy() for layer in network[1:]]
    arguments = network, feedback, *draw_data(rng, network, n, loss)
    return Case(aspect, label, arguments, {"loss": loss, "hidden": hidden})


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(12)
    one, two = "one hidden layer", "two hidden layers"
    return [
        _case(fixed, one, "linear units", (3, 4, 2), 5, hidden="linear"),
        _case(fixed, one, "tanh units", (4, 5, 3), 6),
        _case(rng, one, "classes, drawn at random", (3, 4, 3), 6, "cross_entropy"),
        _case(fixed, two, "two hidden layers of different sizes", (3, 5, 4, 2), 5),
        _case(fixed, two, "three layers of one size", (3, 3, 3, 3), 4),
        _case(rng, two, "two hidden layers, drawn at random", (4, 3, 5, 3), 7, "cross_entropy"),
        _case(
            fixed,
            two,
            "feedback equal to the transposes, where it is backpropagation",
            (3, 5, 4, 2),
            5,
            transposed=True,
        ),
    ]


def _align(
    network: Network, feedback: list[Array], inputs: Array, targets: Array, **wrong: Any
) -> Network:
    return assign(network, inputs, targets, back=feedback, **wrong)


def _backprop(
    network: Network, feedback: list[Array], inputs: Array, targets: Array, **wrong: Any
) -> Network:
    return assign(network, inputs, targets, **wrong)


def _only_top(
    network: Network, feedback: list[Array], inputs: Array, targets: Array, **wrong: Any
) -> Network:
    back = [*(layer.weight.T for layer in network[1:-1]), feedback[-1]]
    return assign(network, inputs, targets, back=back, **wrong)


def _mixed(
    network: Network, feedback: list[Array], inputs: Array, targets: Array, **wrong: Any
) -> Network:
    back = [b + layer.weight.T for b, layer in zip(feedback, network[1:], strict=True)]
    return assign(network, inputs, targets, back=back, **wrong)


def _signs(
    network: Network, feedback: list[Array], inputs: Array, targets: Array, **wrong: Any
) -> Network:
    return assign(network, inputs, targets, back=[np.sign(b) for b in feedback], **wrong)


PART = Part(
    reference=feedback_alignment_gradients,
    cases=_cases,
    points={"one hidden layer": 1.5, "two hidden layers": 1.5},
    outputs=OUTPUTS,
    units=UNITS,
    unpack=unpack_layers,
    misconceptions=(
        Misconception(
            "backpropagation",
            _backprop,
            "This is backpropagation: on the way back you use the forward weights and never "
            "`feedback`. The point of the rule is to do without them: the error comes down through "
            "B_l, feedback[l - 1], in the place of the transpose of W_(l+1).",
        ),
        Misconception(
            "feedback for the topmost hidden layer only",
            _only_top,
            "The topmost hidden layer gets its error through its B, but below it you go on with "
            "the transposed forward weights. Every hidden layer has feedback weights of its own.",
        ),
        Misconception(
            "feedback added to the transpose",
            _mixed,
            "You send the error through B and the transposed forward weights together. B stands in "
            "their place; the backward path knows nothing of the forward weights.",
        ),
        Misconception(
            "signs of the feedback",
            _signs,
            "You use the signs of the feedback weights only. That is another rule; here B is used "
            "as it is.",
        ),
        Misconception(
            "slope left out",
            partial(_align, slope="none"),
            "The error that arrives at a hidden unit, B delta, is not yet its delta. The unit's "
            "own slope f'(x), 1 - x**2 for tanh, is local to it and stays in the rule.",
        ),
        Misconception(
            "slope not passed on",
            partial(_align, passed_slope=False),
            "What a hidden layer sends down to the next is its delta, slope included. You apply "
            "the slope in the update but pass on the error as it arrived.",
        ),
        Misconception(
            "slope of tanh in linear units",
            partial(_align, slope="always"),
            "With hidden='linear' the hidden units pass on their sum unchanged, and their slope "
            "is 1. You multiply with 1 - x**2 there too.",
        ),
        Misconception(
            "1 - x in place of 1 - x squared",
            partial(_align, slope="one minus"),
            "The slope of tanh, written with its value x, is 1 - x**2; you use 1 - x.",
        ),
        Misconception(
            "slope at the output",
            partial(_align, output_slope=True),
            "The last layer is linear: its delta is dE/dy itself, without a slope.",
        ),
        Misconception(
            "sum over samples",
            partial(_align, scale="sum"),
            "You sum over samples where the mean is asked for: divide by len(inputs).",
        ),
        Misconception(
            "downhill",
            partial(_align, factor=-1.0),
            "The sign is reversed. The result takes the place of the gradient, from which the "
            "weights step away: the error is y - t, not t - y.",
        ),
        Misconception(
            "biases left out",
            partial(_align, biases=False),
            "Your biases get no update. A bias is the weight of an input that is always 1: its "
            "update is the mean of delta.",
        ),
        Misconception(
            "only the last layer",
            partial(_align, output_only=True),
            "Only the last layer learns in your answer. The hidden layers get "
            "delta_l = (B_l delta_(l+1)) * f'(x_l), which is what the rule is for.",
        ),
    ),
    rtol=1e-7,
    atol=1e-10,
)
