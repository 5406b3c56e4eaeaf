"""Convolution, pools, Gabor energy, shift errors: torch, closed forms, symmetries, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from course_utils.equivariance import (
    anti_aliased_max_pool,
    average_pool,
    blur_pool,
    conv2d,
    conv_equivariance_errors,
    equivariance_error,
    fractional_shift,
    gabor,
    gabor_energy,
    global_average_pool,
    invariance_error,
    max_pool,
    modulation_ratio,
    shift,
)

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
BOUNDARIES = ("circular", "zero", "valid")


def all_shifts(h, w):
    return np.stack(np.mgrid[:h, :w], axis=-1).reshape(-1, 2)


def torch_conv2d(image, kernels, boundary, stride):
    """torch's own convolution, padded by torch."""
    x, w = torch.tensor(image)[None], torch.tensor(kernels)
    if boundary == "zero" and stride == 1 and kernels.shape[2] % 2 and kernels.shape[3] % 2:
        return F.conv2d(x, w, padding="same")[0].numpy()
    if boundary != "valid":
        kh, kw = kernels.shape[2:]
        widths = ((kw - 1) // 2, kw // 2, (kh - 1) // 2, kh // 2)
        x = F.pad(x, widths, mode="circular" if boundary == "circular" else "constant")
    return F.conv2d(x, w, stride=stride)[0].numpy()


# Shifts


def test_shift_moves_down_and_right_and_wraps():
    x = np.zeros((4, 5))
    x[1, 2] = 1
    for dy, dx, at in [(1, 1, (2, 3)), (-2, 0, (3, 2)), (0, 4, (1, 1)), (401, -500, (2, 2))]:
        assert np.argwhere(shift(x, dy, dx)).tolist() == [list(at)]


@given(seed=seeds, first=st.tuples(*[st.integers(-9, 9)] * 4))
@settings(deadline=None, max_examples=20)
def test_shifts_add_up(seed, first):
    x = np.random.default_rng(seed).standard_normal((2, 5, 4))
    a, b, c, d = first
    np.testing.assert_array_equal(shift(shift(x, a, b), c, d), shift(x, a + c, b + d))
    np.testing.assert_array_equal(shift(x, 5 * a, 4 * b), x)


@pytest.mark.parametrize("shape", [(7, 5), (2, 8, 6)])
def test_fractional_shift_is_shift_at_whole_pixels_and_a_sinusoid_in_between(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_allclose(fractional_shift(x, -2, 3), shift(x, -2, 3), rtol=0, atol=1e-13)
    h, w = shape[-2:]
    i, j = np.mgrid[:h, :w]

    def wave(dy, dx):
        return np.cos(2 * np.pi * (2 * (i - dy) / h - (j - dx) / w) + 0.3)

    moved = fractional_shift(wave(0, 0), 0.25, -1.7)
    np.testing.assert_allclose(moved, wave(0.25, -1.7), rtol=0, atol=1e-13)


# Convolution and pools against torch


@claim("equivariance-1")
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 2), (4, 5), (5, 2), (7, 6)])
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (3, 4)])
def test_conv2d_equals_torch(boundary, stride, size, channels, filters):
    rng = np.random.default_rng([stride, *size, channels])
    image = rng.standard_normal((channels, 9, 11))
    kernels = rng.standard_normal((filters, channels, *size))
    ours = conv2d(image, kernels, boundary=boundary, stride=stride)
    theirs = torch_conv2d(image, kernels, boundary, stride)
    assert ours.dtype == np.float64
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_conv2d_is_a_correlation_by_hand():
    image = np.arange(9.0).reshape(1, 3, 3)
    kernel = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    # Windows (0 1 / 3 4) ..., not turned round.
    valid = [[0 + 10 + 300 + 4000, 1 + 20 + 400 + 5000], [3 + 40 + 600 + 7000, 4 + 50 + 700 + 8000]]
    np.testing.assert_array_equal(conv2d(image, kernel, boundary="valid"), [valid])
    # An even kernel is padded behind.
    zero = conv2d(image, kernel, boundary="zero")[0]
    np.testing.assert_array_equal(zero[:2, :2], valid)
    np.testing.assert_array_equal(zero[2], [6 + 70, 7 + 80, 8])
    assert conv2d(image, kernel)[0, 2, 2] == 8 + 60 + 200 + 0


