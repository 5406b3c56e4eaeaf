"""Working memory: attractors made and trained, memories in synapses, and how to tell them apart.

`line` and `ring` hold a number and an angle by design, `trained` trains networks to, `fixed_points`
finds what a network holds still, `synapses` remembers without firing, `decoding` reads activity.
"""

from course_utils.working_memory.decoding import (
    balanced_folds,
    cross_temporal_decoding,
    decode_delay,
)
from course_utils.working_memory.fixed_points import (
    FixedPoints,
    find_fixed_points,
    fixed_point_step,
    numerical_jacobian,
    time_constant,
)
from course_utils.working_memory.line import line_weights, linear_network, persistence_time
from course_utils.working_memory.ring import (
    Ring,
    RingSimulation,
    attractor_step,
    bump_angle,
    bump_shape,
    bump_state,
    diffusion_constant,
    drift_velocity,
    ring_attractor,
)
from course_utils.working_memory.synapses import (
    Synapse,
    SynapticSimulation,
    synapse_at_rate,
    synaptic_network,
)
from course_utils.working_memory.trained import (
    CUE,
    RateNetwork,
    Trials,
    comparison_task,
    context_task,
    random_network,
    train_network,
)

__all__ = [
    "CUE",
    "FixedPoints",
    "RateNetwork",
    "Ring",
    "RingSimulation",
    "Synapse",
    "SynapticSimulation",
    "Trials",
    "attractor_step",
    "balanced_folds",
    "bump_angle",
    "bump_shape",
    "bump_state",
    "comparison_task",
    "context_task",
    "cross_temporal_decoding",
    "decode_delay",
    "diffusion_constant",
    "drift_velocity",
    "find_fixed_points",
    "fixed_point_step",
    "line_weights",
    "linear_network",
    "numerical_jacobian",
    "persistence_time",
    "random_network",
    "ring_attractor",
    "synapse_at_rate",
    "synaptic_network",
    "time_constant",
    "train_network",
]
