"""Cells that run in the page: Python's side by itself, then chapters of the built site in Chromium.

Nothing is reached but the site, which is served from below a path.
"""
# ruff: noqa: F811  (a fixture's name is its argument's)

import contextlib
import functools
import json
import re
import sys
import time
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect
from test_site import (
    AXE,
    AXE_RUN,
    CALM,
    CHAPTERS,
    PHONE,
    ROOT,
    SETTLED,
    SITE,
    UNFOLD,
    WIDER,
    Visit,
    address,  # noqa: F401
    browser,  # noqa: F401
    opened,
    set_dark,
)

from course_utils import _live, explore

# --- Python's side -------------------------------------------------------------------------------


def run(source: str, number: int = 1, namespace: dict | None = None) -> tuple[str, list]:
    shown: list = []
    end = _live.run(
        source, number, {} if namespace is None else namespace, lambda *s: shown.append(s)
    )
    return end, shown


def test_cell_shows_what_it_prints_and_its_last_value():
    assert run("print('a')\nprint('b')\n1 + 1") == ("ok", [("text", "a\n"), ("text", "b\n2\n")])
    assert run("x = 1\nNone") == ("ok", [])
    assert run("") == ("ok", [])


def test_cells_share_their_names():
    namespace: dict = {}
    run("def double(x):\n    return 2 * x", 1, namespace)
    assert run("double(4)", 2, namespace) == ("ok", [("text", "8\n")])


def test_warnings_are_shown():
    with pytest.warns(UserWarning, match="careful") as caught:
        run("import warnings\nwarnings.warn('careful', stacklevel=1)")
    assert caught[0].filename == "<cell 1>"


def test_error_shows_the_cells_own_lines():
    end, [(kind, text)] = run("import json\ndef parse(t):\n    return json.loads(t)\nparse('[')", 7)
    assert (end, kind) == ("error", "error")
    assert "File \"<cell 7>\", line 4, in <module>\n    parse('[')" in text
    assert 'File "<cell 7>", line 3, in parse\n    return json.loads(t)' in text
    assert text.count("File") == 2  # neither json's frames nor those of the runner
    assert "JSONDecodeError: Expecting value" in text


def test_syntax_error_shows_its_place():
    end, [(kind, text)] = run("x = 1\nif x\n    pass", 3)
    assert (end, kind) == ("error", "error")
    assert text.startswith('  File "<cell 3>", line 2\n    if x\n')
    assert "SyntaxError" in text


def test_exit_ends_the_cell_alone():
    end, [(kind, text)] = run("raise SystemExit(2)")
    assert (end, kind) == ("error", "error")
    assert "SystemExit: 2" in text


def test_missing_module_is_named_and_not_shown():
    assert run("print(1)\nimport no_such_module.part") == ("no_such_module", [("text", "1\n")])
    assert "no module torch in the page" in _live.explain_missing("torch")
    end, [(_, text)] = run("import course_utils.no_such_topic")
    assert end == "error"
    assert "course_utils.no_such_topic" in text


def test_endless_printing_is_cut():
    end, shown = run("for i in range(100_000):\n    print(i)")
    text = "".join(text for _, text in shown)
    assert end == "ok"
    assert len(text) < 21_000
    assert text.endswith("[only the first 20000 characters are shown]\n")


def test_figures_are_handed_on_and_closed():
    source = "import matplotlib.pyplot as plt\nfor _ in range(2):\n    fig, ax = plt.subplots()\n"
    end, shown = run(source + "print('drawn')")
    assert end == "ok"
    assert [kind for kind, _ in shown] == ["text", "figure", "figure"]
    assert all(text.startswith("<svg") and "var(--figure-ink" in text for _, text in shown[1:])
    assert plt.get_fignums() == []
    run(source + "1 / 0")
    assert plt.get_fignums() == []


