"""`simulate` beside Brian2 and a NumPy loop: 1000 neurons, currents 0 to 4, 10 s, dt 0.1 ms."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.lif import LIFNeuron, noisy_firing_rate, simulate

N_NEURONS, DURATION, DT, SIGMA_V = 1000, 10.0, 1e-4, 0.5
CURRENT = np.linspace(0, 4, N_NEURONS)
NEURON = LIFNeuron()


def main() -> None:
    print_environment("brian2")
    for sigma_v, agree, name in (
        (0.0, same_counts, "noiseless"),
        (SIGMA_V, same_rates, f"noisy, sigma_v {SIGMA_V} V"),
    ):
        rows = compare(
            f"LIF, {name}: {N_NEURONS} neurons, {DURATION:g} s, dt {DT * 1e3:g} ms, counts",
            lambda sigma_v=sigma_v: run_ours(sigma_v, np.float64),
            {
                "course_utils, float32": lambda sigma_v=sigma_v: (
                    lambda: run_ours(sigma_v, np.float32)
                ),
                "Brian2 C++ standalone": lambda sigma_v=sigma_v: brian2_standalone(sigma_v, 0),
                "Brian2 C++ standalone, OpenMP": lambda sigma_v=sigma_v: brian2_standalone(
                    sigma_v, 2
                ),
                "NumPy loop": lambda sigma_v=sigma_v: lambda: numpy_loop(sigma_v),
            },
            agree=agree,
            rounds=5,
        )
        print_table(rows)


def run_ours(sigma_v: float, dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0) if sigma_v else None
    current = CURRENT.astype(dtype)
    return simulate(
        current, NEURON, duration=DURATION, dt=DT, sigma_v=sigma_v, rng=rng
    ).spike_counts


def numpy_loop(sigma_v: float) -> np.ndarray:
    """The textbook loop: one exact step for all neurons, crossings seen at its end only."""
    rng = np.random.default_rng(1)
    gain = -np.expm1(-DT / NEURON.tau_m)
    spread = sigma_v * np.sqrt(-np.expm1(-2 * DT / NEURON.tau_m))
    held_steps = round(NEURON.tau_ref / DT)
    v, held, counts = np.zeros(N_NEURONS), np.zeros(N_NEURONS, int), np.zeros(N_NEURONS, int)
    for _ in range(round(DURATION / DT)):
        moved = v + (CURRENT - v) * gain
        if sigma_v:
            moved += spread * rng.standard_normal(N_NEURONS)
        v = np.where(held > 0, v, moved)
        spiked = v >= NEURON.v_threshold
        v[spiked] = NEURON.v_reset
        held = np.where(spiked, held_steps, held - 1)
        counts += spiked
    return counts


def brian2_standalone(sigma_v: float, threads: int):
    """Builds the C++ program once; what is timed is a run of it, as Brian2 reports its own time."""
    import brian2
    from brian2 import NeuronGroup, SpikeMonitor, ms, second

    brian2.device.reinit()
    brian2.device.activate()
    folder = tempfile.mkdtemp()
    brian2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    brian2.prefs.devices.cpp_standalone.openmp_threads = threads
    brian2.defaultclock.dt = DT * second
    noise = " + sigma * sqrt(2 / tau) * xi" if sigma_v else ""
    group = NeuronGroup(
        N_NEURONS,
        f"dv/dt = (drive - v) / tau{noise} : 1 (unless refractory)\ndrive : 1 (constant)",
        threshold="v >= 1",
        reset="v = 0",
        # Brian2 counts the step of the spike as the first of the period.
        refractory=(NEURON.tau_ref + DT) * second,
        method="euler" if sigma_v else "exact",
        namespace={"tau": NEURON.tau_m * 1e3 * ms, "sigma": sigma_v},
    )
    group.drive = CURRENT
    monitor = SpikeMonitor(group, record=False)
    network = brian2.Network(group, monitor)
    network.run(DURATION * second)
    brian2.device.build(directory=folder, compile=True, run=False)

    def run() -> np.ndarray:
        # The program itself, since Brian2 forgets a device once it has built another.
        subprocess.run(["./main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (counts,) = Path(folder, "results").glob("_array_spikemonitor*_count_*")
        return np.fromfile(counts, np.int32)

    return run


def same_counts(ours: np.ndarray, theirs: np.ndarray) -> str:
    different = int((ours != theirs).sum())
    assert different <= 0.01 * N_NEURONS, different
    return f"{N_NEURONS - different} of {N_NEURONS} counts identical"


def same_rates(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Peers miss crossings inside a step: about 5 % of the rate at this noise."""
    expected = noisy_firing_rate(CURRENT, SIGMA_V) * DURATION
    assert abs(ours.sum() / expected.sum() - 1) < 0.002, ours.sum() / expected.sum()
    ratio = theirs.sum() / expected.sum()
    assert 0.9 < ratio < 1.01, ratio
    return f"{100 * (ratio - 1):+.1f} % of Siegert's spikes"


if __name__ == "__main__":
    main()
