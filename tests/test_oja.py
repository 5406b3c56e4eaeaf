"""Hebbian, Oja's and Sanger's learning: closed forms, order, invariances, failures, bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from course_utils.oja import (
    hebbian_flow,
    hebbian_rule,
    oja_flow,
    oja_rule,
    principal_components,
    sanger_rule,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)


def orthogonal(d, rng):
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def covariance_of(variances, rng):
    """A covariance with these variances along random axes, and the axes as rows."""
    axes = orthogonal(len(variances), rng)
    return axes.T @ (np.asarray(variances)[:, None] * axes), axes


def gaussian(n, variances, rng):
    """Samples whose own second moment is diagonal with exactly these variances, in random axes."""
    d = len(variances)
    white = np.linalg.qr(rng.standard_normal((n, d)))[0] * math.sqrt(n)
    axes = orthogonal(d, rng)
    return (white * np.sqrt(variances)) @ axes, axes


def cosine(a, b):
    return abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


def unit(vector):
    return vector / np.linalg.norm(vector)


# Principal components


def test_principal_components_of_a_known_matrix():
    variances, components = principal_components([[2.0, 1.0], [1.0, 2.0]])
    np.testing.assert_allclose(variances, [3, 1], rtol=1e-14)
    np.testing.assert_allclose(np.abs(components), np.sqrt(0.5), rtol=1e-14)
    assert components[0] @ [1, 1] != pytest.approx(0)
    assert components[1] @ [1, 1] == pytest.approx(0, abs=1e-15)


def test_principal_components_come_largest_first_and_take_rounding_for_zero():
    inputs = np.random.default_rng(0).standard_normal((5, 12)).astype(np.float32)
    variances, components = principal_components(inputs.T @ inputs / 5)  # rank 5
    assert (np.diff(variances) <= 0).all()
    assert (variances >= 0).all()
    np.testing.assert_allclose(variances[5:], 0, atol=1e-6)
    np.testing.assert_allclose(components @ components.T, np.eye(12), atol=1e-14)


# The flows


@claim("oja-1")
def test_hebbian_learning_averages_to_c_w():
    """The mean change of one pass, as the learning rate goes to 0, is C w for each sample."""
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((50, 4)) @ rng.standard_normal((4, 4))
    w0 = rng.standard_normal(4)
    rate = 1e-9
    change = (hebbian_rule(inputs, w0, rate) - w0) / (rate * len(inputs))
    np.testing.assert_allclose(change, inputs.T @ inputs / 50 @ w0, rtol=1e-4)


@claim("oja-1")
def test_hebbian_flow_is_the_matrix_exponential():
    rng = np.random.default_rng(2)
    covariance, _ = covariance_of([3.0, 1.0, 0.5, 0.0], rng)
    w0 = rng.standard_normal(4)
    times = [2.0, 0.0, 0.7]
    expected = [expm(covariance * t) @ w0 for t in times]
    np.testing.assert_allclose(hebbian_flow(covariance, w0, times), expected, rtol=1e-12)


@claim("oja-1")
def test_the_direction_of_plain_hebb_goes_to_the_first_component(path):
    rng = np.random.default_rng(3)
    inputs, axes = gaussian(50_000, [2.0, 1.0, 0.5, 0.2], rng)
    w0 = axes.T @ [0.1, 1.0, -1.0, 1.0]  # 87 degrees from the first component
    assert cosine(w0, axes[0]) < 0.06
    assert cosine(hebbian_rule(inputs, w0, 3e-4), axes[0]) >= 0.999
    late = hebbian_flow(inputs.T @ inputs / len(inputs), w0, [20.0])
    assert cosine(late[0], axes[0]) >= 0.999


@claim("oja-2")
def test_the_norm_of_plain_hebb_grows_at_the_rate_of_the_largest_variance():
    covariance, axes = covariance_of([2.0, 1.0], np.random.default_rng(4))
    norms = np.linalg.norm(hebbian_flow(covariance, axes.sum(axis=0), [0.0, 10.0, 11.0]), axis=1)
    assert norms[0] == pytest.approx(math.sqrt(2), rel=1e-14)
    assert norms[2] / norms[1] == pytest.approx(math.exp(2), rel=1e-4)
    with pytest.raises(OverflowError, match=r"times: at 400 .* beyond the largest float64"):
        hebbian_flow(covariance, axes[0], [1.0, 500.0, 400.0])


@claim("oja-2")
def test_no_sample_ever_shortens_plain_hebbian_weights(path):
    """|w + a y x|^2 - |w|^2 = a y^2 (2 + a |x|^2) >= 0, until no float is large enough."""
    inputs = np.random.default_rng(5).standard_normal((400, 3))
    w0 = np.array([0.1, -0.2, 0.3])
    records = hebbian_rule(inputs, w0, 0.05, record_every=1)
    assert (np.diff(np.linalg.norm(np.vstack([w0, records]), axis=1)) >= 0).all()
    with pytest.raises(OverflowError, match=r"learning_rate: with 0\.05 the weights grow beyond"):
        hebbian_rule(np.tile(inputs, (100, 1)), w0, 0.05)


@claim("oja-3")
@pytest.mark.parametrize("length", [0.01, 1.0, 5.0])
def test_oja_flow_solves_its_differential_equation(length):
    rng = np.random.default_rng(6)
    covariance, _ = covariance_of([3.0, 2.5, 1.0, 0.3, 0.0], rng)
    w0 = length * unit(rng.standard_normal(5))
    times = np.linspace(0, 4, 9)
    solution = solve_ivp(
        lambda t, w: covariance @ w - (w @ covariance @ w) * w,
        (0, 4),
        w0,
        method="DOP853",
        t_eval=times,
        rtol=1e-12,
        atol=1e-14,
    )
    np.testing.assert_allclose(oja_flow(covariance, w0, times), solution.y.T, rtol=0, atol=1e-10)


@claim("oja-3")
def test_along_an_eigenvector_the_squared_norm_is_logistic():
    """dN/dt = 2 lambda N (1 - N), so N(t) = 1 / (1 + (1/N0 - 1) exp(-2 lambda t))."""
    covariance, axes = covariance_of([2.0, 0.7, 0.1], np.random.default_rng(7))
    times = np.linspace(0, 8, 17)
    for start in (0.04, 1.0, 9.0):
        weights = oja_flow(covariance, math.sqrt(start) * axes[1], times)
        expected = 1 / (1 + (1 / start - 1) * np.exp(-2 * 0.7 * times))
        np.testing.assert_allclose((weights**2).sum(axis=1), expected, rtol=1e-12)


@claim("oja-3")
@given(seed=seeds, length=st.floats(1e-3, 1e3), d=st.integers(2, 6))
@settings(deadline=None, max_examples=40)
def test_oja_flow_descends_two_lyapunov_functions(seed, length, d):
    """|1 - |w|^2| never grows and the variance along w / |w| never falls."""
    rng = np.random.default_rng(seed)
    covariance, _ = covariance_of(rng.uniform(0.1, 2, d), rng)
    w0 = length * unit(rng.standard_normal(d))
    weights = oja_flow(covariance, w0, np.linspace(0, 10, 60))
    squared = (weights**2).sum(axis=1)
    variance = ((weights @ covariance) * weights).sum(axis=1) / squared
    assert (np.diff(np.abs(1 - squared)) <= 1e-12 * squared[:-1]).all()
    assert (np.diff(variance) >= -1e-12).all()


@claim("oja-3")
@given(
    seed=seeds,
    length=st.floats(-300, 300).map(lambda p: 10.0**p),
    late=st.floats(3, 300).map(lambda p: 10.0**p),
)
@settings(deadline=None, max_examples=40)
def test_oja_flow_ends_at_the_first_component_from_any_length(seed, length, late):
    rng = np.random.default_rng(seed)
    covariance, axes = covariance_of([2.0, 1.0, 0.5], rng)
    w0 = length * unit(axes.T @ np.array([rng.choice([-0.1, 0.1]), 1.0, 1.0]))
    (start, end) = oja_flow(covariance, w0, [0.0, late])
    np.testing.assert_allclose(start, w0, rtol=1e-12, atol=1e-14 * length)
    np.testing.assert_allclose(end, axes[0] * np.sign(axes[0] @ w0), rtol=0, atol=1e-13)


@given(seed=seeds, times=st.tuples(st.floats(0, 5), st.floats(0, 5)), scale=st.floats(0.1, 10))
@settings(deadline=None, max_examples=40)
def test_flows_compose_in_time_and_scale_with_the_covariance(seed, times, scale):
    rng = np.random.default_rng(seed)
    covariance, _ = covariance_of([2.0, 1.0, 0.5, 0.1], rng)
    w0 = rng.standard_normal(4)
    first, second = times
    for flow in (hebbian_flow, oja_flow):
        whole = flow(covariance, w0, [first + second])[0]
        halfway = flow(covariance, w0, [first])[0]
        assert_close = np.testing.assert_allclose
        atol = 1e-11 * np.linalg.norm(whole)
        assert_close(flow(covariance, halfway, [second])[0], whole, rtol=0, atol=atol)
        rescaled = flow(scale * covariance, w0, [(first + second) / scale])[0]
        assert_close(rescaled, whole, rtol=0, atol=atol)


@claim("oja-3")
def test_both_flows_point_the_same_way_at_every_time():
    """Oja's decay only changes the length: what selects the direction is Hebb."""
    rng = np.random.default_rng(8)
    covariance, _ = covariance_of([2.0, 1.5, 0.5], rng)
    w0, times = rng.standard_normal(3), np.linspace(0, 5, 11)
    hebb, oja = hebbian_flow(covariance, w0, times), oja_flow(covariance, w0, times)
    cosines = (hebb * oja).sum(axis=1) / np.linalg.norm(hebb, axis=1) / np.linalg.norm(oja, axis=1)
    np.testing.assert_allclose(cosines, 1, rtol=1e-13)


