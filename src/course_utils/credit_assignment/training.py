"""Training by any rule, step by step, and what feedback alignment does with layers held still."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_utils import _validate
from course_utils.credit_assignment.feedback import (
    alignment_angle,
    check_gradients,
    feedback_alignment_gradients,
)
from course_utils.credit_assignment.network import (
    Floats,
    Layer,
    backprop_gradients,
    check_network,
)

Step = Callable[[list[Layer], Floats, Floats], list[Layer]]


def descend(
    network: list[Layer],
    gradients: list[Layer],
    learning_rate: float,
    *,
    frozen: Collection[int] = (),
) -> list[Layer]:
    """The network after one step against `gradients`; layers whose index is in `frozen` stay.

    Raises ValueError on shapes that do not fit, a learning rate <= 0 or a layer that is not there.
    """
    network = check_network(network)
    gradients = check_gradients(network, gradients)
    learning_rate = _validate.real_number("learning_rate", learning_rate, above=0)
    check_frozen(network, frozen)
    return [
        layer
        if number in frozen
        else Layer(layer.weight - learning_rate * g.weight, layer.bias - learning_rate * g.bias)
        for number, (layer, g) in enumerate(zip(network, gradients, strict=True))
    ]


def train(
    network: list[Layer],
    step: Step,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    n_epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> list[list[Layer]]:
    """The network before training and after each epoch: n_epochs + 1 networks.

    step(network, inputs, targets) -> network: one update, from one mini-batch.  Each epoch takes
    every sample once, in an order drawn from `rng`; the last batch may be smaller.
    inputs: (n, n_in).  targets: their first axis has n entries.
    Raises ValueError on lengths that differ or numbers below 1, TypeError on other types.
    """
    if not callable(step):
        raise TypeError(f"step: expected a function, got {type(step).__name__}")
    current = check_network(network)
    x = _validate.real_array("inputs", inputs, ("n", current[0].weight.shape[1]))
    t = np.asarray(targets)
    if t.shape[:1] != x.shape[:1]:
        raise ValueError(f"targets: expected {len(x)} entries, got shape {t.shape}")
    n_epochs = _validate.whole_number("n_epochs", n_epochs, minimum=1)
    batch_size = _validate.whole_number("batch_size", batch_size, minimum=1)
    rng = _validate.generator("rng", rng)
    history = [current]
    for _ in range(n_epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            current = step(current, x[batch], t[batch])
        history.append(current)
    return history


def frozen_alignment(
    network: list[Layer],
    feedback: Sequence[ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    learning_rate: float,
    n_steps: int,
    frozen: Collection[int] = (),
    loss: str = "squared",
    hidden: str = "tanh",
) -> Floats:
    """Angle of feedback alignment's update to the gradient in each hidden layer, through training.

    Full-batch steps of feedback alignment; layers whose index is in `frozen` keep their weights
    and biases.  The angle is that of the weights' two updates, before each step.

    Returns (n_steps, number of hidden layers), degrees.
    Raises ValueError on shapes that do not fit, numbers out of range or a layer that is not there.
    """
    current = check_network(network)
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=1)
    angles = np.empty((n_steps, len(current) - 1))
    for row in angles:
        ours = feedback_alignment_gradients(
            current, feedback, inputs, targets, loss=loss, hidden=hidden
        )
        exact = backprop_gradients(current, inputs, targets, loss=loss, hidden=hidden)
        row[:] = [
            alignment_angle(a.weight, b.weight) for a, b in zip(ours[:-1], exact[:-1], strict=True)
        ]
        current = descend(current, ours, learning_rate, frozen=frozen)
    return angles


def check_frozen(network: list[Layer], frozen: Collection[int]) -> None:
    """Raises TypeError or ValueError when `frozen` holds anything but indices of layers."""
    if isinstance(frozen, str) or not isinstance(frozen, Collection):
        raise TypeError(
            f"frozen: expected a collection of layer indices, got {type(frozen).__name__}"
        )
    for index in frozen:
        if _validate.whole_number("frozen", index, minimum=0) >= len(network):
            raise ValueError(f"frozen: expected indices below {len(network)}, got {index}")