def test_frames_become_the_pages_own_slider(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")

    def draw(value):
        fig, ax = plt.subplots()
        ax.set_title(f"{value}")
        return fig

    frames = explore.frames(
        draw, [1, 2.5], label="drive", unit="V", alt=lambda v: f"at {v}", start=1
    )
    end, [(kind, text)] = run("frames", namespace={"frames": frames})
    assert (end, kind) == ("ok", "frames")
    shown = json.loads(text)
    assert (shown["label"], shown["start"]) == ("drive", 1)
    assert shown["names"] == ["1 V", "2.5 V"]
    assert shown["alts"] == ["at 1.0", "at 2.5"]
    assert [picture[:4] for picture in shown["pictures"]] == ["<svg"] * 2


@pytest.mark.parametrize(
    ("source", "later", "needed"),
    [
        ("import numpy as np", ["np.pi"], True),
        ("import numpy as np", ["def f():\n    return [np.pi for _ in '1']\nf()"], True),
        ("x = 1", ["y = 2", "y"], False),
        ("x = 1", ["y = x", "y"], True),  # through the cell between
        ("x = 1", ["x = 2", "x"], False),  # hidden by the cell between
        ("x = 1", ["x += 1", "x"], True),
        ("x = 1", ["x = 3\nx"], False),  # its own
        ("x = 1", ["def f(x):\n    return x\nf(2)"], False),  # an argument
        ("class A: pass", ["A()"], True),
        ("x = 1", ["x ="], False),  # shows its error at once
    ],
)
def test_cell_runs_for_another_only_where_that_needs_it(source, later, needed):
    assert _live.is_needed(source, later) is needed


# --- the page ------------------------------------------------------------------------------------

STATE = ROOT / "_build" / ".pyodide"
LIVE = [name for name in CHAPTERS if "live-bar" in (SITE / name).read_text("utf-8")]
LIF = "book/lif.html"
RIGHT = """
def firing_rate(current, neuron):
    drive = neuron.r_m * np.asarray(current, dtype=float)
    above = drive > neuron.v_threshold
    safe = np.where(above, drive, neuron.v_threshold + 1)
    charging = neuron.tau_m * np.log((safe - neuron.v_reset) / (safe - neuron.v_threshold))
    return np.where(above, 1 / (neuron.tau_ref + charging), 0.0)

check("lif.firing_rate", firing_rate)
"""

ENDED = "^(ran in|stopped|did not run)"

needs_pyodide = pytest.mark.skipif(
    not STATE.is_file() or STATE.read_text("utf-8").startswith("without"),
    reason="the site was built without Pyodide, not to be had (Makefile: PYODIDE_SOURCE)",
)
pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


@needs_pyodide
def test_there_are_live_chapters():
    assert LIF in LIVE


@contextlib.contextmanager
def started(browser, address, name: str, seen: Visit):
    """The page of a chapter after Run has been pressed."""
    with opened(browser, address + name, address, seen) as page:
        press_run(page)
        yield page


def press_run(page: Page) -> None:
    page.get_by_role("button", name="Run the code").click()
    expect(page.get_by_role("button", name="Run all cells")).to_be_enabled()
    page.evaluate(UNFOLD)


def cell(page: Page, which: str) -> Locator:
    return page.locator(f"#cell-{which}")


def write(box: Locator, text: str) -> None:
    editor = box.get_by_role("textbox")
    editor.press("ControlOrMeta+a")
    editor.page.keyboard.insert_text(text)


def written(box: Locator) -> str:
    """The text of an editor, whose lines are elements."""
    return "\n".join(box.locator(".cm-line").all_inner_texts()).replace("\n\n", "\n").strip()


def run_cell(box: Locator, text: str | None = None, state: str = "ran in") -> str:
    """What the cell shows after it has run, with another text if one is given."""
    if text is not None:
        write(box, text)
    box.get_by_role("button", name="Run cell").click()
    # Loading packages, and the cells before it.
    expect(box.locator(".live-state")).to_have_text(re.compile(ENDED), timeout=90_000)
    expect(box.locator(".live-state")).to_contain_text(state)
    return box.locator(".live-output").inner_text()


@dataclass
class Ran:
    """What a chapter showed after all its live cells had run."""

    states: dict[str, str] = field(default_factory=dict)
    undrawn: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    wider_than_phone: list[str] = field(default_factory=list)
    seen: Visit = field(default_factory=Visit)


# A cell that drew a figure when the book was built, and draws none now.
UNDRAWN = """() => [...document.querySelectorAll('.cell.tag_live')]
  .filter((cell) => cell.querySelector('.cell_output [role=img]'))
  .filter((cell) => ![...cell.querySelectorAll('img.live-image')].some((one) => one.naturalWidth))
  .map((cell) => cell.id)"""


@pytest.fixture(scope="module")
def chapter(browser, address):
    @functools.cache
    def ran(name: str) -> Ran:
        result = Ran()
        with started(browser, address, name, result.seen) as page:
            page.get_by_role("button", name="Run all cells").click()
            # As long as some cell waits or runs, so does the first button.
            expect(page.get_by_role("button", name="Run all cells")).to_be_visible(timeout=150_000)
            for box in page.locator(".cell.tag_live").all():
                state = box.locator(".live-state").inner_text()
                if not state.startswith("ran in"):
                    state += "\n" + box.locator(".live-output").inner_text()
                result.states[box.get_attribute("id")] = state
            page.evaluate(SETTLED)
            result.undrawn = page.evaluate(UNDRAWN)
            page.evaluate(UNFOLD)
            page.evaluate(CALM)
            page.evaluate(AXE.read_text(encoding="utf-8"))
            result.violations["light"] = page.evaluate(AXE_RUN)
            set_dark(page)
            result.violations["dark"] = page.evaluate(AXE_RUN)
            page.set_viewport_size(PHONE)
            page.evaluate(SETTLED)
            result.violations["phone"] = page.evaluate(AXE_RUN)
            result.wider_than_phone = page.evaluate(WIDER)
        return result

    return ran


@pytest.mark.parametrize("name", LIVE)
def test_every_live_cell_runs(chapter, name):
    states = chapter(name).states
    print(*(f"{one}: {state}" for one, state in states.items()), sep="\n")
    assert states
    assert [one for one, state in states.items() if not state.startswith("ran in")] == []


@pytest.mark.parametrize("name", LIVE)
def test_live_figures_take_the_place_of_the_printed_ones(chapter, name):
    assert chapter(name).undrawn == []


@pytest.mark.parametrize("name", LIVE)
def test_live_page_is_quiet_and_asks_only_its_own_site(chapter, name):
    assert (chapter(name).seen.errors, chapter(name).seen.outside) == ([], [])


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_live_page_is_accessible(chapter, look, name):
    assert chapter(name).violations[look] == []


@pytest.mark.parametrize("name", LIVE)
def test_live_page_fits_a_phone(chapter, name):
    assert chapter(name).wider_than_phone == []


@needs_pyodide
def test_first_output_is_light(browser, address):
    seen = Visit()
    with opened(browser, address + LIF, address, seen) as page:
        before = len(seen.requests)
        begin = time.perf_counter()
        press_run(page)
        shown = run_cell(cell(page, "setup"), "import numpy as np\nprint(np.arange(5).sum())")
        seconds = time.perf_counter() - begin
        loaded = [url.removeprefix(address) for url in seen.requests[before:]]
    megabytes = sum((SITE / one).stat().st_size for one in loaded) / 1e6
    print(f"first numpy output after {seconds:.1f} s and {megabytes:.1f} MB")
    assert shown.strip() == "10"
    assert 10 < megabytes < 18
    assert (seen.errors, seen.outside) == ([], [])


@needs_pyodide
@pytest.mark.parametrize("body", ["pass", "print('again')"])
def test_runaway_cell_is_stopped(browser, address, body):
    seen = Visit()
    with started(browser, address, LIF, seen) as page:
        box = cell(page, "setup")
        write(box, f"while True:\n    {body}")
        box.get_by_role("button", name="Run cell").click()
        expect(box.locator(".live-state")).to_have_text("runs", timeout=30_000)
        assert len(page.workers) == 1
        begin = time.perf_counter()
        box.get_by_role("button", name="Stop cell").press("Enter")
        expect(box.locator(".live-state")).to_have_text("stopped", timeout=1_000)
        assert time.perf_counter() - begin < 1.0
        while page.workers and time.perf_counter() - begin < 10:
            page.wait_for_timeout(100)
        assert page.workers == []
        expect(page.get_by_role("status")).to_contain_text("Stopped.")
        # The kernels import SciPy, which this cell does not name.
        shown = run_cell(box, "from course_utils import lif\nlif.LIFNeuron().tau_ref")
        assert shown.strip() == "0.002"
    assert (seen.errors, seen.outside) == ([], [])


@needs_pyodide
def test_edits_survive_a_reload_and_reset_restores(browser, address):
    with started(browser, address, LIF, Visit()) as page:
        box = cell(page, "traces")
        original = written(box)
        assert original.startswith("drives = np.array(")
        expect(box.get_by_role("button", name="Reset cell")).to_be_hidden()
        write(box, "mine = 1")
        page.reload()
        press_run(page)
        assert written(box) == "mine = 1"
        assert written(cell(page, "fi-curve")).startswith("drive = np.linspace(")
        box.get_by_role("button", name="Reset cell").click()
        assert written(box) == original
        page.reload()
        press_run(page)
        assert written(box) == original
        kept = page.evaluate("Object.keys(localStorage)")
        assert [key for key in kept if key.startswith("live:")] == []


@needs_pyodide
def test_download_is_the_notebook_with_the_readers_text(browser, address):
    with started(browser, address, LIF, Visit()) as page:
        write(cell(page, "traces"), "mine = 1\n")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download notebook").click()
        assert download.value.suggested_filename == "lif.ipynb"
        notebook = nbformat.read(download.value.path(), as_version=4)
    nbformat.validate(notebook)
    committed = nbformat.read(ROOT / "book" / "lif.ipynb", as_version=4)
    for got, expected in zip(notebook.cells, committed.cells, strict=True):
        assert got.source == ("mine = 1\n" if got.id == "traces" else expected.source)


@pytest.fixture(scope="module")
def lif(browser, address):
    """One page of `lif` for all that leaves it as it was."""
    with started(browser, address, LIF, Visit()) as page:
        yield page


@needs_pyodide
def test_cells_run_in_page_order_as_far_as_needed(lif):
    assert "refractory period is missing" in run_cell(cell(lif, "try-rate"))
    expect(cell(lif, "setup").locator(".live-state")).to_contain_text("ran in")
    expect(cell(lif, "setup").locator(".live-output")).to_contain_text("LIFNeuron(tau_m=0.02")
    expect(cell(lif, "traces").locator(".live-state")).to_have_text("")


@needs_pyodide
def test_right_answer_is_told_so(lif):
    shown = run_cell(cell(lif, "try-rate"), "from course_utils.checks import check\n" + RIGHT)
    assert shown.startswith("lif.firing_rate: all right, 3 of 3 points.")


@needs_pyodide
def test_error_stops_the_cells_that_wait(lif):
    box = cell(lif, "fi-curve")
    shown = run_cell(box, "numbers = []\nnumbers[3]", "stopped with an error")
    assert 'File "<cell 3>", line 2, in <module>' in shown
    assert "IndexError: list index out of range" in shown
    cell(lif, "fi-curve").get_by_role("button", name="Reset cell").click()


@needs_pyodide
def test_what_a_page_lacks_is_said_in_a_line(lif):
    shown = run_cell(cell(lif, "traces"), "import torch", "stopped with an error")
    assert shown.startswith("There is no module torch in the page")
    assert len(shown.strip().splitlines()) == 1
    notes = lif.locator(".live-note")
    assert notes.count() >= 1
    assert notes.first.get_by_role("link").all_inner_texts() == ["Binder", "Colab"]


@needs_pyodide
def test_html_of_readers_stays_text(lif):
    bad = "<img src=x onerror=document.title=1><b>bold</b>"
    box = cell(lif, "traces")
    shown = run_cell(box, f"print('{bad}')\n'{bad}'")
    assert shown.strip() == f"{bad}\n'{bad}'"
    shown = run_cell(box, f"raise ValueError('{bad}')", "stopped with an error")
    assert f"ValueError: {bad}" in shown
    assert box.locator(".live-output pre *").count() == 0
    assert "spiking neurons" in lif.title()


@needs_pyodide
def test_figures_follow_the_theme(lif):
    box = cell(lif, "traces")
    source = "from course_utils import plotting\nplt.figure().text(0, 0, 'ink')\n"
    run_cell(box, source)
    image = box.locator("img.live-image")
    read = "async (image) => (await fetch(image.src)).text()"
    for scheme in ("light", "dark"):
        lif.emulate_media(color_scheme=scheme)
        lif.wait_for_function("(to) => document.documentElement.dataset.theme === to", arg=scheme)
        ink = lif.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--figure-ink').trim()"
        )
        assert f"--figure-ink:{ink};" in image.evaluate(read).replace(": ", ":")
    lif.emulate_media(color_scheme="light")
    assert image.get_attribute("alt") == "A figure that your code drew in cell 2."


