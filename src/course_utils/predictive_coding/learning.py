"""What predictive coding does to weights: one local rule, and when it is backpropagation."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils import _validate
from course_utils.credit_assignment import Layer
from course_utils.credit_assignment.network import HIDDEN, check_network
from course_utils.predictive_coding.inference import (
    Array,
    check_arrays,
    check_variances,
    infer,
    inference_step,
    predict,
)


def energy_gradients(
    network: list[Layer],
    activities: list[Array],
    *,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> list[Layer]:
    """dF/dW_l = -<eps_l f(x_(l-1))^T> / Sigma_l, mean over samples {whittington2017}.

    Each weight's entry holds what its synapse can see: the error of the unit behind it and the rate
    of the unit before it.
    activities: x_0 to x_L, as `infer` or `infer_causes` leaves them.  Raises as `infer`.
    """
    _validate.one_of("hidden", hidden, HIDDEN)
    sigma = check_variances(variances, len(check_network(network)))
    rates = _rates(activities, hidden)
    errors = [
        above - rate @ weight.T - bias
        for above, rate, (weight, bias) in zip(activities[1:], rates, network, strict=True)
    ]
    return _products(errors, rates, sigma)


def predictive_coding_gradients(
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    n_steps: int = 100,
    step_size: float = 0.1,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> list[Layer]:
    """dF/dW_l once the activities have settled for `n_steps`: inference learning.

    At a steady state eps_l / Sigma_l = f'(x_l) * W_(l+1)^T eps_(l+1) / Sigma_(l+1): the recursion
    of backpropagation, at activities that have moved. It is not the gradient of the loss; in a
    linear network it is that of 1/2 r^T S^-1 r, r = y - W_L ... W_1 x, S = `output_covariance`.

    Arguments and errors: as in `infer`.  Returns one Layer a layer, to be subtracted.
    """
    settled = infer(
        network,
        inputs,
        targets,
        n_steps=n_steps,
        step_size=step_size,
        variances=variances,
        hidden=hidden,
    )
    sigma = check_variances(variances, len(settled.errors))
    return _products(settled.errors, _rates(settled.activities, hidden), sigma)


def fixed_prediction_gradients(
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    n_steps: int = 100,
    step_size: float = 0.5,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> list[Layer]:
    """The same with predictions, rates and slopes held where the input alone puts them.

    eps_l <- eps_l - step_size * (eps_l / Sigma_l - f'(mu_l) * W_(l+1)^T eps_(l+1) / Sigma_(l+1))

    Only errors move. Their steady state is backpropagation's, divided by Sigma_L {millidge2020}.
    It is reached within L - 1 steps when `step_size` and all variances are 1, and approached when
    `step_size` is below twice the smallest hidden variance; beyond, errors grow: ValueError.
    Arguments and other errors: as in `infer`.
    """
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=1)
    step = _validate.real_number("step_size", step_size, above=0.0)
    held = predict(network, inputs, hidden=hidden)
    layers, given = check_arrays(network, inputs=inputs, targets=targets)
    sigma = check_variances(variances, len(layers))
    if len(layers) > 1 and not step < 2 * min(sigma[:-1]):
        raise ValueError(
            f"step_size: expected a number below {2 * min(sigma[:-1]):g}, twice the smallest "
            f"hidden variance, where errors settle; got {step:g}"
        )
    rates = _rates(held, hidden)
    errors = [np.zeros_like(a) for a in held[1:-1]] + [given["targets"] - held[-1]]
    for _ in range(n_steps):
        weighted = [eps / variance for eps, variance in zip(errors, sigma, strict=True)]
        for number in range(len(errors) - 1):
            slope = 1 - rates[number + 1] ** 2 if hidden == "tanh" else 1.0
            pull = slope * (weighted[number + 1] @ layers[number + 1].weight)
            errors[number] = errors[number] - step * (weighted[number] - pull)
    return _products(errors, rates, sigma)


def z_il_gradients(
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    step_size: float = 1.0,
    hidden: str = "tanh",
) -> list[Layer]:
    """Zero-divergence inference learning: backpropagation's gradient, to rounding {song2020}.

    Hidden layers start where they are predicted, all variances are 1, and W_l takes its local
    gradient after L - l of `inference_step`, the moment at which the error first reaches layer l
    and the layer below has not moved yet. W_L takes it before the first step. With a `step_size` of
    1 this is the gradient of the loss; with another, layer l's is step_size^(L-l) times that.

    inputs: (n, n_in).  targets: (n, n_out).  Returns one Layer a layer.  Raises as `infer`.
    """
    x = predict(network, inputs, hidden=hidden)
    layers, given = check_arrays(network, inputs=inputs, targets=targets)
    x[-1] = given["targets"]
    gradients = []
    for number in reversed(range(len(layers))):
        gradients.append(energy_gradients(layers, x, hidden=hidden)[number])
        if number:
            x = inference_step(x, layers, step_size=step_size, hidden=hidden)
    return gradients[::-1]


def output_covariance(network: list[Layer], variances: ArrayLike | None = None) -> Array:
    """Covariance of the output of a linear network whose every layer adds its own noise.

    S = Sigma_L I + sum over l < L of Sigma_l A_l A_l^T,  A_l = W_L ... W_(l+1)

    variances: Sigma_1 to Sigma_L, 1 each when None.  Returns (n_out, n_out).  Raises as `infer`.
    """
    layers = check_network(network)
    sigma = check_variances(variances, len(layers))
    path = np.eye(len(layers[-1].bias))
    covariance = sigma[-1] * path
    for number in reversed(range(1, len(layers))):
        path = path @ layers[number].weight
        covariance = covariance + sigma[number - 1] * path @ path.T
    return covariance


def _rates(activities: list[Array], hidden: str) -> list[Array]:
    """f of every layer but the last, the identity at x_0."""
    return [activities[0], *(np.tanh(a) if hidden == "tanh" else a for a in activities[1:-1])]


def _products(errors: list[Array], rates: list[Array], sigma: list[float]) -> list[Layer]:
    """-<eps_l f(x_(l-1))^T> / Sigma_l and the same for biases."""
    gradients = []
    for eps, rate, variance in zip(errors, rates, sigma, strict=True):
        weighted = eps * (-1.0 / (variance * len(eps)))
        gradients.append(Layer(weighted.T @ rate, weighted.sum(axis=0)))
    return gradients
