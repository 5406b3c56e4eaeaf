"""Recurrence: torch's cells, exact memory, autograd's gradients, mean-field chaos, bad input."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from course_utils.recurrence import (
    ADDING_BASELINE,
    GatedWeights,
    adding_problem,
    forget_bias,
    forget_gates,
    gradient_norms,
    gru_forward,
    lstm_forward,
    lyapunov_exponents,
    mean_field_exponent,
    memory_curve,
    random_weights,
    rnn_forward,
    time_scales,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
N_X, N_H = 3, 5


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small matrices: a second thread would only wait for the first."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def torch_layer(kind, seed=0, n_x=N_X, n_h=N_H, dtype=torch.float64):
    """A torch layer, and its weights as ours."""
    torch.manual_seed(seed)
    layer = kind(n_x, n_h, dtype=dtype)
    return layer, GatedWeights(*(p.detach().numpy() for p in layer.parameters()))


def plain(weights):
    """The arguments of rnn_forward between inputs and h0."""
    return weights.w_h, weights.w_x, weights.b_x + weights.b_h


def orthogonal(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def delay_line(n, gain=1.0):
    """Each unit hands its value to the next one."""
    return gain * np.eye(n, k=-1)


# Forward passes


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("batch", [(), (4,)])
@pytest.mark.parametrize("kind", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_forward_passes_are_those_of_torch(kind, batch, dtype):
    layer, weights = torch_layer(kind, dtype=dtype)
    x = 2 * torch.randn(9, *batch, N_X, dtype=dtype)
    h0, c0 = torch.randn(2, 1, *batch, N_H, dtype=dtype)
    with torch.no_grad():
        expected, last = layer(x, (h0, c0) if kind is torch.nn.LSTM else h0)
    x, h0, c0 = x.numpy(), h0[0].numpy(), c0[0].numpy()
    if kind is torch.nn.RNN:
        h = rnn_forward(x, *plain(weights), h0)
    elif kind is torch.nn.GRU:
        h = gru_forward(x, weights, h0)
    else:
        h, c = lstm_forward(x, weights, h0, c0)
        np.testing.assert_allclose(c[-1], last[1][0], rtol=0, atol=1e-6)
        assert c.dtype == x.dtype
    tolerance = 1e-14 if dtype is torch.float64 else 1e-6
    np.testing.assert_allclose(h, expected, rtol=0, atol=tolerance)
    assert h.dtype == x.dtype


def test_one_lstm_step_written_out():
    """i, f, g, o with one unit, by hand: the order of the rows matters."""
    w_x = np.array([[0.5], [-1.0], [2.0], [0.3]])
    w_h = np.array([[0.1], [0.2], [-0.3], [0.4]])
    b_x, b_h = np.array([0.1, 1.0, 0.0, -0.5]), np.array([0.0, 0.5, 0.2, 0.0])
    i, f, g, o = (w_x * 0.7 + w_h * 0.6)[:, 0] + b_x + b_h

    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    c = sigmoid(f) * 0.9 + sigmoid(i) * math.tanh(g)
    h = sigmoid(o) * math.tanh(c)
    hs, cs = lstm_forward([[0.7]], GatedWeights(w_x, w_h, b_x, b_h), [0.6], [0.9])
    assert hs[0, 0] == pytest.approx(h, rel=1e-14)
    assert cs[0, 0] == pytest.approx(c, rel=1e-14)


@claim("recurrence-1")
def test_the_state_carries_the_past_and_only_the_past():
    """Changing x_s changes h_t for all t >= s and for no t < s; without W_h, for t = s alone."""
    _, weights = torch_layer(torch.nn.RNN)
    w_h, w_x, b = plain(weights)
    x = np.random.default_rng(0).standard_normal((8, N_X))
    other = x.copy()
    other[3] += 1
    for matrix, reach in ((w_h, slice(3, None)), (0 * w_h, slice(3, 4))):
        runs = [rnn_forward(given, matrix, w_x, b, np.zeros(N_H)) for given in (x, other)]
        moved = np.abs(runs[0] - runs[1]).max(axis=1)
        assert (moved[reach] > 1e-6).all()
        assert np.delete(moved, np.arange(8)[reach]).max(initial=0) == 0


@claim("recurrence-1")
@given(seed=seeds, cut=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_a_run_can_be_cut_and_resumed_from_its_state(seed, cut):
    """The state is all that the future needs of the past."""
    rng = np.random.default_rng(seed)
    x, h0, c0 = rng.standard_normal((10, 2, N_X)), *rng.standard_normal((2, 2, N_H))
    _, lstm = torch_layer(torch.nn.LSTM, seed % 1000)
    _, gru = torch_layer(torch.nn.GRU, seed % 1000)
    _, rnn = torch_layer(torch.nn.RNN, seed % 1000)
    h = rnn_forward(x, *plain(rnn), h0)
    rest = rnn_forward(x[cut:], *plain(rnn), h[cut - 1])
    np.testing.assert_allclose(rest, h[cut:], rtol=0, atol=1e-13)
    h = gru_forward(x, gru, h0)
    np.testing.assert_allclose(gru_forward(x[cut:], gru, h[cut - 1]), h[cut:], rtol=0, atol=1e-13)
    h, c = lstm_forward(x, lstm, h0, c0)
    rest = lstm_forward(x[cut:], lstm, h[cut - 1], c[cut - 1])
    np.testing.assert_allclose(rest, (h[cut:], c[cut:]), rtol=0, atol=1e-13)


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_sequences_of_a_batch_do_not_mix(seed):
    rng = np.random.default_rng(seed)
    x, h0, c0 = rng.standard_normal((6, 3, N_X)), *rng.standard_normal((2, 3, N_H))
    _, weights = torch_layer(torch.nn.LSTM, seed % 1000)
    together = lstm_forward(x, weights, h0, c0)
    alone = lstm_forward(x[:, 1], weights, h0[1], c0[1])
    np.testing.assert_allclose(np.array(together)[:, :, 1], alone, rtol=0, atol=1e-13)


def test_forward_passes_leave_their_arguments_alone():
    rng = np.random.default_rng(1)
    x, h0, c0 = rng.standard_normal((6, N_X)), *rng.standard_normal((2, N_H))
    for kind, run in (
        (torch.nn.RNN, lambda x, w, h, c: rnn_forward(x, *plain(w), h)),
        (torch.nn.LSTM, lstm_forward),
        (torch.nn.GRU, lambda x, w, h, c: gru_forward(x, w, h)),
    ):
        _, weights = torch_layer(kind)
        given_arrays = (x, *weights, h0, c0)
        before = [array.copy() for array in given_arrays]
        run(x, weights, h0, c0)
        for array, copy in zip(given_arrays, before, strict=True):
            np.testing.assert_array_equal(array, copy)


def test_gates_saturate_without_overflow():
    _, weights = torch_layer(torch.nn.LSTM)
    wide = GatedWeights(*(1e6 * np.asarray(array) for array in weights))
    h, c = lstm_forward(np.ones((20, N_X)), wide, np.zeros(N_H), np.zeros(N_H))
    assert np.abs(h).max() <= 1
    assert np.abs(c).max() <= 20


# What a linear network remembers


@claim("recurrence-2")
def test_time_scales_of_known_modes():
    rng = np.random.default_rng(2)
    basis = rng.standard_normal((4, 4))
    modes = np.array([0.9, 0.5, -0.5, 0.99])
    w_h = basis @ np.diag(modes) @ np.linalg.inv(basis)
    expected = -1 / np.log([0.99, 0.9, 0.5, 0.5])
    np.testing.assert_allclose(time_scales(w_h), expected, rtol=1e-10)
    rotation = 0.8 * np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(time_scales(rotation), -1 / math.log(0.8), rtol=1e-12)
    assert time_scales([[1.5]]) == np.inf
    assert time_scales([[1.0]]) == np.inf
    assert time_scales([[0.0]]) == 0


@claim("recurrence-2")
def test_the_response_is_a_sum_of_one_exponential_a_mode():
    rng = np.random.default_rng(3)
    w_h, w_x, read = random_weights(6, 0.9, rng), *rng.standard_normal((2, 6))
    lags = np.arange(30)
    response = [read @ np.linalg.matrix_power(w_h, k) @ w_x for k in lags]
    modes, vectors = np.linalg.eig(w_h)
    amplitudes = (read @ vectors) * np.linalg.solve(vectors, w_x)
    np.testing.assert_allclose(
        (amplitudes * modes ** lags[:, None]).sum(axis=1), response, atol=1e-12
    )


@claim("recurrence-2")
@pytest.mark.parametrize("kind", ["delay line", "orthogonal", "random", "modes"])
def test_the_memory_of_n_units_sums_to_n(kind):
    """The spectrum spreads the capacity over the lags; the number of units is its sum."""
    rng = np.random.default_rng(4)
    n = 8
    w_h = {
        "delay line": delay_line(n),
        "orthogonal": 0.9 * orthogonal(n, rng),
        "random": random_weights(n, 0.9, rng),
        "modes": np.diag(np.linspace(-0.9, 0.9, n)),
    }[kind]
    curve = memory_curve(w_h, np.eye(n)[0] if kind == "delay line" else np.ones(n), 2000)
    assert curve.sum() == pytest.approx(n, rel=1e-6)
    assert curve.min() >= -1e-12
    assert curve.max() <= 1 + 1e-12


@claim("recurrence-2")
def test_equal_modes_make_one_memory():
    """Eight units with one time scale remember as much as one of them."""
    curve = memory_curve(0.8 * np.eye(8), np.ones(8), 400)
    one = memory_curve([[0.8]], [1.0], 400)
    np.testing.assert_allclose(curve, one, rtol=1e-10)
    np.testing.assert_allclose(one, (1 - 0.64) * 0.64 ** np.arange(400), rtol=1e-10, atol=1e-17)
    assert curve.sum() == pytest.approx(1)


def test_a_delay_line_remembers_its_length_and_no_more():
    curve = memory_curve(delay_line(5), np.eye(5)[0], 9)
    np.testing.assert_allclose(curve, [1] * 5 + [0] * 4, atol=1e-14)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_memory_curve_is_what_regression_finds(noise):
    rng = np.random.default_rng(5)
    n, t = 4, 200_000
    w_h, w_x = 0.8 * orthogonal(n, rng), rng.standard_normal(n)
    u = rng.standard_normal(t)
    states = np.zeros((t, n))
    h = np.zeros(n)
    kicks = noise * rng.standard_normal((t, n))
    for k in range(t):
        h = states[k] = w_h @ h + w_x * u[k] + kicks[k]
    found = []
    for lag in range(5):
        given_states, past = states[100:], u[100 - lag : t - lag]
        fit = given_states @ np.linalg.lstsq(given_states, past, rcond=None)[0]
        found.append(np.corrcoef(fit, past)[0, 1] ** 2)
    np.testing.assert_allclose(memory_curve(w_h, w_x, 5, noise=noise), found, atol=0.01)


def test_noise_costs_memory():
    rng = np.random.default_rng(6)
    w_h, w_x = 0.9 * orthogonal(8, rng), np.ones(8)
    sums = [memory_curve(w_h, w_x, 500, noise=noise).sum() for noise in (0, 0.03, 0.3, 3)]
    assert (np.diff(sums) < 0).all()
    assert sums[0] == pytest.approx(8, rel=1e-9)


def test_random_weights_fill_the_disk():
    sizes = np.abs(np.linalg.eigvals(random_weights(800, 1.3, np.random.default_rng(7))))
    assert sizes.max() == pytest.approx(1.3, rel=0.05)
    # uniform in the disk: half of the eigenvalues lie within g / sqrt 2
    assert (sizes < 1.3 / math.sqrt(2)).mean() == pytest.approx(0.5, abs=0.03)


# Gradients through time


def autograd_norms(x, w_h, w_x, b, h0):
    """|dh_T/dh_t| with torch's derivatives, one state after the other."""
    x, w_h, w_x, b, h0 = map(torch.tensor, (x, w_h, w_x, b, h0))
    states = [h0]
    for x_t in x:
        states.append(torch.tanh(w_h @ states[-1] + w_x @ x_t + b))
    norms = []
    for t in range(1, len(states)):

        def onward(h, t=t):
            for x_s in x[t:]:
                h = torch.tanh(w_h @ h + w_x @ x_s + b)
            return h

        jacobian = torch.autograd.functional.jacobian(onward, states[t])
        norms.append(float(torch.linalg.matrix_norm(jacobian, 2)))
    return norms


