"""The exercises of `credit_assignment`, in the order of the assignment."""

from course_utils.checks._credit_assignment import (
    backprop_gradients,
    difference_target_propagation,
    feedback_alignment_gradients,
    frozen_alignment,
)

PARTS = (
    backprop_gradients.PART,
    feedback_alignment_gradients.PART,
    difference_target_propagation.PART,
    frozen_alignment.PART,
)
