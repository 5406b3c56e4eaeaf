"""Rate-distortion and the bottleneck: closed forms, identities, limits, both paths, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import mutual_info_score

from course_utils import _compiled
from course_utils.information_bottleneck import (
    bayes_decoder,
    binned_information,
    bottleneck_iterations,
    bottleneck_step,
    critical_beta,
    distinct_clusters,
    entropy,
    gaussian_bottleneck,
    gaussian_information,
    information_bottleneck,
    kl_divergence,
    mutual_information,
    rate_distortion,
    rate_distortion_step,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)

HAMMING = 1 - np.eye(2)
# x tells y in three pairs; within a pair the two x's differ a little.
PAIRS = (
    np.array(
        [
            [0.90, 0.05, 0.05],
            [0.80, 0.10, 0.10],
            [0.05, 0.90, 0.05],
            [0.10, 0.80, 0.10],
            [0.05, 0.05, 0.90],
            [0.10, 0.10, 0.80],
        ]
    )
    / 6
)


def h(p):
    """Entropy of a coin, by the formula."""
    return 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def sparse_joint(rng, n_x, n_y):
    """A joint with many zeros, among them whole rows and columns."""
    joint = rng.random((n_x, n_y)) * (rng.random((n_x, n_y)) < 0.5)
    joint[rng.integers(n_x)] = 0
    joint[rng.integers(n_x), rng.integers(n_y)] = 1
    return joint / joint.sum()


def random_encoder(rng, n_x, n_clusters):
    return rng.dirichlet(np.ones(n_clusters), n_x)


def information_plane(encoder, joint):
    p_x = joint.sum(axis=1)
    return mutual_information(p_x[:, None] * encoder), mutual_information(encoder.T @ joint)


# Entropy, divergence, mutual information


def test_known_entropies_and_informations():
    assert entropy([0.5, 0.25, 0.125, 0.125]) == pytest.approx(1.75, rel=1e-15)
    assert entropy([1.0, 0.0]) == 0
    assert entropy(np.full((4, 8), 1 / 32)) == pytest.approx(5, rel=1e-15)
    for error in (0.0, 0.11, 0.5):  # the binary symmetric channel
        joint = np.array([[1 - error, error], [error, 1 - error]]) / 2
        assert mutual_information(joint) == pytest.approx(1 - h(error), abs=1e-15)
    assert mutual_information(np.eye(8) / 8) == pytest.approx(3, rel=1e-15)


@given(seed=seeds)
@settings(deadline=None, max_examples=40)
def test_measures_equal_scipy_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5), 3)
    expected = [scipy_entropy(p, row, base=2) for row in q]
    np.testing.assert_allclose(kl_divergence(p, q), expected, rtol=1e-9)
    assert entropy(p) == pytest.approx(scipy_entropy(p, base=2), rel=1e-12)
    counts = rng.integers(0, 5, (4, 6)) + np.eye(4, 6, dtype=int)
    nats = mutual_info_score(None, None, contingency=counts)
    assert mutual_information(counts / counts.sum()) == pytest.approx(nats / np.log(2), abs=1e-12)


@given(seed=seeds)
@settings(deadline=None, max_examples=40)
def test_information_is_symmetric_bounded_and_lost_by_processing(seed):
    rng = np.random.default_rng(seed)
    joint = sparse_joint(rng, 6, 5)
    bits = mutual_information(joint)
    assert bits == pytest.approx(mutual_information(joint.T), abs=1e-12)
    assert 0 <= bits <= min(entropy(joint.sum(axis=0)), entropy(joint.sum(axis=1))) + 1e-12
    i_xt, i_ty = information_plane(random_encoder(rng, 6, 4), joint)
    assert i_ty <= min(bits, i_xt) + 1e-12
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    assert mutual_information(independent) == pytest.approx(0, abs=1e-14)
    assert bits == pytest.approx(kl_divergence(joint.ravel(), independent.ravel()), abs=1e-12)


def test_information_of_marginals_whose_product_underflows_is_finite():
    joint = np.diag([1.0, 1e-200])
    assert 0 <= mutual_information(joint) < 1e-190


def test_divergence_is_infinite_where_the_impossible_happens_and_zero_at_equality():
    assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == 1
    assert kl_divergence([0.3, 0.7, 0.0], [0.3, 0.7, 0.0]) == 0
    assert kl_divergence([[0.5, 0.5], [1.0, 0.0]], [0.5, 0.5]).tolist() == [0, 1]


# Rate-distortion


@claim("information_bottleneck-1")
@pytest.mark.parametrize("p", [0.5, 0.3, 0.11, 0.02])
def test_binary_source_is_its_entropy_minus_that_of_the_distortion(p):
    """R(D) = H(p) - H(D) below D = p, 0 above; its slope -beta is log2(D / (1 - D)) bits."""
    slopes = np.array([0.5, 1, 2, 3, 5, 8, 12, 20])
    curve = rate_distortion([p, 1 - p], HAMMING, slopes)
    expected = [max(h(p) - h(d), 0) if d < p else 0 for d in curve.distortion]
    np.testing.assert_allclose(curve.rate, expected, rtol=0, atol=1e-6)
    in_bits = 1 / (1 + 2.0**slopes)
    np.testing.assert_allclose(curve.distortion, np.minimum(in_bits, p), rtol=0, atol=1e-9)
    assert (curve.gap < 1e-9).all()


@claim("information_bottleneck-1")
def test_gaussian_source_costs_half_a_bit_for_half_the_error():
    """R(D) = log2(variance / D) / 2; the grid is fine against the square root of D."""
    x = np.linspace(-6, 6, 241)
    p_x = np.exp(-(x**2) / 2)
    p_x /= p_x.sum()
    curve = rate_distortion(p_x, (x[:, None] - x) ** 2, [1.0, 2.0, 5.0, 10.0, 20.0])
    np.testing.assert_allclose(curve.rate, 0.5 * np.log2(1 / curve.distortion), atol=1e-6)
    # -dR/dD = 1 / (2 ln 2 D) bits, which is beta.
    np.testing.assert_allclose(curve.distortion, 1 / (2 * np.log(2) * curve.betas), rtol=1e-5)
    # Below this slope the best answer is the mean, at a distortion of the variance.
    silent = rate_distortion(p_x, (x[:, None] - x) ** 2, [0.99 / (2 * np.log(2))])
    assert silent.rate[0] == pytest.approx(0, abs=1e-9)


@claim("information_bottleneck-1")
def test_each_point_minimizes_the_functional_among_all_channels():
    """Against scipy's general minimizer over channels, which knows nothing of Blahut."""
    rng = np.random.default_rng(2)
    p_x, cost = rng.dirichlet(np.ones(4)), rng.random((4, 3))
    beta = 3.0
    curve = rate_distortion(p_x, cost, [beta])
    found = curve.rate[0] + beta * curve.distortion[0]

    def functional(logits):
        channel = np.exp(logits.reshape(4, 3))
        channel /= channel.sum(axis=1, keepdims=True)
        joint = p_x[:, None] * channel
        return mutual_information(joint / joint.sum()) + beta * (joint * cost).sum()

    best = min(minimize(functional, rng.standard_normal(12)).fun for _ in range(4))
    assert found == pytest.approx(best, abs=1e-5)
    assert found <= best + 1e-9


