"""A generative layer learned from data by descent of the whole variational free energy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate
from course_utils.credit_assignment import Layer

Floats = NDArray[np.float64]


class Causes(NamedTuple):
    """A learned layer that predicts data from causes, and how the free energy fell."""

    layer: Layer  # weight (n_data, n_causes), bias (n_data,)
    variance: float  # Sigma, of what the causes leave unexplained
    energy: Floats  # (n_sweeps,), F of the data before each sweep, nat a sample


def linear_free_energy(
    layer: Layer, variance: float, data: ArrayLike, mean: ArrayLike, covariance: ArrayLike
) -> float:
    """Variational free energy of one linear layer, all its terms, in nat, mean over samples.

    F = E_q[log q(z) - log p(z) - log p(y|z)],  z ~ N(0, I),  y ~ N(W z + b, Sigma I)

    q(z) is Gaussian with a mean for each sample, (n, n_causes), and one `covariance`, (n_causes,
    n_causes). F = -log p(y) + the divergence of q from the posterior {friston2005}.
    data: (n, n_data).  Raises ValueError on shapes that do not fit, a variance <= 0 or a covariance
    that is not positive definite.
    """
    weight = _validate.real_array("layer.weight", layer[0], ("n_data", "n_causes"))
    bias = _validate.real_array("layer.bias", layer[1], (len(weight),))
    sigma = _validate.real_number("variance", variance, above=0.0)
    y = _validate.real_array("data", data, ("n", len(weight)))
    m = _validate.real_array("mean", mean, (len(y), weight.shape[1]))
    c = _validate.real_array("covariance", covariance, (weight.shape[1], weight.shape[1]))
    if not (np.allclose(c, c.T) and np.linalg.eigvalsh(c).min() > 0):
        raise ValueError("covariance: expected a symmetric, positive definite matrix")
    error = ((y - m @ weight.T - bias) ** 2).sum(axis=1).mean() + np.trace(weight @ c @ weight.T)
    size = (m**2).sum(axis=1).mean() + np.trace(c)
    entropy = np.linalg.slogdet(c)[1] + len(c)
    return float(error / sigma + len(weight) * np.log(2 * np.pi * sigma) + size - entropy) / 2


def learn_causes(
    data: ArrayLike, n_causes: int, rng: np.random.Generator, *, n_sweeps: int = 200
) -> Causes:
    """Weights and variance at which the free energy of the data no longer falls.

    A sweep first moves q to the posterior, N(m, K) with K = (I + W^T W / Sigma)^-1 and m = K W^T
    (y - b) / Sigma, where `infer_causes` settles; then W and Sigma to where their slopes vanish:

        <eps m^T> = W K  (the local rule against a decay),  Sigma = <eps^2> + tr(W K W^T) / n_data

    Neither raises F, which ends a sweep's first half at -log p(y), the surprise. The weights end up
    along the first principal components (probabilistic PCA); b is the mean of the data.

    data: (n, n_data).  n_causes: below n_data.  Weights start from small normal deviates.
    Raises ValueError on bad data or counts, and where n_causes explain the data entirely.
    """
    y = _validate.real_array("data", data, ("n", "n_data"))
    n_causes = _validate.whole_number("n_causes", n_causes, minimum=1)
    rng = _validate.generator("rng", rng)
    n_sweeps = _validate.whole_number("n_sweeps", n_sweeps, minimum=1)
    n_data = y.shape[1]
    if n_causes >= n_data:
        raise ValueError(f"n_causes: expected fewer than the {n_data} data, got {n_causes}")
    bias = y.mean(axis=0)
    second = (y - bias).T @ (y - bias) / len(y)
    total = np.trace(second) / n_data
    sigma = total
    weight = 0.1 * np.sqrt(total / n_causes) * rng.standard_normal((n_data, n_causes))
    energy = np.empty(n_sweeps)
    for sweep in range(n_sweeps):
        if not sigma > 1e-12 * total:
            raise ValueError(
                f"n_causes: {n_causes} causes leave no variance of the data unexplained; "
                "expected fewer causes or noisier data"
            )
        covariance = weight @ weight.T + sigma * np.eye(n_data)
        surprise = np.linalg.slogdet(2 * np.pi * covariance)[1]
        energy[sweep] = (surprise + np.trace(np.linalg.solve(covariance, second))) / 2
        spread = np.linalg.inv(np.eye(n_causes) + weight.T @ weight / sigma)
        recognition = spread @ weight.T / sigma  # m = recognition (y - b)
        joint = second @ recognition.T
        weight = np.linalg.solve(recognition @ joint + spread, joint.T).T
        sigma = float(np.trace(second - joint @ weight.T)) / n_data
    return Causes(Layer(weight, bias), sigma, energy)
