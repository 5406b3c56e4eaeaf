"""The exercises of `predictive_coding`, in the order of the assignment."""

from course_utils.checks._predictive_coding import inference_step, learning, schedule

PARTS = (inference_step.PART, learning.PART, schedule.PART)