@claim("information_bottleneck-1")
@given(seed=seeds)
@settings(deadline=None, max_examples=25)
def test_a_step_lowers_the_functional_and_leaves_a_solution_alone(seed):
    rng = np.random.default_rng(seed)
    p_x, cost, beta = rng.dirichlet(np.ones(6)), rng.random((6, 4)), rng.uniform(0, 20)
    channel = random_encoder(rng, 6, 4)

    def functional(channel):
        joint = p_x[:, None] * channel
        return mutual_information(joint) + beta * (joint * cost).sum()

    after = rate_distortion_step(channel, p_x, cost, beta)
    assert functional(after) <= functional(channel) + 1e-12
    (solution,) = rate_distortion(p_x, cost, [beta]).channels
    again = rate_distortion_step(solution, p_x, cost, beta)
    np.testing.assert_allclose(again, solution, rtol=0, atol=1e-5)


@given(seed=seeds, exponent=st.floats(-6, 6))
@settings(deadline=None, max_examples=40)
def test_rate_distortion_is_finite_and_certified_for_any_beta(seed, exponent):
    rng = np.random.default_rng(seed)
    p_x = rng.dirichlet(np.ones(5)) * (rng.random(5) < 0.7)
    p_x[0] += 1 - p_x.sum()
    cost = rng.integers(0, 3, (5, 4)) * rng.random((5, 4))
    curve = rate_distortion(p_x, cost, [0, 10**exponent, 1e6])
    for field in (curve.rate, curve.distortion, curve.channels, curve.gap):
        assert np.isfinite(field).all()
    assert (np.diff(curve.rate) >= -1e-8).all()
    assert (np.diff(curve.distortion) <= 1e-8).all()
    assert curve.distortion[0] == pytest.approx((p_x @ cost).min())
    assert curve.distortion[2] == pytest.approx(p_x @ cost.min(axis=1), abs=1e-5)
    assert (curve.gap < 1e-8).all()