@claim("oja-5")
def test_weights_orthogonal_to_the_first_component_never_find_it():
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])
    late = oja_flow(matrix, [3.0, -3.0], [1e3, 1e300])
    np.testing.assert_allclose(late, np.tile([1, -1] / np.sqrt(2), (2, 1)), rtol=1e-14)
    rng = np.random.default_rng(9)
    covariance, axes = covariance_of([2.0, 1.5, 0.5, 0.3, 0.2, 0.1], rng)
    (end,) = oja_flow(covariance, axes[1:].T @ np.ones(5), [1e6])
    np.testing.assert_allclose(np.abs(end), np.abs(axes[1]), rtol=0, atol=1e-12)
    # A component too small to see beside the others still grows if it is there.
    slightly = oja_flow(matrix, [1.0, -1.0 + 1e-10], [50.0])
    np.testing.assert_allclose(slightly, [[0.5**0.5, 0.5**0.5]], rtol=1e-9)
    assert oja_flow(np.diag([2.0, 1.0]), [1e-20, 1.0], [100.0])[0, 0] == pytest.approx(1)


@claim("oja-5")
def test_equal_largest_variances_keep_the_mixture_they_start_with():
    (end,) = oja_flow(np.diag([2.0, 2.0, 1.0]), [0.3, 0.4, 5.0], [1e4])
    np.testing.assert_allclose(end, [0.6, 0.8, 0.0], rtol=0, atol=1e-14)