def test_a_kernel_larger_than_the_image_wraps_more_than_once_and_float32_stays():
    image = np.array([[[1.0, 2.0]]], np.float32)
    wide = np.ones((1, 1, 1, 7), np.float32)
    result = conv2d(image, wide)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [[[11, 10]]])
    assert conv2d(image, wide.astype(float)).dtype == np.float64


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, None), (3, 1), (3, 2), (2, 3), (5, 4)])
def test_pools_equal_torch(size, stride):
    maps = np.random.default_rng(3).standard_normal((3, 9, 8))
    tensor = torch.tensor(maps)[None]
    expected = F.max_pool2d(tensor, size, stride)[0].numpy()
    np.testing.assert_array_equal(max_pool(maps, size, stride), expected)
    expected = F.avg_pool2d(tensor, size, stride)[0].numpy()
    np.testing.assert_allclose(average_pool(maps, size, stride), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (6, 3)])
def test_circular_pools_by_loops(size, stride):
    maps = np.random.default_rng(4).standard_normal((2, 6, 7))
    rows, columns = range(0, 6, stride), range(0, 7, stride)
    for f in range(2):
        windows = [
            [
                [maps[f, (i + a) % 6, (j + b) % 7] for a in range(size) for b in range(size)]
                for j in columns
            ]
            for i in rows
        ]
        largest = max_pool(maps, size, stride, boundary="circular")[f]
        np.testing.assert_array_equal(largest, np.max(windows, axis=-1))
        mean = average_pool(maps, size, stride, boundary="circular")[f]
        np.testing.assert_allclose(mean, np.mean(windows, axis=-1), rtol=0, atol=1e-14)


def test_blur_pool_by_scipy_and_by_hand():
    from scipy.ndimage import convolve1d

    maps = np.random.default_rng(5).standard_normal((2, 8, 6))
    for taps, row in [(1, [1]), (3, [1, 2, 1]), (5, [1, 4, 6, 4, 1])]:
        row = np.array(row) / sum(row)
        for boundary, mode in [("circular", "wrap"), ("zero", "constant")]:
            blurred = convolve1d(convolve1d(maps, row, axis=1, mode=mode), row, axis=2, mode=mode)
            ours = blur_pool(maps, 2, taps=taps, boundary=boundary)
            np.testing.assert_allclose(ours, blurred[:, ::2, ::2], rtol=0, atol=1e-14)
    even = blur_pool(np.arange(4.0)[None].repeat(2, 0), 1, taps=2, boundary="valid")
    np.testing.assert_allclose(even, [[0.5, 1.5, 2.5]])


def test_anti_aliased_max_pool_by_torch():
    maps = np.random.default_rng(6).standard_normal((3, 8, 8))
    dense = F.max_pool2d(F.pad(torch.tensor(maps)[None], (0, 1, 0, 1), mode="circular"), 2, 1)
    row = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64) / 4
    kernel = torch.outer(row, row).expand(3, 1, 3, 3)
    padded = F.pad(dense, (1, 1, 1, 1), mode="circular")
    expected = F.conv2d(padded, kernel, stride=2, groups=3)[0].numpy()
    np.testing.assert_allclose(anti_aliased_max_pool(maps, 2, 2), expected, rtol=0, atol=1e-14)


# What commutes with shifts


@claim("equivariance-1")
@given(
    seed=seeds,
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    offset=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
)
@settings(deadline=None, max_examples=30)
def test_circular_convolution_commutes_with_every_shift(seed, size, offset):
    rng = np.random.default_rng(seed)
    image, kernels = rng.standard_normal((2, 7, 6)), rng.standard_normal((3, 2, *size))
    error = equivariance_error(lambda x: conv2d(x, kernels), image, [offset])
    assert error[0] < 1e-14


@claim("equivariance-2")
@pytest.mark.parametrize(
    "pointwise",
    [lambda z: np.maximum(z, 0), np.tanh, np.square, lambda z: np.maximum(z - 0.3, 0)],
    ids=["relu", "tanh", "square", "threshold"],
)
def test_a_pointwise_nonlinearity_keeps_equivariance_and_a_place_dependent_one_does_not(pointwise):
    rng = np.random.default_rng(7)
    image, kernels = rng.standard_normal((1, 8, 8)), rng.standard_normal((3, 1, 3, 3))
    shifts = all_shifts(8, 8)
    errors = equivariance_error(lambda x: pointwise(conv2d(x, kernels)), image, shifts)
    assert errors.max() < 1e-14
    bias = rng.standard_normal((3, 8, 8))  # a threshold of its own at every place
    errors = equivariance_error(lambda x: pointwise(conv2d(x, kernels) + bias), image, shifts)
    assert errors[0] == 0
    assert errors[1:].min() > 0.1


