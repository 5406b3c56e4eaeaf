"""Working memory: line, ring, fixed points, trained networks, silent synapses, decoding."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.integrate import solve_ivp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from course_utils import working_memory as wm
from course_utils.working_memory import Ring

claim = pytest.mark.claim
SEEDS = (0, 1, 2)
seeds = st.integers(0, 2**32 - 1)


# The line


@claim("working_memory-1")
@pytest.mark.parametrize("feedback", [0.0, 0.5, 0.9, 0.99, 1.01])
def test_the_line_fades_with_tau_over_one_minus_the_feedback(feedback):
    weights = wm.line_weights(30, feedback, np.random.default_rng(0))
    inputs = np.zeros((4000, 30))
    inputs[:50] = np.ones(30)
    later = wm.linear_network(inputs, weights, tau=0.1, dt=1e-3)[1000:].mean(axis=1)
    measured = -1e-3 / np.polyfit(np.arange(len(later)), np.log(later), 1)[0]
    assert measured == pytest.approx(0.1 / (1 - feedback), rel=1e-6)
    assert wm.persistence_time(feedback, 0.1) == pytest.approx(0.1 / (1 - feedback))


@claim("working_memory-1")
def test_only_a_perfect_line_holds_and_other_directions_are_forgotten():
    rng = np.random.default_rng(1)
    inputs = np.zeros((20_000, 30))
    inputs[:50] = 1 + rng.standard_normal(30)
    rates = wm.linear_network(inputs, wm.line_weights(30, 1.0, rng), tau=0.1, dt=1e-3)
    np.testing.assert_allclose(rates[-1], rates[5000], rtol=1e-6)
    assert rates[-1].std() < 1e-6 * abs(rates[-1].mean())
    assert wm.persistence_time(1.0) == np.inf


@pytest.mark.parametrize("seed", SEEDS)
def test_line_weights_have_one_mode_along_the_ones_and_the_rest_inside_a_circle(seed):
    weights = wm.line_weights(100, 0.97, np.random.default_rng(seed))
    np.testing.assert_allclose(weights.sum(axis=1), 0.97, atol=1e-12)
    sizes = np.sort(np.abs(np.linalg.eigvals(weights)))
    assert sizes[-1] == pytest.approx(0.97)
    assert sizes[-2] < 0.65


def test_the_linear_network_is_exact_for_any_step():
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 0.4, (4, 4))
    drive = rng.standard_normal(4)
    free = solve_ivp(
        lambda t, r: (weights @ r - r + drive) / 0.1, (0, 0.6), np.zeros(4), rtol=1e-11, atol=1e-13
    )
    for n_steps in (1, 3, 60):
        rates = wm.linear_network(np.tile(drive, (n_steps, 1)), weights, tau=0.1, dt=0.6 / n_steps)
        np.testing.assert_allclose(rates[-1], free.y[:, -1], rtol=1e-8)


# The ring


def test_one_step_by_hand():
    h = wm.attractor_step(
        [2.0, -1.0],
        [[0.0, 1.0], [0.5, 0.0]],
        [1.0, 3.0],
        [1.0, -2.0],
        tau=0.02,
        dt=0.002,
        sigma=0.5,
    )
    kick = math.sqrt(0.2) * 0.5
    # unit 1 is below 0 and sends nothing; unit 0 sends 2
    np.testing.assert_allclose(h, [2 + 0.1 * (1 - 2) + kick, -1 + 0.1 * (1 + 3 + 1) - 2 * kick])


def test_noise_alone_gives_each_unit_the_standard_deviation_asked_for():
    rng = np.random.default_rng(3)
    h = np.zeros(20_000)
    weights = np.zeros((1, 1))
    for _ in range(400):
        h = wm.attractor_step(
            h[:, None], weights, 0.0, rng.standard_normal((len(h), 1)), tau=0.02, dt=5e-4, sigma=1.7
        )[:, 0]
    assert h.std() == pytest.approx(1.7, rel=0.03)


@claim("working_memory-2")
@pytest.mark.parametrize("ring", [Ring(), Ring(512, tuned_weight=8.0, mean_weight=-9.0)])
def test_the_bump_of_closed_form_stands_still_at_every_angle(ring):
    angles = np.linspace(0, 360, 25)
    start = wm.bump_state(angles, ring)
    run = wm.ring_attractor(angles, ring, duration=1.0)
    np.testing.assert_allclose(run.states, start, atol=2e-3 * start.max())
    np.testing.assert_allclose(run.angles[-1], angles, atol=0.03)


@claim("working_memory-2")
def test_the_bump_of_tuned_weight_four_is_half_the_ring_wide():
    # at 4 the equation of the edge is solved by 90 degrees; the amplitude is pi drive / |mean|
    width, amplitude = wm.bump_shape(Ring())
    assert width == pytest.approx(90, abs=1e-9)
    assert amplitude == pytest.approx(math.pi * 30 / 5)


@claim("working_memory-2")
def test_a_flat_state_grows_a_bump_of_the_predicted_shape():
    ring = Ring(n_units=64)
    h = 0.1 * np.random.default_rng(4).standard_normal(64)
    for _ in range(3000):
        h = wm.attractor_step(
            h, ring.weights, ring.drive, np.zeros(64), tau=ring.tau, dt=2e-3, sigma=0.0
        )
    angle = wm.bump_angle(np.maximum(h, 0), ring)
    np.testing.assert_allclose(h, wm.bump_state([angle], ring)[0], atol=0.05)


@claim("working_memory-2")
def test_the_jacobian_of_the_bump_has_one_eigenvalue_one_along_the_ring():
    ring = Ring()

    def step(h):
        return wm.attractor_step(
            h, ring.weights, ring.drive, np.zeros_like(h), tau=ring.tau, dt=2e-3, sigma=0.0
        )

    found = wm.find_fixed_points(step, wm.bump_state([40.7], ring), tolerance=1e-10)
    sizes = np.abs(found.eigenvalues[0])
    assert sizes[0] == pytest.approx(1, abs=2e-3)
    assert sizes[1] < 0.96
    values, vectors = np.linalg.eig(found.jacobians[0])
    along = vectors[:, np.argmax(values.real)].real
    turned = wm.bump_state([41.7], ring)[0] - wm.bump_state([39.7], ring)[0]
    assert abs(along @ turned) / np.linalg.norm(turned) > 0.999


def test_the_kernel_is_a_loop_of_steps_with_the_weights_in_full():
    ring = Ring(n_units=32)
    run = wm.ring_attractor(
        [10.0, 200.0], ring, duration=0.05, sigma=2.0, rng=np.random.default_rng(5), record_every=1
    )
    h, rng = wm.bump_state([10.0, 200.0], ring), np.random.default_rng(5)
    for _ in range(50):
        noise = rng.standard_normal(h.shape)
        h = wm.attractor_step(h, ring.weights, ring.drive, noise, tau=ring.tau, dt=1e-3, sigma=2.0)
    np.testing.assert_allclose(run.states, h, rtol=1e-10)
    np.testing.assert_allclose(run.angles[-1] % 360, wm.bump_angle(np.maximum(h, 0), ring))
    assert run.angles.shape == (51, 2)
    assert run.times[-1] == pytest.approx(0.05)


def diffusion(ring, sigma, n_trials, seed, duration=1.0):
    """Half the variance gained per second between 0.1 s and the end, and its standard error."""
    rng = np.random.default_rng(seed)
    run = wm.ring_attractor(
        rng.uniform(0, 360, n_trials),
        ring,
        duration=duration,
        dt=2e-3,
        sigma=sigma,
        rng=rng,
        record_every=50,
    )
    moved = run.angles[-1] - run.angles[1]
    measured = moved.var(ddof=1) / (2 * (run.times[-1] - run.times[1]))
    return measured, measured * math.sqrt(2 / (n_trials - 1))


@claim("working_memory-3")
@pytest.mark.parametrize("n_units", [64, 128])
@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_the_bump_diffuses_as_derived(n_units, sigma):
    ring = Ring(n_units=n_units)
    measured, error = diffusion(ring, sigma, 800, seed=n_units)
    theory = wm.diffusion_constant(sigma, ring)
    assert abs(measured - theory) < 4 * error
    assert error < 0.06 * theory


@claim("working_memory-3")
def test_the_diffusion_constant_is_a_sum_over_the_slopes_of_the_active_units():
    ring = Ring(n_units=4000, tuned_weight=6.0)
    delta = 0.01
    low, high = wm.bump_state([-delta, delta], ring)
    slope = (high - low) / (2 * math.radians(delta))
    active = wm.bump_state([0.0], ring)[0] > 0
    by_hand = 1.5**2 / (ring.tau * (slope[active] ** 2).sum())
    assert wm.diffusion_constant(1.5, ring) == pytest.approx(np.rad2deg(np.rad2deg(by_hand)), 2e-3)


@claim("working_memory-3")
def test_variance_grows_in_proportion_to_time():
    rng = np.random.default_rng(6)
    run = wm.ring_attractor(
        np.zeros(800), Ring(n_units=64), duration=2.1, dt=2e-3, sigma=1.0, rng=rng, record_every=50
    )
    moved = run.angles[1:] - run.angles[1]
    halfway = moved[10].var()
    assert moved[20].var() / halfway == pytest.approx(2.0, rel=0.2)
    assert abs(moved[-1].mean()) < 4 * moved[-1].std() / math.sqrt(800)


@claim("working_memory-4")
@pytest.mark.parametrize("seed", SEEDS)
def test_heterogeneity_makes_the_bump_drift_as_derived(seed):
    ring, rng = Ring(), np.random.default_rng(seed)
    change = 0.1 * rng.standard_normal(ring.n_units)
    run = wm.ring_attractor(
        np.arange(0, 360, 6.0), ring, duration=0.4, drive_change=change, record_every=1
    )
    seen = (run.angles[-1] - run.angles[200]) / 0.2
    expected = wm.drift_velocity(run.angles[300], change, ring)
    assert np.corrcoef(seen, expected)[0, 1] > 0.98
    assert np.polyfit(expected, seen, 1)[0] == pytest.approx(1, abs=0.06)


@claim("working_memory-4")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_heterogeneous_ring_keeps_few_angles_and_the_theory_says_which(seed):
    ring, rng = Ring(), np.random.default_rng(seed + 10)
    change = 0.3 * rng.standard_normal(ring.n_units)
    grid = np.arange(0, 360, 0.5)
    velocity = wm.drift_velocity(grid, change, ring)
    stable = grid[(velocity > 0) & (np.roll(velocity, -1) <= 0)]
    run = wm.ring_attractor(
        np.arange(0, 360, 10.0),
        ring,
        duration=30.0,
        dt=2e-3,
        drive_change=change,
        record_every=1000,
    )
    ends = run.angles[-1] % 360
    nearest = np.abs((ends[:, None] - stable + 180) % 360 - 180).min(axis=1)
    assert np.median(nearest) < 2
    assert (nearest < 10).mean() > 0.9
    assert 1 <= len(np.unique(np.round(ends / 10))) <= 7


@claim("working_memory-4")
def test_drift_overtakes_diffusion_at_a_time_that_does_not_depend_on_the_size():
    sigma, epsilon, angles = 1.0, 0.4, np.arange(0, 360, 1.0)
    for n_units in (64, 512):
        ring, rng = Ring(n_units=n_units), np.random.default_rng(7)
        draws = [
            wm.drift_velocity(angles, epsilon * rng.standard_normal(n_units), ring)
            for _ in range(300)
        ]
        mean_square = np.mean(np.square(draws))
        crossover = 2 * wm.diffusion_constant(sigma, ring) / mean_square
        assert crossover == pytest.approx(2 * ring.tau * (sigma / epsilon) ** 2, rel=0.1)


@claim("working_memory-9")
def test_trials_that_drift_one_way_lift_one_flank_and_sink_the_other():
    """A diffusing bump opposes the flanks' rates; a still one with noise does not."""
    ring, rng = Ring(), np.random.default_rng(8)
    run = wm.ring_attractor(np.full(400, 180.0), ring, duration=2.0, dt=2e-3, sigma=1.0, rng=rng)
    rates = np.maximum(run.states, 0)
    left = rates[:, np.abs(ring.preferred - 140) < 15].mean(axis=1)
    right = rates[:, np.abs(ring.preferred - 220) < 15].mean(axis=1)
    error = run.angles[-1] - 180
    assert np.corrcoef(left, right)[0, 1] < -0.8
    assert np.corrcoef(right - left, error)[0, 1] > 0.8
    fixed = wm.bump_state(np.full(400, 180.0), ring) + rng.standard_normal((400, 128))
    fixed = np.maximum(fixed, 0)
    left, right = (
        fixed[:, np.abs(ring.preferred - angle) < 15].mean(axis=1) for angle in (140, 220)
    )
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2