@claim("oja-5")
def test_the_angle_falls_at_the_eigenvalue_gap_and_the_norm_at_twice_the_eigenvalue():
    """tan(angle to PC1) ~ exp(-(l1 - l2) t), 1 - cos^2 at twice that; 1 - |w|^2 ~ exp(-2 l1 t)."""
    rng = np.random.default_rng(10)
    for gap in (0.05, 0.2):
        covariance, axes = covariance_of([1.0, 1.0 - gap], rng)
        times = np.array([0.0, 1.0 / gap, 2.0 / gap])
        weights = oja_flow(covariance, 3 * axes[0] + 4 * axes[1], times)
        tangent = np.abs(weights @ axes[1]) / np.abs(weights @ axes[0])
        np.testing.assert_allclose(tangent, 4 / 3 * np.exp(-gap * times), rtol=1e-11)
    weights = oja_flow(covariance, 3 * axes[0] + 1e-3 * axes[1], [3.0, 5.0])
    excess = 1 - (weights**2).sum(axis=1)
    assert math.log(excess[0] / excess[1]) / 2 == pytest.approx(2 * 1.0, rel=1e-3)


def test_the_zero_vector_and_the_zero_covariance_stay_where_they_are():
    assert not oja_flow(np.eye(3), np.zeros(3), [0.0, 5.0]).any()
    assert not hebbian_flow(np.eye(3), np.zeros(3), [0.0, 5.0]).any()
    np.testing.assert_array_equal(oja_flow(np.zeros((2, 2)), [1.0, 2.0], [1e308]), [[1.0, 2.0]])


