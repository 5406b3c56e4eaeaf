"""The equivariance error of a convolution at every shift of an image, beside torch and others."""

import numpy as np
from harness import compare, print_environment, print_table
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.equivariance import conv_equivariance_errors

SIZE, N_FILTERS, KERNEL = 64, 16, 5
MARGIN = KERNEL // 2
ALL = [(dy, dx) for dy in range(SIZE) for dx in range(SIZE)]


def main() -> None:
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, SIZE, SIZE)).astype(np.float32)
    kernels = rng.standard_normal((N_FILTERS, 1, KERNEL, KERNEL)).astype(np.float32)
    print_environment("torch")
    rows = compare(
        f"{SIZE**2} shifts of {SIZE} x {SIZE}, {N_FILTERS} filters {KERNEL} x {KERNEL}, float32",
        lambda: conv_equivariance_errors(image, kernels),
        {
            "course_utils, float64": lambda: (
                lambda: conv_equivariance_errors(image.astype(float), kernels.astype(float))
            ),
            "torch, a row of shifts a call": lambda: torch_rows(image, kernels),
            "torch, one shift a call": lambda: torch_one_by_one(image, kernels),
            "NumPy, one shift a call": lambda: lambda: numpy_one_by_one(image, kernels),
            "scipy.fft, one shift a call": lambda: lambda: fft_one_by_one(image, kernels),
        },
        agree=both_tiny,
        rounds=5,
        patience=12.0,
    )
    print_table(rows)


def torch_rows(image, kernels):
    """64 shifted copies at a time: torch is fastest with a batch."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    x, w = torch.tensor(image), torch.tensor(kernels)

    def respond(batch):
        return F.conv2d(F.pad(batch, (MARGIN,) * 4, mode="circular"), w)

    def run():
        errors = np.empty((SIZE, SIZE))
        with torch.inference_mode():
            first = respond(x[None])[0]
            for dy in range(SIZE):
                batch = torch.stack([x.roll((dy, dx), (1, 2)) for dx in range(SIZE)])
                moved = torch.stack([first.roll((dy, dx), (1, 2)) for dx in range(SIZE)])
                errors[dy] = (respond(batch) - moved).flatten(1).norm(dim=1) / first.norm()
        return errors

    return run


def torch_one_by_one(image, kernels):
    import torch
    from torch.nn import functional as F  # noqa: N812

    x, w = torch.tensor(image)[None], torch.tensor(kernels)

    def respond(x):
        return F.conv2d(F.pad(x, (MARGIN,) * 4, mode="circular"), w)

    def run():
        with torch.inference_mode():
            first = respond(x)
            errors = [
                (respond(x.roll(s, (2, 3))) - first.roll(s, (2, 3))).norm() / first.norm()
                for s in ALL
            ]
        return np.reshape(errors, (SIZE, SIZE))

    return run


def numpy_one_by_one(image, kernels):
    weights = kernels.reshape(N_FILTERS, -1)

    def respond(x):
        padded = np.pad(x, MARGIN, mode="wrap")
        patches = sliding_window_view(padded, (KERNEL, KERNEL))
        columns = patches.transpose(2, 3, 0, 1).reshape(KERNEL**2, -1)
        return (weights @ columns).reshape(N_FILTERS, SIZE, SIZE)

    return errors_one_by_one(image[0], respond)


def fft_one_by_one(image, kernels):
    from scipy import fft

    padded = np.zeros((N_FILTERS, SIZE, SIZE), np.float32)
    padded[:, :KERNEL, :KERNEL] = kernels[:, 0]
    padded = np.roll(padded, (-MARGIN, -MARGIN), axis=(1, 2))
    spectrum = np.conj(fft.rfft2(padded))

    def respond(x):
        return fft.irfft2(fft.rfft2(x) * spectrum, s=(SIZE, SIZE), workers=2)

    return errors_one_by_one(image[0], respond)


def errors_one_by_one(x, respond):
    first = respond(x)
    norm = np.linalg.norm(first)
    errors = [
        np.linalg.norm(respond(np.roll(x, s, (0, 1))) - np.roll(first, s, (1, 2))) / norm
        for s in ALL
    ]
    return np.reshape(errors, (SIZE, SIZE))


def both_tiny(ours, theirs) -> str:
    largest = max(ours.max(), theirs.max())
    assert largest < 1e-6, largest
    return f"all errors below {largest:.0e}"


if __name__ == "__main__":
    main()
