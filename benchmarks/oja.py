"""Oja's and Sanger's rules beside scikit-learn's PCA and their own loops in NumPy and jax."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.oja import oja_rule, sanger_rule

N_INPUTS = 256
OJA_SAMPLES, OJA_RATE = 100_000, 1e-3
SANGER_SAMPLES, SANGER_OUTPUTS, SANGER_RATE = 20_000, 16, 1e-3


def main() -> None:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((N_INPUTS, N_INPUTS)))[0].astype(np.float32)
    deviations = (1 / np.arange(1, N_INPUTS + 1)).astype(np.float32)
    white = rng.standard_normal((OJA_SAMPLES, N_INPUTS), dtype=np.float32)
    inputs = (white * deviations) @ axes
    print_environment("scikit-learn", "jax")

    w0 = (rng.standard_normal(N_INPUTS) / np.sqrt(N_INPUTS)).astype(np.float32)
    rows = compare(
        f"Oja, {OJA_SAMPLES} samples, {N_INPUTS} inputs, float32, one pass",
        lambda: oja_rule(inputs, w0, OJA_RATE),
        {
            "scikit-learn PCA, covariance_eigh": lambda: sklearn_pca(inputs),
            "jax, jitted scan": lambda: jax_oja(inputs, w0),
            "NumPy loop": lambda: lambda: numpy_oja(inputs, w0),
        },
        agree=same_direction,
    )
    print_table(rows)

    few = inputs[:SANGER_SAMPLES]
    weights = rng.standard_normal((SANGER_OUTPUTS, N_INPUTS)) / np.sqrt(N_INPUTS)
    weights = weights.astype(np.float32)
    rows = compare(
        f"Sanger, {SANGER_SAMPLES} samples, {N_INPUTS} inputs, {SANGER_OUTPUTS} outputs, float32",
        lambda: sanger_rule(few, weights, SANGER_RATE),
        {
            "jax, jitted scan": lambda: jax_sanger(few, weights),
            "NumPy loop": lambda: lambda: numpy_sanger(few, weights),
        },
        agree=same_weights,
    )
    print_table(rows)


def same_weights(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-4, difference
    return f"weights to {difference:.0e}"


def same_direction(ours, theirs) -> str:
    """Rules give the same weights; PCA, which has no order of samples, the same direction."""
    if not np.isclose(np.linalg.norm(theirs), 1, atol=1e-5):
        return same_weights(ours, theirs)
    cosine = abs(ours @ theirs) / np.linalg.norm(ours)
    assert cosine > 0.999, cosine
    return f"cosine {cosine:.5f}"


def numpy_oja(inputs, w0):
    w = w0.copy()
    for x in inputs:
        y = w @ x
        w += OJA_RATE * y * (x - y * w)
    return w


def numpy_sanger(inputs, weights):
    weights = weights.copy()
    for x in inputs:
        y = weights @ x
        weights += SANGER_RATE * (np.outer(y, x) - np.tril(np.outer(y, y)) @ weights)
    return weights


def sklearn_pca(inputs):
    from sklearn.decomposition import PCA

    return lambda: PCA(1, svd_solver="covariance_eigh").fit(inputs).components_[0]


def jax_oja(inputs, w0):
    def step(w, x):
        y = w @ x
        return w + OJA_RATE * y * (x - y * w), None

    return jax_pass(step, inputs, w0)


def jax_sanger(inputs, weights):
    import jax.numpy as jnp

    def step(weights, x):
        y = weights @ x
        decay = jnp.tril(jnp.outer(y, y)) @ weights
        return weights + SANGER_RATE * (jnp.outer(y, x) - decay), None

    return jax_pass(step, inputs, weights)


def jax_pass(step, inputs, start):
    """The call that scans `step` over inputs that already lie on jax's side."""
    import jax

    run = jax.jit(lambda start, inputs: jax.lax.scan(step, start, inputs)[0])
    start, inputs = jax.device_put(start), jax.device_put(inputs)
    return lambda: np.asarray(run(start, inputs))


if __name__ == "__main__":
    main()
