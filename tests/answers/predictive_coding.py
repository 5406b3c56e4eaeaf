"""Right answers to the exercises of `predictive_coding`, each written in another way."""

from typing import Any

import numpy as np
import torch


def step_in_order(activities: Any, network: Any, *, step_size: float, variances: Any) -> list[Any]:
    """Errors of all layers first, then the forces."""
    rates = [activities[0], *(np.tanh(x) for x in activities[1:-1])]
    errors = [
        (x - rate @ layer.weight.T - layer.bias) / variance
        for x, rate, layer, variance in zip(activities[1:], rates, network, variances, strict=True)
    ]
    new = [x.copy() for x in activities]
    for number in range(1, len(network)):
        back = errors[number] @ network[number].weight
        new[number] -= step_size * (errors[number - 1] - back * (1 - rates[number] ** 2))
    return new


def step_by_loops(activities: Any, network: Any, *, step_size: float, variances: Any) -> list[Any]:
    """Sample by sample, unit by unit."""
    result = [np.array(x) for x in activities]
    for n in range(len(activities[0])):
        x = [a[n] for a in activities]
        errors = []
        for number, (weight, bias) in enumerate(network):
            rate = np.tanh(x[number]) if number else x[number]
            errors.append([
                (x[number + 1][i] - sum(weight[i] * rate) - bias[i]) / variances[number]
                for i in range(len(bias))
            ])  # fmt: skip
        for number in range(1, len(network)):
            weight = network[number].weight
            for j in range(len(x[number])):
                back = sum(weight[i, j] * errors[number][i] for i in range(len(weight)))
                force = errors[number - 1][j] - back / np.cosh(x[number][j]) ** 2
                result[number][n, j] -= step_size * force
    return result


def energy(network: Any, x: Any, variances: Any) -> torch.Tensor:
    total = torch.zeros((), dtype=x[0].dtype)
    for number, ((weight, bias), variance) in enumerate(zip(network, variances, strict=True)):
        rate = torch.tanh(x[number]) if number else x[number]
        total = total + ((x[number + 1] - rate @ weight.T - bias) ** 2).sum() / (2 * variance)
    return total


def tensors(network: Any, dtype: Any = torch.float64) -> list[Any]:
    return [tuple(torch.tensor(part, dtype=dtype) for part in layer) for layer in network]


def step_by_autograd(
    activities: Any, network: Any, *, step_size: float, variances: Any
) -> list[torch.Tensor]:
    x = [torch.tensor(a, requires_grad=True) for a in activities]
    energy(tensors(network), x, variances).backward()
    inner = [a - step_size * a.grad for a in x[1:-1]]  # type: ignore[operator]
    return [x[0], *inner, x[-1]]


def step_in_float32(
    activities: Any, network: Any, *, step_size: float, variances: Any
) -> list[Any]:
    single = [tuple(part.astype(np.float32) for part in layer) for layer in network]
    x = [a.astype(np.float32) for a in activities]
    named = [type(network[0])(*layer) for layer in single]
    return step_in_order(x, named, step_size=step_size, variances=variances.astype(np.float32))


def settle(network: Any, inputs: Any, targets: Any, step: Any, n_steps: int, **kwargs: Any) -> Any:
    x = [inputs]
    for number, (weight, bias) in enumerate(network):
        x.append((np.tanh(x[-1]) if number else x[-1]) @ weight.T + bias)
    x[-1] = targets
    for _ in range(n_steps):
        x = step(x, network, **kwargs)
    return x


def local_gradient(network: Any, x: Any, number: int, variance: float = 1.0) -> Any:
    weight, bias = network[number]
    rate = np.tanh(x[number]) if number else x[number]
    error = (x[number + 1] - rate @ weight.T - bias) / variance
    return -error.T @ rate / len(rate), -error.mean(axis=0)


def gradients_in_numpy(
    network: Any, inputs: Any, targets: Any, *, n_steps: int, step_size: float, variances: Any
) -> list[Any]:
    settings = {"step_size": step_size, "variances": variances}
    x = settle(network, inputs, targets, step_in_order, n_steps, **settings)
    return [local_gradient(network, x, k, variances[k]) for k in range(len(network))]


def gradients_by_autograd(
    network: Any, inputs: Any, targets: Any, *, n_steps: int, step_size: float, variances: Any
) -> list[Any]:
    settings = {"step_size": step_size, "variances": variances}
    x = settle(network, inputs, targets, step_in_order, n_steps, **settings)
    leaves = [tuple(part.requires_grad_() for part in layer) for layer in tensors(network)]
    (energy(leaves, [torch.tensor(a) for a in x], variances) / len(inputs)).backward()
    return [type(network[0])(weight.grad, bias.grad) for weight, bias in leaves]


def gradients_in_float32(
    network: Any, inputs: Any, targets: Any, *, n_steps: int, step_size: float, variances: Any
) -> list[Any]:
    found = gradients_by_loop(
        network, inputs, targets, n_steps=n_steps, step_size=step_size, variances=variances
    )
    return [(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in found]


def gradients_by_loop(
    network: Any, inputs: Any, targets: Any, *, n_steps: int, step_size: float, variances: Any
) -> list[Any]:
    """One sample at a time; the samples do not interact."""
    settings = {"n_steps": n_steps, "step_size": step_size, "variances": variances}
    each = [
        gradients_in_numpy(network, x[None], y[None], **settings)
        for x, y in zip(inputs, targets, strict=True)
    ]
    return [
        tuple(np.mean([sample[k][part] for sample in each], axis=0) for part in (0, 1))
        for k in range(len(network))
    ]


def schedule_in_numpy(
    network: Any, inputs: Any, targets: Any, *, step_size: float = 1.0
) -> list[Any]:
    x = settle(network, inputs, targets, None, 0)
    found: list[Any] = []
    for number in reversed(range(len(network))):
        found.insert(0, local_gradient(network, x, number))
        x = step_in_order(x, network, step_size=step_size, variances=np.ones(len(network)))
    return found


def schedule_from_the_start(
    network: Any, inputs: Any, targets: Any, *, step_size: float = 1.0
) -> list[Any]:
    """Inference begins again for every layer."""
    depth = len(network)
    settings = {"step_size": step_size, "variances": np.ones(depth)}
    return [
        local_gradient(
            network, settle(network, inputs, targets, step_by_loops, depth - 1 - k, **settings), k
        )
        for k in range(depth)
    ]


def schedule_in_torch(
    network: Any, inputs: Any, targets: Any, *, step_size: float = 1.0
) -> list[Any]:
    leaves = tensors(network)
    x = [torch.tensor(a) for a in settle(network, inputs, targets, None, 0)]
    found: list[Any] = [None] * len(leaves)
    for number in reversed(range(len(leaves))):
        moving = [a.detach().requires_grad_() for a in x]
        weights = [tuple(part.detach().requires_grad_() for part in layer) for layer in leaves]
        energy(weights, moving, [1.0] * len(leaves)).backward()
        found[number] = tuple(part.grad / len(inputs) for part in weights[number])
        inner = [a - step_size * a.grad for a in moving[1:-1]]  # type: ignore[operator]
        x = [moving[0], *inner, moving[-1]]
    return found


RIGHT = {
    "inference_step": (step_in_order, step_by_loops, step_by_autograd, step_in_float32),
    "predictive_coding_gradients": (
        gradients_in_numpy,
        gradients_by_loop,
        gradients_by_autograd,
        gradients_in_float32,
    ),
    "z_il_gradients": (schedule_in_numpy, schedule_from_the_start, schedule_in_torch),
}
