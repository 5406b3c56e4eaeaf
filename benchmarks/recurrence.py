"""An LSTM's forward pass beside torch's, jax's and a plain NumPy loop."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.recurrence import GatedWeights, lstm_forward

N_STEPS, BATCH, N_INPUTS, N_HIDDEN = 256, 32, 64, 128


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


def same_states(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-5, difference
    return f"states to {difference:.0e}"


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


if __name__ == "__main__":
    main()
