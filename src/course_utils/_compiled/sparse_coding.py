"""Compiled loops of `course_utils.sparse_coding`: the lasso of many patches over one dictionary."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import njit

_MOST_BLOCKS = 128  # of patches, many a thread, since patches differ in cost
_LEAST_ROWS = 32  # patches in a block, which cost more than handing them to a thread
_SUPPORT_SWEEPS = 20
_SINGULAR = 1e-10  # relative pivot below which the atoms in use count as linearly dependent
# Sums may be reordered, so that they can be vectorized; infinities and NaN keep their meaning.
_REORDER = {"reassoc", "contract", "nsz"}


def solve_lasso(codes, energies, gram, penalty, tol, max_rounds):
    """Replaces each row D x of `codes` by argmin 1/2 |x - a D|^2 + penalty |a|_1.

    energies: |x|^2 of each patch.  gram: D D'.  tol: of the duality gap, relative to |x|^2 / 2.
    Returns how many rows did not reach it.
    """

    def solve_block(rows):
        return _solve_rows(codes[rows], energies[rows], gram, penalty, tol, max_rounds)

    n_blocks = min(max(len(codes) // _LEAST_ROWS, 1), _MOST_BLOCKS)
    edges = np.linspace(0, len(codes), n_blocks + 1).astype(int).tolist()
    blocks = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    if len(blocks) == 1:
        return solve_block(blocks[0])
    # Threads of one call only: no pool outlives it that a fork or another thread could trip over.
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        return sum(pool.map(solve_block, blocks))


@njit(cache=True, error_model="numpy", nogil=True)
def _solve_rows(codes, energies, gram, penalty, tol, max_rounds):
    n_atoms = codes.shape[1]
    correlation = np.empty(n_atoms, codes.dtype)  # D x
    gradient = np.empty(n_atoms, codes.dtype)  # D (x - a D), downhill
    support = np.empty(n_atoms, np.intp)  # indices of the atoms in use, the first `size` of them
    small = np.empty((n_atoms, n_atoms), codes.dtype)  # their Gram matrix, then its factor
    value = np.empty(n_atoms, codes.dtype)
    slope = np.empty(n_atoms, codes.dtype)
    failures = 0
    for i in range(len(codes)):
        code = codes[i]
        correlation[:] = code
        gradient[:] = code
        code[:] = 0
        rounds = 0
        while _relative_gap(code, correlation, gradient, energies[i], penalty) > tol:
            if rounds == max_rounds:
                failures += 1
                break
            _sweep(code, gradient, gram, penalty)
            size = _gather(code, gram, support, small)
            _settle_signs(code, gradient, penalty, support, size, small, value, slope)
            size = _gather(code, gram, support, small)
            _solve_support(code, correlation, penalty, support, size, small, value)
            _refresh(code, correlation, gradient, gram, support, size)
            rounds += 1
    return failures


@njit(cache=True, error_model="numpy", fastmath=_REORDER)
def _sweep(code, gradient, gram, penalty):
    """Coordinate descent, once over all atoms."""
    for j in range(code.size):
        if (code[j] != 0 or abs(gradient[j]) > penalty) and gram[j, j] > 0:
            best = _shrink(gradient[j] + gram[j, j] * code[j], penalty) / gram[j, j]
            change = best - code[j]
            code[j] = best
            for i in range(code.size):
                gradient[i] -= change * gram[j, i]


@njit(cache=True, error_model="numpy")
def _shrink(z, penalty):
    return z - min(max(z, -penalty), penalty)


@njit(cache=True, error_model="numpy")
def _gather(code, gram, support, small):
    """Lists the atoms in use, copies their Gram matrix and returns their number."""
    size = 0
    for j in range(code.size):
        if code[j] != 0:
            support[size] = j
            size += 1
    for p in range(size):
        for r in range(size):
            small[p, r] = gram[support[p], support[r]]
    return size


@njit(cache=True, error_model="numpy", fastmath=_REORDER)
def _settle_signs(code, gradient, penalty, support, size, small, value, slope):
    """Coordinate descent over the atoms in use until two sweeps in turn change no sign."""
    for p in range(size):
        value[p] = code[support[p]]
        slope[p] = gradient[support[p]]
    quiet = 0
    for _ in range(_SUPPORT_SWEEPS):
        quiet += 1
        for p in range(size):
            best = _shrink(slope[p] + small[p, p] * value[p], penalty) / small[p, p]
            change = best - value[p]
            if change != 0:
                if best * value[p] <= 0:
                    quiet = 0
                value[p] = best
                for r in range(size):
                    slope[r] -= change * small[p, r]
        if quiet == 2:
            break
    for p in range(size):
        code[support[p]] = value[p]


@njit(cache=True, error_model="numpy", fastmath=_REORDER)
def _solve_support(code, correlation, penalty, support, size, factor, solution):
    """The exact minimum over the atoms in use, if it has the signs that the code has now.

    Solves G a = D x - penalty sign(a) on the support by Cholesky's method, in place (1 / pivot on
    the diagonal); leaves the code alone where a sign turns or G is singular.
    """
    for p in range(size):
        value = correlation[support[p]] - penalty * np.sign(code[support[p]])
        diagonal = factor[p, p]
        pivot = diagonal
        for r in range(p):
            entry = factor[p, r]
            for u in range(r):
                entry -= factor[p, u] * factor[r, u]
            entry *= factor[r, r]
            factor[p, r] = entry
            pivot -= entry * entry
            value -= entry * solution[r]
        if pivot <= _SINGULAR * diagonal:
            return
        factor[p, p] = 1 / np.sqrt(pivot)
        solution[p] = value * factor[p, p]
    for p in range(size - 1, -1, -1):
        solution[p] *= factor[p, p]
        if solution[p] * code[support[p]] <= 0:
            return
        for u in range(p):
            solution[u] -= factor[p, u] * solution[p]
    for p in range(size):
        code[support[p]] = solution[p]


@njit(cache=True, error_model="numpy", fastmath=_REORDER)
def _refresh(code, correlation, gradient, gram, support, size):
    """The gradient at `code`, afresh, so that rounding does not build up."""
    gradient[:] = correlation
    for p in range(size):
        j = support[p]
        for i in range(code.size):
            gradient[i] -= code[j] * gram[j, i]


@njit(cache=True, error_model="numpy", fastmath=_REORDER)
def _relative_gap(code, correlation, gradient, energy, penalty):
    """The duality gap over |x|^2 / 2, from D x and D r alone, summed in double precision."""
    if energy == 0:
        return 0.0
    explained = 0.0  # a . D x, so that x . r = |x|^2 - explained
    slack = 0.0  # a . D r, so that |r|^2 = x . r - slack
    size = 0.0
    steepest = 0.0
    for j in range(code.size):
        a = np.float64(code[j])
        explained += a * correlation[j]
        slack += a * gradient[j]
        size += abs(a)
        steepest = max(steepest, abs(np.float64(gradient[j])))
    shrink = min(1.0, penalty / steepest) if steepest > 0 else 1.0
    overlap = energy - explained
    residual = overlap - slack
    gap = 0.5 * (1.0 + shrink * shrink) * residual + penalty * size - shrink * overlap
    return gap / (0.5 * energy)