def test_bump_angle_reads_the_angle_and_angles_unwrap():
    ring = Ring()
    rates = np.maximum(wm.bump_state([0.0, 77.0, 359.0], ring), 0)
    np.testing.assert_allclose(wm.bump_angle(rates, ring), [0, 77, 359], atol=0.02)
    push = 20 * np.sin(np.deg2rad(ring.preferred))  # toward 90 degrees, from 350 through 0
    run = wm.ring_attractor([350.0], ring, duration=0.2, drive_change=push)
    assert 360 < run.angles[-1, 0] < 460


# Fixed points


def tanh_network(seed, n=12, gain=1.6):
    rng = np.random.default_rng(seed)
    weights = gain * rng.standard_normal((n, n)) / math.sqrt(n)
    bias = 0.3 * rng.standard_normal(n)

    def step(h):
        return np.tanh(h @ weights.T + bias)

    def jacobian(h):
        return (1 - step(h) ** 2)[:, :, None] * weights

    return step, jacobian, rng


@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_fixed_points_agree_with_scipy_root(seed):
    step, jacobian, rng = tanh_network(seed)
    found = wm.find_fixed_points(step, rng.uniform(-1, 1, (6, 12)), jacobian=jacobian)
    for state, speed in zip(found.states, found.speeds, strict=True):
        if speed > 1e-20:  # a local minimum of the speed, which the kernel does not call fixed
            continue
        root = optimize.root(lambda h: step(h[None])[0] - h, state, tol=1e-12)
        np.testing.assert_allclose(state, root.x, atol=1e-6)
        np.testing.assert_allclose(step(state[None])[0], state, atol=1e-9)


