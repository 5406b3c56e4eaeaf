"""Attention: torch's numbers, softmax as division, posterior, scaling, gains, memory, errors."""

import math
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from course_utils import _compiled
from course_utils.attention import (
    attend,
    attended_normalization,
    feature_gain,
    item_posterior,
    online_softmax_step,
    scaled_dot_product_attention,
    softmax,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
DIRECTIONS = np.arange(0.0, 360.0, 5.0)


def draw(rng, *shapes, dtype=np.float64):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def torch_attention(query, key, value, **options):
    tensors = (torch.tensor(x) for x in (query, key, value))
    return torch.nn.functional.scaled_dot_product_attention(*tensors, **options).numpy()


# Softmax


def test_softmax_of_known_scores():
    np.testing.assert_allclose(softmax([0.0, math.log(3)]), [0.25, 0.75], rtol=1e-15)
    np.testing.assert_allclose(softmax([[1.0, 2.0], [1.0, 5.0]], axis=0)[1], [0.5, 0.9525741268])


@given(seed=seeds, axis=st.integers(-3, 2), spread=st.floats(0.01, 500))
@settings(deadline=None, max_examples=30)
def test_softmax_equals_scipys_along_any_axis_and_ignores_a_shift(seed, axis, spread):
    scores = spread * np.random.default_rng(seed).standard_normal((3, 4, 5))
    weights = softmax(scores, axis)
    np.testing.assert_allclose(weights, special.softmax(scores, axis), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(weights.sum(axis), 1, rtol=1e-14)
    np.testing.assert_allclose(softmax(scores + 1000.0, axis), weights, rtol=1e-9, atol=1e-300)


def test_softmax_of_extreme_scores_neither_overflows_nor_loses_the_difference():
    np.testing.assert_array_equal(softmax([1e308, -1e308]), [1, 0])
    np.testing.assert_array_equal(softmax([-1.7e308, 1.7e308, 1.7e308]), [0, 0.5, 0.5])
    np.testing.assert_allclose(softmax([1e4, 1e4 + math.log(3)]), [0.25, 0.75], rtol=1e-11)
    np.testing.assert_array_equal(softmax([5]), [1])


@claim("attention-3")
def test_softmax_is_divisive_normalization_of_exponentials_without_semi_saturation():
    scores = np.random.default_rng(0).normal(0, 2, 12)
    drive, everyone, neutral = np.exp(scores), np.ones((12, 12)), np.ones(12)
    divided = attended_normalization(drive, neutral, everyone, sigma=1e-300)
    np.testing.assert_allclose(softmax(scores), divided, rtol=1e-14)
    # Raising contrasts to the power n is softmax of their logarithms at inverse temperature n.
    for power in (0.5, 1.0, 2.0, 4.0):
        normalized = attended_normalization(drive**power, neutral, everyone, sigma=1e-300)
        np.testing.assert_allclose(softmax(power * scores), normalized, rtol=1e-13)


@claim("attention-3")
def test_semi_saturation_is_one_more_item_of_score_log_sigma():
    scores, sigma = np.random.default_rng(1).normal(0, 2, 7), 1.7
    with_null = softmax(np.append(scores, math.log(sigma)))
    divided = attended_normalization(np.exp(scores), np.ones(7), np.ones((7, 7)), sigma=sigma)
    np.testing.assert_allclose(with_null[:-1], divided, rtol=1e-14)
    # Equal factors on all drives leave softmax alone, but not a division with sigma > 0.
    stronger = attended_normalization(10 * np.exp(scores), np.ones(7), np.ones((7, 7)), sigma=sigma)
    np.testing.assert_allclose(softmax(scores + math.log(10)), softmax(scores), rtol=1e-14)
    assert (stronger > divided).all()


@claim("attention-3")
def test_an_attention_field_is_added_to_scores_as_a_log_prior_is():
    rng = np.random.default_rng(2)
    scores, field = rng.normal(0, 1, 9), rng.uniform(0.2, 5, 9)
    response = attended_normalization(np.exp(scores), field, np.ones((9, 9)), sigma=1e-300)
    np.testing.assert_allclose(response, softmax(scores + np.log(field)), rtol=1e-14)


# Attention


@claim("attention-2")
def test_attention_by_hand():
    """Two keys, scores 0 and ln 3 after scaling by 1/2: weights 1/4 and 3/4."""
    query, key = [[1.0, 0, 0, 0]], [[0.0, 1, 0, 0], [2 * math.log(3), 0, 0, 0]]
    output, weights = scaled_dot_product_attention(query, key, [[4.0, 8.0], [0.0, 4.0]])
    np.testing.assert_allclose(weights, [[0.25, 0.75]], rtol=1e-15)
    np.testing.assert_allclose(output, [[1.0, 5.0]], rtol=1e-15)


@claim("attention-2")
@pytest.mark.parametrize("scale", [None, 0.3, -1.0])
@pytest.mark.parametrize(
    ("query_shape", "key_shape", "dv"),
    [
        ((7, 5), (9, 5), 3),
        ((2, 3, 70, 16), (2, 3, 130, 16), 8),
        ((1, 4), (1, 4), 1),
        ((3, 1, 6, 8), (2, 10, 8), 4),
        ((300, 4), (700, 4), 4),
    ],
)
def test_attention_equals_torchs_on_all_shapes(path, query_shape, key_shape, dv, scale):
    rng = np.random.default_rng(3)
    q, k, v = draw(rng, query_shape, key_shape, (*key_shape[:-1], dv))
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
    wide = [np.broadcast_to(x, (*batch, *x.shape[-2:])).copy() for x in (q, k, v)]
    expected = torch_attention(*wide, scale=scale)
    output, weights = scaled_dot_product_attention(q, k, v, scale=scale)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-12)
    assert weights.shape == (*batch, q.shape[-2], k.shape[-2])
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-13)
    np.testing.assert_allclose(attend(q, k, v, scale=scale), expected, rtol=0, atol=1e-12)
    single = attend(*(x.astype(np.float32) for x in (q, k, v)), scale=scale)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=4e-6)


