"""The spike-triggered average and the linear-nonlinear-Poisson model that grows out of it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Floats = NDArray[np.float64]

# A spike this small a part of a sample before the next one begins is taken to fall into the next:
# room for the rounding of times such as .3 s times 20 kHz.
_ROUNDING = 1e-6


def count_spikes(spike_times: ArrayLike, n_samples: int, *, rate_hz: float) -> NDArray[np.int64]:
    """Number of spikes in each of `n_samples` samples; sample i lasts from i to i + 1 over rate_hz.

    spike_times: (n_spikes,), s, in any order.  Returns (n_samples,).
    Raises TypeError or ValueError on times outside the samples or not finite, on rate_hz <= 0.
    """
    n_samples = _validate.whole_number("n_samples", n_samples, minimum=1)
    index = _spike_samples(spike_times, n_samples, rate_hz)
    return np.bincount(index, minlength=n_samples).astype(np.int64)


def spike_triggered_average(
    stimulus: ArrayLike, spike_times: ArrayLike, *, rate_hz: float, window: float
) -> Floats:
    """Mean stimulus before a spike, minus the mean stimulus, one number a lag.

    sta_j = (1 / K) sum over spikes k of s_{i(k) - j}  -  (1 / n) sum over i of s_i {schwartz2006}

    i(k) is the sample into which spike k falls: spike time times rate_hz, rounded down.
    stimulus: (n_samples,), any unit, which the average has.  spike_times: (n_spikes,), s.
    rate_hz: samples a second.  window: s.  Returns (round(window * rate_hz),), lag 0 first: entry j
    is the stimulus j / rate_hz seconds before the spike.  Spikes before the first full window are
    left out.
    Raises TypeError or ValueError on arguments that are not finite, on spikes outside the stimulus,
    on a window shorter than one sample or longer than the stimulus, or when no spike is left.
    """
    stimulus = _validate.real_array("stimulus", stimulus, ("n_samples",))
    index = _spike_samples(spike_times, len(stimulus), rate_hz)
    n_lags = _number_of_lags(window, rate_hz, len(stimulus))
    index = index[index >= n_lags - 1]
    if index.size == 0:
        raise ValueError(
            f"spike_times: expected a spike with a full window of {window:g} s before it, got none"
        )
    center = stimulus.mean()
    total = np.zeros(n_lags)
    for lag in range(n_lags):
        total[lag] = (stimulus[index - lag] - center).sum()
    return total / index.size


def lagged_windows(stimulus: ArrayLike, n_lags: int) -> Floats:
    """The last `n_lags` values at each sample that has as many, the latest first.

    Row i belongs to sample i + n_lags - 1, and holds s at lags 0, 1, ..., n_lags - 1.
    stimulus: (n_samples,).  Returns (n_samples - n_lags + 1, n_lags).
    Raises TypeError or ValueError on values that are not finite, n_lags < 1 or above n_samples.
    """
    stimulus = _validate.real_array("stimulus", stimulus, ("n_samples",))
    n_lags = _validate.whole_number("n_lags", n_lags, minimum=1)
    if n_lags > len(stimulus):
        raise ValueError(f"n_lags: expected at most the {len(stimulus)} samples, got {n_lags}")
    return np.lib.stride_tricks.sliding_window_view(stimulus, n_lags)[:, ::-1].copy()


@dataclass(frozen=True, eq=False)
class LNPModel:
    """A linear filter, a curve, and spikes that the curve's rate alone decides.

    filter: (n_lags,), scaled so that its output has unit variance over the rows of the fit.
    offset: number subtracted from the output, so that its mean there is 0.
    drive, curve: (n_bins,), the curve's knots: filter outputs, ascending, and rates (Hz).
    """

    filter: Floats
    offset: float
    drive: Floats
    curve: Floats

    def output(self, windows: ArrayLike) -> Floats:
        """Filter outputs (n,), in standard deviations, for windows (n, n_lags)."""
        shape = ("n", len(self.filter))
        return _validate.real_array("windows", windows, shape) @ self.filter - self.offset

    def rate(self, windows: ArrayLike) -> Floats:
        """Rates (n,), Hz, for windows (n, n_lags): straight between knots, level beyond."""
        return np.interp(self.output(windows), self.drive, self.curve)


def fit_lnp(
    windows: ArrayLike,
    counts: ArrayLike,
    *,
    rate_hz: float,
    penalty: float = 0.01,
    n_bins: int = 12,
    decorrelate: bool = True,
) -> LNPModel:
    """Filter and curve of a linear-nonlinear-Poisson neuron, rate = f(k . s) {schwartz2006}.

    k = (C + penalty v 1)^-1 sta, C the covariance of the windows and v its mean diagonal; with a
    Gaussian stimulus k is, but for its length, the neuron's filter. f is estimated as spikes over
    time in bins of equal time along k . s, with half a spike's time at the mean rate added to each
    bin, so that no rate is 0.

    windows: (n, n_lags), as `lagged_windows` gives.  counts: (n,), spikes in each row's sample.
    rate_hz: samples a second.  decorrelate: False leaves the average as it is, k = sta.
    Raises TypeError or ValueError on shapes that differ, counts that are no whole numbers or all 0,
    penalty < 0, n_bins < 2 or above n, a C that cannot be inverted.
    """
    x = _validate.real_array("windows", windows, ("n", "n_lags"))
    y = _spike_counts(counts, len(x))
    rate_hz = _validate.real_number("rate_hz", rate_hz, above=0.0)
    penalty = _validate.real_number("penalty", penalty, minimum=0.0)
    n_bins = _validate.whole_number("n_bins", n_bins, minimum=2)
    if n_bins > len(x):
        raise ValueError(f"n_bins: expected at most the {len(x)} rows of windows, got {n_bins}")
    mean = x.mean(axis=0)
    kernel = y @ (x - mean) / y.sum()
    if decorrelate:
        covariance = (x - mean).T @ (x - mean) / len(x)
        ridge = penalty * np.trace(covariance) / len(covariance)
        try:
            kernel = np.linalg.solve(covariance + ridge * np.eye(len(covariance)), kernel)
        except np.linalg.LinAlgError:
            raise ValueError(
                "penalty: expected a number above 0, since the covariance of windows is singular"
            ) from None
    output = (x - mean) @ kernel
    scale = output.std()
    if not scale > 0:
        raise ValueError("windows: expected windows that vary, got a filter output that does not")
    drive, curve = _curve(output / scale, y, rate_hz, n_bins)
    return LNPModel(kernel / scale, float(mean @ kernel / scale), drive, curve)


def bits_per_spike(
    rate: ArrayLike, counts: ArrayLike, *, rate_hz: float, reference: float | None = None
) -> float:
    """Log likelihood that a rate gains over a constant one, in bits a spike.

    [sum over i of n_i log2(r_i / r_0)  -  sum of (r_i - r_0) dt / ln 2] / sum of n_i

    rate: (n,), Hz, above 0 wherever there is a spike.  counts: (n,).  rate_hz: 1 / dt.
    reference: r_0 (Hz), as of the data a model was fitted to; the mean rate of `counts` without it.
    Raises TypeError or ValueError on shapes that differ, negative rates, counts that are no whole
    numbers or all 0, a rate of 0 that meets a spike, a reference <= 0.
    """
    rate = _validate.real_array("rate", rate, ("n",), minimum=0.0)
    n = _spike_counts(counts, len(rate))
    rate_hz = _validate.real_number("rate_hz", rate_hz, above=0.0)
    constant = rate_hz * n.mean()
    if reference is not None:
        constant = _validate.real_number("reference", reference, above=0.0)
    fired = n > 0
    if (rate[fired] == 0).any():
        raise ValueError("rate: expected a rate above 0 wherever there is a spike, got 0")
    gained = n[fired] @ np.log2(rate[fired] / constant)
    surplus = (rate - constant).sum() / rate_hz / math.log(2)
    return float((gained - surplus) / n.sum())


def _curve(output: Floats, counts: Floats, rate_hz: float, n_bins: int) -> tuple[Floats, Floats]:
    """Mean output and rate (Hz) in each of `n_bins` bins that hold the same number of samples."""
    order = np.argsort(output, kind="stable")
    mean_count = counts.mean()
    drive, curve = np.empty(n_bins), np.empty(n_bins)
    for i, rows in enumerate(np.array_split(order, n_bins)):
        drive[i] = output[rows].mean()
        # half a spike, and the time that half a spike takes at the mean rate
        curve[i] = (counts[rows].sum() + 0.5) / (len(rows) + 0.5 / mean_count) * rate_hz
    return drive, curve


def _spike_counts(counts: ArrayLike, n: int) -> Floats:
    array = _validate.real_array("counts", counts, (n,), minimum=0.0)
    if (array != np.floor(array)).any():
        raise ValueError("counts: expected whole numbers of spikes")
    if not array.any():
        raise ValueError("counts: expected at least one spike, got none")
    return array


def _spike_samples(spike_times: ArrayLike, n_samples: int, rate_hz: float) -> NDArray[Any]:
    """The sample into which each spike falls."""
    times = _validate.real_array("spike_times", spike_times, ("n_spikes",), minimum=0.0)
    rate_hz = _validate.real_number("rate_hz", rate_hz, above=0.0)
    index = np.floor(times * rate_hz + _ROUNDING)
    if (index >= n_samples).any():
        raise ValueError(
            f"spike_times: expected times within the {n_samples / rate_hz:g} s of the samples, "
            f"got {times.max():g}"
        )
    return index.astype(np.int64)


def _number_of_lags(window: float, rate_hz: float, n_samples: int) -> int:
    window = _validate.real_number("window", window, above=0.0)
    n_lags = round(min(window * rate_hz, n_samples + 1.0))
    if not 1 <= n_lags <= n_samples:
        raise ValueError(
            f"window: expected from one sample ({1 / rate_hz:g} s) to the whole stimulus "
            f"({n_samples / rate_hz:g} s), got {window:g}"
        )
    return n_lags
