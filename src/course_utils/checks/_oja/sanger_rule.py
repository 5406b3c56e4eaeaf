"""Part 3 of `oja`: Sanger's rule, several neurons that learn different components."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._oja import UNITS, draw_inputs
from course_utils.checks._oja.oja_rule import each_sample
from course_utils.oja import sanger_rule

Array = NDArray[Any]


def _rule_cases(rng: np.random.Generator) -> list[Case]:
    single, one, many = "one neuron", "several neurons, one sample", "several neurons, many samples"
    fixed = np.random.default_rng(4)
    weights = np.array([[0.5, -0.3, 0.2, 0.1], [0.2, 0.6, -0.4, 0.3], [-0.1, 0.4, 0.7, -0.6]])
    sample = np.array([[1.0, -0.8, 1.4, 0.6]])
    few, drawn = draw_inputs(fixed, 30, 4), draw_inputs(rng, 20, 5)
    return [
        Case(single, "a sample", (sample, weights[:1], 0.1)),
        Case(single, "30 samples", (few, weights[:1], 0.04)),
        Case(single, "samples drawn at random", (drawn, rng.normal(0, 0.4, (1, 5)), 0.03)),
        Case(one, "three neurons", (sample, weights, 0.1)),
        Case(one, "drawn at random", (drawn[:1], rng.normal(0, 0.4, (2, 5)), 0.08)),
        Case(many, "three neurons, 30 samples", (few, weights, 0.04)),
        Case(many, "drawn at random", (drawn, rng.normal(0, 0.4, (3, 5)), 0.03)),
    ]


def _step(weights: Array, x: Array, rate: float, *, mask: Callable[[Array], Array]) -> Array:
    """One update in which neuron i sees the outputs that `mask` leaves of y_i y_j."""
    y = weights @ x
    return weights + rate * (np.outer(y, x) - mask(np.outer(y, y)) @ weights)


def _own_output_missing(weights: Array, x: Array, rate: float) -> Array:
    y = weights @ x
    return weights + rate * (np.outer(y, x) - np.tril(np.ones((len(y), len(y))) * y) @ weights)


def _rows_in_turn(weights: Array, x: Array, rate: float) -> Array:
    """The outputs are old, but each row already sees the new weights of the rows above it."""
    weights, y = weights.copy(), weights @ x
    for i in range(len(weights)):
        weights[i] += rate * y[i] * (x - y[: i + 1] @ weights[: i + 1])
    return weights


def _outputs_in_turn(weights: Array, x: Array, rate: float) -> Array:
    """Each neuron is fed what the ones above it left over."""
    weights, left = weights.copy(), x.copy()
    for i, w in enumerate(weights.copy()):
        y = w @ left
        left = left - y * w
        weights[i] += rate * y * left
    return weights


def _rows_normalized(weights: Array, x: Array, rate: float) -> Array:
    weights = _step(weights, x, rate, mask=np.tril)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _batch(inputs: Array, weights: Array, learning_rate: float) -> Array:
    y = inputs @ weights.T
    return weights + learning_rate * (y.T @ inputs - np.tril(y.T @ y) @ weights)


def _no_decay(products: Array) -> Array:
    return np.zeros_like(products)


def _masked(mask: Callable[[Array], Array]) -> Callable[..., Array]:
    return each_sample(partial(_step, mask=mask))


PART = Part(
    reference=sanger_rule,
    cases=_rule_cases,
    points={
        "one neuron": 1.0,
        "several neurons, one sample": 1.5,
        "several neurons, many samples": 1.5,
    },
    outputs=("weights",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "neurons that ignore one another",
            _masked(lambda products: np.diag(np.diag(products))),
            "Each neuron follows Oja's rule by itself. Then all of them find the same first "
            "component. Neuron i has to learn from what neurons 1 to i - 1 leave over: subtract "
            "y_j w_j for all j up to i from the input, not its own alone.",
        ),
        Misconception(
            "sum over all neurons",
            _masked(lambda products: products),
            "The sum runs over all neurons; it should stop at neuron i. With the full sum (Oja's "
            "subspace rule) the neurons together find the space of the first components, but any "
            "rotation within it will do. The order comes from the lower triangle: np.tril.",
        ),
        Misconception(
            "own output left out of the sum",
            _masked(partial(np.tril, k=-1)),
            "The sum stops before neuron i. Its own term, y_i^2 w_i, is Oja's decay: without it "
            "the first neuron is a plain Hebbian one and grows without bound. The sum runs over "
            "j <= i.",
        ),
        Misconception(
            "triangle upside down",
            _masked(np.triu),
            "Each neuron subtracts the outputs of the neurons from itself down. The components "
            "then come in reverse order: the last neuron learns the first. Neuron i subtracts "
            "those of 1 to i, the lower triangle: np.tril.",
        ),
        Misconception(
            "no decay",
            _masked(_no_decay),
            "This is Hebb's rule for each neuron. Nothing is subtracted, so all weights grow "
            "without bound and in the same direction.",
        ),
        Misconception(
            "factor y_i missing from the decay",
            each_sample(_own_output_missing),
            "The sum lacks the factor y_i: it is y_i (x - sum of y_j w_j), so both terms are "
            "multiplied by the neuron's own output.",
        ),
        Misconception(
            "rows changed one after the other",
            each_sample(_rows_in_turn),
            "The rows are updated one after the other, and each subtracts the rows above as they "
            "are after this sample. All rows learn at the same moment: compute every change from "
            "the weights before the sample, then add them.",
        ),
        Misconception(
            "outputs computed from what is left over",
            each_sample(_outputs_in_turn),
            "You compute the output of neuron i from the remainder that the neurons above left. "
            "In Sanger's rule every neuron sees the whole input, y = W x; the remainder enters "
            "only the change of the weights.",
        ),
        Misconception(
            "rows divided by their length",
            each_sample(_rows_normalized),
            "You divide each row by its length after the update. The rule needs no such division: "
            "its own term of the sum, y_i^2 w_i, brings the length to 1.",
        ),
        Misconception(
            "all samples at once",
            _batch,
            "You add up the changes for all samples at the initial weights. The rule is online: "
            "each sample changes the weights, and the next sample's outputs come from the changed "
            "ones.",
        ),
    ),
    rtol=1e-8,
)
