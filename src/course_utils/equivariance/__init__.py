"""Convolution, pooling and what they do to a shift: layers, Gabor energy, and measured errors."""

from course_utils.equivariance._errors import (
    conv_equivariance_errors,
    equivariance_error,
    invariance_error,
)
from course_utils.equivariance._gabor import gabor, gabor_energy, modulation_ratio
from course_utils.equivariance._layers import (
    anti_aliased_max_pool,
    average_pool,
    blur_pool,
    conv2d,
    fractional_shift,
    global_average_pool,
    max_pool,
    shift,
)

__all__ = [
    "anti_aliased_max_pool",
    "average_pool",
    "blur_pool",
    "conv2d",
    "conv_equivariance_errors",
    "equivariance_error",
    "fractional_shift",
    "gabor",
    "gabor_energy",
    "global_average_pool",
    "invariance_error",
    "max_pool",
    "modulation_ratio",
    "shift",
]
