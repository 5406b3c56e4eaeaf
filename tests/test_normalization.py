"""Normalization: gain control, its peers in deep networks, contrast response, redundancy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import signal, stats
from sklearn.datasets import load_digits

from course_utils import _compiled
from course_utils.data import load_photographs
from course_utils.normalization import (
    batch_norm,
    dependence,
    divisive_normalization,
    fit_naka_rushton,
    fit_pool_weights,
    group_norm,
    layer_norm,
    naka_rushton,
    stored_batch_norm,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)


def by_loops(drive, sigma, weights, exponent):
    """The equation, one term at a time."""
    drive = np.asarray(drive, float)
    weights = np.ones((drive.shape[1],) * 2) if weights is None else np.asarray(weights)
    out = np.empty_like(drive)
    for b, z in enumerate(drive):
        for i in range(len(z)):
            pool = sum(w * abs(x) ** exponent for w, x in zip(weights[i], z, strict=True))
            out[b, i] = np.sign(z[i]) * abs(z[i]) ** exponent / (sigma**exponent + pool)
    return out


# Divisive normalization


def test_known_responses(path):
    np.testing.assert_allclose(divisive_normalization([1.0, 2.0, 5.0], 2.0), [0.1, 0.2, 0.5])
    responses = divisive_normalization([3.0, -4.0], 5.0, exponent=2.0)
    np.testing.assert_allclose(responses, [9 / 50, -16 / 50])
    weights = [[0.0, 1.0], [0.5, 0.0]]
    np.testing.assert_allclose(divisive_normalization([3.0, 1.0], 1.0, weights), [1.5, 0.4])


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 2.7])
@pytest.mark.parametrize("pool", ["uniform", "weighted"])
def test_responses_are_the_equation_term_by_term(path, exponent, pool):
    rng = np.random.default_rng(0)
    drive = rng.standard_normal((7, 5))
    weights = None if pool == "uniform" else rng.uniform(0, 2, (5, 5))
    got = divisive_normalization(drive, 0.7, weights, exponent=exponent)
    np.testing.assert_allclose(got, by_loops(drive, 0.7, weights, exponent), rtol=1e-13)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_responses_are_torchs_local_response_normalization_over_all_channels(path, exponent):
    """torch divides a by k + alpha/size sum of a²: with a = z² that is our rule for z² ..."""
    drive = np.random.default_rng(1).uniform(0, 3, (6, 9))
    theirs = torch.nn.functional.local_response_norm(
        torch.tensor(drive[:, :, None]), size=19, alpha=19.0, beta=1.0, k=0.25
    )
    # ... and with a = z it is z / (k + sum of z²), which times z is our rule of exponent 2.
    got = divisive_normalization(drive, 0.5, exponent=2.0)
    np.testing.assert_allclose(got, drive * theirs.numpy()[:, :, 0], rtol=1e-12)
    halves = divisive_normalization(drive**exponent, 0.5**exponent)
    np.testing.assert_allclose(
        halves, divisive_normalization(drive, 0.5, exponent=exponent), rtol=1e-12
    )


def test_softmax_is_divisive_normalization_of_exponentials(path):
    scores = np.random.default_rng(2).standard_normal((4, 6))
    expected = torch.softmax(torch.tensor(scores), dim=1).numpy()
    np.testing.assert_allclose(divisive_normalization(np.exp(scores), 0.0), expected, rtol=1e-12)


@claim("normalization-1")
def test_linear_below_and_saturating_above_sigma(path):
    pattern = np.array([0.2, 0.5, 0.3])
    for exponent in (1.0, 2.0):
        pool = (pattern**exponent).sum()
        faint = divisive_normalization(1e-4 * pattern, 1.0, exponent=exponent)
        np.testing.assert_allclose(faint, (1e-4 * pattern) ** exponent, rtol=2e-4)
        strong = divisive_normalization(1e8 * pattern, 1.0, exponent=exponent)
        np.testing.assert_allclose(strong, pattern**exponent / pool, rtol=1e-7)


@claim("normalization-1")
@settings(deadline=None, max_examples=60)
@given(seed=seeds, log_scale=st.floats(-4, 4), exponent=st.sampled_from([1.0, 2.0, 1.4]))
def test_sensitivity_to_intensity_is_the_share_of_sigma_in_the_denominator(
    seed, log_scale, exponent
):
    """d ln r / d ln k = n sigma^n / (sigma^n + pool): far above sigma it is 0, nowhere exactly."""
    rng = np.random.default_rng(seed)
    drive = 10**log_scale * rng.uniform(0.1, 1, 5)
    h = 1e-4
    up = divisive_normalization(drive * np.exp(h), 1.0, exponent=exponent)
    down = divisive_normalization(drive * np.exp(-h), 1.0, exponent=exponent)
    slope = (np.log(up) - np.log(down)) / (2 * h)
    expected = exponent / (1 + (drive**exponent).sum())
    np.testing.assert_allclose(slope, expected, atol=1e-7)
    assert (slope > -1e-9).all()


@claim("normalization-1")
def test_insensitive_to_intensity_only_far_above_sigma(path):
    pattern = np.array([0.2, 0.5, 0.3])
    near, far = (
        divisive_normalization(2 * k * pattern, 1.0) / divisive_normalization(k * pattern, 1.0)
        for k in (1.0, 1e4)
    )
    np.testing.assert_allclose(near, 4 / 3)  # doubling at sigma still raises responses by a third
    np.testing.assert_allclose(far, 1, atol=1e-4)
    exact = divisive_normalization(2 * pattern, 0.0)
    np.testing.assert_allclose(exact, divisive_normalization(pattern, 0.0), rtol=1e-14)


@claim("normalization-1")
def test_ratios_within_a_pool_survive_at_every_intensity(path):
    drive = np.array([[0.1, 0.4, 0.2]]) * np.logspace(-5, 5, 11)[:, None]
    responses = divisive_normalization(drive, 0.3)
    np.testing.assert_allclose(responses / responses[:, :1], [[1, 4, 2]] * 11, rtol=1e-12)


@claim("normalization-1")
def test_a_unit_in_its_own_pool_has_the_naka_rushton_contrast_response(path):
    contrast = np.logspace(-3, 0, 20)
    gains = np.array([1.0, 0.5, 0.1])
    responses = divisive_normalization(contrast[:, None] * gains, 0.2, exponent=2.0)
    pool = (gains**2).sum()
    for response, gain in zip(responses.T, gains, strict=True):
        expected = naka_rushton(contrast, gain**2 / pool, 0.2 / np.sqrt(pool), 2.0)
        np.testing.assert_allclose(response, expected, rtol=1e-12)


@claim("normalization-1")
def test_a_mask_the_unit_does_not_see_shifts_its_contrast_response(path):
    """Cross-orientation suppression: c50² becomes c50² + mask², and r_max stays."""
    contrast, mask, sigma = np.logspace(-2, 0, 9), 0.25, 0.1
    drive = np.stack([contrast, np.full(9, mask)], axis=1)
    response = divisive_normalization(drive, sigma, exponent=2.0)[:, 0]
    np.testing.assert_allclose(
        response, naka_rushton(contrast, 1.0, np.hypot(sigma, mask), 2.0), rtol=1e-12
    )
    assert (response < naka_rushton(contrast, 1.0, sigma, 2.0)).all()


@settings(deadline=None, max_examples=40)
@given(
    drive=hnp.arrays(float, (3, 4), elements=st.floats(-1e3, 1e3)),
    sigma=st.floats(0.01, 100),
    exponent=st.sampled_from([1.0, 2.0, 1.7]),
)
def test_responses_keep_sign_and_order_and_sum_to_less_than_one(drive, sigma, exponent):
    responses = divisive_normalization(drive, sigma, exponent=exponent)
    assert (np.sign(responses) * np.sign(drive) >= 0).all()
    assert (np.abs(responses).sum(axis=1) < 1 + 1e-12).all()
    order = np.argsort(np.abs(drive), axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(np.abs(responses), order, 1), axis=1) >= -1e-15).all()


@pytest.mark.parametrize("exponent", [1.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_compiled_loop_agrees_with_numpy(exponent, dtype):
    pytest.importorskip("numba")
    drive = np.random.default_rng(3).standard_normal((5000, 70)).astype(dtype)
    compiled = divisive_normalization(drive, 0.5, exponent=exponent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compiled, "load", lambda topic: None)
        plain = divisive_normalization(drive, 0.5, exponent=exponent)
    assert compiled.dtype == plain.dtype == dtype
    np.testing.assert_allclose(compiled, plain, rtol=1e-12 if dtype == np.float64 else 5e-6)


def test_any_number_of_axes_and_strides_and_no_input_modified(path):
    rng = np.random.default_rng(4)
    whole = rng.standard_normal((3, 2, 8))
    drive = whole[:, ::-1, ::2]
    before = whole.copy()
    got = divisive_normalization(drive, 1.0, exponent=2.0)
    assert got.shape == (3, 2, 4)
    np.testing.assert_allclose(got[2, 1], by_loops(drive[2, 1:2], 1.0, None, 2.0)[0])
    np.testing.assert_array_equal(whole, before)
    assert divisive_normalization([0.5, 0.5], 1).shape == (2,)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_huge_and_tiny_drives_are_divided_as_their_scaled_selves(path, exponent):
    z = np.array([[3.0, 4.0, 0.0], [-1.0, 0.5, 2.0]])
    expected = by_loops(z, 2.0, None, exponent)
    weights = np.eye(3) + 0.1
    weighted = by_loops(z, 2.0, weights, exponent)
    for scale in (1e300, 1e-300):
        got = divisive_normalization(z * scale, 2 * scale, exponent=exponent)
        np.testing.assert_allclose(got, expected, rtol=1e-9)
        got = divisive_normalization(z * scale, 2 * scale, weights, exponent=exponent)
        np.testing.assert_allclose(got, weighted, rtol=1e-9)
    got = divisive_normalization([1e300, 1.0], 1.0, np.eye(2), exponent=exponent)
    np.testing.assert_allclose(got, [1.0, 0.5])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1.0, np.nan]], 1.0), ValueError, r"drive: expected finite numbers, got nan"),
        (([[1.0, np.inf]], 1.0), ValueError, r"drive: expected finite numbers, got inf"),
        ((np.array([1.0, np.nan]), 1.0), ValueError, r"drive: .*got nan at index \(1,\)"),
        ((1.0, 1.0), ValueError, r"drive: expected shape \(\.\.\., n\), got \(\)"),
        ((np.zeros((0, 3)), 1.0), ValueError, r"drive: expected at least one element"),
        (([[1.0], [1.0, 2.0]], 1.0), ValueError, r"drive: expected a regular array"),
        ((["a"], 1.0), TypeError, r"drive: expected real numbers"),
        ((np.array([1j]), 1.0), TypeError, r"drive: expected real numbers"),
        (([1.0], -0.1), ValueError, r"sigma: expected a number of at least 0, got -0.1"),
        (([1.0], np.nan), ValueError, r"sigma: expected a finite number"),
        (([1.0], "1"), TypeError, r"sigma: expected a real number, got str"),
        (([1.0, 2.0], 1.0, np.ones((2, 3))), ValueError, r"pool_weights: .*\(2, 2\), got \(2, 3\)"),
        (([1.0, 2.0], 1.0, -np.eye(2)), ValueError, r"pool_weights: .*at least 0, got -1"),
        (([0.0, 0.0], 0.0), ValueError, r"sigma: expected a number above 0 where all drives"),
        (([1.0, 0.0], 0.0, np.eye(2)), ValueError, r"sigma: expected a number above 0"),
    ],
)
def test_bad_input_of_divisive_normalization(path, arguments, error, message):
    with pytest.raises(error, match=message):
        divisive_normalization(*arguments)


def test_bad_exponents(path):
    for exponent in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="exponent: expected"):
            divisive_normalization([1.0], 1.0, exponent=exponent)


# Batch, layer and group normalization


@claim("normalization-2")
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_batch_layer_and_group_norm_are_torchs(eps):
    z = np.random.default_rng(5).normal(3, 2, (7, 12))
    tensor = torch.tensor(z)
    functional = torch.nn.functional
    pairs = [
        (batch_norm(z, eps=eps), functional.batch_norm(tensor, None, None, training=True, eps=eps)),
        (layer_norm(z, eps=eps), functional.layer_norm(tensor, (12,), eps=eps)),
        (group_norm(z, 4, eps=eps), functional.group_norm(tensor, 4, eps=eps)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11, atol=1e-13)
    mean, variance = z.mean(axis=0) + 1, z.var(axis=0) * 2
    theirs = functional.batch_norm(tensor, torch.tensor(mean), torch.tensor(variance), eps=eps)
    np.testing.assert_allclose(stored_batch_norm(z, mean, variance, eps=eps), theirs.numpy())


@claim("normalization-2")
@settings(deadline=None, max_examples=30)
@given(seed=seeds, k=st.floats(0.5, 20), shift=st.floats(-5, 5))
def test_invariances_of_the_schemes_differ(seed, k, shift):
    """Per feature across the batch against per sample across the population, row by row."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (8, 6))
    tiny = 1e-12
    schemes = {
        "divisive": lambda z: divisive_normalization(z, 1e-6, exponent=2.0),
        "batch": lambda z: batch_norm(z, eps=tiny),
        "layer": lambda z: layer_norm(z, eps=tiny),
        "group": lambda z: group_norm(z, 2, eps=tiny),
        "stored": lambda z: stored_batch_norm(z, np.zeros(6), np.ones(6), eps=tiny),
    }
    one_sample = np.where(np.arange(8) == 0, k, 1.0)[:, None]
    one_feature = np.where(np.arange(6) == 0, k, 1.0)
    changes = {
        "scale a sample": (z * one_sample, slice(0, 1)),
        "shift a sample": (z + shift * (np.arange(8) == 0)[:, None], slice(0, 1)),
        "scale a feature": (z * one_feature, slice(None)),
        "shift a feature": (z + shift * (np.arange(6) == 0), slice(None)),
        "change a batch-mate": (
            np.vstack([z[:-1], k * z[-1:] + shift + 1]),
            slice(0, -1),
        ),
    }
    invariant = {
        "divisive": {"scale a sample", "change a batch-mate"},
        "batch": {"scale a feature", "shift a feature"},
        "layer": {"scale a sample", "shift a sample", "change a batch-mate"},
        "group": {"scale a sample", "shift a sample", "change a batch-mate"},
        "stored": {"change a batch-mate"},
    }
    for scheme, function in schemes.items():
        for change, (changed, rows) in changes.items():
            difference = np.abs(function(changed) - function(z))[rows].max()
            if change in invariant[scheme]:
                assert difference < 1e-6, (scheme, change)
            elif abs(np.log(k)) > 0.1 and abs(shift) > 0.1:
                assert difference > 1e-4, (scheme, change)


