"""Sensory systems: what makes a neuron spike, and how a model's layers compare with an area."""

from course_utils.sensory_systems._encoding import (
    EncodingFit,
    noise_ceiling,
    noise_corrected_score,
    reliability,
    ridge_encoding,
    simulate_repeats,
)
from course_utils.sensory_systems._similarity import (
    compare_rdms,
    disagreeing_stimuli,
    linear_cka,
    rdm,
)
from course_utils.sensory_systems._spikes import (
    LNPModel,
    bits_per_spike,
    count_spikes,
    fit_lnp,
    lagged_windows,
    spike_triggered_average,
)

__all__ = [
    "EncodingFit",
    "LNPModel",
    "bits_per_spike",
    "compare_rdms",
    "count_spikes",
    "disagreeing_stimuli",
    "fit_lnp",
    "lagged_windows",
    "linear_cka",
    "noise_ceiling",
    "noise_corrected_score",
    "rdm",
    "reliability",
    "ridge_encoding",
    "simulate_repeats",
    "spike_triggered_average",
]
