"""The checks of `lif`, one module a part; here what they share."""

import numpy as np

from course_utils.lif import LIFNeuron

# A neuron none of whose constants is 0 or 1, so that leaving one out shows.
OTHER = LIFNeuron(tau_m=0.010, r_m=2.0, v_threshold=1.5, v_reset=0.4, tau_ref=0.004)
UNITS = {
    "current": "A",
    "mean_current": "A",
    "v": "V",
    "sigma_v": "V",
    "refractory_left": "s",
    "dt": "s",
    "duration": "s",
    "rate": "Hz",
}


def draw_neuron(rng: np.random.Generator) -> LIFNeuron:
    """A neuron whose every constant matters."""
    return LIFNeuron(
        tau_m=rng.uniform(0.008, 0.030),
        r_m=rng.uniform(1.5, 3.0),
        v_threshold=rng.uniform(0.8, 1.6),
        v_reset=rng.uniform(0.1, 0.4),
        tau_ref=rng.uniform(0.002, 0.005),
    )
