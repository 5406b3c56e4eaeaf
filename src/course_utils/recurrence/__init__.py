"""Recurrent networks: plain and gated cells, what a linear one remembers, and how states diverge.

`cells` runs the networks, `memory` says what the weights alone decide, `stability` follows small
changes through time, and `tasks` makes the benchmark that needs a memory.
"""

from course_utils.recurrence.cells import (
    GatedWeights,
    forget_bias,
    forget_gates,
    gru_forward,
    lstm_forward,
    rnn_forward,
)
from course_utils.recurrence.memory import memory_curve, random_weights, time_scales
from course_utils.recurrence.stability import (
    gradient_norms,
    lyapunov_exponents,
    mean_field_exponent,
)
from course_utils.recurrence.tasks import ADDING_BASELINE, adding_problem

__all__ = [
    "ADDING_BASELINE",
    "GatedWeights",
    "adding_problem",
    "forget_bias",
    "forget_gates",
    "gradient_norms",
    "gru_forward",
    "lstm_forward",
    "lyapunov_exponents",
    "mean_field_exponent",
    "memory_curve",
    "random_weights",
    "rnn_forward",
    "time_scales",
]
