"""Errors that come back through weights of their own: random, direct, or learned beside W."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils import _validate
from course_utils.credit_assignment.network import (
    Floats,
    Layer,
    check_network,
    output_error,
    run,
    slope,
)


def init_feedback(
    network: list[Layer], rng: np.random.Generator, *, direct: bool = False
) -> list[Floats]:
    """Random feedback weights B_l, one matrix a hidden layer, normal of variance 1 / n_l.

    That is the variance of the entries of W_(l+1)^T, and of W_(l+1)^T ... W_L^T, when W comes from
    `init_network`, so that errors arrive at the size that backpropagation would give them.

    Returns, for hidden layers l = 1, 2, ..., arrays of shape (n_l, n_(l+1)), rows postsynaptic;
    with `direct`, (n_l, n_out).
    Raises TypeError without a generator or with a network that is none, ValueError on one whose
    layers do not fit together.
    """
    network = check_network(network)
    rng = _validate.generator("rng", rng)
    return [
        rng.standard_normal(shape) / np.sqrt(shape[0])
        for shape in _feedback_shapes(network, direct=direct)
    ]


def feedback_alignment_gradients(
    network: list[Layer],
    feedback: Sequence[ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    loss: str = "squared",
    hidden: str = "tanh",
) -> list[Layer]:
    """What feedback alignment puts in the place of the gradient {lillicrap2016}.

    delta_l = (B_l delta_(l+1)) * f'(x_l): backpropagation with B_l in the place of W_(l+1)^T.

    feedback: for each hidden layer l an array (n_l, n_(l+1)).  The rest, and what is returned, as
    in `backprop_gradients`.  The last layer's is the gradient itself.
    Raises ValueError on shapes that do not fit, NaN, infinity or an unknown name, TypeError on
    other types.
    """
    network = check_network(network)
    activities = run(network, inputs, hidden)
    feedback = check_feedback(network, feedback)
    _, error = output_error(activities[-1], targets, loss)
    return gradients_of_signals(
        activities, layered_signals(activities, feedback, error, hidden), hidden
    )


def direct_feedback_alignment_gradients(
    network: list[Layer],
    feedback: Sequence[ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    loss: str = "squared",
    hidden: str = "tanh",
) -> list[Layer]:
    """The same with the output's error sent to each hidden layer directly {nokland2016}.

    delta_l = (B_l dE/dy) * f'(x_l).

    feedback: for each hidden layer l an array (n_l, n_out).  The rest as in
    `feedback_alignment_gradients`.
    """
    network = check_network(network)
    activities = run(network, inputs, hidden)
    feedback = check_feedback(network, feedback, direct=True)
    _, error = output_error(activities[-1], targets, loss)
    return gradients_of_signals(activities, direct_signals(feedback, error), hidden)


def kolen_pollack_step(
    network: list[Layer],
    feedback: Sequence[ArrayLike],
    gradients: list[Layer],
    *,
    learning_rate: float,
    decay: float,
) -> tuple[list[Layer], list[Floats]]:
    """One step of weights and feedback that makes them symmetric without a copy {kolen1994}.

    W_(l+1) <- (1 - decay) W_(l+1) - learning_rate G,  B_l <- (1 - decay) B_l - learning_rate G^T:
    both synapses change by the product of the same two activities and decay alike, so that
    W_(l+1) - B_l^T shrinks by the factor 1 - decay a step.

    gradients: as `feedback_alignment_gradients` returns them.  learning_rate: above 0.
    decay: from 0 to below 1.  Biases do not decay.  Returns the new network and feedback.
    Raises ValueError on shapes that do not fit or numbers out of range, TypeError on other types.
    """
    network = check_network(network)
    feedback = check_feedback(network, feedback)
    learning_rate = _validate.real_number("learning_rate", learning_rate, above=0)
    kept = 1 - _validate.real_number("decay", decay, minimum=0, below=1)
    gradients = check_gradients(network, gradients)
    new_network = [
        Layer(kept * layer.weight - learning_rate * g.weight, layer.bias - learning_rate * g.bias)
        for layer, g in zip(network, gradients, strict=True)
    ]
    new_feedback = [
        kept * b - learning_rate * g.weight.T for b, g in zip(feedback, gradients[1:], strict=True)
    ]
    return new_network, new_feedback


def alignment_angle(a: ArrayLike, b: ArrayLike) -> float:
    """Angle between two arrays of one shape, seen as vectors, in degrees from 0 to 180.

    Computed from |u - v| and |u + v| of the unit vectors, so that small angles keep their digits.
    Raises ValueError on shapes that differ, NaN, infinity, or an array of zeros, which has no
    direction; TypeError when they are no real numbers.
    """
    first = _validate.real_array("a", a)
    second = _validate.real_array("b", b, first.shape)
    u, v = _direction("a", first), _direction("b", second)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))))


def layered_signals(
    activities: list[Floats], feedback: Sequence[Floats], error: Floats, hidden: str
) -> list[Floats]:
    """What arrives at each layer when every layer sends its delta to the one below, (n, n_l)."""
    signals = [error]
    delta = error
    for b, x in zip(reversed(feedback), reversed(activities[1:-1]), strict=True):
        signals.append(delta @ b.T)
        delta = signals[-1] * slope(x, hidden)
    return signals[::-1]


def direct_signals(feedback: Sequence[Floats], error: Floats) -> list[Floats]:
    """What arrives at each layer when the output sends its error to all, (n, n_l)."""
    return [error @ b.T for b in feedback] + [error]


def gradients_of_signals(
    activities: list[Floats], signals: list[Floats], hidden: str
) -> list[Layer]:
    """<(signal * f'(x_l)) x_(l-1)^T> of every layer, averaged over samples."""
    last = len(signals) - 1
    gradients = []
    for number, (signal, below) in enumerate(zip(signals, activities[:-1], strict=True)):
        delta = signal if number == last else signal * slope(activities[number + 1], hidden)
        gradients.append(Layer(delta.T @ below / len(delta), delta.mean(axis=0)))
    return gradients


def check_feedback(network: list[Layer], feedback: Any, *, direct: bool = False) -> list[Floats]:
    """`feedback` in float64, one matrix a hidden layer of `network`."""
    shapes = _feedback_shapes(network, direct=direct)
    if not isinstance(feedback, list | tuple):
        raise TypeError(f"feedback: expected a list of arrays, got {type(feedback).__name__}")
    if len(feedback) != len(shapes):
        raise ValueError(
            f"feedback: expected one matrix for each of {len(shapes)} hidden layers, "
            f"got {len(feedback)}"
        )
    return [
        _validate.real_array(f"feedback[{number}]", matrix, shape)
        for number, (matrix, shape) in enumerate(zip(feedback, shapes, strict=True))
    ]


def check_gradients(network: list[Layer], gradients: Any) -> list[Layer]:
    """`gradients` in float64, each of the shape of its layer of `network`."""
    if not isinstance(gradients, list | tuple):
        raise TypeError(f"gradients: expected a list of Layer, got {type(gradients).__name__}")
    if len(gradients) != len(network):
        raise ValueError(f"gradients: expected {len(network)} layers, got {len(gradients)}")
    return [
        Layer(
            _validate.real_array(f"gradients[{number}].weight", gradient[0], layer.weight.shape),
            _validate.real_array(f"gradients[{number}].bias", gradient[1], layer.bias.shape),
        )
        for number, (gradient, layer) in enumerate(zip(gradients, network, strict=True))
    ]


def _feedback_shapes(network: list[Layer], *, direct: bool) -> list[tuple[int, int]]:
    sizes = [len(layer.bias) for layer in network]
    above = sizes[-1:] * (len(sizes) - 1) if direct else sizes[1:]
    return list(zip(sizes[:-1], above, strict=True))


def _direction(name: str, value: Floats) -> Floats:
    largest = np.abs(value).max()
    if largest == 0:
        raise ValueError(f"{name}: expected an array with a direction, got zeros only")
    scaled = value / largest
    unit: Floats = scaled / np.linalg.norm(scaled)
    return unit
