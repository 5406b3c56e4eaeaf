"""Figures: safe colors, the same bytes every time, small, and at home in a light or a dark page."""

import itertools
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from skimage.color import deltaE_ciede2000, rgb2lab

from course_utils import _svg, plotting

SERIES = {
    name: getattr(plotting, name) for name in ("BLUE", "VERMILLION", "GREEN", "PURPLE", "GRAY")
}
STYLE_SHEET = Path(__file__).parents[1] / "book/_assets/book.css"

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


@pytest.fixture(autouse=True)
def _own_style():
    with matplotlib.rc_context():
        plotting.use_style()
        yield
    plt.close("all")


def linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    dark, light = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


def seen(color: str, vision: str) -> np.ndarray:
    rgb = np.clip(VISION[vision] @ linear(color), 0, 1)
    srgb = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb.reshape(1, 1, 3)).reshape(3)


def page_colors(theme: str) -> dict[str, str]:
    """The colors that the site's style sheet gives one theme."""
    blocks = re.findall(rf'html\[data-theme="{theme}"\] {{([^}}]*)}}', STYLE_SHEET.read_text())
    return dict(re.findall(r"--pst-color-([\w-]+): (#\w{6})", "".join(blocks)))


def curve(color: str = "C0", phase: float = 0.0) -> Figure:
    figure, axes = plt.subplots(figsize=plotting.SINGLE)
    x = np.linspace(0, 6, 25)
    axes.plot(x, np.sin(x + phase), color=color, marker="o")
    axes.set(xlabel="time (s)", ylabel="$v$ (V)")
    return figure


def absolute(path: str) -> np.ndarray:
    """The corners of a polyline of M and l commands."""
    number = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")
    lines = [np.array(number.findall(line), dtype=float) for line in path.split("M")[1:]]
    return np.concatenate([line.reshape(-1, 2).cumsum(axis=0) for line in lines])


def coordinates(svg: str) -> np.ndarray:
    numbers = " ".join(re.findall(r' d="([^"]*)"', svg))
    return np.array([float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", numbers)])


def references(svg: str) -> set[str]:
    return set(re.findall(r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+', svg))


def test_contrast_of_known_colors():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SERIES)
def test_series_stand_out_from_the_page(name, theme):
    assert contrast(SERIES[name], page_colors(theme)["background"]) >= 3


@pytest.mark.parametrize("vision", VISION)
def test_series_stay_apart_for_every_eye(vision):
    apart = {
        pair: float(deltaE_ciede2000(*(seen(SERIES[name], vision) for name in pair)))
        for pair in itertools.combinations(SERIES, 2)
    }
    assert min(apart.values()) >= 15, apart


def test_cycle_is_the_series():
    cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == list(SERIES.values())


def test_figure_repeats_byte_for_byte():
    once, again = plotting.figure_svg(curve()), plotting.figure_svg(curve())
    assert once == again
    assert plotting.figure_svg(curve(phase=1.0)) != once


def test_figure_keeps_its_size():
    root = ElementTree.fromstring(plotting.figure_svg(curve()))
    width, height = plotting.SINGLE
    assert root.attrib["viewBox"].split() == ["0", "0", f"{72 * width:g}", f"{72 * height:g}"]
    assert f"max-width:max(100%,{0.65 * 72 * width:.0f}pt)" in root.attrib["style"]


@settings(derandomize=True, deadline=None, max_examples=20)
@given(arrays(float, (7, 2), elements=st.floats(-1e3, 1e3)))
def test_every_reference_resolves_inside_the_figure(points):
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(*points.T, marker="s")
    axes.fill_between(np.arange(7), points[:, 0], hatch="/")
    svg = plotting.figure_svg(figure)
    ids = re.findall(r' id="([^"]*)"', svg)
    assert len(ids) == len(set(ids))
    assert set(ids) == references(svg)
    ElementTree.fromstring(svg)


def test_figures_in_one_page_clash_only_where_they_agree():
    elements: dict[str, str] = {}
    for phase in (0.0, 1.0):
        svg = plotting.figure_svg(curve(phase=phase))
        found = re.findall(r'<(\w+) id="([^"]*)"(.*?)(?:/>|</\1>)', svg)
        assert found
        for tag, name, content in found:
            assert elements.setdefault(name, tag + content) == tag + content


def test_shared_letters_are_all_there():
    svgs = [plotting.figure_svg(curve(phase=phase)) for phase in (0.0, 1.0)]
    bare, letters = _svg.share_glyphs(svgs)
    outlines = [svg.count('transform="scale(0.015625)"') for svg in (*bare, letters)]
    assert outlines[:2] == [0, 0]
    assert outlines[2] >= 10
    for svg, whole in zip(bare, svgs, strict=True):
        assert references(svg) == references(whole)
        assert references(svg) <= set(re.findall(r' id="([^"]*)"', svg + letters))
        ElementTree.fromstring(svg)


def test_figure_leaves_the_page_around_it_alone():
    svg = plotting.figure_svg(curve())
    assert svg.startswith("<svg ")
    assert "<style" not in svg
    assert re.findall(r"https?://[^\"']*", svg) == ["http://www.w3.org/2000/svg"]


def test_minimizing_moves_nothing_visibly(tmp_path):
    plain = tmp_path / "plain.svg"
    curve().savefig(plain, format="svg", dpi=192)
    before, after = coordinates(plain.read_text()), coordinates(plotting.figure_svg(curve()))
    assert before.shape == after.shape
    np.testing.assert_allclose(after, before, atol=0.0051)
    assert len(plotting.figure_svg(curve())) < 0.6 * plain.stat().st_size


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    arrays(float, (80, 2), elements=st.floats(-50, 800)), st.lists(st.integers(2, 78), max_size=4)
)
def test_long_lines_keep_every_corner(points, breaks):
    """A tenth of a point is the resolution, and errors do not add up along the line."""
    starts = {0, *breaks}
    path = "".join(
        f"{'M' if i in starts else 'L'} {x:f} {y:f} \n" for i, (x, y) in enumerate(points)
    )
    drawn = absolute(_svg._compact_path(path))
    moved = [i == 0 or i in starts or bool(d.any()) for i, d in enumerate(tenth_steps(points))]
    np.testing.assert_allclose(drawn, points[moved], atol=0.0501)


def tenth_steps(points: np.ndarray) -> np.ndarray:
    return np.diff(np.round(10 * np.round(points, 6)), axis=0, prepend=0)


def test_marks_keep_their_own_color_and_opacity():
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], "o", color=plotting.GREEN, alpha=0.5)
    axes.scatter([0, 1], [1, 0], color=plotting.PURPLE)
    uses = re.findall(r"<use [^>]*>", plotting.figure_svg(figure))
    green = [use for use in uses if plotting.GREEN in use]
    assert len(green) == 2
    assert all("opacity:0.5" in use for use in green)
    assert len([use for use in uses if f"fill:{plotting.PURPLE}" in use]) == 2


