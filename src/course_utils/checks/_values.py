"""What an answer returned, as plain arrays: a student's class takes no part in a comparison."""

import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks._statement import Part

# The widest error of single precision that we forgive: some hundred roundings.
_FLOAT32_RTOL = 1e-4
_COUNT_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


class UnusableError(Exception):
    """An answer's result is not what can be compared; the message says what came instead."""


def unpack(part: Part, result: Any) -> tuple[NDArray[Any], ...]:
    """The outputs of a part as plain arrays; raises UnusableError."""
    if result is None:
        raise UnusableError(
            f"{part.name} returned None. A function without a `return` line returns None."
        )
    if part.unpack is not None:
        try:
            values: Sequence[Any] = tuple(part.unpack(result))
        except Exception as error:
            raise UnusableError(
                f"{part.name} returned {describe_type(result)} that does not have the form asked "
                f"for ({type(error).__name__}: {error})."
            ) from None
    elif len(part.outputs) == 1:
        values = (result,)
    else:
        values = _several(part, result)
    return tuple(
        plain(value, f"The result `{output}` of {part.name}")
        for output, value in zip(part.outputs, values, strict=True)
    )


def _several(part: Part, result: Any) -> Sequence[Any]:
    wanted = len(part.outputs)
    names = ", ".join(part.outputs)
    asked = f"It should return {_COUNT_WORDS.get(wanted, wanted)} results: return {names}."
    stacked = (_is_tensor(result) or type(result) is np.ndarray) and result.ndim > 0
    if not (stacked or isinstance(result, list | tuple)):
        raise UnusableError(f"{part.name} returned {describe_type(result)}. {asked}")
    if len(result) != wanted:
        raise UnusableError(f"{part.name} returned {len(result)} results. {asked}")
    return result


def plain(value: Any, what: str) -> NDArray[Any]:
    """`value` as a NumPy array of real numbers, a copy; raises UnusableError naming `what`."""
    if value is None:
        raise UnusableError(f"{what} is None.")
    try:
        array = np.array(_without_tensors(value), subok=False)
    except ValueError:
        raise UnusableError(f"{what} is a list whose rows differ in length.") from None
    except Exception as error:
        raise UnusableError(
            f"{what} cannot be turned into an array ({type(error).__name__}: {error})."
        ) from None
    if array.dtype.kind not in "biuf":
        raise UnusableError(f"{what} should be real numbers, but it is {describe_type(value)}.")
    return array


def _without_tensors(value: Any) -> Any:
    """Torch tensors inside `value` as arrays; NumPy alone refuses those that carry gradients."""
    if _is_tensor(value):
        tensor = value.detach().cpu()
        wide = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
        return wide.numpy()
    if isinstance(value, list | tuple) and any(map(_is_tensor, value)):
        return [_without_tensors(item) for item in value]
    return value


def _is_tensor(value: Any) -> bool:
    # Whoever returns a tensor has imported torch; nobody else should pay for the import.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def agreement(
    part: Part, expected: NDArray[Any], got: NDArray[Any]
) -> NDArray[np.bool_] | np.bool_:
    """Where `got` agrees with `expected`, element by element; the shapes are equal.

    NaN agrees with NaN, and single precision is given single precision's tolerance.
    """
    rtol, atol = part.rtol, part.atol
    if {got.dtype, expected.dtype} & {np.dtype(np.float32), np.dtype(np.float16)}:
        finite = expected[np.isfinite(expected)]
        scale = float(np.abs(finite).max()) if finite.size else 0.0
        rtol = max(rtol, _FLOAT32_RTOL)
        atol = max(atol, 0.01 * _FLOAT32_RTOL * scale)
    # int8 and bool would overflow or fail in the subtraction inside isclose
    return np.isclose(
        got.astype(np.float64), expected.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True
    )


def agrees(part: Part, expected: NDArray[Any], got: NDArray[Any]) -> bool:
    return got.shape == expected.shape and bool(np.all(agreement(part, expected, got)))


def unchanged(before: Any, after: Any) -> bool:
    """Whether an argument still holds what it held; objects other than arrays and lists pass."""
    if _is_tensor(before):
        before, after = _without_tensors(before), _without_tensors(after)
    if isinstance(before, np.ndarray):
        return bool(
            before.shape == after.shape
            and before.dtype == after.dtype
            and np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, Mapping):
        return before.keys() == after.keys() and all(
            unchanged(value, after[key]) for key, value in before.items()
        )
    return True


def describe_type(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        return "an array of complex numbers"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if inspect.isfunction(value) or inspect.ismethod(value):
        return "a function (are the brackets of a call missing?)"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
