"""Every topic's exercises: right answers pass, and every known wrong answer gets its own hint."""

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from course_utils import checks
from course_utils.checks import Misconception, Part, check

SEEDS = (0, 1)
PARTS = [(topic, part) for topic in checks.topics() for part in checks.parts(topic)]
each_topic = pytest.mark.parametrize("topic", checks.topics())
each_part = pytest.mark.parametrize(
    ("topic", "part"), PARTS, ids=[f"{topic}.{part.name}" for topic, part in PARTS]
)


def right_answers(topic: str) -> dict[str, tuple[Callable[..., Any], ...]]:
    """The file tests/answers/<topic>.py holds at least three for each part."""
    return importlib.import_module(f"answers.{topic}").RIGHT


WRONG = [(topic, part, wrong) for topic, part in PARTS for wrong in part.misconceptions]
RIGHT = [(topic, part, right) for topic, part in PARTS for right in right_answers(topic)[part.name]]


def one_line(text: str) -> str:
    return " ".join(text.split())


@each_topic
def test_core_parts_make_ten_points_and_stretch_parts_come_last(topic: str) -> None:
    parts = checks.parts(topic)
    assert sum(part.max_points for part in parts if not part.stretch) == 10
    assert [part.stretch for part in parts] == sorted(part.stretch for part in parts)
    assert len({part.name for part in parts}) == len(parts)


@each_part
def test_points_belong_to_the_aspects_that_cases_try(topic: str, part: Part) -> None:
    cases = part.cases(np.random.default_rng(0))
    assert {case.aspect for case in cases} == set(part.points)
    assert all(points > 0 and math.isfinite(points) for points in part.points.values())


@each_part
def test_cases_are_drawn_anew_with_another_seed_and_alike_with_the_same(
    topic: str, part: Part
) -> None:
    first, again, other = (repr(part.cases(np.random.default_rng(seed))) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@each_part
def test_a_part_knows_five_wrong_answers_whose_hints_differ(topic: str, part: Part) -> None:
    hints = [wrong.hint for wrong in part.misconceptions]
    assert len(set(hints)) == len(hints) >= 5
    assert len({wrong.name for wrong in part.misconceptions}) == len(hints)


@each_part
def test_a_part_has_three_right_answers(topic: str, part: Part) -> None:
    assert len(right_answers(topic)[part.name]) >= 3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("topic", "part", "answer"), RIGHT, ids=[f"{t}.{a.__name__}" for t, _, a in RIGHT]
)
def test_a_right_answer_earns_all(topic: str, part: Part, answer: Any, seed: int) -> None:
    result = check(f"{topic}.{part.name}", answer, seed=seed)
    assert result.points == result.max_points == part.max_points, result.feedback


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("topic", "part", "wrong"), WRONG, ids=[f"{t}.{p.name}: {w.name}" for t, p, w in WRONG]
)
def test_a_wrong_answer_loses_points_and_gets_its_own_hint(
    topic: str, part: Part, wrong: Misconception, seed: int
) -> None:
    result = check(f"{topic}.{part.name}", wrong.implementation, seed=seed)
    assert result.points < result.max_points
    assert result.misconceptions == (wrong.name,), result.feedback
    assert one_line(wrong.hint) in one_line(result.feedback)


@each_part
def test_a_blank_earns_nothing_and_is_called_blank(topic: str, part: Part) -> None:
    def blank(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    result = check(f"{topic}.{part.name}", blank)
    assert result.points == 0
    assert f"{part.name} is still blank" in result.feedback


@each_part
def test_an_answer_that_calls_the_books_kernel_is_refused(topic: str, part: Part) -> None:
    @functools.wraps(part.reference)
    def borrowed(*args: Any, **kwargs: Any) -> Any:
        return part.reference(*args, **kwargs)

    result = check(f"{topic}.{part.name}", borrowed)
    assert result.points == 0
    assert "calls the book's own" in result.feedback