@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_speeds_never_grow_and_a_numerical_jacobian_finds_the_same(seed):
    step, jacobian, rng = tanh_network(seed)
    starts = rng.uniform(-1, 1, (4, 12))
    given_one = wm.find_fixed_points(step, starts, jacobian=jacobian)
    numerical = wm.find_fixed_points(step, starts)
    before = 0.5 * ((step(starts) - starts) ** 2).sum(axis=1)
    assert (given_one.speeds <= before).all()
    fixed = (given_one.speeds < 1e-20) & (numerical.speeds < 1e-20)
    near = np.abs(given_one.states - numerical.states).max(axis=1) < 1e-6
    assert near[fixed].sum() >= 0.5 * fixed.sum()
    np.testing.assert_allclose(
        wm.numerical_jacobian(step, starts), jacobian(starts), atol=1e-8, rtol=1e-7
    )


def test_a_linear_map_is_solved_and_its_eigenvalues_are_its_own():
    matrix = np.array([[0.5, 0.4], [0.0, -0.8]])
    found = wm.find_fixed_points(lambda h: h @ matrix.T + [1.0, 0.9], [[9.0, -7.0]])
    np.testing.assert_allclose(found.states, [[2.4, 0.5]], atol=1e-9)
    np.testing.assert_allclose(found.eigenvalues, [[-0.8, 0.5]], atol=1e-8)
    assert found.speeds[0] <= 1e-20


