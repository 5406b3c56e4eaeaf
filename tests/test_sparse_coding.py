"""Natural images, sparse codes, ICA: closed forms, peers, nulls for every claim, bad input."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import idctn
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from course_utils import _compiled, data
from course_utils.sparse_coding import (
    dead_leaves,
    duality_gap,
    excess_kurtosis,
    fast_ica,
    fast_ica_step,
    fit_gabor,
    gabor,
    infer_codes,
    ista_step,
    learn_dictionary,
    localization,
    orientation_selectivity,
    phase_scramble,
    radial_power_spectrum,
    sample_patches,
    sparse_objective,
    spectral_slope,
    whiten,
)

torch.set_num_threads(1)
claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
TEXTURES = {"brick", "grass", "gravel", "clock"}  # clock: blurred by motion
SIDE = 12


def standardized(image):
    return (image - image.mean()) / image.std()


def halved(image):
    height, width = (side // 2 * 2 for side in image.shape)
    return image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def gaussian_image(side, power, rng):
    """A sample of the stationary Gaussian ensemble on a torus with spectrum `power(|k|)`."""
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    amplitude = np.zeros_like(radius)
    amplitude[radius > 0] = np.sqrt(power(radius[radius > 0]))
    noise = np.fft.rfft2(rng.standard_normal((side, side)))
    return np.fft.irfft2(amplitude * noise, (side, side))


def random_problem(n, d, k, rng, penalty=0.3):
    dictionary = rng.standard_normal((k, d))
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    return rng.standard_normal((n, d)), dictionary, penalty


# Spectra


def test_white_noise_has_the_power_of_its_variance_at_every_frequency():
    rng = np.random.default_rng(0)
    spectra = [radial_power_spectrum(3 * rng.standard_normal((256, 200))) for _ in range(40)]
    frequency, power = np.mean(spectra, axis=0)
    assert frequency.shape == power.shape == (100,)
    np.testing.assert_allclose(frequency[1:-1], np.arange(2, 100) / 200, rtol=2e-2)
    np.testing.assert_allclose(power[4:], 9.0, rtol=0.15)
    assert power[4:].mean() == pytest.approx(9.0, rel=0.02)


def test_a_plane_wave_has_its_power_in_its_own_ring():
    y, x = np.mgrid[:128, :128]
    wave = np.cos(2 * np.pi * (24 * x + 32 * y) / 128)  # 40 cycles an image
    frequency, power = radial_power_spectrum(wave + 7.0)
    assert frequency[power.argmax()] == pytest.approx(40 / 128, abs=2e-3)
    assert power[38:41].sum() > 0.99 * power.sum()  # rings 39 to 41: the window's width


def test_rings_are_averaged_not_summed_over_orientations():
    """Noise is as flat at twice the size: a sum would double it and rise with frequency."""
    rng = np.random.default_rng(1)
    small = np.mean([radial_power_spectrum(rng.normal(size=(64, 64)))[1] for _ in range(40)], 0)
    large = np.mean([radial_power_spectrum(rng.normal(size=(128, 128)))[1] for _ in range(20)], 0)
    assert large[10:].mean() / small[5:].mean() == pytest.approx(1.0, abs=0.04)
    assert small[20:].mean() / small[5:10].mean() == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("exponent", [0.0, -1.0, -2.0, -3.0])
def test_the_slope_of_a_known_spectrum(exponent):
    rng = np.random.default_rng(2)
    slopes = [
        spectral_slope(gaussian_image(256, lambda k: k**exponent, rng), band=(0.03, 0.35))
        for _ in range(4)
    ]
    assert np.mean(slopes) == pytest.approx(exponent, abs=0.06)


def test_the_slope_ignores_gain_offset_and_turning_by_90_degrees():
    image = gaussian_image(128, lambda k: k**-2.0, np.random.default_rng(3))
    slope = spectral_slope(image)
    assert spectral_slope(5.0 - 3.0 * image) == pytest.approx(slope, rel=1e-9)
    assert spectral_slope(image.T) == pytest.approx(slope, rel=1e-9)


def test_the_window_removes_what_opposite_borders_add():
    """A ramp is smooth but for the jump at its border, whose power falls as k^-2 on an axis."""
    ramp = np.tile(np.arange(128.0), (128, 1))
    frequency, power = radial_power_spectrum(ramp)
    high = frequency > 0.1
    raw = np.abs(np.fft.fft2(ramp - ramp.mean())) ** 2 / ramp.size
    assert power[high].sum() < 1e-6 * raw[0, 13:64].sum()


@claim("sparse_coding-1")
def test_spectra_of_the_photographs_fall_about_as_the_square_of_frequency_with_spread():
    slopes = {name: spectral_slope(image) for name, image in data.load_photographs().items()}
    values = np.array(list(slopes.values()))
    assert len(values) == 14
    assert -3.0 < values.mean() < -2.0  # Tolhurst: -2.4 for power
    assert 0.3 < values.std(ddof=1) < 0.8  # one number does not fit all
    assert (values < -1.4).all()
    assert (values > -3.7).all()
    assert slopes["clock"] < -3.0 < slopes["grass"] < -1.8


@claim("sparse_coding-1")
def test_a_power_law_is_a_good_but_not_a_perfect_summary():
    for image in data.load_photographs().values():
        frequency, power = radial_power_spectrum(image)
        inside = (frequency >= 0.02) & (frequency <= 0.35)
        x, y = np.log(frequency[inside]), np.log(power[inside])
        residual = y - np.polyval(np.polyfit(x, y, 1), x)
        assert 0.8 < 1 - residual.var() / y.var() < 1


# Patches, whitening, nulls


def test_patches_are_windows_of_the_images_row_by_row():
    images = [np.arange(30.0).reshape(5, 6), 100 + np.arange(12.0).reshape(3, 4)]
    patches = sample_patches(images, 3, 2000, np.random.default_rng(4))
    windows = {
        tuple(image[r : r + 3, c : c + 3].ravel())
        for image in images
        for r in range(image.shape[0] - 2)
        for c in range(image.shape[1] - 2)
    }
    assert {tuple(patch) for patch in patches} == windows  # every place, and no other
    assert (patches[:, 0] >= 100).mean() == pytest.approx(0.5, abs=0.05)  # images equally likely


def test_whitened_patches_have_identity_covariance_and_stay_images():
    rng = np.random.default_rng(5)
    patches = rng.standard_normal((5000, 9)) @ rng.standard_normal((9, 9)) + 3.0
    whitened, transform = whiten(patches)
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(whitened.T @ whitened / 5000, np.eye(9), atol=1e-10)
    np.testing.assert_allclose(transform, transform.T, atol=1e-12)
    assert (np.linalg.eigvalsh(transform) > 0).all()
    np.testing.assert_allclose(whitened, (patches - patches.mean(axis=0)) @ transform, atol=1e-12)


def test_zca_moves_patches_less_than_any_other_whitening():
    rng = np.random.default_rng(6)
    patches = rng.standard_normal((2000, 6)) @ rng.standard_normal((6, 6))
    whitened, _ = whiten(patches)
    moved = ((patches - patches.mean(axis=0) - whitened) ** 2).sum()
    for _ in range(20):
        rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
        assert ((patches - patches.mean(axis=0) - whitened @ rotation) ** 2).sum() > moved


def test_whitening_on_fewer_components_is_a_projection():
    rng = np.random.default_rng(7)
    patches = rng.standard_normal((3000, 8)) * np.arange(1, 9)
    whitened, _ = whiten(patches, n_components=3)
    covariance = whitened.T @ whitened / 3000
    np.testing.assert_allclose(covariance @ covariance, covariance, atol=1e-10)
    assert np.trace(covariance) == pytest.approx(3)


def test_a_phase_scrambled_image_keeps_spectrum_and_mean_and_loses_its_tails():
    image = data.load_photographs()["camera"]
    scrambled = phase_scramble(image, np.random.default_rng(8))
    np.testing.assert_allclose(
        np.abs(np.fft.fft2(scrambled)), np.abs(np.fft.fft2(image)), atol=1e-8 * image.size
    )
    assert scrambled.mean() == pytest.approx(image.mean())
    edge = np.diff(image, axis=1).ravel(), np.diff(scrambled, axis=1).ravel()
    assert excess_kurtosis(edge[0]) > 10
    assert abs(excess_kurtosis(edge[1])) < 0.5


def test_two_pixels_of_equal_leaves_are_alike_as_often_as_geometry_says():
    """P(same leaf at distance t) = g / (2 - g), g the overlap of two discs t apart over a disc."""
    radius, distance = 6.0, 5
    image = np.concatenate(
        [
            dead_leaves((120, 120), np.random.default_rng(s), min_radius=radius, max_radius=6.0001)
            for s in range(30)
        ]
    )
    x = distance / (2 * radius)
    overlap = 2 / math.pi * (math.acos(x) - x * math.sqrt(1 - x * x))
    same = (image[:, distance:] == image[:, :-distance]).mean()
    assert same == pytest.approx(overlap / (2 - overlap), abs=0.015)
    assert image.mean() == pytest.approx(0.5, abs=0.02)  # gray levels are uniform
    assert image.var() == pytest.approx(1 / 12, abs=0.004)


def test_leaves_lie_at_the_border_as_they_do_in_the_middle():
    """Stationary: the formula above holds in a corner, where centers outside matter, too."""
    rng = np.random.default_rng(47)
    images = np.array(
        [dead_leaves((12, 14), rng, min_radius=6.0, max_radius=6.0001) for _ in range(1500)]
    )
    x = 5 / 12
    overlap = 2 / math.pi * (math.acos(x) - x * math.sqrt(1 - x * x))
    for row, column in [(0, 0), (0, 8), (11, 0), (11, 8), (6, 4)]:
        same = (images[:, row, column] == images[:, row, column + 5]).mean()
        assert same == pytest.approx(overlap / (2 - overlap), abs=0.05), (row, column)
    assert np.corrcoef(images[:, 0, 3], images[:, 1, 3])[0, 1] == pytest.approx(
        np.corrcoef(images[:, 6, 3], images[:, 7, 3])[0, 1], abs=0.05
    )


def test_dead_leaves_look_alike_at_half_the_size():
    """With radii of density r^-3 the share of contours a pixel falls as 1 / r: slope near -2."""
    rng = np.random.default_rng(9)
    images = [dead_leaves((256, 256), rng) for _ in range(4)]
    assert np.mean([spectral_slope(image) for image in images]) == pytest.approx(-2.1, abs=0.25)
    far = dead_leaves((32, 32), rng, max_radius=1e9)  # larger discs than the image end it soon
    assert far.shape == (32, 32)
    assert np.isfinite(far).all()


# Codes


def lasso_objective(codes, patches, dictionary, penalty):
    residual = patches - codes @ dictionary
    return 0.5 * (residual**2).sum(axis=1) + penalty * np.abs(codes).sum(axis=1)


def test_over_orthonormal_atoms_codes_are_soft_thresholded_projections(path):
    rng = np.random.default_rng(10)
    dictionary = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    patches = rng.standard_normal((50, 8))
    projection = patches @ dictionary.T
    expected = np.sign(projection) * np.maximum(np.abs(projection) - 0.7, 0)
    np.testing.assert_allclose(infer_codes(patches, dictionary, 0.7), expected, atol=1e-12)


def test_one_atom_of_any_norm(path):
    code = infer_codes([[3.0, 4.0]], [[0.6, 0.8 + 1e-16]], 1.0)
    np.testing.assert_allclose(code, [[4.0]], rtol=1e-12)
    np.testing.assert_allclose(infer_codes([[3.0, 4.0]], [[6.0, 8.0]], 10.0), [[0.4]], rtol=1e-12)


@pytest.mark.parametrize(("n", "d", "k"), [(30, 20, 10), (30, 20, 20), (30, 16, 64)])
def test_objectives_are_those_of_scikit_learns_lasso(path, n, d, k):
    patches, dictionary, penalty = random_problem(n, d, k, np.random.default_rng(11))
    peer = Lasso(alpha=penalty / d, fit_intercept=False, tol=1e-14, max_iter=200_000)
    theirs = np.array([peer.fit(dictionary.T, patch).coef_.copy() for patch in patches])
    ours = infer_codes(patches, dictionary, penalty, tol=1e-12)
    np.testing.assert_allclose(
        lasso_objective(ours, patches, dictionary, penalty),
        lasso_objective(theirs, patches, dictionary, penalty),
        rtol=1e-9,
    )


@pytest.mark.parametrize("tol", [1e-2, 1e-6, 1e-12])
def test_every_code_reaches_the_duality_gap_it_promises(path, tol):
    patches, dictionary, penalty = random_problem(300, 36, 80, np.random.default_rng(12))
    patches[0] = 0.0
    patches[1] *= 1e-5
    patches[2] *= 30.0
    codes = infer_codes(patches, dictionary, penalty, tol=tol)
    gap = duality_gap(codes, patches, dictionary, penalty)
    energy = 0.5 * (patches**2).sum(axis=1)
    assert (gap <= tol * energy + 4e-15 * energy).all()
    assert not codes[:2].any()


@settings(deadline=None, max_examples=25)
@given(seed=seeds, k=st.integers(1, 12), penalty=st.floats(0.01, 3.0))
def test_the_gap_bounds_the_distance_to_the_minimum_and_optimality_holds(seed, k, penalty):
    rng = np.random.default_rng(seed)
    patches, dictionary, _ = random_problem(5, 6, k, rng)
    best = infer_codes(patches, dictionary, penalty, tol=1e-12)
    minimum = lasso_objective(best, patches, dictionary, penalty)
    other = best + rng.standard_normal(best.shape)
    gap = duality_gap(other, patches, dictionary, penalty)
    assert (gap >= lasso_objective(other, patches, dictionary, penalty) - minimum - 1e-9).all()
    correlation = (patches - best @ dictionary) @ dictionary.T
    assert (np.abs(correlation) <= penalty * (1 + 1e-4) + 1e-6).all()
    used = best != 0
    np.testing.assert_allclose(
        correlation[used], penalty * np.sign(best[used]), rtol=1e-3, atol=1e-5
    )


def test_both_paths_find_the_same_codes(monkeypatch):
    pytest.importorskip("numba")
    patches, dictionary, penalty = random_problem(200, 30, 60, np.random.default_rng(13))
    compiled = infer_codes(patches, dictionary, penalty, tol=1e-13)
    monkeypatch.setattr(_compiled, "load", lambda topic: None)
    plain = infer_codes(patches, dictionary, penalty, tol=1e-13)
    np.testing.assert_allclose(plain, compiled, atol=1e-10)


def test_float32_stays_float32_and_is_near(path):
    patches, dictionary, penalty = random_problem(100, 20, 40, np.random.default_rng(14))
    single = infer_codes(patches.astype(np.float32), dictionary.astype(np.float32), penalty)
    assert single.dtype == np.float32
    double = infer_codes(patches, dictionary, penalty)
    assert double.dtype == np.float64
    np.testing.assert_allclose(
        lasso_objective(single, patches, dictionary, penalty),
        lasso_objective(double, patches, dictionary, penalty),
        rtol=2e-4,
    )


def test_repeated_and_empty_atoms_do_no_harm(path):
    patches, dictionary, penalty = random_problem(20, 10, 6, np.random.default_rng(15))
    doubled = np.vstack([dictionary, dictionary, np.zeros((2, 10))])
    codes = infer_codes(patches, doubled, penalty, tol=1e-10)
    assert not codes[:, -2:].any()
    np.testing.assert_allclose(
        lasso_objective(codes, patches, doubled, penalty),
        lasso_objective(infer_codes(patches, dictionary, penalty), patches, dictionary, penalty),
        rtol=1e-9,
    )


def test_a_gap_out_of_reach_is_an_error_and_not_a_wrong_answer():
    """So small a penalty leaves more atoms in use than pixels, where descent takes for ever."""
    patches, dictionary, _ = random_problem(3, 36, 80, np.random.default_rng(12))
    with pytest.raises(RuntimeError, match=r"codes have not reached a duality gap of 1e-12"):
        infer_codes(1e5 * patches, dictionary, 0.3, tol=1e-12)


def test_the_largest_penalty_at_which_a_code_is_not_silent(path):
    patches, dictionary, _ = random_problem(40, 12, 20, np.random.default_rng(16))
    edge = np.abs(patches @ dictionary.T).max(axis=1)
    for patch, penalty in zip(patches, edge, strict=True):
        assert not infer_codes([patch], dictionary, penalty * (1 + 1e-9)).any()
        assert infer_codes([patch], dictionary, penalty * 0.99).any()


def test_an_ista_step_by_hand():
    step = ista_step([[0.5, 0.0]], [[1.0, 2.0]], [[1.0, 0.0], [0.6, 0.8]], 0.4, 0.5)
    # residual (.5, 2), correlations (.5, 1.9); moved (.75, .95); threshold .2
    np.testing.assert_allclose(step, [[0.55, 0.75]], rtol=1e-14)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, penalty=st.floats(0.01, 2.0), share=st.floats(0.05, 1.0))
def test_an_ista_step_never_raises_the_objective(seed, penalty, share):
    rng = np.random.default_rng(seed)
    patches, dictionary, _ = random_problem(4, 6, 9, rng)
    codes = rng.standard_normal((4, 9))
    step_size = share / np.linalg.norm(dictionary, 2) ** 2
    before = sparse_objective(codes, patches, dictionary, penalty)
    stepped = ista_step(codes, patches, dictionary, penalty, step_size)
    assert (sparse_objective(stepped, patches, dictionary, penalty) <= before + 1e-12).all()


def test_codes_are_the_fixed_points_of_ista_and_its_limit():
    patches, dictionary, penalty = random_problem(10, 8, 12, np.random.default_rng(17))
    step_size = 1 / np.linalg.norm(dictionary, 2) ** 2
    best = infer_codes(patches, dictionary, penalty, tol=1e-13)
    np.testing.assert_allclose(
        ista_step(best, patches, dictionary, penalty, step_size), best, atol=1e-7
    )
    codes = np.zeros_like(best)
    for _ in range(3000):
        codes = ista_step(codes, patches, dictionary, penalty, step_size)
    np.testing.assert_allclose(codes, best, atol=1e-4)


# Dictionaries


def sparse_data(n, dictionary, rng, share=0.1):
    codes = rng.laplace(size=(n, len(dictionary))) * (rng.random((n, len(dictionary))) < share)
    return codes @ dictionary + 0.01 * rng.standard_normal((n, dictionary.shape[1]))


def test_a_dictionary_that_made_the_data_is_found_again(path):
    rng = np.random.default_rng(18)
    truth = rng.standard_normal((20, 16))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    patches = sparse_data(3000, truth, rng)
    learned = learn_dictionary(patches, 20, 0.3, rng, n_epochs=25, batch_size=100)
    match = np.abs(truth @ learned.atoms.T).max(axis=1)
    assert np.median(match) > 0.99
    assert (match > 0.95).mean() >= 0.9


def test_learning_lowers_the_objective_and_keeps_atoms_in_the_unit_ball():
    rng = np.random.default_rng(19)
    patches = sparse_data(1500, rng.standard_normal((30, 12)), rng)
    learned = learn_dictionary(patches, 24, 0.3, rng, n_epochs=8, batch_size=100)
    assert learned.atoms.shape == (24, 12)
    assert learned.objective.shape == (8,)
    assert learned.objective[-1] < 0.9 * learned.objective[0]
    assert (np.linalg.norm(learned.atoms, axis=1) <= 1 + 1e-12).all()


def test_the_objective_is_the_mean_over_patches_of_what_inference_minimizes():
    """One batch of all patches: the dictionary is still the random one it starts from."""
    patches = np.random.default_rng(20).standard_normal((60, 5))
    learned = learn_dictionary(
        patches, 7, 0.2, np.random.default_rng(21), n_epochs=1, batch_size=60
    )
    atoms = np.random.default_rng(21).standard_normal((7, 5))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = infer_codes(patches, atoms, 0.2)
    expected = sparse_objective(codes, patches, atoms, 0.2).mean()
    assert learned.objective[0] == pytest.approx(expected, rel=1e-3)


def test_atoms_without_use_become_patches():
    rng = np.random.default_rng(22)
    patches = np.outer(rng.laplace(size=400), [1.0, 0.0, 0.0])  # one direction is enough
    learned = learn_dictionary(patches, 5, 0.1, rng, n_epochs=2, batch_size=50)
    assert np.isfinite(learned.atoms).all()
    assert np.abs(learned.atoms[:, 0]).max() == pytest.approx(1.0, abs=1e-6)


# Independent components


def mixed_sources(n, k, rng):
    sources = rng.laplace(size=(n, k))
    mixing = rng.standard_normal((k, k))
    return sources @ mixing.T, mixing


def test_fast_ica_finds_the_sources_that_were_mixed():
    rng = np.random.default_rng(23)
    mixtures, mixing = mixed_sources(20_000, 6, rng)
    filters, sources = fast_ica(mixtures, 6, rng)
    match = np.abs(filters @ mixing) * math.sqrt(2)  # Laplace sources have variance 2
    np.testing.assert_allclose(np.sort(match, axis=1)[:, -1], 1, atol=0.03)
    assert (np.sort(match, axis=1)[:, :-1] < 0.06).all()
    assert sorted(match.argmax(axis=1)) == list(range(6))
    np.testing.assert_allclose(sources.T @ sources / len(sources), np.eye(6), atol=1e-9)
    np.testing.assert_allclose(sources, (mixtures - mixtures.mean(axis=0)) @ filters.T, atol=1e-9)


def test_a_step_is_that_of_scikit_learn():
    rng = np.random.default_rng(24)
    mixtures, _ = mixed_sources(3000, 5, rng)
    centered = mixtures - mixtures.mean(axis=0)
    variances, axes = np.linalg.eigh(centered.T @ centered / 3000)
    whitened = centered @ axes / np.sqrt(variances)
    start = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    peer = FastICA(whiten=False, fun="logcosh", w_init=start, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        peer.fit(whitened)
    np.testing.assert_allclose(fast_ica_step(start, whitened), peer.components_, atol=1e-10)


def test_a_step_returns_orthonormal_rows_and_needs_no_order():
    rng = np.random.default_rng(25)
    whitened = np.linalg.qr(rng.laplace(size=(500, 4)))[0] * math.sqrt(500)
    start = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    step = fast_ica_step(start, whitened)
    np.testing.assert_allclose(step @ step.T, np.eye(4), atol=1e-12)
    turned = fast_ica_step(start[[2, 0, 3, 1]], whitened)
    np.testing.assert_allclose(turned, step[[2, 0, 3, 1]], atol=1e-12)  # rows are treated alike


def test_fast_ica_in_float32():
    mixtures, _ = mixed_sources(5000, 4, np.random.default_rng(26))
    double = fast_ica(mixtures, 4, np.random.default_rng(0))
    single = fast_ica(mixtures.astype(np.float32), 4, np.random.default_rng(0))
    assert {part.dtype for part in single} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single[0], double[0], atol=1e-3)


def test_gaussian_patches_have_no_components_to_find():
    rng = np.random.default_rng(27)
    patches = rng.standard_normal((20_000, 10))
    with pytest.warns(RuntimeWarning, match="FastICA: a component still turned"):
        _, sources = fast_ica(patches, 10, rng, max_iterations=15)
    assert np.abs(excess_kurtosis(sources)).max() < 0.25


# Filters and Gabors


def test_localization_of_known_filters():
    pixel = np.zeros((9, 9))
    pixel[3, 5] = -2.0
    assert localization(pixel) == pytest.approx(1.0)
    assert localization(np.ones((9, 7))) == pytest.approx(0.0, abs=1e-12)
    blob = gabor((31, 31), frequency=0, orientation=0, phase=0, center=(15, 15), sigma=(4, 4))
    # the square of a Gaussian of sigma 4 has variance 8 in each direction
    assert localization(blob) == pytest.approx(1 - 12 * 16 / (2 * 31**2 - 2), abs=1e-3)


def test_orientation_selectivity_of_known_filters():
    y, x = np.mgrid[:16, :16]
    grating = np.cos(2 * np.pi * (x + 2 * y) / 8)
    checks = np.cos(2 * np.pi * x / 4) * np.cos(2 * np.pi * y / 4)
    pixel = np.zeros((16, 16))
    pixel[7, 8] = 1.0
    assert orientation_selectivity(grating) > 0.9
    assert orientation_selectivity(checks) < 0.05
    assert orientation_selectivity(pixel) < 0.02
    np.testing.assert_allclose(
        orientation_selectivity(np.stack([grating, pixel])),
        [orientation_selectivity(grating), orientation_selectivity(pixel)],
    )


def test_excess_kurtosis_of_known_distributions():
    rng = np.random.default_rng(28)
    samples = np.column_stack(
        [rng.standard_normal(200_000), rng.laplace(size=200_000), rng.uniform(size=200_000)]
    )
    np.testing.assert_allclose(excess_kurtosis(samples), [0.0, 3.0, -1.2], atol=0.15)
    assert excess_kurtosis([1.0, -1.0]) == pytest.approx(-2.0)


@settings(deadline=None, max_examples=25)
@given(
    frequency=st.floats(0.12, 0.4),
    orientation=st.floats(0, 179),
    phase=st.floats(-180, 179),
    row=st.floats(4, 7),
    column=st.floats(4, 7),
    across=st.floats(1.2, 2.5),
    along=st.floats(1.2, 2.5),
)
def test_the_fit_of_a_gabor_function_is_that_function(
    frequency, orientation, phase, row, column, across, along
):
    atom = gabor(
        (SIDE, SIDE),
        frequency=frequency,
        orientation=orientation,
        phase=phase,
        center=(row, column),
        sigma=(across, along),
        amplitude=0.3,
    )
    fit = fit_gabor(atom)
    assert fit.r_squared > 0.999
    np.testing.assert_allclose(fit.image(atom.shape), atom, atol=0.02)


def test_the_parameters_of_a_fit_come_in_their_conventions():
    truth = {
        "frequency": 0.2,
        "orientation": 150.0,
        "phase": -70.0,
        "center": (6.3, 5.1),
        "sigma": (1.8, 2.6),
        "amplitude": 0.7,
    }
    fit = fit_gabor(gabor((13, 12), **truth))
    for name, value in truth.items():
        np.testing.assert_allclose(getattr(fit, name), value, rtol=1e-2, err_msg=name)
    h = math.sqrt(math.log(2) / 2) / (math.pi * 1.8)
    assert fit.bandwidth == pytest.approx(math.log2((0.2 + h) / (0.2 - h)), rel=0.03)


def test_orientation_is_that_of_the_stripes_counterclockwise():
    y, x = np.mgrid[:16, :16]
    envelope = np.exp(-((x - 7.5) ** 2 + (y - 7.5) ** 2) / 18)
    vertical = fit_gabor(envelope * np.cos(np.pi * x / 2))
    rising = fit_gabor(envelope * np.cos(np.pi * (x + y) / 3))  # constant along x = -y: upward
    assert vertical.orientation == pytest.approx(90, abs=1)
    assert rising.orientation == pytest.approx(45, abs=1)


def test_a_low_pass_filter_has_no_bandwidth():
    blob = gabor((12, 12), frequency=0, orientation=0, phase=0, center=(5, 6), sigma=(2, 2))
    fit = fit_gabor(blob)
    assert fit.r_squared > 0.999
    assert fit.bandwidth == math.inf


def test_white_noise_is_no_gabor_but_small_noise_nearly_is():
    """Eight parameters fit little of 144 pixels and much of 16: why a small stem shows little."""
    rng = np.random.default_rng(29)
    share = {
        side: np.median([fit_gabor(rng.standard_normal((side, side))).r_squared for _ in range(15)])
        for side in (4, 6, 12)
    }
    assert share[12] < 0.25 < share[6] < share[4]
    assert share[4] > 0.5


# The claims, each against its nulls


@pytest.fixture(scope="module")
def photographs():
    return [
        standardized(halved(image))
        for name, image in data.load_photographs().items()
        if name not in TEXTURES
    ]


def patches_of(images, n, seed):
    patches = sample_patches(images, SIDE, n, np.random.default_rng(seed))
    return patches - patches.mean(axis=1, keepdims=True)


def gabor_share(filters):
    """Share of filters that are Gabor-like and local: R^2 above .7, localization above .4."""
    filters = filters.reshape(-1, SIDE, SIDE)
    fits = np.array([fit_gabor(f).r_squared for f in filters])
    return ((fits > 0.7) & (localization(filters) > 0.4)).mean()


def principal_components(patches, n):
    return np.linalg.eigh(patches.T @ patches)[1][:, ::-1][:, :n].T


@claim("sparse_coding-2")
def test_edge_filters_have_heavy_tails_on_photographs_and_none_on_their_spectra(photographs):
    """Per image, so that differences of contrast between images do not pose as tails."""
    rng = np.random.default_rng(30)
    edge = gabor(
        (SIDE, SIDE), frequency=0.2, orientation=90, phase=90, center=(5.5, 5.5), sigma=(2, 3)
    )
    edge -= edge.mean()
    for image in photographs:
        windows = [
            sample_patches([picture], SIDE, 8000, rng) @ edge.ravel()
            for picture in (image, phase_scramble(image, rng))
        ]
        seen, scrambled = (excess_kurtosis(response) for response in windows)
        assert seen > 2.5
        assert abs(scrambled) < 1.0
        assert seen > 5 * abs(scrambled)


@claim("sparse_coding-3")
def test_the_covariance_of_a_stationary_ensemble_on_a_torus_has_fourier_eigenvectors():
    """C = sum over k of S(k) e_k e_k^H: covariances that depend on the difference alone."""
    rng = np.random.default_rng(31)
    side = 6
    lag = rng.random((side, side))
    lag = lag + np.roll(lag[::-1, ::-1], 1, axis=(0, 1))  # c(s) = c(-s)
    places = list(itertools.product(range(side), repeat=2))
    covariance = np.array(
        [[lag[(r - p) % side, (c - q) % side] for p, q in places] for r, c in places]
    )
    spectrum = np.fft.fft2(lag)
    assert np.abs(spectrum.imag).max() < 1e-12
    for u, v in places:
        mode = np.array([np.exp(2j * np.pi * (u * r + v * c) / side) for r, c in places])
        np.testing.assert_allclose(covariance @ mode, spectrum[u, v].real * mode, atol=1e-10)


@claim("sparse_coding-3")
def test_components_of_torus_images_are_pure_frequencies():
    """Every component's power lies at one |k|, as far as eigenvalues can be told apart."""
    rng = np.random.default_rng(32)
    images = np.stack([gaussian_image(8, lambda k: k**-2.0, rng) for _ in range(20_000)])
    components = principal_components(images.reshape(len(images), -1), 8).reshape(-1, 8, 8)
    power = np.abs(np.fft.fft2(components)) ** 2
    radius = np.hypot(np.fft.fftfreq(8)[:, None], np.fft.fftfreq(8)).round(6)
    for component in power:
        shares = [component[radius == r].sum() / component.sum() for r in np.unique(radius)]
        assert max(shares) > 0.98


