"""Part 2 of `sparse_coding`: one step of iterative soft thresholding."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.checks import Case, Misconception, Part
from course_utils.sparse_coding import ista_step

Array = NDArray[Any]


def _problem(n: int, d: int, k: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Codes of both signs, some zero, patches and atoms of several lengths."""
    dictionary = rng.standard_normal((k, d)) * rng.uniform(0.5, 1.5, (k, 1)) / np.sqrt(d)
    codes = rng.standard_normal((n, k)) * (rng.random((n, k)) < 0.7)
    return codes, rng.standard_normal((n, d)), dictionary


def _step_cases(rng: np.random.Generator) -> list[Case]:
    first, on, shrunk = "first step, from zero", "later steps", "strong penalties"
    fixed = np.random.default_rng(12)
    codes, patches, atoms = _problem(4, 5, 5, fixed)
    more_codes, more_patches, more_atoms = _problem(3, 6, 9, fixed)
    drawn_codes, drawn, drawn_atoms = _problem(5, 7, 7, rng)
    weak, small = rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.45)
    return [
        Case(first, "as many atoms as pixels", (0.0 * codes, patches, atoms, 0.3, 0.3)),
        Case(
            first, "more atoms than pixels", (0.0 * more_codes, more_patches, more_atoms, 0.3, 0.4)
        ),
        Case(first, "atoms drawn at random", (0.0 * drawn_codes, drawn, drawn_atoms, weak, small)),
        Case(on, "as many atoms as pixels", (codes, patches, atoms, 0.3, 0.3)),
        Case(on, "more atoms than pixels", (more_codes, more_patches, more_atoms, 0.2, 0.25)),
        Case(on, "codes drawn at random", (drawn_codes, drawn, drawn_atoms, weak, small)),
        Case(shrunk, "a penalty that silences most atoms", (codes, patches, atoms, 3.0, 0.4)),
        Case(shrunk, "the same, drawn at random", (drawn_codes, drawn, drawn_atoms, 2.5, small)),
    ]


def _soft(z: Array, threshold: float) -> Array:
    return np.sign(z) * np.maximum(np.abs(z) - threshold, 0.0)


def _hard(z: Array, threshold: float) -> Array:
    return np.where(np.abs(z) > threshold, z, 0.0)


def _one_sided(z: Array, threshold: float) -> Array:
    return np.maximum(z - threshold, 0.0)


def _unfloored(z: Array, threshold: float) -> Array:
    return z - threshold * np.sign(z)


def _step(
    codes: Array,
    patches: Array,
    dictionary: Array,
    penalty: float,
    step_size: float,
    *,
    shrink: Callable[[Array, float], Array] = _soft,
    scaled: bool = True,
    explained: float = 1.0,
    direction: float = 1.0,
    keep: float = 1.0,
    first: str = "move",
    stepped: bool = True,
) -> Array:
    """A step of ISTA, wrong in what a keyword says."""
    threshold = step_size * penalty if scaled else penalty
    if first == "shrink":
        codes = shrink(codes, threshold)
    correlation = (patches - explained * codes @ dictionary) @ dictionary.T
    moved = keep * codes + direction * (step_size if stepped else 1.0) * correlation
    return moved if first == "shrink" else shrink(moved, threshold)


PART = Part(
    reference=ista_step,
    cases=_step_cases,
    points={"first step, from zero": 1.0, "later steps": 2.0, "strong penalties": 1.0},
    outputs=("codes",),
    units={},
    misconceptions=(
        Misconception(
            "threshold without step size",
            partial(_step, scaled=False),
            "The threshold is the penalty itself. A step of length step_size moves along the whole "
            "objective, its penalty too, so the codes shrink by step_size * penalty. With the "
            "larger threshold the iteration would settle at the codes of a larger penalty.",
        ),
        Misconception(
            "hard threshold",
            partial(_step, shrink=_hard),
            "Small codes are set to zero, and the others left as they are: that is a hard "
            "threshold, which belongs to a penalty on the number of active atoms. The penalty "
            "on |a| pulls on large codes as hard as on small ones, so those that survive "
            "shrink by the threshold, too.",
        ),
        Misconception(
            "only positive codes",
            partial(_step, shrink=_one_sided),
            "Negative codes are cut off. Here a code may have either sign: shrink its magnitude "
            "and keep the sign, sign(z) * max(|z| - t, 0).",
        ),
        Misconception(
            "shrunk beyond zero",
            partial(_step, shrink=_unfloored),
            "Codes smaller than the threshold come out on the other side of zero. The pull of the "
            "penalty ends at zero: max(|z| - t, 0). Without it no code would be exactly zero, and "
            "nothing sparse.",
        ),
        Misconception(
            "no shrinkage",
            partial(_step, shrink=lambda z, threshold: z),
            "This is a gradient step on the squared error alone. It would end at a dense code. "
            "After the step, shrink each code toward zero by step_size * penalty.",
        ),
        Misconception(
            "sign of the gradient",
            partial(_step, direction=-1.0),
            "The step goes uphill. The gradient of 1/2 |x - aD|^2 with respect to a is "
            "-(x - aD) D^T, and a step goes against it: add step_size (x - aD) D^T.",
        ),
        Misconception(
            "residual forgotten",
            partial(_step, explained=0.0),
            "You correlate the atoms with the patch itself. What matters is what the code has not "
            "explained yet, the residual x - aD: that is how atoms compete for the same "
            "part of a patch. (From a code of zero the two are the same, so the first step hides "
            "it.)",
        ),
        Misconception(
            "factor 2",
            partial(_step, direction=2.0),
            "Your gradient is twice too large. The squared error stands with a factor 1/2 in the "
            "objective, which the derivative of the square cancels.",
        ),
        Misconception(
            "code not carried over",
            partial(_step, keep=0.0),
            "The old code is lost: the step starts at a and adds to it. Return "
            "soft(a + step_size (x - aD) D^T), not soft(step_size (x - aD) D^T).",
        ),
        Misconception(
            "shrunk before the step",
            partial(_step, first="shrink"),
            "The codes are shrunk first and moved afterwards. The order matters: move downhill "
            "on the squared error, then shrink. In your order the last thing that happens is the "
            "move, and no code is exactly zero.",
        ),
        Misconception(
            "step size left out of the gradient",
            partial(_step, stepped=False),
            "The gradient is not multiplied by step_size. A whole gradient overshoots whenever the "
            "largest eigenvalue of D D^T exceeds 2, and the codes then grow without bound.",
        ),
    ),
    rtol=1e-6,
    atol=1e-9,
)
