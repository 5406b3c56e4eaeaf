"""Run: a chapter's cells that are tagged `live` get names, and their page the control above them.

Only where Pyodide lies beside the site (`make` fetches it); without it a page is as it was.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

PYODIDE = Path(__file__).resolve().parents[2] / "_build/vendor/live/pyodide/pyodide-lock.json"
BAR = """
<section class="live-bar" aria-label="Run the code of this page">
<button class="live-button live-start" type="button">Run the code</button>
<p role="status">Edit and run this chapter's cells here. Nothing leaves your browser.</p>
</section>
"""


def look_for_pyodide(app: Sphinx, config: Config) -> None:
    config.has_pyodide = PYODIDE.is_file()


def prepare(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give live cells the ids of the notebook, and put the bar below the chapter's facts."""
    live = [one for one in doctree.findall(nodes.container) if "tag_live" in one["classes"]]
    if not (live and app.config.has_pyodide):
        return
    notebook = json.loads(Path(app.env.doc2path(page)).read_text(encoding="utf-8"))
    for cell in live:
        cell["ids"].append("cell-" + notebook["cells"][cell["cell_index"]]["id"])
    facts = [one for one in doctree.findall(nodes.container) if "chapter-facts" in one["classes"]]
    above = facts[0] if facts else next(iter(doctree.findall(nodes.title)))
    above.parent.insert(above.parent.index(above) + 1, nodes.raw("", BAR, format="html"))


def add_assets(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if 'class="live-bar"' in context.get("body", ""):
        app.add_css_file("live.css")
        app.add_js_file("live.js", defer="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("has_pyodide", False, "html")
    app.connect("config-inited", look_for_pyodide)
    app.connect("doctree-resolved", prepare)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
