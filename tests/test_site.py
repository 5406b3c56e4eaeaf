"""Every page of the built site in Chromium: quiet, offline, typeset, accessible, wide or narrow.

A page is opened once; all its tests read what that visit saw.
"""

import contextlib
import functools
import http.server
import os
import re
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# The site must not care where on its host it lives.
PREFIX = "/some/path"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1400, "height": 900}
# Chromium's own traffic would count as requests of the page; other hosts are not to be found.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# index.html only leads to the book's first page.
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path.parent != SITE and "_static" not in path.parts
)
PAGES += [name for name in ("search.html", "genindex.html") if (SITE / name).exists()]
CHAPTERS = [page for page in PAGES if (ROOT / page).with_suffix(".ipynb").exists()]
SLIDERS = [page for page in CHAPTERS if "course-explorable" in (SITE / page).read_text("utf-8")]

# Resolves when equations are typeset and widgets drawn.
SETTLED = """async () => {
  await (window.MathJax?.startup?.promise ?? Promise.resolve());
  const waiting = () => document.querySelectorAll(
    'script[type="application/vnd.jupyter.widget-view+json"]').length
    - document.querySelectorAll('.widget-subarea > *').length;
  for (let i = 0; i < 200 && waiting() > 0; i++) await new Promise((go) => setTimeout(go, 50));
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
}"""
# Folded text is read too.  axe leaves out what is hidden.
UNFOLD = "() => document.querySelectorAll('details').forEach((one) => (one.open = true))"
# Colors fade when text unfolds or the theme changes.
CALM = """() => Promise.race([
  Promise.allSettled(document.getAnimations().map((one) => one.finished)),
  new Promise((go) => setTimeout(go, 2000))])"""
MATH = """() => [...document.querySelectorAll('.math')]
  .filter((one) => !one.querySelector('mjx-container') || one.querySelector('mjx-merror'))
  .map((one) => one.textContent)"""
BARE_ICONS = """() => [...document.querySelectorAll('.fas, .fab, .fa-solid')]
  .filter((one) => !getComputedStyle(one, '::before').maskImage.startsWith('url'))
  .map((one) => one.className)"""
AXE_RUN = """async () => (await axe.run({resultTypes: ['violations']})).violations
  .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`))"""
WIDER = """() => {
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  return wide <= 0 ? [] : [...document.querySelectorAll('.bd-article *')]
    .filter((one) => one.getBoundingClientRect().right > window.innerWidth)
    .map((one) => `${wide} px: ${one.outerHTML.slice(0, 120)}`).slice(0, 5).concat(`${wide} px`);
}"""