def test_a_map_without_fixed_points_keeps_its_speed():
    found = wm.find_fixed_points(lambda h: h + 1 + h**2, [[2.0], [-0.3]])
    np.testing.assert_allclose(found.states, 0, atol=1e-3)
    np.testing.assert_allclose(found.speeds, 0.5, atol=1e-6)


def test_slow_points_stay_near_where_they_started_on_a_line():
    """Points of a perfect line attractor are all fixed: none may slide to another."""
    line = np.array([3.0, 4.0]) / 5

    def step(h):
        along = h @ line
        return along[:, None] * line + 0.3 * (h - along[:, None] * line)

    starts = np.outer(np.linspace(-2, 2, 9), line) + 0.1 * np.array([-0.8, 0.6])
    found = wm.find_fixed_points(step, starts)
    np.testing.assert_allclose(found.states, np.outer(np.linspace(-2, 2, 9), line), atol=1e-8)
    np.testing.assert_allclose(found.eigenvalues, [[1.0, 0.3]] * 9, atol=1e-8)


def test_one_step_is_gauss_newton_when_hardly_damped_and_gradient_when_damped_much():
    step, jacobian, rng = tanh_network(9)
    states = rng.uniform(-1, 1, (5, 12))
    residual, slope = step(states) - states, jacobian(states) - np.eye(12)
    newton, speeds = wm.fixed_point_step(states, step(states), jacobian(states), damping=1e-10)
    expected = states - np.linalg.solve(slope, residual[:, :, None])[:, :, 0]
    np.testing.assert_allclose(newton, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(speeds, 0.5 * (residual**2).sum(axis=1))
    slow, _ = wm.fixed_point_step(states, step(states), jacobian(states), damping=1e6)
    gradient = np.einsum("kij,ki->kj", slope, residual)
    np.testing.assert_allclose(1e6 * (slow - states), -gradient, rtol=1e-4, atol=1e-4)
    numerical = optimize.approx_fprime(
        states[0], lambda h: 0.5 * ((step(h[None])[0] - h) ** 2).sum(), 1e-7
    )
    np.testing.assert_allclose(gradient[0], numerical, atol=1e-5)


def test_time_constants():
    times = wm.time_constant([np.exp(-0.1), 1.0, np.exp(0.05), 0.0, -np.exp(-0.1)])
    np.testing.assert_allclose(times, [10, np.inf, -20, 0, 10])


# Trained networks


@pytest.fixture(scope="module")
def trained():
    """Three networks trained to compare, and the same three before."""
    pairs = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        before = wm.random_network(48, 2, rng)
        after = wm.train_network(
            before,
            lambda r: wm.comparison_task(96, r, delay=int(r.integers(8, 17))),
            rng,
            n_updates=400,
        )
        pairs.append((before, after))
    return pairs


def delay_states(network, seed=100, delay=16, n_trials=60):
    trials = wm.comparison_task(n_trials, np.random.default_rng(seed), delay=delay)
    states = network.run(trials.inputs)
    return states[wm.CUE + delay - 1], trials.stimuli[:, 0]


@claim("working_memory-5")
def test_trained_networks_compare_across_delays_they_were_not_trained_on(trained):
    for _, network in trained:
        for delay in (8, 16, 24):
            trials = wm.comparison_task(1000, np.random.default_rng(50), delay=delay)
            assert network.accuracy(trials) > (0.97 if delay <= 16 else 0.9)


@claim("working_memory-5")
def test_trained_networks_hold_the_number_on_a_line_of_slow_points(trained):
    for before, after in trained:
        states, first = delay_states(after)
        found = wm.find_fixed_points(after.step, states, jacobian=after.jacobian, tolerance=1e-4)
        slow = found.speeds <= 1e-4
        assert slow.mean() > 0.9
        points = found.states[slow]
        variances = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) ** 2
        assert variances[0] / variances.sum() > 0.9  # a line
        axis = np.linalg.svd(points - points.mean(axis=0))[2][0]
        order = np.corrcoef(points @ axis, first[slow])[0, 1]
        assert abs(order) > 0.85  # on which the number is laid out
        sizes = np.abs(found.eigenvalues[slow])
        assert 0.9 < np.median(sizes[:, 0]) < 1.1
        assert np.median(sizes[:, 0] - sizes[:, 1]) > 0.08
        # the untrained network holds nothing: every start ends at one point
        states, _ = delay_states(before)
        empty = wm.find_fixed_points(before.step, states, jacobian=before.jacobian, tolerance=1e-4)
        extent = np.linalg.norm(empty.states.std(axis=0))
        assert extent < 0.1 * np.linalg.norm(points.std(axis=0))


