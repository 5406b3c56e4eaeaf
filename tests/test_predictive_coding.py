"""Predictive coding: its energy, its settling, its conditions; perception and mismatch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_limits

from course_utils import data, sparse_coding
from course_utils.credit_assignment import Layer, backprop_gradients, forward, init_network
from course_utils.predictive_coding import (
    adapted_responses,
    energy_gradients,
    fixed_prediction_gradients,
    free_energy,
    infer,
    infer_causes,
    inference_step,
    learn_causes,
    linear_free_energy,
    mismatch_responses,
    output_covariance,
    posterior,
    predict,
    predictive_coding_gradients,
    z_il_gradients,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
LEARN = (predictive_coding_gradients, fixed_prediction_gradients, z_il_gradients)


def example(sizes=(5, 4, 3, 2), n=6, seed=0, gain=1.0):
    """A network whose biases are not 0, inputs and targets."""
    rng = np.random.default_rng(seed)
    network = [
        Layer(gain * w, 0.3 * rng.standard_normal(len(b))) for w, b in init_network(sizes, rng)
    ]
    return network, rng.standard_normal((n, sizes[0])), rng.standard_normal((n, sizes[-1]))


def cosine(a, b):
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def cosines(one, other):
    return np.array([cosine(a.weight, b.weight) for a, b in zip(one, other, strict=True)])


def assert_same(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, **tolerance)
        np.testing.assert_allclose(a.bias, b.bias, **tolerance)


def torch_energy(network, activities, variances, hidden):
    """F written once more, for automatic differentiation."""
    total = 0.0
    for number, ((w, b), sigma) in enumerate(zip(network, variances, strict=True)):
        below = activities[number]
        rate = torch.tanh(below) if hidden == "tanh" and number else below
        total = total + ((activities[number + 1] - rate @ w.T - b) ** 2).sum() / (2 * sigma)
    return total


def as_torch(network, activities):
    parameters = [tuple(torch.tensor(p, requires_grad=True) for p in layer) for layer in network]
    return parameters, [torch.tensor(a, requires_grad=True) for a in activities]


# The free energy


@claim("predictive_coding-1")
def test_free_energy_is_surprise_plus_the_divergence_from_the_posterior():
    """Against scipy's Gaussian density; any other q has a larger F, by exactly its divergence."""
    rng = np.random.default_rng(0)
    layer, sigma = Layer(rng.standard_normal((6, 3)), rng.standard_normal(6)), 0.7
    y = rng.standard_normal((4, 6))
    surprise = -multivariate_normal(
        layer.bias, layer.weight @ layer.weight.T + sigma * np.eye(6)
    ).logpdf(y)
    k = np.linalg.inv(np.eye(3) + layer.weight.T @ layer.weight / sigma)
    m = (y - layer.bias) @ layer.weight @ k / sigma
    best = linear_free_energy(layer, sigma, y, m, k)
    assert best == pytest.approx(surprise.mean(), rel=1e-12)
    shift, wide = rng.standard_normal(3), 2.0
    divergence = 0.5 * (
        np.trace(wide * np.eye(3)) + shift @ np.linalg.solve(k, shift) - 3 - 3 * np.log(wide)
    )
    other = linear_free_energy(layer, sigma, y, m + shift, wide * k)
    assert other - best == pytest.approx(divergence, rel=1e-12)


@claim("predictive_coding-1")
@pytest.mark.parametrize("hidden", ["tanh", "linear"])
def test_perception_and_learning_are_slopes_of_one_energy(hidden):
    """One step of activities, and the weights' gradient, against torch's autograd of F."""
    network, x, y = example()
    variances = [0.5, 2.0, 3.0]
    rng = np.random.default_rng(1)
    activities = [x, *(rng.standard_normal((6, n)) for n in (4, 3)), y]
    parameters, tensors = as_torch(network, activities)
    energy = torch_energy(parameters, tensors, variances, hidden)
    energy.backward()
    value = free_energy(network, activities, variances=variances, hidden=hidden)
    assert value == pytest.approx(energy.item() / 6, rel=1e-13)
    stepped = inference_step(activities, network, step_size=0.1, variances=variances, hidden=hidden)
    for before, after, tensor in zip(activities, stepped, tensors, strict=True):
        held = before is x or before is y
        slope = 0 * before if held else tensor.grad.numpy()
        np.testing.assert_allclose(after, before - 0.1 * slope, rtol=1e-12, atol=1e-14)
    gradients = energy_gradients(network, activities, variances=variances, hidden=hidden)
    expected = [Layer(w.grad.numpy() / 6, b.grad.numpy() / 6) for w, b in parameters]
    assert_same(gradients, expected, rtol=1e-12, atol=1e-14)


