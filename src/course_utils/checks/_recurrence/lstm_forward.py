"""Part 2 of `recurrence`: the states and cells of long short-term memory."""

from functools import partial

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._recurrence import UNITS, Array, sigmoid
from course_utils.recurrence import GatedWeights, lstm_forward


def draw_lstm(
    rng: np.random.Generator, n_steps: int, n_x: int, n_h: int
) -> tuple[Array, GatedWeights, Array, Array]:
    """inputs, parameters, h0, c0 of a small layer none of whose numbers is 0 or 1."""
    weights = GatedWeights(
        w_x=rng.normal(0, 0.9, (4 * n_h, n_x)),
        w_h=rng.normal(0, 0.6, (4 * n_h, n_h)),
        b_x=rng.uniform(0.2, 0.7, 4 * n_h),
        b_h=rng.uniform(-0.9, -0.2, 4 * n_h) + np.repeat([0.0, 1.2, 0.0, 0.6], n_h),
    )
    return rng.normal(0, 1, (n_steps, n_x)), weights, *rng.uniform(-0.9, 0.9, (2, n_h))


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.random.default_rng(11)
    one, several, lasting = "one step", "several steps", "a long memory"
    x, weights, h0, c0 = draw_lstm(fixed, 7, 3, 4)
    n = np.repeat([0.0, 1.0, 0.0, 0.0], 4)
    keeping = weights._replace(b_x=weights.b_x + 3 * n)
    return [
        Case(one, "one step from given h0 and c0", (x[:1], weights, h0, c0)),
        Case(one, "one step of a layer drawn at random", draw_lstm(rng, 1, 2, 3)),
        Case(several, "seven steps", (x, weights, h0, c0)),
        Case(several, "a layer drawn at random", draw_lstm(rng, 9, 2, 5)),
        Case(lasting, "forget gates near 1 and a full cell", (x, keeping, h0, 3 * c0)),
    ]


def run(
    inputs: Array,
    parameters: GatedWeights,
    h0: Array,
    c0: Array,
    *,
    order: str = "ifgo",
    biases: tuple[float, float] = (1.0, 1.0),
    squash_candidate: bool = False,
    squash_cell: bool = True,
    outside: bool = False,
    coupled: bool = False,
    forget_all: bool = False,
    cell_from_state: bool = False,
    stale_cell: bool = False,
    gates_read_cell: bool = False,
) -> tuple[Array, Array]:
    """States and cells, wrong in what a keyword says."""
    w_x, w_h, b_x, b_h = (np.asarray(array) for array in parameters)
    h, c = h0, c0
    hs, cs = [], []
    for x in inputs:
        z = w_x @ x + biases[0] * b_x + w_h @ (c if gates_read_cell else h) + biases[1] * b_h
        raw = dict(zip(order, np.split(z, 4), strict=True))
        i, f, o = sigmoid(raw["i"]), sigmoid(raw["f"]), sigmoid(raw["o"])
        g = sigmoid(raw["g"]) if squash_candidate else np.tanh(raw["g"])
        before = h if cell_from_state else c
        if coupled:
            f = 1 - i
        new = f * (before + i * g) if forget_all else f * before + i * g
        shown = c if stale_cell else new
        h = np.tanh(o * shown) if outside else o * (np.tanh(shown) if squash_cell else shown)
        c = new
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def _swapped(*args: Array) -> tuple[Array, Array]:
    h, c = run(*args)  # type: ignore[arg-type]
    return c, h


PART = Part(
    reference=lstm_forward,
    cases=_cases,
    points={"one step": 1.5, "several steps": 1.5, "a long memory": 1.0},
    outputs=("h", "c"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "order i, f, o, g",
            partial(run, order="ifog"),
            "The last two blocks of rows are exchanged. Papers list the gates in several orders; "
            "torch stores them as input, forget, candidate, output: i, f, g, o. The candidate g, "
            "the one with a tanh, is the third block.",
        ),
        Misconception(
            "input and forget exchanged",
            partial(run, order="figo"),
            "The first two blocks of rows are exchanged: what you take for the forget gate is the "
            "input gate. The order is i, f, g, o.",
        ),
        Misconception(
            "second bias left out",
            partial(run, biases=(1.0, 0.0)),
            "b_h is missing. torch gives an LSTM two biases, one beside each matrix, and adds "
            "both; they could be one, but a network that was trained with two needs both.",
        ),
        Misconception(
            "candidate through a sigmoid",
            partial(run, squash_candidate=True),
            "The candidate g went through a sigmoid like the gates. Gates are shares, from 0 to 1; "
            "the candidate is a value that may be negative and goes through tanh. With a sigmoid "
            "a cell can only be filled, never emptied by its input.",
        ),
        Misconception(
            "cell shown without tanh",
            partial(run, squash_cell=False),
            "The state is o * c in your version. The cell has no bound, so it passes through tanh "
            "on its way out: h = o * tanh(c). The cell itself stays as it is.",
        ),
        Misconception(
            "tanh around the product",
            partial(run, outside=True),
            "You return tanh(o * c). The gate acts on what the cell shows, after the tanh: "
            "h = o * tanh(c). With the gate inside, a large cell shows through a nearly closed "
            "gate.",
        ),
        Misconception(
            "forget gate tied to the input gate",
            partial(run, coupled=True),
            "You use 1 - i in place of the forget gate, as a GRU ties its gates. In an LSTM the "
            "forget gate has rows of its own, so that it can keep and write at once.",
        ),
        Misconception(
            "new input forgotten at once",
            partial(run, forget_all=True),
            "The forget gate multiplies the sum of the old cell and the new input. It acts on the "
            "old cell alone: c = f * c + i * g.",
        ),
        Misconception(
            "state used for the cell",
            partial(run, cell_from_state=True),
            "The forget gate multiplies the state h. It should multiply the cell: h is what the "
            "cell shows, squeezed and gated, and cannot carry a value on unchanged. Keep both "
            "from step to step.",
        ),
        Misconception(
            "cell one step old",
            partial(run, stale_cell=True),
            "The state shows the cell as it was before this step. Update the cell first, then "
            "compute h from the new c.",
        ),
        Misconception(
            "gates read the cell",
            partial(run, gates_read_cell=True),
            "The gates see the cell c of the step before. In these equations, as in torch, w_h "
            "multiplies the state h. (Connections from the cell to the gates exist, under the "
            "name of peepholes, with weights of their own.)",
        ),
        Misconception(
            "results exchanged",
            _swapped,
            "The two results are exchanged: return the states h first, then the cells c.",
        ),
    ),
    rtol=1e-6,
)
