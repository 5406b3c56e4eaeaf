"""Credit assignment: small networks, backpropagation, and rules without weight transport."""

from course_utils.credit_assignment.feedback import (
    alignment_angle,
    direct_feedback_alignment_gradients,
    feedback_alignment_gradients,
    init_feedback,
    kolen_pollack_step,
)
from course_utils.credit_assignment.locality import LocalityError, Synapse, local_gradients
from course_utils.credit_assignment.network import (
    Layer,
    backprop_gradients,
    forward,
    init_network,
)
from course_utils.credit_assignment.targets import (
    difference_target_propagation,
    init_inverses,
    propagate_targets,
    reconstruction_gradients,
)
from course_utils.credit_assignment.training import descend, frozen_alignment, train

__all__ = [
    "Layer",
    "LocalityError",
    "Synapse",
    "alignment_angle",
    "backprop_gradients",
    "descend",
    "difference_target_propagation",
    "direct_feedback_alignment_gradients",
    "feedback_alignment_gradients",
    "forward",
    "frozen_alignment",
    "init_feedback",
    "init_inverses",
    "init_network",
    "kolen_pollack_step",
    "local_gradients",
    "propagate_targets",
    "reconstruction_gradients",
    "train",
]
