"""The engine of the checks: whatever an answer does, the student is told precisely so."""

import dataclasses
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from answers.lif import rate_by_loop as right

import course_utils.lif as book
from course_utils import checks
from course_utils.checks import Case, CheckResult, Misconception, Part, check, grading_seed
from course_utils.lif import LIFNeuron
from course_utils.lif import firing_rate as books_rate


def feedback(answer: Any, name: str = "lif.firing_rate") -> str:
    """The feedback in one line, so that a test does not depend on where lines break."""
    return " ".join(check(name, answer).feedback.split())


def changed(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The right rates, changed on the way out."""
    return lambda current, neuron: change(np.array(right(current, neuron)))


# --- a part of the tests' own --------------------------------------------------------------------


class Moments(NamedTuple):
    mean: Any
    spread: Any


def moments(samples: Any) -> Moments:
    """Mean and standard deviation of each column."""
    return Moments(samples.mean(axis=0), samples.std(axis=0))


def _cases(rng: np.random.Generator) -> list[Case]:
    fixed = np.array([[1.0, 10.0, 5.0], [2.0, 30.0, 4.0], [4.0, 20.0, 3.0], [9.0, 0.0, 2.0]])
    return [
        Case("centered", "centered columns", (fixed - fixed.mean(axis=0),)),
        Case("any", "columns with a mean", (fixed,)),
        Case("any", "drawn columns", (rng.normal(3.0, 1.0, (5, 3)),)),
    ]


TOY = Part(
    reference=moments,
    cases=_cases,
    points={"centered": 1.0, "any": 2.0},
    outputs=("mean", "spread"),
    units={"samples": "V", "mean": "V", "spread": "V"},
    misconceptions=(
        Misconception(
            "mean square for variance",
            lambda x: (x.mean(axis=0), np.sqrt((x**2).mean(axis=0))),
            "The mean is not subtracted before squaring.",
        ),
        Misconception(
            "rows for columns", lambda x: (x.mean(axis=1), x.std(axis=1)), "The axis is wrong."
        ),
        Misconception(
            "mean forgotten", lambda x: (0 * x[0], x.std(axis=0)), "The mean is not always 0."
        ),
    ),
    unpack=lambda result: (
        result if isinstance(result, tuple) else (result["mean"], result["spread"])
    ),
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The part above as a topic of the book, `toy`."""
    statement, kernels = types.ModuleType("statement"), types.ModuleType("course_utils.toy")
    statement.PARTS = (TOY,)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "course_utils.checks.toy", statement)
    monkeypatch.setitem(sys.modules, "course_utils.toy", kernels)
    monkeypatch.setattr("course_utils.checks._engine.topics", lambda: ["toy"])
    return "toy.moments"


# --- points and the shape of the answer to the student -------------------------------------------


def test_a_right_answer_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = check("lif.firing_rate", right)
    assert capsys.readouterr().out == "lif.firing_rate: all right, 3 of 3 points.\n"
    assert result.points == 3.0
    assert type(result.points) is float


def test_a_wrong_answer_is_told_on_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    result = check("lif.firing_rate", changed(lambda rate: 1.01 * rate))
    out, err = capsys.readouterr()
    assert out == result.feedback + "\n"
    assert err == ""
    assert type(result.points) is float


def test_the_result_shows_in_one_line() -> None:
    result = check("lif.firing_rate", changed(lambda rate: rate - rate))
    assert repr(result) == "CheckResult('lif.firing_rate', points=0.5, max_points=3)"


def test_points_are_given_by_aspect_and_what_is_right_is_listed(toy: str) -> None:
    result = check(toy, lambda x: (x.mean(axis=0), np.sqrt((x**2).mean(axis=0))))
    assert (result.points, result.passed) == (1.0, ("centered",))
    lines = result.feedback.splitlines()
    assert lines[0] == "toy.moments: 1 of 3 points."
    assert lines[1].split() == ["right", "centered", "1", "of", "1", "point"]
    assert lines[2].split() == ["not", "yet", "any", "0", "of", "2", "points"]


def test_no_feedback_exclaims_or_runs_off_the_page(toy: str) -> None:
    answers = [None, lambda x: x, lambda x: 1 / 0, lambda x: None, moments]
    for answer in answers:
        text = check(toy, answer).feedback
        assert "!" not in text
        assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("name", ["lif.fring_rate", "lif", "nothing.here", "", "lif.", 3])
def test_an_unknown_name_lists_the_known_ones(name: Any) -> None:
    with pytest.raises(ValueError, match=r"lif\.firing_rate, lif\.membrane_step.*got "):
        check(name, right)


