"""What pages need beyond the theme: sliders drawn before they move, true lists, no thebe."""

import json
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from course_utils._svg import share_glyphs

WIDGET = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>')
PLAIN_CODE = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')
FIGURE = re.compile(
    r'<svg (?:[^>]*class="course-figure"|xmlns="[^"]*" width="0").*?</svg>', re.DOTALL
)
STATE = "application/vnd.jupyter.widget-state+json"


def leave_out_thebe(app: Sphinx, config: Config) -> None:
    """Disconnect sphinx-thebe, which Jupyter Book always loads.

    It puts two copies of a script that loads code from a public server on every page.
    """
    for files in (app.registry.css_files, app.registry.js_files):
        files[:] = [one for one in files if "thebe" not in (one[0] or "")]
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if one.handler.__module__ != "sphinx_thebe"]


def show_stills(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put each slider's first figure in the page itself.

    It is there without JavaScript and in print, and holds the slider's place until its code has
    loaded, so that nothing jumps.
    """
    state = _widget_state(context)
    if state:
        context["body"] = WIDGET.sub(
            lambda view: _still(state, json.loads(view[1])["model_id"]) + view[0], context["body"]
        )


def share_letters(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the outline of each letter once a page, in place of once a figure."""
    figures = FIGURE.findall(context.get("body", ""))
    if figures:
        bare, letters = share_glyphs(figures)
        rest = iter(bare)
        context["body"] = letters + FIGURE.sub(lambda figure: next(rest), context["body"])


def mend_markup(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Make a bibliography's entries the items of its list, and leave plain code unmarked.

    Names and punctuation have the color of the text around them, and are half of a listing.
    """
    if "body" in context:
        body = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = PLAIN_CODE.sub(r"\1", body)


def _widget_state(context: dict[str, Any]) -> dict[str, Any]:
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == STATE:
            return json.loads(attributes["body"])["state"]
    return {}


def _still(state: dict[str, Any], model_id: str) -> str:
    """The figure that `explore.frames` shows first, or nothing for any other widget."""
    model = state.get(model_id, {})
    if "course-explorable" not in model.get("state", {}).get("_dom_classes", []):
        return ""
    stack = _child(state, model, 1)
    frame = _child(state, stack, stack["state"]["selected_index"])
    letters = _child(state, model, 2)
    svg = frame["state"]["value"] + letters["state"]["value"]
    return f'<div class="explorable-still">{svg}</div>'


def _child(state: dict[str, Any], model: dict[str, Any], index: int) -> dict[str, Any]:
    return state[model["state"]["children"][index].removeprefix("IPY_MODEL_")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", leave_out_thebe)
    app.connect("html-page-context", show_stills, priority=900)
    app.connect("html-page-context", share_letters, priority=901)
    app.connect("html-page-context", mend_markup)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