@claim("normalization-2")
def test_layer_norm_is_divisive_normalization_of_deviations_from_the_mean():
    z = np.random.default_rng(6).normal(1, 3, (5, 8))
    layered = layer_norm(z, eps=0.3)
    deviations = z - z.mean(axis=1, keepdims=True)
    uniform = np.full((8, 8), 1 / 8)
    divided = divisive_normalization(deviations, np.sqrt(0.3), uniform, exponent=2.0)
    np.testing.assert_allclose(np.sign(layered) * layered**2, divided, rtol=1e-12)


@claim("normalization-2")
@claim("normalization-3")
def test_batch_norm_needs_other_samples_and_the_others_do_not():
    """The Jacobian: which inputs can move sample 0's responses, and a stored scheme's none."""
    z = np.random.default_rng(7).standard_normal((4, 3))
    for function, reaches_others in [
        (batch_norm, True),
        (layer_norm, False),
        (lambda z: divisive_normalization(z, 1.0, exponent=2.0), False),
        (lambda z: stored_batch_norm(z, np.zeros(3), np.ones(3)), False),
    ]:
        moved = z.copy()
        moved[1] += 0.5
        assert (np.abs(function(moved) - function(z))[[0, 2, 3]].max() > 1e-3) == reaches_others
    moved = z.copy()
    moved[:, 1] += np.arange(4)
    change = np.abs(batch_norm(moved) - batch_norm(z))
    assert change[:, [0, 2]].max() == 0  # and no other feature
    assert change[:, 1].max() > 0.1


