"""Attention: dot products and softmax, the posterior they can be, and gains of tuned neurons."""

from course_utils.attention._dot_product import (
    attend,
    item_posterior,
    online_softmax_step,
    scaled_dot_product_attention,
    softmax,
)
from course_utils.attention._gain import attended_normalization, feature_gain

__all__ = [
    "attend",
    "attended_normalization",
    "feature_gain",
    "item_posterior",
    "online_softmax_step",
    "scaled_dot_product_attention",
    "softmax",
]
