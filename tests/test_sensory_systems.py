"""Sensory systems: filters, dissimilarities, encoding, ceilings; truths recovered, nulls, traps."""

import math

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from scipy.spatial.distance import pdist, squareform

from course_utils import data
from course_utils.sensory_systems import (
    bits_per_spike,
    compare_rdms,
    count_spikes,
    disagreeing_stimuli,
    fit_lnp,
    lagged_windows,
    linear_cka,
    noise_ceiling,
    noise_corrected_score,
    rdm,
    reliability,
    ridge_encoding,
    simulate_repeats,
    spike_triggered_average,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
SEEDS = range(3)
ALPHAS = np.logspace(-3, 5, 9)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Matrices this small take ten times as long on two busy cores."""
    with threadpoolctl.threadpool_limits(1):
        yield


def orthogonal(d, rng):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


# Spikes: by hand


def test_the_average_of_two_spikes_by_hand():
    stimulus = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    # spikes fall into samples 2 and 4; lags 0, 1, 2
    average = spike_triggered_average(stimulus, [0.25, 0.4], rate_hz=10, window=0.3)
    np.testing.assert_allclose(average, np.array([10, 5, 2.5]) - 10.5, rtol=1e-14)


def test_a_spike_without_a_full_window_is_left_out():
    stimulus = np.arange(6.0) ** 2
    all_spikes = spike_triggered_average(stimulus, [0.1, 0.25, 0.4], rate_hz=10, window=0.3)
    late = spike_triggered_average(stimulus, [0.25, 0.4], rate_hz=10, window=0.3)
    np.testing.assert_array_equal(all_spikes, late)


def test_a_time_that_rounding_puts_below_its_sample_counts_there():
    assert 0.29 * 100 < 29
    counts = count_spikes([0.29, 0.2899], 40, rate_hz=100)
    np.testing.assert_array_equal(np.flatnonzero(counts), [28, 29])


def test_two_spikes_in_one_sample_count_twice():
    counts = count_spikes([0.01, 0.02, 0.15], 3, rate_hz=10)
    np.testing.assert_array_equal(counts, [2, 1, 0])
    stimulus = np.array([1.0, 3.0, 8.0])
    average = spike_triggered_average(stimulus, [0.01, 0.02, 0.15], rate_hz=10, window=0.1)
    np.testing.assert_allclose(average, [(1 + 1 + 3) / 3 - 4], rtol=1e-14)


def test_windows_hold_the_latest_value_first():
    windows = lagged_windows([1.0, 2.0, 3.0, 4.0], 3)
    np.testing.assert_array_equal(windows, [[3, 2, 1], [4, 3, 2]])


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_average_is_that_of_the_windows(seed):
    rng = np.random.default_rng(seed)
    stimulus = rng.standard_normal(200)
    times = rng.uniform(0.2, 2.0, 30)
    average = spike_triggered_average(stimulus, times, rate_hz=100, window=0.15)
    windows = lagged_windows(stimulus, 15)
    counts = count_spikes(times, 200, rate_hz=100)[14:]
    np.testing.assert_allclose(
        average, counts @ windows / counts.sum() - stimulus.mean(), atol=1e-13
    )


def test_bits_per_spike_by_hand():
    # two bins of 1 s, a mean rate of 2 Hz, as many spikes expected as seen
    bits = bits_per_spike([3.0, 1.0], [3, 1], rate_hz=1.0)
    assert bits == pytest.approx((3 * math.log2(1.5) - 1) / 4, rel=1e-14)
    surplus = bits_per_spike([6.0, 2.0], [3, 1], rate_hz=1.0, reference=2.0)
    assert surplus == pytest.approx((3 * math.log2(3) - 4 / math.log(2)) / 4, rel=1e-14)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_no_constant_rate_gains_bits_over_the_mean_rate(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.5, 100) + (np.arange(100) == 0)
    mean_rate = counts.mean() * 1000
    rate = np.full(100, mean_rate * rng.uniform(0.3, 3.0))
    assert bits_per_spike(rate, counts, rate_hz=1000) <= 1e-12
    assert bits_per_spike(np.full(100, mean_rate), counts, rate_hz=1000) == pytest.approx(0)


# Spikes: a simulated neuron whose filter is known


def simulated_neuron(seed, n=200_000, kurtotic=False):
    """Colored Gaussian stimulus, known filter, rate 40 exp(drive) Hz at 1 kHz."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(n)
    stimulus = signal.lfilter([1.0], [1.0, -0.85], white)
    stimulus /= stimulus.std()
    lags = np.arange(20)
    true = np.exp(-((lags - 6) ** 2) / 6) - 0.6 * np.exp(-((lags - 11) ** 2) / 8)
    drive = signal.lfilter(true, [1.0], stimulus)
    rate = 40 * np.exp(drive / drive.std() - 0.5)
    counts = rng.poisson(rate / 1000)
    return stimulus, counts, rate, true


@claim("sensory_systems-1")
def test_the_average_is_the_filter_blurred_by_the_stimulus_own_correlation():
    """For a Gaussian stimulus E[s | spike] is proportional to C k, whatever the curve."""
    for seed in SEEDS:
        stimulus, counts, _, true = simulated_neuron(seed)
        times = np.repeat(np.arange(len(counts)) + 0.5, counts) / 1000
        average = spike_triggered_average(stimulus, times, rate_hz=1000, window=0.020)
        blurred = 0.85 ** np.abs(np.subtract.outer(np.arange(20), np.arange(20))) @ true
        assert cosine(average, blurred) > 0.995
        assert cosine(average, true) < 0.9
        windows = lagged_windows(stimulus, 20)
        model = fit_lnp(windows, counts[19:], rate_hz=1000, penalty=1e-3)
        assert cosine(model.filter, true) > 0.97
        raw = fit_lnp(windows, counts[19:], rate_hz=1000, decorrelate=False)
        assert cosine(raw.filter, average) > 0.9999


def test_the_fitted_curve_is_the_neurons_own():
    stimulus, counts, rate, _ = simulated_neuron(5)
    windows = lagged_windows(stimulus, 20)
    model = fit_lnp(windows, counts[19:], rate_hz=1000, penalty=1e-3)
    output = model.output(windows)
    assert output.mean() == pytest.approx(0, abs=1e-12)
    assert output.std() == pytest.approx(1, rel=1e-12)
    expected = 40 * np.exp(model.drive - 0.5)
    np.testing.assert_allclose(model.curve[2:-1], expected[2:-1], rtol=0.2)
    gained = bits_per_spike(model.rate(windows), counts[19:], rate_hz=1000)
    ideal = bits_per_spike(rate[19:], counts[19:], rate_hz=1000)
    # a Poisson neuron's own rate gains E[drive] over spikes: 1/2 nat for unit variance
    assert ideal == pytest.approx(0.5 / math.log(2), rel=0.08)
    assert 0.85 * ideal < gained < 1.01 * ideal


def test_a_shuffled_stimulus_gains_nothing_held_out():
    stimulus, counts, _, _ = simulated_neuron(6, n=40_000)
    shuffled = np.random.default_rng(0).permutation(stimulus)
    windows, counts = lagged_windows(shuffled, 20), counts[19:]
    half = len(counts) // 2
    model = fit_lnp(windows[:half], counts[:half], rate_hz=1000)
    assert bits_per_spike(model.rate(windows[half:]), counts[half:], rate_hz=1000) < 0.02


# Spikes: the grasshopper


def held_out_bits(recording, **options):
    """Bits a spike on each of ten seconds, each predicted by a model fitted to the other nine."""
    rate_hz, n_lags = 2000, 40
    windows, counts = grasshopper(recording, rate_hz, n_lags)
    second = (np.arange(len(counts)) + n_lags - 1) // rate_hz
    bits = []
    for left_out in range(10):
        fitted = second != left_out
        model = fit_lnp(windows[fitted], counts[fitted], rate_hz=rate_hz, **options)
        bits.append(
            bits_per_spike(
                model.rate(windows[~fitted]),
                counts[~fitted],
                rate_hz=rate_hz,
                reference=rate_hz * counts[fitted].mean(),
            )
        )
    return np.array(bits)


def grasshopper(recording, rate_hz, n_lags):
    level = recording.stimulus.reshape(10 * rate_hz, -1).mean(axis=1)
    counts = count_spikes(recording.spike_times, len(level), rate_hz=rate_hz)
    return lagged_windows(level, n_lags), counts[n_lags - 1 :]


@claim("sensory_systems-2")
@pytest.mark.parametrize(("number", "published", "ours"), [(1, 0.96, 0.91), (2, 0.64, 0.665)])
def test_a_receptor_listens_to_what_came_six_to_seven_ms_ago(number, published, ours):
    recording = data.load_grasshopper(number)
    average = spike_triggered_average(
        recording.stimulus, recording.spike_times, rate_hz=recording.sample_rate, window=0.020
    )
    assert 6.0 <= 1e3 * average.argmax() / recording.sample_rate <= 7.1
    bits = held_out_bits(recording)
    assert bits.mean() == pytest.approx(ours, abs=0.02)
    error = bits.std(ddof=1) / math.sqrt(10)
    assert abs(bits.mean() - published) < 2 * error
    assert bits.min() > 0.2  # every second is predicted better than by a constant rate


@claim("sensory_systems-3")
@pytest.mark.parametrize("number", [1, 2])
def test_the_model_predicts_intervals_that_the_neuron_does_not_have(number):
    """Rescaled by the model's rate, intervals of an LNP neuron are exponential; these are not."""
    rate_hz, n_lags = 2000, 40
    windows, counts = grasshopper(data.load_grasshopper(number), rate_hz, n_lags)
    model = fit_lnp(windows, counts, rate_hz=rate_hz)
    rate = model.rate(windows)
    cumulative = np.cumsum(rate) / rate_hz

    def rescaled(counts):
        return np.diff(cumulative[np.repeat(np.arange(len(counts)), counts)])

    observed = rescaled(counts)
    assert stats.kstest(observed, "expon").pvalue < 1e-10
    assert (observed < 0.2).mean() < 0.4 * -math.expm1(-0.2)  # short ones are missing
    for seed in SEEDS:  # and the test has its null: spikes of the model itself
        own = np.random.default_rng(seed).poisson(rate / rate_hz)
        assert stats.kstest(rescaled(own), "expon").pvalue > 1e-4


# Similarity: known answers and invariances


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dissimilarities_are_those_of_scipy(metric, dtype):
    x = np.random.default_rng(1).standard_normal((40, 90)).astype(dtype)
    condensed = rdm(x, metric)
    assert condensed.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    np.testing.assert_allclose(condensed, pdist(x.astype(float), metric), atol=tolerance)


def test_dissimilarities_by_hand():
    x = [[0.0, 1.0, 2.0], [2.0, 4.0, 6.0], [2.0, 1.0, 0.0]]
    np.testing.assert_allclose(rdm(x), [0, 2, 2], atol=1e-15)
    np.testing.assert_allclose(rdm(x, "euclidean") ** 2, [29, 8, 45], rtol=1e-14)


def test_near_duplicates_keep_their_distance():
    """|a|^2 + |b|^2 - 2 a.b would lose all digits."""
    x = np.random.default_rng(2).standard_normal((4, 50)) + 3
    x[1] = x[0] + 1e-7
    np.testing.assert_allclose(rdm(x, "euclidean"), pdist(x), rtol=1e-7)
    assert rdm([[1.0, 2.0], [1.0, 2.0], [3.0, 1.0]], "euclidean")[0] == 0


def test_rdms_compare_as_scipys_correlations():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 9, (2, 45)).astype(float)
    assert compare_rdms(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, rel=1e-12)
    assert compare_rdms(a, b, "pearson") == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-12)
    assert compare_rdms(a, np.exp(a)) == pytest.approx(1)
    assert compare_rdms(a, -a) == pytest.approx(-1)


