"""Forward passes of plain, LSTM and GRU networks, with the equations and gate order of torch.nn."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from course_utils import _validate

Floats = NDArray[np.floating[Any]]


class GatedWeights(NamedTuple):
    """Weights of one gated layer, in the order in which a torch.nn layer lists its parameters.

    w_x: (k n_h, n_x), from the inputs.  w_h: (k n_h, n_h), from the state.  b_x, b_h: (k n_h,).
    The k blocks of n_h rows are the gates: input, forget, candidate, output for an LSTM (k = 4);
    reset, update, candidate for a GRU (k = 3).
    """

    w_x: ArrayLike
    w_h: ArrayLike
    b_x: ArrayLike
    b_h: ArrayLike


def rnn_forward(
    inputs: ArrayLike, w_h: ArrayLike, w_x: ArrayLike, b: ArrayLike, h0: ArrayLike
) -> Floats:
    """States of a plain recurrent network at every step.

    h_t = tanh(W_h h_(t-1) + W_x x_t + b)        {elman1990}

    inputs: (t, n_x) or (t, batch, n_x).  w_h: (n_h, n_h).  w_x: (n_h, n_x).  b: (n_h,).
    h0: (n_h,) or (batch, n_h).  Returns (t, n_h) or (t, batch, n_h), of the inputs' float type.
    Raises TypeError or ValueError on shapes that do not fit, NaN, infinity, or an overflow.
    """
    x = _inputs(inputs)
    w_h = _square("w_h", w_h).astype(x.dtype)
    n_h = len(w_h)
    w_x = _validate.real_array("w_x", w_x, (n_h, x.shape[-1])).astype(x.dtype)
    b = _validate.real_array("b", b, (n_h,)).astype(x.dtype)
    h = _state("h0", h0, x, n_h)
    _check_range(x, w_x, w_h, [b], h)
    states = _project(x, w_x.T) + b
    for z in states:
        z += h @ w_h.T
        h = np.tanh(z, out=z)
    return states


def lstm_forward(
    inputs: ArrayLike, parameters: GatedWeights, h0: ArrayLike, c0: ArrayLike
) -> tuple[Floats, Floats]:
    """States h and cells c of a layer of long short-term memory at every step.

    c_t = f_t c_(t-1) + i_t g_t,  h_t = o_t tanh(c_t)        {hochreiter1997,gers2000}
    with i, f, o = sigmoid and g = tanh of W_x x_t + b_x + W_h h_(t-1) + b_h, rows as i, f, g, o

    inputs: (t, n_x) or (t, batch, n_x).  parameters: `GatedWeights` with four blocks of rows.
    h0, c0: (n_h,) or (batch, n_h).  Returns two arrays (t, n_h) or (t, batch, n_h), of the inputs'
    float type.  Raises TypeError or ValueError on shapes that do not fit, NaN, infinity, overflow.
    """
    x = _inputs(inputs)
    weights = _gated(parameters, 4, x)
    n_h = weights.w_h.shape[1]
    h, c = _state("h0", h0, x, n_h), _state("c0", c0, x, n_h)
    _check_range(x, weights.w_x, weights.w_h, [weights.b_x, weights.b_h, 2 * c], h)
    # sigmoid(z) = (1 + tanh(z / 2)) / 2: with the rows of i, f and o halved, one tanh does all.
    half = np.repeat([0.5, 0.5, 1.0, 0.5], n_h).astype(x.dtype)
    w_h = np.ascontiguousarray((half[:, None] * weights.w_h).T)
    hs, cs = np.empty((2, *x.shape[:-1], n_h), x.dtype)
    drive = _project(x, (half[:, None] * weights.w_x).T)
    drive += half * (weights.b_x + weights.b_h)
    for z, h_t, c_t in zip(drive, hs, cs, strict=True):
        z += h @ w_h
        np.tanh(z, out=z)
        i, f, g, o = (z[..., k * n_h : (k + 1) * n_h] for k in range(4))
        # c = (1 + f) / 2 c + (1 + i) / 2 g
        f += 1
        np.multiply(f, c, out=c_t)
        i += 1
        i *= g
        c_t += i
        c_t *= 0.5
        o += 1
        o *= 0.5
        np.tanh(c_t, out=h_t)
        h_t *= o
        h, c = h_t, c_t
    return hs, cs


def gru_forward(inputs: ArrayLike, parameters: GatedWeights, h0: ArrayLike) -> Floats:
    """States of a layer of gated recurrent units at every step.

    h_t = (1 - u_t) n_t + u_t h_(t-1),  n = tanh(W_x x_t + b_x + r_t (W_h h_(t-1) + b_h))
    with r, u = sigmoid(W_x x_t + b_x + W_h h_(t-1) + b_h), rows as r, u, n        {cho2014}

    inputs: (t, n_x) or (t, batch, n_x).  parameters: `GatedWeights` with three blocks of rows.
    h0: (n_h,) or (batch, n_h).  Returns (t, n_h) or (t, batch, n_h), of the inputs' float type.
    Raises TypeError or ValueError on shapes that do not fit, NaN, infinity, or an overflow.
    """
    x = _inputs(inputs)
    weights = _gated(parameters, 3, x)
    n_h = weights.w_h.shape[1]
    h = _state("h0", h0, x, n_h)
    _check_range(x, weights.w_x, weights.w_h, [weights.b_x, weights.b_h], h)
    states = np.empty((*x.shape[:-1], n_h), x.dtype)
    drive = _project(x, weights.w_x.T) + weights.b_x
    for z, h_t in zip(drive, states, strict=True):
        from_h = h @ weights.w_h.T + weights.b_h
        gates = special.expit(z[..., : 2 * n_h] + from_h[..., : 2 * n_h])
        reset, update = gates[..., :n_h], gates[..., n_h:]
        candidate = np.tanh(z[..., 2 * n_h :] + reset * from_h[..., 2 * n_h :])
        h_t[...] = candidate + update * (h - candidate)
        h = h_t
    return states


def forget_gates(
    inputs: ArrayLike, parameters: GatedWeights, states: ArrayLike, h0: ArrayLike
) -> Floats:
    """The forget gates f_t of an LSTM along a run: what each step leaves of each cell.

    inputs: (t, n_x) or (t, batch, n_x).  states: what `lstm_forward` returned as h for them.
    h0: (n_h,) or (batch, n_h).  Returns the shape of `states`, numbers between 0 and 1.
    Raises TypeError or ValueError on shapes that do not fit, NaN or infinity.
    """
    x = _inputs(inputs)
    weights = _gated(parameters, 4, x)
    n_h = weights.w_h.shape[1]
    h = _validate.real_array("states", states, (*x.shape[:-1], n_h)).astype(x.dtype)
    before = np.concatenate([_state("h0", h0, x, n_h)[None], h[:-1]])
    forget = slice(n_h, 2 * n_h)
    bias = (weights.b_x + weights.b_h)[forget]
    return special.expit(_project(x, weights.w_x[forget].T) + before @ weights.w_h[forget].T + bias)


def forget_bias(lag: ArrayLike, kept: float = np.exp(-1.0)) -> Floats:
    """Bias of a forget gate that, by itself, leaves the share `kept` of a cell after `lag` steps.

    sigmoid(b)^lag = kept        {tallec2018}

    lag: steps, any shape, above 0.  kept: between 0 and 1, exclusive.  Returns the shape of `lag`.
    Raises TypeError or ValueError on other values.
    """
    lag = _validate.real_array("lag", lag)
    if (lag <= 0).any():
        raise ValueError(f"lag: expected numbers of steps above 0, got {lag.min():g}")
    kept = _validate.real_number("kept", kept, above=0.0, below=1.0)
    # f / (1 - f) = 1 / (1/f - 1) with 1/f = exp(-ln(kept) / lag); ln(e^x - 1) must not overflow.
    x = -np.log(kept) / lag
    return -(x + np.log(-np.expm1(-x)))


class _Arrays(NamedTuple):
    w_x: Floats
    w_h: Floats
    b_x: Floats
    b_h: Floats


def _inputs(inputs: ArrayLike) -> Floats:
    x = _validate.real_array("inputs", inputs, keep_float32=True)
    if x.ndim not in (2, 3):
        raise ValueError(
            f"inputs: expected shape (t, n_x) or (t, batch, n_x), got {tuple(x.shape)}"
        )
    return x


def _project(x: Floats, w: Floats) -> Floats:
    """x @ w for all steps in one product of matrices, not one a step."""
    return (x.reshape(-1, x.shape[-1]) @ w).reshape(*x.shape[:-1], -1)


def _square(name: str, value: ArrayLike) -> Floats:
    w = _validate.real_array(name, value, ("n_h", "n_h"))
    if w.shape[0] != w.shape[1]:
        raise ValueError(f"{name}: expected a square matrix (n_h, n_h), got shape {w.shape}")
    return w


def _gated(parameters: GatedWeights, n_gates: int, x: Floats) -> _Arrays:
    """The four arrays, checked, in the float type of the inputs."""
    if not isinstance(parameters, tuple | list) or len(parameters) != 4:
        raise TypeError(
            "parameters: expected GatedWeights(w_x, w_h, b_x, b_h), "
            f"got {type(parameters).__name__}"
        )
    w_x, w_h, b_x, b_h = parameters
    w_h = _validate.real_array("w_h", w_h, (f"{n_gates} n_h", "n_h"))
    n_h = w_h.shape[1]
    if w_h.shape[0] != n_gates * n_h:
        raise ValueError(
            f"w_h: expected shape ({n_gates} n_h, n_h), {n_gates} gates of n_h rows, "
            f"got {tuple(w_h.shape)}"
        )
    w_x = _validate.real_array("w_x", w_x, (n_gates * n_h, x.shape[-1]))
    b_x = _validate.real_array("b_x", b_x, (n_gates * n_h,))
    b_h = _validate.real_array("b_h", b_h, (n_gates * n_h,))
    return _Arrays(*(array.astype(x.dtype) for array in (w_x, w_h, b_x, b_h)))


def _state(name: str, value: ArrayLike, x: Floats, n_h: int) -> Floats:
    return _validate.real_array(name, value, (*x.shape[1:-1], n_h)).astype(x.dtype)


def _check_range(x: Floats, w_x: Floats, w_h: Floats, biases: list[Floats], h: Floats) -> None:
    """Refuse what could overflow: no sum is larger than these sizes allow."""
    with np.errstate(over="ignore"):
        from_x = np.abs(x).max() * np.abs(w_x).sum(axis=1).max()
        from_h = max(1.0, np.abs(h).max()) * np.abs(w_h).sum(axis=1).max()
        bound = from_x + from_h + sum(np.abs(b).max() for b in biases)
    if not np.isfinite(bound):
        raise ValueError(
            f"inputs, weights: expected sizes whose products {x.dtype} can hold, got inputs up to "
            f"{np.abs(x).max():g} and weights up to {max(np.abs(w_x).max(), np.abs(w_h).max()):g}"
        )