@pytest.mark.parametrize("seed", [-1, 0.5, "1"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="seed"):
        check("lif.firing_rate", right, seed=seed)


# --- what is accepted ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        list,
        tuple,
        lambda rate: [np.float64(x) for x in rate],
        lambda rate: [torch.tensor(x) for x in rate],
        lambda rate: torch.tensor(rate, requires_grad=True),
        lambda rate: rate.astype(np.float32),
        lambda rate: torch.tensor(rate).float(),
        lambda rate: rate * (1 + 1e-9),
        lambda rate: rate.astype(np.longdouble),
    ],
)
def test_right_numbers_are_right_in_any_container(change: Callable[[Any], Any]) -> None:
    assert check("lif.firing_rate", changed(change)).points == 3


def test_single_precision_is_forgiven_its_rounding_and_no_more() -> None:
    single = changed(lambda rate: rate.astype(np.float32) * np.float32(1 + 2e-5))
    assert check("lif.firing_rate", single).points == 3
    assert check("lif.firing_rate", changed(lambda rate: rate * (1 + 2e-5))).points < 3
    wrong = changed(lambda rate: rate.astype(np.float32) * np.float32(1 + 1e-3))
    assert check("lif.firing_rate", wrong).points < 3


def test_warnings_and_prints_of_a_right_answer_cost_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def talkative(current: Any, neuron: LIFNeuron) -> Any:
        warnings.warn("careful", stacklevel=2)
        np.log(np.array([-1.0]))
        print("debugging")
        print("debugging", file=sys.stderr)
        return right(current, neuron)

    assert check("lif.firing_rate", talkative).points == 3
    assert capsys.readouterr() == ("lif.firing_rate: all right, 3 of 3 points.\n", "")


def test_prints_of_a_wrong_answer_are_mentioned() -> None:
    def talkative(current: Any, neuron: LIFNeuron) -> Any:
        print("debugging")
        return 2 * current

    text = feedback(talkative)
    assert "debugging" not in text
    assert "prints while it is checked is not shown" in text


# --- what is wrong, in which words ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "was given None, which is no function"),
        (np.zeros(3), "without the brackets of a call: check('lif.firing_rate', firing_rate)"),
        (changed(lambda rate: None), "firing_rate returned None. A function without a `return`"),
        (changed(lambda rate: "many"), "should be real numbers, but it is a str"),
        (changed(lambda rate: {"rate": rate}), "should be real numbers, but it is a dict"),
        (changed(iter), "should be real numbers, but it is an iterator"),
        (changed(lambda rate: right), "a function (are the brackets of a call missing?)"),
        (changed(lambda rate: rate + 0j), "should be real numbers, but it is an array of complex"),
        (changed(lambda rate: [[1], [1, 2]]), "a list whose rows differ in length"),
        (changed(lambda rate: rate[:, None]), "expected shape (3,), got shape (3, 1)"),
        (changed(np.sum), "rate: expected shape (3,), got a single number"),
        (changed(lambda rate: rate[:2]), "expected shape (3,), got shape (2,)"),
        (changed(lambda rate: 2 * rate), "Your rate is the expected one times 2 in all these"),
        (changed(lambda rate: rate * np.nan), "nan: not a number"),
        (changed(lambda rate: rate / 0), "inf: infinite"),
        (changed(lambda rate: rate + 1), "expected rate = [20.0169, 41.7149, 98.9188] Hz"),
        (changed(lambda rate: rate + 1), "got rate = [21.0169, 42.7149, 99.9188] Hz"),
        (changed(lambda rate: rate + 1e-3), "got rate = [20.0179, 41.7159, 98.9198] Hz"),
        (lambda current: current, "does not take the arguments of its contract: firing_rate(curr"),
        (lambda current, cell: cell.R, "AttributeError: 'LIFNeuron' object has no attribute 'R'"),
        (lambda current, cell: sys.exit("enough"), "SystemExit: enough"),
    ],
)
def test_a_wrong_answer_is_told_what_it_is(answer: Any, words: str) -> None:
    assert words in feedback(answer)


def test_a_difference_too_small_for_six_digits_is_shown_with_more() -> None:
    text = feedback(changed(lambda rate: rate + 5e-5 * (np.arange(len(rate)) == 0)))
    assert "expected rate = [20.016852" in text


def test_an_error_is_shown_with_the_line_that_raised_it() -> None:
    def helper(x: Any) -> Any:
        return np.sqrt(x).undefined

    def answer(current: Any, neuron: LIFNeuron) -> Any:
        return helper(current)

    line = helper.__code__.co_firstlineno + 1
    text = feedback(answer)
    assert f"in line {line} of your code, in helper return np.sqrt(x).undefined" in text


def test_an_error_inside_a_library_is_shown_with_the_students_line() -> None:
    def answer(current: Any, neuron: LIFNeuron) -> Any:
        return np.reshape(current, (1000, 1000))

    text = feedback(answer)
    assert "ValueError: cannot reshape array" in text
    assert "in answer return np.reshape(current, (1000, 1000))" in text


