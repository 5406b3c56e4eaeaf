"""Part 3 of `sensory_systems`: an encoding model whose score nothing has leaked into."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._sensory_systems import UNITS, Array, correlation
from course_utils.sensory_systems import ridge_encoding


class Seeded(np.random.Generator):
    """A new generator that shows, in a student's feedback, how to make it again."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self.seed = seed

    def __repr__(self) -> str:
        return f"np.random.default_rng({self.seed})"


def _stimuli(rng: np.random.Generator, n: int, f: int, u: int) -> tuple[Array, Array]:
    """Features with means and unequal scales; units from well predicted to hardly at all."""
    x = rng.standard_normal((n, f)) * rng.uniform(0.5, 3.0, f) + rng.uniform(1, 3, f)
    noise = np.geomspace(0.3, 12, u)
    return x, x @ rng.standard_normal((f, u)) + noise * rng.standard_normal((n, u)) + 5


def _cases(rng: np.random.Generator) -> list[Case]:
    one, choice = "one penalty", "the choice of the penalty"
    fixed = np.random.default_rng(4)
    many = np.array([0.1, 10.0, 100.0, 1000.0])
    seed = int(rng.integers(1000))
    return [
        Case(
            one,
            "30 stimuli, 4 features, 2 units",
            _stimuli(fixed, 30, 4, 2),
            {"alphas": np.array([3.0]), "n_folds": 5, "rng": Seeded(0)},
        ),
        Case(
            one,
            "drawn at random, folds of unequal size",
            _stimuli(rng, 34, 6, 3),
            {"alphas": np.array([20.0]), "n_folds": 4, "rng": Seeded(seed)},
        ),
        Case(
            choice,
            "four penalties, 8 units",
            _stimuli(fixed, 40, 25, 8),
            {"alphas": many, "n_folds": 5, "rng": Seeded(1)},
        ),
        Case(
            choice,
            "drawn at random, more features than stimuli",
            _stimuli(rng, 36, 45, 8),
            {"alphas": many, "n_folds": 4, "rng": Seeded(seed)},
        ),
    ]


def _ridge(
    x: Array,
    y: Array,
    train: Array,
    test: Array,
    alpha: float,
    *,
    center: str = "train",
    scale: bool = False,
    times_n: bool = False,
) -> Array:
    """Predictions for `test`, wrong in what a keyword says."""
    if scale:
        x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    rows = {"train": train, "all": np.arange(len(x))}.get(center)
    x_mean = np.zeros(x.shape[1]) if rows is None else x[rows].mean(axis=0)
    y_mean = np.zeros(y.shape[1]) if rows is None else y[rows].mean(axis=0)
    xt, yt = x[train] - x_mean, y[train] - y_mean
    strength = alpha * (len(train) if times_n else 1)
    weights = np.linalg.solve(xt.T @ xt + strength * np.eye(x.shape[1]), xt.T @ yt)
    return (x[test] - x_mean) @ weights + y_mean


def _encoding(
    features: Array,
    responses: Array,
    *,
    alphas: Array,
    n_folds: int,
    rng: np.random.Generator,
    judge: str = "nested",
    score: str = "mean r",
    in_sample: bool = False,
    shuffled: bool = True,
    shared: bool = False,
    **slips: Any,
) -> tuple[Array, Array]:
    """r and alpha, wrong in what a keyword says."""
    x, y = features, responses
    order = rng.permutation(len(x)) if shuffled else np.arange(len(x))
    folds = np.array_split(order, n_folds)
    everything = np.arange(len(x))

    def loss(pool: list[Array]) -> Array:
        total = np.zeros((len(alphas), y.shape[1]))
        for held in pool:
            train = np.concatenate([f for f in pool if f is not held])
            test = train if judge == "training error" else held
            for i, alpha in enumerate(alphas):
                predicted = _ridge(x, y, train, test, alpha, **slips)
                total[i] += ((predicted - y[test]) ** 2).sum(axis=0)
        return total.sum(axis=1, keepdims=True) + 0 * total if shared else total

    reported = loss(folds).argmin(axis=0)
    r, predictions = np.zeros(y.shape[1]), np.zeros_like(y)
    for fold in folds:
        others = [f for f in folds if f is not fold]
        train = everything if in_sample else np.concatenate(others)
        chosen = reported if judge == "all folds" else loss(others).argmin(axis=0)
        for u in range(y.shape[1]):
            one = y[:, u : u + 1]
            predictions[fold, u] = _ridge(x, one, train, fold, alphas[chosen[u]], **slips)[:, 0]
        r_fold = correlation(predictions[fold], y[fold])
        r += (r_fold**2 if score == "r squared" else r_fold) / n_folds
    return (correlation(predictions, y) if score == "pooled" else r), alphas[reported]


