"""RDMs beside NumPy, SciPy and rsatoolbox; nested ridge encoding beside scikit-learn's Ridge."""

import numpy as np
from harness import compare, print_environment, print_table

from course_utils.sensory_systems import rdm, ridge_encoding

N_STIMULI, N_FEATURES = 1000, 5000
ALPHAS, N_FOLDS = np.logspace(-2, 4, 7), 5


def main() -> None:
    print_environment("scikit-learn", "rsatoolbox")
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        responses = rng.standard_normal((N_STIMULI, N_FEATURES)).astype(dtype)
        rows = compare(
            f"RDM, {N_STIMULI} stimuli, {N_FEATURES} features, correlation, {dtype.__name__}",
            lambda responses=responses: rdm(responses),
            {
                "NumPy matmul": lambda responses=responses: lambda: numpy_rdm(responses),
                "NumPy corrcoef": lambda responses=responses: lambda: corrcoef_rdm(responses),
                "SciPy pdist": lambda responses=responses: scipy_rdm(responses),
                "rsatoolbox": lambda responses=responses: rsatoolbox_rdm(responses),
            },
            agree=same_dissimilarities,
            rounds=7,
            patience=8.0,
        )
        print_table(rows)

    features = rng.standard_normal((300, 256))
    responses = features[:, :8] @ rng.standard_normal((8, 50)) + rng.standard_normal((300, 50))
    rows = compare(
        "nested ridge, 300 stimuli, 256 features, 50 units, 7 penalties, 5 folds",
        lambda: ridge(features, responses),
        {"scikit-learn Ridge, nested by hand": lambda: sklearn_ridge(features, responses)},
        agree=same_scores,
        rounds=5,
        patience=10.0,
    )
    print_table(rows)


def same_dissimilarities(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-5, difference
    return f"to {difference:.0e}"


def same_scores(ours, theirs) -> str:
    difference = np.abs(ours - theirs).max()
    assert difference < 1e-9, difference
    return f"r to {difference:.0e}"


def numpy_rdm(responses):
    z = responses - responses.mean(axis=1, keepdims=True)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return (1 - z @ z.T)[np.triu_indices(len(z), 1)]


def corrcoef_rdm(responses):
    return (1 - np.corrcoef(responses))[np.triu_indices(len(responses), 1)]


def scipy_rdm(responses):
    from scipy.spatial.distance import pdist

    return lambda: pdist(responses, "correlation")


def rsatoolbox_rdm(responses):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    dataset = Dataset(responses)
    return lambda: calc_rdm(dataset, method="correlation").dissimilarities[0]


def ridge(features, responses):
    rng = np.random.default_rng(1)
    return ridge_encoding(features, responses, alphas=ALPHAS, n_folds=N_FOLDS, rng=rng).r


def sklearn_ridge(features, responses):
    from sklearn.linear_model import Ridge

    def run():
        folds = np.array_split(np.random.default_rng(1).permutation(len(features)), N_FOLDS)
        r = np.zeros(responses.shape[1])
        for fold in folds:
            others = [other for other in folds if other is not fold]
            loss = np.zeros((len(ALPHAS), responses.shape[1]))
            for other in others:
                train = np.concatenate([f for f in others if f is not other])
                for i, alpha in enumerate(ALPHAS):
                    model = Ridge(alpha=alpha).fit(features[train], responses[train])
                    loss[i] += ((model.predict(features[other]) - responses[other]) ** 2).sum(0)
            train = np.concatenate(others)
            model = Ridge(alpha=ALPHAS[loss.argmin(axis=0)]).fit(features[train], responses[train])
            p, y = model.predict(features[fold]), responses[fold]
            r += [np.corrcoef(p[:, u], y[:, u])[0, 1] / N_FOLDS for u in range(len(r))]
        return r

    return run


if __name__ == "__main__":
    main()
