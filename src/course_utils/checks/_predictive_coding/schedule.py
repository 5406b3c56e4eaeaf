"""Part 3 of `predictive_coding`: the schedule on which it is backpropagation."""

from collections.abc import Callable
from functools import partial

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
from course_utils.predictive_coding import z_il_gradients


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(21)
    one, other = "a step size of 1", "other step sizes"
    return [
        Case(one, "a small network", draw(fixed), {"step_size": 1.0}),
        Case(one, "wider layers", draw(fixed, (6, 8, 7, 3), 5), {"step_size": 1.0}),
        Case(one, "a network drawn at random", draw(rng, n=4), {"step_size": 1.0}),
        Case(other, "half a step", draw(fixed), {"step_size": 0.5}),
        Case(other, "a step drawn at random", draw(rng), {"step_size": rng.uniform(0.2, 0.8)}),
    ]


def scheduled(
    network: list[Layer],
    inputs: Array,
    targets: Array,
    *,
    step_size: float = 1.0,
    moment: Callable[[int, int], int] = lambda number, depth: depth - 1 - number,
    start: str = "predicted",
    average: bool = True,
    sign: float = -1.0,
    slope: str = "right",
) -> list[Layer]:
    """The gradients, layer `number` taken after moment(number, depth) steps, 0-based from below."""
    depth = len(network)
    x = predicted(network, inputs)
    if start == "zero":
        x = [inputs, *(0 * a for a in x[1:])]
    x[-1] = targets
    moments = [moment(number, depth) for number in range(depth)]
    result = [Layer(*layer) for layer in network]
    for t in range(max(moments) + 1):
        for number in range(depth):
            if moments[number] == t:
                result[number] = slopes(
                    network, x, average=average, average_bias=average, sign=sign
                )[number]
        x = step(x, network, step_size=step_size, slope=slope)
    return result


def _backpropagation(
    network: list[Layer], inputs: Array, targets: Array, *, step_size: float = 1.0
) -> list[Layer]:
    return backpropagated(network, inputs, targets)


PART = Part(
    reference=z_il_gradients,
    cases=_cases,
    points={"a step size of 1": 2.0, "other step sizes": 1.0},
    outputs=GRADIENTS,
    units=UNITS,
    unpack=unpack,
    misconceptions=(
        Misconception(
            "all layers at the end",
            partial(scheduled, moment=lambda number, depth: depth - 1),
            "All layers take their gradient after the last step. By then the layers above have "
            "moved on, and so has what predicts them. W_l has its moment at step L - l, when the "
            "error arrives.",
        ),
        Misconception(
            "before the error arrives",
            partial(scheduled, moment=lambda number, depth: 0),
            "Below the output every gradient is 0: it was taken before the error had arrived. "
            "Hidden errors start at 0 and the output's error needs one step for each layer it "
            "crosses, so W_l waits for L - l steps.",
        ),
        Misconception(
            "schedule reversed",
            partial(scheduled, moment=lambda number, depth: number),
            "The first layer learns first and the last one last. The error starts at the output: "
            "W_L takes its gradient at step 0, and every layer below one step later.",
        ),
        Misconception(
            "one step late",
            partial(scheduled, moment=lambda number, depth: depth - number),
            "Every layer takes its gradient one step late. W_L does so before the first step: "
            "after it, layer L - 1 has moved and its rate is no longer that of the forward pass.",
        ),
        Misconception(
            "settled first",
            partial(scheduled, moment=lambda number, depth: 60),
            "You let the activities settle and then change the weights. That is inference "
            "learning, part 2. Here each layer learns once, in passing, at the moment the error "
            "first reaches it, long before anything settles.",
        ),
        Misconception(
            "backpropagation",
            _backpropagation,
            "This is backpropagation, and with a step size of 1 the numbers are the same: that is "
            "the theorem. But nothing here settles by steps, so that another step size changes "
            "nothing. Run your inference_step, with the step size given, and take each gradient at "
            "its moment.",
        ),
        Misconception(
            "hidden layers start at 0",
            partial(scheduled, start="zero"),
            "Hidden layers start at 0. The schedule needs them to start where they are predicted, "
            "without any error, so that what arrives at step L - l is the output's error alone.",
        ),
        Misconception(
            "sum over samples",
            partial(scheduled, average=False),
            "You add up over samples; the gradient is a mean over them.",
        ),
        Misconception(
            "the change in place of the gradient",
            partial(scheduled, sign=1.0),
            "All signs are turned round: this is the change of the weights, not the gradient, "
            "which is subtracted from them.",
        ),
        Misconception(
            "slope of tanh left out",
            partial(scheduled, slope="none"),
            "The error passes each hidden layer without the slope 1 - tanh(x)**2, as it would in a "
            "linear network. Check your inference_step.",
        ),
    ),
    rtol=1e-6,
)