def test_notes_of_an_error_are_shown() -> None:
    def answer(current: Any, neuron: LIFNeuron) -> Any:
        error = KeyError("rate")
        error.add_note("in line 3 of your code")
        raise error

    assert "KeyError: 'rate'" in feedback(answer)
    assert "in line 3 of your code" in feedback(answer)


def test_a_blank_helper_is_not_a_blank_answer() -> None:
    def helper() -> None:
        raise NotImplementedError

    def answer(current: Any, neuron: LIFNeuron) -> Any:
        return helper()

    text = feedback(answer)
    assert "still blank" not in text
    assert "in helper" in text


def test_two_mistakes_at_once_are_both_told() -> None:
    def answer(current: Any, neuron: LIFNeuron) -> Any:
        drive = neuron.r_m * current
        climb = np.log((drive - neuron.v_reset) / (drive - neuron.v_threshold))
        rate = 1 / (neuron.tau_m * climb)  # no refractory period
        return rate if np.isnan(rate).any() else np.nan_to_num(rate)  # nan below threshold

    result = check("lif.firing_rate", answer)
    assert result.misconceptions == ("refractory period forgotten",)
    assert "nan: not a number" in result.feedback


def test_one_mistake_behind_everything_is_told_once() -> None:
    text = feedback(changed(lambda rate: rate / 1000))
    assert text.count("thousandth") == 1
    assert "This accounts for all that is not yet right." in text


def test_a_mistake_nobody_knows_is_told_by_its_first_case_alone() -> None:
    text = feedback(changed(lambda rate: rate + 1))
    assert text.count("The first difference") == 1


def test_modified_arguments_are_named() -> None:
    def answer(current: Any, neuron: LIFNeuron) -> Any:
        current *= neuron.r_m
        return right(current, dataclasses.replace(neuron, r_m=1.0))

    result = check("lif.firing_rate", answer)
    assert result.points < 3
    assert "changed its argument `current`" in result.feedback


def test_each_call_gets_arguments_of_its_own() -> None:
    seen = []

    def answer(current: Any, neuron: LIFNeuron) -> Any:
        rate = right(current, neuron)
        seen.append(current)
        current[:] = 0
        return rate

    check("lif.firing_rate", answer)
    assert len({id(array) for array in seen}) == len(seen)
    assert check("lif.firing_rate", right).points == 3


# --- several results -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda v, left, i, n, *, dt: v, "returned 4 results. It should return three results"),
        (lambda v, left, i, n, *, dt: (v, left), "returned 2 results. It should return three"),
        (lambda v, left, i, n, *, dt: 1.0, "returned a float. It should return three results"),
        (lambda v, left, i, n, *, dt: (v, left, None), "The result `spiked` of membrane_step is"),
        (lambda v, left, i, n: (v, left, v), "membrane_step(v, refractory_left, current, neuron,"),
    ],
)
def test_missing_results_are_told(answer: Any, words: str) -> None:
    assert words in feedback(answer, "lif.membrane_step")


def test_results_are_unpacked_as_the_part_says(toy: str) -> None:
    assert check(toy, lambda x: {"mean": x.mean(axis=0), "spread": x.std(axis=0)}).points == 3
    text = feedback(lambda x: {"mean": x.mean(axis=0)}, toy)
    assert "a dict that does not have the form asked for (KeyError: 'spread')" in text


