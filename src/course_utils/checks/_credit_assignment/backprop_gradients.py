"""Part 1 of `credit_assignment`: the gradient by the chain rule."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._credit_assignment import (
    OUTPUTS,
    UNITS,
    assign,
    draw_data,
    draw_network,
    unpack_layers,
)
from course_utils.credit_assignment import backprop_gradients


def _case(
    rng: np.random.Generator,
    aspect: str,
    label: str,
    sizes: tuple[int, ...],
    n: int,
    loss: str = "squared",
    hidden: str = "tanh",
) -> Case:
    network = draw_network(rng, sizes)
    arguments = network, *draw_data(rng, network, n, loss)
    return Case(aspect, label, arguments, {"loss": loss, "hidden": hidden})


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(11)
    last, deep, classes = "the last layer", "hidden layers", "classes"
    return [
        _case(fixed, last, "a network without hidden layers", (3, 2), 4),
        _case(rng, last, "one layer, drawn at random", (4, 3), 5),
        _case(fixed, deep, "one hidden layer of linear units", (3, 4, 2), 5, hidden="linear"),
        _case(fixed, deep, "one hidden layer of tanh units, one sample", (3, 4, 2), 1),
        _case(fixed, deep, "two hidden layers, five samples", (3, 5, 4, 2), 5),
        _case(rng, deep, "two hidden layers, drawn at random", (4, 3, 5, 2), 6),
        _case(fixed, classes, "three classes", (4, 5, 3), 6, "cross_entropy"),
        _case(rng, classes, "four classes, drawn at random", (3, 4, 5, 4), 8, "cross_entropy"),
    ]


PART = Part(
    reference=backprop_gradients,
    cases=_cases,
    points={"the last layer": 1.0, "hidden layers": 2.0, "classes": 1.0},
    outputs=OUTPUTS,
    units=UNITS,
    unpack=unpack_layers,
    misconceptions=(
        Misconception(
            "slope left out",
            partial(assign, slope="none"),
            "The error passes through the weights but not through the units. A hidden unit's "
            "output depends on its summed input through f, so the chain rule has a factor f' "
            "for every hidden layer: 1 - x**2 for tanh, with x the unit's activity.",
        ),
        Misconception(
            "1 - x in place of 1 - x squared",
            partial(assign, slope="one minus"),
            "The slope of tanh, written with its value x, is 1 - x**2; you use 1 - x. (For the "
            "sigmoid it would be x * (1 - x).)",
        ),
        Misconception(
            "tanh applied to the activity again",
            partial(assign, slope="again"),
            "You take the slope of tanh at x, 1 - tanh(x)**2. But x is the value of a tanh "
            "already: the slope at the point where it was computed is 1 - x**2.",
        ),
        Misconception(
            "slope of tanh in linear units",
            partial(assign, slope="always"),
            "With hidden='linear' the hidden units pass on their sum unchanged, and their slope "
            "is 1. You multiply with 1 - x**2 there too.",
        ),
        Misconception(
            "slope at the output",
            partial(assign, output_slope=True),
            "The last layer is linear in this network: y = W x + b, with no tanh. Its delta is "
            "dE/dy itself; do not multiply it with a slope.",
        ),
        Misconception(
            "sum over samples",
            partial(assign, scale="sum"),
            "The loss is a mean over samples, and so is its gradient: yours is the sum, larger by "
            "the number of samples. Divide by len(inputs), or a batch twice as long would take "
            "steps twice as large.",
        ),
        Misconception(
            "mean over outputs",
            partial(assign, scale="outputs too"),
            "You average over samples and over outputs. The squared loss is half the *sum* over "
            "outputs, averaged over samples only: divide by len(inputs), not by the number of "
            "entries of the error. (np.mean of the squared error, torch's default, does this.)",
        ),
        Misconception(
            "the half forgotten",
            partial(assign, factor=2.0),
            "Every gradient is twice too large. The squared loss has a factor one half, which "
            "cancels the 2 of the derivative: dE/dy = y - t.",
        ),
        Misconception(
            "downhill",
            partial(assign, factor=-1.0),
            "The sign is reversed: you return the direction in which to change the weights. Asked "
            "for is the gradient, dE/dW; the step against it is taken elsewhere. The error is "
            "y - t, not t - y.",
        ),
        Misconception(
            "biases left out",
            partial(assign, biases=False),
            "The gradient with respect to the biases is 0 in your answer. A bias is the weight of "
            "an input that is always 1, so its gradient is delta itself, averaged over samples.",
        ),
        Misconception(
            "only the last layer",
            partial(assign, output_only=True),
            "Only the last layer gets a gradient. Hidden layers get theirs from the error that the "
            "layer above sends down: delta_l = (W_(l+1).T delta_(l+1)) * f'(x_l).",
        ),
        Misconception(
            "summed input in place of activity",
            partial(assign, own_activity=True),
            "A weight multiplies the activity of the unit before it, so dE/dW is delta times that "
            "activity, tanh included. You multiply with the summed input that the unit before it "
            "received.",
        ),
        Misconception(
            "probabilities as error",
            partial(assign, error="probabilities"),
            "For the cross entropy the derivative with respect to the outputs is p - 1 at the "
            "sample's class and p elsewhere, p the softmax of the outputs. You return p: nothing "
            "in it says which class was right.",
        ),
        Misconception(
            "softmax left out",
            partial(assign, error="no softmax"),
            "With classes you subtract the one-hot target from the outputs themselves, which is "
            "the error of the squared loss. The derivative of the cross entropy is "
            "softmax(y) minus the one-hot target.",
        ),
    ),
    rtol=1e-7,
    atol=1e-10,
)
