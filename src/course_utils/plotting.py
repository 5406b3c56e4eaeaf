"""One look for all figures: SVG whose text and lines follow the page's light or dark theme.

In a notebook a figure is a plain SVG on white.  The site inlines it and turns INK and PAPER into
the theme's own colors (`themed_svg`), so one file reads well on both pages and in print.
"""

import io
import re
import sys
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from course_utils import _svg

# Series colors.  Each has a contrast of at least 3 to 1 with a white page and with the dark one
# (#15181d), and any two stay apart (CIEDE2000 of 15 or more) for all three kinds of color
# blindness: tests/test_plotting.py computes both.
BLUE = "#1b62d6"
VERMILLION = "#dc4f14"
GREEN = "#00a06c"
PURPLE = "#b779ab"
GRAY = "#6c6e74"

# Text, axes and background.  The site replaces exactly these two values, so use them (or "black"
# and "white", which become the same) for anything that is not data.
INK = "#22262c"
PAPER = "#ffffff"

# Figure sizes in inches; the page's text column is 7.2 in wide, so nothing is scaled there.
SINGLE = (5.4, 3.3)
WIDE = (7.2, 2.9)
TALL = (7.2, 5.2)

_RC: dict[Any, Any] = {
    "figure.figsize": SINGLE,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILLION, GREEN, PURPLE, GRAY]),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "grid.color": GRAY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "hatch.color": INK,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "legend.fontsize": "medium",
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
    "lines.solid_capstyle": "round",
    "mathtext.fontset": "dejavusans",
    "patch.edgecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
}
# Rasterized parts of a figure, in dots per inch: sharp on a screen of twice the usual density.
_RASTER_DPI = 192
# On a narrow page a figure shrinks to this part of its size, where its text is still legible, and
# scrolls beyond.
_LEGIBLE = 0.65


def use_style() -> None:
    """Set the book's figure style, and SVG figures where IPython shows them.

    Call it once, in a notebook's first cell.  Figures keep their exact size (nothing is cropped or
    padded), so put legends inside or with `loc="outside ..."`.  SVG stores every point: draw
    images, and clouds or rasters of more than about 2000 marks, with `rasterized=True`.
    """
    matplotlib.rcParams.update(_RC)
    _show_figures_as_svg()


def figure_svg(figure: Figure) -> str:
    """`figure` as a small self-contained SVG, the same bytes every time it is drawn.

    Text is drawn as outlines, so that it looks alike everywhere: the alternative text has to carry
    what the figure says.  Ids are unique to the figure's content, so that several figures can be
    inlined in one page.
    """
    buffer = io.StringIO()
    repeatable: dict[Any, Any] = {"svg.hashsalt": "course_utils", "svg.fonttype": "path"}
    with matplotlib.rc_context(repeatable):
        figure.savefig(buffer, format="svg", dpi=_RASTER_DPI, metadata={"Date": None})
    svg = _svg.minimize(buffer.getvalue(), INK)
    svg = svg.replace(' version="1.1"', ' class="course-figure"', 1)
    narrowest = _LEGIBLE * 72 * figure.get_figwidth()
    return _svg.add_root_style(svg, f"max-width:max(100%,{narrowest:.0f}pt);height:auto")


def themed_svg(svg: str) -> str:
    """`svg` with INK and PAPER taken from the page's CSS variables, for inlining in a page.

    The variables are --figure-ink and --figure-paper; where a page does not set them, or in a
    notebook, the figure looks as before.  Black counts as INK.
    """
    paint = r'((?:fill|stroke)(?:: ?|="))'
    svg = re.sub(rf"{paint}(?:{INK}|#000000)", r"\1currentColor", svg)
    svg = re.sub(rf"{paint}{PAPER}", rf"\1var(--figure-paper,{PAPER})", svg)
    return _svg.add_root_style(svg, f"color:var(--figure-ink,{INK})")


def _show_figures_as_svg() -> None:
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    if "inline" in matplotlib.get_backend().lower():
        # The inline backend installs PNG when it loads, which must not come after this.
        import matplotlib_inline.backend_inline  # noqa: F401
    formatters = shell.display_formatter.formatters
    for formatter in formatters.values():
        formatter.pop(Figure, None)
    formatters["image/svg+xml"].for_type(Figure, figure_svg)