def test_the_first_number_that_differs_is_found_in_a_large_array(
    toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = dataclasses.replace(
        TOY,
        cases=lambda rng: [Case("any", "many columns", (rng.normal(size=(4, 50)),))],
        points={"any": 1.0},
    )
    monkeypatch.setattr(sys.modules["course_utils.checks.toy"], "PARTS", (large,))

    def answer(x: Any) -> Any:
        mean = x.mean(axis=0)
        mean[17:19] += 1
        return mean, x.std(axis=0)

    text = feedback(answer, toy)
    assert "expected mean[17] =" in text
    assert "(2 of its 50 numbers differ; this is the first)" in text
    assert "samples = an array of shape (4, 50):" in text


def test_exchanged_rows_and_columns_are_suspected(toy: str, monkeypatch: Any) -> None:
    transposed = dataclasses.replace(
        TOY, reference=lambda samples: samples, outputs=("samples",), unpack=None
    )
    monkeypatch.setattr(sys.modules["course_utils.checks.toy"], "PARTS", (transposed,))
    assert "(rows and columns exchanged?)" in feedback(lambda x: x.T, "toy.<lambda>")


# --- nobody's class takes part -------------------------------------------------------------------


class Agreeable(np.ndarray):
    """An array that claims to equal everything."""

    def __eq__(self, other: object) -> Any:
        return True

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        return np.True_

    def __array_function__(self, *args: Any, **kwargs: Any) -> Any:
        return np.True_


class Refusing:
    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize(
    "value", [np.zeros(3).view(Agreeable), Refusing(), [Refusing()] * 3, np.array([None] * 3)]
)
def test_an_object_that_claims_to_be_equal_is_not(value: Any) -> None:
    result = check("lif.firing_rate", lambda current, neuron: value)
    assert result.points <= 0.5
    assert "above threshold, default neuron" not in result.passed


# --- the book's own kernels ----------------------------------------------------------------------


def swallow(current: Any, neuron: LIFNeuron) -> Any:
    try:
        return books_rate(current, neuron) * 1.0
    except Exception:
        return right(current, neuron)


@pytest.mark.parametrize(
    "answer",
    [
        books_rate,
        partial(books_rate),
        lambda current, neuron: books_rate(current, neuron),
        lambda current, neuron: book.firing_rate(current, neuron),
        lambda current, neuron: [books_rate([i], neuron)[0] for i in current],
        lambda current, neuron: book.noisy_firing_rate(current, 0.0, neuron),
        swallow,
    ],
)
def test_a_call_of_the_books_kernel_is_refused(answer: Any) -> None:
    result = check("lif.firing_rate", answer)
    assert result.points == 0
    assert "calls the book's own course_utils.lif." in result.feedback


def test_classes_of_the_book_may_be_used() -> None:
    def answer(current: Any, neuron: LIFNeuron) -> Any:
        return right(current, dataclasses.replace(neuron))

    assert check("lif.firing_rate", answer).points == 3


@pytest.mark.parametrize("answer", [right, lambda current, neuron: 1 / 0])
def test_a_profile_that_was_set_is_set_again(answer: Any) -> None:
    def mine(*args: Any) -> None:
        pass

    before = sys.getprofile()
    sys.setprofile(mine)
    try:
        check("lif.firing_rate", answer)
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(before)


def test_an_interrupt_reaches_the_student_and_leaves_no_profile() -> None:
    def endless(current: Any, neuron: LIFNeuron) -> Any:
        raise KeyboardInterrupt

    before = sys.getprofile()
    with pytest.raises(KeyboardInterrupt):
        check("lif.firing_rate", endless)
    assert sys.getprofile() is before


# --- drawn cases ---------------------------------------------------------------------------------


def drawn_currents(**options: Any) -> list[tuple[float, ...]]:
    seen: list[tuple[float, ...]] = []

    def answer(current: Any, neuron: LIFNeuron) -> Any:
        seen.append(tuple(current))
        return current

    check("lif.firing_rate", answer, **options)
    return seen


def test_students_meet_the_same_cases_every_time() -> None:
    assert drawn_currents() == drawn_currents() == drawn_currents(seed=0)
    assert drawn_currents() != drawn_currents(seed=1)


def test_a_grader_draws_each_students_cases_and_the_same_at_a_regrade() -> None:
    def graded(*who: str) -> list[tuple[float, ...]]:
        with grading_seed(*who):
            return drawn_currents()

    ada = graded("secret", "lif", "ada")
    assert ada == graded("secret", "lif", "ada")
    others = [("secret", "lif", "bob"), ("secret", "oja", "ada"), ("other", "lif", "ada")]
    assert all(graded(*who) != ada for who in others)
    assert graded("secretl", "if", "ada") != ada
    assert drawn_currents() == drawn_currents(seed=0)


def test_a_grading_seed_ends_with_its_block_even_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="stop"), grading_seed("secret", "lif", "ada"):
        raise RuntimeError("stop")
    assert drawn_currents() == drawn_currents(seed=0)


# --- the statement -------------------------------------------------------------------------------


def test_topics_are_the_modules_that_hold_parts() -> None:
    assert "lif" in checks.topics()
    assert not {"notebook"} & set(checks.topics())
    assert not any(topic.startswith("_") for topic in checks.topics())


def test_a_reference_that_fails_is_an_error_of_ours(toy: str, monkeypatch: Any) -> None:
    broken = dataclasses.replace(TOY, reference=lambda samples: None)
    monkeypatch.setattr(sys.modules["course_utils.checks.toy"], "PARTS", (broken,))
    with pytest.raises(RuntimeError, match="the reference failed"):
        check("toy.<lambda>", lambda x: x)


def test_a_wrong_answer_that_two_misconceptions_explain_is_given_neither(toy: str) -> None:
    # on centered columns both return the spread and a mean of 0
    result: CheckResult = check(toy, lambda x: (0 * x[0], np.sqrt((x**2).mean(axis=0))))
    assert result.passed == ("centered",)
    assert result.misconceptions == ()