@claim("equivariance-6")
@pytest.mark.parametrize("size", [2, 3, 5])
def test_zero_padding_errs_within_the_kernel_s_reach_of_the_border_and_nowhere_else(size):
    rng = np.random.default_rng(8)
    n, (dy, dx) = 16, (3, 5)
    image, kernels = rng.standard_normal((1, n, n)), rng.standard_normal((4, 1, size, size))

    def operator(x):
        return conv2d(x, kernels, boundary="zero")

    wrong = np.abs(operator(shift(image, dy, dx)) - shift(operator(image), dy, dx)).max(axis=0)
    border = np.zeros((n, n), bool)
    before, after = (size - 1) // 2, size // 2
    for axis in (0, 1):
        where = np.arange(n)
        near = (where < before) | (where >= n - after)
        border |= near[:, None] if axis == 0 else near[None, :]
    reached = border | shift(border, dy, dx).astype(bool)
    assert (wrong[reached] > 1e-6).all()
    assert wrong[~reached].max() < 1e-13
    # An object on a blank ground, away from the border before and after: exact.
    blank = np.zeros((1, n, n))
    blank[:, 5:8, 4:8] = rng.standard_normal((3, 4))
    assert equivariance_error(operator, blank, [(dy, dx), (-2, 1)]).max() < 1e-14


@claim("equivariance-6")
def test_valid_convolution_commutes_on_what_both_see():
    rng = np.random.default_rng(9)
    image, kernels = rng.standard_normal((1, 12, 12)), rng.standard_normal((2, 1, 3, 3))
    before = conv2d(image, kernels, boundary="valid")
    after = conv2d(shift(image, 2, 3), kernels, boundary="valid")
    np.testing.assert_allclose(after[:, 2:, 3:], before[:, :-2, :-3], rtol=0, atol=1e-13)
    operator = lambda x: conv2d(x, kernels, boundary="valid")  # noqa: E731
    assert equivariance_error(operator, image, [(2, 3)])[0] > 0.3