def test_cka_by_its_definition_with_kernels():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((20, 7)), rng.standard_normal((20, 30))
    h = np.eye(20) - 1 / 20
    k, m = h @ x @ x.T @ h, h @ y @ y.T @ h
    expected = (k * m).sum() / np.linalg.norm(k) / np.linalg.norm(m)
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-12)
    assert linear_cka(y, x) == pytest.approx(expected, rel=1e-12)
    assert linear_cka(x, x) == pytest.approx(1, rel=1e-12)


def test_debiased_cka_is_unbiased_over_stimuli():
    """The mean over all subsets of an unbiased estimate is the estimate of the whole."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((30, 40))
    y = x[:, :10] + rng.standard_normal((30, 10))
    chance = [linear_cka(rng.permutation(x), y, debiased=True) for _ in range(300)]
    assert abs(np.mean(chance)) < 3 * np.std(chance) / math.sqrt(300)
    assert linear_cka(x, y, debiased=True) > 0.2
    assert linear_cka(x, x, debiased=True) == pytest.approx(1, rel=1e-12)


@claim("sensory_systems-5")
@settings(max_examples=15, deadline=None)
@given(seeds)
def test_each_metric_is_blind_to_its_own_changes(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((25, 12)), rng.standard_normal((25, 8))
    turn, stretch = orthogonal(12, rng), np.geomspace(0.02, 50, 12)
    turned, stretched = 3.0 * x @ turn + 2.0, (x * stretch) @ turn
    assert linear_cka(turned, y) == pytest.approx(linear_cka(x, y), rel=1e-9)
    euclidean = rdm(x, "euclidean")
    np.testing.assert_allclose(rdm(3.0 * x @ turn + 2.0, "euclidean"), 3 * euclidean, rtol=1e-9)
    assert compare_rdms(euclidean, rdm(turned, "euclidean")) == pytest.approx(1)
    # stretched, the information is all there and both metrics see another representation
    assert linear_cka(stretched, x) < 0.8
    assert compare_rdms(euclidean, rdm(stretched, "euclidean")) < 0.9
    # a gain and an offset of each stimulus's pattern: invisible to correlation distance alone
    gained = x * rng.uniform(0.2, 5.0, (25, 1)) + rng.standard_normal((25, 1))
    np.testing.assert_allclose(rdm(gained), rdm(x), atol=1e-12)
    assert compare_rdms(euclidean, rdm(gained, "euclidean")) < 0.95


@claim("sensory_systems-5")
def test_regression_does_not_ask_what_else_a_model_has():
    """Features that hold the area and three times as much besides predict it; RDMs differ."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        area = rng.standard_normal((300, 10))
        padded = np.hstack([area, 4 * rng.standard_normal((300, 30))])
        options = {"alphas": ALPHAS, "n_folds": 5, "rng": np.random.default_rng(0)}
        assert ridge_encoding(padded, area, **options).r.min() > 0.999
        assert ridge_encoding(area, padded, **options).r.mean() < 0.4  # nor is it symmetric
        assert compare_rdms(rdm(padded, "euclidean"), rdm(area, "euclidean")) < 0.4
        assert linear_cka(padded, area, debiased=True) < 0.4


