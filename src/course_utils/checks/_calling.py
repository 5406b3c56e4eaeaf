"""Calls an answer so that whatever it does ends as an Outcome and nothing else is disturbed."""

import contextlib
import copy
import importlib
import inspect
import io
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from numpy.typing import NDArray

from course_utils.checks._statement import Case, Part
from course_utils.checks._values import UnusableError, unchanged, unpack

_LIBRARIES = (
    sysconfig.get_paths()["stdlib"],
    str(Path(__file__).parents[1]),
    "site-packages",
    "dist-packages",
    "<frozen",
)


@dataclass(frozen=True)
class Outcome:
    """What one call came to: `values`, or the `problem` that left none.

    error: type and message of an exception, () otherwise.  kernel: name of a kernel of the book
    that was called though it may not be.  changed: name of an argument that was modified.
    blank: the function is still the stub that was handed out.
    """

    values: tuple[NDArray[Any], ...] = ()
    problem: str = ""
    error: tuple[str, ...] = ()
    kernel: str = ""
    changed: str = ""
    printed: bool = False
    blank: bool = False


def arguments(part: Part, case: Case) -> dict[str, Any]:
    """The arguments of a case by their names in the reference's signature."""
    return inspect.signature(part.reference).bind(*case.args, **case.kwargs).arguments


def call(
    part: Part,
    case: Case,
    function: Callable[..., Any],
    refused: Mapping[CodeType, str] | None = None,
) -> Outcome:
    """Call `function` on its own copy of the case's arguments; never raises an Exception."""
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    called: list[str] = []
    output = io.StringIO()
    try:
        with _quiet(output), _noticing(called, refused or {}):
            result = function(*args, **kwargs)
    except (Exception, SystemExit) as error:
        own = _own_frames(error)
        return Outcome(
            problem=_describe_error(part, error, own),
            error=(type(error).__name__, str(error)),
            kernel=next(iter(called), ""),
            # raised deeper, it is another function of the student's that is a stub
            blank=isinstance(error, NotImplementedError) and len(own) <= 1,
        )
    kernel = next(iter(called), "")
    printed = bool(output.getvalue())
    try:
        # numpy's and torch's own conversions of a student's object may warn or print
        with _quiet(output):
            values = unpack(part, result)
    except UnusableError as error:
        return Outcome(problem=str(error), kernel=kernel, printed=printed)
    before = arguments(part, case)
    after = arguments(part, Case(case.aspect, case.label, args, kwargs))
    changed = next((name for name in before if not unchanged(before[name], after[name])), "")
    return Outcome(values=values, kernel=kernel, changed=changed, printed=printed)


def kernels(topic: str, part: Part) -> dict[CodeType, str]:
    """The code of the book that an answer to `part` may not run, with its name."""
    module = importlib.import_module(f"course_utils.{topic}")
    refused = {inspect.unwrap(part.reference).__code__: part.name}
    for name, function in vars(module).items():
        function = inspect.unwrap(function) if callable(function) else function
        own = isinstance(function, FunctionType) and function.__module__.startswith(module.__name__)
        if own and not name.startswith("_"):
            refused[function.__code__] = name
    return refused


@contextlib.contextmanager
def _quiet(output: io.StringIO) -> Iterator[None]:
    """Keep an answer's prints and warnings out of the feedback: stderr would cost points."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _noticing(called: list[str], refused: Mapping[CodeType, str]) -> Iterator[None]:
    """Append to `called` the name of every refused function that runs, however it was imported."""

    def notice(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in refused:
            called.append(refused[frame.f_code])

    before = sys.getprofile()
    # A profiler written in C (cProfile up to Python 3.11) cannot be put back: let it be.
    if not refused or not (before is None or callable(before)):
        yield
        return
    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(before)


def _describe_error(part: Part, error: BaseException, own: list[traceback.FrameSummary]) -> str:
    """The exception and the student's own line that raised it."""
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    entered = error.__traceback__ is not None and error.__traceback__.tb_next is not None
    if isinstance(error, TypeError) and not entered:
        return (
            f"{part.name} does not take the arguments of its contract:\n"
            f"    {_signature(part)}\n    {what}"
        )
    lines = [f"{part.name} stopped with an error:", f"    {what}"]
    if own:
        lines.append(f"    in line {own[-1].lineno} of your code, in {own[-1].name}")
        if own[-1].line:
            lines.append(f"        {own[-1].line}")
    lines += [f"    {note}" for note in getattr(error, "__notes__", [])]
    return "\n".join(lines)


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an exception that are the student's, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not any(place in frame.filename for place in _LIBRARIES)]


def _signature(part: Part) -> str:
    """The reference's signature without defaults and annotations."""
    signature = inspect.signature(part.reference)
    bare = [
        parameter.replace(default=parameter.empty, annotation=parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return part.name + str(inspect.Signature(bare))