@claim("equivariance-6")
@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("kind", ["strided convolution", "max pool", "average pool"])
def test_a_stride_commutes_with_its_multiples_and_with_no_other_shift(stride, kind):
    rng = np.random.default_rng(10)
    image, kernels = rng.standard_normal((1, 12, 12)), rng.standard_normal((3, 1, 3, 3))
    operator = {
        "strided convolution": lambda x: conv2d(x, kernels, stride=stride),
        "max pool": lambda x: max_pool(conv2d(x, kernels), stride),
        "average pool": lambda x: average_pool(conv2d(x, kernels), stride),
    }[kind]
    multiples = stride * all_shifts(12 // stride, 12 // stride)
    errors = equivariance_error(
        operator,
        image,
        multiples,
        output_shift=lambda maps, dy, dx: shift(maps, dy // stride, dx // stride),
    )
    assert errors.max() < 1e-14
    others = [s for s in all_shifts(12, 12) if (s % stride).any()]
    # No shift of the output by whole pixels, whichever it is, matches what comes out.
    reference = operator(image)
    n = 12 // stride
    for dy, dx in others[:: len(others) // 15]:
        response = operator(shift(image, dy, dx))
        distances = [np.linalg.norm(response - shift(reference, *s)) for s in all_shifts(n, n)]
        assert min(distances) > 0.1 * np.linalg.norm(reference)


@claim("equivariance-6")
def test_it_is_aliasing_that_breaks_a_stride():
    """A band-limited map survives sampling: it then moves by fractions of the coarser pixel."""
    n, stride = 24, 2
    rng = np.random.default_rng(11)
    spectrum = np.fft.fft2(rng.standard_normal((n, n)))
    frequency = np.abs(np.fft.fftfreq(n))
    low = np.maximum(frequency[:, None], frequency) < 0.25
    smooth = np.fft.ifft2(spectrum * low).real
    rough = np.fft.ifft2(spectrum).real

    def error(image):
        return equivariance_error(
            lambda x: x[::stride, ::stride],
            image,
            all_shifts(n, n),
            output_shift=lambda maps, dy, dx: fractional_shift(maps, dy / stride, dx / stride),
        )

    assert error(smooth).max() < 1e-13
    odd = (all_shifts(n, n) % stride).any(axis=1)
    assert error(rough)[odd].min() > 0.3
    assert error(rough)[~odd].max() < 1e-13
    # A blur before the stride brings the rough one nearer, a wider blur more so.
    blurred = [
        equivariance_error(
            lambda x, taps=taps: blur_pool(x, stride, taps=taps),
            rough,
            all_shifts(n, n)[odd],
            output_shift=lambda maps, dy, dx: fractional_shift(maps, dy / stride, dx / stride),
        ).mean()
        for taps in (1, 3, 5, 7)
    ]
    assert blurred[0] > 1.5 * blurred[1] > 1.5 * blurred[2] > 1.5 * blurred[3]


# What ignores shifts


@claim("equivariance-3")
@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_max_pool_ignores_shifts_inside_its_window_and_only_those(size):
    """A spot stays where it is in the pooled map until it leaves its window."""
    operator = lambda x: max_pool(x, size)  # noqa: E731
    for corner in range(size):
        spot = np.zeros((16, 16))
        spot[0, corner] = 1
        steps = np.arange(1, 16 - corner)
        errors = invariance_error(operator, spot, [(0, d) for d in steps])
        np.testing.assert_array_equal(errors == 0, corner + steps < size)


@claim("equivariance-3")
def test_a_larger_window_makes_a_shift_matter_less_but_never_nothing():
    rng = np.random.default_rng(12)
    image, kernels = rng.standard_normal((1, 32, 32)), rng.standard_normal((4, 1, 5, 5))

    def error(size, boundary="circular"):
        operator = lambda x: average_pool(  # noqa: E731
            np.maximum(conv2d(x, kernels), 0), size, 1, boundary=boundary
        )
        return invariance_error(operator, image, [(1, 0), (0, 1), (2, 1)]).mean()

    errors = [error(size) for size in (1, 2, 4, 8, 16)]
    assert (np.diff(errors) < 0).all()
    assert errors[-1] > 1e-3


@claim("equivariance-4")
def test_global_pooling_is_exact_with_stride_1_on_the_torus_and_not_otherwise():
    rng = np.random.default_rng(13)
    image, kernels = rng.standard_normal((1, 16, 16)), rng.standard_normal((5, 1, 5, 5))
    shifts = all_shifts(16, 16)

    def error(**layer):
        pooled = lambda x: global_average_pool(np.maximum(conv2d(x, kernels, **layer), 0))  # noqa: E731
        return invariance_error(pooled, image, shifts)

    assert error().max() < 1e-14
    largest = lambda x: np.maximum(conv2d(x, kernels), 0).max(axis=(1, 2))  # noqa: E731
    assert invariance_error(largest, image, shifts).max() < 1e-14
    for layer in ({"boundary": "zero"}, {"boundary": "valid"}, {"stride": 2}):
        assert error(**layer)[1:].max() > 0.01, layer
    multiples = (shifts % 2 == 0).all(axis=1)
    assert error(stride=2)[multiples].max() < 1e-14
    # Stride 4: the mean over all alignments is what stride 1 gives.
    means = [
        global_average_pool(np.maximum(conv2d(shift(image, dy, dx), kernels, stride=4), 0))
        for dy, dx in all_shifts(4, 4)
    ]
    dense = global_average_pool(np.maximum(conv2d(image, kernels), 0))
    np.testing.assert_allclose(np.mean(means, axis=0), dense, rtol=1e-13)


@claim("equivariance-4")
def test_the_power_spectrum_ignores_every_shift_though_it_pools_nothing():
    image = np.random.default_rng(14).standard_normal((12, 10))
    power = lambda x: np.abs(np.fft.fft2(x)) ** 2  # noqa: E731
    assert invariance_error(power, image, all_shifts(12, 10)).max() < 1e-13
    assert np.unique(power(image).round(6)).size > 50


def test_invariance_error_by_hand():
    x = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(invariance_error(lambda x: x, x, [(0, 0), (0, 1)]), [0, 2**0.5 / 5])
    doubled = equivariance_error(lambda x: x, x, [(0, 1)], output_shift=lambda m, dy, dx: 2 * m)
    assert doubled == pytest.approx(math.hypot(4 - 6, 3 - 8) / 5)


# Simple and complex cells


def drifting(frequency, orientation, n, steps):
    """Gratings whose phase runs through one cycle."""
    theta = np.deg2rad(orientation)
    y, x = np.mgrid[:n, :n]
    cycles = frequency * (x * np.cos(theta) + y * np.sin(theta))
    phases = np.arange(steps) / steps
    return np.cos(2 * np.pi * (cycles - phases[:, None, None]))


def test_gabor_filters_are_blind_to_light_level_and_even_and_odd():
    for frequency, orientation in [(0.1, 0), (0.125, 45), (0.25, 110), (0.5, 90)]:
        even, odd = (gabor(frequency, orientation, phase) for phase in (0, 90))
        assert even.shape == odd.shape
        assert even.shape[0] % 2 == 1
        assert abs(even.sum()) < 1e-12
        assert abs(odd.sum()) < 1e-12
        np.testing.assert_allclose(even, even[::-1, ::-1], rtol=0, atol=1e-14)
        np.testing.assert_allclose(odd, -odd[::-1, ::-1], rtol=0, atol=1e-14)
        assert (even**2).sum() + (odd**2).sum() == pytest.approx(2, rel=2e-2)
    # Stripes of orientation 0 are vertical: the filter changes along x alone under its window.
    even = gabor(0.125, 0)
    assert np.linalg.svd(even, compute_uv=False)[2] < 1e-12 * np.abs(even).max()
    power = np.abs(np.fft.fft2(gabor(0.125, 30), (64, 64)))[:32, :32]
    peak = np.array(np.unravel_index(power.argmax(), power.shape)) / 64
    np.testing.assert_allclose(
        peak, 0.125 * np.array([np.sin(np.pi / 6), np.cos(np.pi / 6)]), atol=0.01
    )


@claim("equivariance-5")
def test_a_simple_cell_follows_the_phase_and_energy_does_not():
    """F1/F0 of a half-rectified sinusoid is pi / 2; of a sum of two squares, 0."""
    frequency, orientation, n = 0.125, 30, 64
    gratings = drifting(frequency, orientation, n, 16)
    even = gabor(frequency, orientation)
    simple, energy = [], []
    for grating in gratings:
        response = conv2d(grating[None], even[None, None], boundary="valid")[0]
        simple.append(np.maximum(response[20, 20], 0))
        energy.append(gabor_energy(grating, frequency, orientation, boundary="valid")[20, 20])
    # 16 samples of a half-wave: close to its integral.
    assert modulation_ratio(simple) == pytest.approx(np.pi / 2, rel=0.01)
    assert modulation_ratio(energy) < 1e-12
    assert np.ptp(energy) < 1e-3 * np.mean(energy)
    # It is still selective.
    across = gabor_energy(
        drifting(frequency, orientation + 90, n, 1)[0], frequency, orientation, boundary="valid"
    )
    assert across.max() < 1e-3 * np.mean(energy)


@claim("equivariance-5")
def test_averaging_rectified_cells_over_places_lowers_f1_f0_as_sinc():
    """F1/F0 = (pi / 2) |sinc(w / wavelength)| after an average over a width w."""
    wavelength, n = 64, 512
    x = np.arange(n)
    gratings = np.stack(
        [np.cos(2 * np.pi * (x - phase) / wavelength) for phase in range(wavelength)]
    )
    simple = np.maximum(gratings, 0)[:, None, :]
    for width in (1, 16, 32, 48, 64, 96):
        windows = np.lib.stride_tricks.sliding_window_view(simple, width, axis=-1).mean(axis=-1)
        ratio = modulation_ratio(windows[:, 0, 7])
        assert ratio == pytest.approx(np.pi / 2 * abs(np.sinc(width / wavelength)), abs=2e-3)


@claim("equivariance-5")
def test_stacking_convolution_rectification_and_pooling_climbs_from_simple_to_complex():
    """Median F1/F0 of units falls, and so does the invariance error, from stage to stage."""
    frequency, n = 0.125, 32
    first = np.stack([gabor(frequency, o, p) for o in (0, 45, 90, 135) for p in (0, 90, 180, 270)])
    second = np.random.default_rng(15).standard_normal((12, 16, 3, 3))

    def stages(image):
        s1 = np.maximum(conv2d(image[None], first[:, None]), 0)
        c1 = average_pool(s1, 4, 1, boundary="circular")
        s2 = np.maximum(conv2d(c1, second), 0)
        c2 = average_pool(s2, 4, 1, boundary="circular")
        return s1, c1, s2, c2

    gratings = drifting(frequency, 0, n, 16)
    responses = [np.stack(stage) for stage in zip(*map(stages, gratings), strict=True)]
    ratios = []
    for stage in responses:
        units = stage[:, :, 9, 11].T
        ratios.append(np.median(modulation_ratio(units[units.mean(axis=1) > 1e-3])))
    simple, complex_, second_simple, second_complex = ratios
    assert simple > 1.5 > complex_
    assert second_simple > complex_ - 0.3
    assert second_complex < min(complex_, second_simple)
    assert second_complex < 1
    image = np.random.default_rng(16).standard_normal((n, n))
    errors = [
        invariance_error(lambda x, k=k: stages(x)[k], image, [(0, 1), (1, 0)]).mean()
        for k in range(4)
    ]
    assert errors[3] < errors[1] < errors[0]


def test_modulation_ratio_in_closed_form():
    t = np.arange(40) / 40
    np.testing.assert_allclose(modulation_ratio(1 + 0.5 * np.cos(2 * np.pi * t)), 0.5)
    np.testing.assert_allclose(modulation_ratio(np.ones((2, 7))), [0, 0], atol=1e-15)
    spike = np.zeros(40)
    spike[3] = 1
    assert modulation_ratio(spike) == pytest.approx(2)
    two = 1 + 0.5 * np.cos(4 * np.pi * t)
    assert modulation_ratio(two, cycles=2) == pytest.approx(0.5)
    assert modulation_ratio(two) == pytest.approx(0, abs=1e-15)


# All shifts at once


@claim("equivariance-1")
@claim("equivariance-6")
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    "shape", [((1, 8, 8), (4, 1, 5, 5)), ((2, 7, 10), (3, 2, 2, 3)), ((3, 6, 5), (1, 3, 4, 1))]
)
def test_all_shifts_at_once_equal_one_by_one(path, boundary, shape):
    rng = np.random.default_rng(17)
    image, kernels = (rng.standard_normal(s) for s in shape)
    errors = conv_equivariance_errors(image, kernels, boundary=boundary)
    h, w = image.shape[1:]
    operator = lambda x: conv2d(x, kernels, boundary=boundary)  # noqa: E731
    shifts = all_shifts(h, w)
    shorter = shifts - np.array([h, w]) * (2 * shifts >= (h, w))
    expected = equivariance_error(operator, image, shorter).reshape(h, w)
    np.testing.assert_allclose(errors, expected, rtol=0, atol=1e-10)
    if boundary == "circular":
        assert errors.max() < 1e-14
    else:
        assert errors[1:, 1:].min() > 1e-2


def test_all_shifts_of_a_large_image_in_float32(path):
    rng = np.random.default_rng(18)
    image = rng.standard_normal((1, 24, 70)).astype(np.float32)
    kernels = rng.standard_normal((5, 1, 5, 5)).astype(np.float32)
    kept = image.copy(), kernels.copy()
    assert 0 < conv_equivariance_errors(image, kernels).max() < 1e-6 or path == "plain"
    zero = conv_equivariance_errors(image, kernels, boundary="zero")
    assert zero.dtype == np.float64
    operator = lambda x: conv2d(x, kernels.astype(float), boundary="zero")  # noqa: E731
    some = [(0, 1), (3, 0), (11, 69), (23, 35)]
    expected = equivariance_error(operator, image.astype(float), some)
    np.testing.assert_allclose([zero[s] for s in some], expected, rtol=1e-5)
    np.testing.assert_array_equal(image, kept[0])
    np.testing.assert_array_equal(kernels, kept[1])


def test_the_number_of_threads_changes_nothing(monkeypatch):
    numba = pytest.importorskip("numba")
    rng = np.random.default_rng(19)
    image, kernels = rng.standard_normal((1, 12, 9)), rng.standard_normal((3, 1, 3, 3))
    results = []
    for threads in (1, 2):
        monkeypatch.setattr(numba, "get_num_threads", lambda threads=threads: threads)
        results.append(conv_equivariance_errors(image, kernels, boundary="zero"))
    np.testing.assert_array_equal(*results)


# Bad input


def test_nothing_is_changed_and_lists_and_read_only_arrays_are_taken():
    rng = np.random.default_rng(20)
    image, kernels = rng.integers(-3, 4, (2, 6, 6)), rng.integers(-3, 4, (2, 2, 3, 3))
    expected = conv2d(image.astype(float), kernels.astype(float))
    for array in (image, kernels):
        array.flags.writeable = False
    np.testing.assert_array_equal(conv2d(image, kernels), expected)
    np.testing.assert_array_equal(conv2d(image.tolist(), kernels.tolist()), expected)
    assert max_pool(image, 2).dtype == np.float64
    conv_equivariance_errors(image, kernels)

    def greedy(x):
        x[:] = 0
        return x + 1

    kept = image.astype(float)
    equivariance_error(greedy, kept, [(0, 1)])
    np.testing.assert_array_equal(kept, image)


@pytest.mark.parametrize("function", [conv2d, conv_equivariance_errors])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"image": np.ones((4, 4))}, ValueError, r"image: expected shape \(channels, height, wid"),
        ({"image": np.ones((1, 0, 4))}, ValueError, "image: expected at least one element"),
        ({"image": [[[1.0, np.nan]]]}, ValueError, "image: expected finite numbers, got nan"),
        ({"image": "cat"}, TypeError, "image: expected real numbers"),
        ({"image": np.ones((1, 4, 4)) * 1j}, TypeError, "image: expected real numbers"),
        ({"kernels": np.ones((3, 3))}, ValueError, r"kernels: expected shape \(filters, 1, "),
        ({"kernels": np.ones((1, 2, 3, 3))}, ValueError, r"kernels: .*got \(1, 2, 3, 3\)"),
        ({"kernels": np.full((1, 1, 2, 2), np.inf)}, ValueError, "kernels: expected finite"),
        ({"boundary": "reflect"}, ValueError, "boundary: expected 'circular', .* got 'reflect'"),
        ({"boundary": None}, TypeError, "boundary: expected a string, got NoneType"),
        (
            {"kernels": np.ones((1, 1, 5, 2)), "boundary": "valid"},
            ValueError,
            r"kernels: expected windows of at most the image's \(4, 4\) pixels .* got \(5, 2\)",
        ),
    ],
)
def test_convolutions_reject_bad_input(function, change, error, message):
    arguments = {"image": np.ones((1, 4, 4)), "kernels": np.ones((1, 1, 3, 3))} | change
    with pytest.raises(error, match=message):
        function(**arguments)


