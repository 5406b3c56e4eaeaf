"""The exercises of `normalization`, in the order of the assignment."""

from course_utils.checks._normalization import (
    batch_norm,
    divisive_normalization,
    group_norm,
    naka_rushton,
)

PARTS = (divisive_normalization.PART, batch_norm.PART, naka_rushton.PART, group_norm.PART)