@claim("working_memory-5")
def test_exact_fixed_points_are_few_and_alternate_between_stable_and_unstable(trained):
    for _, network in trained:
        states, _ = delay_states(network)
        found = wm.find_fixed_points(network.step, states, jacobian=network.jacobian)
        fixed = found.speeds <= 1e-20
        distinct = np.unique(np.round(found.states[fixed], 4), axis=0)
        assert 2 <= len(distinct) <= 12


@claim("working_memory-5")
def test_the_number_is_decoded_from_the_delay_and_not_with_shuffled_labels(trained):
    for seed, (_, network) in enumerate(trained):
        rng = np.random.default_rng(seed)
        trials = wm.comparison_task(200, rng, delay=16)
        activity = network.run(trials.inputs, noise=0.1, rng=rng)[wm.CUE : wm.CUE + 16 : 5]
        labels = (trials.stimuli[:, 0] > 0).astype(int)
        folds = wm.balanced_folds(labels, 5, rng)
        assert (wm.decode_delay(activity, labels, folds) > 0.85).all()
        shuffled = [
            wm.decode_delay(activity, rng.permutation(labels), folds).mean() for _ in range(10)
        ]
        assert abs(np.mean(shuffled) - 0.5) < 0.06


@claim("working_memory-6")
def test_the_selection_vector_turns_with_the_context_and_the_input_does_not():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        before = wm.random_network(48, 4, rng)
        network = wm.train_network(before, lambda r: wm.context_task(96, r), rng, n_updates=300)
        trials = wm.context_task(2000, np.random.default_rng(60))
        chosen = trials.inputs[:, np.arange(2000), trials.context].sum(axis=0) > 0
        observer = np.mean(chosen == (trials.targets == 1))
        assert network.accuracy(trials) > observer - 0.03
        chance = [selection(before, trials, context) for context in (0, 1)]
        for context in (0, 1):
            along, sizes = selection(network, trials, context)
            relevant, irrelevant = along[context], along[1 - context]
            assert relevant > 0.25
            assert relevant > 1.5 * irrelevant
            assert 0.6 < sizes[0] / sizes[1] < 1.6
        assert all(along.max() < 0.45 for along, _ in chance)


def selection(network, trials, context):
    """Cosine of each stimulus' input with the slowest left eigenvector, and the inputs' lengths."""
    cue = np.zeros(4)
    cue[2 + context] = 1.0
    ends = network.run(trials.inputs[:, trials.context == context][:, :60])[-1]
    found = wm.find_fixed_points(
        lambda h: network.step(h, cue),
        ends,
        jacobian=lambda h: network.jacobian(h, cue),
        tolerance=1e-4,
    )
    values, vectors = np.linalg.eig(np.swapaxes(found.jacobians, 1, 2))
    slowest = np.argmax(np.abs(values), axis=1)
    left = np.take_along_axis(vectors, slowest[:, None, None], 2)[:, :, 0]
    pushes = network.input_jacobian(found.states, cue)[:, :, :2]
    lengths = np.linalg.norm(pushes, axis=1)
    cosine = np.abs(np.einsum("kn,kni->ki", left, pushes)) / lengths
    return np.median(cosine, axis=0), np.median(lengths, axis=0)


def test_a_networks_jacobians_are_the_derivatives_of_its_step():
    network = wm.random_network(10, 3, np.random.default_rng(11), gain=1.5)
    rng = np.random.default_rng(12)
    h, x = rng.standard_normal((4, 10)), rng.standard_normal(3)
    np.testing.assert_allclose(
        network.jacobian(h, x), wm.numerical_jacobian(lambda s: network.step(s, x), h), atol=1e-8
    )
    shift = 1e-6 * np.eye(3)
    for i in range(3):
        slope = (network.step(h, x + shift[i]) - network.step(h, x - shift[i])) / 2e-6
        np.testing.assert_allclose(network.input_jacobian(h, x)[:, :, i], slope, atol=1e-8)


def test_tasks_are_what_they_say():
    trials = wm.comparison_task(500, np.random.default_rng(13), delay=7)
    first, second = trials.stimuli.T
    assert (np.abs(trials.stimuli) <= 1).all()
    assert (np.abs(first - second) >= 0.15 - 1e-12).all()
    np.testing.assert_array_equal(trials.targets, first > second)
    assert abs(trials.targets.mean() - 0.5) < 0.1
    np.testing.assert_array_equal(trials.inputs[: wm.CUE, :, 0], np.tile(first, (wm.CUE, 1)))
    assert (trials.inputs[wm.CUE : wm.CUE + 7] == 0).all()
    trials = wm.context_task(4000, np.random.default_rng(14), n_steps=50)
    np.testing.assert_allclose(trials.inputs[:, :, 2:].sum(axis=2), 1)
    np.testing.assert_allclose(trials.inputs[:, :, :2].mean(axis=0), trials.stimuli, atol=0.4)
    assert abs(np.corrcoef(trials.stimuli.T)[0, 1]) < 0.06


# Silent memory


def silent_trial(item, *, margin=6.0, pulse=10.0, delay=1.0, n_items=4, size=5, cue=40.0):
    """A cue to one population, a delay, a pulse to all; the run and the steps of the parts."""
    steps = [round(1000 * s) for s in (0.2, 0.25, delay, 0.05, 0.1)]
    edges = np.cumsum([0, *steps])
    inputs = np.full((edges[-1], n_items * size), -margin)
    inputs[edges[1] : edges[2], item * size : (item + 1) * size] += cue
    inputs[edges[3] : edges[4]] += pulse
    weights = np.kron(np.eye(n_items), np.full((size, size), 4.0 / size))
    return wm.synaptic_network(inputs, weights, inhibition=2.0, background=1.0), edges


