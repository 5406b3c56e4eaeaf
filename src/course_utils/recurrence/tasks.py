"""A task that cannot be solved without a memory of many steps."""

import numpy as np
from numpy.typing import NDArray

from course_utils import _validate

# Mean squared error of always answering 1: the variance of a sum of two uniform numbers.
ADDING_BASELINE = 1 / 6


def adding_problem(
    n_samples: int, n_steps: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sequences of numbers of which two are marked, and the sum of those two.

    One mark falls on a random step of the first half, the other on one of the second half
    {hochreiter1997}

    Returns inputs (n_steps, n_samples, 2), the number (uniform on [0, 1)) and the mark (0 or 1),
    and targets (n_samples,).  Raises TypeError or ValueError unless n_samples >= 1, n_steps >= 2.
    """
    n_samples = _validate.whole_number("n_samples", n_samples, minimum=1)
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=2)
    rng = _validate.generator("rng", rng)
    numbers = rng.uniform(size=(n_steps, n_samples))
    half, sample = n_steps // 2, np.arange(n_samples)
    marks = np.zeros((n_steps, n_samples))
    for low, high in ((0, half), (half, n_steps)):
        marks[rng.integers(low, high, n_samples), sample] = 1
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=0)
