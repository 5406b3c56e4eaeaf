"""The stretch part of `information_bottleneck`: the curve of Gaussian variables."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._information_bottleneck import UNITS, Array
from course_utils.information_bottleneck import gaussian_bottleneck


def gaussian_curve(
    covariance_x: Array, covariance_y: Array, covariance_xy: Array, betas: Array
) -> tuple[Array, Array]:
    """I(X;T) and I(T;Y), in bits, of the bottleneck of Gaussian variables at each beta.

    covariance_x: (n, n).  covariance_y: (m, m).  covariance_xy: (n, m).  betas: (b,).
    """
    curve = gaussian_bottleneck(covariance_x, covariance_y, covariance_xy, betas)
    return curve.i_xt, curve.i_ty


def _draw(rng: np.random.Generator, n: int, m: int) -> tuple[Array, Array, Array]:
    """A joint covariance whose canonical correlations are neither small nor alike."""
    rho = np.linspace(0.9, 0.5, min(n, m)) + rng.uniform(-0.04, 0.04, min(n, m))
    a, b = (np.eye(k) + 0.5 * rng.standard_normal((k, k)) for k in (n, m))
    cross = np.zeros((n, m))
    np.fill_diagonal(cross, rho)
    return a @ a.T, b @ b.T, a @ cross @ b.T


def _cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one dimension", "several dimensions"
    betas = np.array([0.0, 0.5, 1.0, 1.3, 2.0, 4.0, 20.0, 1e3])
    return [
        Case(one, "a correlation of 0.8", (np.eye(1), np.eye(1), np.array([[0.8]]), betas)),
        Case(
            one,
            "variances of 4 and 9, a covariance of -4.2",
            (np.array([[4.0]]), np.array([[9.0]]), np.array([[-4.2]]), betas),
        ),
        Case(
            several,
            "three pairs of different correlations",
            (np.eye(3), np.eye(3), np.diag([0.9, 0.6, 0.3]), betas),
        ),
        Case(several, "two by three, drawn at random", (*_draw(rng, 2, 3), betas)),
        Case(several, "three by three, drawn at random", (*_draw(rng, 3, 3), betas)),
    ]


def _curve(
    covariance_x: Array,
    covariance_y: Array,
    covariance_xy: Array,
    betas: Array,
    *,
    log: Any = np.log2,
    half: float = 0.5,
    power: int = 2,
    complement: bool = False,
    whitened: bool = True,
    gated: bool = True,
    strongest: bool = False,
    loss: float = 1.0,
) -> tuple[Array, Array]:
    """The curve, wrong in what a keyword says."""
    cross = covariance_xy
    if whitened:
        root_x, root_y = np.linalg.cholesky(covariance_x), np.linalg.cholesky(covariance_y)
        cross = np.linalg.solve(root_y, np.linalg.solve(root_x, cross).T).T
    rho = np.linalg.svd(cross, compute_uv=False)
    r = np.minimum(rho**power, 1 - 1e-9)[: 1 if strongest else None]
    r = 1 - r if complement else r
    beta = betas[:, None]
    enters = beta * r > 1
    kept = log((beta - 1) * r / (1 - r))
    lost = log(beta * r)
    if gated:
        kept, lost = np.where(enters, kept, 0.0), np.where(enters, lost, 0.0)
    i_xt = half * kept.sum(axis=1)
    return i_xt, i_xt - loss * half * lost.sum(axis=1)


PART = Part(
    reference=gaussian_curve,
    cases=_cases,
    points={"one dimension": 1.0, "several dimensions": 1.0},
    outputs=("i_xt", "i_ty"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "information in nats",
            partial(_curve, log=np.log),
            "Your numbers are ln 2 times the right ones: nats. Take np.log2.",
        ),
        Misconception(
            "one half forgotten",
            partial(_curve, half=1.0),
            "The factor 1/2 is missing. The information of two Gaussians is half the logarithm of "
            "a ratio of variances, because it is the logarithm of a ratio of widths.",
        ),
        Misconception(
            "correlation not squared",
            partial(_curve, power=1),
            "The canonical correlation enters squared: rho^2 is the share of variance that X and Y "
            "have in common, and a direction enters at beta = 1 / rho^2.",
        ),
        Misconception(
            "shared and unshared variance exchanged",
            partial(_curve, complement=True),
            "You use 1 - rho^2 where rho^2 belongs. The eigenvalues of the regression matrix in "
            "the paper of Chechik and colleagues are 1 - rho^2, the share of X that Y does not "
            "explain; a direction that Y explains well enters first, at beta = 1 / rho^2.",
        ),
        Misconception(
            "directions that have not entered",
            partial(_curve, gated=False),
            "Directions are summed that have not entered yet. Below its own 1 / rho^2 a direction "
            "is not kept at all and adds 0; the formula there gives negative informations or nan.",
        ),
        Misconception(
            "covariance not whitened",
            partial(_curve, whitened=False),
            "You take the singular values of the covariance of X and Y as they stand. Their size "
            "depends on the units of X and Y. Whiten both first: the singular values of "
            "Lx^-1 C_xy Ly^-T, with the Cholesky factors Lx and Ly, are the canonical "
            "correlations.",
        ),
        Misconception(
            "strongest direction only",
            partial(_curve, strongest=True),
            "Only the largest canonical correlation counts in your answer. One direction after the "
            "other enters as beta grows; sum over all that have.",
        ),
        Misconception(
            "relevant and total information alike",
            partial(_curve, loss=0.0),
            "Your I(T;Y) equals I(X;T). What T knows of X is not all about Y: subtract "
            "1/2 log2(beta rho^2) for every direction that has entered.",
        ),
    ),
    rtol=1e-6,
    atol=1e-8,
    stretch=True,
)