def test_free_energy_of_a_case_worked_by_hand():
    network = [Layer(np.array([[2.0]]), np.array([1.0])), Layer(np.array([[3.0]]), np.array([0.0]))]
    # errors: 4 - (2 * 1 + 1) = 1 and 10 - 3 * 4 = -2
    energy = free_energy(network, [[[1.0]], [[4.0]], [[10.0]]], hidden="linear")
    assert energy == pytest.approx(0.5 * (1 + 4))
    energy = free_energy(network, [[[1.0]], [[4.0]], [[10.0]]], variances=[2, 4], hidden="linear")
    assert energy == pytest.approx(0.25 + 0.5)


def test_predictions_are_the_total_inputs_of_the_forward_pass():
    network, x, _ = example()
    totals = predict(network, x)
    rates = forward(network, x)
    np.testing.assert_array_equal(totals[-1], rates[-1])
    np.testing.assert_allclose(np.tanh(totals[1]), rates[1], rtol=1e-15)
    assert free_energy(network, totals) == 0


# Settling


@claim("predictive_coding-2")
@settings(max_examples=15, deadline=None)
@given(seed=seeds, hidden=st.sampled_from(["tanh", "linear"]))
def test_the_energy_falls_at_every_small_step(seed, hidden):
    network, x, y = example(seed=seed)
    settled = infer(network, x, y, n_steps=40, step_size=0.05, hidden=hidden)
    start = ((y - predict(network, x, hidden=hidden)[-1]) ** 2).sum() / 12
    assert (np.diff([start, *settled.energy]) <= 1e-12).all()


@claim("predictive_coding-2")
@pytest.mark.parametrize("hidden", ["tanh", "linear"])
def test_at_the_steady_state_what_comes_from_below_balances_what_comes_from_above(hidden):
    network, x, y = example()
    variances = [0.5, 2.0, 3.0]
    settled = infer(network, x, y, n_steps=4000, step_size=0.05, variances=variances, hidden=hidden)
    for number in (1, 2):
        rate = np.tanh(settled.activities[number])
        slope = 1 - rate**2 if hidden == "tanh" else 1.0
        above = slope * (settled.errors[number] / variances[number] @ network[number].weight)
        below = settled.errors[number - 1] / variances[number - 1]
        np.testing.assert_allclose(below, above, atol=1e-13)
    assert settled.energy[-1] == pytest.approx(
        free_energy(network, settled.activities, variances=variances, hidden=hidden), rel=1e-13
    )


