"""Sliders: one described frame a value, linked in the page, and clear errors."""

import html
import re

import ipywidgets as W  # noqa: N812
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from course_utils import explore, plotting


def draw(value: float) -> Figure:
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, value])
    return figure


def describe(value: float) -> str:
    return f"a line of slope {value:g}"


def blank(value: float) -> Figure:
    return Figure(figsize=(1, 1 + abs(value) % 1))


def pictures(explorable: W.VBox) -> list[str]:
    _, stack, _ = explorable.children
    return [child.value for child in stack.children]


def labels(explorable: W.VBox) -> list[str]:
    return [re.search(r'aria-label="([^"]*)"', picture)[1] for picture in pictures(explorable)]


def test_slider_shows_values_and_frames():
    values = [0, 0.5, 2]
    explorable = explore.frames(draw, values, label="Slope", unit="V/s", alt=describe, start=1)
    slider, stack, _ = explorable.children
    assert slider.description == "Slope"
    assert slider.options == (("0 V/s", 0.0), ("0.5 V/s", 0.5), ("2 V/s", 2.0))
    assert (slider.value, slider.index, stack.selected_index) == (0.5, 1, 1)
    assert labels(explorable) == [describe(value) for value in values]
    assert all('role="img"' in picture for picture in pictures(explorable))
    assert len(set(pictures(explorable))) == 3


def test_slider_moves_the_figure_in_the_page(monkeypatch):
    linked = []
    monkeypatch.setattr(W, "jslink", lambda source, target: linked.append((source, target)))
    explorable = explore.frames(draw, [1, 2], label="Slope", alt=describe)
    slider, stack, _ = explorable.children
    assert linked == [((slider, "index"), (stack, "selected_index"))]


def test_frames_follow_the_theme_and_close_their_figures():
    before = plt.get_fignums()
    explorable = explore.frames(draw, [1, 2], label="Slope", alt=describe)
    assert plt.get_fignums() == before
    assert all("color:var(--figure-ink," in picture for picture in pictures(explorable))


def test_frames_are_small():
    with plt.rc_context():
        plotting.use_style()
        explorable = explore.frames(draw, np.linspace(0, 1, 13), label="Slope", alt=describe)
    _, stack, letters = explorable.children
    assert sum(len(child.value) for child in (*stack.children, letters)) < 100_000


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=explore.MAX_FRAMES), st.data())
def test_one_frame_a_value(values, data):
    start = data.draw(st.integers(0, len(values) - 1))
    explorable = explore.frames(blank, values, label="x", alt=describe, start=start)
    slider, stack, _ = explorable.children
    assert [value for _, value in slider.options] == values
    assert labels(explorable) == [describe(value) for value in values]
    assert slider.index == stack.selected_index == start


def test_description_is_text_not_markup():
    text = 'rate < 5 Hz & "quiet"'
    explorable = explore.frames(draw, [1, 2], label="x", alt=lambda value: text)
    assert labels(explorable) == [html.escape(text)] * 2


BAD = [
    ({"draw": 3}, TypeError, "draw: expected a function of one value, got int"),
    ({"alt": "a line"}, TypeError, "alt: expected a function of one value, got str"),
    ({"values": [1]}, ValueError, "values: expected 2 to 24 numbers, got 1"),
    ({"values": range(25)}, ValueError, "values: expected 2 to 24 numbers, got 25"),
    ({"values": ["a", "b"]}, TypeError, "values: expected real numbers"),
    ({"values": [0, np.nan]}, ValueError, "values: expected finite numbers, got nan at index (1,)"),
    ({"start": 2}, ValueError, "start: expected an index below 2, got 2"),
    ({"start": -1}, ValueError, "start: expected a whole number of at least 0, got -1"),
    ({"start": 0.5}, TypeError, "start: expected a whole number, got float"),
    ({"label": " "}, ValueError, "label: expected text, got an empty string"),
    ({"label": None}, TypeError, "label: expected text, got NoneType"),
    ({"alt": lambda value: ""}, ValueError, "alt: expected text, got an empty string"),
    (
        {"draw": lambda v: None},
        TypeError,
        "draw: expected it to return a Matplotlib figure, got No",
    ),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD, ids=[case[2] for case in BAD])
def test_bad_input_is_named(bad, error, message):
    good = {"draw": draw, "values": [1, 2], "label": "Slope", "alt": describe}
    arguments = good | bad
    with pytest.raises(error, match=re.escape(message)):
        explore.frames(
            arguments.pop("draw"),
            arguments.pop("values"),
            **arguments,
        )
    plt.close("all")
