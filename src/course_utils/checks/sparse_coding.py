"""The exercises of `sparse_coding`, in the order of the assignment."""

from course_utils.checks._sparse_coding import (
    fast_ica_step,
    ista_step,
    lay_leaves,
    spectral_slope,
)

PARTS = (spectral_slope.PART, ista_step.PART, fast_ica_step.PART, lay_leaves.PART)
