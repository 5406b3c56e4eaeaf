"""Points of a test cell: nbgrader's rule, with its three gifts taken back.

nbgrader gives full marks for a last value that is NaN, negative or False, and stops on one above
the cell's points; here these are failures. Text on standard error, for which it gives nothing
however right the answer, never reaches the outputs of a test cell.
"""

import math
from typing import Any

from .outputs import error_output


def settled(outputs: list[dict[str, Any]], points: float) -> list[dict[str, Any]]:
    """The outputs of a test cell worth `points`, such that nbgrader's own rule scores them."""
    kept: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "execute_result":
            problem = _problem(output["data"]["text/plain"], points)
            if problem:
                return [*kept, error_output("NoPoints", problem)]
        kept.append(output)
    return kept


def _problem(shown: str, points: float) -> str:
    if shown == "False":
        return "the test ended in False"
    try:
        value = float(shown)
    except ValueError:
        return ""  # a text or an object: the cell ran to its end, which is full marks
    if math.isnan(value) or value < 0:
        return f"the test ended in {shown}, which is no number of points"
    if value > points * (1 + 1e-9):
        return f"the test gave {shown} points of {points:g}"
    return ""