@claim("recurrence-3")
@pytest.mark.parametrize("gain", [0.6, 1.0, 2.0])
def test_gradient_norms_are_those_of_autograd(gain):
    rng = np.random.default_rng(8)
    w_h, w_x = random_weights(6, gain, rng), rng.standard_normal((6, 2))
    x, b, h0 = rng.standard_normal((12, 2)), 0.1 * rng.standard_normal(6), rng.standard_normal(6)
    norms = gradient_norms(rnn_forward(x, w_h, w_x, b, h0), w_h)
    np.testing.assert_allclose(norms, autograd_norms(x, w_h, w_x, b, h0), rtol=1e-10)
    assert norms[-1] == 1


@claim("recurrence-3")
@pytest.mark.parametrize("gain", [0.8, 1.0, 1.25])
def test_at_rest_the_gradient_of_an_orthogonal_network_is_a_power_of_the_gain(gain):
    """With h = 0 every Jacobian is W_h, whose singular values are all the gain."""
    w_h = gain * orthogonal(20, np.random.default_rng(9))
    norms = gradient_norms(np.zeros((61, 20)), w_h)
    np.testing.assert_allclose(norms, gain ** np.arange(60, -1, -1.0), rtol=1e-10)


@claim("recurrence-3")
def test_driven_gradients_vanish_below_gain_one_and_explode_far_above():
    """100 units, 60 steps, one drive: at gain 1.0 tanh's slope still makes them vanish."""
    ends = {}
    for gain in (0.8, 1.0, 3.0):
        values = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            w_h, x = random_weights(100, gain, rng), 0.3 * rng.standard_normal((60, 100))
            states = rnn_forward(x, w_h, np.eye(100), np.zeros(100), np.zeros(100))
            values.append(gradient_norms(states, w_h)[0])
        ends[gain] = values
    assert max(ends[0.8]) < 1e-5
    assert max(ends[1.0]) < 0.1
    assert min(ends[3.0]) > 1e4


