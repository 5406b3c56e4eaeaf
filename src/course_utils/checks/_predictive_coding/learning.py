"""Part 2 of `predictive_coding`: what the weights do once the activities have settled."""

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._predictive_coding import (
    GRADIENTS,
    UNITS,
    Array,
    Layer,
    backpropagated,
    draw,
    predicted,
    slopes,
    step,
    unpack,
)
from course_utils.predictive_coding import predictive_coding_gradients


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(8)
    few, many, unequal = "few steps", "settled", "unequal variances"
    ones = np.ones(3)

    def settings(n_steps: int, step_size: float, variances: Array = ones) -> dict[str, object]:
        return {"n_steps": n_steps, "step_size": step_size, "variances": variances}

    uneven = np.array([2.0, 0.7, 1.4])
    drawn = rng.uniform([1.5, 0.5, 2.0], [2.0, 0.8, 3.0])
    return [
        Case(few, "one step", draw(fixed), settings(1, 0.2)),
        Case(few, "three steps", draw(fixed), settings(3, 0.2)),
        Case(few, "two steps of a network drawn at random", draw(rng, n=5), settings(2, 0.15)),
        Case(many, "sixty steps", draw(fixed), settings(60, 0.2)),
        Case(many, "a network drawn at random", draw(rng, n=4), settings(50, 0.2)),
        Case(unequal, "given variances", draw(fixed), settings(20, 0.1, uneven)),
        Case(unequal, "variances drawn at random", draw(rng), settings(15, 0.1, drawn)),
    ]


class Wrong:
    """The gradients, wrong in what a keyword says; `slopes` takes the others."""

    def __init__(
        self,
        *,
        start: str = "predicted",
        extra: int = 0,
        infers: bool = True,
        precision: str = "inverse",
        learns_with_variances: bool = True,
        stale: bool = False,
        **kwargs: object,
    ) -> None:
        self.start, self.extra, self.infers, self.precision = start, extra, infers, precision
        self.learns_with_variances, self.stale, self.kwargs = learns_with_variances, stale, kwargs

    def __call__(
        self,
        network: list[Layer],
        inputs: Array,
        targets: Array,
        *,
        n_steps: int,
        step_size: float,
        variances: Array,
    ) -> list[Layer]:
        x = predicted(network, inputs)
        if self.start == "zero":
            x = [inputs, *(0 * a for a in x[1:])]
        x[-1] = targets
        before = x
        for _ in range(n_steps + self.extra if self.infers else 0):
            before = x
            x = step(x, network, step_size=step_size, variances=variances, precision=self.precision)
        used = variances if self.learns_with_variances else None
        return slopes(network, x, used, older=before if self.stale else None, **self.kwargs)  # type: ignore[arg-type]


def _backpropagation(
    network: list[Layer], inputs: Array, targets: Array, **_: object
) -> list[Layer]:
    return backpropagated(network, inputs, targets)


PART = Part(
    reference=predictive_coding_gradients,
    cases=_cases,
    points={"few steps": 1.0, "settled": 1.0, "unequal variances": 1.0},
    outputs=GRADIENTS,
    units=UNITS,
    unpack=unpack,
    misconceptions=(
        Misconception(
            "no inference",
            Wrong(infers=False),
            "The weights change before the activities have moved. Where every hidden layer is "
            "still where it is predicted, its error is 0, and only the last layer learns. Take "
            "n_steps of inference first.",
        ),
        Misconception(
            "backpropagation",
            _backpropagation,
            "This is the gradient of the loss by backpropagation. Predictive coding takes the "
            "slope of its energy after the activities have settled, and where they settle is "
            "somewhere else: the two agree only under the conditions of the chapter.",
        ),
        Misconception(
            "the change in place of the gradient",
            Wrong(sign=1.0),
            "All signs are turned round: this is the change of the weights, eps f(x)^T, not the "
            "gradient, which a learning rule subtracts. dF/dW_l = -eps_l f(x_(l-1))^T / Sigma_l.",
        ),
        Misconception(
            "sum over samples",
            Wrong(average=False, average_bias=False),
            "You add up over samples. The energy is a mean over samples, so the gradient is too: "
            "divide by their number.",
        ),
        Misconception(
            "sum over samples for the bias",
            Wrong(average_bias=False),
            "The weights' gradient is right, but that of the bias is a sum over samples. Both are "
            "means: use .mean(axis=0).",
        ),
        Misconception(
            "total input in place of rate",
            Wrong(rate="total"),
            "You multiply the error by x_(l-1), a total input. A synapse sees the rate of the unit "
            "before it, tanh(x_(l-1)); only for the input x_0 the two are one.",
        ),
        Misconception(
            "slope applied to the error",
            Wrong(times_slope=True),
            "You multiply errors by the slope of tanh, as one does to get delta in "
            "backpropagation. In this form the error eps_l = x_l - mu_l lives at the total input "
            "already, and the slope was used when the error came back during inference.",
        ),
        Misconception(
            "hidden layers start at 0",
            Wrong(start="zero"),
            "Hidden layers start at 0. Let them start where the input predicts them, layer by "
            "layer, so that at first the only error is at the output. After few steps the start "
            "still shows.",
        ),
        Misconception(
            "one step too few",
            Wrong(extra=-1),
            "Your activities have made one step less than n_steps. The weights take their gradient "
            "from the activities after the last step.",
        ),
        Misconception(
            "one step too many",
            Wrong(extra=1),
            "Your activities have made one step more than n_steps.",
        ),
        Misconception(
            "errors of the step before",
            Wrong(stale=True),
            "The errors are those from which the last step was computed. After the step the "
            "activities have moved, and so have their predictions: compute the errors anew.",
        ),
        Misconception(
            "variances left out of the gradient",
            Wrong(learns_with_variances=False),
            "Inference uses the variances, but the gradient does not: divide eps_l by Sigma_l in "
            "it too. The same precision that weighs an error in perception weighs it in learning.",
        ),
        Misconception(
            "variances left out of inference",
            Wrong(precision="none"),
            "The gradient uses the variances, but the activities have settled as if all were 1. "
            "Hand them to inference_step.",
        ),
    ),
    rtol=1e-6,
)
