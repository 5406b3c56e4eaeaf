"""Predictive coding, inference and weight updates, beside torch's autograd, NumPy and jax."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.credit_assignment import Layer, init_network
from course_utils.predictive_coding import predictive_coding_gradients

SIZES, BATCH = (784, 256, 256, 10), 64
N_UPDATES, N_STEPS, STEP_SIZE, LEARNING_RATE = 20, 20, 0.05, 0.1


def main() -> None:
    rng = np.random.default_rng(0)
    network = [
        Layer(weight.astype(np.float32), bias.astype(np.float32))
        for weight, bias in init_network(SIZES, rng)
    ]
    inputs = rng.standard_normal((BATCH, SIZES[0]), dtype=np.float32)
    targets = np.eye(SIZES[-1], dtype=np.float32)[rng.integers(SIZES[-1], size=BATCH)]
    print_environment("torch", "jax")
    rows = compare(
        f"Predictive coding, {'-'.join(map(str, SIZES))}, batch {BATCH}, {N_UPDATES} updates of "
        f"{N_STEPS} steps, float32",
        lambda: ours(network, inputs, targets),
        {
            "torch autograd": lambda: torch_autograd(network, inputs, targets),
            "torch by hand": lambda: torch_by_hand(network, inputs, targets),
            "NumPy": lambda: lambda: numpy_plain(network, inputs, targets),
            "jax, jitted grad": lambda: jax_grad(network, inputs, targets),
        },
        agree=same_weights,
    )
    print_table(rows)


def same_weights(expected, got) -> str:
    difference = max(
        np.abs(np.asarray(a) - np.asarray(b)).max()
        for one, other in zip(expected, got, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    assert difference < 1e-4, difference
    return f"weights to {difference:.0e}"


def ours(network, inputs, targets):
    for _ in range(N_UPDATES):
        gradients = predictive_coding_gradients(
            network, inputs, targets, n_steps=N_STEPS, step_size=STEP_SIZE
        )
        network = [
            Layer(w - np.float32(LEARNING_RATE) * dw, b - np.float32(LEARNING_RATE) * db)
            for (w, b), (dw, db) in zip(network, gradients, strict=True)
        ]
    return network


def numpy_plain(network, inputs, targets):
    """The equations as they stand, every error computed anew at every step."""
    layers = [(w.copy(), b.copy()) for w, b in network]

    def errors_of(x):
        return [
            x[k + 1] - (np.tanh(x[k]) if k else x[k]) @ w.T - b for k, (w, b) in enumerate(layers)
        ]

    for _ in range(N_UPDATES):
        x = [inputs]
        for k, (w, b) in enumerate(layers):
            x.append((np.tanh(x[k]) if k else x[k]) @ w.T + b)
        x[-1] = targets
        for _ in range(N_STEPS):
            errors = errors_of(x)
            for k in range(1, len(layers)):
                pull = (1 - np.tanh(x[k]) ** 2) * (errors[k] @ layers[k][0])
                x[k] = x[k] - STEP_SIZE * (errors[k - 1] - pull)
        errors = errors_of(x)
        layers = [
            (
                w + LEARNING_RATE * errors[k].T @ (np.tanh(x[k]) if k else x[k]) / BATCH,
                b + LEARNING_RATE * errors[k].mean(axis=0),
            )
            for k, (w, b) in enumerate(layers)
        ]
    return layers


def torch_autograd(network, inputs, targets):
    import torch

    x0, y = torch.tensor(inputs), torch.tensor(targets)

    def energy(layers, hidden):
        x, total = [x0, *hidden, y], 0.0
        for k, (w, b) in enumerate(layers):
            rate = torch.tanh(x[k]) if k else x[k]
            total = total + ((x[k + 1] - rate @ w.T - b) ** 2).sum() / 2
        return total

    def run():
        layers = [tuple(torch.tensor(part, requires_grad=True) for part in la) for la in network]
        for _ in range(N_UPDATES):
            with torch.no_grad():
                x = [x0]
                for k, (w, b) in enumerate(layers):
                    x.append((torch.tanh(x[k]) if k else x[k]) @ w.T + b)
            hidden = [a.requires_grad_() for a in x[1:-1]]
            for _ in range(N_STEPS):
                slopes = torch.autograd.grad(energy(layers, hidden), hidden)
                hidden = [
                    (a - STEP_SIZE * slope).detach().requires_grad_()
                    for a, slope in zip(hidden, slopes, strict=True)
                ]
            flat = [part for layer in layers for part in layer]
            slopes = torch.autograd.grad(energy(layers, hidden) / BATCH, flat)
            with torch.no_grad():
                for part, slope in zip(flat, slopes, strict=True):
                    part -= LEARNING_RATE * slope
        return [tuple(part.detach().numpy() for part in layer) for layer in layers]

    return run


def torch_by_hand(network, inputs, targets):
    import torch

    x0, y = torch.tensor(inputs), torch.tensor(targets)

    @torch.no_grad()
    def run():
        layers = [tuple(torch.tensor(part) for part in layer) for layer in network]

        def errors_of(x):
            return [
                x[k + 1] - torch.addmm(b, torch.tanh(x[k]) if k else x[k], w.T)
                for k, (w, b) in enumerate(layers)
            ]

        for _ in range(N_UPDATES):
            x = [x0]
            for k, (w, b) in enumerate(layers):
                x.append(torch.addmm(b, torch.tanh(x[k]) if k else x[k], w.T))
            x[-1] = y
            for _ in range(N_STEPS):
                errors = errors_of(x)
                for k in range(1, len(layers)):
                    pull = (1 - torch.tanh(x[k]) ** 2) * (errors[k] @ layers[k][0])
                    x[k] = x[k] - STEP_SIZE * (errors[k - 1] - pull)
            errors = errors_of(x)
            for k, (w, b) in enumerate(layers):
                rate = torch.tanh(x[k]) if k else x[k]
                w += LEARNING_RATE * errors[k].T @ rate / BATCH
                b += LEARNING_RATE * errors[k].mean(dim=0)
        return [tuple(part.numpy() for part in layer) for layer in layers]

    return run


def jax_grad(network, inputs, targets):
    import jax
    import jax.numpy as jnp

    x0, y = jnp.asarray(inputs), jnp.asarray(targets)

    def energy(layers, hidden):
        x, total = [x0, *hidden, y], 0.0
        for k, (w, b) in enumerate(layers):
            rate = jnp.tanh(x[k]) if k else x[k]
            total += ((x[k + 1] - rate @ w.T - b) ** 2).sum() / 2
        return total

    @jax.jit
    def update(layers):
        x = [x0]
        for k, (w, b) in enumerate(layers):
            x.append((jnp.tanh(x[k]) if k else x[k]) @ w.T + b)

        def step(_, hidden):
            slopes = jax.grad(energy, argnums=1)(layers, hidden)
            return [a - STEP_SIZE * s for a, s in zip(hidden, slopes, strict=True)]

        hidden = jax.lax.fori_loop(0, N_STEPS, step, x[1:-1])
        slopes = jax.grad(energy)(layers, hidden)
        return jax.tree.map(lambda p, s: p - LEARNING_RATE / BATCH * s, layers, slopes)

    def run():
        layers = [tuple(jnp.asarray(part) for part in layer) for layer in network]
        for _ in range(N_UPDATES):
            layers = update(layers)
        return jax.block_until_ready(layers)

    return run


if __name__ == "__main__":
    main()
