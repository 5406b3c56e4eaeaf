"""Checks of arguments, for all kernels: an error names the argument, what came, what was due."""

import math
import numbers
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Kind = TypeVar("_Kind")


def real_array(
    name: str,
    value: Any,
    shape: Sequence[int | str] | None = None,
    *,
    minimum: float | None = None,
    keep_float32: bool = False,
) -> NDArray[Any]:
    """`value` as a finite, non-empty float64 array (a view where it is one already).

    shape: an axis is fixed by an int, and left free but named in the error by a str, as in
    ("n_samples", 3); None takes any shape.  keep_float32: float32 input stays float32.
    Raises TypeError when `value` is not real numbers, ValueError when it has another shape, is
    empty, holds NaN or infinity, or a number below `minimum`.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected a regular array, got rows of unequal length") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected real numbers, got {_describe_type(value, array)}")
    if shape is not None and not _fits(array.shape, shape):
        raise ValueError(f"{name}: expected shape {_show(shape)}, got {_show(array.shape)}")
    if array.size == 0:
        raise ValueError(f"{name}: expected at least one element, got shape {_show(array.shape)}")
    if not (keep_float32 and array.dtype == np.float32):
        with np.errstate(over="ignore"):  # a longer float that is too large is refused below
            array = array.astype(np.float64, copy=False)
    if not (finite := np.isfinite(array)).all():
        raise ValueError(f"{name}: expected finite numbers, got {_first(array, ~finite)}")
    if minimum is not None and (low := array < minimum).any():
        raise ValueError(
            f"{name}: expected numbers of at least {minimum:g}, got {_first(array, low)}"
        )
    return array


def real_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    maximum: float | None = None,
) -> float:
    """`value` as a finite float inside the bounds given (`above`, `below`: exclusive).

    Raises TypeError when it is no real number, ValueError when it is not finite or out of bounds.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected a real number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name}: expected a number that float64 can hold") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {number}")
    for bound, holds, phrase in (
        (above, lambda b: number > b, "above"),
        (minimum, lambda b: number >= b, "of at least"),
        (below, lambda b: number < b, "below"),
        (maximum, lambda b: number <= b, "of at most"),
    ):
        if bound is not None and not holds(bound):
            raise ValueError(f"{name}: expected a number {phrase} {bound:g}, got {number:g}")
    return number


def whole_number(name: str, value: Any, *, minimum: int) -> int:
    """`value` as an int of at least `minimum`; raises TypeError or ValueError."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"{name}: expected a whole number of at least {minimum}, got {value}")
    return int(value)


def generator(name: str, value: Any) -> np.random.Generator:
    """`value` itself; raises TypeError when it is not a NumPy random generator."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name}: expected a numpy.random.Generator (as np.random.default_rng(seed)), "
            f"got {type(value).__name__}"
        )
    return value


def instance(name: str, value: Any, kind: type[_Kind]) -> _Kind:
    """`value` itself; raises TypeError when it is not a `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {type(value).__name__}")
    return value


def one_of(name: str, value: Any, options: Sequence[str]) -> str:
    """`value` itself; raises TypeError when it is no str, ValueError when it is no option."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(options)}, got {type(value).__name__}")
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, got {value!r}")
    return value


def probabilities(
    name: str, value: Any, shape: Sequence[int | str], *, tolerance: float = 1e-9
) -> NDArray[np.float64]:
    """`value` as an array of that shape, non-negative, whose entries together sum to 1."""
    array = real_array(name, value, shape)
    if (array < 0).any():
        raise ValueError(f"{name}: expected probabilities, got {array.min():g}")
    total = float(array.sum())
    if abs(total - 1.0) > tolerance:
        raise ValueError(f"{name}: expected probabilities that sum to 1, got a sum of {total:.12g}")
    return array


def _fits(actual: tuple[int, ...], expected: Sequence[int | str]) -> bool:
    return len(actual) == len(expected) and all(
        isinstance(want, str) or want == got for want, got in zip(expected, actual, strict=True)
    )


def _show(shape: Sequence[int | str]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _first(array: NDArray[Any], wrong: NDArray[np.bool_]) -> str:
    """The first element that is wrong, and where it stands."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{array[index]:g}" + (f" at index {_show(index)}" if index else "")


def _describe_type(value: Any, array: NDArray[Any]) -> str:
    kind = type(value).__name__
    return f"an array of {array.dtype}" if kind == "ndarray" else kind


def unscanned_array(
    name: str, value: Any, shape: Sequence[int | str], *, keep_float32: bool = False
) -> NDArray[Any]:
    """`value` as `real_array` gives it, but an array of floats is not searched for NaN or infinity.

    For a loop that meets every number anyway and calls `real_array` once one is not finite: the
    search would take as long as the loop.
    """
    is_floats = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
    if not (is_floats and _fits(value.shape, shape)):
        return real_array(name, value, shape, keep_float32=keep_float32)
    if keep_float32 and value.dtype == np.float32:
        return value
    return value.astype(np.float64, copy=False)
