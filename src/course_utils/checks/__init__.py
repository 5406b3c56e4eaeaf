"""Checks of exercises: `check("lif.firing_rate", firing_rate)` says what an answer gets wrong.

Each topic's module states its parts once, as `PARTS`; students and graders are given the same.
"""

from course_utils.checks._engine import CheckResult, check, find_part, grading_seed, parts, topics
from course_utils.checks._statement import Case, Misconception, Part

__all__ = [
    "Case",
    "CheckResult",
    "Misconception",
    "Part",
    "check",
    "find_part",
    "grading_seed",
    "parts",
    "topics",
]