@claim("sensory_systems-7")
def test_biased_cka_of_independent_noise_is_high():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((2, 50, 1000))
        assert linear_cka(x, y) > 0.9
        assert abs(linear_cka(x, y, debiased=True)) < 0.1


# Encoding


def nested_by_hand(x, y, alphas, folds):
    """The definition, with scikit-learn's Ridge, one unit and one penalty at a time."""
    from sklearn.linear_model import Ridge

    def loss(train, test, alpha):
        return ((Ridge(alpha=alpha).fit(x[train], y[train]).predict(x[test]) - y[test]) ** 2).sum(0)

    r, predictions = np.zeros(y.shape[1]), np.zeros_like(y)
    for fold in folds:
        others = [other for other in folds if other is not fold]
        inner = np.zeros((len(alphas), y.shape[1]))
        for other in others:
            train = np.concatenate([f for f in others if f is not other])
            inner += [loss(train, other, alpha) for alpha in alphas]
        train = np.concatenate(others)
        for u in range(y.shape[1]):
            model = Ridge(alpha=alphas[inner[:, u].argmin()]).fit(x[train], y[train, u])
            predictions[fold, u] = model.predict(x[fold])
            r[u] += np.corrcoef(predictions[fold, u], y[fold, u])[0, 1] / len(folds)
    outer = sum(
        np.array([loss(np.setdiff1d(np.arange(len(x)), f), f, a) for a in alphas]) for f in folds
    )
    return r, alphas[outer.argmin(axis=0)], predictions