def test_infer_is_its_steps_and_holds_both_ends():
    network, x, y = example()
    activities = [*predict(network, x)[:-1], y]
    for _ in range(3):
        activities = inference_step(activities, network, step_size=0.1, variances=[1, 2, 3])
    settled = infer(network, x, y, n_steps=3, step_size=0.1, variances=[1, 2, 3])
    for ours, theirs in zip(settled.activities, activities, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    np.testing.assert_array_equal(settled.activities[0], x)
    np.testing.assert_array_equal(settled.activities[-1], y)
    assert [len(settled.activities), len(settled.errors), settled.energy.shape] == [4, 3, (3,)]


@claim("predictive_coding-2")
@pytest.mark.parametrize("hidden", ["tanh", "linear"])
def test_a_step_that_is_too_large_is_refused_by_name(hidden):
    network, x, y = example(gain=2.0)
    with pytest.raises(ValueError, match=r"step_size: with 1.5 the energy rises from .* by step"):
        infer(network, x, y, n_steps=2000, step_size=1.5, hidden=hidden)
    with pytest.raises(ValueError, match=r"step_size: with 1e\+200 the energy rises"):
        infer(network, x, y, n_steps=5, step_size=1e200, hidden=hidden)


@claim("predictive_coding-2")
def test_the_largest_stable_step_is_two_over_the_largest_curvature():
    """One hidden layer, linear: the curvature is I + W2' W2."""
    network, x, y = example((3, 4, 2))
    curvature = np.linalg.eigvalsh(np.eye(4) + network[1].weight.T @ network[1].weight).max()
    infer(network, x, y, n_steps=500, step_size=1.99 / curvature, hidden="linear")
    with pytest.raises(ValueError, match="the energy rises"):
        infer(network, x, y, n_steps=500, step_size=2.05 / curvature, hidden="linear")


def test_float32_stays_float32_and_agrees():
    network, x, y = example((20, 12, 8, 5), n=30)
    single = [Layer(w.astype(np.float32), b.astype(np.float32)) for w, b in network]
    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    wide = predictive_coding_gradients(network, x, y, n_steps=30)
    narrow = predictive_coding_gradients(single, x32, y32, n_steps=30)
    assert all(part.dtype == np.float32 for layer in narrow for part in layer)
    assert_same(narrow, wide, rtol=1e-3, atol=1e-5)
    assert infer(single, x, y32, n_steps=1, step_size=0.1).activities[1].dtype == np.float64


# Learning


@claim("predictive_coding-3")
def test_a_weight_changes_by_the_error_behind_it_and_the_rate_before_it_alone():
    """What happens elsewhere in the network, the same two numbers given, changes nothing."""
    network, x, y = example()
    rng = np.random.default_rng(2)
    activities = [x, *(rng.standard_normal((6, n)) for n in (4, 3)), y]
    before = energy_gradients(network, activities)[1]
    error = activities[2] - np.tanh(activities[1]) @ network[1].weight.T - network[1].bias
    outer = [[-np.mean(error[:, i] * np.tanh(activities[1][:, j])) for j in (0, 1, 2, 3)]
             for i in (0, 1, 2)]  # fmt: skip
    np.testing.assert_allclose(before.weight, outer, rtol=1e-13)
    elsewhere = [Layer(5 * network[0].weight, network[0].bias), network[1], Layer(*network[2])]
    elsewhere[2] = Layer(-network[2].weight, network[2].bias + 1)
    remote = [x + 3, activities[1], activities[2], y - 7]
    after = energy_gradients(elsewhere, remote)[1]
    np.testing.assert_array_equal(after.weight, before.weight)


@claim("predictive_coding-3")
def test_small_steps_of_the_local_rule_lower_the_energy():
    network, x, y = example()
    for _ in range(5):
        settled = infer(network, x, y, n_steps=200, step_size=0.1)
        gradients = energy_gradients(network, settled.activities)
        network = [
            Layer(w - 0.05 * dw, b - 0.05 * db)
            for (w, b), (dw, db) in zip(network, gradients, strict=True)
        ]
        assert free_energy(network, settled.activities) < settled.energy[-1]


# Predictive coding and backpropagation


@claim("predictive_coding-4")
def test_at_unit_variances_equilibrium_updates_are_not_the_gradient():
    """64-30-20-10, linear, Gaussian everything, batch 5, 20 seeds: .914, .848, .594."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        network = init_network([64, 30, 20, 10], rng)
        x, y = rng.standard_normal((5, 64)), rng.standard_normal((5, 10))
        ours = predictive_coding_gradients(network, x, y, n_steps=600, hidden="linear")
        found.append(cosines(ours, backprop_gradients(network, x, y, hidden="linear")))
    np.testing.assert_allclose(np.mean(found, axis=0), [0.914, 0.848, 0.594], atol=5e-4)
    assert np.max(found, axis=0)[2] < 0.75


@claim("predictive_coding-4")
@pytest.mark.parametrize("variances", [[1, 1, 1], [0.5, 2.0, 3.0], [4.0, 0.3, 0.1]])
def test_equilibrium_updates_of_a_linear_network_descend_the_whitened_error(variances):
    """dF/dW at the steady state is torch's gradient of 1/2 r' S^-1 r, S written out in torch."""
    network, x, y = example((7, 6, 5, 4))
    ours = predictive_coding_gradients(
        network, x, y, n_steps=20_000, step_size=0.02, variances=variances, hidden="linear"
    )
    parameters, (inputs, targets) = as_torch(network, [x, y])
    (w1, b1), (w2, b2), (w3, b3) = parameters
    r = targets - (((inputs @ w1.T + b1) @ w2.T + b2) @ w3.T + b3)
    s = variances[2] * torch.eye(4, dtype=torch.float64) + variances[1] * w3 @ w3.T
    s = s + variances[0] * (w3 @ w2) @ (w3 @ w2).T
    loss = 0.5 * (r * torch.linalg.solve(s, r.T).T).sum() / len(x)
    held = [s.detach().numpy()]
    loss.backward()
    expected = [Layer(w.grad.numpy(), b.grad.numpy()) for w, b in parameters]
    np.testing.assert_allclose(output_covariance(network, variances), held[0], rtol=1e-13)
    assert_same(ours, expected, rtol=1e-9, atol=1e-11)


@claim("predictive_coding-4")
def test_the_energy_at_the_steady_state_is_the_whitened_error():
    network, x, y = example((7, 6, 5, 4))
    settled = infer(network, x, y, n_steps=5000, step_size=0.05, hidden="linear")
    r = y - predict(network, x, hidden="linear")[-1]
    whitened = 0.5 * np.vdot(r, np.linalg.solve(output_covariance(network), r.T).T) / len(x)
    assert settled.energy[-1] == pytest.approx(whitened, rel=1e-12)


@claim("predictive_coding-5")
@settings(max_examples=15, deadline=None)
@given(seed=seeds, hidden=st.sampled_from(["tanh", "linear"]), depth=st.integers(1, 6))
def test_the_zero_divergence_schedule_is_backpropagation(seed, hidden, depth):
    network, x, y = example([4, 5, 3, 6, 4, 5, 3][: depth + 1], seed=seed)
    expected = backprop_gradients(network, x, y, hidden=hidden)
    assert_same(z_il_gradients(network, x, y, hidden=hidden), expected, rtol=1e-12, atol=1e-12)


@claim("predictive_coding-5")
def test_on_the_schedule_a_smaller_step_changes_the_size_and_not_the_direction():
    network, x, y = example()
    expected = backprop_gradients(network, x, y)
    ours = z_il_gradients(network, x, y, step_size=0.3)
    scaled = [Layer(0.3**k * w, 0.3**k * b) for k, (w, b) in zip((2, 1, 0), expected, strict=True)]
    assert_same(ours, scaled, rtol=1e-12, atol=1e-13)


@claim("predictive_coding-5")
@pytest.mark.parametrize("hidden", ["tanh", "linear"])
@pytest.mark.parametrize("variances", [None, [0.5, 2.0, 3.0]])
def test_fixed_predictions_settle_at_backpropagation_over_the_output_variance(hidden, variances):
    network, x, y = example()
    ours = fixed_prediction_gradients(
        network, x, y, n_steps=400, variances=variances, hidden=hidden
    )
    scale = 1.0 if variances is None else variances[-1]
    expected = backprop_gradients(network, x, y, hidden=hidden)
    expected = [Layer(w / scale, b / scale) for w, b in expected]
    assert_same(ours, expected, rtol=1e-12, atol=1e-12)


@claim("predictive_coding-5")
def test_fixed_predictions_need_as_many_steps_as_errors_have_layers_to_cross():
    network, x, y = example()
    expected = backprop_gradients(network, x, y)
    two = fixed_prediction_gradients(network, x, y, n_steps=2, step_size=1.0)
    assert_same(two, expected, rtol=1e-12, atol=1e-13)
    one = fixed_prediction_gradients(network, x, y, n_steps=1, step_size=1.0)
    assert_same(one[1:], expected[1:], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(one[0].weight, 0)


@claim("predictive_coding-5")
@pytest.mark.parametrize("hidden", ["tanh", "linear"])
def test_the_angle_shrinks_as_the_output_variance_grows(hidden):
    """1 - cosine falls with the square of the variance; the update itself with the variance."""
    network, x, y = example((20, 15, 10, 5))
    expected = backprop_gradients(network, x, y, hidden=hidden)
    misses = []
    for variance in (1e2, 1e3, 1e4):
        ours = predictive_coding_gradients(
            network, x, y, n_steps=3000, variances=[1, 1, variance], hidden=hidden
        )
        misses.append(1 - cosines(ours, expected)[:2])
        size = variance * np.linalg.norm(ours[0].weight) / np.linalg.norm(expected[0].weight)
        assert size == pytest.approx(1, abs=20 / variance)
    np.testing.assert_allclose(misses[0] / misses[1], 100, rtol=0.2)
    np.testing.assert_allclose(misses[1] / misses[2], 100, rtol=0.2)


@claim("predictive_coding-5")
def test_a_nudged_output_is_an_output_of_larger_variance():
    """An output with variance 1 that a target pulls with strength beta: variance 1 + 1/beta."""
    network, x, y = example()
    beta = 0.01
    nudged = [*network, Layer(np.eye(2), np.zeros(2))]
    free = predictive_coding_gradients(
        nudged, x, y, n_steps=6000, variances=[1, 1, 1, 1 / beta], hidden="linear"
    )
    clamped = predictive_coding_gradients(
        network, x, y, n_steps=6000, variances=[1, 1, 1 + 1 / beta], hidden="linear"
    )
    assert_same(free[:3], clamped, rtol=1e-9, atol=1e-13)


@claim("predictive_coding-5")
def test_before_errors_arrive_nothing_is_learned_and_the_first_that_arrive_point_right():
    network, x, y = example()
    expected = backprop_gradients(network, x, y)
    one = predictive_coding_gradients(network, x, y, n_steps=1, step_size=1e-3)
    np.testing.assert_allclose(one[0].weight, 0, atol=1e-15)
    assert cosines(one[1:], expected[1:]).min() > 1 - 1e-5
    two = predictive_coding_gradients(network, x, y, n_steps=2, step_size=1e-3)
    assert cosines(two, expected).min() > 1 - 1e-5
    assert np.linalg.norm(two[0].weight) < 1e-5 * np.linalg.norm(expected[0].weight)


# Perception


@pytest.mark.parametrize("prior_variance", [1.0, 0.2])
def test_causes_settle_at_the_mean_of_the_posterior(prior_variance):
    """Bayes' rule for the Gaussian that the whole hierarchy makes of x_0, x_1 and the data."""
    network, _, y = example((3, 4, 6))
    settled = infer_causes(
        network,
        y,
        n_steps=6000,
        step_size=0.05,
        variances=[0.5, 0.3],
        prior_variance=prior_variance,
    )
    (w1, b1), (w2, b2) = network
    prior = prior_variance * np.eye(3)
    middle = w1 @ prior @ w1.T + 0.5 * np.eye(4)
    s = w2 @ middle @ w2.T + 0.3 * np.eye(6)
    r = y - w2 @ b1 - b2
    x0 = r @ np.linalg.solve(s, w2 @ w1 @ prior)
    x1 = b1 + r @ np.linalg.solve(s, w2 @ middle)
    np.testing.assert_allclose(settled.activities[0], x0, atol=1e-12)
    np.testing.assert_allclose(settled.activities[1], x1, atol=1e-12)
    np.testing.assert_array_equal(settled.activities[2], y)
    np.testing.assert_array_equal(settled.errors[0], settled.activities[0])
    assert settled.energy[-1] == pytest.approx(0.5 * np.vdot(r, np.linalg.solve(s, r.T).T) / 6)
    assert (np.diff(settled.energy) <= 1e-12).all()


def test_nonlinear_causes_lie_where_torch_finds_no_slope():
    network, _, y = example((3, 4, 6))
    settled = infer_causes(network, y, n_steps=4000, step_size=0.05, hidden="tanh")
    parameters, tensors = as_torch(network, settled.activities)
    energy = torch_energy(parameters, tensors, [1, 1], "tanh") + (tensors[0] ** 2).sum() / 2
    energy.backward()
    assert settled.energy[-1] == pytest.approx(energy.item() / 6, rel=1e-12)
    assert max(t.grad.abs().max() for t in tensors[:2]) < 1e-12


def test_learned_causes_are_probabilistic_principal_components():
    """The maximum of the likelihood in closed form (Tipping and Bishop)."""
    rng = np.random.default_rng(3)
    y = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 8)) * 1.5
    y = y + 0.5 * rng.standard_normal((500, 8)) + 1.0
    causes = learn_causes(y, 3, np.random.default_rng(0), n_sweeps=3000)
    variances, axes = np.linalg.eigh(np.cov(y.T, bias=True))
    noise = variances[:-3].mean()
    top = axes[:, -3:]
    expected = top @ np.diag(variances[-3:] - noise) @ top.T
    assert causes.variance == pytest.approx(noise, rel=1e-8)
    np.testing.assert_allclose(causes.layer.weight @ causes.layer.weight.T, expected, atol=1e-6)
    np.testing.assert_allclose(causes.layer.bias, y.mean(axis=0), rtol=1e-14)
    assert (np.diff(causes.energy) <= 1e-10).all()
    covariance = expected + noise * np.eye(8)
    surprise = -multivariate_normal(y.mean(axis=0), covariance).logpdf(y).mean()
    assert causes.energy[-1] == pytest.approx(surprise, rel=1e-9)


