"""Encoding models: ridge regression from features to neurons, and the ceiling noise sets to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EncodingFit:
    """How well features predict each of u units on stimuli that took no part in the fit.

    r: (u,), correlation of prediction and response within a held-out fold, averaged over folds; 0
    in a fold where either is constant.  alpha: (u,), the penalty that all folds together choose.
    predictions: (n, u), each from the fit that had not seen its stimulus.
    """

    r: Floats
    alpha: Floats
    predictions: Floats


def ridge_encoding(
    features: ArrayLike,
    responses: ArrayLike,
    *,
    alphas: ArrayLike,
    n_folds: int,
    rng: np.random.Generator,
) -> EncodingFit:
    """Ridge regression of every unit on the features, penalty and score cross-validated apart.

    w = argmin |y - X w - b|^2 + alpha |w|^2, the intercept b free {hoerl1970}

    The stimuli are permuted once, np.array_split(rng.permutation(n), n_folds) are the folds. For
    each fold left out, the other folds choose each unit's alpha among themselves (leaving out one
    more at a time, least summed squared error); a fit to all of them with that alpha predicts the
    fold. No stimulus chooses the alpha by which it is predicted.

    features: (n, f).  responses: (n, u).  alphas: (a,), above 0.  n_folds: at least 3.
    Raises TypeError or ValueError on numbers of stimuli that differ, values that are not finite, an
    alpha <= 0, fewer than three folds or than three stimuli a fold.
    """
    x = _validate.real_array("features", features, ("n", "f"))
    y = _validate.real_array("responses", responses, (len(x), "u"))
    alphas = _validate.real_array("alphas", alphas, ("a",))
    if (alphas <= 0).any():
        raise ValueError(f"alphas: expected numbers above 0, got {alphas.min():g}")
    n_folds = _validate.whole_number("n_folds", n_folds, minimum=3)
    if 3 * n_folds > len(x):
        raise ValueError(
            f"n_folds: expected at least three of the {len(x)} stimuli a fold, got {n_folds} folds"
        )
    rng = _validate.generator("rng", rng)
    folds = np.array_split(rng.permutation(len(x)), n_folds)
    x = _fewest_columns(x)
    inner_loss = np.zeros((n_folds, len(alphas), y.shape[1]))
    for i in range(n_folds):
        for j in range(i):  # one fit without folds i and j serves as the inner fit of both
            ridge = _Ridge(x, y, folds, (i, j))
            inner_loss[i] += ridge.losses(alphas, folds[j])
            inner_loss[j] += ridge.losses(alphas, folds[i])
    predictions = np.empty_like(y)
    r = np.zeros(y.shape[1])
    outer_loss = np.zeros(inner_loss.shape[1:])
    for i, fold in enumerate(folds):
        ridge = _Ridge(x, y, folds, (i,))
        outer_loss += ridge.losses(alphas, fold)
        predictions[fold] = ridge.predict(alphas[inner_loss[i].argmin(axis=0)], fold)
        r += _correlation(predictions[fold], y[fold]) / n_folds
    return EncodingFit(r, alphas[outer_loss.argmin(axis=0)], predictions)


def reliability(repeats: ArrayLike) -> Floats:
    """Share of a unit's mean response that is signal: variance over stimuli, noise taken off.

    rho = 1 - (noise / k) / V {schoppe2016}, V the variance over stimuli of the mean of k repeats,
    noise the variance over repeats, both unbiased, the latter averaged over stimuli. It estimates
    the correlation of two such means from independent repeats.

    repeats: (k, n, u), k >= 2 presentations of n >= 2 stimuli to u units.  Returns (u,), from 0
    (no stimulus changes the response) to 1 (no noise).
    Raises TypeError or ValueError on another shape, values that are not finite, fewer than two
    repeats or stimuli.
    """
    x = _validate.real_array("repeats", repeats, ("k", "n", "u"))
    k, n, _ = x.shape
    if k < 2 or n < 2:
        raise ValueError(
            f"repeats: expected at least two repeats of two stimuli, got {k} repeats of {n}"
        )
    noise = x.var(axis=0, ddof=1).mean(axis=0)
    total = x.mean(axis=0).var(axis=0, ddof=1)
    silent = total == 0
    share = 1.0 - noise / (k * np.where(silent, 1.0, total))
    return np.where(silent, 0.0, np.clip(share, 0.0, 1.0))


def simulate_repeats(
    signal: ArrayLike, rho: float, n_repeats: int, rng: np.random.Generator
) -> Floats:
    """Noisy presentations of a known signal whose mean has a known reliability.

    x = signal + sd sqrt(k (1 / rho - 1)) xi, xi standard normal, sd the signal's over stimuli

    signal: (n, u), each unit varying over stimuli.  rho: in (0, 1], `reliability` of the mean of
    the k repeats, but for sampling error.  Returns (n_repeats, n, u).
    Raises TypeError or ValueError on values that are not finite, a unit that does not vary, rho
    outside (0, 1], n_repeats < 1.
    """
    x = _validate.real_array("signal", signal, ("n", "u"))
    rho = _validate.real_number("rho", rho, above=0.0, maximum=1.0)
    k = _validate.whole_number("n_repeats", n_repeats, minimum=1)
    rng = _validate.generator("rng", rng)
    deviation = x.std(axis=0)
    if (deviation == 0).any():
        unit = int(np.flatnonzero(deviation == 0)[0])
        raise ValueError(f"signal: expected units that vary over stimuli, unit {unit} does not")
    noise = deviation * np.sqrt(k * (1.0 / rho - 1.0))
    return x + noise * rng.standard_normal((k, *x.shape))


def noise_ceiling(repeats: ArrayLike) -> Floats:
    """Correlation of a perfect, noiseless model with the mean of the repeats, as expected.

    c = sqrt(rho) {schoppe2016}, rho the `reliability`: signal and mean share the variance rho V.

    repeats: (k, n, u).  Returns (u,), from 0 to 1.  Errors as in `reliability`.
    """
    return np.sqrt(reliability(repeats))


def noise_corrected_score(predictions: ArrayLike, repeats: ArrayLike) -> Floats:
    """Explained share of the variance that can be explained: (raw / ceiling)^2 with raw's sign.

    raw: correlation of predictions with the mean of the repeats.  ceiling: `noise_ceiling`.
    Expected to be 1 for a perfect noiseless model, 0 for one that predicts nothing; an estimate,
    which may come out above 1.

    predictions: (n, u).  repeats: (k, n, u).  Returns (u,); NaN for a unit of ceiling 0.
    Raises TypeError or ValueError as `reliability` does, and on shapes that do not fit.
    """
    x = _validate.real_array("repeats", repeats, ("k", "n", "u"))
    p = _validate.real_array("predictions", predictions, x.shape[1:])
    share = reliability(x)
    raw = _correlation(p, x.mean(axis=0))
    return np.where(share > 0, np.sign(raw) * raw**2 / np.where(share > 0, share, 1.0), np.nan)


class _Ridge:
    """Fits to the stimuli outside some folds, for any number of penalties: one decomposition."""

    def __init__(
        self, x: Floats, y: Floats, folds: list[NDArray[Any]], without: tuple[int, ...]
    ) -> None:
        rows = np.concatenate([fold for i, fold in enumerate(folds) if i not in without])
        self.x, self.y = x, y
        self.x_mean, self.y_mean = x[rows].mean(axis=0), y[rows].mean(axis=0)
        u, self.singular, self.axes = np.linalg.svd(x[rows] - self.x_mean, full_matrices=False)
        self.projected = u.T @ (y[rows] - self.y_mean)

    def predict(self, alpha: Floats, rows: NDArray[Any]) -> Floats:
        """Predictions (rows, u); alpha: (u,)."""
        return self._rotated(rows) @ self._shrunk(alpha) + self.y_mean

    def losses(self, alphas: Floats, rows: NDArray[Any]) -> Floats:
        """Summed squared errors (a, u) over `rows`."""
        rotated, target = self._rotated(rows), self.y[rows] - self.y_mean
        return np.array(
            [np.square(rotated @ self._shrunk(alpha) - target).sum(axis=0) for alpha in alphas]
        )

    def _rotated(self, rows: NDArray[Any]) -> Floats:
        """Features of `rows` along the singular vectors of the fit."""
        return (self.x[rows] - self.x_mean) @ self.axes.T

    def _shrunk(self, alpha: Any) -> Floats:
        """Weights along the singular vectors."""
        singular = self.singular[:, None]
        return singular / (singular**2 + alpha) * self.projected


def _fewest_columns(x: Floats) -> Floats:
    """`x`, rotated into at most n columns: a ridge fit depends on inner products of rows alone."""
    if x.shape[1] <= len(x):
        return x
    return np.transpose(np.linalg.qr(x.T, mode="r"))


def _correlation(a: Floats, b: Floats) -> Floats:
    """Pearson's correlation of each column; 0 where a column is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    product = np.einsum("ij,ij->j", a, b)
    return np.where(scale > 0, product / np.where(scale > 0, scale, 1.0), 0.0)