@claim("recurrence-3")
def test_gradients_grow_at_the_rate_of_the_largest_lyapunov_exponent():
    rng = np.random.default_rng(10)
    w_h = random_weights(100, 1.8, rng)
    exponent = lyapunov_exponents(w_h, n_steps=1000, rng=rng, n_exponents=1)[0]
    n = 300
    x = np.zeros((200 + n, 1))
    states = rnn_forward(x, w_h, np.zeros((100, 1)), np.zeros(100), rng.uniform(-1, 1, 100))
    norms = gradient_norms(states[200:], w_h)
    assert math.log(norms[0] / norms[-100]) / (n - 100) == pytest.approx(exponent, abs=0.03)


def test_gradient_norms_beyond_float64_are_infinite_or_zero():
    states = np.zeros((3000, 2))
    growing, dying = gradient_norms(states, 2 * np.eye(2)), gradient_norms(states, 0.5 * np.eye(2))
    assert growing[0] == np.inf
    assert dying[0] == 0
    assert growing[-2:] == pytest.approx([2, 1])
    assert growing[2000] == pytest.approx(2.0**999, rel=1e-9)
    np.testing.assert_array_equal(gradient_norms(np.ones((3, 2)), np.eye(2)), [0, 0, 1])


# Gates


def cell_gradients(layer, x, steps):
    """dc_T/dc_0 of a torch LSTM, and the states along the way."""
    w_x, w_h, b_x, b_h = (p.detach() for p in layer.parameters())

    def onward(c, h):
        for x_t in x[:steps]:
            i, f, g, o = (w_x @ x_t + b_x + w_h @ h + b_h).chunk(4)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return c

    return torch.autograd.functional.jacobian(
        lambda c: onward(c, torch.zeros(N_H).double()), torch.zeros(N_H).double()
    )