@pytest.mark.parametrize("n_features", [6, 120])
def test_ridge_encoding_is_scikit_learns_ridge_nested(n_features):
    rng = np.random.default_rng(6)
    x = rng.standard_normal((47, n_features)) * np.geomspace(1, 30, n_features) + 5
    y = x[:, :5] @ rng.standard_normal((5, 4)) + 20 * rng.standard_normal((47, 4)) + 100
    alphas = np.array([1e-2, 1.0, 1e2, 1e4, 1e6])
    fit = ridge_encoding(x, y, alphas=alphas, n_folds=5, rng=np.random.default_rng(7))
    folds = np.array_split(np.random.default_rng(7).permutation(47), 5)
    r, alpha, predictions = nested_by_hand(x, y, alphas, folds)
    np.testing.assert_allclose(fit.r, r, rtol=1e-9)
    np.testing.assert_array_equal(fit.alpha, alpha)
    np.testing.assert_allclose(fit.predictions, predictions, rtol=1e-8)


def test_a_linear_unit_is_predicted_and_an_unrelated_one_is_not():
    rng = np.random.default_rng(8)
    x = rng.standard_normal((200, 30))
    y = np.stack([x @ rng.standard_normal(30), rng.standard_normal(200)], axis=1)
    fit = ridge_encoding(x, y, alphas=ALPHAS, n_folds=5, rng=rng)
    assert fit.r[0] > 0.9999
    assert abs(fit.r[1]) < 0.2
    assert fit.alpha[0] == ALPHAS[0]
    assert fit.alpha[1] > 10