def test_the_gap_bounds_the_excess_even_when_the_search_stops_early():
    """A plain Blahut-Arimoto of a million steps gives the minimum that `gap` speaks of."""
    p_x, cost = np.array([0.4, 0.35, 0.25]), np.array([[0, 1.0], [0.4, 0.5], [1.0, 0.2]])
    rough = rate_distortion(p_x, cost, [2.0], tol=1.0)
    fine = rate_distortion(p_x, cost, [2.0], tol=1e-13)
    excess = (rough.rate + 2 * rough.distortion) - (fine.rate + 2 * fine.distortion)
    assert -1e-12 <= excess[0] <= rough.gap[0] + 1e-12


# The bottleneck


def plain_bottleneck(encoder, joint, beta):
    """The three self-consistent equations, entry by entry, for a joint without zeros."""
    n_x, n_y = joint.shape
    n_t = encoder.shape[1]
    p_x = joint.sum(axis=1)
    p_t = [sum(p_x[x] * encoder[x, t] for x in range(n_x)) for t in range(n_t)]
    decoder = [
        [sum(joint[x, y] * encoder[x, t] for x in range(n_x)) / p_t[t] for y in range(n_y)]
        for t in range(n_t)
    ]
    new = np.zeros_like(encoder)
    for x in range(n_x):
        for t in range(n_t):
            p_y = joint[x] / p_x[x]
            bits = sum(p_y[y] * math.log2(p_y[y] / decoder[t][y]) for y in range(n_y))
            new[x, t] = p_t[t] * 2 ** (-beta * bits)
        new[x] /= new[x].sum()
    return new


@claim("information_bottleneck-5")
@pytest.mark.parametrize("beta", [0.0, 0.7, 3.0, 20.0])
def test_step_is_the_three_equations(path, beta):
    rng = np.random.default_rng(3)
    joint = rng.dirichlet(np.ones(35)).reshape(7, 5)
    encoder = random_encoder(rng, 7, 4)
    expected = plain_bottleneck(encoder, joint, beta)
    np.testing.assert_allclose(bottleneck_step(encoder, joint, beta), expected, atol=1e-12)
    twice = bottleneck_iterations(encoder[None], joint, [beta], 2)[0]
    np.testing.assert_allclose(twice, plain_bottleneck(expected, joint, beta), atol=1e-12)
    np.testing.assert_array_equal(
        bottleneck_iterations(encoder[None], joint, [beta], 0)[0], encoder
    )


@claim("information_bottleneck-5")
def test_iterations_equal_torch_from_equal_starts(path):
    """The curriculum's size: 128 x 32, 50 betas; informations agree to 1e-8 bits."""
    rng = np.random.default_rng(4)
    joint = rng.dirichlet(np.full(32, 0.3), 128) / 128
    betas, starts = np.geomspace(1, 50, 50), rng.dirichlet(np.ones(32), (50, 128))
    ours = bottleneck_iterations(starts, joint, betas, 60)
    p_xy, encoders = torch.from_numpy(joint), torch.from_numpy(starts)
    conditional = p_xy / p_xy.sum(dim=1, keepdim=True)
    for _ in range(60):
        table = torch.einsum("xy,bxt->byt", p_xy, encoders)
        p_t = table.sum(dim=1, keepdim=True)
        inner = torch.einsum("xy,byt->bxt", conditional, torch.log(table.clamp_min(1e-300) / p_t))
        weights = torch.log(p_t) + torch.from_numpy(betas)[:, None, None] * inner
        encoders = torch.softmax(weights, dim=2)
    for mine, theirs in zip(ours, encoders.numpy(), strict=True):
        np.testing.assert_allclose(
            information_plane(mine, joint), information_plane(theirs, joint), atol=1e-8
        )