@dataclass
class Visit:
    """What one opening of one page showed."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    math: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    bare_icons: list[str] = field(default_factory=list)
    wider_than_phone: list[str] = field(default_factory=list)
    kilobytes: float = 0.0


class SubPathHandler(http.server.SimpleHTTPRequestHandler):
    """The site below PREFIX, and nothing elsewhere."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(
            path.removeprefix(PREFIX) if path.startswith(PREFIX) else "/no/such/file"
        )

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def browser():
    if not (SITE / "index.html").exists():
        pytest.fail("there is no built site: make book", pytrace=False)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.fail("there is no Chromium: make browser", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def address():
    handler = functools.partial(SubPathHandler, directory=os.fspath(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def opened(browser: Browser, url: str, home: str, seen: Visit):
    """A page at `url`, with its errors and its requests outside `home` noted in `seen`."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    context.set_default_timeout(15_000)
    page = context.new_page()

    def note(request: Request) -> None:
        if request.url.startswith(("data:", "blob:")):
            return
        seen.requests.append(request.url)
        if not request.url.startswith(home):
            seen.outside.append(request.url)

    def weigh(response) -> None:
        if response.status >= 400:
            seen.errors.append(f"{response.status} {response.url}")
        # Equations and widgets are fetched once for the whole book.
        if "/offline/" not in response.url:
            seen.kilobytes += int(response.headers.get("content-length", 0)) / 1000

    page.on("request", note)
    page.on("response", weigh)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda line: seen.errors.append(line.text) if line.type == "error" else 0)
    page.goto(url, wait_until="load")
    page.evaluate(SETTLED)
    yield page
    context.close()


@pytest.fixture(scope="session")
def visit(browser, address):
    @functools.cache
    def visited(name: str) -> Visit:
        seen = Visit()
        with opened(browser, address + name, address, seen) as page:
            seen.math = page.evaluate(MATH)
            seen.bare_icons = page.evaluate(BARE_ICONS)
            # axe reads the style sheets once more, which is not the page's doing.
            seen.repeated = [url for url, n in Counter(seen.requests).items() if n > 1]
            page.evaluate(UNFOLD)
            page.evaluate(CALM)
            page.evaluate(AXE.read_text(encoding="utf-8"))
            seen.violations["light"] = page.evaluate(AXE_RUN)
            set_dark(page)
            seen.violations["dark"] = page.evaluate(AXE_RUN)
            page.set_viewport_size(PHONE)
            page.evaluate(SETTLED)
            seen.violations["phone"] = page.evaluate(AXE_RUN)
            seen.wider_than_phone = page.evaluate(WIDER)
        return seen

    return visited


def set_dark(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.evaluate(CALM)


def test_there_are_pages(browser):
    assert "book/intro.html" in PAGES
    assert CHAPTERS
    assert SLIDERS


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_error(visit, name):
    assert visit(name).errors == []


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_only_its_own_site(visit, name):
    assert visit(name).outside == []


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_for_nothing_twice(visit, name):
    assert visit(name).repeated == []


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(visit, name):
    assert 0 < visit(name).kilobytes < 1500


@pytest.mark.parametrize("name", PAGES)
def test_equations_are_typeset(visit, name):
    assert visit(name).math == []


@pytest.mark.parametrize("name", PAGES)
def test_icons_are_drawn(visit, name):
    assert visit(name).bare_icons == []


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(visit, name):
    assert visit(name).wider_than_phone == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_page_is_accessible(visit, look, name):
    assert visit(name).violations[look] == []


@pytest.mark.parametrize("name", SLIDERS)
@pytest.mark.parametrize("place", ["server", "folder"])
def test_slider_moves_its_figure_by_keyboard(browser, address, place, name):
    home = address if place == "server" else SITE.as_uri()
    seen = Visit()
    with opened(browser, f"{home.rstrip('/')}/{name}", home, seen) as page:
        handles = page.get_by_role("slider")
        assert handles.count() >= 1
        for i in range(handles.count()):
            handle = handles.nth(i)
            box = page.locator(".course-explorable").nth(i)
            figure = box.locator("svg.course-figure:visible")
            label = box.locator(".widget-label").first.inner_text()
            assert handle.get_attribute("aria-label") == label
            before = (figure.get_attribute("aria-label"), figure.inner_html())
            value = handle.get_attribute("aria-valuetext")
            handle.press("ArrowLeft" if at_end(handle) else "ArrowRight")
            page.wait_for_function(
                "([one, old]) => one.getAttribute('aria-valuetext') !== old",
                arg=[handle.element_handle(), value],
            )
            assert figure.count() == 1
            after = (figure.get_attribute("aria-label"), figure.inner_html())
            assert all(new != old for new, old in zip(after, before, strict=True))
            shown = box.locator(".widget-readout").inner_text()
            assert handle.get_attribute("aria-valuetext") == shown
    assert (seen.errors, seen.outside) == ([], [])


def at_end(handle) -> bool:
    now, last = (float(handle.get_attribute(f"aria-value{one}")) for one in ("now", "max"))
    return now == last


@pytest.mark.parametrize("name", SLIDERS)
def test_slider_shows_its_figure_without_scripts(browser, address, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + name)
    stills = page.locator(".explorable-still svg.course-figure")
    assert stills.count() >= 1
    assert all(stills.nth(i).is_visible() for i in range(stills.count()))
    context.close()


@pytest.mark.parametrize("name", [page for page in CHAPTERS if page.startswith("book/")])
def test_chapter_opens_from_a_folder(browser, name):
    seen = Visit()
    with opened(browser, (SITE / name).as_uri(), SITE.as_uri(), seen) as page:
        assert page.evaluate(MATH) == []
    assert (seen.errors, seen.outside) == ([], [])


@pytest.mark.parametrize("place", ["server", "folder"])
def test_search_finds_a_chapter(browser, address, place):
    home = address if place == "server" else SITE.as_uri() + "/"
    seen = Visit()
    with opened(browser, f"{home}search.html?q=threshold", home, seen) as page:
        found = page.locator("#search-results li", has=page.locator("a[href*='book/lif.html']"))
        found.first.wait_for()
        if place == "server":
            # A browser gives no other page's text to a page from a folder.
            found.first.get_by_text("threshold").first.wait_for()
    assert (seen.errors, seen.outside) == ([], [])


def test_first_page_leads_to_the_book(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.wait_for_url(f"{address}book/intro.html")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_wear_the_theme(browser, address, scheme):
    name = SLIDERS[0]
    with opened(browser, address + name, address, Visit()) as page:
        if scheme == "dark":
            set_dark(page)
        inks, text = page.evaluate(
            """() => [[...document.querySelectorAll('svg.course-figure [style*=currentColor]')]
            .map((one) => getComputedStyle(one)).flatMap((style) => [style.fill, style.stroke])
            .filter((color) => color !== 'none'), getComputedStyle(document.body).color]"""
        )
        assert set(inks) == {text}


@dataclass
class Links(HTMLParser):
    """The links and the targets of a page."""

    hrefs: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.add(values.get("id") or "")
        if tag == "a" and values.get("href"):
            self.hrefs.append(values["href"] or "")


@functools.cache
def links(path: Path) -> Links:
    parser = Links()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def leads_somewhere(href: str, name: str) -> bool:
    target = urlsplit(urljoin((SITE / name).as_uri(), href))
    if target.scheme != "file":
        return True
    path = Path(unquote(target.path))
    anchor = unquote(target.fragment)
    return path.is_file() and (not anchor or anchor in links(path).ids)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(browser, name):
    assert [href for href in links(SITE / name).hrefs if not leads_somewhere(href, name)] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_launch_buttons_open_this_notebook(browser, name):
    hrefs = links(SITE / name).hrefs
    notebook = Path(name).with_suffix(".ipynb").as_posix()
    for host, before in (
        ("mybinder.org", r"/v2/gh/[^/]+/[^/]+/main\?urlpath=lab/tree/"),
        ("colab.research.google.com", r"/github/[^/]+/[^/]+/blob/main/"),
    ):
        launches = [href for href in hrefs if href.startswith(f"https://{host}/")]
        assert len(launches) == 1
        assert re.fullmatch(f"https://{host}{before}{re.escape(notebook)}", launches[0])