def test_scores_of_unrelated_features_scatter_around_zero():
    """A leak of the held-out fold, into the fit or the penalty, would raise them."""
    rng = np.random.default_rng(9)
    x, y = rng.standard_normal((60, 200)), rng.standard_normal((60, 300))
    r = ridge_encoding(x, y, alphas=ALPHAS, n_folds=4, rng=rng).r
    assert abs(r.mean()) < 4 * r.std() / math.sqrt(300)


def test_a_constant_unit_scores_zero():
    rng = np.random.default_rng(10)
    x = rng.standard_normal((30, 4))
    fit = ridge_encoding(x, np.ones((30, 1)), alphas=[1.0], n_folds=3, rng=rng)
    assert fit.r[0] == 0


# Ceilings


def test_reliability_by_hand():
    # means 1, 3, 5: variance 4; noise variance 2 in each stimulus; 1 - (2 / 2) / 4
    repeats = np.array([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]])[:, :, None]
    assert reliability(repeats)[0] == pytest.approx(0.75, rel=1e-14)
    assert noise_ceiling(repeats)[0] == pytest.approx(math.sqrt(0.75), rel=1e-14)


def test_reliability_is_the_correlation_of_independent_means():
    rng = np.random.default_rng(11)
    truth = rng.standard_normal((4000, 3))
    for rho in (0.2, 0.5, 0.9):
        one, other = (simulate_repeats(truth, rho, 3, rng) for _ in range(2))
        np.testing.assert_allclose(reliability(one), rho, atol=0.05)
        between = [
            np.corrcoef(a, b)[0, 1] for a, b in zip(one.mean(0).T, other.mean(0).T, strict=True)
        ]
        np.testing.assert_allclose(between, rho, atol=0.05)


@claim("sensory_systems-4")
@pytest.mark.parametrize("k", [2, 8])
def test_a_perfect_model_scores_one_only_with_the_root_of_the_reliability(k):
    rng = np.random.default_rng(12)
    truth = rng.standard_normal((2000, 40))
    repeats = simulate_repeats(truth, 0.5, k, rng)
    raw = np.array(
        [np.corrcoef(a, b)[0, 1] for a, b in zip(truth.T, repeats.mean(0).T, strict=True)]
    )
    assert raw.mean() == pytest.approx(math.sqrt(0.5), abs=0.01)
    assert noise_ceiling(repeats).mean() == pytest.approx(raw.mean(), abs=0.01)
    assert ((raw / noise_ceiling(repeats)) ** 2).mean() == pytest.approx(1, abs=0.02)
    assert ((raw / reliability(repeats)) ** 2).mean() == pytest.approx(2, abs=0.06)
    assert noise_corrected_score(truth, repeats).mean() == pytest.approx(1, abs=0.02)
    # with the reliability as ceiling it is a model as noisy as the brain that scores 1
    noisy = simulate_repeats(truth, 0.5, k, rng).mean(axis=0)
    raw = np.array(
        [np.corrcoef(a, b)[0, 1] for a, b in zip(noisy.T, repeats.mean(0).T, strict=True)]
    )
    assert ((raw / reliability(repeats)) ** 2).mean() == pytest.approx(1, abs=0.06)
    assert noise_corrected_score(noisy, repeats).mean() == pytest.approx(0.5, abs=0.03)


def test_scores_keep_the_sign_and_are_undefined_without_signal():
    rng = np.random.default_rng(13)
    truth = rng.standard_normal((500, 2))
    repeats = simulate_repeats(truth, 0.8, 4, rng)
    np.testing.assert_allclose(
        noise_corrected_score(-truth, repeats), -noise_corrected_score(truth, repeats)
    )
    noise = rng.standard_normal((4, 10, 200))
    silent = reliability(noise) == 0
    assert 0.3 < silent.mean() < 0.7
    np.testing.assert_array_equal(np.isnan(noise_corrected_score(noise[0], noise)), silent)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.01, 100), st.floats(-100, 100))
def test_ceilings_do_not_depend_on_units_of_measurement(seed, factor, offset):
    repeats = np.random.default_rng(seed).standard_normal((3, 12, 4))
    repeats += 2 * repeats[:1]
    np.testing.assert_allclose(
        noise_ceiling(factor * repeats + offset), noise_ceiling(repeats), rtol=1e-8, atol=1e-12
    )