@claim("information_bottleneck-5")
def test_what_the_sweep_returns_solves_the_equations(path):
    rng = np.random.default_rng(5)
    curve = information_bottleneck(PAIRS, [1.5, 4.0, 30.0], n_clusters=4, rng=rng)
    assert (curve.residual < 1e-6).all()
    for encoder, beta in zip(curve.encoders, curve.betas, strict=True):
        after = plain_bottleneck(encoder * (1 - 1e-12) + 1e-12 / 4, PAIRS, beta)
        np.testing.assert_allclose(after, encoder, atol=1e-5)


@claim("information_bottleneck-2")
def test_the_sweep_finds_what_a_general_minimizer_finds():
    rng = np.random.default_rng(6)
    joint = rng.dirichlet(np.full(12, 0.7)).reshape(4, 3)
    for beta in (2.0, 4.0, 10.0):
        curve = information_bottleneck(joint, [beta], n_clusters=3, rng=rng)
        found = curve.i_xt[0] - beta * curve.i_ty[0]

        def functional(logits, beta=beta):
            encoder = np.exp(logits.reshape(4, 3))
            encoder /= encoder.sum(axis=1, keepdims=True)
            i_xt, i_ty = information_plane(encoder, joint)
            return i_xt - beta * i_ty

        best = min(minimize(functional, 2 * rng.standard_normal(12)).fun for _ in range(10))
        assert found == pytest.approx(best, abs=2e-3)  # BFGS does not quite reach the boundary
        assert found <= best + 1e-6


@claim("information_bottleneck-2")
@given(seed=seeds)
@settings(deadline=None, max_examples=15)
def test_the_curve_rises_is_concave_and_obeys_its_bounds(seed):
    rng = np.random.default_rng(seed)
    joint = sparse_joint(rng, 6, 4)
    betas = np.array([0.0, 0.5, 1.0, 1.2, 2.0, 4.0, 8.0, 30.0, 1e3, 1e6])
    curve = information_bottleneck(joint, betas, n_clusters=6, rng=rng, max_iterations=1000)
    i_xt, i_ty = curve.i_xt, curve.i_ty
    assert np.isfinite(np.array([*i_xt, *i_ty, *curve.residual])).all()
    assert (np.diff(i_xt) >= -1e-9).all()
    assert (np.diff(i_ty) >= -1e-9).all()
    assert (i_ty <= i_xt + 1e-9).all()
    slopes = [dy / dx for dx, dy in zip(np.diff(i_xt), np.diff(i_ty), strict=True) if dx > 1e-6]
    assert (np.diff(slopes) <= 1e-6).all()
    assert i_ty[-1] == pytest.approx(mutual_information(joint), abs=1e-5)
    values = i_xt - betas * i_ty
    assert (values <= 1e-12).all()  # no worse than the trivial encoder


@claim("information_bottleneck-3")
@given(seed=seeds, beta=st.floats(0, 1))
@settings(deadline=None, max_examples=15)
def test_up_to_beta_one_nothing_is_kept(seed, beta):
    rng = np.random.default_rng(seed)
    joint = sparse_joint(rng, 5, 4)
    curve = information_bottleneck(joint, [beta], n_clusters=3, rng=rng, n_restarts=1)
    assert curve.i_xt[0] == pytest.approx(0, abs=1e-12)
    i_xt, i_ty = information_plane(random_encoder(rng, 5, 3), joint)
    assert i_xt - beta * i_ty >= -1e-12  # why: information is lost by processing


@claim("information_bottleneck-3")
def test_clusters_appear_one_bifurcation_after_the_other():
    first = critical_beta(PAIRS)
    betas = np.array([0.9 * first, 1.1 * first, 200.0])
    curve = information_bottleneck(PAIRS, betas, n_clusters=6, rng=np.random.default_rng(7))
    counts = [distinct_clusters(encoder, PAIRS) for encoder in curve.encoders]
    assert counts == [1, 3, 6]
    assert curve.i_xt[0] < 1e-9
    assert curve.i_ty[2] == pytest.approx(mutual_information(PAIRS), abs=1e-4)
    # Three clusters already hold most of it.
    middle = information_bottleneck(PAIRS, [6.0], n_clusters=6, rng=np.random.default_rng(8))
    assert distinct_clusters(middle.encoders[0], PAIRS) == 3
    assert middle.i_ty[0] > 0.95 * mutual_information(PAIRS)