@claim("normalization-3")
def test_stored_statistics_make_batch_norm_affine_and_batch_statistics_do_not():
    rng = np.random.default_rng(8)
    a, b = rng.normal(2, 3, (2, 6, 4))
    mean, variance = rng.normal(0, 1, 4), rng.uniform(0.5, 2, 4)

    def stored(z):
        return stored_batch_norm(z, mean, variance)

    np.testing.assert_allclose(
        stored(0.3 * a + 0.7 * b), 0.3 * stored(a) + 0.7 * stored(b), atol=1e-13
    )
    mixed = 0.3 * batch_norm(a) + 0.7 * batch_norm(b)
    assert np.abs(batch_norm(0.3 * a + 0.7 * b) - mixed).max() > 0.1
    np.testing.assert_allclose(stored(2 * a) - stored(a), a / np.sqrt(variance + 1e-5), rtol=1e-9)


def digits_network(seed, norm, batch_size=64, n_steps=400):
    """A network of one normalized hidden layer, trained on digits 200 and up."""
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16, dtype=torch.float32)
    targets = torch.tensor(labels)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 32, bias=False), norm(32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(n_steps):
        batch = torch.randint(200, len(images), (batch_size,))
        loss = torch.nn.functional.cross_entropy(network(images[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network, images[:200], targets[:200]


def accuracy(network, images, targets):
    with torch.no_grad():
        return (network(images).argmax(dim=1) == targets).double().mean().item()


@claim("normalization-3")
def test_company_changes_what_batch_norm_sees_and_small_batches_open_a_gap():
    network, images, targets = digits_network(0, torch.nn.BatchNorm1d)
    order = torch.argsort(targets, stable=True)
    sorted_images, sorted_targets = images[order], targets[order]
    network.eval()
    stored = accuracy(network, images, targets)
    assert stored > 0.9
    assert accuracy(network, sorted_images, sorted_targets) == stored
    network.train()
    batches = zip(sorted_images.split(20), sorted_targets.split(20), strict=True)
    one_digit_at_a_time = np.mean([accuracy(network, *batch) for batch in batches])
    assert one_digit_at_a_time < stored - 0.3
    layered, _, _ = digits_network(0, torch.nn.LayerNorm)
    batches = zip(sorted_images.split(20), sorted_targets.split(20), strict=True)
    alone = np.mean([accuracy(layered, *batch) for batch in batches])
    assert alone == pytest.approx(accuracy(layered, images, targets))


@claim("normalization-3")
def test_dimmed_images_pass_layer_norm_and_not_stored_batch_norm():
    network, images, targets = digits_network(1, torch.nn.BatchNorm1d)
    layered, _, _ = digits_network(1, torch.nn.LayerNorm)
    network.eval()
    lost = accuracy(network, images, targets) - accuracy(network, 0.1 * images, targets)
    assert lost > 0.3
    dimmed = accuracy(layered, 0.1 * images, targets)
    assert dimmed > accuracy(layered, images, targets) - 0.02


def test_standardized_values_have_the_moments_they_should():
    z = np.random.default_rng(9).normal(5, 4, (50, 6))
    for values, axis in [(batch_norm(z), 0), (layer_norm(z), 1)]:
        np.testing.assert_allclose(values.mean(axis=axis), 0, atol=1e-12)
        np.testing.assert_allclose(values.var(axis=axis), 1, atol=1e-4)
    np.testing.assert_array_equal(batch_norm([[3.0, 4.0]]), 0.0)  # a batch of one says nothing
    np.testing.assert_array_equal(layer_norm([[7.0], [8.0]]), 0.0)
    np.testing.assert_array_equal(batch_norm(np.full((4, 2), 0.1)), 0.0)
    assert batch_norm(z.astype(np.float32)).dtype == np.float64
    np.testing.assert_array_equal(group_norm(z, 1), layer_norm(z))
    np.testing.assert_array_equal(group_norm(z, 6), 0.0)


@pytest.mark.parametrize("scale", [1e300, 1e150, 1e-300])
def test_standardizing_survives_every_size(scale):
    z = scale * np.array([[1.0, -1.0], [3.0, 1.0]])
    expected = [[-1, -1], [1, 1]] if scale > 1 else np.zeros((2, 2))
    np.testing.assert_allclose(batch_norm(z), expected, atol=1e-12)


@pytest.mark.parametrize("function", [batch_norm, layer_norm, lambda z, **k: group_norm(z, 1, **k)])
def test_bad_input_of_standardizers(function):
    for z, error in [
        ([[1.0, np.nan]], ValueError),
        (np.zeros((0, 2)), ValueError),
        (1.0, ValueError),
        ([["a"]], TypeError),
        (None, TypeError),
    ]:
        with pytest.raises(error, match="z: expected"):
            function(z)
    for eps, error in [
        (0.0, ValueError),
        (-1.0, ValueError),
        (np.inf, ValueError),
        ("", TypeError),
    ]:
        with pytest.raises(error, match="eps: expected"):
            function([[1.0, 2.0]], eps=eps)


def test_bad_shapes_groups_and_statistics():
    with pytest.raises(ValueError, match=r"z: expected shape \(batch, n\), got \(3,\)"):
        batch_norm([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="n_groups: expected a divisor of the 6 features, got 4"):
        group_norm(np.ones((2, 6)), 4)
    with pytest.raises(ValueError, match="n_groups: expected a whole number of at least 1"):
        group_norm(np.ones((2, 6)), 0)
    with pytest.raises(TypeError, match="n_groups: expected a whole number, got float"):
        group_norm(np.ones((2, 6)), 2.0)
    z = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"mean: expected shape \(3,\), got \(2,\)"):
        stored_batch_norm(z, [0.0, 0.0], np.ones(3))
    with pytest.raises(ValueError, match="variance: expected numbers of at least 0"):
        stored_batch_norm(z, np.zeros(3), [1.0, -1.0, 1.0])
    with pytest.raises(ValueError, match="z: expected deviations from mean that float64 can hold"):
        stored_batch_norm(1e308 * z, np.full(3, -1e308), np.ones(3))


# The contrast response


@claim("normalization-1")
def test_naka_rushton_values_and_limits():
    assert naka_rushton(0.2, 30.0, 0.2, 2.5) == pytest.approx(15.0, rel=1e-14)
    assert naka_rushton(0.0, 30.0, 0.2, 2.0) == 0.0
    assert naka_rushton(0.4, 30.0, 0.2, 2.0) == pytest.approx(24.0, rel=1e-14)
    faint = naka_rushton(1e-4, 30.0, 0.2, 2.0)
    assert faint == pytest.approx(30 * (1e-4 / 0.2) ** 2, rel=1e-6)
    assert naka_rushton(1e200, 30.0, 1e-200, 50.0) == 30.0
    assert naka_rushton(1e-200, 30.0, 1e200, 50.0) == 0.0
    assert naka_rushton([[0.1, 0.2]], 1.0, 0.2, 1.0).shape == (1, 2)


@settings(deadline=None, max_examples=40)
@given(c50=st.floats(0.01, 2), exponent=st.floats(0.5, 6), c=st.floats(1e-3, 1))
def test_contrast_response_is_logistic_in_log_contrast(c50, exponent, c):
    logit = exponent * np.log(c / c50)
    assert naka_rushton(c, 2.0, c50, exponent) == pytest.approx(2 / (1 + np.exp(-logit)), rel=1e-9)


@settings(deadline=None, max_examples=15)
@given(
    r_max=st.floats(1, 100),
    c50=st.floats(0.05, 0.5),
    exponent=st.floats(1, 4),
    unit=st.floats(1, 50),
)
def test_a_fit_recovers_a_curve_without_noise(r_max, c50, exponent, unit):
    contrast = np.linspace(0, 1, 12) * unit
    response = naka_rushton(contrast, r_max, c50 * unit, exponent)
    fit = fit_naka_rushton(contrast, response)
    np.testing.assert_allclose(
        [fit.r_max, fit.c50, fit.exponent], [r_max, c50 * unit, exponent], 1e-3
    )
    assert fit.residual < 1e-5 * r_max
    assert not fit.at_bound


@claim("normalization-1")
def test_a_cell_that_does_not_saturate_leaves_r_max_and_c50_free():
    """Only the standard errors, and the spread of repeated fits that they foretell, can tell."""
    contrast = np.array([0.03, 0.06, 0.12, 0.25, 0.5, 0.8, 1.0])
    rng = np.random.default_rng(10)
    spread, foretold = {}, {}
    for c50 in (0.2, 1.5):
        clean = naka_rushton(contrast, 40.0, c50, 2.0)
        fits = [fit_naka_rushton(contrast, clean + rng.normal(0, 0.5, 7)) for _ in range(60)]
        spread[c50] = np.std(np.log([fit.c50 for fit in fits]))
        foretold[c50] = np.median([fit.relative_error[1] for fit in fits])
    assert spread[0.2] < 0.05
    assert spread[1.5] > 5 * spread[0.2]
    assert foretold[0.2] == pytest.approx(spread[0.2], rel=0.4)
    assert foretold[1.5] > 5 * foretold[0.2]


def test_known_standard_errors_weigh_responses_and_foretell_the_spread():
    contrast = np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0])
    clean = naka_rushton(contrast, 40.0, 0.15, 2.0)
    noise = np.sqrt((clean + 0.1) / 20)  # 20 trials of a second, Poisson
    rng = np.random.default_rng(20)
    fits = [
        fit_naka_rushton(contrast, rng.normal(clean, noise), standard_error=noise)
        for _ in range(150)
    ]
    found = np.log([[fit.r_max, fit.c50, fit.exponent] for fit in fits])
    foretold = np.median([fit.relative_error for fit in fits], axis=0)
    np.testing.assert_allclose(foretold, found.std(axis=0), rtol=0.25)
    np.testing.assert_allclose(found.mean(axis=0), np.log([40, 0.15, 2]), atol=0.03)
    with pytest.raises(ValueError, match="standard_error: expected numbers above 0, got 0"):
        fit_naka_rushton(contrast, clean, standard_error=0 * noise)


def test_a_power_law_sends_the_fit_to_its_bound():
    contrast = np.linspace(0.1, 1, 10)
    fit = fit_naka_rushton(contrast, contrast**2)
    assert fit.at_bound or fit.c50 > 10
    few = fit_naka_rushton([0.1, 0.5, 1.0], [1.0, 5.0, 6.0])
    assert np.isinf(few.relative_error).all()  # nothing is left to estimate the noise from


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (naka_rushton, ([-0.1], 1.0, 0.2, 2.0), ValueError, "contrast: .*at least 0, got -0.1"),
        (naka_rushton, ([np.nan], 1.0, 0.2, 2.0), ValueError, "contrast: expected finite"),
        (naka_rushton, ([0.1], np.inf, 0.2, 2.0), ValueError, "r_max: expected a finite"),
        (naka_rushton, ([0.1], 1.0, 0.0, 2.0), ValueError, "c50: expected a number above 0"),
        (naka_rushton, ([0.1], 1.0, 0.2, -2.0), ValueError, "exponent: expected a number above"),
        (naka_rushton, ([0.1], 1.0, None, 2.0), TypeError, "c50: expected a real number"),
        (fit_naka_rushton, ([0.1, 0.2], [1.0, 2.0]), ValueError, "contrast: .*3 different"),
        (fit_naka_rushton, ([0.1, 0.2, 0.4], [1.0]), ValueError, r"response: .*\(3,\), got"),
        (fit_naka_rushton, ([0.1, 0.2, 0.4], [0.0] * 3), ValueError, "response: .*positive"),
        (fit_naka_rushton, ([0.1, 0.2, -0.4], [1.0] * 3), ValueError, "contrast: .*at least 0"),
    ],
)
def test_bad_input_of_contrast_responses(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)


