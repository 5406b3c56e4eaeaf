"""Part 1 of `predictive_coding`: one step of the activities down the energy."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._predictive_coding import UNITS, Array, draw, predicted, step
from course_utils.predictive_coding import inference_step


def _case(
    rng: np.random.Generator, aspect: str, label: str, variances: Array, **sizes: int
) -> Case:
    network, inputs, targets = draw(rng, n=sizes.get("n", 3))
    x = predicted(network, inputs)
    hidden = [a + rng.normal(0, 0.5, a.shape) for a in x[1:-1]]
    settings = {"step_size": float(rng.uniform(0.05, 0.3)), "variances": variances}
    return Case(aspect, label, ([inputs, *hidden, targets], network), settings)


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(3)
    equal, unequal = "all variances 1", "unequal variances"
    ones = np.ones(3)
    return [
        _case(fixed, equal, "a single sample", ones, n=1),
        _case(fixed, equal, "a batch", ones),
        _case(rng, equal, "a network drawn at random", ones, n=4),
        _case(fixed, unequal, "a sure output", np.array([2.0, 0.8, 0.2])),
        _case(rng, unequal, "variances drawn at random", rng.uniform([2.0, 0.3, 4.0], [3, 0.6, 6])),
    ]


PART = Part(
    reference=inference_step,
    cases=_cases,
    points={"all variances 1": 2.0, "unequal variances": 2.0},
    outputs=("x_0", "x_1", "x_2", "x_3"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "slope of tanh left out",
            partial(step, slope="none"),
            "The pull from above lacks the slope of tanh. Moving x_l changes the prediction of the "
            "next layer through f(x_l), so the error up there comes back times "
            "1 - np.tanh(x_l)**2. A saturated unit cannot help to correct it.",
        ),
        Misconception(
            "slope written with the total input",
            partial(step, slope="of the total"),
            "You use 1 - x_l**2 for the slope. That is the slope of tanh written with its value, "
            "but x_l is the total input here, before tanh: write 1 - np.tanh(x_l)**2.",
        ),
        Misconception(
            "rate in place of slope",
            partial(step, slope="rate"),
            "The pull from above is multiplied by the rate tanh(x_l). It should be the slope, the "
            "derivative of that rate: 1 - np.tanh(x_l)**2.",
        ),
        Misconception(
            "up the energy",
            partial(step, own=-1.0, above=-1.0),
            "Your activities climb: both signs are turned round. x_l falls by its own error, which "
            "pulls it back to its prediction, and rises by what the error of the layer after it "
            "asks for.",
        ),
        Misconception(
            "errors never come back",
            partial(step, above=0.0),
            "Each layer is only pulled back to where it is predicted. The second force is missing: "
            "the error of the next layer, sent back through the transposed weights, "
            "W_(l+1)^T eps_(l+1) / Sigma_(l+1). Without it the target is never heard.",
        ),
        Misconception(
            "own error left out",
            partial(step, own=0.0),
            "Only the pull from the next layer moves x_l; its own error, x_l - mu_l, is missing. "
            "That force holds a layer near what the input predicts. Without it inference would "
            "run until the output error is gone and never mind the cost.",
        ),
        Misconception(
            "both forces with one sign",
            partial(step, above=-1.0),
            "The two forces have the same sign. Raising x_l raises its own error and lowers that "
            "of the next layer, whose prediction it is part of; eps_(l+1) = x_(l+1) - W f(x_l) - b "
            "falls as f(x_l) grows. So the pull from above enters with a minus.",
        ),
        Misconception(
            "variances ignored",
            partial(step, precision="none"),
            "The variances have no effect. Each error counts by its precision, 1 / Sigma_l: divide "
            "eps_l by Sigma_l and eps_(l+1) by Sigma_(l+1).",
        ),
        Misconception(
            "standard deviation in place of variance",
            partial(step, precision="root"),
            "You divide errors by the square root of the variances. The energy is the squared "
            "error over twice the variance, and its derivative the error over the variance.",
        ),
        Misconception(
            "multiplied by the variance",
            partial(step, precision="variance"),
            "You multiply errors by their variance, so that the least reliable count most. Weigh "
            "them by the precision, one over the variance.",
        ),
        Misconception(
            "variance of a neighboring layer",
            partial(step, shift=-1),
            "Each error is divided by the variance of the layer after it. variances[0] belongs to "
            "eps_1, the first layer that is predicted; the input x_0 has none.",
        ),
        Misconception(
            "one layer after the other",
            partial(step, in_turn=True),
            "A layer already sees what the layer before it has become in this same step. All "
            "layers move at once: compute every error from the old activities, then change them. "
            "(One after the other also settles, but it is another step.)",
        ),
        Misconception(
            "tanh applied to the input",
            partial(step, input_rate=True),
            "The input x_0 goes through tanh. It is what arrives, not the total input of a unit: "
            "mu_1 = W_1 x_0 + b_1.",
        ),
        Misconception(
            "tanh outside the weights",
            partial(step, outside=True),
            "You predict tanh(W x + b). Here x_l is a total input and predicts the next total "
            "input through its rate: mu_(l+1) = W_(l+1) tanh(x_l) + b_(l+1). Both forms are in "
            "use; they are different models.",
        ),
        Misconception(
            "bias left out",
            partial(step, bias=0.0),
            "The bias is missing from the predictions: mu_l = W_l f(x_(l-1)) + b_l.",
        ),
        Misconception(
            "output not held",
            partial(step, output_moves=True),
            "The last layer moves towards its prediction. During supervised inference it is held "
            "at the target, as x_0 is at the input; only hidden layers settle.",
        ),
    ),
)