@claim("information_bottleneck-3")
@pytest.mark.parametrize("error", [0.05, 0.2, 0.4])
def test_the_first_bifurcation_is_at_the_inverse_squared_correlation(error):
    """For the binary symmetric channel rho = 1 - 2 error; a perturbation grows beyond it."""
    joint = np.array([[1 - error, error], [error, 1 - error]]) / 2
    critical = 1 / (1 - 2 * error) ** 2
    assert critical_beta(joint) == pytest.approx(critical, rel=1e-12)
    nudged = np.array([[0.5 + 1e-4, 0.5 - 1e-4], [0.5 - 1e-4, 0.5 + 1e-4]])
    for beta, factor in ((0.8 * critical, 0.8), (1.2 * critical, 1.2)):
        after = bottleneck_step(nudged, joint, beta)
        assert (after[0, 0] - 0.5) / 1e-4 == pytest.approx(factor, rel=1e-6)
    assert critical_beta(np.outer([0.3, 0.7], [0.2, 0.8])) == np.inf


@claim("information_bottleneck-3")
def test_where_y_is_a_function_of_x_the_sweep_collapses():
    """Every beta above 1 gives the one corner I(X;T) = I(T;Y) = H(Y); none gives a middle."""
    joint = np.zeros((8, 3))
    joint[np.arange(8), [0, 0, 0, 1, 1, 1, 2, 2]] = 1 / 8
    betas = [0.5, 0.9, 1.0, 1.1, 1.5, 3.0, 50.0, 1e6]
    curve = information_bottleneck(joint, betas, n_clusters=5, rng=np.random.default_rng(9))
    expected = np.where(np.array(betas) > 1, entropy([3 / 8, 3 / 8, 2 / 8]), 0)
    np.testing.assert_allclose(curve.i_xt, expected, atol=1e-6)
    np.testing.assert_allclose(curve.i_ty, expected, atol=1e-6)


@claim("information_bottleneck-4")
@given(seed=seeds)
@settings(deadline=None, max_examples=40)
def test_mean_divergence_is_the_information_lost_with_bayes_decoder_only(seed):
    rng = np.random.default_rng(seed)
    joint = sparse_joint(rng, 6, 4)
    encoder = random_encoder(rng, 6, 3)
    p_x = joint.sum(axis=1)
    seen = p_x > 0
    weights = p_x[seen, None] * encoder[seen]
    p_y_given_x = joint[seen] / p_x[seen, None]

    def mean_divergence(decoder):
        return (weights * kl_divergence(p_y_given_x[:, None], decoder)).sum()

    lost = mutual_information(joint) - information_plane(encoder, joint)[1]
    bayes = bayes_decoder(encoder, joint)
    assert mean_divergence(bayes) == pytest.approx(lost, abs=1e-10)
    other = 0.9 * bayes + 0.1 * rng.dirichlet(np.ones(4), 3)
    surplus = (encoder.T @ p_x) @ kl_divergence(bayes, other)
    assert mean_divergence(other) == pytest.approx(lost + surplus, abs=1e-10)


@claim("information_bottleneck-4")
def test_the_distortion_held_fixed_gives_back_the_encoder():
    """At a solution, rate-distortion with d = KL to its own decoder has the same solution."""
    beta = 5.0
    curve = information_bottleneck(PAIRS, [beta], n_clusters=3, rng=np.random.default_rng(10))
    encoder = curve.encoders[0]
    divergence = kl_divergence(PAIRS[:, None] * 6, bayes_decoder(encoder, PAIRS))
    solution = rate_distortion(np.full(6, 1 / 6), divergence, [beta])
    assert solution.rate[0] == pytest.approx(curve.i_xt[0], abs=1e-6)
    lost = mutual_information(PAIRS) - curve.i_ty[0]
    assert solution.distortion[0] == pytest.approx(lost, abs=1e-6)
    # And the distortion does depend on the encoder: another one has another table.
    other = bayes_decoder(random_encoder(np.random.default_rng(11), 6, 3), PAIRS)
    assert np.abs(kl_divergence(PAIRS[:, None] * 6, other) - divergence).max() > 0.1