def test_theme_takes_over_ink_and_paper_only():
    figure = curve(color=plotting.VERMILLION)
    figure.axes[0].axhline(0, color="black")
    figure.axes[0].axhspan(0.2, 0.4, color="black")
    figure.axes[0].plot(3, 0, "o", color="white")
    svg = plotting.themed_svg(plotting.figure_svg(figure))
    assert f"stroke:{plotting.VERMILLION}" in svg
    assert f"color:var(--figure-ink,{plotting.INK});" in svg
    assert f"var(--figure-paper,{plotting.PAPER})" in svg
    assert not re.search(rf"(?:fill|stroke): ?(?:{plotting.INK}|#000000|{plotting.PAPER})", svg)


def test_theme_takes_over_a_hand_drawn_schematic():
    drawn = '<svg class="course-figure"><path fill="#ffffff" style="stroke: #22262c"/></svg>'
    assert plotting.themed_svg(drawn) == (
        '<svg class="course-figure" style="color:var(--figure-ink,#22262c)">'
        '<path fill="var(--figure-paper,#ffffff)" style="stroke: currentColor"/></svg>'
    )


def test_dense_marks_can_be_rasterized():
    figure, axes = plt.subplots()
    points = np.random.default_rng(0).random((5000, 2))
    axes.plot(*points.T, ".", markersize=1, rasterized=True)
    rasterized = plotting.figure_svg(figure)
    axes.lines[0].set_rasterized(False)
    assert "data:image/png;base64," in rasterized
    assert len(rasterized) < len(plotting.figure_svg(figure)) / 2


@pytest.mark.parametrize("before", ["", "import matplotlib.pyplot as plt", "%matplotlib inline"])
def test_notebooks_show_svg(before):
    cells = [
        before,
        "from course_utils import plotting\nplotting.use_style()",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\n_ = ax.plot([1, 2])",
        "%matplotlib inline\nfig",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    shown = [output.data for cell in notebook.cells for output in cell.outputs if "data" in output]
    assert [set(data) for data in shown] == [{"text/plain", "image/svg+xml"}] * 2
    assert all('class="course-figure"' in data["image/svg+xml"] for data in shown)


def test_package_imports_without_matplotlib():
    code = "import sys, course_utils; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
