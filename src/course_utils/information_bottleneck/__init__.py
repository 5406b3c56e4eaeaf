"""Mutual information, rate-distortion curves and the information bottleneck, all in bits."""

from course_utils.information_bottleneck.clusters import (
    BottleneckCurve,
    bayes_decoder,
    bottleneck_iterations,
    bottleneck_step,
    critical_beta,
    distinct_clusters,
    information_bottleneck,
)
from course_utils.information_bottleneck.codes import (
    RateDistortionCurve,
    rate_distortion,
    rate_distortion_step,
)
from course_utils.information_bottleneck.gaussian import (
    GaussianBottleneck,
    gaussian_bottleneck,
    gaussian_information,
)
from course_utils.information_bottleneck.measures import (
    BinnedInformation,
    binned_information,
    entropy,
    kl_divergence,
    mutual_information,
)

__all__ = [
    "BinnedInformation",
    "BottleneckCurve",
    "GaussianBottleneck",
    "RateDistortionCurve",
    "bayes_decoder",
    "binned_information",
    "bottleneck_iterations",
    "bottleneck_step",
    "critical_beta",
    "distinct_clusters",
    "entropy",
    "gaussian_bottleneck",
    "gaussian_information",
    "information_bottleneck",
    "kl_divergence",
    "mutual_information",
    "rate_distortion",
    "rate_distortion_step",
]
