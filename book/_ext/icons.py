"""The theme's icons as a few kilobytes of style sheet, in place of two icon fonts and a script.

Each icon is cut from the theme's own copy of Font Awesome Free (icons: CC BY 4.0) at the end of
the build; a page then loads 350 KB less.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ICONS = [
    *("angle-left", "angle-right", "arrow-up", "bars", "chevron-down", "circle-half-stroke"),
    *("download", "expand", "file", "file-pdf", "github", "lightbulb", "list"),
    *("magnifying-glass", "moon", "rocket", "sun", "xmark"),
]
# Doubled classes outweigh the rules of the icon font that the widget manager brings.
SHAPE = """
.fas.fas, .fa-solid.fa-solid, .fab.fab { font-family: inherit; }
.fas.fas::before, .fa-solid.fa-solid::before, .fab.fab::before {
  content: ""; display: inline-block; width: 1em; height: 1em; vertical-align: -0.125em;
  background: currentColor; mask: var(--icon) center / contain no-repeat;
}
"""


def replace_icon_fonts(app: Sphinx, error: Exception | None) -> None:
    static = Path(app.outdir, "_static")
    script = static / "scripts" / "fontawesome.js"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    # Sphinx copies the theme's files again only where they are missing or older.
    if error or app.builder.name != "html" or not script.exists():
        return
    drawings = script.read_text(encoding="utf-8")
    rules = sheet.read_text(encoding="utf-8")
    rules = re.sub(r'(?:\.fa-[\w-]+:before,?)+\{content:"[^"]*"\}', "", rules)
    rules = re.sub(r"@font-face\{[^}]*\}", "", rules)
    icons = "".join(f".fa-{name}{{--icon:{_image(name, drawings)}}}\n" for name in ICONS)
    sheet.write_text(rules + SHAPE + icons, encoding="utf-8")
    for leftover in static.glob("**/*.map"):
        leftover.unlink()
    script.unlink()
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)


def _image(name: str, drawings: str) -> str:
    """The icon's outline; where a name has several, the last is the filled one."""
    found = re.findall(rf'[{{,]"?{name}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]*)"\]', drawings)
    if not found:
        raise ExtensionError(f"the theme has no icon {name!r}")
    width, height, outline = found[-1]
    box = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    svg = quote(f'{box}<path d="{outline}"/></svg>', safe="/:=<> ")
    return f"url('data:image/svg+xml,{svg}')"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", replace_icon_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
