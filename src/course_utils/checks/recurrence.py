"""The exercises of `recurrence`, in the order of the assignment."""

from course_utils.checks._recurrence import (
    forget_bias,
    gradient_norms,
    lstm_forward,
    rnn_forward,
)

PARTS = (rnn_forward.PART, lstm_forward.PART, gradient_norms.PART, forget_bias.PART)