# The rules


def plain_hebb(w, x, rate):
    return w + rate * (w @ x) * x


def plain_oja(w, x, rate):
    y = w @ x
    return w + rate * (y * x - y**2 * w)


def plain_sanger(weights, x, rate):
    """Term by term, as the rule is written in the paper."""
    y = weights @ x
    change = np.zeros_like(weights)
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            explained = sum(weights[k, j] * y[k] for k in range(i + 1))
            change[i, j] = y[i] * (x[j] - explained)
    return weights + rate * change


RULES = [
    (hebbian_rule, plain_hebb, ()),
    (oja_rule, plain_oja, ()),
    (sanger_rule, plain_sanger, (3,)),
]


@claim("oja-3")
@claim("oja-4")
@pytest.mark.parametrize(("rule", "step", "rows"), RULES)
def test_rules_equal_a_plain_loop_in_order(path, rule, step, rows):
    rng = np.random.default_rng(11)
    inputs = rng.standard_normal((103, 7)) * np.linspace(2, 0.5, 7)
    start = rng.standard_normal((*rows, 7)) / 3
    weights, history = start, []
    for x in inputs:
        weights = step(weights, x, 0.02)
        history.append(weights)
    np.testing.assert_allclose(rule(inputs, start, 0.02), history[-1], rtol=0, atol=1e-10)
    for every in (1, 10, 103):
        records = rule(inputs, start, 0.02, record_every=every)
        assert records.shape == (103 // every, *rows, 7)
        np.testing.assert_allclose(records, history[every - 1 :: every], rtol=0, atol=1e-10)
    backward = rule(inputs[::-1], start, 0.02)
    assert np.abs(backward - history[-1]).max() > 1e-3


@pytest.mark.parametrize(("rule", "step", "rows"), RULES)
def test_float32_stays_float32_and_close(path, rule, step, rows):
    rng = np.random.default_rng(12)
    inputs = rng.standard_normal((2000, 20)) * np.linspace(1.5, 0.3, 20)
    start = rng.standard_normal((*rows, 20)) / 5
    result = rule(inputs.astype(np.float32), start, 1e-3, record_every=500)
    assert result.dtype == np.float32
    expected = rule(inputs, start, 1e-3, record_every=500)
    assert expected.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("rule", "step", "rows"), RULES)
@given(seed=seeds)
@settings(deadline=None, max_examples=25)
def test_rotating_inputs_and_weights_rotates_the_result(rule, step, rows, seed):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((40, 5))
    start = rng.standard_normal((*rows, 5)) / 2
    turn = orthogonal(5, rng)
    turned = rule(inputs @ turn, start @ turn, 0.05)
    np.testing.assert_allclose(turned, rule(inputs, start, 0.05) @ turn, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("rule", "step", "rows"), RULES)
