"""Part 1 of `sensory_systems`: the mean stimulus before a spike."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._sensory_systems import UNITS, Array
from course_utils.sensory_systems import spike_triggered_average


def _times(samples: Array, rng: np.random.Generator, rate_hz: float) -> Array:
    """A time inside each sample, in its first or second half by turns, never at its edge."""
    inside = np.resize([0.2, 0.8], len(samples)) + rng.uniform(-0.1, 0.1, len(samples))
    return (samples + inside) / rate_hz


def _cases(rng: np.random.Generator) -> list[Case]:
    one, many, early = "one spike", "many spikes", "spikes too early for a full window"
    fixed = np.random.default_rng(1)
    level = 60 + 6 * fixed.standard_normal(40)
    drawn = rng.uniform(40, 80, 120)
    options = {"rate_hz": 100.0, "window": 0.05}
    return [
        Case(one, "a spike in sample 20", (level, np.array([0.208])), options),
        Case(
            one, "a spike at random", (drawn, _times(rng.integers(60, 110, 1), rng, 100.0)), options
        ),
        Case(
            many,
            "five spikes, two of them in one sample",
            (level, np.array([0.072, 0.118, 0.252, 0.257, 0.388])),
            options,
        ),
        Case(
            many,
            "spikes at random, sampled 50 times a second",
            (drawn, _times(np.sort(rng.integers(20, 120, 15)), rng, 50.0)),
            {"rate_hz": 50.0, "window": 0.14},
        ),
        Case(
            early,
            "four spikes, one before and one at the first full window",
            (level, np.array([0.028, 0.042, 0.131, 0.297])),
            options,
        ),
        Case(
            early,
            "spikes at random, three of them early",
            (
                drawn,
                _times(np.concatenate([[0, 1, 2], rng.integers(15, 100, 8)]), rng, 100.0),
            ),
            {"rate_hz": 100.0, "window": 0.08},
        ),
    ]


def _average(
    stimulus: Array,
    spike_times: Array,
    *,
    rate_hz: float,
    window: float,
    subtract: str = "stimulus",
    order: int = 1,
    direction: int = -1,
    first: int = 0,
    divide: str = "kept",
    early: str = "leave out",
    to_sample: Any = np.floor,
    once: bool = False,
    in_samples: bool = False,
) -> Array:
    """The average, wrong in what a keyword says."""
    n_lags = round(window * rate_hz)
    index = to_sample(spike_times * (1 if in_samples else rate_hz)).astype(int)
    if once:
        index = np.unique(index)
    kept = index[index >= n_lags - 1] if early == "leave out" else index
    rows = []
    for i in kept:
        at = i + direction * np.arange(first, first + n_lags)
        rows.append(np.take(stimulus, at, mode="clip" if early == "clip" else "wrap"))
    total = np.sum(rows, axis=0) if rows else np.full(n_lags, np.nan)
    average = total / {"kept": max(len(kept), 1), "all": len(index), "nothing": 1}[divide]
    if subtract == "stimulus":
        average = average - stimulus.mean() * (len(kept) if divide == "nothing" else 1)
    elif subtract == "itself":
        average = average - average.mean()
    return average[::order]


PART = Part(
    reference=spike_triggered_average,
    cases=_cases,
    points={
        "one spike": 1.0,
        "many spikes": 1.0,
        "spikes too early for a full window": 1.0,
    },
    outputs=("sta",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "mean stimulus not subtracted",
            partial(_average, subtract="nothing"),
            "Your average still contains the stimulus's own mean. Any times at all, drawn blindly, "
            "would give that much; what the spikes add is the difference. Subtract "
            "stimulus.mean().",
        ),
        Misconception(
            "its own mean subtracted",
            partial(_average, subtract="itself"),
            "You subtract the mean of the average. That hides how loud it is before a spike on the "
            "whole: a neuron that fires when the sound is loud for the whole window would get 0. "
            "Subtract the mean of the stimulus over the recording.",
        ),
        Misconception(
            "oldest first",
            partial(_average, order=-1),
            "Your numbers are right and stand in the wrong order. Entry 0 is lag 0, the sample of "
            "the spike itself; entry j lies j samples earlier. A slice stimulus[i - n + 1 : i + 1] "
            "runs from old to new: turn it around.",
        ),
        Misconception(
            "after the spike",
            partial(_average, direction=1, early="wrap"),
            "You average what follows the spike. A neuron cannot have been driven by what has not "
            "happened yet; its causes lie before it. Lag j is sample i - j.",
        ),
        Misconception(
            "sum instead of mean",
            partial(_average, divide="nothing"),
            "You add the windows up without dividing by their number, so that a longer recording "
            "would give a larger 'average'.",
        ),
        Misconception(
            "divided by all spikes",
            partial(_average, divide="all"),
            "You leave out the spikes that have no full window, but divide by the number of all "
            "spikes. Divide by the number of windows that you added up.",
        ),
        Misconception(
            "early spikes wrap around",
            partial(_average, early="wrap"),
            "A spike near the beginning has no full window before it, and a negative index takes "
            "Python to the end of the recording, to what the neuron heard much later. Leave such "
            "spikes out: keep those whose sample is at least n_lags - 1.",
        ),
        Misconception(
            "early spikes padded",
            partial(_average, early="clip"),
            "Before the recording begins you repeat its first value. That makes up a stimulus the "
            "neuron never heard. Leave spikes without a full window out.",
        ),
        Misconception(
            "nearest sample",
            partial(_average, to_sample=np.round),
            "You round a spike's time to the nearest sample. Sample i lasts from i / rate_hz to "
            "(i + 1) / rate_hz, so a spike in its second half belongs to it still: round down. "
            "Rounded up, the spike would come half a sample after its cause, or before it.",
        ),
        Misconception(
            "lag 0 left out",
            partial(_average, first=1, early="leave out"),
            "Your first entry is lag 1. The window begins with the sample in which the spike "
            "falls, lag 0.",
        ),
        Misconception(
            "two spikes in one sample counted once",
            partial(_average, once=True),
            "Two spikes that fall into one sample are counted as one. Each spike brings its "
            "window, also when another brings the same one: a mask or a set of samples loses it.",
        ),
        Misconception(
            "seconds taken for samples",
            partial(_average, in_samples=True, early="wrap"),
            "You use the spike times, which are in seconds, as indices. A time becomes a sample "
            "when it is multiplied by rate_hz, samples a second.",
        ),
    ),
)
