"""An LSTM's forward pass beside torch, jax and a plain NumPy loop, and Lyapunov exponents."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.recurrence import (
    GatedWeights,
    lstm_forward,
    lyapunov_exponents,
    random_weights,
)

N_STEPS, BATCH, N_INPUTS, N_HIDDEN = 256, 32, 64, 128
N_UNITS, GAIN, LYAPUNOV_STEPS = 100, 1.5, 300


def main() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((N_STEPS, BATCH, N_INPUTS), dtype=np.float32)
    bound = 1 / np.sqrt(N_HIDDEN)
    shapes = ((4 * N_HIDDEN, N_INPUTS), (4 * N_HIDDEN, N_HIDDEN), 4 * N_HIDDEN, 4 * N_HIDDEN)
    parameters = GatedWeights(
        *(rng.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes)
    )
    start = np.zeros((BATCH, N_HIDDEN), np.float32)
    print_environment("torch", "jax")

    rows = compare(
        f"LSTM forward, {N_STEPS} steps, batch {BATCH}, {N_INPUTS} to {N_HIDDEN} units, float32",
        lambda: lstm_forward(inputs, parameters, start, start)[0],
        {
            "torch.nn.LSTM": lambda: torch_lstm(inputs, parameters),
            "jax, jitted scan": lambda: jax_lstm(inputs, parameters),
            "NumPy loop": lambda: lambda: numpy_lstm(inputs, parameters),
        },
        agree=same_states,
        rounds=15,
    )
    print_table(rows)

    w_h = random_weights(N_UNITS, GAIN, rng)
    rows = compare(
        f"all Lyapunov exponents of {N_UNITS} units, gain {GAIN}, {LYAPUNOV_STEPS} steps",
        lambda: lyapunov_exponents(w_h, n_steps=LYAPUNOV_STEPS, rng=np.random.default_rng(1)),
        {"SciPy's QR, one step after the other": lambda: lambda: scipy_exponents(w_h)},
        agree=same_exponents,
        rounds=5,
    )
    print_table(rows)


def same_states(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-5, difference
    return f"states to {difference:.0e}"


def same_exponents(ours, theirs) -> str:
    """Two starts on one attractor: the averages agree within their sampling error."""
    difference = abs(ours[0] - theirs[0])
    assert difference < 0.02, difference
    return f"largest to {difference:.0e}"


def torch_lstm(inputs, parameters):
    import torch

    layer = torch.nn.LSTM(N_INPUTS, N_HIDDEN)
    with torch.no_grad():
        for own, given in zip(layer.parameters(), parameters, strict=True):
            own.copy_(torch.from_numpy(given))
    given = torch.from_numpy(inputs)

    def run():
        with torch.inference_mode():
            return layer(given)[0].numpy()

    return run


def jax_lstm(inputs, parameters):
    import jax
    import jax.numpy as jnp

    w_x, w_h, b_x, b_h = map(jax.device_put, parameters)

    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ w_x.T + b_x + h @ w_h.T + b_h, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = (jnp.zeros((BATCH, N_HIDDEN)), jnp.zeros((BATCH, N_HIDDEN)))
    run = jax.jit(lambda inputs: jax.lax.scan(step, start, inputs)[1])
    inputs = jax.device_put(inputs)
    return lambda: np.asarray(run(inputs))


def numpy_lstm(inputs, parameters):
    """The equations as they are written."""
    w_x, w_h, b_x, b_h = parameters

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    h = c = np.zeros((BATCH, N_HIDDEN), np.float32)
    states = []
    for x in inputs:
        i, f, g, o = np.split(x @ w_x.T + b_x + h @ w_h.T + b_h, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


def scipy_exponents(w_h):
    from scipy.linalg import qr

    rng = np.random.default_rng(2)
    h = rng.uniform(-1, 1, N_UNITS)
    frame = np.eye(N_UNITS)
    total = np.zeros(N_UNITS)
    for step in range(200 + LYAPUNOV_STEPS):
        h = np.tanh(w_h @ h)
        frame, r = qr(np.diag(1 - h**2) @ w_h @ frame)
        if step >= 200:
            total += np.log(np.abs(np.diag(r)))
    return np.sort(total / LYAPUNOV_STEPS)[::-1]


if __name__ == "__main__":
    main()
