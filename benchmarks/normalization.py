"""Divisive normalization beside plain NumPy and torch, on a batch of feature maps."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.normalization import divisive_normalization

SHAPE = (64, 32, 64, 64)
SIGMA = 0.5


def main() -> None:
    drive = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    print_environment("torch", "jax")
    rows = compare(
        f"divisive normalization over the last axis, {'x'.join(map(str, SHAPE))}, float32",
        lambda: divisive_normalization(drive, SIGMA),
        {
            "NumPy": lambda: lambda: drive / (SIGMA + np.abs(drive).sum(axis=-1, keepdims=True)),
            "torch": lambda: torch_division(drive, 1),
            "jax, jitted": lambda: jax_division(drive),
        },
        agree=same_responses,
    )
    print_table(rows)
    rows = compare(
        "the same with exponent 2",
        lambda: divisive_normalization(drive, SIGMA, exponent=2.0),
        {
            "NumPy": lambda: lambda: numpy_squared(drive),
            "torch": lambda: torch_division(drive, 2),
            "torch, local response normalization times the drive": lambda: torch_local(drive),
        },
        agree=same_responses,
    )
    print_table(rows)


def same_responses(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-5, difference
    return f"responses to {difference:.0e}"


def numpy_squared(drive):
    energy = drive * drive
    pool = np.float32(SIGMA**2) + energy.sum(axis=-1, keepdims=True)
    return np.copysign(energy, drive) / pool


def torch_division(drive, exponent):
    import torch

    tensor = torch.from_numpy(drive)

    def first():
        return (tensor / (SIGMA + tensor.abs().sum(-1, keepdim=True))).numpy()

    def second():
        energy = tensor * tensor
        pool = SIGMA**2 + energy.sum(-1, keepdim=True)
        return (tensor * tensor.abs() / pool).numpy()

    return first if exponent == 1 else second


def torch_local(drive):
    """z / (k + sum of z²) over a window of channels that holds them all, times z."""
    import torch

    n = drive.shape[-1]
    columns = torch.from_numpy(drive.reshape(-1, n, 1))
    settings = {"size": 2 * n - 1, "alpha": 2.0 * n - 1, "beta": 1.0, "k": SIGMA**2}

    def run():
        divided = torch.nn.functional.local_response_norm(columns, **settings)
        return (divided * columns.abs()).numpy().reshape(drive.shape)

    return run


def jax_division(drive):
    import jax
    import jax.numpy as jnp

    run = jax.jit(lambda z: z / (SIGMA + jnp.abs(z).sum(axis=-1, keepdims=True)))
    on_device = jax.device_put(drive)
    return lambda: np.asarray(run(on_device))


if __name__ == "__main__":
    main()