@claim("attention-2")
@pytest.mark.parametrize("shape", [(6, 9), (9,), (1, 9), (2, 1, 6, 9), (2, 3, 6, 9)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masks_equal_torchs_and_hidden_keys_have_no_say(path, shape, dtype):
    rng = np.random.default_rng(4)
    q, k, v = draw(rng, (2, 3, 6, 4), (2, 3, 9, 4), (2, 3, 9, 5), dtype=dtype)
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    whole = torch.tensor(np.broadcast_to(mask, (2, 3, 6, 9)).copy())
    expected = torch_attention(q.astype(float), k.astype(float), v.astype(float), attn_mask=whole)
    output, weights = scaled_dot_product_attention(q, k, v, mask=mask)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-12)
    assert (weights[~whole.numpy()] == 0).all()
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(attend(q, k, v, mask=mask), expected, rtol=0, atol=tolerance)


def test_a_causal_mask_longer_than_a_block(path):
    rng = np.random.default_rng(5)
    q, k, v = draw(rng, (900, 3), (900, 3), (900, 2))
    expected = torch_attention(q, k, v, is_causal=True)
    causal = np.tri(900, dtype=bool)
    np.testing.assert_allclose(attend(q, k, v, mask=causal), expected, rtol=0, atol=1e-12)
    # The first 600 keys hidden: whole blocks in which a query sees nothing.
    late = np.arange(900) >= 600
    expected = torch_attention(q, k[600:], v[600:])
    np.testing.assert_allclose(attend(q, k, v, mask=late), expected, rtol=0, atol=1e-12)


@given(seed=seeds, tq=st.integers(1, 5), tk=st.integers(1, 9), d=st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_outputs_lie_between_values_and_follow_a_permutation_of_items(seed, tq, tk, d):
    rng = np.random.default_rng(seed)
    q, k, v = draw(rng, (tq, d), (tk, d), (tk, 3))
    output, _ = scaled_dot_product_attention(q, k, v)
    assert (output <= v.max(axis=0) + 1e-12).all()
    assert (output >= v.min(axis=0) - 1e-12).all()
    order, rows = rng.permutation(tk), rng.permutation(tq)
    again, _ = scaled_dot_product_attention(q[rows], k[order], v[order])
    np.testing.assert_allclose(again, output[rows], rtol=0, atol=1e-12)


def test_extreme_scores_pick_the_best_key_without_overflow(path):
    q, k = np.array([[1e150], [-1e150]]), np.array([[1e150], [0.0], [-1e150]])
    v = np.array([[1.0], [2.0], [3.0]])
    for output in (scaled_dot_product_attention(q, k, v)[0], attend(q, k, v)):
        np.testing.assert_array_equal(output, [[1.0], [3.0]])
    single = [x.astype(np.float32) for x in (q / 1e135, k / 1e135, v)]
    np.testing.assert_array_equal(attend(*single), [[1.0], [3.0]])
    apart = np.array([[1e4], [1.0], [-1e4]])  # one query's scores are no measure for another's
    for output in (
        scaled_dot_product_attention(apart, k / 1e150, v)[0],
        attend(apart, k / 1e150, v),
    ):
        np.testing.assert_allclose(output[[0, 2]], [[1.0], [3.0]])
        np.testing.assert_allclose(output[1], special.softmax([1, 0, -1]) @ v, rtol=1e-12)
    rising = np.linspace(0, 2000, 2000)[:, None]  # every block brings a larger score
    np.testing.assert_allclose(attend([[50.0]], rising, rising), [[2000.0]], rtol=1e-12)
    equal = attend(np.zeros((2, 4)), np.ones((1500, 4)), np.arange(1500.0)[:, None])
    np.testing.assert_allclose(equal, 749.5, rtol=1e-13)


def test_inputs_are_not_modified_and_lists_and_views_will_do(path):
    rng = np.random.default_rng(6)
    q, k, v = draw(rng, (6, 80), (6, 130), (4, 130), dtype=np.float32)
    before = [x.copy() for x in (q, k, v)]
    output = attend(q.T, k.T, v.T)
    for x, copy in zip((q, k, v), before, strict=True):
        np.testing.assert_array_equal(x, copy)
    expected, _ = scaled_dot_product_attention(q.T, k.T, v.T)
    np.testing.assert_allclose(output, expected, rtol=0, atol=2e-6)
    assert attend([[1]], [[2]], [[3]]) == 3


def test_one_online_step_at_a_time_gives_softmax():
    rng = np.random.default_rng(7)
    scores, value = 100 * rng.standard_normal((4, 30)), rng.standard_normal((30, 2))
    state = np.full(4, -np.inf), np.zeros(4), np.zeros((4, 2))
    for columns in np.array_split(np.arange(30), [1, 2, 9, 25]):
        state = online_softmax_step(*state, scores[:, columns], value[columns])
    largest, total, average = state
    np.testing.assert_array_equal(largest, scores.max(axis=1))
    np.testing.assert_allclose(average / total[:, None], softmax(scores) @ value, rtol=1e-12)


# Memory


def test_plain_attend_needs_memory_linear_in_length(monkeypatch):
    """No more than arguments' copies, output and two blocks, whatever the length."""
    monkeypatch.setattr(_compiled, "load", lambda topic: None)
    rng = np.random.default_rng(8)
    peaks = []
    for length in (1024, 2048):
        q, k, v = draw(rng, (length, 8), (length, 8), (length, 8), dtype=np.float32)
        tracemalloc.start()
        attend(q, k, v)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    weights = 4 * 2048**2
    assert peaks[1] < weights / 4
    assert peaks[1] < 2.2 * peaks[0]
    q, k, v = draw(rng, (1024, 8), (1024, 8), (1024, 8))
    tracemalloc.start()
    scaled_dot_product_attention(q, k, v)
    assert tracemalloc.get_traced_memory()[1] > 8 * 1024**2  # the measure sees what is held
    tracemalloc.stop()


PEAK = """
import resource, sys
import numpy as np
from course_utils.attention import attend

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

rng = np.random.default_rng(0)
small = [rng.standard_normal((64, 8)).astype(np.float32) for _ in range(3)]
attend(*small)
q, k, v = (rng.standard_normal((12288, 8)).astype(np.float32) for _ in range(3))
before = peak()
attend(q, k, v)
print(peak() - before)
"""


def test_compiled_attend_needs_no_memory_for_weights():
    """The process's own peak: weights of 12288 x 12288 float32 would be 600 MB."""
    pytest.importorskip("numba")
    pytest.importorskip("resource")
    run = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(run.stdout) < 60e6


# The posterior


def norms_set_to(keys, norm):
    return norm * keys / np.linalg.norm(keys, axis=1, keepdims=True)


@claim("attention-4")
@given(seed=seeds, d=st.integers(1, 64), n=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_attention_is_the_posterior_for_keys_of_equal_norm(seed, d, n):
    rng = np.random.default_rng(seed)
    q, k, v = draw(rng, (5, d), (n, d), (n, 3))
    k = norms_set_to(k, math.sqrt(d))
    output, weights = scaled_dot_product_attention(q, k, v)
    posterior = item_posterior(q, k, variance=math.sqrt(d))
    np.testing.assert_allclose(weights, posterior, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(output, posterior @ v, rtol=0, atol=1e-13)


@claim("attention-4")
@given(seed=seeds, d=st.integers(1, 64), n=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_attention_is_the_posterior_under_the_prior_that_grows_with_the_norm(seed, d, n):
    rng = np.random.default_rng(seed)
    q, k = draw(rng, (5, d), (n, d))
    _, weights = scaled_dot_product_attention(q, k, k)
    prior = special.softmax((k**2).sum(axis=1) / (2 * math.sqrt(d)))
    posterior = item_posterior(q, k, variance=math.sqrt(d), prior=prior)
    np.testing.assert_allclose(weights, posterior, rtol=1e-11, atol=1e-15)


@claim("attention-4")
def test_with_equal_priors_and_unequal_norms_it_is_not():
    """The log odds are off by (|k_i|^2 - |k_j|^2) / (2 sqrt d), of variance 1 in any dimension."""
    rng = np.random.default_rng(9)
    for d in (16, 256):
        q, k = draw(rng, (200, d), (400, d))
        _, weights = scaled_dot_product_attention(q, k, k)
        posterior = item_posterior(q, k, variance=math.sqrt(d))
        norms = (k**2).sum(axis=1) / (2 * math.sqrt(d))
        gap = np.log(weights / posterior)
        odds = gap - gap[:, :1]
        np.testing.assert_allclose(odds, np.tile(norms - norms[0], (200, 1)), atol=1e-9)
        assert np.var(norms) == pytest.approx(0.5, rel=0.2)
        assert 0.5 * np.abs(weights - posterior).sum(axis=1).mean() > 0.15


@claim("attention-4")
def test_the_posterior_is_calibrated_and_its_average_the_best_guess():
    """Frequencies among draws of the generative model, and the squared error of three averages."""
    rng = np.random.default_rng(10)
    d, n, draws = 8, 12, 40_000
    k, v = draw(rng, (n, d), (n, 1))
    item = rng.integers(n, size=draws)
    q = k[item] + d**0.25 * rng.standard_normal((draws, d))
    posterior = item_posterior(q, k, variance=math.sqrt(d))
    _, weights = scaled_dot_product_attention(q, k, v)
    hit = np.arange(n) == item[:, None]
    for low in (0.1, 0.3, 0.6):
        chosen = (posterior > low) & (posterior < low + 0.1)
        spread = 4 * math.sqrt(0.25 / chosen.sum())
        assert hit[chosen].mean() == pytest.approx(posterior[chosen].mean(), abs=spread)
    chosen = weights > 0.7  # softmax without the prior is too sure
    assert hit[chosen].mean() < weights[chosen].mean() - 0.05
    best, other, hardest = (
        np.mean((guess - v[item]) ** 2)
        for guess in (posterior @ v, weights @ v, v[posterior.argmax(axis=1)])
    )
    assert best < other
    assert best < hardest


def test_item_posterior_by_hand_and_at_extremes():
    posterior = item_posterior([[0.0], [1.0]], [[0.0], [1.0]], variance=0.5, prior=[0.2, 0.8])
    e = math.exp(-1)
    np.testing.assert_allclose(posterior[0], np.array([0.2, 0.8 * e]) / (0.2 + 0.8 * e))
    np.testing.assert_allclose(posterior[1], np.array([0.2 * e, 0.8]) / (0.2 * e + 0.8))
    # Far away, and with an impossible item nearest.
    np.testing.assert_allclose(
        item_posterior([[1e8]], [[1e8], [2.0], [3.0]], variance=1e-3, prior=[0, 0.5, 0.5]),
        [[0, 0, 1]],
    )
    far = item_posterior([[1e100]], [[0.0], [5e99]], variance=1e-300)
    np.testing.assert_array_equal(far, [[0, 1]])
    with pytest.raises(ValueError, match="query, key: expected distances whose squares"):
        item_posterior([[1e200]], [[0.0]], variance=1.0)


# Scaling


@claim("attention-5")
@pytest.mark.parametrize(
    ("d", "law"), [(1, "normal"), (16, "normal"), (64, "normal"), (16, "sign")]
)
def test_scaled_scores_have_variance_one_in_any_dimension(d, law):
    """By the kernel's own weights: the log odds of two keys are a difference of two scores."""
    rng = np.random.default_rng(11)
    differences = []
    for _ in range(20):
        shapes = (20_000, 1, d), (20_000, 2, d)
        q, k = draw(rng, *shapes)
        if law == "sign":
            q, k = np.sign(q), np.sign(k)
        _, weights = scaled_dot_product_attention(q, k, k)
        differences.append(np.log(weights[:, 0, 0] / weights[:, 0, 1]))
    assert np.var(differences) / 2 == pytest.approx(1, rel=0.01)


def sensitivity(weights):
    """Trace of the softmax's Jacobian, the sum over i of w_i (1 - w_i)."""
    return 1 - (weights**2).sum(axis=-1)


@claim("attention-5")
def test_the_jacobian_of_softmax_is_what_the_sensitivity_sums():
    scores = torch.tensor(np.random.default_rng(12).normal(0, 2, 6))
    jacobian = torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 0), scores)
    assert sensitivity(softmax(scores.numpy())) == pytest.approx(float(jacobian.trace()))


@claim("attention-5")
def test_without_scaling_softmax_saturates_and_gradients_vanish():
    rng = np.random.default_rng(13)
    medians, means = {}, {}
    for d in (4, 64, 1024):
        q, k = draw(rng, (500, 1, d), (500, 32, d))
        for scale in (None, 1.0):
            _, weights = scaled_dot_product_attention(q, k, k, scale=scale)
            trace = sensitivity(weights[:, 0])
            medians[d, scale], means[d, scale] = np.median(trace), trace.mean()
    assert all(medians[d, None] > 0.85 for d in (4, 64, 1024))
    assert medians[1024, 1.0] < 1e-3
    assert medians[64, 1.0] > 30 * medians[1024, 1.0]
    # The mean falls only as 1/sqrt(d): rare near-ties keep it up.
    assert means[64, 1.0] / means[1024, 1.0] == pytest.approx(4, rel=0.5)


# Gains


@claim("attention-1")
def test_feature_gain_at_known_angles():
    preferred = [0.0, 90.0, 180.0, 270.0]
    half = 90 / math.sqrt(2 * math.log(2))  # at 90 degrees the similarity is then 0
    gained = feature_gain([2.0, 2.0, 2.0, 2.0], preferred, 0.0, strength=0.3, width=half)
    np.testing.assert_allclose(gained, [2.6, 2.0, 2 * (1 + 0.3 * (2 / 16 - 1)), 2.0], rtol=1e-13)


@claim("attention-1")
@given(
    attended=st.floats(-1e3, 1e3),
    strength=st.floats(0, 1),
    width=st.floats(5, 200),
    stimulus=st.floats(0, 360),
)
@settings(deadline=None, max_examples=40)
def test_the_gain_multiplies_falls_with_distance_and_goes_around(
    attended, strength, width, stimulus
):
    options = {"strength": strength, "width": width}
    gain = feature_gain(np.ones(72), DIRECTIONS, attended, **options)
    responses = np.exp(2 * np.cos(np.deg2rad(DIRECTIONS - stimulus)))
    gained = feature_gain(responses, DIRECTIONS, attended, **options)
    np.testing.assert_allclose(gained, gain * responses, rtol=1e-13)
    distance = np.rad2deg(np.arccos(np.cos(np.deg2rad(DIRECTIONS - attended))))
    order = np.argsort(distance)
    assert (np.diff(gain[order]) <= 1e-9).all()
    assert gain.max() <= 1 + strength
    assert gain.min() >= 1 - strength - 1e-15
    turned = feature_gain(np.ones(72), DIRECTIONS + 720, attended - 360, **options)
    np.testing.assert_allclose(turned, gain, rtol=1e-9)


@claim("attention-1")
def test_attention_scales_a_tuning_curve_and_sharpens_the_population():
    """Without narrowing a cell's tuning; across cells, the profile follows the gain."""
    stimuli = DIRECTIONS
    tuning = np.exp(2 * (np.cos(np.deg2rad(DIRECTIONS - stimuli[:, None])) - 1))
    options = {"strength": 0.1, "width": 60.0}
    gained = feature_gain(tuning, DIRECTIONS, 40.0, **options)  # the same attention, all stimuli
    np.testing.assert_allclose(gained / gained.max(axis=0), tuning / tuning.max(axis=0))
    followed = np.array(
        [feature_gain(r, DIRECTIONS, s, **options) for r, s in zip(tuning, stimuli, strict=True)]
    )
    directionality = followed[0, 0] / followed[36, 0] / (tuning[0, 0] / tuning[36, 0])
    assert directionality == pytest.approx(1.1 / 0.9, rel=0.02)


def contrast_response(attention_width, *, gain=4.0, stimulus=10.0):
    """c50 and maximum of the center cell, attended against ignored, on a line of 121 cells."""
    x = np.arange(-60.0, 61.0)
    contrasts = np.logspace(-5, 2, 400)
    pool = stats.norm.pdf(x[:, None], x, 20.0)
    drive = contrasts[:, None] * np.exp(-0.5 * (x / stimulus) ** 2)
    field = 1 + (gain - 1) * np.exp(-0.5 * (x / attention_width) ** 2)
    curves = [
        attended_normalization(drive, f, pool, sigma=0.01)[:, 60] for f in (field, np.ones_like(x))
    ]
    tops = [curve[-1] for curve in curves]
    halves = [np.interp(top / 2, curve, contrasts) for top, curve in zip(tops, curves, strict=True)]
    return halves[0] / halves[1], tops[0] / tops[1]


def test_a_wide_attention_field_gives_contrast_gain_and_a_narrow_one_response_gain():
    half, top = contrast_response(1000.0)
    assert half == pytest.approx(1 / 4, rel=1e-2)
    assert top == pytest.approx(1, rel=1e-3)
    half, top = contrast_response(0.05)
    assert half == pytest.approx(1, rel=0.15)
    assert top == pytest.approx(4, rel=0.15)
    halves, tops = zip(*(contrast_response(w) for w in (1, 3, 10, 30, 100)), strict=True)
    assert (np.diff(halves) < 0).all()
    assert (np.diff(tops) < 0).all()


def test_attended_normalization_by_hand():
    response = attended_normalization([[2.0, 4.0]], [3.0, 1.0], [[1.0, 0.5], [0.0, 2.0]], sigma=1.0)
    np.testing.assert_allclose(response, [[6 / (1 + 6 + 2), 4 / (1 + 8)]], rtol=1e-15)


# Bad input

OK = np.ones((3, 2))


@pytest.mark.parametrize("function", [scaled_dot_product_attention, attend])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"query": np.ones(2)}, ValueError, r"query: expected at least 2 axes, got shape \(2,\)"),
        ({"query": np.ones((0, 2))}, ValueError, r"query: expected at least one element"),
        ({"key": np.ones((3, 5))}, ValueError, r"key: expected shape \(\.\.\., tk, 2\), got"),
        ({"value": np.ones((4, 2))}, ValueError, r"value: expected shape \(\.\.\., 3, dv\)"),
        ({"key": np.ones((2, 3, 2)), "query": np.ones((4, 3, 2))}, ValueError, r"key: .*broadcast"),
        ({"value": [[1.0], [np.nan], [2.0]]}, ValueError, r"value: expected finite .* nan"),
        ({"query": [[np.inf, 1.0]]}, ValueError, "query: expected finite numbers, got inf"),
        ({"key": [["a", "b"]]}, TypeError, "key: expected real numbers"),
        ({"query": 1j * OK}, TypeError, "query: expected real numbers, got an array of complex128"),
        ({"scale": np.nan}, ValueError, "scale: expected a finite number"),
        ({"scale": "big"}, TypeError, "scale: expected a real number, got str"),
        ({"mask": OK}, TypeError, r"mask: expected booleans \(True: may look\), got float64"),
        ({"mask": np.ones((3, 4), bool)}, ValueError, r"mask: .*broadcasts to \(3, 3\), got"),
        ({"mask": np.ones((2, 3, 3, 3), bool), "query": np.ones((5, 3, 2))}, ValueError, "mask: "),
        ({"mask": np.eye(3, dtype=bool)[:, ::-1] & False}, ValueError, "mask: .* at least one key"),
        ({"query": 1e200 * OK, "key": 1e200 * OK}, ValueError, "query, key: expected scores that"),
        ({"query": 1e300 * OK, "scale": 1e300}, ValueError, "query, key: expected scores that"),
        ({"value": 1e308 * OK}, ValueError, "value: expected sums that float64 can hold"),
    ],
)
def test_attention_names_what_is_wrong(function, change, error, message):
    arguments = {"query": OK, "key": OK, "value": OK} | change
    with pytest.raises(error, match=message):
        function(**arguments)