@needs_pyodide
def test_live_slider_moves_by_keyboard(lif):
    box = cell(lif, "explore-drive")
    run_cell(box)
    slider, image = box.get_by_role("slider"), box.locator("img.live-image")
    assert slider.get_attribute("aria-valuetext") == "1.1 V"
    before = (image.get_attribute("alt"), image.get_attribute("src"))
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1.2 V"
    assert box.locator("output").inner_text() == "1.2 V"
    after = (image.get_attribute("alt"), image.get_attribute("src"))
    assert all(new != old for new, old in zip(after, before, strict=True))


@needs_pyodide
def test_keyboard_runs_a_cell_and_leaves_it(lif):
    box = cell(lif, "traces")
    write(box, "print('by keyboard')")
    box.get_by_role("textbox").press("Shift+Enter")
    expect(box.locator(".live-text")).to_have_text("by keyboard\n")
    lif.keyboard.press("Escape")
    lif.keyboard.press("Tab")
    expect(box.get_by_role("button", name="Run cell")).to_be_focused()


@needs_pyodide
def test_folder_says_what_to_start(browser):
    seen = Visit()
    with opened(browser, (SITE / LIF).as_uri(), SITE.as_uri(), seen) as page:
        page.get_by_role("button", name="Run the code").click()
        expect(page.get_by_role("status")).to_contain_text("course serve")
    assert (seen.errors, seen.outside) == ([], [])


@needs_pyodide
def test_without_scripts_there_is_no_run(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + LIF)
    assert page.locator(".live-bar").count() == 1
    assert not page.locator(".live-bar").is_visible()
    context.close()
