"""Runs a chapter's cells in the page itself, where Pyodide is the kernel and there is no IPython.

`book/_assets/live-worker.js` is the one caller.  All that a cell shows goes to `emit(kind, text)`,
where kind is "text", "error", "figure" (an SVG) or "frames" (JSON).
"""

import ast
import contextlib
import dis
import io
import json
import linecache
import logging
import sys
import time
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

Emit = Callable[[str, str], object]

# A loop that prints forever must not fill the page before the reader stops it.
_MOST_CHARACTERS = 20_000
_SECONDS_BETWEEN_TEXTS = 0.1
_CELL = "<cell "  # how the file name of every cell begins

# Every page builds Matplotlib's list of fonts anew, which readers need not hear of.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def run(source: str, number: int, namespace: dict[str, Any], emit: Emit) -> str:
    """Run a cell in `namespace` and show what it prints, evaluates to, draws or raises.

    Returns "ok", "error", or the name of a module that is not there.  This last is not shown,
    since the caller may be able to load the module and run the cell again.
    """
    file = f"{_CELL}{number}>"
    # Tracebacks and inspect.getsource look for a file's lines here.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    text = _Text(emit)
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            value = _execute(source, file, namespace)
            _show_value(value, emit)
            text.hand_on()
            _show_figures(emit)
    except BaseException as error:  # SystemExit, too, ends a cell and not the page
        text.hand_on()
        _close_figures()
        missing = _missing_module(error)
        if not missing:
            emit("error", _describe(error))
        return missing or "error"
    return "ok"


def is_needed(source: str, later: list[str]) -> bool:
    """Whether the last cell of `later` needs what the cell `source` binds, the ones between too.

    It goes by names, so a cell that only changes the inside of an object is not seen: bind a name
    in the cell that computes it.
    """
    *between, last = later
    wanted, _ = _names(last)
    for cell in reversed(between):
        read, bound = _names(cell)
        if bound & wanted:
            wanted = (wanted - bound) | read
    return bool(_names(source)[1] & wanted)


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell takes from other cells, and those that it binds."""
    try:
        code = compile(source, "", "exec")
    except SyntaxError:  # a cell that cannot run needs nothing to say so
        return set(), set()
    read: set[str] = set()
    bound: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            bound.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in bound:
            read.add(step.argval)
    return read | (_globals_inside(code) - bound), bound


def _globals_inside(code: CodeType) -> set[str]:
    """The global names that the functions of a cell use when they are called."""
    found: set[str] = set()
    for inner in (one for one in code.co_consts if isinstance(one, CodeType)):
        steps = dis.get_instructions(inner)
        found |= {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        found |= _globals_inside(inner)
    return found


def explain_missing(module: str) -> str:
    """What a cell shows when no page can load the `module` that it imports."""
    return (
        f"There is no module {module} in the page, which runs NumPy, SciPy and Matplotlib. To run "
        "this with more, open the chapter with the launch button above (the rocket)."
    )


def _execute(source: str, file: str, namespace: dict[str, Any]) -> Any:
    """Run all statements and return the value of the last, if it is an expression."""
    tree = ast.parse(source, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file, "exec"), namespace)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), file, "eval"), namespace)
    return None


def _show_value(value: Any, emit: Emit) -> None:
    explore = sys.modules.get("course_utils.explore")
    if explore and isinstance(value, explore.Frames):
        emit("frames", json.dumps(vars(value)))
    elif value is not None:
        print(repr(value))


def _show_figures(emit: Emit) -> None:
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        from course_utils import plotting

        for number in pyplot.get_fignums():
            emit("figure", plotting.themed_svg(plotting.figure_svg(pyplot.figure(number))))
        _close_figures()


def _close_figures() -> None:
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def _missing_module(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        return "" if top == "course_utils" else top
    return ""


def _describe(error: BaseException) -> str:
    """The traceback without the frames of the book and of libraries."""
    told = traceback.TracebackException.from_exception(error)
    own = [frame for frame in told.stack if frame.filename.startswith(_CELL)]
    if not own:  # a syntax error names its place itself
        return "".join(told.format_exception_only())
    told.stack = traceback.StackSummary.from_list(own)
    return "".join(told.format(chain=False))


class _Text(io.TextIOBase):
    """What a cell prints, handed on by lines, ten times a second and up to a limit."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._held: list[str] = []
        self._left = _MOST_CHARACTERS
        self._due = 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            self._held.append(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._held.append(f"\n[only the first {_MOST_CHARACTERS} characters are shown]\n")
            if text.endswith("\n") and time.monotonic() >= self._due:
                self.hand_on()
        return len(text)

    def hand_on(self) -> None:
        if self._held:
            self._emit("text", "".join(self._held))
            self._held.clear()
        self._due = time.monotonic() + _SECONDS_BETWEEN_TEXTS
