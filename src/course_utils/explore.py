"""Figures that a reader moves: precomputed frames behind a slider, with or without a kernel."""

import html
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from course_utils import _svg, _validate, plotting

if TYPE_CHECKING:
    from ipywidgets import VBox

# Every frame is stored in the page; more would make it slow to load.
MAX_FRAMES = 24


@dataclass(frozen=True)
class Frames:
    """Frames without a widget, for a chapter's page that runs its own code: it has a slider."""

    label: str
    names: list[str]
    pictures: list[str]
    alts: list[str]
    start: int


def frames(
    draw: Callable[[float], Figure],
    values: Sequence[float],
    *,
    label: str,
    unit: str = "",
    alt: Callable[[float], str],
    start: int = 0,
) -> "VBox | Frames":
    """A slider over `values` that shows `draw(value)`, on the static page and in a live kernel.

    draw: value -> Matplotlib figure; give every frame the same size and axis limits.
    values: 2 to 24 numbers.  label, unit: the slider's name and its values' unit.
    alt: value -> the frame's own alternative text.  start: index of the value shown first.
    Raises TypeError for a wrong type, ValueError for a wrong number of values, an empty text or a
    `start` out of range.
    """
    for name, function in (("draw", draw), ("alt", alt)):
        if not callable(function):
            raise TypeError(f"{name}: expected a function of one value, got {_kind(function)}")
    numbers = _validate.real_array("values", values, ("n_values",))
    if not 2 <= numbers.size <= MAX_FRAMES:
        raise ValueError(f"values: expected 2 to {MAX_FRAMES} numbers, got {numbers.size}")
    start = _validate.whole_number("start", start, minimum=0)
    if start >= numbers.size:
        raise ValueError(f"start: expected an index below {numbers.size}, got {start}")
    _text("label", label)
    # Drawn before any widget is made, so that an error leaves none behind.
    pictures, alts = [], []
    for value in numbers.tolist():
        figure = draw(value)
        alts.append(alt(value))
        pictures.append(_picture(figure, alts[-1]))
    names = [f"{value:g} {unit}".strip() for value in numbers.tolist()]
    if sys.platform == "emscripten":
        return Frames(label, names, pictures, alts, start)
    return _slider(names, numbers.tolist(), pictures, label, start)


def _picture(figure: Figure, alt: str) -> str:
    if not isinstance(figure, Figure):
        raise TypeError(f"draw: expected it to return a Matplotlib figure, got {_kind(figure)}")
    _text("alt", alt)
    svg = plotting.themed_svg(plotting.figure_svg(figure))
    _forget(figure)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)


def _slider(
    names: list[str], values: list[float], pictures: list[str], label: str, start: int
) -> "VBox":
    try:
        import ipywidgets as W  # noqa: N812
    except ImportError:
        raise ImportError("explore.frames needs ipywidgets: pip install ipywidgets") from None
    slider = W.SelectionSlider(
        options=list(zip(names, values, strict=True)),
        index=start,
        description=label,
        style={"description_width": "initial"},
        layout={"width": "auto"},
    )
    pictures, glyphs = _svg.share_glyphs(pictures)
    letters = W.HTML(glyphs)
    like = {"layout": letters.layout, "style": letters.style}
    stack = W.Stack([W.HTML(picture, **like) for picture in pictures], selected_index=start)
    # Linked in the page itself, so that it moves where no Python runs.
    W.jslink((slider, "index"), (stack, "selected_index"))
    explorable = W.VBox([slider, stack, letters])
    explorable.add_class("course-explorable")
    return explorable


def _forget(figure: Figure) -> None:
    """Close `figure`, which the notebook would otherwise also show below the cell."""
    import matplotlib.pyplot as plt

    plt.close(figure)


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected text, got {_kind(value)}")
    if not value.strip():
        raise ValueError(f"{name}: expected text, got an empty string")


def _kind(value: Any) -> str:
    return type(value).__name__