# The simulated ventral stream


class Stream:
    """Areas that are layers of trained networks, recorded with noise; candidate models of them."""

    def __init__(self):
        import torch
        from sklearn.datasets import load_digits
        from torch import nn

        torch.set_num_threads(1)
        pixels, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(pixels))
        shown, train = order[:300], order[300:]
        images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
        targets = torch.tensor(labels)
        self.pixels = pixels[shown] / 16

        def build(seed):
            torch.manual_seed(seed)
            conv = {"kernel_size": 3, "padding": 1}
            return nn.Sequential(
                nn.Sequential(nn.Conv2d(1, 8, **conv), nn.ReLU()),
                nn.Sequential(nn.Conv2d(8, 16, **conv), nn.ReLU(), nn.MaxPool2d(2)),
                nn.Sequential(nn.Conv2d(16, 32, **conv), nn.ReLU(), nn.MaxPool2d(2)),
                nn.Sequential(nn.Flatten(), nn.Linear(128, 64), nn.ReLU()),
                nn.Linear(64, 10),
            )

        def layers(network):
            x, found = images[shown], []
            with torch.no_grad():
                for stage in list(network)[:4]:
                    x = stage(x)
                    flat = x.flatten(1).double().numpy()
                    found.append(flat[:, flat.std(axis=0) > 1e-6])
            return found

        def trained(seed):
            network = build(seed)
            optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
            for _ in range(10):
                for batch in torch.randperm(len(train)).split(64):
                    rows = train[batch]
                    loss = nn.functional.cross_entropy(network(images[rows]), targets[rows])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            return network

        self.brains = [layers(trained(seed)) for seed in SEEDS]
        self.untrained = [layers(build(200 + seed)) for seed in SEEDS]
        torch.manual_seed(5)
        random = nn.Sequential(nn.Conv2d(1, 128, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2))
        with torch.no_grad():
            self.random = random(images[shown]).flatten(1).double().numpy()

    def twin(self, seed):
        """Another network, trained on the same task."""
        return self.brains[(seed + 1) % len(SEEDS)]

    def record(self, seed, area, take=0):
        rng = np.random.default_rng([10, seed, area, take])
        layer = self.brains[seed][area]
        units = rng.choice(layer.shape[1], min(50, layer.shape[1]), replace=False)
        return simulate_repeats(layer[:, units], 0.5, 4, rng)


@pytest.fixture(scope="module")
def stream(one_thread):
    return Stream()


def encoding(features, repeats):
    options = {"alphas": ALPHAS, "n_folds": 5, "rng": np.random.default_rng(0)}
    r = ridge_encoding(features, repeats.mean(axis=0), **options).r
    return (r * np.abs(r) / 0.5).mean()


def rsa(features, repeats):
    return compare_rdms(rdm(repeats.mean(axis=0)), rdm(features))


def cka(features, repeats):
    return linear_cka(features, repeats.mean(axis=0), debiased=True)


def matches(stream, model, score):
    """(seeds, areas): which layer of the model scores best on each area."""
    return np.array(
        [
            [
                np.argmax([score(x, stream.record(seed, area)) for x in model(seed)])
                for area in range(4)
            ]
            for seed in SEEDS
        ]
    )


@claim("sensory_systems-6")
@pytest.mark.parametrize("score", [rsa, cka, encoding])
def test_the_right_layer_wins_when_the_truth_is_a_candidate(stream, score):
    found = matches(stream, lambda seed: stream.brains[seed], score)
    np.testing.assert_array_equal(found, np.tile(np.arange(4), (3, 1)))


@claim("sensory_systems-6")
def test_a_twin_network_is_matched_less_surely(stream):
    right = [
        (matches(stream, stream.twin, score) == np.arange(4)).mean()
        for score in (rsa, cka, encoding)
    ]
    assert min(right) < 1
    assert min(right) > 0.3  # above the .25 of chance


@claim("sensory_systems-7")
def test_models_that_learned_nothing_score_nearly_as_high(stream):
    for seed in SEEDS:
        last = stream.record(seed, 3)
        twin, truth = encoding(stream.twin(seed)[3], last), encoding(stream.brains[seed][3], last)
        pixels = encoding(stream.pixels, last)
        untrained = max(encoding(x, last) for x in stream.untrained[seed])
        assert truth > twin > max(pixels, untrained)
        assert min(pixels, untrained) > 0.85 * twin
    beaten = [
        encoding(stream.random, stream.record(seed, 2))
        > encoding(stream.twin(seed)[2], stream.record(seed, 2))
        for seed in SEEDS
    ]
    assert sum(beaten) >= 2  # random features beat the trained twin on the third area


