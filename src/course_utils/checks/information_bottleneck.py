"""The exercises of `information_bottleneck`, in the order of the assignment."""

from course_utils.checks._information_bottleneck import (
    bottleneck_step,
    gaussian_curve,
    mutual_information,
    rate_distortion_step,
)

PARTS = (
    mutual_information.PART,
    rate_distortion_step.PART,
    bottleneck_step.PART,
    gaussian_curve.PART,
)
