"""The exercises of `attention`, in the order of the assignment."""

from course_utils.checks._attention import dot_product, feature_gain, online_step, softmax

PARTS = (softmax.PART, dot_product.PART, feature_gain.PART, online_step.PART)