@claim("sensory_systems-7")
@pytest.mark.parametrize("score", [rsa, cka, encoding])
def test_shuffled_stimuli_score_zero(stream, score):
    rng = np.random.default_rng(14)
    for seed in SEEDS:
        shuffled = rng.permutation(stream.brains[seed][3])
        assert abs(score(shuffled, stream.record(seed, 3))) < 0.05


@claim("sensory_systems-8")
def test_chosen_stimuli_separate_models_that_random_ones_confuse(stream):
    rng = np.random.default_rng(15)
    gained, scores = [], []
    for seed in SEEDS:
        twin = stream.twin(seed)[3]
        chosen = disagreeing_stimuli(rdm(twin), rdm(stream.pixels), 60)
        for take in range(3):
            repeats = stream.record(seed, 3, take)

            def gap(rows, twin=twin, repeats=repeats):
                part = repeats[:, rows]
                return rsa(twin[rows], part) - rsa(stream.pixels[rows], part)

            by_chance = [gap(rng.choice(300, 60, replace=False)) for _ in range(20)]
            gained.append(gap(chosen) - np.mean(by_chance))
            scores.append(rsa(twin, repeats) - rsa(twin[chosen], repeats[:, chosen]))
    assert np.mean(gained) > 0.05
    assert np.mean(np.array(gained) > 0) >= 2 / 3  # most, not all
    assert min(scores) > 0.05  # and the score falls: it is a property of the stimuli too