@pytest.mark.parametrize(("stride", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_strides_and_sizes_are_whole_and_positive(stride, error):
    maps = np.ones((1, 4, 4))
    for call in (
        lambda: conv2d(maps, np.ones((1, 1, 2, 2)), stride=stride),
        lambda: max_pool(maps, 2, stride),
        lambda: blur_pool(maps, stride),
        lambda: anti_aliased_max_pool(maps, 2, stride),
    ):
        with pytest.raises(error, match="stride: expected a whole number"):
            call()
    for pool in (max_pool, average_pool):
        with pytest.raises(error, match="size: expected a whole number"):
            pool(maps, stride)
    with pytest.raises(error, match="taps: expected a whole number"):
        blur_pool(maps, 2, taps=stride)


@pytest.mark.parametrize("pool", [max_pool, average_pool])
def test_pools_reject_bad_input(pool):
    with pytest.raises(
        ValueError, match=r"size: expected at most the maps' \(4, 3\) pixels, got 4"
    ):
        pool(np.ones((2, 4, 3)), 4)
    with pytest.raises(
        ValueError, match=r"maps: expected shape \(..., height, width\), got \(4,\)"
    ):
        pool(np.ones(4), 2)
    with pytest.raises(ValueError, match="maps: expected finite numbers, got inf"):
        pool(np.full((2, 2), np.inf), 1)
    with pytest.raises(ValueError, match="boundary: expected 'valid' or 'circular' for a pool"):
        pool(np.ones((4, 4)), 2, boundary="zero")
    with pytest.raises(
        ValueError, match="boundary: expected 'circular', 'zero' or 'valid', got 'x'"
    ):
        pool(np.ones((4, 4)), 2, boundary="x")


def test_shifts_and_global_pool_reject_bad_input():
    with pytest.raises(TypeError, match="dy: expected a whole number, got float"):
        shift(np.ones((2, 2)), 0.5, 0)
    with pytest.raises(TypeError, match="dx: expected a whole number, got bool"):
        shift(np.ones((2, 2)), 0, True)
    with pytest.raises(ValueError, match="dx: expected a finite number, got nan"):
        fractional_shift(np.ones((2, 2)), 0, math.nan)
    for function in (lambda x: shift(x, 0, 1), lambda x: fractional_shift(x, 0, 1)):
        with pytest.raises(ValueError, match=r"image: expected shape \(\.\.\., height, width\)"):
            function(np.ones(3))
    with pytest.raises(ValueError, match="maps: expected at least one element"):
        global_average_pool(np.ones((2, 0, 3)))
    for boundary in BOUNDARIES:
        with pytest.raises(ValueError, match=r"taps: expected at most the maps' \(2, 5\) pixels"):
            blur_pool(np.ones((2, 5)), 1, boundary=boundary)


def test_huge_and_tiny_numbers():
    x = np.random.default_rng(21).standard_normal((1, 5, 6))
    np.testing.assert_array_equal(shift(x, 5 * 10**30 + 2, -6 * 10**30), shift(x, 2, 0))
    kernels = np.random.default_rng(22).standard_normal((2, 1, 3, 3))
    expected = conv_equivariance_errors(x, kernels, boundary="zero")
    for scale in (1e-200, 1e200):
        errors = conv_equivariance_errors(scale * x, scale * kernels, boundary="zero")
        np.testing.assert_allclose(errors, expected, rtol=1e-10, atol=1e-15)
        change = invariance_error(lambda x: x, scale * x, [(0, 1)])
        np.testing.assert_allclose(change, invariance_error(lambda x: x, x, [(0, 1)]), rtol=1e-12)
    with pytest.raises(OverflowError, match="kernels: responses exceed the largest float64"):
        conv2d(1e200 * x, 1e200 * kernels)
    with pytest.raises(OverflowError, match="image: the energy exceeds the largest float64"):
        gabor_energy(np.eye(24) * 1e200, 0.25, 0)


@pytest.mark.parametrize("measure", [equivariance_error, invariance_error])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"operator": 3}, TypeError, "operator: expected a function, got int"),
        ({"operator": lambda x: 0 * x}, ValueError, "operator: expected a response that is not 0"),
        ({"operator": lambda x: x / 0}, ValueError, "operator: expected finite numbers"),
        ({"operator": lambda x: None}, TypeError, "operator: expected real numbers"),
        ({"image": np.ones(3)}, ValueError, "image: expected shape"),
        ({"shifts": [1, 2]}, ValueError, r"shifts: expected shape \(n_shifts, 2\), got \(2,\)"),
        ({"shifts": np.ones((0, 2))}, ValueError, "shifts: expected at least one element"),
        ({"shifts": [(0.5, 1)]}, ValueError, "shifts: expected whole numbers of pixels"),
        ({"shifts": [(np.inf, 1)]}, ValueError, "shifts: expected finite numbers"),
    ],
)
def test_errors_reject_bad_input(measure, change, error, message):
    arguments = {"operator": lambda x: x, "image": np.ones((3, 3)), "shifts": [(0, 1)]} | change
    with pytest.raises(error, match=message), np.errstate(all="ignore"):
        measure(**arguments)