def test_any_layout_and_integers_give_the_same_and_nothing_is_changed(path, rule, step, rows):
    rng = np.random.default_rng(13)
    inputs = rng.integers(-3, 4, (30, 4))
    start = rng.standard_normal((*rows, 4)) / 4
    kept = inputs.copy(), start.copy()
    expected = rule(inputs.astype(float), start, 0.01)
    for same in (inputs, inputs.tolist(), np.asfortranarray(inputs, dtype=float)):
        np.testing.assert_allclose(rule(same, start, 0.01), expected, rtol=0, atol=1e-13)
    strided = np.repeat(inputs.astype(float), 2, axis=0)[::2]
    strided.flags.writeable = False
    np.testing.assert_allclose(rule(strided, start, 0.01), expected, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(inputs, kept[0])
    np.testing.assert_array_equal(start, kept[1])


@claim("oja-3")
def test_oja_finds_the_first_component_with_unit_norm(path):
    """The curriculum's numbers: cosine at least .999, norm within .4 %."""
    rng = np.random.default_rng(14)
    inputs, axes = gaussian(40_000, 1 / np.arange(1, 21) ** 2, rng)
    weights = oja_rule(inputs, unit(rng.standard_normal(20)), 5e-4)
    assert cosine(weights, axes[0]) >= 0.999
    assert abs(np.linalg.norm(weights) - 1) <= 0.004


@claim("oja-3")
def test_small_steps_follow_the_flow():
    """Trajectories stay near the flow; their distance from it goes as the root of the rate."""
    rng = np.random.default_rng(15)
    variances = [1.5, 0.8, 0.4, 0.1]
    errors = []
    for rate in (4e-3, 2.5e-4):
        squared = []
        for _ in range(6):
            inputs, axes = gaussian(round(6 / rate), variances, rng)
            w0 = axes.T @ [0.2, 0.5, -0.5, 0.3]
            every = round(0.5 / rate)
            records = oja_rule(inputs, w0, rate, record_every=every)
            times = rate * every * np.arange(1, len(records) + 1)
            flow = oja_flow(axes.T @ np.diag(variances) @ axes, w0, times)
            squared.append(((records - flow) ** 2).sum(axis=1).mean())
        errors.append(math.sqrt(np.mean(squared)))
    assert errors[1] < 0.03
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.35)


@claim("oja-3")
@claim("oja-5")
def test_a_constant_rate_leaves_the_fluctuations_that_linear_theory_predicts():
    """For Gaussian inputs, E[sin^2] = a sum l1 li / (2 (l1 - li)) and |w| = 1 + a/4 sum li, i > 1.

    Both from the balance of noise against decay around PC1, to first order in the rate a.
    """
    rng = np.random.default_rng(20)
    rate, variances = 1e-3, np.array([2.0, 1.0, 0.5, 0.2])
    inputs, axes = gaussian(300_000, variances, rng)
    records = oja_rule(inputs, axes[0], rate, record_every=50)[100:]
    lengths = np.linalg.norm(records, axis=1)
    sine2 = 1 - (records @ axes[0] / lengths) ** 2
    rest = variances[1:]
    expected = rate * (variances[0] * rest / (2 * (variances[0] - rest))).sum()
    assert sine2.mean() == pytest.approx(expected, rel=0.25)
    assert lengths.mean() - 1 == pytest.approx(rate / 4 * rest.sum(), rel=0.05)


@claim("oja-4")
def test_oja_is_local_and_sanger_is_not(path):
    """Does a synapse's change depend on more than its own input and weight and its output?"""
    x, other_x = np.array([[1.0, 2.0, -1.0]]), np.array([[1.0, 5.0, 0.5]])
    w, other_w = np.array([0.5, 0.25, 0.5]), np.array([0.5, -0.1, 1.0])
    assert x[0] @ w == pytest.approx(other_x[0] @ other_w) == 0.5
    first = oja_rule(x, w, 0.1)[0]
    assert oja_rule(other_x, other_w, 0.1)[0] == pytest.approx(first, abs=1e-15)
    # Same input, weight and outputs at the second neuron's first synapse; only the first neuron's
    # weight onto the same input differs.
    lower = np.array([[0.2, 0.4, 0.5], w])
    changed = np.array([[0.6, 0.2, 0.5], w])
    np.testing.assert_allclose(lower @ x[0], changed @ x[0], atol=1e-15)
    difference = sanger_rule(x, changed, 0.1)[1, 0] - sanger_rule(x, lower, 0.1)[1, 0]
    y = lower @ x[0]
    assert difference == pytest.approx(-0.1 * y[1] * y[0] * (0.6 - 0.2))
    assert abs(difference) > 1e-3