def test_paths_agree_and_inputs_stay(path):
    rng = np.random.default_rng(12)
    joint, betas = sparse_joint(rng, 9, 11), np.array([0.0, 1.0, 7.0, 1e6])
    starts = rng.dirichlet(np.full(10, 0.3), (4, 9))
    starts[:, :, 3] = 0  # a cluster nobody uses
    starts /= starts.sum(axis=2, keepdims=True)
    kept = joint.copy(), starts.copy()
    after = bottleneck_iterations(starts, joint, betas, 30)
    np.testing.assert_array_equal(joint, kept[0])
    np.testing.assert_array_equal(starts, kept[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compiled, "load", lambda topic: None)
        plain = bottleneck_iterations(starts, joint, betas, 30)
    np.testing.assert_allclose(after, plain, rtol=0, atol=1e-10)
    np.testing.assert_allclose(after.sum(axis=2), 1, rtol=1e-12)
    assert (after[:, :, 3] == 0).all()


@given(seed=seeds, exponent=st.floats(-3, 6))
@settings(deadline=None, max_examples=40)
def test_no_joint_and_no_beta_gives_nan(seed, exponent):
    rng = np.random.default_rng(seed)
    joint = sparse_joint(rng, 5, 6)
    encoder = np.eye(4)[rng.integers(0, 4, 5)]  # hard: zeros everywhere
    for beta in (0.0, 10**exponent, 1e6):
        after = bottleneck_iterations(encoder[None], joint, [beta], 7)
        assert np.isfinite(after).all()
        np.testing.assert_allclose(after.sum(axis=2), 1, rtol=1e-12)


def test_same_generator_same_bits_and_any_order_of_betas(path):
    def sweep(betas):
        rng = np.random.default_rng(13)
        return information_bottleneck(PAIRS, betas, n_clusters=4, rng=rng)

    one, two = sweep([2.0, 9.0]), sweep([2.0, 9.0])
    np.testing.assert_array_equal(one.encoders, two.encoders)
    swapped = sweep([9.0, 2.0])
    np.testing.assert_allclose(swapped.i_xt[::-1], one.i_xt, atol=1e-5)


def test_one_cluster_and_unused_clusters():
    curve = information_bottleneck(PAIRS, [50.0], n_clusters=1, rng=np.random.default_rng(14))
    assert curve.i_xt[0] == pytest.approx(0, abs=1e-12)
    decoder = bayes_decoder(np.eye(3)[[0, 0, 1, 1, 1, 0]], PAIRS)
    np.testing.assert_allclose(decoder[2], PAIRS.sum(axis=0))
    assert distinct_clusters(np.full((6, 4), 0.25), PAIRS) == 1


# Gaussian variables


def covariance_of(rho):
    """X and Y of unit variance whose i-th coordinates correlate by rho[i]."""
    return np.eye(len(rho)), np.eye(len(rho)), np.diag(rho)


def test_gaussian_curve_of_one_dimension_is_the_textbook_one():
    """I(T;Y) = -log2(1 - rho^2 (1 - 2^(-2 I(X;T)))) / 2."""
    rho = 0.8
    curve = gaussian_bottleneck(*covariance_of([rho]), np.linspace(0, 50, 101))
    expected = -0.5 * np.log2(1 - rho**2 * (1 - 2 ** (-2 * curve.i_xt)))
    np.testing.assert_allclose(curve.i_ty, expected, atol=1e-12)
    assert curve.critical_betas[0] == pytest.approx(1 / rho**2)
    assert (curve.i_xt[curve.betas <= 1 / rho**2] == 0).all()


@given(seed=seeds)
@settings(deadline=None, max_examples=25)
def test_gaussian_projections_have_the_informations_that_are_claimed(seed):
    """T = A X + noise: its informations from determinants, for any mixing of X and Y."""
    rng = np.random.default_rng(seed)
    n, m = 4, 3
    root = rng.standard_normal((n + m, n + m + 2))
    joint = root @ root.T
    c_x, c_y, c_xy = joint[:n, :n], joint[n:, n:], joint[:n, n:]
    curve = gaussian_bottleneck(c_x, c_y, c_xy, [0.5, 2.0, 10.0, 1e3])
    total = gaussian_information(joint, n)
    for beta, i_xt, i_ty, a in zip(
        curve.betas, curve.i_xt, curve.i_ty, curve.projections, strict=True
    ):
        noise = np.eye(3)
        c_t = a @ c_x @ a.T + noise
        tx = np.block([[c_t, a @ c_x], [c_x @ a.T, c_x]])
        ty = np.block([[c_t, a @ c_xy], [c_xy.T @ a.T, c_y]])
        assert gaussian_information(tx, 3) == pytest.approx(i_xt, abs=1e-7)
        assert gaussian_information(ty, 3) == pytest.approx(i_ty, abs=1e-7)
        assert i_ty <= min(total, i_xt) + 1e-9
        # No nearby projection does better: the value is a minimum.
        nudged = a + 1e-3 * rng.standard_normal(a.shape)
        c_t = nudged @ c_x @ nudged.T + noise
        other_xt = gaussian_information(np.block([[c_t, nudged @ c_x], [c_x @ nudged.T, c_x]]), 3)
        other_ty = gaussian_information(
            np.block([[c_t, nudged @ c_xy], [c_xy.T @ nudged.T, c_y]]), 3
        )
        assert other_xt - beta * other_ty >= i_xt - beta * i_ty - 1e-6


def test_the_discrete_bottleneck_of_a_finely_cut_gaussian_lies_just_below_the_analytic_curve():
    rho, n = 0.8, 41
    x = np.linspace(-3.5, 3.5, n)
    quadratic = (x[:, None] ** 2 - 2 * rho * x[:, None] * x + x**2) / (1 - rho**2)
    joint = np.exp(-quadratic / 2)
    joint /= joint.sum()
    curve = information_bottleneck(
        joint, [2.0, 4.0], n_clusters=25, rng=np.random.default_rng(15), n_restarts=2
    )
    theory = gaussian_bottleneck(*covariance_of([rho]), [2.0, 4.0])
    value, best = (c.i_xt - c.betas * c.i_ty for c in (curve, theory))
    np.testing.assert_allclose(value, best, atol=0.02)


def test_gaussian_information_of_a_pair_is_the_correlations():
    rho = 0.6
    covariance = np.array([[4.0, 2 * 3 * rho], [2 * 3 * rho, 9.0]])
    assert gaussian_information(covariance, 1) == pytest.approx(-0.5 * np.log2(1 - rho**2))


# Binned layers


def test_binned_information_counts_patterns():
    activity = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.6, 0.7]])
    found = binned_information(activity, [0, 0, 1, 1], 2, limits=(0.0, 1.0))
    assert found.i_xt == pytest.approx(1.5)  # patterns: two alike, two alone
    assert found.i_ty == pytest.approx(1.0)
    assert binned_information(activity, [0, 0, 1, 1], 1) == type(found)(0.0, 0.0)
    constant = binned_information(np.ones((4, 2)), [0, 1, 0, 1], 5)
    assert (constant.i_xt, constant.i_ty) == (0.0, 0.0)


