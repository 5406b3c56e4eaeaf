"""Part 3 of `working_memory`: what a decoder reads from the delay in trials it has not seen."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.checks._working_memory import UNITS, draw_trials
from course_utils.working_memory import decode_delay

Array = NDArray[Any]


def _cases(rng: np.random.Generator) -> list[Case]:
    alike, unequal, shrunk = "equal folds", "unequal folds", "shrinkage"

    def case(
        aspect: str, label: str, shrinkage: float, n_labels: int, shares: list[float], n_units: int
    ) -> Case:
        activity, labels = draw_trials(
            rng, n_times=12, per_label=24, n_units=n_units, n_labels=n_labels
        )
        trials = len(labels)
        if shares:
            folds = rng.choice(len(shares), trials, p=shares)
            folds[:: trials // 6] = 0  # every fold has trials, and no label is in one fold alone
            folds[1 :: trials // 6] = 1
        else:
            folds = rng.permutation(np.arange(trials) % 4)
        return Case(aspect, label, (activity, labels, folds), {"shrinkage": shrinkage})

    return [
        case(alike, "two labels", 0.2, 2, [], 8),
        case(alike, "four labels", 0.2, 4, [], 8),
        case(unequal, "three labels, folds of unequal size", 0.2, 3, [0.7, 0.2, 0.1], 8),
        case(shrunk, "little shrinkage, as many units as trials", 0.05, 2, [], 30),
        case(shrunk, "much shrinkage", 0.8, 3, [], 12),
    ]


def decode(
    activity: Array,
    labels: Array,
    folds: Array,
    *,
    shrinkage: float,
    train_on: str = "others",
    test_on: str = "fold",
    average: str = "trials",
    about: str = "class",
    sphere: str = "mean variance",
    shrink: str = "right",
    offset: bool = True,
    moment: str = "each",
    returned: str = "right",
    across: bool = False,
) -> Array:
    """Cross-validated discriminants, wrong in what a keyword says; (t,), or (t, t) `across`."""
    names = np.unique(labels)
    kinds = np.searchsorted(names, labels)
    n_times, _, n = activity.shape
    hits: list[Array] = []
    for fold in np.unique(folds):
        own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        everyone = np.arange(len(kinds))
        chosen = {"fold": own, "others": others, "all": everyone}
        train, test = chosen[train_on], chosen[test_on]
        right = np.empty((n_times, n_times, len(test)) if across else (n_times, len(test)))
        for t in range(n_times):
            seen = activity[0 if moment == "first" else t, train]
            if moment == "mean":
                seen = activity[:, train].mean(axis=0)
            means = np.array([seen[kinds[train] == c].mean(axis=0) for c in range(len(names))])
            within = seen - (seen.mean(axis=0) if about == "grand" else means[kinds[train]])
            cov = within.T @ within / len(train)
            size = np.trace(cov) / (1 if sphere == "trace" else n)
            s = {"right": shrinkage, "none": 1e-9, "swapped": 1 - shrinkage, "full": 1.0}[shrink]
            ball = np.eye(n) if sphere == "unit" else size * np.eye(n)
            kept = 1.0 if shrink == "added" else 1 - s
            metric = np.linalg.inv(kept * cov + s * ball)
            if about == "variances":
                metric = np.diag(1 / np.diag(kept * cov + s * ball))
            for u in range(n_times) if across else [t]:
                guess = activity[u, test] @ metric @ means.T
                if offset:
                    guess = guess - 0.5 * np.einsum("ci,ij,cj->c", means, metric, means)
                right[(t, u) if across else t] = guess.argmax(axis=1) == kinds[test]
        hits.append(right)
    accuracy = (
        np.mean([h.mean(axis=-1) for h in hits], axis=0)
        if average == "folds"
        else np.concatenate(hits, axis=-1).mean(axis=-1)
    )
    return {"right": accuracy, "error": 1 - accuracy, "mean": np.full(n_times, accuracy.mean())}[
        returned
    ]


PART = Part(
    reference=decode_delay,
    cases=_cases,
    points={"equal folds": 1.0, "unequal folds": 1.0, "shrinkage": 1.0},
    outputs=("accuracy",),
    units=UNITS,
    misconceptions=(
        Misconception(
            "decoder fitted to all trials",
            partial(decode, train_on="all"),
            "The decoder is fitted to all trials, the tested ones among them. It has then seen the "
            "answers, and with many units it would decode noise. Fit means and covariance to the "
            "other folds alone, folds != fold.",
        ),
        Misconception(
            "tested on the trials it was fitted to",
            partial(decode, test_on="others"),
            "The trials that are tested are those that the decoder was fitted to. Fit to "
            "folds != fold, test on folds == fold.",
        ),
        Misconception(
            "folds exchanged",
            partial(decode, train_on="fold", test_on="others"),
            "The decoder is fitted to one fold and tested on the others. It is the other way "
            "round: each fold is left out once, and the rest, the larger part, is fitted to.",
        ),
        Misconception(
            "folds averaged in place of trials",
            partial(decode, average="folds"),
            "The accuracies of the folds are averaged, so a trial in a small fold counts more. "
            "Every trial is tested once; return the share of all trials that are right.",
        ),
        Misconception(
            "covariance about the grand mean",
            partial(decode, about="grand"),
            "The covariance is taken about the mean of all trials, so the difference between the "
            "labels counts as noise, along the very direction that tells them apart. Subtract "
            "from each trial the mean of its own label.",
        ),
        Misconception(
            "correlations ignored",
            partial(decode, about="variances"),
            "Only the variances of the units are used, not how they vary together. Noise that "
            "units share is what the off-diagonal of the covariance lets the decoder subtract: "
            "invert the whole matrix.",
        ),
        Misconception(
            "nearest mean without covariance",
            partial(decode, shrink="full"),
            "This is the nearest class mean in plain distance. Distances are to be measured in "
            "units of the noise, (a - m)' S_s^-1 (a - m), with S_s between the covariance and a "
            "sphere.",
        ),
        Misconception(
            "no shrinkage",
            partial(decode, shrink="none"),
            "The shrinkage is not used. With as many units as trials the covariance is singular or "
            "nearly so, and its inverse weighs directions in which, by chance, nothing varied: mix "
            "in the sphere, (1 - s) S + s trace(S)/n_units 1.",
        ),
        Misconception(
            "shares of the mixture swapped",
            partial(decode, shrink="swapped"),
            "The shares are swapped: shrinkage s is the share of the sphere, and 1 - s that of the "
            "covariance.",
        ),
        Misconception(
            "trace not divided",
            partial(decode, sphere="trace"),
            "The sphere has the size trace(S), the summed variance of all units. It should have "
            "their mean variance, trace(S) / n_units, so that mixing it in keeps the overall "
            "variance.",
        ),
        Misconception(
            "sphere of size 1",
            partial(decode, sphere="unit"),
            "The identity is mixed in as it is. What it does then depends on the unit in which "
            "activity is measured; give it the mean variance, trace(S) / n_units.",
        ),
        Misconception(
            "largest projection in place of smallest distance",
            partial(decode, offset=False),
            "You take the label with the largest a' S^-1 m. A mean that is far from 0 then wins "
            "whatever the trial. From (a - m)' S^-1 (a - m) there remains -m' S^-1 m / 2 beside "
            "that term, and it differs between labels.",
        ),
        Misconception(
            "decoder of the first time",
            partial(decode, moment="first"),
            "One decoder, fitted to the first time, is used at all times. Each time has a decoder "
            "of its own: the code may change during the delay.",
        ),
        Misconception(
            "decoder of the mean over time",
            partial(decode, moment="mean"),
            "The decoder is fitted to activity averaged over the delay. Fit one at each time, to "
            "the activity of that time.",
        ),
        Misconception(
            "errors in place of hits",
            partial(decode, returned="error"),
            "You return the share of trials that are wrong. The accuracy is the share that is "
            "right.",
        ),
        Misconception(
            "averaged over time",
            partial(decode, returned="mean"),
            "The accuracy is averaged over time. Return one number for each time, shape (t,).",
        ),
    ),
    rtol=1e-9,
    atol=1e-9,
)