def test_stimuli_are_dropped_until_the_models_disagree():
    rng = np.random.default_rng(16)
    shared = rng.standard_normal((40, 20))
    a, b = (rdm(shared + 0.7 * rng.standard_normal((40, 20))) for _ in range(2))
    kept = disagreeing_stimuli(a, b, 12)
    pair = [squareform(x)[np.ix_(kept, kept)][np.triu_indices(12, 1)] for x in (a, b)]
    assert compare_rdms(*pair) < compare_rdms(a, b) - 0.3
    assert (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(disagreeing_stimuli(a, b, 40), np.arange(40))
    # the first to go is the one whose pairs add most to the correlation
    z = squareform((a - a.mean()) * (b - b.mean())).sum(axis=0)
    np.testing.assert_array_equal(
        disagreeing_stimuli(a, b, 39), np.delete(np.arange(40), z.argmax())
    )


# Bad input

X = np.random.default_rng(17).standard_normal((12, 5))
REPEATS = np.random.default_rng(18).standard_normal((3, 12, 2))
RIDGE = {"alphas": [1.0], "n_folds": 3, "rng": np.random.default_rng(0)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rdm(X[0]), r"responses: expected shape \(n_stimuli, n_features\), got \(5,\)"),
        (lambda: rdm(X[:1]), "responses: expected at least two stimuli, got 1"),
        (lambda: rdm(np.ones((3, 4))), "responses: expected patterns that vary, .* in row 0"),
        (lambda: rdm([*X, [np.nan] * 5]), "responses: expected finite numbers, got nan"),
        (lambda: rdm(X * 1e200, "euclidean"), "responses: expected numbers whose squares"),
        (lambda: rdm(X, "cosine"), "metric: expected one of correlation, euclidean, got 'cosine'"),
        (lambda: compare_rdms([1, 2], [1, 2, 3]), r"b: expected shape \(2,\), got \(3,\)"),
        (lambda: compare_rdms([1, 1], [1, 2]), "a: expected dissimilarities that differ"),
        (lambda: compare_rdms([1, 2], [1, 2], "kendall"), "method: expected one of spearman"),
        (lambda: linear_cka(X, X[:5]), r"y: expected shape \(12, m_features\), got \(5, 5\)"),
        (lambda: linear_cka(X[:3], X[:3], debiased=True), "x: expected at least 4 stimuli, got 3"),
        (lambda: linear_cka(X, np.ones((12, 2))), "y: expected features that vary over stimuli"),
        (lambda: disagreeing_stimuli([1, 2], [1, 2], 3), r"a: expected n \(n - 1\) / 2"),
        (lambda: disagreeing_stimuli([1, 2, 3], [1, 2, 3], 4), "n_keep: expected at most the 3"),
        (lambda: ridge_encoding(X, X[:4], **RIDGE), r"responses: expected shape \(12, u\)"),
        (
            lambda: ridge_encoding(X, X, **(RIDGE | {"alphas": [0.0]})),
            "alphas: expected numbers above 0, got 0",
        ),
        (
            lambda: ridge_encoding(X, X, **(RIDGE | {"n_folds": 2})),
            "n_folds: expected a whole number of at least 3, got 2",
        ),
        (
            lambda: ridge_encoding(X, X, **(RIDGE | {"n_folds": 5})),
            "n_folds: expected at least three of the 12 stimuli a fold, got 5 folds",
        ),
        (lambda: reliability(X), r"repeats: expected shape \(k, n, u\), got \(12, 5\)"),
        (lambda: noise_ceiling(REPEATS[:1]), "repeats: expected at least two repeats of two"),
        (
            lambda: noise_corrected_score(X, REPEATS),
            r"predictions: expected shape \(12, 2\), got \(12, 5\)",
        ),
        (
            lambda: simulate_repeats(np.ones((4, 1)), 0.5, 2, np.random.default_rng(0)),
            "signal: expected units that vary over stimuli, unit 0 does not",
        ),
        (
            lambda: simulate_repeats(X, 0.0, 2, np.random.default_rng(0)),
            "rho: expected a number above 0, got 0",
        ),
        (
            lambda: spike_triggered_average(X[0], [0.6], rate_hz=10, window=0.1),
            "spike_times: expected times within the 0.5 s of the samples, got 0.6",
        ),
        (
            lambda: spike_triggered_average(X[0], [-0.1], rate_hz=10, window=0.1),
            "spike_times: expected numbers of at least 0, got -0.1",
        ),
        (
            lambda: spike_triggered_average(X[0], [0.1], rate_hz=10, window=0.4),
            "spike_times: expected a spike with a full window of 0.4 s before it, got none",
        ),
        (
            lambda: spike_triggered_average(X[0], [0.1], rate_hz=10, window=0.01),
            r"window: expected from one sample \(0.1 s\) to the whole stimulus \(0.5 s\), got 0.01",
        ),
        (lambda: lagged_windows(X[0], 6), "n_lags: expected at most the 5 samples, got 6"),
        (
            lambda: fit_lnp(X, np.zeros(12), rate_hz=1.0),
            "counts: expected at least one spike, got none",
        ),
        (
            lambda: fit_lnp(X, np.full(12, 0.5), rate_hz=1.0),
            "counts: expected whole numbers of spikes",
        ),
        (
            lambda: fit_lnp(X, np.ones(12), rate_hz=1.0, n_bins=13),
            "n_bins: expected at most the 12 rows of windows, got 13",
        ),
        (
            lambda: fit_lnp(np.ones((12, 2)), np.ones(12), rate_hz=1.0, penalty=0.0),
            "penalty: expected a number above 0, since the covariance of windows is singular",
        ),
        (
            lambda: bits_per_spike([0.0, 1.0], [1, 1], rate_hz=1.0),
            "rate: expected a rate above 0 wherever there is a spike, got 0",
        ),
    ],
)
def test_bad_input_names_the_argument_and_what_was_expected(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: rdm([["a", "b"]]),
        lambda: rdm(X, 3),
        lambda: ridge_encoding(X, X, alphas=[1.0], n_folds=3, rng=0),
        lambda: simulate_repeats(X, 0.5, 2.5, np.random.default_rng(0)),
        lambda: bits_per_spike([1.0], [1], rate_hz="1"),
    ],
)
def test_a_wrong_type_is_a_type_error(call):
    with pytest.raises(TypeError):
        call()


def test_no_input_is_changed():
    x, y, repeats = X.copy(), X[:, :2].copy(), REPEATS.copy()
    rdm(x), rdm(x, "euclidean"), linear_cka(x, y), reliability(repeats)
    ridge_encoding(x, y, **RIDGE), noise_corrected_score(y, repeats)
    a, b = rdm(x), rdm(y, "euclidean")
    before = a.copy(), b.copy()
    compare_rdms(a, b), disagreeing_stimuli(a, b, 5)
    for now, then in zip((x, y, repeats, a, b), (X, X[:, :2], REPEATS, *before), strict=True):
        np.testing.assert_array_equal(now, then)


def test_square_form_of_scipy_takes_the_order():
    square = squareform(rdm(X))
    assert square[2, 7] == pytest.approx(1 - np.corrcoef(X[2], X[7])[0, 1], rel=1e-12)
