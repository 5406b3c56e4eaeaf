"""How far an operator is from commuting with shifts, or from ignoring them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _compiled, _validate
from course_utils.equivariance._layers import conv2d, images, padding_of, shift

Operator = Callable[[NDArray[Any]], ArrayLike]


def equivariance_error(
    operator: Operator,
    image: ArrayLike,
    shifts: ArrayLike,
    *,
    output_shift: Callable[[NDArray[Any], int, int], ArrayLike] | None = None,
) -> NDArray[np.float64]:
    """How far `operator` is from commuting with each shift, relative to its response.

    |r(T x) - T' r(x)| / |r(x)|, in the Euclidean norm

    operator: r, from an image to maps of one shape.  image: x, (..., h, w).  shifts: (s, 2), whole
    numbers, one (dy, dx) a row.  T is `shift`.  output_shift: T', called with maps, dy and dx;
    by default `shift` too.  Returns (s,).
    Raises ValueError on images or shifts of another form, NaN or infinity (in a response too), a
    response that is 0 everywhere, or a T' that changes the shape; TypeError on what is no function.
    """
    if output_shift is None:
        output_shift = shift
    return _errors(operator, image, shifts, output_shift)


def invariance_error(
    operator: Operator, image: ArrayLike, shifts: ArrayLike
) -> NDArray[np.float64]:
    """How much each shift of the image changes the response, relative to the response.

    |r(T x) - r(x)| / |r(x)|; arguments and errors as in `equivariance_error`.
    """
    return _errors(operator, image, shifts, lambda maps, dy, dx: maps)


def conv_equivariance_errors(
    image: ArrayLike, kernels: ArrayLike, *, boundary: str = "circular"
) -> NDArray[np.float64]:
    """Equivariance errors of `conv2d` at stride 1 for all h x w shifts of the image.

    image: (c, h, w).  kernels: (f, c, kh, kw).  Returns (h, w): entry [dy, dx] is what
    `equivariance_error` gives for that shift, from half the size on for the shift by dy - h or
    dx - w, the shorter way round.  Every shifted image is convolved anew; the response it is
    compared with is the first one, read from another place.  float32 arguments are convolved in
    float32.
    Raises as `conv2d`, and ValueError when the responses are 0 everywhere.
    """
    image, kernels = _of_order_one("image", image), _of_order_one("kernels", kernels)
    reference = conv2d(image, kernels, boundary=boundary)
    norm = _norm(reference, 1.0)
    dtype = reference.dtype
    image = np.ascontiguousarray(image, dtype)
    kernels = np.ascontiguousarray(kernels, dtype)
    compiled = _compiled.load("equivariance")
    if compiled is None:
        h, w = image.shape[1:]
        shifts = np.indices((h, w)).reshape(2, -1).T
        shifts = np.where(2 * shifts < (h, w), shifts, shifts - (h, w))
        operator = lambda x: conv2d(x, kernels, boundary=boundary)  # noqa: E731
        return equivariance_error(operator, image, shifts).reshape(h, w)
    (top, bottom), (left, right) = padding_of(kernels.shape[2:], boundary)
    padding = (top, bottom, left, right, boundary == "circular")
    return np.sqrt(compiled.squared_errors(image, kernels, reference, padding)) / norm


def _errors(
    operator: Operator,
    image: ArrayLike,
    shifts: ArrayLike,
    output_shift: Callable[[NDArray[Any], int, int], ArrayLike],
) -> NDArray[np.float64]:
    for name, function in (("operator", operator), ("output_shift", output_shift)):
        if not callable(function):
            raise TypeError(f"{name}: expected a function, got {type(function).__name__}")
    image = images("image", image)
    numbers = _validate.real_array("shifts", shifts, ("n_shifts", 2))
    if (numbers != np.round(numbers)).any() or np.abs(numbers).max() > 2**53:
        raise ValueError("shifts: expected whole numbers of pixels")
    # A copy, since an operator is foreign code.
    reference = _response(operator(image.copy()))
    # Relative to the largest number, no square is too large or too small.
    largest = float(np.abs(reference).max())
    norm = _norm(reference, largest)
    errors = []
    for dy, dx in numbers.astype(int).tolist():
        response = _response(operator(shift(image, dy, dx)))
        moved = _validate.real_array("output_shift", output_shift(reference.copy(), dy, dx))
        if moved.shape != response.shape:
            raise ValueError(
                f"output_shift: expected the shape of the response, {response.shape}, "
                f"got {moved.shape}"
            )
        errors.append(np.linalg.norm((response / largest - moved / largest).ravel()) / norm)
    return np.array(errors)


def _response(value: ArrayLike) -> NDArray[Any]:
    return _validate.real_array("operator", value, keep_float32=True)


def _of_order_one(name: str, value: ArrayLike) -> NDArray[Any]:
    """`value` over its largest absolute value, which changes no relative error."""
    array = _validate.real_array(name, value, keep_float32=True)
    return array / (np.abs(array).max() or 1)


def _norm(reference: NDArray[Any], largest: float) -> float:
    if not reference.any():
        raise ValueError("operator: expected a response that is not 0 everywhere")
    return float(np.linalg.norm(reference.ravel().astype(np.float64) / largest))
