"""Right answers to the exercises of `credit_assignment`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from course_utils.credit_assignment import Layer


def torch_pass(network: Any, inputs: Any, targets: Any, loss: str, hidden: str) -> Any:
    parameters = [[torch.tensor(a, requires_grad=True) for a in layer] for layer in network]
    x = torch.tensor(inputs)
    xs = [x]
    for number, (w, b) in enumerate(parameters):
        x = torch.nn.functional.linear(x, w, b)
        if hidden == "tanh" and number + 1 < len(parameters):
            x = torch.tanh(x)
        xs.append(x)
    t = torch.tensor(targets)
    value = (
        ((x - t) ** 2).sum() / 2 / len(t)
        if loss == "squared"
        else torch.nn.functional.cross_entropy(x, t)
    )
    return parameters, xs, value


def backprop_in_torch(
    network: Any, inputs: Any, targets: Any, *, loss: str = "squared", hidden: str = "tanh"
) -> Any:
    parameters, _, value = torch_pass(network, inputs, targets, loss, hidden)
    value.backward()
    return [(w.grad, b.grad) for w, b in parameters]


def deltas(xs: Any, targets: Any, back: Any, loss: str, hidden: str) -> Any:
    y = xs[-1]
    wanted = targets if loss == "squared" else np.eye(y.shape[1])[targets]
    delta = (y if loss == "squared" else softmax(y, axis=1)) - wanted
    all_deltas = [delta]
    for b, x in zip(back[::-1], xs[-2:0:-1], strict=True):
        delta = delta @ b.T
        if hidden == "tanh":
            delta = delta * (1 - x**2)
        all_deltas.insert(0, delta)
    return all_deltas


def activities(network: Any, inputs: Any, hidden: str) -> Any:
    xs = [inputs]
    for w, b in network[:-1]:
        z = xs[-1] @ w.T + b
        xs.append(np.tanh(z) if hidden == "tanh" else z)
    return [*xs, xs[-1] @ network[-1].weight.T + network[-1].bias]


def backprop_vectorized(
    network: Any, inputs: Any, targets: Any, *, loss: str = "squared", hidden: str = "tanh"
) -> Any:
    xs = activities(network, inputs, hidden)
    found = deltas(xs, targets, [layer.weight.T for layer in network[1:]], loss, hidden)
    return [
        (np.einsum("ni,nj->ij", d, x) / len(d), d.mean(0)) for d, x in zip(found, xs, strict=False)
    ]


def backprop_by_loops(
    network: Any, inputs: Any, targets: Any, *, loss: str = "squared", hidden: str = "tanh"
) -> Any:
    total = [[np.zeros_like(w), np.zeros_like(b)] for w, b in network]
    for x, t in zip(inputs, targets, strict=True):
        xs = [list(x)]
        for number, (w, b) in enumerate(network):
            z = [b[i] + sum(w[i, j] * xs[-1][j] for j in range(len(xs[-1]))) for i in range(len(b))]
            last = number + 1 == len(network)
            xs.append(z if last or hidden == "linear" else [math.tanh(v) for v in z])
        if loss == "squared":
            delta = [y - v for y, v in zip(xs[-1], t, strict=True)]
        else:
            total_exp = sum(math.exp(y) for y in xs[-1])
            delta = [math.exp(y) / total_exp - (i == t) for i, y in enumerate(xs[-1])]
        for number in range(len(network) - 1, -1, -1):
            below = xs[number]
            for i, d in enumerate(delta):
                total[number][1][i] += d / len(inputs)
                for j, v in enumerate(below):
                    total[number][0][i, j] += d * v / len(inputs)
            w = network[number][0]
            delta = [
                sum(w[i, j] * d for i, d in enumerate(delta))
                * (1 - below[j] ** 2 if hidden == "tanh" else 1)
                for j in range(len(below))
            ]
    return [Layer(w, b) for w, b in total]


def backprop_in_float32(
    network: Any, inputs: Any, targets: Any, *, loss: str = "squared", hidden: str = "tanh"
) -> Any:
    single = [Layer(w.astype("f4"), b.astype("f4")) for w, b in network]
    wanted = targets.astype("f4") if loss == "squared" else targets
    found = backprop_vectorized(single, inputs.astype("f4"), wanted, loss=loss, hidden=hidden)
    return [Layer(w.astype("f4"), b.astype("f4")) for w, b in found]


def alignment_vectorized(
    network: Any, feedback: Any, inputs: Any, targets: Any, *, loss: str, hidden: str
) -> Any:
    xs = activities(network, inputs, hidden)
    found = deltas(xs, targets, feedback, loss, hidden)
    return [Layer(d.T @ x / len(d), d.sum(0) / len(d)) for d, x in zip(found, xs, strict=False)]


def alignment_by_a_second_network(
    network: Any, feedback: Any, inputs: Any, targets: Any, *, loss: str, hidden: str
) -> Any:
    """Autograd of each layer alone, its output's gradient put in by hand."""
    n = len(inputs)
    x, layers = torch.tensor(inputs), []
    for number, (w, b) in enumerate(network):
        w, b = torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)
        z = torch.nn.functional.linear(x.detach(), w, b)
        x = torch.tanh(z) if hidden == "tanh" and number + 1 < len(network) else z
        z.retain_grad()
        layers.append((w, b, z, x))
    y = x.detach().requires_grad_()
    t = torch.tensor(targets)
    value = (
        ((y - t) ** 2).sum() / 2 / n
        if loss == "squared"
        else torch.nn.functional.cross_entropy(y, t)
    )
    (came,) = torch.autograd.grad(value, y)
    for number in range(len(layers) - 1, -1, -1):
        _, _, z, x = layers[number]
        x.backward(came)
        if number:
            came = z.grad @ torch.tensor(feedback[number - 1]).T
    return [(w.grad, b.grad) for w, b, _, _ in layers]


