"""Sparse inference, dictionary learning and FastICA beside scikit-learn, SPAMS and torch."""

import warnings

import numpy as np
from harness import compare, print_environment, print_table

from course_utils import _compiled
from course_utils.sparse_coding import (
    duality_gap,
    fast_ica,
    infer_codes,
    learn_dictionary,
    sample_patches,
    sparse_objective,
    whiten,
)

N_PATCHES, SIDE, N_ATOMS, N_FEW = 50_000, 12, 128, 2_000
N_COMPONENTS, N_ITERATIONS = 64, 10
PENALTY = 1.2


def main() -> None:
    from course_utils.data import load_photographs

    rng = np.random.default_rng(0)
    images = [(image - image.mean()) / image.std() for image in load_photographs().values()]
    patches = sample_patches(images, SIDE, N_PATCHES, rng)
    patches -= patches.mean(axis=1, keepdims=True)
    white, _ = whiten(patches, n_components=100)
    white /= np.linalg.norm(white, axis=1, keepdims=True) / np.sqrt(SIDE**2)
    atoms = learn_dictionary(white[:20_000], N_ATOMS, PENALTY, rng, n_epochs=3).atoms
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    print_environment("scikit-learn", "torch", "spams-bin")

    single, single_atoms = white.astype(np.float32), atoms.astype(np.float32)
    rows = compare(
        f"sparse inference, {N_PATCHES} patches, {N_ATOMS} atoms, float32, gap 1e-5",
        lambda: infer_codes(single, single_atoms, PENALTY),
        {
            "SPAMS, LARS": lambda: spams_lasso(single, single_atoms),
            "course_utils in NumPy": lambda: lambda: in_numpy(single, single_atoms),
        },
        agree=lambda ours, theirs: same_objective(ours, theirs, white, atoms, 1e-4),
        rounds=3,
        patience=6.0,
    )
    print_table(rows)

    few = white[:N_FEW]
    rows = compare(
        f"sparse inference, {N_FEW} patches, {N_ATOMS} atoms, float64, gap 1e-10",
        lambda: infer_codes(few, atoms, PENALTY),
        {
            "scikit-learn, coordinate descent": lambda: sklearn_codes(few, atoms),
            "torch, 300 steps of FISTA": lambda: torch_fista(few, atoms),
            "course_utils in NumPy": lambda: lambda: in_numpy(few, atoms),
        },
        agree=lambda ours, theirs: same_objective(ours, theirs, few, atoms, 1e-4),
        rounds=5,
        patience=8.0,
    )
    print_table(rows)
    gap = duality_gap(rows[0].run(), few, atoms, PENALTY).max()
    print(f"\nThe largest duality gap of ours is {gap:.1e}.")

    some = white[:10_000]
    rows = compare(
        f"dictionary learning, one epoch, {len(some)} patches, {N_ATOMS} atoms, batches of 500",
        lambda: learned_cost(some, our_dictionary(some)),
        {
            "SPAMS": lambda: lambda: learned_cost(some, spams_dictionary(some)),
            "scikit-learn, mini-batches": lambda: (
                lambda: learned_cost(some, sklearn_dictionary(some))
            ),
        },
        agree=near,
        rounds=3,
        patience=8.0,
    )
    print_table(rows)

    for dtype in (np.float64, np.float32):
        typed = patches.astype(dtype)
        rows = compare(
            f"FastICA, {N_PATCHES} patches, {N_COMPONENTS} components, {N_ITERATIONS} iterations, "
            f"{dtype.__name__}",
            lambda typed=typed: our_ica(typed),
            {"scikit-learn": lambda typed=typed: lambda: sklearn_ica(typed)},
            agree=lambda ours, theirs: "both of unit covariance",
            rounds=3,
            patience=12.0,
        )
        print_table(rows)


