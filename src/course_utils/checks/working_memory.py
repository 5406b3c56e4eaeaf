"""The exercises of `working_memory`, in the order of the assignment."""

from course_utils.checks._working_memory import (
    attractor_step,
    cross_temporal_decoding,
    decode_delay,
    fixed_point_step,
)

PARTS = (
    attractor_step.PART,
    fixed_point_step.PART,
    decode_delay.PART,
    cross_temporal_decoding.PART,
)
