"""Part 3 of `attention`: the feature-similarity gain."""

from functools import partial

import numpy as np

from course_utils.attention import feature_gain
from course_utils.checks import Case, Misconception, Part
from course_utils.checks._attention import UNITS, Array

GAIN, CIRCLE, ROWS = "the gain", "around the circle", "many stimuli at once"


def _cases(rng: np.random.Generator) -> list[Case]:
    near = np.array([100.0, 130.0, 160.0, 200.0, 250.0])
    around = np.array([0.0, 45.0, 90.0, 180.0, 270.0, 350.0])
    grid = np.arange(0.0, 360.0, 60.0)
    some = np.sort(rng.uniform(100.0, 260.0, 6))
    return [
        Case(
            GAIN,
            "five neurons, attention to 160 degrees",
            (np.array([5.0, 20.0, 12.0, 30.0, 2.0]), near, 160.0),
            {"strength": 0.3, "width": 40.0},
        ),
        Case(
            GAIN,
            "neurons drawn at random",
            (rng.uniform(2.0, 40.0, 6), some, rng.uniform(150.0, 200.0)),
            {"strength": rng.uniform(0.1, 0.4), "width": rng.uniform(30.0, 70.0)},
        ),
        Case(
            CIRCLE,
            "attention to 340 degrees",
            (np.array([10.0, 8.0, 20.0, 15.0, 6.0, 12.0]), around, 340.0),
            {"strength": 0.25, "width": 60.0},
        ),
        Case(
            CIRCLE,
            "attention to 20 degrees",
            (np.array([10.0, 8.0, 20.0, 15.0, 6.0, 12.0]), around, 20.0),
            {"strength": 0.25, "width": 60.0},
        ),
        Case(
            ROWS,
            "as many stimuli as neurons",
            (rng.uniform(2.0, 40.0, (6, 6)), grid, 120.0),
            {"strength": 0.3, "width": 50.0},
        ),
        Case(
            ROWS,
            "three stimuli",
            (rng.uniform(2.0, 40.0, (3, 6)), grid, 180.0),
            {"strength": 0.2, "width": 45.0},
        ),
    ]


def _gained(
    responses: Array,
    preferred: Array,
    attended: float,
    *,
    strength: float,
    width: float,
    distance: str = "circular",
    half: float = 0.5,
    power: int = 2,
    suppress: bool = True,
    kind: str = "times",
    axis: int = -1,
) -> Array:
    """The gain, wrong in what a keyword says."""
    center = preferred[np.argmax(responses, axis=-1)] if kind == "stimulus" else attended
    difference = preferred - np.asarray(center)[..., None]
    if distance == "circular":
        difference = (difference + 180.0) % 360.0 - 180.0
    elif distance == "one way":
        difference = difference % 360.0
    elif distance == "half circle":
        difference = (difference + 90.0) % 180.0 - 90.0
    similarity = np.exp(-half * difference**2 / width**power)
    similarity = 2 * similarity - 1 if suppress else similarity
    if kind == "plus":
        return responses + strength * similarity
    if kind == "bare":
        return responses * strength * similarity
    gain = 1 + strength * similarity
    if kind == "conserved":
        gain = gain / gain.mean()
    if axis == 0 and responses.ndim == 2:
        return responses * gain[:, None]
    return responses * gain


PART = Part(
    reference=feature_gain,
    cases=_cases,
    points={GAIN: 1.5, CIRCLE: 1.0, ROWS: 0.5},
    outputs=("gained",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "angle not circular",
            partial(_gained, distance="straight"),
            "The distance between two directions is taken along a line: from 350 to 20 degrees you "
            "count 330, but going around it is 30. Reduce the difference to the range from -180 "
            "to 180: (difference + 180) % 360 - 180.",
        ),
        Misconception(
            "angle counted one way around",
            partial(_gained, distance="one way"),
            "difference % 360 counts the angle one way around, up to 360 degrees, so that a neuron "
            "30 degrees below the attended direction seems 330 away. The distance is the shorter "
            "way, at most 180: (difference + 180) % 360 - 180.",
        ),
        Misconception(
            "orientation for direction",
            partial(_gained, distance="half circle"),
            "Your distance comes back to 0 after 180 degrees. That is right for orientations, "
            "where up and down are one; directions of motion come back after 360, and the opposite "
            "direction is the least similar of all.",
        ),
        Misconception(
            "enhancement only",
            partial(_gained, suppress=False),
            "Your gain is never below 1. Feature attention also suppresses: neurons that prefer "
            "the opposite of what is attended fire less than without attention. The similarity "
            "goes from 1 to -1: 2 exp(...) - 1.",
        ),
        Misconception(
            "added to the response",
            partial(_gained, kind="plus"),
            "You add to the responses. Then a neuron that its stimulus leaves silent would fire "
            "because of attention. Attention multiplies: what it adds is in proportion to the "
            "response.",
        ),
        Misconception(
            "gain without its one",
            partial(_gained, kind="bare"),
            "You multiply by strength * similarity, which is 0 without attention and negative far "
            "from the attended feature. The gain varies about 1: 1 + strength * similarity.",
        ),
        Misconception(
            "factor of two missing in the exponent",
            partial(_gained, half=1.0),
            "The exponent lacks its factor 1/2: a Gaussian of standard deviation `width` is "
            "exp(-distance^2 / (2 width^2)).",
        ),
        Misconception(
            "width not squared",
            partial(_gained, power=1),
            "The width is not squared. Degrees squared over degrees have a unit left, which no "
            "exponent may have: distance^2 / (2 width^2).",
        ),
        Misconception(
            "attention follows the stimulus",
            partial(_gained, kind="stimulus"),
            "Your gain depends on which neuron responds most, that is, on the stimulus. In the "
            "feature-similarity gain it depends on what is *attended* and on what the neuron "
            "prefers; the stimulus enters through the response alone.",
        ),
        Misconception(
            "gain conserved",
            partial(_gained, kind="conserved"),
            "You divide the gains by their mean, as if attention handed out a fixed budget. That "
            "is normalization, another mechanism and another function; here each neuron's gain "
            "depends on its own preference only.",
        ),
        Misconception(
            "gain along the stimuli",
            partial(_gained, axis=0),
            "With many stimuli the responses have shape (stimuli, neurons), and your gain runs "
            "along the stimuli. It belongs to the neurons, the last axis, along which broadcasting "
            "puts it by itself: responses * gain.",
        ),
    ),
)