@claim("recurrence-4")
def test_along_the_cell_gradients_are_products_of_forget_gates():
    """Exactly so when no gate sees the state; and they decay while the gates are below 1."""
    layer, _ = torch_layer(torch.nn.LSTM)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    weights = GatedWeights(*(p.detach().numpy() for p in layer.parameters()))
    x = torch.randn(15, N_X, dtype=torch.float64)
    h, _ = lstm_forward(x.numpy(), weights, np.zeros(N_H), np.zeros(N_H))
    gates = forget_gates(x.numpy(), weights, h, np.zeros(N_H))
    assert ((gates > 0) & (gates < 1)).all()
    for steps in (1, 5, 15):
        expected = np.diag(gates[:steps].prod(axis=0))
        np.testing.assert_allclose(
            cell_gradients(layer, x, steps), expected, rtol=1e-10, atol=1e-15
        )
    assert (np.diff(gates.cumprod(axis=0), axis=0) < 0).all()
    assert gates.prod(axis=0).max() < 0.01


@claim("recurrence-4")
def test_forget_gates_explain_the_cells():
    """c_t - f_t c_(t-1) lies between -1 and 1, and is the input that the gates let in."""
    _, weights = torch_layer(torch.nn.LSTM, 1)
    rng = np.random.default_rng(11)
    x, h0, c0 = rng.standard_normal((20, 2, N_X)), *rng.standard_normal((2, 2, N_H))
    h, c = lstm_forward(x, weights, h0, c0)
    f = forget_gates(x, weights, h, h0)
    before_h, before_c = np.concatenate([h0[None], h[:-1]]), np.concatenate([c0[None], c[:-1]])
    z = x @ weights.w_x.T + before_h @ weights.w_h.T + weights.b_x + weights.b_h
    let_in = np.tanh(z[..., 2 * N_H : 3 * N_H]) / (1 + np.exp(-z[..., :N_H]))
    np.testing.assert_allclose(c - f * before_c, let_in, atol=1e-14)