@claim("sparse_coding-3")
def test_components_of_photographs_are_near_cosines_and_fill_the_patch(photographs):
    patches = patches_of(photographs, 8000, 33)
    components = principal_components(patches, 100)
    cosines = np.array(
        [idctn(e.reshape(SIDE, SIDE), norm="ortho").ravel() for e in np.eye(SIDE**2)]
    )
    overlap = np.sort((components @ cosines.T) ** 2, axis=1)
    rotated = np.linalg.qr(np.random.default_rng(34).standard_normal((144, 144)))[0][:100]
    null = np.sort((rotated @ cosines.T) ** 2, axis=1)
    two = np.median(overlap[:30, -2:].sum(axis=1))  # the variances of later ones are too alike
    assert two > 0.75 > 5 * np.median(null[:, -2:].sum(axis=1))
    local = localization(components.reshape(-1, SIDE, SIDE))
    assert np.quantile(local, 0.9) < 0.3
    assert gabor_share(components[::3]) < 0.1


@claim("sparse_coding-3")
def test_second_order_statistics_can_be_local_too():
    """ZCA uses the covariance alone, and yet its filters are single spots."""
    rng = np.random.default_rng(35)
    images = np.stack([gaussian_image(16, lambda k: k**-2.0, rng) for _ in range(6000)])
    _, transform = whiten(images[:, :9, :9].reshape(len(images), -1))
    center = transform[40].reshape(9, 9)
    assert np.abs(center).argmax() == 40
    assert localization(center) > 0.7
    assert orientation_selectivity(center) < 0.1