@claim("oja-4")
def test_sanger_finds_the_leading_components_in_order(path):
    rng = np.random.default_rng(16)
    variances = [3.0, 2.0, 1.2, 0.5, 0.2, 0.1]
    inputs, axes = gaussian(30_000, variances, rng)
    start = rng.standard_normal((3, 6)) / 10
    weights = sanger_rule(inputs, start, 2e-3)
    np.testing.assert_allclose(np.abs(weights @ axes[:3].T), np.eye(3), rtol=0, atol=0.1)
    weights = sanger_rule(inputs, weights, 1e-4)  # the same samples, more gently
    assert (np.abs(weights @ axes[:3].T).diagonal() >= 0.999).all()
    np.testing.assert_allclose(weights @ weights.T, np.eye(3), rtol=0, atol=0.02)
    outputs = inputs @ weights.T
    np.testing.assert_allclose(outputs.T @ outputs / len(inputs), np.diag(variances[:3]), atol=0.06)


@claim("oja-4")
def test_the_first_of_sanger_s_neurons_is_oja_s(path):
    rng = np.random.default_rng(17)
    inputs, start = rng.standard_normal((500, 6)), rng.standard_normal((4, 6)) / 3
    expected = oja_rule(inputs, start[0], 0.01)
    np.testing.assert_allclose(sanger_rule(inputs, start, 0.01)[0], expected, rtol=0, atol=1e-12)


@claim("oja-5")
def test_inputs_with_a_mean_lead_to_the_second_moment_not_the_covariance(path):
    rng = np.random.default_rng(18)
    centered = rng.standard_normal((60_000, 3)) * np.sqrt([1.0, 0.3, 0.1])
    centered -= centered.mean(axis=0)
    mean = np.array([0.0, 0.0, 2.0])
    inputs = centered + mean
    first = principal_components(np.cov(inputs.T))[1][0]
    moment = principal_components(inputs.T @ inputs / len(inputs))[1][0]
    assert cosine(first, moment) < 0.1
    w0 = unit(np.ones(3))
    with_mean = oja_rule(inputs, w0, 5e-4)
    assert cosine(with_mean, moment) >= 0.999
    assert cosine(with_mean, first) < 0.1
    assert cosine(oja_rule(inputs - inputs.mean(axis=0), w0, 5e-4), first) >= 0.999


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.9])
def test_closing_one_eye_moves_the_component_and_closing_both_does_not(correlation):
    """The chapter's ocular dominance, (1 - k^2) / sqrt((1 - k^2)^2 + 4 r^2 k^2)."""
    for contrast in (0.1, 0.5, 0.9, 1.0):
        cross = correlation * contrast
        left, right = principal_components([[1.0, cross], [cross, contrast**2]])[1][0] ** 2
        advantage = 1 - contrast**2
        assert left - right == pytest.approx(
            advantage / math.hypot(advantage, 2 * cross), abs=1e-12
        )
        both = contrast**2 * np.array([[1.0, correlation], [correlation, 1.0]])
        late = oja_flow(both, [0.9, 0.2], [40 / contrast**2 / correlation])[0]
        np.testing.assert_allclose(late, np.sqrt([0.5, 0.5]), rtol=1e-12)


@claim("oja-5")
def test_a_small_gap_is_slow_in_the_rule_too():
    """A quarter of the gap takes four times as many samples to turn through the same angle."""
    rng = np.random.default_rng(19)
    halvings = []
    for gap in (0.4, 0.1):
        inputs, axes = gaussian(40_000, [1.0, 1.0 - gap], rng)
        records = oja_rule(inputs, unit(axes[0] + 8 * axes[1]), 1e-3, record_every=10)
        tangents = np.abs(records @ axes[1]) / np.abs(records @ axes[0])
        halvings.append(np.flatnonzero(tangents < 0.5)[0])
    assert halvings[1] / halvings[0] == pytest.approx(4, rel=0.3)


