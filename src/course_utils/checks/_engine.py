"""`check`: compares an answer with the reference and, where they differ, with wrong answers."""

import contextlib
import contextvars
import hashlib
import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import _validate
from course_utils.checks import _feedback
from course_utils.checks._calling import Outcome, call, kernels
from course_utils.checks._statement import Case, Misconception, Part
from course_utils.checks._values import agrees

# Students meet the same drawn cases at every try; a grader's come from `grading_seed`.
_seed: contextvars.ContextVar[int] = contextvars.ContextVar("seed", default=0)


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    passed: the aspects that earned their points.  misconceptions: the names of the known wrong
    answers that were recognized.  feedback: the text that was printed.
    """

    name: str
    points: float
    max_points: float
    feedback: str
    passed: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"CheckResult({self.name!r}, points={self.points:g}, max_points={self.max_points:g})"


def check(name: str, answer: Callable[..., Any], *, seed: int | None = None) -> CheckResult:
    """Try `answer` on the cases of part `name`, print what is right and wrong, return the points.

    name: "<topic>.<function>", as "lif.firing_rate".  seed: of the cases that are drawn, 0 unless
    `grading_seed` has set another.  Raises ValueError when there is no such part.
    """
    topic, part = find_part(name)
    number = _seed.get() if seed is None else _validate.whole_number("seed", seed, minimum=0)
    # Each part has a stream of its own: adding a part changes no other part's cases.
    rng = np.random.default_rng([number, zlib.crc32(name.encode())])
    result = _examine(name, topic, part, answer, part.cases(rng))
    print(result.feedback)
    return result


@contextlib.contextmanager
def grading_seed(secret: str, assignment: str, student: str) -> Iterator[None]:
    """Within the block, checks draw the cases of this student: the same ones at every regrade."""
    digest = hashlib.sha256("\0".join((secret, assignment, student)).encode()).digest()
    token = _seed.set(int.from_bytes(digest[:16]))
    try:
        yield
    finally:
        _seed.reset(token)


def topics() -> list[str]:
    """The topics that have checks: the public modules of this package but for `notebook`."""
    package = importlib.import_module("course_utils.checks")
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in names if not name.startswith("_") and name != "notebook")


def parts(topic: str) -> tuple[Part, ...]:
    """The parts of a topic in the order of its assignment."""
    return importlib.import_module(f"course_utils.checks.{topic}").PARTS


def find_part(name: str) -> tuple[str, Part]:
    """The topic and the part of a full name; raises ValueError listing the names there are."""
    topic, _, function = name.partition(".") if isinstance(name, str) else ("", "", "")
    if topic in topics():
        for part in parts(topic):
            if part.name == function:
                return topic, part
    known = [f"{other}.{part.name}" for other in topics() for part in _importable_parts(other)]
    raise ValueError(f"name: expected one of {', '.join(known)}; got {name!r}")


def _importable_parts(topic: str) -> tuple[Part, ...]:
    try:
        return parts(topic)
    except ImportError:  # a topic that needs torch, where there is none
        return ()


def _examine(
    name: str, topic: str, part: Part, answer: Callable[..., Any], cases: Sequence[Case]
) -> CheckResult:
    if not callable(answer):
        return _nothing(
            name,
            part,
            f"check was given {_feedback.show(answer)}, which is no function. It needs the "
            f"function itself, without the brackets of a call:\n    check({name!r}, {part.name})",
        )
    expected = [_expected(part, case) for case in cases]
    refused = kernels(topic, part)
    got = [call(part, case, answer, refused) for case in cases]
    kernel = next((outcome.kernel for outcome in got if outcome.kernel), "")
    if kernel:
        return _nothing(
            name,
            part,
            f"{part.name} calls the book's own course_utils.{topic}.{kernel}. The point of this "
            "part is to write that calculation yourself; the book's version is there to compare "
            "with, outside your function.",
        )
    if all(outcome.blank for outcome in got):
        return _nothing(
            name,
            part,
            f"{part.name} is still blank. Write its body in place of the line\n"
            "    raise NotImplementedError()\n"
            "then run that cell, and this one again.",
        )
    return _judge(name, part, cases, expected, got)


def _expected(part: Part, case: Case) -> Outcome:
    outcome = call(part, case, part.reference)
    if outcome.problem:
        raise RuntimeError(f"{part.name}: the reference failed: {outcome.problem}")
    return outcome


def _nothing(name: str, part: Part, reason: str) -> CheckResult:
    head = f"{name}: {_feedback.out_of(0, part.max_points)}."
    text = f"{head}\n\n{_feedback.paragraph(reason)}"
    return CheckResult(name, 0.0, part.max_points, text)


def _judge(
    name: str,
    part: Part,
    cases: Sequence[Case],
    expected: Sequence[Outcome],
    got: Sequence[Outcome],
) -> CheckResult:
    """Points and feedback of an answer that was written and ran without the book's kernels."""
    findings = [
        _feedback.disagreement(part, *triple) for triple in zip(cases, expected, got, strict=True)
    ]
    failed = {case.aspect for case, finding in zip(cases, findings, strict=True) if finding}
    passed = tuple(aspect for aspect in part.points if aspect not in failed)
    earned = float(sum(part.points[aspect] for aspect in passed))
    if not failed:
        head = f"{name}: all right, {_feedback.out_of(earned, earned)}."
        return CheckResult(name, earned, part.max_points, head, passed)
    recognized, texts = _diagnose(part, cases, expected, got, findings)
    head = f"{name}: {_feedback.out_of(earned, part.max_points)}."
    sections = [head + "\n" + _feedback.scores(part, passed), *texts]
    if any(outcome.printed for outcome in got):
        sections.append(f"(What {part.name} prints while it is checked is not shown.)")
    return CheckResult(
        name, earned, part.max_points, "\n\n".join(sections), passed, tuple(recognized)
    )