def test_an_output_shift_must_be_one():
    with pytest.raises(TypeError, match="output_shift: expected a function, got str"):
        equivariance_error(lambda x: x, np.ones((2, 2)), [(0, 1)], output_shift="T")
    with pytest.raises(ValueError, match=r"output_shift: expected the shape .* \(2, 2\), got \(1,"):
        equivariance_error(
            lambda x: x, np.ones((2, 2)), [(0, 1)], output_shift=lambda m, dy, dx: m[:1]
        )
    with pytest.raises(ValueError, match="not 0 everywhere"):
        conv_equivariance_errors(np.zeros((1, 3, 3)), np.ones((1, 1, 3, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gabor(0.0, 0), ValueError, "frequency: expected a number above 0"),
        (lambda: gabor(0.6, 0), ValueError, "frequency: expected a number of at most 0.5"),
        (lambda: gabor(1e-9, 0), ValueError, "frequency: expected a number of at least 0.0005"),
        (lambda: gabor(0.1, 0, sigma=1e9), ValueError, "sigma: expected a number of at most 1000"),
        (lambda: gabor(0.1, math.inf), ValueError, "orientation: expected a finite number"),
        (lambda: gabor(0.1, 0, "odd"), TypeError, "phase: expected a real number, got str"),
        (lambda: gabor(0.1, 0, sigma=-1.0), ValueError, "sigma: expected a number above 0"),
        (lambda: gabor_energy(np.ones((1, 9, 9)), 0.2, 0), ValueError, "image: expected shape"),
        (
            lambda: gabor_energy(np.ones((5, 5)), 0.1, 0, boundary="valid"),
            ValueError,
            "kernels: expected windows of at most",
        ),
        (lambda: modulation_ratio([1.0, -1.0, 1.0]), ValueError, "of at least 0, got -1"),
        (lambda: modulation_ratio(np.zeros(8)), ValueError, "expected a mean above 0"),
        (lambda: modulation_ratio(1.0), ValueError, "responses: expected more than 2"),
        (lambda: modulation_ratio(np.ones(4), cycles=2), ValueError, "more than 4 along"),
        (lambda: modulation_ratio(np.ones(4), cycles=0), ValueError, "cycles: expected a whole"),
    ],
)
def test_gabor_functions_reject_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
