"""Cells that run in the page: Python's side by itself."""

import json
import sys

import matplotlib.pyplot as plt
import pytest

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
