"""The kernels of working memory beside SciPy, scikit-learn and their own plain loops."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils import working_memory as wm

N_TRIALS, DURATION, DT, SIGMA = 200, 0.5, 1e-3, 1.0
N_UNITS, N_STARTS = 48, 60
N_TIMES, N_DECODED, N_CELLS = 20, 200, 50


def main() -> None:
    print_environment("scipy", "scikit-learn", "torch")
    ring = wm.Ring()
    angles = np.random.default_rng(0).uniform(0, 360, N_TRIALS)
    rows = compare(
        f"ring of {ring.n_units} units, {N_TRIALS} noisy trials of {DURATION} s, dt {DT} s",
        lambda: our_ring(angles, ring),
        {
            "NumPy, dense weights": lambda: lambda: dense_ring(angles, ring),
            "torch, dense weights": lambda: torch_ring(angles, ring),
        },
        agree=same_spread,
        rounds=3,
    )
    print_table(rows)

    step, jacobian, starts = network()
    rows = compare(
        f"fixed points of a tanh network of {N_UNITS} units from {N_STARTS} starts",
        lambda: wm.find_fixed_points(step, starts, jacobian=jacobian),
        {
            "scipy root, one start at a time": lambda: scipy_root(step, jacobian, starts),
            "torch, Adam on the speed": lambda: torch_descent(step, jacobian, starts),
        },
        agree=same_points,
        rounds=3,
    )
    print_table(rows)

    activity, labels, folds = recording()
    rows = compare(
        f"decoding at {N_TIMES} times, {N_DECODED} trials, {N_CELLS} units, 5 folds",
        lambda: wm.decode_delay(activity, labels, folds, shrinkage=0.1),
        {"scikit-learn LDA": lambda: sklearn_lda(activity, labels, folds)},
        agree=same_accuracy,
        rounds=3,
    )
    print_table(rows)


def our_ring(angles, ring):
    rng = np.random.default_rng(1)
    run = wm.ring_attractor(angles, ring, duration=DURATION, dt=DT, sigma=SIGMA, rng=rng)
    return run.angles[-1] - angles


def dense_ring(angles, ring):
    rng = np.random.default_rng(2)
    h, weights = wm.bump_state(angles, ring), ring.weights
    kick = np.sqrt(2 * DT / ring.tau) * SIGMA
    for _ in range(round(DURATION / DT)):
        total = np.maximum(h, 0) @ weights.T + ring.drive
        h = h + DT / ring.tau * (total - h) + kick * rng.standard_normal(h.shape)
    return displaced(h, angles, ring)


def torch_ring(angles, ring):
    import torch

    torch.set_num_threads(1)  # a second thread slows arrays this small
    weights = torch.from_numpy(ring.weights)

    def run():
        draws = torch.Generator().manual_seed(3)
        h = torch.from_numpy(wm.bump_state(angles, ring))
        kick = (2 * DT / ring.tau) ** 0.5 * SIGMA
        for _ in range(round(DURATION / DT)):
            total = torch.relu(h) @ weights.T + ring.drive
            noise = torch.randn(h.shape, generator=draws, dtype=h.dtype)
            h = torch.lerp(h, total, DT / ring.tau) + kick * noise
        return displaced(h.numpy(), angles, ring)

    return run


def displaced(h, angles, ring):
    return (wm.bump_angle(np.maximum(h, 0), ring) - angles + 180) % 360 - 180


def same_spread(ours, theirs) -> str:
    """Other noise, so the spreads agree within what chance allows: 4 standard errors."""
    ratio = theirs.std() / ours.std()
    assert abs(np.log(ratio)) < 4 / np.sqrt(N_TRIALS), ratio
    return f"spread {ratio:.2f} of ours"


def network():
    rng = np.random.default_rng(4)
    weights = 1.5 * rng.standard_normal((N_UNITS, N_UNITS)) / np.sqrt(N_UNITS)
    weights = 0.5 * (weights + weights.T)  # symmetric: many fixed points
    bias = 0.2 * rng.standard_normal(N_UNITS)

    def step(h):
        return np.tanh(h @ weights.T + bias)

    def jacobian(h):
        return (1 - step(h) ** 2)[..., np.newaxis] * weights

    step.weights, step.bias = weights, bias
    return step, jacobian, rng.uniform(-1, 1, (N_STARTS, N_UNITS))


def scipy_root(step, jacobian, starts):
    from scipy import optimize

    def run():
        return [
            optimize.root(
                lambda h: step(h) - h, start, jac=lambda h: jacobian(h) - np.eye(N_UNITS), tol=1e-12
            ).x
            for start in starts
        ]

    return run


def torch_descent(step, jacobian, starts):
    """What the published tools do: all starts at once, by a gradient method on the speed."""
    import torch

    weights, bias = torch.from_numpy(step.weights), torch.from_numpy(step.bias)

    def run():
        h = torch.tensor(starts, requires_grad=True)
        optimizer = torch.optim.Adam([h], 0.02)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.995)
        for _ in range(1000):
            speed = 0.5 * (torch.tanh(h @ weights.T + bias) - h).pow(2).sum()
            optimizer.zero_grad()
            speed.backward()
            optimizer.step()
            schedule.step()
        return h.detach().numpy()

    return run


def same_points(ours, theirs) -> str:
    """A start may lead elsewhere by another way; where one arrives must be a fixed point."""
    step, _, _ = network()
    theirs = np.asarray(theirs)
    speeds = 0.5 * ((step(theirs) - theirs) ** 2).sum(axis=1)
    fixed = (speeds < 1e-10).mean()
    return f"fixed points from {100 * fixed:.0f} %, ours {100 * (ours.speeds < 1e-10).mean():.0f} %"


def recording():
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], N_DECODED // 2)
    signal = 0.15 * np.where(labels, 1, -1)[:, np.newaxis] * rng.standard_normal(N_CELLS)
    activity = signal + rng.standard_normal((N_TIMES, N_DECODED, N_CELLS))
    return activity, labels, wm.balanced_folds(labels, 5, rng)


def sklearn_lda(activity, labels, folds):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    def run():
        accuracy = []
        for data in activity:
            right = 0
            for fold in range(5):
                test = folds == fold
                decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
                decoder.fit(data[~test], labels[~test])
                right += (decoder.predict(data[test]) == labels[test]).sum()
            accuracy.append(right / len(labels))
        return np.array(accuracy)

    return run


def same_accuracy(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-12, difference
    return "the same accuracies"


if __name__ == "__main__":
    main()