def test_as_bins_shrink_the_binned_estimate_becomes_the_number_of_samples():
    """The true I(X;T) of a deterministic layer on distinct inputs is log2 n, always."""
    rng = np.random.default_rng(16)
    saturated = np.tanh(8 * rng.standard_normal((256, 3)))
    labels = rng.integers(0, 2, 256)
    estimates = [binned_information(saturated, labels, 2**k).i_xt for k in (2, 6, 14, 30)]
    assert (np.diff(estimates) > 0).all()
    assert estimates[0] < 6.5
    assert estimates[-1] == pytest.approx(8.0, abs=0.1)


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: entropy([0.5, 0.6]), ValueError, r"probabilities: .* sum to 1, got a sum of 1\.1"),
        (lambda: entropy([1.5, -0.5]), ValueError, "probabilities: expected prob.*, got -0.5"),
        (lambda: entropy("coin"), TypeError, "probabilities: expected real numbers, got an array"),
        (lambda: mutual_information([0.5, 0.5]), ValueError, r"joint: expected shape \(n_x, n_y\)"),
        (lambda: mutual_information(np.eye(2)), ValueError, "joint: .* got a sum of 2"),
        (lambda: mutual_information([[np.nan, 1.0]]), ValueError, "joint: expected finite numbers"),
        (lambda: kl_divergence(0.5, [1.0]), ValueError, "p: expected at least one axis"),
        (lambda: kl_divergence([0.5, 0.5], [0.4, 0.4]), ValueError, "q: .* got a sum of 0.8"),
        (lambda: kl_divergence([0.5, 0.5], [1.0, 0, 0]), ValueError, r"q: expected a shape that"),
        (
            lambda: rate_distortion([0.5, 0.5], HAMMING, [-1.0]),
            ValueError,
            "betas: expected numbers of at least 0, got -1",
        ),
        (
            lambda: rate_distortion([0.5, 0.5], HAMMING, [1e200]),
            ValueError,
            r"betas: expected numbers of at most 1e\+100, got 1e\+200",
        ),
        (
            lambda: rate_distortion([0.5, 0.5], np.ones((3, 2)), [1.0]),
            ValueError,
            r"distortion: expected shape \(2, m\), got \(3, 2\)",
        ),
        (
            lambda: rate_distortion([0.5, 0.5], -HAMMING, [1.0]),
            ValueError,
            "distortion: .* least 0",
        ),
        (lambda: rate_distortion([0.5, 0.4], HAMMING, [1.0]), ValueError, "p_x: .* sum of 0.9"),
        (lambda: rate_distortion([0.5, 0.5], HAMMING, []), ValueError, "betas: .* one element"),
        (
            lambda: rate_distortion([0.5, 0.5], HAMMING, [1.0], tol=0.0),
            ValueError,
            "tol: expected a number above 0, got 0",
        ),
        (
            lambda: rate_distortion_step(np.eye(3), [0.5, 0.5], HAMMING, 1.0),
            ValueError,
            r"channel: expected shape \(2, 2\), got \(3, 3\)",
        ),
        (
            lambda: rate_distortion_step(HAMMING, [0.5, 0.5], HAMMING, -1.0),
            ValueError,
            "beta: expected a number of at least 0, got -1",
        ),
        (
            lambda: bottleneck_step(np.ones((6, 2)), PAIRS, 1.0),
            ValueError,
            "encoder: expected rows that each sum to 1, got a sum of 2",
        ),
        (
            lambda: bottleneck_step(np.ones((5, 1)), PAIRS, 1.0),
            ValueError,
            r"encoder: expected shape \(6, n_clusters\), got \(5, 1\)",
        ),
        (lambda: bottleneck_step(np.ones((6, 1)), PAIRS, "1"), TypeError, "beta: .* got str"),
        (lambda: bottleneck_step(np.ones((6, 1)), 2 * PAIRS, 1), ValueError, "p_xy: .* sum of 2"),
        (
            lambda: bottleneck_iterations(np.ones((2, 6, 1)), PAIRS, [1.0], 3),
            ValueError,
            r"encoders: expected shape \(1, 6, n_clusters\)",
        ),
        (
            lambda: bottleneck_iterations(np.ones((1, 6, 1)), PAIRS, [1.0], -1),
            ValueError,
            "n_iterations: expected a whole number of at least 0, got -1",
        ),
        (
            lambda: information_bottleneck(PAIRS, [1.0], n_clusters=0, rng=None),
            ValueError,
            "n_clusters: expected a whole number of at least 1, got 0",
        ),
        (
            lambda: information_bottleneck(PAIRS, [1.0], n_clusters=2, rng=3),
            TypeError,
            "rng: expected a numpy.random.Generator",
        ),
        (
            lambda: information_bottleneck(PAIRS, [np.inf], n_clusters=2, rng=None),
            ValueError,
            "betas: expected finite numbers",
        ),
        (
            lambda: distinct_clusters(np.ones((6, 1)), PAIRS, tolerance=0.0),
            ValueError,
            "tolerance: expected a number above 0",
        ),
        (
            lambda: gaussian_bottleneck(np.eye(2), np.eye(1), np.ones((2, 1)), [1.0]),
            ValueError,
            "covariance_xy: expected correlations below 1",
        ),
        (
            lambda: gaussian_bottleneck(-np.eye(2), np.eye(1), np.zeros((2, 1)), [1.0]),
            ValueError,
            "covariance_x: expected a positive definite matrix, got the eigenvalue -1",
        ),
        (
            lambda: gaussian_bottleneck([[1, 0.5], [0, 1]], np.eye(1), np.zeros((2, 1)), [1.0]),
            ValueError,
            "covariance_x: expected a symmetric matrix",
        ),
        (
            lambda: gaussian_bottleneck(np.eye(3), np.eye(1), np.zeros((2, 1)), [1.0]),
            ValueError,
            r"covariance_x: expected shape \(2, 2\), got \(3, 3\)",
        ),
        (lambda: gaussian_information(np.eye(2), 2), ValueError, "n_first: expected fewer than 2"),
        (
            lambda: binned_information(np.ones((3, 2)), [0, 1], 4),
            ValueError,
            r"labels: expected shape \(3,\), got \(2,\)",
        ),
        (lambda: binned_information(np.ones((3, 2)), [0, 1, 0], 0), ValueError, "n_bins: expected"),
        (
            lambda: binned_information(np.ones((3, 2)), [0, 1, 0], 4, limits=(1.0, 0.0)),
            ValueError,
            r"limits\[1\]: expected a number of at least 1, got 0",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
