"""The bottleneck of Gaussian variables, in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from course_utils import _validate
from course_utils.information_bottleneck._tables import LN2, Array, trade_offs

# How far from symmetric a covariance may be, relative to its largest entry: room for rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class GaussianBottleneck:
    """Analytic curve: I(X;T), I(T;Y) (bits, (b,)), the betas (k,) at which a direction enters,
    ascending, and the projections A (b, k, n) of T = A X + noise of unit covariance.
    """

    betas: Array
    i_xt: Array
    i_ty: Array
    critical_betas: Array
    projections: Array


def gaussian_bottleneck(
    covariance_x: ArrayLike, covariance_y: ArrayLike, covariance_xy: ArrayLike, betas: ArrayLike
) -> GaussianBottleneck:
    """The bottleneck of jointly Gaussian X (n) and Y (m), in closed form.

    With rho_i the canonical correlations, direction i enters at beta_i = 1 / rho_i^2, and then
    I(X;T) = 1/2 sum log2[(beta - 1) rho_i^2 / (1 - rho_i^2)],
    I(T;Y) = I(X;T) - 1/2 sum log2(beta rho_i^2), both over beta_i < beta        {chechik2005}

    covariance_x (n, n), covariance_y (m, m), covariance_xy (n, m).  betas: (b,), at least 0.
    Raises ValueError unless they form a positive definite covariance of (X, Y).
    """
    betas = trade_offs(betas)
    cross = _validate.real_array("covariance_xy", covariance_xy, ("n", "m"))
    root_x = _cholesky("covariance_x", covariance_x, cross.shape[0])
    root_y = _cholesky("covariance_y", covariance_y, cross.shape[1])
    whitened = solve_triangular(root_x, solve_triangular(root_y, cross.T, lower=True).T, lower=True)
    directions, rho, _ = np.linalg.svd(whitened, full_matrices=False)
    if rho[0] >= 1 - 1e-12:
        raise ValueError(
            f"covariance_xy: expected correlations below 1, got a canonical one of {rho[0]:.12g}"
        )
    # Below its own beta a direction has no signal, and adds log 1 = 0 to both sums.
    signal = np.maximum(betas[:, None] * rho**2 - 1, 0.0)
    gain_squared = signal / (1 - rho**2)
    i_xt = np.log1p(gain_squared).sum(axis=1) / (2 * LN2)
    i_ty = i_xt - np.log1p(signal).sum(axis=1) / (2 * LN2)
    axes = solve_triangular(root_x, directions, lower=True, trans="T").T
    critical = np.divide(1.0, rho**2, out=np.full(rho.size, np.inf), where=rho > 1e-12)
    projections = np.sqrt(gain_squared)[:, :, None] * axes
    return GaussianBottleneck(betas, i_xt, i_ty, critical, projections)


def gaussian_information(covariance: ArrayLike, n_first: int) -> float:
    """I(A;B) in bits of jointly Gaussian A, the first `n_first` variables, and B, the others.

    I = 1/2 log2[det C_A det C_B / det C]

    covariance: (n, n), of both together.
    Raises ValueError unless it is positive definite and leaves B a variable.
    """
    matrix = _validate.real_array("covariance", covariance, ("n", "n"))
    n_first = _validate.whole_number("n_first", n_first, minimum=1)
    if n_first >= matrix.shape[0]:
        raise ValueError(f"n_first: expected fewer than {matrix.shape[0]} variables, got {n_first}")
    root = _cholesky("covariance", matrix, matrix.shape[0])
    second = _cholesky("covariance", matrix[n_first:, n_first:], matrix.shape[0] - n_first)
    # The factor's last rows stand for B given A: their determinant against that of B alone.
    given_first = np.diag(root)[n_first:]
    return float(max(np.log2(np.diag(second)).sum() - np.log2(given_first).sum(), 0.0))


def _cholesky(name: str, covariance: ArrayLike, n: int) -> Array:
    """Lower triangular root of a covariance (n, n); raises ValueError when it is none."""
    matrix = _validate.real_array(name, covariance, (n, n))
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > _ROUNDING * np.abs(matrix).max():
        raise ValueError(
            f"{name}: expected a symmetric matrix, got entries that differ by {asymmetry:g} "
            "from their mirror image"
        )
    try:
        return np.linalg.cholesky((matrix + matrix.T) / 2)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh((matrix + matrix.T) / 2)[0]
        raise ValueError(
            f"{name}: expected a positive definite matrix, got the eigenvalue {smallest:g}"
        ) from None
