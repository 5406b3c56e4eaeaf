"""Predictive coding: inference that settles, local learning, its conditions, and perception."""

from course_utils.predictive_coding.generative import Causes, learn_causes, linear_free_energy
from course_utils.predictive_coding.inference import (
    Inference,
    free_energy,
    infer,
    infer_causes,
    inference_step,
    predict,
)
from course_utils.predictive_coding.learning import (
    energy_gradients,
    fixed_prediction_gradients,
    output_covariance,
    predictive_coding_gradients,
    z_il_gradients,
)
from course_utils.predictive_coding.oddball import (
    Mismatch,
    adapted_responses,
    mismatch_responses,
    posterior,
)

__all__ = [
    "Causes",
    "Inference",
    "Mismatch",
    "adapted_responses",
    "energy_gradients",
    "fixed_prediction_gradients",
    "free_energy",
    "infer",
    "infer_causes",
    "inference_step",
    "learn_causes",
    "linear_free_energy",
    "mismatch_responses",
    "output_covariance",
    "posterior",
    "predict",
    "predictive_coding_gradients",
    "z_il_gradients",
]