def test_single_precision_has_its_own_limit():
    large = np.full((3, 2), 1e20, np.float32)
    with pytest.raises(ValueError, match="scores that float32 can hold"):
        attend(large, large, large)
    assert attend(large.astype(float), large, OK).dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "scores: expected at least one element"),
        ((3.0,), ValueError, "scores: expected at least 1 axis, got a single number"),
        (([1.0, np.inf],), ValueError, "scores: expected finite numbers"),
        ((["a"],), TypeError, "scores: expected real numbers"),
        (([[1.0], [1.0, 2.0]],), ValueError, "scores: expected a regular array"),
        (([1.0], 1), ValueError, r"axis: expected an axis of shape \(1,\), got 1"),
        (([1.0], 0.5), TypeError, "axis: expected a whole number, got float"),
        (([1.0], None), TypeError, "axis: expected a whole number, got NoneType"),
    ],
)
def test_softmax_names_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        softmax(*arguments)


GAIN = {"responses": [1.0, 2.0], "preferred": [0.0, 9.0], "attended": 5.0}
NORMALIZATION = {"drive": [1.0, 2.0], "attention_field": [1.0, 1.0], "pool_weights": np.eye(2)}
POSTERIOR = {"query": OK, "key": OK, "variance": 1.0}
STEP = {"largest": [0.0], "total": [1.0], "average": [[1.0]], "scores": [[1.0]], "value": [[1.0]]}


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (feature_gain, GAIN | {"responses": [1.0]}, ValueError, r"responses: .*\(\.\.\., 2\)"),
        (feature_gain, GAIN | {"responses": [-1.0, 1]}, ValueError, "responses: .* at least 0"),
        (feature_gain, GAIN | {"responses": 1.0}, ValueError, "responses: expected shape"),
        (feature_gain, GAIN | {"preferred": [[0.0, 9.0]]}, ValueError, r"preferred: .*\(n,\)"),
        (feature_gain, GAIN | {"attended": [1.0, 2.0]}, TypeError, "attended: expected a real"),
        (feature_gain, GAIN | {"strength": 1.5}, ValueError, "strength: .* of at most 1"),
        (feature_gain, GAIN | {"strength": -0.1}, ValueError, "strength: .* of at least 0"),
        (feature_gain, GAIN | {"width": 0.0}, ValueError, "width: expected a number above 0"),
        (attended_normalization, NORMALIZATION | {"drive": -1.0}, ValueError, "drive: "),
        (attended_normalization, NORMALIZATION | {"drive": 1.0}, ValueError, "drive: .* single"),
        (
            attended_normalization,
            NORMALIZATION | {"drive": [1e308] * 2, "pool_weights": np.ones((2, 2))},
            ValueError,
            "drive: .* pooled sum",
        ),
        (
            attended_normalization,
            NORMALIZATION | {"attention_field": [1.0]},
            ValueError,
            "attention",
        ),
        (attended_normalization, NORMALIZATION | {"pool_weights": OK}, ValueError, "pool_weights"),
        (attended_normalization, NORMALIZATION | {"sigma": 0.0}, ValueError, "sigma: .* above 0"),
        (item_posterior, POSTERIOR | {"key": np.ones((2, 5))}, ValueError, r"key: .*\(tk, 2\)"),
        (item_posterior, POSTERIOR | {"variance": 0.0}, ValueError, "variance: .* above 0"),
        (item_posterior, POSTERIOR | {"prior": [0.5, 0.5, 0.5]}, ValueError, "prior: .* sum to 1"),
        (item_posterior, POSTERIOR | {"prior": [1.0]}, ValueError, r"prior: expected shape \(3,\)"),
        (online_softmax_step, STEP | {"total": [-1.0]}, ValueError, "total: .* at least 0"),
        (online_softmax_step, STEP | {"largest": [np.nan]}, ValueError, "largest: expected finite"),
        (online_softmax_step, STEP | {"average": [[1.0, 2.0]]}, ValueError, r"average: .*\(1, 1\)"),
        (online_softmax_step, STEP | {"value": [[1.0], [2.0]]}, ValueError, r"value: .*\(1, dv\)"),
    ],
)
def test_other_kernels_name_what_is_wrong(function, arguments, error, message):
    defaults = {feature_gain: {"strength": 0.1, "width": 60.0}}
    defaults[attended_normalization] = {"sigma": 1.0}
    with pytest.raises(error, match=message):
        function(**(defaults.get(function, {}) | arguments))


def test_importing_attention_imports_neither_numba_nor_torch_nor_matplotlib():
    program = (
        "import sys, course_utils.attention\n"
        "print({'numba', 'torch', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
