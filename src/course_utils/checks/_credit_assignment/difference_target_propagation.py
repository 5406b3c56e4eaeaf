"""Part 3 of `credit_assignment`: targets that come down through learned inverses."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._credit_assignment import (
    OUTPUTS,
    UNITS,
    Array,
    Network,
    bend,
    draw_data,
    draw_network,
    error_of,
    layers_of,
    unpack_layers,
)
from course_utils.credit_assignment import Layer, difference_target_propagation


def _case(
    rng: np.random.Generator,
    aspect: str,
    label: str,
    sizes: tuple[int, ...],
    n: int,
    loss: str = "squared",
    hidden: str = "tanh",
    step_size: float = 0.3,
) -> Case:
    network = draw_network(rng, sizes)
    inverses = [
        Layer(rng.normal(0, 0.7, layer.weight.T.shape), rng.uniform(0.2, 0.6, len(layer.weight.T)))
        for layer in network[1:]
    ]
    arguments = network, inverses, *draw_data(rng, network, n, loss)
    return Case(aspect, label, arguments, {"step_size": step_size, "loss": loss, "hidden": hidden})


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(13)
    one, two = "one hidden layer", "two hidden layers"
    return [
        _case(fixed, one, "linear units", (3, 4, 2), 5, hidden="linear"),
        _case(fixed, one, "tanh units", (4, 5, 3), 6),
        _case(rng, one, "classes, drawn at random", (3, 4, 3), 6, "cross_entropy", step_size=0.5),
        _case(fixed, two, "two hidden layers of different sizes", (3, 5, 4, 2), 5),
        _case(
            rng,
            two,
            "two hidden layers, drawn at random",
            (4, 3, 5, 3),
            7,
            step_size=rng.uniform(0.2, 0.6),
        ),
        _case(fixed, two, "classes", (4, 5, 3, 3), 6, "cross_entropy"),
    ]


def _run(inverse: Layer, above: Array, hidden: str, *, bent: bool, biased: bool) -> Array:
    z = above @ inverse.weight.T + (inverse.bias if biased else 0)
    return np.tanh(z) if hidden == "tanh" and bent else z


def propagate(
    network: Network,
    inverses: Network,
    inputs: Array,
    targets: Array,
    *,
    step_size: float,
    loss: str,
    hidden: str,
    difference: str = "right",
    top: str = "inverse",
    aim: float = 1.0,
    divided: bool = True,
    bent: bool = True,
    biased: bool = True,
    slope: str = "square",
    output_slope: bool = False,
    scale: str = "mean",
    factor: float = 1.0,
    biases: bool = True,
) -> Network:
    """Difference target propagation, wrong in what a keyword says."""
    x = layers_of(network, inputs, hidden)
    error = error_of(x[-1], targets, loss)
    aims = [x[-1] - aim * step_size * error]
    for number in range(len(network) - 2, -1, -1):
        own, above = x[number + 1], x[number + 2]
        if top == "gradient" and number == len(network) - 2:
            aims.insert(0, own - step_size * (error @ network[-1].weight))
            continue
        if top == "transpose":
            aims.insert(0, own + (aims[0] - above) @ network[number + 1].weight)
            continue
        guess, now = (
            _run(inverses[number], at, hidden, bent=bent, biased=biased) for at in (aims[0], above)
        )
        aims.insert(
            0,
            {
                "right": own + guess - now,
                "none": guess,
                "reversed": own - guess + now,
                "without own": guess - now,
            }[difference],
        )
    gradients = []
    for number, target in enumerate(aims):
        own = x[number + 1]
        delta = factor * (own - target) / (step_size if divided else 1.0)
        if number < len(network) - 1:
            delta = delta * bend(own, hidden, slope)
        elif output_slope:
            delta = delta * bend(own, hidden)
        delta = delta / (len(inputs) if scale == "mean" else 1)
        gradients.append(Layer(delta.T @ x[number], delta.sum(axis=0) * (1 if biases else 0)))
    return gradients


PART = Part(
    reference=difference_target_propagation,
    cases=_cases,
    points={"one hidden layer": 1.5, "two hidden layers": 1.5},
    outputs=OUTPUTS,
    units=UNITS,
    unpack=unpack_layers,
    misconceptions=(
        Misconception(
            "no difference",
            partial(propagate, difference="none"),
            "This is target propagation without the difference: the target is what the inverse "
            "makes of the target above. An inverse that is not exact then asks a layer to change "
            "even where nothing is wrong. Add what it misses by at the present activity:\n"
            "    xhat_l = x_l + g_l(xhat_(l+1)) - g_l(x_(l+1))",
        ),
        Misconception(
            "difference reversed",
            partial(propagate, difference="reversed"),
            "Your targets lie on the wrong side of the activities: the difference is "
            "g_l(xhat_(l+1)) - g_l(x_(l+1)), what the target asks for minus what there is.",
        ),
        Misconception(
            "activity not added",
            partial(propagate, difference="without own"),
            "You take the difference of the two guesses for the target itself. It says by how much "
            "the layer should change; the target is the layer's activity plus this change.",
        ),
        Misconception(
            "gradient for the topmost hidden layer",
            partial(propagate, top="gradient"),
            "The topmost hidden layer gets its target from the gradient, through the transpose of "
            "W_L. The first version of the rule did so, but that is weight transport at one layer. "
            "Here that layer too gets its target through its inverse.",
        ),
        Misconception(
            "transposes in place of inverses",
            partial(propagate, top="transpose"),
            "The targets come down through the transposed forward weights, and `inverses` is never "
            "used. The targets of this rule come through learned inverses, which know nothing of "
            "the forward weights but what they have learned.",
        ),
        Misconception(
            "target beyond the output",
            partial(propagate, aim=-1.0),
            "The output's target lies uphill: y + step_size * dE/dy. It should be a step closer to "
            "what is wanted, y - step_size * dE/dy.",
        ),
        Misconception(
            "not divided by the step size",
            partial(propagate, divided=False),
            "The layers' losses are |x - xhat|**2 / (2 step_size). Without the division every "
            "update shrinks with the step to the target, and the last layer's is no longer the "
            "gradient of the loss.",
        ),
        Misconception(
            "inverse without its nonlinearity",
            partial(propagate, bent=False),
            "An inverse guesses the activities of a hidden layer, which are values of tanh, and "
            "ends in one itself: g(x) = f(V x + c). You leave out f.",
        ),
        Misconception(
            "inverse without its bias",
            partial(propagate, biased=False),
            "The inverse's bias is missing: g(x) = f(V x + c). Only in linear units does it cancel "
            "in the difference.",
        ),
        Misconception(
            "slope left out",
            partial(propagate, slope="none"),
            "A layer's loss is a distance of activities; its gradient with respect to the weights "
            "goes through the units' own slope, 1 - x**2 for tanh.",
        ),
        Misconception(
            "slope at the output",
            partial(propagate, output_slope=True),
            "The last layer is linear: there is no slope to multiply with.",
        ),
        Misconception(
            "the half forgotten",
            partial(propagate, factor=2.0),
            "Every update is twice too large: the loss of a layer is half the squared distance to "
            "its target, over the step size.",
        ),
        Misconception(
            "toward the target",
            partial(propagate, factor=-1.0),
            "The sign is reversed: this is the direction in which to change. Asked for is the "
            "gradient of each layer's loss, from which the weights step away: x - xhat, not "
            "xhat - x.",
        ),
        Misconception(
            "sum over samples",
            partial(propagate, scale="sum"),
            "You sum over samples where the mean is asked for: divide by len(inputs).",
        ),
        Misconception(
            "biases left out",
            partial(propagate, biases=False),
            "Your biases get no update. A bias is the weight of an input that is always 1: its "
            "update is the mean of delta.",
        ),
    ),
    rtol=1e-6,
    atol=1e-9,
)