def _unpack(result: Any) -> tuple[Any, ...]:
    if hasattr(result, "r") and hasattr(result, "alpha"):
        return result.r, result.alpha
    r, alpha = result
    return r, alpha


PART = Part(
    reference=ridge_encoding,
    cases=_cases,
    points={"one penalty": 2.0, "the choice of the penalty": 2.0},
    outputs=("r", "alpha"),
    units=UNITS,
    misconceptions=(
        Misconception(
            "scored on the stimuli it was fitted to",
            partial(_encoding, in_sample=True),
            "The fit has seen the stimuli it is scored on. With enough features such a score is "
            "high for any model, noise included. Fit to the other folds, predict the fold that is "
            "left out.",
        ),
        Misconception(
            "penalty chosen with the held-out fold",
            partial(_encoding, judge="all folds"),
            "The penalty is chosen by the errors on all folds, the one it is then scored on among "
            "them. So the score has picked its own best case. For each fold left out, let the "
            "other folds alone choose, leaving out one of them at a time.",
        ),
        Misconception(
            "penalty chosen by the training error",
            partial(_encoding, judge="training error"),
            "The penalty is chosen by how well the fit describes what it was fitted to. There the "
            "smallest penalty always wins; judge on stimuli left out of the inner fit.",
        ),
        Misconception(
            "no intercept",
            partial(_encoding, center="none"),
            "There is no intercept: neither features nor responses are centered, so the weights "
            "are spent on the mean response and the penalty shrinks it. Subtract the means of the "
            "training stimuli, and add the response's mean back to the prediction.",
        ),
        Misconception(
            "centered on all stimuli",
            partial(_encoding, center="all"),
            "The means that you subtract are taken over all stimuli, those to be predicted "
            "included. It is a small leak, but a leak: whatever is estimated, means too, comes "
            "from the training stimuli.",
        ),
        Misconception(
            "features standardized",
            partial(_encoding, scale=True),
            "You divide the features by their standard deviations. That is a model of its own, "
            "which gives weak features more say; the contract leaves the scale of the features "
            "as it comes.",
        ),
        Misconception(
            "penalty times the number of stimuli",
            partial(_encoding, times_n=True),
            "Your penalty is multiplied by the number of training stimuli, as when the mean "
            "squared error is minimized. The contract minimizes the sum of squares plus alpha "
            "times the squared length of the weights, as scikit-learn's Ridge does.",
        ),
        Misconception(
            "r squared",
            partial(_encoding, score="r squared"),
            "You return the square of the correlation. Return r: it keeps the sign, and a model "
            "that predicts the opposite of what happens should not score.",
        ),
        Misconception(
            "correlation over all folds at once",
            partial(_encoding, score="pooled"),
            "You put the predictions of all folds together and correlate once. Each fold has an "
            "intercept of its own: a fold whose responses are low is predicted by a mean that is "
            "high without it, and the pooled correlation is pushed down. Correlate within each "
            "fold, then average.",
        ),
        Misconception(
            "one penalty for all units",
            partial(_encoding, shared=True),
            "All units get the same penalty, the best one for their summed error. A noisy unit "
            "needs a larger one than a reliable unit: choose for each column by itself.",
        ),
        Misconception(
            "stimuli not permuted",
            partial(_encoding, shuffled=False),
            "The folds are consecutive stimuli. Experiments order their stimuli, by category or "
            "session, and then a fold tests what no other fold trained. Use "
            "np.array_split(rng.permutation(n), n_folds).",
        ),
    ),
    rtol=1e-5,
    atol=1e-7,
    unpack=_unpack,
)