@claim("predictive_coding-6")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_errors_are_end_stopped_with_feedback_and_not_without(seed):
    """Level 1 of two, trained on photographs: the response to bars as they grow past the window."""
    with threadpool_limits(1):
        with_feedback, without, shuffled = bar_responses(seed)
    assert with_feedback.argmax() == without.argmax() == 8
    assert with_feedback[-1] < 0.6 * with_feedback.max()
    assert without[-1] > 0.99 * without.max()
    assert shuffled[-1] > 0.9 * shuffled.max()


def bar_responses(seed, size=8, offset=4, n_windows=5, sigma=0.1):
    """Mean size of central errors for bars of 0 to 24 pixels: feedback, none, shuffled feedback."""
    rng = np.random.default_rng(seed)
    width = size + offset * (n_windows - 1)
    photographs = [
        image for name, image in data.load_photographs().items()
        if name not in ("brick", "grass", "gravel")
    ]  # fmt: skip
    band = [gaussian_filter(image, 1) - gaussian_filter(image, 3) for image in photographs]
    band = [image / image.std() for image in band]
    strips = sparse_coding.sample_patches(band, width, 4000, rng).reshape(-1, width, width)
    strips = strips[:, (width - size) // 2 :][:, :size]

    def windows(images):
        views = [images[:, :, offset * i :][:, :, :size] for i in range(n_windows)]
        return np.stack(views, axis=1).reshape(len(images), n_windows, -1)

    atoms = sparse_coding.learn_dictionary(windows(strips)[:, 2], 32, 0.6, rng, n_epochs=4).atoms
    first = Layer(np.kron(np.eye(n_windows), atoms.T), np.zeros(n_windows * size**2))
    codes = windows(strips) @ np.linalg.solve(atoms @ atoms.T / sigma + np.eye(32), atoms / sigma).T
    mixed = np.stack([codes[rng.permutation(len(codes)), i] for i in range(n_windows)], axis=1)

    x = np.arange(width) + 0.5
    rows = np.arange(size) + 0.5 - size / 2
    profile = np.exp(-(rows**2) / 2) - 0.5 * np.exp(-(rows**2) / 8)
    bars = [
        profile[:, None] * np.clip(length / 2 + 0.5 - np.abs(x - width / 2), 0, 1)
        for length in range(width + 1)
    ]
    bars = windows(np.array(bars)).reshape(len(bars), -1)

    def central(errors):
        return errors.reshape(len(errors), n_windows, -1)[:, 2]

    results = []
    for samples in (codes, mixed):
        second = learn_causes(samples.reshape(len(samples), -1), 32, rng)
        network = [Layer(second.layer.weight, np.zeros(n_windows * 32)), first]
        fine = np.linalg.norm(atoms, 2) ** 2 / sigma + 1 / second.variance
        fine += np.linalg.norm(second.layer.weight, 2) ** 2 / second.variance
        arguments = {"n_steps": 400, "step_size": 1.8 / fine}
        settled = infer_causes(network, bars, variances=[second.variance, sigma], **arguments)
        alone = infer_causes(
            [first], bars, variances=[sigma], prior_variance=second.variance, **arguments
        )
        off = np.abs(central(alone.activities[0]))
        driven = off[size] > 0.5 * off[size].max()
        results += [np.abs(central(settled.errors[1]))[:, driven].mean(1), off[:, driven].mean(1)]
    return results[0], results[1], results[2]


# Mismatch


@claim("predictive_coding-7")
def test_posterior_is_where_precisions_add():
    mean, variance = posterior(1.0, 2.0, 4.0, 1.0)
    assert (mean, variance) == (pytest.approx(3.0), pytest.approx(2 / 3))
    z = np.linspace(-8, 12, 40_001)
    weights = np.exp(-((z - 1) ** 2) / 4 - (z - 4) ** 2 / 2)
    weights /= weights.sum()
    assert (weights * z).sum() == pytest.approx(mean, rel=1e-9)
    assert (weights * (z - mean) ** 2).sum() == pytest.approx(variance, rel=1e-9)


@claim("predictive_coding-7")
def test_posteriors_that_become_priors_are_the_posterior_of_all_tones():
    """Without drift the last prediction is that of a Gaussian given all tones at once."""
    tones = np.random.default_rng(0).normal(2.0, 0.5, 12)
    run = mismatch_responses(tones, drift_variance=0.0, tone_variance=0.25, prior_variance=4.0)
    precision = 1 / 4.0 + 11 / 0.25
    assert run.variances[-1] == pytest.approx(1 / precision + 0.25, rel=1e-12)
    assert run.predictions[-1] == pytest.approx(tones[:-1].sum() / 0.25 / precision, rel=1e-12)
    expected = abs(tones[-1] - run.predictions[-1]) / run.variances[-1]
    assert run.responses[-1] == pytest.approx(expected, rel=1e-12)


@claim("predictive_coding-7")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_deviant_evokes_more_the_less_the_standards_jitter(seed):
    """The prediction that a channel which only tires does not make."""
    rng = np.random.default_rng(seed)
    precise, tired = [], []
    for jitter in (0.5, 1.0, 2.0):
        tones = rng.normal(0, jitter, 600)
        tones[99::20] = 12.0
        run = mismatch_responses(tones, drift_variance=0.01, tone_variance=1.0, variance_rate=0.02)
        precise.append(run.responses[99::20].mean())
        gains = adapted_responses(np.round(tones), width=1.0, depletion=0.3, recovery=0.1)
        tired.append(gains[99::20].mean())
    assert precise[0] > 1.2 * precise[1] > 1.44 * precise[2]
    assert max(tired) - min(tired) < 0.02


def test_the_learned_variance_is_that_of_the_tones():
    tones = np.random.default_rng(1).normal(3.0, 2.0, 20_000)
    run = mismatch_responses(tones, drift_variance=1e-4, tone_variance=0.5, variance_rate=0.003)
    assert run.variances[10_000:].mean() == pytest.approx(4.0, rel=0.05)


def test_adapted_responses_of_a_case_worked_by_hand():
    responses = adapted_responses([5, 5, 8, 5], width=0.1, depletion=0.5, recovery=0.2)
    # gain 1 -> 0.5 -> 0.6; 0.6 -> 0.3 -> 0.44; then 0.44 -> 0.552 while another tone sounds
    np.testing.assert_allclose(responses, [1, 0.6, 1, 0.552], rtol=1e-12)


# Contracts


def test_inputs_are_not_changed():
    network, x, y = example()
    before = [x.copy(), y.copy(), *(part.copy() for layer in network for part in layer)]
    for learn in LEARN:
        learn(network, x, y)
    infer_causes(network, y, n_steps=5, step_size=0.05)
    activities = predict(network, x)
    kept = [a.copy() for a in activities]
    inference_step(activities, network, step_size=0.1)
    after = [x, y, *(part for layer in network for part in layer)]
    for old, new in zip(before + kept, after + activities, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("learn", LEARN)
def test_rules_refuse_what_they_cannot_use(learn):
    network, x, y = example()
    with pytest.raises(ValueError, match=r"inputs: expected shape \(n, 5\), got \(6, 4\)"):
        learn(network, x[:, :4], y)
    with pytest.raises(ValueError, match=r"targets: expected shape \(6, 2\), got \(5, 2\)"):
        learn(network, x, y[:5])
    with pytest.raises(ValueError, match="targets: expected finite numbers, got nan"):
        learn(network, x, np.full_like(y, np.nan))
    with pytest.raises(ValueError, match="hidden: expected one of tanh, linear, got 'relu'"):
        learn(network, x, y, hidden="relu")
    with pytest.raises(TypeError, match="network: expected a list of Layer, got ndarray"):
        learn(network[0].weight, x, y)
    with pytest.raises(TypeError, match="inputs: expected real numbers, got str"):
        learn(network, "abc", y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step_size": 0.0}, "step_size: expected a number above 0, got 0"),
        ({"n_steps": 0}, "n_steps: expected a whole number of at least 1, got 0"),
        ({"variances": [1, 1]}, r"variances: expected shape \(3,\), got \(2,\)"),
        ({"variances": [1, 0, 1]}, "variances: expected numbers above 0, got 0"),
    ],
)
@pytest.mark.parametrize("learn", LEARN[:2])
def test_settings_out_of_range_are_refused(learn, arguments, message):
    with pytest.raises(ValueError, match=message):
        learn(*example(), **arguments)


def test_errors_name_the_argument():
    network, x, y = example()
    with pytest.raises(ValueError, match="step_size: expected a number below 1, twice the smal"):
        fixed_prediction_gradients(network, x, y, step_size=1.5, variances=[1, 0.5, 1])
    with pytest.raises(TypeError, match="activities: expected a list of arrays, got ndarray"):
        inference_step(x, network, step_size=0.1)
    with pytest.raises(ValueError, match="activities: expected 4 layers, one more than the net"):
        inference_step([x, y], network, step_size=0.1)
    with pytest.raises(ValueError, match=r"activities\[1\]: expected shape \(6, 4\), got \(6, 2\)"):
        free_energy(network, [x, y, y, y])
    with pytest.raises(ValueError, match=r"data: expected shape \(n, 2\), got \(6, 5\)"):
        infer_causes(network, x, n_steps=1, step_size=0.1)
    with pytest.raises(ValueError, match="prior_variance: expected a number above 0, got -1"):
        infer_causes(network, y, n_steps=1, step_size=0.1, prior_variance=-1)
    with pytest.raises(ValueError, match="n_causes: expected fewer than the 5 data, got 5"):
        learn_causes(x, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_causes: 3 causes leave no variance"):
        learn_causes(x[:, :1] * np.ones(5), 3, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng: expected a numpy"):
        learn_causes(x, 2, 0)
    with pytest.raises(ValueError, match="covariance: expected a symmetric, positive definite"):
        linear_free_energy(network[0], 1.0, np.ones((2, 4)), np.ones((2, 5)), -np.eye(5))
    with pytest.raises(ValueError, match="variance: expected numbers above 0, got 0"):
        posterior(0.0, 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="drift_variance: expected a number of at least 0"):
        mismatch_responses([1.0], drift_variance=-1, tone_variance=1)
    with pytest.raises(ValueError, match="tones: expected finite numbers, got nan"):
        mismatch_responses([np.nan], drift_variance=0, tone_variance=1)
    with pytest.raises(ValueError, match="depletion: expected a number of at most 1, got 2"):
        adapted_responses([1.0], width=1, depletion=2, recovery=0)