@claim("recurrence-4")
@pytest.mark.parametrize(("lag", "kept"), [(1, 0.5), (10, math.exp(-1)), (200, 0.9), (1e6, 0.01)])
def test_forget_bias_keeps_what_it_promises(lag, kept):
    gate = 1 / (1 + math.exp(-forget_bias(lag, kept)))
    assert lag * math.log(gate) == pytest.approx(math.log(kept), rel=1e-8)


def test_forget_bias_at_extremes():
    assert forget_bias(1, 0.5) == pytest.approx(0, abs=1e-15)
    # 1/e after T steps: sigmoid(b) = exp(-1/T), whose logit is near ln(T - 1/2)
    assert forget_bias(1000) == pytest.approx(math.log(999.5), abs=1e-6)
    assert forget_bias(1e-3, 1e-300) == pytest.approx(math.log(1e-300) * 1e3, rel=1e-12)
    np.testing.assert_array_equal(forget_bias([[1, 2]], 0.5).shape, (1, 2))


def recall(n_samples, lag, rng):
    """Noise whose first number is marked; the target is that number."""
    x = rng.uniform(-1, 1, (lag + 1, n_samples, 2))
    x[..., 1] = 0
    x[0, :, 1] = 1
    return x, x[0, :, 0]


def trained_error(task, length, kind, n_updates, *, rate=0.01, bias=None):
    """Error after training by Adam, as a share of the target's variance; one seed."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    layer, read = kind(2, 16), torch.nn.Linear(16, 1)
    if bias is not None:
        with torch.no_grad():
            layer.bias_ih_l0[16:32], layer.bias_hh_l0[16:32] = 0.0, float(bias)
    weights = [*layer.parameters(), *read.parameters()]
    optimizer = torch.optim.Adam(weights, lr=rate)
    for _ in range(n_updates):
        x, y = (torch.tensor(a, dtype=torch.float32) for a in task(32, length, rng))
        loss = ((read(layer(x)[0][-1])[:, 0] - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    x, y = (torch.tensor(a, dtype=torch.float32) for a in task(1000, length, rng))
    with torch.no_grad():
        return float(((read(layer(x)[0][-1])[:, 0] - y) ** 2).mean() / y.var())


@claim("recurrence-4")
def test_an_lstm_learns_a_lag_for_which_its_gates_are_set_and_others_do_not():
    """Recall after 30 steps, 250 updates: the plain network and the plain LSTM learn nothing."""
    assert trained_error(recall, 30, torch.nn.RNN, 250) > 0.9
    assert trained_error(recall, 30, torch.nn.LSTM, 250) > 0.9
    assert trained_error(recall, 30, torch.nn.LSTM, 250, bias=forget_bias(30)) < 0.1


@claim("recurrence-4")
def test_a_gru_learns_the_adding_problem_where_a_plain_network_does_not():
    assert trained_error(adding_problem, 20, torch.nn.GRU, 250, rate=0.02) < 0.1
    assert trained_error(adding_problem, 20, torch.nn.RNN, 250, rate=0.02) > 0.5


# Chaos


@claim("recurrence-5")
@pytest.mark.parametrize(("gain", "sign"), [(0.9, -1), (1.5, 1)])
def test_the_largest_exponent_changes_sign_across_gain_one(gain, sign):
    """h_t = tanh(W_h h_(t-1)), n = 800, three networks each side."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        w_h = random_weights(800, gain, rng)
        exponent = lyapunov_exponents(w_h, n_steps=150, rng=rng, n_exponents=1, n_transient=100)[0]
        assert sign * exponent > 0.02


