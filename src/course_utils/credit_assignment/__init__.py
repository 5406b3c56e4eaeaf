"""Credit assignment: small networks, backpropagation, and rules without weight transport."""

from course_utils.credit_assignment.network import (
    Layer,
    backprop_gradients,
    forward,
    init_network,
)

__all__ = ["Layer", "backprop_gradients", "forward", "init_network"]
