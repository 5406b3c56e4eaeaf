"""Activities of a network that settle where predictions from one side and evidence balance.

One model throughout: layer l is predicted by the layer before it, mu_l = W_l f(x_(l-1)) + b_l, with
f the identity at x_0 and `hidden` above it, and misses by eps_l = x_l - mu_l, Gaussian with the
variance Sigma_l. x_l is a total input, before f: the last layer is then the network's output.

    F = sum over l of |eps_l|^2 / (2 Sigma_l)      {friston2005}

F is the variational free energy of a sample without the terms that no activity and no weight
changes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate
from course_utils.credit_assignment import Layer
from course_utils.credit_assignment.network import HIDDEN, check_network

Array = NDArray[Any]

# What rounding may add to an energy that no step has lowered.
_ROUNDING = 1e-5


class Inference(NamedTuple):
    """Where the activities of a network have settled, and how the energy fell on the way."""

    activities: list[Array]  # (n, size of the layer), x_0 to x_L
    errors: list[Array]  # eps_l = x_l - mu_l, one an entry of the network
    energy: Array  # (n_steps,), F after each step, mean over samples


def predict(network: list[Layer], inputs: ArrayLike, *, hidden: str = "tanh") -> list[Array]:
    """Each layer where the one before predicts it, x_l = W_l f(x_(l-1)) + b_l: no error anywhere.

    These are the total inputs of `credit_assignment.forward`; the last are its outputs.
    inputs: (n, n_in).  Returns x_0 = inputs to x_L.  Raises as `infer`.
    """
    _validate.one_of("hidden", hidden, HIDDEN)
    layers, given = check_arrays(network, inputs=inputs)
    return predict_checked(layers, given["inputs"], hidden)


def free_energy(
    network: list[Layer],
    activities: Sequence[ArrayLike],
    *,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> float:
    """F = sum over l of |x_l - W_l f(x_(l-1)) - b_l|^2 / (2 Sigma_l), mean over samples.

    activities: x_0 to x_L, (n, size of the layer).  variances, hidden, errors: as in `infer`.
    """
    layers, x, sigma = _check_state(network, activities, variances, hidden)
    return energy_of(_errors(layers, x, _rates(x, hidden)), sigma)


def inference_step(
    activities: Sequence[ArrayLike],
    network: list[Layer],
    *,
    step_size: float,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> list[Array]:
    """The activities after one step down F, all hidden layers at once, both ends held.

    x_l <- x_l - step_size * (eps_l / Sigma_l - f'(x_l) * W_(l+1)^T eps_(l+1) / Sigma_(l+1))
                                                                             {whittington2017}
    activities: x_0 to x_L, (n, size of the layer).  Returns new arrays of the same shapes, the
    first and the last unchanged.  variances, hidden, errors: as in `infer`.
    """
    step = _validate.real_number("step_size", step_size, above=0.0)
    layers, x, sigma = _check_state(network, activities, variances, hidden)
    rates = _rates(x, hidden)
    slopes = _slopes(layers, x, rates, _errors(layers, x, rates), sigma, hidden)
    return [x[0].copy(), *(a - step * g for a, g in zip(x[1:], slopes, strict=False)), x[-1].copy()]


def infer(
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    n_steps: int,
    step_size: float,
    variances: ArrayLike | None = None,
    hidden: str = "tanh",
) -> Inference:
    """Hidden activities that settle between an input and a target: the supervised direction.

    x_0 is held at the inputs and x_L at the targets; the hidden layers start where they are
    predicted and take `n_steps` of `inference_step`.

    inputs: (n, n_in).  targets: (n, n_out).  variances: Sigma_l, one a layer of weights, above 0;
    1 each when None.  hidden: "tanh" or "linear".  float32 throughout if all arrays are.
    Raises ValueError on shapes that do not fit, NaN, infinity, a variance or step size <= 0, an
    unknown name, or when a step takes F above where it started, since `step_size` is then too
    large; TypeError on other types.
    """
    _validate.one_of("hidden", hidden, HIDDEN)
    layers, given = check_arrays(network, inputs=inputs, targets=targets)
    x = predict_checked(layers, given["inputs"], hidden)
    held = x[1]  # mu_1, which never moves because x_0 does not
    x[-1] = given["targets"]
    sigma = check_variances(variances, len(layers))
    return _settle(layers, x, sigma, n_steps, step_size, hidden, held)


def infer_causes(
    network: list[Layer],
    data: ArrayLike,
    *,
    n_steps: int,
    step_size: float,
    variances: ArrayLike | None = None,
    prior_variance: float = 1.0,
    hidden: str = "linear",
) -> Inference:
    """Causes of the data by settling: the generative direction, as in {rao1999}.

    The same network and energy as `infer` with its other end free: x_L is held at the data, x_0,
    the causes at the top, is Gaussian about 0 with `prior_variance`, Sigma_0, and F has the term
    |x_0|^2 / (2 Sigma_0) besides. All layers start where x_0 = 0 predicts them. In a linear network
    they settle at the mean of the posterior.

    data: (n, n_out).  The errors returned begin with eps_0 = x_0.  variances, hidden, other
    arguments and errors: as in `infer`.
    """
    _validate.one_of("hidden", hidden, HIDDEN)
    prior = _validate.real_number("prior_variance", prior_variance, above=0.0)
    layers, given = check_arrays(network, data=data)
    top = np.zeros((len(given["data"]), layers[0].weight.shape[1]), given["data"].dtype)
    x = predict_checked(layers, top, hidden)
    x[-1] = given["data"]
    sigma = [prior, *check_variances(variances, len(layers))]
    return _settle(layers, x, sigma, n_steps, step_size, hidden)


def _settle(
    layers: list[Layer],
    x: list[Array],
    sigma: list[float],
    n_steps: int,
    step_size: float,
    hidden: str,
    held: Array | None = None,
) -> Inference:
    """`n_steps` down F; one variance more than layers sets x_0 free, with a prior about 0."""
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=1)
    step = _validate.real_number("step_size", step_size, above=0.0)
    prior = sigma[: len(sigma) - len(layers)]  # Sigma_0, where there is one
    likelihood = sigma[len(prior) :]
    rates, energy = _rates(x, hidden), np.empty(n_steps)
    errors = _errors(layers, x, rates, held)
    before = energy_of([*x[: len(prior)], *errors], sigma)
    with np.errstate(over="ignore", invalid="ignore"):  # a step too large is refused in words
        for t in range(n_steps):
            slopes = _slopes(layers, x, rates, errors, likelihood, hidden)
            if prior:
                pull = (errors[0] / likelihood[0]) @ layers[0].weight
                slopes.insert(0, x[0] / prior[0] - pull)
            for number, slope in enumerate(slopes, start=1 - len(prior)):
                slope *= step
                x[number] = x[number] - slope
            rates = _rates(x, hidden)
            errors = _errors(layers, x, rates, held)
            energy[t] = energy_of([*x[: len(prior)], *errors], sigma)
            if not energy[t] <= before * (1 + _ROUNDING):
                raise ValueError(
                    f"step_size: with {step:g} the energy rises from {before:g} to {energy[t]:g} "
                    f"by step {t + 1}; expected a smaller step, below 2 over the largest curvature "
                    "of the energy"
                )
    return Inference(x, [*x[: len(prior)], *errors], energy)


def predict_checked(layers: list[Layer], inputs: Array, hidden: str) -> list[Array]:
    x = [inputs]
    for number, (weight, bias) in enumerate(layers):
        rate = np.tanh(x[-1]) if hidden == "tanh" and number > 0 else x[-1]
        x.append(rate @ weight.T + bias)
    return x


def energy_of(errors: list[Array], sigma: list[float]) -> float:
    total = sum(
        float(np.vdot(eps, eps)) / (2 * variance)
        for eps, variance in zip(errors, sigma, strict=True)
    )
    return total / len(errors[0])


def check_arrays(network: Any, **arrays: ArrayLike) -> tuple[list[Layer], dict[str, Array]]:
    """The network, inputs or data and targets, fitting each other: float32 if all are, or float64.

    A name's width is that of the network's end it belongs to; all have as many rows.
    """
    layers = check_network(network)
    width = {"inputs": layers[0].weight.shape[1]}
    given: dict[str, Array] = {}
    rows: int | str = "n"
    for name, value in arrays.items():
        shape = (rows, width.get(name, len(layers[-1].bias)))
        given[name] = _validate.real_array(name, value, shape, keep_float32=True)
        rows = len(given[name])
    original = [np.asarray(part) for layer in network for part in layer]
    if all(array.dtype == np.float32 for array in (*original, *given.values())):
        return [Layer(np.asarray(w), np.asarray(b)) for w, b in network], given
    return layers, {name: array.astype(np.float64, copy=False) for name, array in given.items()}


def check_variances(variances: ArrayLike | None, n_layers: int) -> list[float]:
    """Sigma_1 to Sigma_L as floats, 1 each when None."""
    if variances is None:
        return [1.0] * n_layers
    checked = _validate.real_array("variances", variances, (n_layers,))
    if checked.min() <= 0:
        raise ValueError(f"variances: expected numbers above 0, got {checked.min():g}")
    return [float(variance) for variance in checked]


def _check_state(
    network: list[Layer],
    activities: Sequence[ArrayLike],
    variances: ArrayLike | None,
    hidden: str,
) -> tuple[list[Layer], list[Array], list[float]]:
    _validate.one_of("hidden", hidden, HIDDEN)
    layers = check_network(network)
    if not isinstance(activities, list | tuple):
        raise TypeError(f"activities: expected a list of arrays, got {type(activities).__name__}")
    if len(activities) != len(layers) + 1:
        raise ValueError(
            f"activities: expected {len(layers) + 1} layers, one more than the network, "
            f"got {len(activities)}"
        )
    sizes = [layers[0].weight.shape[1], *(len(layer.bias) for layer in layers)]
    x: list[Array] = []
    for number, (value, size) in enumerate(zip(activities, sizes, strict=True)):
        rows = len(x[0]) if x else "n"
        x.append(_validate.real_array(f"activities[{number}]", value, (rows, size)))
    return layers, x, check_variances(variances, len(layers))


def _rates(x: list[Array], hidden: str) -> list[Array]:
    """f of every layer but the last: what predicts the next."""
    return [x[0], *(np.tanh(a) for a in x[1:-1])] if hidden == "tanh" else x[:-1]


def _errors(
    layers: list[Layer], x: list[Array], rates: list[Array], held: Array | None = None
) -> list[Array]:
    """x_l - mu_l for l from 1; `held` is mu_1 where x_0, and so it, never moves."""
    errors: list[Array] = []
    for (weight, bias), rate, above in zip(layers, rates, x[1:], strict=True):
        if held is not None and not errors:
            errors.append(above - held)
            continue
        prediction = rate @ weight.T
        prediction += bias
        errors.append(np.subtract(above, prediction, out=prediction))
    return errors


def _slopes(
    layers: list[Layer],
    x: list[Array],
    rates: list[Array],
    errors: list[Array],
    sigma: list[float],
    hidden: str,
) -> list[Array]:
    """dF/dx_l of the hidden layers, for each sample."""
    weighted = [eps / variance for eps, variance in zip(errors, sigma, strict=True)]
    slopes = []
    for number in range(1, len(layers)):
        pull = weighted[number] @ layers[number].weight
        if hidden == "tanh":
            pull *= 1 - rates[number] ** 2
        slopes.append(np.subtract(weighted[number - 1], pull, out=pull))
    return slopes
