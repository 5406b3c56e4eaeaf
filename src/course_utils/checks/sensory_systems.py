"""The exercises of `sensory_systems`, in the order of the assignment."""

from course_utils.checks._sensory_systems import (
    noise_corrected_score,
    rdm,
    ridge_encoding,
    spike_triggered_average,
)

PARTS = (
    spike_triggered_average.PART,
    rdm.PART,
    ridge_encoding.PART,
    noise_corrected_score.PART,
)
