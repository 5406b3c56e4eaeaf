"""Part 2 of `oja`: Oja's rule, one sample after the other."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._oja import UNITS, draw_inputs
from course_utils.oja import oja_rule

Array = NDArray[Any]
Step = Callable[[Array, Array, float], Array]


def _rule_cases(rng: np.random.Generator) -> list[Case]:
    one, many = "one sample", "many samples"
    fixed = np.random.default_rng(3)
    w0 = np.array([0.4, -0.3, 0.2])
    return [
        Case(one, "three inputs", (np.array([[1.0, 0.5, -2.0]]), w0, 0.1)),
        Case(one, "a weight vector far too long", (np.array([[0.3, 0.4, 0.2]]), 9 * w0, 0.05)),
        Case(one, "a sample drawn at random", (draw_inputs(rng, 1, 5), rng.normal(0, 0.5, 5), 0.1)),
        Case(many, "40 samples", (draw_inputs(fixed, 40, 3), w0, 0.05)),
        Case(many, "two samples", (np.array([[2.0, 0.0, 1.0], [-1.0, 1.5, 0.5]]), w0, 0.1)),
        Case(
            many, "samples drawn at random", (draw_inputs(rng, 25, 4), rng.normal(0, 0.4, 4), 0.03)
        ),
    ]


def each_sample(step: Step) -> Callable[..., Array]:
    """The rule that applies `step(w, x, rate)` to every sample in order."""

    def rule(inputs: Array, w0: Array, learning_rate: float) -> Array:
        w = w0.astype(float)
        for x in inputs:
            w = step(w, x, learning_rate)
        return w

    return rule


def _hebb(w: Array, x: Array, rate: float) -> Array:
    return w + rate * (w @ x) * x


def oja(w: Array, x: Array, rate: float) -> Array:
    y = w @ x
    return w + rate * y * (x - y * w)


def _missing_square(w: Array, x: Array, rate: float) -> Array:
    y = w @ x
    return w + rate * (y * x - y * w)


def _constant_decay(w: Array, x: Array, rate: float) -> Array:
    return w + rate * ((w @ x) * x - w)


def _decay_not_scaled(w: Array, x: Array, rate: float) -> Array:
    y = w @ x
    return w + rate * y * x - y**2 * w


def _wrong_sign(w: Array, x: Array, rate: float) -> Array:
    y = w @ x
    return w + rate * y * (x + y * w)


def _elementwise_output(w: Array, x: Array, rate: float) -> Array:
    y = w * x
    return w + rate * y * (x - y * w)


def _two_stages(w: Array, x: Array, rate: float) -> Array:
    w = _hebb(w, x, rate)
    return w - rate * (w @ x) ** 2 * w


def _normalized(w: Array, x: Array, rate: float) -> Array:
    w = _hebb(w, x, rate)
    return w / np.linalg.norm(w)


def _first_output_only(inputs: Array, w0: Array, learning_rate: float) -> Array:
    w = w0.astype(float)
    for x, y in zip(inputs, inputs @ w0, strict=True):
        w = w + learning_rate * y * (x - y * w)
    return w


def _batch(inputs: Array, w0: Array, learning_rate: float) -> Array:
    y = inputs @ w0
    return w0 + learning_rate * (y @ inputs - (y @ y) * w0)


def _batch_mean(inputs: Array, w0: Array, learning_rate: float) -> Array:
    return _batch(inputs, w0, learning_rate / len(inputs))


def _centered(inputs: Array, w0: Array, learning_rate: float) -> Array:
    return each_sample(oja)(inputs - inputs.mean(axis=0), w0, learning_rate)


PART = Part(
    reference=oja_rule,
    cases=_rule_cases,
    points={"one sample": 1.5, "many samples": 1.5},
    outputs=("w",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "decay left out",
            each_sample(_hebb),
            "This is Hebb's rule, learning_rate * y * x. Nothing in it ever shortens the weights. "
            "Oja's rule takes y^2 w away at each sample, a decay that grows with the activity that "
            "the weights themselves cause.",
        ),
        Misconception(
            "decay with y in place of y squared",
            each_sample(_missing_square),
            "The decay is y w, and it should be y^2 w. With y alone the decay turns into growth "
            "whenever the output is negative. y^2 is never negative, and its mean is w'Cw, which "
            "is what balances the growth at |w| = 1.",
        ),
        Misconception(
            "decay at a constant rate",
            each_sample(_constant_decay),
            "Your weights decay at a rate that does not depend on the output, y x - w. Such a "
            "decay shifts all growth rates by the same amount: what grows faster than it still "
            "grows without bound. In Oja's rule the decay is y^2 w, stronger as weights lengthen.",
        ),
        Misconception(
            "learning rate on one term only",
            each_sample(_decay_not_scaled),
            "The learning rate multiplies only the Hebbian term. It scales the whole change: "
            "learning_rate * (y x - y^2 w). Otherwise the decay is 1/learning_rate times too "
            "strong.",
        ),
        Misconception(
            "decay added",
            each_sample(_wrong_sign),
            "The second term has the wrong sign: y (x + y w) lengthens the weights at every "
            "sample. What the output already explains, y w, is taken away from x.",
        ),
        Misconception(
            "output of each synapse by itself",
            each_sample(_elementwise_output),
            "w * x is one number a synapse. The output of the neuron is their sum, y = w @ x, a "
            "single number that all its synapses share. Without the sum no synapse learns what "
            "the others carry, and correlations play no part.",
        ),
        Misconception(
            "output taken twice",
            each_sample(_two_stages),
            "You add y x first and then compute the output again for the decay. Both terms belong "
            "to the same moment: compute y once, from the weights before the sample, and use it "
            "in both.",
        ),
        Misconception(
            "weights divided by their length",
            each_sample(_normalized),
            "You apply Hebb's rule and divide by |w|. Oja's rule comes from that: it is the first "
            "order in the learning rate. But the division needs the length, which no synapse "
            "knows; the rule needs x, y and w at the synapse, and lets the length come to 1 by "
            "itself.",
        ),
        Misconception(
            "outputs all from the first weights",
            _first_output_only,
            "All outputs are computed from w0 before the loop. The neuron learns as it goes: at "
            "each sample y comes from the weights as they are by then.",
        ),
        Misconception(
            "all samples at once",
            _batch,
            "You add up the changes for all samples at the weights w0. The rule is online: each "
            "sample changes the weights, and the next sample's output is computed with the "
            "changed ones.",
        ),
        Misconception(
            "mean change of all samples",
            _batch_mean,
            "You make one step by the mean change over all samples, at the weights w0. The rule is "
            "online: as many steps as there are samples, each from the weights that the one "
            "before left.",
        ),
        Misconception(
            "mean subtracted",
            _centered,
            "The inputs are centered before learning. The mean is known only when all samples "
            "have been seen, and a rule that learns sample by sample has not seen them: take the "
            "inputs as they come. What a mean does to the result is a question of its own.",
        ),
    ),
    rtol=1e-8,
)
