"""The bottleneck's iterations beside the same ones in NumPy, torch and embo, from equal starts."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.information_bottleneck import bottleneck_iterations

N_X, N_Y, N_CLUSTERS, N_BETAS, N_ITERATIONS = 128, 32, 32, 50, 100


def main() -> None:
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.full(N_Y, 0.3), N_X) / N_X
    betas = np.geomspace(1, 50, N_BETAS)
    starts = rng.dirichlet(np.ones(N_CLUSTERS), (N_BETAS, N_X))
    print_environment("torch", "embo")
    rows = compare(
        f"{N_ITERATIONS} iterations, {N_X} x {N_Y}, {N_CLUSTERS} clusters, {N_BETAS} betas",
        lambda: bottleneck_iterations(starts, joint, betas, N_ITERATIONS),
        {
            "torch, batched over betas": lambda: torch_batched(joint, betas, starts),
            "NumPy, one beta after another": lambda: lambda: numpy_loop(joint, betas, starts),
            "embo's update": lambda: embo_loop(joint, betas, starts),
        },
        agree=lambda ours, theirs: same_informations(joint, ours, theirs),
    )
    print_table(rows)


def same_informations(joint, ours, theirs) -> str:
    """I(X;T) and I(T;Y) in bits: the encoders of clusters that died may differ by rounding."""
    p_x = joint.sum(axis=1)
    difference = 0.0
    for one, other in zip(ours, theirs, strict=True):
        for table in (lambda e: p_x[:, None] * e, lambda e: joint.T @ e):
            difference = max(difference, abs(bits(table(one)) - bits(table(other))))
    assert difference < 1e-8, difference
    return f"informations to {difference:.0e} bits"


def bits(table) -> float:
    seen = table > 0
    independent = np.outer(table.sum(axis=1), table.sum(axis=0))
    return (table[seen] * np.log2(table[seen] / independent[seen])).sum()


def numpy_loop(joint, betas, starts):
    """As one writes it: matrix products, logarithms and exponentials of whole arrays."""
    p_x = joint.sum(axis=1)
    p_y_given_x = joint / p_x[:, None]
    encoders = starts.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for b, beta in enumerate(betas):
            encoder = encoders[b]
            for _ in range(N_ITERATIONS):
                cluster_joint = joint.T @ encoder
                p_t = cluster_joint.sum(axis=0)
                log_decoder = np.log(cluster_joint / p_t)
                logits = np.log(p_t) + beta * (p_y_given_x @ log_decoder)
                logits = np.nan_to_num(logits, nan=-np.inf)
                encoder = np.exp(logits - logits.max(axis=1, keepdims=True))
                encoder /= encoder.sum(axis=1, keepdims=True)
            encoders[b] = encoder
    return encoders


def torch_batched(joint, betas, starts):
    import torch

    joint, betas, starts = map(torch.from_numpy, (joint, betas, starts))
    p_y_given_x = joint / joint.sum(dim=1, keepdim=True)

    def run():
        encoders = starts
        for _ in range(N_ITERATIONS):
            cluster_joint = joint.T @ encoders
            log_p_t = cluster_joint.sum(dim=1, keepdim=True).clamp_min(1e-300).log()
            log_decoder = cluster_joint.clamp_min(1e-300).log() - log_p_t
            logits = log_p_t + betas[:, None, None] * (p_y_given_x @ log_decoder)
            encoders = torch.softmax(logits, dim=2)
        return encoders.numpy()

    return run


def embo_loop(joint, betas, starts):
    """embo's iteration with its own divergence, in bits, which makes its beta ours times ln 2."""
    from embo.utils import kl_divergence

    p_x = joint.sum(axis=1)
    p_y_given_x = (joint / p_x[:, None]).T

    def run():
        encoders = starts.copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            for b, beta in enumerate(betas * np.log(2)):
                for _ in range(N_ITERATIONS):
                    p_t = p_x @ encoders[b]
                    decoder = joint.T @ encoders[b] / p_t
                    divergence = kl_divergence(p_y_given_x[:, :, None], decoder[:, None, :])
                    encoders[b] = p_t * np.exp(-beta * divergence)
                    encoders[b] /= encoders[b].sum(axis=1, keepdims=True)
        return encoders

    return run


if __name__ == "__main__":
    main()