def alignment_sample_by_sample(
    network: Any, feedback: Any, inputs: Any, targets: Any, *, loss: str, hidden: str
) -> Any:
    parts = [
        alignment_vectorized(
            network, feedback, inputs[i : i + 1], targets[i : i + 1], loss=loss, hidden=hidden
        )
        for i in range(len(inputs))
    ]
    return [
        Layer(*(sum(p[k][m] for p in parts) / len(parts) for m in (0, 1)))
        for k in range(len(network))
    ]


def targets_vectorized(
    network: Any,
    inverses: Any,
    inputs: Any,
    targets: Any,
    *,
    step_size: float,
    loss: str,
    hidden: str,
) -> Any:
    def g(k: int, x: Any) -> Any:
        z = x @ inverses[k].weight.T + inverses[k].bias
        return np.tanh(z) if hidden == "tanh" else z

    xs = activities(network, inputs, hidden)
    error = deltas(xs[-1:], targets, [], loss, hidden)[0]
    aims = {len(network): xs[-1] - step_size * error}
    for k in range(len(network) - 1, 0, -1):
        aims[k] = xs[k] + g(k - 1, aims[k + 1]) - g(k - 1, xs[k + 1])
    found = []
    for k in range(1, len(network) + 1):
        d = (xs[k] - aims[k]) / step_size / len(inputs)
        if k < len(network) and hidden == "tanh":
            d = d * (1 - xs[k] ** 2)
        found.append(Layer(d.T @ xs[k - 1], d.sum(axis=0)))
    return found


def targets_by_local_losses(
    network: Any,
    inverses: Any,
    inputs: Any,
    targets: Any,
    *,
    step_size: float,
    loss: str,
    hidden: str,
) -> Any:
    """Each layer's distance to its target, differentiated by torch."""
    bend = torch.tanh if hidden == "tanh" else torch.clone
    parameters, xs, value = torch_pass(network, inputs, targets, loss, hidden)
    (error,) = torch.autograd.grad(value, xs[-1], retain_graph=True)
    aims = [xs[-1].detach() - step_size * len(inputs) * error]
    for (v, c), x, above in zip(inverses[::-1], xs[-2:0:-1], xs[:1:-1], strict=True):
        v, c = torch.tensor(v), torch.tensor(c)
        guess = bend(aims[0] @ v.T + c) - bend(above.detach() @ v.T + c)
        aims.insert(0, x.detach() + guess)
    found = []
    for number, ((w, b), aim) in enumerate(zip(parameters, aims, strict=True)):
        own = torch.nn.functional.linear(xs[number].detach(), w, b)
        own = bend(own) if number + 1 < len(network) else own
        distance = ((own - aim) ** 2).sum() / (2 * step_size * len(inputs))
        found.append(torch.autograd.grad(distance, (w, b)))
    return found