@claim("working_memory-7")
@pytest.mark.parametrize("item", range(4))
def test_rates_in_the_delay_are_alike_and_a_pulse_to_all_wakes_the_item(item):
    run, edges = silent_trial(item)
    size = 5
    held = run.rates[edges[3] - 500 : edges[3]]
    np.testing.assert_allclose(held, 1.0)  # the background, in every population
    woken = run.rates[edges[3] : edges[4] + 20].max(axis=0).reshape(4, size).mean(axis=1)
    assert np.argmax(woken) == item
    assert woken[item] > 3 * np.delete(woken, item).max()
    strength = (run.u * run.x)[edges[3] - 1].reshape(4, size).mean(axis=1)
    assert strength[item] > 1.2 * np.delete(strength, item).max()


@claim("working_memory-7")
def test_the_silent_memory_fades_with_the_facilitation():
    run, edges = silent_trial(0, delay=6.0)
    u = run.u[edges[2] + 500 : edges[3], 0]
    settled = wm.synapse_at_rate(1.0)[0]
    fading = np.log(u[::1000] - settled)
    # at the background rate r, u relaxes with 1/tau_f + u_rest r
    assert -np.diff(fading).mean() == pytest.approx(1 / 1.5 + 0.2 * 1.0, rel=0.01)
    short, late = (silent_trial(0, delay=delay)[0].rates[-150:].max(axis=0) for delay in (1.0, 6.0))
    assert short[0] - short[5] > 10 * (late[0] - late[5])


def test_synapses_settle_where_the_formula_says():
    synapse = wm.Synapse(0.3, 0.8, 0.15)
    inputs = np.full((20_000, 1), 9.0)
    run = wm.synaptic_network(inputs, [[0.0]], synapse, background=2.0)
    assert run.rates[-1, 0] == pytest.approx(11.0)
    u, x = wm.synapse_at_rate(11.0, synapse)
    assert run.u[-1, 0] == pytest.approx(u, rel=1e-9)
    assert run.x[-1, 0] == pytest.approx(x, rel=1e-9)
    assert 0 < x < 1
    assert 0.3 < u < 1


def test_synaptic_network_follows_its_equations():
    synapse = wm.Synapse()
    weights = np.array([[0.0, 2.0], [1.0, 0.0]])
    drive = np.array([10.0, 4.0])
    u0, x0 = wm.synapse_at_rate(1.0, synapse)

    def flow(t, y):
        h, u, x = y[:2], y[2:4], y[4:]
        r = 1.0 + np.maximum(h, 0)
        return np.concatenate(
            [
                (-h + weights @ (u * x * r) - 0.5 * r.mean() + drive) / 0.01,
                (0.2 - u) / 1.5 + 0.2 * (1 - u) * r,
                (1 - x) / 0.2 - u * x * r,
            ]
        )

    exact = solve_ivp(flow, (0, 0.3), [0, 0, u0, u0, x0, x0], rtol=1e-9, atol=1e-11).y[:, -1]
    errors = []
    for dt in (1e-3, 5e-4):
        run = wm.synaptic_network(
            np.tile(drive, (round(0.3 / dt), 1)), weights, inhibition=0.5, background=1.0, dt=dt
        )
        end = np.concatenate([run.rates[-1] - 1.0, run.u[-1], run.x[-1]])
        errors.append(np.abs(end - exact).max())
    assert errors[0] < 0.05
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.2)  # first order in dt


# Decoding


def blobs(seed, *, distance=1.0, n=120, n_units=8, n_times=3, n_classes=3):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_classes), n // n_classes)
    mixing = rng.standard_normal((n_units, n_units))
    centers = distance * rng.standard_normal((n_times, n_classes, n_units)) @ mixing
    noise = rng.standard_normal((n_times, n, n_units)) @ mixing
    return centers[:, labels] + noise, labels, rng


