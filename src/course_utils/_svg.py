"""SVG as Matplotlib writes it, made small: a chapter inlines some thirty figures in one page."""

import hashlib
import re
from collections.abc import Iterable

# A polyline of more points than this is data, and a tenth of a point is finer than its stroke.
_MANY_POINTS = 30
_REFERENCE = re.compile(r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+')
_GLYPH = re.compile(r'<path id="[^"]*" d="[^"]*" transform="scale\([^"]*\)"/>')
_SPACE = re.compile(r'<path id="([^"]*)" transform="scale\([^"]*\)"/>')


def minimize(svg: str, ink: str) -> str:
    """`svg` without what a reader cannot see, and with ids that are safe in a page of figures.

    Matplotlib's own style sheet matches every element ("*"), so inlined it would reach the whole
    page: its rule goes to the root, as does `ink`, the color of text.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "").replace("xlink:", "")
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: _compact_path(path.group()), svg)
    svg = re.sub(r'(?<= [xy]=")[-\d.]+(?=")', lambda number: _round(number.group()), svg)
    svg = re.sub(r"(?<=translate\()[^)]*", lambda numbers: _round(numbers.group()), svg)
    svg = re.sub(r'(<use [^>]*) transform="translate\((\S+) 0\)"', r'\1 x="\2"', svg)
    svg = re.sub(r'(?<= style=")[^"]*', lambda style: re.sub("([:;]) ", r"\1", style.group()), svg)
    svg = re.sub(r">\s+<", "><", svg).strip()
    for space in set(_SPACE.findall(svg)):
        svg = re.sub(rf'<use href="#{re.escape(space)}"[^>]*/>', "", svg)
    svg = _drop_inherited_styles(_SPACE.sub("", svg), ink)
    svg = _name_by_content(svg)
    while (unwrapped := re.sub(r"<g>(<[^<>]*/>)?</g>", r"\1", svg)) != svg:
        svg = unwrapped
    return add_root_style(svg, f"fill:{ink};stroke-linejoin:round")


def add_root_style(svg: str, style: str) -> str:
    root, rest = svg.split(">", 1)
    if ' style="' in root:
        return root.replace(' style="', f' style="{style};', 1) + ">" + rest
    return f'{root} style="{style}">{rest}'


def share_glyphs(svgs: Iterable[str]) -> tuple[list[str], str]:
    """The minimized `svgs` of one page without the outlines of their letters, and an SVG of these.

    Letters are the greater part of a small figure, and frames of one slider use the same ones.
    """
    svgs = list(svgs)
    glyphs = dict.fromkeys(glyph for svg in svgs for glyph in _GLYPH.findall(svg))
    bare = [_GLYPH.sub("", svg).replace("<defs></defs>", "") for svg in svgs]
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0" aria-hidden="true"'
    return bare, f'{head} style="position:absolute"><defs>{"".join(glyphs)}</defs></svg>'


def _round(text: str, digits: int = 2) -> str:
    """`text` with every decimal number rounded."""

    def rounded(number: re.Match[str]) -> str:
        short = f"{float(number.group()):.{digits}f}".rstrip("0").rstrip(".")
        return "0" if short == "-0" else short

    return re.sub(r"-?\d+\.\d+", rounded, text)


def _compact_path(path: str) -> str:
    points = re.findall(r"([ML]) (\S+) (\S+)\s*", path)
    only_lines = len(points) == len(re.findall("[A-Za-z]", path))
    if only_lines and len(points) > _MANY_POINTS:
        return _relative(points)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", _round(path)).strip()


def _relative(points: list[tuple[str, str, str]]) -> str:
    """A polyline as steps of whole tenths, which do not add up rounding errors."""
    words, x, y = [], 0, 0
    for command, *place in points:
        new_x, new_y = (round(10 * float(number)) for number in place)
        if command == "M":
            words.append(f"M{_tenths(new_x)} {_tenths(new_y)}")
        elif (new_x, new_y) != (x, y):
            step = "l" if words[-1][0] == "M" else " "
            words.append(f"{step}{_tenths(new_x - x)} {_tenths(new_y - y)}")
        x, y = new_x, new_y
    return "".join(words).replace(" -", "-")


def _tenths(number: int) -> str:
    sign = "-" if number < 0 else ""
    whole, tenth = divmod(abs(number), 10)
    return f"{sign}{whole or ''}.{tenth}" if tenth else f"{sign}{whole}"


def _drop_inherited_styles(svg: str, ink: str) -> str:
    """`svg` without styles that its root or the marker that is drawn has anyway."""
    svg = svg.replace(f'<g style="fill:{ink}" ', "<g ")
    markers = set(re.findall(r'<path id="([^"]*)"[^>]* style="stroke', svg))

    def shorten(use: re.Match[str]) -> str:
        start, marker, style = use.groups()
        if marker not in markers:
            return use.group()
        kept = ";".join(part for part in style.split(";") if not part.startswith("stroke"))
        return start if kept in ("", f"fill:{ink}") else f'{start} style="{kept}"'

    return re.sub(r'(<use href="#([^"]*)"[^>]*?) style="([^"]*)"', shorten, svg)


def _name_by_content(svg: str) -> str:
    """`svg` with each id that is referred to made of its element's content, and no other id.

    So figures inlined in one page clash only where they agree.
    """
    names: dict[str, str] = {}
    for old in dict.fromkeys(_REFERENCE.findall(svg)):
        pattern = rf'<(\w+) id="{re.escape(old)}"([^>]*/>|.*?</\1>)'
        element = re.search(pattern, svg, flags=re.DOTALL)
        content = element.expand(r"\1\2") if element else old
        name = "c" + hashlib.sha256(content.encode()).hexdigest()[:7]
        if name in names.values():
            svg = re.sub(pattern, "", svg, count=1, flags=re.DOTALL)
        names[old] = name
    svg = _REFERENCE.sub(lambda old: names[old.group()], svg)

    def identify(match: re.Match[str]) -> str:
        return f' id="{names[match[1]]}"' if match[1] in names else ""

    return re.sub(r' id="([^"]*)"', identify, svg)
