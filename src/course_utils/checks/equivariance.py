"""The exercises of `equivariance`, in the order of the assignment."""

from course_utils.checks._equivariance import (
    anti_aliased_max_pool,
    conv2d,
    equivariance_error,
    max_pool,
)

PARTS = (conv2d.PART, equivariance_error.PART, max_pool.PART, anti_aliased_max_pool.PART)
