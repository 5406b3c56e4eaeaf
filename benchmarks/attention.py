"""Attention without its matrix of weights beside torch's, jax's and NumPy's with it."""

import tracemalloc

import numpy as np
from harness import compare, print_environment, print_table

from course_utils import _compiled
from course_utils.attention import attend

SHAPE = 8, 8, 1024, 64  # batch, heads, length, dimension
LONG = 8192


def main() -> None:
    rng = np.random.default_rng(0)
    query, key, value = (rng.standard_normal(SHAPE, dtype=np.float32) for _ in range(3))
    print_environment("torch", "jax")
    rows = compare(
        f"attention, {' x '.join(map(str, SHAPE))}, float32",
        lambda: attend(query, key, value),
        {
            "course_utils, plain": lambda: lambda: plain_attend(query, key, value),
            "torch SDPA": lambda: torch_attention(query, key, value),
            "jax, jitted": lambda: jax_attention(query, key, value),
            "NumPy, all weights": lambda: lambda: numpy_attention(query, key, value),
        },
        agree=same_output,
        patience=12.0,
    )
    print_table(rows)
    print_memory(rng)


def print_memory(rng) -> None:
    """Peak of what NumPy holds at two lengths: the plain path against all weights."""
    print("\n### Peak memory of one call, one head, float32\n")
    print("| length | attend, plain (MB) | all weights (MB) |\n|---|---|---|")
    for length in (LONG // 4, LONG // 2, LONG):
        arguments = [rng.standard_normal((length, 64), dtype=np.float32) for _ in range(3)]
        peaks = [peak(call, arguments) for call in (plain_attend, numpy_attention)]
        print(f"| {length} | " + " | ".join(f"{bytes_ / 1e6:.1f}" for bytes_ in peaks) + " |")


def peak(call, arguments) -> int:
    tracemalloc.start()
    call(*arguments)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest


def same_output(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 5e-6, difference
    return f"outputs to {difference:.0e}"


def plain_attend(query, key, value):
    load, _compiled.load = _compiled.load, lambda topic: None
    try:
        return attend(query, key, value)
    finally:
        _compiled.load = load


def numpy_attention(query, key, value):
    scores = query @ np.swapaxes(key, -1, -2) / np.float32(np.sqrt(query.shape[-1]))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ value


def torch_attention(query, key, value):
    import torch

    tensors = [torch.from_numpy(x) for x in (query, key, value)]
    return lambda: torch.nn.functional.scaled_dot_product_attention(*tensors).numpy()


def jax_attention(query, key, value):
    import jax

    @jax.jit
    def run(q, k, v):
        scores = q @ k.swapaxes(-1, -2) / np.float32(np.sqrt(q.shape[-1]))
        return jax.nn.softmax(scores) @ v

    arguments = [jax.device_put(x) for x in (query, key, value)]
    return lambda: np.asarray(run(*arguments))


if __name__ == "__main__":
    main()
