"""Errors name the argument, what came and what was expected; good input passes unchanged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils import _validate

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(hnp.arrays(float, hnp.array_shapes(max_dims=3), elements=finite))
def test_a_finite_float64_array_passes_as_it_is(array: np.ndarray) -> None:
    assert _validate.real_array("x", array) is array


@given(
    hnp.arrays(float, hnp.array_shapes(max_dims=2), elements=finite),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.data(),
)
def test_one_number_that_is_not_finite_is_found(array, bad, data) -> None:
    index = tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)
    array[index] = bad
    with pytest.raises(ValueError, match=r"^x: expected finite numbers, got (nan|-?inf) at index"):
        _validate.real_array("x", array)


@pytest.mark.parametrize("value", [[1, 2], np.ones(2, np.int8), (True, False), np.ones(2, "f4")])
def test_numbers_of_other_kinds_become_float64(value) -> None:
    assert _validate.real_array("x", value).dtype == np.float64


def test_float32_is_kept_when_asked() -> None:
    assert _validate.real_array("x", np.ones(2, "f4"), keep_float32=True).dtype == np.float32


@pytest.mark.parametrize(
    ("value", "shape", "message"),
    [
        (np.ones((2, 3)), ("n", 4), r"x: expected shape \(n, 4\), got \(2, 3\)"),
        (np.ones(2), ("n", "m"), r"x: expected shape \(n, m\), got \(2,\)"),
        ([[1.0], [1.0, 2.0]], None, "x: expected a regular array"),
        ([], None, r"x: expected at least one element, got shape \(0,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(value, shape, message) -> None:
    with pytest.raises(ValueError, match=message):
        _validate.real_array("x", value, shape)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("a", "str"), (None, "NoneType"), ([1j], "list"), (np.array(["a"]), "an array of <U1")],
)
def test_what_is_no_number_is_a_type_error(value, kind) -> None:
    with pytest.raises(TypeError, match=f"x: expected real numbers, got {kind}"):
        _validate.real_array("x", value)


@given(finite)
def test_a_finite_number_passes(number: float) -> None:
    assert _validate.real_number("x", number) == number
    assert _validate.real_number("x", np.float64(number)) == number


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"above": 1.0}, "x: expected a number above 1, got 1"),
        ({"minimum": 2.0}, "x: expected a number of at least 2, got 1"),
        ({"below": 1.0}, "x: expected a number below 1, got 1"),
        ({"maximum": 0.5}, "x: expected a number of at most 0.5, got 1"),
    ],
)
def test_a_number_out_of_bounds_is_named(bounds, message) -> None:
    with pytest.raises(ValueError, match=message):
        _validate.real_number("x", 1.0, **bounds)


def test_bounds_that_include_their_end_let_it_pass() -> None:
    assert _validate.real_number("x", 1.0, minimum=1.0, maximum=1.0) == 1.0


@pytest.mark.parametrize("value", ["1", None, [1.0], True, 1j])
def test_a_number_of_another_type_is_a_type_error(value) -> None:
    with pytest.raises(TypeError, match="x: expected a real number, got"):
        _validate.real_number("x", value)


def test_numbers_too_large_for_a_float_are_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        _validate.real_number("x", 10**400)


def test_whole_numbers() -> None:
    assert _validate.whole_number("n", np.int32(3), minimum=1) == 3
    with pytest.raises(ValueError, match="n: expected a whole number of at least 1, got 0"):
        _validate.whole_number("n", 0, minimum=1)
    for value in (1.0, True, "1"):
        with pytest.raises(TypeError, match="n: expected a whole number, got"):
            _validate.whole_number("n", value, minimum=1)


def test_generators_and_instances() -> None:
    rng = np.random.default_rng(0)
    assert _validate.generator("rng", rng) is rng
    with pytest.raises(TypeError, match=r"rng: expected a numpy.random.Generator .*, got int"):
        _validate.generator("rng", 1)
    assert _validate.instance("x", 1, int) == 1
    with pytest.raises(TypeError, match="x: expected a str, got int"):
        _validate.instance("x", 1, str)


def test_probabilities_are_non_negative_and_sum_to_one() -> None:
    np.testing.assert_array_equal(_validate.probabilities("p", [0.25, 0.75], ("n",)), [0.25, 0.75])
    with pytest.raises(ValueError, match="p: expected probabilities that sum to 1, got a sum of 0"):
        _validate.probabilities("p", [0.25, 0.25], ("n",))
    with pytest.raises(ValueError, match=r"p: expected probabilities, got -0.5"):
        _validate.probabilities("p", [1.5, -0.5], ("n",))


def test_one_of_takes_an_option_and_names_them_all_otherwise():
    assert _validate.one_of("loss", "squared", ("squared", "other")) == "squared"
    with pytest.raises(ValueError, match="loss: expected one of squared, other, got 'sq'"):
        _validate.one_of("loss", "sq", ("squared", "other"))
    with pytest.raises(TypeError, match="loss: expected one of squared, other, got int"):
        _validate.one_of("loss", 2, ("squared", "other"))
