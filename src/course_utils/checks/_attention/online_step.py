"""The stretch part of `attention`: one step of a softmax that never sees all its scores."""

from functools import partial

import numpy as np

from course_utils.attention import online_softmax_step
from course_utils.checks import Case, Misconception, Part
from course_utils.checks._attention import UNITS, Array

FIRST, LARGER, SMALLER, EXTREME = (
    "the first block",
    "a block with larger scores",
    "a block with smaller scores",
    "extreme scores",
)


def _cases(rng: np.random.Generator) -> list[Case]:
    fresh = np.full(3, -np.inf), np.zeros(3), np.zeros((3, 2))
    state = np.array([0.5, -1.0, 2.0]), np.array([1.4, 2.5, 1.1]), rng.normal(0, 1, (3, 2))
    value = rng.normal(0, 2, (4, 2))

    def scores(shift: float, n: int = 4) -> Array:
        return shift + rng.uniform(-1.0, 1.0, (3, n))

    mixed = np.array([[0.2, 1.9], [-3.0, -2.5], [1.0, 2.6]])
    high = np.array([1000.0, 900.0, -800.0])
    return [
        Case(FIRST, "nothing seen before", (*fresh, scores(0.0), value)),
        Case(FIRST, "nothing seen before, and a single key", (*fresh, scores(0.5, 1), value[:1])),
        Case(LARGER, "scores above all before", (*state, scores(3.5), value)),
        Case(LARGER, "larger for two of three queries", (*state, mixed, value[:2])),
        Case(SMALLER, "scores below all before", (*state, scores(-3.0), value)),
        Case(
            EXTREME,
            "scores around 1000",
            (high, *state[1:], high[:, None] + rng.uniform(-2.0, 2.0, (3, 4)), value),
        ),
    ]


def _step(
    largest: Array,
    total: Array,
    average: Array,
    scores: Array,
    value: Array,
    *,
    top: str = "running",
    fade_total: bool = True,
    fade_average: bool = True,
    upside_down: bool = False,
    normalized: bool = False,
    replaced: bool = False,
    shifted: bool = True,
) -> tuple[Array, Array, Array]:
    """A step, wrong in what a keyword says."""
    new = np.maximum(largest, scores.max(axis=1))
    if top == "block":
        new = scores.max(axis=1)
    elif top == "common":
        new = np.full_like(new, max(largest.max(), scores.max()))
    reference = new if shifted else np.zeros_like(new)
    before = largest if shifted else np.where(largest == -np.inf, -np.inf, 0.0)
    fade = np.exp(before - reference)
    fade = 1 / fade if upside_down else fade
    weights = np.exp(scores - reference[:, None])
    kept = 0.0 if replaced else 1.0
    total = kept * total * (fade if fade_total else 1.0) + weights.sum(axis=1)
    average = kept * average * (fade[:, None] if fade_average else 1.0) + weights @ value
    return new, total, average / total[:, None] if normalized else average


PART = Part(
    reference=online_softmax_step,
    cases=_cases,
    points={FIRST: 0.5, LARGER: 0.5, SMALLER: 0.5, EXTREME: 0.5},
    outputs=("largest", "total", "average"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "old sums not rescaled",
            partial(_step, fade_total=False, fade_average=False),
            "The old sums are relative to the old largest score. When the block brings a larger "
            "one, both must be multiplied by exp(old largest - new largest) before anything is "
            "added to them.",
        ),
        Misconception(
            "total not rescaled",
            partial(_step, fade_total=False),
            "You rescale the average and not the total. Both are sums of exp(score - largest); "
            "when `largest` changes, both change by exp(old largest - new largest).",
        ),
        Misconception(
            "average not rescaled",
            partial(_step, fade_average=False),
            "You rescale the total and not the average. Both are sums of exp(score - largest); "
            "when `largest` changes, both change by exp(old largest - new largest).",
        ),
        Misconception(
            "rescaled upside down",
            partial(_step, upside_down=True),
            "The factor for the old sums is upside down: a larger reference makes old terms "
            "smaller, so it is exp(old largest - new largest), at most 1.",
        ),
        Misconception(
            "largest of the block only",
            partial(_step, top="block"),
            "You take the largest score of this block, although an earlier block may have had a "
            "larger one. With smaller scores the factor for the old sums then exceeds 1, and in "
            "the end overflows. `largest` never falls: np.maximum(largest, scores.max(axis=1)).",
        ),
        Misconception(
            "one largest for all queries",
            partial(_step, top="common"),
            "All queries share one largest score. The ratio average / total survives that only "
            "until one query's scores lie far below another's and all its exponentials become 0. "
            "Each query keeps its own: scores.max(axis=1).",
        ),
        Misconception(
            "normalized at every step",
            partial(_step, normalized=True),
            "You divide by the total within the step. The next block's values would then be added "
            "to an average instead of a sum. Divide once, after the last block.",
        ),
        Misconception(
            "old sums forgotten",
            partial(_step, replaced=True),
            "What was summed before is lost: total and average are those of this block alone. Add "
            "the block's sums to the rescaled old ones.",
        ),
        Misconception(
            "largest not subtracted",
            partial(_step, shifted=False),
            "You exponentiate the scores as they are. For scores of 1000 that overflows. Subtract "
            "the new largest score from the block's scores, and rescale the old sums by "
            "exp(old largest - new largest).",
        ),
    ),
    stretch=True,
)