# Redundancy


def test_dependence_of_gaussians_is_the_closed_form_less_the_bins():
    """In 8 bins a correlation of 0.8 keeps 0.636 of its 0.737 bits (scipy's bivariate normal)."""
    rng = np.random.default_rng(11)
    rho, n_bins = 0.8, 8
    x = rng.standard_normal(60_000)
    y = rho * x + np.sqrt(1 - rho**2) * rng.standard_normal(60_000)
    edges = np.clip(stats.norm.ppf(np.linspace(0, 1, n_bins + 1)), -9, 9)
    below = np.array(
        [
            stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(np.array([a, b]))
            for a in edges
            for b in edges
        ]
    ).reshape(n_bins + 1, n_bins + 1)
    cells = np.diff(np.diff(below, axis=0), axis=1).clip(1e-15)
    exact = np.sum(cells * np.log2(cells * n_bins**2))
    found = dependence(x, y, n_bins=n_bins, rng=rng)
    assert found.bits == pytest.approx(exact, abs=0.01)
    assert found.bits < -0.5 * np.log2(1 - rho**2)
    assert found.plug_in - found.bits == pytest.approx(found.null.mean())


def test_independent_samples_give_zero_within_the_null():
    rng = np.random.default_rng(12)
    estimates = []
    for _ in range(20):
        found = dependence(*rng.standard_normal((2, 3000)), n_bins=12, rng=rng)
        assert found.plug_in > 0.02  # the bias that the shuffles take away: 121 / (2 n ln 2)
        estimates.append(found.bits / found.null.std(ddof=1))
    assert abs(np.mean(estimates)) < 0.8
    assert np.abs(estimates).max() < 4.5


