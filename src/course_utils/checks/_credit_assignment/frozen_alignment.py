"""The stretch part of `credit_assignment`: does the alignment come from the layers above?"""

from collections.abc import Collection
from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._credit_assignment import (
    UNITS,
    Array,
    Network,
    assign,
    draw_data,
    draw_feedback,
    draw_network,
)
from course_utils.credit_assignment import Layer, frozen_alignment


def _case(
    rng: np.random.Generator,
    aspect: str,
    label: str,
    sizes: tuple[int, ...],
    frozen: tuple[int, ...],
    loss: str = "squared",
) -> Case:
    network = draw_network(rng, sizes)
    feedback = draw_feedback(rng, network)
    arguments = network, feedback, *draw_data(rng, network, 8, loss)
    settings = {"learning_rate": 0.2, "n_steps": 6, "frozen": frozen}
    return Case(aspect, label, arguments, {**settings, "loss": loss, "hidden": "tanh"})


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(14)
    free, held = "all layers learn", "frozen layers"
    return [
        _case(fixed, free, "one hidden layer", (3, 4, 2), ()),
        _case(rng, free, "two hidden layers, drawn at random", (4, 5, 4, 3), (), "cross_entropy"),
        _case(fixed, held, "the readout frozen", (3, 4, 2), (1,)),
        _case(fixed, held, "the first layer frozen", (3, 5, 4, 2), (0,)),
        _case(
            rng,
            held,
            "both upper layers frozen, drawn at random",
            (4, 5, 4, 3),
            (1, 2),
            "cross_entropy",
        ),
    ]


def _flat(layer: Layer, *, biases: bool) -> Array:
    return np.concatenate([layer.weight.ravel(), layer.bias]) if biases else layer.weight.ravel()


def follow(
    network: Network,
    feedback: list[Array],
    inputs: Array,
    targets: Array,
    *,
    learning_rate: float,
    n_steps: int,
    frozen: Collection[int],
    loss: str,
    hidden: str,
    unit: str = "degrees",
    obeys: str = "frozen",
    teacher: str = "feedback",
    measured: str = "updates",
    after: bool = False,
    biases: bool = False,
    frozen_biases: bool = True,
    uphill: bool = False,
) -> Array:
    """Angles through training, wrong in what a keyword says."""
    angles = []
    layers = range(len(network))
    stays = {
        "frozen": set(frozen),
        "nothing": set(),
        "reversed": set(layers) - set(frozen) if frozen else set(),
    }[obeys]
    for step in range(n_steps + 1):
        ours = assign(network, inputs, targets, loss=loss, hidden=hidden, back=feedback)
        exact = assign(network, inputs, targets, loss=loss, hidden=hidden)
        row = []
        for number in layers[:-1]:
            a, b = _flat(ours[number], biases=biases), _flat(exact[number], biases=biases)
            if measured == "weights":
                a, b = feedback[number].ravel(), network[number + 1].weight.T.ravel()
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            turned = np.arccos(cosine)
            row.append({"degrees": np.degrees(turned), "radians": turned, "cosine": cosine}[unit])
        if step >= int(after):
            angles.append(row)
        rate = -learning_rate if uphill else learning_rate
        update = ours if teacher == "feedback" else exact
        network = [
            Layer(
                layer.weight - rate * (number not in stays) * g.weight,
                layer.bias - rate * (number not in stays or not frozen_biases) * g.bias,
            )
            for number, (layer, g) in enumerate(zip(network, update, strict=True))
        ]
    return np.array(angles[:n_steps])


PART = Part(
    reference=frozen_alignment,
    cases=_cases,
    points={"all layers learn": 1.0, "frozen layers": 1.0},
    outputs=("angles",),
    units=UNITS,
    stretch=True,
    misconceptions=(
        Misconception(
            "frozen layers learn",
            partial(follow, obeys="nothing"),
            "All layers learn in your answer. A layer whose index is in `frozen` keeps its weights "
            "and biases through all steps.",
        ),
        Misconception(
            "the others frozen",
            partial(follow, obeys="reversed"),
            "You hold the layers that should learn and train those that should be held: an index "
            "in `frozen` means that the layer stays.",
        ),
        Misconception(
            "biases of frozen layers learn",
            partial(follow, frozen_biases=False),
            "The weights of a frozen layer stay, but its biases still learn. Frozen means both.",
        ),
        Misconception(
            "trained by backpropagation",
            partial(follow, teacher="gradient"),
            "The network is trained by the gradient, and feedback alignment only watches. Then "
            "nothing turns the weights toward B. The steps are those of feedback alignment; the "
            "gradient is computed for comparison alone.",
        ),
        Misconception(
            "radians",
            partial(follow, unit="radians"),
            "These are radians; asked for are degrees: np.degrees.",
        ),
        Misconception(
            "cosine",
            partial(follow, unit="cosine"),
            "You return the cosine. The angle is its arccos, in degrees.",
        ),
        Misconception(
            "angle between the weights",
            partial(follow, measured="weights"),
            "This is the angle between B and the transposed forward weights. It is a cause of "
            "alignment; asked for is its effect, the angle between the two updates of each hidden "
            "layer's weights.",
        ),
        Misconception(
            "angle after the step",
            partial(follow, after=True),
            "Your rows are one step late: the first is the angle before any step, with the weights "
            "as they are given.",
        ),
        Misconception(
            "biases in the angle",
            partial(follow, biases=True),
            "You compare weights and biases as one vector. Asked for is the angle between the "
            "updates of the weights.",
        ),
        Misconception(
            "uphill",
            partial(follow, uphill=True),
            "The weights step along the update, so the loss grows. A step goes against it: "
            "W - learning_rate * G.",
        ),
    ),
    rtol=1e-6,
    atol=1e-4,
)
