"""Right answers to the exercises of `recurrence`, each written in another way."""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import expit, logit

Results = tuple[Any, Any]


def states_by_loops(inputs: Any, w_h: Any, w_x: Any, b: Any, h0: Any) -> list[list[float]]:
    h, states = list(h0), []
    for x in inputs:
        new = []
        for i in range(len(b)):
            z = b[i] + sum(w_h[i, j] * h[j] for j in range(len(h)))
            new.append(math.tanh(z + sum(w_x[i, k] * x[k] for k in range(len(x)))))
        h = new
        states.append(h)
    return states


def states_in_place(inputs: Any, w_h: Any, w_x: Any, b: Any, h0: Any) -> Any:
    states = np.zeros((len(inputs) + 1, len(h0)))
    states[0] = h0
    states[1:] = inputs @ w_x.T + b
    for t in range(1, len(states)):
        states[t] = np.tanh(states[t] + states[t - 1] @ w_h.T)
    return states[1:]


def states_in_torch(inputs: Any, w_h: Any, w_x: Any, b: Any, h0: Any) -> torch.Tensor:
    layer = torch.nn.RNN(w_x.shape[1], len(b), dtype=torch.float64)
    with torch.no_grad():
        for own, given in zip(layer.parameters(), (w_x, w_h, b, 0 * b), strict=True):
            own.copy_(torch.tensor(given))
    return layer(torch.tensor(inputs), torch.tensor(h0)[None])[0]


def states_in_float32(inputs: Any, w_h: Any, w_x: Any, b: Any, h0: Any) -> Any:
    return states_in_place(*(a.astype(np.float32) for a in (inputs, w_h, w_x, b, h0))).astype("f4")


def lstm_by_splitting(inputs: Any, parameters: Any, h0: Any, c0: Any) -> Results:
    w_x, w_h, b_x, b_h = parameters
    h, c, hs, cs = h0, c0, [], []
    for x in inputs:
        i, f, g, o = np.split(w_x @ x + w_h @ h + b_x + b_h, 4)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return hs, cs


def lstm_by_stacked_weights(inputs: Any, parameters: Any, h0: Any, c0: Any) -> Any:
    """One matrix for inputs, state and bias; gates as rows of a (4, n_h) array."""
    n = len(h0)
    w = np.hstack([parameters.w_x, parameters.w_h, (parameters.b_x + parameters.b_h)[:, None]])
    hs, cs = np.empty((2, len(inputs), n))
    h, c = h0.copy(), c0.copy()
    for t, x in enumerate(inputs):
        z = (w @ np.concatenate([x, h, [1.0]])).reshape(4, n)
        gate = 0.5 + 0.5 * np.tanh(z / 2)
        c *= gate[1]
        c += gate[0] * np.tanh(z[2])
        h = gate[3] * np.tanh(c)
        hs[t], cs[t] = h, c
    return hs, cs


def lstm_in_torch(inputs: Any, parameters: Any, h0: Any, c0: Any) -> Results:
    cell = torch.nn.LSTMCell(inputs.shape[1], len(h0), dtype=torch.float64)
    with torch.no_grad():
        for own, given in zip(cell.parameters(), parameters, strict=True):
            own.copy_(torch.tensor(given))
    state = torch.tensor(h0), torch.tensor(c0)
    states = []
    for x in torch.tensor(inputs):
        state = cell(x, state)
        states.append(state)
    return [h for h, _ in states], [c for _, c in states]


def lstm_in_float32(inputs: Any, parameters: Any, h0: Any, c0: Any) -> Results:
    single = type(parameters)(*(np.float32(a) for a in parameters))
    h, c = lstm_by_splitting(np.float32(inputs), single, np.float32(h0), np.float32(c0))
    return np.float32(h), np.float32(c)


def norms_by_backward_product(states: Any, w_h: Any) -> Any:
    product = np.eye(len(w_h))
    norms = [1.0]
    for h in states[:0:-1]:
        product = product @ np.diag(1 - h**2) @ w_h
        norms.append(np.linalg.norm(product, 2))
    return np.array(norms[::-1])


def norms_by_transposed_vectors(states: Any, w_h: Any) -> list[float]:
    """As backpropagation goes: rows of the Jacobian, pulled back; its largest singular value."""
    back = np.eye(len(w_h))
    norms = []
    for h in states[::-1]:
        norms.append(math.sqrt(np.linalg.eigvalsh(back @ back.T)[-1]))
        back = w_h.T @ ((1 - h**2)[:, None] * back)
    return norms[::-1]


def norms_in_torch(states: Any, w_h: Any) -> torch.Tensor:
    w, h = torch.tensor(w_h), torch.tensor(states)
    norms = []
    for t in range(len(h)):
        product = torch.eye(len(w), dtype=torch.float64)
        for later in h[t + 1 :]:
            product = torch.diag(1 - later**2) @ w @ product
        norms.append(torch.linalg.svdvals(product)[0])
    return torch.stack(norms).float()


def bias_by_logit(lag: Any, kept: float) -> Any:
    return logit(kept ** (1 / lag))


def bias_by_loop(lag: Any, kept: float) -> list[float]:
    return [-math.log(math.expm1(-math.log(kept) / steps)) for steps in lag]


def bias_in_torch(lag: Any, kept: float) -> torch.Tensor:
    return torch.logit(torch.tensor(kept) ** (1 / torch.tensor(lag)))


RIGHT = {
    "rnn_forward": (states_by_loops, states_in_place, states_in_torch, states_in_float32),
    "lstm_forward": (lstm_by_splitting, lstm_by_stacked_weights, lstm_in_torch, lstm_in_float32),
    "gradient_norms": (norms_by_backward_product, norms_by_transposed_vectors, norms_in_torch),
    "forget_bias": (bias_by_logit, bias_by_loop, bias_in_torch),
}
