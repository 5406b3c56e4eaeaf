"""Independent component analysis by FastICA."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate
from course_utils.sparse_coding._threads import map_in_threads, one_blas_thread
from course_utils.sparse_coding.images import principal_axes

Array = NDArray[np.float64]

_BLOCK = 2048  # samples, so that their outputs stay in cache between the passes over them


def fast_ica_step(unmixing: ArrayLike, whitened: ArrayLike) -> Array:
    """One update of all rows of `unmixing` by FastICA, made orthonormal together {hyvarinen1999}.

    w_i <- E[x tanh(w_i . x)] - E[1 - tanh(w_i . x)^2] w_i,   then   W <- (W W')^(-1/2) W

    The first is a Newton step to a stationary point of E[log cosh(w . x)] on the unit sphere; the
    second moves the rows as little as possible to where their outputs are uncorrelated.
    unmixing: (k, k).  whitened: (n, k), zero mean, identity covariance.  Returns (k, k), whose
    rows are determined up to sign: fast convergence may turn the signs at every step.
    Raises ValueError on mismatched shapes, non-finite values, or rows that become dependent.
    """
    whitened = _validate.real_array("whitened", whitened, ("n", "k"))
    n_components = whitened.shape[1]
    unmixing = _validate.real_array("unmixing", unmixing, (n_components, n_components))
    with one_blas_thread():
        return _fast_ica_step(unmixing, whitened)


def fast_ica(
    patches: ArrayLike,
    n_components: int,
    rng: np.random.Generator,
    *,
    tol: float = 1e-4,
    max_iterations: int = 200,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Filters whose responses to the patches are as independent as FastICA can make them
                                                                                 {hyvarinen1999}

    The patches, less their mean, are projected on their first `n_components` principal components
    and scaled to unit variance; then `fast_ica_step` rotates them, from a random rotation, until
    no row turns by an angle whose cosine is below 1 - tol.
    patches: (n, d).  Returns (filters (n_components, d), sources (n, n_components)), float32 if
    the patches are. sources = (patches - mean) @ filters.T have unit covariance (normalised by n);
    order and signs have no meaning; the columns of pinv(filters) mix the sources into patches.
    Raises ValueError on bad patches or `n_components` above their rank. Warns (RuntimeWarning)
    when `max_iterations` end it before tol, as noise or Gaussian patches will.
    """
    patches = _validate.real_array("patches", patches, ("n", "d"), keep_float32=True)
    rng = _validate.generator("rng", rng)
    tol = _validate.real_number("tol", tol, above=0.0)
    max_iterations = _validate.whole_number("max_iterations", max_iterations, minimum=1)
    with one_blas_thread():
        return _fast_ica(patches, n_components, rng, tol, max_iterations)


def _fast_ica(
    patches: NDArray[Any],
    n_components: int,
    rng: np.random.Generator,
    tol: float,
    max_iterations: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    precision = patches.dtype
    centered, variances, axes = principal_axes(patches.astype(np.float64), n_components)
    if variances.size < n_components:
        raise ValueError(
            f"n_components: expected at most the rank of the patches, {variances.size}, "
            f"got {n_components}"
        )
    whitening = (axes / np.sqrt(variances)).T
    whitened = (centered @ whitening.T).astype(precision)
    unmixing = _orthonormal_rows(rng.standard_normal((n_components, n_components)))
    unmixing = unmixing.astype(precision)
    for _ in range(max_iterations):
        previous, unmixing = unmixing, _fast_ica_step(unmixing, whitened)
        cosine = np.abs(np.einsum("ij,ij->i", unmixing, previous))
        if cosine.min() >= 1.0 - tol:
            break
    else:
        warnings.warn(
            f"FastICA: a component still turned by a cosine of {cosine.min():.4f} in the last of "
            f"{max_iterations} iterations",
            RuntimeWarning,
            stacklevel=3,
        )
    filters = (unmixing @ whitening).astype(precision)
    return filters, whitened @ unmixing.T


def _fast_ica_step(unmixing: NDArray[Any], whitened: NDArray[Any]) -> NDArray[Any]:
    def sums(first: int) -> tuple[NDArray[Any], NDArray[Any]]:
        block = whitened[first : first + _BLOCK]
        output = np.tanh(block @ unmixing.T)
        return output.T @ block, np.einsum("ij,ij->j", output, output)

    parts = map_in_threads(sums, range(0, len(whitened), _BLOCK))
    drive = np.sum([part[0] for part in parts], axis=0)
    squares = np.sum([part[1] for part in parts], axis=0)
    slope = 1.0 - squares / len(whitened)
    return _orthonormal_rows(drive / len(whitened) - slope[:, None] * unmixing)


def _orthonormal_rows(matrix: NDArray[Any]) -> NDArray[Any]:
    """(M M')^(-1/2) M, the matrix with orthonormal rows nearest to M."""
    left, singular, right = np.linalg.svd(matrix)
    if singular[-1] <= np.finfo(matrix.dtype).eps * singular[0]:
        raise ValueError("unmixing: expected rows that stay independent, got dependent ones")
    return left @ right