def test_monotonic_functions_do_not_change_dependence_and_ties_add_none():
    rng = np.random.default_rng(13)
    x, y = rng.standard_normal((2, 4000))
    y = y * np.exp(x)
    first = dependence(x, y, rng=np.random.default_rng(0)).plug_in
    again = dependence(x**3, np.arctan(5 * y), rng=np.random.default_rng(0)).plug_in
    assert first == pytest.approx(again, abs=1e-12)
    x[2000:] = y[2000:] = 0.0
    tied = dependence(np.zeros(4000), np.zeros(4000), rng=rng)
    assert abs(tied.bits) < 0.02


def scale_mixture(rng, n=20_000, d=4):
    """Uncorrelated but dependent: one scale multiplies all components {wainwright2000}."""
    return np.exp(rng.normal(0, 1, (n, 1))) * rng.standard_normal((n, d))


def test_normalization_removes_the_dependence_of_a_shared_scale():
    rng = np.random.default_rng(14)
    z = scale_mixture(rng, d=12)
    assert abs(np.corrcoef(z[:, 0], z[:, 1])[0, 1]) < 0.1
    before = dependence(z[:, 0], z[:, 1], rng=rng).bits
    r = divisive_normalization(z, 1.0, fit_pool_weights(z), exponent=2.0)
    after = dependence(r[:, 0], r[:, 1], rng=rng).bits
    assert before > 0.1
    assert after < 0.15 * before