@settings(deadline=None, max_examples=12)
@given(seed=seeds, shrinkage=st.floats(0.01, 1.0))
def test_the_decoder_agrees_with_scikit_learn(seed, shrinkage):
    activity, labels, rng = blobs(seed)
    folds = wm.balanced_folds(labels, 4, rng)
    ours = wm.decode_delay(activity, labels, folds, shrinkage=shrinkage)
    for data, accuracy in zip(activity, ours, strict=True):
        right = 0
        for fold in range(4):
            train, test = folds != fold, folds == fold
            peer = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
            peer = peer.fit(data[train], labels[train])
            right += (peer.predict(data[test]) == labels[test]).sum()
        assert accuracy == pytest.approx(right / len(labels), abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_decoding_does_not_change_with_names_order_or_rotation(seed):
    activity, labels, rng = blobs(seed)
    folds = wm.balanced_folds(labels, 4, rng)
    expected = wm.decode_delay(activity, labels, folds)
    rotation = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    order = rng.permutation(len(labels))
    again = wm.decode_delay(3 * activity @ rotation + 1, 10 - 2 * labels, folds + 5)
    np.testing.assert_allclose(again, expected)
    shuffled = wm.decode_delay(activity[:, order], labels[order], folds[order])
    np.testing.assert_allclose(shuffled, expected)


def test_decoding_finds_what_is_there_and_nothing_where_there_is_nothing():
    activity, labels, rng = blobs(15, distance=3.0)
    folds = wm.balanced_folds(labels, 5, rng)
    assert (wm.decode_delay(activity, labels, folds) > 0.95).all()
    noise = rng.standard_normal((200, 120, 8))
    accuracy = wm.decode_delay(noise, labels, folds)
    assert accuracy.mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_trial_is_not_decoded_from_itself():
    """With one unit a trial, any decoder that has seen the trial is always right."""
    rng = np.random.default_rng(16)
    labels = np.arange(60) % 2
    activity = rng.standard_normal((20, 60, 100))
    folds = wm.balanced_folds(labels, 10, rng)
    accuracy = wm.decode_delay(activity, labels, folds, shrinkage=0.01)
    assert accuracy.mean() == pytest.approx(0.5, abs=0.06)


def test_unequal_folds_count_by_their_trials():
    activity, labels, rng = blobs(17, distance=0.5)
    folds = (rng.random(120) < 0.2).astype(int)
    right = 0
    for fold in (0, 1):
        train, test = folds != fold, folds == fold
        means = np.array([activity[0, train & (labels == k)].mean(axis=0) for k in range(3)])
        within = activity[0, train] - means[labels[train]]
        covariance = within.T @ within / train.sum()
        sphere = np.trace(covariance) / 8 * np.eye(8)
        metric = np.linalg.inv(0.9 * covariance + 0.1 * sphere)
        gap = activity[0, test][:, None] - means
        guess = np.einsum("nki,ij,nkj->nk", gap, metric, gap).argmin(axis=1)
        right += (guess == labels[test]).sum()
    assert wm.decode_delay(activity, labels, folds)[0] == pytest.approx(right / 120)


@claim("working_memory-8")
def test_two_memories_of_equal_accuracy_differ_across_time():
    """The same information in a code that stands still, and in one that turns."""
    rng = np.random.default_rng(18)
    labels = np.repeat([0, 1], 100)
    n_times, n_units = 6, 40
    still = np.tile(rng.standard_normal(n_units), (n_times, 1))
    turning = np.linalg.qr(rng.standard_normal((n_units, n_times)))[0].T * math.sqrt(n_units)
    results = []
    for code in (still, turning):
        signal = 0.35 * np.where(labels, 1, -1)[:, None] * code[:, None]
        activity = signal + rng.standard_normal((n_times, 200, n_units))
        folds = wm.balanced_folds(labels, 5, rng)
        matrix = wm.cross_temporal_decoding(activity, labels, folds)
        np.testing.assert_allclose(np.diag(matrix), wm.decode_delay(activity, labels, folds))
        results.append(matrix)
    off = ~np.eye(n_times, dtype=bool)
    assert abs(np.diag(results[0]).mean() - np.diag(results[1]).mean()) < 0.03
    assert results[0][off].mean() > 0.9
    assert abs(results[1][off].mean() - 0.5) < 0.08


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_units": 4}, "n_units: expected a whole number of at least 8"),
        ({"n_units": 10.0}, "n_units: expected a whole number"),
        ({"tau": 0.0}, "tau: expected a number above 0"),
        ({"tuned_weight": 2.0}, "tuned_weight: expected a number above 2"),
        ({"mean_weight": 0.5}, "mean_weight: expected a number below 0"),
        ({"drive": -1.0}, "drive: expected a number above 0"),
        ({"drive": "much"}, "drive: expected a real number"),
    ],
)
def test_a_ring_that_holds_no_bump_is_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Ring(**arguments)


