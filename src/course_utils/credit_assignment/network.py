"""The networks of credit assignment and predictive coding, and the gradient by backpropagation."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.float64]

HIDDEN = ("tanh", "linear")
LOSSES = ("squared", "cross_entropy")


class Layer(NamedTuple):
    """One layer's parameters, or the gradient with respect to them."""

    weight: Floats  # (n_out, n_in)
    bias: Floats  # (n_out,)


def init_network(sizes: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Weights from a normal distribution of variance 1 / n_in, biases 0: one Layer a connection.

    sizes: units of each layer, the inputs first, at least two whole numbers of at least 1.
    Raises TypeError on sizes that are no whole numbers or a missing generator, ValueError on fewer
    than two sizes or one below 1.
    """
    rng = _validate.generator("rng", rng)
    sizes = [_validate.whole_number("sizes", size, minimum=1) for size in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected at least two layers, got {len(sizes)}")
    return [
        Layer(rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), np.zeros(n_out))
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def forward(network: list[Layer], inputs: ArrayLike, *, hidden: str = "tanh") -> list[Floats]:
    """Activities of every layer, the inputs first: x_l = f(W_l x_(l-1) + b_l).

    f is `hidden`, "tanh" or "linear", in the hidden layers and the identity in the last.
    inputs: (n, n_in).  Returns arrays of shape (n, size of the layer).
    Raises ValueError on layers that do not fit together, inputs of another width, NaN or infinity.
    """
    return run(check_network(network), inputs, hidden)


def run(network: list[Layer], inputs: ArrayLike, hidden: str) -> list[Floats]:
    """`forward` for a network that is checked already."""
    activities = [_validate.real_array("inputs", inputs, ("n", network[0].weight.shape[1]))]
    _validate.one_of("hidden", hidden, HIDDEN)
    for number, (weight, bias) in enumerate(network, start=1):
        total = activities[-1] @ weight.T + bias
        activities.append(np.tanh(total) if hidden == "tanh" and number < len(network) else total)
    return activities


def output_error(outputs: Floats, targets: ArrayLike, loss: str) -> tuple[float, Floats]:
    """The loss, a mean over samples, and each sample's derivative with respect to its outputs.

    "squared": half the sum of squared differences over outputs, targets (n, n_out).
    "cross_entropy": -log softmax(outputs) of the class, targets (n,), whole numbers.
    """
    _validate.one_of("loss", loss, LOSSES)
    if loss == "squared":
        error = outputs - _validate.real_array("targets", targets, outputs.shape)
        return 0.5 * float((error**2).sum()) / len(outputs), error
    classes = _check_classes(targets, outputs.shape)
    log_sum = np.logaddexp.reduce(outputs, axis=1, keepdims=True)
    rows = np.arange(len(outputs))
    error = np.exp(outputs - log_sum)
    error[rows, classes] -= 1.0
    return float((log_sum[:, 0] - outputs[rows, classes]).mean()), error


def backprop_gradients(
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    loss: str = "squared",
    hidden: str = "tanh",
) -> list[Layer]:
    """Gradient of the loss with respect to every weight and bias, by the chain rule.

    delta_L = dE/dy,  delta_l = (W_(l+1)^T delta_(l+1)) * f'(x_l),  dE/dW_l = <delta_l x_(l-1)^T>
    {rumelhart1986}, the mean over samples.

    inputs: (n, n_in).  targets: (n, n_out) with loss "squared", half the sum over outputs; (n,)
    whole-numbered classes with "cross_entropy".  hidden: "tanh" or "linear".
    Raises ValueError on shapes that do not fit, NaN, infinity or an unknown name, TypeError on
    other types.
    """
    network = check_network(network)
    activities = run(network, inputs, hidden)
    _, delta = output_error(activities[-1], targets, loss)
    gradients = []
    for number in reversed(range(len(network))):
        below = activities[number]
        gradients.append(Layer(delta.T @ below / len(delta), delta.mean(axis=0)))
        if number:
            delta = (delta @ network[number].weight) * slope(below, hidden)
    return gradients[::-1]


def slope(activity: Floats, hidden: str) -> Any:
    """f' of a hidden layer, from the activity that f gave."""
    return 1.0 - activity**2 if hidden == "tanh" else 1.0


def check_network(network: Any) -> list[Layer]:
    """`network` in float64, its layers fitting together; raises TypeError or ValueError."""
    if not isinstance(network, list | tuple) or not network:
        raise TypeError(f"network: expected a list of Layer, got {type(network).__name__}")
    layers: list[Layer] = []
    for number, layer in enumerate(network):
        if not isinstance(layer, tuple) or len(layer) != 2:
            raise TypeError(f"network[{number}]: expected a Layer, got {type(layer).__name__}")
        n_in: int | str = len(layers[-1].bias) if layers else "n_in"
        weight = _validate.real_array(f"network[{number}].weight", layer[0], ("n_out", n_in))
        bias = _validate.real_array(f"network[{number}].bias", layer[1], (len(weight),))
        layers.append(Layer(weight, bias))
    return layers


def _check_classes(targets: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    classes = np.asarray(targets)
    if classes.dtype.kind not in "iu":
        raise TypeError(f"targets: expected whole-numbered classes, got {classes.dtype}")
    if classes.shape != shape[:1]:
        raise ValueError(f"targets: expected shape {shape[:1]}, got {classes.shape}")
    if classes.min() < 0 or classes.max() >= shape[1]:
        raise ValueError(
            f"targets: expected classes from 0 to {shape[1] - 1}, "
            f"got {classes.min()} to {classes.max()}"
        )
    return classes.astype(np.int64)
