"""Where backends and older Kerases keep the axes of a kernel (*kernel_size, channels, filters).

Taps keep their order: where a backend flips them, that is for the harness to see.
"""

from typing import Any, List

import numpy as np


def filters_first(weights: List[Any]) -> List[Any]:
    """The same weights for layers that keep a kernel as (filters, channels, *kernel_size)."""
    return [np.moveaxis(weights[0], (-1, -2), (0, 1)), *weights[1:]]


def filters_last(weights: List[Any]) -> List[Any]:
    """The inverse of `filters_first`."""
    return [np.moveaxis(weights[0], (0, 1), (-1, -2)), *weights[1:]]


def to_keras1(layer: Any, weights: List[Any]) -> List[Any]:
    """The same weights as a built layer of Keras 1 keeps them.

    A kernel of one axis has two there, of which one has length 1: the second, or in Keras 1.0 the last of
    (filters, channels, length, 1).
    """
    if not weights:
        return weights
    if hasattr(layer, "dim_ordering"):
        return filters_first(weights) if layer.dim_ordering == "th" else weights
    if _has_rows_first(layer):
        return [weights[0][:, np.newaxis], *weights[1:]]
    kernel, *bias = filters_first(weights)
    return [kernel[..., np.newaxis], *bias]


def from_keras1(layer: Any, weights: List[Any]) -> List[Any]:
    """The inverse of `to_keras1`."""
    if not weights:
        return weights
    if hasattr(layer, "dim_ordering"):
        return filters_last(weights) if layer.dim_ordering == "th" else weights
    if _has_rows_first(layer):
        return [weights[0][:, 0], *weights[1:]]
    return filters_last([weights[0][..., 0], *weights[1:]])


def _has_rows_first(layer: Any) -> bool:
    length, one, _, filters = layer.W_shape
    return bool((length, one, filters) == (layer.filter_length, 1, layer.nb_filter))