@claim("oja-5")
@pytest.mark.parametrize("rule", [oja_rule, sanger_rule])
def test_a_learning_rate_too_large_is_an_error_not_nan(path, rule):
    inputs = np.ones((20, 3))
    start = np.ones(3) if rule is oja_rule else np.eye(3)
    with pytest.raises(OverflowError, match=r"learning_rate: with 10 .* float64 by sample 6;"):
        rule(inputs, start, 10.0)
    with pytest.raises(OverflowError, match=r"float32 by sample"):
        rule(inputs.astype(np.float32), start, 10.0)
    with pytest.raises(OverflowError, match=r"by sample 0;"):
        rule(np.full((1, 3), 1e200), start, 1.0)


# Bad input


@pytest.mark.parametrize("rule", [hebbian_rule, oja_rule, sanger_rule])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 7, 9])
def test_an_input_that_is_not_finite_is_named(path, rule, bad, index):
    inputs = np.ones((10, 3))
    inputs[index, 1] = bad
    start = np.full((1, 3) if rule is sanger_rule else 3, 0.1)
    with pytest.raises(ValueError, match=rf"inputs: expected finite .* at index \({index}, 1\)"):
        rule(inputs, start, 0.01)


@pytest.mark.parametrize("rule", [hebbian_rule, oja_rule, sanger_rule])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": np.ones(3)}, ValueError, r"inputs: expected shape \(n_samples, n_inputs\)"),
        ({"inputs": np.ones((0, 3))}, ValueError, "inputs: expected at least one element"),
        ({"inputs": [[1.0, 2.0], [1.0]]}, ValueError, "inputs: expected a regular array"),
        ({"inputs": np.ones((4, 3)) * 1j}, TypeError, "inputs: expected real numbers"),
        ({"start": np.ones(4)}, ValueError, r"expected shape .*3.*, got \(.*4,?\)"),
        ({"start": [0.0, np.nan, 1.0]}, ValueError, "expected finite numbers, got nan"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate: expected a number above 0, got 0"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate: expected a number above 0"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate: expected a finite number"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate: expected a real number, got str"),
        ({"record_every": 0}, ValueError, "record_every: expected a whole number of at least 1"),
        ({"record_every": 1.5}, TypeError, "record_every: expected a whole number, got float"),
        ({"record_every": 5}, ValueError, "record_every: expected at most the 4 samples, got 5"),
    ],
)
def test_rules_reject_bad_input(rule, change, error, message):
    arguments = {"inputs": np.ones((4, 3)), "start": np.ones(3), "learning_rate": 0.1} | change
    name = "weights" if rule is sanger_rule else "w0"
    start = np.asarray(arguments.pop("start"))
    arguments[name] = start[None] if rule is sanger_rule else start
    with pytest.raises(error, match=message):
        rule(**arguments)


@pytest.mark.parametrize("flow", [hebbian_flow, oja_flow])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariance": np.ones((2, 3))}, r"covariance: expected a square matrix, got .*\(2, 3\)"),
        ({"covariance": np.ones(2)}, r"covariance: expected shape \(d, d\), got \(2,\)"),
        ({"covariance": [[1.0, 0.5], [0.4, 1.0]]}, "covariance: expected a symmetric .* by 0.1"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "positive semidefinite .* eigenvalue -1"),
        ({"covariance": [[1.0, np.nan], [0.0, 1.0]]}, "covariance: expected finite numbers"),
        ({"w0": np.ones(3)}, r"w0: expected shape \(2,\), got \(3,\)"),
        ({"w0": [1.0, np.inf]}, "w0: expected finite numbers, got inf"),
        ({"times": 1.0}, r"times: expected shape \(n_times,\), got \(\)"),
        ({"times": []}, "times: expected at least one element"),
        ({"times": [0.0, -0.5]}, "times: expected times of at least 0, got -0.5"),
    ],
)
def test_flows_reject_bad_input(flow, change, message):
    arguments = {"covariance": np.eye(2), "w0": np.ones(2), "times": [0.0, 1.0]} | change
    with pytest.raises(ValueError, match=message):
        flow(**arguments)