@claim("sparse_coding-4")
def test_sparse_coding_of_photographs_gives_local_oriented_filters_and_of_nulls_does_not(
    photographs,
):
    rng = np.random.default_rng(36)
    noise = [rng.standard_normal((128, 128)) for _ in range(4)]
    scrambled = [standardized(phase_scramble(image, rng)) for image in photographs]
    share, tails = {}, {}
    for name, images in [("photo", photographs), ("noise", noise), ("scrambled", scrambled)]:
        patches, held_out = patches_of(images, 6000, 37), patches_of(images, 6000, 40)
        whitened, transform = whiten(patches, n_components=60)
        n_epochs = 10 if name == "photo" else 4
        learned = learn_dictionary(whitened, 60, 2.0, rng, n_epochs=n_epochs, batch_size=150)
        share[name] = gabor_share(learned.atoms[:40])
        tails[name] = np.median(excess_kurtosis(held_out @ transform @ learned.atoms.T))
        if name == "photo":
            components = principal_components(patches, 60)
            tails["pca"] = np.median(excess_kurtosis(held_out @ components.T))
            oriented = np.median(orientation_selectivity(learned.atoms.reshape(-1, SIDE, SIDE)))
            assert oriented > 0.6
    assert share["photo"] > 0.7
    assert share["noise"] < 0.1
    assert share["scrambled"] < 0.3
    assert tails["photo"] > 1.5 * tails["pca"] > 3.0
    assert tails["photo"] > 3 * tails["scrambled"]
    assert abs(tails["noise"]) < 0.5


