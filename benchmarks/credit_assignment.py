"""Gradients and feedback alignment beside torch's autograd and the equations in plain NumPy."""

from functools import partial

import numpy as np
from harness import compare, print_environment, print_table
from threadpoolctl import threadpool_limits

from course_utils.credit_assignment import (
    backprop_gradients,
    feedback_alignment_gradients,
    init_feedback,
    init_network,
)

WORKLOADS = {"digits": ((64, 100, 100, 10), 32, 300), "wide": ((784, 512, 512, 10), 256, 4)}


def main() -> None:
    print_environment("torch")
    for name, (sizes, batch, repeats) in WORKLOADS.items():
        rng = np.random.default_rng(0)
        network = init_network(sizes, rng)
        feedback = init_feedback(network, rng)
        data = rng.standard_normal((batch, sizes[0])), rng.integers(sizes[-1], size=batch)
        what = f"{name}, {'-'.join(map(str, sizes))}, batch {batch}, {repeats} times, float64"
        gradient = partial(backprop_gradients, network, *data, loss="cross_entropy")
        aligned = partial(
            feedback_alignment_gradients, network, feedback, *data, loss="cross_entropy"
        )
        rows = compare(
            f"gradient: {what}",
            partial(repeat, gradient, repeats),
            {
                "torch autograd": partial(torch_autograd, network, *data, repeats),
                "NumPy, nothing checked": partial(plain, network, *data, None, repeats),
            },
            agree=same,
            rounds=9,
        )
        print_table(rows)
        rows = compare(
            f"feedback alignment: {what}",
            partial(repeat, aligned, repeats),
            {
                "torch, a backward of one's own": partial(
                    torch_feedback, network, *data, feedback, repeats
                ),
                "NumPy, nothing checked": partial(plain, network, *data, feedback, repeats),
            },
            agree=same,
            rounds=9,
        )
        print_table(rows)


def repeat(run, times):
    """The last of `times` results."""
    for _ in range(times):
        result = run()
    return result


def same(ours, theirs) -> str:
    difference = max(
        np.abs(a - b).max()
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    assert difference < 1e-10, difference
    return f"to {difference:.0e}"


def torch_autograd(network, inputs, classes, repeats):
    import torch

    torch.set_num_threads(1)
    parameters = [[torch.tensor(a, requires_grad=True) for a in layer] for layer in network]
    flat = [a for layer in parameters for a in layer]
    x0, t = torch.from_numpy(inputs), torch.from_numpy(classes)

    def run():
        x = x0
        for number, (w, b) in enumerate(parameters, start=1):
            x = torch.nn.functional.linear(x, w, b)
            x = torch.tanh(x) if number < len(parameters) else x
        found = torch.autograd.grad(torch.nn.functional.cross_entropy(x, t), flat)
        return [(w.numpy(), b.numpy()) for w, b in zip(found[::2], found[1::2], strict=True)]

    return lambda: repeat(run, repeats)


def torch_feedback(network, inputs, classes, feedback, repeats):
    import torch

    torch.set_num_threads(1)

    class Linear(torch.autograd.Function):
        """A layer whose backward pass goes through `back` in the place of its weights."""

        @staticmethod
        def forward(ctx, x, weight, bias, back):
            ctx.save_for_backward(x, back)
            return torch.nn.functional.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, delta):
            x, back = ctx.saved_tensors
            down = delta @ back.T if ctx.needs_input_grad[0] else None
            return down, delta.T @ x, delta.sum(0), None

    parameters = [[torch.tensor(a, requires_grad=True) for a in layer] for layer in network]
    flat = [a for layer in parameters for a in layer]
    backs = [torch.from_numpy(w) for w in (network[0].weight.T, *feedback)]
    x0, t = torch.from_numpy(inputs), torch.from_numpy(classes)

    def run():
        x = x0
        for number, ((w, b), back) in enumerate(zip(parameters, backs, strict=True), start=1):
            x = Linear.apply(x, w, b, back)
            x = torch.tanh(x) if number < len(parameters) else x
        found = torch.autograd.grad(torch.nn.functional.cross_entropy(x, t), flat)
        return [(w.numpy(), b.numpy()) for w, b in zip(found[::2], found[1::2], strict=True)]

    return lambda: repeat(run, repeats)


def plain(network, inputs, classes, feedback, repeats):
    """The equations as they are written."""

    def run():
        x = [inputs]
        for number, (w, b) in enumerate(network, start=1):
            z = x[-1] @ w.T + b
            x.append(np.tanh(z) if number < len(network) else z)
        p = np.exp(x[-1] - x[-1].max(axis=1, keepdims=True))
        delta = p / p.sum(axis=1, keepdims=True)
        delta[np.arange(len(delta)), classes] -= 1
        delta /= len(delta)
        found = []
        for number in range(len(network) - 1, -1, -1):
            found.append((delta.T @ x[number], delta.sum(axis=0)))
            if number:
                back = network[number].weight.T if feedback is None else feedback[number - 1]
                delta = (delta @ back.T) * (1 - x[number] ** 2)
        return found[::-1]

    return lambda: repeat(run, repeats)


if __name__ == "__main__":
    with threadpool_limits(1):  # one core each: a second thread only waits at these sizes
        main()
