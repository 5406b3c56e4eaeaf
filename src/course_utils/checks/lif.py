"""The exercises of `lif`, in the order of the assignment."""

from course_utils.checks._lif import (
    firing_rate,
    membrane_step,
    noisy_firing_rate,
    spiking_readout,
)

PARTS = (firing_rate.PART, membrane_step.PART, noisy_firing_rate.PART, spiking_readout.PART)