def _diagnose(
    part: Part,
    cases: Sequence[Case],
    expected: Sequence[Outcome],
    got: Sequence[Outcome],
    findings: Sequence[str],
) -> tuple[list[str], list[str]]:
    """Names of the misconceptions behind what differs, and the texts that tell the student.

    One misconception that explains every case is the best account; failing that, each aspect is
    explained by itself, so that two mistakes at once are both told.
    """
    everything = range(len(cases))
    differing = [i for i in everything if findings[i]]
    known = {
        wrong: [call(part, case, wrong.implementation) for case in cases]
        for wrong in part.misconceptions
    }
    culprit = _explain(part, known, got, everything)
    failed = [aspect for aspect in part.points if aspect in {cases[i].aspect for i in differing}]
    recognized: list[str] = []
    texts: list[str] = []
    unexplained = False
    for aspect in failed:
        indices = [i for i in everything if cases[i].aspect == aspect]
        finding = next(findings[i] for i in indices if findings[i])
        wrong = culprit or _explain(part, known, got, indices)
        if wrong is None and not unexplained:
            # One difference at a time: what else differs may well have the same cause.
            unexplained = True
            factor = _feedback.constant_factor(part, [(expected[i], got[i]) for i in indices])
            texts.append(f"[{aspect}]\n{finding}{factor}")
        elif wrong is not None and wrong.name not in recognized:
            recognized.append(wrong.name)
            everywhere = culprit is not None and len(failed) > 1
            account = "\nThis accounts for all that is not yet right." if everywhere else ""
            texts.append(f"[{aspect}]\n{_feedback.paragraph(wrong.hint)}{account}\n\n{finding}")
    return recognized, texts


def _explain(
    part: Part,
    known: dict[Misconception, list[Outcome]],
    got: Sequence[Outcome],
    indices: Sequence[int],
) -> Misconception | None:
    """The one misconception that does in all these cases what the answer does, if just one does."""
    matching = [
        wrong
        for wrong, outcomes in known.items()
        if all(_alike(part, outcomes[i], got[i]) for i in indices)
    ]
    return matching[0] if len(matching) == 1 else None


def _alike(part: Part, one: Outcome, other: Outcome) -> bool:
    if one.error or other.error:
        return one.error == other.error
    return len(one.values) == len(other.values) > 0 and all(
        agrees(part, a, b) for a, b in zip(one.values, other.values, strict=True)
    )
