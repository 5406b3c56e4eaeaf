"""What the student reads: plain text that says what differs, where, and by how much."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks._calling import Outcome, arguments
from course_utils.checks._statement import Case, Part
from course_utils.checks._values import agreement, agrees

_WIDTH = 80
_SHOWN = 6  # numbers of an array that are written out


def points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"


def out_of(earned: float, possible: float) -> str:
    return f"{earned:g} of {points(possible)}"


def paragraph(text: str) -> str:
    """`text` wrapped, line by line; a line that is indented or code stays as it is."""
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, _WIDTH, break_on_hyphens=False)
        for line in text.split("\n")
    )


def scores(part: Part, passed: Sequence[str]) -> str:
    """One line an aspect: what is right already and what is not."""
    width = max(map(len, part.points))
    return "\n".join(
        f"  {'right  ' if aspect in passed else 'not yet'}  {aspect:<{width}}  "
        + out_of(value if aspect in passed else 0, value)
        for aspect, value in part.points.items()
    )


def disagreement(part: Part, case: Case, expected: Outcome, got: Outcome) -> str:
    """How `got` fails in this case, with the case's arguments; '' when it does not."""
    if got.problem:
        return f"{paragraph(got.problem)}\nThis was in the case of {_describe_case(part, case)}"
    for name, wanted, value in zip(part.outputs, expected.values, got.values, strict=True):
        if not agrees(part, wanted, value):
            finding = _describe_difference(part, name, wanted, value)
            return f"The first difference is in the case of {_describe_case(part, case)}\n{finding}"
    if got.changed:
        return paragraph(
            f"The result is right, but {part.name} changed its argument `{got.changed}`, which "
            f"still belongs to whoever called it. Work on a copy: {got.changed}.copy(), or "
            "np.where in place of an assignment into the array."
        )
    return ""


def constant_factor(part: Part, pairs: Sequence[tuple[Outcome, Outcome]]) -> str:
    """A line for the case that an output is the expected one times a constant, else ''."""
    if any(got.problem for _, got in pairs):
        return ""
    for index, name in enumerate(part.outputs):
        wanted = [expected.values[index] for expected, _ in pairs]
        values = [got.values[index] for _, got in pairs]
        if any(w.shape != v.shape for w, v in zip(wanted, values, strict=True)):
            return ""
        factor = _factor(
            np.concatenate([w.ravel().astype(float) for w in wanted]),
            np.concatenate([v.ravel().astype(float) for v in values]),
        )
        if factor is not None:
            return f"\n    Your {name} is the expected one times {factor:.6g} in all these cases."
    return ""


def _factor(wanted: NDArray[np.float64], values: NDArray[np.float64]) -> float | None:
    usable = wanted != 0
    if np.unique(wanted[usable]).size < 3 or not np.isfinite(values).all() or values[~usable].any():
        return None
    ratios = values[usable] / wanted[usable]
    factor = float(np.median(ratios))
    constant = np.allclose(ratios, factor, rtol=1e-4, atol=0.0)
    return factor if constant and abs(factor - 1) > 1e-3 and factor != 0 else None


def _describe_case(part: Part, case: Case) -> str:
    shown = {name: show(value) for name, value in arguments(part, case).items()}
    width = max(map(len, shown))
    lines = [
        f"    {name:<{width}} = {text}{_unit(part, name)}".rstrip() for name, text in shown.items()
    ]
    return f"{case.label}:\n" + "\n".join(lines)


def _describe_difference(part: Part, name: str, wanted: NDArray[Any], got: NDArray[Any]) -> str:
    unit = _unit(part, name)
    if wanted.shape != got.shape:
        turned = " (rows and columns exchanged?)" if got.shape == wanted.shape[::-1] else ""
        return (
            f"    {name}: expected {_describe_shape(wanted)}, got {_describe_shape(got)}{turned}\n"
            f"    expected {name} = {show(wanted)}{unit}\n"
            f"    got      {name} = {show(got)}{unit}"
        )
    differs = ~np.atleast_1d(agreement(part, wanted, got))
    where, entry = "", name
    if wanted.size > _SHOWN:
        index = tuple(int(i) for i in np.argwhere(differs)[0])
        wanted, got = wanted[index], got[index]
        entry = f"{name}[{', '.join(map(str, index))}]"
        where = f"\n    ({differs.sum()} of its {differs.size} numbers differ; this is the first)"
    digits = 6 if show(wanted) != show(got) else 15
    return (
        f"    expected {entry} = {show(wanted, digits)}{unit}\n"
        f"    got      {entry} = {show(got, digits)}{unit}{_remark(got)}{where}"
    )


def _remark(got: NDArray[Any]) -> str:
    if np.isnan(got).any():
        return "   (nan: not a number, as from 0/0, inf * 0 or the log of a negative number)"
    if np.isinf(got).any():
        return "   (inf: infinite, as from a division by zero or an overflow)"
    return ""


def _unit(part: Part, name: str) -> str:
    return f" {part.units[name]}" if part.units.get(name) else ""


def _describe_shape(array: NDArray[Any]) -> str:
    return "a single number" if array.ndim == 0 else f"shape {array.shape}"


def show(value: Any, digits: int = 6) -> str:
    """A value in one line: numbers in full while they are few, else their shape and the first."""
    if isinstance(value, bool | np.bool_ | str):
        return str(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return f"{value + 0:.{digits}g}"  # + 0 turns -0.0 into 0.0
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return show(value[()], digits)
        if value.size > _SHOWN:
            first = ", ".join(show(x, digits) for x in value.ravel()[:3])
            return f"an array of shape {value.shape}: {first}, ..."
        return "[" + ", ".join(show(x, digits) for x in value) + "]"
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else text[:197] + "..."
