"""What the recurrent weights alone decide: time scales, and how much of the input is kept."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate


def random_weights(n: int, gain: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Recurrent weights (n, n), independent Gaussian numbers of variance gain^2 / n.

    For large n the eigenvalues fill a disk of radius `gain`        {rajan2006}
    Raises TypeError or ValueError unless n >= 1 and gain >= 0.
    """
    n = _validate.whole_number("n", n, minimum=1)
    gain = _validate.real_number("gain", gain, minimum=0.0)
    rng = _validate.generator("rng", rng)
    return gain / np.sqrt(n) * rng.standard_normal((n, n))


def time_scales(w_h: ArrayLike) -> NDArray[np.float64]:
    """Steps in which each mode of h_t = W_h h_(t-1) falls to 1/e, longest first.

    -1 / ln |lambda_i|, lambda_i the eigenvalues of W_h; infinite where |lambda_i| >= 1

    w_h: (n_h, n_h).  Returns (n_h,), in steps.
    Raises TypeError or ValueError when w_h is not a finite square matrix.
    """
    w_h = square(w_h)
    size = np.abs(np.linalg.eigvals(w_h))
    with np.errstate(divide="ignore"):
        decay = -np.log(size)
        scales = np.where(decay > 0, 1 / np.maximum(decay, 0), np.inf)
    return np.sort(scales)[::-1]


def memory_curve(
    w_h: ArrayLike, w_x: ArrayLike, n_lags: int, *, noise: float = 0.0
) -> NDArray[np.float64]:
    """Share of the input's variance that the best linear read-out recovers after each lag.

    h_t = W_h h_(t-1) + w_x x_t + noise;  m_k = p_k' C^-1 p_k,  p_k = W_h^k w_x        {jaeger2002}
    C = sum_k p_k p_k' + noise^2 sum_k W_h^k (W_h^k)'

    The input is white, of variance 1; `noise` is the standard deviation of white noise that every
    unit gets at every step. Without noise the curve sums, over all lags, to the rank of C.
    w_h: (n_h, n_h), eigenvalues inside the unit circle.  w_x: (n_h,).  Returns (n_lags,), lag 0
    first.  Raises TypeError or ValueError on other shapes or values.
    """
    w_h = square(w_h)
    w_x = _validate.real_array("w_x", w_x, (len(w_h),))
    n_lags = _validate.whole_number("n_lags", n_lags, minimum=1)
    noise = _validate.real_number("noise", noise, minimum=0.0)
    largest = np.abs(np.linalg.eigvals(w_h)).max()
    if largest >= 1:
        raise ValueError(
            f"w_h: expected eigenvalues below 1 in absolute value, got one of {largest:g}"
        )
    echoes, spread = _echoes(w_h, w_x, noise)
    if noise:
        curve = np.einsum(
            "ki,ik->k", echoes, np.linalg.solve(_covariance(echoes, spread), echoes.T)
        )
    else:
        # p_k' C^-1 p_k are the leverages of the rows p_k, which an SVD gives without forming C.
        left, sizes, _ = np.linalg.svd(echoes, full_matrices=False)
        rank = int((sizes > sizes[0] * len(w_h) * np.finfo(float).eps).sum()) if sizes[0] else 0
        curve = (left[:, :rank] ** 2).sum(axis=1)
    kept = np.zeros(n_lags)
    kept[: len(curve)] = curve[:n_lags]
    return kept


def square(w_h: ArrayLike) -> NDArray[np.float64]:
    """`w_h` as a finite square matrix; raises TypeError or ValueError."""
    w_h = _validate.real_array("w_h", w_h, ("n_h", "n_h"))
    if w_h.shape[0] != w_h.shape[1]:
        raise ValueError(f"w_h: expected a square matrix (n_h, n_h), got shape {w_h.shape}")
    return w_h


def _echoes(
    w_h: NDArray[np.float64], w_x: NDArray[np.float64], noise: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows p_k until they have died out, and the covariance of the noise the network holds."""
    from scipy.linalg import solve_discrete_lyapunov

    n = len(w_h)
    spread = solve_discrete_lyapunov(w_h, noise**2 * np.eye(n)) if noise else np.zeros((n, n))
    first = np.linalg.norm(w_x)
    rows = [w_x]
    while len(rows) < n or np.linalg.norm(rows[-1]) > 1e-9 * first:
        rows.append(w_h @ rows[-1])
        if len(rows) > 100_000:
            raise ValueError(
                "w_h: expected eigenvalues whose echoes die out within 100000 steps, "
                f"got one of {np.abs(np.linalg.eigvals(w_h)).max():.9g}"
            )
    return np.array(rows), spread


def _covariance(echoes: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    return echoes.T @ echoes + spread
