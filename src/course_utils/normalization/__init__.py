"""Normalization as gain control: divisive, batch, layer and group, and the redundancy removed."""

from course_utils.normalization._contrast import (
    NakaRushtonFit,
    fit_naka_rushton,
    naka_rushton,
)
from course_utils.normalization._divisive import divisive_normalization
from course_utils.normalization._redundancy import Dependence, dependence, fit_pool_weights
from course_utils.normalization._standardize import (
    batch_norm,
    group_norm,
    layer_norm,
    stored_batch_norm,
)

__all__ = [
    "Dependence",
    "NakaRushtonFit",
    "batch_norm",
    "dependence",
    "divisive_normalization",
    "fit_naka_rushton",
    "fit_pool_weights",
    "group_norm",
    "layer_norm",
    "naka_rushton",
    "stored_batch_norm",
]