def targets_sample_by_sample(
    network: Any,
    inverses: Any,
    inputs: Any,
    targets: Any,
    *,
    step_size: float,
    loss: str,
    hidden: str,
) -> Any:
    parts = [
        targets_vectorized(
            network,
            inverses,
            inputs[i : i + 1],
            targets[i : i + 1],
            step_size=step_size,
            loss=loss,
            hidden=hidden,
        )
        for i in range(len(inputs))
    ]
    return [
        (np.mean([p[k].weight for p in parts], axis=0), np.mean([p[k].bias for p in parts], axis=0))
        for k in range(len(network))
    ]


def angle(a: Any, b: Any) -> float:
    return math.degrees(math.acos((a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum())))


def frozen_in_place(
    network: Any,
    feedback: Any,
    inputs: Any,
    targets: Any,
    *,
    learning_rate: float,
    n_steps: int,
    frozen: Any = (),
    loss: str = "squared",
    hidden: str = "tanh",
) -> Any:
    network = [Layer(w.copy(), b.copy()) for w, b in network]
    rows = []
    for _ in range(n_steps):
        ours = alignment_vectorized(network, feedback, inputs, targets, loss=loss, hidden=hidden)
        exact = backprop_vectorized(network, inputs, targets, loss=loss, hidden=hidden)
        rows.append([angle(a[0], b[0]) for a, b in zip(ours[:-1], exact[:-1], strict=True)])
        for number, (layer, g) in enumerate(zip(network, ours, strict=True)):
            if number not in frozen:
                layer.weight[...] -= learning_rate * g.weight
                layer.bias[...] -= learning_rate * g.bias
    return rows


def frozen_by_rates(network: Any, feedback: Any, inputs: Any, targets: Any, **given: Any) -> Any:
    rates = np.where(
        np.isin(np.arange(len(network)), list(given["frozen"])), 0.0, given["learning_rate"]
    )
    angles = np.zeros((given["n_steps"], len(feedback)))
    how = {"loss": given["loss"], "hidden": given["hidden"]}
    for row in angles:
        ours = alignment_vectorized(network, feedback, inputs, targets, **how)
        exact = backprop_by_loops(network, inputs, targets, **how)
        for k in range(len(row)):
            u, v = (m[k].weight / np.linalg.norm(m[k].weight) for m in (ours, exact))
            row[k] = np.degrees(2 * np.arcsin(np.linalg.norm(u - v) / 2))
        network = [
            Layer(w - r * g.weight, b - r * g.bias)
            for (w, b), g, r in zip(network, ours, rates, strict=True)
        ]
    return angles


def frozen_in_torch(network: Any, feedback: Any, inputs: Any, targets: Any, **given: Any) -> Any:
    how = {"loss": given["loss"], "hidden": given["hidden"]}
    rows = []
    for _ in range(given["n_steps"]):
        ours = alignment_by_a_second_network(network, feedback, inputs, targets, **how)
        exact = backprop_in_torch(network, inputs, targets, **how)
        rows.append(
            torch.stack(
                [
                    torch.rad2deg(
                        torch.arccos(torch.cosine_similarity(a.flatten(), b.flatten(), dim=0))
                    )
                    for (a, _), (b, _) in zip(ours[:-1], exact[:-1], strict=True)
                ]
            )
        )
        network = [
            layer
            if k in given["frozen"]
            else Layer(
                layer.weight - given["learning_rate"] * ours[k][0].numpy(),
                layer.bias - given["learning_rate"] * ours[k][1].numpy(),
            )
            for k, layer in enumerate(network)
        ]
    return torch.stack(rows)


RIGHT = {
    "backprop_gradients": (
        backprop_in_torch,
        backprop_vectorized,
        backprop_by_loops,
        backprop_in_float32,
    ),
    "feedback_alignment_gradients": (
        alignment_vectorized,
        alignment_by_a_second_network,
        alignment_sample_by_sample,
    ),
    "difference_target_propagation": (
        targets_vectorized,
        targets_by_local_losses,
        targets_sample_by_sample,
    ),
    "frozen_alignment": (frozen_in_place, frozen_by_rates, frozen_in_torch),
}
