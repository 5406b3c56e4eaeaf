"""Two tasks that need a memory, and small recurrent networks trained on them (in torch)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.floating[Any]]
CUE, REPORT = 3, 3  # steps: how long a stimulus lasts, and how long the network then has


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials of a task.

    inputs: (t, n_trials, n_inputs).  targets: (n_trials,), 0 or 1, due after the last step.
    stimuli: (n_trials, 2): f1 and f2, or the strengths of motion and color.  context: (n_trials,),
    0 or 1, which of them counts (0 everywhere in the delay task).
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.int64]
    stimuli: NDArray[np.float64]
    context: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RateNetwork:
    """h <- (1 - leak) h + leak tanh(W_h h + W_x x + b), output w_out . h + b_out.

    w_h: (n, n).  w_x: (n, n_inputs).  b, w_out: (n,).  Rows receiving.  leak: in (0, 1].
    """

    w_h: NDArray[np.float64]
    w_x: NDArray[np.float64]
    b: NDArray[np.float64]
    w_out: NDArray[np.float64]
    b_out: float
    leak: float

    def step(self, h: Floats, x: ArrayLike = 0.0) -> Floats:
        """The states (..., n) one step later at the input x (..., n_inputs), or without one."""
        drive = h @ self.w_h.T + self._input(x)
        return (1.0 - self.leak) * h + self.leak * np.tanh(drive)

    def jacobian(self, h: Floats, x: ArrayLike = 0.0) -> Floats:
        """dF/dh, (..., n, n), at states h (..., n)."""
        slope = self._slope(h, x)
        return (1.0 - self.leak) * np.eye(len(self.b)) + slope[..., np.newaxis] * self.w_h

    def input_jacobian(self, h: Floats, x: ArrayLike = 0.0) -> Floats:
        """dF/dx, (..., n, n_inputs): where a small input pushes the state."""
        return self._slope(h, x)[..., np.newaxis] * self.w_x

    def run(
        self, inputs: Floats, *, noise: float = 0.0, rng: np.random.Generator | None = None
    ) -> Floats:
        """States (t, n_trials, n) from 0; noise: standard deviation inside the tanh, each step."""
        inputs = _validate.real_array("inputs", inputs, ("t", "n_trials", self.w_x.shape[1]))
        h = np.zeros((inputs.shape[1], len(self.b)))
        states = []
        for x in inputs:
            drive = h @ self.w_h.T + self._input(x)
            if noise:
                drive += noise * _validate.generator("rng", rng).standard_normal(h.shape)
            h = (1.0 - self.leak) * h + self.leak * np.tanh(drive)
            states.append(h)
        return np.array(states)

    def output(self, h: Floats) -> Floats:
        return h @ self.w_out + self.b_out

    def accuracy(self, trials: Trials, **noise: Any) -> float:
        """Share of trials whose output after the last step has the right sign."""
        said = self.output(self.run(trials.inputs, **noise)[-1]) > 0
        return float(np.mean(said == (trials.targets == 1)))

    def _input(self, x: ArrayLike) -> Any:
        return self.b if np.ndim(x) == 0 and not np.any(x) else np.asarray(x) @ self.w_x.T + self.b

    def _slope(self, h: Floats, x: ArrayLike) -> Floats:
        return self.leak * (1.0 - np.tanh(h @ self.w_h.T + self._input(x)) ** 2)


def comparison_task(n_trials: int, rng: np.random.Generator, *, delay: int) -> Trials:
    """A number f1, `delay` steps of nothing, a number f2; is f1 the larger?  {romo1999}

    f1 in channel 0 and f2 in channel 1, for CUE steps each, in (-1, 1) and at least 0.15 apart.
    """
    n_trials = _validate.whole_number("n_trials", n_trials, minimum=1)
    delay = _validate.whole_number("delay", delay, minimum=1)
    _validate.generator("rng", rng)
    first = rng.uniform(-1.0, 1.0, n_trials)
    gap = rng.uniform(0.15, 1.0, n_trials) * rng.choice([-1.0, 1.0], n_trials)
    second = np.where(np.abs(first + gap) > 1.0, first - gap, first + gap)
    inputs = np.zeros((2 * CUE + delay + REPORT, n_trials, 2))
    inputs[:CUE, :, 0] = first
    inputs[CUE + delay : 2 * CUE + delay, :, 1] = second
    return Trials(
        inputs,
        (first > second).astype(np.int64),
        np.stack([first, second], axis=1),
        np.zeros(n_trials, dtype=np.int64),
    )


def context_task(
    n_trials: int, rng: np.random.Generator, *, n_steps: int = 20, noise: float = 0.5
) -> Trials:
    """Two noisy streams at once and a cue that says which one's sign to report.  {mante2013}

    Channels 0 and 1: motion and color, each a strength in (-0.3, 0.3) plus new noise every step.
    Channels 2 and 3: 1 in the context of motion, of color.
    """
    n_trials = _validate.whole_number("n_trials", n_trials, minimum=1)
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=1)
    noise = _validate.real_number("noise", noise, minimum=0.0)
    _validate.generator("rng", rng)
    strength = rng.uniform(-0.3, 0.3, (n_trials, 2))
    context = rng.integers(0, 2, n_trials)
    everyone = np.arange(n_trials)
    inputs = np.zeros((n_steps, n_trials, 4))
    inputs[:, :, :2] = strength + noise * rng.standard_normal((n_steps, n_trials, 2))
    inputs[:, everyone, 2 + context] = 1.0
    targets = (strength[everyone, context] > 0).astype(np.int64)
    return Trials(inputs, targets, strength, context)


def random_network(
    n_units: int, n_inputs: int, rng: np.random.Generator, *, gain: float = 0.9, leak: float = 0.3
) -> RateNetwork:
    """An untrained network: recurrent weights of variance gain² / n_units, no output yet."""
    n_units = _validate.whole_number("n_units", n_units, minimum=1)
    n_inputs = _validate.whole_number("n_inputs", n_inputs, minimum=1)
    gain = _validate.real_number("gain", gain, minimum=0.0)
    leak = _validate.real_number("leak", leak, above=0.0, maximum=1.0)
    _validate.generator("rng", rng)
    return RateNetwork(
        w_h=gain * rng.standard_normal((n_units, n_units)) / np.sqrt(n_units),
        w_x=0.5 * rng.standard_normal((n_units, n_inputs)),
        b=np.zeros(n_units),
        w_out=np.zeros(n_units),
        b_out=0.0,
        leak=leak,
    )


def train_network(
    network: RateNetwork,
    task: Callable[[np.random.Generator], Trials],
    rng: np.random.Generator,
    *,
    n_updates: int = 400,
    learning_rate: float = 4e-3,
    noise: float = 0.1,
) -> RateNetwork:
    """`network` after Adam on the cross-entropy of its last output; needs torch.

    task: draws a batch of trials.  noise: standard deviation inside the tanh at every step, which
    keeps small differences from carrying the memory.  The learning rate rises over the first tenth
    of the updates and then falls as a cosine. Runs on one thread, which these sizes fill.
    """
    import torch

    _validate.instance("network", network, RateNetwork)
    n_updates = _validate.whole_number("n_updates", n_updates, minimum=1)
    _validate.generator("rng", rng)
    draws = torch.Generator().manual_seed(int(rng.integers(2**31)))
    names = ("w_h", "w_x", "b", "w_out", "b_out")
    everything = [
        torch.tensor(np.atleast_1d(getattr(network, k)), dtype=torch.float32, requires_grad=True)
        for k in names
    ]
    optimizer = torch.optim.Adam(everything, learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=n_updates, pct_start=0.1
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(n_updates):
            loss = _loss(everything, task(rng), network.leak, noise, draws)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(everything, 1.0)
            optimizer.step()
            schedule.step()
    finally:
        torch.set_num_threads(threads)
    w_h, w_x, b, w_out, b_out = (p.detach().numpy().astype(np.float64) for p in everything)
    return RateNetwork(w_h, w_x, b, w_out, float(b_out[0]), network.leak)


def _loss(parameters: list[Any], trials: Trials, leak: float, noise: float, draws: Any) -> Any:
    """Cross-entropy of the last output of a batch, in torch."""
    import torch

    w_h, w_x, b, w_out, b_out = parameters
    drive = torch.from_numpy(trials.inputs.astype(np.float32)) @ w_x.T + b
    drive = drive + noise * torch.randn(drive.shape, generator=draws)
    h = torch.zeros(drive.shape[1:])
    for z in drive:
        h = (1.0 - leak) * h + leak * torch.tanh(z + h @ w_h.T)
    targets = torch.from_numpy(trials.targets.astype(np.float32))
    return torch.nn.functional.binary_cross_entropy_with_logits(h @ w_out + b_out, targets)