@claim("recurrence-5")
def test_large_networks_reach_the_mean_field_exponent():
    found = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        w_h = random_weights(500, 2.0, rng)
        found.append(lyapunov_exponents(w_h, n_steps=300, rng=rng, n_exponents=1)[0])
    assert np.mean(found) == pytest.approx(mean_field_exponent(2.0), abs=0.01)


@claim("recurrence-5")
def test_small_networks_do_not_change_over_at_one_gain():
    """Of 40 networks of 30 units at gain 1.1, some settle and some do not."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        w_h = random_weights(30, 1.1, rng)
        found.append(lyapunov_exponents(w_h, n_steps=600, rng=rng, n_exponents=1)[0])
    assert (np.array(found) < -0.02).any()
    assert (np.array(found) > -0.005).any()
    assert np.std(found) > 0.02


def test_mean_field_exponent_is_ln_g_up_to_one_and_grows_beyond():
    gains = np.array([0.2, 0.5, 1.0])
    np.testing.assert_allclose(mean_field_exponent(gains), np.log(gains), atol=1e-14)
    above = mean_field_exponent(np.array([1.0001, 1.01, 1.1, 1.5, 2.0, 5.0]))
    assert (above > 0).all()
    assert (np.diff(above) > 0).all()


@pytest.mark.parametrize("gain", [1.2, 3.0])
def test_mean_field_exponent_by_another_quadrature(gain):
    from scipy import integrate, optimize, stats

    def mean(f):
        return integrate.quad(lambda z: stats.norm.pdf(z) * f(z), -12, 12)[0]

    q = optimize.brentq(
        lambda q: gain**2 * mean(lambda z: np.tanh(math.sqrt(q) * z) ** 2) - q, 1e-3, gain**2
    )
    slope = mean(lambda z: np.cosh(math.sqrt(q) * z) ** -4)
    assert mean_field_exponent(gain) == pytest.approx(math.log(gain**2 * slope) / 2, rel=1e-9)


def test_below_gain_one_exponents_are_those_of_the_linear_network():
    rng = np.random.default_rng(12)
    w_h = random_weights(8, 0.6, rng)
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(w_h))))[::-1]
    found = lyapunov_exponents(w_h, n_steps=20_000, rng=rng)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_exponent_of_one_unit_at_its_fixed_point():
    """h = tanh(2 h) at h = .9575; the slope there is 2 (1 - h^2)."""
    h = 0.9575040240772687
    assert math.tanh(2 * h) == pytest.approx(h, abs=1e-15)
    found = lyapunov_exponents([[2.0]], n_steps=10, rng=np.random.default_rng(0))
    assert found[0] == pytest.approx(math.log(2 * (1 - h**2)), rel=1e-12)


def test_exponents_sum_to_the_mean_log_determinant():
    rng = np.random.default_rng(13)
    w_h = random_weights(20, 1.6, rng)
    exponents = lyapunov_exponents(w_h, n_steps=4000, rng=np.random.default_rng(1))
    states = rnn_forward(
        np.zeros((4200, 1)), w_h, np.zeros((20, 1)), np.zeros(20), rng.uniform(-1, 1, 20)
    )[200:]
    expected = np.linalg.slogdet(w_h)[1] + np.log(1 - states**2).sum(axis=1).mean()
    assert exponents.sum() == pytest.approx(expected, abs=0.25)
    assert (np.diff(exponents) <= 0).all()
    few = lyapunov_exponents(w_h, n_steps=4000, rng=np.random.default_rng(1), n_exponents=2)
    np.testing.assert_allclose(few, exponents[:2], atol=0.02)


def test_a_lost_direction_has_an_exponent_of_minus_infinity():
    w_h = np.array([[0.5, 0.0], [0.0, 0.0]])
    found = lyapunov_exponents(w_h, n_steps=50, rng=np.random.default_rng(2))
    assert found[0] == pytest.approx(math.log(0.5), abs=1e-9)
    assert found[1] == -np.inf


def test_the_same_generator_gives_the_same_exponents():
    w_h = random_weights(20, 1.4, np.random.default_rng(3))
    runs = [lyapunov_exponents(w_h, n_steps=50, rng=np.random.default_rng(4)) for _ in range(2)]
    np.testing.assert_array_equal(*runs)


# The adding problem


@given(n_steps=st.integers(2, 40), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_adding_problem_marks_one_number_in_each_half(n_steps, seed):
    x, y = adding_problem(20, n_steps, np.random.default_rng(seed))
    assert x.shape == (n_steps, 20, 2)
    marks = x[..., 1]
    assert set(np.unique(marks)) <= {0.0, 1.0}
    half = n_steps // 2
    np.testing.assert_array_equal(marks[:half].sum(axis=0), 1)
    np.testing.assert_array_equal(marks[half:].sum(axis=0), 1)
    np.testing.assert_allclose(y, (x[..., 0] * marks).sum(axis=0))
    assert 0 <= x[..., 0].min() <= x[..., 0].max() < 1


def test_adding_baseline_is_the_error_of_always_answering_one():
    _, y = adding_problem(200_000, 10, np.random.default_rng(5))
    assert np.mean((y - 1) ** 2) == pytest.approx(ADDING_BASELINE, rel=0.01)


# Bad input

W = np.full((2, 2), 0.1)
GATED = GatedWeights(np.zeros((8, 3)), np.zeros((8, 2)), np.zeros(8), np.zeros(8))
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rnn_forward(np.zeros(3), W, W, [0, 0], [0, 0]), "inputs: expected shape (t, n_x)"),
        (lambda: rnn_forward(np.zeros((4, 3)), W, W, [0, 0], [0, 0]), "w_x: expected shape (2, 3)"),
        (lambda: rnn_forward([[1, np.nan]], W, W, [0, 0], [0, 0]), "inputs: expected finite"),
        (lambda: rnn_forward([[1, 1]], W[:1], W, [0, 0], [0, 0]), "w_h: expected a square matrix"),
        (lambda: rnn_forward([[1, 1]], W, W, [0], [0, 0]), "b: expected shape (2,), got (1,)"),
        (lambda: rnn_forward([[[1, 1]]], W, W, [0, 0], [0, 0]), "h0: expected shape (1, 2)"),
        (lambda: rnn_forward(np.zeros((0, 2)), W, W, [0, 0], [0, 0]), "inputs: expected at least"),
        (
            lambda: rnn_forward([[1e308, -1e308]], W, [[1e308, 1e308]] * 2, [0, 0], [0, 0]),
            "inputs, weights: expected sizes whose products float64 can hold",
        ),
        (
            lambda: lstm_forward(np.zeros((4, 2)), GATED, [0, 0], [0, 0]),
            "w_x: expected shape (8, 2)",
        ),
        (lambda: lstm_forward(np.zeros((4, 3)), GATED, [0, 0], [0]), "c0: expected shape (2,)"),
        (lambda: gru_forward(np.zeros((4, 3)), GATED, [0, 0]), "w_h: expected shape (3 n_h, n_h)"),
        (
            lambda: forget_gates(np.zeros((4, 3)), GATED, np.zeros((3, 2)), [0, 0]),
            "states: expected shape (4, 2)",
        ),
        (lambda: forget_bias(0), "lag: expected numbers of steps above 0, got 0"),
        (lambda: forget_bias(5, 1.0), "kept: expected a number below 1, got 1"),
        (lambda: time_scales(np.zeros((2, 3))), "w_h: expected a square matrix"),
        (lambda: memory_curve(np.eye(2), [1, 1], 5), "w_h: expected eigenvalues below 1"),
        (lambda: memory_curve(W, [1, 1, 1], 5), "w_x: expected shape (2,), got (3,)"),
        (lambda: memory_curve(W, [1, 1], 0), "n_lags: expected a whole number of at least 1"),
        (lambda: memory_curve(W, [1, 1], 5, noise=-1), "noise: expected a number of at least 0"),
        (
            lambda: memory_curve([[1 - 1e-7]], [1.0], 5),
            "w_h: expected eigenvalues whose echoes die out",
        ),
        (lambda: random_weights(0, 1.0, RNG), "n: expected a whole number of at least 1"),
        (lambda: random_weights(3, -1.0, RNG), "gain: expected a number of at least 0"),
        (lambda: gradient_norms(np.zeros((3, 3)), W), "states: expected shape (t, 2)"),
        (lambda: gradient_norms([[0.0, 1.5]], W), "states: expected those of tanh units"),
        (lambda: lyapunov_exponents(W, n_steps=0, rng=RNG), "n_steps: expected a whole number"),
        (
            lambda: lyapunov_exponents(W, n_steps=5, rng=RNG, n_exponents=3),
            "n_exponents: expected at most the 2 units, got 3",
        ),
        (lambda: mean_field_exponent([1.0, 0.0]), "gain: expected numbers above 0, got 0"),
        (lambda: adding_problem(5, 1, RNG), "n_steps: expected a whole number of at least 2"),
    ],
)
def test_bad_values_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rnn_forward("abc", W, W, [0, 0], [0, 0]), "inputs: expected real numbers"),
        (lambda: rnn_forward([[1j, 1]], W, W, [0, 0], [0, 0]), "inputs: expected real numbers"),
        (lambda: lstm_forward([[1, 1, 1]], W, [0, 0], [0, 0]), "parameters: expected GatedWeights"),
        (lambda: gru_forward([[1, 1, 1]], None, [0, 0]), "parameters: expected GatedWeights"),
        (lambda: lyapunov_exponents(W, n_steps=5, rng=0), "rng: expected a numpy.random.Generator"),
        (lambda: lyapunov_exponents(W, n_steps=5.0, rng=RNG), "n_steps: expected a whole number"),
        (lambda: adding_problem(5, 10, None), "rng: expected a numpy.random.Generator"),
        (lambda: forget_bias("long"), "lag: expected real numbers"),
    ],
)
def test_wrong_types_are_refused_by_name(call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


def test_importing_the_kernels_imports_neither_numba_nor_torch():
    code = (
        "import sys, course_utils.recurrence; "
        "print([m for m in ('numba', 'torch', 'matplotlib') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
