"""Difference target propagation: every layer is told what it should have been, not how it erred."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils import _validate
from course_utils.credit_assignment.network import (
    HIDDEN,
    Floats,
    Layer,
    check_network,
    output_error,
    run,
    slope,
)


def init_inverses(network: list[Layer], rng: np.random.Generator) -> list[Layer]:
    """Random inverses of the layers above the first, one Layer for each hidden layer.

    The inverse of hidden layer l guesses x_l from x_(l+1) as f(V_l x_(l+1) + c_l): weights (n_l,
    n_(l+1)) of variance 1 / n_(l+1), biases 0.
    Raises TypeError without a generator or with a network that is none.
    """
    network = check_network(network)
    rng = _validate.generator("rng", rng)
    return [
        Layer(rng.standard_normal(layer.weight.T.shape) / np.sqrt(len(layer.bias)), below.bias * 0)
        for below, layer in itertools.pairwise(network)
    ]


def reconstruction_gradients(
    network: list[Layer],
    inverses: list[Layer],
    inputs: ArrayLike,
    rng: np.random.Generator,
    *,
    noise: float = 0.1,
    hidden: str = "tanh",
) -> list[Layer]:
    """Gradient of what each inverse minimizes: how badly it undoes the layer above it {lee2015}.

    <|g_l(f_(l+1)(h)) - h|^2> / 2, with h = x_l plus normal noise of that standard deviation, so
    that g_l learns to undo f_(l+1) around the activities and not at them alone.

    inputs: (n, n_in).  noise: at least 0.  Returns one Layer for each hidden layer.
    Raises ValueError on shapes that do not fit, NaN, infinity or an unknown name, TypeError on
    other types.
    """
    network = check_network(network)
    inverses = check_inverses(network, inverses)
    rng = _validate.generator("rng", rng)
    noise = _validate.real_number("noise", noise, minimum=0)
    activities = run(network, inputs, hidden)
    gradients = []
    for number, (inverse, x) in enumerate(zip(inverses, activities[1:-1], strict=True)):
        h = x + noise * rng.standard_normal(x.shape)
        above = _layer_output(network[number + 1], h, hidden, last=number + 2 == len(network))
        guess = _layer_output(inverse, above, hidden)
        delta = (guess - h) * slope(guess, hidden)
        gradients.append(Layer(delta.T @ above / len(delta), delta.mean(axis=0)))
    return gradients


def propagate_targets(
    inverses: list[Layer], activities: list[Floats], output_target: Floats, *, hidden: str = "tanh"
) -> list[Floats]:
    """The targets of layers 1 to L, from the output's down {lee2015}.

    xhat_l = x_l + g_l(xhat_(l+1)) - g_l(x_(l+1)): what the inverse makes of the target, corrected
    by what it makes of the activity, so that an activity that is right stays as it is.

    activities: as `forward` returns them.  output_target: (n, n_out).  Returns L arrays (n, n_l).
    """
    _validate.one_of("hidden", hidden, HIDDEN)
    targets = [_validate.real_array("output_target", output_target, activities[-1].shape)]
    for number in reversed(range(len(inverses))):
        inverse, x, above = inverses[number], activities[number + 1], activities[number + 2]
        aimed, found = (_layer_output(inverse, at, hidden) for at in (targets[-1], above))
        targets.append(x + (aimed - found))
    return targets[::-1]


def difference_target_propagation(
    network: list[Layer],
    inverses: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    step_size: float = 0.1,
    loss: str = "squared",
    hidden: str = "tanh",
) -> list[Layer]:
    """Gradient of each layer's own loss, the distance to its target {lee2015}.

    <|x_l - xhat_l|^2> / (2 step_size), the target and what lies below held fixed.  The output's
    target is y - step_size dE/dy, so that the last layer's is the gradient of the loss itself;
    the others come down through `inverses` as in `propagate_targets`.  No forward weight is used
    on the way back, not even the last (the simplified form of {bartunov2018}).

    inverses: for each hidden layer l a Layer with weight (n_l, n_(l+1)) and bias (n_l,).
    step_size: above 0; 1 with loss "squared" makes the targets themselves the output's targets.
    The rest, and what is returned, as in `backprop_gradients`.
    Raises ValueError on shapes that do not fit, NaN, infinity or an unknown name, TypeError on
    other types.
    """
    network = check_network(network)
    inverses = check_inverses(network, inverses)
    step_size = _validate.real_number("step_size", step_size, above=0)
    activities = run(network, inputs, hidden)
    _, error = output_error(activities[-1], targets, loss)
    aims = propagate_targets(
        inverses, activities, activities[-1] - step_size * error, hidden=hidden
    )
    gradients = []
    for number, (aim, below) in enumerate(zip(aims, activities[:-1], strict=True)):
        x = activities[number + 1]
        # the output is linear, and its error is known without the rounding of a difference
        last = number + 1 == len(network)
        delta = error if last else (x - aim) / step_size * slope(x, hidden)
        gradients.append(Layer(delta.T @ below / len(delta), delta.mean(axis=0)))
    return gradients


def check_inverses(network: list[Layer], inverses: Any) -> list[Layer]:
    """`inverses` in float64, one Layer for each hidden layer of `network`."""
    if not isinstance(inverses, list | tuple):
        raise TypeError(f"inverses: expected a list of Layer, got {type(inverses).__name__}")
    if len(inverses) != len(network) - 1:
        raise ValueError(
            f"inverses: expected one Layer for each of {len(network) - 1} hidden layers, "
            f"got {len(inverses)}"
        )
    checked = []
    for number, inverse in enumerate(inverses):
        if not isinstance(inverse, tuple) or len(inverse) != 2:
            raise TypeError(f"inverses[{number}]: expected a Layer, got {type(inverse).__name__}")
        shape = network[number + 1].weight.shape[::-1]
        weight = _validate.real_array(f"inverses[{number}].weight", inverse[0], shape)
        bias = _validate.real_array(f"inverses[{number}].bias", inverse[1], shape[:1])
        checked.append(Layer(weight, bias))
    return checked


def _layer_output(layer: Layer, x: Floats, hidden: str, *, last: bool = False) -> Floats:
    total = x @ layer.weight.T + layer.bias
    output: Floats = np.tanh(total) if hidden == "tanh" and not last else total
    return output
