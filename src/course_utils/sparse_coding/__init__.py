"""Natural images, sparse coding and independent components: statistics, codes, filters."""

from course_utils.sparse_coding.codes import (
    Dictionary,
    duality_gap,
    infer_codes,
    ista_step,
    learn_dictionary,
    sparse_objective,
)
from course_utils.sparse_coding.filters import (
    excess_kurtosis,
    localization,
    orientation_selectivity,
)
from course_utils.sparse_coding.gabors import GaborFit, fit_gabor, gabor
from course_utils.sparse_coding.ica import fast_ica, fast_ica_step
from course_utils.sparse_coding.images import (
    dead_leaves,
    phase_scramble,
    radial_power_spectrum,
    sample_patches,
    spectral_slope,
    whiten,
)

__all__ = [
    "Dictionary",
    "GaborFit",
    "dead_leaves",
    "duality_gap",
    "excess_kurtosis",
    "fast_ica",
    "fast_ica_step",
    "fit_gabor",
    "gabor",
    "infer_codes",
    "ista_step",
    "learn_dictionary",
    "localization",
    "orientation_selectivity",
    "phase_scramble",
    "radial_power_spectrum",
    "sample_patches",
    "sparse_objective",
    "spectral_slope",
    "whiten",
]