def same_objective(ours, theirs, patches, atoms, rtol) -> str:
    ours, theirs = (sparse_objective(codes, patches, atoms, PENALTY) for codes in (ours, theirs))
    difference = np.abs(ours / theirs - 1).max()
    assert difference < rtol, difference
    return f"objectives to {difference:.0e}"


def near(ours, theirs) -> str:
    assert abs(theirs / ours - 1) < 0.05, (ours, theirs)
    return f"cost {theirs:.2f} against {ours:.2f}"


def in_numpy(patches, atoms):
    loaded, _compiled.load = _compiled.load, lambda topic: None
    try:
        return infer_codes(patches, atoms, PENALTY)
    finally:
        _compiled.load = loaded


def spams_lasso(patches, atoms):
    import spams

    x, d = np.asfortranarray(patches.T), np.asfortranarray(atoms.T)
    # Its faster form, without Cholesky factors, misses some optima by 1 % in float32.
    options = {"lambda1": PENALTY, "mode": 2, "numThreads": 2, "cholesky": True}
    return lambda: spams.lasso(x, D=d, **options).T.toarray()


def torch_fista(patches, atoms, n_steps=300):
    import torch

    x, d = torch.from_numpy(patches), torch.from_numpy(atoms)
    step = 1.0 / float(torch.linalg.matrix_norm(d, 2)) ** 2

    def run():
        code = ahead = torch.zeros(len(x), len(d), dtype=x.dtype)
        age = 1.0
        for _ in range(n_steps):
            new = torch.nn.functional.softshrink(
                ahead + step * (x - ahead @ d) @ d.T, step * PENALTY
            )
            older, age = age, 0.5 + (0.25 + age**2) ** 0.5
            ahead = new + (older - 1) / age * (new - code)
            code = new
        return code.numpy()

    return run


def sklearn_codes(patches, atoms):
    from sklearn.decomposition import sparse_encode

    return lambda: sparse_encode(
        patches, atoms, algorithm="lasso_cd", alpha=PENALTY, max_iter=10_000
    )


def learned_cost(patches, atoms):
    """Mean objective over some patches, with atoms of norm at most 1."""
    atoms = atoms / np.maximum(np.linalg.norm(atoms, axis=1, keepdims=True), 1.0)
    codes = infer_codes(patches[:1000], atoms, PENALTY, tol=1e-4)
    return sparse_objective(codes, patches[:1000], atoms, PENALTY).mean()


def our_dictionary(patches):
    return learn_dictionary(
        patches, N_ATOMS, PENALTY, np.random.default_rng(1), n_epochs=1, batch_size=500
    ).atoms


def spams_dictionary(patches):
    import spams

    return spams.trainDL(
        np.asfortranarray(patches.T),
        D=np.asfortranarray(start_atoms(patches.shape[1]).T),
        lambda1=PENALTY,
        batchsize=500,
        iter=len(patches) // 500,
        numThreads=2,
        verbose=False,
    ).T


def sklearn_dictionary(patches):
    from sklearn.decomposition import MiniBatchDictionaryLearning

    model = MiniBatchDictionaryLearning(
        N_ATOMS,
        alpha=PENALTY,
        batch_size=500,
        max_iter=1,
        fit_algorithm="cd",
        random_state=1,
        dict_init=start_atoms(patches.shape[1]),
    )
    return model.fit(patches).components_


def start_atoms(n_pixels):
    atoms = np.random.default_rng(1).standard_normal((N_ATOMS, n_pixels))
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


def our_ica(patches):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rng = np.random.default_rng(2)
        return fast_ica(patches, N_COMPONENTS, rng, tol=1e-12, max_iterations=N_ITERATIONS)


def sklearn_ica(patches):
    from sklearn.decomposition import FastICA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FastICA(
            N_COMPONENTS,
            whiten="unit-variance",
            whiten_solver="eigh",
            tol=1e-12,
            max_iter=N_ITERATIONS,
            random_state=2,
        ).fit_transform(patches)


if __name__ == "__main__":
    main()
