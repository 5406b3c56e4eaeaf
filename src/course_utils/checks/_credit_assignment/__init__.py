"""The checks of `credit_assignment`, one module a part; here what they share."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.credit_assignment import Layer

Array = NDArray[Any]
Network = list[Layer]

UNITS = {"angles": "degrees"}
_DEEPEST = 3
OUTPUTS = tuple(f"{kind}_{number}" for number in (1, 2, 3) for kind in ("weight", "bias"))


def unpack_layers(result: Any) -> list[Any]:
    """Weights and biases of up to three layers, first layer first; empty where there is none."""
    layers = list(result)
    if not 1 <= len(layers) <= _DEEPEST:
        raise ValueError(f"expected one Layer(weight, bias) for each layer, got {len(layers)}")
    values: list[Any] = []
    for layer in layers:
        weight, bias = layer
        values += [weight, bias]
    return values + [np.zeros(0)] * (2 * (_DEEPEST - len(layers)))


def draw_network(rng: np.random.Generator, sizes: Sequence[int]) -> Network:
    """A network whose biases are not 0 and whose units bend."""
    return [
        Layer(rng.normal(0, 1.2 / np.sqrt(n_in), (n_out, n_in)), rng.uniform(0.2, 0.7, n_out))
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def draw_feedback(rng: np.random.Generator, network: Network) -> list[Array]:
    """Feedback of the transposes' shapes, one matrix a hidden layer."""
    return [rng.normal(0, 0.8, layer.weight.T.shape) for layer in network[1:]]


def draw_data(rng: np.random.Generator, network: Network, n: int, loss: str) -> tuple[Array, Array]:
    """Inputs and targets, more than one class among them."""
    n_out = len(network[-1].bias)
    inputs = rng.normal(0, 1, (n, network[0].weight.shape[1]))
    if loss == "squared":
        return inputs, rng.normal(0, 1, (n, n_out))
    return inputs, rng.permutation(np.arange(n) % n_out)


def layers_of(network: Network, inputs: Array, hidden: str) -> list[Array]:
    x = [inputs]
    for weight, bias in network:
        z = x[-1] @ weight.T + bias
        x.append(np.tanh(z) if hidden == "tanh" and len(x) < len(network) else z)
    return x


def error_of(y: Array, targets: Array, loss: str, *, kind: str = "right") -> Array:
    """dE/dy of each sample, wrong in what `kind` says."""
    if loss == "squared":
        return y - targets
    p = np.exp(y - y.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    one_hot = np.eye(y.shape[1])[targets]
    if kind == "probabilities":
        return p
    if kind == "no softmax":
        return y - one_hot
    return p - one_hot


def bend(x: Array, hidden: str, kind: str = "square") -> Array:
    """f' from the activity, wrong in what `kind` says."""
    if kind == "none" or (hidden == "linear" and kind != "always"):
        return np.ones_like(x)
    if kind == "one minus":
        return 1 - x
    if kind == "again":
        return 1 - np.tanh(x) ** 2
    return 1 - x**2


def assign(
    network: Network,
    inputs: Array,
    targets: Array,
    *,
    loss: str,
    hidden: str,
    back: Sequence[Array] | None = None,
    error: str = "right",
    slope: str = "square",
    passed_slope: bool = True,
    output_slope: bool = False,
    output_only: bool = False,
    scale: str = "mean",
    factor: float = 1.0,
    biases: bool = True,
    own_activity: bool = False,
) -> Network:
    """Backpropagation, or through `back` in the place of the transposes; wrong as keywords say."""
    x = layers_of(network, inputs, hidden)
    back = [layer.weight.T for layer in network[1:]] if back is None else back
    delta = error_of(x[-1], targets, loss, kind=error)
    if output_slope:
        delta = delta * bend(x[-1], hidden, "square")
    gradients: Network = []
    divisor = {"mean": len(inputs), "sum": 1, "outputs too": delta.size}[scale]
    passed = delta
    for number in range(len(network) - 1, -1, -1):
        below = x[number]
        if own_activity and number > 0:
            below = _total(network, x, number)
        used = delta * (factor / divisor)
        if output_only and number < len(network) - 1:
            used = 0 * used
        gradients.insert(
            0, Layer(used.T @ below, used.sum(axis=0) if biases else 0 * used.sum(axis=0))
        )
        if number:
            came = passed @ back[number - 1].T
            delta = came * bend(x[number], hidden, slope)
            passed = delta if passed_slope else came
    return gradients


def _total(network: Network, x: list[Array], number: int) -> Array:
    """The summed input of a hidden layer, before its nonlinearity."""
    weight, bias = network[number - 1]
    return x[number - 1] @ weight.T + bias