RNG = np.random.default_rng(0)
H, W, Z = np.zeros(3), np.zeros((3, 3)), np.zeros(3)
TIMES = {"tau": 0.02, "dt": 1e-3, "sigma": 0.0}
ONE = np.zeros((1, 4, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wm.attractor_step(H, W[:2], 0.0, Z, **TIMES), r"weights: expected shape \(3, 3\)"),
        (lambda: wm.attractor_step(H, W, 0.0, Z[:2], **TIMES), r"noise: expected shape \(3,\)"),
        (lambda: wm.attractor_step(H, W, np.zeros(2), Z, **TIMES), "drive: expected a shape that"),
        (lambda: wm.attractor_step(H, W, np.zeros((5, 3)), Z, **TIMES), "drive: expected a shape"),
        (lambda: wm.attractor_step(H + np.nan, W, 0.0, Z, **TIMES), "h: expected finite"),
        (lambda: wm.attractor_step(H, W, 0.0, Z, **TIMES | {"dt": 0.03}), "dt: expected"),
        (lambda: wm.attractor_step(H, W, 0.0, Z, **TIMES | {"sigma": -1}), "sigma: expected"),
        (lambda: wm.ring_attractor([0.0], duration=1.0, sigma=1.0), "rng: expected"),
        (lambda: wm.ring_attractor([[0.0]], duration=1.0), r"angles: expected shape \(n_trials,\)"),
        (lambda: wm.ring_attractor([0.0], duration=0.0), "duration: expected"),
        (lambda: wm.ring_attractor([0.0], duration=1.0, dt=0.05), "dt: expected"),
        (lambda: wm.ring_attractor([0.0], Ring, duration=1.0), "ring: expected a Ring"),
        (lambda: wm.ring_attractor([0.0], duration=1.0, drive_change=Z), "drive_change: expected"),
        (lambda: wm.bump_angle(np.ones(7)), r"rates: expected shape \(..., 128\)"),
        (lambda: wm.drift_velocity([0.0], Z), r"drive_change: expected shape \(128,\)"),
        (lambda: wm.diffusion_constant(-1.0), "sigma: expected"),
        (lambda: wm.find_fixed_points(3, [[0.0]]), "step: expected a function"),
        (lambda: wm.find_fixed_points(np.tanh, [0.0]), r"states: expected shape \(k, n\)"),
        (lambda: wm.find_fixed_points(lambda h: h[:, :1], [[0.0, 0.0]]), r"step\(states\)"),
        (
            lambda: wm.find_fixed_points(np.tanh, [[0.0, 0.1]], jacobian=lambda h: h),
            r"jacobian\(states\): expected shape \(1, 2, 2\)",
        ),
        (lambda: wm.find_fixed_points(np.tanh, [[0.5]], jacobian=3), "jacobian: expected a fun"),
        (lambda: wm.find_fixed_points(np.tanh, [[0.5]], tolerance=-1.0), "tolerance: expected"),
        (lambda: wm.find_fixed_points(np.tanh, [[0.5]], max_steps=0), "max_steps: expected"),
        (
            lambda: wm.fixed_point_step([[0.5]], [[0.4]], [[[0.4]]], damping=0.0),
            "damping: expected",
        ),
        (lambda: wm.time_constant([np.nan]), "eigenvalues: expected finite"),
        (lambda: wm.line_weights(1, 0.5, RNG), "n_units: expected"),
        (lambda: wm.line_weights(9, 0.5, RNG, spread=1.0), "spread: expected"),
        (lambda: wm.linear_network(np.zeros((5, 2)), W), r"weights: expected shape \(2, 2\)"),
        (lambda: wm.linear_network(np.zeros((5, 3)), W, tau=0.0), "tau: expected"),
        (lambda: wm.persistence_time(0.5, -1.0), "tau: expected"),
        (lambda: wm.comparison_task(5, RNG, delay=0), "delay: expected"),
        (lambda: wm.context_task(0, RNG), "n_trials: expected"),
        (lambda: wm.context_task(5, 3), "rng: expected"),
        (lambda: wm.random_network(5, 2, RNG, leak=1.5), "leak: expected"),
        (lambda: wm.Synapse(u_rest=1.0), "u_rest: expected"),
        (lambda: wm.Synapse(tau_f=0.0), "tau_f: expected"),
        (lambda: wm.synaptic_network(np.zeros((5, 3)), -np.eye(3)), "weights: expected numbers"),
        (lambda: wm.synaptic_network(np.zeros(5), W), r"inputs: expected shape \(t, n\)"),
        (lambda: wm.synapse_at_rate(-1.0), "rate: expected"),
        (lambda: wm.decode_delay(ONE[0], [0, 1, 0, 1], [0, 0, 1, 1]), "activity: expected shape"),
        (lambda: wm.decode_delay(ONE, [0, 1, 0], [0, 0, 1, 1]), r"labels: expected shape \(4,\)"),
        (lambda: wm.decode_delay(ONE, [0.5, 1, 0, 1], [0, 0, 1, 1]), "labels: expected whole"),
        (lambda: wm.decode_delay(ONE, [1, 1, 1, 1], [0, 0, 1, 1]), "labels: expected at least two"),
        (lambda: wm.decode_delay(ONE, [0, 1, 0, 1], [0, 0, 0, 0]), "folds: expected at least two"),
        (lambda: wm.decode_delay(ONE, [0, 1, 0, 1], [0, 1, 0, 1]), "folds: expected every label"),
        (lambda: wm.decode_delay(ONE, [0, 1, 0, 1], [0, 0, 1, 1]), "activity: expected trials"),
        (
            lambda: wm.decode_delay(ONE, [0, 1, 0, 1], [0, 0, 1, 1], shrinkage=0.0),
            "shrinkage: expected",
        ),
        (lambda: wm.balanced_folds([0, 1, 1], 2, RNG), "n_folds: expected at most 1"),
        (lambda: wm.balanced_folds([0, 1], 1, RNG), "n_folds: expected"),
    ],
)
def test_bad_input_is_refused_with_the_arguments_name(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_runaway_rates_are_told():
    with pytest.raises(OverflowError, match="weights: at step"):
        wm.synaptic_network(np.full((2000, 1), 50.0), [[40.0]])


def test_inputs_are_not_modified():
    h, noise, drive = np.ones(3), np.ones(3), np.ones(3)
    wm.attractor_step(h, W, drive, noise, **TIMES | {"sigma": 1.0})
    starts = np.full((2, 3), 0.4)
    wm.find_fixed_points(np.tanh, starts)
    assert (h == 1).all()
    assert (noise == 1).all()
    assert (starts == 0.4).all()
