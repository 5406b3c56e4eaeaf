"""The leaky integrate-and-fire neuron: closed forms, limits, both paths, networks, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.integrate import solve_ivp

from course_utils import _compiled
from course_utils.lif import LIFNeuron, firing_rate, membrane_step, noisy_firing_rate, simulate

claim = pytest.mark.claim

# mpmath, 50 digits: 1 / (mpf(0.002) + mpf(0.02) * log(mpf(x) / (mpf(x) - 1)))
RATES = {
    1 + 2**-40: 1.7968878979625852,
    1 + 2**-20: 3.5809065750921432,
    1.1: 20.016852005162509,
    1.5: 41.714906874148336,
    3.0: 98.918796170002912,
    1e3: 495.04705258746693,
    1e6: 499.99500004749954,
}
# mpmath, 50 digits: quad of exp(u * u) * (1 + erf(u)) between Siegert's bounds
NOISY_RATES = {
    (0.8, 0.3): 17.139571642427964,
    (0.8, 0.2): 11.782249930238462,
    (1.0, 0.1): 16.432806505006249,
    (1.5, 0.5): 50.997260612184403,
    (0.5, 0.1): 3.5525653622017528e-4,
    (0.0, 0.1): 3.8080152322935048e-20,
    (-2.0, 0.5): 1.7689419002246659e-6,
}

neurons = st.builds(
    lambda tau_m, r_m, reset, gap, tau_ref: LIFNeuron(tau_m, r_m, reset + gap, reset, tau_ref),
    tau_m=st.floats(1e-3, 0.1),
    r_m=st.floats(0.1, 10.0),
    reset=st.floats(-1.0, 1.0),
    gap=st.floats(0.1, 2.0),
    tau_ref=st.floats(0.0, 0.01),
)


# The rate in closed form


@claim("lif-2")
@pytest.mark.parametrize(("drive", "rate"), RATES.items())
def test_rate_is_the_closed_form_to_12_digits(drive, rate):
    assert firing_rate(drive) == pytest.approx(rate, rel=1e-12)


@claim("lif-2")
def test_rate_is_exactly_zero_at_and_below_threshold():
    rates = firing_rate([-1e300, -1.0, 0.0, 1 - 1e-16, 1.0])
    np.testing.assert_array_equal(rates, 0.0)


def test_rate_is_right_just_above_threshold_to_far_above_it():
    above = np.logspace(-12, 6, 400)
    drive = 1 + above
    expected = 1 / (0.002 + 0.02 * (np.log(drive) - np.log(drive - 1)))
    assert np.isfinite(firing_rate(drive)).all()
    np.testing.assert_allclose(firing_rate(drive), expected, rtol=1e-9)


@settings(deadline=None, max_examples=60)
@given(neuron=neurons, scale=st.floats(0.1, 10.0), above=st.floats(1e-3, 100.0))
def test_rate_depends_on_potentials_only_by_their_ratios(neuron, scale, above):
    span = neuron.v_threshold - neuron.v_reset
    current = (neuron.v_threshold + above * span) / neuron.r_m
    scaled = LIFNeuron(
        neuron.tau_m,
        neuron.r_m,
        scale * neuron.v_threshold,
        scale * neuron.v_reset,
        neuron.tau_ref,
    )
    assert firing_rate(scale * current, scaled) == pytest.approx(
        firing_rate(current, neuron), rel=1e-9
    )


@settings(deadline=None, max_examples=60)
@given(neuron=neurons, currents=hnp.arrays(float, 8, elements=st.floats(-10, 10)))
def test_rate_grows_with_the_current_and_stays_below_the_ceiling(neuron, currents):
    rates = firing_rate(np.sort(currents), neuron)
    assert (np.diff(rates) >= -1e-9 * rates[1:]).all()
    assert (rates >= 0).all()
    if neuron.tau_ref > 0:
        assert (rates <= 1 / neuron.tau_ref).all()


@claim("lif-3")
def test_slope_diverges_at_threshold_as_derived():
    above = np.logspace(-9, -2, 8)
    slope = (firing_rate(1 + 1.001 * above) - firing_rate(1 + 0.999 * above)) / (0.002 * above)
    rate = firing_rate(1 + above)
    np.testing.assert_allclose(slope, rate**2 * 0.02 / ((1 + above) * above), rtol=1e-3)
    assert (np.diff(slope) < 0).all()
    assert slope[0] > 1e6 * slope[-1] / 100


@claim("lif-3")
def test_rate_saturates_at_the_inverse_refractory_period():
    assert firing_rate(1e9) == pytest.approx(500.0, rel=1e-6)
    assert firing_rate(1e9, LIFNeuron(tau_ref=0.0)) > 1e10


# The simulated membrane


@claim("lif-1")
def test_voltage_follows_the_membrane_equation_and_its_rule(path):
    run = simulate([1.5], duration=0.06, record_voltage=True, record_spikes=True)
    spike = run.spike_times[0][0]
    free = solve_ivp(lambda t, v: (1.5 - v) / 0.02, (0, spike), [0.0], rtol=1e-10, atol=1e-12)
    step_before = round(spike / 1e-4) - 1
    assert run.voltage[step_before - 1, 0] < 1.0 <= free.y[0, -1]
    charging = 1.5 * (1 - np.exp(-1e-4 * np.arange(1, step_before + 1) / 0.02))
    np.testing.assert_allclose(run.voltage[:step_before, 0], charging, rtol=1e-10)
    held = run.voltage[step_before : step_before + 21, 0]
    np.testing.assert_array_equal(held, 0.0)  # reset, then 2 ms of refractory period
    assert run.voltage[step_before + 21, 0] > 0


@claim("lif-2")
def test_simulated_rate_is_the_closed_form_within_a_step(path):
    drive = np.array([0.5, 1.0, 1.05, 1.1, 1.5, 2.0, 3.0])
    run = simulate(drive, duration=5.0)
    fires = drive > 1
    assert (run.spike_counts[~fires] == 0).all()
    exact = 1 / firing_rate(drive[fires])
    simulated = 5.0 / (run.spike_counts[fires] + 0.5)
    np.testing.assert_array_less(exact - 5e-4 - exact / run.spike_counts[fires], simulated)
    np.testing.assert_array_less(simulated, exact + 1e-4 + exact / run.spike_counts[fires])


def test_counts_rates_times_and_voltage_agree_with_one_another(path):
    currents = np.array([0.9, 1.2, 2.5])
    run = simulate(currents, duration=0.5, record_voltage=True, record_spikes=True)
    assert [len(times) for times in run.spike_times] == run.spike_counts.tolist()
    np.testing.assert_allclose(run.rates, run.spike_counts / 0.5)
    assert run.voltage.shape == (5000, 3)
    assert run.voltage.max() < 1.0
    bare = simulate(currents, duration=0.5)
    assert bare.voltage is None
    assert bare.spike_times is None
    np.testing.assert_array_equal(bare.spike_counts, run.spike_counts)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(neuron=neurons, seed=st.integers(0, 2**32 - 1))
def test_noiseless_counts_are_the_same_with_and_without_numba(neuron, seed):
    pytest.importorskip("numba")
    currents = np.random.default_rng(seed).uniform(0, 5, 70) / neuron.r_m
    compiled = simulate(currents, neuron, duration=0.3).spike_counts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compiled, "load", lambda topic: None)
        plain = simulate(currents, neuron, duration=0.3).spike_counts
    np.testing.assert_array_equal(compiled, plain)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    neuron=neurons,
    seed=st.integers(0, 2**32 - 1),
    step=st.floats(0.005, 1.0),
    real=st.sampled_from([np.float64, np.float32]),
)
def test_counts_by_period_are_those_of_all_steps(neuron, seed, step, real):
    drive = np.random.default_rng(seed).uniform(0, 3, 60) * neuron.v_threshold
    drive[:20] = neuron.v_threshold * (1 + np.logspace(-9, -1, 20))
    drive[20:22] = neuron.v_threshold, np.nextafter(neuron.v_threshold, -np.inf)
    dt = step * neuron.tau_m
    run = {"duration": 3000 * dt, "dt": dt}
    currents = (drive / neuron.r_m).astype(real)
    for compiled in (_compiled.load("lif"), None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compiled, "load", lambda topic, compiled=compiled: compiled)
            counts = simulate(currents, neuron, **run).spike_counts
            every_step = simulate(currents, neuron, **run, record_spikes=True).spike_counts
        np.testing.assert_array_equal(counts, every_step)


def test_a_long_recording_of_spikes_goes_on_at_the_same_current(path):
    """More neurons and steps than one raster of 16 MB holds."""
    currents = np.linspace(1.5, 2.5, 2**12)
    run = simulate(currents, duration=0.55, record_spikes=True)
    np.testing.assert_array_equal(run.spike_counts, simulate(currents, duration=0.55).spike_counts)
    assert min(times[-1] for times in run.spike_times) > 0.525


def test_simulate_takes_the_steps_of_membrane_step(path):
    rng = np.random.default_rng(3)
    currents = rng.uniform(0.5, 3.0, (400, 5))
    run = simulate(currents, duration=0.04, record_voltage=True)
    v, left, counts = np.zeros(5), np.zeros(5), np.zeros(5, int)
    for step in range(400):
        v, left, spiked = membrane_step(v, left, currents[step])
        counts += spiked
        np.testing.assert_allclose(run.voltage[step], v, atol=1e-12)
    np.testing.assert_array_equal(run.spike_counts, counts)


def test_float32_stays_float32_and_agrees(path):
    currents = np.linspace(0, 4, 41)
    single = simulate(currents.astype(np.float32), duration=1.0, record_voltage=True)
    assert single.voltage.dtype == np.float32
    double = simulate(currents, duration=1.0)
    assert np.abs(single.spike_counts - double.spike_counts).max() <= 1


@settings(deadline=None, max_examples=60)
@given(neuron=neurons, seed=st.integers(0, 2**32 - 1), dt=st.floats(1e-5, 1e-3))
def test_a_step_split_in_two_is_the_same_step_where_nothing_fires(neuron, seed, dt):
    rng = np.random.default_rng(seed)
    v = rng.uniform(neuron.v_reset - 1, neuron.v_reset, 6)
    left = rng.uniform(0, 2 * dt, 6)
    current = np.full(6, neuron.v_reset / neuron.r_m)  # the drive stays below threshold
    whole = membrane_step(v, left, current, neuron, dt=dt)
    half = membrane_step(v, left, current, neuron, dt=dt / 2)
    halves = membrane_step(half[0], half[1], current, neuron, dt=dt / 2)
    assert not whole[2].any()
    np.testing.assert_allclose(halves[0], whole[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(halves[1], whole[1], atol=1e-15)


# Noise


@pytest.mark.parametrize(("mean_and_sigma", "rate"), NOISY_RATES.items())
def test_noisy_rate_is_siegerts_integral(mean_and_sigma, rate):
    assert noisy_firing_rate(*mean_and_sigma) == pytest.approx(rate, rel=1e-9)


def test_noisy_rate_without_noise_is_the_closed_form():
    drive = np.linspace(-1, 4, 51)
    np.testing.assert_array_equal(noisy_firing_rate(drive, 0.0), firing_rate(drive))


@pytest.mark.parametrize("sigma_v", [1e-8, 1e-5, 1e-3])
def test_noisy_rate_tends_to_the_closed_form_as_noise_vanishes(sigma_v):
    drive = np.array([0.5, 0.9, 1.2, 2.0, 50.0])
    np.testing.assert_allclose(
        noisy_firing_rate(drive, sigma_v), firing_rate(drive), rtol=10 * sigma_v, atol=1e-200
    )


@settings(deadline=None, max_examples=150)
@given(
    mean=st.floats(allow_nan=False, allow_infinity=False),
    sigma_v=st.floats(0, allow_nan=False, allow_infinity=False),
)
def test_noisy_rate_is_a_rate_for_any_finite_input(mean, sigma_v):
    rate = noisy_firing_rate(mean, sigma_v)
    assert np.isfinite(rate)
    assert 0 <= rate <= 500 * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(mean=st.floats(-1.0, 3.0), sigma_v=st.floats(0.01, 2.0))
def test_noisy_rate_grows_with_the_mean(mean, sigma_v):
    lower, higher = noisy_firing_rate([mean, mean + 0.1], sigma_v)
    assert lower <= higher


@claim("lif-5")
@pytest.mark.parametrize(
    ("mean", "sigma_v"), [(0.6, 0.2), (0.8, 0.3), (1.0, 0.1), (1.3, 0.3), (2.0, 0.5)]
)
def test_simulated_noisy_rate_is_siegerts_within_sampling_error(path, mean, sigma_v):
    n, duration = (1000, 20.0) if path == "compiled" else (300, 5.0)
    run = simulate(
        np.full(n, mean), duration=duration, sigma_v=sigma_v, rng=np.random.default_rng(7)
    )
    # A start at reset in place of a random phase shifts the count by (cv² - 1) / 2 spikes.
    intervals_cv2 = run.spike_counts.var() / run.spike_counts.mean()
    rate = run.rates.mean() - (intervals_cv2 - 1) / 2 / duration
    standard_error = run.rates.std(ddof=1) / np.sqrt(n)
    expected = noisy_firing_rate(mean, sigma_v)
    assert abs(rate - expected) < 4 * standard_error + 1e-3 * expected


@claim("lif-5")
def test_what_noise_does_to_the_rate_depends_on_its_time_scale():
    below, above, sigma_v = 0.8, 1.2, 0.1
    deviations = np.random.default_rng(5).standard_normal(200_000)
    assert firing_rate(below) == 0 < noisy_firing_rate(below, sigma_v)
    assert noisy_firing_rate(above, sigma_v) > firing_rate(above)
    slow_change = firing_rate(above + sigma_v * deviations).mean() - firing_rate(above)
    assert slow_change == pytest.approx(-0.73, abs=0.05)
    assert firing_rate(below + 0.3 * deviations).mean() > 0


def test_same_generator_same_bits(path):
    currents = np.linspace(0, 2, 130)

    def counts(seed):
        rng = np.random.default_rng(seed)
        return simulate(currents, duration=0.5, sigma_v=0.3, rng=rng).spike_counts

    np.testing.assert_array_equal(counts(1), counts(1))
    assert (counts(1) != counts(2)).any()


# Networks


@claim("lif-4")
def test_a_layered_network_of_spikes_approaches_the_rate_network_as_it_is_read_longer():
    rng = np.random.default_rng(4)
    drive = rng.uniform(0.5, 2.0, (20, 40))
    w = rng.normal(0, 1 / np.sqrt(40), (30, 40))
    rates = firing_rate(drive)
    target = firing_rate(rates / 50 @ w.T + 1.2)
    dt, steps = 2e-4, 3000
    run = simulate(drive.ravel(), duration=steps * dt, dt=dt, record_spikes=True)
    spikes = np.zeros((steps, drive.size))
    for neuron, times in enumerate(run.spike_times):
        spikes[np.round(times / dt).astype(int) - 1, neuron] = 1 / dt
    synapse, filtered = np.zeros(drive.size), np.empty_like(spikes)
    for step in range(steps):
        synapse += (spikes[step] - synapse) * dt / 0.02
        filtered[step] = synapse
    second = (filtered.reshape(steps, 20, 40) / 50 @ w.T + 1.2).reshape(steps, -1)
    errors = []
    for read in (500, 1000, 3000):
        read_rates = simulate(second[:read], duration=read * dt, dt=dt).rates
        errors.append(np.sqrt(np.mean((read_rates.reshape(20, 30) - target) ** 2)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1 * target.mean()


def inhibitory_loop(weight, tau_syn, delay):
    """Population rate (Hz) of noisy neurons that inhibit one another."""
    rng, n, dt, sigma_v = np.random.default_rng(6), 500, 2e-4, 0.3
    v, left, synapse = rng.random(n), np.zeros(n), 0.0
    n_delay = max(1, round(delay / dt))
    rate = np.zeros(4000 + n_delay)
    for step in range(4000):
        synapse += (rate[step] - synapse) * dt / tau_syn
        v, left, spiked = membrane_step(v, left, np.full(n, 4.0 - weight * synapse), dt=dt)
        v += sigma_v * np.sqrt(2 * dt / 0.02) * rng.standard_normal(n) * (left <= 0)
        rate[step + n_delay] = spiked.mean() / dt
    return np.convolve(rate[n_delay + 1000 :], np.full(20, 1 / 20), "valid")


@claim("lif-6")
def test_one_static_fixed_point_steady_or_oscillating_by_synapse_and_delay():
    weight, rate = 0.05, 48.65
    for _ in range(40):  # bisection of r = r(I - w r)
        rate += 0.1 * (noisy_firing_rate(4.0 - weight * rate, 0.3) - rate)
    low, high = noisy_firing_rate([4.0 - weight * (rate + 0.1), 4.0 - weight * (rate - 0.1)], 0.3)
    assert (high - low) / 0.2 > 1.5  # the static map's own iteration is unstable
    steady = inhibitory_loop(weight, tau_syn=0.010, delay=0.0)
    swinging = inhibitory_loop(weight, tau_syn=0.005, delay=0.006)
    assert steady.mean() == pytest.approx(rate, rel=0.05)
    counting_noise = 1 / np.sqrt(500 * 20 * 2e-4 * rate)
    assert steady.std() / steady.mean() < 2 * counting_noise
    assert swinging.std() / swinging.mean() > 5 * counting_noise


@claim("lif-6")
def test_a_population_rings_after_a_step_where_the_static_rate_does_not():
    rng, n, dt = np.random.default_rng(8), 1000, 2e-4
    v, left = 0.9 * rng.random(n), np.zeros(n)
    counts = []
    for step in range(1000):
        current = np.full(n, 0.9 if step < 500 else 1.5)
        v, left, spiked = membrane_step(v, left, current, dt=dt)
        counts.append(spiked.mean() / dt)
    after = np.array(counts[500:]).reshape(-1, 10).mean(axis=1)
    assert after.max() > 3 * firing_rate(1.5)
    assert after.min() < 0.3 * firing_rate(1.5)


# What is refused, and left alone


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tau_m": 0.0}, "tau_m: expected a number above 0, got 0"),
        ({"tau_m": -1.0}, "tau_m"),
        ({"r_m": -1.0}, "r_m"),
        ({"tau_ref": -1e-3}, "tau_ref: expected a number of at least 0, got -0.001"),
        ({"v_reset": 1.0}, "v_reset: expected a potential below v_threshold = 1, got 1"),
        ({"v_threshold": np.nan}, "v_threshold: expected a finite number, got nan"),
    ],
)
def test_a_neuron_that_cannot_be_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        LIFNeuron(**parameters)


@pytest.mark.parametrize("current", [[], [np.nan], [np.inf], [[1.0], [1.0, 2.0]]])
def test_rates_refuse_currents_that_are_not_finite_numbers(current):
    for call in (firing_rate, lambda x: noisy_firing_rate(x, 0.1)):
        with pytest.raises(ValueError, match=r"current: expected"):
            call(current)


@pytest.mark.parametrize("current", ["1.0", None, [1j], [object()]])
def test_rates_refuse_other_types(current):
    with pytest.raises(TypeError, match=r"current: expected real numbers"):
        firing_rate(current)
    with pytest.raises(TypeError, match=r"current: expected real numbers"):
        simulate(current, duration=0.1)


def test_noisy_rate_refuses_negative_noise_and_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="sigma_v"):
        noisy_firing_rate([1.0], -0.1)
    with pytest.raises(ValueError, match=r"sigma_v: expected a shape that broadcasts"):
        noisy_firing_rate([1.0, 2.0], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"duration": 0.0}, ValueError, "duration"),
        ({"duration": -1.0}, ValueError, "duration"),
        ({"duration": np.nan}, ValueError, "duration"),
        ({"duration": "1"}, TypeError, "duration"),
        ({"duration": 0.1, "dt": 0.0}, ValueError, "dt"),
        ({"duration": 0.1, "dt": 0.05}, ValueError, "dt"),
        ({"duration": 0.1, "sigma_v": -0.1}, ValueError, "sigma_v"),
        ({"duration": 0.1, "sigma_v": 0.1}, TypeError, r"rng: expected a numpy.random.Generator"),
        ({"duration": 0.1, "sigma_v": 0.1, "rng": 3}, TypeError, "rng"),
        ({"duration": 0.1, "neuron": 3}, TypeError, "neuron: expected a LIFNeuron, got int"),
    ],
)
def test_simulate_names_the_argument_it_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        simulate([1.0], **arguments)


@pytest.mark.parametrize("shape", [(7, 2), (2, 3, 4), ()])
def test_simulate_refuses_currents_of_the_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"current: expected shape \(n,\) or \(1000, n\), got"):
        simulate(np.ones(shape), duration=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 0.0], [0.0], [1.0, 1.0]), r"refractory_left: expected shape \(2,\), got \(1,\)"),
        (([0.0], [0.0], [1.0, 1.0]), r"current: expected shape \(1,\), got \(2,\)"),
        (([0.0], [-1e-3], [1.0]), "refractory_left"),
        (([np.inf], [0.0], [1.0]), "v: expected finite numbers"),
    ],
)
def test_a_step_names_the_argument_it_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        membrane_step(*arguments)


def test_inputs_are_left_as_they_were(path):
    current = np.linspace(0, 2, 6)
    v, left = np.linspace(0, 1.2, 6), np.linspace(0, 1e-3, 6)
    copies = current.copy(), v.copy(), left.copy()
    for array in (current, v, left):
        array.flags.writeable = False
    firing_rate(current)
    noisy_firing_rate(current, 0.2)
    membrane_step(v, left, current)
    simulate(current, duration=0.05, sigma_v=0.2, rng=np.random.default_rng(0))
    for array, copy in zip((current, v, left), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