@claim("sparse_coding-5")
def test_ica_of_photographs_gives_local_oriented_filters_and_of_nulls_does_not(photographs):
    rng = np.random.default_rng(38)
    scrambled = [standardized(phase_scramble(image, rng)) for image in photographs]
    share, tails = {}, {}
    for name, images in [("photo", photographs), ("scrambled", scrambled)]:
        patches, held_out = patches_of(images, 12_000, 39), patches_of(images, 12_000, 41)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            filters, _ = fast_ica(patches, 64, rng, tol=1e-3, max_iterations=40)
        share[name] = gabor_share(filters[:40])
        tails[name] = np.median(excess_kurtosis(held_out @ filters.T))
        if name == "photo":
            components = principal_components(patches, 64)
            tails["pca"] = np.median(excess_kurtosis(held_out @ components.T))
    assert share["photo"] > 0.7
    assert share["scrambled"] < 0.3
    assert tails["photo"] > 1.5 * tails["pca"]
    assert tails["photo"] > 3 * tails["scrambled"]


def scene_patches(n, rng):
    """Patches of 20 pixels from the left half of each photograph, and which one it was."""
    patches, names = [], []
    for label, image in enumerate(data.load_photographs().values()):
        image = standardized(halved(image))
        half = image[:, : image.shape[1] // 2]
        found = sample_patches([half], 20, n, rng)
        found = found - found.mean(axis=1, keepdims=True)
        patches.append(found / (0.1 + found.std(axis=1, keepdims=True)))
        names += [label] * n
    images = torch.tensor(np.concatenate(patches), dtype=torch.float32)
    return images.reshape(-1, 1, 20, 20), torch.tensor(names)


def first_layer(kernel, images, labels, n_epochs, n_filters=16):
    """First-layer filters of a small classifier after training."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, n_filters, kernel),
        torch.nn.ReLU(),
        torch.nn.AdaptiveMaxPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(n_filters, 14),
    )
    optimizer = torch.optim.AdamW(
        [
            {"params": model[0].parameters(), "weight_decay": 2.0},
            {"params": model[4].parameters(), "weight_decay": 0.01},
        ],
        lr=5e-3,
    )
    for _ in range(n_epochs):
        for batch in torch.randperm(len(images)).split(128):
            loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model[0].weight.detach().double().numpy()[:, 0]


@claim("sparse_coding-6")
def test_a_trained_cnn_needs_its_objective_and_its_small_kernels():
    """Gabor fits rise with training, not with shuffled labels and not without small kernels."""
    images, labels = scene_patches(200, np.random.default_rng(42))
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]
    runs = {
        "untrained": (9, labels, 0),
        "trained": (9, labels, 15),
        "shuffled": (9, shuffled, 15),
        "large": (20, labels, 15),
    }
    fit, oriented = {}, {}
    for name, (kernel, targets, n_epochs) in runs.items():
        filters = first_layer(kernel, images, targets, n_epochs)
        fit[name] = np.median([fit_gabor(f).r_squared for f in filters])
        oriented[name] = np.median(orientation_selectivity(filters))
    assert fit["trained"] > fit["untrained"] + 0.15
    assert fit["trained"] > fit["shuffled"] + 0.1
    assert fit["trained"] > fit["large"] + 0.1
    assert oriented["trained"] > 1.5 * oriented["untrained"]


# Randomness and bad input


def test_the_same_generator_gives_the_same_bits_and_no_input_is_changed():
    rng = np.random.default_rng
    image = gaussian_image(32, lambda k: k**-2.0, rng(43))
    patches = sample_patches([image], 5, 300, rng(44))
    calls = [
        lambda seed: sample_patches([image], 5, 50, seed),
        lambda seed: dead_leaves((20, 20), seed),
        lambda seed: phase_scramble(image, seed),
        lambda seed: learn_dictionary(patches, 6, 0.2, seed, n_epochs=2, batch_size=50).atoms,
        lambda seed: fast_ica(patches, 3, seed, tol=0.5)[0],
    ]
    image.setflags(write=False)
    patches.setflags(write=False)
    for call in calls:
        first, again, other = (call(rng(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)
    atoms = rng(45).standard_normal((4, 25))
    atoms.setflags(write=False)
    infer_codes(patches, atoms, 0.5)
    ista_step(np.zeros((300, 4)), patches, atoms, 0.5, 0.01)
    whiten(patches)
    fit_gabor(patches[0].reshape(5, 5))


GENERATOR = np.random.default_rng(0)
NOISE = np.random.default_rng(46).standard_normal((30, 9))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: radial_power_spectrum(np.ones(9)), ValueError, "image: expected shape"),
        (lambda: radial_power_spectrum(np.ones((4, 9))), ValueError, "at least 8 x 8"),
        (lambda: radial_power_spectrum(np.full((9, 9), np.nan)), ValueError, "finite"),
        (lambda: spectral_slope("photo"), TypeError, "image: expected real numbers"),
        (lambda: spectral_slope(np.ones((64, 64))), ValueError, "expected power"),
        (lambda: spectral_slope(NOISE @ NOISE.T, band=(0.2, 0.1)), ValueError, "0 < low < high"),
        (lambda: spectral_slope(NOISE @ NOISE.T, band=(0.1, 0.12)), ValueError, "at least 3 rings"),
        (lambda: sample_patches([], 3, 5, GENERATOR), ValueError, "at least one image"),
        (lambda: sample_patches({"a": NOISE}, 3, 5, GENERATOR), TypeError, "pass its values"),
        (lambda: sample_patches([NOISE], 10, 5, GENERATOR), ValueError, "at least 10 x 10 pixels"),
        (lambda: sample_patches([NOISE], 3, 5, 0), TypeError, "rng: expected a numpy.random"),
        (lambda: sample_patches([NOISE], 3, 2.5, GENERATOR), TypeError, "n_patches"),
        (lambda: whiten(np.ones((5, 4))), ValueError, "patches that vary"),
        (lambda: whiten(NOISE, n_components=10), ValueError, "at most the 9 pixels"),
        (lambda: dead_leaves((0, 5), GENERATOR), ValueError, "shape"),
        (lambda: dead_leaves((5, 5), GENERATOR, min_radius=0.1), ValueError, "min_radius"),
        (lambda: dead_leaves((5, 5), GENERATOR, min_radius=9), ValueError, "above 9"),
        (lambda: phase_scramble(NOISE, None), TypeError, "rng"),
        (lambda: infer_codes(NOISE, NOISE[:, :5], 1.0), ValueError, r"dictionary: .* \(k, 9\)"),
        (lambda: infer_codes(NOISE, NOISE, 0.0), ValueError, "penalty: expected a number above 0"),
        (lambda: infer_codes(NOISE, NOISE, 1.0, tol=1e-16), ValueError, "tol: .* at least 1e-13"),
        (lambda: infer_codes(NOISE[:0], NOISE, 1.0), ValueError, "patches: .* one element"),
        (lambda: infer_codes(1j * NOISE, NOISE, 1.0), TypeError, "patches: expected real"),
        (lambda: ista_step(NOISE, NOISE, NOISE, 1.0, 0.1), ValueError, r"codes: .*\(30, 30\)"),
        (
            lambda: ista_step(np.zeros((30, 30)), NOISE, NOISE, 1.0, -0.1),
            ValueError,
            "step_size: expected a number above 0",
        ),
        (
            lambda: duality_gap(np.zeros((30, 30)), NOISE, NOISE, np.inf),
            ValueError,
            "penalty: expected a finite number",
        ),
        (lambda: learn_dictionary(NOISE, 0, 1.0, GENERATOR), ValueError, "n_atoms"),
        (lambda: learn_dictionary(NOISE, 3, 1.0, None), TypeError, "rng"),
        (
            lambda: learn_dictionary(NOISE, 3, 1.0, GENERATOR, n_epochs=0),
            ValueError,
            "n_epochs",
        ),
        (lambda: fast_ica(NOISE[:5], 6, GENERATOR), ValueError, "rank of the patches, 4"),
        (lambda: fast_ica(NOISE, 12, GENERATOR), ValueError, "at most the 9 pixels"),
        (lambda: fast_ica_step(np.eye(3), NOISE), ValueError, r"unmixing: .*\(9, 9\)"),
        (lambda: fast_ica_step(np.ones((9, 9)), NOISE), ValueError, "stay independent"),
        (lambda: fit_gabor(np.zeros((8, 8))), ValueError, "not zero everywhere"),
        (lambda: fit_gabor(np.ones((3, 8))), ValueError, "at least 4 x 4"),
        (
            lambda: gabor(
                (9, 9), frequency=0.1, orientation=0, phase=0, center=(4, 4), sigma=(0, 1)
            ),
            ValueError,
            "sigma: expected numbers above 0",
        ),
        (lambda: localization(np.ones(5)), ValueError, "atoms: expected shape"),
        (lambda: localization(np.zeros((4, 4))), ValueError, "not zero everywhere"),
        (lambda: localization(np.ones((1, 1))), ValueError, "more than one pixel"),
        (lambda: excess_kurtosis(np.ones(5)), ValueError, "responses that vary"),
        (lambda: excess_kurtosis(3.0), ValueError, "an axis of samples"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