def test_fitted_pools_find_who_shares_the_scale_and_ignore_who_does_not():
    rng = np.random.default_rng(15)
    z = np.hstack([scale_mixture(rng, 8000, 3), rng.standard_normal((8000, 1))])
    weights = fit_pool_weights(z)
    assert weights.shape == (4, 4)
    np.testing.assert_array_equal(np.diag(weights), 0)
    assert (weights >= 0).all()
    share = weights[0] * (z**2).mean(axis=0)
    assert share[3] < 0.05 * share[1:3].sum()
    # A variance that is a known function of the others comes back.
    others = rng.standard_normal((40_000, 2))
    target = rng.standard_normal(40_000) * np.sqrt(0.5 + 2.0 * others[:, 0] ** 2)
    weights = fit_pool_weights(np.column_stack([target, others]), n_iterations=2000)
    assert weights[0, 1] == pytest.approx(4.0, rel=0.1)
    assert weights[0, 2] < 0.1
    # Units of measurement drop out.
    units = np.array([10.0, 1.0, 0.01])
    scaled = fit_pool_weights(np.column_stack([target, others]) * units, n_iterations=2000)
    np.testing.assert_allclose(scaled * units**2, weights, rtol=1e-6, atol=1e-9)


def test_photographs_lose_most_of_their_dependence():
    """Two orthogonal filters at one place, on photographs that the pool was not fitted to."""
    rng = np.random.default_rng(16)
    side = np.arange(-9, 10)
    envelope = np.exp(-(side[:, None] ** 2 + side**2) / 18)
    horizontal = envelope * np.sin(2 * np.pi * side / 6)[:, None]
    kernels = [horizontal, horizontal.T]
    outputs = []
    for photograph in load_photographs().values():
        maps = np.stack([signal.fftconvolve(photograph, k, mode="valid") for k in kernels])
        shifted = [maps[:, 8:-8, 8:-8], maps[:, :-16, 8:-8], maps[:, 16:, 8:-8]]
        outputs.append(np.vstack(shifted)[:, ::4, ::4].reshape(6, -1).T)
    train, test = np.vstack(outputs[::2]), np.vstack(outputs[1::2])
    before = dependence(test[:, 0], test[:, 1], rng=rng)
    r = divisive_normalization(test, 1.0, fit_pool_weights(train), exponent=2.0)
    after = dependence(r[:, 0], r[:, 1], rng=rng)
    assert before.bits > 0.1 > 20 * before.null.std()
    assert after.bits < 0.2 * before.bits


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((np.ones(9), np.ones(9)), {}, ValueError, "x: expected at least 1280 samples"),
        ((np.ones(2000), np.ones(9)), {}, ValueError, r"y: expected shape \(2000,\)"),
        ((np.ones((2000, 1)), np.ones(9)), {}, ValueError, r"x: expected shape \(n_samples,\)"),
        ((np.full(2000, np.nan), np.ones(2000)), {}, ValueError, "x: expected finite"),
        ((np.ones(2000), np.ones(2000)), {"n_bins": 1}, ValueError, "n_bins: expected"),
        ((np.ones(2000), np.ones(2000)), {"n_shuffles": 0}, ValueError, "n_shuffles: expected"),
        ((np.ones(2000), np.ones(2000)), {"rng": 1}, TypeError, "rng: expected a numpy"),
    ],
)
def test_bad_input_of_dependence(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        dependence(*arguments, **{"rng": np.random.default_rng(0)} | keywords)


def test_bad_input_of_fit_pool_weights():
    with pytest.raises(ValueError, match="responses: expected at least 2 filters, got 1"):
        fit_pool_weights(np.ones((5, 1)))
    with pytest.raises(ValueError, match=r"responses: expected filters.* got 0 from filter 1"):
        fit_pool_weights([[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match="responses: expected outputs whose squares"):
        fit_pool_weights([[1.0, 1e200], [2.0, 3e200]])
    with pytest.raises(ValueError, match="n_iterations: expected"):
        fit_pool_weights(np.ones((5, 2)), n_iterations=0)
    with pytest.raises(ValueError, match="responses: expected finite"):
        fit_pool_weights([[1.0, np.inf]])
