"""The checks of `predictive_coding`, one module a part; here what they share."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.credit_assignment import Layer

Array = NDArray[Any]

UNITS: dict[str, str] = {}
GRADIENTS = tuple(f"{part} of layer {number}" for number in (1, 2, 3) for part in ("dW", "db"))


def draw(
    rng: np.random.Generator, sizes: Sequence[int] = (4, 5, 3, 2), n: int = 3
) -> tuple[list[Layer], Array, Array]:
    """A network of three layers none of whose numbers is 0 or 1, inputs and targets."""
    network = [
        Layer(rng.normal(0, 0.9 / np.sqrt(n_in), (n_out, n_in)), rng.uniform(0.2, 0.6, n_out))
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    return network, rng.normal(0, 1, (n, sizes[0])), rng.normal(0, 1, (n, sizes[-1])) + 0.5


def predicted(network: list[Layer], inputs: Array) -> list[Array]:
    """Total inputs of every layer, each where the one before predicts it."""
    x = [inputs]
    for number, (weight, bias) in enumerate(network):
        x.append((np.tanh(x[-1]) if number else x[-1]) @ weight.T + bias)
    return x


def step(
    activities: Sequence[Array],
    network: list[Layer],
    *,
    step_size: float,
    variances: Array | None = None,
    slope: str = "right",
    own: float = 1.0,
    above: float = 1.0,
    precision: str = "inverse",
    shift: int = 0,
    in_turn: bool = False,
    input_rate: bool = False,
    outside: bool = False,
    bias: float = 1.0,
    output_moves: bool = False,
) -> list[Array]:
    """One step of the activities, wrong in what a keyword says."""
    sigma = np.ones(len(network)) if variances is None else np.asarray(variances, float)
    pi = {"inverse": 1 / sigma, "none": 0 * sigma + 1, "root": sigma**-0.5, "variance": sigma}[
        precision
    ]
    pi = np.roll(pi, shift)
    x = [a.copy() for a in activities]
    start = x if in_turn else [a.copy() for a in activities]

    def error(number: int) -> Array:
        weight, b = network[number - 1]
        below = start[number - 1]
        rate = np.tanh(below) if number > 1 or input_rate else below
        if outside:
            return start[number] - np.tanh(below @ weight.T + bias * b)
        return start[number] - rate @ weight.T - bias * b

    for number in range(1, len(network)):
        z = start[number]
        f = {
            "right": 1 - np.tanh(z) ** 2,
            "none": np.ones_like(z),
            "of the total": 1 - z**2,
            "rate": np.tanh(z),
        }[slope]
        pull = f * ((pi[number] * error(number + 1)) @ network[number].weight)
        x[number] = z - step_size * (own * pi[number - 1] * error(number) - above * pull)
    if output_moves:
        x[-1] = start[-1] - step_size * pi[-1] * error(len(network))
    return x


def slopes(
    network: list[Layer],
    x: Sequence[Array],
    variances: Array | None = None,
    *,
    rate: str = "tanh",
    times_slope: bool = False,
    average: bool = True,
    average_bias: bool = True,
    sign: float = -1.0,
    older: Sequence[Array] | None = None,
) -> list[Layer]:
    """The energy's slope in every weight, wrong in what a keyword says."""
    sigma = np.ones(len(network)) if variances is None else np.asarray(variances, float)
    result = []
    for number, (weight, bias) in enumerate(network):
        f = np.tanh(x[number]) if number else x[number]
        seen = x if older is None else older
        g = np.tanh(seen[number]) if number else seen[number]
        error = (seen[number + 1] - g @ weight.T - bias) / sigma[number]
        if times_slope and number < len(network) - 1:
            error = error * (1 - np.tanh(x[number + 1]) ** 2)
        before = x[number] if rate == "total" else f
        n = len(f) if average else 1
        m = len(f) if average_bias else 1
        result.append(Layer(sign * error.T @ before / n, sign * error.sum(axis=0) / m))
    return result


def backpropagated(network: list[Layer], inputs: Array, targets: Array) -> list[Layer]:
    x = predicted(network, inputs)
    delta = x[-1] - targets
    result = []
    for number in reversed(range(len(network))):
        rate = np.tanh(x[number]) if number else x[number]
        result.append(Layer(delta.T @ rate / len(rate), delta.mean(axis=0)))
        delta = (delta @ network[number].weight) * (1 - rate**2)
    return result[::-1]


def unpack(result: Any) -> tuple[Any, ...]:
    """dW and db of the three layers, from a list of Layer or of pairs."""
    if len(result) != 3:
        raise ValueError(f"expected 3 layers, got {len(result)}")
    return tuple(part for weight, bias in result for part in (weight, bias))
