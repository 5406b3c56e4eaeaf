"""Figures in the page: SVG is inlined so that it follows the theme, each with a text of its own."""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from course_utils.plotting import themed_svg

logger = logging.getLogger(__name__)


def visit_image(translator: HTML5Translator, node: nodes.image) -> None:
    """Write the image, inline where it is one of the book's own figures.

    An image file that the page merely points to cannot see the theme the reader chose.
    """
    alt = node.get("alt", "").strip()
    if not alt or alt == node["uri"]:
        logger.warning("image without alternative text: %s", node["uri"], location=node)
    source = Path(translator.builder.srcdir, node["uri"])
    svg = source.read_text(encoding="utf-8") if source.suffix == ".svg" else ""
    if 'class="course-figure"' not in svg:
        HTML5Translator.visit_image(translator, node)
        return
    label = translator.attval(alt)
    figure = themed_svg(svg[svg.index("<svg") :])
    translator.body.append(
        '<div class="figure-scroll">'
        + figure.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
        + "</div>"
    )
    translator.builder.images.pop(node["uri"], None)


def depart_image(translator: HTML5Translator, node: nodes.image) -> None:
    """Nothing is open after an image."""


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
