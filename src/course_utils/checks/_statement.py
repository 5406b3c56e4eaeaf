"""How a topic states its exercises: parts, cases that try them, wrong answers that are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One call of an answer.

    aspect: which share of the points it decides.  label: what the student reads, in words that
    finish "in the case of ...".  args, kwargs: the arguments; each call gets a copy of its own.
    """

    aspect: str
    label: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that students really give, and the hint that shows why it is wrong.

    implementation: has the signature of the part's reference and calls no kernel of the topic.
    """

    name: str
    implementation: Callable[..., Any]
    hint: str


@dataclass(frozen=True)
class Part:
    """One function that students write, and all that decides its points.

    reference: the right answer; its name is the part's name, its signature names the arguments.
    cases: from a generator to the cases, fixed ones first, then those drawn with the generator.
    points: aspect -> points, earned when all cases of the aspect agree with the reference.
    outputs: names of the results, more than one when the reference returns a tuple.
    units: of inputs and outputs by name, for the feedback.
    rtol, atol: an answer agrees when |got - expected| <= atol + rtol * |expected|.
    stretch: beyond the core that makes 10 points.
    unpack: from what the reference and an answer return to a tuple of `outputs`, for results
    that are not arrays (a dataclass) or not unique as they stand (an eigenvector's sign).
    """

    reference: Callable[..., Any]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    points: Mapping[str, float]
    outputs: tuple[str, ...]
    units: Mapping[str, str]
    misconceptions: tuple[Misconception, ...]
    rtol: float = 1e-6
    atol: float = 1e-9
    stretch: bool = False
    unpack: Callable[[Any], Sequence[Any]] | None = None

    @property
    def name(self) -> str:
        return self.reference.__name__

    @property
    def max_points(self) -> float:
        return float(sum(self.points.values()))
