"""Sparse codes: the lasso solved to a duality gap, and a dictionary learned for it.

Throughout, patches (n, d) are rows x, a dictionary (k, d) holds atoms as rows of D, codes (n, k)
are rows a, and a patch is explained as x = a D + residual.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _compiled, _validate
from course_utils.sparse_coding._threads import one_blas_thread

Array = NDArray[np.float64]

_DEFAULT_TOL = {"float64": 1e-10, "float32": 1e-5}
_SMALLEST_TOL = {"float64": 1e-13, "float32": 2e-6}  # below, rounding decides the gap
_MAX_ROUNDS = 10_000
_STEPS_A_ROUND = 20
_PATCHES_AT_A_TIME = 1024  # so that a block of correlations or of small systems stays in cache
_LEARNING_TOL = 1e-4  # of the codes inside `learn_dictionary`, whose batches are noisier than that
_MEMORY = 50  # batches that the averages of `learn_dictionary` reach back
_UNUSED = 1e-6  # mean squared code, relative to the mean over atoms, of an atom to be replaced


@dataclass(frozen=True, eq=False)
class Dictionary:
    """What `learn_dictionary` found.

    atoms: (n_atoms, n_pixels), of norm at most 1.
    objective: (n_epochs,), 1/2 |x - a D|^2 + penalty |a|_1 averaged over the patches of each
    epoch, every batch with the dictionary as it stood when the batch came.
    """

    atoms: Array
    objective: Array


def ista_step(
    codes: ArrayLike,
    patches: ArrayLike,
    dictionary: ArrayLike,
    penalty: float,
    step_size: float,
) -> Array:
    """Codes after one step of iterative soft thresholding (ISTA): a gradient step, then shrinkage.

    a <- soft(a + step_size (x - a D) D', step_size * penalty),
    soft(z, t) = sign(z) max(|z| - t, 0)                                    {daubechies2004}

    It never raises the objective 1/2 |x - a D|^2 + penalty |a|_1 while step_size <= 1 / |D|^2, the
    inverse of the largest eigenvalue of D D'.
    codes: (n, k).  patches: (n, d).  dictionary: (k, d).  Returns (n, k).
    Raises ValueError on mismatched shapes, non-finite values, or penalty or step_size <= 0.
    """
    codes, patches, dictionary, penalty = _checked_problem(codes, patches, dictionary, penalty)
    step_size = _validate.real_number("step_size", step_size, above=0.0)
    return _ista_step(codes, patches, dictionary, penalty, step_size)


def sparse_objective(
    codes: ArrayLike, patches: ArrayLike, dictionary: ArrayLike, penalty: float
) -> Array:
    """1/2 |x - a D|^2 + penalty |a|_1 of each patch, (n,)  {olshausen1996}.

    codes: (n, k).  patches: (n, d).  dictionary: (k, d).
    Raises ValueError on mismatched shapes, non-finite values or a penalty <= 0.
    """
    codes, patches, dictionary, penalty = _checked_problem(codes, patches, dictionary, penalty)
    return _objective(codes, patches - codes @ dictionary, penalty)


def duality_gap(
    codes: ArrayLike, patches: ArrayLike, dictionary: ArrayLike, penalty: float
) -> Array:
    """How far, at most, the objective of each patch lies above its minimum, (n,).

    gap = P(a) - Q(s r),  r = x - a D,  Q(t) = 1/2 |x|^2 - 1/2 |x - t|^2

    P is the objective and Q that of the dual problem, a lower bound on min P wherever |D t|_inf <=
    penalty; s = min(1, penalty / |D r|_inf) shrinks the residual until it is such a point.
    codes: (n, k).  patches: (n, d).  dictionary: (k, d).
    Raises ValueError on mismatched shapes, non-finite values or a penalty <= 0.
    """
    codes, patches, dictionary, penalty = _checked_problem(codes, patches, dictionary, penalty)
    return _duality_gap(codes, patches, dictionary, penalty)


def infer_codes(
    patches: ArrayLike, dictionary: ArrayLike, penalty: float, *, tol: float | None = None
) -> NDArray[Any]:
    """The sparse code of each patch: argmin over a of 1/2 |x - a D|^2 + penalty |a|_1
                                                                             {olshausen1996}

    patches: (n, d).  dictionary: (k, d), atoms of any norm.  Returns (n, k); float32 if both are.
    tol: every patch's duality gap ends at or below tol * 1/2 |x|^2; default 1e-10, for float32
    1e-5. The codes are exactly zero where penalty >= |D x|_inf.
    Compiled, it is coordinate descent; in NumPy, accelerated `ista_step`s. Both then solve the
    linear equations that hold on the atoms in use, so that one or two rounds mostly end it and
    both agree to rounding wherever the minimum is unique.
    Raises ValueError on mismatched shapes, non-finite values, penalty <= 0 or a tol below rounding
    (1e-13, for float32 2e-6), RuntimeError if a patch has not reached tol after 10,000 rounds.
    """
    patches = _validate.real_array("patches", patches, ("n", "d"), keep_float32=True)
    dictionary = _validate.real_array(
        "dictionary", dictionary, ("k", patches.shape[1]), keep_float32=True
    )
    penalty = _validate.real_number("penalty", penalty, above=0.0)
    precision = np.result_type(patches, dictionary)
    if tol is None:
        tol = _DEFAULT_TOL[precision.name]
    tol = _validate.real_number("tol", tol, minimum=_SMALLEST_TOL[precision.name])
    with one_blas_thread():
        return _infer_codes(patches.astype(precision), dictionary.astype(precision), penalty, tol)


def learn_dictionary(
    patches: ArrayLike,
    n_atoms: int,
    penalty: float,
    rng: np.random.Generator,
    *,
    n_epochs: int = 10,
    batch_size: int = 500,
) -> Dictionary:
    """Atoms in which the patches have sparse codes, learned online in random batches {mairal2010}.

    min over D of the mean over patches of min over a of 1/2 |x - a D|^2 + penalty |a|_1, |d_j| <= 1

    A batch's codes a update the running averages A of a'a and B of a'x, and then, atom by atom,
    d_j <- d_j + (B_j - A_j D) / A_jj, shrunk to the unit ball: {olshausen1996}'s problem, with the
    norm bounded where they adapted it. The averages reach back 50 batches. Atoms start as white
    noise; one that codes hardly use (a_j^2 below a millionth of the mean) becomes a random patch.
    patches: (n, d).  Raises ValueError on bad patches, counts below 1 or penalty <= 0.
    """
    patches = _validate.real_array("patches", patches, ("n", "d"))
    n_atoms = _validate.whole_number("n_atoms", n_atoms, minimum=1)
    penalty = _validate.real_number("penalty", penalty, above=0.0)
    rng = _validate.generator("rng", rng)
    n_epochs = _validate.whole_number("n_epochs", n_epochs, minimum=1)
    batch_size = _validate.whole_number("batch_size", batch_size, minimum=1)
    atoms = rng.standard_normal((n_atoms, patches.shape[1]))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    with one_blas_thread():
        objective = _learn(atoms, patches, penalty, rng, n_epochs, -(-len(patches) // batch_size))
    return Dictionary(atoms, objective)


def _learn(
    atoms: Array,
    patches: Array,
    penalty: float,
    rng: np.random.Generator,
    n_epochs: int,
    n_batches: int,
) -> Array:
    """Changes `atoms` in place; returns the objective of each epoch."""
    usage = np.zeros((len(atoms), len(atoms)))
    target = np.zeros_like(atoms)
    objective = np.zeros(n_epochs)
    for epoch in range(n_epochs):
        batches = np.array_split(rng.permutation(len(patches)), n_batches)
        for step, rows in enumerate(batches, start=epoch * n_batches):
            batch = patches[rows]
            codes = _infer_codes(batch, atoms, penalty, _LEARNING_TOL)
            cost = _objective(codes, batch - codes @ atoms, penalty)
            objective[epoch] += cost.sum() / len(patches)
            weight = 1.0 / min(step + 1, _MEMORY)
            usage += weight * (codes.T @ codes / len(batch) - usage)
            target += weight * (codes.T @ batch / len(batch) - target)
            _update_atoms(atoms, usage, target, batch, rng)
    return objective


def _update_atoms(
    atoms: Array, usage: Array, target: Array, batch: Array, rng: np.random.Generator
) -> None:
    """One pass of block coordinate descent over `atoms`, in place."""
    unused = _UNUSED * usage.trace() / len(atoms)
    for j, atom in enumerate(atoms):
        if usage[j, j] > unused:
            atom += (target[j] - usage[j] @ atoms) / usage[j, j]
        else:
            atom[:] = batch[rng.integers(len(batch))]
        norm = np.sqrt(atom @ atom)
        if norm > 1.0:
            atom /= norm


def _infer_codes(
    patches: NDArray[Any], dictionary: NDArray[Any], penalty: float, tol: float
) -> NDArray[Any]:
    compiled = _compiled.load("sparse_coding")
    if compiled is None:
        codes, failures = _infer_by_fista(patches, dictionary, penalty, tol)
    else:
        codes = patches @ dictionary.T
        energies = np.einsum("ij,ij->i", patches, patches, dtype=np.float64)
        gram = dictionary @ dictionary.T
        failures = compiled.solve_lasso(
            codes, energies, gram, codes.dtype.type(penalty), tol, _MAX_ROUNDS
        )
    if failures:
        raise RuntimeError(
            f"{failures} of {len(patches)} codes have not reached a duality gap of {tol:g} "
            f"in {_MAX_ROUNDS} rounds: raise tol or the penalty"
        )
    return codes


def _infer_by_fista(
    patches: NDArray[Any], dictionary: NDArray[Any], penalty: float, tol: float
) -> tuple[NDArray[Any], int]:
    """Codes, and how many have not reached tol; {beck2009}, restarted every round."""
    largest = float(np.linalg.norm(dictionary.astype(np.float64), 2)) ** 2
    step_size = 1.0 / largest if largest else 1.0
    codes = np.zeros((len(patches), len(dictionary)), patches.dtype)
    bound = 0.5 * tol * np.einsum("ij,ij->i", patches, patches, dtype=np.float64)
    pending = np.flatnonzero(_duality_gap(codes, patches, dictionary, penalty) > bound)
    for _ in range(_MAX_ROUNDS):
        for rows in np.array_split(pending, -(-len(pending) // _PATCHES_AT_A_TIME) or 1):
            code = _accelerated_steps(codes[rows], patches[rows], dictionary, penalty, step_size)
            codes[rows] = _solve_support(code, patches[rows], dictionary, penalty)
        gap = _duality_gap(codes[pending], patches[pending], dictionary, penalty)
        pending = pending[gap > bound[pending]]
        if not pending.size:
            break
    return codes, pending.size


def _accelerated_steps(
    codes: NDArray[Any],
    patches: NDArray[Any],
    dictionary: NDArray[Any],
    penalty: float,
    step_size: float,
) -> NDArray[Any]:
    """ISTA steps, each taken from a point ahead of the last code by its own momentum."""
    ahead, age = codes, 1.0
    for _ in range(_STEPS_A_ROUND):
        stepped = _ista_step(ahead, patches, dictionary, penalty, step_size)
        older, age = age, 0.5 + math.sqrt(0.25 + age**2)
        ahead = stepped + (older - 1.0) / age * (stepped - codes)
        codes = stepped
    return codes


def _solve_support(
    codes: NDArray[Any], patches: NDArray[Any], dictionary: NDArray[Any], penalty: float
) -> NDArray[Any]:
    """`codes`, or where it closes more of the gap the exact minimum over the atoms that each uses.

    G a = D x - penalty sign(a) on the atoms in use, all patches at once: to each system, rows of
    the identity are added up to the size of the largest.
    """
    used = codes != 0
    size = int(used.sum(axis=1).max(initial=0))
    order = np.argsort(~used, axis=1, kind="stable")[:, :size]
    in_use = np.take_along_axis(used, order, axis=1)
    gram = dictionary @ dictionary.T
    systems = gram[order[:, :, None], order[:, None, :]]
    systems *= in_use[:, :, None] & in_use[:, None, :]
    systems[:, range(size), range(size)] += ~in_use
    goal = np.take_along_axis(patches @ dictionary.T - penalty * np.sign(codes), order, axis=1)
    try:
        solution = np.linalg.solve(systems, (goal * in_use)[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # atoms in use that are linearly dependent
        return codes
    solved = np.zeros_like(codes)
    np.put_along_axis(solved, order, solution, axis=1)
    worse = _duality_gap(solved, patches, dictionary, penalty) > _duality_gap(
        codes, patches, dictionary, penalty
    )
    solved[worse] = codes[worse]
    return solved


def _ista_step(
    codes: NDArray[Any],
    patches: NDArray[Any],
    dictionary: NDArray[Any],
    penalty: float,
    step_size: float,
) -> NDArray[Any]:
    moved = codes + step_size * (patches - codes @ dictionary) @ dictionary.T
    threshold = step_size * penalty
    return moved - np.clip(moved, -threshold, threshold)


def _objective(codes: NDArray[Any], residual: NDArray[Any], penalty: float) -> Array:
    return 0.5 * (residual**2).sum(axis=1) + penalty * np.abs(codes).sum(axis=1)


def _duality_gap(
    codes: NDArray[Any], patches: NDArray[Any], dictionary: NDArray[Any], penalty: float
) -> Array:
    residual = patches - codes @ dictionary
    steepest = np.abs(residual @ dictionary.T).max(axis=1)
    shrink = penalty / np.maximum(steepest, penalty)
    overlap = (patches * residual).sum(axis=1)
    energy = (residual * residual).sum(axis=1)
    return _objective(codes, residual, penalty) - shrink * (overlap - 0.5 * shrink * energy)


def _checked_problem(
    codes: ArrayLike, patches: ArrayLike, dictionary: ArrayLike, penalty: float
) -> tuple[Array, Array, Array, float]:
    patches = _validate.real_array("patches", patches, ("n", "d"))
    dictionary = _validate.real_array("dictionary", dictionary, ("k", patches.shape[1]))
    codes = _validate.real_array("codes", codes, (len(patches), len(dictionary)))
    return codes, patches, dictionary, _validate.real_number("penalty", penalty, above=0.0)
